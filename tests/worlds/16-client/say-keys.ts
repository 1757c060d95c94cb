/** Keys under test, in front of a history in memory that is read as slowly as a test says. */

import type { Message } from '#code/13-rooms/journal.ts'
import type { Claim, KeyedSay, SayOutcome } from '#code/16-client/say-keys.ts'
import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'

export async function openKeys({ load, story, expectSame }: Stage) {
  const { SayKeys } = await load(() => import('#code/16-client/say-keys.ts'))
  story.beginAnew()
  const kept: { message: Message; key?: string }[] = []
  let first = 1
  let isBroken = false
  /** Reads that go beyond this number fail. */
  let readableUpTo = Number.POSITIVE_INFINITY
  /** So many others are said during each read, as long as `growsUpTo` messages are not there. */
  let grownByRead = 0
  let growsUpTo = 0
  /** So many messages are removed when the next read has ended. */
  let retiredByRead = 0
  const reads: [from: number, to: number][] = []
  let underWay = 0
  let mostUnderWay = 0
  /** Reads that wait for `answerReads`, if they have to. */
  let held: (() => void)[] | undefined
  const keep = (count: number, name = 'zoe', key?: string) => {
    for (let index = 0; index < count; index++) {
      const number = kept.length + 1
      kept.push({
        message: { number, name, text: key ? 'hello' : `message ${number}`, at: 0 },
        key,
      })
    }
  }
  const keys = new SayKeys({
    range: (room) => (room === 'hall' ? { first, last: kept.length } : { first: 1, last: 0 }),
    async read(room, from, to) {
      reads.push([from, to])
      const shown = room === 'hall' ? kept.slice(from - 1, to) : []
      if (kept.length < growsUpTo) keep(grownByRead)
      underWay += 1
      mostUnderWay = Math.max(mostUnderWay, underWay)
      await (held ? new Promise<void>((resolve) => held?.push(resolve)) : turn())
      underWay -= 1
      if (isBroken || to > readableUpTo) throw new Error('EIO: i/o error, read')
      if (Math.max(1, from) < first) throw new RangeError(`number ${from} is no longer kept`)
      first += retiredByRead
      retiredByRead = 0
      return shown
    },
  })
  const describeClaim = (claim: Claim) =>
    claim.kind === 'first'
      ? 'first'
      : 'code' in claim.outcome
        ? claim.outcome.code
        : `said as ${claim.outcome.number}`
  const begin = (name: string, say: Partial<KeyedSay> = {}) => {
    const request = { account: 'ada', room: 'hall', text: 'hello', key: 'k1', since: 0, ...say }
    story.tell(
      name,
      `claims ${request.account}’s key ${request.key} in ${request.room} for ${JSON.stringify(request.text)}, since ${request.since}`,
    )
    let outcome = 'not known yet'
    let settle: ((outcome: SayOutcome) => void) | undefined
    keys.claim(request).then(
      (claim) => {
        outcome = describeClaim(claim)
        if (claim.kind === 'first') settle = claim.settle
      },
      (error) => {
        outcome = `rejected: ${error.message}`
      },
    )
    return {
      expect: (expected: string, reason: Reason) =>
        expectSame(`the outcome for ${name}`, outcome, expected, reason),
      /** What it is told by now. */
      outcome: () => outcome,
      async settle(result: SayOutcome) {
        story.tell(
          name,
          'code' in result
            ? `settles its claim: ${result.code}`
            : `appends its message, which gets number ${result.number}`,
        )
        settle?.(result)
        await turn()
      },
    }
  }
  /** Until nothing is read any more, however many messages are read at a time. A search needs `MAX_SEARCH` reads at most. */
  const settled = async () => {
    for (let count = 0, quiet = 0; quiet < QUIET_TURNS && count < MOST_TURNS; count++) {
      await turn()
      quiet = underWay > 0 && !held ? 0 : quiet + 1
    }
  }
  return {
    keys,
    reads,
    /** How many reads were under way at once, at most. */
    mostReadsAtOnce: () => mostUnderWay,
    /** Others, or this account, have said so many messages. */
    keep,
    breakReadsBeyond(number: number) {
      readableUpTo = number
      story.tell('history', `cannot be read beyond number ${number}`)
    },
    growWithReads(count: number, upTo: number) {
      grownByRead = count
      growsUpTo = upTo
      story.tell('history', `grows by ${count} messages during each read`)
    },
    retire(count: number) {
      first += count
      story.tell('history', `begins at number ${first}`)
    },
    retireWithRead(count: number) {
      retiredByRead = count
      story.tell('history', `removes messages 1 to ${count} at the end of the first read`)
    },
    breakReads(is: boolean) {
      isBroken = is
      story.tell('history', is ? 'cannot be read' : 'can be read again')
    },
    holdReads() {
      held = []
      story.tell('history', 'is slow: no read ends yet')
    },
    async answerReads() {
      while (held && held.length > 0) {
        for (const answer of held.splice(0)) answer()
        await turn()
      }
      story.tell('history', 'answers all reads')
      held = undefined
      await settled()
    },
    /** Begins to claim, and says how far that has come by now. */
    async claim(name: string, say: Partial<KeyedSay> = {}) {
      const begun = begin(name, say)
      await settled()
      return begun
    },
    /** The same, for several that come before anybody else has a turn. */
    async claimAtOnce(...names: string[]) {
      const begun = names.map((name) => begin(name))
      await settled()
      return begun
    },
    expectSize: (expected: number, reason: Reason) =>
      expectSame('the number of claims that are not settled', keys.size, expected, reason),
  }
}

/** A claim for which nothing has been read for so long does not go on by itself. */
const QUIET_TURNS = 30

/** A search that reads more often than this does not end. */
const MOST_TURNS = 5_000

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** The outcome of a claim that was appended. */
export const saidAs = (number: number): SayOutcome => ({
  number,
  name: 'ada',
  text: 'hello',
  at: 0,
})
