import { setImmediate as turn } from 'node:timers/promises'
import { countBytes } from '../harness/bytes.ts'
import { isMoving } from '../harness/client.ts'
import { within } from '../harness/patience.ts'
import { countPendingWakeUps } from '../harness/pending-wakeups.ts'
import { randomInteger } from '../harness/random.ts'
import { step } from '../judge/step.ts'
import { ask, echo } from '../protocols/lines.ts'
import { expectPool, poolNumbers } from '../worlds/pool-numbers.ts'
import { ScriptedConversation } from '../worlds/scripted-conversation.ts'
import { expectOutcome, expectTasksForgotten, post } from '../worlds/strand-tasks.ts'

const CHAPTER = '11-strands'
const MEBIBYTE = 1024 * 1024

/** A job that holds its thread for as long as any test takes. */
const HOLD = 'sleep 60000\n'

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
    because:
      'The code that posts a task goes on first: no task runs in the middle of one of its functions.',
    likely: 'The task is called inside post(). Call it behind an await, or in a then().',
  })
  const [second, third] = [post(stage, ada, 'ada 2'), post(stage, ada, 'ada 3')]
  await first.expectBegun({
    because: 'No task is before it.',
    likely: 'Nothing calls the task, or it waits for something that never happens.',
  })
  await second.expectNotBegun({
    because: '"ada 1" has begun and not ended. Two tasks of one strand never overlap.',
    likely: 'Wait for the promise that the task before it has returned, not only for its call.',
  })
  stage.expect(
    'no timer and no turn of the loop to be asked for',
    (await countPendingWakeUps()) <= atRest,
    {
      because:
        'Two tasks wait for "ada 1", which may take an hour. Waiting costs nothing meanwhile.',
      likely:
        'A task looks again and again whether it is its turn. Await a promise instead: the end of the task before it resolves it.',
    },
  )

  const other = post(stage, bob, 'bob 1')
  await other.expectBegun({
    because: 'It is the first task of another strand. Strands do not wait for each other.',
    likely:
      'All strands share one queue. Its tail belongs to the object: nothing static, nothing in the module.',
  })
  other.end('from bob')
  await other.expectResult('from bob', { because: 'post() resolves with what the task returns.' })

  first.end('one')
  await first.expectResult('one', { because: 'post() resolves with what the task returns.' })
  await second.expectBegun({ because: '"ada 1" has ended, and "ada 2" is next.' })
  const late = post(stage, ada, 'ada 4')
  await late.expectNotBegun({
    because: '"ada 2" runs and "ada 3" waits. A task posted now comes behind both.',
    likely:
      'The end of one task resets what the next post() waits for. Only post() may change that.',
  })
  await third.expectNotBegun({
    because: '"ada 2" has begun and not ended.',
    likely: 'Each task waits for the one posted just before it, not for the first one.',
  })

  second.fail('two has failed')
  await second.expectRejection('two has failed', {
    because: 'The code that posted the task learns what became of it.',
    likely: 'The error is caught for the next task’s sake. Return a promise that still has it.',
  })
  await third.expectBegun({
    because: 'A task that failed has ended, too. The others are not to blame.',
    likely: 'A then() behind a promise that was rejected is skipped, and so is all that follows.',
  })
  third.end('three')
  await third.expectResult('three', { because: 'A failure is one task’s own.' })
  await late.expectBegun({ because: 'All tasks before it have ended.' })
  late.end('four')

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
  await expectTasksForgotten(stage)
})

