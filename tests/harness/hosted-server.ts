/** A server under test, seen from the test: it runs in a process of its own. */

import { type CodeTree, placesOf } from './code-tree.ts'
import { type Diagnosis, diagnose, explainThrown, UNCAUGHT_REJECTION } from './diagnosis.ts'
import { expecting } from './expecting.ts'
import { Failure, type FailureReport, likeliest, type Reason } from './failure.ts'
import type { Activity, Leftovers, Listening } from './host-process.ts'
import type { ThrownError } from './last-words.ts'
import { openHole } from './open-hole.ts'
import { Deadline, PATIENCE_MS, whenBusy } from './patience.ts'
import type { Story } from './story.ts'
import type { Usage } from './watchdog.ts'
import { ProcessEnded, RemoteError, type WatchedProcess } from './watched-process.ts'

export interface BegunCall {
  /** Whether it has resolved. */
  isOver: boolean
  /** Waits for it; fails where it rejects, or does not come to an end. */
  end(): Promise<unknown>
}

export class HostedServer {
  readonly port: number
  readonly #process: WatchedProcess
  readonly #tree: CodeTree
  readonly #story: Story
  #closing: Promise<void> | undefined
  #isClosed = false
  #threadsWhenClosed: number | undefined
  #isKilled = false

  constructor(process: WatchedProcess, tree: CodeTree, story: Story, port: number) {
    this.#process = process
    this.#tree = tree
    this.#story = story
    this.port = port
  }

  /** What the server printed so far. */
  get output(): string {
    return this.#process.output
  }

  get hasEnded(): boolean {
    return this.#process.ending !== undefined
  }

  /** Whether it was the test that has ended its process. */
  get isKilled(): boolean {
    return this.#isKilled
  }

