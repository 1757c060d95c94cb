import type { Explained } from '../explained.ts'

export const explained: Explained[] = [
  {
    file: 'bounds.ts',
    function: '#pay',
    was: 'this.#pause = undefined',
    now: '',
    because:
      'A timer that has fired may be cancelled again, and nothing happens: chapter 08 promises that. The line only lets go of it.',
  },
  {
    file: 'limits.ts',
    function: 'take',
    was: 'return this.#tokens >= 0 ? 0 : -this.#tokens / this.#perMs',
    now: 'return this.#tokens > 0 ? 0 : -this.#tokens / this.#perMs',
    because: 'No debt, divided by the rate, is -0, and -0 === 0.',
  },
]
