import type { Decoded } from '#code/15-history/groups.ts'
import type { Saved } from '#code/15-history/log.ts'
import { countBytes, firstDifference, hex, quote } from '../harness/bytes.ts'
import { EMPTY_DISK, SimulatedDisk } from '../harness/crash-points/disk.ts'
import { logProgram } from '../harness/crash-points/log-program.ts'
import type { Reason } from '../harness/failure.ts'
import { randomBytes, randomInteger } from '../harness/random.ts'
import { step } from '../judge/step.ts'
import { flipBit, GROUP_HEADER_BYTES, group, groups } from '../protocols/groups.ts'
import { systemError } from '../worlds/disk.ts'
import {
  expectExactPages,
  expectLoadedWhileOthersTalk,
  expectNotSaved,
  expectToldInOrder,
} from '../worlds/history-journal.ts'
import {
  describeError,
  expectClosed,
  expectNumbersKept,
  expectRemovedOneByOne,
  expectSettled,
  expectSynced,
  expectWholeSegments,
  fileNamed,
  fileOf,
  justRenamed,
  listing,
  nameOfSegment,
  openHeld,
  START,
  sayer,
  soon,
} from '../worlds/history-log.ts'
import { expectKilledServer, inDataFolder } from '../worlds/history-server.ts'

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
