import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { median } from '../../tests/harness/numbers.ts'
import { loadHistory } from './history-code.ts'
import type { Measurement } from './measurement.ts'

const ROUNDS = 5
const RECORD = Buffer.alloc(150, 'x')

/** Appended in a round by one who waits each time, and by a hundred who do. */
const ALONE = 200
const TOGETHER = 10_000
const CROWD = 100

export const measurement: Measurement = {
  asks: 'records per second that 100 who wait for each of theirs append',
  how: `Records of ${RECORD.length} bytes in one folder of the system's temporary files; median of ${ROUNDS} rounds, all in turn. Alone: one after the other, each when the one before is safe. SQLite: one INSERT a transaction, synchronous=FULL.`,
  async run(tree, say) {
    const { Log, NodeFolder } = await loadHistory(tree)
    const path = await mkdtemp(join(tmpdir(), 'appends-'))
    const keeper = { onFound() {}, onSynced() {}, marks: () => [], onRetired() {} }
    const folder = await NodeFolder.open(join(path, 'log'))
    const { log } = await Log.open(folder, keeper)
    const inserts = { wal: database(path, 'wal'), delete: database(path, 'delete') }
    const contestants: Record<string, () => Promise<number>> = {
      'log, alone': () => perSecond(1, ALONE, () => log.append(RECORD)),
      [`log, ${CROWD} at a time`]: () => perSecond(CROWD, TOGETHER, () => log.append(RECORD)),
      'SQLite, write-ahead log': () => perSecond(1, ALONE, inserts.wal),
      'SQLite, rollback journal': () => perSecond(1, ALONE, inserts.delete),
    }
    const results = new Map<string, number[]>()
    try {
      for (let round = 1; round <= ROUNDS; round++) {
        say(`round ${round} of ${ROUNDS}`)
        for (const [label, race] of Object.entries(contestants))
          results.set(label, [...(results.get(label) ?? []), await race()])
      }
    } finally {
      await log.close()
      // Older code of chapter 15 has no such method.
      await folder.close?.()
      await rm(path, { recursive: true, force: true })
    }
    const rows = [...results].map(([label, values]) => ({
      label,
      value: Math.round(median(values)),
      unit: '/s',
    }))
    return { answer: { value: rows[1].value, unit: '/s' }, rows }
  },
}

/** How many a second, when so many do it over and over, each waiting for its own. */
async function perSecond(
  crowd: number,
  count: number,
  append: () => Promise<void> | void,
): Promise<number> {
  let begun = 0
  const startedAt = performance.now()
  const worker = async () => {
    while (begun < count) {
      begun += 1
      await append()
    }
  }
  await Promise.all(Array.from({ length: crowd }, worker))
  return (count / (performance.now() - startedAt)) * 1_000
}

function database(path: string, journalMode: string): () => void {
  const database = new DatabaseSync(join(path, `${journalMode}.db`))
  database.exec(`PRAGMA journal_mode = ${journalMode}; PRAGMA synchronous = FULL`)
  database.exec('CREATE TABLE records (number INTEGER PRIMARY KEY, record BLOB)')
  const insert = database.prepare('INSERT INTO records (record) VALUES (?)')
  return () => void insert.run(RECORD)
}
