/** The time that chapters' loops are judged in: it must itself be beyond suspicion. */

import { expect, test } from 'vitest'
import { ScriptedStream } from '../harness/scripted-stream.ts'
import { Story } from '../harness/story.ts'
import { VirtualLoop } from '../harness/virtual-time.ts'

/** A loop with one alarm, that notes when it was awake and what it read. */
function makeLoop(world: VirtualLoop, alarmAtMs: number) {
  const seen: string[] = []
  const stream = new ScriptedStream()
  world.poller.add(stream, { readable: true, writable: false })
  const run = async () => {
    for (;;) {
      const now = world.clock.now()
      const ready = await world.poller.wait(
        alarmAtMs > now ? alarmAtMs - now : Number.POSITIVE_INFINITY,
      )
      const read =
        ready.length > 0 ? Buffer.from(stream.read() as Uint8Array).toString() : 'nothing'
      seen.push(`${world.clock.now()} ${read}`)
      if (read === 'stop') return
    }
  }
  return { seen, stream, run }
}

test('a loop is woken when it asked to be, and when something arrives', async () => {
  const world = new VirtualLoop(new Story())
  const { seen, stream, run } = makeLoop(world, 5_000)
  await world.start({ run })
  await world.advance(4_999)
  expect(seen).toEqual([])
  stream.arrive('early')
  await world.settle()
  await world.advance(10_000)
  stream.arrive('stop')
  await world.settle()
  expect(seen).toEqual(['4999 early', '5000 nothing', '14999 stop'])
  expect(world.poller.sleeps).toEqual([5_000, 1, Number.POSITIVE_INFINITY])
  expect(world.hasEnded).toBe(true)
})

test('a loop that does not sleep is told from one that does', async () => {
  const world = new VirtualLoop(new Story())
  const run = async () => {
    for (;;) await world.poller.wait(0)
  }
  await expect(world.start({ run })).rejects.toThrow('does not sleep')
})

test('a loop that ticks is told from one that waits', async () => {
  const world = new VirtualLoop(new Story())
  const run = async () => {
    for (;;) await world.poller.wait(1)
  }
  await world.start({ run })
  await expect(world.advance(60_000)).rejects.toThrow('woke 1,000 times in 60 s')
})

test('what a loop throws comes out', async () => {
  const world = new VirtualLoop(new Story())
  const run = async () => {
    await world.poller.wait(10)
    throw new Error('a bug')
  }
  await world.start({ run })
  await expect(world.advance(10)).rejects.toThrow('a bug')
})

test('a closed source is reported whatever is wanted of it', async () => {
  const world = new VirtualLoop(new Story())
  const stream = new ScriptedStream()
  world.poller.add(stream, { readable: false, writable: false })
  const waiting = world.poller.wait(Number.POSITIVE_INFINITY)
  stream.arrive('unwanted')
  expect(world.poller.isAsleep).toBe(true)
  stream.lose('ECONNRESET')
  expect(await waiting).toEqual([
    { source: stream, readable: false, writable: false, hungUp: true },
  ])
})

test('a scripted stream takes what there is room for', () => {
  const stream = new ScriptedStream()
  stream.setRoom(3)
  expect([stream.write(Buffer.from('abcd')), stream.write(Buffer.from('d'))]).toEqual([3, 0])
  expect(stream.isWritable).toBe(false)
  expect(Buffer.from(stream.takeWritten()).toString()).toBe('abc')
  expect(stream.read()).toBe('would-block')
  stream.arrive('in')
  stream.arriveEnd()
  expect(Buffer.from(stream.read() as Uint8Array).toString()).toBe('in')
  expect(stream.read()).toBe('end')
})
