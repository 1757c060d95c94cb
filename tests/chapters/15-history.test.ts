import type { Saved } from '#code/15-history/log.ts'
import { quote } from '../harness/bytes.ts'
import { EMPTY_DISK, SimulatedDisk } from '../harness/crash-points/disk.ts'
import { logProgram } from '../harness/crash-points/log-program.ts'
import type { Reason } from '../harness/failure.ts'
import { step } from '../judge/step.ts'
import { group } from '../protocols/groups.ts'
import { systemError } from '../worlds/15-history/disk.ts'
import {
  expectClosed,
  inTime,
  openHeld,
  START,
  sayer,
  soon,
} from '../worlds/15-history/held-log.ts'
import {
  expectAppendedBehind,
  expectAppendedWithin,
  expectCloseWaits,
  expectFewGroups,
} from '../worlds/15-history/history-appends.ts'
import {
  expectBugSeen,
  expectFailedSync,
  expectFailedWhileClosing,
  expectNoSecondTry,
  expectNothingTaken,
  expectRefusedWhenClosed,
  LEFT,
} from '../worlds/15-history/history-failures.ts'
import {
  expectFailedClosing,
  expectFailedRolling,
  expectFaultsTold,
} from '../worlds/15-history/history-faults.ts'
import { expectCheapGroups } from '../worlds/15-history/history-group-costs.ts'
import { expectDecoded, expectEncoded } from '../worlds/15-history/history-groups.ts'
import {
  expectLoadedWhileOthersTalk,
  expectToldInOrder,
} from '../worlds/15-history/history-journal.ts'
import {
  expectFailedRead,
  expectNotSaved,
  expectToldWhileClosing,
} from '../worlds/15-history/history-journal-faults.ts'
import { expectMarkedInTime } from '../worlds/15-history/history-marks.ts'
import { expectExactPages } from '../worlds/15-history/history-pages.ts'
import { expectSettled, expectSynced } from '../worlds/15-history/history-recovery.ts'
import {
  expectNumbersKept,
  expectRemovedOneByOne,
  expectWholeSegments,
  NEXT_NUMBER,
} from '../worlds/15-history/history-retention.ts'
import { expectSegmentsRead } from '../worlds/15-history/history-segments.ts'
import { expectKilledServer, inDataFolder } from '../worlds/15-history/history-server.ts'
import {
  BEGUN,
  fileNamed,
  fileOf,
  justRenamed,
  listing,
  nameOfSegment,
  whyNotTheOldest,
  whyRemoved,
  whyWithoutMarks,
} from '../worlds/15-history/segment-folders.ts'

step('15.1', 'a group is there as a whole, or is told for what it is', async (stage) => {
  await expectEncoded(stage)
  await expectDecoded(stage)
  await expectCheapGroups(stage)
})

step('15.2', 'one sync at a time, and what comes meanwhile goes with the next', async (stage) => {
  const { log, file, told } = await openHeld(stage)
  const say = sayer(log, told)
  say('one')
  await file.expectWrite(group('one'), START, {
    because: 'Nothing is being saved, so the record is written at once.',
    likely:
      'append() has to start #saveWaiting() unless it is running already, and that writes without a timer.',
  })
  say('two')
  say('three')
  await file.expectSync({
    because: 'Written is not saved: the disk has the record only when sync() has resolved.',
    likely: 'In save(), sync when the write has resolved.',
  })
  await told.expect(['group: one', 'one is saved'], {
    because:
      'Nobody is told before the sync. After it, onSynced is called first, and then the promise resolves.',
    likely: 'Others are told in onSynced, so call it before you resolve the promises.',
    look: 'log.#saveWaiting()',
  })
  const next = START + group('one').length
  await file.expectWrite(group('two', 'three'), next, {
    because:
      'What was appended meanwhile is one group: a sync costs the same for one record and for a hundred.',
    likely: 'When the sync has ended, take everything that waits, not just one record.',
    seen: {
      silent:
        'After a sync, go on at once while anything waits: `while`, not `if`, and no timer between.',
    },
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
    likely: 'After each group, check again whether anything waits.',
  })
  await file.expectSync({ because: 'Each group is synced.' })
  await told.expect(['group: four', 'four is saved'], { because: 'As before.' })
  const fourth = third + group('four').length
  await file.expectWrite(group('five', 'six'), fourth, {
    because:
      '"six" was appended while onSynced was told of "four". It is saved like any other record.',
  })
  await file.expectSync({ because: 'Each group is synced.' })
  await told.expect(['group: five, six', 'five is saved', 'six is saved'], { because: 'In order.' })
  await file.expectIdle({
    because: 'Nothing waits, so nothing is written or synced.',
    likely: 'A sync that saves nothing costs as much as any other.',
  })
  say('seven')
  await file.expectWrite(group('seven'), fourth + group('five', 'six').length, {
    because: 'After a pause, saving starts again as it did at first.',
    likely: 'Can append() see that nothing is being saved any more?',
  })
  await file.expectSync({ because: 'Each group is synced.' })
  await told.expect(['group: seven', 'seven is saved'], { because: 'As before.' })

  await expectCloseWaits(stage)
  await expectAppendedBehind(stage)
  await expectAppendedWithin(stage)
  await expectFewGroups(stage, { log, file, told })
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
      because: `The file took 5 of ${bytes.length} bytes. write() says how many it took, and the rest has to be written after them.`,
      ...LEFT,
    },
    1,
  )
  await file.expectWrite(bytes.subarray(6), START + 6, {
    because: 'It took one more byte.',
    ...LEFT,
  })
  await file.expectSync({ because: 'Now the group is whole.' })
  await told.expect(['group: one', 'one is saved'], { because: 'A short write is no failure.' })

  const behind = START + bytes.length
  say('two')
  await file.expectWrite(group('two'), behind, { because: 'It goes after "one".' }, 4)
  say('three')
  await file.expectWrite(
    group('two').subarray(4),
    behind + 4,
    { because: 'As before.', ...LEFT },
    systemError('ENOSPC'),
  )
  await told.expect(['two is not saved', 'three is not saved'], {
    because:
      'The disk is full. "two" may be there in part, and "three" was never written: neither was saved.',
    likely: 'What waits cannot be saved either: reject all of it, with NotSaved.',
    look: ['log.#fail()', 'log.#saveWaiting()'],
  })
  await expectClosed(stage, log, file, told, 'ENOSPC')

  await expectNothingTaken(stage)
  await expectFailedSync(stage)
  await expectNoSecondTry(stage)
  await expectFailedWhileClosing(stage)
  await expectRefusedWhenClosed(stage)
  await expectBugSeen(stage)
})

