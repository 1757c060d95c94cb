/** What step 07.5 asks about peers that are not read for a while: by a backlog, by a pause, behind a rest. */

import type { Stage } from '../../judge/step.ts'
import {
  CountedStream,
  expectAsleep,
  NOTHING_MOVES,
  onScriptedStream,
  rounds,
  TestQueue,
} from './loop-connections.ts'
import { textOf } from './loop-streams.ts'

/** `isBacklogged` says whether to read, `bytes` whether to write: another queue has other marks. */
export async function expectQueueAsked(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  const heard: string[] = []
  const stream = new CountedStream()
  const queue = new TestQueue(stream)
  const { connection, loop, timers, end } = await onScriptedStream(
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
  await expectAsleep(stage, { loop, timers }, NOTHING_MOVES)
  stream.arrive('one')
  await rounds()
  expectSame('the chunks that were handed on', [...heard], ['one'], {
    because:
      'A few queued bytes are no reason not to read. The queue says when there are too many, as in chapter 10.',
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
    likely: '#watch(): wait to write if queue.bytes > 0.',
    look: '#watch()',
  })
  await expectAsleep(
    stage,
    { loop, timers },
    {
      because:
        'Nothing is queued any more. The stream is writable all the time, so a connection that still waits for that has a turn in every round.',
      likely: '#watch(): wait to write while something is queued, and no longer.',
    },
  )
  story.tell('queue', 'is backlogged; the stream takes nothing')
  stream.setRoom(0)
  queue.isBacklogged = true
  connection.send(Buffer.from('more'))
  await rounds()
  stream.arrive('two')
  await rounds()
  expectSame('the chunks that were handed on', [...heard], ['one'], {
    because: 'While the queue is backlogged, isReading is false.',
    likely: '#watch(): look at `isReading`, not only at whether pauseReading() was called.',
    look: '#watch()',
  })
  await expectAsleep(
    stage,
    { loop, timers },
    {
      because:
        'The peer has said something, but is not to be read now, and the stream takes nothing. The loop can sleep until the stream has room.',
      likely: '#watch(): wait to read only while isReading is true.',
    },
  )
  story.tell('stream', 'takes everything again; the queue is not backlogged any more')
  queue.isBacklogged = false
  stream.setRoom(Number.POSITIVE_INFINITY)
  await rounds()
  expectSame('the chunks that were handed on', heard, ['one', 'two'], {
    because: 'There is room again, so the connection goes on reading.',
    likely:
      '#watch() runs at the end of each round: reading begins again when isReading is true again.',
    look: '#watch()',
  })
  await end()
}

/** A peer that is not to be listened to for a while: chapter 11 will do that to all who ask too fast. */
export async function expectPause(stage: Stage): Promise<void> {
  const { story, expect, expectSame } = stage
  const heard: string[] = []
  const { stream, connection, loop, timers, end } = await onScriptedStream(stage, (connection) => ({
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
    because: 'The protocol called pauseReading() when it got the second one.',
  })
  const { turns } = loop.stats()
  await peer.sends('two')
  const turnsInVain = loop.stats().turns - turns
  expect('the loop to leave a paused peer alone', turnsInVain === 0 && stream.isReadable, {
    because:
      'Nothing is read while the connection is paused. If it waited to read, its unread bytes would be reported again and again.',
    likely: '#watch(): wait to read only while isReading is true.',
    expected: 'no turn, and nothing read',
    received: `${turnsInVain} turns, ${stream.isReadable ? 'nothing' : 'the next bytes'} read`,
  })
  await expectAsleep(
    stage,
    { loop, timers },
    {
      because: 'The peer is paused, and nothing is queued. The loop can sleep.',
      likely: '#watch(): wait to read only while isReading is true.',
    },
  )
  story.tell('test', 'sends "wait a moment", for which there is room a little later')
  stream.setRoom(0)
  connection.send(Buffer.from('wait a moment'))
  await rounds()
  stream.setRoom(Number.POSITIVE_INFINITY)
  await rounds()
  expectSame('what was written meanwhile', textOf(stream.takeWritten()), 'wait a moment', {
    because: 'A peer that is not read is answered all the same.',
    likely: '#watch(): wait to write while something is queued, paused or not.',
  })
  expectSame('the chunks that were handed on meanwhile', heard, [], {
    because: 'A turn for writing is no reason to read.',
    likely:
      '#watch(): `BOTH` only if the connection also waits to read. A paused one gets `WRITING`.',
    look: '#watch()',
  })

  story.tell('test', 'calls resumeReading()')
  connection.resumeReading('protocol')
  await rounds()
  expectSame('the chunks that were handed on', heard.splice(0), ['two'], {
    because: 'What arrived meanwhile is read now.',
    likely:
      '#watch(): wait to read when nothing is unread, the peer has not sent FIN, and isReading is true.',
  })
  await peer.sends('pause and resume')
  await peer.sends('three')
  expectSame('the chunks that were handed on', heard.splice(0), ['pause and resume', 'three'], {
    because: 'A pause that is over before its round ends leaves no trace.',
  })
  await peer.sends('pause')
  await peer.sends('four')
  story.tell('peer', 'resets the connection (RST)', 'toServer')
  stream.lose('ECONNRESET')
  await rounds()
  expectSame('what the protocol is told', heard, ['pause', 'lost'], {
    because:
      'A lost connection is over at once, paused or not. What arrived after the pause is dropped.',
  })
  await end()
}

/** What a protocol leaves untaken is offered again: to itself, or to the one that was put in its place. */
export async function expectRestKept(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  const taken: string[] = []
  const { stream, connection, loop, timers, end } = await onScriptedStream(stage, (connection) => ({
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
    likely:
      '#watch(): nothing is read while the connection is paused, nor while something is unread.',
    look: '#watch()',
  })
  await expectAsleep(
    stage,
    { loop, timers },
    {
      because:
        'The rest waits until resumeReading() is called, and so does what arrived after it. The loop can sleep.',
      likely: '#watch(): wait to read only if nothing is unread and isReading is true.',
    },
  )
  story.tell(
    'test',
    'calls resumeReading(); the protocol takes three bytes and puts another protocol in its place',
  )
  connection.resumeReading('protocol')
  await rounds()
  const whole = taken.slice(2).join('').replaceAll('next protocol: ', '')
  expectSame('what was taken then', [taken[1], whole], ['two', 'three and more'], {
    because: 'The next protocol gets the rest of the chunk first, then what is read after it.',
    likely:
      taken[1] === 'two'
        ? '#watch(): read nothing more while something is unread: newer bytes would overtake the rest.'
        : 'Give #offer() what #receive() has read: it keeps what the protocol does not take, and offers it again.',
    look: taken[1] === 'two' ? '#watch()' : 'connection.#receive()',
  })
  await end()
}

/** What a backlogged protocol leaves untaken waits for room, and the loop sleeps meanwhile. */
export async function expectRestBehindBacklog(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  const taken: string[] = []
  const { stream, loop, timers, end } = await onScriptedStream(stage, (connection) => ({
    onBytes(bytes) {
      taken.push(textOf(bytes.subarray(0, 3)))
      connection.send(Buffer.alloc(100_000))
      return 3
    },
    onEnd() {},
  }))
  stream.setRoom(5)
  story.tell(
    'peer',
    'sends "onetwo" in one chunk; the protocol takes three bytes a call, and answers each with 100,000; the stream takes five bytes, and then none',
  )
  stream.arrive('onetwo')
  await rounds()
  stream.arrive('end')
  await rounds()
  const before = [...taken]
  await expectAsleep(
    stage,
    { loop, timers },
    {
      because:
        'The stream takes nothing, so the queue is backlogged: nothing is offered, nothing is read, nothing is sent. The loop can sleep until there is room.',
      likely: '#watch(): wait to read only if nothing is unread and isReading is true.',
    },
  )
  story.tell('stream', 'takes everything again')
  stream.setRoom(Number.POSITIVE_INFINITY)
  await rounds()
  expectSame(
    'what was taken before and after that',
    [before, taken],
    [['one'], ['one', 'two', 'end']],
    {
      because: 'Each part is answered, and the next one is offered when there is room.',
      likely:
        '#watch(): wait to write while something is queued, and to read again when nothing is unread and isReading is true.',
      look: '#watch()',
    },
  )
  await end()
}
