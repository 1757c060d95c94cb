/**
 * A conversation of chapter 11 without sockets or threads: the test says what arrives, and when and how each job ends.
 *
 * Whatever the conversation wants to do it can do at once: nothing here takes time, and no time passes.
 */

import { getEventListeners } from 'node:events'
import type { Connection } from '#code/07-event-loop/connection.ts'
import type { LineEvents, LineProtocol } from '#code/07-event-loop/line-protocol.ts'
import type * as ConversationModule from '#code/11-strands/conversation.ts'
import type { Reason } from '../../harness/failure.ts'
import { countHeld } from '../../harness/garbage.ts'
import { withCommas } from '../../harness/numbers.ts'
import { countPendingWakeUps } from '../../harness/pending-wakeups.ts'
import { countRealTimers } from '../../harness/real-timers.ts'
import type { Stage } from '../../judge/step.ts'
import { ScriptedPeer } from '../scripted-peer.ts'

/** A line that the conversation has handed to the pool. */
export interface ScriptedJob {
  readonly line: string
  readonly isTakenBack: boolean
  /** How many listen for the loss of its client, beside the pool. */
  readonly listeners: number
  settle(outcome: string | Error): void
}

export class ScriptedConversation extends ScriptedPeer {
  readonly open = new Set<ConversationModule.Conversation>()
  readonly jobs: ScriptedJob[] = []
  /** Every signal that a job was run with, once. */
  readonly #signals: WeakRef<AbortSignal>[] = []
  readonly #references = new WeakMap<AbortSignal, WeakRef<AbortSignal>>()
  /** Whether what the pool does goes without saying. */
  #isQuiet = false

  static async start(stage: Stage, name: string, maxUnanswered = 100) {
    const { Conversation } = await stage.load(() => import('#code/11-strands/conversation.ts'))
    const scripted = new ScriptedConversation(stage, name)
    const { stream, open } = scripted
    const pool = {
      run: (line: string, options?: { signal?: AbortSignal }) =>
        scripted.#begin(line, options?.signal),
    }
    await scripted.run((loop) => void new Conversation(stream, loop, { pool, open, maxUnanswered }))
    return scripted
  }

  override send(text: string): Promise<void> {
    return super.send(text, JSON.stringify(text))
  }

  /** Lines that are jobs, all at once: what the pool does with them goes without saying. */
  async sendJobs(count: number): Promise<void> {
    this.tell(`sends "fib 1" ${count} times`)
    this.#isQuiet = true
    this.stream.arrive('fib 1\n'.repeat(count))
    await this.settle()
    this.#isQuiet = false
  }

  /** The beginning of a line, and no end of it. */
  async sendUnended(bytes: number): Promise<void> {
    this.tell(`sends ${withCommas(bytes)} bytes without a line end`)
    this.stream.arrive('x'.repeat(bytes))
    await this.settle()
  }

  /** So many bytes are taken from now on, and then none. */
  async setRoom(bytes: number): Promise<void> {
    this.tell(bytes > 0 ? 'reads on' : 'stops reading')
    this.stream.setRoom(bytes)
    await this.settle()
  }

  async lose(): Promise<void> {
    this.tell('resets the connection (RST)')
    this.stream.lose('ECONNRESET')
    await this.freeDescriptor()
  }

  /** As the server's `close()` does: the connection has not told of its end. */
  async cancel(): Promise<void> {
    this.stage.story.tell('test', 'calls cancel(), as the server’s close() does')
    for (const conversation of this.open) conversation.cancel()
    await this.settle()
  }

  /** As somebody does who ends the connection, whatever it is about. */
  async stop(): Promise<void> {
    this.stage.story.tell('test', 'calls onStop(), as code that ends the connection does')
    for (const events of this.open as Set<LineEvents>) {
      events.onStop?.('stopping', undefined as unknown as LineProtocol)
    }
    await this.settle()
  }

  /** A job ends with this answer, and its conversation is cancelled before anybody can have heard of that. */
  async endAndCancel(place: number, answer: string): Promise<void> {
    const { line, settle } = this.jobs[place]
    this.stage.story.tell('pool', `is done with "${line}", which returns "${answer}"`)
    settle(answer)
    await this.cancel()
  }

  /** Runs so many jobs, some of which fail; the story tells it in one line. */
  async runJobs(count: number): Promise<void> {
    this.tell(`sends ${count} lines, one by one; every second job fails`)
    this.#isQuiet = true
    for (let job = 0; job < count; job++) {
      this.stream.arrive('fib 1\n')
      await this.settle()
      this.jobs.at(-1)?.settle(job % 2 === 0 ? '1' : new Error('it fails'))
      await this.settle()
    }
    this.#isQuiet = false
  }

