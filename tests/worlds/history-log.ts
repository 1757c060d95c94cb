/** What a log has to do on disks that wait, fail, or take a part of what they are given. */

import type { Log, Saved } from '#code/15-history/log.ts'
import { quote } from '../harness/bytes.ts'
import { type DiskState, EMPTY_DISK, SimulatedDisk } from '../harness/crash-points/disk.ts'
import type { Reason } from '../harness/failure.ts'
import { PATIENCE_MS, within } from '../harness/patience.ts'
import type { Stage } from '../judge/step.ts'
import { group, groups } from '../protocols/groups.ts'
import { HeldFile, settle, stingy } from './disk.ts'

/** Where a held log goes on. */
export const START = 40

/** What a log has told, and what became of what was appended. */
export class Told {
  readonly #stage: Stage
  readonly story: Stage['story']
  #lines: string[] = []
  #react: (() => void) | undefined

  constructor(stage: Stage) {
    this.#stage = stage
    this.story = stage.story
  }

  tell(line: string): void {
    this.#lines.push(line)
    const react = line.startsWith('group') ? this.#react : undefined
    if (react) this.#react = undefined
    react?.()
  }

  /** Does something while `onSynced` is told of the next group. */
  reactWith(react: () => void): void {
    this.#react = react
  }

  /** Expects that this was told since the last time, and nothing else. */
  async expect(lines: string[], reason: Reason): Promise<void> {
    await settle()
    const received = this.#lines
    this.#lines = []
    const text = (told: string[]) => (told.length === 0 ? 'nothing' : told.join('; '))
    this.#stage.expectSame('what is told', text(received), text(lines), reason)
  }

  /** What was told since the last time, in a few words. */
  get summary(): string {
    const text = this.#lines.join('; ')
    return text.length > 100 ? `${text.slice(0, 100)}…` : text
  }

  /** Whether groups of 0, 1, 2 … were told. */
  isCounting(count: number): boolean {
    const records = this.#lines.flatMap((line) => line.replace('group: ', '').split(', '))
    return records.length === count && records.every((record, index) => record === `${index}`)
  }
}

/** A log on a file that is told how each call ends. */
export async function openHeld(stage: Stage) {
  const { Log } = await stage.load(() => import('#code/15-history/log.ts'))
  const file = new HeldFile(stage.story)
  const told = new Told(stage)
  const keeper = {
    onSynced: (saved: Saved[]) =>
      told.tell(`group: ${saved.map(({ record }) => String(record)).join(', ')}`),
    marks: () => [],
    onRetired() {},
  }
  const folder = new SimulatedDisk(EMPTY_DISK)
  const log: Log = new Log(folder, [{ number: 1, file, size: START }], keeper)
  return { log, file, told }
}

/** What has to come without anything else happening. */
export async function soon<T>(
  stage: Stage,
  what: string,
  promise: Promise<T>,
  reason?: Reason,
): Promise<T> {
  const outcome = await within(
    PATIENCE_MS,
    promise.then(
      (value) => ({ value }),
      (error: Error) => ({ error }),
    ),
  )
  const error = outcome !== 'too late' && 'error' in outcome ? outcome.error : undefined
  if (error && error.name !== 'NotSaved') throw error
  stage.expect(what, outcome !== 'too late' && !error, {
    because: 'Nothing is left to wait for.',
    likely: 'A promise that is neither resolved nor rejected on some way through the code.',
    ...reason,
    received: error ? `${error.name}: ${error.message}` : 'nothing has happened',
  })
  return (outcome as { value: T }).value
}

export function sayer(log: Log, told: Told) {
  return (text: string): void => {
    told.story.tell('test', `appends "${text}"`)
    log.append(Buffer.from(text)).then(
      () => told.tell(`${text} is saved`),
      (error: Error) =>
        told.tell(`${text} is ${error.name === 'NotSaved' ? notSaved(error) : String(error)}`),
    )
  }
}

function notSaved({ message }: Error): string {
  return message === '' ? 'not saved, and nobody is told why' : 'not saved'
}

/** A log that has failed writes nothing more, and can still be read. */
export async function expectClosed(
  stage: Stage,
  log: Log,
  file: HeldFile,
  told: Told,
  code: string,
): Promise<void> {
  await file.expectIdle({
    because:
      'After a failure nobody knows what is on the disk. What is written now could land behind a hole.',
    likely: 'A failed log touches its file no more: no second try, no sync.',
  })
  stage.expect(`log.failure to be the ${code}`, log.failure?.message.startsWith(code) === true, {
    because: 'A health check has to see that the server is not ready, and why.',
    received: String(log.failure),
  })
  sayer(log, told)('late')
  await told.expect(['late is not saved'], {
    because: 'Nothing is saved until the log is opened again.',
  })
  await file.expectIdle({ because: 'Nothing is even tried.' })
  const read = await log.read(1, START, 4)
  stage.expectSame('log.read()', read.length, 4, { because: 'What was saved can still be read.' })
}

