/** Chapter 17's connections in virtual time, on the limits of chapter 10, with a handler that does what the path says. */

import type { Connection, Ending, Protocol } from '#code/07-event-loop/connection.ts'
import type { TimerQueue } from '#code/08-timers/timer-queue.ts'
import type { AdmissionLimits } from '#code/10-backpressure/admission.ts'
import type { HttpLimits } from '#code/17-http/http-connection.ts'
import type { BodySource, HttpAnswer, HttpRequest } from '#code/17-http/http-message.ts'
import { type Bytes, countBytes, quote, toBytes } from '../../harness/bytes.ts'
import { Failure, type Reason } from '../../harness/failure.ts'
import type { Story } from '../../harness/story.ts'
import type { Stage } from '../../judge/step.ts'
import {
  type Answer,
  describeAnswer,
  type Expected,
  isAnswer,
  readAnswers,
} from '../../protocols/http.ts'
import { LIMITS, Peer, startWorld } from '../bounded-frames.ts'

/** The answer of a handler that takes its time. */
interface Late {
  path: string
  resolve(answer: HttpAnswer): void
  reject(error: Error): void
}

export type HttpWorld = Awaited<ReturnType<typeof openHttp>>

export async function openHttp(
  stage: Stage,
  http: Partial<HttpLimits> = {},
  limits: Partial<AdmissionLimits> = {},
) {
  const { Admission } = await stage.load(() => import('#code/10-backpressure/admission.ts'))
  const { HttpConnection } = await stage.load(() => import('#code/17-http/http-connection.ts'))
  const world = await startWorld(stage)
  const site = new Site()
  const connections: Connection[] = []
  const admission = new Admission(
    world.timers,
    { ...LIMITS, ...limits },
    {
      open(connection, timers) {
        connections.push(connection)
        const use = connection.use.bind(connection)
        connection.use = (protocol) => {
          if (protocol instanceof HeardBytes) protocol.isUsed = true
          use(protocol)
        }
        return new HttpConnection(connection, (request) => site.answer(request), {
          ...http,
          timers,
          onBug: (error) => void site.bugs.push(error),
        })
      },
    },
  )
  return {
    ...world,
    site,
    /** In the order in which they have arrived. */
    connections,
    /** How many requests were heard, and how connections have ended. */
    stats: () => admission.stats(),
    /** Stops the server: everybody is asked to go. */
    close: () => world.act(() => void admission.close(NEVER_CLOSED)),
    /** The same, at once: what a handler may do. */
    closeNow: () => void admission.close(NEVER_CLOSED),
    async arrive(name: string): Promise<HttpPeer> {
      const peer = new HttpPeer(name, stage.story, world)
      admission.admit(peer.stream, world.loop)
      await world.settle()
      return peer
    },
  }
}

const NEVER_CLOSED = { port: 0, close: () => new Promise<void>(() => {}) }

/** What is asked for is what the path says. */
class Site {
  /** What the handler was asked: `'GET /a'`, with the body behind it if there is one. */
  readonly asked: string[] = []
  readonly late: Late[] = []
  readonly sources: ScriptedBody[] = []
  readonly upgraded: HeardBytes[] = []
  readonly bugs: unknown[] = []
  /** What is answered to a path, instead of what the path says. */
  readonly answers = new Map<string, () => HttpAnswer>()

  answer(request: HttpRequest): HttpAnswer | Promise<HttpAnswer> {
    const { method, path, query, body } = request
    const said =
      `${method} ${path}${query && `?${query}`} ${Buffer.from(body).toString('latin1')}`.trimEnd()
    this.asked.push(said)
    if (path.startsWith('/late'))
      return new Promise((resolve, reject) => {
        this.late.push({ path, resolve, reject })
      })
    const answer = this.answers.get(path)
    if (answer) return answer()
    if (path === '/bug') throw new Error('a bug in the handler')
    if (path === '/body') return { status: 200, body: this.#source(9) }
    if (path === '/upgrade') return this.upgrade()
    if (path === '/empty') return { status: 204 }
    if (path === '/long') return { status: 200, body: 'long '.repeat(40_000) }
    return { status: 200, headers: { 'X-Path': path }, body: said }
  }

  /** A change to `HeardBytes`, which does `first` as soon as it is made. */
  upgrade(first?: (connection: Connection) => void): HttpAnswer {
    const upgrade = (connection: Connection, timers: TimerQueue) => {
      const protocol = new HeardBytes(connection, timers)
      first?.(connection)
      this.upgraded.push(protocol)
      return protocol
    }
    return { status: 101, headers: { Connection: 'Upgrade', Upgrade: 'echo' }, upgrade }
  }

  #source(length: number): ScriptedBody {
    const source = new ScriptedBody(length)
    this.sources.push(source)
    return source
  }
}

