/** Threads of chapter 05 that die with a lock, and without it. */

import type { Stage } from '../../judge/step.ts'
import { sleeplessWords } from './sleepless-words.ts'

const [LOCK, ABANDONED, COUNT, BEGUN] = [0, 1, 2, 3]

/** What threadEnded() does wrong shows in the turns that the main thread takes for the dead. */
export const IF_A_DEATH_IS_MISSED = [
  {
    seen: /main: lock: 0 ⇒ 0\? no/,
    likely:
      'unlock() frees the lock only for the thread that has it, and here the main thread calls it, which is 0. Store FREE in the lock’s word yourself.',
  },
  {
    seen: /found a change half made/,
    likely:
      'Mark the lock as abandoned, whether its word was positive or negative, and then free it: the next owner must find the mark.',
  },
  {
    seen: /another one had it|does not have the lock/,
    likely:
      'Free the lock only if the dead thread had it: its word is then that thread’s number, or -number.',
  },
  {
    seen: /nobody can move[\s\S]*main: load lock → (\d)[\s\S]*main: load lock → -\1(?![\s\S]*main: store)/,
    likely:
      'Between your two loads, a waiting thread may have made the number negative, so neither load matched. Load the word once, and compare its Math.abs().',
  },
  {
    seen: /nobody can move[\s\S]*main: (?:load lock → |lock: -\d ⇒ 0\? no, )(\d)\n[\s\S]*main: lock: \1 ⇒ 0\? no, -\1(?![\s\S]*main: (?:store lock = 0|lock: -?\d ⇒ 0\? yes))/,
    likely:
      'Between your look and your compareExchange() a waiting thread made the word negative, so nothing was freed. Only you can free a dead thread’s lock: store FREE.',
  },
  {
    seen: /nobody can move[\s\S]*main: notify (?!lock)/,
    likely: 'No thread sleeps on that word: the others sleep on the lock’s own word.',
  },
  {
    seen: /nobody can move[\s\S]*main: notify lock[\s\S]*main: store lock = 0/,
    likely: 'Free the lock, then notify: a thread woken too early finds it taken and sleeps again.',
  },
  {
    seen: /nobody can move[\s\S]*main: (?:store lock = 0|lock: -?\d ⇒ 0\? yes)(?![\s\S]*main: notify)/,
    likely:
      'The lock is free, but a sleeper was not woken: it may have fallen asleep after you looked at the word. Notify in any case.',
  },
  {
    seen: /nobody can move[\s\S]*(store lock = 0|lock: -?\d ⇒ 0\? yes)[\s\S]*dies(?![\s\S]*notify)/,
    likely:
      'Wake a sleeper at every death: the dead thread may have owed a wake-up, or may just have been woken itself.',
  },
]

