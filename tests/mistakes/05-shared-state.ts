import type { Mistake } from './mistake.ts'

const counter = 'counter.ts'
const mutex = 'mutex.ts'
const ledger = 'ledger.ts'
const book = 'guest-book.ts'

const LOCK = `    const before = this.#words.compareExchange(this.#state, FREE, TAKEN)
    if (before !== FREE) this.#lockContended()`

const FREE_AND_WAKE = `    this.#words.store(this.#state, FREE)
    this.#words.notify(this.#state, 1)`

export const mistakes: Mistake[] = [
  {
    name: 'load-then-store',
    step: '05.1',
    says: ['an update was lost', 'load visitors → 0', 'Atomics.add is one turn'],
    edits: [
      {
        file: counter,
        replace: 'return words.add(index, 1) + 1',
        by: 'const value = words.load(index) + 1\n  words.store(index, value)\n  return value',
      },
    ],
  },
  {
    name: 'adds-and-then-looks',
    step: '05.1',
    says: ['both visitors are number 2'],
    edits: [
      {
        file: counter,
        replace: 'return words.add(index, 1) + 1',
        by: 'words.add(index, 1)\n  return words.load(index)',
      },
    ],
  },
  {
    name: 'answers-the-old-value',
    step: '05.1',
    says: ['the numbers 0 and 1'],
    edits: [
      {
        file: counter,
        replace: 'return words.add(index, 1) + 1',
        by: 'return words.add(index, 1)',
      },
    ],
  },
  {
    name: 'tries-only-once',
    step: '05.1',
    says: ['an update was lost'],
    edits: [
      {
        file: counter,
        replace: 'return words.add(index, 1) + 1',
        by: 'const value = words.load(index)\n  words.compareExchange(index, value, value + 1)\n  return value + 1',
      },
    ],
  },
  {
    name: 'looks-and-then-takes',
    step: '05.2',
    says: ['goes wrong', 'in the same turn in which you look'],
    edits: [
      {
        file: mutex,
        replace: LOCK,
        by: `    while (this.#words.load(this.#state) !== FREE) this.#words.wait(this.#state, TAKEN)
    this.#words.store(this.#state, TAKEN)
    void this.#lockContended`,
      },
    ],
  },
  {
    name: 'spins',
    step: '05.2',
    says: ['goes round in circles'],
    edits: [
      {
        file: mutex,
        replace: LOCK,
        by: '    while (this.#words.compareExchange(this.#state, FREE, TAKEN) !== FREE) {}\n    void this.#lockContended',
      },
    ],
  },
  {
    name: 'notifies-before-it-frees',
    step: '05.2',
    says: ['sleeps on state', 'nobody is left to wake it', 'free the lock before you notify'],
    edits: [
      {
        file: mutex,
        replace: FREE_AND_WAKE,
        by: '    this.#words.notify(this.#state, 1)\n    this.#words.store(this.#state, FREE)',
      },
    ],
  },
  {
    name: 'never-notifies',
    step: '05.2',
    says: ['sleeps on state', 'nobody is left to wake'],
    edits: [
      { file: mutex, replace: FREE_AND_WAKE, by: '    this.#words.store(this.#state, FREE)' },
    ],
  },
  {
    name: 'forgets-who-sleeps',
    step: '05.2',
    says: ['nobody is left to wake'],
    edits: [
      {
        file: mutex,
        replace: 'while (this.#words.compareExchange(this.#state, FREE, CONTENDED) !== FREE) {',
        by: 'while (this.#words.compareExchange(this.#state, FREE, TAKEN) !== FREE) {',
      },
    ],
  },
  {
    name: 'anybody-may-unlock',
    step: '05.2',
    says: ['does not have the lock to throw', 'Remember who has the lock'],
    edits: [
      {
        file: mutex,
        replace: 'if (this.#words.load(this.#owner) !== this.#me) {',
        by: 'if (this.#me === 0) {',
      },
    ],
  },
  {
    name: 'clears-the-owner-after-it-frees',
    step: '05.2',
    says: ['unlock() by a thread that does not have the lock', 'store owner = 0'],
    edits: [
      {
        file: mutex,
        replace: `    this.#words.store(this.#owner, 0)
    if (this.#words.add(this.#state, -1) === TAKEN) return
`,
        by: '    const before = this.#words.add(this.#state, -1)\n    this.#words.store(this.#owner, 0)\n    if (before === TAKEN) return\n',
      },
    ],
  },
  {
    name: 'never-clears-the-owner',
    step: '05.2',
    says: ['a second unlock() to throw', 'Forget the owner'],
    edits: [{ file: mutex, replace: '    this.#words.store(this.#owner, 0)\n', by: '' }],
  },
  {
    name: 'looks-and-then-frees',
    step: '05.2',
    says: ['nobody is left to wake it'],
    edits: [
      {
        file: mutex,
        replace: `    if (this.#words.add(this.#state, -1) === TAKEN) return
`,
        by: '    const before = this.#words.load(this.#state)\n    if (before === TAKEN) return this.#words.store(this.#state, FREE)\n',
      },
    ],
  },
  {
    name: 'no-finally',
    step: '05.3',
    says: ['nobody is left to wake', 'finally runs either way'],
    edits: [
      {
        file: mutex,
        replace: '    try {\n      return body()\n    } finally {\n      this.unlock()\n    }',
        by: '    const result = body()\n    this.unlock()\n    return result',
      },
    ],
  },
  {
    name: 'swallows-the-exception',
    step: '05.3',
    says: ['did not pass that on'],
    edits: [
      {
        file: mutex,
        replace: '      return body()\n    } finally {',
        by: '      return body()\n    } catch {\n      return undefined as T\n    } finally {',
      },
    ],
  },
  {
    name: 'locks-inside-the-try',
    step: '05.3',
    says: ['05.3'],
    edits: [
      {
        file: mutex,
        replace: '    try {\n      return body()\n    } finally {\n      this.unlock()\n    }',
        by: '    try {\n      this.unlock()\n      return body()\n    } finally {\n      this.lock()\n      this.unlock()\n    }',
      },
    ],
  },
  {
    name: 'locks-in-the-order-of-its-arguments',
    step: '05.4',
    says: [
      'thread 1 sleeps on B.state, thread 2 sleeps on A.state',
      'If all take them in one order',
    ],
    edits: [
      {
        file: ledger,
        replace: 'const [lower, higher] = from < to ? [from, to] : [to, from]',
        by: 'const [lower, higher] = [from, to]',
      },
    ],
  },
  {
    name: 'one-lock-is-enough',
    step: '05.4',
    says: ['05.4'],
    edits: [
      { file: ledger, replace: 'this.#lockOf(higher).withLock(() => {', by: '(() => {' },
      {
        file: ledger,
        replace: '        return true\n      }),',
        by: '        return true\n      })(),',
      },
      {
        file: ledger,
        replace: 'const [lower, higher] = from < to ? [from, to] : [to, from]',
        by: 'const lower = from',
      },
    ],
  },
  {
    name: 'looks-at-the-balance-before-it-locks',
    step: '05.4',
    says: ['not enough'],
    edits: [
      { file: ledger, replace: 'if (this.#read(from, BALANCE) < amount) return false', by: '' },
    ],
  },
  {
    name: 'takes-one-lock-after-the-other',
    step: '05.4',
    says: ['finds 19 in both', 'One after the other is not both'],
    edits: [
      {
        file: ledger,
        replace: `    return this.#lockOf(lower).withLock(() =>
      this.#lockOf(higher).withLock(() => {
        if (this.#read(from, BALANCE) < amount) return false
        this.#change(from, BALANCE, -amount)
        this.#change(to, BALANCE, amount)
        this.#change(from, TRANSFERS, 1)
        this.#change(to, TRANSFERS, 1)
        return true
      }),
    )`,
        by: `    void [lower, higher]
    const isPaid = this.#lockOf(from).withLock(() => {
      if (this.#read(from, BALANCE) < amount) return false
      this.#change(from, BALANCE, -amount)
      this.#change(from, TRANSFERS, 1)
      return true
    })
    if (!isPaid) return false
    return this.#lockOf(to).withLock(() => {
      this.#change(to, BALANCE, amount)
      this.#change(to, TRANSFERS, 1)
      return true
    })`,
      },
    ],
  },
  {
    name: 'locks-the-lower-one-only',
    step: '05.4',
    says: ['half a transfer', 'Take both locks'],
    edits: [
      { file: ledger, replace: 'this.#lockOf(higher).withLock(() => {', by: '(() => {' },
      {
        file: ledger,
        replace: '        return true\n      }),',
        by: '        return true\n      })(),',
      },
      { file: ledger, replace: 'const [lower, higher]', by: 'const [lower]' },
    ],
  },
  {
    name: 'takes-the-same-lock-twice',
    step: '05.4',
    says: ['thread 1 sleeps on A.state', 'whoever takes it twice waits for himself'],
    edits: [{ file: ledger, replace: '    if (from === to) return false\n', by: '' }],
  },
  {
    name: 'keeps-the-last-coin',
    step: '05.4',
    says: ['a transfer of 6 out of 6', 'not when it is as much'],
    edits: [{ file: ledger, replace: '(from, BALANCE) < amount', by: '(from, BALANCE) <= amount' }],
  },
  {
    name: 'numbers-outside-the-lock',
    step: '05.5',
    says: ['one lock'],
    edits: [
      {
        file: book,
        replace: `    return this.#mutex.withLock(() => {
      const number = this.#words.load(this.#count) + 1
      this.#writeText(number, text)`,
        by: `    const number = this.#words.load(this.#count) + 1
    return this.#mutex.withLock(() => {
      this.#writeText(number, text)`,
      },
    ],
  },
  {
    name: 'writes-without-the-lock',
    step: '05.5',
    says: ['one lock'],
    edits: [
      {
        file: book,
        replace: `    return this.#mutex.withLock(() => {
      const number = this.#words.load(this.#count) + 1
      this.#writeText(number, text)
      this.#words.store(this.#count, number)
      return number
    })`,
        by: `    const number = this.#words.load(this.#count) + 1
    this.#writeText(number, text)
    this.#words.store(this.#count, number)
    return number`,
      },
    ],
  },
  {
    name: 'reads-without-the-lock',
    step: '05.5',
    says: ['read(1) answered', 'read() takes the lock, too'],
    edits: [
      {
        file: book,
        replace: `      const count = this.#words.load(this.#count)
      const isThere = number > 0 && number <= count && number > count - MAX_ENTRIES
      return isThere ? this.#readText(number) : undefined
    })`,
        by: `      const count = this.#words.load(this.#count)
      return number > 0 && number <= count && number > count - MAX_ENTRIES
    })
      ? this.#readText(number)
      : undefined`,
      },
    ],
  },
  {
    name: 'reads-what-has-given-way',
    step: '05.5',
    says: ['read(1) answered "bbbbb"', 'have given way'],
    edits: [{ file: book, replace: ' && number > count - MAX_ENTRIES', by: '' }],
  },
  {
    name: 'reads-entry-0',
    step: '05.5',
    says: ['entry 0 of an empty book', 'Numbers begin at 1'],
    edits: [{ file: book, replace: 'number > 0 && number <= count', by: 'number <= count' }],
  },
  {
    name: 'every-thread-has-its-own-book',
    step: '05.5',
    says: ['05.5'],
    edits: [
      {
        file: 'connection.ts',
        replace: 'new AtomicWords(workerData.memory)',
        by: 'new AtomicWords(new SharedArrayBuffer(workerData.memory.byteLength))',
      },
    ],
  },
]
