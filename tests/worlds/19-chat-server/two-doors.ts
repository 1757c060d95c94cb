/** A real server with both doors, and people who come through either. */

import type { Client } from '../../harness/client.ts'
import type { HostedServer } from '../../harness/hosted-server.ts'
import type { Stage } from '../../judge/step.ts'
import { type ChatMessage, chatFrame, fits, inShort } from '../../protocols/chat.ts'
import { expectFrameThat } from '../../protocols/frames.ts'
import { clientText, expectFrameOf, expectHead, openWebSocket } from '../../protocols/websocket.ts'
import { enter, onFolder, register } from '../chat-accounts.ts'

const CHAPTER = '19-chat-server'

/**
 * The server without its lookout: then it measures nothing, which later steps write. It has few connections, or else it
 * warns wherever few descriptors are allowed.
 */
export function optionsOn(data: string) {
  const limits = { maxConnections: 100, saysPerSecond: 1_000 }
  return { ...onFolder(data), ...limits, metricsPort: 'off', logLevel: 'warn' }
}

export async function expectOneChat(stage: Stage, data: string): Promise<void> {
  const { connect, expectSame, serve } = stage
  const server = await serve(CHAPTER, optionsOn(data))
  const web = await webDoorOf(server)
  const adas = await register(stage, server, 'ada')
  const bobs = await register(stage, server, 'bob')
  const ada = await enter(stage, server, 'ada', adas)
  const bob = await connect(web, 'bob')
  const origin = `http://127.0.0.1:${web.port}`
  await openWebSocket(bob, web.port, '/chat', {
    Origin: origin,
    Cookie: `session=${bobs}`,
    'Sec-WebSocket-Protocol': 'chat.v1',
  })
  await bob.send(clientText(JSON.stringify({ id: 1, type: 'hello', version: 1 })))
  await hearWeb(
    bob,
    { type: 'welcome', id: 1, name: 'bob' },
    {
      because: 'His cookie came with the handshake, and from our own page.',
      likely:
        'open: (connection, timers) => new ChatWebSocket(connection, chat, whoAsks(request, timers)).',
      look: 'web.webHandler()',
    },
  )
  await bob.send(clientText(JSON.stringify({ id: 2, type: 'join', room: 'hall' })))
  await hearWeb(
    bob,
    { type: 'joined', id: 2, members: ['ada', 'bob'] },
    {
      because: 'ada came through the other door, and is in the same room.',
      likely: 'There is one chat. Both doors serve it.',
      look: ['doors.openDoors()', 'web.webHandler()'],
    },
  )
  await hearFrames(
    ada,
    { type: 'member', name: 'bob', is: 'here' },
    {
      because: 'bob has joined her room, whichever door he came through.',
    },
  )

  const cyds = await register(stage, server, 'cyd')
  const cyd = await connect(web, 'cyd')
  await openWebSocket(cyd, web.port, '/chat', {
    Origin: origin,
    Cookie: `session=${cyds}`,
    'Sec-WebSocket-Protocol': 'chat.v1',
  })
  await cyd.send(clientText(JSON.stringify({ id: 1, type: 'hello', version: 1 })))
  await hearWeb(
    cyd,
    { type: 'welcome', id: 1, name: 'cyd' },
    {
      because: 'cyd has a cookie and a connection of her own, which have nothing to do with bob’s.',
      likely: 'Make a ChatWebSocket for each connection, and call whoAsks() for each request.',
      look: 'web.webHandler()',
    },
  )

  await ada.send(chatFrame({ id: 3, type: 'say', room: 'hall', text: 'Grüße, bob! 👋' }))
  await hearFrames(ada, { type: 'said', id: 3, number: 1 }, { because: 'ada is in the room.' })
  const said = { type: 'message', number: 1, name: 'ada' }
  const throughFrames = await hearFrames(ada, said, {
    because: 'ada is sent her own message, too.',
  })
  const throughWeb = await hearWeb(bob, said, { because: 'bob is in the same room.' })
  expectSame('what bob was sent', throughWeb, throughFrames, {
    because: 'The text is the same through both doors, character by character: it is made once.',
    look: 'web.webHandler()',
  })
  await bob.send(clientText(JSON.stringify({ id: 3, type: 'say', room: 'hall', text: 'Hi!' })))
  await hearWeb(
    bob,
    { type: 'said', id: 3, number: 2 },
    { because: 'There is one room, so the numbers go on.' },
  )
  const answered = { type: 'message', number: 2, name: 'bob', text: 'Hi!' }
  await hearWeb(bob, answered, { because: 'bob is sent his own message, too.' })
  await hearFrames(ada, answered, { because: 'ada is in the same room.' })

  const eve = await connect(web, 'eve')
  await eve.send(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${web.port}\r\nConnection: close\r\n\r\n`)
  await expectHead(eve, 200, {
    because: 'The page is at the web door, too.',
    look: 'web.webHandler()',
  })
  eve.leave()

  ada.leave()
  bob.leave()
  cyd.leave()
}

/** The same server, at the port that is not for frames. */
export async function webDoorOf(server: HostedServer): Promise<HostedServer> {
  const others = (await server.listening()).filter(({ port }) => port !== server.port)
  return server.through(others[0].port)
}

type Reason = Parameters<typeof expectFrameOf>[3]

async function hearFrames(client: Client, message: ChatMessage, reason: Reason): Promise<string> {
  return expectFrameThat(client, inShort(message), (text) => isSuch(text, message), reason)
}

async function hearWeb(client: Client, message: ChatMessage, reason: Reason): Promise<string> {
  const isExpected = (payload: Buffer) => isSuch(payload.toString(), message)
  const what = `a text frame with ${inShort(message)}`
  return (await expectFrameOf(client, 'text', isExpected, reason, what)).toString()
}

function isSuch(text: string, message: ChatMessage): boolean {
  try {
    return fits(JSON.parse(text), message)
  } catch {
    return false
  }
}
