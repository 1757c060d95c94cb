/** Threads and connections of a server, counted, and a client whose thread crashes while its answers wait. */

import type { Client } from '../../harness/client.ts'
import type { Reason } from '../../harness/failure.ts'
import type { HostedServer } from '../../harness/hosted-server.ts'
import { Deadline, PATIENCE_MS, whenBusy } from '../../harness/patience.ts'
import type { Stage } from '../../judge/step.ts'
import { echo } from '../../protocols/lines.ts'

/** A chunk of what waits for a client who does not read. */
const ANSWER = 'x'.repeat(60_000)

/**
 * The client's thread crashes while megabytes of its answers are on their way and some wait in the server's own queue. It
 * talks on, and then reads: all of it must come. Its connection is the server's only one.
 */
export async function crashUnread(client: Client, server: HostedServer): Promise<void> {
  client.beQuiet(
    'asks and asks and does not read, until its answers wait in the server; then it crashes its thread',
  )
  client.stopReading()
  let answers = ''
  while (answers.length < MOST_QUEUED && (await server.queuedBytes()) === 0) {
    await client.send(`echo ${ANSWER}\n`)
    answers += `${ANSWER}\n`
    await untilWritten(server, answers.length)
  }
  await client.send('crash\n')
  await expectNoWorker(server)
  const talk = async () => {
    await client.send('hello?\n')
    await server.roundTrip()
  }
  const last = {
    because:
      'These answers were given before the thread crashed. The client reads them late, and talks meanwhile: they are its own all the same.',
    likely:
      'destroy() throws away what waits, and destroySoon() closes both directions: then the kernel answers the next word with RST, and forgets what it still has. end() closes ours behind all that waits.',
  }
  await client.expectBytes(answers, last, { sips: SIP_BYTES, between: talk })
  await client.expectLine(/^error crashed: .*crashed on request$/, last)
  await client.expectEnd(last)
  await client.halfClose()
  await expectOpenSockets(server, 0, { because: 'Both sides have said FIN.' })
}

/** What a client reads at a time: far less than a kernel holds. */
const SIP_BYTES = 256 * 1024

/** More than any kernel takes for a client that does not read. */
const MOST_QUEUED = 64 * 1024 * 1024

/** The thread needs a moment for its answer. */
async function untilWritten(server: HostedServer, bytes: number): Promise<void> {
  const deadline = new Deadline(whenBusy(PATIENCE_MS))
  while ((await server.writtenBytes()) < bytes && !deadline.isOver) await server.roundTrip()
}

async function expectNoWorker(server: HostedServer): Promise<void> {
  const look = async () => {
    const threads = await server.workers()
    return { holds: threads === 0, received: `${threads}` }
  }
  await server.expectEventually('the thread to be gone', look, { because: 'It has crashed.' })
}

export async function expectOpenSockets(
  server: HostedServer,
  count: number,
  reason: { because: string; likely?: string },
): Promise<void> {
  const look = async () => {
    const connections = await server.connections()
    return { holds: connections === count, received: `${connections}` }
  }
  await server.expectEventually(`${count} open sockets`, look, reason)
}

export async function expectThreads(
  server: HostedServer,
  count: number,
  reason: Reason,
): Promise<void> {
  await server.expectEventually(
    `${count} ${count === 1 ? 'thread' : 'threads'}`,
    async () => {
      const { threads } = await server.call<{ threads: number }>('stats')
      // What the server says, and what there really is.
      const workers = await server.workers()
      return {
        holds: threads === count && workers === count,
        received: `${threads} by stats(), ${workers} in the process`,
      }
    },
    reason,
  )
}

/** An error whose message has two lines is told in one. */
export async function expectOneLine({ connect }: Stage, other: HostedServer): Promise<void> {
  const eve = await connect(other, 'eve')
  await echo(eve, { because: 'eve is served.' })
  await other.crashThreads('the first line, on request\nand a second')
  const oneLine = {
    because: 'In a line protocol an answer is one line.',
    likely: 'Send the first line of the message only.',
  }
  await eve.expectLine(/^error crashed: .*the first line, on request$/, oneLine)
  await eve.expectEnd({ ...oneLine, because: `${oneLine.because} Then comes FIN.` })
}
