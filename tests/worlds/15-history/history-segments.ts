/** What is read of a segment's bytes: good groups, a torn tail, or damage that no crash explains. */

import { leastUs } from '../../harness/cost.ts'
import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'
import { flipBit, group, groups } from '../../protocols/groups.ts'
import { attempt } from './history-groups.ts'
import { describeError } from './history-recovery.ts'

const READ = 'recovery.readGroups()'

/** A record that looks like the beginning of a group. */
const MAGIC_INSIDE = Buffer.from('two \xffLOG and something behind it', 'latin1')

/** Whatever the bytes are, this is what is found. */
export async function expectSegmentsRead(stage: Stage): Promise<void> {
  const { readGroups } = await stage.load(() => import('#code/15-history/recovery.ts'))
  const begin = group('begin')
  const read = (what: string, bytes: Buffer, expected: string, reason: Reason) => {
    const found: string[] = []
    const misplaced: string[] = []
    const segments = new Set<unknown>()
    const outcome = attempt(() =>
      readGroups(bytes, 7, ({ record, at }, segment) => {
        found.push(String(record))
        segments.add(segment)
        if (!bytes.subarray(at, at + record.length).equals(record))
          misplaced.push(`"${record}" at ${at}, which is at ${bytes.indexOf(record)}`)
      }),
    )
    const received =
      typeof outcome === 'number'
        ? `${found.join(', ')}; good up to byte ${outcome}`
        : `throws ${describeError(outcome)}`
    stage.expectSame(`readGroups() of ${what}`, received, expected, {
      look: READ,
      ...reason,
      ...whyOverflown(outcome),
    })
    stage.expectSame('the records that are not at their `at`', misplaced, [], {
      because: 'Pages are read from these places.',
      likely: 'Places count from the beginning of the segment.',
      look: READ,
    })
    stage.story.lines.pop()
    stage.expect('onEntry to be told that all of them are in segment 7', isOnly(segments, 7), {
      because: 'A message is found by its segment and its place in it.',
      likely:
        'Call onEntry(entry, segment). forEach(onEntry) passes the index of the entry instead.',
      look: READ,
      received: [...segments].join(', '),
    })
    stage.story.lines.pop()
  }
  /** Tells the last lines of the story in one. */
  const sumUp = (count: number, what: string) => {
    stage.story.lines.splice(-count)
    stage.story.judge('test', `expects readGroups() ${what}`, 'kept')
  }
  const good = groups('begin', 'one', 'two')
  read('three groups', good, `begin, one, two; good up to byte ${good.length}`, {
    because: 'All groups are good: every record is found, in order.',
  })
  const pair = Buffer.concat([begin, group('one', 'two'), group('three')])
  read('a group of two records', pair, `begin, one, two, three; good up to byte ${pair.length}`, {
    because: 'What was appended while a sync was under way is one group.',
    likely: 'Every record of a group goes to onEntry.',
  })
  const sparse = [group(), group('one'), group(), group('two'), group()]
  const sparseBytes = Buffer.concat(sparse)
  read(
    'groups of which some have no records',
    sparseBytes,
    `one, two; good up to byte ${sparseBytes.length}`,
    {
      because: 'A group may have no records. It is a good group, and others may follow it.',
      likely: 'Whether a group is good is said by its kind, and not by how many records it has.',
    },
  )
  const damagedAt = groups('begin', 'one').length
  const damages = [
    ['a flipped bit in it', flipBit(group('two'), 130)],
    ['a flipped bit in its length', flipBit(group('two'), 40)],
    ['a flipped bit in its magic', flipBit(group('two'), 3)],
    ['zeros instead of it', Buffer.alloc(group('two').length)],
    ['a byte of it missing', group('two').subarray(1)],
    ['a byte instead of it', Buffer.from([0])],
    ['a magic right before the next', Buffer.from('x\xffLOG', 'latin1')],
    ['3 MiB of something else instead of it', Buffer.alloc(3 * 1024 * 1024, 'x')],
    ['a flipped bit, and a magic in its text', flipBit(group(MAGIC_INSIDE), 130)],
  ] as const
  for (const [what, broken] of damages) {
    read(
      `four groups, the third with ${what}`,
      Buffer.concat([groups('begin', 'one'), broken, group('three')]),
      `throws DamagedLog: 00000007.log is damaged at byte ${damagedAt}`,
      {
        because:
          'A group is written only after the one before it has been synced. No crash does this, and cutting it off would lose "three".',
        likely:
          'Look for a good group at every MAGIC that follows (bytes.indexOf). Where one begins is not known: the length may be wrong, and a magic may be there by chance.',
      },
    )
  }
  sumUp(damages.length, `to throw for ${damages.length} kinds of damage before a good group`)
  const torn = flipBit(group('four'), 130)
  read(
    'five groups, the third and the fifth with a flipped bit',
    Buffer.concat([groups('begin', 'one'), flipBit(group('two'), 130), group('three'), torn]),
    `throws DamagedLog: 00000007.log is damaged at byte ${damagedAt}`,
    {
      because:
        'There may be a torn tail as well. Cutting off everything from the third group on would lose "three".',
      likely:
        'Check every MAGIC that follows the bad place: one good group is enough, wherever it is.',
    },
  )
  const beginnings = [
    ['no bytes', Buffer.alloc(0)],
    ['half of its first group', begin.subarray(0, 15)],
    ['zeros', Buffer.alloc(30)],
  ] as const
  for (const [what, bytes] of beginnings) {
    read(`a segment with ${what}`, bytes, 'throws DamagedLog: 00000007.log is damaged at byte 0', {
      because: 'A segment gets its name when its first group has been synced. No crash does this.',
      likely: 'Throw if not even the first group is good, whether anything follows or not.',
    })
  }
  sumUp(beginnings.length, 'to throw for a first group that is bad or missing')
  expectZerosReadCheaply(stage, (bytes) => void readGroups(bytes, 7, () => {}))
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
    ['20,000 times a magic and nothing more', Buffer.alloc(20_000 * 4, '\xffLOG', 'latin1')],
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
          'A tail is torn unless a whole group, checksum and all, begins somewhere after its start.',
      },
    )
  }
  sumUp(tails.length, `to stop before ${tails.length} kinds of torn tails`)
  const many = Buffer.concat(Array.from({ length: 30_000 }, (_, index) => group(`${index}`)))
  const outcome = attempt(() => readGroups(many, 7, () => {}))
  stage.expect('readGroups() of 30,000 groups to find them all', outcome === many.length, {
    because: 'A segment may have that many, and more.',
    likely: 'Copy no group, and go through no byte twice.',
    look: READ,
    ...whyOverflown(outcome),
    expected: `good up to byte ${many.length}`,
    received: typeof outcome === 'number' ? `good up to byte ${outcome}` : `throws ${outcome}`,
  })
}

