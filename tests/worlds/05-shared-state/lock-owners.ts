/** Whose a lock of chapter 05 is, and what its turns tell when it fails. */

import type { Stage } from '../../judge/step.ts'
import { attempt, sleeplessWords } from './sleepless-words.ts'

/** What a lock does wrong shows in its turns. */
export const IF_THE_LOCK_FAILS = [
  {
    seen: /goes round in circles[\s\S]*no, (\d)\nlock: (?!\1)(\d) ⇒ -\2\? no, \1\n/,
    likely:
      'The lock has another owner now, and this thread still expects the old one. In each round, use the number that this round’s compareExchange() returned.',
    look: 'lock()',
  },
  {
    seen: /goes round in circles[\s\S]*no, (\d)\nwait lock ≠ -\1: go on/,
    likely:
      'While this thread slept, the lock got another owner, so its word is positive again. Make it negative each time before you wait, not only the first time.',
    look: 'lock()',
  },
  {
    seen: /goes round in circles[\s\S]*wait \w+ ≠/,
    likely:
      'wait() returned at once each time: it names a different word from the one you just looked at, or a value that the word does not hold.',
    look: 'lock()',
  },
  {
    seen: /goes round in circles/,
    likely: 'Sleep in wait() until the word changes, and try again only then.',
    look: 'lock()',
  },
  {
    seen: /nobody can move[\s\S]*wait lock = 0: sleeps/,
    likely:
      'A thread fell asleep while the lock was free, so nobody will wake it. Look and change in one turn: compareExchange() finds who has the lock. Then sleep on -owner, never on FREE.',
    look: 'lock()',
  },
  {
    seen: /nobody can move[\s\S]*notify[\s\S]*store lock = 0(?![\s\S]*notify)/,
    likely: 'Free the lock, then notify: a thread woken too early finds it taken and sleeps again.',
    look: 'unlock()',
  },
  {
    seen: /nobody can move[\s\S]*(?:notify (?!lock)\w+|wakes nobody)/,
    likely:
      'notify() woke nobody, although a thread sleeps. Pass it the word that the thread sleeps on, and how many to wake.',
    look: 'unlock()',
  },
  {
    seen: /nobody can move[\s\S]*⇒ 0\? no, -[\s\S]*store lock = 0(?![\s\S]*notify)/,
    likely: 'A negative word says that others may be asleep: free the lock, then notify one.',
    look: 'unlock()',
  },
  {
    seen: /nobody can move[\s\S]*load lock → (\d)\n(?:(?!store lock)[\s\S])*lock: \1 ⇒ -\1\? yes\n(?:(?!notify|store lock|load lock|⇒ 0)[\s\S])*store lock = 0(?![\s\S]*notify)/,
    likely:
      'Between `load lock` and `store lock = 0` the word became negative, so there was a sleeper to wake. In unlock(), look and change in one turn: compareExchange().',
    look: 'unlock()',
  },
  {
    seen: /nobody can move/,
    likely:
      'The last owner did not know of the sleeper, so it woke nobody. Make the word negative before you wait, and take the lock as -me afterwards: others may still sleep. Look and change in one turn.',
    look: ['lock()', 'unlock()'],
  },
  {
    seen: /does not have the lock[\s\S]*store lock = 0\nnotify lock[^\n]*\nlock: -?\d ⇒ 0\? no, 0$/,
    likely:
      'This thread has just freed the lock, and frees it again. Free it one way for me and another way for -me, never both.',
    look: 'unlock()',
  },
  {
    seen: /does not have the lock[\s\S]*load lock → (\d)[\s\S]*lock: \1 ⇒ 0\? no, -\1/,
    likely:
      'Between your look and the change, another thread that is about to sleep may make the word -me. The lock is still yours: act on what compareExchange() returns.',
    look: 'unlock()',
  },
  {
    seen: /does not have the lock[\s\S]*lock: ([1-9]) ⇒ -(?!\1)\d\? yes/,
    likely:
      'A waiting thread has written its own number into a lock that another thread has. A thread that is about to sleep changes only the sign: -owner.',
    look: 'lock()',
  },
  {
    seen: /does not have the lock[\s\S]*wakes thread \d\nload count/,
    likely:
      'A thread was woken and went on without the lock. After wait(), go round again: the lock is yours only when compareExchange() has found it FREE.',
    look: 'lock()',
  },
  {
    seen: /does not have the lock/,
    likely:
      'Two threads have had the lock at once. Take it only when it was FREE, and look and change in one turn (compareExchange).',
    look: 'lock()',
  },
]

