/**
 * One client of the line protocol, whose answers may take a while: questions go out to a pool, replies go home in order.
 *
 * A job begins as soon as its line has come, beside the other jobs of the same client. Only the reply waits for its turn,
 * in the client's strand. So many lines may be unanswered, and no more: a client who asks faster than we answer is
 * not listened to.
 */

import { threadId } from 'node:worker_threads'
import { runCommand } from '../04-thread-per-connection/commands.ts'
import { PoolBusy, type RunOptions } from '../06-worker-pool/worker-pool.ts'
import type { ByteStream, Source } from '../07-event-loop/byte-stream.ts'
import { Connection, type Ending } from '../07-event-loop/connection.ts'
import type { EventLoop } from '../07-event-loop/event-loop.ts'
import { type LineEvents, LineProtocol } from '../07-event-loop/line-protocol.ts'
import { Strand } from './strand.ts'

/** What of a `WorkerPool` is needed here. */
export interface LinePool {
  run(line: string, options: RunOptions): Promise<string>
}

/** What all conversations of a server have in common. */
export interface House {
  pool: LinePool
  /** Those that are not over. */
  open: Set<Conversation>
  /** Lines of one client that may be unanswered; as long as they are, it is not listened to. */
  maxUnanswered: number
}

/** The commands that compute, block or crash: what must not happen on the loop. */
const JOBS = new Set(['fib', 'sleep', 'crash'])

export class Conversation implements LineEvents {
  readonly #lines: LineProtocol
  readonly #house: House
  /** A task for each reply: it says it. */
  readonly #replies = new Strand()
  /** Aborts when the connection is over. */
  readonly #gone = new AbortController()
  /** Lines that have been taken on and whose replies have not been said. */
  #unanswered = 0

  constructor(stream: ByteStream, loop: EventLoop<Source>, house: House) {
    this.#house = house
    house.open.add(this)
    const connection = new Connection(stream, loop)
    this.#lines = new LineProtocol(connection, this)
    connection.use(this.#lines)
  }

  onLine(line: string): void {
    this.#unanswered += 1
    this.#reply(this.#answer(line))
    if (!this.#hasRoom) this.#stopListening()
  }

  /**
   * The client has said FIN and may still be listening. The connection ends as well, once every line that came before has
   * its reply.
   *
   * @step 11.3
   */
  onEnd(): void {
    this.#replies.post(() => this.#lines.end('finished'))
  }

  /** The error takes its place behind the replies to the lines before it. */
  onTooLong(): void {
    this.#replies.post(() => {
      this.#lines.say('error line too long')
      this.#lines.end('invalid')
    })
  }

  onStop(why: Ending): void {
    this.#lines.end(why)
  }

  onClose(): void {
    this.#house.open.delete(this)
    this.cancel()
  }

  /**
   * Nobody is left to be answered: takes back all jobs that are in the pool, those that run as well.
   *
   * @step 11.5
   */
  cancel(): void {
    this.#gone.abort()
  }

  get #hasRoom(): boolean {
    return this.#unanswered < this.#house.maxUnanswered
  }

  /**
   * The answer to a line: `JOBS` are run by the pool, together with the signal that takes them back when the client has
   * gone; everything else is answered here and now. Never rejects: the answer to a job that failed is its `excuse`.
   *
   * @step 11.2 11.4 11.5
   */
  #answer(line: string): string | Promise<string> {
    const [command] = line.split(' ', 1)
    if (!JOBS.has(command)) return runCommand(line, ON_THE_LOOP)
    return this.#house.pool.run(line, { signal: this.#gone.signal }).catch(excuse)
  }

  /**
   * Says the answer as soon as it is there and the replies to all earlier lines have been said.
   *
   * @step 11.2 11.3
   */
  #reply(answer: string | Promise<string>): void {
    this.#replies.post(async () => this.#say(await answer))
  }

  #say(reply: string): void {
    const hadRoom = this.#hasRoom
    this.#lines.say(reply)
    this.#unanswered -= 1
    if (!hadRoom) this.#listenAgain()
  }

  /**
   * As many lines are unanswered as may be: the client's next one is not taken on before a reply has been said, and
   * nothing more is read from it.
   *
   * @step 11.6
   */
  #stopListening(): void {
    this.#lines.connection.pauseReading('owner')
  }

  /**
   * There is room for a line again: those that have come are taken on at the end of the round, as many as there is room
   * for, and then the client is read from.
   *
   * @step 11.6
   */
  #listenAgain(): void {
    this.#lines.connection.resumeReading('owner')
  }
}

/**
 * What a client is told whose job has failed: `busy` when the pool has refused it, `error crashed: …` with the first line
 * of the error's message when it threw.
 *
 * @step 11.4
 */
function excuse(error: Error): string {
  if (error instanceof PoolBusy) return 'busy'
  return `error crashed: ${error.message.split('\n')[0]}`
}

const ON_THE_LOOP = {
  threadId,
  sleep() {
    throw new Error('the loop never sleeps')
  },
}
