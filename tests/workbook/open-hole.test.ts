/** Watching for holes leaves no trace in errors that have nothing to do with them. */

import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const OPEN_HOLE = join(import.meta.dirname, '..', 'harness', 'open-hole.ts')

const LOOK = `
class Lost extends Error {
  constructor(message) {
    super(message, { cause: 7 })
  }
}
const lost = new Lost('gone')
const plain = function here() { return Error('plain') }()
console.log(JSON.stringify({
  stack: lost.stack.split('\\n').slice(0, 2).map((line) => line.replace(/\\(.*/, '')),
  firstFrame: plain.stack.split('\\n')[1].replace(/\\(.*/, ''),
  kinds: [lost instanceof Lost, lost instanceof Error, plain instanceof Error, new TypeError() instanceof Error],
  names: [lost.constructor.name, plain.constructor === Error, String(plain), lost.cause],
}))`

test('errors are what they are elsewhere', () => {
  const watch = `const { watchHoles } = await import(${JSON.stringify(OPEN_HOLE)}); watchHoles(() => {});`
  expect(run(`${watch}${LOOK}`)).toEqual(run(LOOK))
})

test('a hole is told, however it is thrown', () => {
  const script = `
const { watchHoles } = await import(${JSON.stringify(OPEN_HOLE)})
const seen = []
watchHoles((thrown) => seen.push(thrown.message))
try { throw new Error('TODO 07.1') } catch {}
Promise.reject(Error('TODO 07.2')).catch(() => {})
new Error('TODO later')
console.log(JSON.stringify(seen))`
  expect(run(script)).toEqual(['TODO 07.1', 'TODO 07.2'])
})

function run(script: string): unknown {
  const args = ['--input-type=module', '-e', script]
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }))
}
