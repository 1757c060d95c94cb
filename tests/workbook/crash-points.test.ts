/** The crash explorer accuses every broken log, every time, and never a right one. */

import { Chalk } from 'chalk'
import { describe, expect, test } from 'vitest'
import { powerFailures } from '../harness/crash-points/crashes.ts'
import { EMPTY_DISK, SimulatedDisk } from '../harness/crash-points/disk.ts'
import { exploreCrashes, type Program } from '../harness/crash-points/explore.ts'
import { crashFailure } from '../harness/crash-points/report.ts'
import { seededRandom } from '../harness/random.ts'
import { renderCard } from '../judge/card.ts'
import { SOLUTION } from '../judge/workbook.ts'
import { type Flaw, programOf } from './fixtures/crash-points/naive-log.ts'

const SEEDS = [1, 2, 3]

test.each(SEEDS)('a right log keeps its promises, seed %i', async (seed) => {
  const outcome = await exploreCrashes({ program: programOf(), seed })
  expect(outcome).toMatchObject({ kind: 'held' })
  expect(outcome.crashPoints).toBeGreaterThan(500)
})

describe.each([
  ['promises before the sync', /"message 1\.1" was said to be saved, and is not there/],
  ['has no sync', /"message 1\.1" was said to be saved, and is not there/],
  ['writes the next before the sync', /the log is damaged/],
  ['checks the payload only', /"" is found, and nobody has ever sent it/],
  ['checks nothing', /is found, and nobody has ever sent it/],
  ['renames without syncing the folder', /"message 1\.1" was said to be saved, and is not there/],
  ['renames before the sync', /the log does not begin/],
  ['shows before it has synced', /"message 1\.\d" was said to be saved, and is not there/],
  ['goes on behind a torn tail', /the log is damaged/],
  ['gives up at a torn tail', /the log is damaged/],
  ['forgets its last message', /"message 1\.3" was said to be saved, and is not there/],
  ['keeps a message twice', /"message 1\.1" is found twice/],
  ['does not sync the folder at the start', /"message 2\.1" was said to be saved/],
  ['does not come to an end', /the program does not come to an end/],
] satisfies [Flaw, RegExp][])('%s', (flaw, finding) => {
  test.each(SEEDS)('is found, seed %i', async (seed) => {
    const outcome = await exploreCrashes({ program: programOf(flaw), seed })
    expect(outcome).toMatchObject({ kind: 'broken', finding: expect.stringMatching(finding) })
  })
})

test('the same walk every time', async () => {
  const walk = () => exploreCrashes({ program: programOf('shows before it has synced'), seed: 7 })
  expect(await walk()).toEqual(await walk())
})

describe('a power failure', () => {
  const ALL = 10_000

  test('keeps what was synced, whatever else it does', async () => {
    const disks = await disksAfter(async (disk) => {
      const file = await disk.create('log')
      await file.write(Buffer.from('synced'), 0)
      await file.sync()
      await disk.sync()
    })
    expect(disks).toEqual([{ log: 'synced' }])
  })

  test('keeps any of the new pages, with the new size or the old one', async () => {
    const [a, b] = ['a'.repeat(32), 'b'.repeat(32)]
    const zeros = '\0'.repeat(32)
    const disks = await disksAfter(appending(a + b))
    for (const log of ['old', `old${''.padEnd(64, '\0')}`, `old${a}${b}`])
      expect(disks).toContainEqual({ log })
    expect(disks).toContainEqual({ log: `old${'\0'.repeat(29)}${(a + b).slice(29, 61)}\0\0\0` })
    expect(disks).not.toContainEqual({ log: `${zeros}${a}${b}` })
  })

  test('stops a write at any byte, and leaves zeros behind it or nothing', async () => {
    const disks = await disksAfter(appending('0123456789'))
    for (let end = 1; end < 10; end++) {
      const torn = `old${'0123456789'.slice(0, end)}`
      expect(disks).toContainEqual({ log: torn })
      expect(disks).toContainEqual({ log: torn.padEnd(13, '\0') })
    }
  })

  test('may bring back what was cut off, until that was synced', async () => {
    const cut = async (disk: SimulatedDisk) => {
      const file = await makeOld(disk)
      await file.truncate(1)
      return file
    }
    expect(await disksAfter(cut)).toEqual(expect.arrayContaining([{ log: 'o' }, { log: 'old' }]))
    const disks = await disksAfter(async (disk) => (await cut(disk)).sync())
    expect(disks).toEqual([{ log: 'o' }])
  })

  test('forgets any change of a name that was not synced', async () => {
    const disks = await disksAfter(async (disk) => {
      const file = await disk.create('new')
      await file.write(Buffer.from('x'), 0)
      await file.sync()
      await disk.rename('new', 'log')
    })
    expect(disks).toHaveLength(3)
    expect(disks).toEqual(expect.arrayContaining([{}, { new: 'x' }, { log: 'x' }]))
  })

  test('does not make safe what was written after the sync had begun', async () => {
    const disks = await disksAfter(async (disk) => {
      const file = await makeOld(disk)
      const syncing = file.sync()
      await file.write(Buffer.from('er'), 3)
      await syncing
    })
    expect(disks).toContainEqual({ log: 'old' })
  })

  function appending(text: string) {
    return async (disk: SimulatedDisk) => {
      await (await makeOld(disk)).write(Buffer.from(text), 3)
    }
  }

  async function makeOld(disk: SimulatedDisk) {
    const file = await disk.create('log')
    await file.write(Buffer.from('old'), 0)
    await file.sync()
    await disk.sync()
    return file
  }

  async function disksAfter(work: (disk: SimulatedDisk) => Promise<unknown>) {
    const disk = new SimulatedDisk(EMPTY_DISK)
    await work(disk)
    return powerFailures(disk.state, ALL, seededRandom(1, 'crashes')).map(({ state }) =>
      Object.fromEntries(
        [...state.durableNames].map(([name, file]) => [
          name,
          state.files[file].current.toString('latin1'),
        ]),
      ),
    )
  }
})

describe('the card tells the writes, the crash, and what was left', () => {
  test.each(['promises before the sync', 'shows before it has synced'] as const)(
    '%s',
    async (flaw) => {
      const card = await cardOf(programOf(flaw))
      await expect(card).toMatchFileSnapshot(
        `fixtures/crash-points/${flaw.replaceAll(' ', '-')}.txt`,
      )
    },
  )
})

async function cardOf(program: Program): Promise<string> {
  const outcome = await exploreCrashes({ program, seed: 1 })
  if (outcome.kind !== 'broken') throw new Error('the log was expected to be broken')
  const because = 'What was said to be saved is there after every crash.'
  const { report } = crashFailure(outcome, SOLUTION, { because })
  const step = { id: '15.4', title: 'a title' }
  return renderCard(
    { ...report, step, lookAt: [], seed: 1 },
    { columns: 100, chalk: new Chalk({ level: 0 }) },
  )
}
