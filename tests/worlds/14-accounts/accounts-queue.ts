/** A queue whose tasks begin when it lets them, and end when the test says so. */

import { setImmediate as turn } from 'node:timers/promises'
import { randomInteger } from '../../harness/random.ts'
import type { Stage } from '../../judge/step.ts'
import { timersSetDuring } from '../set-timers.ts'
import { rejects, resolves, settle } from './accounts-promises.ts'

/** The function that everything here is about. */
const LOOK = 'hash-queue.run()'

/** A task that begins when the queue lets it, and ends when the test says so. */
export interface Hash {
  hasBegun: boolean
  /** How it ends. */
  end: { resolve(value: string): void; reject(error: Error): void }
  result: Promise<string>
}

/** What is likely may depend on the tasks that have begun. */
interface BegunReason {
  because: string
  likely?: string | ((begun: string[]) => string)
}

/** Two places, and three to wait in. */
export async function expectQueue(stage: Stage): Promise<void> {
  const { expect, expectSame, story } = stage
  const { HashQueue, HashesBusy } = await stage.load(
    () => import('#code/14-accounts/hash-queue.ts'),
  )
  const queue = new HashQueue({ running: 2, waiting: 3 })
  story.tell('test', 'makes a queue: two tasks may run, three may wait')
  const run = (name: string, task?: () => Promise<string>): Hash => {
    const { promise, ...end } = Promise.withResolvers<string>()
    const hash: Hash = { hasBegun: false, end, result: Promise.resolve('') }
    story.tell('queue', `is given task ${name}`)
    hash.result = queue.run(() => {
      hash.hasBegun = true
      return task ? task() : promise
    })
    hash.result.catch(() => {})
    return hash
  }
  const expectBegun = async (
    hashes: Record<string, Hash>,
    begun: string[],
    { because, likely }: BegunReason,
  ) => {
    await settle()
    const seen = Object.keys(hashes).filter((name) => hashes[name].hasBegun)
    expectSame('the tasks that have begun', seen, begun, {
      because,
      likely: typeof likely === 'function' ? likely(seen) : likely,
      look: LOOK,
    })
  }
  const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e'].map((name) => run(name))
  const all = { a, b, c, d, e }
  await expectBegun(all, ['a', 'b'], {
    because: 'Two may run. libuv has four threads, and files need some of them.',
    likely:
      'Count the running tasks; the third awaits a promise that is resolved when it gets a place. Write `return await task()`: without the await, finally runs before the task has ended.',
  })
  expectSame(
    'stats()',
    queue.stats(),
    { running: 2, waiting: 3, refused: 0 },
    {
      because: 'Two run, three wait.',
      look: LOOK,
    },
  )
  const f = run('f')
  const refusal = await rejects(story, 'task f', f.result, {
    because: 'Three tasks wait already.',
    likely: 'Reject with HashesBusy when `waiting` tasks wait already.',
    look: LOOK,
  })
  expect('the error to be HashesBusy', refusal instanceof HashesBusy, {
    because: 'The client is told `busy`, and can try again.',
    received: String(refusal),
    look: LOOK,
  })

  b.end.resolve('b')
  expectSame('the result of task b', await resolves(story, 'task b', b.result, DONE), 'b', DONE)
  await expectBegun({ ...all, f }, ['a', 'b', 'c'], {
    because: 'b has ended, so its place goes to the task that has waited longest. f was refused.',
    likely: (begun) =>
      begun.length < 3
        ? 'A task that ends hands its place to the next one at once, without a timer.'
        : 'First come, first served: shift(), not pop().',
  })
  a.end.reject(new RangeError('out of memory'))
  const error = await rejects(story, 'task a', a.result, {
    because: 'The task has failed.',
    likely: 'Use try … finally: it hands the place on and lets the error through.',
    look: LOOK,
  })
  expectSame('the error of task a', String(error), 'RangeError: out of memory', {
    because: 'The task rejected with this error.',
    look: LOOK,
  })
  await expectBegun(all, ['a', 'b', 'c', 'd'], {
    because: 'A task that fails leaves its place to the next, like any other.',
    likely: 'Hand the place on in a finally block.',
  })

  story.tell('test', 'ends task c, and gives the queue task g at the same moment')
  c.end.resolve('c')
  const g = run('g')
  await expectBegun({ ...all, g }, ['a', 'b', 'c', 'd', 'e'], {
    because:
      'e has been waiting; g has just arrived. d is still running, so there is one place, not two.',
    likely:
      'A place that becomes free belongs to the first waiting task. If it is counted as free first, g may take it, too.',
  })
  const h = run('h', () => {
    throw new TypeError('at once')
  })
  for (const hash of [d, e, g]) hash.end.resolve('')
  const thrown = await rejects(story, 'task h, which throws', h.result, {
    because: 'For the caller of run(), a task that throws is the same as one that rejects.',
    look: LOOK,
  })
  expectSame('the error of task h', String(thrown), 'TypeError: at once', {
    because: 'The task threw this error.',
    look: LOOK,
  })
  await settle()
  const { refused, ...left } = queue.stats()
  expectSame(
    '`running` and `waiting` in stats()',
    left,
    { running: 0, waiting: 0 },
    {
      because: 'All tasks have ended.',
      likely:
        'A task that ends hands its place on or counts it as free: exactly one of the two, even if task() throws at once.',
      look: LOOK,
    },
  )
  expectSame('`refused` in stats()', refused, 1, {
    because: 'Only task f was refused.',
    likely: 'Each HashesBusy is counted in #refused, once.',
    look: LOOK,
  })
  const [i, j, k] = ['i', 'j', 'k'].map((name) => run(name))
  await expectBegun({ i, j, k }, ['i', 'j'], { because: 'There are two places, as before.' })
  for (const hash of [i, j, k]) hash.end.resolve('')
  await settle()
}

