/** Replies keep their order, in any order of completion: chapter 11's strand, and the conversation that is built on it. */

import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Source } from '../../solutions/07-event-loop/byte-stream.ts'
import { EventLoop } from '../../solutions/07-event-loop/event-loop.ts'
import { NetPoller } from '../../solutions/07-event-loop/poller.ts'
import { Conversation, type LinePool } from '../../solutions/11-strands/conversation.ts'
import { Strand } from '../../solutions/11-strands/strand.ts'
import { ScriptedStream } from '../harness/scripted-stream.ts'

const RUNS = { seed: 11, numRuns: 150 }

/** So many strands, and the order in which their jobs end: each number names a job as strand and place. */
const jobs = fc
  .array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 5 })
  .chain((lengths) => {
    const all = lengths.flatMap((length, strand) =>
      Array.from({ length }, (_, place) => ({ strand, place })),
    )
    return fc.record({
      lengths: fc.constant(lengths),
      endings: fc.shuffledSubarray(all, { minLength: all.length }),
      failing: fc.subarray(all),
    })
  })

test('each strand says what is done up to the first gap, and waits for no other strand', () =>
  fc.assert(
    fc.asyncProperty(jobs, async ({ lengths, endings, failing }) => {
      const strands = lengths.map((length) => ({
        strand: new Strand(),
        said: [] as number[],
        done: new Set<number>(),
        answers: Array.from({ length }, () => Promise.withResolvers<number>()),
      }))
      // One that fails before its turn has come is nobody's yet.
      for (const { answers } of strands) for (const { promise } of answers) promise.catch(() => {})
      const results = strands.flatMap(({ strand, said, answers }) =>
        answers.map(({ promise }, place) =>
          strand.post(async () => {
            await promise.catch(() => {})
            said.push(place)
            return promise
          }),
        ),
      )
      const outcomes = Promise.allSettled(results)
      for (const job of endings) {
        const { answers, done } = strands[job.strand]
        if (failing.includes(job)) answers[job.place].reject(new Error('failed'))
        else answers[job.place].resolve(job.place)
        done.add(job.place)
        await turn()
        for (const { said, done, answers } of strands) {
          const firstGap = answers.findIndex((_, place) => !done.has(place))
          const expected = firstGap < 0 ? answers.length : firstGap
          expect(said).toEqual(Array.from({ length: expected }, (_, place) => place))
        }
      }
      const rejected = (await outcomes).filter(({ status }) => status === 'rejected')
      expect(rejected).toHaveLength(failing.length)
    }),
    RUNS,
  ))

const line = fc.oneof(
  fc.nat(99).map((n) => `echo ${n}`),
  fc.nat(99).map((n) => `fib ${n}`),
  fc.constant('crash'),
)

test('a conversation answers every line in its place, with no more in the pool than agreed', () =>
  fc.assert(
    fc.asyncProperty(
      fc.record({
        lines: fc.array(line, { maxLength: 24 }),
        maxUnanswered: fc.integer({ min: 1, max: 6 }),
        /** Which of the jobs in the pool ends next. */
        picks: fc.infiniteStream(fc.nat(5)),
        chunk: fc.integer({ min: 1, max: 60 }),
      }),
      async ({ lines, maxUnanswered, picks, chunk }) => {
        const { stream, pool, ended } = converse(maxUnanswered)
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''))
        for (let start = 0; start < bytes.length; start += chunk)
          stream.arrive(bytes.subarray(start, start + chunk))
        stream.arriveEnd()
        await settle()
        while (pool.running.length > 0) {
          expect(pool.running.length).toBeLessThanOrEqual(maxUnanswered)
          pool.endOne(picks.next().value!)
          await settle()
        }
        expect(textOf(stream)).toBe(lines.map(replyTo).join(''))
        expect(stream.isEnded).toBe(true)
        await ended()
      },
    ),
    RUNS,
  ))

test('who has gone leaves no job behind, and none is begun', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 24 }),
      fc.integer({ min: 1, max: 6 }),
      async (lines, maxUnanswered) => {
        const { stream, pool, open, ended } = converse(maxUnanswered)
        stream.arrive(Buffer.from(lines.map((text) => `${text}\n`).join('')))
        await settle()
        const begun = pool.begun
        stream.lose('ECONNRESET')
        await settle()
        expect(pool).toMatchObject({ running: [], begun })
        expect(open.size).toBe(0)
        await ended()
      },
    ),
    RUNS,
  ))

test('ten thousand lines at once, with room for one, are answered in order and do not exhaust the stack', async () => {
  const { stream, pool, open, ended } = converse(1)
  const lines = Array.from({ length: 10_000 }, (_, n) =>
    n % 100 === 99 ? `fib ${n}` : `echo ${n}`,
  )
  stream.arrive(lines.map((text) => `${text}\n`).join(''))
  stream.arriveEnd()
  while (open.size > 0) {
    expect(pool.running.length).toBeLessThanOrEqual(1)
    if (pool.running.length > 0) pool.endOne(0)
    await turn()
  }
  expect(textOf(stream)).toBe(lines.map(replyTo).join(''))
  await ended()
})

/** A conversation on a loop of its own, with a stream and a pool that do what the test says. */
function converse(maxUnanswered: number) {
  const loop = new EventLoop<Source>(new NetPoller())
  const running = loop.run()
  const stream = new ScriptedStream()
  const pool = new PlayedPool()
  const open = new Set<Conversation>()
  new Conversation(stream, loop, { pool, open, maxUnanswered })
  const ended = () => {
    loop.stop()
    return running
  }
  return { stream, pool, open, ended }
}

/** The loop's turns are Node's: a few of them, and everything that could happen has. */
async function settle(): Promise<void> {
  for (let turns = 0; turns < 80; turns++) await turn()
}

function textOf(stream: ScriptedStream): string {
  return Buffer.from(stream.takeWritten()).toString()
}

function replyTo(line: string): string {
  if (line === 'crash') return 'error crashed: on request\n'
  return line.startsWith('echo ') ? `${line.slice(5)}\n` : `${line}!\n`
}

interface PlayedJob {
  line: string
  resolve(answer: string): void
  reject(error: unknown): void
}

class PlayedPool implements LinePool {
  running: PlayedJob[] = []
  begun = 0

  run(line: string, { signal }: { signal?: AbortSignal }): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    const job = { line, resolve, reject }
    this.running.push(job)
    this.begun += 1
    signal?.addEventListener('abort', () => {
      this.running = this.running.filter((other) => other !== job)
      reject(signal.reason)
    })
    return promise
  }

  endOne(pick: number): void {
    const [job] = this.running.splice(pick % this.running.length, 1)
    if (job.line === 'crash') job.reject(new Error('on request\nwith a stack'))
    else job.resolve(`${job.line}!`)
  }
}
