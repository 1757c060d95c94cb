/** Loops whose script is broken: what cannot be started once would be started again and again. */

import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from '../../harness/client.ts'
import { Failure, type Reason } from '../../harness/failure.ts'
import type { HostedServer } from '../../harness/hosted-server.ts'
import type { Stage } from '../../judge/step.ts'
import { echo } from '../../protocols/lines.ts'
import { statsOf, talkativeLoop } from './many-loops.ts'

const CHAPTER = '12-many-loops'

const IS_NOT_STARTED = {
  because: 'A third loop has died, and the one that should replace it cannot start.',
  likely:
    '#addLoop() then rejects: catch that, and do not try again. A script that is broken stays broken.',
  look: 'loop-group.#onExit()',
}

/** The loops in the list: so many, none of them dead, and all that have not died. */
export async function expectOut(
  { expect }: Stage,
  server: HostedServer,
  dead: string,
  count: number,
  alive: string[],
): Promise<void> {
  const listed = (await statsOf(server)).loops.map(({ threadId }) => String(threadId))
  const isThere = listed.includes(dead)
  const isRight = listed.length === count && !isThere
  const what =
    isRight || isThere ? 'the dead loop to be out of the list' : `${count} loops to be in the list`
  expect(what, isRight, {
    ...causeOf(listed, isThere, count, alive),
    expected: `${count} loops, none of them on thread ${dead}`,
    received: `loops on the threads ${listed.join(', ')}`,
  })
}

/** What is wrong with the list of loops after one has died. */
function causeOf(listed: string[], isThere: boolean, count: number, alive: string[]): Reason {
  if (isThere) {
    return {
      because:
        'A socket sent to a thread that has ended is lost without an error, and so is its client.',
      likely:
        listed.length > count
          ? 'The list has grown, and the dead loop is still in it: find this loop there, and take it out.'
          : 'Take this loop out of the list, not just any loop: find it there.',
    }
  }
  if (listed.length === 0) {
    return {
      because: 'The other loops have not died: they go on, and get newcomers.',
      likely: 'The other loops must go on: one that dies, or cannot start, ends none of them.',
    }
  }
  if (!alive.every((each) => listed.includes(each))) {
    return {
      because: 'The other loops have not died: they go on, and get newcomers.',
      likely: 'A live loop is gone from the list, too. Take out only one: splice(place, 1).',
    }
  }
  return listed.length > count
    ? {
        because: 'More than one loop has taken its place.',
        likely: 'One loop has died, so start one replacement.',
      }
    : {
        because: 'One loop has died, and nothing has taken its place.',
        likely: 'The dead loop is out of the list. Start another in its place: #addLoop().',
      }
}

/** How often a loop with the breakable script was started. */
function startsIn(folder: string): number {
  return readFileSync(join(folder, 'starts')).length
}

/** The script breaks, and then cyd's loop dies: another is started, in vain, and only once. */
export async function expectBrokenScriptLeft(
  stage: Stage,
  server: HostedServer,
  folder: string,
  cyd: Client,
): Promise<void> {
  try {
    await breakScript(stage, server, folder, cyd)
  } catch (error) {
    if (!(error instanceof Failure && error.report.headline.includes('nobody caught it')))
      throw error
    throw new Failure(stage.story, {
      ...error.report,
      because: 'A third loop has died, and its replacement cannot start. The others must go on.',
      likely: '#addLoop() rejects when a loop cannot start. Catch that.',
      look: 'loop-group.#onExit()',
    })
  }
}

async function breakScript(
  { story, expect }: Stage,
  server: HostedServer,
  folder: string,
  cyd: Client,
): Promise<void> {
  await server.expectEventually(
    'every loop so far to have started',
    async () => ({ holds: startsIn(folder) === 5, received: `${startsIn(folder)} starts` }),
    { because: 'Three loops were asked for, and two have been replaced.' },
  )
  writeFileSync(join(folder, 'broken'), '')
  story.tell('test', 'breaks the script: no loop can be started any more')
  await cyd.send('bug\n')
  await cyd.expectClosed({ because: 'Her loop has died.' })
  await server.expectEventually(
    'another loop to be started',
    async () => ({ holds: startsIn(folder) === 6, received: `${startsIn(folder)} starts` }),
    IS_NOT_STARTED,
  )
  await server.expectEventually(
    'two loops to be left',
    async () => {
      const [threads, { loops }] = [await server.workers(), await statsOf(server)]
      return {
        holds: threads === 2 && loops.length === 2,
        received: `${threads} threads, ${loops.length} loops in the list`,
        likely:
          loops.length > threads
            ? 'The dead loop leaves the list at once, whether or not another can be started.'
            : threads < 2
              ? 'The other loops must go on: do not end them because one cannot start.'
              : undefined,
      }
    },
    IS_NOT_STARTED,
  )
  const timerMs = await server.msToNextTimer()
  expect('no timer that would try again', timerMs === Number.POSITIVE_INFINITY, {
    ...IS_NOT_STARTED,
    received: `a timer in ${Math.round(timerMs)} ms`,
  })
}

/** Newcomers are served by the loops that are left, and nothing was started for them. One that dies later is replaced again. */
export async function expectOthersGoOn(
  { connect, story, expectSame }: Stage,
  server: HostedServer,
  folder: string,
): Promise<void> {
  const [gus, hal] = [await connect(server, 'gus'), await connect(server, 'hal')]
  for (const client of [gus, hal]) await echo(client, { because: 'The loops that are left go on.' })
  expectSame('the number of loops started so far', startsIn(folder), 6, IS_NOT_STARTED)
  rmSync(join(folder, 'broken'))
  story.tell('test', 'repairs the script: loops can be started again')
  await gus.send('bug\n')
  await gus.expectClosed({ because: 'His loop has died.' })
  await server.expectEventually(
    'two loops to be in the list again',
    async () => {
      const { loops } = await statsOf(server)
      const starts = startsIn(folder)
      return {
        holds: loops.length === 2 && starts === 7,
        received: `${starts} starts, ${loops.length} loops in the list`,
      }
    },
    {
      because: 'gus’s loop has died, and another takes its place, as usual.',
      likely:
        'A loop that could not be started is not tried again. Loops that die later are replaced all the same: do not remember the failure, and count nothing down.',
      look: 'loop-group.#onExit()',
    },
  )
  await echo(hal, { because: 'The other loop is not affected.' })
}

/** When the only loop has died, the list is empty until another is in it. */
export async function expectOnlyLoopReplaced({ serve, connect }: Stage): Promise<void> {
  const server = await serve(CHAPTER, { loops: 1, choose: 'in turn', script: talkativeLoop() })
  const ivy = await connect(server, 'ivy')
  await ivy.send('bug\n')
  await ivy.expectClosed({ because: 'The only loop of this server has died, and ivy was on it.' })
  await server.expectEventually(
    'another loop to take its place',
    async () => {
      const { loops, replaced } = await statsOf(server)
      return {
        holds: loops.length === 1 && replaced === 1,
        received: `${loops.length} loops in the list, ${replaced} replaced`,
      }
    },
    {
      because: 'Without a loop, the server would close every connection that it accepts.',
      likely: 'A loop that dies is replaced, even if no other loop is left.',
      look: 'loop-group.#onExit()',
    },
  )
  await echo(await connect(server, 'jon'), { because: 'The new loop serves those who come now.' })
}
