import type { RightAnswer } from './right-answer.ts'

const counter = 'counter.ts'
const mutex = 'mutex.ts'
const ledger = 'ledger.ts'
const book = 'guest-book.ts'

export const rightAnswers: RightAnswer[] = [
  {
    name: 'third-hints',
    style: 'What the third hints spell out, and no more.',
    edits: [
      { file: counter, hole: 'increment', by: '  return words.add(index, 1) + 1' },
      {
        file: mutex,
        hole: 'lock',
        by: `    if (this.#words.compareExchange(this.#lock, FREE, this.#me) === FREE) return
    while (true) {
      const owner = this.#words.compareExchange(this.#lock, FREE, -this.#me)
      if (owner === FREE) break
      if (owner > 0) {
        const now = this.#words.compareExchange(this.#lock, owner, -owner)
        if (now !== owner) continue
      }
      this.#words.wait(this.#lock, -Math.abs(owner))
    }`,
      },
      {
        file: mutex,
        hole: 'unlock',
        by: `    const before = this.#words.compareExchange(this.#lock, this.#me, FREE)
    if (before === this.#me) return
    if (before === -this.#me) {
      this.#words.store(this.#lock, FREE)
      this.#words.notify(this.#lock, 1)
    } else throw new Error('not yours')`,
      },
      {
        file: mutex,
        hole: 'threadEnded',
        by: `    if (Math.abs(this.#words.load(this.#lock)) === thread) {
      this.#words.store(this.#abandoned, 1)
      this.#words.store(this.#lock, FREE)
    }
    this.#words.notify(this.#lock, 1)`,
      },
      {
        file: ledger,
        hole: 'transfer',
        by: `    if (from === to) return false
    const lower = Math.min(from, to)
    const higher = Math.max(from, to)
    return this.#lockOf(lower).withLock(() => {
      return this.#lockOf(higher).withLock(() => {
        if (this.#read(from, BALANCE) < amount) return false
        this.#change(from, BALANCE, -amount)
        this.#change(to, BALANCE, amount)
        this.#change(from, TRANSFERS, 1)
        this.#change(to, TRANSFERS, 1)
        return true
      })
    })`,
      },
    ],
  },
  {
    name: 'always-contended',
    style:
      'Two states: the lock always counts as contended, so every unlock notifies. Slower, and right.',
    edits: [
      {
        file: counter,
        hole: 'increment',
        by: `  for (;;) {
    const before = words.load(index)
    if (words.compareExchange(index, before, before + 1) === before) return before + 1
  }`,
      },
      {
        file: mutex,
        hole: 'lock',
        by: `    let owner = this.#words.compareExchange(this.#lock, FREE, -this.#me)
    while (owner !== FREE) {
      this.#words.wait(this.#lock, owner)
      owner = this.#words.compareExchange(this.#lock, FREE, -this.#me)
    }`,
      },
      {
        file: mutex,
        hole: 'unlock',
        by: `    if (this.#words.load(this.#lock) !== -this.#me) throw new TypeError('somebody else has it')
    this.#words.store(this.#lock, FREE)
    this.#words.notify(this.#lock, 1)`,
      },
      {
        file: mutex,
        hole: 'withLock',
        by: `    this.lock()
    let result: T
    try {
      result = body()
    } catch (error) {
      this.unlock()
      throw error
    }
    this.unlock()
    return result`,
      },
      {
        file: mutex,
        hole: 'threadEnded',
        by: `    const owner = this.#words.load(this.#lock)
    if (owner === thread || owner === -thread) this.#words.store(this.#abandoned, 1)
    this.#words.compareExchange(this.#lock, thread, FREE)
    this.#words.compareExchange(this.#lock, -thread, FREE)
    this.#words.notify(this.#lock)`,
      },
      {
        file: book,
        hole: '#repair',
        by: `    const [count, begun] = [this.#words.load(this.#count), this.#words.load(this.#begun)]
    if (begun > count) this.#words.store(this.#wordOf(begun), TORN)
    this.#words.store(this.#begun, count)
    this.#mutex.markConsistent()`,
      },
    ],
  },
  {
    name: 'lock-and-unlock-by-hand',
    style:
      'Locks in a sorted list, taken and given back in try and finally; lock() throws when its owner asks again.',
    edits: [
      {
        file: mutex,
        hole: 'lock',
        by: `    if (this.#words.compareExchange(this.#lock, FREE, this.#me) === FREE) return
    for (;;) {
      const owner = this.#words.compareExchange(this.#lock, FREE, -this.#me)
      if (owner === FREE) return
      if (Math.abs(owner) === this.#me) throw new Error('this thread has the lock already')
      if (owner > 0 && this.#words.compareExchange(this.#lock, owner, -owner) !== owner) continue
      this.#words.wait(this.#lock, -Math.abs(owner))
    }`,
      },
      {
        file: counter,
        hole: 'increment',
        by: `  const before = words.add(index, 1)
  return before + 1`,
      },
      {
        file: mutex,
        hole: 'unlock',
        by: `    const owner = this.#words.load(this.#lock)
    if (Math.abs(owner) !== this.#me) throw new Error('not the owner')
    // Others only turn the sign, and only once.
    if (owner > 0 && this.#words.compareExchange(this.#lock, owner, FREE) === owner) return
    this.#words.store(this.#lock, FREE)
    this.#words.notify(this.#lock, 1)`,
      },
      {
        file: ledger,
        hole: 'transfer',
        by: `    if (from === to) return false
    const locks = [from, to].toSorted((a, b) => a - b).map((account) => this.#lockOf(account))
    for (const lock of locks) lock.lock()
    try {
      const balance = this.#read(from, BALANCE)
      if (balance - amount < 0) return false
      for (const account of [from, to]) this.#change(account, TRANSFERS, 1)
      this.#change(to, BALANCE, amount)
      this.#change(from, BALANCE, -amount)
      return true
    } finally {
      for (const lock of locks) lock.unlock()
    }`,
      },
      {
        file: book,
        hole: 'sign',
        by: `    let number = 0
    this.#withBook(() => {
      number = this.#words.load(this.#count) + 1
      this.#writeText(number, text)
      this.#words.add(this.#count, 1)
    })
    return number`,
      },
      {
        file: book,
        hole: 'read',
        by: `    if (number < 1) return undefined
    return this.#withBook(() => {
      const newest = this.#words.load(this.#count)
      const oldest = newest - MAX_ENTRIES + 1
      if (number < oldest || number > newest) return undefined
      return this.#readText(number)
    })`,
      },
      {
        file: mutex,
        hole: 'threadEnded',
        by: `    for (const owner of [thread, -thread]) {
      if (this.#words.load(this.#lock) !== owner) continue
      this.#words.add(this.#abandoned, 1)
      this.#words.store(this.#lock, FREE)
      break
    }
    this.#words.notify(this.#lock)`,
      },
      {
        file: book,
        hole: '#repair',
        by: `    this.#mutex.markConsistent()
    const begun = this.#words.load(this.#begun)
    // A repair that is cut short leaves the lock abandoned once more: its owner has died.
    if (begun === this.#words.load(this.#count)) return
    this.#words.store(this.#wordOf(begun), TORN)`,
      },
    ],
  },
  {
    name: 'looks-before-it-takes',
    style:
      'Loads before each compareExchange(), and tries again; an outcome as a value instead of finally.',
    edits: [
      {
        file: 'counter.ts',
        hole: 'increment',
        by: `let old = words.load(index), found: number
  while ((found = words.compareExchange(index, old, old + 1)) !== old) old = found
  return old + 1`,
      },
      {
        file: 'mutex.ts',
        hole: 'lock',
        by: `let mine = this.#me
  for (;;) {
    const seen = this.#words.load(this.#lock)
    if (seen === FREE) {
      if (this.#words.compareExchange(this.#lock, FREE, mine) === FREE) return
      continue
    }
    if (seen > 0 && this.#words.compareExchange(this.#lock, seen, -seen) !== seen) continue
    this.#words.wait(this.#lock, -Math.abs(seen))
    mine = -this.#me
  }`,
      },
      {
        file: 'mutex.ts',
        hole: 'unlock',
        by: `for (;;) {
    const word = this.#words.load(this.#lock)
    if (word !== this.#me && word !== -this.#me) throw new TypeError('no')
    if (this.#words.compareExchange(this.#lock, word, FREE) !== word) continue
    if (word < 0) this.#words.notify(this.#lock, 1)
    return
  }`,
      },
      {
        file: 'mutex.ts',
        hole: 'withLock',
        by: `const attempt = () => { try { return { ok: true as const, value: body() } } catch (error) { return { ok: false as const, error } } }
  this.lock()
  const outcome = attempt()
  this.unlock()
  if (!outcome.ok) throw outcome.error
  return outcome.value`,
      },
    ],
  },
  {
    name: 'always-takes-it-as-contended',
    style:
      'No fast path: the word is always negative, and all sleepers are woken. Slower, and as right.',
    edits: [
      {
        file: 'mutex.ts',
        hole: 'lock',
        by: `for (;;) {
    const owner = this.#words.compareExchange(this.#lock, FREE, -this.#me)
    switch (Math.sign(owner)) {
      case 0: return
      case 1: if (this.#words.compareExchange(this.#lock, owner, -owner) === owner) this.#words.wait(this.#lock, -owner); break
      default: this.#words.wait(this.#lock, owner)
    }
  }`,
      },
      {
        file: 'mutex.ts',
        hole: 'unlock',
        by: `const before = this.#words.compareExchange(this.#lock, this.#me, FREE)
  if (before !== this.#me && before !== -this.#me) throw new Error('x')
  if (before === -this.#me) {
    this.#words.compareExchange(this.#lock, before, FREE)
    this.#words.notify(this.#lock, 1)
  }`,
      },
      {
        file: 'ledger.ts',
        hole: 'transfer',
        by: `if (from === to) return false
  const locks = [from, to].toSorted((a, b) => a - b).map((n) => this.#lockOf(n))
  for (const lock of locks) lock.lock()
  try {
    const balance = this.#read(from, BALANCE)
    const enough = balance >= amount
    if (enough) {
      this.#change(to, BALANCE, amount)
      this.#change(to, TRANSFERS, 1)
      this.#change(from, BALANCE, -amount)
      this.#change(from, TRANSFERS, 1)
    }
    return enough
  } finally {
    for (const lock of locks.toReversed()) lock.unlock()
  }`,
      },
      {
        file: 'guest-book.ts',
        hole: '#repair',
        by: `const begun = this.#words.load(this.#begun)
  const count = this.#words.load(this.#count)
  if (begun > count) {
    this.#words.store(this.#wordOf(begun), TORN)
    this.#words.store(this.#begun, count)
  }
  this.#mutex.markConsistent()`,
      },
    ],
  },
  {
    name: 'signs-it-when-it-has-it',
    style:
      'Takes the lock as its own and turns the sign afterwards; locks by recursion, the higher one first; each thread dies once.',
    edits: [
      {
        file: mutex,
        hole: 'lock',
        by: `    if (this.#words.compareExchange(this.#lock, FREE, this.#me) === FREE) return
    for (;;) {
      const owner = this.#words.compareExchange(this.#lock, FREE, this.#me)
      if (owner === FREE) return this.#words.store(this.#lock, -this.#me)
      const asleep = -Math.abs(owner)
      const isMarked = owner === asleep || this.#words.compareExchange(this.#lock, owner, asleep) === owner
      if (isMarked) this.#words.wait(this.#lock, asleep)
    }`,
      },
      {
        file: ledger,
        hole: 'transfer',
        by: `    const under = (accounts: number[]): boolean => {
      const [account, ...others] = accounts
      if (account !== undefined) return this.#lockOf(account).withLock(() => under(others))
      const isEnough = this.#read(from, BALANCE) >= amount
      if (isEnough) {
        for (const [who, delta] of [[to, amount], [from, -amount]] as const) {
          this.#change(who, TRANSFERS, 1)
          this.#change(who, BALANCE, delta)
        }
      }
      return isEnough
    }
    return from !== to && under([from, to].sort((a, b) => b - a))`,
      },
      {
        file: book,
        hole: 'read',
        by: `    return this.#withBook(() => {
      const behind = this.#words.load(this.#count) - number
      if (behind < 0 || behind >= MAX_ENTRIES || number < 1) return
      return this.#readText(number)
    })`,
      },
      {
        file: mutex,
        replace: '  readonly #me: number\n',
        by: '  readonly #me: number\n  readonly #ended = new Set<number>()\n',
      },
      {
        file: mutex,
        hole: 'threadEnded',
        by: `    if (this.#ended.has(thread)) return
    this.#ended.add(thread)
    let owner: number
    do {
      owner = this.#words.load(this.#lock)
      if (Math.abs(owner) !== thread) break
      this.#words.store(this.#abandoned, 1)
    } while (this.#words.compareExchange(this.#lock, owner, FREE) !== owner)
    this.#words.notify(this.#lock)`,
      },
      {
        file: book,
        hole: '#repair',
        by: `    const count = this.#words.load(this.#count)
    for (let begun = this.#words.load(this.#begun); begun > count; begun--)
      this.#words.store(this.#wordOf(begun), TORN)
    this.#mutex.markConsistent()`,
      },
    ],
  },
]
