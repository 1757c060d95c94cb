/** What a service says last on a WebSocket of chapter 18, and how one ends that is paused, or whose peer does not listen. */

import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'
import { clientClose, clientFrame, clientText, serverFrame } from '../../protocols/websocket.ts'
import { openWebSockets } from './websocket-connection.ts'

/** A service that finishes what it owes when the peer has said Close, and says why it closes. */
export async function expectLastWords(stage: Stage): Promise<void> {
  let [asked, ended] = [0, 0]
  const world = await openWebSockets(
    stage,
    {},
    {
      lastWords(why) {
        asked += 1
        if (why === 'idle') return undefined
        return serverFrame('text', `because ${why}${this ? '' : ': `this` is lost'}`)
      },
      onEnd() {
        ended += 1
      },
    },
  )
  const [kim, kimEnd] = await world.arrive('kim')
  await kim.send(Buffer.concat([clientText('one'), clientClose(4002, 'bye')]))
  kim.expectFrames(['text "one"'], {
    because: 'The service has something to finish: with onEnd, it decides itself when to close.',
    likely: 'A Close ends only what the peer sends. #end() asks the service, if that has onEnd().',
    look: '#hearClose()',
  })
  await kim.send(clientText('two'))
  const text = { isText: true, payload: Buffer.from('still due') }
  await world.act(() => kimEnd.socket.send(text))
  kim.expectFrames(['text "still due"'], {
    because: 'What was due is sent, and whatever followed the peer’s Close is ignored.',
    likely: 'Keep the code of the peer’s Close: it also says that the Close has arrived.',
    look: '#hearClose()',
  })
  await world.act(() => kimEnd.socket.close('finished'))
  kim.expectFrames(['text "because finished"', 'close 4002'], (received) =>
    asWords(received, 'finished'),
  )
  stage.story.tell('server', 'closes kim’s WebSocket once more')
  await world.act(() => kimEnd.socket.close('finished'))
  stage.expectSame('the number of calls of lastWords()', asked, 1, {
    because: 'A service may hand over what it kept and forget it: the next call has other words.',
    likely: 'Only the first call of close() counts: look at #isClosing first.',
    look: 'websocket.close()',
  })
  await kim.halfClose()

  ended = 0
  const [uma, umaEnd] = await world.arrive('uma')
  await uma.send(clientFrame('text', 'half', { isFinal: false }))
  await uma.send(clientClose(4004))
  uma.expectFrames([], (received) => ({
    because:
      'A Close may come between two fragments. It is a right Close: the service decides when to close.',
    likely: likelyOfFault(received),
    look: '#hearClose()',
  }))
  stage.expectSame('the number of calls of onEnd()', ended, 1, {
    because: 'uma has sent her Close, and the service is told so, once.',
    likely: 'What has arrived before the Close does not matter: after a right Close call #end().',
    look: '#hearClose()',
  })
  await world.act(() => umaEnd.socket.close('finished'))
  uma.expectFrames(['text "because finished"', 'close 4004'], (received) =>
    asWords(received, 'finished'),
  )
  await uma.halfClose()

  const [lee, leeEnd] = await world.arrive('lee')
  await world.act(() => leeEnd.connection.stop('stopping'))
  lee.expectFrames(['text "because stopping"', 'close 1001'], (received) =>
    asWords(received, 'stopping'),
  )
  await lee.halfClose()
  const [mia, miaEnd] = await world.arrive('mia')
  await mia.send(clientClose(4003))
  await world.act(() => miaEnd.connection.stop('stopping'))
  mia.expectFrames(['text "because stopping"', 'close 4003'], (received) =>
    asWords(received, 'stopping'),
  )
  await mia.halfClose()
  stage.expectSame('why mia’s connection has ended', miaEnd.endings, ['stopping'], {
    because: 'The peer’s code replaces the code that is sent, and nothing else.',
    likely: 'close() passes `why` on to connection.end(), whoever has sent a Close first.',
    look: 'websocket.close()',
  })
  const [ned, nedEnd] = await world.arrive('ned')
  await world.act(() => nedEnd.socket.close('idle'))
  ned.expectFrames(['close 1008'], (received) => asWords(received, 'idle'))
  await ned.halfClose()

  ended = 0
  const [oli] = await world.arrive('oli')
  await oli.send(clientFrame('close', Buffer.of(3)))
  oli.expectFrames(['text "because invalid"', 'close 1002'], (received) =>
    asWords(received, 'invalid'),
  )
  stage.expectSame('the number of calls of onEnd()', ended, 0, {
    because: 'A wrong Close is a fault, and ends the connection: there is nothing to finish.',
    likely: 'After #fail() nothing is left to do.',
    look: '#hearClose()',
  })
  await oli.halfClose()
  world.expectTimers(0, { because: 'Everybody has gone.' })
}

