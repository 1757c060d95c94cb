/** A folder of the file system, as Node sees it. */

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
    const made = await mkdir(path, { recursive: true, mode: OWNER_ONLY.folder })
    // Each folder that was made is a name in the one above it: sync that one.
    if (made !== undefined)
      for (let above = path; above !== dirname(made); ) {
        above = dirname(above)
        const folder = new NodeFolder(above)
        await folder.sync().finally(() => folder.close())
      }
    return new NodeFolder(path)
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
