/** What `npm test` leaves out, because nothing that a chapter's proof reads has changed. */

import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'vitest'
import { ROOT } from '../judge/workbook.ts'
import { filesReadFor, fingerprintsOf, ProvenFile } from './fingerprint.ts'

const SERVER = '09-framing'

describe('what a proof has read', () => {
  test('is the chapter, whatever it stands on, its answers and cards, and the floor beneath all', ({
    expect,
  }) => {
    const files = filesReadFor('05-shared-state')
    expect(files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([])
    for (const part of [
      'chapters/05-shared-state/README.md',
      'solutions/05-shared-state/mutex.ts',
      'solutions/01-hello/server.ts',
      'tests/chapters/05-shared-state.test.ts',
      'tests/mistakes/05-shared-state.ts',
      'tests/right-answers/05-shared-state.ts',
      'tests/harness/watchdog.ts',
      'tests/judge/runner.ts',
      'package-lock.json',
    ]) {
      expect(files).toContain(part)
    }
    expect(files.some((file) => file.startsWith('tests/chapters/threads/05-'))).toBe(true)
    expect(files.some((file) => file.startsWith('tests/mistakes/cards/05-'))).toBe(true)
  })

  test('is nothing of a later chapter', ({ expect }) => {
    const own = filesReadFor(SERVER).filter((file) => /^(solutions|chapters)\//.test(file))
    expect(own.filter((file) => file.split('/')[1] > SERVER)).toEqual([])
  })
})

describe('what was proved', () => {
  test('is unchanged as long as the fingerprint is the same', ({ expect }) => {
    const folder = mkdtempSync(join(tmpdir(), 'proven-'))
    const proven = new ProvenFile(join(folder, 'state', 'proven.json'))
    expect(proven.unchanged([SERVER])).toEqual([])
    proven.add(fingerprintsOf([SERVER]))
    proven.add([['01-hello', 'as it was before']])
    expect(proven.unchanged(['01-hello', SERVER])).toEqual([SERVER])
    rmSync(folder, { recursive: true })
  })

  test('is nothing when the note about it cannot be read', ({ expect }) => {
    const folder = mkdtempSync(join(tmpdir(), 'proven-'))
    const path = join(folder, 'proven.json')
    writeFileSync(path, '{"09-framing": "a')
    expect(new ProvenFile(path).unchanged([SERVER])).toEqual([])
    rmSync(folder, { recursive: true })
  })
})
