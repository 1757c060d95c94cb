import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Message } from '#code/13-rooms/journal.ts'
import type { Decoded } from '#code/15-history/groups.ts'
import type { Log, Saved } from '#code/15-history/log.ts'
import { countBytes, firstDifference, hex, quote } from '../harness/bytes.ts'
import { type DiskState, EMPTY_DISK, SimulatedDisk } from '../harness/crash-points/disk.ts'
import { logProgram } from '../harness/crash-points/log-program.ts'
import type { Reason } from '../harness/failure.ts'
import type { HostedServer } from '../harness/hosted-server.ts'
import { PATIENCE_MS, within } from '../harness/patience.ts'
import { randomBytes, randomInteger } from '../harness/random.ts'
import { type Stage, step } from '../judge/step.ts'
import type { ChatMessage } from '../protocols/chat.ts'
import { flipBit, GROUP_HEADER_BYTES, group, groups } from '../protocols/groups.ts'
import { Talker } from '../worlds/chat-history.ts'
import { fillable, HeldFile, settle, stingy, systemError } from '../worlds/disk.ts'

const CHAPTER = '15-history'

step('15.1', 'a group is there as a whole, or is told for what it is', async (stage) => {
  const { decodeGroup, encodeGroup } = await stage.load(() => import('#code/15-history/groups.ts'))
  const encodes = (what: string, records: Buffer[], reason: Reason) => {
    const expected = group(...records)
    const received = encodeGroup(records)
    const place = firstDifference(received, expected)
    stage.expect(`the group of ${what}`, received.equals(expected), {
      ...reason,
      expected: hex(expected),
      received: `${hex(received)} (the first difference is at byte ${place})`,
    })
  }
  encodes('"ada" and "bob"', [Buffer.from('ada'), Buffer.from('bob')], {
    because:
      'Magic, length of the payload, CRC-32 of the first 8 bytes and the payload; then each record behind its length.',
    likely:
      'The checksum covers magic, length and payload: everything but the four bytes that hold it. crc32(b, crc32(a)) is the checksum of a and b.',
  })
  encodes('no record', [], {
    because: 'A group may be empty. Its magic and length have a checksum all the same.',
  })
  encodes('an empty record', [Buffer.alloc(0)], { because: 'A record may be empty, too.' })
  encodes(
    'any bytes',
    [randomBytes(stage.random, 300), randomBytes(stage.random, 70)].map(Buffer.from),
    {
      because: 'The log does not know what records mean.',
    },
  )

  const describe = (bytes: Buffer, at: number) =>
    describeDecoded(attempt(() => decodeGroup(bytes, at)))
  const decodes = (what: string, bytes: Buffer, at: number, expected: string, reason: Reason) =>
    stage.expectSame(`decodeGroup() of ${what}`, describe(bytes, at), expected, reason)
  const two = Buffer.concat([group('ada', '', 'bob'), group('cyd')])
  const second = group('ada', '', 'bob').length
  decodes(
    'a group with three records',
    two,
    0,
    'group "ada" at 16, "" at 23, "bob" at 27, up to 30',
    {
      because:
        'Each record, and the byte at which it begins; then the byte at which the next group begins.',
      likely: 'A record begins behind its own length. Places count from the beginning of `bytes`.',
    },
  )
  decodes(
    'the group behind it',
    two,
    second,
    `group "cyd" at ${second + 16}, up to ${two.length}`,
    {
      because: 'Places count from the beginning of `bytes`, wherever the group begins.',
    },
  )
  decodes('the end of the bytes', two, two.length, 'end', {
    because: 'Nothing is wrong: the segment is over.',
    likely: 'The end comes before everything else: no byte is neither cut nor zero.',
  })
  decodes('an empty group', group(), 0, `group , up to ${GROUP_HEADER_BYTES}`, {
    because: 'It was written like this.',
  })

  const whole = group('hello', 'world')
  for (let length = 1; length < whole.length; length++) {
    decodes(
      `its first ${length} bytes`,
      Buffer.concat([two, whole.subarray(0, length)]),
      two.length,
      'cut',
      {
        because: 'A group begins here, and the bytes are over before it is.',
        likely: 'Of a magic that is cut, those bytes that are there can be compared.',
      },
    )
  }
  for (const length of [1, 7, GROUP_HEADER_BYTES, 4_096]) {
    decodes(`${length} zeros`, Buffer.concat([two, Buffer.alloc(length)]), two.length, 'zeros', {
      because: 'A file got its new size, and its bytes never came.',
      likely: 'Look whether there is anything but zeros before you look for a magic.',
    })
  }
  decodes('zeros and then something', Buffer.from([0, 0, 0, 1]), 0, 'damaged', {
    because: 'Zeros up to the end are a size without bytes. These are not.',
  })
  decodes('20 zeros and then something', Buffer.concat([Buffer.alloc(20), whole]), 0, 'damaged', {
    because: 'Something follows: these zeros are not the end.',
    likely: 'All bytes from `at` on have to be zeros, not only the first ones.',
  })
  const halfHeader = Buffer.concat([whole.subarray(0, 4), Buffer.alloc(whole.length - 4)])
  decodes('a magic, and zeros behind it', halfHeader, 0, 'damaged', {
    because:
      'A length of 0 and a checksum of 0: the checksum of an empty payload would be just that.',
    likely: 'The checksum covers the header, too: magic and length.',
  })
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const flipped = describe(Buffer.concat([flipBit(whole, bit), group('more')]), 0)
    if (flipped === 'damaged' || flipped === 'cut') continue
    stage.expectSame(
      `decodeGroup() with bit ${bit & 7} of byte ${bit >> 3} flipped`,
      flipped,
      'damaged',
      {
        because: 'No bit of a group may change without being noticed.',
        likely: 'Which bytes does the checksum cover?',
      },
    )
  }
  stage.story.judge(
    'test',
    `expects each of ${whole.length * 8} flipped bits to be noticed`,
    'kept',
  )
  for (let times = 0; times < 300; times++) {
    const bytes = Buffer.from(randomBytes(stage.random, randomInteger(stage.random, 60)))
    if (times % 2 === 0) group('x').copy(bytes, 0, 0, randomInteger(stage.random, 20))
    const found = describe(bytes, 0)
    stage.expect(`decodeGroup() of ${quote(bytes)} to throw nothing`, !found.startsWith('throws'), {
      because: 'Whatever is on the disk, this says what it is.',
      received: found,
    })
    stage.story.lines.pop()
  }
  stage.story.judge('test', 'expects 300 times random bytes to be told for what they are', 'kept')
})

