/** What steps 07.4 and 07.6 play in: a loop whose poller reports, round for round, what the test has written down. */

import { queryObjects } from 'node:v8'
import type { EventLoop, Handler, TimerSource } from '#code/07-event-loop/event-loop.ts'
import type { Poller, Ready } from '#code/07-event-loop/poller.ts'
import { FakedClock } from '../harness/faked-clock.ts'
import { PATIENCE_MS, within } from '../harness/patience.ts'
import type { Stage } from '../judge/step.ts'
import { BOTH, NEITHER, READING, WRITING } from './loop-sources.ts'
import { settled } from './loop-streams.ts'

/** A name stands for a source that can be read. */
export type Report = string | Ready<string>

/** A poller that reports what the test has written down, one round a wait, and is over after that. */
export class TestPoller implements Poller<string> {
  readonly timeouts: number[] = []
  wakeUps = 0
  whenOver: () => void = () => {}
  onWait: () => void = () => {}
  readonly #rounds: Report[][]

  constructor(rounds: Report[][], onWait = () => {}) {
    this.#rounds = rounds
    this.onWait = onWait
  }

  add(): void {}
  modify(): void {}
  remove(): void {}
  wake(): void {
    this.wakeUps += 1
  }

  async wait(timeoutMs: number): Promise<Ready<string>[]> {
    this.timeouts.push(timeoutMs)
    await settled()
    this.onWait()
    const round = this.#rounds.shift()
    if (!round) this.whenOver()
    return (round ?? []).map((report) =>
      typeof report === 'string' ? { source: report, ...READING, hungUp: false } : report,
    )
  }
}

export class TestTimers implements TimerSource {
  runs = 0
  readonly #onRun: () => void

  constructor(onRun = () => {}) {
    this.#onRun = onRun
  }

  /** Another one in each round, and the same however often it is asked. */
  nextDelay(): number {
    return 100 + this.runs
  }

  runDue(): void {
    this.runs += 1
    this.#onRun()
  }
}

/** A loop over such rounds, and the poller that it asks. It is stopped when they are over. */
export async function makeLoop(
  { load }: Stage,
  rounds: Report[][],
  timers = new TestTimers(),
): Promise<{ loop: EventLoop<string>; poller: TestPoller }> {
  const { EventLoop } = await load(() => import('#code/07-event-loop/event-loop.ts'))
  const poller = new TestPoller(rounds)
  const loop = new EventLoop<string>(poller, timers)
  poller.whenOver = () => loop.stop()
  return { loop, poller }
}

/** Turns, timers, the end of the round: in this order, in every round, whether or not somebody was ready. */
export async function expectOrder(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  const happened: string[] = []
  const note = (what: string) => {
    story.tell('loop', what)
    happened.push(what)
  }
  const timers = new TestTimers(() => {
    note('timers')
    if (timers.runs === 2) loop.touch({ onRoundEnd: () => note('end, for the timer') })
  })
  const { loop, poller } = await makeLoop(stage, [['ada', 'bob'], []], timers)
  poller.onWait = () => note('wait')
  const again = { onRoundEnd: () => note('end, once more') }
  const task = {
    onRoundEnd() {
      note('end')
      loop.touch(again)
    },
  }
  for (const name of ['ada', 'bob']) {
    loop.add(name, READING, () => {
      note(name)
      loop.touch(task)
      loop.touch(task)
    })
  }
  await within(PATIENCE_MS, loop.run())
  const rounds = ['wait', 'ada', 'bob', 'timers', 'end']
  const next = ['wait', 'timers', 'end, once more', 'end, for the timer']
  expectSame(
    'what happened up to the second round’s end',
    happened.slice(0, 9),
    [...rounds, ...next],
    {
      because:
        'A round is: wait, all turns, the timers, the end. What turns and timers have touched is done once, at the end of their own round; what is touched there, at the end of the next.',
      likely: orderAsLikely(happened),
    },
  )
  expectSame('the time-out of the second wait', poller.timeouts[1], 0, {
    because:
      'Something is left to be done at the end of the next round. A loop that sleeps now is late with it.',
    likely: 'Wait by #wait(), which knows that; the poller does not.',
  })
}

