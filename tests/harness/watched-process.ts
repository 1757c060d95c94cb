/**
 * A process that runs code we do not trust to behave: it may crash, spin, sleep or leave, and we can always
 * say which.
 *
 * Requests travel over Node's IPC channel to the main thread; `look()` asks the watchdog thread, which
 * answers even when the main thread cannot.
 */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createInterface, type Interface } from 'node:readline'
import type { Readable } from 'node:stream'
import { type LastWords, readLastWords, type ThrownError } from './last-words.ts'
import { patience, within } from './patience.ts'
import { readPrintedLines } from './printed-lines.ts'
import type { ThreadLook } from './thread-look.ts'
import type { Look, Usage } from './watchdog.ts'

export interface Ending {
  code: number | null
  signal: NodeJS.Signals | null
  lastWords?: LastWords
}

/** The code under test threw while it answered a request. */
export class RemoteError extends Error {
  readonly thrown: ThrownError
  constructor(thrown: ThrownError) {
    super(thrown.message)
    this.thrown = thrown
  }
}

/** The process ended before it answered. */
export class ProcessEnded extends Error {}

type Reply = { id: number; value: unknown } | { id: number; error: ThrownError }

/** What a process may use. */
export interface ProcessLimits {
  /** How many files and sockets it may have open; POSIX only. */
  maxOpenFiles?: number
}

const LOWER_LIMIT = 'ulimit -n "$0" && exec "$@"'

/** A watchdog that says nothing for so long cannot: the main thread is in native code, where nobody can stop it. */
const LOOK_MS = patience(3_000)

/** It looks at every thread for 5 s at most, and says what it has seen by then. */
const LOOK_AT_THREADS_MS = patience(8_000)

/** Windows has no process groups. */
const HAS_GROUPS = process.platform !== 'win32'

/** So long may a process that has ended still be printing: somebody else has its pipes then. */
const LAST_OUTPUT_MS = patience(300)

/** What a process printed is kept up to here: enough to see what is wrong, never enough to hurt. */
const MAX_OUTPUT_CHARACTERS = 16 * 1024

export class WatchedProcess {
  /** Set once the process is gone. */
  ending: Ending | undefined
  readonly ended: Promise<Ending>
  /** Everything it printed on stdout and stderr, in order of arrival. */
  output = ''

  #child: ChildProcess
  #watchdog: Promise<Watchdog>
  #lastWords: LastWords | undefined
  #nextId = 1
  #waiting = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void }
  >()
  #onEvent: (event: unknown) => void = () => {}

