/** What step 07.5 plays in: connections on streams whose other end is the test's hand. */

import type { Source } from '#code/07-event-loop/byte-stream.ts'
import type { Connection, Protocol } from '#code/07-event-loop/connection.ts'
import type { EventLoop } from '#code/07-event-loop/event-loop.ts'
import type { SendQueue } from '#code/07-event-loop/send-queue.ts'
import { PATIENCE_MS, within } from '../harness/patience.ts'
import { ScriptedStream } from '../harness/scripted-stream.ts'
import type { Stage } from '../judge/step.ts'
import { settled, textOf } from './loop-streams.ts'

/** A stream that counts what is asked of it. */
export class CountedStream extends ScriptedStream {
  reads = 0
  writes = 0
  /** Called in each read. */
  onRead: () => void = () => {}
  /** How often FIN was said. */
  ends = 0
  #isFalseAlarm = false

  override get isReadable(): boolean {
    return this.#isFalseAlarm || super.isReadable
  }

  override read(): Uint8Array | 'would-block' | 'end' {
    this.reads += 1
    this.onRead()
    if (this.#isFalseAlarm) {
      this.#isFalseAlarm = false
      return 'would-block'
    }
    return super.read()
  }

  /** It says that it is readable, and the next read finds nothing. */
  raiseFalseAlarm(): void {
    this.#isFalseAlarm = true
    this.onChange?.(this)
  }

  override write(bytes: Uint8Array): number {
    this.writes += 1
    return super.write(bytes)
  }

  override end(): void {
    this.ends += 1
    super.end()
  }
}

/** A connection on a scripted stream and a loop that runs. */
export interface Scripted {
  stream: CountedStream
  connection: Connection
  loop: EventLoop<Source>
  /** Ends the loop; expects that the connection was not over before its descriptor was free. */
  end(): Promise<void>
}

export async function onScriptedStream(
  { load, expect }: Stage,
  protocolOn: (connection: Connection) => Protocol,
  stream = new CountedStream(),
  queue?: SendQueue,
): Promise<Scripted> {
  const { EventLoop } = await load(() => import('#code/07-event-loop/event-loop.ts'))
  const { NetPoller } = await load(() => import('#code/07-event-loop/poller.ts'))
  const { Connection } = await load(() => import('#code/07-event-loop/connection.ts'))
  const loop = new EventLoop<Source>(new NetPoller())
  const connection = queue ? new Connection(stream, loop, queue) : new Connection(stream, loop)
  const protocol = protocolOn(connection)
  let isOverTooEarly = false
  connection.use({
    ...protocol,
    onClose(why) {
      isOverTooEarly ||= !stream.isClosed
      protocol.onClose?.(why)
    },
  })
  const running = loop.run().catch((error) => {
    // What comes of that is told by end(). Anything else is seen as it is.
    if (!isOverTooEarly) throw error
  })
  const end = async () => {
    loop.stop()
    await within(PATIENCE_MS, running)
    if (!isOverTooEarly) return
    expect('the connection to be over when its descriptor is free', false, {
      because:
        'Both may have said FIN, but what was sent may still be on its way, and the socket is open.',
      likely: NOBODY_ELSE_CLOSES,
      look: ['#flush()', 'connection.#receive()'],
      expected: 'no onClose() before',
      received: 'onClose() while the descriptor was in use',
    })
  }
  return { stream, connection, loop, end }
}

/** For a connection that is over too early. */
export const NOBODY_ELSE_CLOSES =
  'The loop reports the stream as hung up when it is over, and #takeTurn() calls #close() then. Nobody else calls it.'

/** The loop has had its turns, if there was anything to do in them. */
export async function rounds(): Promise<void> {
  for (let round = 0; round < 10; round++) await settled()
}

