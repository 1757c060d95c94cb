/**
 * Opens a file of a site, and nothing else.
 *
 * Between a check of a file and its opening, somebody may put another one in its place. So the file is opened first,
 * and what is checked is what was opened. That is not possible for the folders on the way, which are checked by name:
 * Node has no `openat()`, so whoever may rename folders of the site could still win that race.
 */

import { constants } from 'node:fs'
import { type FileHandle, open, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'

/** What is needed of a file system. */
export interface Files {
  open(path: string, flags: number): Promise<FileHandle>
  realpath(path: string): Promise<string>
}

export interface SiteFile {
  handle: FileHandle
  size: number
  modifiedMs: number
}

/**
 * `O_NOFOLLOW`: not through a link. `O_NONBLOCK`: otherwise opening a FIFO waits for a writer, on one of four threads.
 * Windows has neither of the two.
 */
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/** The error codes of opening that mean: there is no such file for us. */
const NOT_THERE = new Set([
  'EACCES',
  'EINVAL',
  'EISDIR',
  'ELOOP',
  'ENAMETOOLONG',
  'ENOENT',
  'ENOTDIR',
  'ENXIO',
  'EPERM',
])

/**
 * Opens the regular file with these names below `root`, which is a real path, perhaps `/`. Resolves with `undefined`
 * when there is none: nothing is there, or a folder, a FIFO or a link; or a folder on the way leads out of `root`.
 * Links between folders inside are followed. Rejects with any other error. A file that is not returned does not stay
 * open.
 *
 * @step 17.6
 */
export async function openInside(
  root: string,
  names: readonly string[],
  files: Files = { open, realpath },
): Promise<SiteFile | undefined> {
  // TODO 17.6
  throw new Error('TODO 17.6')
}
