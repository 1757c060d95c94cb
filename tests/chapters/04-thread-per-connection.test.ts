import { step } from '../judge/step.ts'
import { ask, echo } from '../protocols/lines.ts'
import {
  expectAnsweredToTheEnd,
  expectEachLineRun,
  expectFinBehindAnswers,
  expectNobodyDelayed,
  expectOwnThreads,
} from '../worlds/04-thread-per-connection/own-threads.ts'
import { expectRefused } from '../worlds/04-thread-per-connection/refused.ts'
import {
  expectEndedBehindAll,
  expectEndedInOrder,
  expectShortLivedHeard,
} from '../worlds/04-thread-per-connection/short-threads.ts'
import {
  crashUnread,
  expectNoTimer,
  expectOneLine,
  expectReasonAtExit,
  expectReasonBehindMark,
  expectThreads,
} from '../worlds/04-thread-per-connection/threads.ts'
import { expectThreadsOutlived } from '../worlds/04-thread-per-connection/uninterruptible-threads.ts'

const CHAPTER = '04-thread-per-connection'

step('04.1', 'every connection gets a thread of its own', async (stage) => {
  const { serve, connect } = stage
  const server = await serve(CHAPTER)
  const [ada, bob] = [await connect(server), await connect(server)]
  await echo(ada, {
    because: 'The thread reads a line, runs the command and writes the answer.',
    likely:
      'Is the script run in a Worker, with `end` in its workerData? Does converse() write what runCommand() returns?',
    look: ['startThread()', 'converse()'],
    seen: {
      crashed: NO_END,
      part: NO_LINE_END,
      silent:
        'Is the script run in a Worker, with `end` in its workerData? Does converse() write each answer before it reads the next line?',
      'other bytes':
        'An answer is what runCommand() returns, then \\n. Nothing else belongs to it.',
    },
  })
  await ask(ada, 'nonsense', 'error unknown command', {
    because: 'Every line gets an answer.',
    likely: 'Only the first line is answered. Answer in a loop, until readLine() returns null.',
    look: 'converse()',
    seen: {
      'other bytes':
        'The first line is answered again. Read the next one each time, with readLine().',
      part: NO_LINE_END,
      ended: 'The thread says FIN after one line. Answer in a loop; end() comes after it.',
    },
  })
  await ask(ada, 'echo  a  ', ' a  ', {
    because: 'Spaces are part of a line.',
    likely:
      'Give runCommand() the line as it is: readLine() has already removed the line end, and trim() removes spaces, too.',
    look: 'converse()',
    seen: { part: NO_LINE_END },
  })
  await ask(ada, 'echo Grüß Gott, 🌍!', 'Grüß Gott, 🌍!', {
    because: 'A line is text, and comes back as it was.',
    likely:
      'Hand the line to runCommand() as it is, and the answer to write() as a string: write() sends it as UTF-8, in which a character may take several bytes.',
    look: 'converse()',
  })
  await ask(ada, 'echo ', '', {
    because: 'An empty answer is an answer: a line with nothing in it.',
    likely: "'' is falsy, like null. Write a line for every answer.",
    look: 'converse()',
  })
  await ask(ada, '', 'error unknown command', {
    because: 'An empty line is a line, but not a command.',
    likely: "The loop ends at an empty line: '' is falsy, like null. Compare with null.",
    look: 'converse()',
    seen: { silent: 'It is skipped. Hand every line to runCommand(), an empty one, too.' },
  })

  await expectOwnThreads(stage, server, ada, bob)

  await ada.halfClose()
  await ada.expectEnd({
    because: 'After ada’s FIN her thread says FIN, too.',
    likely: 'readLine() returns null at the end: leave the loop and call end().',
    look: ['converse()', 'tieTogether()'],
  })
  // First: without that FIN bob's last answer is lost or not, as it happens.
  await expectFinBehindAnswers(stage)
  await expectAnsweredToTheEnd(bob)
  await expectEachLineRun(stage)
  await expectNobodyDelayed(stage, server)
})