/** Two clients on a loop, one of whom always has more to say. */
export async function expectFairTurns({ story, load, expect }: Stage): Promise<void> {
  const { EventLoop } = await load(() => import('#code/07-event-loop/event-loop.ts'))
  const { NetPoller } = await load(() => import('#code/07-event-loop/poller.ts'))
  const { Connection } = await load(() => import('#code/07-event-loop/connection.ts'))
  const loop = new EventLoop<Source>(new NetPoller())
  const turns: string[] = []
  const connections: Connection[] = []
  story.tell('firehose', 'has 1,000 chunks to read')
  story.tell('trickle', 'has 3')
  for (const [name, count] of [
    ['firehose', 1_000],
    ['trickle', 3],
  ] as const) {
    const stream = new ScriptedStream()
    for (let chunk = 0; chunk < count; chunk++) stream.arrive(`${name}\n`)
    const connection = new Connection(stream, loop)
    connections.push(connection)
    connection.use({
      onBytes(bytes) {
        turns.push(name)
        if (turns.length === 6) loop.stop()
        return bytes.length
      },
      onEnd() {},
    })
  }
  await within(PATIENCE_MS, loop.run())
  const rounds = [0, 2, 4].map((at) =>
    turns
      .slice(at, at + 2)
      .toSorted()
      .join(' '),
  )
  expect(
    'each of the first three rounds to read once from both',
    rounds.every((round) => round === 'firehose trickle'),
    {
      because:
        'One read a turn, one turn a round: a peer that talks without end must not starve the rest.',
      likely:
        turns.length >= 6
          ? 'Read once and return. The poller reports again who has more; that is what it is for.'
          : connections.some(({ isOpen }) => !isOpen)
            ? 'Nobody has called end(). #flush(): only a connection that is ending says FIN.'
            : '#watch(): an open connection waits to read as long as it isReading and nothing is unread.',
      look:
        turns.length >= 6
          ? undefined
          : connections.some(({ isOpen }) => !isOpen)
            ? '#flush()'
            : '#watch()',
      expected: 'firehose and trickle in turn',
      received: turns.slice(0, 6).join(', '),
    },
  )
}

/** A peer that talks without end behind our goodbye has one turn a round, as everybody has. */
export async function expectFairGoodbye(stage: Stage): Promise<void> {
  const { story, expect } = stage
  const leaver = new CountedStream()
  for (let chunk = 0; chunk < 1_000; chunk++) leaver.arrive('wait!\n')
  story.tell('leaver', 'has 1,000 chunks to read, and the server has ended the connection')
  story.tell('trickle', 'has 3')
  const { connection, loop, end } = await onScriptedStream(stage, () => DEAF, leaver)
  connection.end('failed')
  const { Connection } = await stage.load(() => import('#code/07-event-loop/connection.ts'))
  const trickle = new CountedStream()
  for (let chunk = 0; chunk < 3; chunk++) trickle.arrive('trickle\n')
  const readsAtTurn: number[] = []
  new Connection(trickle, loop).use({
    onBytes(bytes) {
      readsAtTurn.push(leaver.reads)
      return bytes.length
    },
    onEnd() {},
  })
  await rounds()
  await end()
  const reads = readsAtTurn[2]
  expect('one read a round from leaver', reads <= 4, {
    because: 'What comes behind the goodbye is thrown away, and that takes time, too.',
    likely: 'Read once and return, whatever the state: the poller reports again who has more.',
    look: 'connection.#receive()',
    expected: '3 reads up to trickle’s third turn, or one more or less',
    received: `${reads}`,
  })
}

const DEAF: Protocol = { onBytes: (bytes) => bytes.length, onEnd() {} }

/** What is said in a turn goes out at the end of its round, and needs no turn of its own. */
export async function expectPromptReplies(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  const { stream, connection, loop, end } = await onScriptedStream(stage, (connection) => ({
    onBytes(bytes) {
      connection.send(Buffer.from(textOf(bytes).toUpperCase()))
      return bytes.length
    },
    onEnd() {},
  }))
  let heard = 0
  connection.observe({ onHeard: () => void heard++ })
  story.tell('peer', 'asks ten times, and waits for each answer', 'toServer')
  let answers = ''
  for (let question = 0; question < 10; question++) {
    stream.arrive('q')
    await rounds()
    answers += textOf(stream.takeWritten())
  }
  expectSame('the answers', answers, 'Q'.repeat(10), {
    because: 'Each question is answered.',
    likely: '#flush() lets the queue send: #queue.flush(), in every state.',
    look: '#flush()',
  })
  expectSame('the turns that this took', loop.stats().turns, 10, {
    because:
      'A reply goes out at the end of the round in which it was said. Waiting until the stream is writable costs another turn for each.',
    likely:
      '#flush() lets the queue send each time. Only what the stream did not take waits for it to be writable.',
    look: ['#flush()', '#watch()'],
  })
  expectSame('how often the observer was told of a message', heard, 0, {
    because: 'This protocol never calls heard(). Bytes alone are no message, and no sign of life.',
    likely:
      'Whether a whole message has come is the protocol’s to know: #receive() calls no heard().',
    look: 'connection.#receive()',
  })
  await end()
}

