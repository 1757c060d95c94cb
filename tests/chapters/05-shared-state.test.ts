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
  expectLongTextsCut,
  expectOldestGivesWay,
} from '../worlds/05-shared-state/guest-crowd.ts'
import {
  expectBothLocksOnly,
  expectLocksOfItsOwn,
  expectNothingLost,
} from '../worlds/05-shared-state/ledger-locks.ts'
import { expectBalancesKept } from '../worlds/05-shared-state/ledger-transfers.ts'
import {
  expectDeathsNoticed,
  expectWokenInAnyCase,
  IF_A_DEATH_IS_MISSED,
} from '../worlds/05-shared-state/lock-deaths.ts'
import {
  expectMarkLeftAlone,
  expectNotTwice,
  expectOwnerOnly,
  expectPatience,
  IF_THE_LOCK_FAILS,
  IF_WITH_LOCK_FAILS,
} from '../worlds/05-shared-state/lock-owners.ts'

const CHAPTER = '05-shared-state'

const scenario = (name: string) => new URL(`./threads/05-${name}.ts`, import.meta.url)

step('05.1', 'no update is lost, in any order of turns', async (stage) => {
  const { explore } = stage
  await explore('two threads that count once each to reach 2', scenario('increment'), {
    because: 'Two visitors must count as two, in whatever order their threads take turns.',
    likely:
      'A load and a store are two turns, and another thread may take its own in between. Atomics.add is one turn.',
    ifSeen: [
      {
        seen: /numbers 0 and 1/,
        likely: 'add() returns the old value. The new value is one more.',
      },
      { seen: /number undefined/, likely: 'increment() returned nothing: return the new value.' },
      {
        seen: /in circles[\s\S]*\? yes/,
        likely:
          'compareExchange() returned the old value, so it has changed the word, and yet the loop went on. Return at that point.',
      },
      {
        seen: /both visitors are number/,
        likely:
          'Between the turn that counts and a later load, another thread may have counted, too. What add() returns is all you need.',
      },
      {
        seen: /\? no/,
        likely:
          'compareExchange() changes nothing when another thread was faster: look and try again.',
      },
    ],
  })
  await explore('two threads that count twice each to reach 4', scenario('increment-twice'), {
    because: 'A thread that tries again may be overtaken again, any number of times.',
    likely:
      'A second try can be overtaken like the first one. Try until compareExchange() has changed the word, or let add() do it in one turn.',
  })
  await expectWordCounted(stage)
  await expectCountedAmongOthers(stage)
})

step('05.2', 'the lock lets one in at a time, and nobody sleeps forever', async (stage) => {
  const { explore } = stage
  const reason = {
    because:
      'A lock that fails in only one order of turns still fails one day: it lets two threads in, or leaves one asleep. Here is such an order.',
    likely:
      'Change the state in the same turn in which you look at it (compareExchange), and take the lock only when it was FREE.',
    ifSeen: IF_THE_LOCK_FAILS,
  }
  await explore('two threads to have the lock one at a time', scenario('mutex'), reason)
  await explore('three threads to have the lock one at a time', scenario('mutex-of-three'), reason)
  await expectOwnerOnly(stage)
  await expectPatience(stage)
})

step('05.3', 'withLock() frees the lock, however its body ends', async (stage) => {
  await stage.explore('the lock to be free after a body that throws', scenario('with-lock'), {
    because: 'An exception is one way to leave a function. That way must free the lock, too.',
    likely: 'finally runs either way.',
    ifSeen: IF_WITH_LOCK_FAILS,
  })
  await expectNotTwice(stage)
  await expectMarkLeftAlone(stage)
})

