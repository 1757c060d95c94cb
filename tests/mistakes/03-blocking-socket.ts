import type { Mistake } from './mistake.ts'

const file = 'blocking-socket.ts'
const bridge = 'bridge.ts'

const NEXT = `      const news = Atomics.load(this.#words, NEWS)
      const message = this.#receive()
      if (message) return message
      Atomics.wait(this.#words, NEWS, news)`

const DELIVER = `  port.postMessage(message)
  // Told last: whoever hears the news must find the message.
  tellNews(words)`

export const mistakes: Mistake[] = [
  {
    name: 'spins-instead-of-waiting',
    step: '03.1',
    says: ['to use no CPU', 'looks again and again'],
    edits: [
      {
        file,
        replace: NEXT,
        by: '      const message = this.#receive()\n      if (message) return message',
      },
    ],
  },
  {
    name: 'polls-with-an-alarm-clock',
    step: '03.1',
    says: ['a time-out in the wait'],
    // Whoever is lucky with the round trips is seen to look in silence.
    cardVaries: true,
    edits: [
      { file, replace: NEXT, by: NEXT.replace('NEWS, news)', 'NEWS, news, 100)') },
      {
        file: bridge,
        replace: 'tellNews(words)\n}\n\nfunction',
        by: 'void tellNews\n}\n\nfunction',
      },
    ],
  },
  {
    name: 'looks-every-few-ms',
    step: '03.1',
    says: ['There was no news to look for', 'leave it out'],
    edits: [{ file, replace: NEXT, by: NEXT.replace('NEWS, news)', 'NEWS, news, 5)') }],
  },
  {
    name: 'never-notifies',
    step: '03.1',
    says: ['thread 2 is at chapters/03-blocking-socket/blocking-socket.ts'],
    cardVaries: true,
    edits: [
      {
        file: bridge,
        replace: '  tellNews(words)\n}\n\nfunction',
        by: '  void words\n}\n\nfunction',
      },
    ],
  },
  {
    name: 'counts-after-the-look',
    step: '03.2',
    says: ['does not come back', 'The count must be read before the look'],
    edits: [
      {
        file,
        replace: NEXT,
        by: `      const message = this.#receive()
      if (message) return message
      const news = Atomics.load(this.#words, NEWS)
      Atomics.wait(this.#words, NEWS, news)`,
      },
    ],
  },
  {
    name: 'a-flag-instead-of-a-count',
    step: '03.2',
    says: ['does not come back', 'blocking-socket.ts', 'in #next()'],
    edits: [
      {
        file,
        replace: NEXT,
        by: `      Atomics.wait(this.#words, NEWS, 0)
      Atomics.store(this.#words, NEWS, 0)
      const message = this.#receive()
      if (message) return message`,
      },
    ],
  },
  {
    name: 'tells-the-news-before-the-message',
    step: '03.2',
    orStep: '03.1',
    says: ['deliver()'],
    edits: [
      { file: bridge, replace: DELIVER, by: '  tellNews(words)\n  port.postMessage(message)' },
    ],
  },
  {
    name: 'says-nothing-of-the-end',
    step: '03.3',
    says: ["nobody told it about 'end'"],
    edits: [
      {
        file: bridge,
        replace: "  socket.on('end', () => deliver(port, words, { kind: 'end' }))\n",
        by: '',
      },
    ],
  },
  {
    name: 'forgets-that-it-ended',
    step: '03.3',
    says: ['does not come back', 'Remember that the end has come'],
    edits: [
      {
        file,
        replace: "if (message.kind !== 'bytes') this.#ending = message",
        by: "if (message.kind === 'lost') this.#ending = message",
      },
    ],
  },
  {
    name: 'sleeps-after-a-loss',
    step: '03.3',
    says: ['does not come back', 'Remember that the peer is lost'],
    edits: [
      {
        file,
        replace: "if (message.kind !== 'bytes') this.#ending = message",
        by: "if (message.kind === 'end') this.#ending = message",
      },
    ],
  },
  {
    name: 'ends-after-a-loss',
    step: '03.3',
    says: ['A loss is no end'],
    edits: [
      {
        file,
        replace: "if (message.kind !== 'bytes') this.#ending = message",
        by: "if (message.kind !== 'bytes') this.#ending = { kind: 'end' }",
      },
    ],
  },
  {
    name: 'loses-the-code-in-the-thread',
    step: '03.3',
    says: ['throws ConnectionLost (ECONNRESET)', 'the code of the message'],
    edits: [
      { file, replace: 'new ConnectionLost(message.code)', by: "new ConnectionLost('ECONNRESET')" },
    ],
  },
  {
    name: 'loses-the-code-in-the-bridge',
    step: '03.3',
    says: ['lost ECONNRESET', "The code comes with 'error'"],
    edits: [
      { file: bridge, replace: 'lostWith = error.code ?? lostWith', by: 'void [error, lostWith]' },
    ],
  },
  {
    name: 'tells-a-loss-as-an-end',
    step: '03.3',
    says: ['half a file is no file'],
    edits: [
      {
        file: bridge,
        replace: "deliver(port, words, { kind: 'lost', code: lostWith })",
        by: "deliver(port, words, { kind: 'end' })\n    void lostWith",
      },
    ],
  },
  {
    name: 'throws-the-last-bytes-away',
    step: '03.3',
    says: ['What came before the loss is read first', 'CLOSED is for those who write'],
    edits: [
      {
        file,
        replace: 'const message = this.#ending ?? this.#next()',
        by: `if (Atomics.load(this.#words, CLOSED)) throw new ConnectionLost('ETIMEDOUT')
    const message = this.#ending ?? this.#next()`,
      },
    ],
  },
  {
    name: 'says-nothing-of-a-lost-peer',
    step: '03.3',
    says: ['must be free for cyd', 'Threads'],
    edits: [
      {
        file: bridge,
        replace:
          "if (!socket.readableEnded) deliver(port, words, { kind: 'lost', code: lostWith })",
        by: 'void lostWith',
      },
    ],
  },
  {
    name: 'takes-a-loss-for-an-end',
    step: '03.3',
    says: ['A loss is no end'],
    edits: [
      {
        file,
        replace: "if (message.kind === 'lost') throw new ConnectionLost(message.code)",
        by: "if (message.kind === 'lost') return null",
      },
    ],
  },
  {
    name: 'never-pauses-the-socket',
    step: '03.4',
    says: ['ada to be held back', 'pause the socket'],
    edits: [{ file: bridge, replace: 'if (untaken >= WINDOW_BYTES) socket.pause()', by: '' }],
  },
  {
    name: 'gives-credit-for-what-was-never-taken',
    step: '03.4',
    says: ['ada to be held back'],
    edits: [
      {
        file: bridge,
        replace: 'if (untaken >= WINDOW_BYTES) socket.pause()',
        by: 'if (untaken >= WINDOW_BYTES) setImmediate(() => (untaken = 0))',
      },
    ],
  },
  {
    name: 'gives-credit-twice',
    step: '03.4',
    says: ['dee to be held back', 'Is credit given twice'],
    edits: [
      { file: bridge, replace: 'untaken -= message.bytes', by: 'untaken -= 2 * message.bytes' },
    ],
  },
  {
    name: 'pauses-only-the-first-time',
    step: '03.4',
    says: ['to be held back'],
    cardVaries: true,
    edits: [
      { file: bridge, replace: 'let untaken = 0', by: 'let untaken = 0\n  let hasPaused = false' },
      {
        file: bridge,
        replace: 'if (untaken >= WINDOW_BYTES) socket.pause()',
        by: `if (untaken < WINDOW_BYTES || hasPaused) return
    hasPaused = true
    socket.pause()`,
      },
    ],
  },
  {
    name: 'never-resumes-the-socket',
    step: '03.4',
    says: ['the bridge resumes the socket'],
    edits: [{ file: bridge, replace: 'if (untaken < WINDOW_BYTES) socket.resume()', by: '' }],
  },
  {
    name: 'waits-for-room-only-once',
    step: '03.4',
    says: ['Being woken does not mean that there is room'],
    edits: [
      {
        file,
        hole: '#waitForRoom',
        by: `    const news = Atomics.load(this.#words, NEWS)
    if (Atomics.load(this.#words, CLOSED)) throw new ConnectionLost('EPIPE')
    if (this.#unflushed() <= WINDOW_BYTES) return
    Atomics.wait(this.#words, NEWS, news)
    if (Atomics.load(this.#words, CLOSED)) throw new ConnectionLost('EPIPE')`,
      },
    ],
  },
  {
    name: 'looks-for-room-before-it-counts',
    step: '03.4',
    says: ['does not come back', 'the count of news first'],
    edits: [
      {
        file,
        hole: '#waitForRoom',
        by: `    for (;;) {
      if (Atomics.load(this.#words, CLOSED)) throw new ConnectionLost('EPIPE')
      if (this.#unflushed() <= WINDOW_BYTES) return
      const news = Atomics.load(this.#words, NEWS)
      Atomics.wait(this.#words, NEWS, news)
    }`,
      },
    ],
  },
  {
    name: 'sleeps-on-when-closed',
    step: '03.4',
    says: ['03.4'],
    cardVaries: true,
    edits: [
      {
        file,
        hole: '#waitForRoom',
        by: `    for (;;) {
      const news = Atomics.load(this.#words, NEWS)
      if (this.#unflushed() <= WINDOW_BYTES) return
      Atomics.wait(this.#words, NEWS, news)
    }`,
      },
    ],
  },
  {
    name: 'returns-when-closed',
    step: '03.4',
    says: ['the writer must not believe otherwise'],
    edits: [
      {
        file,
        hole: '#waitForRoom',
        by: `    for (;;) {
      const news = Atomics.load(this.#words, NEWS)
      if (Atomics.load(this.#words, CLOSED)) return
      if (this.#unflushed() <= WINDOW_BYTES) return
      Atomics.wait(this.#words, NEWS, news)
    }`,
      },
    ],
  },
  {
    name: 'looks-for-room-every-few-ms',
    step: '03.4',
    says: ['A thread that waits for room costs nothing'],
    edits: [
      {
        file,
        hole: '#waitForRoom',
        by: `    for (;;) {
      if (Atomics.load(this.#words, CLOSED)) throw new ConnectionLost('EPIPE')
      if (this.#unflushed() <= WINDOW_BYTES) return
      Atomics.wait(this.#words, NEWS, Atomics.load(this.#words, NEWS), 5)
    }`,
      },
    ],
  },
  {
    name: 'sleeps-at-the-mark',
    step: '03.4',
    says: ['does not come back'],
    edits: [
      {
        file,
        hole: '#waitForRoom',
        by: `    for (;;) {
      const news = Atomics.load(this.#words, NEWS)
      if (Atomics.load(this.#words, CLOSED)) throw new ConnectionLost('EPIPE')
      if (this.#unflushed() < WINDOW_BYTES) return
      Atomics.wait(this.#words, NEWS, news)
    }`,
      },
    ],
  },
  {
    name: 'writes-without-waiting',
    step: '03.4',
    says: ['while bob does not read', '#waitForRoom'],
    edits: [{ file, replace: 'if (this.#unflushed() > WINDOW_BYTES) this.#waitForRoom()', by: '' }],
  },
  {
    name: 'decodes-each-piece',
    step: '03.5',
    says: ['A character may come in several pieces', 'Decode the whole line'],
    edits: [
      {
        file,
        replace: "const line = Buffer.concat(pieces).toString('utf8')",
        by: "const line = pieces.map((piece) => Buffer.from(piece).toString('utf8')).join('')",
      },
    ],
  },
  {
    name: 'loses-what-follows-the-line',
    step: '03.5',
    says: ['Several lines may come at once'],
    edits: [
      { file, replace: 'if (end + 1 < bytes.length) this.#rest = bytes.subarray(end + 1)', by: '' },
    ],
  },
  {
    name: 'no-limit-for-a-line',
    step: '03.5',
    says: ['Throw LineTooLong'],
    edits: [{ file, replace: 'if (content > maxBytes) throw', by: 'if (content < 0) throw' }],
  },
  {
    name: 'counts-the-carriage-return',
    step: '03.5',
    says: ['does not count, however it is cut'],
    edits: [{ file, replace: 'lastByte === CARRIAGE_RETURN ? length - 1 : length', by: 'length' }],
  },
  {
    name: 'forgets-the-limit-when-the-end-is-there',
    step: '03.5',
    says: ['its end included'],
    edits: [
      {
        file,
        replace: 'if (content > maxBytes) throw',
        by: 'if (end < 0 && content > maxBytes) throw',
      },
    ],
  },
  {
    name: 'an-empty-line-behind-the-last',
    step: '03.5',
    says: ['not even an empty one'],
    edits: [
      {
        file,
        replace: 'if (!bytes) return length > 0 ? toLine(pieces) : null',
        by: `if (!bytes) {
        if (length === 0 && this.#saidLast) return null
        this.#saidLast = true
        return toLine(pieces)
      }`,
      },
      {
        file,
        replace: '  /** Bytes written so far, modulo 2³². */',
        by: '  #saidLast = false\n  /** Bytes written so far, modulo 2³². */',
      },
    ],
  },
  {
    name: 'drops-the-last-line',
    step: '03.5',
    says: ['without a line end is a line too'],
    edits: [{ file, replace: 'return length > 0 ? toLine(pieces) : null', by: 'return null' }],
  },
]