step('11.2', 'what computes or blocks delays nobody on the loop', async (stage) => {
  const { serve, connect } = stage
  const server = await serve(CHAPTER, { threads: 1 })
  const [ada, bob, cyd] = [await connect(server), await connect(server), await connect(server)]
  await echo(bob, {
    because: 'What is known at once is answered at once.',
    likely: 'An answer may be a string or a promise of one: await takes both. Then #say it.',
  })
  await ask(bob, 'fib 10', '55', {
    because: 'fib(10) is 55, on whatever thread.',
    likely: 'The pool’s run() resolves with the answer: await it before you #say it.',
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
    { because: 'ada’s job has not ended.', likely: 'Say the answer when it is there: await it.' },
  )
  await cyd.send('fib 10\n')
  await expectPool(
    server,
    { busy: 1, queued: 1 },
    {
      because: 'fib burns CPU, so it waits for a thread, however small its number is.',
      likely: 'Look at the first word of the line: JOBS has fib, sleep and crash in it.',
    },
  )
  await echo(bob, { because: 'bob does not need a thread.' })
  const isNoJob = {
    because: 'Only the first word counts, and this one is not in JOBS. It needs no thread.',
    likely:
      'Compare the whole first word: JOBS.has(). No prefix, no other case, nothing further back.',
  }
  await ask(bob, 'echo fib 10', 'fib 10', isNoJob)
  for (const line of ['fibber 10', 'FIB 10', 'sleeping'])
    await ask(bob, line, 'error unknown command', isNoJob)

  for (const line of ['crash', 'fib 3', 'sleep 5']) {
    const dee = await ScriptedConversation.start(stage, 'dee')
    await dee.send(`${line}\n`)
    dee.expectJobs([line], {
      because: 'The three commands of JOBS are run by the pool. On the loop, crash would end it.',
      likely: 'Look at the first word of the line: JOBS has fib, sleep and crash in it.',
    })
  }
})

step('11.3', 'replies keep the order of their lines, and FIN comes last', async (stage) => {
  const { serve, connect, random } = stage
  const server = await serve(CHAPTER, { threads: 3, maxUnanswered: 1_000 })
  const [ada, bob, cyd] = [await connect(server), await connect(server), await connect(server)]
  await ada.send(`sleep 60\nfib 10\necho at once\n`)
  const inLine = {
    because:
      'A client that has sent three lines tells the replies by their order: it has nothing else.',
    likely:
      'Each answer is said as soon as it is there. Post a task that waits for it and says it: the strand keeps the order.',
    look: 'conversation.#reply()',
  }
  for (const reply of ['slept', '55', 'at once']) await ada.expectLine(reply, inLine)

  await ada.send(`${HOLD}${HOLD}echo behind them\n`)
  await expectPool(
    server,
    { busy: 2 },
    {
      because: 'Two jobs of one client, two threads: only the replies wait in line, not the jobs.',
      likely:
        'The job begins inside the task. Begin it before you post: the task waits for it and says it.',
      look: 'conversation.#answer()',
    },
  )
  await ada.expectSilence(
    async () => {
      await echo(bob, {
        because: 'ada’s replies are stuck behind a sleep of a minute. That is no affair of bob’s.',
        likely: 'All conversations share one strand. Each has its own.',
      })
      await ask(bob, 'fib 20', '6765', { because: 'One thread is left, and bob has it.' })
    },
    { because: 'The echo was the third line, so its reply is the third.' },
  )

  const lines = Array.from({ length: 40 }, (_, index) => {
    const [line, reply] = [
      [`echo ${index}`, `${index}`],
      [`fib ${index % 10}`, `${FIBONACCI[index % 10]}`],
      [`sleep ${randomInteger(random, 3)}`, 'slept'],
    ][randomInteger(random, 3)]
    return { line, reply }
  })
  cyd.beQuiet('sends 40 lines: echo, fib and sleep at random')
  await cyd.send(lines.map(({ line }) => `${line}\n`).join(''), { cut: 'at random', maxPiece: 64 })
  await cyd.expectBytes(lines.map(({ reply }) => `${reply}\n`).join(''), {
    because: 'Forty lines, forty replies, each in the place of its line.',
  })

  const dee = await ScriptedConversation.start(stage, 'dee')
  const atRest = await countPendingWakeUps()
  await dee.send('fib 3\nfib 10\necho bye\n')
  await dee.sayEnd()
  const isNotOver = {
    because: 'dee has said all she had to say, and listens: three replies are still hers.',
    likely:
      'The end has its place in line as well: post it. And FIN takes no job back: cancel() is for a lost client.',
    look: 'conversation.onEnd()',
  }
  const expectNoFin = () =>
    stage.expect('no FIN from the server yet', !dee.stream.isEnded, isNotOver)
  expectNoFin()
  await dee.expectNoPolling(atRest, {
    because: 'Her jobs may take a minute. Until then there is nothing to look for.',
    likely:
      'No timer is needed: the strand runs a task for the end when all replies have been said.',
    look: 'conversation.onEnd()',
  })
  await dee.end(1, '55')
  dee.expectSaid([], { ...inLine, because: 'The reply to her first line is still missing.' })
  expectNoFin()
  await dee.end(0, '2')
  dee.expectSaid(['2', '55', 'bye'], {
    because: 'Now the first answer is there, and the others have waited for it.',
    likely:
      'A reply is said as soon as it is its turn: await the answer inside the task, without a timer.',
  })
  const isOver = {
    because: 'Everything is answered, so the server says FIN, too, at once.',
    likely: 'onEnd() ends the connection in a task of the strand, always. It needs no timer.',
    look: 'conversation.onEnd()',
  }
  stage.expect('FIN from the server', dee.stream.isEnded, isOver)
  const eve = await ScriptedConversation.start(stage, 'eve')
  await eve.sayEnd()
  stage.expect('FIN from the server', eve.stream.isEnded, {
    ...isOver,
    because: 'eve says FIN and has asked for nothing. There is nothing to wait for.',
  })
  stage.expectSame('why eve’s connection ended', await eve.close(), ['finished'], {
    because: 'Both have said FIN, and nothing was wrong.',
    likely: 'end() is told why: `finished`.',
    look: 'conversation.onEnd()',
  })

  const fay = await ScriptedConversation.start(stage, 'fay')
  fay.stream.setRoom(0)
  await fay.send('echo bye\n')
  await fay.sayEnd()
  const hasTime = {
    because: 'fay takes her time to read. Her reply is still on its way.',
    likely: 'end() says FIN behind everything that was said. destroy() throws that away.',
    look: 'conversation.onEnd()',
  }
  const expectIntact = () =>
    stage.expect('fay’s connection not to be destroyed', !fay.stream.isDestroyed, hasTime)
  expectIntact()
  await fay.expectNoPolling(atRest, hasTime)
  fay.stream.setRoom(Number.POSITIVE_INFINITY)
  await fay.settle()
  fay.expectSaid(['bye'], hasTime)
  stage.expect('FIN from the server', fay.stream.isEnded, isOver)
  expectIntact()
})

step('11.4', 'a job that fails or is refused costs one reply', async (stage) => {
  const { serve, connect, expectSame } = stage
  const server = await serve(CHAPTER, { threads: 2, maxQueued: 1, maxUnanswered: 1_000 })
  const [ada, bob, cyd] = [await connect(server), await connect(server), await connect(server)]
  await ada.sendGlued('sleep 30\n', 'crash\n', 'fib 10\n', 'echo still here\n')
  await ada.expectLine('slept', {
    because: 'crash has failed long before its turn comes. Until then it harms nobody.',
    likely:
      'A promise that rejects while nobody awaits it ends the process: catch() where the job begins.',
    look: 'conversation.#answer()',
  })
  await ada.expectLine('error crashed: crashed on request', {
    because: 'The job threw. Its line is answered all the same, and ada learns why.',
    likely:
      'run() rejects with what the job threw. Its message, behind `error crashed: `, is the answer.',
  })
  const goesOn = {
    because: 'One job has failed, not the connection. In 04 it was the thread that was lost.',
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
    likely: 'run() rejects with PoolBusy. That is no crash: the answer is `busy`.',
  })
  await echo(ada, {
    because: '`busy` is the answer to one line. ada may ask for other things, or again later.',
    likely: 'Say `busy` as the reply to that line, and leave the connection open.',
    look: ['conversation.#reply()', 'conversation.#answer()'],
  })
  await cyd.send('fib 11\n')
  await expectPool(server, { rejected: 2 }, { because: 'The queue is still full.' })
  await cyd.expectSilence(() => server.roundTrip(), {
    because: 'Even `busy` waits for its turn: two replies of cyd’s come before it.',
    likely: 'Return `busy` as the answer to the line, and let the strand say it.',
    look: ['conversation.#reply()', 'conversation.#answer()'],
  })
  expectSame('threads that crashed', (await poolNumbers(server)).crashed, 0, {
    because: 'A job that throws leaves its thread in good health.',
  })

  const { PoolBusy } = await stage.load(() => import('#code/06-worker-pool/worker-pool.ts'))
  const dee = await ScriptedConversation.start(stage, 'dee')
  await dee.send('fib 1\nfib 2\nfib 3\nfib 4\n')
  await dee.end(3, new Error('too busy to go on'))
  await dee.end(2, new PoolBusy())
  await dee.end(1, new Error('first line\nsecond line\nthird line'))
  await dee.end(0, '1')
  dee.expectSaid(['1', 'error crashed: first line', 'busy', 'error crashed: too busy to go on'], {
    because:
      'One line is one reply. A message of several lines would be taken for several replies.',
    likely:
      'Only the first line of a message is said. And `busy` is for PoolBusy alone, whatever words another error uses.',
    look: 'conversation.errorReply()',
  })
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
    because: 'ada is lost. Her thread sleeps for nobody, and bob waits for it.',
    likely: 'All her jobs share one signal: #answer() gives it to run(), and cancel() aborts it.',
  })
  await expectPool(
    server,
    { threads: 1, busy: 0, queued: 0 },
    {
      because: 'Nobody wants what ada had queued, either.',
    },
  )
  await echo(bob, { because: 'The server goes on.' })

  const [cyd, dee] = [await connect(server), await connect(server)]
  await cyd.send(`${HOLD}fib 10\n`)
  await cyd.halfClose()
  await dee.send(HOLD)
  await expectPool(
    server,
    { busy: 1, queued: 2 },
    {
      because: 'cyd has said FIN, and still waits for two replies; dee waits behind her.',
      likely: 'FIN means that no more lines come. It takes nothing back.',
    },
  )
  server.beginClose()
  await server.expectClosed({
    because: 'After graceMs the connections are cut, and nobody is left to be answered.',
    likely:
      'close() calls cancel() for each conversation that is not over, then closes the pool, which waits for all jobs.',
  })
  await server.expectEventually(
    'no thread to be left',
    async () => {
      const workers = await server.workers()
      return { holds: workers === 0, received: `${workers} threads` }
    },
    { because: 'A thread that is left keeps the process alive.' },
  )
  await server.expectNothingLeft({ because: 'Whatever is left keeps the process alive.' })

  const eve = await ScriptedConversation.start(stage, 'eve')
  const atRest = await countPendingWakeUps()
  await eve.send('fib 30\nsleep 5\nfib 31\n')
  await eve.sayEnd()
  const takenBack = () => eve.jobs.map(({ isTakenBack }) => isTakenBack)
  stage.expectSame('whether her three jobs are taken back', takenBack(), [false, false, false], {
    because: 'eve has said all she had to say, and waits for her replies.',
    likely: 'FIN means that no more lines come. It takes nothing back.',
  })
  await eve.expectNoPolling(atRest, {
    because: 'Her jobs may take a minute, and she waits. No time is too long for it.',
    likely: 'Jobs are taken back when the connection is over, not some time after FIN.',
  })
  await eve.lose()
  stage.expectSame('whether her three jobs are taken back', takenBack(), [true, true, true], {
    because: 'Nobody reads from eve any more, and her loss is reported all the same.',
    likely:
      'Every job of hers is run with the one signal, and onClose() calls cancel(), which aborts it at once.',
  })
  stage.expectSame('the conversations that are open', eve.open.size, 0, {
    because: 'Hers was the only one.',
  })
})