/** A body that comes when the test says so. */
export class ScriptedBody implements BodySource {
  readonly length: number
  closed = 0
  #give: ((bytes: Uint8Array | undefined) => void) | undefined

  constructor(length: number) {
    this.length = length
  }

  read(): Promise<Uint8Array | undefined> {
    return new Promise((resolve) => {
      this.#give = resolve
    })
  }

  give(text: string | undefined): void {
    this.#give?.(text === undefined ? undefined : Buffer.from(text))
  }

  close(): void {
    this.closed += 1
  }
}

/** The protocol behind an upgrade: says hello, and what it hears in brackets. */
export class HeardBytes implements Protocol {
  heard = ''
  /** Whether the connection speaks it. */
  isUsed = false
  readonly timers: TimerQueue
  readonly #connection: Connection

  constructor(connection: Connection, timers: TimerQueue) {
    this.#connection = connection
    this.timers = timers
    connection.send(Buffer.from('[hello]'))
  }

  onBytes(bytes: Uint8Array): number {
    this.heard += Buffer.from(bytes).toString('latin1')
    this.#connection.send(Buffer.from(`[${Buffer.from(bytes).toString('latin1')}]`))
    return bytes.length
  }

  onEnd(): void {
    this.#connection.end('finished')
  }

  onStop(why: Ending): void {
    this.#connection.end(why, Buffer.from(`[${why}]`))
  }
}

export class HttpPeer extends Peer {
  readonly #teller: Story
  readonly #settle: () => Promise<void>

  constructor(name: string, story: Story, world: { settle(): Promise<void> }) {
    super(name, story, world)
    this.#teller = story
    this.#settle = () => {
      this.stream.forget()
      return world.settle()
    }
  }

  /** Sends all of it as one chunk. The story names the requests in it. */
  override async send(data: Bytes): Promise<void> {
    const text = Buffer.from(toBytes(data)).toString('latin1')
    const lines = text.match(/\b[A-Z]+ [!-~]+(?= HTTP\/1\.[01]\r\n)/g) ?? []
    if (lines.length === 0) this.#teller.tellBytes(this.name, 'toServer', data)
    else
      this.#teller.tell(
        this.name,
        `sends ${lines.join(', ')} (${countBytes(text.length)})`,
        'toServer',
      )
    this.stream.arrive(data)
    await this.#settle()
  }

  /** Expects exactly these answers since the last expectation, and nothing behind them. The reason may follow what came. */
  expectAnswers(
    expected: readonly Expected[],
    reason: Reason | ((answers: readonly Answer[], rest: string) => Reason),
    methods: readonly string[] = [],
  ): Answer[] {
    const bytes = this.stream.takeWritten()
    if (bytes.length > 0) this.#teller.tellBytes(this.name, 'fromServer', bytes)
    const { answers, rest } = readAnswers(bytes, methods)
    const fields = expected.flatMap(({ headers = {} }) => Object.keys(headers))
    const inLines = (list: readonly (Answer | Expected)[]) =>
      list.map((each) => describeAnswer(each, fields)).join('\n') || 'nothing'
    const kept =
      rest === '' &&
      answers.length === expected.length &&
      expected.every((each, place) => isAnswer(answers[place], each))
    this.#teller.judge(
      this.name,
      `expects ${expected.map((each) => describeAnswer(each, fields)).join(', then ') || 'nothing'}`,
      kept ? 'kept' : 'broken',
    )
    if (kept) return answers
    const surplus = rest === '' ? '' : `\nand ${JSON.stringify(rest.slice(0, 80))}`
    throw new Failure(this.#teller, {
      headline: `${this.name} has received ${bytes.length === 0 ? 'nothing' : 'something else'}.`,
      expected: { text: inLines(expected) },
      received: { text: inLines(answers) + surplus },
      ...(typeof reason === 'function' ? reason(answers, rest) : reason),
    })
  }

  /** Expects bytes like these, whole or not, since the last expectation. The reason may follow what came. */
  expectText(pattern: RegExp, what: string, reason: Reason | ((text: string) => Reason)): void {
    const bytes = this.stream.takeWritten()
    if (bytes.length > 0) this.#teller.tellBytes(this.name, 'fromServer', bytes)
    const text = Buffer.from(bytes).toString('latin1')
    const kept = pattern.test(text)
    this.#teller.judge(this.name, `expects ${what}`, kept ? 'kept' : 'broken')
    if (kept) return
    throw new Failure(this.#teller, {
      headline: `${this.name} has received ${bytes.length === 0 ? 'nothing' : 'something else'}.`,
      expected: { text: what },
      received: { text: bytes.length === 0 ? 'nothing' : quote(bytes, 400) },
      ...(typeof reason === 'function' ? reason(text) : reason),
    })
  }
}
