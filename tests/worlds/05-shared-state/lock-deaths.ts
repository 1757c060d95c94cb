/** Threads of chapter 05 that die with a lock, and without it. */

import type { Stage } from '../../judge/step.ts'

const [COUNT, BEGUN] = [2, 3]

/** What threadEnded() does wrong shows in the turns that the main thread takes for the dead. */
export const IF_A_DEATH_IS_MISSED = [
  {
    seen: /found a change half made/,
    likely: 'Mark the lock as abandoned, then free it: the next owner must find the mark.',
  },
  {
    seen: /another one had it|does not have the lock/,
    likely: 'Free the lock only if the dead thread had it: its number, or -number.',
  },
  {
    seen: /nobody can move[\s\S]*main: notify (?!lock)/,
    likely: 'Nobody sleeps on that word: the others sleep on the lock’s own.',
  },
  {
    seen: /nobody can move[\s\S]*main: notify lock[\s\S]*main: store lock = 0/,
    likely: 'Free the lock, then notify: a thread woken too early finds it taken and sleeps again.',
  },
  {
    seen: /nobody can move[\s\S]*(store lock = 0|lock: -?\d ⇒ 0\? yes)[\s\S]*dies(?![\s\S]*notify)/,
    likely:
      'Wake a sleeper at every death: the dead thread may have owed that, or have just been woken itself.',
  },
]

/** Only its owner's death abandons a lock; the next owner repairs what may be torn, and nothing else. */
export async function expectDeathsNoticed(stage: Stage): Promise<void> {
  const { load, expect, expectSame, story } = stage
  const { Mutex } = await load(() => import('#code/05-shared-state/mutex.ts'))
  const { AtomicWords } = await load(() => import('#code/05-shared-state/shared-words.ts'))
  const { GuestBook } = await load(() => import('#code/05-shared-state/guest-book.ts'))
  const words = new AtomicWords(new SharedArrayBuffer(32 * 1024))
  const [main, ada, bob] = [0, 1, 3].map((thread) => new Mutex(words, 0, thread))
  ada.lock()
  story.tell('ada', 'has the lock')
  story.tell('cyd', 'dies without it')
  main.threadEnded(2)
  expect('the lock to be still ada’s', Math.abs(words.load(0)) === 1, {
    because: 'cyd did not have it: that death is no reason to let somebody else in.',
    likely: 'Look whose lock it is before you free it.',
    look: 'mutex.threadEnded()',
  })
  expect('it not to be abandoned', !ada.isAbandoned, {
    because: 'What the lock protects is as ada keeps it; cyd has changed nothing.',
    likely: 'Only the death of the owner abandons a lock.',
    look: 'mutex.threadEnded()',
  })
  story.tell('ada', 'dies with it')
  main.threadEnded(1)
  bob.lock()
  expect('bob to find it abandoned', bob.isAbandoned, {
    because: 'ada has died with the lock. bob must not trust what he finds.',
    likely: 'Mark the lock as abandoned before you free it.',
    look: 'mutex.threadEnded()',
  })
  bob.unlock()

  const book = new GuestBook(words, 0, 3)
  book.sign('bob was here')
  expect('a book that has been repaired to be consistent', !bob.isAbandoned, {
    because: 'What has been repaired need not be repaired again.',
    likely: 'The repair ends with markConsistent().',
  })

  for (let number = 2; number <= 256; number++) book.sign(`guest ${number}`)
  ada.lock()
  story.tell('ada', 'dies with the lock of a full book, and has written nothing')
  main.threadEnded(1)
  expectSame('entry 1', book.read(1) ?? 'none', 'bob was here', {
    because: 'Nobody has begun to write in its place.',
    likely: 'A place is torn only if an entry was begun there and not counted.',
  })
}

/** A book is repaired as often as an owner dies, and its numbers have no gap. */
export async function expectRepairsRepeated(stage: Stage): Promise<void> {
  const { load, expectSame, story } = stage
  const { Mutex } = await load(() => import('#code/05-shared-state/mutex.ts'))
  const { AtomicWords } = await load(() => import('#code/05-shared-state/shared-words.ts'))
  const { GuestBook } = await load(() => import('#code/05-shared-state/guest-book.ts'))
  const words = new AtomicWords(new SharedArrayBuffer(32 * 1024))
  const [main, ada] = [0, 1].map((thread) => new Mutex(words, 0, thread))
  const book = new GuestBook(words, 0, 3)
  for (let number = 1; number <= 256; number++) book.sign(`guest ${number}`)
  story.tell('ada', 'begins entry 257 in the place of entry 1, and dies with the lock')
  words.store(BEGUN, 257)
  ada.lock()
  main.threadEnded(1)
  expectSame('entry 1', book.read(1) ?? 'none', 'none', {
    because: 'It was about to be overwritten.',
    likely: 'begun is 257 and the count is 256: the place of entry 257 is torn.',
    look: 'guest-book.#repair()',
  })
  story.tell('ada', 'dies with the lock once more, and has written nothing')
  ada.lock()
  main.threadEnded(1)
  const numbers = Array.from({ length: 255 }, (_, index) => index + 2)
  const lost = numbers.filter((number) => book.read(number) !== `guest ${number}`)
  expectSame('the entries that this second repair has torn', lost, [], {
    because:
      'A book that was repaired is repaired again when the next owner dies. That must harm no entry.',
    likely: `begun is ${words.load(BEGUN)} and the count is ${words.load(COUNT)} after the first repair: the next one takes begun for the number of an entry that was begun.`,
    look: 'guest-book.#repair()',
  })
  const signed = [book.sign('cyd was here'), book.sign('dee was here')]
  expectSame('the numbers of the next two entries', signed, [257, 258], {
    because:
      'Entry 257 was begun and never counted, so its number is the next one: there are no gaps.',
    likely: 'The next number is the count and one more. What was begun is not an entry yet.',
    look: 'guest-book.sign()',
  })
  expectSame('entry 257', book.read(257) ?? 'none', 'cyd was here', {
    because: 'A torn place is whole again when somebody has written over all of it.',
  })
}
