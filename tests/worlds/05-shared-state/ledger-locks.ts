/** The locks of chapter 05 that a transfer takes, and two transfers at a time among three accounts. */

import { Failure } from '../../harness/failure.ts'
import type { Turn } from '../../harness/interleavings/scenario.ts'
import type { Stage } from '../../judge/step.ts'
import { attempt, type Sleepless, sleeplessWords } from './sleepless-words.ts'

const [ACCOUNT_WORDS, BALANCE, TRANSFERS] = [4, 2, 3]
const NAMES = ['lock', 'abandoned', 'balance', 'transfers']

/** A thread that does not run in this test. */
const STRANGER = 9

/** A thread may have two ledgers, and the locks of one are not those of the other. */
export async function expectLocksOfItsOwn(stage: Stage): Promise<void> {
  const { load, expect } = stage
  const { Ledger } = await load(() => import('#code/05-shared-state/ledger.ts'))
  const SleeplessWords = await sleeplessWords(stage)
  const words = new SleeplessWords(new SharedArrayBuffer(4 * 16))
  words.store(BALANCE, 10)
  words.store(8 + BALANCE, 10)
  const [first, second] = [new Ledger(words, 0, 1), new Ledger(words, 8, 1)]
  attempt(words, () => first.transfer(0, 1, 1))
  words.store(8, STRANGER)
  const answer = attempt(words, () => second.transfer(0, 1, 1))
  expect(
    'a transfer of a second ledger to sleep while its account 0 is locked',
    answer === 'sleeps',
    {
      because: 'One thread may have two ledgers, and each has accounts and locks of its own.',
      likely: 'The locks of a ledger are in its own words: let this.#lockOf() find them.',
      look: 'ledger.transfer()',
      received: `it returned ${answer}`,
    },
  )
}

/** A transfer waits for the locks of its two accounts, and for no other. */
export async function expectBothLocksOnly(stage: Stage): Promise<void> {
  const { load, expect } = stage
  const { Ledger } = await load(() => import('#code/05-shared-state/ledger.ts'))
  const SleeplessWords = await sleeplessWords(stage)
  const transferWhile = (taken: number[], [from, to]: Pair) => {
    const words = new SleeplessWords(new SharedArrayBuffer(4 * 5 * ACCOUNT_WORDS))
    for (const account of ACCOUNTS) words.store(account * ACCOUNT_WORDS + BALANCE, 10)
    for (const account of taken) words.store(account * ACCOUNT_WORDS, STRANGER)
    const answer = attempt(words, () => new Ledger(words, 0, 1).transfer(from, to, 1))
    const { sleptOn } = words
    if (sleptOn === undefined)
      return { answer, text: `transfer(${from}, ${to}, 1) returned ${answer}` }
    const where = `the ${NAMES[sleptOn % ACCOUNT_WORDS]} of account ${Math.floor(sleptOn / ACCOUNT_WORDS)}`
    return { answer, text: `transfer(${from}, ${to}, 1) sleeps on ${where}` }
  }
  const free = pairsOf(ACCOUNTS)
    .map((pair) =>
      transferWhile(
        ACCOUNTS.filter((account) => !pair.includes(account)),
        pair,
      ),
    )
    .find(({ answer }) => answer !== true)
  expect('a transfer to be made while the locks of all other accounts are taken', !free, {
    because:
      'Each account has a lock of its own, so transfers between other accounts need not wait.',
    likely: 'Take the locks of `from` and `to`, and no other.',
    look: 'ledger.transfer()',
    received: free?.text,
  })
  const unlocked = pairsOf(ACCOUNTS)
    .flatMap((pair) => pair.map((taken) => ({ taken, ...transferWhile([taken], pair) })))
    .find(({ answer }) => answer !== 'sleeps')
  expect('a transfer to sleep while the lock of one of its accounts is taken', !unlocked, {
    because: 'Whoever has the lock of an account is alone with it.',
    likely: 'Take the locks of `from` and `to`, whichever accounts these are.',
    look: 'ledger.transfer()',
    received: unlocked && `${unlocked.text} while the lock of account ${unlocked.taken} is taken`,
  })
}

const ACCOUNTS = [0, 1, 2, 3, 4]

type Pair = [from: number, to: number]

function pairsOf(accounts: number[]): Pair[] {
  return accounts.flatMap((from) =>
    accounts.filter((to) => to !== from).map((to): Pair => [from, to]),
  )
}

