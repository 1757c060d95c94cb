import type { Explained } from '../explained.ts'

export const explained: Explained[] = [
  {
    file: 'blocking-socket.ts',
    function: 'readLine',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the line as it stands.
    was: 'if (content > maxBytes) throw new LineTooLong(`a line of more than ${maxBytes} bytes`)',
    now: 'if (content > maxBytes) throw new LineTooLong(``)',
    because: 'The text is for people; what a program needs is the class.',
  },
  {
    file: 'blocking-socket.ts',
    function: '#waitForRoom',
    was: "return this.#unflushed() <= WINDOW_BYTES ? 'room' : undefined",
    now: 'return this.#unflushed() <= WINDOW_BYTES ? "" : undefined',
    because: 'Anything but undefined ends the wait, and nobody looks at what was found.',
  },
  {
    file: 'bridge.ts',
    function: 'pumpToThread',
    was: 'let untaken = 0',
    now: 'let untaken = 1',
    because:
      'The window is a byte smaller. The promise is an upper bound: with WINDOW_BYTES not taken nothing is sent.',
  },
  {
    file: 'bridge.ts',
    function: 'pumpToThread',
    was: 'if (untaken >= WINDOW_BYTES) socket.pause()',
    now: 'if (true) socket.pause()',
    because:
      'The thread is sent one chunk at a time, and the next one when it has taken that. All of it comes, in order, and the window, which is an upper bound, is kept: a right answer that pipes into a Writable does the same.',
  },
  {
    file: 'news.ts',
    function: 'tellNews',
    was: 'Atomics.add(words, NEWS, 1)',
    now: 'Atomics.add(words, NEWS, 2)',
    because: 'The count is only compared with an earlier one: whatever grows will do.',
  },
]
