import { within } from '../harness/patience.ts'
import { countPendingWakeUps } from '../harness/pending-wakeups.ts'
import { step } from '../judge/step.ts'
import { ask, echo } from '../protocols/lines.ts'
import {
  expectClosedWithoutJobs,
  expectEveryLineAnswered,
  expectFloodHeldBack,
  expectFortyInOrder,
  HOLD,
} from '../worlds/11-strands/eager-clients.ts'
import {
  expectEveryLineCounted,
  expectLimitKept,
  expectOtherPausesKept,
  expectPausedWhileFull,
  expectRoomForOne,
  expectSlowReaderAnswered,
} from '../worlds/11-strands/held-back-clients.ts'
import { expectPool, poolNumbers } from '../worlds/11-strands/pool-numbers.ts'
import {
  expectErrorReplies,
  expectFinLast,
  expectJobsInPool,
  expectJobsTakenBack,
  expectSaidAsItIs,
  expectSaidInTurn,
  expectSignalLeftAlone,
  expectSilenceBehindCancel,
  IN_LINE,
} from '../worlds/11-strands/scripted-replies.ts'
import {
  expectEndedForgotten,
  expectNestedBehind,
  expectNoneMissed,
  expectNoOverlap,
  expectNoTimer,
  expectTasksForgotten,
  expectThrowsSurvived,
  post,
} from '../worlds/11-strands/strand-tasks.ts'

const CHAPTER = '11-strands'

step('11.1', 'tasks of one strand run one after the other, in order', async (stage) => {
  const { Strand } = await stage.load(() => import('#code/11-strands/strand.ts'))
  // What post() itself throws is best seen as it is.
  await within(
    1_000,
    new Strand().post(() => 'a first try'),
  )

  const atRest = await countPendingWakeUps()
  const [ada, bob] = [new Strand(), new Strand()]
  const first = post(stage, ada, 'ada 1')
  stage.expect('post() to return before the task begins', !first.hasBegun, {
    because: 'The code that posts a task goes on first: no task runs in the middle of that code.',
    likely: 'The task is called inside post(). Call it after an await, or in a then().',
  })
  const [second, third] = [post(stage, ada, 'ada 2'), post(stage, ada, 'ada 3')]
  await first.expectBegun({
    because: 'No other task is ahead of it.',
    likely: 'Nothing calls the task, or it waits for something that never happens.',
  })
  await second.expectNotBegun({
    because: '"ada 1" has begun but not ended. Two tasks of one strand never overlap.',
    likely: 'Wait for the promise that the previous task returned, not only for its call.',
  })
  stage.expect(
    'no timer and no turn of the loop to be requested',
    (await countPendingWakeUps()) <= atRest,
    {
      because:
        'Two tasks wait for "ada 1", which may take an hour. Waiting must cost nothing meanwhile.',
      likely:
        'A task polls to find out whether it is its turn. Await a promise instead, which the end of the previous task resolves.',
    },
  )

  const other = post(stage, bob, 'bob 1')
  await other.expectBegun({
    because: 'It is the first task of another strand. Strands do not wait for each other.',
    likely:
      'All strands share one queue. Its tail belongs in the object: nothing static, nothing in the module.',
  })
  other.end('from bob')
  await other.expectResult('from bob', { because: 'post() resolves with what the task returns.' })

  first.end('one')
  await first.expectResult('one', { because: 'post() resolves with what the task returns.' })
  await second.expectBegun({ because: '"ada 1" has ended, and "ada 2" is next.' })
  const late = post(stage, ada, 'ada 4')
  await late.expectNotBegun({
    because: '"ada 2" runs and "ada 3" waits. A task posted now comes after both.',
    likely:
      'The end of one task resets what the next post() waits for. Only post() may change that.',
  })
  await third.expectNotBegun({
    because: '"ada 2" has begun but not ended.',
    likely: 'Each task waits for the one posted just before it, not for the first one.',
  })

  second.fail('two has failed')
  await second.expectRejection('two has failed', {
    because: 'The code that posted the task must see how it ended.',
    likely: 'The error is caught for the next task’s sake. Return a promise that rejects with it.',
  })
  await third.expectBegun({
    because: 'A task that has failed has ended, too. It must not hold up the others.',
    likely:
      'When a task fails, whatever follows its `await` is skipped, and so is a then(). Note its end in `finally`.',
  })
  third.end('three')
  await third.expectResult('three', { because: 'A failure concerns only its own task.' })
  await late.expectBegun({ because: 'All earlier tasks have ended.' })
  late.end('four')

  await expectNoOverlap(stage)
  await expectThrowsSurvived(stage, ada)
  await expectNoTimer(stage)
  await expectNestedBehind(stage)
  await expectNoneMissed(stage)
  await expectTasksForgotten(stage)
  await expectEndedForgotten(stage)
})

