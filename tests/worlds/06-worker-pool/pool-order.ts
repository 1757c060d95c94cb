/** A pool of chapter 06 and its jobs: who is started when, and who gets which answer. */

import { setImmediate as turn } from 'node:timers/promises'
import type { Stage } from '../../judge/step.ts'
import { withPool } from './played-pool.ts'

/** Two threads, five jobs: first come, first served, and each caller gets its own answer. */
export async function expectOrderOfArrival(stage: Stage): Promise<void> {
  const { expect, expectSame } = stage
  await withPool(stage, { size: 2, maxQueued: 10 }, async ({ pool, play, expectStats }) => {
    const [first, second] = [play('first'), play('second')]
    const later = ['third', 'fourth', 'fifth'].map((name) => play(name))
    const all = [first, second, ...later]
    const { busy, queued } = pool.stats()
    expectStats(
      { threads: 2, busy: 2, queued: 3 },
      {
        because: 'There are two threads and five jobs: two run, and three wait.',
        likely:
          busy + queued === 0
            ? 'run() itself gives the job to a free thread or to the queue, before it returns: not behind an await, nor in a later turn.'
            : 'A job goes to a free thread if there is one, and otherwise into the queue.',
        look: 'run()',
      },
    )
    await turn()
    const starts = all.map(({ starts }) => starts)
    expectSame('the number of calls to each onStart', starts, [1, 1, 0, 0, 0], {
      because: 'onStart is called when a thread starts the job, and three jobs still wait.',
      likely: 'A task carries the options that run() was given; #start() calls onStart.',
      look: 'run()',
    })
    second.open()
    await second.expectResult('second', {
      because: 'The job that ends first is answered first, and its own caller gets the answer.',
      likely: 'The caller is the one whose task #threads has for this very thread.',
      ifNothing:
        'Settle the task that #threads has for the thread that has answered. Look it up before #free(), which gives the thread the next one.',
      look: '#onAnswer()',
    })
    await turn()
    const startsThen = all.map(({ starts }) => starts)
    const isNoneStarted = startsThen.join() === starts.join()
    expectSame('the number of calls to each onStart', startsThen, [1, 1, 1, 0, 0], {
      because: 'A thread is free, so the job that has waited longest is started.',
      likely: isNoneStarted
        ? 'A thread that has answered takes the next job out of the queue: #free().'
        : 'Jobs are taken from the wrong end of the queue: use push() and shift().',
      look: isNoneStarted ? '#onAnswer()' : 'run()',
    })
    first.open()
    await first.expectResult('first', {
      because: 'Each caller gets the answer to its own job.',
      likely: 'The caller is the one whose task #threads has for this very thread.',
      look: '#onAnswer()',
    })
    const threads = new Set<number>()
    for (const job of later) {
      job.open()
      const { threadId } = await job.expectResult(job.name, {
        because: 'A job that waits is started as soon as a thread is free.',
        likely: 'A thread that has answered takes the next job out of the queue: #free().',
        look: '#onAnswer()',
      })
      threads.add(threadId)
    }
    expect('the two threads to have done all the jobs', threads.size <= 2, {
      because: 'Threads are started once. That is the point of a pool.',
      likely:
        'Do not start a new Worker for each job: give it to a thread that the pool already has.',
      received: `${threads.size} threads`,
    })
    const startsInTheEnd = all.map(({ starts }) => starts)
    expectSame('the number of calls to each onStart', startsInTheEnd, [1, 1, 1, 1, 1], {
      because: 'Each job has been started once.',
      likely: 'A task carries the options that run() was given; #start() calls onStart.',
      look: 'run()',
    })
  })
}