/** What is said in a round goes out at its end, in one write; and the end is told in the turn in which it was read. */
export async function expectAllInOneRound(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  const happened: string[] = []
  const atRoundEnd = (then: () => void) => loop.touch({ onRoundEnd: then })
  const { stream, connection, loop, end } = await onScriptedStream(stage, (connection) => ({
    onBytes(bytes) {
      connection.send(Buffer.from('hello '))
      return bytes.length
    },
    onEnd() {
      happened.push('onEnd()')
      connection.end('finished', Buffer.from('bye'))
      atRoundEnd(() => {
        const said = textOf(stream.takeWritten())
        happened.push(`sent: ${said}${stream.isEnded ? ' and FIN' : ''}`)
      })
    },
  }))
  story.tell('ada', 'sends "hi", and is sent "hello " in her turn, "ada" at the end of its round')
  stream.onRead = () => atRoundEnd(() => connection.send(Buffer.from('ada')))
  stream.arrive('hi')
  await rounds()
  expectSame('what was written', textOf(stream.takeWritten()), 'hello ada', {
    because: 'Both were said to ada.',
  })
  expectSame('the writes that this took', stream.writes, 1, {
    because: 'All that is said to a connection in one round goes out at its end, together.',
    likely: '#receive() sends nothing. #flush() runs at the end of the round.',
    look: ['connection.#receive()', '#flush()'],
  })
  story.tell('ada', 'says FIN; her protocol says "bye", and ends')
  stream.onRead = () => atRoundEnd(() => happened.push('the end of the round'))
  stream.arriveEnd()
  await rounds()
  const inOrder = ['onEnd()', 'the end of the round', 'sent: bye and FIN']
  expectSame('what happened', happened, inOrder, {
    because:
      'The end is told in the turn in which it was read. What is said then goes out at the end of that round, with FIN behind it.',
    likely:
      happened[0] === inOrder[0]
        ? '#flush(): when nothing waits any more, stream.end(), at once.'
        : '#receive() calls onEnd() itself, at once.',
    look: happened[0] === inOrder[0] ? '#flush()' : 'connection.#receive()',
  })
  await end()
}

/** What one peer says makes the server send a lot to others, in whose turn something has come, too: nothing is lost. */
export async function expectBacklogFromAnotherTurn(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  const because =
    'All of them had been reported before any had so much to be told. What is read must not be lost.'
  const look = 'connection.#receive()'
  story.tell('gus, hal', 'both say hello in one round; each hello sends 100,000 bytes to the other')
  const hellos = await hearInOneRound(stage, { gus: 'hello', hal: 'hello' })
  expectSame('what was heard', hellos, ['gus: hello', 'hal: hello'], {
    because,
    likely:
      '#receive() has read: then the protocol is offered it. Not to read is what #watch() decides, for the next round.',
    look,
  })
  story.tell(
    'ida, jon, kim',
    'in one round jon says hello, ida and kim say FIN; jon’s hello sends 100,000 bytes to both',
  )
  const fins = await hearInOneRound(stage, { ida: 'FIN', jon: 'hello', kim: 'FIN' })
  expectSame('what was heard', fins, ['ida: FIN', 'jon: hello', 'kim: FIN'], {
    because,
    likely:
      '#receive(): an open connection tells its protocol of the end, backlogged or not. It is read once, and never told again.',
    look,
  })
}

/** What their protocols hear, by name; each hello is answered by 100,000 bytes to all others. */
async function hearInOneRound(
  stage: Stage,
  says: Record<string, 'hello' | 'FIN'>,
): Promise<string[]> {
  const { EventLoop } = await stage.load(() => import('#code/07-event-loop/event-loop.ts'))
  const { NetPoller } = await stage.load(() => import('#code/07-event-loop/poller.ts'))
  const { Connection } = await stage.load(() => import('#code/07-event-loop/connection.ts'))
  const loop = new EventLoop<Source>(new NetPoller())
  const heard: string[] = []
  const connections: Connection[] = []
  for (const [name, what] of Object.entries(says)) {
    const stream = new CountedStream()
    if (what === 'FIN') stream.arriveEnd()
    else stream.arrive(what)
    const connection = new Connection(stream, loop)
    connection.use({
      onBytes(bytes) {
        heard.push(`${name}: ${textOf(bytes)}`)
        for (const other of connections) if (other !== connection) other.send(LOUD)
        return bytes.length
      },
      onEnd: () => heard.push(`${name}: FIN`),
    })
    connections.push(connection)
  }
  const running = loop.run()
  await rounds()
  loop.stop()
  await within(PATIENCE_MS, running)
  return heard.toSorted()
}

/** More than a queue takes before it is backlogged. */
const LOUD = Buffer.alloc(100_000)

