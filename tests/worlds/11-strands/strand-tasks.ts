/** Tasks on a strand that begin when the strand likes and end when the test likes. */

import { setImmediate as turn } from 'node:timers/promises'
import type * as StrandModule from '#code/11-strands/strand.ts'
import type { Reason } from '../../harness/failure.ts'
import { isGarbage } from '../../harness/garbage.ts'
import { within } from '../../harness/patience.ts'
import type { Stage } from '../../judge/step.ts'

export interface PostedTask {
  readonly hasBegun: boolean
  end(value: string): void
  fail(message: string): void
  expectBegun(reason: Reason): Promise<void>
  expectNotBegun(reason: Reason): Promise<void>
  expectResult(value: string, reason: Reason): Promise<void>
  expectRejection(message: string, reason: Reason): Promise<void>
}

export function post(stage: Stage, strand: StrandModule.Strand, name: string): PostedTask {
  const begun = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<string>()
  let hasBegun = false
  stage.story.tell('test', `posts the task "${name}"`)
  const posted = strand.post(() => {
    hasBegun = true
    stage.story.tell(name, 'begins')
    begun.resolve()
    return ended.promise
  })
  // What became of it is looked at later.
  Promise.resolve(posted).catch(() => {})
  return {
    get hasBegun() {
      return hasBegun
    },
    end(value) {
      stage.story.tell(name, 'ends')
      ended.resolve(value)
    },
    fail(message) {
      stage.story.tell(name, 'fails')
      ended.reject(new Error(message))
    },
    async expectBegun(reason) {
      await within(1_000, begun.promise)
      stage.expect(`"${name}" to have begun`, hasBegun, reason)
    },
    async expectNotBegun(reason) {
      for (let turns = 0; turns < 3; turns++) await turn()
      stage.expect(`"${name}" not to have begun`, !hasBegun, reason)
    },
    expectResult: (value, reason) => expectOutcome(stage, name, posted, value, reason),
    expectRejection: (message, reason) =>
      expectOutcome(stage, name, posted, `Error: ${message}`, reason),
  }
}

/** Expects what `post()` returned to resolve with that value, or to reject with that error, as text. */
export async function expectOutcome(
  stage: Stage,
  name: string,
  posted: Promise<unknown>,
  text: string,
  reason: Reason,
): Promise<void> {
  const outcome = await within(
    1_000,
    Promise.resolve(posted).then(
      (value) => String(value),
      (error) => String(error),
    ),
  )
  const received = outcome === 'too late' ? 'nothing, so far' : outcome
  stage.expect(`the promise of "${name}" to come to "${text}"`, received === text, {
    ...reason,
    expected: text,
    received,
  })
}

/** A strand lives as long as its connection: tasks that have ended must not be kept. Only a failure is told. */
export async function expectTasksForgotten({ load, story, expect }: Stage): Promise<void> {
  const { Strand } = await load(() => import('#code/11-strands/strand.ts'))
  const strand = new Strand()
  const postOne = async () => {
    const task = () => 'done'
    await strand.post(task)
    return new WeakRef(task)
  }
  const task = await postOne()
  // The last one may be kept: the next one waits for it.
  for (let other = 0; other < 3; other++) await strand.post(() => other)
  const isForgotten = await isGarbage(task)
  // The strand lives until here.
  await strand.post(() => {})
  if (isForgotten) return
  story.tell('test', 'posts a task, and three more behind it; all have ended')
  expect('the first task to be forgotten', false, {
    because: 'A client may send lines for a year. What is kept for each of them fills the memory.',
    likely: 'The end of the last task is all that the next one has to know.',
    look: 'strand.post()',
  })
}

/** A task may throw before it returns, and twenty thousand may end at once: the strand goes on, in order. */
export async function expectThrowsSurvived(stage: Stage, ada: StrandModule.Strand): Promise<void> {
  stage.story.tell('ada', 'is posted a task that throws before it returns')
  const thrown = ada.post(() => {
    throw new RangeError('at once')
  })
  await expectOutcome(stage, 'ada 5', thrown, 'RangeError: at once', {
    because: 'To the code that posted the task, a throw and a rejected promise are the same.',
    likely:
      'A task may be a plain function: call it inside then(), which turns a throw into a rejection.',
  })
  // A promise that nobody looks after is found out at the end of a turn.
  await turn()
  const last = post(stage, ada, 'ada 6')
  await last.expectBegun({ because: 'The task before it has failed, that is: ended.' })
  last.end('five')

  stage.story.tell('ada', 'is posted 20,000 tasks that end at once')
  const order: number[] = []
  const all = Array.from({ length: 20_000 }, (_, index) => ada.post(() => order.push(index)))
  await within(1_500, Promise.all(all))
  stage.expect(
    'all of them to have run, in order',
    order.length === all.length && order.every((value, index) => value === index),
    {
      because: 'What is posted first runs first, however many there are.',
      received: `${order.length} have run`,
    },
  )
}
