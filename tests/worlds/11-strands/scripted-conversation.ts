/**
 * A conversation of chapter 11 without sockets or threads: the test says what arrives, and when and how each job ends.
 *
 * Whatever the conversation wants to do it can do at once: nothing here takes time, and no time passes.
 */

import { getEventListeners } from 'node:events'
import type { Connection } from '#code/07-event-loop/connection.ts'
import type { LineEvents } from '#code/07-event-loop/line-protocol.ts'
import type * as ConversationModule from '#code/11-strands/conversation.ts'
import type { Reason } from '../../harness/failure.ts'
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

  /** Expects what was said since the last look. */
  expectSaid(lines: string[], reason: Reason): void {
    const said = Buffer.from(this.stream.takeWritten()).toString()
    const expected = lines.map((line) => `${line}\n`).join('')
    this.stage.expectSame(`what ${this.name} hears`, said, expected, reason)
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
        : `fails with ${JSON.stringify(outcome.message)}`
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

  #begin(line: string, signal: AbortSignal | undefined): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    this.stage.story.tell('pool', `begins "${line}"`)
    this.jobs.push({
      line,
      get isTakenBack() {
        return signal?.aborted === true
      },
      get listeners() {
        return signal ? getEventListeners(signal, 'abort').length : 0
      },
      settle: (outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome)),
    })
    const takeBack = () => reject(signal?.reason)
    signal?.addEventListener('abort', takeBack)
    return promise.finally(() => signal?.removeEventListener('abort', takeBack))
  }
}
