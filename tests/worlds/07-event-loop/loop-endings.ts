/** What step 07.5 asks about the end of a connection: last words, FIN, and when it is over. */

import { PATIENCE_MS, within } from '../../harness/patience.ts'
import type { Stage } from '../../judge/step.ts'
import {
  CountedStream,
  expectAsleep,
  NOBODY_ELSE_CLOSES,
  NOTHING_MOVES,
  onScriptedStream,
  rounds,
  TestQueue,
} from './loop-connections.ts'
import { settled, textOf } from './loop-streams.ts'

/** A peer has said FIN, and its answer takes a while: chapter 11 will do that all the time. */
export async function expectLateAnswer(stage: Stage): Promise<void> {
  const { story, expect, expectSame } = stage
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  const stream = new CountedStream()
  stream.holdDescriptor()
  stream.arrive('a question\n')
  stream.arriveEnd()
  story.tell('peer', 'asks and sends FIN; the protocol does not answer yet')
  let fins = 0
  const { connection, loop, timers, end } = await onScriptedStream(
    stage,
    () => ({
      onBytes: (bytes) => bytes.length,
      onEnd() {
        fins += 1
        resolve()
      },
    }),
    stream,
  )
  let isEnding = false
  connection.observe({
    onEnding() {
      isEnding = true
    },
  })
  await within(PATIENCE_MS, ended)
  await rounds()
  const { turns } = loop.stats()
  expect('the loop to leave the peer alone', turns <= 3, {
    because:
      'The end can be read again and again. A connection that has read it and has nothing to write waits neither to read nor to write.',
    likely:
      '#watch(): after the peer’s FIN there is nothing to read any more. #receive() notes it in #hasPeerEnded.',
    expected: 'two turns, for the question and for FIN',
    received: `${turns} turns`,
  })
  expectSame('the number of calls of onEnd()', fins, 1, {
    because:
      'The peer has sent FIN once, and only the protocol knows whether everything is answered.',
    likely:
      fins === 0
        ? '#receive(): at the end, call the protocol’s onEnd(), which decides when to call end().'
        : '#receive() tells the protocol once, when it reads the end.',
    look: 'connection.#receive()',
  })
  const isFinOurs = !connection.isOpen && !isEnding
  expect('the connection to be open for the answer', connection.isOpen && !stream.isEnded, {
    because: 'The peer may still be listening, and end() has not been called yet.',
    likely: isFinOurs
      ? '#flush(): send FIN only when the connection is ending, whatever the peer has sent.'
      : '#receive(): at the end, only call the protocol’s onEnd(), which decides when to end. #receive() itself ends, destroys and closes nothing.',
    look: isFinOurs ? '#flush()' : 'connection.#receive()',
  })
  story.tell('test', 'sends half an answer; the stream takes five bytes, and later everything')
  stream.setRoom(5)
  connection.send(Buffer.from('a late '))
  await rounds()
  await expectAsleep(
    stage,
    { loop, timers },
    {
      because:
        'The peer’s FIN has been read, and the stream takes nothing. The loop can sleep until there is room.',
      likely: '#watch(): after the peer’s FIN never wait to read, whatever is queued.',
    },
  )
  stream.setRoom(Number.POSITIVE_INFINITY)
  await rounds()
  let written = textOf(stream.takeWritten())
  expectSame('what was written', written, 'a late ', {
    because:
      'The peer has sent FIN and still listens. What is queued goes out even without an end().',
    likely:
      '#flush() lets the queue send each time, backlogged or not. #watch(): wait to write while something is queued, open or not, before and after the peer’s FIN.',
    look: ['#flush()', '#watch()'],
  })
  story.tell('test', 'calls end() with the rest; the stream takes five bytes at a time')
  stream.setRoom(5)
  connection.end('finished', Buffer.from('answer\n'))
  for (let turn = 0; turn < 20 && !stream.isEnded; turn++) {
    await settled()
    written += textOf(stream.takeWritten())
    stream.setRoom(5)
  }
  written += textOf(stream.takeWritten())
  expectSame('what was written before FIN', written, 'a late answer\n', {
    because: 'FIN comes after the last byte.',
    likely: stream.isEnded
      ? '#flush(): send FIN only when nothing is queued and the connection is ending.'
      : '#flush() lets the queue send each time, backlogged or not. #watch(): wait to write while something is queued, FIN or no FIN.',
    look: stream.isEnded ? '#flush()' : ['#flush()', '#watch()'],
  })
  expectSame('whether FIN was sent', stream.isEnded, true, {
    because: 'Everything was taken, and end() was called.',
    likely: SAY_FIN,
    look: '#flush()',
  })
  await end()
}

