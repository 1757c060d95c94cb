/** Nothing is lost: not by a broken file, not by one from the future, not by a folder that cannot be written. */

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { watchFile } from '../../tutor/effects/watching.ts'
import { isGreen, noteHints, ProgressFile } from '../judge/progress.ts'
import { ROOT } from '../judge/workbook.ts'

const FOLDER = join(ROOT, '.workbook', 'tmp', 'progress')
const PATH = join(FOLDER, 'progress.json')

beforeEach(() => {
  rmSync(FOLDER, { recursive: true, force: true })
  mkdirSync(FOLDER, { recursive: true })
})

test('what was written is read, by another process too', () => {
  new ProgressFile(PATH).update(({ steps }) => {
    steps['01.1'] = { passedAt: '2026-01-01T00:00:00.000Z' }
  })
  const progress = new ProgressFile(PATH).read()
  expect(isGreen(progress, '01.1')).toBe(true)
  expect(isGreen(progress, '01.2')).toBe(false)
})

test('two writers do not undo each other', () => {
  const [guide, judge] = [new ProgressFile(PATH), new ProgressFile(PATH)]
  guide.update(({ hints }) => {
    hints['01.1'] = 2
  })
  judge.update(({ steps }) => {
    steps['01.1'] = { passedAt: 'then' }
  })
  expect(guide.read()).toMatchObject({ hints: { '01.1': 2 }, steps: { '01.1': {} } })
})

test('the guide hears of the first write of another process, too', async () => {
  const path = join(FOLDER, 'not there yet', 'progress.json')
  let heard = 0
  const watcher = watchFile(path, () => {
    heard += 1
  })
  const write = () => {
    new ProgressFile(path).update((progress) => noteHints(progress, '01.1', 1))
    return heard
  }
  await expect.poll(write, { timeout: 10_000, interval: 200 }).toBeGreaterThan(0)
  await watcher.close()
})

test('hints that were taken in another terminal are not given back', () => {
  const [guide, verb] = [new ProgressFile(PATH), new ProgressFile(PATH)]
  guide.update((progress) => noteHints(progress, '01.1', 1))
  verb.update((progress) => noteHints(progress, '01.2', 2))
  guide.update((progress) => noteHints(progress, '01.2', 1))
  expect(guide.read().hints).toEqual({ '01.1': 1, '01.2': 2 })
})

test.each([
  '{ "version": 1, "st',
  '[]',
  'null',
  '{"version":1}',
  '{"version":"x","steps":{}}',
  '{"version":1,"steps":[]}',
  '{"version":1,"steps":{"01.1":null}}',
  '{"version":1,"steps":{"01.1":{"passedAt":5}}}',
  '{"version":1,"steps":{},"hints":null}',
  '{"version":1,"steps":{},"hints":{"01.1":"2"}}',
  '{"version":1,"steps":{},"finished":null}',
  '{"version":1,"steps":{},"place":2}',
])('a broken file is set aside: %s', (broken) => {
  writeFileSync(PATH, broken)
  const file = new ProgressFile(PATH)
  expect(file.read().steps).toEqual({})
  expect(file.takeNotices()).toEqual([expect.stringMatching(/could not be read\. It is kept as/)])
  const [aside] = readdirSync(FOLDER).filter((name) => name.includes('broken'))
  expect(readFileSync(join(FOLDER, aside), 'utf8')).toBe(broken)
})

test('a file of an older workbook, without what came later, is no broken one', () => {
  writeFileSync(PATH, '{"version":1,"steps":{"01.1":{"passedAt":"then"}}}')
  const file = new ProgressFile(PATH)
  expect(file.read()).toMatchObject({ steps: { '01.1': {} }, hints: {}, finished: {} })
  expect(file.takeNotices()).toEqual([])
})

test('a file from a newer workbook is left alone', () => {
  const newer = '{"version":99,"steps":{"01.1":{"passedAt":"then"}},"rooms":[]}'
  writeFileSync(PATH, newer)
  const file = new ProgressFile(PATH)
  file.update(({ steps }) => {
    steps['01.2'] = { passedAt: 'now' }
  })
  expect(readFileSync(PATH, 'utf8')).toBe(newer)
  expect(file.takeNotices()).toEqual([expect.stringMatching(/newer workbook.*git pull/)])
})

test.skipIf(process.platform === 'win32')(
  'a folder that cannot be written costs the memory only',
  () => {
    const blocked = join(FOLDER, 'a file, not a folder')
    writeFileSync(blocked, '')
    const file = new ProgressFile(join(blocked, 'progress.json'))
    file.update(({ steps }) => {
      steps['01.1'] = { passedAt: 'now' }
    })
    expect(file.takeNotices()).toEqual([
      expect.stringMatching(/cannot be saved .*Everything else works/),
    ])
    expect(file.takeNotices()).toEqual([])
  },
)
