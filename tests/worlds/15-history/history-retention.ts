/** Segments that are begun and given up: whole, one by one, up to a limit, and no number comes again. */

import type { Log, Saved } from '#code/15-history/log.ts'
import { quote } from '../../harness/bytes.ts'
import { EMPTY_DISK, SimulatedDisk } from '../../harness/crash-points/disk.ts'
import type { Stage } from '../../judge/step.ts'
import { group, groups } from '../../protocols/groups.ts'
import { stingy } from './disk.ts'
import { soon } from './held-log.ts'
import { diskWith, fileOf, listing, nameOfSegment } from './segment-folders.ts'

/** A disk may take a part of every write, also of the first group of a segment. */
export async function expectWholeSegments(stage: Stage, LogClass: typeof Log): Promise<void> {
  const disk = new SimulatedDisk(EMPTY_DISK)
  const keeper = {
    onFound() {},
    onSynced() {},
    marks: () => [Buffer.from('a long mark')],
    onRetired() {},
  }
  stage.story.tell('test', 'opens a log on a disk that takes 7 bytes per write, and appends twice')
  const { log } = await LogClass.open(stingy(disk, 7), keeper, { maxSegmentBytes: 1 })
  for (const text of ['one', 'two'])
    await soon(stage, `"${text}" to be saved`, log.append(Buffer.from(text)))
  const expected = Buffer.concat([group('a long mark'), group('two')])
  const received = fileOf(disk, 3)
  stage.expect('the third segment to be whole', received.equals(expected), {
    because: 'write() says how many bytes it took, here as everywhere.',
    likely: 'Use save(), which writes the rest, too.',
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
  const late: number[] = []
  const keeper = {
    onFound() {},
    onSynced() {},
    marks: () => [],
    onRetired(oldest: number) {
      // Of segments 1 to 4, those before `oldest` are given up, and the last of them is open still.
      if (disk.openFiles < 6 - oldest) late.push(oldest - 1)
    },
  }
  stage.story.tell(
    'test',
    'opens a log of three segments, with a maxTotalBytes of 1, and appends "d"',
  )
  const { log } = await LogClass.open(disk, keeper, { maxSegmentBytes: 1, maxTotalBytes: 1 })
  await soon(stage, '"d" to be saved', log.append(Buffer.from('d')), {
    because: 'The last segment is the one that "d" goes into: it is never removed.',
    likely: 'However large it is, one segment stays.',
  })
  stage.expectSame('the folder', listing(disk), ['00000004.log'], {
    because: 'With a maxTotalBytes of 1, all the old segments go. The last one is never removed.',
    likely:
      'Begin the new segment first: then all the others may go. Several can be too many at once.',
    look: ROLL_OVER,
  })
  const afterCrash = [...disk.state.durableNames.keys()].filter((name) => name.endsWith('.log'))
  stage.expectSame('the segments that a crash would leave', afterCrash.sort(), ['00000004.log'], {
    because:
      'A segment is removed for good when the folder has been synced after that. Until then, a crash brings it back.',
    likely: 'Sync the folder after each removal, not before it.',
    look: ROLL_OVER,
  })
  stage.expectSame('the segments that were closed before onRetired was told', late, [], {
    because:
      'Somebody may be reading a page. Reading a closed file is an error, unless the index says that the segment is gone.',
    likely: 'Tell onRetired first, then close, then remove.',
    look: ROLL_OVER,
  })
  await expectLimit(stage, LogClass)
}

const ROLL_OVER = 'log.#rollOver()'

/** Of the segment that is begun when others are gone. */
export const NEXT_NUMBER = {
  because: 'Three records fill a segment. A number that was used once is not used again.',
  likely: 'The next number follows that of the last segment. The number of segments says nothing.',
  look: ROLL_OVER,
}

const LONG = 'long '.repeat(40)

/** As much as is allowed is not too much, and what is left counts as it is. */
async function expectLimit(stage: Stage, LogClass: typeof Log): Promise<void> {
  const keeper = { onFound() {}, onSynced() {}, marks: () => [], onRetired() {} }
  for (const { texts, freed, kept, likely } of [
    {
      texts: ['a', 'b'],
      freed: 0,
      kept: [1, 2, 3],
      likely: 'Remove while the total is larger than maxTotalBytes, not when it is equal.',
    },
    {
      texts: ['a', 'b'],
      freed: 1,
      kept: [2, 3],
      likely: TOO_MANY_LEFT,
    },
    { texts: [LONG, 'b', 'c'], freed: 1, kept: [2, 3, 4], likely: COUNTED },
    { texts: ['a', LONG, 'c'], freed: group('a').length + 1, kept: [3, 4], likely: COUNTED },
  ]) {
    const inAll = groups(...texts).length + group().length
    const maxTotalBytes = inAll - freed
    const files = texts.map((text, index) => [nameOfSegment(index + 1), group(text)])
    const disk = new SimulatedDisk(diskWith(Object.fromEntries(files)))
    const { log } = await LogClass.open(disk, keeper, { maxSegmentBytes: 1, maxTotalBytes })
    const sizes = texts.map((text) => group(text).length).join(', ')
    stage.story.tell(
      'test',
      `opens a log of segments of ${sizes} bytes, with a maxTotalBytes of ${maxTotalBytes}, and appends "next"`,
    )
    await soon(stage, '"next" to be saved', log.append(Buffer.from('next')))
    stage.expectSame('the folder', listing(disk), kept.map(nameOfSegment), {
      because: `The old segments and the new one, before anything is appended to it, have ${inAll} bytes.`,
      likely,
      look: ROLL_OVER,
    })
  }
}

const TOO_MANY_LEFT =
  'Remove until the total is at most maxTotalBytes. Every segment that is there counts in full, including the one that was just begun.'

const COUNTED = 'A removal frees the size of the removed segment, not that of another one.'

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
        look: ROLL_OVER,
      },
    )
  }
}
