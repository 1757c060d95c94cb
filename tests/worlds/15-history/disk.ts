/** Disks for a log to be tested on, which fail when they are told to, or take a part of what is written. */

import { setImmediate as turn } from 'node:timers/promises'
import type { SimulatedDisk } from '../../harness/crash-points/disk.ts'

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
