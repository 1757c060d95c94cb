import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CodeTree } from '../../tests/harness/code-tree.ts'
import { collectGarbage } from '../../tests/harness/garbage.ts'
import { median } from '../../tests/harness/numbers.ts'
import { loadHistory } from './history-code.ts'
import { type Measurement, notMeasurable } from './measurement.ts'

const ROUNDS = 5
const MESSAGES = 1_000_000
const ROOMS = 100
const GROUP = 100
const SEGMENT_BYTES = 64 * 1024 * 1024

/** With its head, names and length a message takes 150 bytes in the log. */
const TEXT = 'x'.repeat(118)

export const measurement: Measurement = {
  asks: 'milliseconds until a log of 1,000,000 messages is open',
  how: `${MESSAGES.toLocaleString('en')} messages of 150 bytes in ${ROOMS} rooms, ${GROUP} a group; every checksum verified, every message in the index. Median of ${ROUNDS}; the files are in the system's memory already.`,
  async run(tree, say) {
    const { LogJournal, NodeFolder } = await loadHistory(tree)
    const path = await mkdtemp(join(tmpdir(), 'reopen-'))
    try {
      say('writing the log')
      const bytes = await writeLog(tree, path)
      const opening: number[] = []
      const computing: number[] = []
      const paging: number[] = []
      for (let round = 1; round <= ROUNDS; round++) {
        say(`opening it, ${round} of ${ROUNDS}`)
        collectGarbage()
        const usage = process.cpuUsage()
        const startedAt = performance.now()
        const settings = { clock: { now: Date.now }, origin: 'here' }
        const folder = await NodeFolder.open(path)
        const { journal } = await LogJournal.open(folder, settings)
        opening.push(performance.now() - startedAt)
        const { user, system } = process.cpuUsage(usage)
        computing.push((user + system) / 1_000)
        const pageAt = performance.now()
        const page = await journal.page('room7', { before: MESSAGES / ROOMS / 2 })
        paging.push(performance.now() - pageAt)
        if (page.messages.length !== 100) throw notMeasurable('The page is not whole.')
        await journal.close()
        // Older code of chapter 15 has no such method.
        await folder.close?.()
      }
      const value = Math.round(median(opening))
      return {
        answer: { value, unit: 'ms' },
        rows: [
          { label: 'open', value, unit: 'ms' },
          { label: 'CPU time of that', value: Math.round(median(computing)), unit: 'ms' },
          { label: 'read', value: Math.round(bytes / 1e6 / (value / 1e3)), unit: 'MB/s' },
          { label: 'a page of 100 from the middle', value: rounded(median(paging)), unit: 'ms' },
        ],
      }
    } finally {
      await rm(path, { recursive: true, force: true })
    }
  },
}

/** Writes the segments without a sync: they are read once, and removed. */
async function writeLog(tree: CodeTree, path: string): Promise<number> {
  const { encodeGroup, encodeMessage, encodeOrigin, encodeRoom } = await loadHistory(tree)
  const last = new Map<string, number>()
  const marks = () => [
    encodeOrigin('here'),
    ...Array.from(last, ([room, number]) => encodeRoom(room, number, 'ada')),
  ]
  let bytes = 0
  for (let segment = 1, written = 0; written < MESSAGES; segment++) {
    await using file = await open(join(path, `${String(segment).padStart(8, '0')}.log`), 'w')
    let size = (await file.write(encodeGroup(marks()))).bytesWritten
    while (written < MESSAGES && size < SEGMENT_BYTES) {
      const records = Array.from({ length: GROUP }, (_, index) => {
        const room = `room${(written + index) % ROOMS}`
        const number = (last.get(room) ?? 0) + 1
        last.set(room, number)
        return encodeMessage({ room, message: { number, name: 'ada', text: TEXT, at: 0 } })
      })
      size += (await file.write(encodeGroup(records))).bytesWritten
      written += GROUP
    }
    bytes += size
  }
  return bytes
}

function rounded(value: number): number {
  return Number(value.toPrecision(2))
}