const SAY_FIN =
  '#flush(): let the queue send first. Then call stream.end() when the connection is ending and nothing is queued any more.'

/** A goodbye that does not fit: the peer is read meanwhile, gets every word and then FIN, and nobody cuts it off. */
export async function expectWholeGoodbye(stage: Stage): Promise<void> {
  const { story, expect, expectSame } = stage
  const heard: string[] = []
  const stream = new CountedStream()
  const queue = new TestQueue(stream)
  const { connection, loop, timers, end } = await onScriptedStream(
    stage,
    (connection) => ({
      onBytes(bytes) {
        if (!connection.isOpen) heard.push(textOf(bytes))
        connection.pauseReading('protocol')
        connection.end('invalid', Buffer.from('last words'))
        return bytes.length
      },
      onEnd: () => heard.push('FIN'),
      onClose: (why) => heard.push(why),
    }),
    stream,
    queue,
  )
  stream.setRoom(0)
  stream.holdDescriptor()
  story.tell('peer', 'sends a line that is too long, and keeps talking; the stream takes nothing')
  stream.arrive('too long')
  await rounds()
  const { turns } = loop.stats()
  stream.arrive(' and')
  await rounds()
  story.tell('queue', 'is backlogged; the peer keeps talking')
  queue.isBacklogged = true
  for (const text of [' longer', ' and longer']) {
    stream.arrive(text)
    await rounds()
  }
  queue.isBacklogged = false
  const hadTurns = loop.stats().turns > turns && stream.reads === 1
  expect('everything that arrives after the goodbye to be read', !stream.isReadable, {
    because:
      'A peer that writes before it reads takes our last words only after it has written all its own. And closing over unread bytes would send a reset (RST).',
    likely: hadTurns
      ? '#receive(): the connection has turns to read, and does not read. What arrives when it is not open must be read, too, and discarded.'
      : '#watch(): a connection that is not open reads in any case, paused or not, backlogged or not, before and after its FIN.',
    look: hadTurns ? 'connection.#receive()' : '#watch()',
  })
  expectSame('whether FIN was sent', stream.isEnded, false, {
    because: 'The last words are still queued.',
    likely: 'queue.bytes says whether anything is queued. isBacklogged means more than that.',
    look: '#flush()',
  })
  story.tell('peer', 'reads, so there is room again')
  stream.setRoom(Number.POSITIVE_INFINITY)
  await rounds()
  expectSame('what was written before FIN', textOf(stream.takeWritten()), 'last words', {
    because: 'FIN comes after the last byte.',
    likely: stream.isEnded
      ? '#flush(): send FIN only when nothing is queued any more.'
      : '#watch(): wait to write while something is queued, whatever the state.',
    look: stream.isEnded ? '#flush()' : '#watch()',
  })
  expectNotCut(stage, stream, 'there is nothing more to send')
  story.tell('peer', 'keeps talking, and sends FIN; the kernel has not freed the descriptor yet')
  // The given code does nothing at the end of a round for a connection that is closed.
  let isWatched = false
  connection.observe({
    onRoundEnd() {
      isWatched = true
    },
  })
  stream.arrive(' still')
  await rounds()
  expectSame('whether there is something left to read', stream.isReadable, false, {
    because: 'After our FIN the peer’s bytes must still be read, or its own FIN is never seen.',
    likely:
      '#watch(): a connection that is not open reads in any case, even after its FIN is sent.',
    look: '#watch()',
  })
  stream.arriveEnd()
  await rounds()
  expectNotCut(stage, stream, 'both have sent FIN')
  expectSame('what the protocol was told after its end()', [...heard], [], {
    because:
      'For the protocol the connection has ended, but it is not over as long as the descriptor is not free.',
    likely: heard.includes('invalid')
      ? NOBODY_ELSE_CLOSES
      : '#receive(): bytes and the peer’s FIN are for the protocol of an open connection only, and neither ending nor finSent is open.',
    look: 'connection.#receive()',
  })
  await expectAsleep(
    stage,
    { loop, timers },
    {
      because:
        'Its FIN has been read and nothing is queued: there is nothing to wait for but the descriptor.',
      likely: isWatched
        ? '#receive() notes the peer’s FIN in every state, and #watch() never waits to read after it.'
        : '#flush(): the state becomes `finSent`. #watch() is not called any more for a connection that is `closed`.',
      look: ['connection.#receive()', '#watch()', '#flush()'],
    },
  )
  stream.freeDescriptor()
  await rounds()
  expectSame('what the protocol was told', heard, ['invalid'], {
    because: 'Now it is over, for the reason that end() was given.',
  })
  expectSame('how often FIN was sent', stream.ends, 1, {
    because: 'There is one FIN in each direction.',
    likely: 'Note that FIN was sent: the state becomes finSent.',
    look: '#flush()',
  })
  await end()
}

