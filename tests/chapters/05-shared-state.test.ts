import type { Client } from '../harness/client.ts'
import { step } from '../judge/step.ts'
import { ask } from '../protocols/lines.ts'

const CHAPTER = '05-shared-state'

const scenario = (name: string) => new URL(`./threads/05-${name}.ts`, import.meta.url)

step('05.1', 'no update is lost, in any order of turns', async (stage) => {
  const { explore, load, expectSame } = stage
  await explore('two threads that count to have counted two', scenario('increment'), {
    because: 'Two visitors are two visitors, in whatever order their threads take turns.',
    likely:
      'Load, add one, store: three turns, and between two of them another thread may have its own. Atomics.add is one turn.',
    ifSeen: [
      {
        seen: /numbers 0 and 1/,
        likely: 'add() returns what was there before. The new value is one more.',
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
      because: 'increment() counts the word that it is given, and no other.',
      likely: 'The word is words[index], whatever its index is.',
    },
  )
})

step('05.2', 'the lock lets one in at a time, and nobody sleeps forever', async (stage) => {
  const { explore, load, expect, story } = stage
  const reason = {
    because:
      'A lock that lets two in, or leaves one asleep, does so on a bad day. Here is that day.',
    likely:
      'Change the state in the same turn in which you look at it (compareExchange), and take the lock only when it was FREE.',
    ifSeen: IF_THE_LOCK_FAILS,
  }
  await explore('two threads under the lock to be alone', scenario('mutex'), reason)
  await explore('three threads under the lock to be alone', scenario('mutex-of-three'), reason)

  const { Mutex } = await load(() => import('#code/05-shared-state/mutex.ts'))
  const { AtomicWords } = await load(() => import('#code/05-shared-state/shared-words.ts'))
  const words = new AtomicWords(new SharedArrayBuffer(8))
  const [ada, bob] = [new Mutex(words, 0, 1), new Mutex(words, 0, 2)]
  ada.lock()
  expect('the lock’s word to name ada, who is thread 1', Math.abs(words.load(0)) === 1, {
    because:
      'unlock() asks it who has the lock. A second word, written later, would be wrong for a moment.',
    likely: 'Taken, the word is the owner’s number, or −number when others may be asleep.',
    received: String(words.load(0)),
  })
  expect(
    'unlock() by a thread that does not have the lock to throw',
    throws(() => bob.unlock()),
    {
      because:
        'bob’s bug would let two threads in, some time later and somewhere else. It should be seen at once.',
      likely: 'The lock’s word says who has it. Look before anything is changed.',
      look: 'unlock()',
    },
  )
  expect('the lock to be still ada’s', Math.abs(words.load(0)) === 1, {
    because: 'An unlock() that throws has not unlocked.',
    likely: 'Look at the owner before anything is changed.',
    look: 'unlock()',
  })
  words.store(0, -1)
  story.tell('ada', 'still has the lock, and others may be asleep: its word is -1')
  const didThrow = throws(() => bob.unlock())
  expect('unlock() by bob to throw as before', didThrow && words.load(0) === -1, {
    because: 'The lock is ada’s, whether somebody sleeps or not.',
    likely: 'A negative word names its owner, too: only -me is yours.',
    received: `${didThrow ? 'an exception' : 'no exception'}, and the word is ${words.load(0)}`,
    look: 'unlock()',
  })
  ada.unlock()
  expect(
    'a second unlock() to throw as well',
    throws(() => ada.unlock()),
    {
      because: 'A thread that has unlocked does not have the lock any more.',
      likely: 'A free lock is nobody’s: its word is 0, neither me nor -me.',
      look: 'unlock()',
    },
  )
})

step('05.3', 'withLock() frees the lock, however its body ends', async ({ explore }) => {
  await explore('the lock to be free after a body that throws', scenario('with-lock'), {
    because: 'An exception is one way to leave a function. The lock must not stay behind.',
    likely: 'finally runs either way.',
    ifSeen: [
      {
        seen: /did not pass that on/,
        likely:
          'A catch that does not throw swallows the exception. finally passes it on by itself.',
      },
      { seen: /answered/, likely: 'withLock() returns what body() returns.' },
      { seen: /were not alone/, likely: 'body() runs between lock() and unlock().' },
      {
        seen: /does not have the lock/,
        likely:
          'Each lock() has one unlock(): finally runs it also when catch has done so already.',
      },
    ],
  })
})

step('05.4', 'transfers in opposite directions do not get stuck', async (stage) => {
  const { explore, load, expectSame } = stage
  await explore('two opposite transfers to be made', scenario('transfer'), {
    because:
      'Two opposite transfers, each under two locks: both are made and counted, and neither waits for the other forever.',
    likely:
      'Each thread has one lock and wants the other’s. If all take them in one order, that cannot happen.',
    ifSeen: [
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
      { seen: /^(?!.*thread 1 sleeps.*thread 2 sleeps).*nobody can move/, likely: GIVEN_BACK },
    ],
  })
  await explore('nobody to see half a transfer', scenario('audit'), {
    because: 'Between the one account and the other, money is nowhere. Nobody may look then.',
    likely:
      'Take both locks before the first change, and give them back after the last. One after the other is not both.',
  })
  await explore('two transfers of 7 out of 10 not to be made both', scenario('overdraw'), {
    because: 'No account may have less than nothing, however many threads take from it at once.',
    likely:
      'Compare the balance right before the change, with the locks in hand. Looked at before, or under a lock that was given back, it may have changed.',
    ifSeen: [
      { seen: /still taken|nobody can move/, likely: GIVEN_BACK },
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

  const { Ledger } = await load(() => import('#code/05-shared-state/ledger.ts'))
  const { AtomicWords } = await load(() => import('#code/05-shared-state/shared-words.ts'))
  const words = new AtomicWords(new SharedArrayBuffer(1024))
  const ledger = new Ledger(words, 0, 1)
  words.store(2, 10)
  expectSame('a transfer of 4 out of 10', ledger.transfer(0, 1, 4), true, {
    because: 'There is enough.',
  })
  expectSame('a transfer of 7 out of 6', ledger.transfer(0, 1, 7), false, {
    because: 'There is not enough, and no account may have less than nothing.',
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
    likely: 'Number, text and count belong under one lock: #withBook() around all of it.',
    look: 'sign()',
    ifSeen: [
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
    },
  )

  const { GuestBook } = await load(() => import('#code/05-shared-state/guest-book.ts'))
  const { AtomicWords } = await load(() => import('#code/05-shared-state/shared-words.ts'))
  const book = new GuestBook(new AtomicWords(new SharedArrayBuffer(32 * 1024)), 0, 1)
  expectSame('entry 0 of an empty book', book.read(0) ?? 'none', 'none', {
    because: 'Numbers begin at 1.',
    likely: 'An entry is there only if its number is above 0.',
    look: 'guest-book.read()',
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
      look: 'guest-book.read()',
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
    likely: 'All threads count in the memory that workerData brings them.',
    look: 'counter.increment()',
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
  for (const number of ['61', '0', '-1', '1.5', '']) {
    await ask(guests[0], `read ${number}`, 'error no such entry', {
      because: 'There are sixty, with whole numbers from 1.',
    })
  }
})

step('05.6', 'a thread that dies leaves no lock behind', async (stage) => {
  const { explore, load, expect, expectSame, serve, connect, story } = stage
  const reason = {
    because:
      'A client that resets has its thread ended, wherever it is: also between lock() and unlock(). The others must go on.',
    likely:
      'Free the lock if the dead thread had it: its word is that thread’s number, or -number.',
    look: 'mutex.threadEnded()',
    ifSeen: [
      {
        seen: /found a change half made/,
        likely: 'Mark the lock as abandoned, then free it: the next owner must find the mark.',
      },
      {
        seen: /another one had it|does not have the lock/,
        likely: 'Free the lock only if the dead thread had it: its number, or -number.',
      },
      {
        seen: /nobody can move[\s\S]*(store lock = 0|lock: -?\d ⇒ 0\? yes)[\s\S]*dies(?![\s\S]*notify)/,
        likely:
          'Wake a sleeper at every death: the dead thread may have owed that, or have just been woken itself.',
      },
    ],
  }
  await explore(
    'one of two threads to get in when the other one dies',
    scenario('owner-dies'),
    reason,
  )
  await explore('two of three threads to get in', scenario('owner-dies-of-three'), reason)

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

  const because =
    'Entry 257 takes the place of entry 1. If its writer dies over it, entry 1 is half overwritten, and nobody may read that.'
  await explore('a book whose writer dies to be whole', scenario('signer-dies'), {
    because,
    likely:
      'An entry that was begun and not counted has torn its place. Mark that place, and only that.',
    ifSeen: [
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
  })

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

/** What a lock does wrong shows in its turns. */
const IF_THE_LOCK_FAILS = [
  {
    seen: /goes round in circles/,
    likely: 'Sleep in wait() until the word changes, and try again only then.',
    look: 'lock()',
  },
  {
    seen: /nobody can move[\s\S]*notify[\s\S]*store lock = 0(?![\s\S]*notify)/,
    likely: 'Free the lock, then notify: a thread woken too early finds it taken and sleeps again.',
    look: 'unlock()',
  },
  {
    seen: /nobody can move[\s\S]*⇒ 0\? no, -[\s\S]*store lock = 0(?![\s\S]*notify)/,
    likely: 'A negative word says that somebody may sleep: free the lock, then notify one.',
    look: 'unlock()',
  },
  {
    seen: /nobody can move/,
    likely:
      'The last owner saw nothing of the sleeper, so it woke nobody. Make the word negative before you wait, and take the lock as -me afterwards: others may still sleep. Look and change in one turn.',
    look: ['lock()', 'unlock()'],
  },
  {
    seen: /does not have the lock[\s\S]*store lock = 0\nnotify lock[^\n]*\nlock: -?\d ⇒ 0\? no, 0$/,
    likely:
      'It has just freed the lock, and frees it again: one way for me, another for -me, and never both.',
    look: 'unlock()',
  },
  {
    seen: /does not have the lock[\s\S]*load lock → (\d)[\s\S]*lock: \1 ⇒ 0\? no, -\1/,
    likely:
      'Between a look and the change the word may become -me, when another thread is about to sleep: the lock is still yours. Act on what compareExchange() returns.',
    look: 'unlock()',
  },
  {
    seen: /does not have the lock/,
    likely:
      'Two threads have had the lock at once. Take it only when it was FREE, and look and change in one turn (compareExchange).',
    look: 'lock()',
  },
]

/** Rounds of four clients each: in nearly every round at least one of them dies with the lock. */
const ROUNDS = 3

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
