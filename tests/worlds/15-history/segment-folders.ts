/** Folders of segments as a process has left them, and what is in them. */

import type { DiskState, SimulatedDisk } from '../../harness/crash-points/disk.ts'

export function diskWith(files: Record<string, Buffer>): DiskState {
  const entries = Object.entries(files)
  return {
    files: entries.map(([, bytes]) => ({ current: bytes, durable: bytes })),
    durableNames: new Map(entries.map(([name], index) => [name, index])),
    pending: [],
  }
}

/** The same, and files that were synced and given their names, by a process that was killed before it synced those. */
export function justRenamed(
  files: Record<string, Buffer>,
  renamed: Record<string, Buffer>,
): DiskState {
  const disk = diskWith({ ...files, ...renamed })
  const durableNames = new Map(Object.keys(files).map((name, file) => [name, file]))
  const pending = Object.keys(renamed).map((name) => {
    const file = disk.durableNames.get(name)!
    return { kind: 'create' as const, name, file }
  })
  return { ...disk, durableNames, pending }
}

/** The segments on a disk; what else is there does not count. */
export function listing(disk: SimulatedDisk): string[] {
  return disk
    .list()
    .filter((name) => name.endsWith('.log'))
    .sort()
}

export function nameOfSegment(number: number): string {
  return `0000000${number}.log`
}

export function fileOf(disk: SimulatedDisk, segment: number): Buffer {
  return fileNamed(disk, nameOfSegment(segment))
}

export function fileNamed(disk: SimulatedDisk, name: string): Buffer {
  return disk.bytesOf(name)
}
