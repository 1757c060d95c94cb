/** What step 07.3 asks about the sleep of a wait: how long it is, what ends it, and what Node does meanwhile. */

import type { Source } from '#code/07-event-loop/byte-stream.ts'
import type { Poller } from '#code/07-event-loop/poller.ts'
import { FakedClock } from '../../harness/faked-clock.ts'
import { PATIENCE_MS, within } from '../../harness/patience.ts'
import { countPendingWakeUps } from '../../harness/pending-wakeups.ts'
import type { Stage } from '../../judge/step.ts'
import { LONG_MS, NEITHER, type TestSource, type ToldPoller } from './loop-sources.ts'
import { settled } from './loop-streams.ts'

/** A wait that may last forever lasts until somebody is ready; a source that is removed is nobody. */
export async function expectWaitWithoutLimit(
  stage: Stage,
  told: ToldPoller,
  [bob, cyd]: TestSource[],
): Promise<void> {
  const { story, expectSame } = stage
  story.tell('test', 'adds dan, of whom nothing is wanted')
  const dan = told.add('dan', NEITHER)
  dan.becomes({ readable: true }, story)
  bob.becomes({ writable: true }, story)
  const pending = told.wait(Number.POSITIVE_INFINITY)
  await expectPatience(stage, pending)
  cyd.becomes({ readable: true }, story)
  expectSame('a wait without a limit', await pending, ['cyd readable'], {
    because: 'It ends as soon as a source is ready.',
    likely: 'Look again after the sleep: before it, no source was ready.',
  })
  bob.becomes({ writable: false }, story)
  for (const source of [cyd, dan]) told.poller.remove(source)
  expectSame('wait(0), after cyd has been removed', await told.wait(0), [], {
    because: 'A source that has been removed is not reported, ready or not.',
  })
}

/** Sources that are hot, and have nothing to report, do not end a wait. */
async function expectPatience({ expectSame }: Stage, waiting: Promise<unknown>): Promise<void> {
  let isOver = false
  const note = () => {
    isOver = true
  }
  void waiting.then(note, note)
  for (let turn = 0; turn < 5; turn++) await settled()
  expectSame('whether the wait is over while nobody is ready', isOver, false, {
    because:
      'Something has changed about bob and dan, so they are hot. But bob is writable and only wanted for reading, and nothing is wanted of dan.',
    likely:
      'When no source is ready and wake() has not been called, sleep for all of `timeoutMs`. Hot means *may be ready*: ask #collect(), which looks at what is wanted, and not #hot.size.',
  })
}

/** A wake-up ends one wait, whether that one sleeps, is about to, or has something to report. */
export async function expectOneWakeUp(
  stage: Stage,
  told: ToldPoller,
  ada: TestSource,
): Promise<void> {
  const { story, expectSame } = stage
  const woken = told.wait(Number.POSITIVE_INFINITY)
  await settled()
  story.tell('test', 'calls wake()')
  told.poller.wake()
  expectSame('a wait that is woken', await woken, [], { because: 'wake() ends it.' })
  await expectNextSleeps(stage, told, ada, 'the wait after the one that was woken')

  story.tell('test', 'calls wake() while no wait is in progress')
  told.poller.wake()
  expectSame('a wait after wake()', await told.wait(Number.POSITIVE_INFINITY), [], {
    because: 'A wake-up between two waits must not be lost: it ends the next one.',
    likely: 'Look at #isWoken before you sleep, and reset it when the wait is over.',
  })
  await expectNextSleeps(stage, told, ada, 'the wait after that')

  ada.becomes({ readable: true }, story)
  story.tell('test', 'calls wake() while no wait is in progress')
  told.poller.wake()
  expectSame('a wait after wake(), with ada ready', await told.wait(LONG_MS), ['ada readable'], {
    because: 'An empty list would say that no source is ready. A woken wait may report one, too.',
    likely: 'Woken or not, collect after the sleep.',
  })
  ada.becomes({ readable: false }, story)
  await expectNextSleeps(
    stage,
    told,
    ada,
    'the wait after the one that was woken and had a source to report',
  )
}

/** A wait for 0 ms uses a wake-up up as any other does, and a second one in the same wait ends no other. */
export async function expectLateWakeUps(
  stage: Stage,
  told: ToldPoller,
  ada: TestSource,
): Promise<void> {
  const { story } = stage
  story.tell('test', 'calls wake() while no wait is in progress')
  told.poller.wake()
  await told.wait(0)
  await expectNextSleeps(stage, told, ada, 'the wait after wake() and wait(0)')

  story.tell('test', 'calls wake() before a wait, and again during it')
  told.poller.wake()
  const twice = told.wait(Number.POSITIVE_INFINITY)
  told.poller.wake()
  await twice
  await expectNextSleeps(stage, told, ada, 'the wait after the one that was woken twice')
}

