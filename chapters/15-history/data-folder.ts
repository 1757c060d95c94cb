/**
 * One server per folder: two that append to one log would each overwrite what the other has written.
 *
 * Node cannot lock a file, but SQLite can, and the system frees that lock when the process ends, however it ends. So
 * the folder has a small database in which a transaction is open for as long as the server runs.
 */

import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Folder } from './folder.ts'
import type { LogLimits } from './log.ts'
import { LogJournal } from './log-journal.ts'
import { NodeFolder } from './node-folder.ts'
import type { Cut } from './recovery.ts'

export interface OpenData {
  journal: LogJournal
  /**
   * Saves what was appended, and gives the folder back: another server may use it then. After that, rejects with
   * `NotSaved` if the disk has failed; a second call does as the first one does.
   */
  close(): Promise<void>
}

const SQLITE_BUSY = 5

export interface DataOptions extends Partial<LogLimits> {
  data?: string
  /** Told what people should know; by default the console. */
  reports?: Reports
  /** Wraps the folder of the log, to measure what it costs. */
  around?: (folder: Folder) => Folder
}

export type Reports = Pick<Console, 'warn' | 'error'>

/** Opens the messages in the folder; without one, in a new folder that is removed at the end. */
export async function openData(options: DataOptions): Promise<OpenData> {
  const { reports = console, around = (folder) => folder } = options
  const path = options.data ?? (await mkdtemp(join(tmpdir(), 'chat-')))
  const folder = await NodeFolder.open(path)
  const unlock = lock(path)
  const letGo = async () => {
    unlock()
    await folder.close()
    if (options.data === undefined) await rm(path, { recursive: true })
  }
  try {
    const onFailure = ({ message }: Error) => reports.error(`nothing is saved any more: ${message}`)
    const settings = { ...options, clock: { now: Date.now }, origin: randomUUID(), onFailure }
    const { journal, cut } = await LogJournal.open(around(folder), settings)
    if (cut) reports.warn(describeCut(cut))
    let closed: Promise<void> | undefined
    const close = () => (closed ??= journal.close().finally(letGo))
    return { journal, close }
  } catch (error) {
    await letGo()
    throw error
  }
}

/** Locks the folder for this process, until the function that it returns is called. */
function lock(path: string): () => void {
  const database = new DatabaseSync(join(path, 'lock.db'))
  try {
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error
    throw new Error(`the data folder ${path} is in use by another server`)
  }
  return () => database.close()
}

function describeCut({ file, at, bytes, kind }: Cut): string {
  return `${file}: its last ${bytes} bytes are no whole group (${kind}), and were cut off at byte ${at}`
}