  /** Calls a method of the running server, such as `stats`. */
  async call<T>(method: string, ...args: unknown[]): Promise<T> {
    return (await this.#request(`${method}()`, 'call', [method, args])) as T
  }

  /** Calls a method that has to wait for something the test does first. Patience with it begins when `end` is called. */
  beginCall(method: string, ...args: unknown[]): BegunCall {
    const call: BegunCall = {
      isOver: false,
      end: () => this.#outcome(`${method}()`, request),
    }
    const request = this.#process.request('call', method, args)
    request.then(
      () => {
        call.isOver = true
      },
      // Whoever waits for the end will see the error.
      () => {},
    )
    return call
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

  /** Memory of the whole process: coarse, but it also sees what waits in message ports and in the allocator. */
  async rssBytes(): Promise<number> {
    return (await this.#usage()).rssBytes
  }

  /** Bytes written to accepted sockets that the kernel has not taken yet. */
  async queuedBytes(): Promise<number> {
    return (await this.#request('A look at its queues', 'queuedBytes')) as number
  }

  /** Bytes written to the sockets that are accepted and open: those that the kernel has taken and those that still wait. */
  async writtenBytes(): Promise<number> {
    return (await this.#request('A look at what it has written', 'writtenBytes')) as number
  }

  /** Bytes read from the sockets that are accepted and open: what the kernel keeps is not among them. */
  async readBytes(): Promise<number> {
    return (await this.#request('A look at what it has read', 'readBytes')) as number
  }

  /** Accepted connections that are not closed in both directions yet. */
  async connections(): Promise<number> {
    return (await this.#request('A look at its connections', 'connections')) as number
  }

  /** CPU time that the server's process uses in so many milliseconds, or more where patience is, in which nobody asks anything of it. */
  async cpuMsDuring(ms: number): Promise<number> {
    const before = (await this.#usage()).cpuMs
    await new Promise((resolve) => setTimeout(resolve, whenBusy(ms)))
    return (await this.#usage()).cpuMs - before
  }

  /** How much CPU time the server uses until `act` is over. */
  async cpuMsWhile(act: () => Promise<unknown>): Promise<number> {
    const before = (await this.#usage()).cpuMs
    await act()
    return (await this.#usage()).cpuMs - before
  }

  /** Milliseconds until the next timer of the server fires; Infinity when none is set. */
  async msToNextTimer(): Promise<number> {
    const { timerMs } = (await this.#request('A look at its timers', 'activity')) as Activity
    return timerMs ?? Number.POSITIVE_INFINITY
  }

  /** Whether its main thread has something to do without anybody's asking: a turn of the loop, a file, a child process. */
  async isBusy(): Promise<boolean> {
    for (let look = 0; look < 3; look++) {
      const { pending, threads } = (await this.#request(
        'A look at what it does',
        'activity',
      )) as Activity
      if (pending === threads) return false
      await this.roundTrip()
    }
    return true
  }

  /** Its process, for those who look into `/proc`. */
  get pid(): number {
    return this.#process.pid
  }

  /** Worker threads that live in the server's process. */
  async workers(): Promise<number> {
    return (await this.#request('A look at its threads', 'workers')) as number
  }

  /** The same server, for clients that come through another of its ports. */
  through(port: number): HostedServer {
    return new HostedServer(this.#process, this.#tree, this.#story, port)
  }

  /** Sockets the server listens on. */
  async listening(): Promise<Listening[]> {
    return (await this.#request('A look at its sockets', 'listening')) as Listening[]
  }

  /**
   * Lets all of its threads crash with that message, which says `on request`. Node may tell a crash `withExit`: both
   * events in one turn.
   */
  async crashThreads(message: string, { withExit = false } = {}): Promise<void> {
    const text = message.length > 96 ? `${message.slice(0, 96)}…` : message
    const how = withExit ? ', and the server hears of that and of its exit in one turn' : ''
    this.#story.tell('thread', `throws ${JSON.stringify(text)}${how}`)
    await this.#request('A crash of its threads', 'crashThreads', [message, withExit])
    await this.roundTrip()
  }

  /** Lets the kernel fail to hand over a connection, with an errno name such as `EMFILE`; the server must survive it. */
  async failAccept(errno: string, reason: Reason): Promise<void> {
    this.#story.tell('kernel', `cannot hand over a connection (${errno})`)
    for (const method of ['failAccept', 'ping', 'ping']) {
      await this.#outcome('A failed accept', this.#process.request(method, errno), reason)
    }
  }

  /** Looks again and again, between round trips, until something holds or patience ends. A look may know the cause. */
  async expectEventually(
    what: string,
    look: () => Promise<{ holds: boolean; received: string; likely?: string }>,
    reason: Reason,
  ): Promise<void> {
    let seen = await look()
    const deadline = new Deadline(PATIENCE_MS, this.#process.pid)
    for (let looks = 1; !seen.holds && !deadline.isOver; looks++) {
      await this.roundTrip()
      // Most things are there after a few round trips. For what is not, both cores have better things to do.
      if (looks > 10) await new Promise((resolve) => setTimeout(resolve, Math.min(looks, 25)))
      seen = await look()
    }
    this.#story.judge('test', `expects ${what}`, seen.holds ? 'kept' : 'broken')
    if (seen.holds) return
    throw await this.fail({
      headline: `The test expected ${what}.`,
      expected: { text: what },
      received: { text: seen.received },
      ...reason,
      likely: seen.likely ?? reason.likely,
    })
  }

  /** Whether `close()` has resolved. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Worker threads that were alive at the very moment when `close()` resolved; `undefined` before that. */
  get threadsWhenClosed(): number | undefined {
    return this.#threadsWhenClosed
  }

  /** Calls `close()` and does not wait for it. Called again, it calls `close()` again: then both are waited for. */
  beginClose(): void {
    this.#story.tell('test', this.#closing ? 'calls close() once more' : 'calls close()')
    const closing = this.#process.request('close').then((threads) => {
      this.#isClosed = true
      this.#threadsWhenClosed ??= threads as number
      this.#story.tell('server', 'close() resolves')
    })
    // The caller that waits for it will see the error.
    closing.catch((error) => {
      if (error instanceof RemoteError) {
        this.#story.tell('server', `close() rejects with ${error.thrown.name}`)
      }
    })
    this.#closing = this.#closing ? this.#closing.then(() => closing) : closing
    this.#closing.catch(() => {})
  }

  /** Waits until the `close()` that was begun has resolved. */
  async expectClosed(reason: Reason): Promise<void> {
    await this.#outcome('close()', this.#closing!, reason)
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

  /** Waits for something that the server should bring about, as long as there is hope. */
  expecting<T>(promise: Promise<T>): Promise<T | 'too late'> {
    return expecting(this.#process, promise)
  }

  /** A failed expectation becomes a failure, with what the server itself has to say about it. */
  async fail({
    seen,
    ...report
  }: Omit<FailureReport, 'story'> & Pick<Reason, 'seen'>): Promise<Failure> {
    const illness = refined(await this.diagnose(), seen)
    const crash = illness ? undefined : await this.#crashOfThread()
    const threads = illness ? undefined : await this.#whereThreadsAre()
    const diagnosis = illness ?? crash
    const known = crash && likeliest<Partial<Reason>>({ seen }, 'crashed')
    return new Failure(this.#story, {
      ...report,
      look: known?.look ?? report.look,
      headline: diagnosis
        ? `${report.headline.replace(/\.$/, '')}: ${diagnosis.finding}.`
        : report.headline,
      likely: diagnosis ? (diagnosis.likely ?? known?.likely) : report.likely,
      trace: diagnosis?.trace ?? report.trace,
      openStep: diagnosis?.openStep,
      threads,
      output: this.output,
    })
  }

  /** Why the first thread crashed that was not asked to. A hole that it reached is told elsewhere. */
  async #crashOfThread(): Promise<Diagnosis | undefined> {
    const errors = (await this.#process.request('threadErrors')) as ThrownError[]
    const error = errors.find((each) => openHole(each) === undefined)
    return error && explainThrown(error, this.#tree, 'a thread crashed')
  }

  /** Threads that are in the code under test: asleep in it, or busy with it. */
  async #whereThreadsAre(): Promise<FailureReport['threads']> {
    const { threads } = (await this.#process.request('activity')) as Activity
    if (threads === 0) return undefined
    return (await this.#process.lookAtThreads()).flatMap(({ threadId, frames }) => {
      const [at] = placesOf(this.#tree, frames)
      return at ? [{ threadId, at }] : []
    })
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    this.#isKilled = true
    await this.#process.kill()
  }

  #usage(): Promise<Usage> {
    return this.#outcome('A look at what it uses', this.#process.usage())
  }

  async #request(what: string, method: string, args: unknown[] = []): Promise<unknown> {
    return this.#outcome(what, this.#process.request(method, ...args))
  }

  /** What came of a request; every way in which nothing came of it is a `Failure`. */
  async #outcome<T>(what: string, request: Promise<T>, reason?: Reason): Promise<T> {
    try {
      const value = await this.expecting(request)
      if (value !== 'too late') return value
    } catch (error) {
      if (error instanceof RemoteError) {
        const { finding, ...diagnosis } = explainThrown(error.thrown, this.#tree, 'it threw')
        const headline = `${what} failed: ${finding}.`
        throw new Failure(this.#story, { headline, ...diagnosis, output: this.output })
      }
      if (!(error instanceof ProcessEnded)) throw error
      await this.#process.ended
      throw await this.fail({ headline: 'The server did not survive this', ...reason })
    }
    throw await this.fail({ headline: `${what} has not come to an end.`, ...reason })
  }
}

/** When the test knows which promise was to be caught, the place where its error was made only misleads. */
function refined(illness: Diagnosis | undefined, seen: Reason['seen']): Diagnosis | undefined {
  if (illness?.likely !== UNCAUGHT_REJECTION || !seen?.rejected) return illness
  const { likely } = likeliest<Partial<Reason>>({ seen }, 'rejected')
  return { ...illness, likely, trace: undefined }
}

function list(things: string[]): string {
  return things.length < 2
    ? things.join('')
    : `${things.slice(0, -1).join(', ')} and ${things.at(-1)}`
}