/** Results and errors of any kind end a job, and leave its thread free. */
export async function expectEveryOutcome(stage: Stage): Promise<void> {
  const { expectSame, story } = stage
  await withPool(stage, { size: 1, maxQueued: 10 }, async (played) => {
    const { pool, play, startedThreads, expectStats } = played
    const jobs = ['one', 'two', 'three', 'four'].map((name) => play(name, 'answer', 'no signal'))
    for (const job of jobs.toReversed()) job.open()
    for (const job of jobs)
      await job.expectResult(job.name, { because: 'There are four jobs and one thread.' })
    const order = jobs.map(({ endedAt }) => endedAt)
    expectSame('the order in which they ended', order, [1, 2, 3, 4], {
      because: 'First come, first served.',
      likely: 'Jobs are taken from the wrong end of the queue: use push() and shift().',
    })
    const [failing, after] = [play('no', 'throw'), play('after')]
    failing.open()
    await failing.expectRejection(/^RangeError: no$/, {
      because: 'What a job throws is what its caller gets, unchanged.',
      likely: 'An answer with an error must reject the task.',
      ifRejected: 'Reject with answer.error itself, not with an error about it.',
      look: '#onAnswer()',
    })
    after.open()
    await after.expectResult('after', {
      because: 'A job that throws has ended, and its thread can take the next job.',
      likely: 'A thread that has answered with an error is free, too.',
      look: '#onAnswer()',
    })
    // Node tells of a new thread one turn later.
    await turn()
    expectSame('the number of threads started', startedThreads(), 1, {
      because: 'The job threw, and its thread caught that. A new thread would cost 8 MB.',
      likely: 'A thread that has answered with an error is freed, not replaced.',
      look: '#onAnswer()',
    })
    expectStats(
      { rejected: 0, crashed: 0 },
      {
        because: 'The queue was never full, and no thread has ended.',
        likely: 'An error is an answer like any other: settle the task, and count nothing.',
        look: '#onAnswer()',
      },
    )
    const [empty, vain] = [play('empty', 'answer nothing'), play('vain', 'throw nothing')]
    empty.open()
    await empty.expectResult('undefined', {
      because: 'A job that returns nothing has ended well.',
      likely: "'error' in answer says whether the job threw. The value of its result does not.",
      look: '#onAnswer()',
    })
    vain.open()
    await vain.expectRejection(/undefined/, {
      because: 'A job that throws has failed, even if it throws undefined.',
      likely: "'error' in answer says whether the job threw. The value of the error does not.",
      look: '#onAnswer()',
    })
    expectStats(
      { threads: 1, busy: 0 },
      {
        because: 'Its caller has the answer, and may give the pool the next job at once.',
        likely: 'Free the thread in #onAnswer() itself, not in a later turn.',
        look: '#onAnswer()',
      },
    )
    const moved = new ArrayBuffer(8)
    story.tell('pool', 'is given a job with a buffer in `transfer`')
    const then = 'answer'
    pool.run({ then, value: 'moved' }, { transfer: [moved] }).catch(() => {})
    expectSame('the size of that buffer here', moved.byteLength, 0, {
      because: 'What is in `transfer` moves to the thread. Here, nothing of it is left.',
      likely: 'A task carries the options that run() was given; #start() uses them.',
      look: 'run()',
    })
  })
}

/** A job that cannot be sent to a thread costs no thread and no place. */
export async function expectUnsendableRejected(stage: Stage): Promise<void> {
  await withPool(stage, { size: 1, maxQueued: 10 }, async (played) => {
    const { pool, play, playUnsendable, expectStats } = played
    await playUnsendable('a function').expectRejection(/DataCloneError/, {
      because: 'It cannot be sent to a thread, and its caller is told, as with any other error.',
      likely: '#start() rejects a task that cannot be sent. There is nothing left for run() to do.',
    })
    const isQueued = pool.stats().queued > 0
    expectStats(
      { busy: 0, queued: 0 },
      {
        because: 'That job has ended: no thread has it, and it waits for none.',
        likely: isQueued
          ? 'When #start() returns false, the task is already rejected: do not queue it.'
          : '#start() itself records that the thread is busy, and only once the job is sent: leave #threads to it.',
        look: 'run()',
      },
    )
    const [running, unsendable, after] = [play('running'), playUnsendable('another'), play('after')]
    running.open()
    after.open()
    await unsendable.expectRejection(/DataCloneError/, {
      because: 'The pool finds out that it cannot be sent when a thread is free for it.',
    })
    await after.expectResult('after', {
      because: 'The thread did not get that job, so it takes the next one.',
      likely:
        'When #start() returns false, the thread has nothing to do: give it the next job. #free() goes on until one is started.',
      look: '#onAnswer()',
    })
  })
}
