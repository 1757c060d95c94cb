/** Lines come whole, once and in order, whenever the connection is paused and resumed: chapter 07's, 11 stands on it. */

import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Source } from '../../solutions/07-event-loop/byte-stream.ts'
import { Connection } from '../../solutions/07-event-loop/connection.ts'
import { EventLoop } from '../../solutions/07-event-loop/event-loop.ts'
import { LineProtocol } from '../../solutions/07-event-loop/line-protocol.ts'
import { NetPoller } from '../../solutions/07-event-loop/poller.ts'
import { TimerQueue } from '../../solutions/08-timers/timer-queue.ts'
import { Outbox } from '../../solutions/10-backpressure/outbox.ts'
import { ScriptedStream } from '../harness/scripted-stream.ts'

const RUNS = { seed: 7, numRuns: 150 }

test('every line comes once and in order, however it is cut and wherever the connection is paused', () =>
  fc.assert(
    fc.asyncProperty(
      fc.record({
        /** What is done about each line when it comes. */
        lines: fc.array(fc.constantFrom('nothing', 'pause', 'pause and resume'), { maxLength: 40 }),
        chunk: fc.integer({ min: 1, max: 60 }),
      }),
      async ({ lines, chunk }) => {
        const { stream, connection, heard, ended } = connect()
        const texts = lines.map((what, index) => `${index} ${what}`)
        const bytes = Buffer.from(texts.map((text) => `${text}\n`).join(''))
        for (let start = 0; start < bytes.length; start += chunk)
          stream.arrive(bytes.subarray(start, start + chunk))
        stream.arriveEnd()
        const pauses = lines.filter((what) => what === 'pause').length
        for (let resumed = 0; resumed <= pauses; resumed++) {
          await settle(bytes.length / chunk)
          const pausedAt = texts.filter((text) => text.endsWith('pause'))[resumed]
          expect(heard.at(-1)).toBe(pausedAt ?? 'FIN')
          connection.resumeReading('owner')
        }
        expect(heard).toEqual([...texts, 'FIN'])
        await ended()
      },
    ),
    RUNS,
  ))

test('a handler that pauses and resumes for every line is not called inside itself', async () => {
  const { stream, heard, depths, ended } = connect()
  stream.arrive('pause and resume\n'.repeat(10_000))
  await settle()
  expect(heard).toHaveLength(10_000)
  expect(Math.max(...depths)).toBe(1)
  await ended()
})

test('who is paused and told goodbye is read from, up to its own FIN', async () => {
  const { stream, loop, connection, heard, ended } = connect()
  stream.arrive('pause\nnever\n')
  await settle()
  connection.end('finished')
  connection.pauseReading('owner')
  stream.arrive('thrown away\n')
  stream.arriveEnd()
  await settle()
  expect(stream.isEnded).toBe(true)
  expect(heard).toEqual(['pause', 'the end'])
  expect(loop.stats().sources).toBe(0)
  await ended()
})

test('who is paused in the turn of another one is not read from in that round', async () => {
  const { loop, stream, connection, heard, ended } = connect()
  const other = new ScriptedStream()
  new Connection(other, loop).use({
    onBytes(bytes) {
      connection.pauseReading('owner')
      return bytes.length
    },
    onEnd() {},
  })
  await settle()
  // Who changes first is reported first.
  other.arrive('pause him\n')
  stream.arrive('later\n')
  await settle()
  expect([heard, stream.isReadable]).toEqual([[], true])
  connection.resumeReading('owner')
  await settle()
  expect(heard).toEqual(['later'])
  await ended()
})

test('who was cut while paused does not come back with resume()', async () => {
  const { stream, poller, connection, heard, ended } = connect()
  stream.arrive('pause\nnever\n')
  await settle()
  connection.destroy('failed')
  connection.resumeReading('owner')
  stream.arrive('nor this\n')
  await settle()
  expect(heard).toEqual(['pause', 'the end'])
  await ended()
  expect(await poller.wait(0)).toEqual([])
})

test('a connection that is destroyed in the middle of a message leaves no source behind', async () => {
  const { stream, loop, connection, ended } = connect()
  connection.use({
    onBytes(bytes) {
      connection.send(bytes)
      connection.destroy('failed')
      connection.send(bytes)
      return bytes.length
    },
    onEnd() {},
  })
  stream.setRoom(0)
  stream.arrive('anything')
  await settle()
  expect(stream.isDestroyed).toBe(true)
  expect(loop.stats().sources).toBe(0)
  await ended()
})