step('15.2', 'one sync at a time, and what comes meanwhile goes with the next', async (stage) => {
  const { log, file, told } = await openHeld(stage)
  const say = sayer(log, told)
  say('one')
  await file.expectWrite(group('one'), START, {
    because: 'Nothing is on its way: a record waits for nobody.',
    likely: 'append() starts the saving if it is not going on already.',
  })
  say('two')
  say('three')
  await file.expectSync({
    because: 'Written is not saved: the disk has it when sync() has resolved.',
    likely: 'write() has to have resolved first. And nothing else may be written meanwhile.',
  })
  await told.expect(['group: one', 'one is saved'], {
    because:
      'Nobody is told before the sync. Then onSynced is, and after that the promise resolves.',
    likely: 'Others are told in onSynced, so it comes first.',
  })
  const next = START + group('one').length
  await file.expectWrite(group('two', 'three'), next, {
    because:
      'What was appended meanwhile is one group: a sync costs the same for one record and for a hundred.',
    likely: 'Take everything that waits when the sync has ended, not one record.',
  })
  say('four')
  await told.expect([], { because: 'Written is not saved.' })
  await file.expectSync({ because: 'Each group is synced.' })
  await told.expect(['group: two, three', 'two is saved', 'three is saved'], {
    because: 'onSynced is told of a group once, in the order of the log.',
  })
  const third = next + group('two', 'three').length
  told.reactWith(() => say('six'))
  say('five')
  await file.expectWrite(group('four'), third, {
    because: '"four" was waiting when the sync ended.',
    likely: 'Look again whether something waits, until nothing does.',
  })
  await file.expectSync({ because: 'Each group is synced.' })
  await told.expect(['group: four', 'four is saved'], { because: 'As before.' })
  const fourth = third + group('four').length
  await file.expectWrite(group('five', 'six'), fourth, {
    because:
      '"six" was appended by somebody whom onSynced has told of "four". It is appended like any other.',
    likely: 'Is a second saving begun while one is going on?',
  })
  await file.expectSync({ because: 'Each group is synced.' })
  await told.expect(['group: five, six', 'five is saved', 'six is saved'], { because: 'In order.' })
  await file.expectIdle({
    because: 'Nothing waits: nothing is written, nothing is synced.',
    likely: 'A sync for nothing costs as much as any other.',
  })
  say('seven')
  await file.expectWrite(group('seven'), fourth + group('five', 'six').length, {
    because: 'After a pause it goes on as at first.',
    likely: 'Is it remembered that nothing is being saved any more?',
  })
  await file.expectSync({ because: 'Each group is synced.' })
  await told.expect(['group: seven', 'seven is saved'], { because: 'As before.' })

  stage.story.tell('test', 'appends 3,000 records at once')
  for (let index = 0; index < 3_000; index++) void log.append(Buffer.from(`${index}`))
  const before = file.callsSoFar
  await file.serveAll()
  stage.expect('all of them to be saved in order', told.isCounting(3_000), {
    because: 'The order of the log is the order of append().',
    received: told.summary,
  })
  stage.expect('two groups or three to be enough', file.callsSoFar - before <= 6, {
    because: 'One for the first record, one for all that came meanwhile.',
    received: `${file.callsSoFar - before} writes and syncs`,
  })
  stage.story.tell('test', 'appends 5 records of 600,000 bytes at once')
  for (let index = 0; index < 5; index++) void log.append(Buffer.alloc(600_000))
  await file.serveAll()
  stage.expect('no group of them to be larger than 1 MiB', file.largestWrite <= 1024 * 1024, {
    because: 'Whoever waits for the first of them need not wait for all.',
    likely: '#takeGroup() knows how many are enough.',
    received: countBytes(file.largestWrite),
  })
})