/** The stream takes all last words but one byte: that byte is waited for like any other. */
export async function expectLastByte(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  const heard: string[] = []
  const { stream, connection, loop, timers, end } = await onScriptedStream(stage, () => ({
    onBytes: (bytes) => bytes.length,
    onEnd: () => heard.push('FIN'),
  }))
  stream.holdDescriptor()
  story.tell('test', 'calls end() with "last words"; the stream takes 9 of the 10 bytes')
  stream.setRoom(9)
  connection.end('finished', Buffer.from('last words'))
  await rounds()
  expectSame('whether FIN was sent', stream.isEnded, false, {
    because: 'One byte is still queued, and FIN comes after the last one.',
    likely: '#flush(): send FIN only when no byte is queued any more.',
    look: '#flush()',
  })
  await expectAsleep(stage, { loop, timers }, NOTHING_MOVES)
  story.tell('peer', 'sends FIN')
  stream.arriveEnd()
  await rounds()
  expectSame('what the protocol is told of that', heard, [], {
    because: 'For the protocol the connection has ended, although a byte still waits.',
    likely:
      '#receive(): the peer’s FIN is for the protocol of an open connection only. One that is ending is not open.',
    look: 'connection.#receive()',
  })
  await expectAsleep(
    stage,
    { loop, timers },
    {
      because:
        'The peer’s FIN has been read, and the stream takes nothing. The loop can sleep until there is room for the last byte.',
      likely:
        '#watch(): after the peer’s FIN never wait to read, ending or not. #receive() notes it in every state.',
      look: ['#watch()', 'connection.#receive()'],
    },
  )
  story.tell('stream', 'takes one more byte, and is full')
  stream.setRoom(1)
  await rounds()
  expectSame('what was written before FIN', textOf(stream.takeWritten()), 'last words', {
    because: 'One byte was queued, so the connection waits until the stream is writable.',
    likely: '#watch(): wait to write while anything is queued, even one byte.',
    look: '#watch()',
  })
  expectSame('whether FIN was sent', stream.isEnded, true, {
    because:
      'Nothing is queued any more. FIN needs no room, and nothing sends it later when there is some.',
    likely:
      '#flush(): call stream.end() as soon as the connection is ending and nothing is queued, however much room the stream has.',
    look: '#flush()',
  })
  await end()
}

/** What was taken may still be on its way: `destroy()` throws it away. */
function expectNotCut({ expect }: Stage, stream: CountedStream, when: string): void {
  expect(`FIN and nothing else when ${when}`, stream.isEnded && !stream.isDestroyed, {
    because: stream.isDestroyed
      ? 'What the stream has taken may wait in the socket or in the kernel for a peer that reads slowly. destroy() would discard it.'
      : 'Nothing is queued any more, so our FIN is due. Many peers send theirs only after ours.',
    likely: stream.isDestroyed
      ? 'Call stream.end(), not stream.destroy(). When both have sent FIN, the descriptor becomes free by itself.'
      : '#flush(): end() the stream when nothing is queued any more, whether or not the peer’s FIN has come.',
    look: ['#flush()', 'connection.#receive()'],
    expected: 'stream.end()',
    received: stream.isDestroyed ? 'stream.destroy()' : 'neither',
  })
}

