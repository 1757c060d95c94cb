/** Conversations of chapter 11 with more lines than may be unanswered: which wait, where, and until when. */

import { countPendingWakeUps } from '../../harness/pending-wakeups.ts'
import type { Stage } from '../../judge/step.ts'
import { ScriptedConversation } from './scripted-conversation.ts'

/** Two lines may be unanswered: the others wait, in the kernel, until a reply has been said. */
export async function expectPausedWhileFull(stage: Stage): Promise<void> {
  const { expect } = stage
  const eve = await ScriptedConversation.start(stage, 'eve', 2)
  const atRest = await countPendingWakeUps()
  await eve.send('fib 1\nfib 2\nfib 3\nfib 4\nfib 5\n')
  await eve.send('echo 6\n')
  eve.expectJobs(['fib 1', 'fib 2'], {
    because: 'Two lines of hers may be unanswered.',
    likely:
      eve.jobs.length < 2
        ? 'There is room for two: her count begins at 0, and is her own, nothing static.'
        : 'Count a line when it arrives. When maxUnanswered lines are unanswered, pause the connection, every time.',
  })
  expect('her last chunk not to be read', eve.stream.isReadable, {
    because: 'While a connection is paused, nothing more is read: her bytes wait in the kernel.',
    likely: 'pauseReading() does that. Lines that are kept for later fill our memory.',
  })
  await eve.expectNoPolling(atRest, {
    because:
      'Until a reply has been sent, there is nothing to look for, and that may take a minute.',
    likely:
      'A timer or setImmediate() looks for room. There is room when a reply has been sent, and not earlier.',
  })
  await eve.end(1, '1')
  eve.expectJobs(['fib 1', 'fib 2'], {
    because: 'An answer that waits for its turn is no reply yet: two lines are still unanswered.',
    likely: 'Room is made where a reply is sent, not where a job ends.',
  })
  await eve.end(0, '1')
  eve.expectJobs(['fib 1', 'fib 2', 'fib 3', 'fib 4'], {
    because: 'Two replies have been sent, so there is room for two lines, at once.',
    likely: 'Resume the connection where a reply is sent. No timer has to look for room.',
  })
  await eve.end(2, '2')
  eve.expectJobs(['fib 1', 'fib 2', 'fib 3', 'fib 4', 'fib 5'], {
    because:
      'One reply has been sent, so there is room for one line. That does not depend on the other replies.',
    likely:
      'Count the line down first. Then resume the connection, after every reply, and not only when none is missing.',
  })
  await eve.end(3, '3')
  await eve.end(4, '5')
  eve.expectSaid(['1', '1', '2', '3', '5', '6'], {
    because: 'Each line has its reply, including the line of the second chunk.',
    likely: 'Resume the connection after every reply: each one makes room for a line.',
  })
}

/** A line that is answered at once counts, too, as long as it waits for its turn; another client has a count of its own. */
export async function expectEveryLineCounted(stage: Stage): Promise<void> {
  const [gus, hal] = [
    await ScriptedConversation.start(stage, 'gus', 2),
    await ScriptedConversation.start(stage, 'hal', 2),
  ]
  await gus.send('fib 1\necho 2\nfib 3\n')
  gus.expectJobs(['fib 1'], {
    because: 'The echo has its answer, but it is not its turn yet: two lines are unanswered.',
    likely: 'Every line counts when it arrives, whether it is a job or not.',
    look: 'conversation.#reply()',
  })
  await hal.send('fib 4\n')
  hal.expectJobs(['fib 4'], {
    because: 'gus has as many unanswered lines as he is allowed. hal had none.',
    likely: 'Each conversation counts its own lines: nothing static, nothing in the module.',
    look: 'conversation.#reply()',
  })
  const ivy = await ScriptedConversation.start(stage, 'ivy', 1)
  await ivy.send('fib 5\nfib 6\n')
  await ivy.end(0, new Error('too deep'))
  ivy.expectJobs(['fib 5', 'fib 6'], {
    because: 'A job that fails has a reply like any other, and that makes room.',
    likely: 'Count down where a reply is sent, whatever it says.',
    look: 'conversation.#reply()',
  })
  const joe = await ScriptedConversation.start(stage, 'joe', 2)
  await joe.send('fib 7\nfib 8\n')
  await joe.end(0, '13')
  await joe.end(1, new Error('too deep'))
  await joe.send('fib 9\nfib 10\n')
  joe.expectJobs(['fib 7', 'fib 8', 'fib 9', 'fib 10'], {
    because:
      'His first two lines have their replies, and an error is a reply, too: there is room for two again.',
    likely:
      'Every reply counts a line down, whatever it says, and whether or not the limit is reached at the moment.',
    look: 'conversation.#reply()',
  })
  await expectShortRepliesCounted(stage)
}

