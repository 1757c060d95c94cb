/** What a chapter stands on, and what of it is still to be written. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { makeStarters } from '../../tutor/book/book.ts'
import { openHolesBeneath } from '../judge/foundations.ts'

test('what is to be written beneath a chapter is told in the order of its steps', () => {
  const root = mkdtempSync(join(tmpdir(), 'foundations-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  for (const chapter of ['07-event-loop', '08-timers']) {
    mkdirSync(join(root, chapter))
    for (const [file, source] of makeStarters(chapter)) {
      writeFileSync(join(root, chapter, file), source)
    }
  }
  const steps = openHolesBeneath({ root, label: 'chapters' }, '08-timers').map(({ step }) => step)
  expect(new Set(steps)).toContain('07.5')
  expect(steps).toEqual(steps.toSorted())
})
