/** Whichever clock the code under test looks at, it sees the time that the test has made. */

import { performance as hooks } from 'node:perf_hooks'
import { hrtime } from 'node:process'
import { expect, test } from 'vitest'
import { FakedClock } from '../harness/faked-clock.ts'

const { now } = performance
const { bigint } = process.hrtime

const CLOCKS: [string, () => number][] = [
  ['performance.now()', () => performance.now()],
  ['the same, taken aside', () => now()],
  ['the same, of node:perf_hooks', () => hooks.now()],
  ['Date.now()', () => Date.now()],
  ['new Date()', () => Date.parse(new Date().toISOString())],
  ['process.hrtime.bigint()', () => Number(process.hrtime.bigint()) / 1e6],
  ['the same, taken aside', () => Number(bigint()) / 1e6],
  ['the same, of node:process', () => Number(hrtime.bigint()) / 1e6],
  ['process.hrtime()', () => inMs(process.hrtime())],
  ['process.uptime()', () => process.uptime() * 1_000],
]

test.each(CLOCKS)('%s follows the faked clock, and the real one again', (_name, look) => {
  const clock = new FakedClock()
  try {
    const before = look()
    clock.advance(20.5)
    expect(look() - before).toBeCloseTo(_name === 'new Date()' ? 20 : 20.5, 5)
  } finally {
    clock.giveBack()
  }
  const before = look()
  expect(before).toBeGreaterThan(0)
  const until = hooks.now() + 3
  while (hooks.now() < until);
  expect(look() - before).toBeGreaterThan(0)
})

test('clocks that count from different moments tell different times', () => {
  const clock = new FakedClock()
  try {
    const times = [performance.now(), Date.now(), Number(process.hrtime.bigint()) / 1e6]
    times.sort((a, b) => a - b)
    expect(times[1] - times[0]).toBeGreaterThan(1_000_000)
    expect(times[2] - times[1]).toBeGreaterThan(1_000_000)
  } finally {
    clock.giveBack()
  }
})

test('process.hrtime(before) tells the difference', () => {
  const clock = new FakedClock(1_999)
  try {
    const before = process.hrtime()
    clock.advance(2_002)
    expect(process.hrtime(before)).toEqual([2, 2_000_000])
  } finally {
    clock.giveBack()
  }
})

test('a date stays a date', () => {
  expect(new Date(0).toISOString()).toBe('1970-01-01T00:00:00.000Z')
  expect(new Date()).toBeInstanceOf(Date)
  expect(new Date(2026, 1).getMonth()).toBe(1)
})

function inMs([seconds, ns]: [number, number]): number {
  return seconds * 1_000 + ns / 1e6
}