  private constructor(child: ChildProcess, watchdog: Promise<Watchdog>) {
    this.#child = child
    this.#watchdog = watchdog
    this.ended = this.#followToTheEnd()
    child.on('message', (message) => this.#receive(message))
    this.#collect(child.stdout!)
    this.#collect(child.stderr!)
  }

  /** Resolves when the watchdog is on duty: before that, nobody could tell where the main thread hangs. */
  static async start(
    script: string,
    { maxOpenFiles }: ProcessLimits = {},
  ): Promise<WatchedProcess> {
    const lookout = await openLookout()
    const token = `${processes++}`
    const watchdog = new Promise<Watchdog>((resolve) => lookout.expected.set(token, resolve))
    // Internals: timers are listed nowhere else.
    const nodeArgs = ['--disable-warning=ExperimentalWarning', '--expose-internals']
    const child = fork(script, [], {
      ...(maxOpenFiles === undefined
        ? { execArgv: nodeArgs }
        : // Only a shell can lower the limit for a process before it starts.
          {
            execPath: '/bin/sh',
            execArgv: ['-c', LOWER_LIMIT, `${maxOpenFiles}`, process.execPath, ...nodeArgs],
          }),
      env: { ...process.env, WORKBOOK_LOOKOUT: `${lookout.port}/${token}` },
      // A group of its own: what the code under test starts ends with it.
      detached: HAS_GROUPS,
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    const started = new WatchedProcess(child, watchdog)
    await Promise.race([watchdog, started.ended])
    return started
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** Messages that answer no request. */
  onEvent(handler: (event: unknown) => void): void {
    this.#onEvent = handler
  }

  /** Rejects with `RemoteError` when the code there throws, with `ProcessEnded` when it ends first. */
  request(method: string, ...args: unknown[]): Promise<unknown> {
    if (this.ending) return Promise.reject(new ProcessEnded())
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#child.send({ id, method, args }, (error) => error && reject(new ProcessEnded()))
    })
  }

  /** Where the main thread is now; `undefined` when the process is gone or its watchdog is silent. */
  look(): Promise<Look | undefined> {
    return this.#askWatchdog<Look>('look', LOOK_MS)
  }

  /** Where the worker threads of the code under test are now; none when nobody can say. */
  async lookAtThreads(): Promise<ThreadLook[]> {
    return (await this.#askWatchdog<ThreadLook[]>('threads', LOOK_AT_THREADS_MS)) ?? []
  }

  /** Said by the watchdog, for the main thread may have no time. Rejects with `ProcessEnded`. */
  async usage(): Promise<Usage> {
    const answer = this.#watchdog.then((watchdog) => watchdog.ask('usage'))
    const usage = await Promise.race([answer, this.ended])
    if (this.ending) throw new ProcessEnded()
    return usage as Usage
  }

  /** Ends the process and all that it has started. */
  async kill(): Promise<void> {
    this.#killGroup()
    await this.ended
  }

  #killGroup(): void {
    if (!HAS_GROUPS || !this.#child.pid) return void this.#child.kill('SIGKILL')
    try {
      process.kill(-this.#child.pid, 'SIGKILL')
    } catch {
      // Nobody of the group is left.
    }
  }

  async #askWatchdog<T>(what: string, patienceMs: number): Promise<T | undefined> {
    const answer = this.#watchdog.then((watchdog) => watchdog.ask(what))
    const outcome = await within(patienceMs, Promise.race([answer, this.ended]), this.pid)
    return outcome === 'too late' || this.ending ? undefined : (outcome as T)
  }

  async #followToTheEnd(): Promise<Ending> {
    const child = this.#child
    child.on('error', () => {})
    const closed = once(child, 'close')
    const [code, signal] = await Promise.race([once(child, 'exit'), closed])
    // A process that it has started may have its pipes, and would hold them open.
    this.#killGroup()
    if ((await within(LAST_OUTPUT_MS, closed)) === 'too late') {
      for (const pipe of [child.stdout, child.stderr]) pipe?.destroy()
      await closed
    }
    this.ending = { code, signal, lastWords: this.#lastWords }
    for (const { reject } of this.#waiting.values()) reject(new ProcessEnded())
    this.#waiting.clear()
    return this.ending
  }

  #receive(message: unknown): void {
    const reply = message as Reply
    const waiting = this.#waiting.get(reply?.id)
    if (!waiting) return this.#onEvent(message)
    this.#waiting.delete(reply.id)
    if ('error' in reply) waiting.reject(new RemoteError(reply.error))
    else waiting.resolve(reply.value)
  }

  #collect(stream: Readable): void {
    readPrintedLines(stream, (line) => {
      const lastWords = readLastWords(line)
      if (lastWords) this.#lastWords = lastWords
      else this.#keep(line)
    })
  }

  #keep(line: string): void {
    const room = MAX_OUTPUT_CHARACTERS - this.output.length
    if (room > 0) this.output += line.length > room ? `${line.slice(0, room)}…\n` : `${line}\n`
  }
}

/** A watchdog thread that has called. */
interface Watchdog {
  ask(what: string): Promise<unknown>
}

interface Lookout {
  port: number
  /** Who waits for which watchdog, by token. */
  expected: Map<string, (watchdog: Watchdog) => void>
}

let lookout: Promise<Lookout> | undefined

/** How many have been started: the next one's token. */
let processes = 0

/** Where the watchdogs of all our processes call: one listening socket, which keeps nobody alive. */
function openLookout(): Promise<Lookout> {
  lookout ??= new Promise((resolve) => {
    const expected: Lookout['expected'] = new Map()
    const server = createServer((socket) => {
      socket.unref()
      const lines = createInterface({ input: socket })
      // A process that is killed with a question unread resets the connection; the interface says that again, as its own.
      for (const end of [socket, lines]) end.on('error', () => {})
      lines.once('line', (token) => {
        expected.get(token)?.(toWatchdog(socket, lines))
        expected.delete(token)
      })
    })
    server.unref()
    server.listen(0, '127.0.0.1', () =>
      resolve({ port: (server.address() as AddressInfo).port, expected }),
    )
  })
  return lookout
}

function toWatchdog(socket: Socket, lines: Interface): Watchdog {
  // By number: a look takes its time, and what is asked after it is answered before.
  const waiting = new Map<number, (answer: unknown) => void>()
  let asked = 0
  lines.on('line', (line) => {
    const { question, answer } = JSON.parse(line)
    waiting.get(question)?.(answer)
    waiting.delete(question)
  })
  return {
    ask: (what) =>
      new Promise((resolve) => {
        asked += 1
        waiting.set(asked, resolve)
        socket.write(`${asked} ${what}\n`)
      }),
  }
}
