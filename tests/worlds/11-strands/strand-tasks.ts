/** Tasks on a strand that begin when the strand likes and end when the test likes. */

import { setImmediate as turn } from 'node:timers/promises'
import type * as StrandModule from '#code/11-strands/strand.ts'
import type { Reason } from '../../harness/failure.ts'
import { countHeld } from '../../harness/garbage.ts'
import { within } from '../../harness/patience.ts'
import type { Stage } from '../../judge/step.ts'
import { timersSetDuring } from '../set-timers.ts'

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

/** So many tasks are posted to see what is kept of them, and of so many something may be kept. */
const POSTED = 60
const MAY_BE_KEPT = 20

/** A strand lives as long as its connection: of tasks that have ended, nothing must be kept. Only a failure is told. */
export async function expectTasksForgotten({ load, story, expect }: Stage): Promise<void> {
  const { Strand } = await load(() => import('#code/11-strands/strand.ts'))
  const strand = new Strand()
  const postAll = async () => {
    const made: Record<'tasks' | 'results' | 'errors', WeakRef<object>[]> = {
      tasks: [],
      results: [],
      errors: [],
    }
    for (let place = 0; place < POSTED; place++) {
      const task = () => {
        const result = { place }
        made.results.push(new WeakRef(result))
        return result
      }
      made.tasks.push(new WeakRef(task))
      await strand.post(task)
      await strand
        .post(() => {
          const failure = new Error('it fails')
          made.errors.push(new WeakRef(failure))
          throw failure
        })
        .catch(() => {})
    }
    return made
  }
  const made = await postAll()
  for (const what of ['tasks', 'results', 'errors'] as const) {
    const held = await countHeld(made[what])
    if (held <= MAY_BE_KEPT) continue
    story.tell('test', `posts ${2 * POSTED} tasks, and every second one fails; all have ended`)
    expect(`the ${what} to be forgotten`, false, {
      because:
        'A client may send lines for a year. Whatever is kept for each line fills the memory.',
      likely:
        'The end of the last task is all that the next one needs: no list of tasks, results or errors.',
      received: `${held} of ${POSTED} are kept`,
      look: 'strand.post()',
    })
  }
  // The strand lives until here.
  await strand.post(() => {})
}

/** Nor is anything kept of tasks that were posted together, while one of them goes on. Only a failure is told. */
export async function expectEndedForgotten({ load, story, expect }: Stage): Promise<void> {
  const { Strand } = await load(() => import('#code/11-strands/strand.ts'))
  const strand = new Strand()
  const gate = Promise.withResolvers<void>()
  const postTogether = async () => {
    const tasks: WeakRef<object>[] = []
    const posted: Promise<void>[] = []
    for (let place = 0; place < POSTED; place++) {
      const task = () => {}
      tasks.push(new WeakRef(task))
      posted.push(strand.post(task))
    }
    strand.post(() => gate.promise)
    await Promise.all(posted)
    return tasks
  }
  const held = await countHeld(await postTogether())
  if (held > MAY_BE_KEPT) {
    story.tell('test', `posts ${POSTED + 1} tasks in one turn; all but the last one have ended`)
    expect('those that have ended to be forgotten', false, {
      because: 'The last one may take an hour, and the memory of the others is needed before.',
      likely:
        'Whatever holds a task has to let go of it when it has ended: a list that is worked off in one piece holds all of them to its end.',
      received: `${held} of ${POSTED} are kept`,
      look: 'strand.post()',
    })
  }
  // The strand lives until here.
  gate.resolve()
  await strand.post(() => {})
}

/** A task that fails ends nothing but itself: the one behind it still runs alone. */
export async function expectNoOverlap(stage: Stage): Promise<void> {
  const { Strand } = await stage.load(() => import('#code/11-strands/strand.ts'))
  const fails: Record<string, (strand: StrandModule.Strand) => Promise<unknown>> = {
    'that throws before it returns a promise': (strand) =>
      strand.post(() => {
        throw new Error('at once')
      }),
    'whose promise rejects at once': (strand) =>
      strand.post(() => Promise.reject(new Error('at once'))),
    'whose promise rejects later': (strand) =>
      strand.post(async () => {
        await turn()
        throw new Error('later')
      }),
  }
  for (const [how, postFailing] of Object.entries(fails)) {
    const eli = new Strand()
    stage.story.tell('eli', `gets a task ${how}`)
    const failing = postFailing(eli)
    Promise.resolve(failing).catch(() => {})
    const [next, second] = [post(stage, eli, 'eli 2'), post(stage, eli, 'eli 3')]
    await next.expectBegun({
      because: 'The task before it has failed, and so it has ended.',
      likely: how.includes('throws')
        ? 'The task threw before it returned a promise, and its end was never noted. Call it inside the `try`, or inside a then().'
        : 'A task that fails has to let the next one begin as well: note its end in `finally`.',
      look: 'strand.post()',
    })
    const third = post(stage, eli, 'eli 4')
    for (const task of [second, third])
      await task.expectNotBegun({
        because:
          '"eli 2" has begun but not ended. That the task before it has failed changes nothing.',
        likely:
          'A failure resets what the strand knows of its tasks, as if none of them were running. It has ended one task, and no more.',
        look: 'strand.post()',
      })
    next.end('two')
    await second.expectBegun({ because: '"eli 2" has ended, and "eli 3" is next.' })
    await third.expectNotBegun({ because: '"eli 3" has begun but not ended.' })
    second.end('three')
    await third.expectBegun({ because: 'All earlier tasks have ended.' })
    third.end('four')
  }
}

