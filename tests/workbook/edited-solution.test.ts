/** What the proof makes of edits: the wrong answers and the right ones. */

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { fileIn } from '../harness/code-tree.ts'
import { type EditedSolution, editSolution, firstStepReached } from './edited-solution.ts'

const GOODBYE = "  socket.on('end', () => socket.end())"

test('a hole gets another body, and keeps its comment and its parameters', () => {
  const body = "  socket.once('end', () => socket.destroySoon())"
  const source = serverOf({ name: 'hole', edits: [{ hole: 'answerGoodbye', by: body }] })
  expect(source).toContain(`export function answerGoodbye(socket: Socket): void {\n${body}\n}`)
  expect(source).not.toContain(GOODBYE)
  expect(source).toContain('Answers the client')
})

test('a text is replaced by another', () => {
  const source = serverOf({ name: 'text', edits: [{ replace: GOODBYE, by: '  void socket' }] })
  expect(source).toContain('  void socket')
  expect(source).not.toContain(GOODBYE)
})

test('a whole file takes the place of the solution’s', () => {
  const source = serverOf({ name: 'file', files: { 'server.ts': 'export {}\n' } })
  expect(source).toBe('export {}\n')
})

test('an edit that has lost its place in the solution is an error', () => {
  expect(() => serverOf({ name: 'lost', edits: [{ replace: 'socket', by: '' }] })).toThrow(
    /occurs \d+ times, not once/,
  )
  expect(() => serverOf({ name: 'lost', edits: [{ hole: 'sayGoodbye', by: '' }] })).toThrow(
    'There are 0 holes named sayGoodbye, not one',
  )
})

test('judging begins at the first step that an edit can reach', () => {
  const steps = ['01.1', '01.2', '01.3', '01.4'].map((id) => ({ id }))
  const first = (edited: Omit<EditedSolution, 'name'>) =>
    firstStepReached('01-hello', steps, edited)
  const track = { hole: 'trackConnection', by: '' }
  expect(first({ edits: [track] })).toBe('01.3')
  expect(first({ edits: [{ replace: '  open.add(socket)', by: '' }] })).toBe('01.3')
  expect(first({ edits: [track, { hole: 'greet', by: '' }] })).toBe('01.2')
  expect(first({ edits: [track, { replace: 'export function startServer', by: '' }] })).toBe('01.1')
  expect(first({ files: { 'server.ts': '' } })).toBe('01.1')
})

function serverOf(edited: EditedSolution): string {
  const tree = editSolution('edited', '02-echo', edited)
  return readFileSync(fileIn(tree, '02-echo', 'server.ts'), 'utf8')
}
