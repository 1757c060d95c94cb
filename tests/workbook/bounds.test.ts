/** What the given code of chapter 10 promises about marks, and about silence while we do not read. */

import { connect } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import type { ByteStream, Source } from '../../solutions/07-event-loop/byte-stream.ts'
import type { Connection } from '../../solutions/07-event-loop/connection.ts'
import { EventLoop } from '../../solutions/07-event-loop/event-loop.ts'
import { TimerQueue } from '../../solutions/08-timers/timer-queue.ts'
import { FrameProtocol } from '../../solutions/09-framing/frame-protocol.ts'
import { Admission, type AdmissionLimits } from '../../solutions/10-backpressure/admission.ts'
import { startServer } from '../../solutions/10-backpressure/server.ts'
import { ScriptedStream } from '../harness/scripted-stream.ts'
import { Story } from '../harness/story.ts'
import { VirtualLoop } from '../harness/virtual-time.ts'
import { frame } from '../protocols/frames.ts'

const FOREVER = Number.POSITIVE_INFINITY

const LIMITS: AdmissionLimits = {
  maxConnections: 10,
  messagesPerSecond: FOREVER,
  burstMessages: 100,
  highWaterBytes: 100,
  lowWaterBytes: 20,
  maxQueuedBytes: 1_000,
  stallMs: 1_000,
  idleMs: 3_000,
  goodbyeMs: 5_000,
}

/** As a frame, 50 bytes. */
const ANSWER = 'x'.repeat(46)

/** A frame server in virtual time, and one who has connected. */
async function admitOne(limits: Partial<AdmissionLimits>) {
  const world = new VirtualLoop<Source>(new Story())
  const timers = new TimerQueue(world.clock)
  const loop = new EventLoop<Source>(world.poller, timers)
  await world.start(loop)
  const connections: Connection[] = []
  const admission = new Admission(
    timers,
    { ...LIMITS, ...limits },
    {
      open: (connection) => {
        connections.push(connection)
        return new FrameProtocol(connection, {
          onFrame: (_payload, frames) => frames.send(Buffer.from(ANSWER)),
        })
      },
    },
  )
  const stream = new ScriptedStream()
  admission.admit(stream as ByteStream, loop)
  await world.settle()
  return { world, stream, connection: connections[0], stats: () => admission.stats() }
}

const hundred = Buffer.concat(Array(100).fill(frame('a')))

test('a peer that takes its answers slowly, while its own frames wait unread, is not idle', async () => {
  const { world, stream, stats } = await admitOne({})
  stream.setRoom(0)
  stream.arrive(hundred)
  for (let times = 0; times < 20; times++) {
    await world.pass(500)
    stream.setRoom(10)
    await world.settle()
    stream.takeWritten()
  }
  expect(stats()).toMatchObject({ connections: 1, endings: {} })
  expect(stream.isEnded).toBe(false)
  // Now everything is read and answered: from here on, it is idle when it says nothing.
  stream.setRoom(FOREVER)
  await world.settle()
  expect(stats().messages).toBe(100)
  await world.pass(2_999)
  expect(stream.isEnded).toBe(false)
  await world.pass(1)
  expect(stream.isEnded).toBe(true)
})

test.each([3_000, 6_000, 10_000])(
  'a peer that is not read for %i ms, because it talks too fast, is not idle, and may be so later',
  async (pauseMs) => {
    const { world, stream, stats } = await admitOne({
      messagesPerSecond: 1_000 / pauseMs,
      burstMessages: 1,
    })
    stream.arrive(Buffer.concat(Array(4).fill(frame('a'))))
    await world.settle()
    expect(stats().messages).toBe(2)
    for (const messages of [3, 4]) {
      await world.pass(pauseMs)
      expect(stats().messages).toBe(messages)
    }
    // The last overdraft is paid; only then does its silence begin.
    await world.pass(pauseMs + 2_999)
    expect(stream.isEnded).toBe(false)
    await world.pass(1)
    expect(stream.isEnded).toBe(true)
  },
)

test('a peer that is paused by the server is not idle, however long that takes', async () => {
  const { world, stream, connection } = await admitOne({})
  connection.pauseReading('owner')
  await world.pass(20_000)
  expect(stream.isEnded).toBe(false)
  connection.resumeReading('owner')
  world.poller.wake()
  await world.settle()
  await world.pass(2_999)
  expect(stream.isEnded).toBe(false)
  await world.pass(1)
  expect(stream.isEnded).toBe(true)
})

test('a high-water mark that is below the low one counts all the same', async () => {
  const { world, stream, stats } = await admitOne({ lowWaterBytes: 16_384 })
  stream.setRoom(0)
  stream.arrive(hundred)
  await world.settle()
  // The third answer is one too many.
  expect(stats()).toMatchObject({ messages: 3, queuedBytes: 150 })
  stream.setRoom(49)
  await world.settle()
  expect(stats().messages).toBe(3)
  stream.setRoom(1)
  await world.settle()
  expect(stats().messages).toBe(4)
})

test('a limit that is given as undefined is the usual one', async () => {
  const server = await startServer({ goodbyeMs: undefined, maxConnections: undefined })
  const socket = connect(server.port, '127.0.0.1')
  socket.write(Buffer.from('ff000000', 'hex'))
  expect((await buffer(socket)).toString('latin1')).toContain('error')
  await server.close()
})
