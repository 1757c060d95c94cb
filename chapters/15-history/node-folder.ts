/** A folder of the file system, as Node sees it. */

import { existsSync } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Folder, LogFile } from './folder.ts'

/** Messages are nobody's business but the server's. */
const OWNER_ONLY = { folder: 0o700, file: 0o600 }

/** Windows cannot sync a folder, and keeps names in its file system's own journal. */
const HAS_FOLDER_SYNC = process.platform !== 'win32'

export class NodeFolder implements Folder {
  readonly path: string
  /** The folder itself: open from the first `sync` on, because there may be no descriptor left for a later one. */
  #opened: FileHandle | undefined

  private constructor(path: string) {
    this.path = path
  }

  /** Opens a folder, or makes it if there is none. */
  static async open(name: string): Promise<NodeFolder> {
    const path = resolve(name)
    await NodeFolder.#make(path)
    return new NodeFolder(path)
  }

  /**
   * Makes a folder if there is none, and those above it. A folder is a name in the one above it, which is synced also if
   * the folder was there: an earlier start may have made it, and been killed before that sync. So each folder is safe
   * before the next one is made in it.
   */
  static async #make(path: string): Promise<void> {
    const above = dirname(path)
    if (above !== path && !existsSync(path)) await NodeFolder.#make(above)
    const made = await mkdir(path, { recursive: true, mode: OWNER_ONLY.folder })
    const folder = new NodeFolder(above)
    try {
      await folder.sync()
    } catch (error) {
      if (made !== undefined || !isNotSyncable(error)) throw error
    } finally {
      await folder.close()
    }
  }

  names(): Promise<string[]> {
    return readdir(this.path)
  }

  async create(name: string): Promise<LogFile> {
    return new NodeFile(await open(join(this.path, name), 'w+', OWNER_ONLY.file))
  }

  async open(name: string): Promise<LogFile> {
    return new NodeFile(await open(join(this.path, name), 'r+'))
  }

  rename(from: string, to: string): Promise<void> {
    return rename(join(this.path, from), join(this.path, to))
  }

  remove(name: string): Promise<void> {
    return rm(join(this.path, name))
  }

  async sync(): Promise<void> {
    if (!HAS_FOLDER_SYNC) return
    this.#opened ??= await open(this.path)
    await this.#opened.sync()
  }

  async close(): Promise<void> {
    await this.#opened?.close()
  }
}

/** Whether a folder may not be read, or its file system syncs none: somebody else has made what is in it. */
function isNotSyncable(error: unknown): boolean {
  const { code = '' } = error as NodeJS.ErrnoException
  return ['EACCES', 'EPERM', 'EINVAL', 'EROFS'].includes(code)
}

class NodeFile implements LogFile {
  readonly #handle: FileHandle

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size
  }

  async read(position: number, length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(length)
    let done = 0
    while (done < length) {
      const { bytesRead } = await this.#handle.read(bytes, done, length - done, position + done)
      if (bytesRead === 0) break
      done += bytesRead
    }
    return bytes.subarray(0, done)
  }

  async write(bytes: Uint8Array, position: number): Promise<number> {
    const { bytesWritten } = await this.#handle.write(bytes, 0, bytes.length, position)
    return bytesWritten
  }

  truncate(size: number): Promise<void> {
    return this.#handle.truncate(size)
  }

  /** `fdatasync`: bytes and size; not the times, which would cost a second write. */
  sync(): Promise<void> {
    return this.#handle.datasync()
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}
