/** Threads and connections of a server, counted, and a client whose thread crashes while its answers wait. */

import { connect as dial, type Socket } from 'node:net'
import { finished } from 'node:stream/promises'
import type { Client } from '../../harness/client.ts'
import type { Reason } from '../../harness/failure.ts'
import type { HostedServer } from '../../harness/hosted-server.ts'
import { withCommas } from '../../harness/numbers.ts'
import { Deadline, PATIENCE_MS, whenBusy, within } from '../../harness/patience.ts'
import type { Stage } from '../../judge/step.ts'
import { echo } from '../../protocols/lines.ts'

/** A chunk of what waits for a client who does not read. */
const ANSWER = 'x'.repeat(60_000)

/**
 * The client's thread crashes while megabytes of its answers are on their way and some wait in the server's own queue. It
 * talks on, and then reads: all of it must come. Its connection is the server's only one. `whenGone` looks at the server
 * when the thread has ended, and nothing was read.
 */
export async function crashUnread(
  stage: Stage,
  client: Client,
  server: HostedServer,
  whenGone = async () => {},
): Promise<void> {
  client.beQuiet(
    'sends one command after another and reads nothing, until its answers wait in the server; then it crashes its thread',
  )
  client.stopReading()
  let answers = ''
  while (answers.length < MOST_QUEUED && (await server.queuedBytes()) === 0) {
    await client.send(`echo ${ANSWER}\n`)
    answers += `${ANSWER}\n`
    if (!(await isWritten(server, answers.length))) break
  }
  await client.send('crash\n')
  await expectNoWorker(server)
  await whenGone()
  await expectNoTimer(stage, server, {
    because: 'The client reads when it likes. Until then its answers wait, however long it takes.',
  })
  const talk = async () => {
    await client.send('hello?\n')
    await server.roundTrip()
  }
  const last = {
    because:
      'These answers were given before the thread crashed. The client reads them late, and talks meanwhile, but must still get them all.',
    likely:
      'destroy() throws away what waits, and destroySoon() closes both directions: then the kernel answers what it says next with RST, and drops what it still holds. end() closes only our direction, after all that waits.',
    seen: {
      'other bytes':
        'Her lines have 60,000 bytes. Does readLine() refuse them, because it was given a limit other than its default?',
    },
  }
  await client.expectBytes(answers, last, { sips: SIP_BYTES, between: talk })
  await client.expectLine(/^error crashed: .*crashed on request$/, last)
  await client.expectEnd(last)
  await client.halfClose()
  await expectOpenSockets(server, 0, {
    because: 'Both sides have said FIN.',
    likely:
      'Is the client’s FIN seen? The bridge reads on when the thread has gone: leave its listeners alone, and do not pause the socket.',
  })
}

/**
 * fay's thread crashes while it waits for room: more of its answers wait in the server than a socket's mark. The reason
 * comes behind all that was written, which may end in the middle of an answer. Her connection is the server's only one.
 */
export async function expectReasonBehindMark(stage: Stage, server: HostedServer): Promise<void> {
  const { expect, story } = stage
  story.tell(
    'fay',
    'sends one command after another and reads nothing, until her thread waits for room',
  )
  const fay = dial(server.port, '127.0.0.1')
    .on('error', () => {})
    .pause()
  try {
    const deadline = new Deadline(whenBusy(PATIENCE_MS))
    let [looks, before] = [0, 0]
    // As long as the kernel still takes some of it, the queue may be below its mark when the thread has crashed.
    while (looks < LOOKS_AT_REST && !deadline.isOver) {
      if (fay.writableLength === 0) fay.write(`echo ${ANSWER}\n`)
      await server.roundTrip()
      const queued = await server.queuedBytes()
      looks = queued > MARK && queued === before ? looks + 1 : 0
      before = queued
    }
    const written = await server.writtenBytes()
    await server.crashThreads('crashed on request')
    // With the thread gone, FIN is said: whoever waits for room until then comes too late, each time.
    const ended = new Deadline(whenBusy(PATIENCE_MS))
    while ((await server.workers()) > 0 && !ended.isOver) await server.roundTrip()
    await server.roundTrip()
    story.tell('fay', 'reads')
    const text = await readToEnd(fay)
    const [reason = ''] = /error crashed: [^\n]*crashed on request\n$/.exec(text) ?? []
    const isThere = reason !== '' && fay.readableEnded
    expect('the reason after all that waits, and FIN after that', isThere, {
      because:
        'However much waits, a client that reads late must learn why its connection ends. end() takes the reason in any case.',
      likely:
        'Hand the reason to end() at once, however much waits. FIN is sent when the thread has exited, and nothing can follow it.',
      look: 'reportCrash()',
      received: fay.readableEnded ? `… ${JSON.stringify(text.slice(-40))}, FIN` : 'no FIN',
    })
    const answers = text.slice(0, -reason.length)
    const isWhole = answers.length >= written && !/[^x\n]/.test(answers)
    expect('all that her thread wrote before the reason', isWhole, {
      because: 'These answers were given before the thread crashed.',
      likely: 'end() sends what waits; destroy() throws it away.',
      look: 'reportCrash()',
      received: `${withCommas(answers.length)} bytes of ${withCommas(written)}`,
    })
  } finally {
    fay.destroy()
  }
  await expectOpenSockets(server, 0, { because: 'fay has gone.' })
}