test('a protocol that waits for room is told of it, although a send has made it before the round was over', async () => {
  const { stream, loop, ended } = connect()
  const other = new ScriptedStream()
  const limits = { highWaterBytes: 1_000, lowWaterBytes: 200, maxQueuedBytes: 2_000 }
  const connection = new Connection(other, loop, new Outbox(other, limits))
  let told = 0
  connection.use({ onBytes: (bytes) => bytes.length, onEnd() {}, onRoom: () => told++ })
  for (const roundsBetween of [0, 1]) {
    other.setRoom(0)
    connection.send(new Uint8Array(1_950))
    expect(connection.isBacklogged).toBe(true)
    for (let round = 0; round < roundsBetween; round++) await settle()
    other.setRoom(Number.POSITIVE_INFINITY)
    // The outbox is over its limit, so it offers the stream what waits.
    connection.send(new Uint8Array(100))
    expect(connection.isBacklogged).toBe(false)
    await settle()
    expect(told).toBe(roundsBetween + 1)
  }
  connection.destroy('finished')
  stream.arriveEnd()
  await ended()
})

test.each([
  [
    'that is said',
    { onStop: (why: string, lines: LineProtocol) => lines.say(why) },
    'slow-consumer\n',
  ],
  [
    'that is said before the end',
    {
      onStop(why: 'slow-consumer', lines: LineProtocol) {
        lines.say(why)
        lines.end(why)
      },
    },
    'slow-consumer\n',
  ],
  ['that is not said', {}, ''],
])(
  'lines that have no room end the connection once, after a reason %s',
  async (_what, events, words) => {
    const { loop, stream, ended } = connect()
    const other = new ScriptedStream()
    const limits = { highWaterBytes: 1_000, lowWaterBytes: 200, maxQueuedBytes: 2_000 }
    const connection = new Connection(other, loop, new Outbox(other, limits))
    const lines = new LineProtocol(connection, {
      onLine() {},
      onEnd() {},
      onTooLong() {},
      ...events,
    })
    connection.use(lines)
    other.setRoom(0)
    lines.say('x'.repeat(1_500))
    lines.say('y'.repeat(1_500))
    expect(connection.isOpen).toBe(false)
    other.setRoom(Number.POSITIVE_INFINITY)
    await settle()
    expect(Buffer.from(other.takeWritten()).toString()).toBe(`${'x'.repeat(1_500)}\n${words}`)
    expect(other.isEnded).toBe(true)
    stream.arriveEnd()
    other.arriveEnd()
    await settle()
    await ended()
  },
)

test('a connection whose end is read before it is closed is lost, if it was lost', async () => {
  for (const [why, told] of [
    ['finished', 'lost'],
    ['invalid', 'invalid'],
  ] as const) {
    const { loop, stream, ended } = connect()
    const other = new ScriptedStream()
    other.holdDescriptor()
    const connection = new Connection(other, loop)
    const closed: string[] = []
    connection.use({
      onBytes: (bytes) => bytes.length,
      onEnd: () => connection.end(why),
      onClose: (reason) => closed.push(reason),
    })
    other.lose('ECONNRESET')
    await settle()
    other.freeDescriptor()
    await settle()
    expect(closed).toEqual([told])
    stream.arriveEnd()
    await ended()
  }
})

test('a wait for longer than setTimeout can count sleeps', async () => {
  const poller = new NetPoller()
  let isOver = false
  const waiting = poller.wait(2 ** 31).then(() => {
    isOver = true
  })
  // setTimeout takes such a delay for 1 ms. When a timer of 5 ms has fired, that one would have, too.
  await new Promise((resolve) => setTimeout(resolve, 5))
  await settle()
  expect(isOver).toBe(false)
  poller.wake()
  await waiting
})

test('a timer that is armed while the loop sleeps wakes it', async () => {
  const timers = new TimerQueue(performance)
  const loop = new EventLoop<Source>(new NetPoller(), timers)
  const running = loop.run()
  await settle()
  timers.after(1, () => loop.stop())
  await running
})

/** A connection on a loop of its own, that does what each line ends with. */
function connect() {
  const poller = new NetPoller()
  const loop = new EventLoop<Source>(poller)
  const running = loop.run()
  const stream = new ScriptedStream()
  const heard: string[] = []
  const depths: number[] = []
  let depth = 0
  const connection = new Connection(stream, loop)
  const lines = new LineProtocol(connection, {
    onLine(line) {
      depths.push(++depth)
      heard.push(line)
      if (/pause/.test(line)) connection.pauseReading('owner')
      if (/resume/.test(line)) connection.resumeReading('owner')
      depth -= 1
    },
    onEnd: () => heard.push('FIN'),
    onTooLong: () => heard.push('too long'),
    onClose: () => heard.push('the end'),
  })
  connection.use(lines)
  const ended = () => {
    loop.stop()
    return running
  }
  return { poller, loop, stream, connection, heard, depths, ended }
}

/** A turn of the loop is two of Node's; after so many, and a few more, everything has happened. */
async function settle(turnsOfLoop = 0): Promise<void> {
  for (let turns = 0; turns < 2 * turnsOfLoop + 10; turns++) await turn()
}
