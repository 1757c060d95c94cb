/** What step 07.3 asks about the cost of a wait: sources that are silent cost nothing. */

import type { Source } from '#code/07-event-loop/byte-stream.ts'
import type { Poller } from '#code/07-event-loop/poller.ts'
import { withCommas } from '../../harness/numbers.ts'
import { PATIENCE_MS, within } from '../../harness/patience.ts'
import type { Stage } from '../../judge/step.ts'
import { LONG_MS, READING, TestSource, WRITING } from './loop-sources.ts'

/** Silent sources cost nothing, however many there are, and also if they are ready for what nobody wants of them. */
export async function expectNoQuestions(
  stage: Stage,
  poller: Poller<Source>,
  talker: TestSource,
): Promise<void> {
  const { story, expect } = stage
  story.tell(
    'test',
    'adds 1,000 sources that have nothing to read, and 1,000 that nobody wants to read',
  )
  const silent = Array.from(
    { length: 2_000 },
    (_, index) => new TestSource(`silent ${index}`, index < 1_000 ? WRITING : READING),
  )
  for (const [index, source] of silent.entries())
    poller.add(source, index < 1_000 ? READING : WRITING)
  talker.becomes({ readable: true }, story)
  for (let round = 0; round < 20; round++)
    await within(PATIENCE_MS, Promise.resolve(poller.wait(LONG_MS)))
  talker.becomes({ readable: false }, story)
  const questions = silent.reduce((sum, source) => sum + source.questions, 0)
  expect('the silent sources to be left alone', questions < 6 * silent.length, {
    because:
      'In twenty waits nothing has changed about the two thousand. Asking each of them each time is what select() and poll() do, and the reason for epoll.',
    likely:
      'Ask only the hot sources, and take those with nothing to report out of the hot set, writable or not: an idle socket is writable all the time.',
    expected: 'two or three questions to each, when they are new',
    received: `${questions} questions to 2,000 sources`,
  })
  for (const source of silent) poller.remove(source)
}

const FEW_READY = 100
const MANY_READY = 10_000

/**
 * One of many costs less than one of a few, or a little more: caches are small. With a list that is copied for each, it is
 * 20 times as much.
 */
const MAX_GROWTH = 8

/** A wait that reports many costs as many times more, and not the square of that. */
export async function expectCheapReports(
  { story, expect }: Stage,
  poller: Poller<Source>,
): Promise<void> {
  const costUs = async (count: number, enoughUs = 0) => {
    story.tell('test', `adds ${withCommas(count)} sources that are readable, and waits`)
    const sources = Array.from({ length: count }, () => new TestSource('ready', READING))
    for (const source of sources) poller.add(source, READING)
    let us = Number.POSITIVE_INFINITY
    for (let attempt = 0; attempt < 5 && us > enoughUs; attempt++) {
      const before = process.cpuUsage()
      for (let waits = 0; waits < MANY_READY / count; waits++)
        await within(PATIENCE_MS, Promise.resolve(poller.wait(LONG_MS)))
      const { user, system } = process.cpuUsage(before)
      us = Math.min(us, (user + system) / MANY_READY)
    }
    for (const source of sources) poller.remove(source)
    return us
  }
  const few = await costUs(FEW_READY)
  const many = await costUs(MANY_READY, MAX_GROWTH * few)
  expect('a ready source to cost the same among many', many <= MAX_GROWTH * few, {
    because: 'When all clients talk at once, each of them is reported, and the list is made once.',
    likely:
      'push() each report onto one list. A new list for each report ([...ready, …], concat()) copies all the earlier ones.',
    look: '#collect()',
    expected: `about what it costs among ${FEW_READY}`,
    received: `${few.toFixed(2)} µs each among ${FEW_READY}, ${many.toFixed(2)} µs among ${withCommas(MANY_READY)}`,
  })
}

const CROWD = 100_000

/** Going through a hundred thousand twenty times costs 20 ms of CPU and more; leaving them alone less than one. */
const MAX_CPU_MS = 8

/** A wait does not even go through a list of those that are silent. */
export async function expectCheapWaits(
  { story, expect }: Stage,
  poller: Poller<Source>,
  talker: TestSource,
): Promise<void> {
  story.tell('test', `adds ${withCommas(CROWD)} silent sources, and waits 20 times`)
  const silent = Array.from({ length: CROWD }, () => new TestSource('silent'))
  for (const source of silent) poller.add(source, READING)
  talker.becomes({ readable: true }, story)
  let cpuMs = Number.POSITIVE_INFINITY
  for (let attempt = 0; attempt < 6 && cpuMs > MAX_CPU_MS; attempt++) {
    await within(PATIENCE_MS, Promise.resolve(poller.wait(LONG_MS)))
    const before = process.cpuUsage()
    for (let round = 0; round < 20; round++)
      await within(PATIENCE_MS, Promise.resolve(poller.wait(LONG_MS)))
    const { user, system } = process.cpuUsage(before)
    cpuMs = Math.min(cpuMs, (user + system) / 1_000)
  }
  talker.becomes({ readable: false }, story)
  for (const source of silent) poller.remove(source)
  expect('twenty waits to cost no more than they do without the crowd', cpuMs <= MAX_CPU_MS, {
    because:
      'Nothing has changed about the silent sources. Looking at each of them in each wait is the work that epoll saves.',
    likely: '#collect() goes through #hot, not through #interests.',
    expected: `less than ${MAX_CPU_MS} ms of CPU time`,
    received: `${cpuMs.toFixed(1)} ms`,
  })
}