async function readToEnd(client: Socket): Promise<string> {
  const chunks: Buffer[] = []
  client.on('data', (chunk: Buffer) => chunks.push(chunk)).resume()
  await within(
    whenBusy(PATIENCE_MS),
    finished(client, { writable: false }).catch(() => {}),
  )
  return Buffer.concat(chunks).toString()
}

/** Of a socket: when as much waits, write() returns false. */
const MARK = 64 * 1024

/** When so many looks in a row find the same, nothing moves any more. */
const LOOKS_AT_REST = 20

/** What a client reads at a time: far less than a kernel holds. */
const SIP_BYTES = 256 * 1024

/** More than any kernel takes for a client that does not read. */
const MOST_QUEUED = 64 * 1024 * 1024

/** Whether the answer is written: the thread needs a moment for it. */
async function isWritten(server: HostedServer, bytes: number): Promise<boolean> {
  const deadline = new Deadline(whenBusy(PATIENCE_MS))
  for (;;) {
    if ((await server.writtenBytes()) >= bytes) return true
    if (deadline.isOver) return false
    await server.roundTrip()
  }
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
        likely: miscounted(threads, workers),
      }
    },
    reason,
  )
}

/** Why `stats()` does not say how many threads there are; `undefined` when it does. */
function miscounted(threads: number, workers: number): string | undefined {
  if (threads > workers)
    return "stats() counts threads that have ended. Each emits 'exit', however it ended and whatever its code: forget it then."
  if (threads < workers)
    return 'Threads live that stats() does not count. Add each when it starts, and forget only the one that has exited.'
  return undefined
}

/** A limit that nobody asked for, and that harms nobody who is served here. */
const LONG_MS = 5 * 60_000

/** Nothing that the server waits for comes at a certain time: threads end, peers speak. */
export async function expectNoTimer(
  { expect }: Stage,
  server: HostedServer,
  reason: Reason,
): Promise<void> {
  const ms = await server.msToNextTimer()
  // 0 may mean that there is no telling.
  expect('no timer to be set', ms === 0 || ms > LONG_MS, {
    likely:
      'Nothing here has to happen after a while. An event tells when there is something to do.',
    received: `a timer that fires in ${Math.ceil(ms)} ms`,
    ...reason,
  })
}

/** Of 8 KiB, in capitals and small letters, with spaces at both ends and characters of two and four bytes. */
const FIRST_LINE = `  The FIRST line, with Grüßen and 🌍: ${'so much to say, '.repeat(500)}on request  `

/** Something may stand before it. */
const REASON =
  /^error crashed: .* {2}The FIRST line, with Grüßen and 🌍: (?:so much to say, ){500}on request {2}$/

/** A crash that is told in one turn with the end of its thread. */
export async function expectReasonAtExit({ connect }: Stage, server: HostedServer): Promise<void> {
  const gil = await connect(server, 'gil')
  await echo(gil, { because: 'gil is served.' })
  await server.crashThreads('crashed on request', { withExit: true })
  await gil.expectLine(/^error crashed: .*crashed on request$/, {
    because:
      "Node may emit 'error' and 'exit' in one turn. At 'exit' FIN is said, and nothing can follow it.",
    likely:
      'Is the reason handed over later: behind an await, or in a callback? Hand it to end() before reportCrash() returns.',
    look: 'reportCrash()',
  })
  await gil.expectEnd({ because: 'That ends his connection.' })
}

/** An error whose message has two lines is told in one. */
export async function expectOneLine({ connect }: Stage, other: HostedServer): Promise<void> {
  const eve = await connect(other, 'eve')
  await echo(eve, { because: 'eve is served.' })
  await other.crashThreads(`${FIRST_LINE}\nand a second`)
  const oneLine = {
    because:
      'What was thrown reaches the client as it was thrown, up to its first line end: in a line protocol an answer is one line.',
    likely:
      'Send the first line of the message, as it is, and no other: replace, trim and cut nothing. Hand it to end() as a string, which is sent as UTF-8.',
  }
  await eve.expectLine(REASON, oneLine)
  await eve.expectEnd({ ...oneLine, because: `${oneLine.because} FIN follows it.` })
}