/** A task may throw before it returns, and twenty thousand may end at once: the strand goes on, in order. */
export async function expectThrowsSurvived(stage: Stage, ada: StrandModule.Strand): Promise<void> {
  stage.story.tell('ada', 'gets a task that throws before it returns')
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
  for (const thrown of [undefined, 0]) {
    const outcome = ada
      .post(() => Promise.reject(thrown))
      .then(
        () => 'resolves',
        () => 'rejects',
      )
    const received = await within(1_000, outcome)
    if (received === 'rejects') continue
    stage.expectSame(`the outcome of a task that rejects with ${thrown}`, received, 'rejects', {
      because: 'The task has failed, whatever it rejects with.',
      likely:
        received === 'resolves'
          ? 'A check like `if (failure)` takes undefined and 0 for success. Rethrow inside catch, or return the promise of the task.'
          : undefined,
      look: 'strand.post()',
    })
  }
  const last = post(stage, ada, 'ada 6')
  await last.expectBegun({ because: 'The task before it has failed, and so it has ended.' })
  last.end('five')

  stage.story.tell('ada', 'gets 20,000 tasks that end at once')
  const order: number[] = []
  const all = Array.from({ length: 20_000 }, (_, index) => ada.post(() => order.push(index)))
  await within(1_500, Promise.all(all))
  stage.expect(
    'all of the 20,000 tasks to have run, in order',
    order.length === all.length && order.every((value, index) => value === index),
    {
      because: 'What is posted first runs first, however many there are.',
      received: `${order.length} have run`,
    },
  )
}

/** So many microtasks may lie between the end of a task and the next post(). */
const MAX_GAP = 20

/** A task that is posted while the strand is coming to rest begins like any other. */
export async function expectNoneMissed({ load, story, expect }: Stage): Promise<void> {
  const { Strand } = await load(() => import('#code/11-strands/strand.ts'))
  story.tell('test', 'posts a task to a strand whose last task has just ended')
  const begun = new Set<number>()
  const postLater = async (gap: number) => {
    const strand = new Strand()
    await strand.post(() => {})
    for (let microtask = 0; microtask < gap; microtask++) await undefined
    await strand.post(() => begun.add(gap))
  }
  const gaps = Array.from({ length: MAX_GAP }, (_, gap) => gap)
  const all = gaps.map(postLater)
  await within(1_000, Promise.all(all))
  const missed = gaps.filter((gap) => !begun.has(gap))
  expect('the task to begin, however soon it is posted', missed.length === 0, {
    because: 'No other task is ahead of it: all have ended.',
    likely:
      'The code that works through the list has found it empty and is about to stop: nothing looks at the list again. There must be no await between its last look and the note that it has stopped.',
    received: `nothing when it was posted ${missed.join(', ')} microtasks later`,
    look: 'strand.post()',
  })
}

/** A task may take an hour: no clock ends it, or lets the next one begin. */
export async function expectNoTimer(stage: Stage): Promise<void> {
  const { Strand } = await stage.load(() => import('#code/11-strands/strand.ts'))
  const cyd = new Strand()
  const tasks: PostedTask[] = []
  const timers = await timersSetDuring(async () => {
    tasks.push(post(stage, cyd, 'cyd 1'), post(stage, cyd, 'cyd 2'))
    await tasks[1].expectNotBegun({ because: '"cyd 1" has begun but not ended.' })
  }, ['Timeout'])
  stage.expect('no timer to be set', timers === 0, {
    because: '"cyd 1" may take an hour, and "cyd 2" waits that long. No wait is too long.',
    likely:
      'A timer limits how long a task may take, or how long the next one waits. Only the end of a task counts.',
    look: 'strand.post()',
  })
  const [first, second] = tasks
  first.end('done')
  await second.expectBegun({ because: '"cyd 1" has ended, and "cyd 2" is next.' })
  second.end('done')
}

/** A task that posts another one is in the middle of a function, like any other code that posts. */
export async function expectNestedBehind({ load, story, expectSame }: Stage): Promise<void> {
  const { Strand } = await load(() => import('#code/11-strands/strand.ts'))
  const dee = new Strand()
  const order: string[] = []
  let nested: Promise<unknown> | undefined
  story.tell('dee', 'gets a task that posts another one, and goes on for a while')
  const outer = dee.post(async () => {
    nested = dee.post(() => order.push('the other begins'))
    order.push('post() has returned')
    await turn()
    order.push('the first ends')
  })
  await within(1_000, outer)
  await within(1_000, Promise.resolve(nested))
  const inOrder = ['post() has returned', 'the first ends', 'the other begins']
  expectSame('what happens, in order', order, inOrder, {
    because: 'A task that another task posts comes after it, like any task that is posted later.',
    likely:
      'A task that is posted while another runs is called at once. Wherever it is posted from, it waits for all tasks posted earlier.',
    look: 'strand.post()',
  })
}