/** A Close without a code is one like any other: the service finishes what it owes. */
export async function expectServiceAskedWithoutCode(stage: Stage): Promise<void> {
  let ended = 0
  const world = await openWebSockets(
    stage,
    {},
    {
      lastWords: (why) => serverFrame('text', `because ${why}`),
      onEnd() {
        ended += 1
      },
    },
  )
  const [pat, patEnd] = await world.arrive('pat')
  await pat.send(Buffer.concat([clientText('three'), clientClose()]))
  const noCode: Reason = {
    because:
      'In a page, close() without arguments sends no code. The service has something to finish even then.',
    likely: 'A Close without a code is a right Close like any other: after it, call #end().',
    look: '#hearClose()',
  }
  pat.expectFrames(['text "three"'], noCode)
  stage.expectSame('the number of calls of onEnd()', ended, 1, noCode)
  await world.act(() => patEnd.socket.close('finished'))
  pat.expectFrames(['text "because finished"', 'close without a code'], (received) =>
    asWords(received, 'finished'),
  )
  await pat.halfClose()
}

function likelyOfFault(received: readonly string[]): string {
  return received.includes('text "because invalid"')
    ? 'Only parseClose() decides whether a Close is a fault, not the message that it cuts off.'
    : 'A Close ends only what the peer sends. #end() asks the service, if that has onEnd().'
}

function asWords(received: readonly string[], why: string): Reason {
  const [words, close = ''] = received
  const isOfCode = words === `text "because ${why}"` && close.startsWith('close')
  const likely = words?.includes('`this` is lost')
    ? 'Call lastWords() as a method of the events: a function in a variable of its own loses its object.'
    : isOfCode
      ? 'Once the peer’s Close has arrived, its code replaces ours, whatever ours is.'
      : 'Call lastWords() of the events each time, with `why`; it may return nothing. Nothing may follow a Close.'
  return {
    because:
      'The service’s last words come before the Close, whichever side sent its Close first, and the peer’s code is sent back.',
    likely,
    look: 'websocket.close()',
  }
}

/** A connection that does not read can say goodbye all the same. */
export async function expectPausedClosed(stage: Stage): Promise<void> {
  const world = await openWebSockets(stage, { highWaterBytes: 1_000, lowWaterBytes: 100 })
  const reason = {
    because: 'A connection that is not reading can still send.',
    likely: 'A connection that is paused is still open: look at isOpen, not at isReading.',
    look: 'websocket.close()',
  }
  const [pia, piaEnd] = await world.arrive('pia')
  stage.story.tell('server', 'pauses reading on pia’s connection, as the chat does before it stops')
  await world.act(() => piaEnd.connection.pauseReading('owner'))
  await world.act(() => piaEnd.socket.close('stopping'))
  pia.expectClosed(1001, reason)
  await pia.halfClose()

  const [quy, quyEnd] = await world.arrive('quy')
  quy.stopReading()
  stage.story.tell('server', 'sends two texts of 100,000 bytes, which is more than highWaterBytes')
  const text = { isText: true, payload: Buffer.alloc(100_000, 'x') }
  await world.act(() => [1, 2].map(() => quyEnd.socket.send(text)))
  await world.act(() => quyEnd.socket.close('stopping'))
  await quy.startReading()
  quy.expectFrames(['text 100000 bytes', 'text 100000 bytes', 'close 1001'], (received) => ({
    because: 'A Close comes after everything that was sent, however long the peer takes.',
    likely:
      received.length === 0
        ? 'destroy() throws away what waits to be sent; end() sends it first.'
        : 'Do not wait until there is room: connection.end() puts the last words after everything that is queued.',
    look: 'websocket.close()',
  }))
  await quy.halfClose()
}

