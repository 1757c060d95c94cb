/** A server that ends, and doors that close when the test says so. */

import type { Drain } from '#code/19-chat-server/drain.ts'
import type { Reason } from '../../harness/failure.ts'
import { withCommas } from '../../harness/numbers.ts'
import { VirtualTimers } from '../../harness/virtual-timers.ts'
import type { Stage } from '../../judge/step.ts'

export const DEADLINE_MS = 10_000

/** What is closed, and what happens to it. */
class Part {
  readonly name: string
  readonly #log: (event: string) => void
  readonly #closed = Promise.withResolvers<void>()
  /** Throws where it should return a promise. */
  throws: Error | undefined

  constructor(name: string, log: (event: string) => void) {
    this.name = name
    this.#log = log
    // The caller of close() sees the error.
    this.#closed.promise.catch(() => {})
  }

  close(): Promise<void> {
    this.#log(`${this.name} closes`)
    if (this.throws) throw this.throws
    return this.#closed.promise
  }

  cut(): void {
    this.#log(`${this.name} is cut`)
  }

  hasClosed(): void {
    this.#closed.resolve()
  }

  hasFailed(error: Error): void {
    this.#closed.reject(error)
  }
}

export class DrainWorld {
  readonly timers = new VirtualTimers()
  drain!: Drain
  frames!: Part
  web!: Part
  data!: Part
  lookout!: Part
  /** A third door, where there is one. */
  third!: Part
  outcome = 'pending'
  /** What begin() has rejected with. */
  error: unknown
  /** What has become of further calls of begin(). */
  readonly laterOutcomes: string[] = []
  readonly #stage: Stage
  readonly #events: string[] = []
  #readyWhenClosing: boolean[] = []

  constructor(stage: Stage) {
    this.#stage = stage
  }

  static async open(
    stage: Stage,
    about: string,
    { hasLookout = true, hasThird = false, deadlineMs = DEADLINE_MS } = {},
  ): Promise<DrainWorld> {
    const { Drain } = await stage.load(() => import('#code/19-chat-server/drain.ts'))
    const world = new DrainWorld(stage)
    stage.story.tell(
      'test',
      `makes a server: doors frames${hasThird ? ', web and third' : ' and web'}, data${hasLookout ? ', lookout' : ''} (${about})`,
    )
    const log = (event: string) => {
      world.#events.push(event)
      if (event.endsWith('closes')) world.#readyWhenClosing.push(world.drain.isReady)
    }
    world.frames = new Part('frames', log)
    world.web = new Part('web', log)
    world.third = new Part('third', log)
    world.data = new Part('data', log)
    world.lookout = new Part('lookout', log)
    const { timers, frames, web, data } = world
    const lookout = hasLookout ? world.lookout : undefined
    world.drain = new Drain({
      doors: hasThird ? [frames, web, world.third] : [frames, web],
      data,
      lookout,
      timers,
      deadlineMs,
    })
    return world
  }

  async begin(): Promise<void> {
    this.#stage.story.tell('test', 'calls begin()')
    const over = this.drain.begin()
    const isReady = this.drain.isReady
    over.then(
      () => {
        this.outcome = 'resolved'
      },
      (error: Error) => {
        this.outcome = `rejected: ${error.message}`
        this.error = error
      },
    )
    this.#stage.expectSame('isReady after begin() has returned', isReady, false, {
      because: 'From this call on, newcomers have to go to another server.',
      look: 'drain.begin()',
    })
    await this.settle()
  }

  /** One more call. */
  async beginAgain(): Promise<void> {
    this.#stage.story.tell('test', 'calls begin() once more')
    const place = this.laterOutcomes.push('pending') - 1
    this.drain.begin().then(
      () => {
        this.laterOutcomes[place] = 'resolved'
      },
      (error: Error) => {
        this.laterOutcomes[place] = `rejected: ${error.message}`
      },
    )
    await this.settle()
  }

  expectLaterOutcome(expected: string, reason: Reason): void {
    this.#stage.expectSame(
      'the promise of the second begin()',
      this.laterOutcomes.at(-1),
      expected,
      {
        likely: 'Further calls return the promise of the first one.',
        look: 'drain.begin()',
        ...reason,
      },
    )
  }

  /** Something happens, and everything that follows from it. */
  async when(what: string, act: () => void): Promise<void> {
    this.#stage.story.tell('test', what)
    act()
    await this.settle()
  }

  async advance(ms: number): Promise<void> {
    this.#stage.story.tell('time', `moves on by ${withCommas(ms)} ms`)
    await this.timers.advance(ms)
    await this.settle()
  }

  /** Expects what has happened since the last look. */
  expectEvents(expected: string[], reason: Reason): void {
    this.#stage.expectSame('the events', this.#events.splice(0), expected, reason)
  }

  /** What has happened since the last look. */
  takeEvents(): string[] {
    return this.#events.splice(0)
  }

  expectOutcome(expected: string, reason: Reason): void {
    this.#stage.expectSame('the promise of begin()', this.outcome, expected, reason)
  }

  /** Expects this error and not one that looks like it. */
  expectItself(error: Error): void {
    this.#stage.expect('the reason to be the error itself', this.error === error, {
      because: 'An error has more than its message: its code, and where it was thrown.',
      likely: 'Throw the error that was caught, not a new one with its message.',
      look: 'drain.begin()',
      received: 'another error with the same message',
    })
  }

  expectNoTimers(
    likely = 'Cancel the deadline when the doors are closed, even if one of them failed.',
  ): void {
    this.#stage.expectSame('the number of armed timers', this.timers.size, 0, {
      because: 'The doors have closed. A timer that is left would keep the process alive.',
      likely,
      look: 'drain.begin()',
    })
  }

  expectNeverReady(): void {
    this.#stage.expectSame(
      'isReady each time something was closed',
      [...new Set(this.#readyWhenClosing)],
      [false],
      {
        because:
          'Health is also asked while doors close: it has to say "not ready" before the first of them does.',
        likely: 'First say that we are not ready, then close.',
        look: 'drain.begin()',
      },
    )
  }

  /** Whatever promises were settled have had their consequences. */
  async settle(): Promise<void> {
    for (let turns = 0; turns < 3; turns++) await new Promise((resolve) => setImmediate(resolve))
  }
}
