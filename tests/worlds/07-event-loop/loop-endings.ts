/** What step 07.5 asks about the end of a connection: last words, FIN, and when it is over. */

import type { Source } from '#code/07-event-loop/byte-stream.ts'
import type { EventLoop } from '#code/07-event-loop/event-loop.ts'
import { PATIENCE_MS, within } from '../../harness/patience.ts'
import type { Stage } from '../../judge/step.ts'
import {
  CountedStream,
  NOBODY_ELSE_CLOSES,
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
  story.tell('peer', 'asks and says FIN; nobody answers yet')
  let fins = 0
  const { connection, loop, end } = await onScriptedStream(
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
      'The end can be read again and again. A connection that has read it and has nothing to write waits for neither.',
    likely:
      '#watch(): after the peer’s FIN there is nothing to read any more. #receive() notes it, in #hasPeerEnded.',
    expected: 'two turns, for the question and for FIN',
    received: `${turns} turns`,
  })
  expectSame('the calls of onEnd()', fins, 1, {
    because: 'The peer has said FIN once, and the protocol knows whether everything is answered.',
    likely:
      fins === 0
        ? '#receive(): the end is for the protocol’s onEnd(), which decides when to call end().'
        : '#receive() tells the protocol once, when it reads the end.',
    look: 'connection.#receive()',
  })
  const isFinOurs = !connection.isOpen && !isEnding
  expect('the connection to be open for the answer', connection.isOpen && !stream.isEnded, {
    because: 'The peer may still be listening, and nobody has called end() yet.',
    likely: isFinOurs
      ? '#flush(): FIN only when the connection is ending, whatever the peer has said.'
      : '#receive(): the end is for the protocol’s onEnd() alone, which decides when to end. It ends, destroys and closes nothing itself.',
    look: isFinOurs ? '#flush()' : 'connection.#receive()',
  })
  story.tell('test', 'sends half an answer; the stream takes five bytes, and later everything')
  stream.setRoom(5)
  connection.send(Buffer.from('a late '))
  await rounds()
  stream.setRoom(Number.POSITIVE_INFINITY)
  await rounds()
  let written = textOf(stream.takeWritten())
  expectSame('what was written', written, 'a late ', {
    because: 'The peer has said FIN and listens. What is queued goes out, without an end() too.',
    likely:
      '#flush() lets the queue send each time, backlogged or not. #watch(): wait to write while something is queued, open or not, before and after the peer’s FIN.',
    look: ['#flush()', '#watch()'],
  })
  story.tell('test', 'sends the rest, and ends; the stream takes five bytes at a time')
  stream.setRoom(5)
  connection.end('finished', Buffer.from('answer\n'))
  for (let turn = 0; turn < 20 && !stream.isEnded; turn++) {
    await settled()
    written += textOf(stream.takeWritten())
    stream.setRoom(5)
  }
  written += textOf(stream.takeWritten())
  expectSame('what was written before FIN', written, 'a late answer\n', {
    because: 'FIN comes behind the last byte.',
    likely: stream.isEnded
      ? '#flush(): FIN only when nothing is queued and the connection is ending.'
      : '#flush() lets the queue send each time, backlogged or not. #watch(): wait to write while something is queued, FIN or no FIN.',
    look: stream.isEnded ? '#flush()' : ['#flush()', '#watch()'],
  })
  expectSame('whether FIN was said', stream.isEnded, true, {
    because: 'Everything was taken, and end() was called.',
    likely: SAY_FIN,
    look: '#flush()',
  })
  await end()
}

const SAY_FIN = '#flush(): stream.end() when the connection is ending and nothing waits any more.'

