/** The server of chapter 18 on real sockets: handshakes, messages and goodbyes. */

import { pattern } from '../../harness/client.ts'
import type { Stage } from '../../judge/step.ts'
import {
  clientClose,
  clientFrame,
  clientText,
  expectClose,
  expectFrameOf,
  expectHead,
  openWebSocket,
  upgradeRequest,
} from '../../protocols/websocket.ts'

/** The whole of it, through a handshake, on a socket. */
export async function expectRealServer({ connect, expect, serve }: Stage): Promise<void> {
  const server = await serve('18-websocket', { goodbyeMs: 200 })
  const [ada, bob] = [await connect(server), await connect(server)]
  await openWebSocket(ada, server.port, '/echo')
  await ada.send(
    Buffer.concat([
      clientFrame('text', 'hel', { isFinal: false }),
      clientFrame('ping', 'p'),
      clientFrame('continuation', 'lo'),
    ]),
    { cut: 'byte by byte' },
  )
  await expectFrameOf(ada, 'pong', 'p', { because: 'Control frames are answered at once.' })
  await expectFrameOf(ada, 'text', 'hello', { because: 'Both fragments have arrived.' })
  const large = pattern(0, 1_000_000)
  await ada.send(clientFrame('binary', large))
  await expectFrameOf(ada, 'binary', large, { because: '/echo sends everything back.' })
  await ada.send(clientClose(1000, 'bye'))
  await expectClose(ada, 1000, { because: 'The server sends the code back.' })
  await ada.halfClose()

  await openWebSocket(bob, server.port, '/echo')
  await bob.send(Buffer.concat([clientFrame('text', Buffer.of(0xff), { length: 100_000 })]))
  await expectClose(bob, 1007, { because: 'No text begins with ff, however long it is.' })
  await bob.expectClosed({ because: 'bob sends no FIN, and his time is up.' })

  const cyd = await connect(server)
  await cyd.send(upgradeRequest('/chat', server.port, { Origin: 'https://evil.example' }))
  await expectHead(cyd, 403, { because: 'That page is not ours.' })
  const dee = await connect(server)
  await openWebSocket(dee, server.port, '/chat', { 'Sec-WebSocket-Protocol': 'chat.v1' })
  await dee.send(clientText(JSON.stringify({ id: 1, type: 'hello', version: 1 })))
  const answer = await expectFrameOf(dee, 'text', (payload) => payload.includes('no-session'), {
    because: 'dee has not logged in, and is told so where a client can read it: in the chat.',
  })
  expect('the id to come back', answer.includes('"id":1'), { because: 'It answers request 1.' })
  await expectClose(dee, 1000, { because: 'The client has to log in first.' })
  server.beginClose()
  await server.expectClosed({ because: 'Everybody has gone, or was cut off in time.' })
  await server.expectNothingLeft({ because: 'Anything left open would keep the process alive.' })
}