step('05.4', 'transfers in opposite directions do not get stuck', async (stage) => {
  const { explore } = stage
  await explore('two opposite transfers to be made', scenario('transfer'), {
    because:
      'Two opposite transfers each need two locks. Both are made and counted, and neither waits for the other forever.',
    likely:
      'Each thread has one lock and wants the other’s. If all take the locks in the same order, that cannot happen.',
    ifSeen: [
      {
        seen: /thread (\d) sleeps on (\w\.lock)[\s\S]*wait \2 = -\1: sleeps(?![\s\S]*wait \2 =)/,
        likely:
          'A thread sleeps on a lock that it already has. Lock each of the two accounts once; in between, read without locking: this.#read().',
      },
      {
        seen: /counts|money was made|A has/,
        likely:
          'Change each account only under its own lock: otherwise one of two changes is lost. Both accounts count the transfer.',
      },
      {
        seen: /moved their money/,
        likely:
          'Return true once the money is moved: withLock() returns what its body returns, so pass it on.',
      },
      {
        seen: /was refused(?![\s\S]*load \w\.balance)/,
        likely:
          'transfer() refused and never looked at a balance: refuse when `from` has less than `amount`.',
      },
      {
        seen: /was refused/,
        likely: 'There is enough in `from`. Check its balance, not the other account’s.',
      },
      { seen: /still taken/, likely: GIVEN_BACK },
      { seen: /does not have the lock/, likely: GIVEN_TWICE },
      { seen: /^(?!.*thread 1 sleeps.*thread 2 sleeps).*nobody can move/, likely: GIVEN_BACK },
    ],
  })
  await explore('nobody to see half a transfer', scenario('audit'), {
    because:
      'Halfway through a transfer, the money is in neither account, and the number of transfers is still the old one. No other thread may look then.',
    likely:
      'Take both locks before the first change, and give them back after the last, whether of a balance or of a count. Taking one after the other is not holding both.',
  })
  await explore('one of two transfers of 7 out of 10 to be refused', scenario('overdraw'), {
    because: 'No balance may go below 0, however many threads take from the account at once.',
    likely:
      'Check the balance right before the change, while you have both locks. If you check it earlier, or under a lock that you then give back, it may have changed.',
    ifSeen: [
      { seen: /still taken|nobody can move/, likely: GIVEN_BACK },
      { seen: /does not have the lock/, likely: GIVEN_TWICE },
      {
        seen: /, 0 were made|not 3 and 7/,
        likely: 'Take the amount from `from`, and add it to `to`.',
      },
    ],
  })
  await explore('a transfer to the same account to be refused', scenario('transfer-to-oneself'), {
    because: 'An account has one lock: a thread that takes it twice waits for itself.',
    likely: 'Return false if both accounts are the same, before you take any lock.',
  })
  await expectBalancesKept(stage)
  await explore('B not to pay both 7 to A and 7 to C out of 10', scenario('overdraw-two-ways'), {
    because: 'No balance may go below 0, even when the account pays two others at once.',
    likely:
      'Both threads take from B. Check its balance while you have the lock of `from` itself, even when that is the higher one.',
    ifSeen: [
      { seen: /still taken|nobody can move/, likely: GIVEN_BACK },
      { seen: /does not have the lock/, likely: GIVEN_TWICE },
    ],
  })
  await expectLocksOfItsOwn(stage)
  await expectNothingLost(stage)
  await expectBothLocksOnly(stage)
})

step('05.5', 'visitors are numbered without gaps, and entries are whole', async (stage) => {
  const { explore } = stage
  await explore('two guests who sign at once to get an entry each', scenario('sign'), {
    because: 'An entry is many words. No other thread may write between the first and the last.',
    likely: 'Number, text and count belong under one lock: put #withBook() around all three.',
    look: 'sign()',
    ifSeen: [
      { seen: /numbers 0 and 1/, likely: 'Numbers begin at 1: the new count is the number.' },
      {
        seen: /nobody can move/,
        likely:
          'The lock is not given back, or is taken twice. #withBook() takes it once, and frees it.',
      },
    ],
  })
  await explore('a reader to see the whole entry or none', scenario('read'), {
    because: 'There are 256 places: the 257th entry is written over the first one.',
    likely: 'read() takes the lock, too, and keeps it until it has the whole text.',
    look: 'guest-book.read()',
    ifSeen: [
      {
        seen: /^(?![\s\S]*⇒ -?2\?)[\s\S]*returned/,
        likely: 'read() has taken no lock, and needs the same one as sign().',
      },
      {
        seen: /entry 257 got number/,
        likely: 'Only the place wraps around, and #writeText() finds it. The number keeps growing.',
        look: 'guest-book.sign()',
      },
      {
        seen: /returned "bbbbb"/,
        likely:
          'Entry 1 is gone once there are 257: numbers up to the count minus 256 are overwritten. Load the count under the same lock as the text.',
      },
    ],
  })

  await explore('a reader of entry 2 to see it whole or not at all', scenario('read-second'), {
    because: 'Entry 258 overwrites entry 2, just as entry 257 overwrites entry 1.',
    likely: 'read() keeps the lock until it has the whole text, whichever entry it is.',
    look: 'guest-book.read()',
  })

  await explore(
    'a reader of the newest entry to see it whole or not at all',
    scenario('read-newest'),
    {
      because: 'An entry is there once it is counted, and from then on it is whole.',
      likely: 'sign() stores the count after the text, and keeps the lock from first to last.',
      look: ['guest-book.sign()', 'guest-book.read()'],
      ifSeen: [
        {
          seen: /returned "aaaaa"(?![\s\S]*load count → 257)/,
          likely:
            'read(257) runs while the count is 256: that entry is not there yet, and its place still holds entry 1.',
          look: 'guest-book.read()',
        },
      ],
    },
  )
  await expectCountLast(stage)
  await expectLongTextsCut(stage)
  await expectOldestGivesWay(stage)
  await expectCrowdNumbered(stage)
})

