/** What chapter 01's steps play in: clients that talk without a pause, failed starts, errors that nobody may swallow. */

import { once } from 'node:events'
import { connect, createServer, type Server, Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { duplexPair } from 'node:stream'
import type { Client } from '../harness/client.ts'
import type { HostedServer } from '../harness/hosted-server.ts'
import { PATIENCE_MS, within } from '../harness/patience.ts'
import type { Stage } from '../judge/step.ts'
import type { Listen } from './failed-listen.ts'
import { withTimersHeld } from './held-timers.ts'

/** Waits for real: half of it is still longer than most things take. */
export const GRACE_MS = 1_500

/** A word that the server has at hand when this is over. */
export async function talk(client: Client, server: HostedServer): Promise<void> {
  await client.send('hm')
  await server.roundTrip()
}

/** Lets a client talk without a pause while something else is waited for. */
export async function whileTalking(
  client: Client,
  server: HostedServer,
  wait: () => Promise<void>,
): Promise<void> {
  let isOver = false
  const talks = async () => {
    while (!isOver) await talk(client, server)
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

/** An address of this machine alone that is not the usual 127.0.0.1. */
export function otherLoopback(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? [])
  return addresses.some(({ address }) => address === '::1') ? '::1' : '127.0.0.2'
}

/** Whether somebody listens for `'error'` and takes it without a word. */
function isHeardBySomebody(server: Server, error: Error): boolean {
  try {
    return server.emit('error', error)
  } catch (thrown) {
    return thrown !== error
  }
}

/** What comes of it when a socket's peer is lost with that code: `'nothing'` is right. `'nobody listens'`: that is for the process to say. */
function comesOfLoss(outlive: (socket: Socket) => void, code: string): string {
  const socket = new Socket()
  outlive(socket)
  if (socket.listenerCount('error') === 0) return 'nobody listens'
  const { exit } = process
  process.exit = (code) => {
    throw new Exit(`process.exit(${code ?? ''})`)
  }
  try {
    socket.emit('error', Object.assign(new Error(`read ${code}`), { code }))
    return 'nothing'
  } catch (thrown) {
    return thrown instanceof Exit
      ? thrown.message
      : `throws ${(thrown as Error)?.message ?? thrown}`
  } finally {
    process.exit = exit
    socket.destroy()
  }
}

class Exit extends Error {}

/** `listen()` asks for the port that it was given, and takes off no listener but its own. */
export async function expectPortPassedOn(
  { expectSame, story }: Stage,
  listen: Listen,
): Promise<void> {
  for (const port of [4001, 0]) {
    const server = createServer(() => {})
    const original = server.listen.bind(server)
    let asked: unknown
    server.listen = ((...args: [unknown, ...unknown[]]) => {
      const [first, ...rest] = args
      const isOptions = typeof first === 'object' && first !== null
      asked = isOptions ? (first as { port?: number }).port : first
      // Whether 4001 is free on this machine is nobody's business.
      const any = isOptions ? { ...first, port: 0 } : 0
      return (original as (...args: unknown[]) => Server)(any, ...rest)
    }) as typeof server.listen
    story.tell('test', `calls listen() with port ${port}`)
    await listen(server, port, '127.0.0.1')
    const listeners = server.listenerCount('connection')
    server.close()
    expectSame('the port that the kernel is asked for', Number(asked), port, {
      because:
        port === 0
          ? 'Port 0 means "any free port". One that is drawn by lot may be taken.'
          : 'A server that was given a port listens there: its clients know no other.',
      likely: 'Pass the port on as it is.',
      look: 'listen()',
    })
    expectSame("the listeners of 'connection' afterwards", listeners, 1, {
      because: 'What others listen for is theirs.',
      likely:
        "Take off the listener that you have put on, and no other: server.off('error', fail).",
      look: 'listen()',
    })
  }
}

/** Once a server listens, `listen()` hears no more of its errors. */
export async function expectNoListenerLeft(
  { expect, story }: Stage,
  listen: Listen,
): Promise<void> {
  const busy = createServer()
  await listen(busy, 0, '127.0.0.1')
  story.tell('kernel', 'cannot hand over a connection to a server that listens (EMFILE)')
  const isHeard = isHeardBySomebody(busy, new Error('accept EMFILE'))
  busy.close()
  expect('listen() to hear no more errors', !isHeard, {
    because:
      'Once the server listens, an error means that a connection could not be accepted. The person who runs the server has to hear of it: by onAcceptError, or by the end of the process.',
    likely:
      "The 'error' listener of listen() is still there, and swallows it. Take it off in the callback of listen().",
    received: "an 'error' listener that swallowed it",
  })
}

/** A listener for the loss of a peer does nothing about it, whatever the code is. */
export function expectLossToBeNothing(
  { expect, story }: Stage,
  outliveLostPeer: (socket: Socket) => void,
): void {
  for (const code of ['ECONNRESET', 'EPIPE', 'ETIMEDOUT']) {
    story.tell('kernel', `says that a peer is lost (${code})`)
    const outcome = comesOfLoss(outliveLostPeer, code)
    // Whether anybody listens at all is told by a client that resets.
    if (outcome === 'nobody listens') break
    expect("the 'error' listener to leave it at that", outcome === 'nothing', {
      because: 'What a listener throws ends the process, as the event alone would have.',
      likely: outcome.startsWith('throws')
        ? 'Your listener is called, and throws. A lost peer is no fault of ours, whatever its code says, and Node destroys the socket by itself.'
        : 'A server goes on serving whatever one peer does. This connection is over, not the process.',
      received: outcome,
    })
  }
}

/** A greeting that is sent to a stream in this process: FIN follows at once, and no clock of a few seconds ends it. */
export async function expectFinAtOnce(
  { expect, story }: Stage,
  greet: (socket: Socket, greeting: string) => void,
): Promise<void> {
  story.tell('ada', 'is greeted over a stream without a kernel')
  const short = await withTimersHeld(async () => {
    const ada = greeted(greet, 'hi')
    await turns()
    return ada
  })
  expect('FIN right behind the greeting', short.heard() === 'hi' && short.hasEnded(), {
    because: 'The client waits for FIN: until then it cannot know that the greeting is complete.',
    likely: short.isDestroyed()
      ? 'The socket is destroyed: what is queued is thrown away, and no FIN is said. end() says it behind all bytes.'
      : 'A timer ends the socket some time later. end() needs none: FIN goes out behind the bytes.',
    received: `${JSON.stringify(short.heard())}${short.hasEnded() ? ', and FIN' : ', and no FIN in 50 turns of the loop'}`,
  })
  const long = greeted(greet, 'x'.repeat(4 * 1024 * 1024), { isRead: false })
  story.tell('bob', 'is greeted at length, and reads nothing for ten seconds; then he reads')
  await turns()
  long.passTime()
  long.read()
  await turns(TURNS_TO_READ)
  expect('all of it to come', long.heard().length === 4 * 1024 * 1024 && long.hasEnded(), {
    because: 'The client reads the whole greeting, however slowly.',
    likely:
      'Does an idle limit (socket.setTimeout) destroy the socket of a client that is only slow?',
    received: `${long.heard().length} bytes${long.hasEnded() ? '' : ', and no FIN'}`,
  })
}

const SILENCE_MS = 10_000
const TURNS_TO_READ = 2_000

async function turns(count = 50): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((next) => setImmediate(next))
}

function greeted(
  greet: (socket: Socket, greeting: string) => void,
  greeting: string,
  { isRead = true } = {},
) {
  const [near, far] = duplexPair({ highWaterMark: 64 * 1024 })
  const heard: Buffer[] = []
  let hasEnded = false
  let limit: (() => void) | undefined
  const setTimeout = (ms: number, callback?: () => void) => {
    limit =
      ms > 0 && ms < SILENCE_MS ? () => (callback ?? near.emit.bind(near, 'timeout'))() : undefined
    return near
  }
  for (const method of ['setNoDelay', 'setKeepAlive', 'ref', 'unref'])
    Object.assign(near, { [method]: () => near })
  const destroySoon = () => near.end(() => near.destroy())
  Object.assign(near, { setTimeout, destroySoon, resetAndDestroy: () => near.destroy() })
  near.on('error', () => {})
  far.on('end', () => {
    hasEnded = true
  })
  const read = () => far.on('data', (chunk: Buffer) => heard.push(chunk))
  if (isRead) read()
  near.resume()
  greet(near as Socket, greeting)
  return {
    heard: () => Buffer.concat(heard).toString(),
    // A stream that is destroyed ends as well, and says less than all.
    hasEnded: () => hasEnded && near.writableFinished,
    isDestroyed: () => near.destroyed && !near.writableFinished,
    passTime: () => limit?.(),
    read,
  }
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
  story.tell('gil', 'is in the middle of a conversation when closeGracefully() is called')
  const closing = closeGracefully(server, open, 60_000)
  await turns()
  const isUntouched = socket.writable && !socket.destroyed
  socket.on('close', () => open.delete(socket))
  socket.destroy()
  client.destroy()
  await within(PATIENCE_MS, closing)
  expect('her connection to be as it was', isUntouched, {
    because:
      'It has graceMs to end by itself. Later servers are in the middle of an answer, and have to say the rest of it.',
    likely:
      'Leave open sockets alone until graceMs is over: end() says FIN in the middle of a sentence.',
    look: 'closeGracefully()',
    received: socket.writableEnded ? 'FIN was said' : 'it was destroyed',
  })
}

type CloseGracefully = (server: Server, open: ReadonlySet<Socket>, graceMs: number) => Promise<void>

/** Two servers in one process close one after the other. */
export async function expectEachClosedByItself(
  { expect, story }: Stage,
  listen: Listen,
  closeGracefully: CloseGracefully,
): Promise<void> {
  story.tell('test', 'starts two servers in one process, and closes both')
  const both = [createServer(), createServer()]
  for (const one of both) await listen(one, 0, '127.0.0.1')
  for (const one of both) await closeGracefully(one, new Set(), GRACE_MS)
  const left = both.filter((one) => one.listening)
  for (const one of left) one.close()
  expect('both to be closed', left.length === 0, {
    because: 'A process may run several servers. Each is closed by itself.',
    likely: 'Something is kept in the module, where all servers share it.',
  })
}
