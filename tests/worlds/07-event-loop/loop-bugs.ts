/** What step 07.4 asks about a loop that runs for years: bugs are seen, nobody is left out, and nothing is kept. */

import { queryObjects } from 'node:v8'
import type { Ready } from '#code/07-event-loop/poller.ts'
import { PATIENCE_MS, within } from '../../harness/patience.ts'
import type { Stage } from '../../judge/step.ts'
import { makeLoop, TestPoller, TestTimers } from './loop-rounds.ts'
import { READING } from './loop-sources.ts'
import { settled } from './loop-streams.ts'

/** Our own bugs end the loop, wherever in a round they are. */
export async function expectBugsSeen(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  for (const place of [
    'a handler',
    'a timer',
    'a task at the end of the round',
    'a handler that has called stop()',
  ]) {
    const fail = (where: string) => {
      if (where === place) throw new Error(`${place} is broken`)
    }
    const { loop } = await makeLoop(stage, [['eve']], new TestTimers(() => fail('a timer')))
    loop.add('eve', READING, () => {
      loop.touch({ onRoundEnd: () => fail('a task at the end of the round') })
      fail('a handler')
      if (place === 'a handler that has called stop()') loop.stop()
      fail('a handler that has called stop()')
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

/** A loop that is told to stop before it runs does not run on. */
export async function expectStoppedBefore(stage: Stage): Promise<void> {
  const { loop, poller } = await makeLoop(stage, [])
  let waits = 0
  poller.whenOver = () => {
    if (++waits === 3) throw new Error('it still waits')
  }
  stage.story.tell('test', 'calls stop(), and then run()')
  loop.stop()
  const outcome = await within(
    PATIENCE_MS,
    loop.run().then(
      () => 'has ended',
      (error: Error) => error.message,
    ),
  )
  stage.expectSame('run() called after stop()', outcome, 'has ended', {
    because:
      'A server may be closed before its loop has begun, and stop() is not called a second time. One more round is allowed.',
    likely: 'stop() sets #isStopping, and nothing sets it back.',
  })
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
  const handler = () => {}
  for (const name of names) loop.add(name, READING, handler)
  stage.story.tell('poller', 'reports 5,000 sources in one round; all have the same handler')
  await within(PATIENCE_MS, loop.run())
  const { turns } = loop.stats()
  stage.expectSame('stats().turns', turns, 5_000, {
    because:
      'Each source has its turn in that round: the next wait does not know which ones were left out.',
    likely:
      turns === 1
        ? 'Sources may share a handler. Each of them has a turn of its own.'
        : 'Go through the whole list.',
  })
}

const HOUR_MS = 3_600_000

/** What the loop does for its timers has nothing to do with sources, and the last moment to ask is before the wait. */
export async function expectTimersServed(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  const timers = {
    delay: HOUR_MS,
    runs: 0,
    nextDelay: () => timers.delay,
    plan(delay: number) {
      timers.delay = delay
    },
    runDue() {
      timers.runs += 1
      timers.plan(timers.runs === 1 ? 20 : Number.POSITIVE_INFINITY)
    },
  }
  const { EventLoop } = await stage.load(() => import('#code/07-event-loop/event-loop.ts'))
  const poller = new TestPoller([['ada'], [], []])
  const loop = new EventLoop<string>(poller, timers)
  poller.whenOver = () => loop.stop()
  const task = { onRoundEnd: () => timers.plan(0) }
  loop.add('ada', READING, () => {
    timers.plan(40)
    loop.touch(task)
    loop.remove('ada')
  })
  story.tell('ada', 'has the only turn, and is removed')
  story.tell(
    'timers',
    'have one due in an hour; after the turn it is due in 40 ms, after runDue() in 20 ms, after the end of the round at once; the next round leaves none',
  )
  await within(PATIENCE_MS, loop.run())
  const [first, second, third] = poller.timeouts
  const expected = [HOUR_MS, 0, Number.POSITIVE_INFINITY]
  expectSame('the time-outs of the first three waits', [first, second, third], expected, {
    because:
      'Turns, timers and tasks may all set a timer. The loop sleeps until the next one is due, no longer and no shorter.',
    likely:
      second === undefined
        ? 'The loop runs until stop(), whether or not it has sources: there are timers.'
        : first === HOUR_MS && second > 1
          ? 'Call nextDelay() right before #wait(), after the end of the round.'
          : 'Give #wait() what nextDelay() returns, unchanged: an hour is an hour, 0 is 0, and Infinity is forever.',
  })
  expectSame('the number of calls of the poller’s wake()', poller.wakeUps, 1, {
    because:
      'stop() wakes the loop, and nothing else has to. A wake-up between two waits ends the next one at once: with one in each round the loop never sleeps.',
    likely:
      'Call no wake() in run(): stop() does, and so do touch() and the timers while the loop sleeps.',
  })
  expectSame('whether timers were run without a source', timers.runs >= 2, true, {
    because: 'A loop that has no connections still has timers.',
    likely: 'while (!this.#isStopping), and nothing else.',
  })
}

/** Before the wait there was no timer; a turn has set one that is due at once. */
export async function expectTimerOfTurn(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  const happened: string[] = []
  const note = (what: string) => {
    story.tell('loop', what)
    happened.push(what)
  }
  let isDue = false
  const timers = {
    nextDelay: () => (isDue ? 0 : Number.POSITIVE_INFINITY),
    runDue() {
      if (isDue) note('timer')
      isDue = false
    },
  }
  const { EventLoop } = await stage.load(() => import('#code/07-event-loop/event-loop.ts'))
  const poller = new TestPoller([['ada'], []])
  const loop = new EventLoop<string>(poller, timers)
  poller.whenOver = () => loop.stop()
  loop.add('ada', READING, () => {
    note('turn')
    isDue = true
    loop.touch({ onRoundEnd: () => note('end') })
  })
  story.tell('timers', 'have none; ada’s turn sets one that is due at once')
  await within(PATIENCE_MS, loop.run())
  expectSame('what happened', happened, ['turn', 'timer', 'end'], {
    because:
      'Timers are run after the turns, in every round. A turn may set a timer that is due in the same round.',
    likely: 'Call runDue() in every round, whatever nextDelay() returned before the wait.',
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
