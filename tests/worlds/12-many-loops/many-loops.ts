/** A server of several loops: which loop has whom, and a loop's script that a client can put to sleep or kill. */

import { join } from 'node:path'
import type { Client } from '../../harness/client.ts'
import type { Reason } from '../../harness/failure.ts'
import type { HostedServer } from '../../harness/hosted-server.ts'
import type { Stage } from '../../judge/step.ts'
import { echo } from '../../protocols/lines.ts'

export interface Stats {
  loops: { threadId: number; connections: number; total: number }[]
  replaced: number
}

/**
 * A thread's script for the line protocol, with a few lines more:
 *
 *     bug     throws in the handler, which ends the loop
 *     bye     the server says FIN first
 *     cut     the connection is destroyed
 *     wait    a FIN of this client is heard and answered only when another one says `go`
 *     timers  says on the process's own output how many timers this thread has
 *
 * Before it sleeps, when it hears a FIN that it does not answer, and when that connection is over, it says so on the
 * process's own output: from a loop that sleeps comes nothing else.
 */
export function talkativeLoop(prologue = ''): string {
  const [loopThread, connection, lines, commands] = [
    '12-many-loops/loop-thread.ts',
    '07-event-loop/connection.ts',
    '07-event-loop/line-protocol.ts',
    '07-event-loop/server.ts',
  ].map((file) => JSON.stringify(import.meta.resolve(`#code/${file}`)))
  return `data:text/javascript,${encodeURIComponent(`
    import { appendFileSync, existsSync, writeSync } from 'node:fs'
    import { threadId } from 'node:worker_threads'
    import { runLoop } from ${loopThread}
    import { Connection } from ${connection}
    import { LineProtocol } from ${lines}
    import { COMMANDS } from ${commands}
    const tell = (what) => writeSync(1, \`Loop \${threadId} \${what}\\n\`)
    ${prologue}
    const waiting = new Set()
    const timers = () => process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length
    let ownLoop
    const events = {
      ...COMMANDS,
      onLine(line, lines) {
        if (line === 'bug') throw new Error('a bug in a handler, on request')
        if (line === 'bye') return lines.end('finished')
        if (line === 'cut') return lines.connection.destroy('finished')
        if (line === 'wait') return void waiting.add(lines)
        if (line === 'go') for (const each of waiting) each.end('finished')
        if (line.startsWith('sleep ')) tell('sleeps')
        if (line === 'timers') tell(timers() === 0 ? 'has 0 timers' : 'has timers')
        COMMANDS.onLine(line, lines)
      },
      onEnd(lines) {
        if (waiting.has(lines)) tell('has heard FIN')
        else COMMANDS.onEnd(lines)
      },
      // A little later, so that everybody else has heard that the socket is closed.
      onClose(_why, lines) {
        if (waiting.has(lines)) setImmediate(() => setImmediate(() => tell('has closed it')))
      },
    }
    runLoop((stream, loop) => {
      ownLoop ??= loop
      if (ownLoop !== loop) tell('has another loop')
      const connection = new Connection(stream, loop)
      connection.use(new LineProtocol(connection, events))
    })
  `)}`
}

/**
 * The same script. Each start adds a byte to the file `starts` in that folder; while there is a file `broken`, it fails.
 */
export function breakableLoop(folder: string): string {
  const [starts, broken] = ['starts', 'broken'].map((name) => JSON.stringify(join(folder, name)))
  return talkativeLoop(`
    const isBroken = existsSync(${broken})
    appendFileSync(${starts}, '.')
    if (isBroken) throw new Error('this script is broken, on request')
  `)
}

/** Puts the client's loop to sleep, and returns when it sleeps. The loop's script is the talkative one. */
export async function putToSleep(
  server: HostedServer,
  client: Client,
  threadId: string | number,
  lines = 'sleep 60000\n',
): Promise<void> {
  await client.send(lines)
  await server.expectEventually(
    `loop ${threadId} to sleep`,
    async () => ({
      holds: server.output.includes(`Loop ${threadId} sleeps\n`),
      received: 'it does not',
    }),
    { because: 'One of its own clients has told it to.' },
  )
}

/** A newcomer whose connection goes to that loop, or `undefined` when the loop is gone. A client that another loop gets is served. */
export async function connectToLoop(
  { connect, expect }: Stage,
  server: HostedServer,
  threadId: string,
): Promise<Client | undefined> {
  for (let attempt = 0; attempt < 3; attempt++) {
    const before = totalsIn(await statsOf(server))
    const client = await connect(server)
    let now = before
    await server.expectEventually(
      'the newcomer to be counted',
      async () => {
        now = totalsIn(await statsOf(server))
        const isCounted = [...now].some(([loop, total]) => total > (before.get(loop) ?? 0))
        return { holds: isCounted || !now.has(threadId), received: 'the same totals as before' }
      },
      { because: '`total` goes up with each connection.' },
    )
    if (!now.has(threadId)) return undefined
    if (now.get(threadId)! > before.get(threadId)!) return client
    await echo(client, { because: 'The other loop serves the clients that it gets.' })
  }
  expect(`a newcomer to be given to loop ${threadId}`, false, {
    because: 'It is alive, and no socket is known to be waiting for it, so it gets its share.',
  })
  return undefined
}

export async function leave(client: Client): Promise<void> {
  await client.halfClose()
  await client.expectEnd({ because: 'FIN is answered with FIN.' })
}

export async function expectConnectionsCounted(
  server: HostedServer,
  count: number,
  reason: Reason,
): Promise<void> {
  await server.expectEventually(
    `${count === 1 ? 'one connection' : `${count} connections`} to be counted`,
    async () => {
      const seen = connectionsIn(await statsOf(server))
      return {
        holds: sum(seen) === count,
        received: seen.join(' and '),
        likely:
          sum(seen) < count
            ? "Too few are counted: each connection counts down by one, and only once. A socket emits 'end' or 'error' before its 'close'."
            : undefined,
      }
    },
    reason,
  )
}

export async function expectReplaced(
  server: HostedServer,
  count: number,
  reason: Reason,
): Promise<void> {
  await server.expectEventually(
    `stats() to report that ${count === 1 ? 'one loop was' : `${count} loops were`} replaced`,
    async () => {
      const { replaced, loops } = await statsOf(server)
      return { holds: replaced === count, received: `${replaced}, with ${loops.length} loops` }
    },
    reason,
  )
}

export function statsOf(server: HostedServer): Promise<Stats> {
  return server.call<Stats>('stats')
}

export function connectionsIn({ loops }: Stats): number[] {
  return loops.map(({ connections }) => connections)
}

/** The total of each loop, by its thread's id. */
export function totalsIn({ loops }: Stats): Map<string, number> {
  return new Map(loops.map(({ threadId, total }) => [String(threadId), total]))
}

export function sum(numbers: number[]): number {
  return numbers.reduce((all, each) => all + each, 0)
}

export function sameItems<T>(some: T[], others: T[]): boolean {
  return some.toSorted().join() === others.toSorted().join()
}
