/**
 * What is explored: a few threads that meet in a few words of shared memory.
 *
 * A scenario is a module of its own, because its threads are real: each of them imports it, and so does the
 * explorer, which checks the outcome.
 */

/** Shared memory as the code under test sees it: the methods of `Atomics`, one turn each. */
export interface Words {
  load(index: number): number
  store(index: number, value: number): void
  /** Answers what was there before. */
  add(index: number, delta: number): number
  /** Answers what was there before. */
  compareExchange(index: number, expected: number, replacement: number): number
  /** Sleeps until notified, if the word holds `expected`. */
  wait(index: number, expected: number): 'ok' | 'not-equal'
  /** Wakes as many sleepers, all of them when left out; answers how many woke. */
  notify(index: number, count?: number): number
}

/** What one thread does; its number, from 0, tells it which one it is. */
export type Body = (words: Words, thread: number) => number | undefined

export interface Scenario {
  threads: number
  /** The threads may wait by looking again and again; without it, that is a fault. */
  maySpin?: true
  /** How far to walk; more threads have more orders than anybody can wait for. */
  limits?: Partial<Limits>
  /** So many threads may die, each at any point: before every turn, and asleep. */
  deaths?: number
  /** The words' names, for the card. */
  words: string[]
  /** What the words hold at the start; 0 where it says nothing. */
  initial?: Record<string, number>
  /** Loads the code under test, whose folder is `code` (a URL), and answers what every thread runs. */
  prepare(code: string): Promise<Body>
  /** Loads what the main thread does when it hears of a thread's death; the body gets that thread's number. */
  prepareExitHandler?(code: string): Promise<Body>
  /** What is wrong when all threads have ended, in a sentence; `undefined` when nothing is. `dead` holds those that died. */
  check(
    memory: readonly number[],
    results: readonly (number | undefined)[],
    dead: readonly number[],
  ): string | undefined
}

export interface Limits {
  /** Runs with at most so many preemptions come first. */
  preemptions: number
  /** So many runs are walked in order. */
  runs: number
  /** So many more are drawn by lot when those were not all. */
  samples: number
}

export interface Turn {
  thread: number
  /** `load count → 0` */
  text: string
}

export type Outcome =
  | { kind: 'held'; runs: number; isComplete: boolean }
  | { kind: 'broken'; runs: number; turns: Turn[]; finding: string; stack?: string }
  /** A thread neither reaches shared memory nor ends. */
  | { kind: 'stuck'; runs: number; turns: Turn[]; thread: number }