/** Whatever was said before, and however often: then there is room for as many lines as ever, and for no more. */
export async function expectLimitKept(stage: Stage): Promise<void> {
  const { PoolBusy } = await stage.load(() => import('#code/06-worker-pool/worker-pool.ts'))
  const outcomes: Record<string, () => string | Error> = {
    'jobs that end': () => '1',
    'jobs that fail': () => new Error('too deep'),
    'jobs that the pool refuses': () => new PoolBusy(),
  }
  for (const [kind, outcomeOf] of Object.entries(outcomes)) {
    const meg = await ScriptedConversation.start(stage, 'meg', 2)
    const isRoom = {
      because: 'All her earlier lines have their replies, so two lines may be unanswered, as ever.',
      look: ['conversation.#reply()', 'conversation.#answer()'],
    }
    const expectBegun = (begun: string[], lines: string[]) =>
      stage.expectSame(`the jobs begun, after ${kind}`, begun, lines, {
        ...isRoom,
        likely:
          begun.length > lines.length
            ? 'A line is counted down twice. Its reply counts it down, and nothing else does.'
            : 'A line is not counted down. Every reply counts its line down, whatever it says and however many are missing.',
      })
    // Alone, then two at a time of which the second ends first, with an echo between.
    for (const together of [1, 1, 1, 2, 2, 2]) {
      const first = meg.jobs.length
      const lines = Array<string>(together).fill('fib 1')
      await meg.send('echo and\n')
      await meg.send(lines.map((line) => `${line}\n`).join(''))
      const begun = meg.jobs.slice(first).map(({ line }) => line)
      if (begun.length !== together) expectBegun(begun, lines)
      for (let place = together - 1; place >= 0; place--) {
        await meg.end(first + place, outcomeOf())
      }
    }
    const before = meg.jobs.length
    await meg.send('fib 3\nfib 4\nfib 5\nfib 6\nfib 7\nfib 8\n')
    expectBegun(
      meg.jobs.slice(before).map(({ line }) => line),
      ['fib 3', 'fib 4'],
    )
  }
}

/** A client that does not read what it is sent, and then goes on: replies make room all the same. */
export async function expectSlowReaderAnswered(stage: Stage): Promise<void> {
  for (const maxUnanswered of [1, 2, 3]) {
    const ned = await ScriptedConversation.start(stage, 'ned', maxUnanswered)
    const lines = ['fib 1', 'fib 2', 'fib 3', 'fib 4', 'fib 5', 'fib 6']
    await ned.setRoom(0)
    await ned.send(lines.map((line) => `${line}\n`).join(''))
    let ended = 0
    const endAll = async () => {
      while (ended < ned.jobs.length) await ned.end(ended++, `${ended}`)
    }
    await endAll()
    await ned.setRoom(Number.POSITIVE_INFINITY)
    await endAll()
    const isAnswered = {
      because:
        'ned reads on, so there is room for everything again. Each of his lines is answered.',
      likely:
        'A reply that fell due while he did not read has made no room for a line. Resume the connection after each reply; it knows by itself when it cannot send.',
      look: 'conversation.#reply()',
    }
    ned.expectJobs(lines, isAnswered)
    ned.expectSaid(['1', '2', '3', '4', '5', '6'], isAnswered)
  }
}

