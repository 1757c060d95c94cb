/**
 * Time as a test has it: it stands still until the test moves it, so that a minute costs nothing and is a minute each time.
 *
 * An event loop under test gets a `VirtualPoller` in place of a real one. While the loop sleeps in `wait`, the test has
 * its turn; it moves time on, and the loop is woken exactly when it asked to be. Nothing here knows a chapter.
 */

import { Failure } from './failure.ts'
import { withCommas } from './numbers.ts'
import { Deadline, PATIENCE_MS } from './patience.ts'
import { watchRealTimers } from './real-timers.ts'
import type { Story } from './story.ts'

/** Something that a loop waits for, as far as a poller has to know it. */
export interface VirtualSource {
  readonly isReadable: boolean
  readonly isWritable: boolean
  readonly isClosed: boolean
  onChange: ((source: VirtualSource) => void) | undefined
}

export interface VirtualInterest {
  readable: boolean
  writable: boolean
}

interface VirtualReady<S> extends VirtualInterest {
  source: S
  hungUp: boolean
}

export class VirtualClock {
  #nowMs = 0

  constructor() {
    watchRealTimers()
  }

  now(): number {
    return this.#nowMs
  }

  /** Moves time and wakes nobody: so long has somebody kept the loop busy. */
  pass(ms: number): void {
    this.#nowMs += ms
  }
}

/** So many times may a loop ask in vain at the same moment before it is taken for one that does not sleep. */
const MAX_VAIN_WAITS = 1_000

/** Level-triggered, as the chapters' own, and reports closed sources whatever is wanted; sleeps in virtual time. */
export class VirtualPoller<S extends VirtualSource> {
  /** What every `wait` that had to sleep was asked to sleep for at most, in milliseconds. */
  readonly sleeps: number[] = []
  readonly #clock: VirtualClock
  readonly #interests = new Map<S, VirtualInterest>()
  #isWoken = false
  #vainWaits = 0
  #sleep: { untilMs: number; end: (ready: VirtualReady<S>[]) => void } | undefined

  constructor(clock: VirtualClock) {
    this.#clock = clock
  }

  add(source: S, interest: VirtualInterest): void {
    source.onChange = () => this.#look()
    this.modify(source, interest)
  }

  modify(source: S, interest: VirtualInterest): void {
    this.#interests.set(source, interest)
    this.#look()
  }

  remove(source: S): void {
    source.onChange = undefined
    this.#interests.delete(source)
  }

  wait(timeoutMs: number): Promise<VirtualReady<S>[]> {
    const ready = this.#collect()
    if (ready.length > 0 || this.#isWoken) {
      this.#isWoken = false
      this.#vainWaits = 0
      return Promise.resolve(ready)
    }
    if (timeoutMs <= 0 && ++this.#vainWaits < MAX_VAIN_WAITS) return Promise.resolve([])
    this.sleeps.push(timeoutMs)
    const untilMs = Number.isNaN(timeoutMs)
      ? Number.POSITIVE_INFINITY
      : this.#clock.now() + timeoutMs
    return new Promise((resolve) => {
      this.#sleep = { untilMs, end: resolve }
    })
  }

  wake(): void {
    this.#isWoken = true
    this.#endSleep([])
  }

  get isAsleep(): boolean {
    return this.#sleep !== undefined
  }

  /** Whether the loop asks again and again, at one and the same moment, without sleeping. */
  get isSpinning(): boolean {
    return this.#vainWaits >= MAX_VAIN_WAITS
  }

  /** When the loop wants to be woken. */
  get untilMs(): number {
    return this.#sleep?.untilMs ?? Number.POSITIVE_INFINITY
  }

  /** The time that the loop wanted to sleep is over. */
  expire(): void {
    this.#vainWaits = 0
    this.#endSleep([])
  }

  #look(): void {
    const ready = this.#sleep ? this.#collect() : []
    if (ready.length > 0) this.#endSleep(ready)
  }