export const DONE = { because: 'The task resolved with this value.', look: LOOK }

/** Somebody comes just when a place becomes free: at this very moment, or a few steps of promises later. */
export async function expectNoOvertaking({ expectSame, load, story }: Stage): Promise<void> {
  const { HashQueue } = await load(() => import('#code/14-accounts/hash-queue.ts'))
  story.tell(
    'test',
    'ends one task while another waits, and gives the queue a third at that moment',
  )
  for (let steps = 0; steps < 12; steps++) {
    const queue = new HashQueue({ running: 1, waiting: 2 })
    const gates = [1, 2, 3].map(() => Promise.withResolvers<void>())
    const began: string[] = []
    const run = (name: string, gate: PromiseWithResolvers<void>) =>
      queue.run(() => {
        began.push(name)
        return gate.promise
      })
    const results = [run('first', gates[0]), run('second', gates[1])]
    await settle()
    gates[0].resolve()
    for (let step = 0; step < steps; step++) await undefined
    results.push(run('third', gates[2]))
    await settle()
    expectSame('the tasks that have begun', began, ['first', 'second'], {
      because:
        'Only one may run. The second has been waiting for the place of the first; the third has just arrived.',
      likely:
        'Between "the place is free" and "the waiting task has it", a newcomer takes it. Hand the place over without counting it as free.',
      look: LOOK,
    })
    for (const gate of gates) gate.resolve()
    await resolves(story, 'the third task', Promise.all(results), {
      because: 'The others have ended, and the place is free.',
      likely: 'Count a place as free when no task waits for it.',
      look: LOOK,
    })
  }
}

/** Whoever waits sleeps until its turn comes. */
export async function expectNoPolling({ expect, load, story }: Stage): Promise<void> {
  const { HashQueue } = await load(() => import('#code/14-accounts/hash-queue.ts'))
  const queue = new HashQueue({ running: 1, waiting: 2 })
  const gate = Promise.withResolvers<void>()
  story.tell('test', 'gives another queue, in which one task may run, a long task and two more')
  const results = [1, 2, 3].map(() => queue.run(() => gate.promise))
  await settle()
  const timers = await timersSetDuring(settle)
  expect('no timer to be set while two wait', timers === 0, {
    because:
      'A hash takes a fifth of a second. Until it ends, there is nothing that a timer could find.',
    likely: 'Do not poll for a free place: await a promise, and let the task that ends resolve it.',
    received: `${timers} timers in a few turns of the loop`,
    look: LOOK,
  })
  gate.resolve()
  await resolves(story, 'every task', Promise.all(results), {
    because: 'The task before it has ended.',
    likely: 'A task that ends hands its place on.',
    look: LOOK,
  })
}

/** Two hundred tasks that end at random: never more than two at a time, and each in its turn. */
export async function expectCrowdInOrder({ expect, load, random, story }: Stage): Promise<void> {
  const { HashQueue } = await load(() => import('#code/14-accounts/hash-queue.ts'))
  const queue = new HashQueue({ running: 2, waiting: 200 })
  story.tell('test', 'runs 200 tasks that end in any order while others arrive')
  const began: number[] = []
  const running: (() => void)[] = []
  let most = 0
  const results: Promise<void>[] = []
  while (results.length < 200 || running.length > 0) {
    if (results.length < 200 && randomInteger(random, 3) > 0) {
      const number = results.length
      const task = () => {
        began.push(number)
        const { promise, resolve } = Promise.withResolvers<void>()
        running.push(resolve)
        most = Math.max(most, running.length)
        return promise
      }
      results.push(queue.run(task))
    } else if (running.length > 0) {
      running.splice(randomInteger(random, running.length), 1)[0]()
    }
    if (randomInteger(random, 4) === 0) await turn()
    if (running.length === 0) await settle()
  }
  expect('no more than two tasks to run at a time', most <= 2, {
    because: 'The limit is two, however tasks come and go.',
    received: `${most} at a time`,
    look: LOOK,
  })
  const isInOrder = began.length === 200 && began.every((number, index) => number === index)
  expect('all of them to begin in the order in which they arrived', isInOrder, {
    because: 'First come, first served.',
    likely:
      'Does a new task check whether others wait? While one waits, no place is free for a newcomer.',
    received: `${began.length} began: ${began.slice(0, 8).join(', ')} …`,
    look: LOOK,
  })
}

/** A queue with no room to wait refuses at once. */
export async function expectNoneWaiting({ expect, load, story }: Stage): Promise<void> {
  const { HashQueue, HashesBusy } = await load(() => import('#code/14-accounts/hash-queue.ts'))
  const queue = new HashQueue({ running: 1, waiting: 0 })
  const gate = Promise.withResolvers<void>()
  story.tell('test', 'gives two tasks to a queue in which one may run, and none may wait')
  const first = queue.run(() => gate.promise)
  const second = queue.run(() => gate.promise)
  second.catch(() => {})
  const refusal = await rejects(story, 'the second task', second, {
    because: '`waiting` is 0 here, and none may wait.',
    likely: 'Compare with `waiting` as it is: 0 is a limit, and not a missing one.',
    look: LOOK,
  })
  expect('the error to be HashesBusy', refusal instanceof HashesBusy, {
    because: 'The client is told `busy`, and can try again.',
    received: String(refusal),
    look: LOOK,
  })
  gate.resolve()
  await resolves(story, 'the first task', first, DONE)
}
