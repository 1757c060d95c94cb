import { step } from '../judge/step.ts'
import { ask } from '../protocols/lines.ts'
import {
  expectRepairsRepeated,
  IF_A_MARK_IS_MISSED,
} from '../worlds/05-shared-state/book-repairs.ts'
import {
  expectCountedAmongOthers,
  expectWordCounted,
} from '../worlds/05-shared-state/counted-words.ts'
import {
  expectCountLast,
  expectCrowdNumbered,
  expectOldestGivesWay,
} from '../worlds/05-shared-state/guest-crowd.ts'
import { expectBalancesKept } from '../worlds/05-shared-state/ledger-transfers.ts'
import { expectDeathsNoticed, IF_A_DEATH_IS_MISSED } from '../worlds/05-shared-state/lock-deaths.ts'
import {
  expectOwnerOnly,
  expectPatience,
  IF_THE_LOCK_FAILS,
  IF_WITH_LOCK_FAILS,
} from '../worlds/05-shared-state/lock-owners.ts'

const CHAPTER = '05-shared-state'

const scenario = (name: string) => new URL(`./threads/05-${name}.ts`, import.meta.url)

step('05.1', 'no update is lost, in any order of turns', async (stage) => {
  const { explore } = stage
  await explore('two threads that count to have counted two', scenario('increment'), {
    because: 'Two visitors are two visitors, in whatever order their threads take turns.',
    likely:
      'Load, add one, store: three turns, and between two of them another thread may have its own. Atomics.add is one turn.',
    ifSeen: [
      {
        seen: /numbers 0 and 1/,
        likely: 'add() returns what was there before. The new value is one more.',
      },
      { seen: /number undefined/, likely: 'increment() returned nothing: return the new value.' },
      {
        seen: /in circles[\s\S]*\? yes/,
        likely:
          'compareExchange() returned the old value, so it has changed the word, and yet the loop went on. Return then.',
      },
      {
        seen: /both visitors are number/,
        likely:
          'Between the turn that counts and a second look another thread may have counted, too. What add() returns is all you need.',
      },
      {
        seen: /\? no/,
        likely:
          'compareExchange() changes nothing when somebody else was faster: look and try again.',
      },
    ],
  })
  await explore('two threads that count twice to have counted four', scenario('increment-twice'), {
    because: 'A thread may be overtaken again and again, also when it tries once more.',
    likely:
      'A second try can be overtaken like the first one: try until compareExchange() has changed the word, or let add() do it in one turn.',
  })
  await expectWordCounted(stage)
  await expectCountedAmongOthers(stage)
})

step('05.2', 'the lock lets one in at a time, and nobody sleeps forever', async (stage) => {
  const { explore } = stage
  const reason = {
    because:
      'A lock that lets two in, or leaves one asleep, does so on a bad day. Here is that day.',
    likely:
      'Change the state in the same turn in which you look at it (compareExchange), and take the lock only when it was FREE.',
    ifSeen: IF_THE_LOCK_FAILS,
  }
  await explore('two threads under the lock to be alone', scenario('mutex'), reason)
  await explore('three threads under the lock to be alone', scenario('mutex-of-three'), reason)
  await expectOwnerOnly(stage)
  await expectPatience(stage)
})

step('05.3', 'withLock() frees the lock, however its body ends', async ({ explore }) => {
  await explore('the lock to be free after a body that throws', scenario('with-lock'), {
    because: 'An exception is one way to leave a function. The lock must not stay behind.',
    likely: 'finally runs either way.',
    ifSeen: IF_WITH_LOCK_FAILS,
  })
})

