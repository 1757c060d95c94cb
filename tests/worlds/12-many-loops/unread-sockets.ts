/** Sockets that an acceptor has handed over and that nobody serves. */

import { once } from 'node:events'
import { type AddressInfo, connect as dial, Socket } from 'node:net'
import type { Worker } from 'node:worker_threads'
import type { Choose } from '#code/12-many-loops/choose.ts'
import type { LoopGroup } from '#code/12-many-loops/loop-group.ts'
import { within } from '../../harness/patience.ts'
import type { Stage } from '../../judge/step.ts'
import { withAccepted, withGroup } from './counted-loops.ts'

/** What Node refuses to move is a client whom nobody serves. */
export async function expectRefusalSeen({ load, story, expectSame }: Stage): Promise<void> {
  const { moveSocket } = await load(() => import('#code/12-many-loops/acceptor.ts'))
  const refusal = 'the handle cannot be moved'
  const thread: Pick<Worker, 'postMessage'> = {
    postMessage() {
      throw new Error(refusal)
    },
  }
  story.tell('test', 'moves a socket to a thread, and postMessage() throws')
  const outcome = await Promise.try(moveSocket, new Socket(), thread as Worker).then(
    () => 'nothing was thrown',
    (error: Error) => error.message,
  )
  expectSame('what moveSocket() throws', outcome, refusal, {
    because: 'The socket is still here, and nothing reads from it: its client would wait forever.',
    likely: 'Catch nothing: a socket that cannot be moved is a bug of ours.',
    look: 'acceptor.moveSocket()',
  })
}

/** A socket of which something was read cannot move, and a group that is given one does not hide that. */
export async function expectReadSocketRefused(stage: Stage): Promise<void> {
  const first: Choose = ([loop]) => loop
  const serveRead = async (group: LoopGroup) => {
    stage.story.tell('test', 'starts two loops, and gives them a socket that was read from')
    await withAccepted(stage, 1, async ([socket], [client]) => {
      client.write('early')
      socket.resume()
      await once(socket, 'data')
      const outcome = await Promise.try(() => group.serve(socket)).then(
        () => 'nothing was thrown',
        (error: NodeJS.ErrnoException) => error.code ?? error.message,
      )
      stage.expectSame('what is thrown', outcome, 'ERR_WORKER_HANDLE_NOT_TRANSFERABLE', {
        because: 'Its client would wait forever, and nobody would ever know why.',
        likely: 'postMessage() throws this: catch nothing, and check nothing before the call.',
        look: ['loop-group.#give()', 'acceptor.moveSocket()'],
      })
    })
  }
  await withGroup(stage, serveRead, first)
}

/** A socket that the acceptor hands over has nothing read from it, and its FIN is not answered. */
export async function expectUnread({ load, story, expect }: Stage): Promise<void> {
  const { createAcceptor } = await load(() => import('#code/12-many-loops/acceptor.ts'))
  const sockets: Socket[] = []
  const server = createAcceptor((socket) => sockets.push(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const clients = [dial(port, '127.0.0.1'), dial(port, '127.0.0.1')]
  try {
    story.tell('zoe', 'connects to an acceptor that leaves her socket alone, and sends "early"')
    await new Promise((resolve) => clients[0].end('early', () => resolve(undefined)))
    // An acceptor that reads zoe's bytes has read them by the time that a later client has been heard.
    const arrived = within(
      1_500,
      (async () => {
        while (sockets.length < 2) await new Promise((resolve) => setImmediate(resolve))
        sockets[1].resume()
        clients[1].write('later')
        await once(sockets[1], 'data')
      })(),
    )
    expect('the acceptor to hand over the sockets', (await arrived) !== 'too late', {
      because: 'Every connection is handed to onSocket at once, whether or not the client speaks.',
      likely:
        'createServer() can call onSocket itself, with each connection as soon as it is accepted.',
    })
    expect('nothing to be read from zoe’s socket', sockets.every(isUntouched), {
      because:
        'A byte that this thread has read cannot move: the loop would never see it, and Node refuses to move the socket.',
      likely:
        'A server starts reading from each connection at once, unless it pauses it on connect.',
      received: `${sockets[0].bytesRead} bytes read`,
    })
    expect('her socket to stay open after her FIN', sockets[0].allowHalfOpen, {
      because:
        'A client that has sent FIN still wants its answers. The socket keeps its allowHalfOpen setting when it moves.',
      likely: 'createServer() needs allowHalfOpen, as in serveConnections() of 01-hello/server.ts.',
    })
    expect('no timeout to be set on her socket', !sockets[0].timeout, {
      because:
        'She may stay silent for as long as she likes. And a timer does not move with a socket: it stays behind on this thread.',
      likely: 'The acceptor hands sockets over. It calls no setTimeout() on them.',
      look: 'acceptor.createAcceptor()',
      received: `a timeout of ${sockets[0].timeout} ms`,
    })
  } finally {
    for (const socket of [...clients, ...sockets]) socket.destroy()
    server.close()
  }

  function isUntouched(socket: Socket): boolean {
    return socket === sockets[1] || socket.bytesRead === 0
  }
}