/** What opening a log leaves behind, without any crash. */
export async function expectSettled(stage: Stage, LogClass: typeof Log): Promise<void> {
  const keeper = { onFound() {}, onSynced() {}, marks: () => [], onRetired() {} }
  const good = groups('begin', 'one')
  const open = async (what: string, files: Record<string, Buffer>) => {
    stage.story.tell('test', `opens a log with ${what}`)
    const disk = new SimulatedDisk(diskWith(files))
    const outcome = await LogClass.open(disk, keeper).then(
      ({ cut }) => cut ?? 'no cut',
      (error: Error) => describeError(error),
    )
    return { disk, outcome }
  }
  const torn = await open('a torn tail', {
    '00000001.log': Buffer.concat([good, Buffer.alloc(9)]),
  })
  const cut = { file: '00000001.log', at: good.length, bytes: 9, kind: 'zeros' }
  stage.expectSame('the cut', torn.outcome, cut, {
    because: 'What is thrown away is said: which file, where, how much, and what it was.',
  })
  const whole = await open('nothing wrong', { '00000001.log': good })
  stage.expectSame('the cut', whole.outcome, 'no cut', { because: 'There was nothing to cut.' })
  for (const { disk } of [torn, whole]) {
    const left = fileOf(disk, 1)
    stage.expect('the good groups to be left, and nothing else', left.equals(good), {
      because: 'The next group is written behind the last good one.',
      likely: 'truncate() to where the good groups end.',
      received: `${left.length} bytes instead of ${good.length}`,
    })
  }
  const damaged = await open('two segments, the first with a torn tail', {
    '00000001.log': Buffer.concat([good, group('two').subarray(0, 9)]),
    '00000002.log': good,
  })
  stage.expectSame(
    'open()',
    damaged.outcome,
    `DamagedLog: 00000001.log is damaged at byte ${good.length}`,
    {
      because: 'The first segment was synced as a whole before the second was begun.',
    },
  )
}

/** What was cut off is gone for good, too, when the log is open. */
export async function expectSynced(stage: Stage, LogClass: typeof Log): Promise<void> {
  const keeper = { onFound() {}, onSynced() {}, marks: () => [], onRetired() {} }
  const good = groups('begin', 'one')
  const torn = Buffer.concat([good, group('two').subarray(0, 9)])
  const disk = new SimulatedDisk(diskWith({ '00000001.log': torn }))
  stage.story.tell('test', 'opens a log with a torn tail')
  await LogClass.open(disk, keeper)
  const [{ durable }] = disk.state.files
  stage.expect('everything to be synced, the cut too', durable.equals(good), {
    because: 'The log was said to end there.',
    likely: 'Sync behind the cut, not before it.',
  })
}

/** A disk may take a part of every write, also of the first group of a segment. */
export async function expectWholeSegments(stage: Stage, LogClass: typeof Log): Promise<void> {
  const disk = new SimulatedDisk(EMPTY_DISK)
  const keeper = {
    onFound() {},
    onSynced() {},
    marks: () => [Buffer.from('a long mark')],
    onRetired() {},
  }
  stage.story.tell('test', 'opens a log on a disk that takes 7 bytes of a write, and appends twice')
  const { log } = await LogClass.open(stingy(disk, 7), keeper, { maxSegmentBytes: 1 })
  for (const text of ['one', 'two'])
    await soon(stage, `"${text}" to be saved`, log.append(Buffer.from(text)))
  const expected = Buffer.concat([group('a long mark'), group('two')])
  const received = fileOf(disk, 3)
  stage.expect('the third segment to be whole', received.equals(expected), {
    because: 'write() says how many bytes it took, here as everywhere.',
    likely: 'save() writes the rest, too.',
    expected: quote(expected),
    received: quote(received),
  })
}

/** Between two removals the folder is synced: a crash that forgets only the first would leave a gap. */
export async function expectRemovedOneByOne(stage: Stage, LogClass: typeof Log): Promise<void> {
  const disk = new SimulatedDisk(
    diskWith({
      '00000001.log': group('a'),
      '00000002.log': group('b'),
      '00000003.log': group('c'),
    }),
  )
  const keeper = { onFound() {}, onSynced() {}, marks: () => [], onRetired() {} }
  await expectLimit(stage, LogClass)
  stage.story.tell('test', 'opens a log of three segments, of which none may be kept, and appends')
  const { log } = await LogClass.open(disk, keeper, { maxSegmentBytes: 1, maxTotalBytes: 1 })
  await soon(stage, '"d" to be saved', log.append(Buffer.from('d')), {
    because: 'The last segment is the one that "d" belongs into: it is never removed.',
    likely: 'However large it is, one segment stays.',
  })
  stage.expectSame('the folder', listing(disk), ['00000004.log'], {
    because:
      'All of them are old but the one that was just begun, and the last one is never removed.',
    likely: 'Several segments can be too many at once, when the limit was lowered.',
  })
}