  #endSleep(ready: VirtualReady<S>[]): void {
    const sleep = this.#sleep
    this.#sleep = undefined
    if (!sleep) return
    this.#isWoken = false
    sleep.end(ready)
  }

  #collect(): VirtualReady<S>[] {
    return [...this.#interests].flatMap(([source, interest]) => {
      const readable = interest.readable && source.isReadable
      const writable = interest.writable && source.isWritable
      const hungUp = source.isClosed
      return readable || writable || hungUp ? [{ source, readable, writable, hungUp }] : []
    })
  }
}

/** A loop may be woken so often in one `advance`; one that wakes more often does not sleep until the next deadline. */
const MAX_WAKINGS = 1_000

/** An event loop that runs in virtual time, seen from the test that moves it. */
export class VirtualLoop<S extends VirtualSource = VirtualSource> {
  readonly clock = new VirtualClock()
  readonly poller = new VirtualPoller<S>(this.clock)
  readonly #story: Story
  readonly #look: string | undefined
  #outcome: 'running' | 'ended' | { error: unknown } = 'running'

  /** `look`: the function that says how long the loop may sleep, for the card of a loop that does not. */
  constructor(story: Story, look?: string) {
    this.#story = story
    this.#look = look
  }

  /** Runs the loop until it sleeps for the first time. */
  async start(loop: { run(): Promise<void> }): Promise<void> {
    loop.run().then(
      () => {
        this.#outcome = 'ended'
      },
      (error: unknown) => {
        this.#outcome = { error }
      },
    )
    await this.settle()
  }

  get hasEnded(): boolean {
    return this.#outcome === 'ended'
  }

  /** Lets the loop do what there is to do now, until it sleeps or ends. What it throws comes out here. */
  async settle(): Promise<void> {
    const deadline = new Deadline(PATIENCE_MS)
    do {
      await new Promise((resolve) => setImmediate(resolve))
      if (typeof this.#outcome === 'object') throw this.#outcome.error
      if (this.poller.isSpinning) {
        throw new Failure(this.#story, {
          headline: 'The loop does not sleep: it asks its poller again and again.',
          because: 'Nothing is ready and nothing is due: the loop has to wait.',
          likely:
            'The poller is asked to wait for 0 ms although nothing is due; or a timer that is due never fires, and so stays due.',
          look: this.#look,
          trace: [],
        })
      }
      if (this.poller.isAsleep || this.hasEnded) return
    } while (!deadline.isOver)
    throw new Failure(this.#story, {
      headline: 'The loop has not come back to wait().',
      because: 'A loop that has nothing to do asks its poller to wait.',
      likely: 'It awaits something other than the poller, and that never happens.',
    })
  }

  /** Moves time on, and wakes the loop at every moment that it has asked for on the way. */
  async advance(ms: number): Promise<void> {
    this.#story.tell('time', `moves on by ${inWords(ms)}`)
    await this.pass(ms)
  }

  /** The same, without a word in the story. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.clock.now() + ms
    for (let wakings = 0; this.poller.untilMs <= untilMs; wakings++) {
      this.#refuseToTick(wakings, ms)
      this.clock.pass(Math.max(0, this.poller.untilMs - this.clock.now()))
      this.poller.expire()
      await this.settle()
    }
    this.clock.pass(untilMs - this.clock.now())
  }

  #refuseToTick(wakings: number, ms: number): void {
    if (wakings < MAX_WAKINGS) return
    throw new Failure(this.#story, {
      headline: `The loop woke ${withCommas(MAX_WAKINGS)} times in ${inWords(ms)}.`,
      because: 'A loop sleeps until the next deadline, however far away that is.',
      likely:
        'A fixed tick, or a limit, wakes the loop needlessly most of the time, and too late for some timers.',
      look: this.#look,
    })
  }
}

function inWords(ms: number): string {
  return ms < 1_000 || ms % 1_000 !== 0 ? `${withCommas(ms)} ms` : `${withCommas(ms / 1_000)} s`
}
