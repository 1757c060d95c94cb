/** What a group of very many records costs, beside a group of a few. */

import { leastUs } from '../../harness/cost.ts'
import type { Stage } from '../../judge/step.ts'

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

export async function expectManyEncodedCheaply(stage: Stage): Promise<void> {
  const { encodeGroup } = await stage.load(() => import('#code/15-history/groups.ts'))
  const [few, many] = [FEW, MANY].map((count) => Array<Buffer>(count).fill(RECORD))
  const fewUs = leastUs(10, () => encodeGroup(few)) / FEW
  let manyUs = Number.POSITIVE_INFINITY
  const isCheap = () => manyUs <= Math.max(STEADY * fewUs, CHEAP_US)
  for (let time = 0; time < TRIES && !isCheap(); time++)
    manyUs = Math.min(manyUs, leastUs(1, () => encodeGroup(many), 1) / MANY)
  stage.expect('a record to cost no more in a group of 6,000', isCheap(), {
    because:
      'While a disk syncs, thousands of clients may say a word. All of that is one group, and nobody is served while it is made.',
    likely:
      'For each record, all that came before is copied: its bytes (Buffer.concat) or the list of them ([...list, next]). Push to one list, and put it together once.',
    look: 'groups.encodeGroup()',
    expected: 'about as much as in a group of 100',
    received: `${Math.round(manyUs / fewUs)} times as much CPU time`,
  })
}