/** What the peer sends behind our goodbye is read, and nobody is told. */
export async function expectNothingBehindGoodbye(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  const heard: string[] = []
  const { stream, connection, end } = await onScriptedStream(stage, () => ({
    onBytes(bytes) {
      heard.push(textOf(bytes))
      return bytes.length
    },
    onEnd: () => heard.push('FIN'),
    onClose: (why) => heard.push(why),
  }))
  story.tell('test', 'calls end("failed"); the peer keeps talking and sends FIN')
  connection.end('failed')
  stream.arrive('but')
  stream.arriveEnd()
  await rounds()
  expectSame('what the protocol is told after end()', heard, ['failed'], {
    because:
      'For the protocol the connection has ended. What still arrives is discarded, up to the peer’s FIN.',
    likely:
      heard.length === 0
        ? `The connection is not over. ${SAY_FIN}`
        : '#receive(): only an open connection hands on what it reads, bytes or the end.',
    look: heard.length === 0 ? '#flush()' : 'connection.#receive()',
  })
  await end()
}

/** A connection is over when its descriptor is free, and not when FIN has been queued. */
export async function expectClosedMeansClosed(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  const closed: string[] = []
  const { stream, connection, loop, end } = await onScriptedStream(stage, () => ({
    onBytes: (bytes) => bytes.length,
    onEnd: () => connection.end('finished'),
    onClose: (why) => closed.push(why),
  }))
  stream.holdDescriptor()
  story.tell('peer', 'sends FIN; the kernel has not freed the descriptor yet')
  stream.arriveEnd()
  await rounds()
  expectNotCut(stage, stream, 'both have sent FIN')
  expectSame('the calls of onClose', [...closed], [], {
    because:
      'Both have sent FIN, but what was sent may still be on its way, and the socket is open.',
    likely: NOBODY_ELSE_CLOSES,
    look: ['#flush()', 'connection.#receive()'],
  })
  story.tell('kernel', 'frees the descriptor')
  stream.freeDescriptor()
  await rounds()
  expectSame('what onClose was called with', [...closed], ['finished'], {
    because: 'Now it is over, and the protocol is told once.',
  })
  expectSame('the number of sources on the loop', loop.stats().sources, 0, {
    because: 'Nothing is left to wait for.',
  })
  await end()
}

/** A lost connection is over when its descriptor is free, like any other. */
export async function expectLostMeansClosed(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  const closed: string[] = []
  let ends = 0
  const { stream, end } = await onScriptedStream(stage, () => ({
    onBytes: (bytes) => bytes.length,
    onEnd: () => void ends++,
    onClose: (why) => closed.push(why),
  }))
  stream.holdDescriptor()
  story.tell(
    'peer',
    'resets the connection (RST); the kernel has not freed the descriptor yet',
    'toServer',
  )
  stream.lose('ECONNRESET')
  await rounds()
  expectSame('the calls of onClose', [...closed], [], {
    because:
      'The connection is lost, but its descriptor is in use: a server that counts it as free opens too many.',
    likely: NOBODY_ELSE_CLOSES,
    look: ['connection.#receive()', '#flush()'],
  })
  expectSame('the number of calls of onEnd()', ends, 1, {
    because:
      'Nothing more will arrive. The protocol is told of the end, whether by FIN or by a loss.',
    likely: "#receive(): 'end' is for onEnd(), whatever lostWith says.",
    look: 'connection.#receive()',
  })
  story.tell('kernel', 'frees the descriptor')
  stream.freeDescriptor()
  await rounds()
  expectSame('what onClose was called with', [...closed], ['lost'], {
    because: 'Now it is over, and the protocol is told once.',
  })
  await end()
}