step('05.4', 'transfers in opposite directions do not get stuck', async (stage) => {
  const { explore } = stage
  await explore('two opposite transfers to be made', scenario('transfer'), {
    because:
      'Two opposite transfers, each under two locks: both are made and counted, and neither waits for the other forever.',
    likely:
      'Each thread has one lock and wants the other’s. If all take them in one order, that cannot happen.',
    ifSeen: [
      {
        seen: /thread (\d) sleeps on (\w\.lock)[\s\S]*wait \2 = -\1: sleeps(?![\s\S]*wait \2 =)/,
        likely:
          'A thread sleeps on a lock that it has itself. Lock each of the two accounts once, and read without a lock in between: this.#read().',
      },
      {
        seen: /counts|money was made|A has/,
        likely:
          'Each account is changed under its own lock: without that, one of two changes is lost. Both accounts count the transfer.',
      },
      {
        seen: /was refused/,
        likely: 'There is enough in `from`: look at its balance, not the other’s.',
      },
      { seen: /still taken/, likely: GIVEN_BACK },
      { seen: /does not have the lock/, likely: GIVEN_TWICE },
      { seen: /^(?!.*thread 1 sleeps.*thread 2 sleeps).*nobody can move/, likely: GIVEN_BACK },
    ],
  })
  await explore('nobody to see half a transfer', scenario('audit'), {
    because:
      'Between the one account and the other, money is nowhere, and the number of transfers is that of before. Nobody may look then.',
    likely:
      'Take both locks before the first change, and give them back after the last, be it of a balance or of a count. One after the other is not both.',
  })
  await explore('two transfers of 7 out of 10 not to be made both', scenario('overdraw'), {
    because: 'No account may have less than nothing, however many threads take from it at once.',
    likely:
      'Compare the balance right before the change, with the locks in hand. Looked at before, or under a lock that was given back, it may have changed.',
    ifSeen: [
      { seen: /still taken|nobody can move/, likely: GIVEN_BACK },
      { seen: /does not have the lock/, likely: GIVEN_TWICE },
      {
        seen: /, 0 were made|not 3 and 7/,
        likely: 'Take the amount from `from`, and add it to `to`.',
      },
    ],
  })
  await explore('a transfer to oneself to be refused', scenario('transfer-to-oneself'), {
    because: 'An account has one lock: a thread that takes it twice waits for itself.',
    likely: 'Look whether the accounts are the same before any lock is taken.',
  })
  await expectBalancesKept(stage)
  await explore('B not to pay 7 to A and 7 to C out of 10', scenario('overdraw-two-ways'), {
    because: 'No account may have less than nothing, also when it pays to two others at once.',
    likely:
      'What both threads have in common is B: look at its balance when you have the lock of `from` itself, also when that is the higher one.',
    ifSeen: [
      { seen: /still taken|nobody can move/, likely: GIVEN_BACK },
      { seen: /does not have the lock/, likely: GIVEN_TWICE },
    ],
  })
})

step('05.5', 'visitors are numbered without gaps, and entries are whole', async (stage) => {
  const { explore } = stage
  await explore('two guests who sign at once to get an entry each', scenario('sign'), {
    because: 'An entry is many words. Nobody may write between the first and the last of them.',
    likely: 'Number, text and count belong under one lock: #withBook() around all of it.',
    look: 'sign()',
    ifSeen: [
      { seen: /numbers 0 and 1/, likely: 'Numbers begin at 1: the new count is the number.' },
      {
        seen: /nobody can move/,
        likely:
          'A lock is not given back, or taken twice: #withBook() takes it once, and frees it.',
      },
    ],
  })
  await explore('a reader to see the whole entry or none', scenario('read'), {
    because: 'There are 256 places: the 257th entry is written over the first one.',
    likely: 'read() takes the lock, too, and keeps it until it has the whole text.',
    look: 'guest-book.read()',
    ifSeen: [
      {
        seen: /entry 257 got number/,
        likely: 'Only the place wraps, and #writeText() finds it. The number goes on.',
        look: 'guest-book.sign()',
      },
      {
        seen: /returned "bbbbb"/,
        likely:
          'Entry 1 is gone once there are 257: numbers up to the count less 256 have given way. Load the count under the same lock as the text.',
      },
    ],
  })

  await explore('a reader of the second entry to see it whole, too', scenario('read-second'), {
    because: 'Entry 2 gives way to entry 258 like entry 1 to entry 257.',
    likely: 'read() keeps the lock until it has the whole text, whichever entry it is.',
    look: 'guest-book.read()',
  })

  await explore(
    'a reader of the newest entry to see it whole or not at all',
    scenario('read-newest'),
    {
      because: 'An entry is there once it is counted, and then it is whole.',
      likely: 'sign() stores the count behind the text, and keeps the lock from first to last.',
      look: ['guest-book.sign()', 'guest-book.read()'],
      ifSeen: [
        {
          seen: /returned "aaaaa"(?![\s\S]*load count → 257)/,
          likely:
            'read(257) while the count is 256: that entry is not there yet, and its place holds entry 1.',
          look: 'guest-book.read()',
        },
      ],
    },
  )
  await expectCountLast(stage)
  await expectOldestGivesWay(stage)
  await expectCrowdNumbered(stage)
})

