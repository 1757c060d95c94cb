/** What step 07.6 plays in: rounds that take as long as the test says, by a clock in its hand. */

import { FakedClock } from '../../harness/faked-clock.ts'
import { collectGarbage } from '../../harness/garbage.ts'
import { withCommas } from '../../harness/numbers.ts'
import { PATIENCE_MS, within } from '../../harness/patience.ts'
import type { Stage } from '../../judge/step.ts'
import { ask, echo } from '../../protocols/lines.ts'
import { makeLoop, TestTimers } from './loop-rounds.ts'
import { READING } from './loop-sources.ts'
import { settled } from './loop-streams.ts'

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
        useCpuTime()
        clock.advance(20)
        loop.touch(sending)
      })
    }
    await within(PATIENCE_MS, loop.run())
    story.tell(
      'loop',
      'has run timers for 3 ms in each round, and sent for 5 ms at the end of each round with turns',
    )
    const { longestRoundMs } = loop.stats()
    const received = `${longestRoundMs.toFixed(1)} ms`
    expect('the time in wait() not to count', longestRoundMs < 500, {
      because: 'A loop that waits delays nobody. Each wait of this test took 500 ms.',
      likely:
        Math.round(longestRoundMs) === 48_000
          ? 'Those are microseconds. LoopStats has milliseconds.'
          : longestRoundMs > 1e9
            ? 'These are two clocks: Date counts from 1970, performance.now() from the start of the process. Take both times from the same one.'
            : longestRoundMs < 600
              ? 'The clock starts when wait() has returned.'
              : 'That is more than one round. Start the clock anew when each wait() has returned, and keep the longest: Math.max().',
      expected: '48 ms',
      received,
    })
    expect('the longest round to be the second, all of it', Math.abs(longestRoundMs - 48) < 0.01, {
      because:
        'A source that becomes ready when a round begins waits until that whole round is over: two turns of 20 ms, timers for 3 ms, and 5 ms at its end. The rounds before and after it were shorter.',
      likely: likelyRound(longestRoundMs),
      expected: '48 ms',
      received,
    })
    await expectTimersCounted(stage, clock)
  } finally {
    clock.giveBack()
  }
}

/** Computes until the kernel has counted some of it, so that a clock of CPU time does not stand still. */
function useCpuTime(): void {
  const before = process.cpuUsage().user
  for (let looks = 0; looks < MOST_LOOKS && process.cpuUsage().user === before; looks++) {}
}

/** Some kernels count only every few milliseconds; a look takes about a microsecond. */
const MOST_LOOKS = 100_000

/** What was measured tells what was left out. */
function likelyRound(exactMs: number): string {
  const ms = Math.round(exactMs)
  if (Math.abs(exactMs - 0.048) < 1e-6) return 'Those are seconds. LoopStats has milliseconds.'
  // The test's own clock moves by whole milliseconds.
  if (Math.abs(exactMs - ms) > 0.01 || (exactMs > 0 && ms === 0))
    return 'Use a clock that also runs while the thread sleeps: performance.now().'
  if (ms === 3)
    return 'That is one of the last rounds. Keep the longest, however many rounds follow it: Math.max().'
  if (ms === 8) return 'The turns are left out: start the clock before the first of them.'
  if (ms === 0)
    return '#longestRoundMs is still 0. This step extends run(): at the end of each round it keeps the longer of the two, Math.max(), and both times come from one clock.'
  if (ms === 40) return 'Those are the turns alone. Turns, timers and #endRound() count together.'
  if (ms === 43)
    return 'The clock is stopped before #endRound(). What is sent there delays everybody.'
  if (ms === 45) return 'The timers are left out: the clock covers turns, timers and #endRound().'
  if (ms === 28)
    return 'That is the first round, or the third. Keep the longest of all: Math.max().'
  if (ms === 20)
    return 'That is one turn. Start the clock before the first turn, and stop it after #endRound().'
  if (ms > 48) return 'Rounds are added up. Keep the longest of them: Math.max().'
  return 'Start the clock before the first turn, stop it after #endRound(), and keep the maximum, in ms.'
}