  /** How many of the signals that jobs were run with somebody still holds. */
  countHeldSignals(): Promise<number> {
    return countHeld(this.#signals)
  }

  /** Hands on each line as before. What that throws does not end the loop: it is returned, in a list that grows. */
  catchThrown(): Error[] {
    const thrown: Error[] = []
    for (const events of this.open as Set<LineEvents>) {
      const onLine = events.onLine.bind(events)
      events.onLine = (line, lines) => {
        try {
          onLine(line, lines)
        } catch (error) {
          thrown.push(error as Error)
        }
      }
    }
    return thrown
  }

  /** The kernel has done with it. Returns why it ended. The conversation is not told: what it does then is step 11.5. */
  async close(): Promise<string[]> {
    const endings: string[] = []
    for (const events of this.open as Set<LineEvents>) {
      events.onClose = (why) => void endings.push(why)
    }
    await this.freeDescriptor()
    return endings
  }

  /** Returns the connection, from its first line on. Before that line is handed on, `atFirst` may do something to it. */
  watchConnection(atFirst: (connection: Connection) => void = () => {}): () => Connection {
    let connection: Connection | undefined
    for (const events of this.open as Set<LineEvents>) {
      const onLine = events.onLine.bind(events)
      events.onLine = (line, lines) => {
        if (!connection) atFirst(lines.connection)
        connection = lines.connection
        onLine(line, lines)
      }
    }
    return () => connection!
  }

  /** Expects what was said since the last look. If only the beginning of it was, that may have a cause of its own. */
  expectSaid(lines: string[], reason: Reason, ifCutShort = reason.likely): void {
    const said = Buffer.from(this.stream.takeWritten()).toString()
    const expected = lines.map((line) => `${line}\n`).join('')
    const likely = expected.startsWith(said) ? ifCutShort : reason.likely
    this.stage.expectSame(`what ${this.name} hears`, said, expected, { ...reason, likely })
  }

  expectJobs(lines: string[], reason: Reason): void {
    const begun = this.jobs.map(({ line }) => line)
    this.stage.expectSame('the lines given to the pool', begun, lines, reason)
  }

  /** The job that began as the `place`th, from 0 on, comes to its end: with an answer or an error. */
  async end(place: number, outcome: string | Error): Promise<void> {
    const job = this.jobs[place]
    if (!job) {
      this.stage.expect(`${place + 1} lines to have reached the pool`, false, {
        because: 'There is a thread for each line, and room for all of them.',
        likely: 'Give every line to the pool as soon as there is room for it.',
      })
    }
    const how =
      typeof outcome === 'string'
        ? `returns "${outcome}"`
        : `fails with ${outcome.constructor.name}(${JSON.stringify(outcome.message)})`
    this.stage.story.tell('pool', `is done with "${job.line}", which ${how}`)
    job.settle(outcome)
    await this.settle()
  }

  /** Expects that nothing is left to wake it up but what comes from its client and its jobs. */
  async expectNoPolling(atRest: number, reason: Reason): Promise<void> {
    const pending = await countPendingWakeUps()
    const isAsleep = pending <= atRest && countRealTimers('11-strands') === 0
    this.stage.expect('no timer to be set', isAsleep, reason)
  }

  /** Like the pool, it leaves nothing behind on the signal, and nothing that holds it: the signal may be garbage then. */
  #begin(line: string, signal: AbortSignal | undefined): Promise<string> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    if (!this.#isQuiet) this.stage.story.tell('pool', `begins "${line}"`)
    const watched = signal && this.#referTo(signal)
    const job = {
      line,
      isTakenBack: false,
      get listeners() {
        const held = watched?.deref()
        return held ? getEventListeners(held, 'abort').length : 0
      },
      settle: (outcome: string | Error) =>
        outcome instanceof Error ? reject(outcome) : resolve(outcome),
    }
    this.jobs.push(job)
    return untilAborted(promise, signal, (reason) => {
      job.isTakenBack = true
      reject(reason)
    })
  }

  #referTo(signal: AbortSignal): WeakRef<AbortSignal> {
    const reference = this.#references.get(signal) ?? new WeakRef(signal)
    if (!this.#references.has(signal)) this.#signals.push(reference)
    this.#references.set(signal, reference)
    return reference
  }
}

/** Tells of the signal, if it aborts before the promise settles, and listens no longer than that. */
function untilAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  onAbort: (reason: unknown) => void,
): Promise<T> {
  const listener = () => onAbort(signal?.reason)
  signal?.addEventListener('abort', listener)
  return promise.finally(() => signal?.removeEventListener('abort', listener))
}
