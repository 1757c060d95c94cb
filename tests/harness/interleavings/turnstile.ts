/**
 * The turnstile between a thread and shared memory: each access asks for its turn, sleeps until it gets one, and
 * is handed the result. The thread never touches the memory; the one who gives the turns does.
 *
 * One block of shared words a thread. `STATE` says whose move it is, and is what both sides sleep on.
 */

import type { Words } from './scenario.ts'

export const STATE = 0
export const KIND = 1
export const INDEX = 2
export const FIRST = 3
export const SECOND = 4
export const RESULT = 5
/** Length of the text that follows: what was thrown. */
export const TEXT_LENGTH = 6
/** What the thread runs: the scenario's body, or for a thread that has died the main thread's exit handler. */
export const ROLE = 7
export const BLOCK_WORDS = 8
export const TEXT_BYTES = 2_048

/** The thread waits for a run to begin. */
export const IDLE = 0
/** The thread is on its way: it computes, and nobody waits for it but the explorer. */
export const RUNNING = 1
/** The thread asks for a turn. */
export const ASKS = 2
/** The thread has ended, with a result, without one, or by an exception. */
export const RETURNED = 3
export const RETURNED_NOTHING = 4
export const THREW = 5
/** The run is over: the thread is to unwind. */
export const ABORTED = 6
/** The thread dies: it unwinds, and nothing it does on the way reaches the memory. */
export const DYING = 7
export const DEAD = 8

/** Values of `ROLE`. */
export const BODY = 0
export const EXIT_HANDLER = 1

export const KINDS = ['load', 'store', 'add', 'compareExchange', 'wait', 'notify'] as const
export type Kind = (typeof KINDS)[number]

/** A thread's own block within the shared memory of the exploration. */
export interface Block {
  words: Int32Array
  text: Uint8Array
}

export function makeBlocks(threads: number): SharedArrayBuffer[] {
  return Array.from({ length: threads }, () => new SharedArrayBuffer(BLOCK_WORDS * 4 + TEXT_BYTES))
}

export function openBlock(buffer: SharedArrayBuffer): Block {
  return {
    words: new Int32Array(buffer, 0, BLOCK_WORDS),
    text: new Uint8Array(buffer, BLOCK_WORDS * 4),
  }
}

/** Changes the state and wakes the other side. */
export function setState({ words }: Block, state: number): void {
  Atomics.store(words, STATE, state)
  Atomics.notify(words, STATE)
}

/**
 * Looks before sleep, about 0.1 ms of them: mostly the other side answers meanwhile. With a sleep at every turn, chapter
 * 05 takes twice as long.
 */
const LOOKS = 5_000

/** Where looking was in vain so often in a row, the cores have others to serve. */
const VAIN = 4

/** So many times nobody looks then. */
const PAUSE = 200

// Each thread has its own.
let inVain = 0
let pause = 0

/** Looks whether the state changes soon. */
function seesChange(words: Int32Array, state: number): boolean {
  if (pause > 0) {
    pause -= 1
    return false
  }
  for (let look = 0; look < LOOKS; look++) {
    if (Atomics.load(words, STATE) === state) continue
    inVain = 0
    return true
  }
  inVain += 1
  if (inVain === VAIN) [inVain, pause] = [0, PAUSE]
  return false
}

/** Sleeps as long as the state is `state`; false when that takes longer than `timeoutMs`. */
export function awaitChange({ words }: Block, state: number, timeoutMs?: number): boolean {
  if (seesChange(words, state)) return true
  while (Atomics.load(words, STATE) === state) {
    if (Atomics.wait(words, STATE, state, timeoutMs) === 'timed-out') return false
  }
  return true
}

/** Unwinds a thread that dies or whose run was given up. The code under test may catch it; its next access throws again. */
export class RunAborted extends Error {}

/** The words as a thread under test sees them. */
export class TurnstileWords implements Words {
  readonly #block: Block

  constructor(block: Block) {
    this.#block = block
  }

  load(index: number): number {
    return this.#turn('load', index)
  }

  store(index: number, value: number): void {
    this.#turn('store', index, value)
  }

  add(index: number, delta: number): number {
    return this.#turn('add', index, delta)
  }

  compareExchange(index: number, expected: number, replacement: number): number {
    return this.#turn('compareExchange', index, expected, replacement)
  }

  wait(index: number, expected: number): 'ok' | 'not-equal' {
    return this.#turn('wait', index, expected) === 0 ? 'ok' : 'not-equal'
  }

  notify(index: number, count = 0x7fffffff): number {
    return this.#turn('notify', index, count)
  }

  #turn(kind: Kind, index: number, first = 0, second = 0): number {
    const { words } = this.#block
    this.#unwindIfOver()
    words[KIND] = KINDS.indexOf(kind)
    words[INDEX] = index
    words[FIRST] = first
    words[SECOND] = second
    setState(this.#block, ASKS)
    awaitChange(this.#block, ASKS)
    this.#unwindIfOver()
    return words[RESULT]
  }

  #unwindIfOver(): void {
    const state = Atomics.load(this.#block.words, STATE)
    if (state === ABORTED || state === DYING) throw new RunAborted()
  }
}