step('04.2', 'a crash costs one connection, with a reason', async (stage) => {
  const { serve, connect } = stage
  const server = await serve(CHAPTER)
  const [ada, bob] = [await connect(server), await connect(server)]
  await echo(bob, { because: 'bob is connected.' })
  await ada.sendGlued('echo last words\n', 'crash\n')
  await ada.expectLine('last words', {
    because: 'This line was answered before the next one crashed.',
  })
  await ada.expectLine(/^error crashed: .*crashed on request$/, {
    because: 'ada learns why her connection ends.',
    likely: "The Worker emits 'error' with what its code threw. Write its message to the socket.",
    seen: {
      ended:
        'FIN arrived before the reason. Is the reason handed to end(), and at once? Or does the thread say FIN when it crashes (a `finally`)?',
      'other bytes':
        'The line is `error crashed: `, then the whole first line of the message, then a line end.',
    },
  })
  await ada.expectEnd({
    because: 'Her thread is gone, so her connection ends.',
    likely: 'Say FIN after the line: nothing else will.',
    seen: { 'other bytes': 'One line is enough: the first line of the message.' },
  })
  await echo(bob, { because: 'bob’s thread has nothing to do with ada’s.' })
  const cyd = await connect(server)
  await echo(cyd, { because: 'The server goes on, and newcomers are served.' })

  const kai = await connect(server, 'kai')
  await kai.sendGlued('sleep 100\n', 'crash\n')
  await kai.halfClose()
  await kai.expectLine('slept', { because: 'kai has said FIN, and still listens.' })
  await kai.expectLine(/^error crashed: .*crashed on request$/, {
    because:
      'His FIN came long before the crash. He still listens, and learns why nothing follows.',
    likely: 'What the client has said makes no difference: tell the reason in any case.',
    look: 'reportCrash()',
  })
  await kai.expectEnd({ because: 'That ends his connection.' })

  const other = await serve(CHAPTER)
  const dee = await connect(other, 'dee')
  await crashUnread(stage, dee, other)
  await expectReasonBehindMark(stage, other)
  await expectReasonAtExit(stage, other)
  await expectOneLine(stage, other)
})

step('04.3', 'threads end with their connections, and all of them with close()', async (stage) => {
  const { serve, connect, load, expect, story } = stage
  const server = await serve(CHAPTER, { graceMs: 60_000 })
  const [ada, bob, cyd, dee] = [
    await connect(server),
    await connect(server),
    await connect(server),
    await connect(server),
  ]
  for (const client of [ada, bob, cyd, dee]) await echo(client, { because: 'All four are served.' })
  await expectThreads(server, 4, {
    because: 'Four connections, four threads.',
    likely: 'stats() tells how many are alive: add each thread when it starts.',
  })
  await expectNoTimer(stage, server, {
    because: 'A client may be silent for as long as it likes. Its thread waits for it.',
  })

  await ada.send('sleep 100\n')
  await ada.halfClose()
  await ada.expectLine('slept', {
    because: 'ada has said FIN, and still listens: her thread has an answer to give.',
    likely:
      "The thread is ended at her FIN ('end'). Her socket closes later ('close'): end the thread then.",
  })
  await ada.expectEnd({ because: 'Then her thread says FIN, too.' })
  ada.leave()
  await expectThreads(server, 3, {
    because: 'ada has gone, and her thread has returned.',
    likely: "A thread that has ended emits 'exit': forget it then.",
  })
  bob.reset()
  await expectThreads(server, 2, {
    because: 'bob has vanished, and nobody will ever read what his thread says.',
  })
  await cyd.send('sleep 60000\n')
  await server.roundTrip()
  cyd.reset()
  await expectThreads(server, 1, {
    because: 'cyd is lost; her thread would sleep for a minute for nobody.',
    likely: "Do not wait for the thread to notice: terminate it when its socket emits 'close'.",
  })
  await ask(dee, 'crash', /^error crashed/, { because: 'dee’s thread crashes.' })
  await dee.expectEnd({ because: 'That ends her connection.' })
  await expectThreads(server, 0, {
    because: 'A thread that crashed is gone like any other, although dee has not hung up yet.',
    likely: "Forget a thread when it emits 'exit', whatever its socket does.",
    look: 'tieTogether()',
  })
  dee.leave()

  const eve = await connect(server, 'eve')
  await crashUnread(stage, eve, server, async () => {
    await expectThreads(server, 0, {
      because: 'eve’s answers wait in the server, and no longer take a thread.',
      look: 'tieTogether()',
    })
  })

  const fay = await connect(server, 'fay')
  await echo(fay, { because: 'fay is served.' })
  const ian = await connect(server, 'ian')
  await echo(ian, { because: 'ian is served.' })
  server.beginClose()
  story.tell('test', 'calls close() once more')
  const second = server.beginCall('close')
  await server.roundTrip()
  const servedToTheEnd = {
    because: 'Within the grace period every client that is connected is served to the end.',
    likely:
      'First close the server, which waits for the connections; then end the threads that are left.',
  }
  await ask(ian, 'crash', /^error crashed/, servedToTheEnd)
  await ian.expectEnd({ because: 'That ends his connection.' })
  ian.leave()
  await ask(fay, 'echo goodbye', 'goodbye', servedToTheEnd)
  expect('close() to wait for fay, both times', !server.isClosed && !second.isOver, {
    because: 'Her thread is alive, and close() tells its caller that all of them are gone.',
    likely: 'Wait for server.close(), and for the threads.',
  })
  await fay.halfClose()
  await fay.expectEnd({ because: 'She says goodbye.' })
  await server.expectClosed({
    because: 'The last connection has ended, and with it the last thread.',
  })
  await second.end()

  const hasty = await serve(CHAPTER, { graceMs: 50 })
  for (const name of ['gus', 'hal']) {
    const sleeper = await connect(hasty, name)
    await echo(sleeper, { because: 'The thread is running.' })
    await sleeper.send('sleep 60000\n')
  }
  await hasty.roundTrip()
  hasty.beginClose()
  await hasty.expectClosed({
    because: 'After graceMs connections are cut, and their threads end with them.',
    likely: 'Wait for the terminate() of every thread that is left.',
  })
  await hasty.expectNothingLeft({
    because: 'A thread, a socket or a timer that is left keeps the process alive.',
    likely: 'Wait for the terminate() of every thread that is left, and set no timer.',
  })

  const { serveInThreads } = await load(() => import('#code/04-thread-per-connection/server.ts'))
  await expectThreadsOutlived(stage, serveInThreads)
  for (const exitCode of [0, 3]) await expectShortLivedHeard(stage, serveInThreads, exitCode)
  await expectEndedInOrder(stage, serveInThreads)
  await expectEndedBehindAll(stage, serveInThreads)

  const idle = await serve(CHAPTER)
  idle.beginClose()
  await idle.expectClosed({ because: 'Nobody has come yet: there is nothing to wait for.' })
  await stage.expectRefused(idle, {
    because: 'A server that is closed takes no new clients, whether it had threads or not.',
    likely: 'close() begins with server.close(), in any case.',
    look: 'closeWithThreads()',
  })
})

