/** Conversations of chapter 11 whose jobs end when the test says so: what is said, in which order, and when FIN comes. */

import type { Reason } from '../../harness/failure.ts'
import { countPendingWakeUps } from '../../harness/pending-wakeups.ts'
import type { Stage } from '../../judge/step.ts'
import { uncaughtDuring } from '../uncaught-errors.ts'
import { expectNoHook } from './process-hooks.ts'
import { ScriptedConversation } from './scripted-conversation.ts'

export const IN_LINE: Reason = {
  because:
    'A client that has sent three lines tells the replies apart by their order: it has nothing else to go by.',
  likely:
    'Each answer is sent as soon as it is known. Post a task that waits for it and sends it: the strand keeps the order.',
  look: 'conversation.#reply()',
}

/** dee says FIN before her jobs have ended, eve without a word before it: FIN comes behind the replies, at once. */
export async function expectFinLast(stage: Stage): Promise<void> {
  const dee = await ScriptedConversation.start(stage, 'dee')
  const atRest = await countPendingWakeUps()
  await dee.send('fib 3\nfib 10\necho bye\n')
  await dee.sayEnd()
  const isNotOver = {
    because: 'dee has sent all she had to say, and still listens: three replies are due.',
    likely:
      'The end has its place in line as well: post it. And FIN takes no job back: cancel() is for a lost client.',
    look: 'conversation.onEnd()',
  }
  const expectNoFin = () =>
    stage.expect('no FIN from the server yet', !dee.stream.isEnded, isNotOver)
  expectNoFin()
  await dee.expectNoPolling(atRest, {
    because: 'Her jobs may take a minute, and she waits for their replies as long as that.',
    likely:
      'Post the end as a task. Set no timer, neither to look nor to call cancel(): FIN takes no job back.',
    look: 'conversation.onEnd()',
  })
  await dee.end(1, '55')
  dee.expectSaid([], { ...IN_LINE, because: 'The reply to her first line is still missing.' })
  expectNoFin()
  await dee.end(0, '2')
  dee.expectSaid(
    ['2', '55', 'bye'],
    {
      because: 'Now the first answer is known, and the others have waited for it.',
      likely:
        'A reply is sent as soon as it is its turn: await the answer inside the task, without a timer.',
    },
    dee.stream.isEnded
      ? 'FIN came before the last reply. The end is a task of its own, behind all of them.'
      : undefined,
  )
  const isOver = {
    because: 'Everything is answered, so the server sends FIN, too, at once.',
    likely: 'In onEnd(), always post the task that ends the connection. It needs no timer.',
    look: 'conversation.onEnd()',
  }
  stage.expect('FIN from the server', dee.stream.isEnded, isOver)
  const eve = await ScriptedConversation.start(stage, 'eve')
  await eve.sayEnd()
  stage.expect('FIN from the server', eve.stream.isEnded, {
    ...isOver,
    because: 'eve sends FIN and has asked for nothing. There is nothing to wait for.',
  })
  stage.expectSame('why eve’s connection ended', await eve.close(), ['finished'], {
    because: 'Both sides have sent FIN, and nothing was wrong.',
    likely:
      'Tell end() why: `finished`. And leave it to onClose() to take a conversation out of `open`.',
    look: 'conversation.onEnd()',
  })

  const fay = await ScriptedConversation.start(stage, 'fay')
  fay.stream.setRoom(0)
  await fay.send('echo bye\n')
  await fay.sayEnd()
  const hasTime = {
    because: 'fay takes her time reading. Her reply is still on its way.',
    likely: 'end() sends FIN after everything that waits. destroy() throws that away.',
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
}

/** Replies are said one by one, and a second client's FIN waits as well as the first one's. */
export async function expectSaidInTurn(stage: Stage): Promise<void> {
  const gil = await ScriptedConversation.start(stage, 'gil')
  await gil.send('fib 1\necho 2\nfib 1\necho 4\n')
  gil.expectJobs(['fib 1', 'fib 1'], {
    because: 'Each line is a job of its own, and there is room for both.',
    likely: 'An answer is shared with another line with the same text. Call run() for each line.',
    look: 'conversation.#answer()',
  })
  await gil.sayEnd()
  stage.expect('no FIN from the server yet', !gil.stream.isEnded, {
    because: 'gil has sent FIN and still listens: four replies are due.',
    likely: 'The end has its place in line for every client: always post it.',
    look: 'conversation.onEnd()',
  })
  gil.expectSaid([], { ...IN_LINE, because: 'The reply to his first line is still missing.' })
  await gil.end(0, '1')
  gil.expectSaid(['1', '2'], {
    because:
      'Both answers are known, and no earlier line is unanswered. They do not wait for later ones.',
    likely: 'A reply is sent as soon as it is its turn, not when all answers are known.',
    look: 'conversation.#reply()',
  })
  await gil.end(1, '3')
  gil.expectSaid(['3', '4'], { ...IN_LINE, because: 'It is their turn.' })
  stage.expect('FIN from the server', gil.stream.isEnded, {
    because: 'Everything is answered, so the server sends FIN, too, at once.',
    look: 'conversation.onEnd()',
  })
}

/** Every line of JOBS is a job of its own, whoever sends it and whatever ran before. */
export async function expectJobsInPool(stage: Stage): Promise<void> {
  for (const line of ['fib 3', 'sleep 5', 'crash']) {
    const [command] = line.split(' ')
    for (const name of ['dee', 'eve']) {
      const client = await ScriptedConversation.start(stage, name)
      const thrown = client.catchThrown()
      await client.send(`${line}\n`)
      const given = client.jobs[0]?.line
      client.expectJobs([line], {
        because:
          thrown.length > 0
            ? `\`${command}\` ran on the loop, and threw: "${thrown[0].message}". Nothing on the loop may block it or end it.`
            : 'The pool runs the three commands of JOBS, each line as a job of its own. On the loop, they hold up everybody.',
        likely: likelyOf(line, given, name === 'dee'),
        look: 'conversation.#answer()',
      })
    }
  }
  const fay = await ScriptedConversation.start(stage, 'fay')
  await fay.send('fib 3\n')
  await fay.end(0, '2')
  await fay.send('fib 3\n')
  fay.expectJobs(['fib 3', 'fib 3'], {
    because: 'Each line is a job of its own, also when the same was asked before.',
    likely: 'The answer comes from what is remembered of an earlier line. Remember no answers.',
    look: 'conversation.#answer()',
  })
}

/** What it may be that this line has not become a job, or has become another one. */
function likelyOf(line: string, given: string | undefined, isFirst: boolean): string {
  if (given !== undefined) return 'Give run() the whole line as it came, not a part of it.'
  if (!isFirst)
    return 'A job is shared with another line with the same text, or its answer is remembered. A job that is shared is lost with the client that asked first.'
  if (line === 'crash')
    return 'JOBS contains `crash`, too. A line may be one word, without a space: that word is its first.'
  return 'Look up the first word, and only that, in JOBS: fib, sleep and crash go to pool.run().'
}

/** What the answer is, is the client's affair: it may be empty, and spaces belong to it. */
export async function expectSaidAsItIs(stage: Stage): Promise<void> {
  const texts = ['', '  in', 'a  b', 'out  ', '¿qué? 日本 🐢', 'x'.repeat(3_000)]
  for (const text of texts) {
    const toldBefore = stage.story.lines.length
    const fay = await ScriptedConversation.start(stage, 'fay')
    await fay.send(`echo ${text}\necho on\n`)
    fay.expectSaid([text, 'on'], {
      because:
        'The answer to a line is sent as it is, be it long, foreign or empty. Without it, every later reply would be taken for the reply to an earlier line.',
      likely:
        text === ''
          ? 'An empty answer is an answer: send it.'
          : 'The line goes to runCommand() unchanged, and its answer to say(). Only the first word is looked at: nothing is trimmed, joined or cut.',
      look: ['conversation.#reply()', 'conversation.#answer()'],
    })
    if (text.length > 1_000) stage.story.lines.splice(toldBefore)
  }
}

const LONG_LINE =
  'no answer to fib 2: its thread has a MiB of stack left, and each of its calls takes some of that. Ask for less, or for a thread that has more: when a stack is full, the error comes where nobody expects it, in the middle of what was only meant to clear up. A message may be as long as this one'

/** Messages and their first lines, which may be empty. */
const FIRST_LINES = [
  ['', ''],
  ['\nthe stack is full', ''],
  ['  a stack is full \nof calls', '  a stack is full '],
]

/** One line is one reply, whatever became of its job. */
export async function expectErrorReplies(stage: Stage): Promise<void> {
  const { PoolBusy } = await stage.load(() => import('#code/06-worker-pool/worker-pool.ts'))
  const dee = await ScriptedConversation.start(stage, 'dee')
  await dee.send('fib 1\nfib 2\nfib 3\nfib 4\n')
  await dee.end(3, new Error('too busy to go on'))
  await dee.end(2, new PoolBusy())
  await dee.end(1, new Error(`${LONG_LINE}\nsecond line\nthird line`))
  await dee.end(0, '1')
  dee.expectSaid(['1', `error crashed: ${LONG_LINE}`, 'busy', 'error crashed: too busy to go on'], {
    because:
      'The reply is all that dee learns of a job that failed: `busy` if the pool refused it, otherwise `error crashed: ` and the first line of its message.',
    likely:
      'Send the whole first line of a message, however long, and no other. Only PoolBusy is `busy`: use instanceof, not the words of a message.',
    look: 'conversation.errorReply()',
  })
  for (const [message, firstLine] of FIRST_LINES) {
    await dee.send('fib 5\n')
    const end = () => dee.end(dee.jobs.length - 1, new Error(message))
    const [thrown] = await uncaughtDuring(end)
    dee.expectSaid([`error crashed: ${firstLine}`], {
      because:
        'Every line has its reply, whatever the message is. Its first line is all that comes before the first "\\n".',
      likely: whyNotFirstLine(firstLine, thrown),
      look: 'conversation.errorReply()',
    })
  }
  expectNoHook(stage, 'conversation.#answer()')
}

function whyNotFirstLine(firstLine: string, thrown: unknown): string {
  if (thrown !== undefined)
    return `For this message, your code throws "${thrown}". Every message has a first line, which may be empty.`
  return firstLine === ''
    ? 'The first line may be empty, and then nothing is left to say but `error crashed: `. The second line does not take its place.'
    : 'The first line is sent unchanged, with its spaces.'
}

/** FIN takes nothing back; a loss takes back every job. */
export async function expectJobsTakenBack(stage: Stage): Promise<void> {
  const eve = await ScriptedConversation.start(stage, 'eve')
  const atRest = await countPendingWakeUps()
  await eve.send('fib 30\nsleep 5\nfib 31\n')
  await eve.sayEnd()
  const takenBack = () => eve.jobs.map(({ isTakenBack }) => isTakenBack)
  stage.expectSame('whether her three jobs are taken back', takenBack(), [false, false, false], {
    because: 'eve has sent all she had to say, and waits for her replies.',
    likely: 'FIN means that no more lines follow. It takes nothing back.',
  })
  await eve.expectNoPolling(atRest, {
    because: 'Her jobs may take a minute, and she waits. No wait is too long.',
    likely: 'Jobs are taken back when the connection is over, not some time after FIN.',
  })
  await eve.lose()
  stage.expectSame('whether her three jobs are taken back', takenBack(), [true, true, true], {
    because:
      'Nothing more is read from eve, but the loss of her connection is reported all the same.',
    likely:
      'Give `#gone.signal` to run() for every job, not only for some, and abort it at once in cancel().',
  })
  stage.expectSame('the number of open conversations', eve.open.size, 0, {
    because: 'Hers was the only one.',
  })
  const [kay, leo] = [
    await ScriptedConversation.start(stage, 'kay'),
    await ScriptedConversation.start(stage, 'leo'),
  ]
  const [[kays], [leos]] = [kay.open, leo.open]
  kay.open.add(leos)
  stage.story.tell('test', 'calls cancel() of kay’s conversation, with leo’s in `open` as well')
  kays.cancel()
  stage.expect('leo’s conversation to still be in `open`', kay.open.has(leos), {
    because: 'His connection is open, and close() looks for it there.',
    likely: 'Leave `open` alone in cancel(): onClose() takes out this conversation only.',
    look: 'conversation.cancel()',
  })
}

/** A client may send lines for a year: what is kept for each of them fills the memory. */
export async function expectSignalLeftAlone(stage: Stage): Promise<void> {
  const flo = await ScriptedConversation.start(stage, 'flo')
  const counts: number[] = []
  for (let line = 0; line < 4; line++) {
    await flo.send('fib 1\necho 2\n')
    await flo.end(line, '1')
    counts.push(flo.jobs[line].listeners)
  }
  const isSteady = counts.every((count) => count <= counts[0])
  stage.expect('the listeners on her signal not to become more', isSteady, {
    because:
      'Her jobs have ended and her replies are sent. Whatever stays behind for each line adds up for as long as she stays.',
    likely:
      'A listener is added to the signal for each line and never removed. It is enough to look at `aborted` when a reply is due.',
    received: `${counts.join(', ')} listeners after her four jobs`,
    look: ['conversation.#reply()', 'conversation.#answer()'],
  })
  await flo.runJobs(JOBS_RUN)
  const held = await flo.countHeldSignals()
  stage.expect('the signals of jobs that have ended to be forgotten', held <= MAY_BE_HELD, {
    because: 'A client may send lines for a year. Whatever is kept for each line fills the memory.',
    likely:
      'Each job has a signal of its own, and something keeps them all. One signal for the connection is enough; otherwise forget each one when its job has ended, also when it has failed.',
    received: `${held} signals are kept, after ${JOBS_RUN} jobs`,
    look: ['conversation.#answer()', 'conversation.cancel()'],
  })
  // The conversation lives until here.
  await flo.cancel()
}

/** So many jobs are run to see what is kept of them, and of so many something may be kept. */
const JOBS_RUN = 120
const MAY_BE_HELD = 30

/** Jobs are taken back before the connection has told of its end: what is known, and what becomes of them, is not said. */
export async function expectSilenceBehindCancel(stage: Stage): Promise<void> {
  const gus = await ScriptedConversation.start(stage, 'gus')
  await gus.send('fib 1\nfib 2\necho 3\nfib 4\n')
  await gus.end(1, '1')
  await gus.cancel()
  // The one that has ended is not in the pool any more: whether its signal still hears of it is of no account.
  const isTakenBack = [gus.jobs[0], gus.jobs[2]].map((job) => job.isTakenBack)
  stage.expectSame('whether his two jobs in the pool are taken back', isTakenBack, [true, true], {
    because: 'Nobody is left to be answered, wherever cancel() is called from.',
    likely: 'Give `#gone.signal` to run() for every job, and abort it in cancel().',
    look: 'conversation.cancel()',
  })
  gus.expectSaid([], {
    because:
      'The server’s close() calls cancel() when the loop has stopped: nobody is left to be answered. A job that was taken back is not a crash, and gets no reply.',
    likely:
      'No reply may follow cancel(): none to a job that was taken back, none that was already known. Check `aborted` of the signal after the await, just before sending.',
    look: 'conversation.#reply()',
  })
  stage.expect('gus’s connection to stay open', !gus.stream.isEnded && !gus.stream.isDestroyed, {
    because: 'cancel() is about jobs and replies. Code that calls it may have other plans.',
    likely: 'cancel() ends the connection. Leave that to onEnd().',
    look: 'conversation.cancel()',
  })
  await gus.sayEnd()
  stage.expect('FIN from the server', gus.stream.isEnded, {
    because: 'gus has sent FIN, and none of his lines waits for a reply any more.',
    likely: 'cancel() keeps replies back, not the end: onEnd() ends the connection as ever.',
    look: ['conversation.onEnd()', 'conversation.cancel()'],
  })
  stage.expect('gus’s connection not to be destroyed', !gus.stream.isDestroyed, {
    because: 'Replies that were sent before cancel() may still be on their way to him.',
    likely: 'end() sends FIN after everything that waits. destroy() throws that away.',
    look: ['conversation.onEnd()', 'conversation.cancel()'],
  })
  await expectSilenceFromThenOn(stage)
  await expectSilenceOfGivenCode(stage)
}

/** Nothing is said, whatever was unanswered at the moment, and from that moment on. */
async function expectSilenceFromThenOn(stage: Stage): Promise<void> {
  const hal = await ScriptedConversation.start(stage, 'hal')
  await hal.cancel()
  await hal.send('echo late\n')
  hal.expectSaid([], {
    because: 'From the call of cancel() on, no reply is sent: not to a later line, either.',
    likely: 'cancel() does nothing when no line is unanswered. It has to abort at any time.',
    look: 'conversation.cancel()',
  })
  await hal.send('fib 5\n')
  await hal.sayEnd()
  // Whether this job begins is of no account. If it does, it ends.
  for (const place of hal.jobs.keys()) await hal.end(place, '5')
  hal.expectSaid([], {
    because: 'From the call of cancel() on, no reply is sent: not to a later job, either.',
    likely: 'Check `aborted` of the signal after the await, just before sending.',
    look: 'conversation.#reply()',
  })
  stage.expect('FIN from the server', hal.stream.isEnded, {
    because: 'hal has sent FIN, and none of his lines is still to be answered.',
    likely:
      'An answer that never comes holds up the strand, and FIN with it: the promise that #answer() returns resolves in any case, also when nobody will hear of it.',
    look: ['conversation.#answer()', 'conversation.onEnd()'],
  })
  const ivy = await ScriptedConversation.start(stage, 'ivy')
  await ivy.send('fib 1\necho 2\n')
  await ivy.endAndCancel(0, '1')
  ivy.expectSaid([], {
    because:
      'No reply is sent once cancel() has been called, however soon before it the job ended.',
    likely: 'cancel() aborts later, in another turn of the loop. Abort inside cancel().',
    look: 'conversation.cancel()',
  })
}

/** What the given code does when jobs are taken back, or when the connection is stopped. */
async function expectSilenceOfGivenCode(stage: Stage): Promise<void> {
  const kim = await ScriptedConversation.start(stage, 'kim')
  await kim.send('fib 1\n')
  await kim.sendUnended(70_000)
  await kim.cancel()
  kim.expectSaid([], {
    because: 'Her job has no reply, so she would take the next one, `error line too long`, for it.',
    likely: 'onTooLong() checks `#gone.signal.aborted`, so cancel() has to abort `#gone`.',
    look: 'conversation.cancel()',
  })
  const leo = await ScriptedConversation.start(stage, 'leo')
  await leo.send('fib 1\n')
  await leo.stop()
  stage.expectSame('whether his job is taken back', leo.jobs[0].isTakenBack, true, {
    because: 'His connection ends, and its answer can no longer be sent.',
    likely: 'onStop() calls cancel(), which has to take back every job.',
    look: 'conversation.cancel()',
  })
}
