/** Servers that close: clients that stay and talk all the while, and conversations that go on. */

import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '../../harness/client.ts'
import type { HostedServer } from '../../harness/hosted-server.ts'
import { PATIENCE_MS, within } from '../../harness/patience.ts'
import type { Stage } from '../../judge/step.ts'
import type { Listen } from './failed-listen.ts'
import { turns } from './greeted-streams.ts'

/** Waits for real: half of it is still longer than most things take. */
const GRACE_MS = 1_500

/** Someone who talks so often never lets a limit on silence pass. */
const WORD_EVERY_MS = 25

/** A word that the server has at hand when this is over. */
export async function talk(client: Client, server: HostedServer): Promise<void> {
  await client.send('hm')
  await server.roundTrip()
}

/** Lets a client talk all the while that something else is waited for. */
async function whileTalking(
  client: Client,
  server: HostedServer,
  wait: () => Promise<void>,
): Promise<void> {
  let isOver = false
  const talks = async () => {
    while (!isOver) {
      await talk(client, server)
      await sleep(WORD_EVERY_MS)
    }
  }
  const talking = talks()
  // The one who waits says what is wrong with the server.
  talking.catch(() => {})
  try {
    await wait()
  } finally {
    isOver = true
    await talking.catch(() => {})
  }
}

/** Three clients that never end their sides get all of the grace period, and are cut then. */
export async function expectStragglersCut({ serve, connect, expect }: Stage): Promise<void> {
  // More than the kernel holds for a client that does not read.
  const greeting = 'x'.repeat(12 * 1024 * 1024)
  const hasty = await serve('01-hello', { greeting, graceMs: GRACE_MS })
  const [bob, cyd, dee] = [
    await connect(hasty, 'bob'),
    await connect(hasty, 'cyd'),
    await connect(hasty, 'dee'),
  ]
  cyd.stopReading()
  await bob.expectBytes(greeting, { because: 'bob is greeted, and then stays.' })
  await cyd.expectBytes('x', { because: 'cyd stops reading in the middle of her greeting.' })
  await dee.expectBytes(greeting, { because: 'dee is greeted, and then she talks and talks.' })
  dee.beQuiet('talks and talks')
  const beganAt = performance.now()
  hasty.beginClose()
  await hasty.roundTrip()
  const kept = await hasty.connections()
  // A machine that is busy enough needs all of the grace period to get here.
  const passedMs = performance.now() - beganAt
  expect('close() to cut nobody yet', kept === 3 || passedMs >= GRACE_MS, {
    because: 'Each open connection has graceMs to end by itself, whatever it is doing.',
    likely:
      passedMs < GRACE_MS / 2
        ? 'Sockets are destroyed at once. Give them graceMs first, those of greeted clients as well.'
        : 'The time is a fixed number. closeGracefully() was given graceMs: wait that long.',
    expected: '3 connections',
    received: `${kept}`,
  })
  await whileTalking(dee, hasty, () =>
    hasty.expectClosed({
      because:
        'bob, cyd and dee never end their sides. Waiting for the last client must have a limit: graceMs.',
      likely:
        'server.close() alone waits forever. Start one setTimeout() of graceMs at once, to destroy the sockets that are still open then, whatever they are doing. (socket.setTimeout() starts again with each byte.)',
    }),
  )
  const waitedMs = Math.round(performance.now() - beganAt)
  // A timer counts in whole milliseconds, and the test's clock began a moment earlier.
  expect(`the stragglers to get their ${GRACE_MS} ms`, waitedMs >= GRACE_MS - 20, {
    because:
      'graceMs is a promise to the clients, and the time within which the process must be gone.',
    likely: 'The time is a fixed number. closeGracefully() was given graceMs: wait that long.',
    received: `cut after ${waitedMs} ms`,
  })
  for (const straggler of [bob, cyd, dee])
    await straggler.expectClosed({ because: 'After the grace period stragglers are cut.' })
  await hasty.expectNothingLeft({ because: 'After close() the process must be able to end.' })
}

/** `close()` begins: a connection in the middle of its conversation goes on with it. */
export async function expectConversationToGoOn(
  { expect, story }: Stage,
  listen: Listen,
  closeGracefully: CloseGracefully,
): Promise<void> {
  const server = createServer({ allowHalfOpen: true })
  const open = new Set<Socket>()
  const port = await listen(server, 0, '127.0.0.1')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const client = connect(port, '127.0.0.1').on('error', () => {})
  const [socket] = await accepted
  socket.on('error', () => {}).resume()
  open.add(socket)
  story.tell(
    'gil',
    'is in the middle of a conversation when closeGracefully() is called; then she says FIN, and still listens',
  )
  const closing = closeGracefully(server, open, 60_000)
  await turns()
  const isPaused = socket.isPaused()
  client.end()
  await within(PATIENCE_MS, once(socket, 'end'))
  await turns()
  const wasEnded = socket.writableEnded
  const isUntouched = socket.writable && !socket.destroyed && !isPaused
  socket.on('close', () => open.delete(socket))
  socket.destroy()
  client.destroy()
  await within(PATIENCE_MS, closing)
  expect('gil’s connection to be as it was', isUntouched, {
    because:
      'It has graceMs to end by itself. A later server may be in the middle of an answer, and has to send the rest.',
    likely:
      'Leave open sockets alone until graceMs is over. end() says FIN in the middle of an answer, and after her own FIN gil still waits for it.',
    look: 'closeGracefully()',
    received: isPaused ? 'it is paused' : wasEnded ? 'FIN was said' : 'it was destroyed',
  })
}

type CloseGracefully = (server: Server, open: ReadonlySet<Socket>, graceMs: number) => Promise<void>

