import type { Explained } from '../explained.ts'

const WOKEN_IN_VAIN =
  'A second thread that is woken finds the lock taken, and sleeps again. One is enough; two cost a few turns, and go wrong in no order.'

export const explained: Explained[] = [
  {
    file: 'ledger.ts',
    function: 'transfer',
    was: 'const [lower, higher] = from < to ? [from, to] : [to, from]',
    now: 'const [lower, higher] = from <= to ? [from, to] : [to, from]',
    because: 'The same account twice was refused two lines before.',
  },
  {
    file: 'ledger.ts',
    function: 'transfer',
    was: 'const [lower, higher] = from < to ? [from, to] : [to, from]',
    now: 'const [lower, higher] = from >= to ? [from, to] : [to, from]',
    because: 'Always the higher number first: an order for all threads, like the other one.',
  },
  {
    file: 'mutex.ts',
    function: 'lock',
    was: 'if (this.#words.compareExchange(this.#lock, FREE, this.#me) === FREE) return',
    now: 'if (false) return',
    because:
      'The lock is always taken as contended, so each unlock notifies. That is slower and right: -me means that others may be asleep, and a right answer of this chapter does the same.',
  },
  {
    file: 'mutex.ts',
    function: 'lock',
    was: 'if (owner > 0 && this.#words.compareExchange(this.#lock, owner, -owner) !== owner) continue',
    now: 'if (true && this.#words.compareExchange(this.#lock, owner, -owner) !== owner) continue',
    because:
      'A negative word becomes positive for a moment. The thread that does so does not fall asleep before it is negative again, and if it gets the lock meanwhile, it takes it as -me: each sleeper is woken.',
  },
  {
    file: 'mutex.ts',
    function: 'lock',
    was: 'if (owner > 0 && this.#words.compareExchange(this.#lock, owner, -owner) !== owner) continue',
    now: 'if (owner >= 0 && this.#words.compareExchange(this.#lock, owner, -owner) !== owner) continue',
    because: 'A free lock was taken in the line before: here it has an owner.',
  },
  {
    file: 'mutex.ts',
    function: 'lock',
    was: 'if (owner > 0 && this.#words.compareExchange(this.#lock, owner, -owner) !== owner) continue',
    now: 'if (owner > 0 && this.#words.compareExchange(this.#lock, owner, -owner) === owner) continue',
    because:
      'A thread that has made the word negative looks once more and then sleeps. One that has failed asks to sleep on -owner, and sleeps only if somebody else has written just that.',
  },
  {
    file: 'mutex.ts',
    function: 'unlock',
    was: "if (before !== -this.#me) throw new Error('unlock() by a thread that does not have the lock')",
    now: 'if (before !== -this.#me) throw new Error("")',
    because: 'The text is for people; what is promised is that it throws.',
  },
  {
    file: 'mutex.ts',
    function: 'unlock',
    was: 'this.#words.notify(this.#lock, 1)',
    now: 'this.#words.notify(this.#lock, 2)',
    because: WOKEN_IN_VAIN,
  },
  {
    file: 'mutex.ts',
    function: 'threadEnded',
    was: 'this.#words.store(this.#abandoned, 1)',
    now: 'this.#words.store(this.#abandoned, 2)',
    because: 'isAbandoned only asks whether the word is 0.',
  },
  {
    file: 'mutex.ts',
    function: 'threadEnded',
    was: 'this.#words.notify(this.#lock, 1)',
    now: 'this.#words.notify(this.#lock, 2)',
    because: WOKEN_IN_VAIN,
  },
]