/** What withLock() does wrong shows in what comes out of it, and in its last turns. */
export const IF_WITH_LOCK_FAILS = [
  {
    seen: /lock is -2, not 0[\s\S]*load lock → -2$/,
    likely:
      'The lock is also yours when its word is -me. unlock() looks at the word itself, so call it without asking.',
  },
  {
    seen: /did not pass that on/,
    likely:
      'A catch that does not throw swallows the exception, and so does a return in finally, or an if that takes 0 for no exception. finally passes it on by itself.',
  },
  {
    seen: /answered/,
    likely: 'withLock() returns what body() returns, even when that is 0 or false.',
  },
  { seen: /were not alone/, likely: 'body() runs between lock() and unlock().' },
  {
    seen: /does not have the lock/,
    likely: 'Each lock() has one unlock(): finally runs it even when catch has already done so.',
  },
  {
    seen: /thread 1 threw/,
    likely:
      'What came out is not what the body threw. finally passes that on unchanged, whatever it is, unless it throws itself: a second unlock() does.',
  },
  {
    seen: /nobody can move[\s\S]*store lock = 0(?![\s\S]*notify)/,
    likely: 'Leave with unlock(): it frees the lock, and also wakes a thread that sleeps.',
  },
]

/** A thread that does not have the lock cannot unlock it, whatever its word says of sleepers. */
export async function expectOwnerOnly(stage: Stage): Promise<void> {
  const { load, expect, story } = stage
  const { Mutex } = await load(() => import('#code/05-shared-state/mutex.ts'))
  const SleeplessWords = await sleeplessWords(stage)
  const words = new SleeplessWords(new SharedArrayBuffer(8))
  const [ada, bob] = [new Mutex(words, 0, 1), new Mutex(words, 0, 2)]
  ada.lock()
  expect('the lock’s word to name ada, who is thread 1', Math.abs(words.load(0)) === 1, {
    because:
      'unlock() asks this word who has the lock. A second word, written later, would be wrong for a moment.',
    likely:
      'While the lock is taken, its word is the owner’s number, or −number when others may be asleep.',
    received: String(words.load(0)),
  })
  story.tell('ada', 'has the lock, and asks for it once more')
  expect(
    'lock() not to return to a thread that has the lock already',
    throws(() => ada.lock()),
    {
      because: NOT_TWICE,
      likely: 'lock() returns when the word was FREE, and only then, whichever thread calls it.',
      look: 'lock()',
    },
  )
  words.store(0, -1)
  story.tell(
    'ada',
    'has the lock while others may be asleep (the word is -1), and asks for it once more',
  )
  expect(
    'lock() not to return to the owner of a contended lock either',
    throws(() => ada.lock()),
    {
      because: NOT_TWICE,
      likely:
        'lock() returns when the word was FREE, and only then. -me is a lock that is taken, too.',
      look: 'lock()',
    },
  )
  words.store(0, 1)
  story.tell('bob', 'is thread 2, and calls unlock(); the word is 1')
  expect(
    'unlock() by a thread that does not have the lock to throw',
    throws(() => bob.unlock()),
    {
      because:
        'bob’s bug would let two threads in, some time later and somewhere else. It should be seen at once.',
      likely:
        'The lock’s word says who has it: only me or -me may pass. Look before anything is changed.',
      look: 'unlock()',
    },
  )
  expect('the lock still to be ada’s', Math.abs(words.load(0)) === 1, {
    because: 'An unlock() that throws has not unlocked.',
    likely: 'Look at the owner before anything is changed.',
    look: 'unlock()',
  })
  expect('bob’s unlock() to wake nobody', words.timesNotified(0) === 0, {
    because: 'The lock is still ada’s: a thread that wakes now finds it taken.',
    likely: 'Throw before you notify.',
    look: 'unlock()',
  })
  words.store(0, -1)
  story.tell('ada', 'still has the lock, and others may be asleep: its word is -1')
  const didThrow = throws(() => bob.unlock())
  expect('unlock() by bob to throw as before', didThrow && words.load(0) === -1, {
    because: 'The lock is ada’s, whether others sleep or not.',
    likely: 'A negative word names its owner, too: only -me is yours.',
    received: `${didThrow ? 'an exception' : 'no exception'}, and the word is ${words.load(0)}`,
    look: 'unlock()',
  })
  story.tell('ada', 'unlocks with a second Mutex object on the same words')
  const didUnlock = !throws(() => new Mutex(words, 0, 1).unlock())
  expect('ada to have unlocked', didUnlock && words.load(0) === 0, {
    because: 'ada’s thread has the lock, whichever Mutex object she has called.',
    likely:
      'Only the lock’s word says who has it. A field of the object knows nothing of another object’s lock().',
    received: `${didUnlock ? 'no exception' : 'an exception'}, and the word is ${words.load(0)}`,
    look: 'unlock()',
  })
  expect('the unlock() to wake one of those that sleep', words.mostWoken(0) <= 1, {
    because:
      'Only one of them can have the lock. Of a hundred that wake, 99 find it taken and sleep again.',
    likely: 'notify() without a count wakes all. Wake one: notify(word, 1).',
    look: 'unlock()',
    received: wokenAtOnce(words.mostWoken(0)),
  })
  expect(
    'a second unlock() to throw as well',
    throws(() => ada.unlock()),
    {
      because: 'A thread that has unlocked does not have the lock any more.',
      likely: 'A free lock is nobody’s: its word is 0, neither me nor -me.',
      look: 'unlock()',
    },
  )
}