step('11.6', 'a client that asks faster than we answer is not read', async (stage) => {
  const { serve, connect, expect } = stage
  const server = await serve(CHAPTER, { threads: 1, maxQueued: 1_000, maxUnanswered: 4 })
  const [ada, bob] = [await connect(server), await connect(server)]
  const before = await server.heldBytes()
  await ada.send(`${'sleep 4\n'.repeat(60)}${HOLD}${'fib 30\n'.repeat(300)}`)
  const flood = ada.flood(64 * MEBIBYTE)
  await ada.expectBytes('slept\n'.repeat(60), {
    because: 'Her first sixty lines are short sleeps, and each has its reply.',
    likely:
      '#stopListening() pauses the connection. Each reply makes room for one line, and #listenAgain() resumes it.',
    seen: {
      silent:
        'Each reply makes room for one line: #listenAgain() resumes the connection every time.',
      ended:
        'A client that asks too fast is not sent away: #stopListening() pauses the connection.',
    },
  })
  await expectPool(
    server,
    { busy: 1, queued: 3 },
    {
      because:
        'Four lines of one client may be unanswered. The others wait where they are: outside the pool.',
      likely:
        'pauseReading() of the connection when there is no room. It keeps what has come, and each reply makes room for a line: resumeReading() then.',
    },
  )
  bob.beQuiet('sends a line and gets it back, again and again')
  const isServed = { because: 'bob’s lines are answered, whatever ada does.' }
  let held = 0
  do held = (await server.heldBytes()) - before
  while (held < 4 * MEBIBYTE && (await isMoving(flood, () => echo(bob, isServed), 400)))
  expect('the server to hold less than 4 MiB for ada', held < 4 * MEBIBYTE, {
    because: 'A client that sends lines without an end, and waits for no reply, fills our memory.',
    likely:
      'Lines that we keep are our memory; what a paused connection does not read waits in the kernel. Pause it, and resume it only when a reply has been said.',
    expected: 'less than 4 MiB',
    received: `${countBytes(held)}, after ${countBytes(flood.taken)} from ada`,
  })
  expect('the server to have stopped reading from ada', !flood.isOver, {
    because:
      'Nothing of hers can be answered for a minute, so there is no place for all she sends.',
    likely: 'Lines are thrown away. Stop reading instead: then the kernel tells ada to wait.',
  })

  const eve = await ScriptedConversation.start(stage, 'eve', 2)
  const atRest = await countPendingWakeUps()
  await eve.send('fib 1\nfib 2\nfib 3\nfib 4\nfib 5\n')
  await eve.send('echo 6\n')
  eve.expectJobs(['fib 1', 'fib 2'], {
    because: 'Two lines of hers may be unanswered.',
    likely: 'When there is no room, #stopListening() pauses the connection, every time.',
  })
  expect('her last chunk not to be read', eve.stream.isReadable, {
    because: 'While a connection is paused, nothing more is read: her bytes wait in the kernel.',
    likely: 'pauseReading() does it. Lines that are kept for later are our memory.',
  })
  await eve.expectNoPolling(atRest, {
    because:
      'Until a reply has been said there is nothing to look for, and that may take a minute.',
    likely:
      'A timer or setImmediate() looks for room. #listenAgain() is called when there is some.',
  })
  await eve.end(1, '1')
  eve.expectJobs(['fib 1', 'fib 2'], {
    because: 'An answer that waits for its turn is no reply yet: two lines are still unanswered.',
    likely: 'Room is made where a reply is said, not where a job ends.',
  })
  await eve.end(0, '1')
  eve.expectJobs(['fib 1', 'fib 2', 'fib 3', 'fib 4'], {
    because: 'Two replies have been said, so there is room for two lines, at once.',
    likely: '#listenAgain() resumes the connection. Nothing has to be looked at again by a timer.',
  })
  await eve.end(2, '2')
  await eve.end(3, '3')
  await eve.end(4, '5')
  eve.expectSaid(['1', '1', '2', '3', '5', '6'], {
    because: 'Each line has its reply, those of the second chunk, too.',
    likely: '#listenAgain() resumes the connection after every reply that makes room.',
  })

  const other = await serve(CHAPTER, { threads: 1, maxUnanswered: 4 })
  const cyd = await connect(other)
  const texts = Array.from({ length: 30_000 }, (_, index) => `line ${index}`)
  const lines = `sleep 20\n${texts.map((text) => `echo ${text}\n`).join('')}`
  cyd.beQuiet(`sends "sleep 20" and ${texts.length.toLocaleString('en')} lines to echo, then FIN`)
  const sent = cyd.send(lines)
  // It fails as well when the replies do not come, and those are what is looked at.
  sent.catch(() => {})
  await cyd.expectBytes(`slept\n${texts.map((text) => `${text}\n`).join('')}`, {
    because: 'Every line has its reply, and in order.',
    likely:
      '#stopListening() pauses the connection. Each reply makes room for one line, and #listenAgain() resumes it.',
  })
  await sent
  await cyd.halfClose()
  await cyd.expectEnd({ because: 'Everything is answered.' })

  const dee = await connect(other)
  await dee.send(`sleep 20\n${HOLD}${'fib 30\n'.repeat(200)}`)
  await dee.expectLine('slept', { because: 'Her first line is answered.' })
  await expectPool(
    other,
    { busy: 1, queued: 3 },
    {
      because: 'One reply makes room for one line, not for two hundred.',
      likely: 'resume() is enough: when there is no room again, #stopListening() is called again.',
    },
  )
  dee.reset()
  await expectPool(
    other,
    { busy: 0, queued: 0 },
    {
      because: 'dee has gone, and 197 of her lines wait. Nobody wants their replies.',
      likely:
        'cancel() takes back what is in the pool; a connection that is over hands on no lines.',
    },
  )
})

const FIBONACCI = [0, 1, 1, 2, 3, 5, 8, 13, 21, 34]
