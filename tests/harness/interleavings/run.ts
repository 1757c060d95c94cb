/**
 * One run: the threads of a scenario, moved one turn at a time, by whatever order the caller chooses.
 *
 * Only one thread is ever on its way, so a run is determined by the order of turns alone: the same choices make the
 * same run, every time.
 */

import { Deadline } from '../patience.ts'
import type { Turn } from './scenario.ts'
import {
  ABORTED,
  ASKS,
  awaitChange,
  type Block,
  BODY,
  DYING,
  EXIT_HANDLER,
  FIRST,
  IDLE,
  INDEX,
  KIND,
  KINDS,
  type Kind,
  RESULT,
  RETURNED,
  RETURNED_NOTHING,
  ROLE,
  RUNNING,
  SECOND,
  STATE,
  setState,
  TEXT_LENGTH,
  THREW,
} from './turnstile.ts'

/** What a thread would do with its next turn, or its death in place of it. */
export interface Access {
  thread: number
  kind: Kind | 'die'
  /** The word; for a death the one that the thread sleeps on, −1 when it is awake. */
  index: number
  first: number
  second: number
}

export type Phase = 'asks' | 'sleeps' | 'ended'

/** A thread computes for so long without asking for memory or ending: it never will. */
const STUCK_MS = 1_000

/** Enough to have looked at everything twice. */
const VAIN_TURNS = 8

/** Whether the thread leaves the state. Time in which it had no core is none in which it computes. */
function comesBack(block: Block, state: number): boolean {
  if (awaitChange(block, state, STUCK_MS)) return true
  // Only now: to count it takes a few system calls.
  const deadline = new Deadline(STUCK_MS, process.pid)
  while (!deadline.isOver) {
    if (awaitChange(block, state, deadline.leftMs)) return true
  }
  return false
}

export class ThreadStuck extends Error {
  readonly thread: number
  constructor(thread: number) {
    super(`thread ${thread + 1} neither reaches shared memory nor ends`)
    this.thread = thread
  }
}

/** Two accesses commute when it cannot matter which comes first. Of deaths only so many are allowed, so they never do. */
export function commute(a: Access, b: Access): boolean {
  if (a.thread === b.thread || (a.kind === 'die' && b.kind === 'die')) return false
  return a.index !== b.index || (a.kind === 'load' && b.kind === 'load')
}

export class Run {
  readonly memory: number[]
  readonly turns: Turn[] = []
  readonly results: (number | undefined)[]
  /** Threads that have died. Their turns since are those of the main thread's exit handler. */
  readonly dead: number[] = []
  /** What a thread threw, with its stack. */
  thrown: { thread: number; text: string } | undefined
  readonly #blocks: Block[]
  readonly #names: string[]
  readonly #phases: Phase[]
  /** Turns of each thread since the memory last changed. */
  readonly #vain: number[]
  /** Sleepers by word, in the order in which they fell asleep. */
  readonly #sleepers = new Map<number, number[]>()

  /** Starts every thread and lets it come to its first access. */
  constructor(blocks: Block[], names: string[], initial: Record<string, number> = {}) {
    this.#blocks = blocks
    this.#names = names
    this.memory = names.map((name) => initial[name] ?? 0)
    this.results = blocks.map(() => undefined)
    this.#phases = blocks.map(() => 'asks')
    this.#vain = blocks.map(() => 0)
    for (const thread of blocks.keys()) {
      this.#begin(thread, BODY)
    }
  }

  /** Threads that a turn can be given to. */
  ready(): number[] {
    return this.#inPhase('asks')
  }

  /** Whether the thread has looked so often in vain that only somebody else can get it any further. */
  isSpinning(thread: number): boolean {
    return this.#vain[thread] >= VAIN_TURNS
  }

  sleeping(): number[] {
    return this.#inPhase('sleeps')
  }

  /** Threads that can die: neither ended nor dead. */
  mortal(): number[] {
    return [...this.ready(), ...this.sleeping()].filter((thread) => !this.dead.includes(thread))
  }

  get hasEnded(): boolean {
    return this.#phases.every((phase) => phase === 'ended')
  }

  /** What the thread asks for. */
  access(thread: number): Access {
    const { words } = this.#blocks[thread]
    return {
      thread,
      kind: KINDS[words[KIND]],
      index: words[INDEX],
      first: words[FIRST],
      second: words[SECOND],
    }
  }

  /** The thread's death, in place of its turn. */
  death(thread: number): Access {
    const isAsleep = this.#phases[thread] === 'sleeps'
    const index = isAsleep ? this.access(thread).index : -1
    return { thread, kind: 'die', index, first: 0, second: 0 }
  }

  /** The name of the word that the thread's access is about. */
  nameOf(thread: number): string {
    const { index } = this.access(thread)
    return this.#names[index] ?? `word ${index}`
  }

  /** A dead thread's turns are the main thread's. */
  nameOfThread(thread: number): string {
    return this.dead.includes(thread) ? 'the main thread' : `thread ${thread + 1}`
  }

