/** Clients of a server that limits silence: those that talk all the time, and the pauses they make. */

import type { PoolStats } from '#code/06-worker-pool/worker-pool.ts'
import type { Client } from '../../harness/client.ts'
import type { Reason } from '../../harness/failure.ts'
import type { HostedServer } from '../../harness/hosted-server.ts'

export const IDLE_MS = 300

/**
 * A client for each thread is served and leaves, so that all threads have started: no clock runs meanwhile that matters.
 * A client that is let go while its thread still starts has done as much.
 */
export async function wakeThreads(server: HostedServer, clients: Client[]): Promise<void> {
  const reason = { because: 'The server has just started, and has a thread for each client.' }
  for (const client of clients) await client.send('echo ready?\n')
  for (const client of clients) await client.expectLine(/^(ready\?|idle)$/, reason)
  for (const client of clients) await client.halfClose()
  // Who was served first may be told that it is idle meanwhile.
  for (const client of clients) await client.expectClosed(reason)
  await server.roundTrip()
}

/**
 * Clients who say nothing get a thread that only starts: the limit passes before the thread waits for them, and is there
 * again when it does. The threads of the server are ended first, so that each client gets a new one, and `idleMs` is
 * shorter than a start.
 */
export async function expectIdleFromBirth(
  server: HostedServer,
  connect: (server: HostedServer, name: string) => Promise<Client>,
): Promise<void> {
  const reason = {
    because:
      'Each client is silent from the beginning. The limit first passes while the thread is still starting and an answer is owed; then it starts again.',
    likely:
      'When an answer is owed, call socket.setTimeout(idleMs) again: no byte moves on the socket when the thread begins to wait, so nothing else restarts the timer.',
    look: 'limitIdleness()',
  }
  await server.crashThreads('ends on request')
  const look = async () => {
    const { threads } = await server.call<PoolStats>('stats')
    return { holds: threads === 0, received: `threads: ${threads}` }
  }
  await server.expectEventually('a pool without threads', look, {
    because: 'A thread that ends without a job is forgotten.',
    look: '#onExit()',
  })
  const clients: Client[] = []
  for (const name of ['kim', 'lea', 'max']) clients.push(await connect(server, name))
  for (const client of clients) await client.expectLine('idle', reason)
  for (const client of clients)
    await client.expectEnd({ because: 'After that line there is nothing more to say.' })
}

/** They ask again and again until all are served: nobody who talks like this is silent. */
export async function talkUntilServed(
  server: HostedServer,
  clients: Client[],
  reason: Reason,
): Promise<void> {
  const talk = 'asks "echo still there?" again and again until everybody has had an answer'
  for (const client of clients) client.beQuiet(talk)
  let asked = 0
  for (const client of clients) {
    let isServed = false
    const served = client.expectLine('still there?', reason).finally(() => {
      isServed = true
    })
    served.catch(() => {})
    for (; !isServed || asked === 0; asked++) {
      for (const other of clients) await other.send('echo still there?\n')
      await server.roundTrip()
      await aWhile()
    }
    await served
  }
  for (const client of clients) {
    for (let answer = 1; answer < asked; answer++) {
      await client.expectLine('still there?', { because: 'Each question gets its answer.' })
    }
  }
}

/** Goes on sending, a byte now and then, until the server has no connection any more. */
export async function talkUntilClosed(
  server: HostedServer,
  client: Client,
  reason: Reason,
): Promise<void> {
  client.beQuiet('goes on sending a byte now and then')
  let isOver = false
  const look = async () => {
    const connections = await server.connections()
    return { holds: connections === 0, received: `${connections} open` }
  }
  const closed = server.expectEventually('every connection to be closed', look, reason)
  closed
    .catch(() => {})
    .finally(() => {
      isOver = true
    })
  while (!isOver) {
    await client.send('x')
    await aWhile()
  }
  await closed
}

/** Sends one byte of a line after the other, with a while between them, and nothing comes back. */
export async function trickle(client: Client, ms: number): Promise<void> {
  const until = performance.now() + ms
  while (performance.now() < until) {
    await client.send('x')
    await aWhile()
  }
}

/** How long somebody thinks between two questions: nobody who talks like this is silent. */
function aWhile(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, IDLE_MS / 15))
}
