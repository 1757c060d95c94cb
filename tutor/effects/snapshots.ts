/**
 * Copies of a learner's chapter, made before anything overwrites it and whenever a step turns green.
 *
 * `.workbook/snapshots/02-echo/2026-11-20T10-11-12.345 before reset/server.ts`. Copies made before an overwrite are
 * never removed; of the others the oldest go. `npm start restore` brings back the newest that was made before an
 * overwrite, so an overwrite must have its own: a green copy with the same content does not count.
 */

import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { HOME, LEARNER, listFiles, listGivenFiles, STATE } from '../../tests/judge/workbook.ts'

export interface Snapshot {
  chapter: string
  /** When and why: the name of its folder. */
  name: string
  /** Relative to the learner's home, for people. */
  path: string
}

/** The disk refused; the message is a sentence that says what became of the learner's files. */
export class NotReplaced extends Error {}

const MAX_GREEN_SNAPSHOTS = 20

/**
 * The copy of the chapter as it is now, a new one if need be; `undefined` when there is nothing to copy. Throws what
 * the disk throws.
 */
export function takeSnapshot(chapter: string, why: string): Snapshot | undefined {
  const files = [...listFiles(LEARNER, chapter), ...listGivenFiles(LEARNER, chapter)]
  if (files.length === 0) return undefined
  const newest = listSnapshots(chapter).at(-1)
  const mayCount = newest && (why === 'green' || isBeforeOverwrite(newest))
  if (mayCount && isSame(chapter, newest, files)) return newest
  const name = `${new Date().toISOString().replaceAll(':', '-').replace('Z', '')} ${why}`
  const snapshot = toSnapshot(chapter, name)
  try {
    mkdirSync(folderOf(snapshot), { recursive: true })
    for (const file of files)
      cpSync(join(LEARNER.root, chapter, file), join(folderOf(snapshot), file))
  } catch (error) {
    // Half a copy is none: nobody should be offered it.
    rmSync(folderOf(snapshot), { recursive: true, force: true })
    throw error
  }
  prune(chapter)
  return snapshot
}

/** A chapter's snapshots, oldest first. */
export function listSnapshots(chapter: string): Snapshot[] {
  const folder = join(STATE, 'snapshots', chapter)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .sort()
    .map((name) => toSnapshot(chapter, name))
}

export function isBeforeOverwrite({ name }: Snapshot): boolean {
  return name.includes(' before ')
}

/** Bytes, because a file may have any encoding. */
export function readSnapshot(snapshot: Snapshot): Map<string, Uint8Array> {
  const folder = folderOf(snapshot)
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)).split(sep).join('/'))
  return new Map(files.map((file) => [file, readFileSync(join(folder, file))]))
}

/**
 * Replaces the chapter's files, after a snapshot of what was there. Files that only the learner has stay. Throws
 * `NotReplaced`. Nothing is `kept` when nothing had to be written.
 */
export function replaceChapter(
  chapter: string,
  files: ReadonlyMap<string, string | Uint8Array>,
  why: string,
): { kept: Snapshot | undefined; written: string[] } {
  const folder = join(LEARNER.root, chapter)
  const changed = [...files].filter(([file, source]) => !holds(join(folder, file), source))
  const written = changed.map(([file]) => file)
  if (changed.length === 0) return { kept: undefined, written }
  const kept = orSay(
    `chapters/${chapter} stays as it is, because it could not be copied first`,
    () => takeSnapshot(chapter, why),
  )
  const copy = kept ? `; what was there is kept in ${kept.path}` : ''
  orSay(`chapters/${chapter} could not be written${copy}`, () => {
    for (const [file, source] of changed) {
      mkdirSync(dirname(join(folder, file)), { recursive: true })
      writeFileSync(join(folder, file), source)
    }
  })
  return { kept, written }
}

function orSay<T>(what: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw new NotReplaced(`${what}: ${(error as Error).message}`)
  }
}

function isSame(chapter: string, snapshot: Snapshot, files: string[]): boolean {
  const copies = readSnapshot(snapshot)
  return (
    copies.size === files.length &&
    files.every((file) => {
      const copy = copies.get(file)
      return copy !== undefined && holds(join(LEARNER.root, chapter, file), copy)
    })
  )
}

function prune(chapter: string): void {
  const green = listSnapshots(chapter).filter(({ name }) => name.endsWith(' green'))
  for (const snapshot of green.slice(0, -MAX_GREEN_SNAPSHOTS))
    rmSync(folderOf(snapshot), { recursive: true })
}

function toSnapshot(chapter: string, name: string): Snapshot {
  return { chapter, name, path: relative(HOME, join(STATE, 'snapshots', chapter, name)) }
}

function folderOf({ chapter, name }: Snapshot): string {
  return join(STATE, 'snapshots', chapter, name)
}

function holds(path: string, source: string | Uint8Array): boolean {
  return existsSync(path) && readFileSync(path).equals(Buffer.from(source))
}
