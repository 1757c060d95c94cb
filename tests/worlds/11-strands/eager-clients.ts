/** Clients of chapter 11 that send many lines at once, or leave with jobs under way. */

import { countBytes } from '../../harness/bytes.ts'
import { type Client, isMoving } from '../../harness/client.ts'
import type { HostedServer } from '../../harness/hosted-server.ts'
import { withCommas } from '../../harness/numbers.ts'
import { randomInteger } from '../../harness/random.ts'
import type { Stage } from '../../judge/step.ts'
import { echo } from '../../protocols/lines.ts'
import { expectPool } from './pool-numbers.ts'

/** A job that holds its thread for as long as any test takes. */
export const HOLD = 'sleep 60000\n'

const MEBIBYTE = 1024 * 1024

/** More than fits into the buffers of two kernels. */
const FLOOD_BYTES = 64 * MEBIBYTE

/** echo, fib and sleep at random: each reply has the place of its line. */
export async function expectFortyInOrder({ random }: Stage, cyd: Client): Promise<void> {
  const lines = Array.from({ length: 40 }, (_, index) => {
    const [line, reply] = [
      [`echo ${index}`, `${index}`],
      [`fib ${index % 10}`, `${FIBONACCI[index % 10]}`],
      [`sleep ${randomInteger(random, 3)}`, 'slept'],
    ][randomInteger(random, 3)]
    return { line, reply }
  })
  cyd.beQuiet('sends 40 lines: echo, fib and sleep at random')
  await cyd.send(lines.map(({ line }) => `${line}\n`).join(''), { cut: 'at random', maxPiece: 64 })
  await cyd.expectBytes(lines.map(({ reply }) => `${reply}\n`).join(''), {
    because: 'Forty lines, forty replies, each in the place of its line.',
  })
}

/** close() waits for the replies that are due, for graceMs, and leaves no job and no thread. */
export async function expectClosedWithoutJobs(
  { connect }: Stage,
  server: HostedServer,
): Promise<void> {
  const [cyd, dee] = [await connect(server), await connect(server)]
  await cyd.send(`${HOLD}fib 10\n`)
  await cyd.halfClose()
  await dee.send(HOLD)
  await expectPool(
    server,
    { busy: 1, queued: 2 },
    {
      because: 'cyd has sent FIN, and still waits for two replies; dee waits behind her.',
      likely: 'FIN means that no more lines follow. It takes nothing back.',
    },
  )
  server.beginClose()
  await server.expectClosed({
    because: 'After graceMs, the connections are cut off, and nobody is left to be answered.',
    likely:
      'close() calls cancel() for each conversation that is not over, then closes the pool, which waits for all jobs.',
  })
  await server.expectEventually(
    'no thread to be left',
    async () => {
      const workers = await server.workers()
      return { holds: workers === 0, received: `${workers} threads` }
    },
    { because: 'A thread that is left keeps the process alive.' },
  )
  await server.expectNothingLeft({ because: 'Whatever is left keeps the process alive.' })
}

/** Thirty thousand lines at once: each has its reply. And one reply makes room for one line. */
export async function expectEveryLineAnswered({ serve, connect }: Stage): Promise<void> {
  const other = await serve('11-strands', { threads: 1, maxUnanswered: 4 })
  const cyd = await connect(other)
  const texts = Array.from({ length: 30_000 }, (_, index) => `line ${index}`)
  const lines = `sleep 20\n${texts.map((text) => `echo ${text}\n`).join('')}`
  cyd.beQuiet(`sends "sleep 20" and ${withCommas(texts.length)} lines to echo, then FIN`)
  const sent = cyd.send(lines)
  // It fails as well when the replies do not come, and those are what is looked at.
  sent.catch(() => {})
  await cyd.expectBytes(`slept\n${texts.map((text) => `${text}\n`).join('')}`, {
    because: 'Every line has its reply, in order.',
    likely:
      'Pause the connection when there is no room, and resume it after each reply, which makes room for one line.',
  })
  await sent
  await cyd.halfClose()
  await cyd.expectEnd({ because: 'Everything is answered.' })

  const dee = await connect(other)
  await dee.send(`sleep 20\n${HOLD}${'fib 30\n'.repeat(200)}`)
  await dee.expectLine('slept', { because: 'Her first line is answered.' })
  await expectPool(
    other,
    { busy: 1, queued: 3 },
    {
      because: 'One reply makes room for one line, not for two hundred.',
      likely:
        'resumeReading() is enough: when there is no more room, the next line pauses the connection again.',
    },
  )
  dee.reset()
  await expectPool(
    other,
    { busy: 0, queued: 0 },
    {
      because: 'dee has gone, and 197 of her lines wait. Nobody wants their replies.',
      likely:
        'cancel() takes back what is in the pool; a connection that is over hands on no lines.',
    },
  )
}

/** What a client sends without end, and waits for no reply, stays in the kernels; the others are served. */
export async function expectFloodHeldBack({ serve, connect, expect }: Stage): Promise<void> {
  const server = await serve('11-strands', { threads: 1, maxQueued: 1_000, maxUnanswered: 4 })
  const [ada, bob] = [await connect(server), await connect(server)]
  const before = await server.heldBytes()
  await ada.send(`${'sleep 4\n'.repeat(60)}${HOLD}${'fib 30\n'.repeat(300)}`)
  const flood = ada.flood(FLOOD_BYTES)
  await ada.expectBytes('slept\n'.repeat(60), {
    because: 'Her first sixty lines are short sleeps, and each has its reply.',
    likely:
      'Pause the connection when there is no room, and resume it after each reply, which makes room for one line.',
    seen: {
      silent:
        'Each reply makes room for one line: resume the connection after every reply that is sent, for the same reason for which it was paused.',
      ended: 'A client that asks too fast is not disconnected: its connection is paused.',
    },
  })
  await expectPool(
    server,
    { busy: 1, queued: 3 },
    {
      because:
        'Four lines of one client may be unanswered. The others wait where they are: outside the pool.',
      likely:
        'Call pauseReading() every time there is no room. Call resumeReading() only after sending a reply, and count one line down for it: do not reset the count.',
    },
    ({ queued }) => causeOfOthers[queued],
  )
  bob.beQuiet('sends a line and gets it back, again and again')
  const isServed = { because: 'bob’s lines are answered, whatever ada does.' }
  let held = 0
  do held = (await server.heldBytes()) - before
  while (held < 4 * MEBIBYTE && (await isMoving(flood, () => echo(bob, isServed), 400)))
  expect('the server to hold less than 4 MiB for ada', held < 4 * MEBIBYTE, {
    because: 'A client that sends lines endlessly and waits for no reply fills our memory.',
    likely:
      'Lines that we keep fill our memory; what a paused connection does not read waits in the kernel. Pause it, and resume it only when a reply has been sent.',
    expected: 'less than 4 MiB',
    received: `${countBytes(held)}, after ${countBytes(flood.taken)} from ada`,
  })
  expect('the server to have stopped reading from ada', !flood.isOver, {
    because:
      'Nothing of hers can be answered for a minute, so there is no room for all that she sends.',
    likely: 'Lines are thrown away. Stop reading instead: then the kernel tells ada to wait.',
  })
}

/** What it may be that the pool has so many jobs of ada's waiting, where three are right. */
const causeOfOthers: Record<number, string> = {
  4: 'One line too many: the line itself counts, so pause when the fourth is counted (`>=`), and count it down when its reply is sent, not earlier.',
  2: 'There was room for one more: every reply counts a line down and resumes the connection.',
}

const FIBONACCI = [0, 1, 1, 2, 3, 5, 8, 13, 21, 34]