/** Two transfers among three accounts: one is made at once, between any two turns of the other. */
export async function expectNothingLost(stage: Stage): Promise<void> {
  const { load, story } = stage
  const { Ledger } = await load(() => import('#code/05-shared-state/ledger.ts'))
  const SleeplessWords = await sleeplessWords(stage)
  const what =
    'expects two transfers among three accounts to be made, wherever one comes between the turns of the other'
  let runs = 0
  /** Answers what is wrong, or whether the first one has ended before that turn. */
  const run = (
    pairs: Pair[],
    at: number,
  ): { hasEnded: boolean; finding?: string; turns: Turn[] } => {
    runs += 1
    const words = new SleeplessWords(new SharedArrayBuffer(4 * 3 * ACCOUNT_WORDS))
    for (let account = 0; account < 3; account++) words.store(account * ACCOUNT_WORDS + BALANCE, 30)
    const turns: Turn[] = []
    const answers: unknown[] = []
    const transfer = (thread: number, beforeTurn = () => {}) => {
      const watched = watch(words, (text) => turns.push({ thread, text }), beforeTurn)
      const ledger = new Ledger(watched, 0, thread + 1)
      answers[thread] = attempt(words, () => ledger.transfer(...pairs[thread], AMOUNTS[thread]))
    }
    let next = 0
    transfer(0, () => {
      if (next++ !== at) return
      const memory = words.all()
      const turnsBefore = turns.length
      transfer(1)
      if (answers[1] !== 'sleeps') return
      // It would sleep until the first one is done: as if it came afterwards.
      for (const [index, value] of memory.entries()) words.store(index, value)
      turns.length = turnsBefore
      words.sleptOn = undefined
    })
    const hasEnded = next <= at
    if (answers[0] !== 'sleeps' && (answers[1] === undefined || answers[1] === 'sleeps'))
      transfer(1)
    return { hasEnded, finding: findingIn(words, pairs, answers), turns }
  }
  const pairs = pairsOf([0, 1, 2])
  for (const both of pairs.flatMap((first) => pairs.map((second) => [first, second]))) {
    for (let at = 0; ; at++) {
      const { hasEnded, finding, turns } = run(both, at)
      if (finding !== undefined) {
        story.judge('test', what, 'broken')
        throw new Failure(story, {
          headline: `There is an order of turns in which it goes wrong: ${finding}.`,
          interleaving: { turns, finding, runs },
          because:
            'Two threads may pay into the same account at once, or out of it. No money gets lost.',
          likely:
            'What was read before both locks were taken may have changed. Inside both, read and store each balance and count: this.#change() does both.',
          look: 'ledger.transfer()',
        })
      }
      if (hasEnded) break
    }
  }
  story.judge('test', what, 'kept')
}

const AMOUNTS = [3, 5]

function findingIn(words: Sleepless, pairs: Pair[], answers: unknown[]): string | undefined {
  const said = pairs.map(([from, to], n) => `${AMOUNTS[n]} from ${'ABC'[from]} to ${'ABC'[to]}`)
  const failed = answers.findIndex((answer) => answer !== true)
  if (failed >= 0) {
    const outcome = answers[failed] === 'sleeps' ? 'sleeps forever' : 'was refused'
    return `the transfer of ${said[failed]} ${outcome}`
  }
  const memory = words.all()
  for (let account = 0; account < 3; account++) {
    let [balance, transfers] = [30, 0]
    for (const [n, [from, to]] of pairs.entries()) {
      if (from === account) balance -= AMOUNTS[n]
      if (to === account) balance += AMOUNTS[n]
      if (from === account || to === account) transfers += 1
    }
    const word = account * ACCOUNT_WORDS
    const name = 'ABC'[account]
    if (memory[word + BALANCE] !== balance)
      return `each had 30, ${said.join(' and ')} were moved, and ${name} has ${memory[word + BALANCE]}, not ${balance}`
    if (memory[word + TRANSFERS] !== transfers)
      return `${said.join(' and ')} were moved, and ${name} counts ${memory[word + TRANSFERS]} transfers, not ${transfers}`
    if (memory[word] !== 0) return `both have left, and ${name}.lock is ${memory[word]}, not 0`
  }
  return undefined
}

/** The words as one thread sees them: each access is told as a turn. */
function watch(words: Sleepless, tell: (text: string) => void, beforeTurn: () => void): Sleepless {
  return new Proxy(words, {
    get(_, method: 'load' | 'store' | 'add' | 'compareExchange' | 'notify') {
      return (index: number, first: number, second: number) => {
        beforeTurn()
        const act = words[method] as (...args: number[]) => number
        const outcome = act.call(words, index, first, second)
        const name = `${'ABC'[Math.floor(index / ACCOUNT_WORDS)]}.${NAMES[index % ACCOUNT_WORDS]}`
        const isSame = outcome === first
        const texts: Record<string, string> = {
          load: `load ${name} → ${outcome}`,
          store: `store ${name} = ${first}`,
          add: `add ${name} ${first < 0 ? '−' : '+'} ${Math.abs(first)} → was ${outcome}`,
          compareExchange: `${name}: ${first} ⇒ ${second}? ${isSame ? 'yes' : `no, ${outcome}`}`,
          notify: `notify ${name}: nobody sleeps`,
        }
        if (method in texts) tell(texts[method])
        return outcome
      }
    },
  })
}
