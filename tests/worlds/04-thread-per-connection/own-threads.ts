/** Clients of chapter 04 who have a thread each: who answers, what a thread says last, and who waits for whom. */

import type { Conversation, ConversationScript } from '../../chapters/threads/04-conversation.ts'
import type { Client } from '../../harness/client.ts'
import type { HostedServer } from '../../harness/hosted-server.ts'
import type { Stage } from '../../judge/step.ts'
import { ask, echo } from '../../protocols/lines.ts'

const CONVERSATION = new URL('../../chapters/threads/04-conversation.ts', import.meta.url)

/** ada and bob are answered by two threads, and ada always by hers. */
export async function expectOwnThreads(
  { expect }: Stage,
  server: HostedServer,
  ada: Client,
  bob: Client,
): Promise<void> {
  const id = {
    because: 'whoami answers with the thread’s id.',
    likely:
      "runCommand() gets it in its second argument, `{ threadId, sleep }`: the `threadId` of 'node:worker_threads'.",
    look: 'converse()',
  }
  const first = await ask(ada, 'whoami', /^\d+$/, { ...id, seen: { crashed: id.likely } })
  const second = await ask(bob, 'whoami', /^\d+$/, {
    because: 'bob is served while ada is still connected.',
    likely: 'Does bob’s thread exist? A thread that serves ada serves nobody else.',
    look: 'startThread()',
  })
  const again = await ask(ada, 'whoami', /^\d+$/, { because: 'ada goes on talking to her thread.' })
  const threads = await server.workers()
  expect('ada and bob to be served by two threads', first !== second && first === again, {
    because: 'A connection has its own thread, and keeps it.',
    ...(threads < 2
      ? {
          likely: 'One thread serves everybody. Start a new Worker for each socket.',
          look: 'startThread()',
        }
      : {
          likely:
            "There are two threads, but the id is not theirs. Give runCommand() the `threadId` of 'node:worker_threads', read in the thread itself.",
          look: 'converse()',
        }),
    expected: 'two different ids, each the same every time',
    received: `ada ${first}, bob ${second}, ada again ${again}`,
  })
}

/** Whatever bob says before his FIN is answered, however late. */
export async function expectAnsweredToTheEnd(bob: Client): Promise<void> {
  // The sleep comes first: a thread that is ended at bob's FIN has answered nothing by then.
  await bob.sendGlued('sleep 200\n', 'echo two\n', 'echo three')
  await bob.halfClose()
  await bob.expectLine('slept', {
    ...ALL_BEFORE_FIN,
    look: ['converse()', 'tieTogether()'],
    seen: {
      crashed: 'runCommand() needs both in its second argument: `{ threadId, sleep }`.',
      ended:
        "Either the loop ends before readLine() returns null, or, if tieTogether() is written, the thread is ended at the FIN ('end') instead of at the 'close' of its socket.",
    },
  })
  await bob.expectLine('two', ALL_BEFORE_FIN)
  await bob.expectLine('three', {
    ...ALL_BEFORE_FIN,
    seen: {
      ended:
        'The last line has no line end, only FIN after it. readLine() returns it all the same, and null after that.',
    },
  })
  await bob.expectEnd({ because: 'Then bob’s thread says FIN.' })
}

const ALL_BEFORE_FIN = {
  because: 'bob sent all three lines before his FIN, so all three are answered.',
  likely:
    'A packet may hold several lines. readLine() returns one at a time, and null only when all of them were read.',
  look: 'converse()',
}

/** A thread that has answered everything says FIN itself. */
export async function expectFinBehindAnswers({
  inThread,
  expectSame,
  story,
}: Stage): Promise<void> {
  story.tell('bridge', 'delivers two lines to a thread, and FIN')
  const script: ConversationScript = { lines: ['echo one', 'echo two'] }
  const { posted } = await inThread<Conversation>(CONVERSATION, script, {
    because: 'Nothing follows the FIN, so the thread has nothing more to do.',
    likely: 'readLine() returns null at the end: leave the loop.',
  })
  // A second FIN behind the first does no harm.
  const said = posted.filter((text, index) => text !== 'FIN' || posted[index - 1] !== 'FIN')
  expectSame('what the thread posts', said, ['one\ntwo\n', 'FIN'], {
    because:
      'The thread says FIN itself, after its answers. The bridge may learn of its exit before it has received the last of them.',
    likely: 'After the loop, call end(): it returns when the bridge has everything.',
    look: 'converse()',
  })
}

/** A thread runs each line, also one that it knows. */
export async function expectEachLineRun({ inThread, expectSame, story }: Stage): Promise<void> {
  story.tell('bridge', 'delivers "sleep 2" to a thread, twice, and FIN')
  const script: ConversationScript = { lines: ['sleep 2', 'sleep 2'] }
  const { sleptMs } = await inThread<Conversation>(CONVERSATION, script, {
    because: 'Nothing follows the FIN, so the thread has nothing more to do.',
    likely: 'readLine() returns null at the end: leave the loop.',
  })
  expectSame('how many ms the thread has slept, for each `sleep 2`', sleptMs, [2, 2], {
    because: 'A line that comes a second time is a command once more, and takes its time.',
    likely: 'Is an answer remembered? Call runCommand() for every line, known or not.',
    look: 'converse()',
  })
}

/** One client's computation delays no other. */
export async function expectNobodyDelayed({ connect }: Stage, server: HostedServer): Promise<void> {
  const [cyd, dee] = [await connect(server), await connect(server)]
  await echo(dee, { because: 'dee’s thread is running.' })
  await cyd.send('fib 40\n')
  await cyd.expectSilence(
    async () => {
      for (let trip = 0; trip < 5; trip++)
        await echo(dee, {
          because: 'dee has a thread of her own, and waits for nobody’s computation.',
          likely: 'Is fib computed in the main thread, or in a thread that dee shares?',
        })
    },
    {
      because: 'dee’s five answers take a few milliseconds, cyd’s computation about a second.',
      likely: 'cyd is answered before dee: does one of them wait for the other?',
    },
  )
}
