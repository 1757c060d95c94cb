/**
 * What the log knows of a disk: a folder of files, and what survives when the power fails.
 *
 * The system says "done" long before a disk has anything. Bytes that were written are safe when `sync` of their file
 * has resolved, names when `sync` of the folder has. Until then a crash may keep any part of them: some pages and
 * others not, a size without its bytes, a file without its name.
 *
 * The log knows only this interface, so that a test can pass in a disk that fails, or one that loses its power.
 */

export interface LogFile {
  size(): Promise<number>
  /** Resolves with as many bytes as there are from `position` on, up to `length`. */
  read(position: number, length: number): Promise<Buffer>
  /** Resolves with how many bytes were written: perhaps fewer than were given. */
  write(bytes: Uint8Array, position: number): Promise<number>
  /** Cuts the file to that size. */
  truncate(size: number): Promise<void>
  /** Resolves when everything written to this file so far would survive a crash. */
  sync(): Promise<void>
  close(): Promise<void>
}

export interface Folder {
  names(): Promise<string[]>
  /** Creates an empty file for reading and writing; one that has this name already is emptied. */
  create(name: string): Promise<LogFile>
  /** Opens a file for reading and writing. */
  open(name: string): Promise<LogFile>
  /** Renames a file, which replaces the one that is called `to`, if there is one. */
  rename(from: string, to: string): Promise<void>
  remove(name: string): Promise<void>
  /** Resolves when every name that was made, changed or removed so far would survive a crash as it is. */
  sync(): Promise<void>
}