  /** Gives the thread its turn, and lets it come to its next access or to its end. */
  turn(thread: number): void {
    const access = this.access(thread)
    const before = this.memory[access.index]
    const result = this.#perform(thread, access as Access & { kind: Kind })
    if (this.memory[access.index] === before) this.#vain[thread] += 1
    else this.#vain.fill(0)
    if (result === 'sleeps') return
    this.#blocks[thread].words[RESULT] = result
    setState(this.#blocks[thread], RUNNING)
    this.#follow(thread)
  }

  /** Ends the thread where it stands, and lets the exit handler come to its first access, if there is one. */
  kill(thread: number, hasExitHandler: boolean): void {
    this.#tell(thread, 'dies')
    this.dead.push(thread)
    for (const sleepers of this.#sleepers.values()) {
      const place = sleepers.indexOf(thread)
      if (place >= 0) sleepers.splice(place, 1)
    }
    setState(this.#blocks[thread], DYING)
    if (!comesBack(this.#blocks[thread], DYING)) throw new ThreadStuck(thread)
    this.#vain.fill(0)
    this.#phases[thread] = hasExitHandler ? 'asks' : 'ended'
    if (hasExitHandler) this.#begin(thread, EXIT_HANDLER)
  }

  /** Gives the run up; every thread unwinds. */
  abort(): void {
    for (const [thread, block] of this.#blocks.entries()) {
      if (this.#phases[thread] === 'ended') continue
      setState(block, ABORTED)
      if (!comesBack(block, ABORTED)) throw new ThreadStuck(thread)
    }
  }

  #perform(
    thread: number,
    { kind, index, first, second }: Access & { kind: Kind },
  ): number | 'sleeps' {
    const before = this.memory[index]
    const name = this.nameOf(thread)
    switch (kind) {
      case 'load':
        this.#tell(thread, `load ${name} → ${before}`)
        return before
      case 'store':
        this.memory[index] = first
        this.#tell(thread, `store ${name} = ${first}`)
        return 0
      case 'add':
        this.memory[index] = (before + first) | 0
        this.#tell(
          thread,
          `add ${name} ${first < 0 ? '−' : '+'} ${Math.abs(first)} → was ${before}`,
        )
        return before
      case 'compareExchange': {
        const isSame = before === first
        if (isSame) this.memory[index] = second
        this.#tell(thread, `${name}: ${first} ⇒ ${second}? ${isSame ? 'yes' : `no, ${before}`}`)
        return before
      }
      case 'wait': {
        if (before !== first) {
          this.#tell(thread, `wait ${name} ≠ ${first}: go on`)
          return 1
        }
        this.#tell(thread, `wait ${name} = ${first}: sleeps`)
        this.#phases[thread] = 'sleeps'
        this.#sleepersOf(index).push(thread)
        return 'sleeps'
      }
      case 'notify':
        return this.#wake(thread, index, name, first)
    }
  }

  #wake(thread: number, index: number, name: string, count: number): number {
    const woken = this.#sleepersOf(index).splice(0, count)
    const whom = woken.map((sleeper) => `thread ${sleeper + 1}`).join(', ')
    if (woken.length > 0) this.#tell(thread, `notify ${name}: wakes ${whom}`)
    else if (count < 1) this.#tell(thread, `notify ${name}, ${count}: wakes nobody`)
    else this.#tell(thread, `notify ${name}: nobody sleeps`)
    for (const sleeper of woken) {
      this.#blocks[sleeper].words[RESULT] = 0
      setState(this.#blocks[sleeper], RUNNING)
      this.#phases[sleeper] = 'asks'
      this.#follow(sleeper)
    }
    return woken.length
  }

  #begin(thread: number, role: number): void {
    this.#blocks[thread].words[ROLE] = role
    setState(this.#blocks[thread], RUNNING)
    this.#follow(thread)
  }

  /** Waits until the thread asks for its next turn or has ended. */
  #follow(thread: number): void {
    const block = this.#blocks[thread]
    if (!comesBack(block, RUNNING)) throw new ThreadStuck(thread)
    const state = Atomics.load(block.words, STATE)
    if (state === ASKS) return
    this.#phases[thread] = 'ended'
    if (state === RETURNED && !this.dead.includes(thread))
      this.results[thread] = block.words[RESULT]
    if (state === RETURNED || state === RETURNED_NOTHING || state === IDLE) return
    if (state === THREW && !this.thrown) {
      const bytes = block.text.slice(0, block.words[TEXT_LENGTH])
      this.thrown = { thread, text: new TextDecoder().decode(bytes) }
    }
  }

  #sleepersOf(index: number): number[] {
    const sleepers = this.#sleepers.get(index) ?? []
    this.#sleepers.set(index, sleepers)
    return sleepers
  }

  #inPhase(wanted: Phase): number[] {
    return [...this.#phases.keys()].filter((thread) => this.#phases[thread] === wanted)
  }

  #tell(thread: number, text: string): void {
    this.turns.push({ thread, text: this.dead.includes(thread) ? `main: ${text}` : text })
  }
}