step('11.2', 'what computes or blocks delays nobody on the loop', async (stage) => {
  const { serve, connect } = stage
  await expectJobsInPool(stage)
  const server = await serve(CHAPTER, { threads: 1 })
  const [ada, bob, cyd] = [await connect(server), await connect(server), await connect(server)]
  await echo(bob, {
    because: 'What is known at once is answered at once.',
    likely: 'An answer may be a string or a promise of one: await takes both. Then send it.',
  })
  await ask(bob, 'fib 10', '55', {
    because: 'fib(10) is 55, on any thread.',
    likely: 'The pool’s run() resolves with the answer: await it before you send it.',
    look: ['conversation.#reply()', 'conversation.#answer()'],
  })
  await ask(bob, 'nonsense', 'error unknown command', { because: 'Every line has an answer.' })

  await ada.send(HOLD)
  await expectPool(
    server,
    { busy: 1 },
    {
      because: 'sleep blocks its thread, so it is a job for the pool.',
      likely: '#answer() gives the line to pool.run().',
    },
  )
  await ada.expectSilence(
    async () => {
      for (let trip = 0; trip < 5; trip++)
        await echo(bob, {
          because: 'The pool’s only thread is busy for a minute; the loop is not.',
          likely:
            'echo and whoami need no thread: answer them on the loop. And bob waits for his own replies only: each conversation has its own strand.',
        })
      await ask(bob, 'whoami', /^\d+$/, { because: 'The loop’s own thread answers.' })
    },
    { because: 'ada’s job has not ended.', likely: 'Send the answer once it is known: await it.' },
  )
  await cyd.send('fib 10\n')
  await expectPool(
    server,
    { busy: 1, queued: 1 },
    {
      because: 'fib burns CPU, so it waits for a thread, however small its argument is.',
      likely: 'Look at the first word of the line: JOBS contains fib, sleep and crash.',
    },
  )
  await echo(bob, { because: 'bob does not need a thread.' })
  const isNoJob = {
    because: 'Only the first word counts, and this one is not in JOBS. It needs no thread.',
    likely:
      'Look up the whole first word with JOBS.has(): no prefix, no other case, no later word.',
  }
  await ask(bob, 'echo fib 10', 'fib 10', isNoJob)
  for (const line of ['fibber 10', 'FIB 10', 'sleeping', ' fib 10'])
    await ask(bob, line, 'error unknown command', isNoJob)

  await expectSaidAsItIs(stage)
  await ask(bob, 'fib\t10', 'error unknown command', {
    because: 'The first word is what stands before the first space, and a tab is none.',
    likely: 'Split the line at a space, as in runCommand(): no other character ends the word.',
    look: 'conversation.#answer()',
  })
})

step('11.3', 'replies keep the order of their lines, and FIN comes last', async (stage) => {
  const { serve, connect } = stage
  const server = await serve(CHAPTER, { threads: 3, maxUnanswered: 1_000 })
  const [ada, bob, cyd] = [await connect(server), await connect(server), await connect(server)]
  await ada.send(`sleep 60\nfib 10\necho at once\n`)
  for (const reply of ['slept', '55', 'at once']) await ada.expectLine(reply, IN_LINE)

  await ada.send(`${HOLD}sleep 59999\necho behind them\n`)
  await expectPool(
    server,
    { busy: 2 },
    {
      because: 'Two jobs of one client, two threads: only the replies wait in line, not the jobs.',
      likely:
        'The second job begins only when the first has its reply. Begin each job before you post its reply, and pause the connection only when maxUnanswered lines are unanswered.',
      look: 'conversation.#answer()',
    },
  )
  await ada.expectSilence(
    async () => {
      await echo(bob, {
        because: 'ada’s replies are stuck behind a sleep of a minute. That must not affect bob.',
        likely: 'All conversations share one strand. Give each its own.',
      })
      await ask(bob, 'fib 20', '6765', { because: 'One thread is left, and bob gets it.' })
    },
    { because: 'The echo was the third line, so its reply is the third.' },
  )

  await expectFortyInOrder(stage, cyd)
  await expectFinLast(stage)
  await expectSaidInTurn(stage)
})

