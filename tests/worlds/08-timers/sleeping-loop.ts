/** Chapter 07's loop in virtual time, with timers of chapter 08: how long it sleeps, and what wakes it. */

import type { Source } from '#code/07-event-loop/byte-stream.ts'
import type { TimerQueue } from '#code/08-timers/timer-queue.ts'
import { VirtualLoop } from '../../harness/virtual-time.ts'
import type { Stage } from '../../judge/step.ts'

interface Sleeper {
  world: VirtualLoop<Source>
  queue: TimerQueue
  /** Notes the time. */
  fire(): void
  firedAt: number[]
  /** Lets the loop begin; the function that it resolves with ends it. */
  run(): Promise<() => Promise<void>>
}

async function makeSleeper({ load, story }: Stage): Promise<Sleeper> {
  const { EventLoop } = await load(() => import('#code/07-event-loop/event-loop.ts'))
  const { TimerQueue } = await load(() => import('#code/08-timers/timer-queue.ts'))
  const world = new VirtualLoop<Source>(story, 'timer-queue.nextDelay()')
  const queue = new TimerQueue(world.clock)
  const firedAt: number[] = []
  return {
    world,
    queue,
    fire: () => firedAt.push(world.clock.now()),
    firedAt,
    async run() {
      const loop = new EventLoop<Source>(world.poller, queue)
      await world.start(loop)
      return async () => {
        loop.stop()
        await world.settle()
      }
    },
  }
}

/** The loop sleeps from one deadline to the next, and wakes for nothing else. */
export async function expectExactSleep(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  const { world, queue, fire, firedAt, run } = await makeSleeper(stage)
  story.tell(
    'test',
    'runs a loop with timers due in 5 s and in an hour, and one in 2 s that is cancelled',
  )
  queue.after(3_600_000, fire)
  queue.after(5_000, () => {
    fire()
    queue.after(250, fire)
  })
  queue.cancel(queue.after(2_000, fire))
  const stop = await run()
  await world.advance(3_600_000)
  expectSame('the times at which timers fired', firedAt, [5_000, 5_250, 3_600_000], {
    because: 'The loop wakes for each of them, and in time.',
    look: 'timer-queue.nextDelay()',
  })
  expectSame(
    'the sleeps that the loop asked for, in ms,',
    world.poller.sleeps,
    [5_000, 250, 3_594_750, Number.POSITIVE_INFINITY],
    {
      because: 'Three deadlines, and the loop wakes three times.',
      likely: 'nextDelay() returns exactly what is left until the first deadline.',
      look: 'timer-queue.nextDelay()',
    },
  )
  await stop()
}

/** Timers that are armed while the loop sleeps: one that is due before all others wakes it. */
export async function expectWakeUps(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  const { world, queue, fire, firedAt, run } = await makeSleeper(stage)
  story.tell('test', 'runs a loop without timers: it sleeps')
  const stop = await run()
  const arm = async (ms: number) => {
    story.tell('test', `arms a timer meanwhile, due in ${ms} ms`)
    queue.after(ms, fire)
    await world.settle()
  }
  await arm(500)
  await world.advance(100)
  await arm(300)
  await arm(300)
  await arm(900)
  await world.advance(900)
  expectSame('the times at which timers fired', [...firedAt], [400, 400, 500, 1_000], {
    because:
      'The loop asked for its next deadline before there was any, and slept. Unless it is told of an earlier one, it wakes too late.',
    likely: 'after() calls onEarlier() when the new timer is the first one to fire.',
    look: 'timer-queue.after()',
  })
  expectSame(
    'the sleeps that the loop asked for, in ms,',
    world.poller.sleeps.splice(0),
    [Number.POSITIVE_INFINITY, 500, 300, 100, 500, Number.POSITIVE_INFINITY],
    {
      because:
        'The 500 ms timer and the first 300 ms timer were due before all others. The second 300 ms timer and the 900 ms timer were not: for them, the loop may sleep on.',
      likely: 'onEarlier() is called for a timer that is due before all others, and for no other.',
      look: 'timer-queue.after()',
    },
  )
  await arm(3_600_000)
  await arm(100)
  await world.advance(100)
  await arm(300)
  await world.advance(300)
  expectSame(
    'the times at which the 100 ms and 300 ms timers fired',
    firedAt.slice(4),
    [1_100, 1_400],
    {
      because:
        'The first had fired when the second was armed. The only other timer left is due in an hour, so the second is due before all others.',
      likely:
        'Ask the heap which timer is first. A deadline that is kept in a field of your own is out of date when its timer has fired.',
      look: 'timer-queue.after()',
    },
  )
  story.tell('test', 'arms a beat, due every 200 ms, that cancels itself when it fires')
  const beat = queue.every(200, () => {
    fire()
    queue.cancel(beat)
  })
  await world.settle()
  await world.advance(1_000)
  expectSame('the times at which the beat fired', firedAt.slice(6), [1_600], {
    because: 'The loop slept, and a timer of every() may be due before all others, too.',
    likely: 'every() calls onEarlier() as after() does.',
    look: 'timer-queue.every()',
  })
  await arm(0)
  expectSame('the times at which the 0 ms timer fired', firedAt.slice(7), [2_400], {
    because: 'The loop slept, and a timer that is due at once is due before all others.',
    likely: 'onEarlier() is called whatever the delay is, even for 0 ms.',
    look: 'timer-queue.after()',
  })
  story.tell('test', 'arms two timers, due in 400 ms and in 700 ms, and cancels both')
  const both = [queue.after(400, fire), queue.after(700, fire)]
  await world.settle()
  world.poller.sleeps.splice(0)
  for (const timer of both) queue.cancel(timer)
  await world.settle()
  expectSame('the sleeps that the loop asked for after that, in ms,', world.poller.sleeps, [], {
    because:
      'Cancelling a timer makes no deadline earlier. Nearly every timer is cancelled, and each would wake the loop needlessly.',
    likely: 'cancel() does not call onEarlier().',
    look: 'timer-queue.cancel()',
  })
  await stop()
}
