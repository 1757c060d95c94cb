/**
 * The log: records in the order in which they were appended, and a promise for each that resolves only when a crash
 * could no longer undo it.
 *
 * A sync costs the same for one record and for a hundred. So there is never more than one under way, and what is
 * appended meanwhile goes with the next. Use `onSynced` to tell others what was saved: it gets the records in the order
 * of the log, whoever waits for which promise.
 */

import type { Folder } from './folder.ts'
import { decodeGroup, type Entry, encodeGroup } from './groups.ts'
import { type Cut, type OnEntry, recover } from './recovery.ts'
import {
  beginSegment,
  NoDescriptorLeft,
  nameOf,
  type Segment,
  save,
  segmentsIn,
} from './segments.ts'

/** A record that survives, and where it is. */
export interface Saved extends Entry {
  segment: number
}

export interface LogLimits {
  /** A segment that has reached this size is followed by another, unless it has many marks and little else. */
  maxSegmentBytes: number
  /** When a segment is begun and all of them together are larger than this, the oldest are removed; never the last. */
  maxTotalBytes: number
}

/** The owner of the log, who knows what the records mean. */
export interface LogKeeper {
  /** Told of what was saved, in the order of the log, before the promises of those records resolve. */
  onSynced(saved: Saved[]): void
  /** The records that a segment begins with. */
  marks(): Uint8Array[]
  /** The segments before this one are given up. */
  onRetired(oldest: number): void
}

/**
 * Why a record's promise rejects when the log has failed. The record may have been saved or not: nobody knows until the
 * log is opened again.
 */
export class NotSaved extends Error {
  override readonly name = 'NotSaved'
}

/** Why a log that was closed saves nothing more. That is no failure of the disk. */
export class LogClosed extends Error {
  override readonly name = 'LogClosed'
}

const MEBIBYTE = 1024 * 1024
const LIMITS: LogLimits = { maxSegmentBytes: 64 * MEBIBYTE, maxTotalBytes: 1024 * MEBIBYTE }

/** The records of a group have no more bytes than this, unless one record alone is larger. */
const MAX_GROUP_BYTES = MEBIBYTE

/** A segment with more bytes of marks than this is not full before as many bytes follow them. */
const MANY_MARKS_BYTES = 4096

interface Waiting {
  record: Uint8Array
  resolve(): void
  reject(error: Error): void
}

export class Log {
  readonly #folder: Folder
  readonly #keeper: LogKeeper
  readonly #limits: LogLimits
  /** Ascending; the last one grows. */
  readonly #segments: Segment[]
  readonly #waiting: Waiting[] = []
  /** Resolves when what was appended so far has been saved or has failed; `undefined` while nothing is being saved. */
  #saving: Promise<void> | undefined
  /** Why nothing is saved any more. */
  #failure: Error | undefined

  /** `segments` are open, and the last of them ends with a good group. */
  constructor(
    folder: Folder,
    segments: Segment[],
    keeper: LogKeeper,
    limits: Partial<LogLimits> = {},
  ) {
    this.#folder = folder
    this.#segments = segments
    this.#keeper = keeper
    this.#limits = { ...LIMITS, ...limits }
  }

  /** Opens the log of a folder, or begins one. The keeper's `onFound` is given every record that is in it. */
  static async open(
    folder: Folder,
    keeper: LogKeeper & { onFound: OnEntry },
    limits: Partial<LogLimits> = {},
  ): Promise<{ log: Log; cut: Cut | undefined }> {
    const onFound: OnEntry = (entry, segment) => keeper.onFound(entry, segment)
    const { segments, cut } = await recover(folder, await segmentsIn(folder), onFound)
    if (segments.length === 0) segments.push(await beginSegment(folder, 1, keeper.marks()))
    return { log: new Log(folder, segments, keeper, limits), cut }
  }

  /** Why nothing is saved any more: the error of the disk, or a `LogClosed`; `undefined` while all is well. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /**
   * Puts a record after all others. Resolves when it would survive a crash, after `onSynced` was told of it; rejects
   * with `NotSaved` if it could not be saved.
   *
   * @step 15.2 15.3
   */
  append(record: Uint8Array): Promise<void> {
    // TODO 15.2
    throw new Error('TODO 15.2')
  }

