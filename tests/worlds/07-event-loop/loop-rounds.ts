/** What steps 07.4 and 07.6 play in: a loop whose poller reports, round for round, what the test has written down. */

import type { EventLoop, Handler, TimerSource } from '#code/07-event-loop/event-loop.ts'
import type { Poller, Ready } from '#code/07-event-loop/poller.ts'
import { PATIENCE_MS, within } from '../../harness/patience.ts'
import type { Stage } from '../../judge/step.ts'
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

/** The timers of a loop that has had four rounds, and was stopped in the wait for a fifth. */
export function expectTimersEachRound(
  { expect, expectSame }: Stage,
  poller: TestPoller,
  timers: TestTimers,
): void {
  // A loop that is stopped while it waits may leave at once, or end its last round first.
  const missed = poller.timeouts.length - timers.runs
  expect('the timers to have been run once a round', missed === 0 || missed === 1, {
    because: 'Timers are run once a round, whether or not a source was ready.',
    likely:
      missed < 0
        ? 'runDue() is called among the turns. Call it once a round, after all of them.'
        : 'Call runDue() after the turns, even when no source was ready.',
    expected: '5 times, or 4 if the loop leaves right after the last wait',
    received: `${timers.runs} times`,
  })
  expectSame('the time-outs that wait() was given', poller.timeouts, [100, 101, 102, 103, 104], {
    because: 'Between rounds the loop may sleep until the next timer is due, and no longer.',
    likely:
      poller.timeouts[0] === 101
        ? 'runDue() was called before the first wait. It follows the turns.'
        : 'Ask nextDelay() before every wait.',
  })
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
    'what happened up to the end of the second round',
    happened.slice(0, 9),
    [...rounds, ...next],
    {
      because:
        'A round is the wait, all turns, the timers, and the end. A task that a turn or a timer touches is done once, at the end of that round; a task touched at the end, at the end of the next.',
      likely: orderAsLikely(happened),
    },
  )
  expectSame('the time-out of the second wait', poller.timeouts[1], 0, {
    because:
      'A task is left for the end of the next round. A loop that sleeps now does it too late.',
    likely: 'Wait with #wait(), which takes that into account; the poller does not.',
  })
}

function orderAsLikely(happened: string[]): string {
  const at = (what: string) => {
    const index = happened.indexOf(what)
    return index === -1 ? Number.POSITIVE_INFINITY : index
  }
  if (!happened.includes('end')) return 'Call #endRound() after the turns and the timers.'
  if (at('timers') < at('bob'))
    return 'runDue() is called before the turns, or among them. Call it after all of them.'
  if (at('end') < at('bob')) return 'Call #endRound() after the last turn, not after each of them.'
  if (at('end') < at('timers')) return '#endRound() comes last, after the timers.'
  if (happened.indexOf('wait', 1) < at('end'))
    return 'Call #endRound() after the turns and the timers of its own round, not before the next turns.'
  if (at('end, once more') < happened.indexOf('wait', 1))
    return 'Call #endRound() once a round: what is touched at the end of a round belongs to the next one.'
  return 'Call #endRound() in every round, even when no source was ready.'
}

/** For a number of turns that is wrong. */
export const COUNT_TURNS =
  'Add one to #turns where the handler is called: not once a round, and not for a source that has no turn.'

/** A turn is for what was reported *and* is wanted now. */
export async function expectTurnsAsWanted(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  const both = (source: string) => ({ source, ...BOTH, hungUp: false })
  const { loop } = await makeLoop(stage, [
    ['dan', 'eve', both('fay'), both('gus'), both('hal'), 'ned'],
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
    story.tell(
      'dan',
      'wants nothing of eve any more, only to write fay and ned, and only to read gus',
    )
    loop.modify('eve', NEITHER)
    loop.modify('fay', WRITING)
    loop.modify('gus', READING)
    loop.modify('ned', WRITING)
  })
  for (const name of ['eve', 'fay', 'gus', 'hal', 'ida', 'jon', 'ned'])
    loop.add(name, BOTH, take(name))
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
        'dan’s turn came first, and changed what is wanted of eve, fay, gus and ned, who had been reported: nothing is wanted of eve, and ned was reported as readable, which nobody wants any more. ida and jon are ready for one thing only. kim, lea and max are hung up; lea is to be read, max to be written. kim is reported again.',
      likely:
        'Call the handler with what was reported and is wanted now: ready.readable && entry.interest.readable, writable likewise; hungUp as reported, which is reason enough for a turn. When none of the three is true, there is no turn. Only the handler removes its source.',
      look: '#giveTurn()',
    },
  )
  expectSame('stats().turns', loop.stats().turns, 10, {
    because: 'Only turns that took place are counted. eve and ned had none.',
    likely: COUNT_TURNS,
    look: '#giveTurn()',
  })
}
