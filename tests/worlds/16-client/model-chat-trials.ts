/** Plays many schedules, and makes the first that goes wrong into a failure whose story can be read. */

import { setImmediate as turn } from 'node:timers/promises'
import { Failure } from '../../harness/failure.ts'
import type { Story, StoryLine } from '../../harness/story.ts'
import type { Problem } from './model-chat-count.ts'
import { type Clients, lostData, randomSchedule, shrink, singleFaults } from './model-chat-plans.ts'
import {
  type MakeClient,
  type Outcome,
  play,
  type Schedule,
  Thrown,
} from './model-chat-schedules.ts'

export interface Trial {
  story: Story
  /** What to expect, completing "expects …". */
  what: string
  makeClient: MakeClient
  clients: Clients
  /** How many schedules at random, beside every single fault. */
  atRandom: number
  /** The first of their seeds. */
  seed: number
}

export interface Count {
  schedules: number
  connections: number
  said: number
  unknown: number
}

/** Throws a `Failure` for the first schedule that goes wrong. */
export async function tryAll({ story, what, makeClient, ...trial }: Trial): Promise<Count> {
  const count = { schedules: 0, connections: 0, said: 0, unknown: 0 }
  for (const [schedule, name] of schedulesOf(trial)) {
    const outcome = await playOrTell(schedule, makeClient, story)
    count.schedules += 1
    // A sign of life for the watchdog: in virtual time nothing else waits for anything real.
    await turn()
    if (outcome.problem) await fail(story, makeClient, schedule, name, outcome.problem)
    for (const key of ['connections', 'said', 'unknown'] as const) count[key] += outcome[key]
  }
  story.judge('test', `expects ${what}, in each of ${count.schedules} schedules`, 'kept')
  return count
}

function* schedulesOf({
  clients,
  atRandom,
  seed,
}: Pick<Trial, 'clients' | 'atRandom' | 'seed'>): Generator<[Schedule, string]> {
  for (const [index, schedule] of singleFaults(clients).entries()) {
    yield [schedule, `single fault ${index + 1}`]
  }
  for (const [index, schedule] of lostData(clients).entries()) {
    yield [schedule, `loss of data ${index + 1}`]
  }
  for (let index = 0; index < atRandom; index++) {
    yield [randomSchedule(seed + index, clients), `the schedule with seed ${seed + index}`]
  }
}

async function playOrTell(
  schedule: Schedule,
  makeClient: MakeClient,
  story: Story,
): Promise<Outcome> {
  try {
    return await play(schedule, makeClient)
  } catch (error) {
    if (!(error instanceof Thrown)) throw error
    story.beginAnew()
    tellAll(story, error.lines)
    throw error.error
  }
}

async function fail(
  story: Story,
  makeClient: MakeClient,
  schedule: Schedule,
  name: string,
  original: Problem,
): Promise<never> {
  /** In the same way: another problem would be another story. */
  const goesWrong = async (candidate: Schedule): Promise<boolean> => {
    try {
      const { problem } = await play(candidate, makeClient)
      return problem !== undefined && kindOf(problem) === kindOf(original)
    } catch {
      return false
    }
  }
  const smallest = await shrink(schedule, goesWrong)
  const { problem, lines } = await play(smallest, makeClient)
  story.beginAnew()
  const { headline, because, likely, expected, received } = problem!
  story.tell(
    'test',
    `plays ${name}${smallest === schedule ? '' : ', without what does not matter'}`,
  )
  tellAll(story, lines)
  story.judge('test', 'checks every client, two minutes after the last fault', 'broken')
  throw new Failure(story, {
    headline,
    because,
    likely,
    expected: expected === undefined ? undefined : { text: expected },
    received: received === undefined ? undefined : { text: received },
  })
}

function kindOf({ because }: Problem): string {
  return because.replace(/\d+/g, '')
}

/** What is shown of a story: no heartbeats. */
function tellAll(story: Story, lines: StoryLine[]): void {
  for (const { who, text, way } of lines) {
    if (!/ (ping|pong)\b/.test(text)) story.tell(who, text, way)
  }
}
