import { type Stage, step } from '../judge/step.ts'
import { expectDoors } from '../worlds/19-chat-server/door-plans.ts'
import { expectFailures } from '../worlds/19-chat-server/drain-failures.ts'
import {
  expectCutAtOnce,
  expectDeadline,
  expectOrder,
  expectSecondSignal,
} from '../worlds/19-chat-server/drain-order.ts'
import { expectDrainedServer } from '../worlds/19-chat-server/drained-server.ts'
import { linesFor, playHistogram } from '../worlds/19-chat-server/histogram.ts'
import {
  expectFewSeries,
  expectLabelsKept,
  expectNothingKept,
  expectOneOther,
  expectSteady,
} from '../worlds/19-chat-server/histogram-crowd.ts'
import {
  expectGone,
  expectHandshakes,
  expectLastAnswer,
  expectSocketsForgotten,
  expectTwoAtATime,
} from '../worlds/19-chat-server/tls-handshakes.ts'
import { TlsWorld } from '../worlds/19-chat-server/tls-peers.ts'
import {
  expectBrokenTelling,
  expectEarlierConnection,
  expectLoadThatThrows,
  expectRacingReloads,
  expectRacingWithUnusable,
  expectReloads,
  expectReloadsInOrder,
} from '../worlds/19-chat-server/tls-reloads.ts'
import { expectOneChat } from '../worlds/19-chat-server/two-doors.ts'
import { expectPlaces } from '../worlds/19-chat-server/web-requests.ts'
import { inFolder } from '../worlds/chat-accounts.ts'

step('19.1', 'two doors open onto one chat, or none', async (stage) => {
  await expectDoors(stage)
  await expectPlaces(stage)
  await inFolder((data) => expectOneChat(stage, data))
})

step('19.2', 'a server that ends loses nothing that was acknowledged', async (stage) => {
  await expectOrder(stage)
  await expectDeadline(stage)
  await expectSecondSignal(stage)
  await expectFailures(stage)
  await expectCutAtOnce(stage)
  await inFolder((data) => expectDrainedServer(stage, data))
})

step('19.3', 'a histogram counts in buckets, with labels of bounded number', async (stage) => {
  const BOUNDS = [1, 5, 10]
  const took = await playHistogram(stage, { bounds: BOUNDS })
  took.expectLines([], {
    because: 'Nothing was observed yet, so there are no series and no samples.',
    likely: 'The first observation makes the series.',
    look: 'histogram.samples()',
  })
  took.observe(3)
  took.expectLines(linesFor(BOUNDS, [0, 1, 1, 1], 3), {
    because:
      'A bucket says how many observations did not exceed its bound: 3 is above 1, and not above 5, 10 and +Inf.',
    likely:
      'The samples are cumulative: each bucket includes those before it, and +Inf includes every observation.',
    look: 'histogram.samples()',
  })
  took.expectLines(linesFor(BOUNDS, [0, 1, 1, 1], 3), {
    because: 'Asking for samples changes nothing: two monitoring systems may ask one server.',
    likely: 'The totals that samples() adds up belong to one call of it.',
    look: 'histogram.samples()',
  })
  took.observe(5)
  took.expectLines(linesFor(BOUNDS, [0, 2, 2, 2], 8), {
    because: '5 does not exceed 5: a bound belongs to its bucket. `le` means "less than or equal".',
    likely: 'value <= bound.',
    look: 'histogram.observe()',
  })
  took.observe(10.5, 4_000)
  took.expectLines(linesFor(BOUNDS, [0, 2, 2, 4], 4_018.5), {
    because: 'Both are above every bound: only +Inf has them, besides the sum and the count.',
    likely: 'There is one counter more than there are bounds.',
    look: 'histogram.observe()',
  })
  took.observe(0, 0.25, 10)
  took.expectLines(linesFor(BOUNDS, [2, 4, 5, 7], 4_028.75), {
    because: 'Two are in the first bucket, and 10 is in the last one that has a bound.',
    look: 'histogram.observe()',
  })
  took.observe(Number.NaN)
  took.expectLines(linesFor(BOUNDS, [2, 4, 5, 7], 4_028.75), {
    because:
      'NaN is a measurement that failed. One of them would make the sum NaN for as long as the server runs.',
    likely: 'NaN <= bound is false for every bound: look for NaN itself.',
    look: 'histogram.observe()',
  })
  took.observe(Number.POSITIVE_INFINITY)
  took.expectLines(linesFor(BOUNDS, [2, 4, 5, 8], Number.POSITIVE_INFINITY), {
    because: 'Infinity is a number, and it is above every bound.',
    likely: 'Number.isFinite() is false for Infinity; Number.isNaN() is true only for NaN.',
    look: 'histogram.observe()',
  })
  const FINE = [0, 0.0005, 0.25]
  const fine = await playHistogram(stage, { bounds: FINE })
  fine.observe(-1, 0.25, 0.5)
  fine.expectLines(linesFor(FINE, [1, 1, 2, 3], -0.25), {
    because:
      'Whatever the unit, a value is in the first bucket whose bound it does not exceed, and 0 is a bound.',
    likely: fine.lines().includes('_count 3')
      ? '0 is falsy, like undefined: check whether there is a bound, not whether it is truthy.'
      : 'Every number counts, even one below 0. Only NaN does not.',
    look: 'histogram.observe()',
  })
  const TINY = 2 ** -40
  const tiny = await playHistogram(stage, { bounds: FINE })
  tiny.observe(...Array<number>(10).fill(TINY))
  tiny.expectLines(linesFor(FINE, [0, 10, 10, 10], 10 * TINY), {
    because: 'Ten values are counted, however small they are.',
    look: 'histogram.observe()',
  })

  const LABELS = ['route', 'status']
  const byRoute = await playHistogram(stage, { bounds: [1], labels: LABELS })
  byRoute.observeAs(1, '/chat', '101')
  byRoute.observeAs(2, '/', '200')
  byRoute.observeAs(4, '/chat', '101')
  const [chat, page] = ['route="/chat",status="101"', 'route="/",status="200"']
  byRoute.expectLines([...linesFor([1], [1, 2], 5, chat), ...linesFor([1], [0, 1], 2, page)], {
    because:
      'Each combination of label values has counters of its own. All of its samples come together, with `le` after its labels.',
    likely: goesOnCounting(byRoute.lines())
      ? 'Each series begins to add up at 0, not where the previous one ended.'
      : 'Every sample has the labels, with the values in the order of the names; `le` comes last.',
    look: goesOnCounting(byRoute.lines())
      ? 'histogram.samples()'
      : ['histogram.#seriesOf()', 'histogram.samples()'],
  })
  await expectTwoSeries(stage, PAIRS)
  await expectFewSeries(stage)
  await expectOneOther(stage)
  await expectLabelsKept(stage)
  await expectSteady(stage)
  await expectNothingKept(stage)
  await expectTwoSeries(stage, SEPARATED)
})

