/**
 * Disks for a log to be tested on: a file that waits to be told how each call ends, and one that fails when it is told to.
 * Both are told in the story.
 */

import { setImmediate as turn } from 'node:timers/promises'
import { countBytes, firstDifference } from '../../harness/bytes.ts'
import type { SimulatedDisk } from '../../harness/crash-points/disk.ts'
import { type ByteEvidence, Failure, type Reason } from '../../harness/failure.ts'
import type { Story } from '../../harness/story.ts'

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
  #callsSoFar = 0
  #largestWrite = 0

  constructor(story: Story, content = Buffer.alloc(4_096)) {
    this.#story = story
    this.content = content
  }

  /** How many writes and syncs were asked for. */
  get callsSoFar(): number {
    return this.#callsSoFar
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
    await this.#hold({ text: 'sync' })
  }

  async read(position: number, length: number): Promise<Buffer> {
    return Buffer.from(this.content.subarray(position, position + length))
  }

  async size(): Promise<number> {
    return this.content.length
  }

  async truncate(): Promise<void> {}

  async close(): Promise<void> {}

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
        headline: 'The file was given other bytes than the group of these records.',
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
    this.#callsSoFar += 1
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
      ...reason,
    })
  }

  async #end(call: Call, outcome: number | Error): Promise<void> {
    const how =
      typeof outcome === 'object'
        ? `fails: ${outcome.message}`
        : outcome < (call.bytes?.length ?? 0)
          ? `takes ${outcome} of them`
          : 'is done'
    this.#story.tell('file', `${how} (${call.text})`)
    call.end(outcome)
    await settle()
  }
}

/** Some bytes around the place. */
function evidence(bytes: Uint8Array, place: number): ByteEvidence {
  const start = Math.max(0, place - 8)
  return { bytes: bytes.subarray(start, start + 24), start, place, total: bytes.length }
}

/** An error as the system reports it. */
export function systemError(code: 'ENOSPC' | 'EIO'): Error {
  const text = code === 'ENOSPC' ? 'no space left on device' : 'i/o error'
  return Object.assign(new Error(`${code}: ${text}`), { code })
}

/** Lets everything happen that needs nothing but turns of the loop. */
export async function settle(): Promise<void> {
  for (let times = 0; times < 4; times++) await turn()
}

type Write = (bytes: Uint8Array, position: number) => Promise<number>

/** A disk that is full from the moment that it is told to be. */
export function fillable<D extends SimulatedDisk>(disk: D): { folder: D; fill(): void } {
  let isFull = false
  const folder = withWrites(
    disk,
    (write) => (bytes, position) =>
      isFull ? Promise.reject(systemError('ENOSPC')) : write(bytes, position),
  )
  return {
    folder,
    fill: () => {
      isFull = true
    },
  }
}

/** A disk on which each call fails that it is told to fail: `'file.sync'`, `'folder.remove'`. */
export function failing<D extends SimulatedDisk>(
  disk: D,
): { folder: D; fail(...calls: string[]): void } {
  const failed = new Set<string>()
  const watch = <T extends object>(target: T, kind: 'file' | 'folder'): T =>
    new Proxy(target, {
      get: (_, name) => {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        return (...values: unknown[]) => {
          if (failed.has(`${kind}.${String(name)}`)) return Promise.reject(systemError('EIO'))
          const result = value.apply(target, values)
          const isOpening = kind === 'folder' && (name === 'open' || name === 'create')
          return isOpening ? result.then((file: object) => watch(file, 'file')) : result
        }
      },
    })
  return {
    folder: watch(disk, 'folder'),
    fail: (...calls) => {
      for (const call of calls) failed.add(call)
    },
  }
}

/** A disk that takes no more than so many bytes of a write. */
export function stingy<D extends SimulatedDisk>(disk: D, maxBytes: number): D {
  return withWrites(
    disk,
    (write) => (bytes, position) => write(bytes.subarray(0, maxBytes), position),
  )
}

/** The same disk, but its files write in another way. */
function withWrites<D extends SimulatedDisk>(disk: D, change: (write: Write) => Write): D {
  const method = (target: object, name: string | symbol) => {
    const value = Reflect.get(target, name, target)
    return typeof value === 'function' ? value.bind(target) : value
  }
  const changed = <F extends object>(file: F): F =>
    new Proxy(file, {
      get: (target, name) =>
        name === 'write' ? change(method(target, name) as Write) : method(target, name),
    })
  return new Proxy(disk, {
    get: (target, name) =>
      name === 'open' || name === 'create'
        ? async (file: string) => changed(await target[name](file))
        : method(target, name),
  })
}
