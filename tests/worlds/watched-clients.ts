/** Clients of chapter 08 that have to be heard from, in virtual time. */

import type { Source } from '#code/07-event-loop/byte-stream.ts'
import type { Reason } from '../harness/failure.ts'
import { ScriptedClient } from '../harness/scripted-client.ts'
import { VirtualLoop } from '../harness/virtual-time.ts'
import type { Stage } from '../judge/step.ts'

/** The chapter's clients on chapter 07's loop, in virtual time. */
export async function serveVirtually(
  { load, story, expectSame }: Stage,
  limits: { idleMs: number; heartbeatMs?: number },
) {
  const { EventLoop } = await load(() => import('#code/07-event-loop/event-loop.ts'))
  const { TimerQueue } = await load(() => import('#code/08-timers/timer-queue.ts'))
  const { serveWatched } = await load(() => import('#code/08-timers/server.ts'))
  const world = new VirtualLoop<Source>(story)
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
    expectTimers(count: number, reason: Reason): void {
      expectSame('timers.size', timers.size, count, reason)
    },
  }
}

/** A peer has as long as `goodbyeMs` says, which chapter 10 sets for itself. */
export async function expectOwnGoodbye({ load, story }: Stage): Promise<void> {
  const { EventLoop } = await load(() => import('#code/07-event-loop/event-loop.ts'))
  const { Connection } = await load(() => import('#code/07-event-loop/connection.ts'))
  const { TimerQueue } = await load(() => import('#code/08-timers/timer-queue.ts'))
  const { Watch } = await load(() => import('#code/08-timers/watch.ts'))
  const world = new VirtualLoop<Source>(story)
  const timers = new TimerQueue(world.clock)
  const loop = new EventLoop<Source>(world.poller, timers)
  await world.start(loop)
  const ida = new ScriptedClient('ida', story, world)
  const connection = new Connection(ida.stream, loop)
  connection.use({ onBytes: (bytes) => bytes.length, onEnd() {} })
  connection.observe(
    new Watch(connection, timers, { idleMs: Number.POSITIVE_INFINITY, goodbyeMs: 700 }),
  )
  story.tell('test', 'ends ida’s connection, with goodbyeMs: 700')
  connection.end('finished')
  await world.settle()
  const LIMIT = { likely: 'The limit is #goodbyeMs.', look: 'watch.onEnding()' }
  await world.advance(699)
  ida.expectEnd({ ...LIMIT, because: 'She has had 699 of her 700 ms.' })
  await world.advance(1)
  ida.expectCut({ ...LIMIT, because: 'She has had 700 ms, and has not said FIN.' })
}