function orderAsLikely(happened: string[]): string {
  const at = (what: string) => {
    const index = happened.indexOf(what)
    return index === -1 ? Number.POSITIVE_INFINITY : index
  }
  if (!happened.includes('end')) return 'Call #endRound(), behind the turns and the timers.'
  if (at('timers') < at('bob'))
    return 'runDue() stands before the turns, or among them: it follows all of them.'
  if (at('end') < at('bob')) return '#endRound() follows the last turn, not each of them.'
  if (at('end') < at('timers')) return '#endRound() comes last, behind the timers.'
  if (happened.indexOf('wait', 1) < at('end'))
    return '#endRound() belongs behind the turns and the timers of its own round, not before the next turns.'
  return 'Call #endRound() in every round, also when nobody was ready.'
}

/** For a number of turns that is wrong. */
export const COUNT_TURNS =
  'Add one to #turns where the handler is called: not once a round, and not for a source that has no turn.'

/** A turn is for what was reported *and* is wanted now. */
export async function expectTurnsAsWanted(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  const both = (source: string) => ({ source, ...BOTH, hungUp: false })
  const { loop } = await makeLoop(stage, [
    ['dan', 'eve', both('fay'), both('gus'), both('hal')],
    [
      'ida',
      { source: 'jon', ...WRITING, hungUp: false },
      { source: 'kim', ...NEITHER, hungUp: true },
      { source: 'lea', ...READING, hungUp: true },
      { source: 'max', ...READING, hungUp: true },
    ],
    [{ source: 'kim', ...NEITHER, hungUp: true }],
  ])
  const turns: string[] = []
  const take =
    (name: string): Handler<string> =>
    ({ readable, writable, hungUp }) => {
      const what = [readable && 'readable', writable && 'writable', hungUp && 'hung up']
      const turn = `${name}: ${what.filter(Boolean).join(', ')}`
      story.tell(name, `has a turn: ${what.filter(Boolean).join(', ')}`)
      turns.push(turn)
    }
  loop.add('dan', READING, (ready) => {
    take('dan')(ready)
    story.tell('dan', 'wants nothing of eve any more, only to write fay, only to read gus')
    loop.modify('eve', NEITHER)
    loop.modify('fay', WRITING)
    loop.modify('gus', READING)
  })
  for (const name of ['eve', 'fay', 'gus', 'hal', 'ida', 'jon']) loop.add(name, BOTH, take(name))
  loop.add('kim', NEITHER, take('kim'))
  loop.add('lea', READING, take('lea'))
  loop.add('max', WRITING, take('max'))
  await within(PATIENCE_MS, loop.run())
  expectSame(
    'the turns',
    turns,
    [
      'dan: readable',
      'fay: writable',
      'gus: readable',
      'hal: readable, writable',
      'ida: readable',
      'jon: writable',
      'kim: hung up',
      'lea: readable, hung up',
      'max: hung up',
      'kim: hung up',
    ],
    {
      because:
        'dan’s turn came first, and changed what is wanted of eve, fay and gus, who had been reported. ida and jon are ready for one thing only. kim, lea and max have free descriptors; lea is to be read, max to be written. kim is reported again.',
      likely:
        'A handler is called with what was reported and is wanted now: ready.readable && entry.interest.readable, writable alike; hungUp as reported, which is reason enough for a turn. Only the handler removes its source.',
      look: '#giveTurn()',
    },
  )
  expectSame('stats().turns', loop.stats().turns, 10, {
    because: 'Only turns that were had are counted. eve had none.',
    likely: COUNT_TURNS,
    look: '#giveTurn()',
  })
}

/** Our own bugs end the loop, wherever in a round they are. */
export async function expectBugsSeen(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  for (const place of ['a handler', 'a timer', 'a task at the end of the round']) {
    const fail = (where: string) => {
      if (where === place) throw new Error(`${place} is broken`)
    }
    const { loop } = await makeLoop(stage, [['eve']], new TestTimers(() => fail('a timer')))
    loop.add('eve', READING, () => {
      loop.touch({ onRoundEnd: () => fail('a task at the end of the round') })
      fail('a handler')
    })
    story.tell('test', `runs a loop in which ${place} throws`)
    const seen = await within(
      PATIENCE_MS,
      loop.run().then(
        () => 'nothing was thrown',
        (error: Error) => error.message,
      ),
    )
    expectSame(`run(), when ${place} throws`, seen, `${place} is broken`, {
      because: `That is our own bug. It has to be seen, not swallowed.`,
      likely: 'Catch nothing in run(): what is thrown in an async function rejects its promise.',
    })
  }
}

