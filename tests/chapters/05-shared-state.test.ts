import type { Client } from '../harness/client.ts'
import { step } from '../judge/step.ts'
import { ask } from '../protocols/lines.ts'

const CHAPTER = '05-shared-state'

const scenario = (name: string) => new URL(`./threads/05-${name}.ts`, import.meta.url)

step('05.1', 'no update is lost, in any order of turns', async ({ explore }) => {
  await explore('two threads that count to have counted two', scenario('increment'), {
    because: 'Two visitors are two visitors, whoever comes between whose load and store.',
    likely:
      'Load, add one, store: three turns, and between two of them another thread may have its own. Atomics.add is one turn.',
  })
})

step('05.2', 'the lock lets one in at a time, and nobody sleeps for ever', async (stage) => {
  const { explore, load, expect } = stage
  const reason = {
    because:
      'A lock that lets two in, or leaves one asleep, does so on a bad day. Here is that day.',
    likely:
      'Change the state in the same turn in which you look at it (compareExchange); free the lock before you notify; wait only for the state you saw.',
  }
  await explore('two threads under the lock to be alone', scenario('mutex'), reason)
  await explore('three threads under the lock to be alone', scenario('mutex-of-three'), reason)

  const { Mutex } = await load(() => import('#code/05-shared-state/mutex.ts'))
  const { AtomicWords } = await load(() => import('#code/05-shared-state/shared-words.ts'))
  const words = new AtomicWords(new SharedArrayBuffer(8))
  const [ada, bob] = [new Mutex(words, 0, 1), new Mutex(words, 0, 2)]
  ada.lock()
  expect(
    'unlock() by a thread that does not have the lock to throw',
    throws(() => bob.unlock()),
    {
      because:
        'bob’s bug would let two threads in, some time later and somewhere else. It should be seen at once.',
      likely: 'Remember who has the lock, in its second word.',
    },
  )
  expect('the lock to be still ada’s', words.load(0) !== 0, {
    because: 'An unlock() that throws has not unlocked.',
    likely: 'Look at the owner before anything is changed.',
  })
  ada.unlock()
  expect(
    'a second unlock() to throw as well',
    throws(() => ada.unlock()),
    {
      because: 'Whoever has unlocked does not have the lock any more.',
      likely: 'Forget the owner when the lock is freed.',
    },
  )
})

step('05.3', 'withLock() frees the lock, however its body ends', async ({ explore }) => {
  await explore('the lock to be free after a body that throws', scenario('with-lock'), {
    because: 'An exception is one way to leave a function. The lock must not stay behind.',
    likely: 'finally runs either way.',
  })
})

step('05.4', 'transfers in opposite directions do not get stuck', async (stage) => {
  const { explore, load, expectSame } = stage
  await explore('two opposite transfers to be made', scenario('transfer'), {
    because: 'A transfer takes two locks. Two transfers must not wait for each other.',
    likely:
      'Each thread has one lock and wants the other’s. If all take them in one order, that cannot happen.',
  })
  await explore('nobody to see half a transfer', scenario('audit'), {
    because: 'Between the one account and the other, money is nowhere. Nobody may look then.',
    likely:
      'Take both locks before the first change, and give them back after the last. One after the other is not both.',
  })
  await explore('a transfer to oneself to be refused', scenario('transfer-to-oneself'), {
    because: 'An account has one lock; whoever takes it twice waits for himself.',
    likely: 'Look whether the accounts are the same before any lock is taken.',
  })

  const { Ledger } = await load(() => import('#code/05-shared-state/ledger.ts'))
  const { AtomicWords } = await load(() => import('#code/05-shared-state/shared-words.ts'))
  const words = new AtomicWords(new SharedArrayBuffer(1024))
  const ledger = new Ledger(words, 0, 1)
  words.store(2, 10)
  expectSame('a transfer of 4 out of 10', ledger.transfer(0, 1, 4), true, {
    because: 'There is enough.',
  })
  expectSame('a transfer of 7 out of 6', ledger.transfer(0, 1, 7), false, {
    because: 'There is not enough, and nobody may have less than nothing.',
  })
  expectSame(
    'the two accounts',
    [ledger.read(0), ledger.read(1)],
    [
      { balance: 6, transfers: 1 },
      { balance: 4, transfers: 1 },
    ],
    {
      because: 'What was refused has changed nothing, and what was made is counted on both sides.',
    },
  )
  expectSame('a transfer of 6 out of 6', ledger.transfer(0, 1, 6), true, {
    because: 'There is enough: nothing is left then, and nothing is not less than nothing.',
    likely: 'Refuse when the balance is less than the amount, not when it is as much.',
  })
})