/** `isBacklogged` says whether to read, `bytes` whether to write: another queue has other marks. */
export async function expectQueueAsked(stage: Stage): Promise<void> {
  const { story, expect, expectSame } = stage
  const heard: string[] = []
  const stream = new CountedStream()
  const queue = new TestQueue(stream)
  const { connection, loop, end } = await onScriptedStream(
    stage,
    () => ({
      onBytes(bytes) {
        heard.push(textOf(bytes))
        return bytes.length
      },
      onEnd() {},
    }),
    stream,
    queue,
  )
  story.tell('test', 'sends 10 bytes; the stream takes none; the queue is not backlogged')
  stream.setRoom(0)
  connection.send(Buffer.from('0123456789'))
  await rounds()
  stream.arrive('one')
  await rounds()
  expectSame('the chunks that were handed on', [...heard], ['one'], {
    because:
      'A few bytes that wait are no reason not to read. The queue says when they are too many, as in chapter 10.',
    likely:
      '#watch(): isReading decides about reading, not queue.bytes, nor whether there is something to write.',
    look: '#watch()',
  })
  story.tell('stream', 'takes everything again')
  stream.setRoom(Number.POSITIVE_INFINITY)
  await rounds()
  expectSame('what was written', textOf(stream.takeWritten()), '0123456789', {
    because:
      'Something was queued, so the connection waits until the stream is writable, backlogged or not.',
    likely: '#watch(): writes if queue.bytes > 0.',
    look: '#watch()',
  })
  const { turns } = loop.stats()
  await rounds()
  const more = loop.stats().turns - turns
  expect('the loop to leave the peer alone', more <= 1, {
    because:
      'Nothing is queued any more. The stream is writable all the time, so a connection that still waits for that has a turn in every round.',
    likely: '#watch(): it waits to write while something is queued, and no longer.',
    look: '#watch()',
    expected: 'no turns',
    received: `${more} turns`,
  })
  story.tell('queue', 'is backlogged; the stream takes nothing')
  stream.setRoom(0)
  queue.isBacklogged = true
  connection.send(Buffer.from('more'))
  await rounds()
  stream.arrive('two')
  await rounds()
  expectSame('the chunks that were handed on', [...heard], ['one'], {
    because: 'While the queue is backlogged, isReading is false.',
    likely: '#watch(): `isReading`, and not only whether somebody has called pauseReading().',
    look: '#watch()',
  })
  story.tell('stream', 'takes everything again; the queue is not backlogged any more')
  queue.isBacklogged = false
  stream.setRoom(Number.POSITIVE_INFINITY)
  await rounds()
  expectSame('the chunks that were handed on', heard, ['one', 'two'], {
    because: 'There is room again, so the connection reads on.',
    likely:
      '#watch() runs at the end of each round: reading begins again when isReading is true again.',
    look: '#watch()',
  })
  await end()
}

/** A queue that says it is backlogged when the test says so. */
export class TestQueue implements SendQueue {
  isBacklogged = false
  readonly #stream: CountedStream
  #waiting = Buffer.alloc(0)

  constructor(stream: CountedStream) {
    this.#stream = stream
  }

  get bytes(): number {
    return this.#waiting.length
  }

  push(bytes: Uint8Array): boolean {
    this.append(bytes)
    return true
  }

  append(bytes: Uint8Array): void {
    this.#waiting = Buffer.concat([this.#waiting, bytes])
  }

  flush(): void {
    this.#waiting = this.#waiting.subarray(this.#stream.write(this.#waiting))
  }
}

