/** What a group of very many records costs, beside a group of a few; and one of a few, with a whole segment behind it. */

import { bytesMade, costInCopies, FEW_BYTES, LARGE_BYTES, leastUs } from '../../harness/cost.ts'
import { withCommas } from '../../harness/numbers.ts'
import type { Stage } from '../../judge/step.ts'
import { group } from '../../protocols/groups.ts'

/** A chat message of one word, and as many of them as come while a disk syncs slowly. */
const RECORD = Buffer.alloc(20, 'a')
const FEW = 100
const MANY = 6_000

/** A record among many costs up to three times what it does among a few; if each copies all that came before, 20 to 50 times. */
const STEADY = 8

/** Whatever a few cost, so much is cheap for each of many. Copying all that came before costs more at that length. */
const CHEAP_US = 2

/** Garbage may be collected in the middle of one try, and not of three. */
const TRIES = 3

/** Neither how many records there are nor what comes behind makes a group dear. */
export async function expectCheapGroups(stage: Stage): Promise<void> {
  await expectManyEncodedCheaply(stage)
  await expectDecodedAlone(stage)
}

async function expectManyEncodedCheaply(stage: Stage): Promise<void> {
  const { encodeGroup } = await stage.load(() => import('#code/15-history/groups.ts'))
  const [few, many] = [FEW, MANY].map((count) => Array<Buffer>(count).fill(RECORD))
  const fewUs = leastUs(10, () => encodeGroup(few)) / FEW
  let manyUs = Number.POSITIVE_INFINITY
  const isCheap = () => manyUs <= Math.max(STEADY * fewUs, CHEAP_US)
  for (let time = 0; time < TRIES && !isCheap(); time++)
    manyUs = Math.min(manyUs, leastUs(1, () => encodeGroup(many), 1) / MANY)
  stage.expect('a record to cost no more in a group of 6,000', isCheap(), {
    because:
      'While a disk syncs, thousands of clients may each say a word. All of that becomes one group, and nobody is served while it is encoded.',
    likely:
      'For each record, everything before it is copied: the bytes (Buffer.concat) or the list of them ([...list, next]). Push to one list, and put it together once.',
    look: 'groups.encodeGroup()',
    expected: 'about as much as in a group of 100',
    received: `${Math.round(manyUs / fewUs)} times as much CPU time`,
  })
}

/** More than the records of a small group, and far less than what lies behind it. */
const LITTLE_BYTES = 64 * 1024

/** So many calls at a time are measured. */
const CALLS = 5

/** A segment has 64 MiB, and thousands of groups: each is decoded without what comes behind it. */
async function expectDecodedAlone(stage: Stage): Promise<void> {
  const { decodeGroup } = await stage.load(() => import('#code/15-history/groups.ts'))
  const bytes = Buffer.concat([group('one'), Buffer.alloc(LARGE_BYTES, 1)])
  const made = bytesMade(CALLS, () => decodeGroup(bytes, 0))
  stage.expect('nothing that follows a group to be copied', made < LITTLE_BYTES, {
    because:
      'A segment has thousands of groups. If each one allocates room for everything after it, the server takes hours to start.',
    likely:
      'subarray() copies nothing, Buffer.from() does. isZeros() stops at the first byte that is not zero, and needs no buffer of zeros to compare with.',
    look: 'groups.decodeGroup()',
    expected: `less than ${withCommas(LITTLE_BYTES)} bytes of new buffers, with 4 MiB after the group`,
    received: `about ${(made / 1024 / 1024).toFixed(1)} MiB`,
  })
  const copies = costInCopies(CALLS, () => decodeGroup(bytes, 0))
  stage.expect('a group to be decoded without reading what follows it', copies < FEW_BYTES, {
    because:
      'A segment has thousands of groups. If each one goes through everything after it, the server takes hours to start.',
    likely: 'isZeros() stops at the first byte that is not zero.',
    look: 'groups.decodeGroup()',
    expected: 'next to nothing, with 4 MiB after it',
    received: `as much CPU time as ${copies.toFixed(1)} copies of those 4 MiB`,
  })
}
