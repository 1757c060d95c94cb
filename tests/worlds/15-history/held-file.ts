/** A file for a log to be tested on, which waits to be told how each call ends. What is asked of it is told in the story. */

import { countBytes, firstDifference } from '../../harness/bytes.ts'
import { type ByteEvidence, Failure, likeliest, type Reason } from '../../harness/failure.ts'
import type { Story } from '../../harness/story.ts'
import { settle } from './disk.ts'

/** Something that was asked of a file and has not ended. */
interface Call {
  text: string
  bytes?: Buffer
  position?: number
  end(outcome: number | Error): void
}

/** Every write and every sync waits until the test ends it. */
export class HeldFile {
  readonly #story: Story
  readonly #calls: Call[] = []
  /** What was written so far. */
  readonly content: Buffer
  #syncsSoFar = 0
  #largestWrite = 0
  #isClosed = false
  /** Where the write began that has ended last. */
  #lastWritten = -1

  constructor(story: Story, content = Buffer.alloc(4_096)) {
    this.#story = story
    this.content = content
  }

  /** How many syncs were asked for: one for each group, however many writes its bytes take. */
  get syncsSoFar(): number {
    return this.#syncsSoFar
  }

  /** The most bytes that were to be written at once. */
  get largestWrite(): number {
    return this.#largestWrite
  }

  write(bytes: Uint8Array, position: number): Promise<number> {
    this.#largestWrite = Math.max(this.#largestWrite, bytes.length)
    const text = `write ${countBytes(bytes.length)} at ${position}`
    return this.#hold({ text, bytes: Buffer.from(bytes), position })
  }

  async sync(): Promise<void> {
    this.#syncsSoFar += 1
    await this.#hold({ text: 'sync' })
  }

  async read(position: number, length: number): Promise<Buffer> {
    if (this.#isClosed) throw new Error('EBADF: the file is closed')
    return Buffer.from(this.content.subarray(position, position + length))
  }

  async size(): Promise<number> {
    return this.content.length
  }

  async truncate(): Promise<void> {}

  async close(): Promise<void> {
    this.#isClosed = true
  }

  /** Ends the write that is expected now: all its bytes are taken, or so many, or it fails. */
  async expectWrite(
    bytes: Uint8Array,
    position: number,
    reason: Reason,
    outcome: number | Error = bytes.length,
  ): Promise<void> {
    const call = await this.#expectCall(`write ${countBytes(bytes.length)} at ${position}`, reason)
    const place = firstDifference(bytes, call.bytes!)
    if (!call.bytes!.equals(bytes))
      throw new Failure(this.#story, {
        headline: 'The file was given bytes other than the group of these records.',
        expected: evidence(bytes, place),
        received: evidence(call.bytes!, place),
        ...reason,
      })
    if (typeof outcome === 'number') this.content.set(bytes.subarray(0, outcome), position)
    await this.#end(call, outcome)
  }

  /** Ends the sync that is expected now. */
  async expectSync(reason: Reason, outcome?: Error): Promise<void> {
    await this.#end(await this.#expectCall('sync', reason), outcome ?? 0)
  }

  /** Expects that nothing is being asked of the file. */
  async expectIdle(reason: Reason): Promise<void> {
    await settle()
    const [call] = this.#calls
    this.#story.judge('test', 'expects nothing to be asked of the file', call ? 'broken' : 'kept')
    if (call)
      throw new Failure(this.#story, {
        headline: 'Something is asked of the file too early, or once too often.',
        expected: { text: 'nothing' },
        received: { text: call.text },
        ...reason,
      })
  }

  /** Ends every call as soon as it is made, until there is none. */
  async serveAll(): Promise<void> {
    for (await settle(); this.#calls.length > 0; await settle())
      for (const call of this.#calls.splice(0)) call.end(call.bytes?.length ?? 0)
  }

  #hold(call: Omit<Call, 'end'>): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const end = (outcome: number | Error) =>
      typeof outcome === 'number' ? resolve(outcome) : reject(outcome)
    this.#calls.push({ ...call, end })
    return promise
  }

  async #expectCall(text: string, reason: Reason): Promise<Call> {
    await settle()
    const asked = this.#calls.map((call) => call.text)
    const isIt = asked.length === 1 && asked[0] === text
    this.#story.judge('test', `expects the file to be asked to ${text}`, isIt ? 'kept' : 'broken')
    if (isIt) return this.#calls.shift()!
    throw new Failure(this.#story, {
      headline: `The test expected the file to be asked to ${text}, and nothing else.`,
      expected: { text },
      received: { text: asked.length === 0 ? 'nothing is asked of it' : asked.join(', and ') },
      ...(asked.length === 0 ? likeliest(reason, 'silent') : reason),
      ...(reason.look ? {} : this.#causeBeside(text)),
    })
  }

  /** What is probably wrong, by what is asked beside the call that is expected, or instead of it. */
  #causeBeside(text: string): Pick<Reason, 'likely' | 'look'> {
    const writes = this.#calls.flatMap(({ position }) => position ?? [])
    const isSynced = this.#calls.length > writes.length
    const isOverlapping = new Set(writes).size < writes.length
    if (isOverlapping || writes.some((position) => position === this.#lastWritten))
      return {
        likely: '#saveWaiting() runs twice at once: start it only if #saving is undefined.',
        look: ['log.append()', 'log.#saveWaiting()'],
      }
    const isMoved = this.#calls.some((call) => call.text.split(' at ')[0] === text.split(' at ')[0])
    if (text !== 'sync' && (isSynced || isMoved))
      return {
        likely: 'save() has to write at `position` and, when that has resolved, sync.',
        look: 'segments.save()',
      }
    if (text === 'sync' && (writes.length > 0 || !isSynced))
      return {
        likely: 'save() has to sync when the write has resolved, and wait for the sync, too.',
        look: 'segments.save()',
      }
    return {}
  }

  async #end(call: Call, outcome: number | Error): Promise<void> {
    const how =
      typeof outcome === 'object'
        ? `fails: ${outcome.message}`
        : outcome < (call.bytes?.length ?? 0)
          ? `takes ${outcome} of them`
          : 'is done'
    this.#story.tell('file', `${how} (${call.text})`)
    this.#lastWritten = call.position ?? this.#lastWritten
    call.end(outcome)
    await settle()
  }
}

/** Some bytes around the place. */
function evidence(bytes: Uint8Array, place: number): ByteEvidence {
  const start = Math.max(0, place - 8)
  return { bytes: bytes.subarray(start, start + 24), start, place, total: bytes.length }
}