/** Expects each of two to have counters of its own. */
async function expectTwoSeries(stage: Stage, pairs: [string[], string[]][]): Promise<void> {
  for (const [one, other] of pairs) {
    const pair = await playHistogram(stage, { bounds: [1], labels: ['route', 'status'] })
    pair.observeAs(1, ...one)
    pair.observeAs(1, ...other)
    stage.expectSame('how many series there are', pair.lines().length / 4, 2, {
      because: `${JSON.stringify(one)} and ${JSON.stringify(other)} are two combinations.`,
      likely: one[0].endsWith('GET')
        ? 'The key has to contain all label values unchanged, in upper and lower case.'
        : 'A key made of several texts has to be unambiguous, as JSON.stringify() of the list is. And a Map takes any key, while a plain object does not.',
      look: 'histogram.#seriesOf()',
    })
  }
}

/** Whether the second series of two, with one observation, counts those of the first as well. */
function goesOnCounting(lines: string[]): boolean {
  return lines.length === 8 && lines.at(-1)?.endsWith(' 3') === true
}

/** Label values that are different, and that a careless key takes for the same. */
const PAIRS: [string[], string[]][] = [
  [
    ['a', 'b'],
    ['a', 'c'],
  ],
  [
    ['a,b', 'c'],
    ['a', 'b,c'],
  ],
  [
    ['a', ''],
    ['', 'a'],
  ],
  [
    ['1 2', '3'],
    ['1', '2 3'],
  ],
  [
    ['a|', 'b'],
    ['a', '|b'],
  ],
  [
    ['a:', 'b'],
    ['a', ':b'],
  ],
  [
    ['/a/route/of/many/segments/GET', 'x'],
    ['/a/route/of/many/segments/get', 'x'],
  ],
  [
    ['__proto__', 'x'],
    ['constructor', 'x'],
  ],
]

/** The same for other keys: a separator that nobody types is one that anybody can send. */
const SEPARATED = ['\0', '\u001f', '\n', '\t', ';', '/', '::', '||'].map(
  (separator): [string[], string[]] => [
    [`a${separator}`, 'b'],
    ['a', `${separator}b`],
  ],
)

step('19.4', 'a handshake has a deadline, and a certificate can be replaced', async (stage) => {
  const world = new TlsWorld(stage)
  await world.open()
  try {
    await expectHandshakes(stage, world)
    await expectGone(world)
    await expectTwoAtATime(stage, world)
    await expectLastAnswer(stage, world)
    await expectReloads(stage, world)
    await expectRacingReloads(stage, world)
    await expectReloadsInOrder(stage, world)
    await expectSocketsForgotten(stage, world)
    await expectRacingWithUnusable(stage, world)
    await expectEarlierConnection(stage, world)
    await expectLoadThatThrows(stage, world)
    await expectBrokenTelling(stage, world)
  } finally {
    world.clear()
  }
})