/** A peer that does not listen is told so all the same, when everything else has found its way. */
export async function expectSlowConsumer(stage: Stage): Promise<void> {
  const lastWords = () => serverFrame('text', 'too slow')
  const world = await openWebSockets(stage, { maxQueuedBytes: 2_000 }, { lastWords })
  const [ray, end] = await world.arrive('ray')
  ray.stopReading()
  stage.story.tell('server', 'sends five texts of 660 bytes, of which only three fit')
  const text = { isText: true, payload: Buffer.alloc(660, 'x') }
  await closeOnce(
    stage,
    {
      because: 'There is always room for last words and a Close, once.',
      likely:
        'Pass both to connection.end(), which always has room. If send() has none, it calls close() again.',
    },
    () =>
      world.act(() => {
        for (let time = 0; time < 5; time++) end.socket.send(text)
      }),
  )
  await ray.startReading()
  const texts = Array.from({ length: 3 }, () => 'text 660 bytes')
  ray.expectFrames([...texts, 'text "too slow"', 'close 1008'], {
    because: 'There is always room for last words and a Close, once.',
    likely: 'send() may have no room: pass the last words and the Close to connection.end().',
    look: 'websocket.close()',
  })
  ray.expectEnd({ because: 'FIN follows the Close.', look: 'websocket.close()' })
  await ray.halfClose()
  stage.expectSame('why ray’s connection has ended', end.endings, ['slow-consumer'], {
    because: 'ray took less than was sent.',
    look: 'websocket.close()',
  })
}

/** A service that closes, or sends more than there is room for, while it is asked for its last words. */
export async function expectAskedOnce(stage: Stage): Promise<void> {
  let asked = 0
  let meanwhile = () => {}
  const world = await openWebSockets(
    stage,
    { maxQueuedBytes: 2_000 },
    {
      lastWords(why) {
        asked += 1
        meanwhile()
        return serverFrame('text', `because ${why}`)
      },
    },
  )
  const text = { isText: true, payload: Buffer.alloc(660, 'x') }
  const reason: Reason = {
    because: 'Only the first call of close() counts, even if lastWords() calls it again.',
    likely:
      'The connection is open until connection.end(): set #isClosing before you call lastWords().',
    look: 'websocket.close()',
  }

  const [sam, samEnd] = await world.arrive('sam')
  meanwhile = () => samEnd.socket.close('finished', 4_000, 'Once more.')
  stage.story.tell('server', 'closes sam’s WebSocket, and again in lastWords()')
  await closeOnce(stage, reason, () => world.act(() => samEnd.socket.close('idle')))
  sam.expectFrames(['text "because idle"', 'close 1008'], reason)
  stage.expectSame('the number of calls of lastWords()', asked, 1, reason)
  await sam.halfClose()
  stage.expectSame('why sam’s connection has ended', samEnd.endings, ['idle'], reason)

  asked = 0
  const [tom, tomEnd] = await world.arrive('tom')
  tom.stopReading()
  meanwhile = () => tomEnd.socket.send(text)
  stage.story.tell('server', 'sends three texts, which fit; a fourth one in lastWords() does not')
  const full = { ...reason, because: 'If send() has no room, it calls close() again.' }
  await closeOnce(stage, full, () =>
    world.act(() => {
      for (let time = 0; time < 3; time++) tomEnd.socket.send(text)
      tomEnd.socket.close('idle')
    }),
  )
  await tom.startReading()
  const texts = Array.from({ length: 3 }, () => 'text 660 bytes')
  tom.expectFrames([...texts, 'text "because idle"', 'close 1008'], full)
  stage.expectSame('the number of calls of lastWords()', asked, 1, full)
  await tom.halfClose()
  stage.expectSame('why tom’s connection has ended', tomEnd.endings, ['idle'], full)
}

/** Something that leads to `close()`, which must not call itself without end. */
async function closeOnce(
  stage: Stage,
  reason: Reason,
  happen: () => Promise<unknown>,
): Promise<void> {
  try {
    await happen()
  } catch (error) {
    if (!String(error).includes('Maximum call stack')) throw error
    stage.expect('the connection to be closed once', false, {
      look: 'websocket.close()',
      ...reason,
      received: 'close() was called again and again, until the stack overflowed',
    })
  }
}