const NOT_TWICE =
  'The first of her two unlock() calls would let another thread in, while ada believes that she is alone.'

/** How many a notify wakes at once, in words. */
function wokenAtOnce(count: number): string {
  return Number.isFinite(count) ? `up to ${count} at once` : 'all at once'
}

/** Whether an owner has died says only the main thread, and that all is whole again, only a repair. */
export async function expectMarkLeftAlone({ load, expectSame, story }: Stage): Promise<void> {
  const { Mutex } = await load(() => import('#code/05-shared-state/mutex.ts'))
  const { AtomicWords } = await load(() => import('#code/05-shared-state/shared-words.ts'))
  for (const { body, act, isAbandoned, because, likely } of BODIES) {
    const words = new AtomicWords(new SharedArrayBuffer(8))
    words.store(ABANDONED, isAbandoned ? 1 : 0)
    const ada = new Mutex(words, 0, 1)
    story.tell('ada', `calls withLock() with a body that ${body}`)
    throws(() => ada.withLock(act))
    expectSame('isAbandoned afterwards', ada.isAbandoned, isAbandoned, {
      because,
      likely,
      look: ['withLock()', 'unlock()'],
    })
  }
}

const ABANDONED = 1

const BODIES = [
  {
    body: 'throws',
    act: () => {
      throw new Error('no')
    },
    isAbandoned: false,
    because: 'Abandoned means that an owner has died. ada lives, and only her body has failed.',
    likely: 'Pass on what the body throws, and leave the second word of the lock alone.',
  },
  {
    body: 'returns, and repairs nothing; the owner before her has died',
    act: () => 0,
    isAbandoned: true,
    because:
      'What the dead owner left half changed is still so, and the next owner must find that.',
    likely:
      'Neither withLock() nor unlock() takes the mark away. Only the body can know that it has repaired something: it calls markConsistent().',
  },
]

/** A body under the lock cannot have the same lock once more. */
export async function expectNotTwice(stage: Stage): Promise<void> {
  const { load, expect, story } = stage
  const { Mutex } = await load(() => import('#code/05-shared-state/mutex.ts'))
  const SleeplessWords = await sleeplessWords(stage)
  for (const word of [1, -1]) {
    const words = new SleeplessWords(new SharedArrayBuffer(8))
    const ada = new Mutex(words, 0, 1)
    let isAlone = true
    story.tell('ada', `calls withLock() in the body of withLock(); the word is ${word}`)
    const nest = () =>
      ada.withLock(() => {
        words.store(0, word)
        return ada.withLock(() => {
          isAlone = false
        })
      })
    throws(() => attempt(words, nest))
    expect('the inner body not to run', isAlone, {
      because:
        'withLock() takes the lock, and a lock that is taken lets nobody in, not even its owner.',
      likely: 'Call lock() each time, whoever has the lock.',
      look: 'withLock()',
    })
  }
}

/** So often somebody else is faster. */
const TIMES = 100

/** A thread that is woken finds that a newcomer has the lock, again and again, until it has it. */
export async function expectPatience({ load, expect, story }: Stage): Promise<void> {
  const { Mutex } = await load(() => import('#code/05-shared-state/mutex.ts'))
  const { AtomicWords } = await load(() => import('#code/05-shared-state/shared-words.ts'))
  let sleeps = 0
  class CrowdedWords extends AtomicWords {
    override wait(index: number, expected: number): 'ok' | 'not-equal' {
      if (this.load(index) !== expected) return 'not-equal'
      sleeps += 1
      this.store(index, sleeps < TIMES ? 2 : 0)
      return 'ok'
    }
  }
  const words = new CrowdedWords(new SharedArrayBuffer(8))
  words.store(0, 2)
  story.tell(
    'ada',
    `wants the lock, and is woken ${TIMES} times; each time but the last, bob has it again`,
  )
  const isStopped = throws(() => new Mutex(words, 0, 1).lock())
  expect('ada to have the lock in the end', !isStopped && Math.abs(words.load(0)) === 1, {
    because:
      'A newcomer may overtake a thread that was woken. lock() returns only once it has the lock.',
    likely: 'Try again, and sleep again, however often that happens: lock() does not give up.',
    look: 'lock()',
    received: `${isStopped ? 'an exception' : `${words.load(0)} in its word`}, after ${sleeps} sleeps`,
  })
}

function throws(act: () => void): boolean {
  try {
    act()
    return false
  } catch {
    return true
  }
}
