/** Words of chapter 05 that are counted up, beside others, and while other threads count, too. */

import type { Stage } from '../../judge/step.ts'

/** So often another thread is faster. */
const TIMES = 100

/** One word is counted up, and its neighbours stay as they are. */
export async function expectWordCounted({ load, expectSame }: Stage): Promise<void> {
  const { increment } = await load(() => import('#code/05-shared-state/counter.ts'))
  const { AtomicWords } = await load(() => import('#code/05-shared-state/shared-words.ts'))
  const words = new AtomicWords(new SharedArrayBuffer(16))
  words.store(2, 41)
  const counted = increment(words, 2)
  const all = [0, 1, 2, 3].map((index) => words.load(index))
  expectSame(
    'word 2, counted up from 41, and its neighbours',
    [counted, all],
    [42, [0, 0, 42, 0]],
    {
      because: 'increment() counts up the word that it is given, and no other.',
      likely: 'Change the word at `index`, whatever that index is.',
    },
  )
  words.store(1, 2_000_000_000)
  expectSame('word 1, counted up from 2,000,000,000', increment(words, 1), 2_000_000_001, {
    because: 'Every caller gets a different number, and 2,000,000,001 fits into the word.',
    likely: 'Return the new value as it is: cut off nothing.',
  })
}

/** Whoever is overtaken a hundred times counts all the same. */
export async function expectCountedAmongOthers({ load, expectSame, story }: Stage): Promise<void> {
  const { increment } = await load(() => import('#code/05-shared-state/counter.ts'))
  const { AtomicWords } = await load(() => import('#code/05-shared-state/shared-words.ts'))
  let others = 0
  class BusyWords extends AtomicWords {
    override store(index: number, value: number): void {
      this.#overtake(index)
      super.store(index, value)
    }

    override compareExchange(index: number, expected: number, replacement: number): number {
      this.#overtake(index)
      return super.compareExchange(index, expected, replacement)
    }

    #overtake(index: number): void {
      if (others === TIMES) return
      others += 1
      super.add(index, 1)
    }
  }
  const words = new BusyWords(new SharedArrayBuffer(4))
  story.tell(
    'others',
    `overtake this thread ${TIMES} times, whenever it is about to change the word`,
  )
  const number = increment(words, 0)
  expectSame(
    'the number returned, and the word',
    [number, words.load(0)],
    [others + 1, others + 1],
    {
      because: 'A thread may be overtaken any number of times, and every visitor counts.',
      likely:
        'Try again until compareExchange() has changed the word, not only a few times. Or let add() do it in one turn.',
    },
  )
}