step('05.5', 'visitors are numbered without gaps, and entries are whole', async (stage) => {
  const { serve, connect, explore, load, expectSame } = stage
  await explore('two guests who sign at once to get an entry each', scenario('sign'), {
    because: 'An entry is many words. Nobody may write between the first and the last of them.',
    likely: 'Number, text and count belong under one lock.',
  })
  await explore('a reader to see the whole entry or none', scenario('read'), {
    because: 'There are 256 places: the 257th entry is written over the first one.',
    likely:
      'read() takes the lock, too, and keeps it until it has the whole text. Entry 1 is gone once there are 257: numbers up to the count less 256 have given way.',
  })

  const { GuestBook } = await load(() => import('#code/05-shared-state/guest-book.ts'))
  const { AtomicWords } = await load(() => import('#code/05-shared-state/shared-words.ts'))
  const book = new GuestBook(new AtomicWords(new SharedArrayBuffer(32 * 1024)), 0, 1)
  expectSame('entry 0 of an empty book', book.read(0) ?? 'none', 'none', {
    because: 'Numbers begin at 1.',
  })
  for (let number = 1; number <= 257; number++) book.sign(`guest ${number}`)
  expectSame(
    'entries 1, 2, 257 and 258 of 257',
    [1, 2, 257, 258].map((number) => book.read(number) ?? 'none'),
    ['none', 'guest 2', 'guest 257', 'none'],
    {
      because: 'The newest entry has taken the place of the oldest; the other 255 are still there.',
      likely:
        'Numbers above the count are not there yet; those up to the count less 256 have given way.',
    },
  )

  const server = await serve(CHAPTER)
  const guests: Client[] = []
  for (let guest = 0; guest < 6; guest++) {
    const client = await connect(server)
    client.beQuiet('visits 20 times and signs 10 times')
    guests.push(client)
  }
  const visits = await Promise.all(
    guests.map((guest) => askTimes(guest, 20, 'visit', /^visitor (\d+)$/)),
  )
  expectSame('the visitors’ numbers', inOrder(visits.flat()), upTo(120), {
    because: 'A hundred and twenty visitors from six threads: each number once.',
  })
  const entries = await Promise.all(
    guests.map((guest, index) =>
      askTimes(guest, 10, `sign ${'abcdef'[index].repeat(40)}`, /^entry (\d+)$/),
    ),
  )
  expectSame('the entries’ numbers', inOrder(entries.flat()), upTo(60), {
    because: 'Sixty entries: each number once.',
  })
  for (const [index, numbers] of entries.entries()) {
    const reader = guests[(index + 1) % guests.length]
    for (const number of numbers) {
      await ask(reader, `read ${number}`, 'abcdef'[index].repeat(40), {
        because: 'What one thread has signed, another one reads, to the letter.',
      })
    }
  }
  await ask(guests[0], 'read 61', 'error no such entry', { because: 'There are sixty.' })
})

async function askTimes(
  client: Client,
  times: number,
  line: string,
  answer: RegExp,
): Promise<number[]> {
  const numbers: number[] = []
  for (let time = 0; time < times; time++) {
    const text = await ask(client, line, answer, { because: 'Every thread answers by itself.' })
    numbers.push(Number(answer.exec(text)?.[1]))
  }
  return numbers
}

function inOrder(numbers: number[]): number[] {
  return numbers.toSorted((a, b) => a - b)
}

function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1)
}

function throws(act: () => void): boolean {
  try {
    act()
    return false
  } catch {
    return true
  }
}