/** A poller that cannot wait is our own bug, too. */
export async function expectPollerSeen(stage: Stage): Promise<void> {
  const { loop, poller } = await makeLoop(stage, [])
  let waits = 0
  poller.wait = async () => {
    waits += 1
    await settled()
    if (waits === 1) throw new Error('the poller is broken')
    loop.stop()
    return []
  }
  loop.add('ada', READING, () => {})
  stage.story.tell('test', 'runs a loop whose poller throws')
  const seen = await within(
    PATIENCE_MS,
    loop.run().then(
      () => 'nothing was thrown',
      (error: Error) => error.message,
    ),
  )
  stage.expectSame('run(), when the poller throws', seen, 'the poller is broken', {
    because: 'A loop that cannot wait serves nobody, and that has to be seen.',
    likely: 'Catch nothing in run(): what is thrown in an async function rejects its promise.',
  })
}

/** Every source that is reported has a turn, however many they are. */
export async function expectTurnForEach(stage: Stage): Promise<void> {
  const names = Array.from({ length: 5_000 }, (_, index) => `source ${index}`)
  const { loop } = await makeLoop(stage, [names])
  for (const name of names) loop.add(name, READING, () => {})
  stage.story.tell('poller', 'reports 5,000 sources in one round')
  await within(PATIENCE_MS, loop.run())
  stage.expectSame('stats().turns', loop.stats().turns, 5_000, {
    because:
      'One turn for each, in that round: a wait does not know whom the one before has left out.',
    likely: 'Go through the whole list.',
  })
}

/** What the loop does for its timers has nothing to do with sources, and the last moment to ask is before the wait. */
export async function expectTimersServed(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  const timers = {
    delay: 50,
    runs: 0,
    nextDelay: () => timers.delay,
    plan(delay: number) {
      timers.delay = delay
    },
    runDue() {
      timers.runs += 1
      timers.plan(20)
    },
  }
  const { EventLoop } = await stage.load(() => import('#code/07-event-loop/event-loop.ts'))
  const poller = new TestPoller([['ada'], []])
  const loop = new EventLoop<string>(poller, timers)
  poller.whenOver = () => loop.stop()
  const task = { onRoundEnd: () => timers.plan(5) }
  loop.add('ada', READING, () => {
    timers.plan(40)
    loop.touch(task)
    loop.remove('ada')
  })
  story.tell('ada', 'has the only turn, and is removed')
  story.tell(
    'timers',
    'have one in 40 ms after the turns, in 20 ms after runDue(), in 5 ms after the round’s end',
  )
  await within(PATIENCE_MS, loop.run())
  const [first, second] = poller.timeouts
  expectSame('the time-outs of the first two waits', [first, second], [50, 5], {
    because:
      'Turns, timers and tasks may all plan something. The loop sleeps no longer than until then.',
    likely:
      second === undefined
        ? 'The loop runs until stop(), whether or not it has sources: there are timers.'
        : 'Ask nextDelay() right before #wait(), behind the end of the round.',
  })
  expectSame('whether timers were run without a source', timers.runs >= 2, true, {
    because: 'A loop that has no connections still has timers.',
    likely: 'while (!this.#isStopping), and nothing else.',
  })
}

const MANY_ROUNDS = 2_000

/** A loop may run for years: a round must leave nothing behind. */
export async function expectNothingKept(stage: Stage): Promise<void> {
  const { story, expect } = stage
  const { loop, poller } = await makeLoop(stage, [])
  const rounds = Array.from({ length: MANY_ROUNDS }, (): Ready<string>[] => [])
  let promises = 0
  poller.wait = () => {
    const round = rounds.pop()
    if (round) return Promise.resolve(round)
    promises = queryObjects(Promise, { format: 'count' }) as unknown as number
    loop.stop()
    return Promise.resolve([])
  }
  story.tell('test', `lets the loop run ${MANY_ROUNDS} rounds in which nothing happens`)
  const before = queryObjects(Promise, { format: 'count' }) as unknown as number
  await within(PATIENCE_MS, loop.run())
  const kept = promises - before
  expect('a round to leave nothing behind', kept < MANY_ROUNDS / 2, {
    because: 'A server’s loop runs for years. What each of its rounds keeps is never freed.',
    likely:
      'run() calls itself: each call waits for the next one, and none ever returns. Use a `while` loop.',
    expected: 'as many promises as before, or a few more',
    received: `${kept} more after ${MANY_ROUNDS} rounds`,
  })
}

