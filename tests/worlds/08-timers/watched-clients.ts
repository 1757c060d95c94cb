/** Clients of chapter 08 that have to be heard from, in virtual time. */

import type { Source } from '#code/07-event-loop/byte-stream.ts'
import type { Reason } from '../../harness/failure.ts'
import { ScriptedClient } from '../../harness/scripted-client.ts'
import { VirtualLoop } from '../../harness/virtual-time.ts'
import type { Stage } from '../../judge/step.ts'

/** Clients of chapter 08 on a loop. */
export type Watched = Awaited<ReturnType<typeof serveVirtually>>

/** The chapter's clients on chapter 07's loop, in virtual time. */
export async function serveVirtually(
  { load, story, expectSame }: Stage,
  limits: { idleMs: number; heartbeatMs?: number },
) {
  const { EventLoop } = await load(() => import('#code/07-event-loop/event-loop.ts'))
  const { TimerQueue } = await load(() => import('#code/08-timers/timer-queue.ts'))
  const { serveWatched } = await load(() => import('#code/08-timers/server.ts'))
  const world = new VirtualLoop<Source>(story, 'silence.#look()')
  const timers = new TimerQueue(world.clock)
  const loop = new EventLoop<Source>(world.poller, timers)
  await world.start(loop)
  return {
    world,
    advance: (ms: number) => world.advance(ms),
    async connect(name: string): Promise<ScriptedClient> {
      const client = new ScriptedClient(name, story, world)
      serveWatched(client.stream, loop, timers, limits)
      await world.settle()
      return client
    },
    /** How many timers have been armed since. */
    countArmings(): () => number {
      const after = timers.after.bind(timers)
      let count = 0
      timers.after = (ms, callback) => {
        count += 1
        return after(ms, callback)
      }
      return () => count
    },
    timerCount: () => timers.size,
    nextDelay: () => timers.nextDelay(),
    expectTimers(count: number, reason: Reason): void {
      expectSame('timers.size', timers.size, count, reason)
    },
  }
}