/** As much as is allowed is not too much. */
async function expectLimit(stage: Stage, LogClass: typeof Log): Promise<void> {
  const keeper = { onFound() {}, onSynced() {}, marks: () => [], onRetired() {} }
  const inAll = groups('a', 'b').length + group().length
  for (const [maxTotalBytes, kept] of [
    [inAll, [1, 2, 3]],
    [inAll - 1, [2, 3]],
  ] as const) {
    const disk = new SimulatedDisk(
      diskWith({ '00000001.log': group('a'), '00000002.log': group('b') }),
    )
    const { log } = await LogClass.open(disk, keeper, { maxSegmentBytes: 1, maxTotalBytes })
    stage.story.tell(
      'test',
      `opens a log of two segments, ${maxTotalBytes} bytes in all, and appends`,
    )
    await soon(stage, '"c" to be saved', log.append(Buffer.from('c')))
    stage.expectSame('the folder', listing(disk), kept.map(nameOfSegment), {
      because: `Two segments and the new one, before anything is appended to it, have ${inAll} bytes.`,
      likely: '"Larger than" is not "as large as".',
    })
  }
}

/** The numbers of a room outlive its messages. */
export async function expectNumbersKept(stage: Stage, LogClass: typeof Log): Promise<void> {
  const { RoomIndex } = await stage.load(() => import('#code/15-history/room-index.ts'))
  const { encodeMessage } = await stage.load(() => import('#code/15-history/records.ts'))
  const limits = { maxSegmentBytes: 300, maxTotalBytes: 900 }
  const disk = new SimulatedDisk(EMPTY_DISK)
  const open = async () => {
    const index = new RoomIndex()
    const keeper = {
      onFound: (entry: Saved, segment: number) => index.add(entry, segment),
      onSynced: (saved: Saved[]) => {
        for (const entry of saved) index.add(entry, entry.segment)
      },
      marks: () => index.marks(),
      onRetired: (oldest: number) => index.forgetBefore(oldest),
    }
    const { log } = await LogClass.open(disk, keeper as never, limits)
    const say = (room: string) => {
      const message = { number: index.reserve(room, 'ada'), name: 'ada', text: 'hello', at: 0 }
      return log.append(encodeMessage({ room, message }))
    }
    return { index, say }
  }
  const first = await open()
  stage.story.tell('test', 'says 3 messages in "quiet", then 100 in "loud"')
  for (let times = 0; times < 3; times++) await first.say('quiet')
  for (let times = 0; times < 100; times++) await first.say('loud')
  for (const [when, { index }] of [
    ['before', first],
    ['after', await open()],
  ] as const) {
    stage.expectSame(
      `the range of "quiet" ${when} a restart`,
      index.range('quiet'),
      { first: 4, last: 3 },
      {
        because: 'Its messages are gone with their segment. The next one is number 4 all the same.',
        likely: 'Every segment begins with the last number of every room.',
      },
    )
  }
}

export function diskWith(files: Record<string, Buffer>): DiskState {
  const entries = Object.entries(files)
  return {
    files: entries.map(([, bytes]) => ({ current: bytes, durable: bytes })),
    durableNames: new Map(entries.map(([name], index) => [name, index])),
    pending: [],
  }
}

/** The same, and files that were synced and given their names, by a process that was killed before it synced those. */
export function justRenamed(
  files: Record<string, Buffer>,
  renamed: Record<string, Buffer>,
): DiskState {
  const disk = diskWith({ ...files, ...renamed })
  const durableNames = new Map(Object.keys(files).map((name, file) => [name, file]))
  const pending = Object.keys(renamed).map((name) => {
    const file = disk.durableNames.get(name)!
    return { kind: 'create' as const, name, file }
  })
  return { ...disk, durableNames, pending }
}

/** The segments on a disk; what else is there does not count. */
export function listing(disk: SimulatedDisk): string[] {
  return disk
    .list()
    .filter((name) => name.endsWith('.log'))
    .sort()
}

export function nameOfSegment(number: number): string {
  return `0000000${number}.log`
}

export function fileOf(disk: SimulatedDisk, segment: number): Buffer {
  return fileNamed(disk, nameOfSegment(segment))
}

export function fileNamed(disk: SimulatedDisk, name: string): Buffer {
  return disk.bytesOf(name)
}

/** Without what is said behind the place. */
export function describeError(error: Error): string {
  return `${error.name}: ${error.message.replace(/(at byte \d+).*/s, '$1')}`
}