/** So many rounds in which nothing happens come behind the longest one. */
const SHORT_ROUNDS = 300

/** The clock covers turns, timers and the end of each round, and nothing else; the longest round counts. */
export async function expectLongestRound(stage: Stage): Promise<void> {
  const { story, expect } = stage
  const clock = new FakedClock()
  try {
    const timers = new TestTimers(() => clock.advance(3))
    const short = Array.from({ length: SHORT_ROUNDS }, () => [])
    const rounds = [['ada'], ['ada', 'bob'], ['ada'], ...short]
    const { loop, poller } = await makeLoop(stage, rounds, timers)
    poller.onWait = () => clock.advance(500)
    const sending = { onRoundEnd: () => clock.advance(5) }
    for (const name of ['ada', 'bob']) {
      loop.add(name, READING, () => {
        story.tell(name, 'has a turn that takes 20 ms')
        clock.advance(20)
        loop.touch(sending)
      })
    }
    await within(PATIENCE_MS, loop.run())
    story.tell('loop', 'has run timers for 3 ms in each round, and sent for 5 ms at its end')
    const { longestRoundMs } = loop.stats()
    const received = `${longestRoundMs.toFixed(1)} ms`
    expect('the time in wait() not to count', longestRoundMs < 500, {
      because: 'A loop that waits delays nobody. Each wait of this test took 500 ms.',
      likely:
        Math.round(longestRoundMs) === 48_000
          ? 'Those are microseconds. LoopStats has milliseconds.'
          : longestRoundMs > 1e9
            ? 'Two clocks: Date counts from 1970, performance.now() from the start of the process. Take both times from the same one.'
            : 'The clock starts when wait() has returned.',
      expected: '48 ms',
      received,
    })
    expect('the longest round to be the second, all of it', Math.abs(longestRoundMs - 48) < 0.01, {
      because:
        'A source that becomes ready when a round begins waits until all of it is over: two turns of 20 ms, timers for 3 ms, and 5 ms at its end. The rounds before and after it were shorter.',
      likely: likelyRound(longestRoundMs),
      expected: '48 ms',
      received,
    })
    await expectTimersCounted(stage, clock)
  } finally {
    clock.giveBack()
  }
}

/** What was measured tells what was left out. */
function likelyRound(exactMs: number): string {
  const ms = Math.round(exactMs)
  if (exactMs >= 0.04 && exactMs < 0.05) return 'Those are seconds. LoopStats has milliseconds.'
  if (ms === 3)
    return 'That is one of the last rounds. The longest of all counts, however many come behind it: Math.max().'
  if (ms === 8) return 'The turns are left out: take the time before the first of them.'
  if (ms === 0)
    return '#longestRoundMs is still 0. This step extends run(): at the end of each round it keeps the longer one, Math.max(), and both times come from one clock.'
  if (ms === 40) return 'The clock is stopped before the timers. They delay everybody, too.'
  if (ms === 43)
    return 'The clock is stopped before #endRound(). What is sent there delays everybody.'
  if (ms === 45) return 'The timers are left out: the clock covers turns, timers and #endRound().'
  if (ms === 28) return 'That is the first round, or the last. Keep the longest of all: Math.max().'
  if (ms === 20) return 'That is a turn. Take the time before the first and behind #endRound().'
  if (ms > 48) return 'Rounds are added up. Keep the longest of them: Math.max().'
  return 'Take the time before the first turn and behind #endRound(), in ms, and keep the maximum.'
}

async function expectTimersCounted(stage: Stage, clock: FakedClock): Promise<void> {
  stage.story.tell('timers', 'take 30 ms in a round in which nobody is ready')
  const { loop } = await makeLoop(stage, [[]], new TestTimers(() => clock.advance(30)))
  await within(PATIENCE_MS, loop.run())
  const { longestRoundMs } = loop.stats()
  stage.expect('the round to count without turns', Math.abs(longestRoundMs - 30) < 0.01, {
    because: 'A source that became ready meanwhile had to wait for the timers.',
    likely: 'Every round is measured, also when nobody was ready.',
    expected: '30 ms',
    received: `${longestRoundMs.toFixed(1)} ms`,
  })
}