step('15.3', 'what could not be saved is said, and ends the writing', async (stage) => {
  const { log, file, told } = await openHeld(stage)
  const say = sayer(log, told)
  const bytes = group('one')
  say('one')
  await file.expectWrite(bytes, START, { because: 'As before.' }, 5)
  await file.expectWrite(
    bytes.subarray(5),
    START + 5,
    {
      because: `The file took 5 of ${bytes.length} bytes. write() says how many, and the others have to be written behind them.`,
      likely: 'Write what is left, where it belongs, until nothing is left.',
    },
    1,
  )
  await file.expectWrite(bytes.subarray(6), START + 6, { because: 'It took one more.' })
  await file.expectSync({ because: 'Now it is whole.' })
  await told.expect(['group: one', 'one is saved'], { because: 'A short write is no failure.' })

  const behind = START + bytes.length
  say('two')
  await file.expectWrite(group('two'), behind, { because: 'It goes on behind it.' }, 4)
  say('three')
  await file.expectWrite(
    group('two').subarray(4),
    behind + 4,
    { because: 'As before.' },
    systemError('ENOSPC'),
  )
  await told.expect(['two is not saved', 'three is not saved'], {
    because:
      'The disk is full. "two" may be there in part, and "three" was never written: neither was saved.',
    likely: 'Whatever waits has no chance either: reject all of it, with NotSaved.',
  })
  await expectClosed(stage, log, file, told, 'ENOSPC')

  stage.story.tell('test', 'opens another log, on a disk that does not take bytes')
  const stuck = await openHeld(stage)
  sayer(stuck.log, stuck.told)('one')
  await stuck.file.expectWrite(bytes, START, { because: 'As before.' }, 0)
  await stuck.told.expect(['one is not saved'], {
    because: 'A write that takes nothing would take nothing for ever.',
    likely: '0 bytes taken are an error.',
  })
  stage.expect('log.failure to say why', Boolean(stuck.log.failure?.message), {
    because: 'Whoever runs the server wants to know what is wrong with the disk.',
    likely: 'An error needs a text.',
    received: 'an error without a text',
  })

  stage.story.tell('test', 'opens another log, on a disk that fails to sync')
  const other = await openHeld(stage)
  const sayThere = sayer(other.log, other.told)
  sayThere('one')
  await other.file.expectWrite(bytes, START, { because: 'As before.' })
  sayThere('two')
  await other.file.expectSync({ because: 'As before.' }, systemError('EIO'))
  await other.told.expect(['one is not saved', 'two is not saved'], {
    because: 'After a failed sync nobody knows what is on the disk.',
    likely: 'A failed sync is a failure like a failed write.',
  })
  await expectClosed(stage, other.log, other.file, other.told, 'EIO')

  stage.story.tell('test', 'opens another log, in which everybody tries again at once')
  const last = await openHeld(stage)
  let tries = 0
  const insist = (): Promise<void> => {
    tries += 1
    return last.log.append(Buffer.from('again')).catch(() => (tries < 10 ? insist() : undefined))
  }
  const insisting = insist()
  await last.file.expectWrite(group('again'), START, { because: 'As before.' }, systemError('EIO'))
  await last.file.expectIdle({
    because: 'Once it has failed, the log does not touch the file again.',
    likely: 'The log has to know that it has failed before it rejects anything.',
  })
  await soon(stage, 'every append() to reject', insisting)
})

step('15.4', 'wherever the machine stops, what was promised is there', async (stage) => {
  const { readGroups } = await stage.load(() => import('#code/15-history/recovery.ts'))
  const { Log } = await stage.load(() => import('#code/15-history/log.ts'))
  const begin = group('begin')

  const read = (what: string, bytes: Buffer, expected: string, reason: Reason) => {
    const found: string[] = []
    const outcome = attempt(() => readGroups(bytes, 7, ({ record }) => found.push(String(record))))
    const received =
      typeof outcome === 'number'
        ? `${found.join(', ')}; good up to byte ${outcome}`
        : `throws ${describeError(outcome)}`
    stage.expectSame(`readGroups() of ${what}`, received, expected, reason)
  }
  const good = groups('begin', 'one', 'two')
  read('three groups', good, `begin, one, two; good up to byte ${good.length}`, {
    because: 'Every record, in order, and nothing is bad.',
  })
  const tails: [string, Buffer][] = [
    ['the first half of a group', group('three').subarray(0, 10)],
    ['a group with a flipped bit', flipBit(group('three'), 140)],
    ['40 zeros', Buffer.alloc(40)],
    ['1 MiB of zeros', Buffer.alloc(1024 * 1024)],
    [
      'a group without its first page',
      Buffer.concat([Buffer.alloc(8), group('three').subarray(8)]),
    ],
    ['a magic and nothing that belongs to it', Buffer.from('\xffLOG\xffLOGLOGLOGLOG', 'latin1')],
  ]
  for (const [what, tail] of tails) {
    read(
      `three groups and ${what}`,
      Buffer.concat([good, tail]),
      `begin, one, two; good up to byte ${good.length}`,
      {
        because:
          'Nothing good follows. That is a torn tail: the last write, which nobody was promised.',
        likely:
          'A tail is torn unless a whole group, checksum and all, begins somewhere behind it.',
      },
    )
  }
  const damagedAt = groups('begin', 'one').length
  for (const [what, broken] of [
    ['a flipped bit in it', flipBit(group('two'), 130)],
    ['a flipped bit in its length', flipBit(group('two'), 40)],
    ['a flipped bit in its magic', flipBit(group('two'), 3)],
    ['zeros instead of it', Buffer.alloc(group('two').length)],
    ['a byte of it missing', group('two').subarray(1)],
    ['a byte instead of it', Buffer.from([0])],
  ] as const) {
    read(
      `four groups, the third with ${what}`,
      Buffer.concat([groups('begin', 'one'), broken, group('three')]),
      `throws DamagedLog: 00000007.log is damaged at byte ${damagedAt}`,
      {
        because:
          'A group was written only after the one before it had been synced. No crash does this, and to cut it off would lose "three".',
        likely:
          'Look for a good group at every byte behind the bad one. Where it begins is not known: the length may be wrong.',
      },
    )
  }
  for (const [what, bytes] of [
    ['nothing', Buffer.alloc(0)],
    ['half of its first group', begin.subarray(0, 15)],
    ['zeros', Buffer.alloc(30)],
  ] as const) {
    read(`a segment with ${what}`, bytes, 'throws DamagedLog: 00000007.log is damaged at byte 0', {
      because: 'A segment gets its name when its first group has been synced. No crash does this.',
    })
  }
  const many = Buffer.concat(Array.from({ length: 30_000 }, (_, index) => group(`${index}`)))
  stage.expect(
    'readGroups() of 30,000 groups to find them all',
    attempt(() => readGroups(many, 7, () => {})) === many.length,
    {
      because: 'A segment has that many, and more.',
      likely: 'No group is copied, and no bytes are gone through twice.',
    },
  )

  await expectSettled(stage, Log)
  await stage.walkCrashes(
    logProgram(Log),
    {
      because:
        'What was said to be saved, or shown to anybody, is there after every crash. That is what a log is for.',
      likely:
        'When is anybody told? When append() resolves, the group has been synced. When open() resolves, whatever it has read has been: the process before may have been killed between write and sync.',
    },
    justRenamed({ '00000001.log': begin }, { '00000002.log': begin }),
  )
  await expectSynced(stage, Log)
})

