/** The files of the page, without a browser: nothing is missing, nothing is parsed as HTML, nothing is said at the start. */

import { readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { expect, test, vi } from 'vitest'
import { openPage } from '../../solutions/19-chat-server/page.ts'
import { SOLUTION } from '../judge/workbook.ts'

const IMPORT = /\bimport\b[^'"]*['"]([^'"]+)['"]/g

async function open() {
  const files = await openPage()
  const text = (path: string) => Buffer.from(files.get(path)!.bytes).toString()
  return { files, text, modules: [...files.keys()].filter((path) => path.endsWith('.ts')) }
}

test('what a file names is there', async () => {
  const { files, text, modules } = await open()
  const named = [...text('/').matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path)
  expect(named).toContain('/app/19-chat-server/page/main.ts')
  for (const path of modules) {
    const folder = posix.dirname(path)
    for (const [, target] of text(path).matchAll(IMPORT)) named.push(posix.join(folder, target))
  }
  expect(named.filter((path) => !files.has(path))).toEqual([])
  expect(modules).toContain('/app/16-client/chat-client.ts')
})

test('a module is JavaScript, and its lines are where they were', async () => {
  const { files, text, modules } = await open()
  for (const path of modules) {
    expect(files.get(path)?.type).toBe('text/javascript; charset=utf-8')
    expect(text(path)).not.toMatch(/^(?:import|export) type |^interface /m)
  }
  const source = readFileSync(join(SOLUTION.root, '16-client/timers.ts'), 'utf8')
  expect(text('/app/16-client/timers.ts').split('\n')).toHaveLength(source.split('\n').length)
})

test('nothing that people write can become HTML, a script or a style', async () => {
  const { files, text } = await open()
  const doors =
    /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|srcdoc|setHTML/
  for (const path of files.keys()) expect(text(path), path).not.toMatch(doors)
  expect(text('/')).not.toMatch(/<script>|<style|\son\w+=|style="/)
})

test('Node’s warning about experimental type stripping is not printed', async () => {
  const emit = vi.spyOn(process, 'emitWarning')
  await open()
  expect(emit).not.toHaveBeenCalled()
  expect(process.emitWarning).toBe(emit)
  emit.mockRestore()
})