step('11.4', 'a job that fails or is refused costs one reply', async (stage) => {
  const { serve, connect, expectSame } = stage
  const server = await serve(CHAPTER, { threads: 2, maxQueued: 1, maxUnanswered: 1_000 })
  const [ada, bob, cyd] = [await connect(server), await connect(server), await connect(server)]
  await ada.sendGlued('sleep 30\n', 'crash\n', 'fib 10\n', 'echo still here\n')
  const rejected =
    'A promise that rejects while nobody awaits it ends the process: catch() where the job begins.'
  await ada.expectLine('slept', {
    because: 'crash fails long before its turn comes. Until then, the failure must harm nobody.',
    likely: rejected,
    seen: { rejected },
    look: 'conversation.#answer()',
  })
  await ada.expectLine('error crashed: crashed on request', {
    because: 'The job threw. Its line is answered all the same, and ada learns why.',
    likely:
      'run() rejects with what the job threw. The answer is `error crashed: ` and its message.',
    seen: { rejected },
  })
  const goesOn = {
    because: 'One job has failed, not the connection. In 04, a crash cost the connection.',
    likely: 'The answer must be a promise that never rejects: catch() before anything awaits it.',
    seen: { ended: 'A failed job costs one reply, `error …`. It does not end the connection.' },
    look: ['conversation.#answer()', 'conversation.#reply()'],
  }
  await ada.expectLine('55', goesOn)
  await ada.expectLine('still here', goesOn)
  await echo(ada, goesOn)

  await bob.send(HOLD)
  await expectPool(server, { busy: 1 }, { because: 'bob has a thread.' })
  await cyd.send(`${HOLD}fib 10\n`)
  await expectPool(server, { busy: 2, queued: 1 }, { because: 'cyd has the other, and the queue.' })
  await ask(ada, 'fib 10', 'busy', {
    because: 'No thread is free and the queue is full: ada is told so at once.',
    likely: 'run() rejects with PoolBusy. That is not a crash: the answer is `busy`.',
  })
  await echo(ada, {
    because: '`busy` is the answer to one line. ada may ask for other things, or again later.',
    likely: 'Send `busy` as the reply to that line, and leave the connection open.',
    look: ['conversation.#reply()', 'conversation.#answer()'],
  })
  await cyd.send('fib 11\n')
  await expectPool(
    server,
    { rejected: 2 },
    { because: 'The queue is still full.' },
    ({ rejected }) =>
      rejected > 2
        ? 'run() was called more than once for a line. A line that is refused is answered, not tried again.'
        : undefined,
  )
  await cyd.expectSilence(() => server.roundTrip(), {
    because: 'Even `busy` waits for its turn: two replies of cyd’s come before it.',
    likely: 'Return `busy` as the answer to the line, and let the strand send it.',
    look: ['conversation.#reply()', 'conversation.#answer()'],
  })
  expectSame('the number of threads that crashed', (await poolNumbers(server)).crashed, 0, {
    because: 'A job that throws does not end its thread.',
  })

  await expectErrorReplies(stage)
})

step('11.5', 'a client who has gone takes its jobs along', async (stage) => {
  const { serve, connect } = stage
  const server = await serve(CHAPTER, { threads: 1, maxUnanswered: 1_000, graceMs: 50 })
  const [ada, bob] = [await connect(server), await connect(server)]
  await ada.send(`${HOLD}fib 30\nfib 30\n`)
  await expectPool(server, { busy: 1, queued: 2 }, { because: 'ada has three jobs in the pool.' })
  await bob.send('fib 10\n')
  await expectPool(server, { busy: 1, queued: 3 }, { because: 'bob waits behind them.' })
  ada.reset()
  await bob.expectLine('55', {
    because: 'ada is lost. Her jobs are taken back, and their thread is free for bob.',
    likely: 'Give `#gone.signal` to run() in #answer(), and abort it in cancel().',
    seen: {
      rejected:
        'What rejects when a job is taken back needs a catch() where it is made. The promise that #answer() returns never rejects.',
    },
    look: ['conversation.#answer()', 'conversation.cancel()'],
  })
  await expectPool(
    server,
    { threads: 1, busy: 0, queued: 0 },
    {
      because: 'Nobody wants what ada had queued, either.',
    },
  )
  await echo(bob, { because: 'The server goes on.' })

  await expectClosedWithoutJobs(stage, server)
  await expectJobsTakenBack(stage)
  await expectSilenceBehindCancel(stage)
  await expectSignalLeftAlone(stage)
})

step('11.6', 'a client that asks faster than we answer is not read', async (stage) => {
  await expectFloodHeldBack(stage)
  await expectPausedWhileFull(stage)
  await expectEveryLineCounted(stage)
  await expectLimitKept(stage)
  await expectSlowReaderAnswered(stage)
  await expectOtherPausesKept(stage)
  await expectEveryLineAnswered(stage)
  await expectRoomForOne(stage)
})