step('05.6', 'a thread that dies leaves no lock behind', async (stage) => {
  const { explore, serve, connect } = stage
  const reason = {
    because:
      'A client that resets has its thread ended, wherever it is: also between lock() and unlock(). The others must go on.',
    likely:
      'Free the lock if the dead thread had it: its word is that thread’s number, or -number.',
    look: 'mutex.threadEnded()',
    ifSeen: IF_A_DEATH_IS_MISSED,
  }
  await explore(
    'one of two threads to get in when the other one dies',
    scenario('owner-dies'),
    reason,
  )
  await explore('two of three threads to get in', scenario('owner-dies-of-three'), reason)
  await expectDeathsNoticed(stage)

  const because =
    'Entry 257 takes the place of entry 1. If its writer dies over it, entry 1 is half overwritten, and nobody may read that.'
  await explore('a book whose writer dies to be whole', scenario('signer-dies'), {
    because,
    likely:
      'An entry that was begun and not counted has torn its place. Mark that place, and only that.',
    ifSeen: [
      ...IF_A_MARK_IS_MISSED,
      {
        seen: /entry 257 was written, and reads ""/,
        likely: 'Mark a place as torn only if begun and count differ: this entry was counted.',
      },
      {
        seen: /entry 257 was written[\s\S]*store count = 257[\s\S]*dies/,
        likely: 'sign() stores the count behind the text: a thread may die between the two.',
        look: 'sign()',
      },
      {
        seen: /entry 257 was written/,
        likely: 'A repair marks the place as torn. It does not count what was never finished.',
      },
    ],
  })
  await explore('a repair that is cut short to be made again', scenario('repairer-dies'), {
    because,
    likely:
      'The repair can be cut short as well. The next owner repairs again, and must still find what was begun.',
    ifSeen: IF_A_MARK_IS_MISSED,
  })
  await expectRepairsRepeated(stage)

  const server = await serve(CHAPTER)
  for (let round = 1; round <= ROUNDS; round++) {
    const crowd = await Promise.all(
      ['dee', 'eve', 'fay', 'gus'].map(() => connect(server, `guest ${round}`)),
    )
    for (const guest of crowd) {
      guest.beQuiet('signs two thousand times and resets in the middle of it')
      await guest.send('sign I was here\n'.repeat(2_000))
    }
    for (const guest of crowd) {
      await guest.expectLine(/^entry/, { because: 'guest is served.' })
      guest.reset()
    }
  }
  const hal = await connect(server, 'hal')
  await ask(hal, 'sign hal', /^entry \d+$/, {
    because: `${4 * ROUNDS} clients have signed and reset, and some of their threads had the lock.`,
    likely: 'The lock is still with a thread that is gone. What does threadEnded() do about that?',
  })
})

const GIVEN_BACK =
  'A lock is not given back on every way out of transfer(), also when it refuses: withLock() sees to that.'

const GIVEN_TWICE =
  'A lock was given back twice. withLock() gives back what it took, once, on every way out; by hand, each lock() has one unlock().'

/** Rounds of four clients each: in nearly every round at least one of them dies with the lock. */
const ROUNDS = 3
