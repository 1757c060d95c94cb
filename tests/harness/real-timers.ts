/**
 * Timers of Node's own that code under test sets although a test moves a clock of its own: they count real time, so in
 * the test's time they never fire, and the card has to say so.
 *
 * Looked for only while a virtual clock is in play. Nothing is changed about the timers themselves.
 */

import { createRequire, syncBuiltinESMExports } from 'node:module'
import { promisify } from 'node:util'
import { type CodeTree, placesInStack } from './code-tree.ts'
import type { Place } from './failure.ts'

/** Stacks of the calls that have set one. */
let stacks: string[] = []
let isWatching = false

/** More than these are not needed to find one. */
const MAX_STACKS = 200

/** From here on, until `forgetRealTimers`. */
export function watchRealTimers(): void {
  isWatching = true
}

export function forgetRealTimers(): void {
  isWatching = false
  stacks = []
}

/** Where code under test of this step's chapter has set one. Earlier chapters may: a poller sleeps in real time. */
export function findRealTimer(tree: CodeTree, step: string): Place | undefined {
  return stacks
    .flatMap((stack) => placesInStack(tree, stack).slice(0, 1))
    .find(({ file }) => file.startsWith(`${tree.label}/${step.slice(0, 2)}-`))
}

/** How many the code of a chapter has set since the watch began: its own lines, not those that it calls. */
export function countRealTimers(chapter: string): number {
  return stacks.filter((stack) => {
    const caller = stack.split('\n').find((line) => !/^Error|real-timers\.ts|node:/.test(line))
    return caller?.includes(`/${chapter}/`)
  }).length
}

function note(): void {
  if (isWatching && stacks.length < MAX_STACKS) stacks.push(new Error().stack ?? '')
}

/** A function of that object notes its callers from now on, and stays what it was in everything else. */
function watch(owner: object, name: string): void {
  const methods = owner as Record<string, (...args: unknown[]) => unknown>
  const original = methods[name]
  methods[name] = Object.assign(function (this: unknown, ...args: unknown[]): unknown {
    note()
    return original.apply(this, args)
  }, original)
}

const load = createRequire(import.meta.url)
const timers = load('node:timers')
for (const name of ['setTimeout', 'setInterval']) {
  watch(timers, name)
  watch(timers.promises, name)
  Object.assign(globalThis, { [name]: timers[name] })
}
Object.assign(timers.setTimeout, { [promisify.custom]: timers.promises.setTimeout })
watch(timers.promises.scheduler, 'wait')
watch(AbortSignal, 'timeout')
syncBuiltinESMExports()
