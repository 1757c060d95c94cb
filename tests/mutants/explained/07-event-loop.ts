import type { Explained } from '../explained.ts'

const HAND_OVER =
  'if (taken > 0) this.#socket.write(taken < bytes.length ? bytes.subarray(0, taken) : bytes)'

export const explained: Explained[] = [
  ...['true', 'taken >= 0'].map((now) => ({
    file: 'byte-stream.ts',
    function: 'write',
    was: HAND_OVER,
    now: `if (${now}) this.#socket.write(taken < bytes.length ? bytes.subarray(0, taken) : bytes)`,
    because: 'An empty write sends nothing. #probe() writes one on purpose, once a second.',
  })),
  ...['true', 'taken <= bytes.length'].map((now) => ({
    file: 'byte-stream.ts',
    function: 'write',
    was: HAND_OVER,
    now: `if (taken > 0) this.#socket.write(${now} ? bytes.subarray(0, taken) : bytes)`,
    because: 'When all of it fits, the part that fits is all of it: the same bytes.',
  })),
  {
    file: 'connection.ts',
    function: '#flush',
    was: "this.#state = 'finSent'",
    now: 'this.#state = ""',
    because: 'Of the four states it is the one that nobody asks for: it is none of the others.',
  },
]