step('05.6', 'a thread that dies leaves no lock behind', async (stage) => {
  const { explore, serve, connect, story } = stage
  const reason = {
    because:
      'When a client resets, its thread is ended wherever it is, even between lock() and unlock(). The other threads must go on.',
    likely:
      'Free the lock if the dead thread had it: the lock’s word is then that thread’s number, or -number.',
    look: 'mutex.threadEnded()',
    ifSeen: IF_A_DEATH_IS_MISSED,
  }
  await explore(
    'one of two threads to get in when the other one dies',
    scenario('owner-dies'),
    reason,
  )
  await explore(
    'two of three threads to get in when the third one dies',
    scenario('owner-dies-of-three'),
    reason,
  )
  await expectDeathsNoticed(stage)

  const because =
    'Entry 257 takes the place of entry 1. If its writer dies halfway, entry 1 is half overwritten, and nobody may read it.'
  await explore('the book to stay whole when its writer dies', scenario('signer-dies'), {
    because,
    likely:
      'The place of an entry that was begun and not counted is torn. Mark that place, and no other.',
    ifSeen: [
      ...IF_A_MARK_IS_MISSED,
      {
        seen: /read\(1\) returned ""[\s\S]*store length of 1 = 0/,
        likely: 'Store TORN in place of the length: 0 is the length of an empty text.',
        look: 'guest-book.#repair()',
      },
      {
        seen: /entry 257 was written, and reads ""/,
        likely: 'Mark a place as torn only if begun and count differ: this entry was counted.',
      },
      {
        seen: /entry 257 was written[\s\S]*store count = 257[\s\S]*dies/,
        likely: 'Store the count after the text in sign(): a thread may die between the two.',
        look: 'sign()',
      },
      {
        seen: /entry 257 was written/,
        likely: 'A repair marks the place as torn. It does not count what was never finished.',
      },
    ],
  })
  story.tell(
    'a writer',
    'has died halfway through entry 257: begun is 257, the count is 256, and the lock is free and abandoned',
  )
  await explore('a repair that is cut short to be repeated', scenario('repairer-dies'), {
    because,
    likely:
      'The repair can be cut short as well. The next owner repairs again, and must still find what was begun.',
    ifSeen: IF_A_MARK_IS_MISSED,
  })
  await expectRepairsRepeated(stage)
  await expectWokenInAnyCase(stage)

  const server = await serve(CHAPTER)
  for (let round = 1; round <= ROUNDS; round++) {
    const crowd = await Promise.all(
      ['dee', 'eve', 'fay', 'gus'].map(() => connect(server, `guest ${round}`)),
    )
    for (const guest of crowd) {
      guest.beQuiet('signs two thousand times and resets in the middle')
      await guest.send('sign I was here\n'.repeat(2_000))
    }
    for (const guest of crowd) {
      await guest.expectLine(/^entry/, { because: 'Each guest is served.' })
      guest.reset()
    }
  }
  const hal = await connect(server, 'hal')
  await ask(hal, 'sign hal', /^entry \d+$/, {
    because: `${4 * ROUNDS} clients have signed and reset, and some of their threads had the lock.`,
    likely: 'A thread that is gone still has the lock. What does threadEnded() do about that?',
  })
})

const GIVEN_BACK =
  'Some way out of transfer() does not give a lock back, perhaps the one that refuses. withLock() gives it back on every way out.'

const GIVEN_TWICE =
  'A lock was given back twice. withLock() gives back what it took, once, on every way out. By hand, each lock() needs one unlock().'

/** Rounds of four clients each: in nearly every round at least one of them dies with the lock. */
const ROUNDS = 3
