/** What step 10.6 plays: a close() of which the test sees every step, in virtual time. */

import { quote } from '../../harness/bytes.ts'
import { PATIENCE_MS, within } from '../../harness/patience.ts'
import { countPendingWakeUps } from '../../harness/pending-wakeups.ts'
import type { Stage } from '../../judge/step.ts'
import { frame } from '../../protocols/frames.ts'
import { openAdmission } from '../bounded-frames.ts'

/** So many who are told one after the other with a pause between would take a while. */
const CROWD = 50

/** A close() of which the judge sees every step, in virtual time. */
export async function expectOrderlyClose(stage: Stage): Promise<void> {
  const { expectSame, story } = stage
  const limits = { maxConnections: CROWD + 2, highWaterBytes: 12, lowWaterBytes: 4 }
  const world = await openAdmission(stage, limits)
  const [ada, bob] = [await world.arrive('ada'), await world.arrive('bob')]
  const crowd = await Promise.all(Array.from({ length: CROWD }, () => world.arrive('', true)))
  story.tell('crowd', `arrives: ${CROWD} more clients, who only listen`)
  ada.stopReading()
  await ada.send(frame('first'))
  await ada.send(frame('second'))
  const gate = Promise.withResolvers<void>()
  let calls = 0
  const listening = {
    port: 0,
    close: () => {
      calls += 1
      story.tell('listening socket', 'is told to close')
      return gate.promise
    },
  }
  const atRest = await countPendingWakeUps()
  story.tell('test', 'calls admission.close()')
  let isClosed = false
  const closing = world.act(() => world.admission.close(listening))
  // No turn of Node's loop has passed, and none of ours.
  for (let microtask = 0; microtask < 10; microtask++) await Promise.resolve()
  const open = world.connections.filter((connection) => connection.deref()?.isOpen).length
  const callsAtOnce = calls
  void closing.then(() => {
    isClosed = true
  })
  await world.settle()
  expectSame('the number of calls of close() on the listening socket', calls, 1, {
    because: 'close() first stops accepting, and the deadline runs from that moment.',
    likely:
      calls > 1
        ? 'Call server.close() once in each close(), and keep the promise that it returns.'
        : 'Call server.close() before you wait for anything.',
    look: 'admission.close()',
  })
  const goodbye = frame('error stopping')
  const heard = crowd.map(({ stream }) => Buffer.from(stream.takeWritten()))
  const told = heard.filter((bytes) => goodbye.equals(bytes))
  const other = heard.find((bytes) => bytes.length > 0 && !goodbye.equals(bytes))
  const cut = crowd.filter(({ stream }) => stream.isDestroyed).length
  const silent = crowd.filter(({ stream }) => stream.isEnded).length - told.length
  stage.expect('all of the crowd to be told', told.length === CROWD, {
    because: 'Everybody inside gets the goodbye, in the same turn.',
    likely:
      cut > 0
        ? 'stop() sends the last words. destroy() sends nothing, and what waits is lost.'
        : other
          ? `The reason is \`stopping\`. They were told ${quote(other)}.`
          : silent > 0
            ? 'stop() has the protocol say why, and then end. end() alone is FIN without a word.'
            : 'stop() every open connection, as `stopping`, one right after the other, and only then wait.',
    look: 'admission.close()',
    expected: `${CROWD} goodbyes`,
    received: `${told.length} goodbyes; FIN without one: ${silent}, of which cut off: ${cut}`,
  })
  const adas = world.connections[0].deref()
  expectSame('the number of connections that were open right after the call', open, 0, {
    because:
      'Every open connection is stopped at once. If a turn of the loop came first, it would be read and would go on answering.',
    likely: adas?.isOpen
      ? 'ada’s connection is still open. stop() backlogged and paused connections, too: the goodbye is queued after what waits.'
      : 'Call server.close() and stop() directly in close(), before you wait for anything.',
    look: 'admission.close()',
  })
  expectSame(
    'the number of calls of close() on the listening socket right after the call',
    callsAtOnce,
    1,
    {
      because:
        'From this moment on, nobody is let in, so the listening socket is closed at once, too.',
      likely: 'Call server.close() directly in close(), before you wait for anything.',
      look: 'admission.close()',
    },
  )
  const cyd = await world.arrive('cyd')
  cyd.expectReceived(frame('error stopping'), {
    because:
      'She had connected but was not accepted yet. She is told the same as the others, although the server is also full.',
    likely: 'close() sets #isStopping at once; admit() checks it first, and the cap after that.',
    look: ['admission.admit()', 'admission.close()'],
  })
  cyd.expectEnd({ because: 'And then FIN.' })
  ada.expectNothing({
    because: 'She does not read. Her answers and her goodbye wait until she does.',
    likely: 'stop() queues the last words after what waits. destroy() would lose both.',
    look: 'admission.close()',
  })
  for (const each of crowd) await each.halfClose()
  bob.expectReceived(frame('error stopping'), {
    because: 'bob is inside, so he gets the goodbye.',
    likely: 'stop() every open connection, as `stopping`.',
  })
  bob.expectEnd({ because: 'And then FIN.' })
  await bob.send(frame('one more'))
  bob.expectNothingMore({ because: 'What arrives after the goodbye is not accepted.' })

  expectSame(
    'stats().refused',
    world.stats('refused'),
    { refused: 0 },
    {
      because: 'cyd was not refused for lack of room.',
      likely: 'Only a connection that is refused as `busy` is counted.',
      look: 'admission.admit()',
    },
  )
  const waiting = ['first', 'second', 'error stopping'].map(frame)
  expectSame(
    'stats()',
    world.stats('connections', 'queuedBytes'),
    { connections: 2, queuedBytes: Buffer.concat(waiting).length },
    {
      because:
        'ada and bob are still inside, and ada’s answers and her goodbye wait. cyd was never inside.',
      likely:
        'No connection leaves #open or the cap before it is closed, and none enters while the server is stopping.',
      look: ['admission.close()', 'admission.admit()'],
    },
  )
  let isClosedAgain = false
  void world.admission.close(listening).then(() => {
    isClosedAgain = true
  })
  story.tell('test', 'calls close() once more')
  await world.settle()
  const pending = (await countPendingWakeUps()) - atRest
  stage.expect('close() not to poll', pending <= 0, {
    because: 'close() waits for a promise, so it does not have to poll.',
    likely: 'await the promise that server.close() has returned, and set no timer.',
    look: 'admission.close()',
    received: `${pending} timers and immediates`,
  })

  await ada.startReading()
  ada.expectReceived(Buffer.concat(['first', 'second', 'error stopping'].map(frame)), {
    because: 'Two frames of hers were accepted, so both are answered, and the goodbye comes last.',
    likely: 'stop() queues the last words after what waits.',
  })
  ada.expectEnd({ because: 'And then FIN.' })
  expectSame('whether close() has resolved', isClosed, false, {
    because: 'The listening socket has not closed yet.',
    likely: 'Wait for the promise that server.close() has returned.',
    look: 'admission.close()',
  })
  expectSame('whether the second close() has resolved', isClosedAgain, false, {
    because:
      'Every caller of close() wants to know when the server is closed, including the second.',
    likely: 'Wait for server.close() each time: an earlier call is no reason to return at once.',
    look: 'admission.close()',
  })
  for (const client of [ada, bob, cyd]) await client.halfClose()
  world.expectTimers(0, {
    because: 'Everybody has left. What remains is the listening socket, which the server closes.',
    likely:
      'close() sets no timer: each connection takes care of goodbyeMs itself, and the server of graceMs.',
    look: 'admission.close()',
  })
  gate.resolve()
  await world.settle()
  await closing
  const dan = await world.arrive('dan')
  dan.expectReceived(frame('error stopping'), {
    because:
      'He had connected before the listening socket was closed, and reaches admit() only now. A closed server lets nobody in.',
    likely: 'Once #isStopping is set, it stays set.',
    look: 'admission.close()',
  })
  await dan.halfClose()
  expectSame(
    'stats()',
    world.stats('connections', 'refused', 'endings'),
    { connections: 0, refused: 0, endings: { stopping: CROWD + 2 } },
    {
      because: 'ada, bob and the crowd have left. cyd and dan were never inside.',
      likely:
        'No connection enters the cap while the server is stopping: check #isStopping first. onClose() counts the endings of those that were inside.',
      look: ['admission.admit()', 'admission.onClose()'],
    },
  )
  await expectLastAnswerAwaited(stage)
}

