/** What step 10.6 plays: a close() of which the test sees every step, in virtual time. */

import type { HostedServer } from '../harness/hosted-server.ts'
import { countPendingWakeUps } from '../harness/pending-wakeups.ts'
import type { Stage } from '../judge/step.ts'
import { frame } from '../protocols/frames.ts'
import { openAdmission } from './bounded-frames.ts'

/** A close() of which the judge sees every step, in virtual time. */
/** So many who are told one after the other with a pause between would take a while. */
const CROWD = 50

export async function expectOrderlyClose(stage: Stage): Promise<void> {
  const { expectSame, story } = stage
  const world = await openAdmission(stage, {})
  const [ada, bob] = [await world.arrive('ada'), await world.arrive('bob')]
  const crowd = await Promise.all(Array.from({ length: CROWD }, () => world.arrive('', true)))
  story.tell('crowd', `comes: ${CROWD} more, who only listen`)
  ada.stopReading()
  await ada.send(frame('first'))
  await ada.send(frame('second'))
  const gate = Promise.withResolvers<void>()
  let calls = 0
  const listening = {
    port: 0,
    close: () => {
      calls += 1
      story.tell('listening socket', 'close() is called')
      return gate.promise
    },
  }
  const atRest = await countPendingWakeUps()
  story.tell('test', 'calls close() of the admission')
  let isClosed = false
  const closing = world.act(() => world.admission.close(listening))
  void closing.then(() => {
    isClosed = true
  })
  await world.settle()
  expectSame('calls of close() on the listening socket', calls, 1, {
    because: 'close() stops accepting first, and the deadline runs from there.',
    likely: 'Call server.close() before you wait for anything.',
    look: 'admission.close()',
  })
  const goodbye = frame('error stopping')
  const told = crowd.filter(({ stream }) => goodbye.equals(stream.takeWritten()))
  const cut = crowd.filter(({ stream }) => stream.isDestroyed).length
  const silent = crowd.filter(({ stream }) => stream.isEnded).length - told.length
  stage.expect('all of the crowd to be told', told.length === CROWD, {
    because: 'Everybody inside is told that the server says goodbye, in the same turn.',
    likely:
      cut > 0
        ? 'stop() says the last words. destroy() says nothing, and what waits is lost.'
        : silent > 0
          ? 'stop() has the protocol say why, and then end. end() alone is FIN without a word.'
          : 'stop() every open connection, as `stopping`, one right after the other: wait only then.',
    look: 'admission.close()',
    expected: `${CROWD} times a goodbye`,
    received: `${told.length} times; FIN without it: ${silent}, of which cut off: ${cut}`,
  })
  ada.expectNothing({
    because: 'She does not read. Her answers and her goodbye wait until she does.',
    likely: 'stop() puts the last words behind what waits. destroy() would lose both.',
    look: 'admission.close()',
  })
  for (const each of crowd) await each.halfClose()
  bob.expectReceived(frame('error stopping'), {
    because: 'bob is inside: he is told that the server says goodbye.',
    likely: 'stop() every open connection, as `stopping`.',
  })
  bob.expectEnd({ because: 'And then FIN.' })
  await bob.send(frame('one more'))
  bob.expectNothingMore({ because: 'What comes after goodbye is not accepted.' })

  const cyd = await world.arrive('cyd')
  cyd.expectReceived(frame('error stopping'), {
    because: 'She had connected and was not accepted yet. She hears the same.',
    likely: 'admit() asks #isStopping first.',
  })
  cyd.expectEnd({ because: 'And then FIN.' })
  expectSame(
    'stats().refused',
    world.stats('refused'),
    { refused: 0 },
    {
      because: 'That was not for want of room.',
    },
  )
  const waiting = ['first', 'second', 'error stopping'].map(frame)
  expectSame(
    'stats()',
    world.stats('connections', 'queuedBytes'),
    { connections: 2, queuedBytes: Buffer.concat(waiting).length },
    {
      because:
        'ada and bob are still inside, and ada’s answers and her goodbye wait. cyd never was.',
      likely:
        'Nobody leaves #open or the cap before it is closed, and nobody enters while the server is stopping.',
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
  stage.expect('close() not to look again and again', pending <= 0, {
    because: 'close() waits for a promise. It need not ask.',
    likely: 'await the promise that server.close() has returned, and set no timer.',
    look: 'admission.close()',
    received: `${pending} timers and immediates`,
  })

  await ada.startReading()
  ada.expectReceived(Buffer.concat(['first', 'second', 'error stopping'].map(frame)), {
    because:
      'Two frames of hers were accepted, so both are answered, and the goodbye comes behind.',
    likely: 'stop() puts the last words behind what waits.',
  })
  ada.expectEnd({ because: 'And then FIN.' })
  expectSame('whether close() has resolved', isClosed, false, {
    because: 'The listening socket has not closed yet.',
    likely: 'Wait for the promise that server.close() has returned.',
    look: 'admission.close()',
  })
  expectSame('whether the second close() has resolved', isClosedAgain, false, {
    because: 'A caller of close() wants to know when the server is closed, also the second time.',
    likely: 'Wait for server.close() each time: an earlier call is no reason to return at once.',
    look: 'admission.close()',
  })
  for (const client of [ada, bob, cyd]) await client.halfClose()
  gate.resolve()
  await world.settle()
  await closing
  const dan = await world.arrive('dan')
  dan.expectReceived(frame('error stopping'), {
    because:
      'He had connected before the listening socket was closed, and is looked at only now. A server that is closed lets nobody in.',
    likely: '#isStopping is set for good.',
    look: 'admission.close()',
  })
}

/** A listening socket that cannot be closed is our bug. */
export async function expectFailureSeen(stage: Stage): Promise<void> {
  const world = await openAdmission(stage, {})
  const listening = { port: 0, close: () => Promise.reject(new Error('not listening')) }
  stage.story.tell('test', 'calls close() with a listening socket that cannot be closed')
  const outcome = await world.admission.close(listening).then(
    () => 'it has resolved',
    (error: Error) => error.message,
  )
  stage.expectSame('what close() rejects with', outcome, 'not listening', {
    because: 'Something is wrong with the server, and the caller of close() must see it.',
    likely: 'close() catches nothing: what server.close() rejects with comes out.',
    look: 'admission.close()',
  })
}

/** How many frames a server has accepted when it accepts no more; ten looks at it are the same. */
export async function standstill(server: HostedServer): Promise<number> {
  let seen = -1
  for (let sameTimes = 0; sameTimes < 10; ) {
    await server.roundTrip()
    const { messages } = await server.call<{ messages: number }>('stats')
    sameTimes = messages === seen ? sameTimes + 1 : 0
    seen = messages
  }
  return seen
}