/** A peer that is not to be listened to for a while: chapter 11 will do that to all who ask too fast. */
export async function expectPause(stage: Stage): Promise<void> {
  const { story, expect, expectSame } = stage
  const heard: string[] = []
  const { stream, connection, loop, end } = await onScriptedStream(stage, (connection) => ({
    onBytes(bytes) {
      const text = textOf(bytes)
      heard.push(text)
      if (text.startsWith('pause')) connection.pauseReading('protocol')
      if (text.endsWith('resume')) connection.resumeReading('protocol')
      return bytes.length
    },
    onEnd() {},
    onClose: (why) => heard.push(why),
  }))
  const peer = {
    async sends(text: string) {
      story.tell('peer', `sends ${JSON.stringify(text)}`, 'toServer')
      stream.arrive(text)
      await rounds()
    },
  }

  await peer.sends('one')
  await peer.sends('pause')
  expectSame('the chunks that were handed on', heard.splice(0), ['one', 'pause'], {
    because: 'The second one’s handler has called pauseReading().',
  })
  const { turns } = loop.stats()
  await peer.sends('two')
  const turnsInVain = loop.stats().turns - turns
  expect('the loop to leave a paused peer alone', turnsInVain === 0 && stream.isReadable, {
    because:
      'Nothing is read while the connection is paused. Bytes that nobody reads are reported again and again.',
    likely: '#watch(): wait to read only while isReading.',
    expected: 'no turn, and nothing read',
    received: `${turnsInVain} turns, ${stream.isReadable ? 'nothing' : 'the next bytes'} read`,
  })
  story.tell('test', 'sends "wait a moment", for which there is room a little later')
  stream.setRoom(0)
  connection.send(Buffer.from('wait a moment'))
  await rounds()
  stream.setRoom(Number.POSITIVE_INFINITY)
  await rounds()
  expectSame('what was written meanwhile', textOf(stream.takeWritten()), 'wait a moment', {
    because: 'A peer that is not listened to is answered all the same.',
    likely: '#watch(): wait to write while something is queued, paused or not.',
  })
  expectSame('the chunks that were handed on meanwhile', heard, [], {
    because: 'A turn for writing is no reason to read.',
  })

  story.tell('test', 'calls resumeReading()')
  connection.resumeReading('protocol')
  await rounds()
  expectSame('the chunks that were handed on', heard.splice(0), ['two'], {
    because: 'What came meanwhile is read now.',
    likely: '#watch(): wait to read when nothing is queued, nobody has said FIN, and it isReading.',
  })
  await peer.sends('pause and resume')
  await peer.sends('three')
  expectSame('the chunks', heard.splice(0), ['pause and resume', 'three'], {
    because: 'A pause that is over before its round is leaves no trace.',
  })
  await peer.sends('pause')
  await peer.sends('four')
  story.tell('peer', 'resets the connection (RST)', 'toServer')
  stream.lose('ECONNRESET')
  await rounds()
  expectSame('what is heard from the peer', heard, ['pause', 'lost'], {
    because:
      'A lost connection is over at once, paused or not. What came behind the pause is nobody’s.',
  })
  await end()
}

/** A connection has a turn to read, and there is nothing: that is no message, and no end. */
export async function expectTurnInVain(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  const heard: string[] = []
  const { stream, end } = await onScriptedStream(stage, () => ({
    onBytes(bytes) {
      heard.push(textOf(bytes))
      return bytes.length
    },
    onEnd: () => heard.push('FIN'),
  }))
  story.tell('stream', 'is reported as readable, and its read() returns would-block')
  stream.raiseFalseAlarm()
  await rounds()
  story.tell('peer', 'sends "hello"', 'toServer')
  stream.arrive('hello')
  await rounds()
  await end()
  expectSame('what the protocol hears', heard, ['hello'], {
    because:
      'A report may be out of date when the turn comes; that happens with epoll, too. A turn in vain is over at once.',
    likely: "#receive(): read() may return 'would-block', which is neither bytes nor the end.",
    look: 'connection.#receive()',
  })
}

/** What a protocol leaves untaken is offered again: to itself, or to the one that was put in its place. */
export async function expectRestKept(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  const taken: string[] = []
  const { stream, connection, end } = await onScriptedStream(stage, (connection) => ({
    onBytes(bytes) {
      taken.push(textOf(bytes.subarray(0, 3)))
      if (taken.length === 1) connection.pauseReading('protocol')
      else {
        connection.use({
          onBytes(rest) {
            taken.push(`next protocol: ${textOf(rest)}`)
            return rest.length
          },
          onEnd() {},
        })
      }
      return 3
    },
    onEnd() {},
  }))
  story.tell('peer', 'sends "onetwothree" in one chunk; the protocol takes three bytes and pauses')
  stream.arrive('onetwothree')
  await rounds()
  stream.arrive(' and more')
  await rounds()
  expectSame('what was taken', [...taken], ['one'], {
    because: 'The protocol has paused. What it left waits in the connection.',
  })
  story.tell('test', 'resumes; the protocol takes three bytes and puts another in its place')
  connection.resumeReading('protocol')
  await rounds()
  const whole = taken.slice(2).join('').replaceAll('next protocol: ', '')
  expectSame('what was taken then', [taken[1], whole], ['two', 'three and more'], {
    because: 'The next protocol gets the rest of the chunk first, then what is read after it.',
    likely:
      taken[1] === 'two'
        ? '#watch(): while something is unread, nothing more is read: it would overtake the rest.'
        : '#receive() gives #offer() what it has read: that keeps what the protocol does not take, and offers it again.',
    look: taken[1] === 'two' ? '#watch()' : 'connection.#receive()',
  })
  await end()
}