async function expectNextSleeps(
  { story, expectSame }: Stage,
  told: ToldPoller,
  ada: TestSource,
  name: string,
): Promise<void> {
  const next = told.wait(Number.POSITIVE_INFINITY)
  await settled()
  await settled()
  ada.becomes({ readable: true }, story)
  expectSame(name, await next, ['ada readable'], {
    because: 'It lasts until a source is ready: one wake-up ends one wait.',
    likely:
      'Set #isWoken to false after the sleep, in every wait, even one for 0 ms: wake() may be called during the sleep, or when a source is ready anyway.',
  })
  ada.becomes({ readable: false }, story)
}

type Kind = 'with somebody ready' | 'after wake()' | 'for 0 ms'

/** A wait that is always over at once would leave Node no time to bring anybody's bytes. */
export async function expectTurnsForNode(
  { story, expect }: Stage,
  poller: Poller<Source>,
  source: TestSource,
  kinds: Kind[],
): Promise<void> {
  for (const kind of kinds) {
    const isReady = kind === 'with somebody ready'
    const timeoutMs = kind === 'for 0 ms' ? 0 : LONG_MS
    if (isReady) source.becomes({ readable: true }, story)
    story.tell('test', `calls wait() ten times ${kind}`)
    const timers = noteTimers()
    let turns = 0
    const count = () => {
      turns += 1
      immediate = setImmediate(count)
    }
    let immediate = setImmediate(count)
    for (let round = 0; round < 10; round++) {
      if (kind === 'after wake()') poller.wake()
      await within(PATIENCE_MS, Promise.resolve(poller.wait(timeoutMs)))
    }
    clearImmediate(immediate)
    timers.giveBack()
    if (isReady) source.becomes({ readable: false }, story)
    expect(`Node’s own loop to have had a turn in each of ten waits ${kind}`, turns >= 9, {
      because:
        'It is Node that reads from the kernel. If a wait is over before Node has had its turn, the ready sources starve those whose bytes are still in the kernel.',
      likely: 'Sleep for 0 ms when there is nothing to wait for, instead of returning at once.',
      expected: '10 turns, or 9',
      received: `${turns} turns`,
    })
    expect(`a wait ${kind} to set no timer`, timers.delays.length === 0, {
      because:
        'There is nothing to wait for. Even 1 ms in each round limits the loop to a thousand rounds a second.',
      likely: timers.delays.includes(timeoutMs || Number.NaN)
        ? 'Leave the timer to #sleep(), which sets none for 0 ms.'
        : 'Use #sleep(0): it takes one turn of Node’s loop, and no time.',
      received: `timers of ${timers.delays} ms`,
    })
  }
}

/** The delays that setTimeout is called with from here on. */
function noteTimers(): { delays: number[]; giveBack(): void } {
  const { setTimeout } = globalThis
  const delays: number[] = []
  const noting = (...args: Parameters<typeof setTimeout>) => {
    delays.push(Number(args[1]))
    return setTimeout(...args)
  }
  Object.assign(globalThis, { setTimeout: Object.assign(noting, setTimeout) })
  return { delays, giveBack: () => Object.assign(globalThis, { setTimeout }) }
}

/** When the change comes, and what is left of the wait then. */
const CHANGE_AT_MS = 20_000

const REST_MS = LONG_MS - CHANGE_AT_MS

