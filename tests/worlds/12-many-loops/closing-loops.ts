/** Servers of several loops that are closed with little time, or none, for clients that stay. */

import { setImmediate as turn } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import type { Choose } from '#code/12-many-loops/choose.ts'
import type { LoopGroup } from '#code/12-many-loops/loop-group.ts'
import type { HostedServer } from '../../harness/hosted-server.ts'
import { PATIENCE_MS, within } from '../../harness/patience.ts'
import { countPendingWakeUps } from '../../harness/pending-wakeups.ts'
import type { Stage } from '../../judge/step.ts'
import { echo } from '../../protocols/lines.ts'
import { withAccepted, withGroup } from './counted-loops.ts'
import { expectConnectionsCounted, leave, statsOf } from './many-loops.ts'

const CHAPTER = '12-many-loops'

/** At the moment when `close()` resolved; before that there were so many. */
export async function expectThreadsGone(
  { expectSame }: Stage,
  server: HostedServer,
  before: number,
): Promise<void> {
  const alive = server.threadsWhenClosed ?? 0
  let later = alive
  for (let look = 0; look < 100 && later > 0; look++) {
    await server.roundTrip()
    later = await server.workers()
  }
  expectSame('the number of threads alive when close() resolved', alive, 0, {
    because: 'close() promises that no thread is left, not that the threads will end soon.',
    likely:
      later === 0
        ? 'terminate() returns a promise: await it, for every thread and in every call of close().'
        : alive < before
          ? 'Some threads were ended, and some were not. The list of loops shrinks while they end: call this.terminate(), which ends all at once.'
          : 'Nothing has ended them: call this.terminate(), and await it.',
    look: 'loop-group.close()',
  })
}

/** When nobody is connected, there is nothing to wait for. */
export async function expectIdleToClose(stage: Stage): Promise<void> {
  const idle = await stage.serve(CHAPTER, { loops: 1, choose: 'in turn', graceMs: 60_000 })
  const fay = await stage.connect(idle, 'fay')
  await echo(fay, { because: 'fay is served.' })
  await leave(fay)
  await expectConnectionsCounted(idle, 0, { because: 'fay has left.' })
  idle.beginClose()
  await idle.expectClosed({
    because: 'Nobody is connected any more, so nothing is left to wait for.',
    likely:
      'Wait for #whenIdle(): it resolves at once when no loop has a connection. An event that has already happened does not come again.',
    look: 'loop-group.close()',
  })
  await expectThreadsGone(stage, idle, 1)
  await idle.expectNothingLeft({
    because: 'A thread that is left keeps the process alive, even when nobody was connected.',
    likely: 'There is nobody to wait for, but there are threads to end.',
  })
}

/** Somebody is still connected, and may be for as long as graceMs. */
export async function expectAsleep(
  { expect }: Stage,
  server: HostedServer,
  graceMs: number,
  closedAt: number,
): Promise<void> {
  const isAsleep = {
    because:
      'cyd may take a minute. Until she leaves, there is nothing to do, and nothing to look at.',
    likely:
      '#whenIdle() resolves when it is time, so there is no need to poll. The one timer is graceMs long, in milliseconds.',
    look: 'loop-group.close()',
  }
  const timerMs = await server.msToNextTimer()
  const received = `a timer in ${Math.round(timerMs)} ms`
  // It was set behind the call of close(), by a clock of whole milliseconds.
  const leastMs = graceMs - (performance.now() - closedAt) - 100
  expect('no timer but that of graceMs', timerMs >= leastMs, { ...isAsleep, received })
  const isShort = timerMs <= graceMs || timerMs === Number.POSITIVE_INFINITY
  expect('the timer to last no longer than graceMs', isShort, {
    because: 'A client that has not left within graceMs is no longer waited for.',
    likely: 'The one timer is graceMs long, in milliseconds.',
    look: 'loop-group.close()',
    received,
  })
  expect('nothing to be pending but the threads', !(await server.isBusy()), isAsleep)
}

/** One loop has a client, the other has none. Every call waits, and takes nothing away from whoever is connected. */
export async function expectFurtherCloseToWait(stage: Stage): Promise<void> {
  for (const place of [0, 1]) {
    const body = (group: LoopGroup, threads: Worker[]) =>
      expectBothToWait(stage, group, threads, ['first', 'second'][place])
    await withGroup(stage, body, (loops) => loops[place])
  }
}

