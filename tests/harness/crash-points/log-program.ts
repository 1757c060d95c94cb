/** A program around a log of records: opens it, shows what it has found, and appends: alone, and several at once. */

import type { SimulatedDisk } from './disk.ts'
import type { Program } from './explore.ts'

/** As much of a log as the program has to know. */
interface LogFace {
  open(
    disk: SimulatedDisk,
    keeper: Keeper,
    limits: object,
  ): Promise<{ log: { append(record: Uint8Array): Promise<void> } }>
}

interface Keeper {
  onFound(entry: { record: Uint8Array }, segment: number): void
  onSynced(saved: { record: Uint8Array; segment: number }[]): void
  marks(): Uint8Array[]
  onRetired(oldest: number): void
}

/** A segment begins with this record, and no message is called so. */
export const MARK = 'begin'

/** Records that are appended together. */
const APPENDED = [1, 3]

export function logProgram(log: LogFace, limits: object = {}): Program {
  return async (disk, witness) => {
    const shown: { text: string; segment: number }[] = []
    const keeper: Keeper = {
      onFound({ record }, segment) {
        const text = String(record)
        if (text !== MARK) shown.push({ text, segment })
      },
      onSynced(saved) {
        for (const { record, segment } of saved) {
          shown.push({ text: String(record), segment })
          witness.promises(String(record))
        }
      },
      marks: () => [Buffer.from(MARK)],
      onRetired: (oldest) =>
        witness.releases(shown.filter(({ segment }) => segment < oldest).map(({ text }) => text)),
    }
    const opened = await log.open(disk, keeper, limits)
    witness.finds(shown.map(({ text }) => text))
    for (const count of APPENDED) {
      const appended = Array.from({ length: count }, (_, index) => {
        const text = `message ${witness.life}.${shown.length + index + 1}`
        witness.asks(text)
        return opened.log.append(Buffer.from(text))
      })
      await Promise.all(appended)
    }
  }
}