  /** Reads bytes of a segment. Rejects if the segment is gone. */
  async read(segment: number, position: number, length: number): Promise<Buffer> {
    const found = this.#segments.find(({ number }) => number === segment)
    if (!found) throw new Error(`segment ${segment} is gone`)
    return found.file.read(position, length)
  }

  /** Saves what waits, then closes the files. After that, rejects with `NotSaved` if the disk has failed. */
  async close(): Promise<void> {
    this.#failure ??= new LogClosed('the log is closed')
    await this.#saving
    await Promise.all(this.#segments.map(({ file }) => file.close()))
    if (!(this.#failure instanceof LogClosed))
      throw new NotSaved(`not everything was saved: ${this.#failure.message}`)
  }

  /**
   * Saves what waits, a group at a time and never two at once, until nothing waits. Tells `onSynced` of each group that
   * was saved, synchronously (it may append); then resolves the group's promises. If a group could not be saved, calls
   * `#fail` and tries no other. What `onSynced` throws is not a failure of the disk, and is not caught: it ends the
   * process, as a bug should.
   *
   * @step 15.2 15.3
   */
  async #saveWaiting(): Promise<void> {
    // TODO 15.2
    throw new Error('TODO 15.2')
  }

  /**
   * Stops saving for good: `failure` is `error` itself, even if the log is being closed. The promises of this group,
   * then of everything that waits, reject with a `NotSaved` whose message or `cause` says what `error` says. The files
   * stay open for reading.
   *
   * @step 15.3
   */
  #fail(error: Error, group: Waiting[]): void {
    // TODO 15.3
    throw new Error('TODO 15.3')
  }

  /**
   * Goes on in a new segment, which begins with `marks()`. Then, while all segments together are larger than
   * `maxTotalBytes`, gives up the oldest: tells `onRetired`, then closes that segment and removes it for good before
   * the next. Even if it cannot be removed, it does not stay open.
   *
   * @step 15.5
   */
  async #rollOver(): Promise<void> {
    // TODO 15.5
    throw new Error('TODO 15.5')
  }

  /** Writes a group to the last segment, or to a new one if that is full, and syncs it. */
  async #saveGroup(records: Uint8Array[]): Promise<Saved[]> {
    if (this.#isFull) {
      try {
        await this.#rollOver()
      } catch (error) {
        // The old segment takes more until a descriptor is free: the next group tries again.
        if (!(error instanceof NoDescriptorLeft)) throw error
      }
    }
    const { number, file, size } = this.#last
    const group = encodeGroup(records)
    await save(file, group, size)
    this.#last.size += group.length
    return placesOf(group, number, size)
  }

  /** Takes what waits, up to `MAX_GROUP_BYTES`; at least one. */
  #takeGroup(): Waiting[] {
    let bytes = 0
    const tooMany = this.#waiting.findIndex(({ record }) => {
      bytes += record.length
      return bytes > MAX_GROUP_BYTES
    })
    return this.#waiting.splice(0, tooMany < 0 ? this.#waiting.length : Math.max(1, tooMany))
  }

  /**
   * Whether the last segment is to be followed by another. Marks alone may be larger than `maxSegmentBytes`, when there
   * are many rooms: if each group had a segment of its own then, the marks would soon crowd out all messages.
   */
  get #isFull(): boolean {
    const { size, marksBytes } = this.#last
    const isMostlyMarks = marksBytes > MANY_MARKS_BYTES && size < 2 * marksBytes
    return size >= this.#limits.maxSegmentBytes && !isMostlyMarks
  }

  get #last(): Segment {
    return this.#segments.at(-1)!
  }

  get #totalBytes(): number {
    return this.#segments.reduce((sum, { size }) => sum + size, 0)
  }
}

/** The records of a group that begins at byte `start` of a segment, with their places. */
function placesOf(group: Buffer, segment: number, start: number): Saved[] {
  const decoded = decodeGroup(group, 0)
  if (decoded.kind !== 'group') throw new Error('what was encoded is no group')
  return decoded.entries.map(({ record, at }) => ({ record, segment, at: start + at }))
}
