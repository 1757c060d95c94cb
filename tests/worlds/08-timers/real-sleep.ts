/** Chapter 07's loop on the real poller and the real clock, with one timer of chapter 08. */

import type { Source } from '#code/07-event-loop/byte-stream.ts'
import { PATIENCE_MS, within } from '../../harness/patience.ts'
import type { Stage } from '../../judge/step.ts'

/** Chapter 07's loop and poller, with the real clock. */
export async function expectRealSleep({ load, expect, story }: Stage): Promise<void> {
  const { EventLoop } = await load(() => import('#code/07-event-loop/event-loop.ts'))
  const { NetPoller } = await load(() => import('#code/07-event-loop/poller.ts'))
  const { TimerQueue } = await load(() => import('#code/08-timers/timer-queue.ts'))
  const queue = new TimerQueue(performance)
  const poller = new NetPoller()
  const wait = poller.wait.bind(poller)
  let waits = 0
  poller.wait = (timeoutMs) => {
    waits += 1
    return wait(timeoutMs)
  }
  const loop = new EventLoop<Source>(poller, queue)
  const armedAt = performance.now()
  let tookMs = 0
  story.tell('test', 'arms a timer that is due in 25 ms on the real clock')
  queue.after(25, () => {
    tookMs = performance.now() - armedAt
    loop.stop()
  })
  const outcome = await within(PATIENCE_MS, loop.run())
  expect('the timer to fire', outcome !== 'too late', {
    because: 'The loop sleeps no longer than nextDelay() says.',
    look: 'timer-queue.nextDelay()',
  })
  expect('the timer not to fire before its 25 ms are over', tookMs >= 25, {
    because: 'A timer may be late. It is never early.',
    look: 'timer-queue.runDue()',
    received: `${tookMs.toFixed(2)} ms`,
  })
  // Node's timers count in whole milliseconds: the first awakening may be a fraction too early.
  expect('the loop to have slept meanwhile', waits <= 500, {
    because: 'For one deadline the loop wakes once.',
    likely: 'nextDelay() returns too little, and the loop asks again and again.',
    look: 'timer-queue.nextDelay()',
    received: `wait() was called ${waits} times`,
  })
}
