/** Histograms that clients write into: with label values of their own invention, and very often. */

import type { Histogram } from '#code/19-chat-server/histogram.ts'
import type { Reason } from '../../harness/failure.ts'
import { collectGarbage } from '../../harness/garbage.ts'
import { withCommas } from '../../harness/numbers.ts'
import { randomInteger } from '../../harness/random.ts'
import type { Stage } from '../../judge/step.ts'
import { linesFor, playHistogram } from './histogram.ts'

const LABELS = ['method']

/** A label whose values a stranger chooses. */
export async function expectFewSeries(stage: Stage): Promise<void> {
  const took = await playHistogram(stage, { bounds: [1], labels: LABELS, maxSeries: 2 })
  took.observeAs(1, 'GET')
  took.observeAs(1, 'POST')
  const known = [
    ...linesFor([1], [1, 1], 1, 'method="GET"'),
    ...linesFor([1], [1, 1], 1, 'method="POST"'),
  ]
  took.expectLines(known, { because: 'Two combinations may have counters of their own.' })
  took.observeAs(Number.NaN, 'YYYY')
  took.expectLines(known, {
    because:
      'NaN is not counted, so it needs no counters: those last for as long as the server runs.',
    likely: 'Check the value first, and look for its counters after that.',
    look: 'histogram.observe()',
  })
  took.observeAs(2, 'XXXX')
  took.expectLines([...known, ...linesFor([1], [0, 1], 2, 'method="other"')], {
    because:
      'There are two combinations already. A value with a third one is counted all the same, with `other` for each label.',
    likely:
      '`maxSeries` combinations have counters of their own; one more series is for all others.',
    look: 'histogram.#seriesOf()',
  })
  stage.story.tell('eve', 'sends 1,000 methods of her own invention, and GET now and then')
  for (let index = 0; index < 1_000; index++) {
    took.histogram.observe(1, [`X${index}`])
    if (index % 100 === 0) took.histogram.observe(1, ['GET'])
  }
  took.expectLines(
    [
      ...linesFor([1], [11, 11], 11, 'method="GET"'),
      ...linesFor([1], [1, 1], 1, 'method="POST"'),
      ...linesFor([1], [1_000, 1_001], 1_002, 'method="other"'),
    ],
    {
      because:
        'Known methods keep their own counters, and all others share one series, whatever eve invents. Nothing that she did is lost.',
      likely:
        took.lines().filter((line) => line.startsWith('_count{method="other"}')).length > 1 ||
        took.lines().includes('_count{method="other"} 1')
          ? '`other` is a series like any other: look it up, too, before you make it.'
          : 'Look for the combination first, and for room only when it is new.',
      look: 'histogram.#seriesOf()',
    },
  )
  const pairs = await playHistogram(stage, { bounds: [1], labels: ['a', 'b'], maxSeries: 1 })
  pairs.observeAs(1, 'x', 'y')
  pairs.observeAs(1, 'x', 'z')
  pairs.expectLines(
    [
      ...linesFor([1], [1, 1], 1, 'a="x",b="y"'),
      ...linesFor([1], [1, 1], 1, 'a="other",b="other"'),
    ],
    {
      because: 'The combination is new, though one of its values is not.',
      likely: 'Every label says `other`.',
      look: 'histogram.#seriesOf()',
    },
  )
}

/** A stranger who calls himself what we call all others. */
export async function expectOneOther(stage: Stage): Promise<void> {
  const took = await playHistogram(stage, { bounds: [1], labels: LABELS, maxSeries: 2 })
  for (const method of ['other', 'other', 'GET', 'POST', 'PUT', 'other']) took.observeAs(1, method)
  const counts = took.lines().filter((line) => line.startsWith('_count{method="other"}'))
  stage.expectSame('the number of series that say `other`', counts.length, 1, {
    because:
      'A sample is identified by its name and labels. Of two with the same labels, a monitoring system may take either, or neither.',
    likely:
      'The series for all others has the same key as any series with these labels: look it up by its labels.',
    look: 'histogram.#seriesOf()',
  })
  const isLimited = !took.lines().some((line) => line.includes('"POST"'))
  took.expectLines(
    [...linesFor([1], [5, 5], 5, 'method="other"'), ...linesFor([1], [1, 1], 1, 'method="GET"')],
    {
      because:
        '`other` and GET are two combinations, so POST and PUT find no room. They are counted beside the three who call themselves `other`.',
      likely: isLimited
        ? 'Look the series of all others up by its labels. If there is one, count in it: do not put a new one in its place.'
        : 'A series that a stranger has made is one of the `maxSeries` as well, even if it says `other`.',
      look: 'histogram.#seriesOf()',
    },
  )
  const roomy = await playHistogram(stage, { bounds: [1], labels: ['method', 'status'] })
  roomy.observeAs(1, 'other', '200')
  roomy.observeAs(1, 'GET', 'other')
  roomy.expectLines(
    [
      ...linesFor([1], [1, 1], 1, 'method="other",status="200"'),
      ...linesFor([1], [1, 1], 1, 'method="GET",status="other"'),
    ],
    {
      because:
        'There is room for both combinations. A value is a text like any other, `other` as well.',
      likely: 'Labels become `other` only when there is no room left.',
      look: 'histogram.#seriesOf()',
    },
  )
}