step('15.5', 'old messages go by segments, and no number comes again', async (stage) => {
  const { Log } = await stage.load(() => import('#code/15-history/log.ts'))
  const disk = new SimulatedDisk(EMPTY_DISK)
  const saved: Saved[] = []
  const retired: number[] = []
  const keeper = {
    onFound() {},
    onSynced: (records: Saved[]) => void saved.push(...records),
    marks: () => [Buffer.from(`mark behind ${saved.length} records`)],
    onRetired: (oldest: number) => void retired.push(oldest),
  }
  const limits = { maxSegmentBytes: 100, maxTotalBytes: 400 }
  stage.story.tell('test', 'opens a log in an empty folder, with segments of 100 bytes, 400 in all')
  const { log } = await Log.open(disk, keeper, limits)
  const append = async (from: number, to: number) => {
    stage.story.tell('test', `appends "record ${from}" to "record ${to}", one by one`)
    const all = async () => {
      for (let index = from; index <= to; index++) await log.append(Buffer.from(`record ${index}`))
    }
    await soon(stage, 'them to be saved', all())
  }
  const expectFolder = (segments: number[], reason: Reason) =>
    stage.expectSame('the folder', listing(disk), segments.map(nameOfSegment), reason)

  await append(1, 3)
  expectFolder([1], {
    because:
      'The group of marks has 39 bytes, each record has 24: with the second it is 87, so the third still belongs here.',
  })
  await append(4, 4)
  expectFolder([1, 2], { because: 'The first segment has 111 bytes: it is full.' })
  await append(5, 8)
  expectFolder([1, 2, 3], { because: 'Three records fill a segment.' })
  for (const [index, number] of [1, 2, 3].entries()) {
    const mark = group(`mark behind ${index * 3} records`)
    const received = fileOf(disk, number).subarray(0, mark.length)
    stage.expect(`segment ${number} to begin with its marks`, received.equals(mark), {
      because:
        'When the segments before it are gone, it alone knows the last numbers of the rooms.',
      likely: 'marks() is called when the segment is begun, and its records are the first group.',
      expected: quote(mark),
      received: quote(received),
    })
  }
  await append(9, 13)
  expectFolder([2, 3, 4, 5], {
    because: 'With the fifth segment there are more than 400 bytes: the oldest goes.',
    likely: 'All segments count, also the one that was just begun.',
  })
  stage.expectSame('onRetired', retired, [2], {
    because: 'Whoever keeps an index forgets what was in the segments before number 2.',
  })
  stage.expectSame('how many files are open', disk.openFiles, 4, {
    because: 'A file that was removed keeps its bytes on the disk for as long as it is open.',
  })
  await append(14, 40)
  const inAll = listing(disk).reduce((sum, name) => sum + fileNamed(disk, name).length, 0)
  stage.expect('no more than 400 bytes and a segment', inAll <= 500, {
    because: 'Retention keeps up, however long the log runs.',
    received: `${inAll} bytes`,
  })
  for (const { segment, at, record } of saved.slice(-6)) {
    const received = await log.read(segment, at, record.length)
    stage.expect(`"${record}" to be where onSynced said`, received.equals(record), {
      because: 'The index remembers places, not messages.',
      received: quote(received),
    })
  }
  await expectWholeSegments(stage, Log)
  await expectRemovedOneByOne(stage, Log)
  await expectNumbersKept(stage, Log)

  const because =
    'Whenever the machine stops, a new segment is there with its first group, or it is not there.'
  const likely =
    'A name is safe when the folder was synced after it was given, and what is under it when the file was synced before. The oldest segment goes first, for good, or a gap is left.'
  await stage.walkCrashes(logProgram(Log, { maxSegmentBytes: 40 }), { because, likely })
  await stage.walkCrashes(logProgram(Log, { maxSegmentBytes: 40, maxTotalBytes: 120 }), {
    because,
    likely,
  })
})

step('15.6', 'what is told survives, and pages are exact', async (stage) => {
  await expectToldInOrder(stage)
  await expectExactPages(stage)
  await expectLoadedWhileOthersTalk(stage)
  await expectNotSaved(stage)
  await inDataFolder((data) => expectKilledServer(stage, data))
})

/** Where a held log goes on. */
const START = 40

