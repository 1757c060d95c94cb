/**
 * What a crash may leave of a disk.
 *
 * When the process is killed, the system still has everything, and nothing of it is safer than before. When the power
 * fails, of what was not synced the disk has any pages and lacks the others, may have the new size of a file without its
 * bytes, may have the last write up to any byte of it, and may have forgotten any change of a name.
 */

import { type Random, randomInteger } from '../random.ts'
import { applied, type DiskState, type FileState, type NameChange, namesOf } from './disk.ts'

/** Small, so that a small write has several. */
const PAGE_BYTES = 32

export interface Crash {
  kind: 'power' | 'kill'
  /** The disk that the next start finds. */
  state: DiskState
  /** What became of what was not synced, a line each. */
  aftermath: string[]
  /** Disks with the same key cannot be told apart. */
  key: string
}

/** One of the things that may have happened to one file, or to the folder. */
interface Fate<T> {
  value: T
  text?: string
}

/** The process is killed: the next one sees what this one has written. */
export function killed(state: DiskState): Crash {
  const key = `kill ${keyOf(state)} ${JSON.stringify(state.pending)}`
  return { kind: 'kill', state, aftermath: [], key }
}

/**
 * Disks that a power failure may leave, no two alike: all of them, if they are no more than `max`; otherwise some that
 * were picked at random. The first one has nothing that was not synced, the second everything.
 */
export function powerFailures(state: DiskState, max: number, random: Random): Crash[] {
  const names = fatesOfNames(state)
  const files = state.files.map((file, index) => fatesOfFile(file, nameOf(state, index)))
  const choices: Fate<unknown>[][] = [names, ...files]
  const total = choices.reduce((product, fates) => product * fates.length, 1)
  const found = new Map<string, Crash>()
  const add = (picks: number[]) => {
    const crash = assemble(
      names[picks[0]],
      files.map((fates, index) => fates[picks[index + 1]]),
    )
    if (!found.has(crash.key)) found.set(crash.key, crash)
  }
  add(choices.map(() => 0))
  add(choices.map((fates) => Math.min(1, fates.length - 1)))
  if (total <= max) for (let number = 0; number < total; number++) add(digitsOf(number, choices))
  else
    for (let times = 0; times < max; times++)
      add(choices.map((fates) => randomInteger(random, fates.length)))
  return [...found.values()]
}

/** The mixed-radix digits of a number: walks every combination. */
function digitsOf(number: number, choices: unknown[][]): number[] {
  let rest = number
  return choices.map(({ length }) => {
    const digit = rest % length
    rest = Math.floor(rest / length)
    return digit
  })
}

function assemble(names: Fate<Map<string, number>>, files: Fate<Buffer>[]): Crash {
  const state: DiskState = {
    files: files.map(({ value }) => ({ current: value, durable: value })),
    durableNames: names.value,
    pending: [],
  }
  return {
    kind: 'power',
    state,
    key: keyOf(state),
    aftermath: [names, ...files].map(({ text }) => text).filter((text) => text !== undefined),
  }
}

function keyOf(state: DiskState): string {
  const describe = (bytes: Buffer) => bytes.toString('latin1')
  return [...namesOf(state)]
    .map(([name, file]) => {
      const { current, durable } = state.files[file]
      return `${name}=${describe(current)}${current === durable ? '' : describe(durable)}`
    })
    .sort()
    .join('\n')
}

/** None of the changes, all of them, and every other part of them. */
function fatesOfNames({ durableNames, pending }: DiskState): Fate<Map<string, number>>[] {
  if (pending.length === 0) return [{ value: new Map(durableNames) }]
  const all = 2 ** pending.length - 1
  const masks = [0, all, ...Array.from({ length: Math.max(0, all - 1) }, (_, index) => index + 1)]
  return masks.map((mask) => {
    const kept = pending.filter((_, index) => mask & (1 << index))
    const lost = pending.filter((change) => !kept.includes(change))
    return {
      value: applied(durableNames, kept, pending),
      text:
        lost.length > 0 ? `has forgotten ${lost.map(describeChange).join(', and ')}` : undefined,
    }
  })
}

