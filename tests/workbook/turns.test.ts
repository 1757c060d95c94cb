import { expect, test } from 'vitest'
import { Turns } from './turns.ts'

test('a task alone waits for those that run, and whoever comes later waits for it', async () => {
  const turns = new Turns()
  const said: string[] = []
  const task = (name: string) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const run = async () => {
      said.push(`${name} begins`)
      await promise
      said.push(`${name} ends`)
    }
    return { run, resolve }
  }
  const first = task('first')
  const second = task('second')
  const alone = task('alone')
  const alone2 = task('alone 2')
  const late = task('late')
  const all = [
    turns.beside(first.run),
    turns.beside(second.run),
    turns.alone(alone.run),
    turns.alone(alone2.run),
    turns.beside(late.run),
  ]
  // The last may end at any time: each still begins in its turn.
  for (const { resolve } of [late, alone2, alone, second, first]) {
    resolve()
    await new Promise(setImmediate)
  }
  await Promise.all(all)
  expect(said).toEqual([
    'first begins',
    'second begins',
    'second ends',
    'first ends',
    'alone begins',
    'alone ends',
    'alone 2 begins',
    'alone 2 ends',
    'late begins',
    'late ends',
  ])
})

test('a task that fails lets the next one begin', async () => {
  const turns = new Turns()
  await expect(turns.beside(() => Promise.reject(new Error('beside')))).rejects.toThrow('beside')
  await expect(turns.alone(() => Promise.reject(new Error('alone')))).rejects.toThrow('alone')
  expect(await turns.alone(async () => 'done')).toBe('done')
  expect(await turns.beside(async () => 'done')).toBe('done')
})