/** Two servers in one process close at the same time. Each has a client that stays, and to which nothing was said yet. */
export async function expectEachClosedByItself(
  { expect, expectSame, story }: Stage,
  listen: Listen,
  closeGracefully: CloseGracefully,
): Promise<void> {
  story.tell(
    'test',
    'starts two servers in one process, and closes both while each has a client that stays',
  )
  const both = [await serveOne(listen), await serveOne(listen)]
  const order: number[] = []
  const closings = both.map(async ({ server, open }, index) => {
    await closeGracefully(server, open, GRACES_MS[index])
    order.push(GRACES_MS[index])
  })
  await within(PATIENCE_MS, Promise.all(closings))
  const left = both.filter(({ server, socket }) => server.listening || !socket.destroyed)
  const stillListens = left.some(({ server }) => server.listening)
  for (const { server, socket, client } of both) {
    server.close()
    socket.destroy()
    client.destroy()
  }
  expect('both servers to be closed, with their clients cut', left.length === 0, {
    because:
      'A process may run several servers. Each is closed by its own call, and graceMs is the limit for every connection in `open`.',
    likely:
      left.length === 1 || stillListens
        ? 'Something is kept in the module, where all servers share it.'
        : 'Destroy every socket that is left, whether it has said FIN or not, from a timer of each server’s own.',
    look: 'closeGracefully()',
    received: `${left.length} of them with a client, or listening`,
  })
  expectSame('the graceMs of the servers, in the order in which they closed', order, [0, 300], {
    because: 'Their clients never leave. One server gives them 300 ms, the other no time at all.',
    likely: '0 is a time like any other, but `graceMs ||` or an `if` takes it for a missing value.',
    look: 'closeGracefully()',
  })
}

/** A second call waits like the first, and gives nobody more time. */
export async function expectOneGrace(
  { expectSame, story }: Stage,
  listen: Listen,
  closeGracefully: CloseGracefully,
): Promise<void> {
  story.tell('test', 'closes a server with 100 ms of grace, then another, then the first once more')
  const [first, second] = [await serveOne(listen), await serveOne(listen)]
  const order: string[] = []
  const close = async ({ server, open }: typeof first, name: string) => {
    await closeGracefully(server, open, 100)
    order.push(name)
  }
  const closings = [close(first, 'the first server')]
  // Timers of the same length fire in the order in which they were set.
  await new Promise((resolve) => setTimeout(resolve, 20))
  closings.push(close(second, 'the second server'))
  const again = closeGracefully(first.server, first.open, 100)
  await within(PATIENCE_MS, Promise.all([...closings, again]))
  for (const { server, socket, client } of [first, second]) {
    server.close()
    socket.destroy()
    client.destroy()
  }
  expectSame('the order in which they close', order, ['the first server', 'the second server'], {
    because: 'The first was told to close first. A further call gives its clients no more time.',
    likely: 'A further call must not cancel the timer of the first.',
    look: 'closeGracefully()',
  })
}

/** A handler may close the server: its own connection is in `open` only after that. */
export async function expectLateOneCut(
  { expect, story }: Stage,
  listen: Listen,
  closeGracefully: CloseGracefully,
): Promise<void> {
  story.tell(
    'test',
    'calls closeGracefully() from where a connection is handled, and then tracks it',
  )
  const { server, socket, client } = await serveOne(listen)
  const open = new Set<Socket>()
  const closing = closeGracefully(server, open, 20).then(() => socket.destroyed)
  open.add(socket)
  const isCut = await within(PATIENCE_MS, closing)
  socket.destroy()
  client.destroy()
  expect('that connection to be cut when its grace is over', isCut === true, {
    because:
      'The call came first, but the connection is there. It has graceMs to end, and is cut then.',
    likely:
      isCut === 'too late'
        ? 'Look who is in `open` when graceMs is over, not when the call begins.'
        : 'An empty `open` does not mean that there is no connection: only server.close() tells when all are gone.',
    look: 'closeGracefully()',
    received: isCut === 'too late' ? 'it is still there' : 'resolved while it was there',
  })
}

/** Whoever is cut still receives what is on its way. */
export async function expectNoReset(
  { expect, story }: Stage,
  listen: Listen,
  closeGracefully: CloseGracefully,
): Promise<void> {
  story.tell('ivy', 'has read all that she was sent, and is cut when her grace is over')
  const { server, open, socket, client } = await serveOne(listen)
  const ending = new Promise<string>((resolve) => {
    client.once('end', () => resolve('FIN')).once('error', () => resolve('RST'))
    client.once('close', () => resolve('RST')).resume()
  })
  await within(PATIENCE_MS, closeGracefully(server, open, 20))
  const outcome = await within(PATIENCE_MS, ending)
  socket.destroy()
  client.destroy()
  expect('ivy’s connection to end with FIN, and not to be reset', outcome === 'FIN', {
    because:
      'RST takes effect at once, and a client that reads slowly loses what is on its way to her.',
    likely:
      'resetAndDestroy() always sends RST. destroy() sends FIN when all that the client said has been read.',
    look: 'closeGracefully()',
    received: outcome,
  })
}

/** Not in the order in which they are over. */
const GRACES_MS = [300, 0]

async function serveOne(listen: Listen) {
  const server = createServer({ allowHalfOpen: true })
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const port = await listen(server, 0, '127.0.0.1')
  const client = connect(port, '127.0.0.1').on('error', () => {})
  const [socket] = await accepted
  socket.on('error', () => {}).resume()
  const open = new Set<Socket>([socket])
  socket.on('close', () => open.delete(socket))
  return { server, open, socket, client }
}
