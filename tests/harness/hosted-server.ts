/**
 * A server under test, seen from the test: it runs in a process of its own.
 *
 * A spare process is always started ahead, so that a test does not wait for one.
 */

import { type CodeTree, fileIn } from './code-tree.ts'
import { type Diagnosis, diagnose, explainThrown } from './diagnosis.ts'
import { Failure, type FailureReport, type Reason } from './failure.ts'
import type { Leftovers, Listening, StartRequest } from './host-process.ts'
import { PATIENCE_MS, patience, within } from './patience.ts'
import type { Story } from './story.ts'
import { ProcessEnded, RemoteError, WatchedProcess } from './watched-process.ts'

/** Importing the code and starting to listen may take this long before we ask what is wrong. */
const START_MS = patience(2_000)

export interface ServeRequest {
  chapter: string
  /** The file that exports `startServer`. */
  file: string
  options: object
  step: string
}

/** What `startServer` rejected with. */
export interface Refusal {
  name: string
  message: string
}

export class HostedServer {
  readonly port: number
  readonly #process: WatchedProcess
  readonly #tree: CodeTree
  readonly #story: Story
  #isClosed = false

  private constructor(process: WatchedProcess, tree: CodeTree, story: Story, port: number) {
    this.#process = process
    this.#tree = tree
    this.#story = story
    this.port = port
  }

  /** Runs `startServer(options)` and waits for the port; whatever goes wrong is a `Failure`. */
  static async start(request: ServeRequest, tree: CodeTree, story: Story): Promise<HostedServer> {
    const process = await takeHost()
    const started = await HostedServer.#ask(process, request, tree, story)
    if (started instanceof RemoteError) {
      const diagnosis = explainThrown(started.thrown, tree, 'it threw')
      const likely = /taken|EADDRINUSE/.test(started.thrown.message) ? FIXED_PORT : diagnosis.likely
      throw startFailure(story, process, { ...diagnosis, likely })
    }
    const { port } = started
    if (!Number.isInteger(port) || (port as number) < 1 || (port as number) > 65_535) {
      throw new Failure(story, {
        headline: 'startServer() resolved without a usable port.',
        expected: { text: '{ port: 1 … 65535, close() }' },
        received: { text: `{ port: ${String(port)} }` },
        because: 'Whoever asks for port 0 ("any") must be told which one it became.',
        likely:
          "The port is known only once the server listens: server.address() is null before 'listening'.",
        output: process.output,
      })
    }
    story.tell('server', `listens on port ${port}`)
    return new HostedServer(process, tree, story, port as number)
  }

  /** Expects `startServer(options)` to reject, and answers what with. */
  static async refuse(
    request: ServeRequest,
    tree: CodeTree,
    story: Story,
    reason: Reason,
  ): Promise<Refusal> {
    const process = await takeHost()
    const started = await HostedServer.#ask(process, request, tree, story)
    await process.kill()
    if (started instanceof RemoteError) return started.thrown
    throw new Failure(story, {
      headline: 'startServer() resolved, but it should have rejected.',
      ...reason,
      output: process.output,
    })
  }

