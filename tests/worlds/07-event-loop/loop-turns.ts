/** What step 07.5 asks about the turns of a connection: one read each, and what is read is not lost. */

import type { Source } from '#code/07-event-loop/byte-stream.ts'
import type { Connection, Protocol } from '#code/07-event-loop/connection.ts'
import { PATIENCE_MS, within } from '../../harness/patience.ts'
import { ScriptedStream } from '../../harness/scripted-stream.ts'
import type { Stage } from '../../judge/step.ts'
import { CountedStream, onScriptedStream, rounds } from './loop-connections.ts'
import { textOf } from './loop-streams.ts'

/** Two clients on a loop, one of whom always has more to say. */
export async function expectFairTurns({ story, load, expect }: Stage): Promise<void> {
  const { EventLoop } = await load(() => import('#code/07-event-loop/event-loop.ts'))
  const { NetPoller } = await load(() => import('#code/07-event-loop/poller.ts'))
  const { Connection } = await load(() => import('#code/07-event-loop/connection.ts'))
  const loop = new EventLoop<Source>(new NetPoller())
  const turns: string[] = []
  const connections: Connection[] = []
  story.tell('firehose', 'has 1,000 chunks to read')
  story.tell('trickle', 'has 3 chunks to read')
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
        'One read a turn, one turn a round: a peer that never stops talking must not starve the rest.',
      likely:
        turns.length >= 6
          ? 'Read once and return. The poller reports a stream again if it has more; that is what it is for.'
          : connections.some(({ isOpen }) => !isOpen)
            ? 'end() was not called. #flush(): only a connection that is ending sends FIN.'
            : '#watch(): an open connection waits to read as long as isReading is true and nothing is unread.',
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
  story.tell('trickle', 'has 3 chunks to read')
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
    because: 'What arrives after the goodbye is discarded, but reading it takes time, too.',
    likely:
      'Read once and return, whatever the state: the poller reports a stream again if it has more.',
    look: 'connection.#receive()',
    expected: '3 reads up to trickle’s third turn, or one more or less',
    received: `${reads}`,
  })
  expect('FIN, although leaver keeps talking', leaver.ends === 1 && leaver.isReadable, {
    because:
      'Nothing was queued when the server ended the connection. Waiting until leaver is silent would take forever.',
    likely:
      '#flush(): it is enough that the connection is ending and nothing is queued. What is still to be read has nothing to do with FIN.',
    look: '#flush()',
    expected: 'one FIN',
    received: `${leaver.ends}`,
  })
}

const DEAF: Protocol = { onBytes: (bytes) => bytes.length, onEnd() {} }

/** What one peer says makes the server send a lot to others, in whose turn something has come, too: nothing is lost. */
export async function expectBacklogFromAnotherTurn(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  const because =
    'All of them had been reported before any of them was backlogged. What is read must not be lost.'
  const look = 'connection.#receive()'
  story.tell(
    'gus, hal',
    'both say hello in one round; each hello makes the server send 100,000 bytes to the other',
  )
  const hellos = await hearInOneRound(stage, { gus: 'hello', hal: 'hello' })
  expectSame('what the protocols were told', hellos, ['gus: hello', 'hal: hello'], {
    because,
    likely:
      'What #receive() has read must be offered to the protocol. Only #watch() decides not to read, and only for the next round.',
    look,
  })
  story.tell(
    'ida, jon, kim',
    'act in one round: jon says hello, ida and kim send FIN; jon’s hello makes the server send 100,000 bytes to both',
  )
  const fins = await hearInOneRound(stage, { ida: 'FIN', jon: 'hello', kim: 'FIN' })
  expectSame('what the protocols were told', fins, ['ida: FIN', 'jon: hello', 'kim: FIN'], {
    because,
    likely:
      '#receive(): an open connection tells its protocol of the end, backlogged or not. The end is read only once, and never told again.',
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
  expectSame('what the protocol is told', heard, ['hello'], {
    because:
      'A report may be out of date when its turn comes; that happens with epoll, too. A turn that finds nothing to read is over at once.',
    likely: "#receive(): read() may return 'would-block', which is neither bytes nor the end.",
    look: 'connection.#receive()',
  })
}

/** A stream is lost while two chunks wait in it: a turn still reads one of them, and a pause is still a pause. */
export async function expectOneReadWhenLost(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  const heard: string[] = []
  let isPaused = true
  const stream = new CountedStream()
  stream.holdDescriptor()
  for (const chunk of ['one', 'two']) stream.arrive(chunk)
  stream.lostWith = 'ECONNRESET'
  story.tell(
    'peer',
    'sends "one" and "two" and resets the connection (RST); the kernel has not freed the descriptor yet',
    'toServer',
  )
  const { connection, end } = await onScriptedStream(
    stage,
    (connection) => ({
      onBytes(bytes) {
        heard.push(textOf(bytes))
        if (isPaused) connection.pauseReading('protocol')
        return isPaused ? 0 : bytes.length
      },
      onEnd: () => heard.push('the end'),
    }),
    stream,
  )
  await rounds()
  const whilePaused = heard.splice(0)
  isPaused = false
  story.tell('protocol', 'has paused in "one" and taken none of it; now the test resumes it')
  connection.resumeReading('protocol')
  await rounds()
  await end()
  expectSame(
    'what the protocol is told while it pauses, and after that',
    [whilePaused, heard],
    [['one'], ['one', 'two', 'the end']],
    {
      because:
        'What has arrived is read in order, chunk by chunk, although the stream is lost. A protocol that has paused is told nothing more, and what it has not taken waits.',
      likely:
        'Read once and return, whatever lostWith says: a second read in the same turn pays no heed to the pause, and its bytes take the place of those in #unread.',
      look: 'connection.#receive()',
    },
  )
}
