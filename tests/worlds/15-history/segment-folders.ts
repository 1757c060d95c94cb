/** Folders of segments as a process has left them, and what is in them. */

import type { DiskState, SimulatedDisk } from '../../harness/crash-points/disk.ts'
import type { Reason } from '../../harness/failure.ts'

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

/** Why the first of five segments has not been removed, and nothing else, by what is left and what was told. */
export function whyNotTheOldest(left: string[], retired: number[]): string {
  const isThere = left[0] === nameOfSegment(1)
  if (isThere && left.length < 5)
    return 'Another one was removed: the oldest is the first of #segments.'
  if (isThere && retired.length > 0)
    return 'onRetired was told, and the file is still there: await remove() of its name.'
  if (!isThere && left.length < 4) return 'Stop when the segments have no more than maxTotalBytes.'
  return 'All segments count, including the one that was just begun.'
}

/** Of segments that are begun, wherever the machine stops. */
export const BEGUN: Reason = {
  because:
    'Whenever the machine stops, a new segment is either there with its first group or not there at all.',
  likely:
    'A name is safe only once the folder is synced after the rename, and its bytes only if the file was synced before it.',
}

/** Of a log that begins segments as it should, and removes old ones: by what the next start has found. */
export function whyRemoved(finding: string): Reason {
  if (!finding.endsWith('it is missing')) return BEGUN
  return {
    because:
      'A crash has undone one removal of a segment and not a later one. The gap looks like damage.',
    likely: 'Sync the folder after each removal, before the next one.',
  }
}

/** Why a segment does not begin with its marks, by what it begins with. */
export function whyWithoutMarks(received: Buffer): Pick<Reason, 'likely' | 'look'> {
  if (received.every((byte) => byte === 0))
    return {
      likely: 'The group was not written before the rename: await save().',
      look: 'segments.publish()',
    }
  return {
    likely: 'Call marks() when the segment is begun: its records are the first group.',
    look: 'log.#rollOver()',
  }
}