/** A function that calls itself for each group, or for each magic, has no stack left after some thousands. */
function whyOverflown(outcome: unknown): Pick<Reason, 'likely'> {
  if (!(outcome instanceof RangeError) || !outcome.message.includes('call stack')) return {}
  return { likely: 'Write a loop: a function that calls itself for each of them fills the stack.' }
}

function isOnly(set: Set<unknown>, value: unknown): boolean {
  return [...set].every((one) => one === value)
}

/** A tail of zeros is as long as a file was made before the power failed; so many are gone through in no time at all. */
const ZEROS = 16 * 1024

/** Gone through once, a byte costs a few nanoseconds, also where nothing is compiled yet; from each byte on, it costs 1 µs and more. */
const CHEAP_US = 0.3

/** What costs so many times as much needs no second look: no collection of garbage does that. */
const FAR_TOO_MUCH = 10

/** Zeros are looked at once, not from each byte anew. */
function expectZerosReadCheaply(stage: Stage, read: (bytes: Buffer) => void): void {
  const bytes = Buffer.concat([group('begin'), Buffer.alloc(ZEROS)])
  let us = Number.POSITIVE_INFINITY
  const isCheap = () => us <= CHEAP_US * ZEROS
  const isHopeless = () => Number.isFinite(us) && us > FAR_TOO_MUCH * CHEAP_US * ZEROS
  for (let time = 0; time < 3 && !isCheap() && !isHopeless(); time++)
    us = Math.min(
      us,
      leastUs(1, () => attempt(() => read(bytes)), 1),
    )
  stage.expect('readGroups() to go through 16 KiB of zeros only once', isCheap(), {
    because: 'A group of 1 MiB may be left as zeros, and the server has to start all the same.',
    likely:
      'Called at each byte, decodeGroup() looks at all the zeros again. Call it only where a MAGIC is: bytes.indexOf(MAGIC, from).',
    look: READ,
    expected: `less than ${Math.round((CHEAP_US * ZEROS) / 1_000)} ms of CPU time`,
    received: `${Math.round(us / 1_000)} ms`,
  })
}
