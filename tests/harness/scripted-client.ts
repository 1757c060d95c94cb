/**
 * A client on a `ScriptedStream`, in virtual time: it says what it does, and the loop has done all there is to do about
 * it when the call returns. So its expectations never wait: what has not come by now does not come by itself.
 */

import { type Bytes, quote, toBytes } from './bytes.ts'
import { Failure, type FailureReport, type Reason } from './failure.ts'
import { ScriptedStream } from './scripted-stream.ts'
import type { Story } from './story.ts'

export class ScriptedClient {
  readonly name: string
  readonly stream = new ScriptedStream()
  readonly #story: Story
  readonly #loop: { settle(): Promise<void> }

  constructor(name: string, story: Story, loop: { settle(): Promise<void> }) {
    this.name = name
    this.#story = story
    this.#loop = loop
    story.tell(name, 'connects', 'toServer')
  }

  /** Sends all of it as one chunk. */
  async send(data: Bytes): Promise<void> {
    this.#story.tellBytes(this.name, 'toServer', data)
    this.stream.arrive(data)
    await this.#loop.settle()
  }

  async halfClose(): Promise<void> {
    this.#story.tell(this.name, 'half-closes (FIN)', 'toServer')
    this.stream.arriveEnd()
    await this.#loop.settle()
  }

  async reset(): Promise<void> {
    this.#story.tell(this.name, 'resets the connection (RST)', 'toServer')
    this.stream.lose('ECONNRESET')
    await this.#loop.settle()
  }

  /** Its buffers are full from now on. */
  stopReading(): void {
    this.#story.tell(this.name, 'stops reading')
    this.stream.setRoom(0)
  }

  async startReading(): Promise<void> {
    this.#story.tell(this.name, 'starts reading again')
    this.stream.setRoom(Number.POSITIVE_INFINITY)
    await this.#loop.settle()
  }

  /** Expects that exactly this has come since the last expectation. */
  expectReceived(data: Bytes, reason: Reason): void {
    const expected = toBytes(data)
    const received = this.stream.takeWritten()
    if (received.length > 0) this.#story.tellBytes(this.name, 'fromServer', received)
    const kept = Buffer.compare(received, expected) === 0
    const what = expected.length === 0 ? 'nothing' : quote(expected)
    this.#judge(`expects ${expected.length === 0 ? 'to have received nothing' : what}`, kept)
    if (kept) return
    this.#fail({
      headline: `${this.name} has received ${received.length === 0 ? 'nothing' : 'something else'}.`,
      expected: { text: what },
      received: { text: received.length === 0 ? 'nothing' : quote(received) },
      ...reason,
    })
  }

  /** Expects that nothing has come since the last expectation, and that the connection is open. */
  expectNothing(reason: Reason): void {
    const received = this.stream.takeWritten()
    if (received.length > 0) this.#story.tellBytes(this.name, 'fromServer', received)
    const kept = received.length === 0 && !this.stream.isEnded
    this.#judge('expects to have received nothing', kept)
    if (kept) return
    this.#fail({
      headline: `${this.name} should not have received anything yet.`,
      expected: { text: 'nothing' },
      received: { text: received.length > 0 ? quote(received) : this.#ending() },
      ...reason,
    })
  }

  /** Expects FIN: the server says no more, and has not cut the connection. */
  expectEnd(reason: Reason): void {
    this.#expectEnding(
      'the end (FIN)',
      'FIN',
      this.stream.isEnded && !this.stream.isDestroyed,
      reason,
    )
  }

  /** Expects the server to have given the connection up, both directions at once. */
  expectCut(reason: Reason): void {
    this.#expectEnding('to be cut off', 'both directions closed', this.stream.isDestroyed, reason)
  }

  #expectEnding(what: string, expected: string, kept: boolean, reason: Reason): void {
    this.#judge(`expects ${what}`, kept)
    if (kept) return
    this.#fail({
      headline: `${this.name} expected ${what}.`,
      expected: { text: expected },
      received: { text: this.#ending() },
      ...reason,
    })
  }

  #ending(): string {
    if (this.stream.isDestroyed) return 'both directions closed'
    return this.stream.isEnded ? 'FIN, and no more' : 'nothing: the connection is open'
  }

  #judge(text: string, kept: boolean): void {
    this.#story.judge(this.name, text, kept ? 'kept' : 'broken')
  }

  #fail(report: Omit<FailureReport, 'story'>): never {
    throw new Failure(this.#story, report)
  }
}
