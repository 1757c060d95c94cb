/**
 * Copies of a learner's chapter, made before anything overwrites it and whenever a step turns green.
 *
 * `.workbook/snapshots/02-echo/2026-11-20T10-11-12.345 before reset/server.ts`. Copies made before an overwrite are
 * never removed; of the others the oldest go.
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

const MAX_GREEN_SNAPSHOTS = 20

/** Copies the chapter as it is now. `undefined`: there is nothing to copy, or the newest copy is the same. */
export function takeSnapshot(chapter: string, why: string, now = new Date()): Snapshot | undefined {
  const files = [...listFiles(LEARNER, chapter), ...listGivenFiles(LEARNER, chapter)]
  const newest = listSnapshots(chapter).at(-1)
  if (files.length === 0 || (newest && isSame(chapter, newest, files))) return undefined
  const name = `${now.toISOString().replaceAll(':', '-').replace('Z', '')} ${why}`
  const snapshot = toSnapshot(chapter, name)
  mkdirSync(folderOf(snapshot), { recursive: true })
  for (const file of files)
    cpSync(join(LEARNER.root, chapter, file), join(folderOf(snapshot), file))
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

export function readSnapshot(snapshot: Snapshot): Map<string, string> {
  const folder = folderOf(snapshot)
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)).split(sep).join('/'))
  return new Map(files.map((file) => [file, readFileSync(join(folder, file), 'utf8')]))
}

/** Replaces the chapter's files, after a snapshot of what was there. Files that only the learner has stay. */
export function replaceChapter(
  chapter: string,
  files: ReadonlyMap<string, string>,
  why: string,
): { kept: Snapshot | undefined; written: string[] } {
  const kept = takeSnapshot(chapter, why)
  const folder = join(LEARNER.root, chapter)
  mkdirSync(folder, { recursive: true })
  const written = [...files]
    .filter(([file, source]) => readIfThere(join(folder, file)) !== source)
    .map(([file]) => file)
  for (const file of written) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), files.get(file)!)
  }
  // No new snapshot was needed when the newest one already has what was there.
  return { kept: kept ?? listSnapshots(chapter).at(-1), written }
}

function isSame(chapter: string, snapshot: Snapshot, files: string[]): boolean {
  const copies = readSnapshot(snapshot)
  return (
    copies.size === files.length &&
    files.every(
      (file) => copies.get(file) === readFileSync(join(LEARNER.root, chapter, file), 'utf8'),
    )
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

function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}