/** A change that nobody wants may end a wait early, but never makes it longer. */
export async function expectTimeKept(
  { story, expect }: Stage,
  poller: Poller<Source>,
  source: TestSource,
): Promise<void> {
  const atRest = await countPendingWakeUps()
  const clock = new FakedClock()
  const timers = noteTimers()
  story.tell('test', `calls wait(${LONG_MS}), and lets ${CHANGE_AT_MS} ms pass`)
  let isOver = false
  const waiting = Promise.resolve(poller.wait(LONG_MS)).then(() => {
    isOver = true
  })
  await settled()
  clock.advance(CHANGE_AT_MS)
  timers.delays.length = 0
  source.becomes({ writable: true }, story)
  for (let turn = 0; turn < 3; turn++) await settled()
  timers.giveBack()
  const again = Math.max(0, ...timers.delays)
  const isTimed = again > 0 || (await countPendingWakeUps()) > atRest
  const isKept = isOver || (isTimed && again <= REST_MS + 1)
  poller.wake()
  for (let turn = 0; turn < 3; turn++) await settled()
  clock.giveBack()
  await within(PATIENCE_MS, waiting)
  source.becomes({ writable: false }, story)
  expect(`a wait for ${LONG_MS} ms to end in time`, isKept, {
    because:
      'A source has become writable, but nobody wants to write it. A wait that starts again with each such change may never end, and the timers would be late.',
    likely:
      again > REST_MS
        ? 'Sleep once, and return an empty list if no source is ready afterwards. Or keep a deadline, and sleep again only for the rest.'
        : 'A wait whose sleep ended early may return an empty list. One that sleeps again needs a time-out, too: the time that is left.',
    expected: `over, or asleep for ${REST_MS} ms more`,
    received: isTimed ? `a timer of ${again} ms` : 'no timer',
  })
}

/** Half a millisecond is some time, and no reason to poll. */
export async function expectShortSleep(
  { story, expect }: Stage,
  poller: Poller<Source>,
): Promise<void> {
  story.tell('test', 'calls wait(0.5) while no source is ready')
  const clock = new FakedClock()
  const timers = noteTimers()
  const waiting = poller.wait(0.5)
  await settled()
  timers.giveBack()
  clock.giveBack()
  await within(PATIENCE_MS, Promise.resolve(waiting))
  expect('a wait for 0.5 ms to set a timer', timers.delays.length > 0, {
    because:
      'Delays can be fractions of a millisecond. A loop that takes 0.5 ms for 0 polls again and again until the time is over.',
    likely: 'Give #sleep() all of `timeoutMs`: rounded down, a short wait becomes one for 0 ms.',
    expected: 'a timer',
    received: 'none',
  })
}

/** While nobody is ready a wait must do nothing at all. */
export async function expectSleep({ story, expect }: Stage, poller: Poller<Source>): Promise<void> {
  const atRest = await countPendingWakeUps()
  for (const timeoutMs of [Number.POSITIVE_INFINITY, LONG_MS]) {
    story.tell('test', `calls wait(${timeoutMs}) while no source is ready`)
    const clock = new FakedClock()
    const timers = noteTimers()
    const { setImmediate } = globalThis
    let immediates = 0
    const waiting = poller.wait(timeoutMs)
    await settled()
    globalThis.setImmediate = ((...args: Parameters<typeof setImmediate>) => {
      immediates += 1
      return setImmediate(...args)
    }) as typeof setImmediate
    for (let turn = 0; turn < 50; turn++)
      await new Promise<void>((resolve) => setImmediate(resolve))
    Object.assign(globalThis, { setImmediate })
    timers.giveBack()
    const pending = (await countPendingWakeUps()) - atRest
    clock.giveBack()
    poller.wake()
    await within(PATIENCE_MS, Promise.resolve(waiting))
    const shortest = Math.min(...timers.delays)
    const isAsleep =
      immediates <= 2 &&
      // One that keeps a deadline may have lost a moment, or a digit.
      shortest >= timeoutMs - 1 &&
      pending <= (Number.isFinite(timeoutMs) ? 1 : 0)
    expect('a wait to sleep until something changes', isAsleep, {
      because:
        'Looking again and again wastes CPU time, and the less often a wait looks, the later it notices a change.',
      likely:
        immediates > 2
          ? 'It spins: it looks again in each turn of Node’s loop. #sleep() sleeps until a source is heated; call it once a wait.'
          : shortest < 1_000
            ? 'It looks again every few milliseconds. #sleep() sleeps until a source is heated; give it all of `timeoutMs`, once a wait.'
            : 'Give #sleep() all of `timeoutMs`, and leave the timer to it.',
      expected: Number.isFinite(timeoutMs)
        ? `one timer, of ${timeoutMs} ms`
        : 'no timers and no immediates while it sleeps',
      received: `${immediates} immediates in 50 turns of Node’s loop, timers of [${timers.delays}] ms, ${pending} pending`,
    })
  }
  const left = (await countPendingWakeUps()) - atRest
  expect('a wait to leave no timer behind', left <= 0, {
    because:
      'The wait was woken long before its time was up. A timer that is left behind still fires, to no purpose.',
    likely: '#sleep() clears the timer that it sets. One of your own has to be cleared, too.',
    expected: 'no timers',
    received: `${left}`,
  })
}