/** A caller that has one list of label values, and writes new ones into it. */
export async function expectLabelsKept(stage: Stage): Promise<void> {
  const took = await playHistogram(stage, { bounds: [1], labels: LABELS })
  const values: string[] = []
  for (const method of ['GET', 'POST']) {
    stage.story.tell('test', `observes 1 with "${method}", in the same list as before`)
    values[0] = method
    took.histogram.observe(1, values)
  }
  took.expectLines(
    [...linesFor([1], [1, 1], 1, 'method="GET"'), ...linesFor([1], [1, 1], 1, 'method="POST"')],
    {
      because: 'The list belongs to the caller, who may change it after observe() has returned.',
      likely: 'Let #add() make each series: it keeps a copy of the list.',
      look: 'histogram.#seriesOf()',
    },
  )
}

/** Values at random, beside a list of all of them. */
export async function expectSteady(stage: Stage): Promise<void> {
  const bounds = [1, 2, 4, 8, 16, 32]
  const { Histogram } = await stage.load(() => import('#code/19-chat-server/histogram.ts'))
  const took = await playHistogram(stage, { bounds })
  stage.story.tell('test', 'observes 20,000 values from 0 to 40')
  const values = Array.from({ length: 20_000 }, () => randomInteger(stage.random, 41))
  for (const value of values) took.histogram.observe(value)
  const upTo = bounds.map((bound) => values.filter((value) => value <= bound).length)
  const sum = values.reduce((total, value) => total + value, 0)
  took.expectLines(linesFor(bounds, [...upTo, values.length], sum), {
    because: 'Counting the values one by one gives the same numbers.',
    look: 'histogram.observe()',
  })
  const few = askingUs(new Histogram({ name: 'took', help: 'Test.', bounds }), 100)
  const many = askingUs(new Histogram({ name: 'took', help: 'Test.', bounds }), 100_000)
  stage.expect(
    'a histogram to answer as fast after 100,000 observations as after 100',
    many < 20 * few || many < 200,
    {
      because: 'It has a few counters, however often something happens, and does not grow.',
      likely: 'Count when something is observed; keep no observation.',
      look: 'histogram.observe()',
      received: `${Math.round(few)} µs and ${Math.round(many)} µs`,
    },
  )
}

/** Says how long things take, for as long as a server runs, and whatever strangers call themselves. */
export async function expectNothingKept(stage: Stage): Promise<void> {
  const { Histogram } = await stage.load(() => import('#code/19-chat-server/histogram.ts'))
  const options = { name: 'took', help: 'Test.', bounds: [1, 5, 10] }
  const took = new Histogram(options)
  stage.story.tell('test', `observes ${withCommas(OBSERVATIONS)} values of its own`)
  await expectFewBytes(stage, took, (index) => took.observe(index / 7), {
    because: 'A list of all that was observed grows for as long as the server runs.',
    likely: 'Count when something is observed; keep no observation.',
    look: 'histogram.observe()',
  })
  const byMethod = new Histogram({ ...options, labels: LABELS, maxSeries: 2 })
  stage.story.tell('eve', `sends ${withCommas(OBSERVATIONS)} methods of her own invention`)
  await expectFewBytes(stage, byMethod, (index) => byMethod.observe(1, [`X${index}`]), {
    because: 'What is kept of each stranger fills the memory, even if it is only a name.',
    likely: 'A combination without counters of its own is counted as `other`, and forgotten.',
    look: 'histogram.#seriesOf()',
  })
}

async function expectFewBytes(
  stage: Stage,
  histogram: Histogram,
  observe: (index: number) => void,
  reason: Reason,
): Promise<void> {
  let observed = 0
  const heldForMore = async () => {
    const before = await leastHeldBytes(0)
    const all = observed + OBSERVATIONS
    while (observed < all) observe(observed++)
    return (await leastHeldBytes(before + FEW_BYTES)) - before
  }
  let held = await heldForMore()
  // Something else in this process may have needed room, once. A histogram that keeps its values does so again.
  if (held >= FEW_BYTES) held = await heldForMore()
  // It lives until here.
  histogram.samples()
  stage.expect('a histogram to hold only a few counters', held < FEW_BYTES, {
    ...reason,
    expected: `less than ${withCommas(FEW_BYTES)} bytes more`,
    received: `about ${Math.round(held / OBSERVATIONS / 10) * 10} bytes for each value`,
  })
}

const OBSERVATIONS = 200_000

/** Two for each of them, where a number takes eight. */
const FEW_BYTES = 2 * OBSERVATIONS

/** Bytes that somebody holds. The memory of dead buffers is given back a moment after the collection that finds them. */
async function leastHeldBytes(enough: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let look = 0; look < 8 && least >= enough; look++) {
    collectGarbage()
    await new Promise((resolve) => setImmediate(resolve))
    const { heapUsed, external } = process.memoryUsage()
    least = Math.min(least, heapUsed + external)
  }
  return least
}

/** Microseconds that the fastest of five answers takes, behind so many observations. */
function askingUs(histogram: Histogram, observations: number): number {
  for (let index = 0; index < observations; index++) histogram.observe(index % 40)
  const took = Array.from({ length: 5 }, () => {
    const beganMs = performance.now()
    histogram.samples()
    return (performance.now() - beganMs) * 1_000
  })
  return Math.min(...took)
}