/** A reply that says nothing, or that there is no room, counts its line down. */
async function expectShortRepliesCounted(stage: Stage): Promise<void> {
  const { PoolBusy } = await stage.load(() => import('#code/06-worker-pool/worker-pool.ts'))
  const kim = await ScriptedConversation.start(stage, 'kim', 1)
  const reason = {
    likely: 'Count down where a reply is sent, whatever it says.',
    look: 'conversation.#reply()',
  }
  await kim.send('echo \nfib 11\n')
  kim.expectJobs(['fib 11'], {
    ...reason,
    because: 'The answer to her first line is empty. It is a reply, and makes room.',
  })
  await kim.end(0, new PoolBusy())
  await kim.send('fib 12\n')
  kim.expectJobs(['fib 11', 'fib 12'], {
    ...reason,
    because: 'The pool was busy, and she was told so: that line has its reply.',
  })
}

/** One reply is room for one line, however many lines may be unanswered. */
export async function expectRoomForOne(stage: Stage): Promise<void> {
  const pat = await ScriptedConversation.start(stage, 'pat', MANY)
  const expectBegun = (count: number, because: string) =>
    stage.expectSame('the number of his jobs begun', pat.jobs.length, count, {
      because,
      likely:
        'Each reply makes room for one line: resume the connection after every reply, however few have been sent.',
      look: 'conversation.#reply()',
    })
  await pat.sendJobs(MANY + 2)
  expectBegun(MANY, `${MANY} lines of his may be unanswered.`)
  await pat.end(0, '1')
  expectBegun(MANY + 1, 'One reply has been sent, so there is room for one line.')
}

const MANY = 64

/** Somebody else has a reason of its own not to read from her: it is theirs to take back. */
export async function expectOtherPausesKept(stage: Stage): Promise<void> {
  for (const reason of ['rate', 'protocol'] as const) {
    const fay = await ScriptedConversation.start(stage, 'fay', 1)
    const connection = fay.watchConnection()
    await fay.send('fib 1\nfib 2\n')
    stage.story.tell('test', `pauses the connection as well, with the reason '${reason}'`)
    connection().pauseReading(reason)
    await fay.end(0, '1')
    fay.expectJobs(['fib 1'], {
      because:
        'There is room for her next line, but other code has paused the connection meanwhile, and has not resumed it.',
      likely:
        "Each reason to pause is taken back by the code that gave it, and by no other. Yours is 'owner', for both calls.",
      look: 'conversation.#reply()',
    })
    stage.story.tell('test', `resumes the connection with the reason '${reason}'`)
    connection().resumeReading(reason)
    await fay.settle()
    fay.expectJobs(['fib 1', 'fib 2'], {
      because: 'There is no longer any reason not to read from her.',
      likely: 'Resume the connection for the reason for which you paused it.',
      look: 'conversation.#reply()',
    })
    await expectPausedTwice(stage, reason)
  }
}

/** The other reason comes first, and is taken back first. */
async function expectPausedTwice(stage: Stage, reason: 'rate' | 'protocol'): Promise<void> {
  const lea = await ScriptedConversation.start(stage, 'lea', 1)
  stage.story.tell('test', `pauses lea’s connection with the reason '${reason}' at her first line`)
  const connection = lea.watchConnection((begun) => begun.pauseReading(reason))
  await lea.send('fib 1\nfib 2\n')
  stage.story.tell('test', `resumes the connection with the reason '${reason}'`)
  connection().resumeReading(reason)
  await lea.settle()
  lea.expectJobs(['fib 1'], {
    because: 'Her first line is unanswered, and there is no room for a second.',
    likely:
      'Pause for your own reason whenever there is no room, even if other code has paused the connection already.',
    look: 'conversation.#reply()',
  })
  await lea.end(0, '1')
  lea.expectJobs(['fib 1', 'fib 2'], {
    because: 'Her first line has its reply, and no other reason is left.',
    likely: 'Resume the connection for the reason for which you paused it.',
    look: 'conversation.#reply()',
  })
}
