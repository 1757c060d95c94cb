import type { Mistake } from './mistake.ts'

const counter = 'counter.ts'
const mutex = 'mutex.ts'
const ledger = 'ledger.ts'
const book = 'guest-book.ts'

const FREE_AND_WAKE = `    this.#words.store(this.#lock, FREE)
    this.#words.notify(this.#lock, 1)
  }

  /**
   * Runs`

const LAST_NOTIFY = `    }
    this.#words.notify(this.#lock, 1)
`

const UNLOCK = `    const before = this.#words.compareExchange(this.#lock, this.#me, FREE)
    if (before === this.#me) return
    if (before !== -this.#me) throw`

export const mistakes: Mistake[] = [
  {
    name: 'returns-nothing',
    step: '05.1',
    says: ['return the new value'],
    edits: [
      {
        file: counter,
        replace: 'return words.add(index, 1) + 1',
        by: 'words.add(index, 1)',
      },
    ],
  },
  {
    name: 'tries-again-when-it-has-changed',
    step: '05.1',
    says: ['and yet the loop went on'],
    edits: [
      {
        file: counter,
        replace: 'return words.add(index, 1) + 1',
        by: `for (;;) {
    const old = words.load(index)
    if (words.compareExchange(index, old, old + 1) !== old) return old + 1
  }`,
      },
    ],
  },
  {
    name: 'sleeps-on-another-word',
    step: '05.2',
    says: ['it names a different word'],
    edits: [
      {
        file: mutex,
        replace: 'this.#words.wait(this.#lock,',
        by: 'this.#words.wait(this.#abandoned,',
      },
    ],
  },
  {
    name: 'notifies-another-word',
    step: '05.2',
    says: ['Pass it the word that the thread sleeps on'],
    edits: [
      {
        file: mutex,
        replace: FREE_AND_WAKE,
        by: FREE_AND_WAKE.replace('notify(this.#lock', 'notify(this.#abandoned'),
      },
    ],
  },
  {
    name: 'wakes-none',
    step: '05.2',
    says: ['how many to wake'],
    edits: [{ file: mutex, replace: FREE_AND_WAKE, by: FREE_AND_WAKE.replace('1)', '0)') }],
  },
  {
    name: 'who-waits-takes-the-name-away',
    step: '05.2',
    says: ['changes only the sign'],
    edits: [
      {
        file: mutex,
        replace: 'this.#words.compareExchange(this.#lock, owner, -owner)',
        by: 'this.#words.compareExchange(this.#lock, owner, -this.#me)',
      },
    ],
  },
  {
    name: 'a-death-notifies-another-word',
    step: '05.6',
    says: ['the others sleep on the lock’s own'],
    edits: [
      {
        file: mutex,
        replace: LAST_NOTIFY,
        by: LAST_NOTIFY.replace('#lock', '#abandoned'),
      },
    ],
  },
  {
    name: 'a-death-notifies-too-early',
    step: '05.6',
    says: ['Free the lock, then notify'],
    edits: [
      {
        file: mutex,
        replace: `      this.#words.store(this.#lock, FREE)
${LAST_NOTIFY}`,
        by: `      this.#words.notify(this.#lock, 1)
      this.#words.store(this.#lock, FREE)
    } else this.#words.notify(this.#lock, 1)
`,
      },
    ],
  },
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
    says: ['both visitors are number 2', 'What add() returns is all you need'],
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
    says: ['the numbers 0 and 1', 'The new value is one more'],
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
    says: ['an update was lost', 'look and try again'],
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
    says: ['goes wrong', 'in one turn'],
    edits: [
      {
        file: mutex,
        hole: 'lock',
        by: `while (this.#words.load(this.#lock) !== FREE) this.#words.wait(this.#lock, this.#words.load(this.#lock))
    this.#words.store(this.#lock, -this.#me)`,
      },
    ],
  },
  {
    name: 'spins',
    step: '05.2',
    says: ['goes round in circles', 'Sleep in wait()'],
    edits: [
      {
        file: mutex,
        hole: 'lock',
        by: 'while (this.#words.compareExchange(this.#lock, FREE, this.#me) !== FREE) {}',
      },
    ],
  },
  {
    name: 'notifies-before-it-frees',
    step: '05.2',
    says: ['sleeps on lock', 'nobody is left to wake', 'Free the lock, then notify'],
    edits: [
      {
        file: mutex,
        replace: FREE_AND_WAKE,
        by: `    this.#words.notify(this.#lock, 1)
    this.#words.store(this.#lock, FREE)
  }

  /**
   * Runs`,
      },
    ],
  },
  {
    name: 'never-notifies',
    step: '05.2',
    says: ['sleeps on lock', 'nobody is left to wake', 'then notify one'],
    edits: [
      {
        file: mutex,
        replace: FREE_AND_WAKE,
        by: '    this.#words.store(this.#lock, FREE)\n  }\n\n  /**\n   * Runs',
      },
    ],
  },
  {
    name: 'forgets-who-sleeps',
    step: '05.2',
    says: ['nobody is left to wake', 'take the lock as -me afterwards'],
    edits: [
      {
        file: mutex,
        replace: 'const owner = this.#words.compareExchange(this.#lock, FREE, -this.#me)',
        by: 'const owner = this.#words.compareExchange(this.#lock, FREE, this.#me)',
      },
    ],
  },
  {
    name: 'sleeps-on-what-it-saw',
    step: '05.2',
    says: ['nobody is left to wake', 'Make the word negative before you wait'],
    edits: [
      {
        file: mutex,
        replace:
          '      if (owner > 0 && this.#words.compareExchange(this.#lock, owner, -owner) !== owner) continue\n      this.#words.wait(this.#lock, -Math.abs(owner))',
        by: '      this.#words.wait(this.#lock, owner)',
      },
    ],
  },
  {
    name: 'takes-the-contended-lock-for-free',
    step: '05.2',
    says: ['does not have the lock', 'only when it was FREE'],
    edits: [
      {
        file: mutex,
        replace: 'if (owner === FREE) return\n',
        by: 'if (owner <= FREE) return\n',
      },
    ],
  },
  {
    name: 'anybody-may-unlock',
    step: '05.2',
    says: ['does not have the lock to throw', 'Look before anything is changed'],
    edits: [
      {
        file: mutex,
        replace: UNLOCK,
        by: `    const owner = this.#words.load(this.#lock)
    const before = this.#words.compareExchange(this.#lock, Math.abs(owner), FREE)
    if (before > 0) return
    if (this.#me > 99) throw`,
      },
    ],
  },
  {
    name: 'a-free-lock-may-be-unlocked',
    step: '05.2',
    says: ['a second unlock() to throw'],
    edits: [
      {
        file: mutex,
        replace: 'if (before === this.#me) return\n',
        by: 'if (before === this.#me || before === FREE) return\n',
      },
    ],
  },
  {
    name: 'the-word-does-not-say-whose-it-is',
    step: '05.2',
    says: ['the lock’s word to name ada', 'the owner’s number'],
    edits: [
      {
        file: mutex,
        hole: 'lock',
        by: `this.#words.store(this.#abandoned, 0)
    while (this.#words.compareExchange(this.#lock, FREE, 77) !== FREE) this.#words.wait(this.#lock, 77)`,
      },
      {
        file: mutex,
        hole: 'unlock',
        by: `if (this.#words.load(this.#lock) !== 77) throw new Error('not locked')
    this.#words.store(this.#lock, FREE)
    this.#words.notify(this.#lock, 1)`,
      },
    ],
  },
  {
    name: 'frees-it-twice',
    step: '05.2',
    says: ['does not have the lock', 'and frees it again'],
    edits: [
      {
        file: mutex,
        replace: UNLOCK,
        by: `    const owner = this.#words.load(this.#lock)
    const before = Math.abs(owner) === this.#me ? this.#words.compareExchange(this.#lock, owner, FREE) : 0
    if (before === this.#me) return
    if (before !== -this.#me) throw`,
      },
    ],
  },
  {
    name: 'looks-and-then-frees',
    step: '05.2',
    says: ['nobody is left to wake', 'In unlock(), look and change in one turn'],
    edits: [
      {
        file: mutex,
        replace: UNLOCK,
        by: `    const before = this.#words.load(this.#lock)
    if (before === this.#me) return this.#words.store(this.#lock, FREE)
    if (before !== -this.#me) throw`,
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
    says: ['did not pass that on', 'finally passes it on by itself'],
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
    says: ['05.3', 'between lock() and unlock()'],
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
    says: ['thread 1 sleeps on B.lock, thread 2 sleeps on A.lock', 'in the same order'],
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
    says: ['05.4', 'under its own lock'],
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
    name: 'never-looks-at-the-balance',
    step: '05.4',
    says: ['two transfers of 7 out of 10 were made'],
    edits: [
      { file: ledger, replace: 'if (this.#read(from, BALANCE) < amount) return false', by: '' },
    ],
  },
  {
    name: 'looks-at-the-balance-before-it-locks',
    step: '05.4',
    says: ['two transfers of 7 out of 10 were made', 'it may have changed'],
    edits: [
      {
        file: ledger,
        replace: '    if (from === to) return false\n',
        by: '    if (from === to || this.#read(from, BALANCE) < amount) return false\n',
      },
      {
        file: ledger,
        replace: '        if (this.#read(from, BALANCE) < amount) return false\n',
        by: '',
      },
    ],
  },
  {
    name: 'looks-at-the-balance-under-a-lock-of-its-own',
    step: '05.4',
    says: ['two transfers of 7 out of 10 were made', 'it may have changed'],
    edits: [
      {
        file: ledger,
        replace: '    if (from === to) return false\n',
        by: '    if (from === to || this.read(from).balance < amount) return false\n',
      },
      {
        file: ledger,
        replace: '        if (this.#read(from, BALANCE) < amount) return false\n',
        by: '',
      },
    ],
  },
  {
    name: 'takes-one-lock-after-the-other',
    step: '05.4',
    says: ['finds 19 in both', 'Taking one after the other is not holding both'],
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
    says: ['thread 1 sleeps on A.lock', 'waits for itself'],
    edits: [{ file: ledger, replace: '    if (from === to) return false\n', by: '' }],
  },
  {
    name: 'keeps-the-last-coin',
    step: '05.4',
    says: ['a transfer of 6 out of 6', 'not when they are equal'],
    edits: [{ file: ledger, replace: '(from, BALANCE) < amount', by: '(from, BALANCE) <= amount' }],
  },
  {
    name: 'numbers-outside-the-lock',
    step: '05.5',
    says: ['one lock'],
    edits: [
      {
        file: book,
        replace: `    return this.#withBook(() => {
      const number = this.#words.load(this.#count) + 1
      this.#writeText(number, text)`,
        by: `    const number = this.#words.load(this.#count) + 1
    return this.#withBook(() => {
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
        replace: `    return this.#withBook(() => {
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
    says: ['read(1) returned', 'read() takes the lock, too'],
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
    says: ['read(1) returned "bbbbb"', 'are overwritten'],
    edits: [{ file: book, replace: ' && number > count - MAX_ENTRIES', by: '' }],
  },
  {
    name: 'reads-entry-0',
    step: '05.5',
    says: ['entry 0 of an empty book', 'above 0'],
    edits: [{ file: book, replace: 'number > 0 && number <= count', by: 'number <= count' }],
  },
  {
    name: 'every-thread-has-its-own-book',
    step: '05.5',
    says: ['05.5', 'the memory that they get in workerData'],
    edits: [
      {
        file: 'connection.ts',
        replace: 'new AtomicWords(workerData.memory)',
        by: 'new AtomicWords(new SharedArrayBuffer(workerData.memory.byteLength))',
      },
    ],
  },
  {
    name: 'reads-all-but-the-first-without-the-lock',
    step: '05.5',
    says: ['read(2) returned', 'whichever entry it is'],
    edits: [
      {
        file: book,
        hole: 'read',
        by: `const found = this.#withBook(() => {
      const count = this.#words.load(this.#count)
      const isThere = number > 0 && number <= count && number > count - MAX_ENTRIES
      return isThere && number === 1 ? this.#readText(number) : isThere
    })
    return found === true ? this.#readText(number) : found || undefined`,
      },
    ],
  },
  {
    name: 'nobody-frees-the-lock-of-the-dead',
    step: '05.6',
    says: ['nobody can move any more', 'Free the lock if the dead thread had it'],
    edits: [{ file: mutex, hole: 'threadEnded', by: 'void thread' }],
  },
  {
    name: 'frees-only-what-nobody-waits-for',
    step: '05.6',
    says: ['nobody can move any more', 'or -number'],
    edits: [
      {
        file: mutex,
        replace: 'if (Math.abs(this.#words.load(this.#lock)) === thread) {',
        by: 'if (this.#words.load(this.#lock) === thread) {',
      },
    ],
  },
  {
    name: 'a-death-takes-the-wake-up-along',
    step: '05.6',
    says: ['nobody can move any more', 'Wake a sleeper at every death'],
    edits: [
      {
        file: mutex,
        replace: 'if (Math.abs(this.#words.load(this.#lock)) === thread) {',
        by: 'if (Math.abs(this.#words.load(this.#lock)) !== thread) return\n    {',
      },
    ],
  },
  {
    name: 'frees-before-it-marks',
    step: '05.6',
    says: ['found a change half made', 'and then free it'],
    edits: [
      {
        file: mutex,
        replace:
          '      this.#words.store(this.#abandoned, 1)\n      this.#words.store(this.#lock, FREE)\n',
        by: '      this.#words.store(this.#lock, FREE)\n      this.#words.store(this.#abandoned, 1)\n',
      },
    ],
  },
  {
    name: 'frees-and-does-not-say-so',
    step: '05.6',
    says: ['found a change half made', 'Mark the lock as abandoned'],
    edits: [{ file: mutex, replace: '      this.#words.store(this.#abandoned, 1)\n', by: '' }],
  },
  {
    name: 'frees-the-lock-whoever-died',
    step: '05.6',
    says: ['does not have the lock', 'only if the dead thread had it'],
    edits: [
      {
        file: mutex,
        replace: 'if (Math.abs(this.#words.load(this.#lock)) === thread) {',
        by: 'if (thread > 0) {',
      },
    ],
  },
  {
    name: 'every-death-abandons-the-lock',
    step: '05.6',
    says: ['the lock not to be abandoned', 'Only the death of the owner'],
    edits: [
      {
        file: mutex,
        replace: '    if (Math.abs(this.#words.load(this.#lock)) === thread) {',
        by: '    this.#words.store(this.#abandoned, 1)\n    if (Math.abs(this.#words.load(this.#lock)) === thread) {',
      },
    ],
  },
  {
    name: 'repairs-nothing',
    step: '05.6',
    says: ['read(1) returned', 'half overwritten'],
    edits: [{ file: book, hole: '#repair', by: 'this.#mutex.markConsistent()' }],
  },
  {
    name: 'never-marks-the-book-as-consistent',
    step: '05.6',
    says: ['the repaired book to be consistent', 'markConsistent()'],
    edits: [{ file: book, replace: '    this.#mutex.markConsistent()\n', by: '' }],
  },
  {
    name: 'marks-a-whole-entry-as-torn',
    step: '05.6',
    says: ['05.6', 'this entry was counted'],
    edits: [
      {
        file: book,
        replace: 'if (begun !== this.#words.load(this.#count)) this.#words.store',
        by: 'this.#words.store',
      },
    ],
  },
  {
    name: 'forgets-what-was-begun-before-it-marks-it',
    step: '05.6',
    says: ['half overwritten', 'The repair can be cut short as well'],
    edits: [
      {
        file: book,
        hole: '#repair',
        by: `const begun = this.#words.load(this.#begun)
    const count = this.#words.load(this.#count)
    this.#words.store(this.#begun, count)
    if (begun !== count) this.#words.store(this.#wordOf(begun), TORN)
    this.#mutex.markConsistent()`,
      },
    ],
  },
  {
    name: 'marks-the-next-place-whatever-was-begun',
    step: '05.6',
    says: ['bob was here', 'begun there and not counted'],
    edits: [
      {
        file: book,
        hole: '#repair',
        by: `this.#words.store(this.#wordOf(this.#words.load(this.#count) + 1), TORN)
    this.#mutex.markConsistent()`,
      },
    ],
  },
  {
    name: 'takes-the-torn-entry-for-written',
    step: '05.6',
    says: ['05.6', 'does not count what was never finished'],
    edits: [
      {
        file: book,
        replace: 'this.#words.store(this.#wordOf(begun), TORN)',
        by: 'this.#words.store(this.#count, begun)',
      },
    ],
  },
  {
    name: 'counts-another-word',
    step: '05.1',
    says: ['word 2, counted up from 41', 'whatever that index is'],
    edits: [
      {
        file: counter,
        replace: 'return words.add(index, 1) + 1',
        by: 'return words.add(0 * index, 1) + 1',
      },
    ],
  },
  {
    name: 'takes-a-contended-lock-from-its-owner',
    step: '05.2',
    says: ['unlock() by bob to throw as before', 'only -me is yours'],
    edits: [
      {
        file: mutex,
        replace: 'if (before !== -this.#me) throw',
        by: 'if (before >= FREE) throw',
      },
    ],
  },
  {
    name: 'unlocks-in-catch-and-in-finally',
    step: '05.3',
    says: ['does not have the lock', 'Each lock() has one unlock()'],
    edits: [
      {
        file: mutex,
        replace: '      return body()\n    } finally {',
        by: '      return body()\n    } catch (error) {\n      this.unlock()\n      throw error\n    } finally {',
      },
    ],
  },
  {
    name: 'forgets-what-the-body-returns',
    step: '05.3',
    says: ['withLock() returns what body() returns'],
    edits: [
      {
        file: mutex,
        replace: '      return body()\n    } finally {',
        by: '      body()\n      return undefined as T\n    } finally {',
      },
    ],
  },
  {
    name: 'a-refused-transfer-keeps-its-locks',
    step: '05.4',
    says: ['of 7 out of 10', 'does not give a lock back'],
    edits: [
      {
        file: ledger,
        hole: 'transfer',
        by: `    if (from === to) return false
    const [lower, higher] = [Math.min(from, to), Math.max(from, to)]
    const locks = [this.#lockOf(lower), this.#lockOf(higher)]
    for (const lock of locks) lock.lock()
    if (this.#read(from, BALANCE) < amount) return false
    this.#change(from, BALANCE, -amount)
    this.#change(to, BALANCE, amount)
    this.#change(from, TRANSFERS, 1)
    this.#change(to, TRANSFERS, 1)
    for (const lock of locks) lock.unlock()
    return true`,
      },
    ],
  },
  {
    name: 'counts-on-one-side-only',
    step: '05.4',
    says: ['Both accounts count the transfer'],
    edits: [{ file: ledger, replace: '        this.#change(to, TRANSFERS, 1)\n', by: '' }],
  },
  {
    name: 'gives-the-first-lock-back-before-the-change',
    step: '05.4',
    says: ['05.4'],
    edits: [
      {
        file: ledger,
        hole: 'transfer',
        by: `    if (from === to) return false
    const [lower, higher] = [Math.min(from, to), Math.max(from, to)]
    const first = this.#lockOf(lower)
    first.lock()
    const second = this.#lockOf(higher)
    second.lock()
    const isEnough = this.#read(from, BALANCE) >= amount
    first.unlock()
    if (isEnough) {
      this.#change(from, BALANCE, -amount)
      this.#change(to, BALANCE, amount)
      this.#change(from, TRANSFERS, 1)
      this.#change(to, TRANSFERS, 1)
    }
    second.unlock()
    return isEnough`,
      },
    ],
  },
  {
    name: 'looks-at-the-count-before-it-locks',
    step: '05.5',
    says: ['read(1) returned "bbbbb"', 'under the same lock as the text'],
    edits: [
      {
        file: book,
        hole: 'read',
        by: `    const count = this.#words.load(this.#count)
    const isThere = number > 0 && number <= count && number > count - MAX_ENTRIES
    return isThere ? this.#withBook(() => this.#readText(number)) : undefined`,
      },
    ],
  },
  {
    name: 'counts-after-the-lock',
    step: '05.5',
    says: ['one lock'],
    edits: [
      {
        file: book,
        hole: 'sign',
        by: `    const number = this.#withBook(() => {
      const number = this.#words.load(this.#count) + 1
      this.#writeText(number, text)
      return number
    })
    this.#words.store(this.#count, number)
    return number`,
      },
    ],
  },
  {
    name: 'counts-before-it-writes',
    step: '05.5',
    says: ['Store the count after the text'],
    edits: [
      {
        file: book,
        replace:
          '      this.#writeText(number, text)\n      this.#words.store(this.#count, number)\n',
        by: '      this.#words.store(this.#count, number)\n      this.#writeText(number, text)\n',
      },
    ],
  },
  {
    name: 'counts-first-and-writes-under-another-lock',
    step: '05.5',
    says: ['read(257) returned', 'from first to last'],
    edits: [
      {
        file: book,
        hole: 'sign',
        by: `    const number = this.#withBook(() => {
      const number = this.#words.load(this.#count) + 1
      this.#words.store(this.#count, number)
      return number
    })
    this.#withBook(() => this.#writeText(number, text))
    return number`,
      },
    ],
  },
  {
    name: 'tries-once-more-without-care',
    step: '05.1',
    says: ['A second try can be overtaken'],
    edits: [
      {
        file: 'counter.ts',
        hole: 'increment',
        by: `const old = words.load(index)
  if (words.compareExchange(index, old, old + 1) === old) return old + 1
  const again = words.load(index)
  words.store(index, again + 1)
  return again + 1`,
      },
    ],
  },
  {
    name: 'returns-nothing-for-zero',
    step: '05.3',
    says: ['even when that is 0 or false'],
    edits: [
      {
        file: 'mutex.ts',
        hole: 'withLock',
        by: `this.lock()
  try { return body() || (undefined as T) } finally { this.unlock() }`,
      },
    ],
  },
  {
    name: 'notes-the-place-instead-of-the-number',
    step: '05.5',
    says: ['in `begun` as well'],
    edits: [
      {
        file: 'guest-book.ts',
        hole: 'sign',
        by: `return this.#withBook(() => {
    const number = this.#words.load(this.#count) + 1
    this.#writeText(number % MAX_ENTRIES, text)
    this.#words.store(this.#count, number)
    return number
  })`,
      },
    ],
  },
  {
    name: 'takes-an-empty-text-for-none',
    step: '05.5',
    says: ['An empty text is a text'],
    edits: [
      {
        file: 'guest-book.ts',
        hole: 'read',
        by: `return this.#withBook(() => {
    const count = this.#words.load(this.#count)
    const isThere = number > 0 && number <= count && number > count - MAX_ENTRIES
    return (isThere && this.#readText(number)) || undefined
  })`,
      },
    ],
  },
  {
    name: 'swaps-the-accounts-and-the-sign',
    step: '05.4',
    says: ['a transfer of 11 out of 10 back', 'Only the locks are taken in the order'],
    edits: [
      {
        file: ledger,
        replace: '    if (from === to) return false\n',
        by: '    if (from === to) return false\n    if (from > to) return this.transfer(to, from, -amount)\n',
      },
    ],
  },
  {
    name: 'looks-at-it-under-the-lower-lock-only',
    step: '05.4',
    says: ['were made, not one', 'the lock of `from` itself'],
    edits: [
      {
        file: ledger,
        replace: `      this.#lockOf(higher).withLock(() => {
        if (this.#read(from, BALANCE) < amount) return false
`,
        by: `      this.#read(from, BALANCE) >= amount && this.#lockOf(higher).withLock(() => {
`,
      },
    ],
  },
  {
    name: 'looks-at-it-under-the-higher-lock-only',
    step: '05.4',
    says: ['were made, not one', 'the lock of `from` itself'],
    edits: [
      {
        file: ledger,
        replace: `from < to ? [from, to] : [to, from]`,
        by: `from > to ? [from, to] : [to, from]`,
      },
      {
        file: ledger,
        replace: `      this.#lockOf(higher).withLock(() => {
        if (this.#read(from, BALANCE) < amount) return false
`,
        by: `      this.#read(from, BALANCE) >= amount && this.#lockOf(higher).withLock(() => {
`,
      },
    ],
  },
  {
    name: 'forgets-what-was-begun-after-it-marks-it',
    step: '05.6',
    says: ['that this second repair has torn', 'begun is 0 and the count is 256'],
    edits: [
      {
        file: book,
        replace: '    this.#mutex.markConsistent()\n',
        by: '    this.#words.store(this.#begun, 0)\n    this.#mutex.markConsistent()\n',
      },
    ],
  },
  {
    name: 'numbers-by-what-was-begun',
    step: '05.6',
    says: ['the number of the next entry', 'the count plus 1'],
    edits: [
      {
        file: book,
        replace: 'const number = this.#words.load(this.#count) + 1',
        by: 'const number = this.#words.load(this.#begun) + 1',
      },
    ],
  },
  {
    name: 'takes-zero-for-no-exception',
    step: '05.3',
    says: ['body threw 0', 'takes 0 for no exception'],
    edits: [
      {
        file: mutex,
        replace: '    try {\n      return body()\n    } finally {\n      this.unlock()\n    }',
        by: `    let failed: unknown
    let result: T | undefined
    try {
      result = body()
    } catch (error) {
      failed = error
    }
    this.unlock()
    if (failed) throw failed
    return result as T`,
      },
    ],
  },
  {
    name: 'throws-an-error-of-its-own',
    step: '05.3',
    says: ['thread 1 threw', 'not what the body threw'],
    edits: [
      {
        file: mutex,
        replace: '    try {\n      return body()\n    } finally {\n      this.unlock()\n    }',
        by: `    try {
      return body()
    } catch (error) {
      throw new Error(String(error))
    } finally {
      this.unlock()
    }`,
      },
    ],
  },
  {
    name: 'frees-and-wakes-nobody',
    step: '05.3',
    says: ['nobody is left to wake', 'Leave with unlock()'],
    edits: [
      {
        file: mutex,
        replace: '    try {\n      return body()\n    } finally {\n      this.unlock()\n    }',
        by: `    try {
      return body()
    } finally {
      this.#words.store(this.#lock, FREE)
    }`,
      },
    ],
  },
  {
    name: 'reads-an-account-that-it-has-locked',
    step: '05.4',
    says: ['a lock that it already has'],
    edits: [
      {
        file: ledger,
        replace: 'if (this.#read(from, BALANCE) < amount)',
        by: 'if (this.read(from).balance < amount)',
      },
    ],
  },
  {
    name: 'numbers-from-0',
    step: '05.5',
    says: ['Numbers begin at 1'],
    edits: [
      { file: book, replace: 'load(this.#count) + 1\n', by: 'load(this.#count)\n' },
      { file: book, replace: 'store(this.#count, number)', by: 'store(this.#count, number + 1)' },
    ],
  },
  {
    name: 'numbers-that-wrap',
    step: '05.5',
    says: ['entry 257 got number 1', 'Only the place wraps'],
    edits: [
      {
        file: book,
        replace: 'this.#words.load(this.#count) + 1\n',
        by: '(this.#words.load(this.#count) % MAX_ENTRIES) + 1\n',
      },
    ],
  },
  {
    name: 'reads-what-is-not-there-yet',
    step: '05.5',
    says: ['while the count is 256', 'not there yet'],
    edits: [{ file: book, replace: ' && number <= count', by: '' }],
  },
  {
    name: 'tries-three-times',
    step: '05.1',
    says: ['the number returned, and the word', 'not only a few times'],
    edits: [
      {
        file: counter,
        hole: 'increment',
        by: `for (let time = 0; time < 3; time++) {
    const old = words.load(index)
    if (words.compareExchange(index, old, old + 1) === old) return old + 1
  }
  const last = words.load(index) + 1
  words.store(index, last)
  return last`,
      },
    ],
  },
  {
    name: 'lets-its-owner-in-again',
    step: '05.2',
    says: ['a thread that has the lock already', 'whichever thread calls it'],
    edits: [
      {
        file: mutex,
        replace:
          '    if (this.#words.compareExchange(this.#lock, FREE, this.#me) === FREE) return\n',
        by: `    const owner = this.#words.compareExchange(this.#lock, FREE, this.#me)
    if (owner === FREE || Math.abs(owner) === this.#me) return
`,
      },
    ],
  },
  {
    name: 'marks-the-word-only-once',
    step: '05.2',
    says: ['goes round in circles', 'not only the first time'],
    edits: [
      {
        file: mutex,
        hole: 'lock',
        by: `let owner = this.#words.compareExchange(this.#lock, FREE, this.#me)
    if (owner === FREE) return
    this.#words.compareExchange(this.#lock, Math.abs(owner), -Math.abs(owner))
    do {
      this.#words.wait(this.#lock, -Math.abs(owner))
      owner = this.#words.compareExchange(this.#lock, FREE, -this.#me)
    } while (owner !== FREE)`,
      },
    ],
  },
  {
    name: 'gives-a-lock-back-twice',
    step: '05.4',
    says: ['does not have the lock', 'given back twice'],
    edits: [
      {
        file: ledger,
        hole: 'transfer',
        by: `if (from === to) return false
    const locks = [Math.min(from, to), Math.max(from, to)].map((account) => this.#lockOf(account))
    for (const lock of locks) lock.lock()
    try {
      if (this.#read(from, BALANCE) < amount) {
        for (const lock of locks) lock.unlock()
        return false
      }
      this.#change(from, BALANCE, -amount)
      this.#change(to, BALANCE, amount)
      this.#change(from, TRANSFERS, 1)
      this.#change(to, TRANSFERS, 1)
      return true
    } finally {
      for (const lock of locks) lock.unlock()
    }`,
      },
    ],
  },
  {
    name: 'counts-transfers-afterwards',
    step: '05.4',
    says: ['not the number of its transfers', 'whether of a balance or of a count'],
    edits: [
      {
        file: ledger,
        hole: 'transfer',
        by: `if (from === to) return false
    const [lower, higher] = from < to ? [from, to] : [to, from]
    const isMade = this.#lockOf(lower).withLock(() =>
      this.#lockOf(higher).withLock(() => {
        if (this.#read(from, BALANCE) < amount) return false
        this.#change(from, BALANCE, -amount)
        this.#change(to, BALANCE, amount)
        return true
      }),
    )
    for (const account of isMade ? [from, to] : [])
      this.#lockOf(account).withLock(() => this.#change(account, TRANSFERS, 1))
    return isMade`,
      },
    ],
  },
  {
    name: 'keeps-the-count-when-it-reads',
    step: '05.5',
    says: ['entries 1, 2, 257 and 258', 'load the count at each read()'],
    edits: [
      {
        file: book,
        replace: '  readonly #mutex: Mutex\n',
        by: '  readonly #mutex: Mutex\n  #seen = 0\n',
      },
      {
        file: book,
        replace: `      const count = this.#words.load(this.#count)
      const isThere`,
        by: `      if (number > this.#seen) this.#seen = this.#words.load(this.#count)
      const count = this.#seen
      const isThere`,
      },
    ],
  },
  {
    name: 'keeps-what-it-has-read',
    step: '05.5',
    says: ['entries 1, 2, 257 and 258', 'do not cache what was read'],
    edits: [
      {
        file: book,
        replace: '  readonly #mutex: Mutex\n',
        by: '  readonly #mutex: Mutex\n  readonly #known = new Map<number, string>()\n',
      },
      {
        file: book,
        hole: 'read',
        by: `const known = this.#known.get(number)
    if (known !== undefined) return known
    return this.#withBook(() => {
      const count = this.#words.load(this.#count)
      const isThere = number > 0 && number <= count && number > count - MAX_ENTRIES
      const text = isThere ? this.#readText(number) : undefined
      if (text !== undefined) this.#known.set(number, text)
      return text
    })`,
      },
    ],
  },
  {
    name: 'keeps-the-count-when-it-signs',
    step: '05.5',
    cardVaries: true,
    says: ['each number once', 'load the count at each sign()'],
    edits: [
      {
        file: book,
        replace: '  readonly #mutex: Mutex\n',
        by: '  readonly #mutex: Mutex\n  #last = 0\n',
      },
      {
        file: book,
        replace: 'const number = this.#words.load(this.#count) + 1\n',
        by: 'const number = (this.#last || this.#words.load(this.#count)) + 1\n      this.#last = number\n',
      },
    ],
  },
  {
    name: 'signs-without-a-look-at-the-mark',
    step: '05.6',
    says: ['sign() did not ask', 'go through #withBook()'],
    edits: [
      {
        file: book,
        replace: 'sign(text: string): number {\n    return this.#withBook(',
        by: 'sign(text: string): number {\n    return this.#mutex.withLock(',
      },
    ],
  },
  {
    name: 'reads-without-a-look-at-the-mark',
    step: '05.6',
    says: ['read(1) returned', 'did not ask whether the lock is abandoned'],
    edits: [
      {
        file: book,
        replace: 'read(number: number): string | undefined {\n    return this.#withBook(',
        by: 'read(number: number): string | undefined {\n    return this.#mutex.withLock(',
      },
    ],
  },
  {
    name: 'a-death-without-the-lock-takes-the-mark-away',
    step: '05.6',
    says: ['read(1) returned', 'never takes it away'],
    edits: [
      {
        file: mutex,
        hole: 'threadEnded',
        by: `const isOwner = Math.abs(this.#words.load(this.#lock)) === thread
    this.#words.store(this.#abandoned, isOwner ? 1 : 0)
    if (isOwner) this.#words.store(this.#lock, FREE)
    this.#words.notify(this.#lock, 1)`,
      },
    ],
  },
  {
    name: 'looks-for-the-dead-owner-twice',
    step: '05.6',
    says: ['nobody can move any more', 'Load the word once'],
    edits: [
      {
        file: mutex,
        replace: 'if (Math.abs(this.#words.load(this.#lock)) === thread) {',
        by: 'if (this.#words.load(this.#lock) === -thread || this.#words.load(this.#lock) === thread) {',
      },
    ],
  },
  {
    name: 'wakes-only-whom-it-saw',
    step: '05.6',
    says: ['nobody can move any more', 'Notify in any case'],
    edits: [
      {
        file: mutex,
        hole: 'threadEnded',
        by: `const word = this.#words.load(this.#lock)
    if (Math.abs(word) === thread) {
      this.#words.store(this.#abandoned, 1)
      this.#words.store(this.#lock, FREE)
    }
    if (word <= FREE) this.#words.notify(this.#lock, 1)`,
      },
    ],
  },
  {
    name: 'frees-the-lock-of-the-first-that-dies',
    step: '05.6',
    says: ['the lock to be free', 'each time that this happens'],
    edits: [
      {
        file: mutex,
        replace: '  readonly #me: number\n',
        by: '  readonly #me: number\n  #deaths = 0\n',
      },
      {
        file: mutex,
        replace: 'if (Math.abs(this.#words.load(this.#lock)) === thread) {',
        by: 'if (Math.abs(this.#words.load(this.#lock)) === thread && this.#deaths++ === 0) {',
      },
    ],
  },
  {
    name: 'repairs-only-once',
    step: '05.6',
    says: ['entries 2, 3, 4 and 258', 'each time an owner dies'],
    edits: [
      {
        file: book,
        replace: '  readonly #mutex: Mutex\n',
        by: '  readonly #mutex: Mutex\n  #repairs = 0\n',
      },
      {
        file: book,
        replace: 'if (begun !== this.#words.load(this.#count))',
        by: 'if (this.#repairs++ === 0 && begun !== this.#words.load(this.#count))',
      },
    ],
  },
  {
    name: 'repairs-the-place-of-the-older-entry',
    step: '05.6',
    says: ['RangeError', 'A book that is not full'],
    edits: [
      {
        file: book,
        replace: 'this.#words.store(this.#wordOf(begun), TORN)',
        by: 'this.#words.store(this.#wordOf(begun - MAX_ENTRIES), TORN)',
      },
    ],
  },
  {
    name: 'gives-up-after-ten-sleeps',
    step: '05.2',
    says: ['ada to have the lock in the end', 'does not give up'],
    edits: [
      { file: mutex, replace: 'for (;;) {', by: 'for (let time = 0; time < 10; time++) {' },
      {
        file: mutex,
        replace: '      this.#words.wait(this.#lock, -Math.abs(owner))\n    }\n',
        by: "      this.#words.wait(this.#lock, -Math.abs(owner))\n    }\n    throw new Error('too busy')\n",
      },
    ],
  },
  {
    name: 'wakes-nobody-while-another-has-it',
    step: '05.6',
    says: ['while its word is 1', 'whoever has the lock now'],
    edits: [
      {
        file: mutex,
        replace: `    if (Math.abs(this.#words.load(this.#lock)) === thread) {`,
        by: `    const owner = this.#words.load(this.#lock)
    if (owner !== FREE && Math.abs(owner) !== thread) return
    if (Math.abs(this.#words.load(this.#lock)) === thread) {`,
      },
    ],
  },
  {
    name: 'wakes-one-if-it-finds-the-lock-free',
    step: '05.6',
    says: ['while its word is 1', 'whoever has the lock now'],
    edits: [
      {
        file: mutex,
        replace: `    }
    this.#words.notify(this.#lock, 1)
`,
        by: `    }
    if (this.#words.load(this.#lock) <= FREE) this.#words.notify(this.#lock, 1)
`,
      },
    ],
  },
  {
    name: 'unlocking-takes-the-mark-away',
    step: '05.3',
    says: ['isAbandoned afterwards', 'Neither withLock() nor unlock() takes the mark away'],
    edits: [
      {
        file: mutex,
        replace: `    const before = this.#words.compareExchange(this.#lock, this.#me, FREE)
`,
        by: `    if (Math.abs(this.#words.load(this.#lock)) === this.#me) this.markConsistent()
    const before = this.#words.compareExchange(this.#lock, this.#me, FREE)
`,
      },
    ],
  },
  {
    name: 'frees-no-lock-that-is-abandoned',
    step: '05.6',
    says: ['nobody can move any more', 'it was abandoned already'],
    edits: [
      {
        file: mutex,
        replace: `    if (Math.abs(this.#words.load(this.#lock)) === thread) {`,
        by: `    if (this.isAbandoned) return
    if (Math.abs(this.#words.load(this.#lock)) === thread) {`,
      },
    ],
  },
  {
    name: 'frees-what-it-saw',
    step: '05.6',
    says: ['nobody can move any more', 'so nothing was freed'],
    edits: [
      {
        file: mutex,
        hole: `threadEnded`,
        by: `const owner = this.#words.load(this.#lock)
    if (Math.abs(owner) === thread) {
      this.#words.store(this.#abandoned, 1)
      this.#words.compareExchange(this.#lock, owner, FREE)
    }
    this.#words.notify(this.#lock, 1)`,
      },
    ],
  },
  {
    name: 'marks-only-a-contended-lock',
    step: '05.6',
    says: ['found a change half made', 'whether its word was positive or negative'],
    edits: [
      {
        file: mutex,
        replace: `      this.#words.store(this.#abandoned, 1)
`,
        by: `      if (this.#words.load(this.#lock) < 0) this.#words.store(this.#abandoned, 1)
`,
      },
    ],
  },
  {
    name: 'marks-the-torn-place-as-empty',
    step: '05.6',
    says: ['read(1) returned ""', '0 is the length of an empty text'],
    edits: [
      {
        file: book,
        replace: `store(this.#wordOf(begun), TORN)`,
        by: `store(this.#wordOf(begun), 0)`,
      },
    ],
  },
  {
    name: 'keeps-what-the-other-account-had',
    step: '05.4',
    says: ['were moved, and B has 33', 'may have changed'],
    edits: [
      {
        file: ledger,
        hole: `transfer`,
        by: `if (from === to) return false
    const [lower, higher] = from < to ? [from, to] : [to, from]
    return this.#lockOf(lower).withLock(() => {
      const balance = this.#read(to, BALANCE)
      return this.#lockOf(higher).withLock(() => {
        if (this.#read(from, BALANCE) < amount) return false
        this.#change(from, BALANCE, -amount)
        this.#words.store(this.#wordOf(to, BALANCE), balance + amount)
        this.#change(from, TRANSFERS, 1)
        this.#change(to, TRANSFERS, 1)
        return true
      })
    })`,
      },
    ],
  },
  {
    name: 'locks-account-0-in-place-of-the-lower',
    step: '05.4',
    says: ['sleeps on the lock of account 0', 'and no other'],
    edits: [
      {
        file: ledger,
        replace: `this.#lockOf(lower).withLock`,
        by: `this.#lockOf(0 * lower).withLock`,
      },
    ],
  },
  {
    name: 'locks-the-account-after-the-lower-one',
    step: '05.4',
    says: ['sleeps on the lock of account', 'and no other'],
    edits: [
      {
        file: ledger,
        replace: `this.#lockOf(higher).withLock`,
        by: `this.#lockOf(Math.min(lower + 1, higher)).withLock`,
      },
    ],
  },
  {
    name: 'locks-all-accounts-between',
    step: '05.4',
    says: ['sleeps on the lock of account 1', 'and no other'],
    edits: [
      {
        file: ledger,
        hole: `transfer`,
        by: `if (from === to) return false
    const [lower, higher] = from < to ? [from, to] : [to, from]
    const locks = Array.from({ length: higher - lower + 1 }, (_, n) => this.#lockOf(lower + n))
    for (const lock of locks) lock.lock()
    try {
      if (this.#read(from, BALANCE) < amount) return false
      this.#change(from, BALANCE, -amount)
      this.#change(to, BALANCE, amount)
      this.#change(from, TRANSFERS, 1)
      this.#change(to, TRANSFERS, 1)
      return true
    } finally {
      for (const lock of locks) lock.unlock()
    }`,
      },
    ],
  },
  {
    name: 'does-not-return-what-was-done',
    step: '05.4',
    says: ['both transfers moved their money', 'so pass it on'],
    edits: [
      {
        file: ledger,
        hole: `transfer`,
        by: `if (from === to) return false
    const [lower, higher] = from < to ? [from, to] : [to, from]
    let isMade = false
    this.#lockOf(lower).withLock(() => {
      this.#lockOf(higher).withLock(() => {
        if (this.#read(from, BALANCE) < amount) return false
        this.#change(from, BALANCE, -amount)
        this.#change(to, BALANCE, amount)
        this.#change(from, TRANSFERS, 1)
        this.#change(to, TRANSFERS, 1)
        return true
      })
    })
    return isMade`,
      },
    ],
  },
  {
    name: 'counts-what-is-refused',
    step: '05.4',
    says: ['the two accounts', 'Count only after the balance'],
    edits: [
      {
        file: ledger,
        replace: `        if (this.#read(from, BALANCE) < amount) return false
`,
        by: `        this.#change(from, TRANSFERS, 1)
        if (this.#read(from, BALANCE) < amount) return false
`,
      },
      {
        file: ledger,
        replace: `        this.#change(from, TRANSFERS, 1)
        this.#change(to, TRANSFERS, 1)
`,
        by: `        this.#change(to, TRANSFERS, 1)
`,
      },
    ],
  },
  {
    name: 'lets-the-owner-of-a-contended-lock-in-again',
    step: '05.2',
    says: ['the owner of a contended lock', '-me is a lock that is taken'],
    edits: [
      {
        file: mutex,
        replace: `      if (owner === FREE) return
`,
        by: `      if (owner === FREE || owner === -this.#me) return
`,
      },
    ],
  },
  {
    name: 'wakes-somebody-and-then-throws',
    step: '05.2',
    says: ['unlock() to wake nobody', 'Throw before you notify'],
    edits: [
      {
        file: mutex,
        replace: `    if (before !== -this.#me) throw`,
        by: `    if (before !== -this.#me) this.#words.notify(this.#lock, 1)
    if (before !== -this.#me) throw`,
      },
    ],
  },
  {
    name: 'remembers-in-the-object-who-has-it',
    step: '05.2',
    says: ['ada to have unlocked', 'A field of the object'],
    edits: [
      {
        file: mutex,
        replace: `  readonly #me: number
`,
        by: `  readonly #me: number
  #isMine = false
`,
      },
      {
        file: mutex,
        replace: `if (this.#words.compareExchange(this.#lock, FREE, this.#me) === FREE) return
`,
        by: `this.#isMine = this.#words.compareExchange(this.#lock, FREE, this.#me) === FREE
    if (this.#isMine) return
`,
      },
      {
        file: mutex,
        replace: `      if (owner === FREE) return
`,
        by: `      this.#isMine = owner === FREE
      if (this.#isMine) return
`,
      },
      {
        file: mutex,
        replace: `    const before = this.#words.compareExchange(this.#lock, this.#me, FREE)
`,
        by: `    if (!this.#isMine) throw new Error('not mine')
    const before = this.#words.compareExchange(this.#lock, this.#me, FREE)
`,
      },
    ],
  },
  {
    name: 'goes-on-when-it-is-woken',
    step: '05.2',
    says: ['does not have the lock', 'went on without the lock'],
    edits: [
      {
        file: mutex,
        replace: `      this.#words.wait(this.#lock, -Math.abs(owner))`,
        by: `      if (this.#words.wait(this.#lock, -Math.abs(owner)) === 'ok') return`,
      },
    ],
  },
  {
    name: 'expects-the-first-owner-again',
    step: '05.2',
    says: ['goes round in circles', 'still expects the old one'],
    edits: [
      {
        file: mutex,
        hole: `lock`,
        by: `if (this.#words.compareExchange(this.#lock, FREE, this.#me) === FREE) return
    let owner = this.#words.load(this.#lock)
    for (;;) {
      const now = this.#words.compareExchange(this.#lock, FREE, -this.#me)
      if (now === FREE) return
      if (now < 0) owner = now
      if (owner > 0 && this.#words.compareExchange(this.#lock, owner, -owner) !== owner) continue
      this.#words.wait(this.#lock, -Math.abs(owner))
    }`,
      },
    ],
  },
  {
    name: 'unlocks-only-what-nobody-waits-for',
    step: '05.3',
    says: ['lock is -2, not 0', 'call it without asking'],
    edits: [
      {
        file: mutex,
        replace: `    } finally {
      this.unlock()`,
        by: `    } finally {
      if (this.#words.load(this.#lock) === this.#me) this.unlock()`,
      },
    ],
  },
  {
    name: 'runs-the-body-of-its-owner-at-once',
    step: '05.3',
    says: ['the inner body not to run', 'Call lock() each time'],
    edits: [
      {
        file: mutex,
        replace: `    this.lock()
    try`,
        by: `    if (Math.abs(this.#words.load(this.#lock)) === this.#me) return body()
    this.lock()
    try`,
      },
    ],
  },
  {
    name: 'refuses-a-long-text',
    step: '05.5',
    says: ['an entry of 70 letters', 'cuts the text by itself'],
    edits: [
      {
        file: book,
        replace: `      const number = this.#words.load(this.#count) + 1
`,
        by: `      if (text.length > MAX_TEXT_BYTES) throw new Error('too long')
      const number = this.#words.load(this.#count) + 1
`,
      },
    ],
  },
  {
    name: 'counts-in-15-bits',
    step: '05.1',
    says: ['2,000,000,000', 'cut off nothing'],
    edits: [
      {
        file: counter,
        replace: `return words.add(index, 1) + 1`,
        by: `return (words.add(index, 1) + 1) & 0x7fff`,
      },
    ],
  },
  {
    name: 'shares-its-locks-with-another-ledger',
    step: '05.4',
    says: ['a second ledger', 'in its own words'],
    edits: [
      {
        file: ledger,
        replace: `export class Ledger {`,
        by: `const locks = new Map<number, Mutex>()

export class Ledger {`,
      },
      {
        file: ledger,
        replace: `    return new Mutex(this.#words, this.#wordOf(account, 0), this.#me)`,
        by: `    const lock = locks.get(account) ?? new Mutex(this.#words, this.#wordOf(account, 0), this.#me)
    locks.set(account, lock)
    return lock`,
      },
    ],
  },
  {
    name: 'wakes-all-at-unlock',
    step: '05.2',
    says: ['to wake one of those that sleep', 'notify() without a count wakes all'],
    edits: [{ file: 'mutex.ts', replace: FREE_AND_WAKE, by: FREE_AND_WAKE.replace(', 1)', ')') }],
  },
  {
    name: 'abandons-what-a-body-throws-at',
    step: '05.3',
    says: ['isAbandoned afterwards', 'only her body has failed'],
    edits: [
      {
        file: 'mutex.ts',
        replace: '      return body()\n',
        by: '      return body()\n    } catch (error) {\n      this.#words.store(this.#abandoned, 1)\n      throw error\n',
      },
    ],
  },
  {
    name: 'takes-success-for-a-repair',
    step: '05.3',
    says: ['isAbandoned afterwards', 'it calls markConsistent()'],
    edits: [
      {
        file: 'mutex.ts',
        replace: '      return body()\n',
        by: '      const result = body()\n      this.markConsistent()\n      return result\n',
      },
    ],
  },
  {
    name: 'trims-what-is-signed',
    step: '05.5',
    says: ['Spaces are part of a text'],
    edits: [
      {
        file: 'guest-book.ts',
        replace: 'this.#writeText(number, text)\n      this.#words.store',
        by: 'this.#writeText(number, text.trim())\n      this.#words.store',
      },
    ],
  },
  {
    name: 'sleeps-on-what-it-loads',
    step: '05.2',
    says: ['wait lock = 0: sleeps', 'fell asleep while the lock was free'],
    edits: [
      {
        file: mutex,
        hole: 'lock',
        by: `    while (this.#words.compareExchange(this.#lock, FREE, this.#me) !== FREE)
      this.#words.wait(this.#lock, this.#words.load(this.#lock))`,
      },
      {
        file: mutex,
        hole: 'unlock',
        by: `    const before = this.#words.compareExchange(this.#lock, this.#me, FREE)
    if (before !== this.#me) throw new Error('unlock() by a thread that does not have the lock')
    this.#words.notify(this.#lock, 1)`,
      },
    ],
  },
  {
    name: 'unlocks-in-place-of-the-dead',
    step: '05.6',
    says: ['lock: 0 ⇒ 0? no', 'here the main thread calls it'],
    edits: [
      {
        file: mutex,
        replace: `      this.#words.store(this.#lock, FREE)
${LAST_NOTIFY}`,
        by: `      this.unlock()
    } else this.#words.notify(this.#lock, 1)
`,
      },
    ],
  },
  {
    name: 'unlocks-in-place-of-the-dead-if-it-can',
    step: '05.6',
    says: ['lock: 0 ⇒ 0? no', 'Store FREE in the lock’s word yourself'],
    edits: [
      {
        file: mutex,
        hole: 'threadEnded',
        by: `    this.#words.store(this.#abandoned, Number(Math.abs(this.#words.load(this.#lock)) === thread))
    try {
      this.unlock()
    } catch {
      this.#words.notify(this.#lock, 1)
    }`,
      },
    ],
  },
]
