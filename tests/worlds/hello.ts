/** What chapter 01's steps play in: clients that talk without a pause, failed starts, errors that nobody may swallow. */

import { createServer, type Server, Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Client } from '../harness/client.ts'
import type { HostedServer } from '../harness/hosted-server.ts'
import type { Stage } from '../judge/step.ts'
import type { Listen } from './failed-listen.ts'

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