/** A protocol may owe an answer when it is stopped: its connection ends when that is said, and not before. */
async function expectLastAnswerAwaited(stage: Stage): Promise<void> {
  const world = await openAdmission(stage, {})
  const eli = await world.arrive('eli')
  const elis = world.connections[0].deref()!
  stage.story.tell('server', 'owes eli an answer, and calls close()')
  elis.use({ onBytes: (bytes) => bytes.length, onEnd() {}, onStop() {} })
  await world.act(() => world.admission.close({ port: 0, close: () => Promise.resolve() }))
  await world.act(() => {
    elis.send(frame('the answer'))
    elis.end('stopping')
  })
  eli.expectReceived(frame('the answer'), {
    because:
      'stop() asks the protocol to end. A protocol that still owes an answer sends it first.',
    likely: 'stop() is enough: after it, close() calls neither end() nor destroy().',
    look: 'admission.close()',
  })
  await eli.halfClose()
}

/** A listening socket that cannot be closed is our bug. */
export async function expectFailureSeen(stage: Stage): Promise<void> {
  const world = await openAdmission(stage, {})
  const listening = { port: 0, close: () => Promise.reject(new Error('not listening')) }
  stage.story.tell('test', 'calls close() with a listening socket that cannot be closed')
  for (const [time, which] of ['', ', the second time'].entries()) {
    const closing = world.admission.close(listening).then(
      () => 'it has resolved',
      (error: Error) => error.message,
    )
    const settled = await within(PATIENCE_MS, closing)
    const outcome = settled === 'too late' ? 'it neither resolves nor rejects' : settled
    stage.expectSame(`what close() rejects with${which}`, outcome, 'not listening', {
      because: 'Something is wrong with the server, and the caller of close() must see it.',
      likely:
        settled === 'too late'
          ? 'This call waits for a promise that a failure never settles. Wait for the one that server.close() has returned.'
          : time === 0
            ? 'close() awaits server.close() in any case, and catches nothing: it rejects with whatever that rejects with.'
            : 'A second call catches nothing, either. The failure of the first is no reason to resolve.',
      look: 'admission.close()',
    })
  }
  const dan = await world.arrive('dan')
  dan.expectReceived(frame('error stopping'), {
    because: 'Once close() is called, nobody is let in any more, even if it fails.',
    likely: 'Once #isStopping is set, it stays set.',
    look: 'admission.close()',
  })
}
