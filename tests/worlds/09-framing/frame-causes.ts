/** Why a decoder of chapter 09 does not return what it should: the cause that fits what was seen. */

import type { Reason } from '../../harness/failure.ts'

export interface Pushed {
  /** What the frames were, as texts. */
  received: string[]
  expected: string[]
  /** What push() threw instead, if it did. */
  thrown?: unknown
  /** Whether the frames were right when they were returned. */
  wasRight: boolean
  /** Whether they still are, and only the list of them is not. */
  isListWrong: boolean
  /** Whether it was not the first chunk of its decoder. */
  isLater: boolean
}

/** The first cause that fits, or what the test says anyway. */
export function causeOf(pushed: Pushed, reason: Reason): Partial<Reason> {
  const { received, expected, thrown, isLater } = pushed
  if (thrown instanceof RangeError) return NO_ROOM
  if (thrown instanceof Endless) return NO_END
  if (thrown)
    return {
      likely: 'An exception ends the loop for all connections. Nothing here needs to throw.',
    }
  if (pushed.isListWrong) return ONE_LIST
  if (pushed.wasRight) return UNCHANGED
  if (received.some((text) => text.startsWith('incomplete'))) return NOT_IN_THE_LIST
  const areFrames = received.every((text) => text.startsWith('frame'))
  if (!isLater && areFrames && received.length > expected.length) return TWICE
  const [first] = received
  if (isLater && received.length < expected.length && startsWith(expected, received)) {
    return received.length > 0 ? BEHIND : reason
  }
  if (
    received.length > 1 &&
    received.every((text) => text === first) &&
    first === expected.at(-1)
  ) {
    return {
      likely: 'One object is used for all frames. Make a new one for each.',
      look: 'frames.push()',
    }
  }
  if (received.length > 1 && received.toReversed().join() === expected.join()) {
    return { likely: 'The first frame of the chunk comes first.', look: 'frames.push()' }
  }
  if (isLater && received.length > 0 && !startsWith(expected, received)) return MIXED_UP
  return reason
}

/** What a push() that goes round without an end is stopped with. */
export class Endless extends Error {}

/** How often a push() may still ask for something. */
export interface Budget {
  calls: number
}

/**
 * Counts the calls of an object's method, and stops a push() that goes round when no bytes can be left. Without it the
 * process would have to be ended, and nobody could say what was asked for.
 */
export function limitCalls(object: object, name: string, budget: Budget): void {
  const method: (...args: unknown[]) => unknown = Reflect.get(object, name)
  Object.defineProperty(object, name, {
    value(...args: unknown[]) {
      budget.calls -= 1
      if (budget.calls < 0) throw new Endless(`${name}() is called again and again`)
      return method.apply(object, args)
    },
  })
}

const NO_ROOM: Partial<Reason> = {
  because: 'There must be room for every byte of a frame, made when it is needed.',
  likely:
    '#begun is too small, or a piece is too large. #keep() makes room for all that was kept and the new bytes; totalBytes counts what was kept as well as what is missing; and a piece has at most missingBytes bytes.',
  look: ['frames.#keep()', 'frames.#finishBegun()'],
}

const NO_END: Partial<Reason> = {
  because: 'When a chunk is used up, push() returns.',
  likely:
    'A loop takes no bytes and goes on. It must end when the chunk is used up; subarray(start, end) takes two places, not a place and a number; and a frame that is finished is forgotten: #begun and #begunBytes.',
  look: ['frames.#finishBegun()', 'frames.push()'],
}

const NOT_IN_THE_LIST: Partial<Reason> = {
  likely: 'push() returns frames and invalid lengths. `incomplete` does not belong in its list.',
  look: 'frames.push()',
}

const TWICE: Partial<Reason> = {
  because: 'Each byte belongs to one frame only. This chunk does not complete so many.',
  likely:
    'The same bytes are taken twice. push() goes on from `end` after a frame; after `incomplete`, the chunk is used up.',
  look: ['frames.push()', 'frames.next()'],
}

const BEHIND: Partial<Reason> = {
  because: 'The chunk holds more frames after the one that it completes.',
  likely:
    'The rest of the chunk is lost, or has become part of the frame. Take what that frame is missing and no more; the next one begins there.',
  look: ['frames.#finishBegun()', 'frames.push()'],
}

const MIXED_UP: Partial<Reason> = {
  likely:
    'Bytes are lost, repeated, or in the wrong place. What is kept begins at `from`; #keep() adds each piece after the bytes kept earlier; `end` counts every piece that was taken; and a finished frame leaves no #begunBytes.',
  look: ['frames.#keep()', 'frames.#finishBegun()'],
}

const UNCHANGED: Partial<Reason> = {
  because:
    'A payload that was handed out belongs to its receiver, and later chunks must not write into it.',
  likely: 'The memory of a frame that was handed out is used again for the next one.',
  look: ['frames.#finishBegun()', 'frames.#keep()'],
}

const ONE_LIST: Partial<Reason> = {
  because: 'A list that was handed out belongs to its receiver, and may be read later.',
  likely: 'One list is used for all calls. Begin each push() with a new one.',
  look: 'frames.push()',
}

function startsWith(texts: string[], start: string[]): boolean {
  return start.every((text, index) => text === texts[index])
}
