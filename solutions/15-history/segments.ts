/**
 * Segments: the log is cut into files, so that old messages can be thrown away a file at a time.
 *
 * A segment is named after its number, 00000001.log first, and begins with a group of marks: the last number of every
 * room when it was begun. Only the last one grows. Every other one was synced as a whole before the next was begun.
 */

import type { Folder, LogFile } from './folder.ts'
import { encodeGroup } from './groups.ts'

/** A file of the log, open. */
export interface Segment {
  number: number
  file: LogFile
  /** Where its good groups end. */
  size: number
  /** The size of the group that it begins with. */
  marksBytes: number
}

/** The process, or the system, may open no more files. Nothing has changed on the disk, and a later try may succeed. */
export class NoDescriptorLeft extends Error {
  override readonly name = 'NoDescriptorLeft'
}

const NAME = /^(\d{8})\.log$/

export function nameOf(segment: number): string {
  return `${String(segment).padStart(8, '0')}.log`
}

/** The numbers of the segments that are there, ascending. Other files are left alone. */
export async function segmentsIn(folder: Folder): Promise<number[]> {
  const numbers = (await folder.names()).map((name) => NAME.exec(name)?.[1])
  return numbers
    .filter((number) => number !== undefined)
    .map(Number)
    .sort((a, b) => a - b)
}

/**
 * Writes all the bytes at `position`, then syncs the file. A file that takes none of them is an error.
 *
 * @step 15.2 15.3
 */
export async function save(file: LogFile, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const taken = await file.write(bytes.subarray(done), position + done)
    if (taken === 0) throw new Error('the file takes no more bytes')
    done += taken
  }
  await file.sync()
}

/**
 * Gives a new file its first group and then its name. Whenever the power fails, either no file has that name, or the
 * one with the whole group has it. When this resolves, it is there for good.
 *
 * @step 15.5
 */
async function publish(
  folder: Folder,
  file: LogFile,
  names: { unfinished: string; finished: string },
  group: Buffer,
): Promise<void> {
  await save(file, group, 0)
  await folder.rename(names.unfinished, names.finished)
  await folder.sync()
}

/** Begins a segment with a group of these records. Rejects with `NoDescriptorLeft` if its file cannot be opened for that. */
export async function beginSegment(
  folder: Folder,
  number: number,
  records: Uint8Array[],
): Promise<Segment> {
  const names = { unfinished: `${nameOf(number)}.unfinished`, finished: nameOf(number) }
  const group = encodeGroup(records)
  let file: LogFile
  try {
    file = await folder.create(names.unfinished)
  } catch (error) {
    throw isOutOfDescriptors(error) ? new NoDescriptorLeft(error.message, { cause: error }) : error
  }
  try {
    await publish(folder, file, names, group)
    return { number, file, size: group.length, marksBytes: group.length }
  } catch (error) {
    await file.close()
    throw error
  }
}

function isOutOfDescriptors(error: unknown): error is Error {
  const { code } = error as NodeJS.ErrnoException
  return code === 'EMFILE' || code === 'ENFILE'
}