async function expectBothToWait(
  stage: Stage,
  group: LoopGroup,
  threads: Worker[],
  which: string,
): Promise<void> {
  const { story, expect, expectSame } = stage
  let ended = 0
  for (const thread of threads) {
    const terminate = thread.terminate.bind(thread)
    thread.terminate = () => {
      ended += 1
      return terminate()
    }
  }
  const expectNoneEnded = async (because: string, likely: string) => {
    for (let turns = 0; turns < 5; turns++) await turn()
    expectSame('the number of threads ended while a client is connected', ended, 0, {
      because,
      likely,
      look: 'loop-group.close()',
    })
  }
  story.tell('test', `starts two loops, and gives a socket to the ${which} one`)
  await withAccepted(stage, 1, async ([socket], [client]) => {
    group.serve(socket)
    story.tell('test', 'calls close(60_000)')
    const first = group.close(60_000)
    await expectNoneEnded(
      'One loop has a client, who has a minute to finish. The other has none.',
      'One idle loop is not enough. No thread is ended until no loop has a connection, or until graceMs have passed.',
    )
    story.tell('test', 'calls close(60_000) again')
    const closed = Promise.all([first, group.close(60_000)])
    await expectNoneEnded(
      'The client has a minute to finish, however often close() is called.',
      'A second call of close() waits like the first, and does not cut the client off.',
    )
    client.destroy()
    expect('both calls to resolve', (await within(PATIENCE_MS, closed)) !== 'too late', {
      because: 'The client has left: nothing is left to wait for.',
      look: 'loop-group.close()',
    })
  })
}

/** Whoever was on a loop that dies is not waited for: that loop reports nothing any more. */
export async function expectDeathNoticed(stage: Stage): Promise<void> {
  const first: Choose = ([loop]) => loop
  const body = async (group: LoopGroup, [thread]: Worker[]) => {
    stage.story.tell(
      'test',
      'starts two loops, gives a socket to the first one, calls close(60_000), and ends that thread',
    )
    await withAccepted(stage, 1, async ([socket]) => {
      group.serve(socket)
      const closed = group.close(60_000)
      void thread.terminate()
      stage.expect('close() to resolve', (await within(PATIENCE_MS, closed)) !== 'too late', {
        because: 'The only client was on a loop that has died. Nobody is connected any more.',
        likely:
          "A loop that dies reports no 'closed'. Wait for #whenIdle(): it resolves in that case, too.",
        look: 'loop-group.close()',
      })
    })
  }
  await withGroup(stage, body, first)
}

/** A loop dies, and the group is closed in the same turn: a replacement that waits for a later one must not start. */
export async function expectNothingStartedLate(stage: Stage): Promise<void> {
  await withGroup(stage, async (group, threads) => {
    stage.story.tell(
      'test',
      'starts two loops, ends one thread, and calls close(0) when it has ended',
    )
    const set = globalThis.setTimeout
    // A replacement that waits for a timer is waited for here: it fires at once.
    globalThis.setTimeout = Object.assign(
      (...[callback, , ...values]: Parameters<typeof set>) => set(callback, 0, ...values),
      { __promisify__: set.__promisify__ },
    ) as typeof set
    let listed: number[] = []
    try {
      const closed = new Promise((resolve) => {
        threads[1].once('exit', () => {
          listed = group.stats().loops.map(({ threadId }) => threadId)
          resolve(group.close(0))
        })
      })
      void threads[1].terminate()
      await closed
      // Timers of less than this have fired by then.
      await new Promise((resolve) => set(resolve, 2))
      for (let turns = 0; turns < 3; turns++) await turn()
    } finally {
      globalThis.setTimeout = set
    }
    const alive = threads.map(({ threadId }) => threadId).filter((threadId) => threadId !== ENDED)
    stage.expectSame('the number of threads after close() has resolved', alive.length, 0, {
      because: 'While the group is closing, nothing is started, and close() leaves no thread.',
      likely: alive.every((threadId) => listed.includes(threadId))
        ? 'close() ends every thread in the list, also one that has just been started.'
        : 'A replacement was started after close() had been called. If it does not start at once in #onExit(), look at #isClosing again just before it starts.',
      look: ['loop-group.#onExit()', 'loop-group.close()'],
    })
  })
}

