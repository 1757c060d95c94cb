/** Conversations of chapter 11 whose jobs end when the test says so: what is said, in which order, and when FIN comes. */

import type { Reason } from '../../harness/failure.ts'
import { countPendingWakeUps } from '../../harness/pending-wakeups.ts'
import type { Stage } from '../../judge/step.ts'
import { ScriptedConversation } from './scripted-conversation.ts'

export const IN_LINE: Reason = {
  because:
    'A client that has sent three lines tells the replies by their order: it has nothing else.',
  likely:
    'Each answer is said as soon as it is there. Post a task that waits for it and says it: the strand keeps the order.',
  look: 'conversation.#reply()',
}

/** dee says FIN before her jobs have ended, eve without a word before it: FIN comes behind the replies, at once. */
export async function expectFinLast(stage: Stage): Promise<void> {
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
  dee.expectSaid([], { ...IN_LINE, because: 'The reply to her first line is still missing.' })
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
}

const LONG_LINE =
  'no answer to fib 2: its thread has a MiB of stack left, and each of its calls takes some of that'

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
      'One line is one reply. A message of several lines would be taken for several replies.',
    likely:
      'The first line of a message is said, all of it, and no other. And `busy` is for PoolBusy alone, whatever words another error uses.',
    look: 'conversation.errorReply()',
  })
}

/** FIN takes nothing back; a loss takes back every job. */
export async function expectJobsTakenBack(stage: Stage): Promise<void> {
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
}

/** Jobs are taken back before the connection has told of its end: what is known, and what becomes of them, is not said. */
export async function expectSilenceBehindCancel(stage: Stage): Promise<void> {
  const gus = await ScriptedConversation.start(stage, 'gus')
  await gus.send('fib 1\nfib 2\necho 3\nfib 4\n')
  await gus.end(1, '1')
  await gus.cancel()
  const takenBack = [true, true, true]
  const isTakenBack = gus.jobs.map((job) => job.isTakenBack)
  stage.expectSame('whether his three jobs are taken back', isTakenBack, takenBack, {
    because: 'Nobody is left to be answered, whoever calls cancel().',
    likely: 'cancel() aborts the one signal that all jobs of a conversation are run with.',
    look: 'conversation.cancel()',
  })
  gus.expectSaid([], {
    because:
      'close() of the server calls cancel() when the loop has stopped: nobody is left to be answered. A job that was taken back is no crash, and no reply.',
    likely:
      'A job that is taken back rejects, which makes a reply of it, and then come those that were known already. Behind the await, just before the reply is said, look at the signal: `aborted`.',
    look: 'conversation.#reply()',
  })
}