/** Only its owner's death abandons a lock; the next owner repairs what may be torn, and nothing else. */
export async function expectDeathsNoticed(stage: Stage): Promise<void> {
  const { load, expect, expectSame, story } = stage
  const { Mutex } = await load(() => import('#code/05-shared-state/mutex.ts'))
  const { AtomicWords } = await load(() => import('#code/05-shared-state/shared-words.ts'))
  const { GuestBook } = await load(() => import('#code/05-shared-state/guest-book.ts'))
  const memory = new SharedArrayBuffer(32 * 1024)
  const words = new AtomicWords(memory)
  const [main, ada, bob, dee, eve] = [0, 1, 3, 4, 5].map((thread) => new Mutex(words, 0, thread))
  ada.lock()
  story.tell('ada', 'has the lock')
  story.tell('cyd', 'dies without the lock')
  main.threadEnded(2)
  expect('the lock still to be ada’s', Math.abs(words.load(0)) === 1, {
    because: 'cyd did not have the lock, so that death is no reason to let another thread in.',
    likely: 'Check whose lock it is before you free it.',
    look: 'mutex.threadEnded()',
  })
  expect('the lock not to be abandoned', !ada.isAbandoned, {
    because: 'ada still has the lock, and cyd has changed nothing that it protects.',
    likely: 'Only the death of the owner abandons a lock.',
    look: 'mutex.threadEnded()',
  })
  story.tell('ada', 'dies with the lock')
  main.threadEnded(1)
  expectFree(stage, words)
  bob.lock()
  expect('bob to find the lock abandoned', bob.isAbandoned, {
    because: 'ada has died with the lock. bob must not trust what he finds.',
    likely: 'Mark the lock as abandoned before you free it.',
    look: 'mutex.threadEnded()',
  })
  bob.unlock()
  story.tell('bob', 'unlocks, and has repaired nothing')
  expect('the lock still to be abandoned', bob.isAbandoned, {
    because: 'What ada left half changed is still so, and the next owner must find the mark.',
    likely:
      'Only markConsistent() takes the mark away, after a repair: neither lock() nor unlock().',
    look: ['mutex.unlock()', 'mutex.lock()'],
  })

  let isAsked = false
  class AskedWords extends AtomicWords {
    override load(index: number): number {
      isAsked ||= index === ABANDONED
      return super.load(index)
    }
  }
  const book = new GuestBook(new AskedWords(memory), 0, 3)
  book.sign('bob was here')
  expect('the repaired book to be consistent', !bob.isAbandoned, {
    because: 'What has been repaired need not be repaired again.',
    likely: isAsked
      ? 'The repair ends with markConsistent(), even when no place is torn.'
      : 'sign() did not ask whether the lock is abandoned, so #repair() was not called: go through #withBook().',
    look: isAsked ? 'guest-book.#repair()' : 'guest-book.sign()',
  })

  dee.lock()
  words.store(BEGUN, 2)
  story.tell('dee', 'begins entry 2, and dies with the lock')
  main.threadEnded(4)
  expectFree(stage, words)
  const repaired = valuesOrRangeError(() => [book.read(1), book.read(2), words.load(COUNT)])
  expectSame('entries 1 and 2, and the count', repaired, ['bob was here', undefined, 1], {
    because: 'A book that is not full is repaired like a full one: entry 2 is not there.',
    likely:
      repaired[2] === 1 || repaired.length === 1
        ? 'Entry 1 is whole: the torn place is that of the number in `begun`, #wordOf(begun).'
        : 'A repair marks the place as torn. It does not count what was never finished.',
    look: 'guest-book.#repair()',
  })
  const signed = [book.sign('fay was here'), book.read(2)]
  expectSame('the number of the next entry, and its text', signed, [2, 'fay was here'], {
    because: 'Entry 2 was begun and never counted, so 2 is the next number: there are no gaps.',
    likely: 'The next number is the count plus 1. What was only begun is not an entry yet.',
    look: 'guest-book.sign()',
  })

  for (let number = 3; number <= 256; number++) book.sign(`guest ${number}`)
  eve.lock()
  story.tell('eve', 'dies with the lock of a full book, and has written nothing')
  main.threadEnded(5)
  expectFree(stage, words)
  expectSame('entry 1', book.read(1), 'bob was here', {
    because: 'No thread has begun to write in its place.',
    likely: 'A place is torn only if an entry was begun there and not counted.',
  })
}

/** Whoever dies and whoever has the lock: somebody who should have been woken may sleep. */
export async function expectWokenInAnyCase(stage: Stage): Promise<void> {
  const { load, expect, story } = stage
  const { Mutex } = await load(() => import('#code/05-shared-state/mutex.ts'))
  const SleeplessWords = await sleeplessWords(stage)
  story.tell('ada', 'unlocks, which wakes bob; cyd still sleeps')
  story.tell('ada', 'is faster than bob and has the lock again')
  story.tell('bob', 'is thread 2, and dies before his next turn')
  for (const word of [1, -1, 0]) {
    const words = new SleeplessWords(new SharedArrayBuffer(8))
    words.store(LOCK, word)
    new Mutex(words, 0, 0).threadEnded(2)
    const times = words.timesNotified(LOCK)
    expect(`threadEnded(2) to notify the lock while its word is ${word}`, times > 0, {
      because:
        word > 0
          ? 'bob was woken and cannot wake the next one. Nor will ada: her word is positive, so her unlock() wakes nobody. cyd would sleep forever.'
          : 'bob was woken, and cannot wake the next one any more: cyd may sleep forever.',
      likely:
        'Notify at every death, whoever has the lock now and whether its word is positive or not.',
      look: 'mutex.threadEnded()',
    })
  }
}

/** What comes of it, or that it left the memory. */
function valuesOrRangeError(act: () => unknown[]): unknown[] {
  try {
    return act().map((value) => value ?? undefined)
  } catch (error) {
    if (error instanceof RangeError) return [String(error)]
    throw error
  }
}

/** A thread of this test cannot take the lock and be woken: it would sleep forever. */
export function expectFree({ expect }: Stage, words: { load(index: number): number }): void {
  expect('the lock to be free', words.load(LOCK) === 0, {
    because: 'Its owner has died, and the others must go on, each time that this happens.',
    likely:
      'Free the lock if the dead thread had it: the lock’s word is then that thread’s number, or -number.',
    look: 'mutex.threadEnded()',
    received: `${words.load(LOCK)} in its word`,
  })
}