step('15.4', 'wherever the machine stops, what was promised is there', async (stage) => {
  await expectSegmentsRead(stage)
  const { Log } = await stage.load(() => import('#code/15-history/log.ts'))
  await expectSettled(stage, Log)
  await stage.walkCrashes(
    logProgram(Log),
    {
      because:
        'What was said to be saved, or shown to anybody, is there after every crash. That is what a log is for.',
      likely:
        'append() may resolve only when its group has been synced, and open() only when all that it has read has been: the previous process may have been killed between write and sync.',
    },
    justRenamed({ '00000001.log': group('begin') }, { '00000002.log': group('begin') }),
  )
  await expectSynced(stage, Log)
  await expectFaultsTold(stage, Log)
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
  const { log } = await inTime(stage, 'the log to be open', Log.open(disk, keeper, limits), {
    because: 'The disk has done all that it was asked to do, so the first segment is there.',
    likely: 'A promise is never resolved. publish() is done when the folder is synced.',
    look: 'segments.publish()',
  })
  const append = async (from: number, to: number) => {
    stage.story.tell('test', `appends "record ${from}" to "record ${to}", one by one`)
    const all = async () => {
      for (let index = from; index <= to; index++) await log.append(Buffer.from(`record ${index}`))
    }
    await soon(stage, 'these records to be saved', all())
  }
  const expectFolder = (segments: number[], reason: Reason) =>
    stage.expectSame('the folder', listing(disk), segments.map(nameOfSegment), reason)

  await append(1, 3)
  expectFolder([1], {
    because:
      'The group of marks has 37 bytes, and each record 24. With two records the segment has 85, so the third still belongs in it.',
  })
  await append(4, 4)
  expectFolder([1, 2], { because: 'The first segment has 109 bytes, so it is full.' })
  await append(5, 8)
  expectFolder([1, 2, 3], { because: 'Three records fill a segment.' })
  for (const [index, number] of [1, 2, 3].entries()) {
    const mark = group(`mark behind ${index * 3} records`)
    const received = fileOf(disk, number).subarray(0, mark.length)
    stage.expect(`segment ${number} to begin with its marks`, received.equals(mark), {
      because:
        'When the earlier segments are gone, only this one has the last numbers of the rooms.',
      ...whyWithoutMarks(received),
      expected: quote(mark),
      received: quote(received),
    })
  }
  await append(9, 13)
  expectFolder([2, 3, 4, 5], {
    because: 'With the fifth segment there are more than 400 bytes, so the oldest is removed.',
    likely: whyNotTheOldest(listing(disk), retired),
    look: 'log.#rollOver()',
  })
  stage.expectSame('onRetired', retired, [2], {
    because: 'An index forgets what was in the segments before number 2.',
  })
  stage.expectSame('the number of open files', disk.openFiles, 4, {
    because: 'A file that was removed keeps its bytes on the disk for as long as it is open.',
  })
  await append(14, 40)
  stage.expectSame('the last segment', listing(disk).at(-1), '00000014.log', NEXT_NUMBER)
  const inAll = listing(disk).reduce((sum, name) => sum + fileNamed(disk, name).length, 0)
  stage.expect('the log to have at most 400 bytes and one more segment', inAll <= 500, {
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
  await expectFailedClosing(stage, Log)
  await expectNumbersKept(stage, Log)

  const short = { maxSegmentBytes: 40 }
  await stage.walkCrashes(logProgram(Log, short), BEGUN)
  await stage.walkCrashes(logProgram(Log, { ...short, maxTotalBytes: 120 }), whyRemoved)
  await expectFailedRolling(stage, Log)
})

step('15.6', 'what is told survives, and pages are exact', async (stage) => {
  await expectToldInOrder(stage)
  await expectMarkedInTime(stage)
  await expectExactPages(stage)
  await expectLoadedWhileOthersTalk(stage)
  await expectNotSaved(stage)
  await expectToldWhileClosing(stage)
  await expectFailedRead(stage)
  await inDataFolder((data) => expectKilledServer(stage, data))
})