/** What a log has told, and what became of what was appended. */
class Told {
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
async function openHeld(stage: Stage) {
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
async function soon<T>(
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

function sayer(log: Log, told: Told) {
  return (text: string): void => {
    told.story.tell('test', `appends "${text}"`)
    log.append(Buffer.from(text)).then(
      () => told.tell(`${text} is saved`),
      (error: Error) =>
        told.tell(`${text} is ${error.name === 'NotSaved' ? 'not saved' : String(error)}`),
    )
  }
}

/** A log that has failed writes nothing more, and can still be read. */
async function expectClosed(
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
    because: 'Whoever asks whether the server is ready has to see that it is not, and why.',
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
async function expectSettled(stage: Stage, LogClass: typeof Log): Promise<void> {
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
async function expectSynced(stage: Stage, LogClass: typeof Log): Promise<void> {
  const keeper = { onFound() {}, onSynced() {}, marks: () => [], onRetired() {} }
  const torn = Buffer.concat([groups('begin', 'one'), group('two').subarray(0, 9)])
  const disk = new SimulatedDisk(diskWith({ '00000001.log': torn }))
  stage.story.tell('test', 'opens a log with a torn tail')
  await LogClass.open(disk, keeper)
  const isSafe = disk.state.files.every(({ current, durable }) => current.equals(durable))
  stage.expect('everything to be synced, the cut too', isSafe, {
    because: 'The log was said to end there.',
    likely: 'Sync behind the cut, not before it.',
  })
}

/** A disk may take a part of every write, also of the first group of a segment. */
async function expectWholeSegments(stage: Stage, LogClass: typeof Log): Promise<void> {
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
async function expectRemovedOneByOne(stage: Stage, LogClass: typeof Log): Promise<void> {
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
async function expectNumbersKept(stage: Stage, LogClass: typeof Log): Promise<void> {
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

/** A journal on a simulated disk, and what it tells. */
async function openJournal(
  stage: Stage,
  options: {
    disk?: SimulatedDisk
    folder?: SimulatedDisk
    limits?: object
    clock?: { now(): number }
  } = {},
) {
  const { LogJournal } = await stage.load(() => import('#code/15-history/log-journal.ts'))
  const { disk = new SimulatedDisk(EMPTY_DISK), folder = disk, limits = {} } = options
  const { clock = { now: () => 1_000 } } = options
  const { journal } = await LogJournal.open(folder, { clock, origin: 'here', ...limits })
  return { journal, disk }
}

/** Nobody is told before the disk has it, and everybody in the order of the log. */
async function expectToldInOrder(stage: Stage): Promise<void> {
  const { journal, disk } = await openJournal(stage)
  const told: string[] = []
  const groups: string[][] = []
  const early: string[] = []
  const wrongInMemory: string[] = []
  const untold = new Set<number>()
  let lastTold = 0
  const isSafe = (text: string) =>
    disk.state.files.some(({ durable }) => durable.includes(Buffer.from(text)))
  await journal.load('lobby')
  const lobby = journal.open('lobby')
  // What is wrong here is judged outside: whoever calls this would take what it throws for a fault of its own.
  journal.onKept = (kept) => {
    groups.push(kept.map(({ message }) => `${message?.number} ${message?.text}`))
    for (const { draft, message } of kept) {
      if (message && !isSafe(message.text)) early.push(message.text)
      draft.onKept(message)
    }
    const last = kept.findLast(({ draft }) => draft.room === 'lobby')?.message?.number
    lastTold = last ?? lastTold
    if (last !== undefined && lobby.last !== last)
      wrongInMemory.push(`${lobby.last} instead of ${last}`)
  }
  // Somebody may join in any turn between two others.
  const lookOn = async () => {
    for (let turns = 0; turns < 500; turns++) {
      await undefined
      if (lobby.last !== lastTold) untold.add(lobby.last)
    }
  }
  const say = (room: string, name: string, text: string) => {
    stage.story.tell(name, `says "${text}" in "${room}"`)
    const onKept = (message?: Message) =>
      void told.push(`${name}: ${room} ${message?.number} ${message?.text}`)
    journal.append({ room, name, text, onKept })
  }
  say('lobby', 'ada', 'first')
  say('lobby', 'bob', 'second')
  say('garden', 'ada', 'third')
  say('lobby', 'ada', 'fourth')
  await lookOn()
  await settle()
  const inOrder = ['1 first', '2 second', '1 third', '3 fourth']
  stage.expectSame('what onKept is told', groups.flat(), inOrder, {
    because: 'What was saved is told in the order of the log. Each room counts for itself.',
  })
  stage.expect('onKept to be called once for a group', groups.length <= 2, {
    because: 'What was saved together is told together, in the same turn.',
    likely: 'One call of onKept for all records of a call of onSynced.',
    received: groups.map((group) => group.join(', ')).join('; '),
  })
  const expected = [
    'ada: lobby 1 first',
    'bob: lobby 2 second',
    'ada: garden 1 third',
    'ada: lobby 3 fourth',
  ]
  stage.expectSame('who is answered what', told, expected, {
    because:
      'Each draft gets its own message: the log keeps the order of append(), and so does #drafts.',
    likely:
      'The oldest drafts belong to the records of this group, one each. Take as many off as there are records.',
  })
  stage.expectSame('what was told before the disk had it', early.join(', '), '', {
    because: 'Nobody may see what a crash could take back.',
    likely: 'onKept is called when onSynced is, not when append() is.',
  })
  stage.expectSame('the wrong last numbers in memory, while others were told', wrongInMemory, [], {
    because: 'Whoever joins now is given what has been told, and is told what comes next.',
    likely: 'The message belongs into the loaded history of its room before onKept is called.',
  })
  stage.expectSame('the numbers that were in memory before they were told', [...untold], [], {
    because: 'Somebody who joins in between is given the message, and is told it once more.',
    likely: 'The same turn that adds it to the history calls onKept: nothing is awaited.',
  })
  stage.expectSame(
    'the range of "lobby"',
    journal.range('lobby'),
    { first: 1, last: 3 },
    {
      because: 'Pages are read by the index.',
      likely: 'index.add() of every record that was saved.',
    },
  )
  const page = lobby.page({})
  stage.expectSame(
    'the page that whoever joins is given',
    page.messages.map(({ text }) => text),
    ['first', 'second', 'fourth'],
    {
      because: 'The newest messages of a room that is loaded are in memory.',
    },
  )
  stage.expectSame(
    'one of its messages',
    page.messages[0],
    { number: 1, name: 'ada', text: 'first', at: 1_000 },
    {
      because: 'Number, name, text and time are what everybody is told.',
    },
  )
  say('lobby', 'cyd', 'fifth')
  await settle()
  stage.expectSame('who is answered what then', told.slice(4), ['cyd: lobby 4 fifth'], {
    because: 'What was answered is answered no more.',
    likely: 'Drafts that were answered have to leave #drafts.',
  })
}

/** Pages of a room, compared with a model of twenty lines. */
async function expectExactPages(stage: Stage): Promise<void> {
  const { random, story } = stage
  const limits = { maxSegmentBytes: 6_000, maxTotalBytes: 30_000 }
  const disk = new SimulatedDisk(EMPTY_DISK)
  // Nothing is ordered by this one.
  const clock = { now: () => randomInteger(random, 2_000_000_000_000) - 1_000_000 }
  const first = await openJournal(stage, { disk, limits, clock })
  const said: Message[] = []
  first.journal.onKept = (kept) => {
    for (const { draft, message } of kept) if (draft.room === 'lobby') said.push(message!)
  }
  const onKept = () => {}
  for (let index = 0; index < 700; index++) {
    const text = 'x'.repeat(randomInteger(random, 60))
    first.journal.append({ room: 'lobby', name: 'ada', text, onKept })
    first.journal.append({ room: 'garden', name: 'bob', text, onKept })
    if (index % 7 === 0) await settle()
  }
  await settle()
  const opened = {
    'as it was written': first,
    'after a restart': await openJournal(stage, { disk, limits }),
  }
  for (const [when, { journal }] of Object.entries(opened)) {
    const range = journal.range('lobby')
    story.tell(
      'test',
      `has said 700 messages in "lobby"; ${range.first} to ${range.last} are left, ${when}`,
    )
    const there = said.filter(({ number }) => number >= range.first)
    for (const query of queries(range, random)) {
      const page = await journal.page('lobby', query)
      const expected = modelPage(there, query)
      stage.expectSame(
        `the page ${describeQuery(query)}`,
        numbersOf(page),
        numbersOf(expected),
        reasonFor(query, range),
      )
      story.lines.pop()
      stage.expectSame(`"more" of the page ${describeQuery(query)}`, page.more, expected.more, {
        because: '"more" is exact: whoever asks once too often gets an empty page.',
        likely: 'Read one message more than the page may have; `before` and `after` do not count.',
      })
      story.lines.pop()
      stage.expectSame('its messages', page.messages, expected.messages, {
        because: 'What was said is what is read.',
      })
      story.lines.pop()
    }
    story.judge('test', 'expects every page to be exact', 'kept')
  }
  const { journal } = opened['after a restart']
  const middle = journal.range('lobby').last - 100
  for (const query of [
    { before: middle, limit: 5 },
    { after: middle, limit: 5 },
  ]) {
    const readsBefore = disk.reads
    await journal.page('lobby', query)
    const reads = disk.reads - readsBefore
    stage.expect('a page of 5 messages to be read without the others', reads <= 20, {
      because: 'The index knows where each message is. A room may have millions.',
      received: `${reads} reads`,
    })
  }
  stage.expectSame(
    'a page of a room where nothing was said',
    await journal.page('attic', {}),
    { messages: [], more: false },
    {
      because: 'An empty page is a page.',
    },
  )
  await expectPagesThatFit(stage)
}

/** A page has room for so many bytes. */
async function expectPagesThatFit(stage: Stage): Promise<void> {
  const { journal } = await openJournal(stage)
  stage.story.tell('test', 'says 100 messages of 4,000 Chinese characters each')
  for (let index = 0; index < 100; index++)
    journal.append({ room: 'lobby', name: 'ada', text: '\u6f22'.repeat(4_000), onKept() {} })
  await settle()
  for (const [query, from, to] of [
    [{ before: 101 }, 80, 100],
    [{ after: 0 }, 1, 21],
    [{ after: 90 }, 91, 100],
  ] as const) {
    const page = await journal.page('lobby', query)
    const received = {
      from: page.messages[0]?.number,
      to: page.messages.at(-1)?.number,
      more: page.more,
    }
    stage.expectSame(
      `the page ${describeQuery(query)}`,
      received,
      { from, to, more: to - from === 20 },
      {
        because:
          '21 of these messages fit into 256 KiB, and whoever pages goes on where the page ends.',
        likely: 'RecentMessages cuts a page; it has to be given all that were read, and the query.',
      },
    )
  }
}

interface Query {
  before?: number
  after?: number
  limit?: number
}

function* queries(
  { first, last }: { first: number; last: number },
  random: () => number,
): Generator<Query> {
  const edges = [
    0,
    1,
    first - 1,
    first,
    first + 1,
    first + 99,
    first + 100,
    last - 100,
    last - 99,
    last,
    last + 1,
    last + 50,
  ]
  yield {}
  yield { limit: 1 }
  for (const edge of edges) {
    for (const limit of [undefined, 1, 99, 100]) {
      yield { before: Math.max(1, edge), limit }
      yield { after: edge, limit }
    }
  }
  for (let times = 0; times < 40; times++) {
    const edge = randomInteger(random, last + 10) + 1
    const limit = 1 + randomInteger(random, 100)
    yield times % 2 === 0 ? { before: edge, limit } : { after: edge, limit }
  }
}

function modelPage(there: Message[], { before = Infinity, after, limit = 100 }: Query) {
  if (after !== undefined) {
    const newer = there.filter(({ number }) => number > after)
    return { messages: newer.slice(0, limit), more: newer.length > limit }
  }
  const older = there.filter(({ number }) => number < before)
  return { messages: older.slice(-limit), more: older.length > limit }
}

function numbersOf({ messages }: { messages: Message[] }): string {
  if (messages.length === 0) return 'no messages'
  const numbers = messages.map(({ number }) => number)
  const isWhole = numbers.every((number, index) => number === numbers[0] + index)
  return isWhole ? `messages ${numbers[0]} to ${numbers.at(-1)}` : `messages ${numbers.join(', ')}`
}

function describeQuery({ before, after, limit }: Query): string {
  const from =
    after !== undefined
      ? `after ${after}`
      : before !== undefined
        ? `before ${before}`
        : 'of the newest'
  return `${from}, limit ${limit ?? 100}`
}

function reasonFor(
  { before, after }: Query,
  { first, last }: { first: number; last: number },
): Reason {
  if (after !== undefined)
    return {
      because: `The oldest messages above ${after}; ${first} to ${last} are there.`,
      likely: 'Above a number that is gone the page begins with the first that is there.',
    }
  return {
    because: `The newest messages${before === undefined ? '' : ` below ${before}`}; ${first} to ${last} are there.`,
    likely: 'Below a number that was not reached yet the page ends with the last that was told.',
  }
}

/** Joining is given the newest messages; those that are told meanwhile are neither missing nor double. */
async function expectLoadedWhileOthersTalk(stage: Stage): Promise<void> {
  const { journal } = await openJournal(stage)
  let told = 0
  journal.onKept = (kept) => {
    told += kept.length
  }
  const say = () => journal.append({ room: 'lobby', name: 'ada', text: 'hello', onKept() {} })
  for (let times = 0; times < 70; times++) say()
  await settle()
  stage.story.tell('test', 'loads "lobby" while ada talks on')
  for (let round = 0; round < 8; round++) {
    const loading = journal.load('lobby')
    for (let times = 0; times <= round; times++) say()
    await loading
    const { last } = journal.open('lobby')
    const before = { last, told }
    await settle()
    const history = journal.open('lobby')
    stage.expectSame('the last number in memory', before.last, before.told, {
      because: 'What has been told is in memory, and what has not been told is not.',
    })
    const { messages } = history.page({})
    const numbers = messages.map(({ number }) => number)
    const isWhole = numbers.every((number, index) => number === numbers[0] + index)
    stage.expect(
      'the messages in memory to have no gap and no double',
      isWhole && numbers.at(-1) === told,
      {
        because: 'What is saved while the room is loaded belongs to it, too.',
        received: numbers.join(', '),
      },
    )
    for (let times = 0; times < 3; times++) journal.release('lobby')
  }
}

/** A disk that is full: everybody is told so, nothing is lost, and reading goes on. */
async function expectNotSaved(stage: Stage): Promise<void> {
  const disk = new SimulatedDisk(EMPTY_DISK)
  const { folder, fill } = fillable(disk)
  const { journal } = await openJournal(stage, { disk, folder })
  const told: string[] = []
  journal.onKept = (kept) => {
    for (const { draft, message } of kept)
      told.push(`${draft.text} ${message ? 'saved' : 'not saved'}`)
  }
  const say = (text: string) => journal.append({ room: 'lobby', name: 'ada', text, onKept() {} })
  say('before')
  await settle()
  stage.story.tell('disk', 'is full from now on')
  fill()
  for (const text of ['one', 'two', 'three']) say(text)
  await settle()
  say('four')
  await settle()
  const expected = [
    'before saved',
    ...['one', 'two', 'three', 'four'].map((text) => `${text} not saved`),
  ]
  stage.expectSame('what onKept is told', told, expected, {
    because: 'Everybody gets an answer, in order; "not saved" is one.',
  })
  const { messages } = await journal.page('lobby', {})
  stage.expectSame(
    'what is there',
    messages.map(({ text }) => text),
    ['before'],
    {
      because: 'Reading goes on, and shows what was saved.',
    },
  )
  const again = await openJournal(stage, { disk })
  stage.expectSame(
    'what is there after a restart',
    again.journal.range('lobby'),
    { first: 1, last: 1 },
    {
      because: 'Nothing that was acknowledged is lost.',
    },
  )
}

/** Cheap passwords; what a server costs is not the question here. */
const OPTIONS = { passwordCost: { ln: 4, r: 8, p: 1 } }

/** A server that is killed while many messages are on their way: what was acknowledged is there, once. */
async function expectKilledServer(stage: Stage, data: string): Promise<void> {
  const { story } = stage
  const options = { ...OPTIONS, data }
  const acknowledged = new Map<number, string>()
  const sent = new Set<string>()
  const names = new Set<unknown>()
  let server = await stage.serve(CHAPTER, options)
  for (let life = 1; life <= 3; life++) {
    const ada = await Talker.connect(server.port)
    if (life === 1) await ada.register('ada')
    names.add((await ada.logIn('ada')).server)
    await ada.ask({ type: 'join', room: 'lobby' })
    const texts = new Map<number, string>()
    for (let index = 0; index < 60; index++) {
      const text = `message ${life}.${index}`
      sent.add(text)
      texts.set(ada.send({ type: 'say', room: 'lobby', text }), text)
    }
    const enough = 1 + randomInteger(stage.random, 40)
    let saids = 0
    const note = (message: ChatMessage) => {
      if (message.type !== 'said') return false
      acknowledged.set(message.number as number, texts.get(message.id as number)!)
      saids += 1
      return saids >= enough
    }
    await ada.until(note)
    story.tell('test', `kills the server (kill -9) while ada says 60 messages`)
    await server.kill()
    enoughOf(await ada.until(() => false), note)
    if (life === 3) {
      story.tell('test', 'puts half a group behind the log')
      await appendFile(join(data, '00000001.log'), group('half').subarray(0, 14))
    }
    server = await stage.serve(CHAPTER, options)
    await expectAllThere(stage, server, acknowledged, sent)
  }
  stage.expect(
    'the server to say what it has cut off',
    /00000001\.log.* cut off/.test(server.output),
    {
      because: 'Something was thrown away. Whoever runs the server has to be able to see that.',
      received: server.output || 'nothing',
    },
  )
  await expectFewRooms(stage, server)
  stage.expectSame('how many names the data have had', names.size, 1, {
    because:
      'ada logs in after each restart, and welcome.server says whose numbers these are: always the same.',
  })
  const inUse = await stage.refuse(CHAPTER, options, {
    because: 'Another server has this folder. Two of them would overwrite each other.',
  })
  stage.expect('the error to say so', /in use/.test(inUse.message), {
    because: 'Whoever starts it has to see why it does not start.',
    received: inUse.message,
  })
  await server.kill()
  await expectRefused(stage, options)
}

/** Hands every message to `note`. */
function enoughOf(messages: ChatMessage[], note: (message: ChatMessage) => unknown): void {
  for (const message of messages) note(message)
}

/** Reads the whole room, page by page: each acknowledged message under its number, none twice, no gap. */
async function expectAllThere(
  stage: Stage,
  server: HostedServer,
  acknowledged: Map<number, string>,
  sent: Set<string>,
): Promise<void> {
  const bob = await Talker.connect(server.port)
  await bob.register('bob')
  await bob.logIn('bob')
  const joined = await bob.ask({ type: 'join', room: 'lobby', after: 0 })
  const messages = (joined.messages ?? []) as Message[]
  for (let { more } = joined; more; ) {
    const page = await bob.ask({ type: 'history', room: 'lobby', after: messages.at(-1)!.number })
    messages.push(...((page.messages ?? []) as Message[]))
    more = page.more
  }
  bob.destroy()
  const there = new Map(messages.map(({ number, text }) => [number, text]))
  const lost = [...acknowledged].filter(([number, text]) => there.get(number) !== text)
  stage.expectSame('acknowledged messages that are not there', lost, [], {
    because: '"said" is a promise, and a server that was killed has to keep it.',
    likely: '"said" is told from onKept, and onKept from onSynced: behind the sync.',
  })
  const texts = messages.map(({ text }) => text)
  stage.expect(
    'no message twice, and none that nobody sent',
    new Set(texts).size === texts.length && texts.every((text) => sent.has(text)),
    {
      because: 'Each message was sent once.',
      received: `${texts.length} messages, ${new Set(texts).size} different ones`,
    },
  )
  stage.expect(
    'their numbers to be 1, 2, 3 …',
    messages.every(({ number }, index) => number === index + 1),
    {
      because: 'Numbers go on where they were, without a gap.',
      received: messages.map(({ number }) => number).join(', '),
    },
  )
}

/** Rooms stay, so nobody may create them without end. */
async function expectFewRooms(stage: Stage, server: HostedServer): Promise<void> {
  const cyd = await Talker.connect(server.port)
  await cyd.register('cyd')
  await cyd.logIn('cyd')
  const answers: unknown[] = []
  for (const room of ['lobby', ...Array.from({ length: 11 }, (_, index) => `room${index}`)]) {
    await cyd.ask({ type: 'join', room })
    const { type, code } = await cyd.ask({ type: 'say', room, text: `hello ${room}` })
    answers.push(code ?? type)
  }
  cyd.destroy()
  stage.expectSame(
    'cyd says a word in "lobby", and the first word in 11 new rooms',
    answers,
    [...Array(11).fill('said'), 'too-many-rooms'],
    {
      because: 'A room is there for good from its first message on: an account may create ten.',
    },
  )
}

/** A flipped bit in the middle is no torn tail. */
async function expectRefused(stage: Stage, options: { data: string }): Promise<void> {
  const log = join(options.data, '00000001.log')
  const bytes = await readFile(log)
  const bit = 8 * Math.floor(bytes.length / 2)
  stage.story.tell('test', 'flips a bit in the middle of the log')
  await writeFile(log, flipBit(bytes, bit))
  const refused = await stage.refuse(CHAPTER, options, {
    because: 'Half of the messages are behind that bit. To go on would lose them.',
  })
  stage.expect(
    'the error to name the file and the place',
    /00000001\.log.*byte \d+/.test(refused.message),
    {
      because: 'Somebody has to look at it, or fetch a backup.',
      received: refused.message,
    },
  )
}

/** A folder for the data of servers, which is gone afterwards. */
async function inDataFolder(body: (data: string) => Promise<void>): Promise<void> {
  const data = await mkdtemp(join(tmpdir(), 'history-'))
  try {
    await body(data)
  } finally {
    await rm(data, { recursive: true, force: true })
  }
}

function diskWith(files: Record<string, Buffer>): DiskState {
  const entries = Object.entries(files)
  return {
    files: entries.map(([, bytes]) => ({ current: bytes, durable: bytes })),
    durableNames: new Map(entries.map(([name], index) => [name, index])),
    pending: [],
  }
}

/** The same, and files that were synced and given their names, by a process that was killed before it synced those. */
function justRenamed(files: Record<string, Buffer>, renamed: Record<string, Buffer>): DiskState {
  const disk = diskWith({ ...files, ...renamed })
  const durableNames = new Map(Object.keys(files).map((name, file) => [name, file]))
  const pending = Object.keys(renamed).map((name) => {
    const file = disk.durableNames.get(name)!
    return { kind: 'create' as const, name, file }
  })
  return { ...disk, durableNames, pending }
}

/** The segments on a disk; what else is there does not count. */
function listing(disk: SimulatedDisk): string[] {
  return disk
    .list()
    .filter((name) => name.endsWith('.log'))
    .sort()
}

function nameOfSegment(number: number): string {
  return `0000000${number}.log`
}

function fileOf(disk: SimulatedDisk, segment: number): Buffer {
  return fileNamed(disk, nameOfSegment(segment))
}

function fileNamed(disk: SimulatedDisk, name: string): Buffer {
  return disk.bytesOf(name)
}

function describeDecoded(decoded: Decoded | Error): string {
  if (decoded instanceof Error) return `throws ${decoded}`
  if (decoded.kind !== 'group') return decoded.kind
  const entries = decoded.entries.map(({ record, at }) => `${quote(record)} at ${at}`)
  return `group ${entries.join(', ')}, up to ${decoded.end}`
}

function attempt<T>(body: () => T): T | Error {
  try {
    return body()
  } catch (error) {
    if (/^TODO/.test((error as Error).message)) throw error
    return error as Error
  }
}

/** Without what is said behind the place. */
function describeError(error: Error): string {
  return `${error.name}: ${error.message.replace(/(at byte \d+).*/s, '$1')}`
}