/** A client that stays, and a loop that sleeps, have graceMs and no more. */
export async function expectGraceToEnd(stage: Stage): Promise<void> {
  const { serve, connect } = stage
  const hasty = await serve(CHAPTER, { loops: 2, choose: 'in turn', graceMs: 50 })
  const [dee, eve] = [await connect(hasty), await connect(hasty)]
  for (const client of [dee, eve]) await echo(client, { because: 'Each has a loop.' })
  await eve.send('sleep 60000\n')
  await hasty.roundTrip()
  hasty.beginClose()
  await dee.expectClosed({
    because: 'dee simply stays. After graceMs, close() waits for nobody.',
    likely:
      'Wait for the last connection or for a timer, whichever comes first. Both resolve: if the timer rejects, so does close(), and ends no thread.',
  })
  await eve.expectClosed({
    because: 'eve’s loop sleeps for a minute. close() does not wait for it, either.',
    likely: 'A sleeping thread receives no message. terminate() ends it all the same.',
  })
  await hasty.expectClosed({ because: 'The grace period is over.' })
  await expectThreadsGone(stage, hasty, 2)
  await hasty.expectNothingLeft({
    because: 'A thread that is left keeps the process alive.',
    likely: 'close() resolves when every terminate() has.',
  })
  await expectNoGrace(stage)
}

/** The id of a thread that has ended. */
const ENDED = -1

/** 0 ms is a time like any other. Nobody has ever connected, and still there are threads to end. */
async function expectNoGrace(stage: Stage): Promise<void> {
  await withGroup(stage, async (group, threads) => {
    stage.story.tell('test', 'starts two loops, and closes them with graceMs 0')
    const set = globalThis.setTimeout
    const delays: unknown[] = []
    globalThis.setTimeout = Object.assign(
      (...values: Parameters<typeof set>) => {
        delays.push(values[1])
        return set(...values)
      },
      { __promisify__: set.__promisify__ },
    ) as typeof set
    try {
      await group.close(0)
    } finally {
      globalThis.setTimeout = set
    }
    const longest = delays.find((delay) => Number(delay) > 1)
    stage.expect('close(0) to set no timer that waits', longest === undefined, {
      because: 'graceMs is 0: nobody is waited for.',
      likely: '`graceMs || 1_000` takes 0 for a value that was left out.',
      look: 'loop-group.close()',
      received: `a timer of ${longest} ms`,
    })
    const alive = threads.filter(({ threadId }) => threadId !== ENDED).length
    stage.expectSame('the number of threads alive when close() resolved', alive, 0, {
      because: 'close() promises that no thread is left, even if nobody has ever connected.',
      likely: 'Nothing has ended them: call this.terminate(), and await it.',
      look: 'loop-group.close()',
    })
  })
}

/** All loops have ended already: there is nothing to wait for. */
export async function expectNoTimerLeft(stage: Stage): Promise<void> {
  await withGroup(stage, async (group) => {
    await group.terminate()
    const atRest = await countPendingWakeUps()
    stage.story.tell('test', 'ends two loops, and then calls close(60_000)')
    await group.close(60_000)
    stage.expect('no timer to be left', (await countPendingWakeUps()) <= atRest, {
      because: 'close() has resolved, and a timer would keep the process alive for a minute.',
      likely: 'Clear the timer in any case, also when there was nothing to wait for or to end.',
      look: 'loop-group.close()',
    })
  })
}

const OTHERS_ENDED =
  'The other loops were ended when ada’s died. close() ends them when no loop has a connection, or after graceMs.'

/** For those whose loops live while ada's has died. */
export const NOT_ENDED_WITH_ADA = {
  because: 'ada’s loop has died, but theirs have not: they have time to finish.',
  likely: OTHERS_ENDED,
  look: 'loop-group.close()',
}

/** A loop has died while its group is closing. */
export async function expectNotReplaced(
  { expectSame }: Stage,
  server: HostedServer,
): Promise<void> {
  await server.expectEventually(
    'two threads to be left',
    async () => {
      const threads = await server.workers()
      return {
        holds: threads === 2,
        received: `${threads} threads`,
        likely: threads < 2 ? OTHERS_ENDED : undefined,
      }
    },
    {
      because: 'A server that is closing starts nothing new.',
      likely:
        'A loop that ends while the group is closing is not replaced: close() sets #isClosing first of all, and #onExit() checks it.',
      look: ['loop-group.#onExit()', 'loop-group.close()'],
    },
  )
  const listed = (await statsOf(server)).loops.length
  expectSame('the number of loops in the list', listed, 2, {
    because: 'ada’s loop has died: it is out of the list, whether or not another takes its place.',
    likely:
      listed < 2 ? OTHERS_ENDED : 'Take it out of the list first, and check #isClosing after that.',
    look: listed < 2 ? 'loop-group.close()' : 'loop-group.#onExit()',
  })
  expectSame('the number of replaced loops', (await statsOf(server)).replaced, 0, {
    because: 'No loop has taken its place: the server is closing.',
    likely: 'Count a replacement when there is one, after the check of #isClosing.',
    look: 'loop-group.#onExit()',
  })
}
