/** Servers of several loops that are closed with little time, or none, for clients that stay. */

import type { HostedServer } from '../../harness/hosted-server.ts'
import type { Stage } from '../../judge/step.ts'
import { echo } from '../../protocols/lines.ts'
import { withGroup } from './counted-loops.ts'
import { statsOf } from './many-loops.ts'

const CHAPTER = '12-many-loops'

export const ARE_GONE = {
  because: 'close() promises that no thread is left, not that they will end soon.',
  likely: 'terminate() is a promise for every thread: await it.',
}

/** A client that stays, and a loop that sleeps, have graceMs and no more. */
export async function expectGraceToEnd(stage: Stage): Promise<void> {
  const { serve, connect, expectSame } = stage
  const hasty = await serve(CHAPTER, { loops: 2, choose: 'in turn', graceMs: 50 })
  const [dee, eve] = [await connect(hasty), await connect(hasty)]
  for (const client of [dee, eve]) await echo(client, { because: 'Each has a loop.' })
  await eve.send('sleep 60000\n')
  await hasty.roundTrip()
  hasty.beginClose()
  await dee.expectClosed({
    because: 'dee simply stays. After graceMs, close() waits for nobody.',
    likely: 'Wait for the last connection or for a timer, whichever comes first.',
  })
  await eve.expectClosed({
    because: 'eve’s loop sleeps for a minute. close() does not wait for it, either.',
    likely: 'A thread that sleeps hears no message. terminate() ends it all the same.',
  })
  await hasty.expectClosed({ because: 'The grace period is over.' })
  expectSame('the threads alive when close() resolved', hasty.threadsWhenClosed, 0, ARE_GONE)
  await hasty.expectNothingLeft({
    because: 'A thread that is left keeps the process alive.',
    likely: 'close() resolves when every terminate() has.',
  })
  await expectNoGrace(stage)
}

/** 0 ms is a time like any other. */
async function expectNoGrace(stage: Stage): Promise<void> {
  await withGroup(stage, async (group) => {
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
  })
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
      return { holds: threads === 2, received: `${threads} threads` }
    },
    {
      because: 'A server that closes starts nothing new.',
      likely:
        'A loop that ends while the group is closing is not replaced: close() sets #isClosing first of all, and #onExit() looks at it.',
      look: ['loop-group.#onExit()', 'loop-group.close()'],
    },
  )
  expectSame('the loops in the list', (await statsOf(server)).loops.length, 2, {
    because: 'ada’s loop has died: it is out of the list, whether or not another takes its place.',
    likely: 'Take it out of the list first, and look at #isClosing after that.',
    look: 'loop-group.#onExit()',
  })
  expectSame('the replaced loops', (await statsOf(server)).replaced, 0, {
    because: 'No loop has taken its place: the server is closing.',
    likely: 'Count a replacement when there is one, behind the look at #isClosing.',
    look: 'loop-group.#onExit()',
  })
}