/** A goodbye that does not fit: the peer is read meanwhile, gets every word and then FIN, and nobody cuts it off. */
export async function expectWholeGoodbye(stage: Stage): Promise<void> {
  const { story, expect, expectSame } = stage
  const heard: string[] = []
  const stream = new CountedStream()
  const queue = new TestQueue(stream)
  const { loop, end } = await onScriptedStream(
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
  story.tell('peer', 'sends a line that is too long, and talks on; the stream takes nothing')
  stream.arrive('too long')
  await rounds()
  const { turns } = loop.stats()
  stream.arrive(' and')
  await rounds()
  story.tell('queue', 'is backlogged; the peer goes on')
  queue.isBacklogged = true
  for (const text of [' longer', ' and longer']) {
    stream.arrive(text)
    await rounds()
  }
  queue.isBacklogged = false
  const hadTurns = loop.stats().turns > turns && stream.reads === 1
  expect('everything to be read that comes behind the goodbye', !stream.isReadable, {
    because:
      'A peer that writes before it reads takes our last words only when it has got rid of its own. And to close over unread bytes would be a reset.',
    likely: hadTurns
      ? '#receive(): the connection has turns to read, and does not. What comes when it is not open is read, too, and thrown away.'
      : '#watch(): a connection that is not open reads in any case, paused or not, backlogged or not, before and after its FIN.',
    look: hadTurns ? 'connection.#receive()' : '#watch()',
  })
  expectSame('whether FIN was said', stream.isEnded, false, {
    because: 'The last words are still queued.',
    likely: 'queue.bytes tells whether something is queued. Backlogged is more than that.',
    look: '#flush()',
  })
  story.tell('peer', 'makes room')
  stream.setRoom(Number.POSITIVE_INFINITY)
  await rounds()
  expectSame('what was written before FIN', textOf(stream.takeWritten()), 'last words', {
    because: 'FIN comes behind the last byte.',
    likely: stream.isEnded
      ? '#flush(): FIN only when nothing is queued any more.'
      : '#watch(): wait to write while something is queued, whatever the state.',
    look: stream.isEnded ? '#flush()' : '#watch()',
  })
  expectNotCut(stage, stream, 'there is nothing more to say')
  story.tell('peer', 'talks on, and says FIN; the kernel has not freed the descriptor yet')
  stream.arrive(' still')
  await rounds()
  expectSame('whether there is something left to read', stream.isReadable, false, {
    because: 'Behind our FIN the peer’s bytes must still be read, or its own FIN is never seen.',
    likely: '#watch(): a connection that is not open reads in any case, also when its FIN is sent.',
    look: '#watch()',
  })
  stream.arriveEnd()
  await rounds()
  expectNotCut(stage, stream, 'both have said FIN')
  expectSame('what the protocol has heard since its end()', [...heard], [], {
    because:
      'For the protocol the connection has ended; and it is not over as long as the descriptor is not free.',
    likely: heard.includes('invalid')
      ? NOBODY_ELSE_CLOSES
      : '#receive(): bytes, and the peer’s FIN, are for the protocol of an open connection only: neither ending nor finSent is open.',
    look: 'connection.#receive()',
  })
  await expectLeftAlone(stage, loop)
  stream.freeDescriptor()
  await rounds()
  expectSame('what the protocol has heard', heard, ['invalid'], {
    because: 'Now it is over, for the reason that end() was given.',
  })
  expectSame('how often FIN was said', stream.ends, 1, {
    because: 'There is one FIN in each direction.',
    likely: 'Note that it was said: the state becomes finSent.',
    look: '#flush()',
  })
  await end()
}

/** The stream takes all last words but one byte: that byte is waited for like any other. */
export async function expectLastByte(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  const heard: string[] = []
  const { stream, connection, end } = await onScriptedStream(stage, () => ({
    onBytes: (bytes) => bytes.length,
    onEnd: () => heard.push('FIN'),
  }))
  stream.holdDescriptor()
  story.tell('test', 'ends with "last words"; the stream takes 9 of the 10 bytes')
  stream.setRoom(9)
  connection.end('finished', Buffer.from('last words'))
  await rounds()
  expectSame('whether FIN was said', stream.isEnded, false, {
    because: 'One byte is still queued, and FIN comes behind the last one.',
    likely: '#flush(): FIN only when no byte is queued any more.',
    look: '#flush()',
  })
  story.tell('peer', 'says FIN')
  stream.arriveEnd()
  await rounds()
  expectSame('what the protocol hears of that', heard, [], {
    because: 'For the protocol the connection has ended, although a byte still waits.',
    likely:
      '#receive(): the peer’s FIN is for the protocol of an open connection only. One that is ending is not open.',
    look: 'connection.#receive()',
  })
  story.tell('stream', 'takes one byte more, and is full')
  stream.setRoom(1)
  await rounds()
  expectSame('what was written before FIN', textOf(stream.takeWritten()), 'last words', {
    because: 'One byte was queued, so the connection waits until the stream is writable.',
    likely: '#watch(): wait to write while anything is queued, be it one byte.',
    look: '#watch()',
  })
  expectSame('whether FIN was said', stream.isEnded, true, {
    because:
      'Nothing is queued any more. FIN needs no room, and nobody comes back for it when there is some.',
    likely:
      '#flush(): stream.end() as soon as the connection is ending and nothing is queued, whatever the stream has room for.',
    look: '#flush()',
  })
  await end()
}

/** What was taken may still be on its way: `destroy()` throws it away. */
function expectNotCut({ expect }: Stage, stream: CountedStream, when: string): void {
  expect(`FIN and no more when ${when}`, stream.isEnded && !stream.isDestroyed, {
    because:
      'What the stream has taken may wait in the socket or in the kernel for a peer that reads slowly. destroy() would throw it away.',
    likely: stream.isDestroyed
      ? 'stream.end(), and not stream.destroy(). When both have said FIN, the descriptor becomes free by itself.'
      : '#flush(): end() the stream when nothing is queued any more.',
    look: ['#flush()', 'connection.#receive()'],
    expected: 'stream.end()',
    received: stream.isDestroyed ? 'stream.destroy()' : 'neither',
  })
}

/** The end of a stream can be read again and again. */
async function expectLeftAlone({ expect }: Stage, loop: EventLoop<Source>): Promise<void> {
  const { turns } = loop.stats()
  await rounds()
  const more = loop.stats().turns - turns
  expect('the loop to leave the peer alone', more <= 1, {
    because:
      'Its FIN has been read and nothing is queued: there is nothing to wait for but the descriptor.',
    likely: '#receive() notes the peer’s FIN in every state, and #watch() never reads behind it.',
    look: ['connection.#receive()', '#watch()'],
    expected: 'no turns',
    received: `${more} turns`,
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
  story.tell('test', 'calls end("failed"); the peer talks on and says FIN')
  connection.end('failed')
  stream.arrive('but')
  stream.arriveEnd()
  await rounds()
  expectSame('what the protocol hears of what comes behind end()', heard, ['failed'], {
    because:
      'The connection has ended for it. What still comes is thrown away, up to the peer’s FIN.',
    likely:
      heard.length === 0
        ? `The connection is not over. ${SAY_FIN}`
        : '#receive(): only an open connection hands on what it reads, and its end.',
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
  story.tell('peer', 'says FIN; the kernel has not freed the descriptor yet')
  stream.arriveEnd()
  await rounds()
  expectNotCut(stage, stream, 'both have said FIN')
  expectSame('the calls of onClose', [...closed], [], {
    because:
      'Both have said FIN, but what was sent may still be on its way, and the socket is open.',
    likely: NOBODY_ELSE_CLOSES,
    look: ['#flush()', 'connection.#receive()'],
  })
  story.tell('kernel', 'frees the descriptor')
  stream.freeDescriptor()
  await rounds()
  expectSame('what onClose was called with', [...closed], ['finished'], {
    because: 'Now it is over, once.',
  })
  expectSame('sources on the loop', loop.stats().sources, 0, {
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
  expectSame('the calls of onEnd()', ends, 1, {
    because: 'Nothing more will come, be it by FIN or by a loss: the protocol hears of the end.',
    likely: "#receive(): 'end' is for onEnd(), whatever lostWith says.",
    look: 'connection.#receive()',
  })
  story.tell('kernel', 'frees the descriptor')
  stream.freeDescriptor()
  await rounds()
  expectSame('what onClose was called with', [...closed], ['lost'], {
    because: 'Now it is over, once.',
  })
  await end()
}