  static async #ask(
    process: WatchedProcess,
    { chapter, file, options, step }: ServeRequest,
    tree: CodeTree,
    story: Story,
  ): Promise<{ port: unknown } | RemoteError> {
    story.tell('test', `calls startServer(${describeOptions(options)})`)
    const start: StartRequest = { file: fileIn(tree, chapter, file), options, step }
    try {
      const started = await within(
        START_MS,
        process.request('start', start) as Promise<{ port: unknown }>,
      )
      if (started === 'too late') throw await slowStart(process, tree, story)
      return started
    } catch (error) {
      if (error instanceof RemoteError) return error
      if (!(error instanceof ProcessEnded)) throw error
      await process.ended
      throw startFailure(story, process, await diagnose(process, tree))
    }
  }

  /** What the server printed so far. */
  get output(): string {
    return this.#process.output
  }

  get hasEnded(): boolean {
    return this.#process.ending !== undefined
  }

  /** Calls a method of the running server, such as `stats`. */
  async call<T>(method: string, ...args: unknown[]): Promise<T> {
    return (await this.#request(`${method}()`, 'call', [method, args])) as T
  }

  /**
   * Waits until the server has handled whatever has reached its machine by now: one answer shows that its loop
   * has looked for events since, the second that it has been through all that it then found.
   */
  async roundTrip(): Promise<void> {
    await this.#request('A sign of life', 'ping')
    await this.#request('A sign of life', 'ping')
  }

  /** Bytes of live objects and buffers in the server's process, after a full collection. */
  async heldBytes(): Promise<number> {
    return (await this.#request('A look at its memory', 'heldBytes')) as number
  }

  /** Bytes written to accepted sockets that the kernel has not taken yet. */
  async queuedBytes(): Promise<number> {
    return (await this.#request('A look at its queues', 'queuedBytes')) as number
  }

  /** Worker threads that live in the server's process. */
  async workers(): Promise<number> {
    return (await this.#request('A look at its threads', 'workers')) as number
  }

  /** Sockets the server listens on. */
  async listening(): Promise<Listening[]> {
    return (await this.#request('A look at its sockets', 'listening')) as Listening[]
  }

  /** Whether `close()` has resolved. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Calls `close()` and waits until it resolves. May be started now and awaited later. */
  close(reason?: Reason): Promise<void> {
    this.#story.tell('test', 'calls close()')
    const closed = this.#close(reason)
    closed.catch(() => {})
    return closed
  }

  /** After `close()`: expects that the server holds nothing that keeps a process alive. */
  async expectNothingLeft(reason: Reason): Promise<void> {
    const leftovers = (await this.#request('A look at what is left', 'leftovers')) as Leftovers
    const outcome = leftovers.length === 0 ? 'kept' : 'broken'
    this.#story.judge('test', 'expects that nothing is left behind', outcome)
    if (outcome === 'kept') return
    throw new Failure(this.#story, {
      headline: `close() has resolved, but the server keeps ${list(leftovers)}.`,
      ...reason,
      output: this.output,
    })
  }

  /** What is wrong with the server, if anything is. */
  diagnose(): Promise<Diagnosis | undefined> {
    return diagnose(this.#process, this.#tree)
  }

  /** A failed expectation becomes a failure, with what the server itself has to say about it. */
  async fail(report: Omit<FailureReport, 'story'>): Promise<Failure> {
    const diagnosis = await this.diagnose()
    return new Failure(this.#story, {
      ...report,
      headline: diagnosis
        ? `${report.headline.replace(/\.$/, '')}: ${diagnosis.finding}.`
        : report.headline,
      likely: diagnosis ? diagnosis.likely : report.likely,
      trace: diagnosis?.trace ?? report.trace,
      openStep: diagnosis?.openStep,
      output: this.output,
    })
  }

  async kill(): Promise<void> {
    await this.#process.kill()
  }

  async #close(reason?: Reason): Promise<void> {
    await this.#request('close()', 'close', [], reason)
    this.#isClosed = true
    this.#story.tell('server', 'close() resolves')
  }

  async #request(
    what: string,
    method: string,
    args: unknown[] = [],
    reason?: Reason,
  ): Promise<unknown> {
    try {
      const value = await within(PATIENCE_MS, this.#process.request(method, ...args))
      if (value !== 'too late') return value
    } catch (error) {
      if (error instanceof RemoteError) {
        const { finding, ...diagnosis } = explainThrown(error.thrown, this.#tree, 'it threw')
        throw new Failure(this.#story, {
          headline: `${what} failed: ${finding}.`,
          ...diagnosis,
          output: this.output,
        })
      }
      if (!(error instanceof ProcessEnded)) throw error
      await this.#process.ended
      throw await this.fail({ headline: 'The server did not survive this', ...reason })
    }
    throw await this.fail({
      headline: `${what} did not come back within ${PATIENCE_MS / 1000} s.`,
      ...reason,
    })
  }
}

/** Tests that expect a server to start never ask for a certain port. */
const FIXED_PORT =
  'The test asked for port 0, any free port. A port that is fixed in the code can be taken: pass on the one that startServer() was given.'

function describeOptions(options: object): string {
  const entries = Object.entries(options).map(([name, value]) => {
    const shown =
      typeof value === 'string' && value.length > 24
        ? `'${value.slice(0, 12)}…'`
        : JSON.stringify(value)
    return `${name}: ${shown}`
  })
  return entries.length > 0 ? `{ ${entries.join(', ')} }` : ''
}

/** startServer() has neither resolved nor rejected in time. */
async function slowStart(process: WatchedProcess, tree: CodeTree, story: Story): Promise<Failure> {
  const diagnosis = await diagnose(process, tree)
  if (diagnosis) return startFailure(story, process, diagnosis)
  const listening = (await process.request('listening')) as Listening[]
  if (listening.length > 0) {
    return startFailure(story, process, {
      finding: `it listens on port ${listening[0].port} and has not said so`,
      likely:
        "The promise is never resolved: resolve it in the callback of listen(), or on 'listening'.",
    })
  }
  return startFailure(story, process, {
    finding: 'nothing listens on any port, and the promise is neither resolved nor rejected',
    likely: 'Is listen() called? And does an error on the server reject the promise?',
  })
}

function startFailure(
  story: Story,
  process: WatchedProcess,
  diagnosis: Diagnosis | undefined,
): Failure {
  const { finding, ...rest } = diagnosis ?? { finding: 'it ended' }
  return new Failure(story, {
    headline: `startServer() did not come up: ${finding}.`,
    ...rest,
    output: process.output,
  })
}

function list(things: string[]): string {
  return things.length < 2
    ? things.join('')
    : `${things.slice(0, -1).join(', ')} and ${things.at(-1)}`
}

const HOST_SCRIPT = new URL('./host-process.ts', import.meta.url).pathname

let spare: Promise<WatchedProcess> | undefined

/** Starts a process ahead of need. */
export function prepareHost(): void {
  spare ??= WatchedProcess.start(HOST_SCRIPT, ['--expose-gc'])
}

async function takeHost(): Promise<WatchedProcess> {
  prepareHost()
  const taken = await spare!
  spare = undefined
  prepareHost()
  return taken
}