async function expectTimersCounted(stage: Stage, clock: FakedClock): Promise<void> {
  stage.story.tell(
    'timers',
    'take 2,030 ms in the first round, in which no source is ready, and 3 ms in the next one',
  )
  const timers = new TestTimers(() => clock.advance(timers.runs === 1 ? 2_030 : 3))
  const { loop } = await makeLoop(stage, [[]], timers)
  await within(PATIENCE_MS, loop.run())
  const { longestRoundMs } = loop.stats()
  const ms = Math.round(longestRoundMs)
  stage.expect('a round without turns to count', Math.abs(longestRoundMs - 2_030) < 0.01, {
    because: 'A source that became ready meanwhile had to wait for the timers.',
    likely:
      ms === 30
        ? 'Two seconds are missing. process.hrtime() returns the seconds as a number of their own, and getMilliseconds() returns only the part below a second.'
        : ms === 3
          ? 'Measure every round, including the first.'
          : 'Measure every round, even one in which no source was ready.',
    expected: '2030 ms',
    received: `${longestRoundMs.toFixed(1)} ms`,
  })
}

/** So many rounds may leave behind what a program learns while it runs. */
const WARM_UP = 5_000

const MANY_ROUNDS = 30_000

/** A list of numbers takes 8 bytes for each of them, at least. */
const MAX_KEPT_BYTES = 5 * MANY_ROUNDS

/** To know the longest of all rounds, nobody has to keep the others. */
export async function expectNoRoundKept(stage: Stage): Promise<void> {
  const { loop, poller } = await makeLoop(stage, [])
  let rounds = -WARM_UP
  let least = Number.POSITIVE_INFINITY
  let kept = 0
  let isSure = false
  poller.wait = async () => {
    if (++rounds % 5_000 !== 0 || rounds < 0) return []
    const held = await heldBytes()
    // What earlier steps have left may be let go only now.
    least = Math.min(least, held)
    kept = held - least
    const isMany = kept > MAX_KEPT_BYTES
    if (isMany && !isSure) {
      // Something else in this process may have needed room, once. A loop that keeps its rounds does so again.
      isSure = true
      rounds = 0
      least = held
    } else if (isMany || rounds === MANY_ROUNDS) loop.stop()
    return []
  }
  stage.story.tell('test', `lets the loop run ${withCommas(MANY_ROUNDS)} short rounds`)
  const outcome = await within(PATIENCE_MS, loop.run())
  const isKept = outcome !== 'too late' && kept <= MAX_KEPT_BYTES
  stage.expect('a round to leave nothing behind', isKept, {
    because:
      'A server’s loop runs for years. What each of its rounds keeps is never freed, and a list that is looked through in each round makes it slower and slower.',
    likely:
      'The longest so far is one number: compare each round with it, and forget the round. Keep no list of rounds, and call no performance.mark().',
    expected: 'as many bytes as before, or a few more',
    received: `${Math.round(kept / 1_024)} KiB more after ${withCommas(rounds)} rounds`,
  })
}

async function heldBytes(): Promise<number> {
  for (let times = 0; times < 2; times++) {
    await settled()
    collectGarbage()
  }
  return process.memoryUsage().heapUsed
}

/** A command that takes a quarter of a second, on a real server. */
export async function expectSlowCommandTold({
  story,
  serve,
  connect,
  expect,
}: Stage): Promise<void> {
  const server = await serve('07-event-loop')
  const [cyd, dee] = [await connect(server), await connect(server)]
  for (const client of [cyd, dee]) await echo(client, { because: 'Two clients, one thread.' })
  await cyd.send('sleep 250\n')
  const askedAt = performance.now()
  await ask(dee, 'echo hurry', 'hurry', { because: 'dee is served when cyd’s command is over.' })
  story.tell('dee', `has waited ${Math.round(performance.now() - askedAt)} ms for her echo`)
  await cyd.expectLine('slept', { because: 'That is what everybody has waited for.' })
  const { longestRoundMs: blocked } = await server.call<{ longestRoundMs: number }>('stats')
  expect('stats() to say that somebody had to wait for 250 ms', blocked >= 249, {
    because: 'The person who runs the server has to see that a handler blocks.',
    likely:
      blocked === 0
        ? 'stats() is called while the loop runs: store the longest at the end of each round.'
        : 'Start the clock before the turns and stop it after the end of the round. It must go on while the thread sleeps.',
    expected: '250 ms or more',
    received: `${blocked.toFixed(1)} ms`,
  })
}