step('04.4', 'past the limit a client hears `busy`, and places are given back', async (stage) => {
  const { serve, connect, expectSame } = stage
  const server = await serve(CHAPTER, { maxThreads: 2 })
  const [ada, bob] = [await connect(server), await connect(server)]
  for (const client of [ada, bob]) await echo(client, { because: 'Two places, two clients.' })

  const cyd = await connect(server)
  await expectRefused(stage, server, cyd)
  await echo(ada, { because: 'ada has a place, and keeps it.' })

  for (const [leaver, how] of [
    [ada, 'leave'],
    [bob, 'reset'],
  ] as const) {
    leaver[how]()
    await expectThreads(server, 1, { because: 'One of the two has gone.' })
    const newcomer = await connect(server)
    await echo(newcomer, {
      because: 'A client that leaves gives its place back.',
      likely:
        'The count goes up and never down. Count the threads that live, not those that ever lived.',
    })
  }

  const small = await serve(CHAPTER, { maxThreads: 2 })
  const crowd = await Promise.all(
    ['ivy', 'joe', 'kim', 'leo', 'mia'].map((name) => connect(small, name)),
  )
  const answers: string[] = []
  for (const client of crowd) {
    await client.send('echo hi\n')
    const line = { because: 'Each of them is served, or told that there is no place.' }
    answers.push(await client.expectLine(/^(hi|busy)$/, line))
  }
  expectSame(
    'the answers to five clients that connect at once, sorted',
    answers.toSorted(),
    FIVE_ANSWERS,
    {
      because:
        'A limit of two is a limit of two, even for clients that connect at the same moment.',
      likely:
        'A thread counts from its start, not only when its code runs. Add it to `threads` at once.',
      look: 'tieTogether()',
    },
  )
})

const NO_END = {
  likely:
    'Is its end of the bridge undefined? connection.ts reads `workerData.end`, so startThread() has to hand it over under that name.',
  look: 'startThread()',
}

const NO_LINE_END = {
  likely:
    'An answer ends with a line end, which runCommand() leaves off: write it after the answer.',
  look: 'converse()',
}

const FIVE_ANSWERS = ['busy', 'busy', 'busy', 'hi', 'hi']
