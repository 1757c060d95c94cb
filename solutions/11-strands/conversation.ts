/**
 * One client of the line protocol. Answers may take a while: jobs run in a pool, replies keep the order of their lines.
 *
 * A job begins as soon as its line has arrived, alongside the client's other jobs. Only the reply waits for its turn,
 * in the client's strand. The number of unanswered lines is bounded: a client that asks faster than we answer is not
 * read from.
 */

import { threadId } from 'node:worker_threads'
import { runCommand } from '../04-thread-per-connection/commands.ts'
import { PoolBusy, type RunOptions } from '../06-worker-pool/worker-pool.ts'
import type { ByteStream, Source } from '../07-event-loop/byte-stream.ts'
import { Connection, type Ending } from '../07-event-loop/connection.ts'
import type { EventLoop } from '../07-event-loop/event-loop.ts'
import { type LineEvents, LineProtocol } from '../07-event-loop/line-protocol.ts'
import { Strand } from './strand.ts'

/** The part of a `WorkerPool` that is needed here. */
export interface LinePool {
  run(line: string, options: RunOptions): Promise<string>
}

/** What the conversations of a server share. */
export interface ConversationContext {
  pool: LinePool
  /** The conversations that are not over. */
  open: Set<Conversation>
  /** How many lines of one client may be unanswered; at that number, no more are read from it. */
  maxUnanswered: number
}

/** The commands that compute, block or crash: they must not run on the loop. */
const JOBS = new Set(['fib', 'sleep', 'crash'])

export class Conversation implements LineEvents {
  readonly #lines: LineProtocol
  readonly #context: ConversationContext
  /** One task for each reply: it waits for the answer and sends it. */
  readonly #replies = new Strand()
  /**
   * Lines whose replies have not been sent.
   *
   * @answer 11.2
   */
  #unanswered = 0
  /** Aborted by `cancel()`, once and for all. */
  readonly #gone = new AbortController()

  constructor(stream: ByteStream, loop: EventLoop<Source>, context: ConversationContext) {
    this.#context = context
    context.open.add(this)
    const connection = new Connection(stream, loop)
    this.#lines = new LineProtocol(connection, this)
    connection.use(this.#lines)
  }

  onLine(line: string): void {
    this.#reply(this.#answer(line))
  }

  /**
   * Called when the client has sent FIN; it may still be listening. Ends the connection, as `'finished'`, once every
   * line before the FIN has its reply.
   *
   * @step 11.3
   */
  onEnd(): void {
    this.#replies.post(() => this.#lines.end('finished'))
  }

  /** Sends the error after the replies to the lines before it; without these, it would be taken for one of them. */
  onTooLong(): void {
    this.#replies.post(() => {
      if (!this.#gone.signal.aborted) this.#lines.say('error line too long')
      this.#lines.end('invalid')
    })
  }

  /** Ends the connection at once. Replies that are due can no longer be sent, so nobody waits for the jobs. */
  onStop(why: Ending): void {
    this.#lines.end(why)
    this.cancel()
  }

  onClose(): void {
    this.#context.open.delete(this)
    this.cancel()
  }

  /**
   * Takes back all jobs of this client that are in the pool, running or queued: nobody is left to be answered. From now
   * on, no reply is sent: neither one that is already known, nor one to a job that was taken back, nor one to a later
   * line. The connection itself stays open, and `onEnd()` ends it as ever.
   *
   * @step 11.5
   */
  cancel(): void {
    this.#gone.abort()
  }

  /**
   * Returns the answer to a line, or a promise of it. The pool runs `JOBS`, each line as a job of its own, with the
   * signal that takes them back when the client has gone; everything else is answered here and now. The promise never
   * rejects: a job that fails is answered with `errorReply`. When a job has ended, nothing of it is kept: no listener
   * (the pool removes its own), and no signal, if you make one for each job.
   *
   * @step 11.2 11.4 11.5
   */
  #answer(line: string): string | Promise<string> {
    const [command] = line.split(' ', 1)
    if (!JOBS.has(command)) return runCommand(line, ON_THE_LOOP)
    return this.#context.pool.run(line, { signal: this.#gone.signal }).catch(errorReply)
  }

  /**
   * Sends the answer, unchanged, once it is known and the replies to all earlier lines have been sent; sends nothing
   * after `cancel()`.
   *
   * A line is unanswered until its reply has been sent. With `maxUnanswered` of them, no further line is handed on, and
   * nothing more is read from the client. Each reply makes room for one line, whatever it says and however slowly the
   * client takes it. `resumeReading()` does the rest: it hands on the lines that have been read already, then reads
   * again. The reason to pause is `'owner'`: others may pause the connection for reasons of their own.
   *
   * @step 11.2 11.3 11.5 11.6
   */
  #reply(answer: string | Promise<string>): void {
    this.#unanswered += 1
    if (this.#unanswered >= this.#context.maxUnanswered) {
      this.#lines.connection.pauseReading('owner')
    }
    this.#replies.post(async () => this.#say(await answer))
  }

  /** @answer 11.2 */
  #say(reply: string): void {
    if (this.#gone.signal.aborted) return
    this.#lines.say(reply)
    this.#unanswered -= 1
    this.#lines.connection.resumeReading('owner')
  }
}

/**
 * Returns the reply to a line whose job has failed: `busy` when the pool refused it, `error crashed: …` with the first
 * line of the error's message, unchanged, when it threw. That line may be empty.
 *
 * @step 11.4
 */
function errorReply(error: Error): string {
  if (error instanceof PoolBusy) return 'busy'
  return `error crashed: ${error.message.split('\n')[0]}`
}

const ON_THE_LOOP = {
  threadId,
  sleep() {
    throw new Error('the loop never sleeps')
  },
}
