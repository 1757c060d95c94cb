/**
 * What happens when the log is opened: every segment is read, every group is checked, and a crash's damage is repaired.
 *
 * A group is written only when the one before it has been synced. So a crash can spoil the last group and no other. A
 * spoiled group with a good one after it was spoiled by something else.
 */

import type { Folder } from './folder.ts'
import { type Decoded, decodeGroup, type Entry, MAGIC } from './groups.ts'
import { nameOf, type Segment } from './segments.ts'

/** The log is not as it was written, and no crash explains that. Nobody should go on from there. */
export class DamagedLog extends Error {
  override readonly name = 'DamagedLog'

  constructor(segment: number, at: number, what: string) {
    super(`${nameOf(segment)} is damaged at byte ${at}: ${what}`)
  }
}

/** What was cut off the end of the log. */
export interface Cut {
  file: string
  at: number
  bytes: number
  kind: Decoded['kind']
}

export interface Recovered {
  segments: Segment[]
  cut: Cut | undefined
}

/** Called with every record that is found, in order, and with the segment that it is in. */
export type OnEntry = (entry: Entry, segment: number) => void

/**
 * Opens these segments and gives `onEntry` every record in them. When this resolves, all of them would survive a crash;
 * until then nobody may be told of one. Rejects with a `DamagedLog` if anything but the last group is bad.
 */
export async function recover(
  folder: Folder,
  numbers: number[],
  onEntry: OnEntry,
): Promise<Recovered> {
  const segments: Segment[] = []
  let cut: Cut | undefined
  try {
    for (const [index, number] of numbers.entries()) {
      if (number !== numbers[0] + index)
        throw new DamagedLog(numbers[0] + index, 0, 'it is missing')
      const file = await folder.open(nameOf(number))
      const segment = { number, file, size: 0, marksBytes: 0 }
      segments.push(segment)
      const bytes = await segment.file.read(0, await segment.file.size())
      segment.size = readGroups(bytes, number, onEntry)
      const marks = decodeGroup(bytes, 0)
      if (marks.kind === 'group') segment.marksBytes = marks.end
      if (number === numbers.at(-1)) cut = await settle(folder, segment, bytes)
      else if (segment.size < bytes.length)
        throw new DamagedLog(number, segment.size, 'a later segment follows it')
    }
  } catch (error) {
    await Promise.all(segments.map(({ file }) => file.close()))
    throw error
  }
  return { segments, cut }
}

/**
 * Gives `onEntry` the records of one group after the other, from the beginning of a segment, and returns where the good
 * groups end. Places count from the beginning of the segment. Throws a `DamagedLog` that names where the bad group
 * begins if a good one begins anywhere after that place, or if the first group is bad or missing: a segment gets its
 * name only when its first group has been synced.
 *
 * @step 15.4
 */
export function readGroups(bytes: Buffer, segment: number, onEntry: OnEntry): number {
  // TODO 15.4
  throw new Error('TODO 15.4')
}

/**
 * Makes the last segment safe to go on from; `bytes` is what was read of it. Cuts off what follows its good groups, if
 * anything does, and returns what was cut. Then makes what was found survive a crash, bytes and names: a process that
 * was killed may have left them without a sync.
 *
 * @step 15.4
 */
async function settle(
  folder: Folder,
  { number, file, size }: Segment,
  bytes: Buffer,
): Promise<Cut | undefined> {
  // TODO 15.4
  throw new Error('TODO 15.4')
}