function describeChange(change: NameChange): string {
  if (change.kind === 'create') return `that ${change.name} was created`
  if (change.kind === 'remove') return `that ${change.name} was removed`
  return `that ${change.from} was renamed to ${change.to}`
}

/** The file as it was synced, as it is, and everything between. */
function fatesOfFile({ current, durable, lastWrite }: FileState, name: string): Fate<Buffer>[] {
  if (current === durable || current.equals(durable)) return [{ value: durable }]
  const dirty = dirtyPages(durable, current)
  const fates: Fate<Buffer>[] = [
    { value: durable, text: `has ${name} as it was synced: ${durable.length} bytes` },
    { value: current, text: `has all ${current.length} bytes of ${name}` },
  ]
  for (const kept of subsetsOf(dirty)) {
    for (const size of new Set([current.length, durable.length])) {
      const pages = kept.map((page) => `${page * PAGE_BYTES}`).join(', ')
      fates.push({
        value: mix(
          durable,
          current,
          size,
          kept.map((page) => [page * PAGE_BYTES, (page + 1) * PAGE_BYTES]),
        ),
        text: `has ${name} with a size of ${size} bytes; of the new pages of ${PAGE_BYTES} bytes it has ${kept.length === 0 ? 'none' : `those at ${pages}`}`,
      })
    }
  }
  if (lastWrite) fates.push(...tears(durable, current, lastWrite, name))
  return fates
}

/** The last write stopped at some byte; the size may be the new one all the same. */
function tears(
  durable: Buffer,
  current: Buffer,
  { position, length }: { position: number; length: number },
  name: string,
): Fate<Buffer>[] {
  return Array.from(
    { length: Math.max(0, length - 1) },
    (_, index) => position + index + 1,
  ).flatMap((end): Fate<Buffer>[] => [
    {
      value: mix(durable, current, Math.max(end, Math.min(durable.length, current.length)), [
        [0, end],
      ]),
      text: `has ${name} up to byte ${end} of ${current.length}`,
    },
    {
      value: mix(durable, current, current.length, [[0, end]]),
      text: `has ${name} up to byte ${end}, and zeros from there to byte ${current.length}`,
    },
  ])
}

/** A file of this size: the old bytes, but these parts of it new; zeros where there is neither. */
function mix(
  durable: Buffer,
  current: Buffer,
  size: number,
  parts: [from: number, to: number][],
): Buffer {
  const bytes = Buffer.alloc(size)
  durable.copy(bytes)
  for (const [from, to] of parts)
    if (from < size) bytes.set(current.subarray(from, Math.min(to, size)), from)
  return bytes
}

function dirtyPages(durable: Buffer, current: Buffer): number[] {
  const pages = Math.ceil(Math.max(durable.length, current.length) / PAGE_BYTES)
  return Array.from({ length: pages }, (_, page) => page).filter((page) => {
    const [from, to] = [page * PAGE_BYTES, (page + 1) * PAGE_BYTES]
    return !durable.subarray(from, to).equals(current.subarray(from, to))
  })
}

/** Of many pages only the edges are tried: each alone, and each missing alone. */
function subsetsOf(pages: number[]): number[][] {
  const MANY = 6
  if (pages.length > MANY)
    return [[], ...pages.flatMap((page) => [[page], pages.filter((other) => other !== page)])]
  return Array.from({ length: 2 ** pages.length }, (_, mask) =>
    pages.filter((_, index) => mask & (1 << index)),
  )
}

function nameOf(state: DiskState, index: number): string {
  for (const [name, file] of namesOf(state)) if (file === index) return name
  for (const [name, file] of state.durableNames) if (file === index) return name
  return 'a file without a name'
}

/** What a disk has, in a few words. */
export function sizesIn(state: DiskState): string {
  const files = [...namesOf(state)].map(
    ([name, file]) => `${name} with ${state.files[file].current.length} bytes`,
  )
  return files.length === 0 ? 'no file' : files.join(' and ')
}
