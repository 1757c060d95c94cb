import type { Mistake } from './mistake.ts'

const file = 'blocking-socket.ts'
const bridge = 'bridge.ts'
const news = 'news.ts'

/** For a `#waitForRoom()` that sleeps by itself. */
const WITH_NEWS = { file, replace: '  FLUSHED,\n', by: '  FLUSHED,\n  NEWS,\n' }

export const mistakes: Mistake[] = [
  {
    name: 'spins-instead-of-waiting',
    step: '03.1',
    says: ['never returns: spinning', 'never sleeps'],
    edits: [
      {
        file: news,
        hole: 'sleepUntil',
        by: `  for (;;) {
    const found = look()
    if (found !== undefined) return found
  }`,
      },
    ],
  },
  {
    name: 'polls-with-an-alarm-clock',
    step: '03.1',
    says: ['in that hour', 'The wait has a timeout'],
    edits: [
      {
        file: news,
        hole: 'sleepUntil',
        by: `  for (;;) {
    const news = Atomics.load(words, NEWS)
    const found = look()
    if (found !== undefined) return found
    Atomics.wait(words, NEWS, news, 1_000)
  }`,
      },
    ],
  },
  {
    name: 'looks-every-few-ms',
    step: '03.1',
    says: ['There was no news to look for', 'Leave it out'],
    edits: [
      {
        file: news,
        hole: 'sleepUntil',
        by: `  for (;;) {
    const found = look()
    if (found !== undefined) return found
    Atomics.wait(words, NEWS, Atomics.load(words, NEWS), 5)
  }`,
      },
    ],
  },
  {
    name: 'counts-after-the-look',
    step: '03.1',
    says: ['never returns: asleep', 'the lost wake-up', 'Read the count before the look'],
    edits: [
      {
        file: news,
        hole: 'sleepUntil',
        by: `  for (;;) {
    const found = look()
    if (found !== undefined) return found
    const news = Atomics.load(words, NEWS)
    Atomics.wait(words, NEWS, news)
  }`,
      },
    ],
  },
  {
    name: 'a-flag-instead-of-a-count',
    step: '03.1',
    says: ['Look first, and sleep only when there is nothing'],
    edits: [
      {
        file: news,
        hole: 'sleepUntil',
        by: `  for (;;) {
    Atomics.wait(words, NEWS, 0)
    Atomics.store(words, NEWS, 0)
    const found = look()
    if (found !== undefined) return found
  }`,
      },
    ],
  },
  {
    name: 'sleeps-while-the-word-is-zero',
    step: '03.1',
    says: ['spinning', 'the value that you read before the look'],
    edits: [
      {
        file: news,
        hole: 'sleepUntil',
        by: `  for (;;) {
    const found = look()
    if (found !== undefined) return found
    Atomics.wait(words, NEWS, 0)
  }`,
      },
    ],
  },
  {
    name: 'sleeps-on-another-word',
    step: '03.1',
    says: ['sleeps on a word that nobody notifies'],
    edits: [
      {
        file: news,
        hole: 'sleepUntil',
        by: `  for (;;) {
    const flushed = Atomics.load(words, 1)
    const found = look()
    if (found !== undefined) return found
    Atomics.wait(words, 1, flushed)
  }`,
      },
    ],
  },
  {
    name: 'looks-once-after-it-woke',
    step: '03.1',
    says: ['Being woken does not mean that it is there'],
    edits: [
      {
        file: news,
        hole: 'sleepUntil',
        by: `  const news = Atomics.load(words, NEWS)
  const found = look()
  if (found !== undefined) return found
  Atomics.wait(words, NEWS, news)
  return look() as Found`,
      },
    ],
  },
  {
    name: 'takes-false-for-nothing',
    step: '03.1',
    says: ['Compare with undefined'],
    edits: [
      {
        file: news,
        hole: 'sleepUntil',
        by: `  for (;;) {
    const news = Atomics.load(words, NEWS)
    const found = look()
    if (found) return found
    Atomics.wait(words, NEWS, news)
  }`,
      },
    ],
  },
  {
    name: 'a-flag-that-flips',
    step: '03.1',
    says: ['A flag that changes twice'],
    edits: [
      { file: news, replace: 'Atomics.add(words, NEWS, 1)', by: 'Atomics.xor(words, NEWS, 1)' },
    ],
  },
  {
    name: 'a-flag-that-stays-set',
    step: '03.1',
    says: ['must not look like none'],
    edits: [
      { file: news, replace: 'Atomics.add(words, NEWS, 1)', by: 'Atomics.store(words, NEWS, 1)' },
    ],
  },
  {
    name: 'counts-and-wakes-nobody',
    step: '03.1',
    says: ['Changing a word wakes nobody'],
    edits: [{ file: news, replace: '  Atomics.notify(words, NEWS)\n', by: '' }],
  },
  {
    name: 'notifies-before-it-counts',
    step: '03.1',
    says: ['to change, and then the sleeper', 'first, then Atomics.notify'],
    edits: [
      {
        file: news,
        hole: 'tellNews',
        by: '  Atomics.notify(words, NEWS)\n  Atomics.add(words, NEWS, 1)',
      },
    ],
  },
  {
    name: 'notifies-another-word',
    step: '03.1',
    says: ['to be woken', 'the same word'],
    edits: [{ file: news, replace: 'Atomics.notify(words, NEWS)', by: 'Atomics.notify(words, 1)' }],
  },
  {
    name: 'forgets-the-loop',
    step: '03.1',
    says: ['Being woken does not mean that it is there'],
    edits: [
      {
        file: news,
        hole: 'sleepUntil',
        by: `  for (;;) {
    const news = Atomics.load(words, NEWS)
    const found = look()
    if (found !== undefined) return found
    if (Atomics.wait(words, NEWS, news) === 'ok') return look() as Found
  }`,
      },
    ],
  },
  {
    name: 'never-notifies',
    step: '03.2',
    says: ['the news to be told', 'In deliver()'],
    edits: [{ file: bridge, hole: 'deliver', by: '  port.postMessage(message)\n  void words' }],
  },
  {
    name: 'tells-the-news-before-the-message',
    step: '03.2',
    says: ['In deliver()'],
    edits: [
      { file: bridge, hole: 'deliver', by: '  tellNews(words)\n  port.postMessage(message)' },
    ],
  },
  {
    name: 'posts-a-turn-later',
    step: '03.2',
    says: ['In deliver()'],
    edits: [
      {
        file: bridge,
        hole: 'deliver',
        by: '  setImmediate(() => port.postMessage(message))\n  tellNews(words)',
      },
    ],
  },
  {
    name: 'forgets-what-it-looked-at',
    step: '03.2',
    says: ['Let sleepUntil() wait, with a look'],
    edits: [
      {
        file,
        replace: 'sleepUntil(this.#words, this.#receive)',
        by: 'sleepUntil(this.#words, () => this.#receive() && this.#receive())',
      },
    ],
  },
  {
    name: 'delivers-text',
    step: '03.2',
    says: ['went through a string'],
    edits: [
      {
        file: bridge,
        replace: "kind: 'bytes', bytes })\n    untaken",
        by: "kind: 'bytes', bytes: Buffer.from(bytes.toString()) })\n    untaken",
      },
    ],
  },
  {
    name: 'says-nothing-of-the-end',
    step: '03.3',
    says: ['what the bridge tells', "when the socket emits 'end'"],
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
    says: ['does not come back', 'Remember that the stream has ended'],
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
    says: ['A loss is not an end'],
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
    says: ['half a file must not look like a whole one', 'deliver `lost`, not `end`'],
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
    says: ['What arrived before the loss is read first', 'CLOSED is for write()'],
    edits: [
      {
        file,
        replace: 'const message = this.#ending ?? sleepUntil(this.#words, this.#receive)',
        by: `if (Atomics.load(this.#words, CLOSED)) throw new ConnectionLost('ETIMEDOUT')
    const message = this.#ending ?? sleepUntil(this.#words, this.#receive)`,
      },
    ],
  },
  {
    name: 'says-nothing-of-a-lost-peer',
    step: '03.3',
    says: ['half a file must not look like a whole one', "'close' is always emitted"],
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
    says: ['A loss is not an end'],
    edits: [
      {
        file,
        replace: "if (message.kind === 'lost') throw new ConnectionLost(message.code)",
        by: "if (message.kind === 'lost') return null",
      },
    ],
  },
  {
    name: 'returns-an-empty-chunk-at-the-end',
    step: '03.3',
    says: ['An empty chunk is something else'],
    edits: [
      {
        file,
        replace: "if (message.kind === 'end') return null",
        by: "if (message.kind === 'end') return new Uint8Array(0)",
      },
    ],
  },
  {
    name: 'throws-any-error',
    step: '03.3',
    says: ['Throw a ConnectionLost at a loss'],
    edits: [
      {
        file,
        replace: 'throw new ConnectionLost(message.code)',
        by: 'throw new Error(message.code)',
      },
    ],
  },
  {
    name: 'ends-when-we-have-said-fin',
    step: '03.3',
    says: ['but the peer still does', 'Only the messages'],
    edits: [
      {
        file,
        replace: 'sleepUntil(this.#words, this.#receive)',
        by: `sleepUntil(this.#words, () => {
        const found = this.#receive()
        if (!found && Atomics.load(this.#words, CLOSED)) return { kind: 'end' as const }
        return found
      })`,
      },
    ],
  },
  {
    name: 'tells-a-loss-only-at-an-error',
    step: '03.3',
    says: ["may close without an 'error'"],
    edits: [
      {
        file: bridge,
        replace:
          "  socket.on('close', () => {\n    if (!socket.readableEnded) deliver(port, words, { kind: 'lost', code: lostWith })\n  })\n",
        by: '',
      },
      {
        file: bridge,
        replace: 'lostWith = error.code ?? lostWith\n',
        by: "lostWith = error.code ?? lostWith\n    deliver(port, words, { kind: 'lost', code: lostWith })\n",
      },
    ],
  },
  {
    name: 'tells-a-loss-twice',
    step: '03.3',
    says: ['the loss is told once', "at 'close' only"],
    edits: [
      {
        file: bridge,
        replace: 'lostWith = error.code ?? lostWith\n',
        by: "lostWith = error.code ?? lostWith\n    deliver(port, words, { kind: 'lost', code: lostWith })\n",
      },
    ],
  },
  {
    name: 'tells-a-loss-a-turn-later',
    step: '03.3',
    says: ['half a file must not look like a whole one', 'the port closes right after'],
    edits: [
      {
        file: bridge,
        replace:
          "if (!socket.readableEnded) deliver(port, words, { kind: 'lost', code: lostWith })",
        by: "if (socket.readableEnded) return\n    setImmediate(() => deliver(port, words, { kind: 'lost', code: lostWith }))",
      },
    ],
  },
  {
    name: 'has-no-code-without-an-error',
    step: '03.3',
    says: ['has to learn why', 'the code is ECONNRESET'],
    edits: [{ file: bridge, replace: "let lostWith = 'ECONNRESET'", by: "let lostWith = ''" }],
  },
  {
    name: 'tells-a-loss-after-the-end',
    step: '03.3',
    says: ['nothing comes after it', 'A socket that has ended closes, too'],
    edits: [{ file: bridge, replace: 'if (!socket.readableEnded) deliver', by: 'deliver' }],
  },
  {
    name: 'delivers-bytes-a-turn-later',
    step: '03.3',
    says: ['a turn of the loop later'],
    edits: [
      {
        file: bridge,
        replace: "deliver(port, words, { kind: 'bytes', bytes })\n",
        by: "setImmediate(() => deliver(port, words, { kind: 'bytes', bytes }))\n",
      },
    ],
  },
  {
    name: 'tells-the-end-as-a-loss',
    step: '03.3',
    says: ["the peer's FIN, and no loss"],
    edits: [
      {
        file: bridge,
        replace: "deliver(port, words, { kind: 'end' })",
        by: "deliver(port, words, { kind: 'lost', code: lostWith })",
      },
    ],
  },
  {
    name: 'never-pauses-the-socket',
    step: '03.4',
    says: ['delivered and not taken', 'pause the socket'],
    edits: [{ file: bridge, replace: 'if (untaken >= WINDOW_BYTES) socket.pause()', by: '' }],
  },
  {
    name: 'gives-credit-for-what-was-never-taken',
    step: '03.4',
    says: ['delivered and not taken'],
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
    says: ['delivered and not taken', 'Is credit given twice'],
    edits: [
      { file: bridge, replace: 'untaken -= message.bytes', by: 'untaken -= 2 * message.bytes' },
    ],
  },
  {
    name: 'pauses-only-the-first-time',
    step: '03.4',
    says: ['delivered and not taken'],
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
    says: ['all that eve sent to be delivered', 'Resume the socket'],
    edits: [{ file: bridge, replace: 'if (untaken < WINDOW_BYTES) socket.resume()', by: '' }],
  },
  {
    name: 'never-says-taken',
    step: '03.4',
    says: ['says it has taken', 'posts `taken`'],
    edits: [
      {
        file,
        replace: "    this.#post({ kind: 'taken', bytes: message.bytes.length })\n",
        by: '',
      },
    ],
  },
  {
    name: 'takes-a-window-at-each-read',
    step: '03.4',
    says: ['says it has taken', 'the number of bytes it returns'],
    edits: [{ file, replace: 'bytes: message.bytes.length })', by: 'bytes: WINDOW_BYTES })' }],
  },
  {
    name: 'forgets-the-debt-at-each-taken',
    step: '03.4',
    says: ['Is credit given twice, or for more'],
    edits: [{ file: bridge, replace: 'untaken -= message.bytes', by: 'untaken = 0' }],
  },
  {
    name: 'resumes-at-every-taken',
    step: '03.4',
    says: ['resume the socket only below the mark'],
    edits: [
      {
        file: bridge,
        replace: 'if (untaken < WINDOW_BYTES) socket.resume()',
        by: 'socket.resume()',
      },
    ],
  },
  {
    name: 'counts-messages',
    step: '03.4',
    says: ['delivered and not taken'],
    edits: [{ file: bridge, replace: 'untaken += bytes.length', by: 'untaken += 1' }],
  },
  {
    name: 'has-a-window-of-its-own',
    step: '03.4',
    says: ['delivered and not taken'],
    edits: [
      { file: bridge, replace: 'untaken >= WINDOW_BYTES', by: 'untaken >= 2 * WINDOW_BYTES' },
    ],
  },
  {
    name: 'pauses-behind-the-window',
    step: '03.4',
    says: ['nothing to be delivered', 'Pause from exactly WINDOW_BYTES on'],
    edits: [{ file: bridge, replace: 'untaken >= WINDOW_BYTES', by: 'untaken > WINDOW_BYTES' }],
  },
  {
    name: 'resumes-at-the-mark',
    step: '03.4',
    says: ['nothing to be delivered', 'resume below that (<), not at it'],
    edits: [{ file: bridge, replace: 'untaken < WINDOW_BYTES', by: 'untaken <= WINDOW_BYTES' }],
  },
  {
    name: 'takes-whatever-is-posted-for-taken',
    step: '03.4',
    says: ['the window to be as before', 'count down at `taken`, and at nothing else'],
    edits: [
      {
        file: bridge,
        replace: "    if (message.kind !== 'taken') return\n",
        by: '    if (!message) return\n',
      },
    ],
  },
  {
    name: 'takes-the-fin-for-taken',
    step: '03.4',
    says: ['the window to be as before', 'count down at `taken`, and at nothing else'],
    edits: [
      {
        file: bridge,
        replace: "if (message.kind !== 'taken') return",
        by: "if (message.kind === 'bytes') return",
      },
    ],
  },
  {
    name: 'resumes-on-a-timer',
    step: '03.4',
    cardVaries: true,
    says: ['the bridge to be asleep', 'resumed by a timer'],
    edits: [
      {
        file: bridge,
        replace: 'if (untaken >= WINDOW_BYTES) socket.pause()',
        by: `if (untaken < WINDOW_BYTES) return
    socket.pause()
    setTimeout(() => socket.resume(), 1_000)`,
      },
    ],
  },
  {
    name: 'forgets-that-counts-wrap-around',
    step: '03.5',
    says: ['has written nearly 2 GiB', 'Count with 32 bits'],
    edits: [
      {
        file,
        replace: 'return this.#unflushed() <= WINDOW_BYTES ?',
        by: 'return this.#written - Atomics.load(this.#words, FLUSHED) <= WINDOW_BYTES ?',
      },
    ],
  },
  {
    name: 'waits-for-the-other-end-of-the-counts',
    step: '03.5',
    says: ['has written nearly 2 GiB', 'Count with 32 bits'],
    edits: [
      {
        file,
        replace: 'return this.#unflushed() <= WINDOW_BYTES ?',
        by: 'return Math.abs(this.#written - Atomics.load(this.#words, FLUSHED)) <= WINDOW_BYTES ?',
      },
    ],
  },
  {
    name: 'says-no-code',
    step: '03.5',
    says: ['throws ConnectionLost ()', 'Give it a code from errno(3)'],
    edits: [
      {
        file,
        replace:
          "if (Atomics.load(this.#words, CLOSED)) throw new ConnectionLost('EPIPE')\n      return",
        by: "if (Atomics.load(this.#words, CLOSED)) throw new ConnectionLost('')\n      return",
      },
    ],
  },
  {
    name: 'waits-for-room-only-once',
    step: '03.5',
    says: ['look again after each wake-up'],
    edits: [
      WITH_NEWS,
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
    step: '03.5',
    says: ['never returns: asleep', 'sleepUntil() does that'],
    edits: [
      WITH_NEWS,
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
    step: '03.5',
    says: ['throws ConnectionLost', 'look at CLOSED each time'],
    edits: [
      WITH_NEWS,
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
    step: '03.5',
    says: ['has to learn of it'],
    edits: [
      WITH_NEWS,
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
    step: '03.5',
    says: ['A thread that waits for room costs nothing'],
    edits: [
      WITH_NEWS,
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
    step: '03.5',
    says: ['With exactly WINDOW_BYTES unflushed there is room'],
    edits: [
      WITH_NEWS,
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
    step: '03.5',
    says: ['what is left to flush', 'Return only when'],
    edits: [{ file, replace: 'if (this.#unflushed() > WINDOW_BYTES) this.#waitForRoom()', by: '' }],
  },
  {
    name: 'spins-for-room',
    step: '03.5',
    says: ['A thread that waits for room costs nothing', 'sleepUntil() does'],
    edits: [
      {
        file,
        hole: '#waitForRoom',
        by: `    while (this.#unflushed() > WINDOW_BYTES) {
      if (Atomics.load(this.#words, CLOSED)) throw new ConnectionLost('EPIPE')
    }`,
      },
    ],
  },
  {
    name: 'sleeps-on-what-nobody-notifies',
    step: '03.5',
    says: ['a word that nobody notifies', 'FLUSHED is not notified'],
    edits: [
      {
        file,
        hole: '#waitForRoom',
        by: `    for (;;) {
      const flushed = Atomics.load(this.#words, FLUSHED)
      if (Atomics.load(this.#words, CLOSED)) throw new ConnectionLost('EPIPE')
      if (this.#unflushed() <= WINDOW_BYTES) return
      Atomics.wait(this.#words, FLUSHED, flushed)
    }`,
      },
    ],
  },
  {
    name: 'looks-and-finds-false',
    step: '03.5',
    says: ['only `undefined` means nothing yet'],
    edits: [
      {
        file,
        replace: "this.#unflushed() <= WINDOW_BYTES ? 'room' : undefined",
        by: 'this.#unflushed() <= WINDOW_BYTES',
      },
    ],
  },
  {
    name: 'waits-until-all-is-flushed',
    step: '03.5',
    says: [
      'the outcome of write(), and what is left to flush',
      'With exactly WINDOW_BYTES unflushed there is room',
    ],
    edits: [
      { file, replace: 'this.#unflushed() <= WINDOW_BYTES ?', by: 'this.#unflushed() <= 0 ?' },
    ],
  },
  {
    name: 'waits-for-half-the-room',
    step: '03.5',
    says: ['Return only when'],
    edits: [
      {
        file,
        replace: 'this.#unflushed() <= WINDOW_BYTES ?',
        by: 'this.#unflushed() <= 2 * WINDOW_BYTES ?',
      },
    ],
  },
  {
    name: 'decodes-each-piece',
    step: '03.6',
    says: ['A character may arrive in several pieces', 'Decode the whole line'],
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
    step: '03.6',
    says: ['Several lines may arrive at once'],
    edits: [
      { file, replace: 'if (end + 1 < bytes.length) this.#rest = bytes.subarray(end + 1)', by: '' },
    ],
  },
  {
    name: 'loses-a-single-byte-behind-the-line',
    step: '03.6',
    says: ['One byte is enough for a line', 'may be a single byte'],
    edits: [{ file, replace: 'if (end + 1 < bytes.length)', by: 'if (end + 2 < bytes.length)' }],
  },
  {
    name: 'takes-a-last-byte-for-nothing',
    step: '03.6',
    says: ['One byte is enough for a line', 'may be a single byte'],
    edits: [{ file, replace: 'return length > 0 ?', by: 'return length > 1 ?' }],
  },
  {
    name: 'forgives-two-bytes-for-one',
    step: '03.6',
    says: ['Six bytes are too many', 'Only one \\r may be taken off'],
    edits: [{ file, replace: '? length - 1 : length', by: '? length - 2 : length' }],
  },
  {
    name: 'no-limit-for-a-line',
    step: '03.6',
    says: ['Throw LineTooLong'],
    edits: [{ file, replace: 'if (content > maxBytes) throw', by: 'if (content < 0) throw' }],
  },
  {
    name: 'counts-the-carriage-return',
    step: '03.6',
    says: ['does not count, however it is cut'],
    edits: [{ file, replace: 'lastByte === CARRIAGE_RETURN ? length - 1 : length', by: 'length' }],
  },
  {
    name: 'forgets-the-limit-when-the-end-is-there',
    step: '03.6',
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
    step: '03.6',
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
        replace: '  #written: number\n',
        by: '  #written: number\n  #saidLast = false\n',
      },
    ],
  },
  {
    name: 'drops-the-last-line',
    step: '03.6',
    says: ['a line too, even without a line end'],
    edits: [{ file, replace: 'return length > 0 ? toLine(pieces) : null', by: 'return null' }],
  },
  {
    name: 'trims-lines',
    step: '03.6',
    says: ['Take off one', 'and nothing else'],
    edits: [
      {
        file,
        replace: "return line.endsWith('\\r') ? line.slice(0, -1) : line",
        by: 'return line.trim()',
      },
    ],
  },
  {
    name: 'counts-characters',
    step: '03.6',
    says: ['The limit counts bytes'],
    edits: [
      {
        file,
        replace: 'length += piece.length',
        by: "length += Buffer.from(piece).toString('utf8').length",
      },
    ],
  },
  {
    name: 'ends-the-line-at-a-loss',
    step: '03.6',
    says: ['Half a line must not look like a whole one', 'pass through'],
    edits: [
      {
        file,
        replace: 'const bytes = this.read()\n',
        by: `let bytes: Uint8Array | null = null
      try {
        bytes = this.read()
      } catch {}
`,
      },
    ],
  },
  {
    name: 'tells-news-of-bytes-only',
    step: '03.3',
    says: ['but no news was told', 'for every kind of message'],
    edits: [
      {
        file: bridge,
        replace:
          '  // Told last: the thread that hears the news has to find the message.\n  tellNews(words)\n',
        by: "  if (message.kind === 'bytes') tellNews(words)\n",
      },
    ],
  },
  {
    name: 'no-loss-after-our-fin',
    step: '03.3',
    says: ['gil', 'writableEnded is about our own FIN'],
    edits: [
      { file: bridge, replace: 'if (!socket.readableEnded)', by: 'if (!socket.writableEnded)' },
    ],
  },
  {
    name: 'one-window-for-all',
    step: '03.4',
    says: ['One that does not read holds up nobody else', 'Declare it in pumpToThread()'],
    edits: [
      { file: bridge, replace: '  let untaken = 0\n', by: '' },
      {
        file: bridge,
        replace: 'function tellClosed(words: Int32Array)',
        by: 'let untaken = 0\n\nfunction tellClosed(words: Int32Array)',
      },
    ],
  },
  {
    name: 'keeps-an-empty-rest',
    step: '03.6',
    says: ['only if anything follows it'],
    edits: [{ file, replace: 'if (end + 1 < bytes.length) this.#rest', by: 'this.#rest' }],
  },
  {
    name: 'reads-past-what-was-kept',
    step: '03.6',
    says: ['the next thing to be read', 'read() returns #rest first'],
    edits: [
      { file, replace: '    if (this.#rest) return this.#takeRest()\n', by: '' },
      {
        file,
        replace: 'const bytes = this.read()\n',
        by: 'const bytes = this.#rest ? this.#takeRest() : this.read()\n',
      },
    ],
  },
  {
    name: 'says-taken-for-the-rest',
    step: '03.6',
    says: ['no byte to be taken twice', 'what was kept of it'],
    edits: [
      {
        file,
        replace: 'if (this.#rest) return this.#takeRest()',
        by: `if (this.#rest) {
      this.#post({ kind: 'taken', bytes: this.#rest.length })
      return this.#takeRest()
    }`,
      },
    ],
  },
  {
    name: 'swallows-what-the-look-throws',
    step: '03.1',
    says: ['catch nothing'],
    edits: [
      {
        file: 'news.ts',
        hole: 'sleepUntil',
        by: `for (;;) {
    const news = Atomics.load(words, NEWS)
    try {
      const found = look()
      if (found !== undefined) return found
    } catch {}
    Atomics.wait(words, NEWS, news)
  }`,
      },
    ],
  },
  {
    name: 'keeps-the-count-of-another-connection',
    step: '03.1',
    says: ['keep nothing from one call to the next'],
    edits: [
      {
        file: 'news.ts',
        hole: 'sleepUntil',
        by: `for (;;) {
    const found = look()
    if (found !== undefined) return found
    Atomics.wait(words, NEWS, last)
    last = Atomics.load(words, NEWS)
  }`,
      },
      {
        file: 'news.ts',
        replace: `import { NEWS } from './channel.ts'`,
        by: `import { NEWS } from './channel.ts'
let last = 0`,
      },
    ],
  },
  {
    name: 'counts-to-two',
    step: '03.1',
    says: ['must not look like none'],
    edits: [
      {
        file: 'news.ts',
        hole: 'tellNews',
        by: `if (Atomics.load(words, NEWS) < 2) Atomics.add(words, NEWS, 1)
  Atomics.notify(words, NEWS)`,
      },
    ],
  },
  {
    name: 'notifies-the-first-time-only',
    step: '03.1',
    says: ['does, each time'],
    edits: [
      {
        file: 'news.ts',
        hole: 'tellNews',
        by: 'if (Atomics.add(words, NEWS, 1) === 0) Atomics.notify(words, NEWS)',
      },
    ],
  },
  {
    name: 'tells-news-on-other-words',
    step: '03.2',
    says: ['Nothing has changed in the words of this bridge'],
    edits: [
      {
        file: 'bridge.ts',
        hole: 'deliver',
        by: `port.postMessage(message)
  tellNews(words.slice())`,
      },
    ],
  },
  {
    name: 'notifies-and-counts-nothing',
    step: '03.2',
    says: ['Nothing has changed in the words of this bridge'],
    edits: [
      {
        file: 'bridge.ts',
        hole: 'deliver',
        by: `port.postMessage(message)
  Atomics.notify(words, 0)`,
      },
    ],
  },
  {
    name: 'posts-the-memory-behind-the-chunk',
    step: '03.2',
    says: ['bytes as ArrayBuffer'],
    edits: [
      {
        file: 'bridge.ts',
        hole: 'deliver',
        by: `port.postMessage(message.kind === 'bytes' ? { ...message, bytes: message.bytes.buffer } : message)
  tellNews(words)`,
      },
    ],
  },
  {
    name: 'posts-the-chunk-as-json',
    step: '03.2',
    says: ['JSON cannot carry bytes'],
    edits: [
      {
        file: 'bridge.ts',
        hole: 'deliver',
        by: `port.postMessage(JSON.parse(JSON.stringify(message)))
  tellNews(words)`,
      },
    ],
  },
  {
    name: 'looks-for-messages-every-few-ms',
    step: '03.2',
    says: ['looks in that hour', 'a timeout of its own'],
    edits: [
      {
        file: 'blocking-socket.ts',
        hole: 'read',
        by: `if (this.#rest) return this.#takeRest()
  let message = this.#ending ?? this.#receive()
  while (!message) { Atomics.wait(this.#words, 0, Atomics.load(this.#words, 0), 5); message = this.#receive() }
  if (message.kind !== 'bytes') this.#ending = message
  if (message.kind === 'lost') throw new ConnectionLost(message.code)
  if (message.kind === 'end') return null
  this.#post({ kind: 'taken', bytes: message.bytes.length })
  return message.bytes`,
      },
    ],
  },
  {
    name: 'sleeps-a-little-on-a-word-of-its-own',
    step: '03.2',
    says: ['looks in that hour'],
    edits: [
      {
        file: 'blocking-socket.ts',
        hole: 'read',
        by: `if (this.#rest) return this.#takeRest()
  let message = this.#ending ?? this.#receive()
  while (!message) { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1); message = this.#receive() }
  if (message.kind !== 'bytes') this.#ending = message
  if (message.kind === 'lost') throw new ConnectionLost(message.code)
  if (message.kind === 'end') return null
  this.#post({ kind: 'taken', bytes: message.bytes.length })
  return message.bytes`,
      },
    ],
  },
  {
    name: 'hears-the-first-chunk-only',
    step: '03.2',
    says: ['is emitted for every chunk'],
    edits: [
      {
        file: 'bridge.ts',
        replace: `socket.on('data', (bytes: Buffer) => {`,
        by: `socket.once('data', (bytes: Buffer) => {`,
      },
    ],
  },
  {
    name: 'one-code-for-all-connections',
    step: '03.3',
    says: ['not that of another connection'],
    edits: [
      { file: 'bridge.ts', replace: `let lostWith = 'ECONNRESET'`, by: '' },
      {
        file: 'bridge.ts',
        replace: 'const drains = new',
        by: `let lostWith = 'ECONNRESET'
const drains = new`,
      },
    ],
  },
  {
    name: 'a-listener-for-each-pause',
    step: '03.4',
    says: ["One 'message' listener"],
    edits: [
      {
        file: 'bridge.ts',
        replace: `socket.on('data', (bytes: Buffer) => {
    deliver(port, words, { kind: 'bytes', bytes })
    untaken += bytes.length
    if (untaken >= WINDOW_BYTES) socket.pause()
  })`,
        by: `socket.on('data', (bytes: Buffer) => {
    deliver(port, words, { kind: 'bytes', bytes })
    untaken += bytes.length
    if (untaken >= WINDOW_BYTES) {
      socket.pause()
      const hear = (message: FromThread) => {
        if (message.kind !== 'taken') return
        if (untaken < WINDOW_BYTES) socket.resume()
      }
      port.on('message', hear)
    }
  })`,
      },
    ],
  },
  {
    name: 'says-taken-at-the-next-read',
    step: '03.4',
    says: ['before it returns them'],
    edits: [
      {
        file: 'blocking-socket.ts',
        hole: 'read',
        by: `if (this.#rest) return this.#takeRest()
  if ((this as any).owed) this.#post({ kind: 'taken', bytes: (this as any).owed })
  const message = this.#ending ?? sleepUntil(this.#words, this.#receive)
  ;(this as any).owed = message.kind === 'bytes' ? message.bytes.length : 0
  if (message.kind !== 'bytes') this.#ending = message
  if (message.kind === 'lost') throw new ConnectionLost(message.code)
  if (message.kind === 'end') return null
  return message.bytes`,
      },
    ],
  },
  {
    name: 'resumes-only-what-has-come',
    step: '03.4',
    says: ['whether anything waits in it or not'],
    edits: [
      {
        file: 'bridge.ts',
        replace: 'if (untaken < WINDOW_BYTES) socket.resume()',
        by: 'if (untaken < WINDOW_BYTES && socket.readableLength > 0) socket.resume()',
      },
    ],
  },
  {
    name: 'forgets-what-is-in-the-window',
    step: '03.5',
    says: ['leave both counts alone'],
    edits: [
      {
        file: 'blocking-socket.ts',
        hole: '#waitForRoom',
        by: `sleepUntil(this.#words, () => {
    if (Atomics.load(this.#words, CLOSED)) throw new ConnectionLost('EPIPE')
    return this.#unflushed() <= WINDOW_BYTES ? 'room' : undefined
  })
  this.#written = Atomics.load(this.#words, FLUSHED)`,
      },
    ],
  },
  {
    name: 'takes-every-carriage-return-off',
    step: '03.6',
    says: ['Take off one'],
    edits: [
      {
        file: 'blocking-socket.ts',
        replace: '      return toLine(pieces)\n    }\n  }',
        by: "      return toLine(pieces).replace(/\\r+$/, '')\n    }\n  }",
      },
    ],
  },
  {
    name: 'ends-the-line-at-the-last-newline',
    step: '03.6',
    says: ['indexOf'],
    edits: [
      {
        file: 'blocking-socket.ts',
        replace: 'bytes.indexOf(NEWLINE)',
        by: 'bytes.lastIndexOf(NEWLINE)',
      },
    ],
  },
  {
    name: 'returns-the-rest-again-and-again',
    step: '03.6',
    says: ['return it once'],
    edits: [{ file: 'blocking-socket.ts', replace: 'this.#rest = undefined', by: '' }],
  },
  {
    name: 'has-a-limit-of-its-own',
    step: '03.6',
    says: ['The limit is the parameter'],
    edits: [
      { file: 'blocking-socket.ts', replace: 'content > maxBytes', by: 'content > MAX_LINE_BYTES' },
    ],
  },
  {
    name: 'has-no-code-for-an-error-without-one',
    step: '03.3',
    says: ['error.code may be undefined'],
    edits: [
      { file: bridge, replace: 'lostWith = error.code ?? lostWith', by: 'lostWith = error.code!' },
    ],
  },
  {
    name: 'tells-a-loss-behind-the-end',
    step: '03.3',
    says: ['one message says how a stream ended', 'in any case'],
    edits: [
      {
        file: bridge,
        replace: "socket.on('close', () => {\n    if (!socket.readableEnded)",
        by: "socket.on('close', (hadError) => {\n    if (hadError || !socket.readableEnded)",
      },
    ],
  },
  {
    name: 'one-end-for-all-connections',
    step: '03.3',
    says: ['hal', 'Declare what you remember in pumpToThread()'],
    edits: [
      {
        file: bridge,
        replace: 'const drains = new',
        by: 'let hasEnded = false\nconst drains = new',
      },
      {
        file: bridge,
        replace: "socket.on('end', () => deliver(port, words, { kind: 'end' }))",
        by: "socket.on('end', () => {\n    hasEnded = true\n    deliver(port, words, { kind: 'end' })\n  })",
      },
      { file: bridge, replace: '!socket.readableEnded', by: '!hasEnded' },
    ],
  },
  {
    name: 'says-fin-because-the-peer-does',
    step: '03.3',
    says: ['what eve receives after her FIN', 'no end()'],
    edits: [
      {
        file: bridge,
        replace: "socket.on('end', () => deliver(port, words, { kind: 'end' }))",
        by: `socket.on('end', () => {
    deliver(port, words, { kind: 'end' })
    socket.end()
  })`,
      },
    ],
  },
  {
    name: 'iterates-over-a-socket-that-it-destroys',
    step: '03.3',
    says: ['what eve receives after her FIN', 'destroyOnReturn: false'],
    edits: [
      {
        file: bridge,
        hole: 'pumpToThread',
        by: `let untaken = 0
  let hasRoom = () => {}
  port.on('message', (message: FromThread) => {
    if (message.kind !== 'taken') return
    untaken -= message.bytes
    if (untaken < WINDOW_BYTES) hasRoom()
  })
  const pump = async () => {
    for await (const bytes of socket) {
      deliver(port, words, { kind: 'bytes', bytes })
      untaken += bytes.length
      while (untaken >= WINDOW_BYTES) await new Promise<void>((go) => (hasRoom = go))
    }
    deliver(port, words, { kind: 'end' })
  }
  pump().catch(() => {})
  let lostWith = 'ECONNRESET'
  socket.on('error', (error: NodeJS.ErrnoException) => {
    lostWith = error.code ?? lostWith
  })
  socket.on('close', () => {
    if (!socket.readableEnded) deliver(port, words, { kind: 'lost', code: lostWith })
  })`,
      },
    ],
  },
  {
    name: 'ends-all-streams-at-once',
    step: '03.3',
    says: ['Each socket has an end of its own'],
    edits: [
      {
        file,
        replace: 'export class BlockingSocket {',
        by: "let ending: Exclude<ToThread, { kind: 'bytes' }> | undefined\nexport class BlockingSocket {",
      },
      {
        file,
        hole: 'read',
        by: `if (this.#rest) return this.#takeRest()
    const message = ending ?? sleepUntil(this.#words, this.#receive)
    if (message.kind !== 'bytes') ending = message
    if (message.kind === 'lost') throw new ConnectionLost(message.code)
    if (message.kind === 'end') return null
    this.#post({ kind: 'taken', bytes: message.bytes.length })
    return message.bytes`,
      },
    ],
  },
  {
    name: 'says-taken-for-all-that-has-come',
    step: '03.4',
    says: ['A message is not taken before read() returns its bytes'],
    edits: [
      {
        file,
        replace: '  #written: number\n',
        by: '  #written: number\n  #come: ToThread[] = []\n',
      },
      {
        file,
        hole: 'read',
        by: `if (this.#rest) return this.#takeRest()
    if (!this.#ending && this.#come.length === 0) {
      let next: ToThread | undefined = sleepUntil(this.#words, this.#receive)
      for (; next; next = this.#receive()) {
        this.#come.push(next)
        if (next.kind === 'bytes') this.#post({ kind: 'taken', bytes: next.bytes.length })
      }
    }
    const message = this.#ending ?? this.#come.shift()!
    if (message.kind !== 'bytes') this.#ending = message
    if (message.kind === 'lost') throw new ConnectionLost(message.code)
    if (message.kind === 'end') return null
    return message.bytes`,
      },
    ],
  },
  {
    name: 'drops-the-chunk-at-which-it-pauses',
    step: '03.4',
    says: ['all that eve sent to be delivered', 'was read, but not delivered'],
    edits: [
      {
        file: bridge,
        replace: "    deliver(port, words, { kind: 'bytes', bytes })\n",
        by: "    if (untaken >= WINDOW_BYTES) return void socket.pause()\n    deliver(port, words, { kind: 'bytes', bytes })\n",
      },
      { file: bridge, replace: '    if (untaken >= WINDOW_BYTES) socket.pause()\n', by: '' },
    ],
  },
  {
    name: 'takes-messages-while-it-waits-for-room',
    step: '03.5',
    says: ['what the thread reads after that', 'is lost for read()'],
    edits: [
      {
        file,
        hole: '#waitForRoom',
        by: `sleepUntil(this.#words, () => {
      const message = this.#receive()
      if (message?.kind === 'lost') throw new ConnectionLost(message.code)
      if (Atomics.load(this.#words, CLOSED)) throw new ConnectionLost('EPIPE')
      return this.#unflushed() <= WINDOW_BYTES ? 'room' : undefined
    })`,
      },
    ],
  },
  {
    name: 'forgives-a-carriage-return-in-each-chunk',
    step: '03.6',
    says: ['A \\r in the middle of a line is one of them', 'not from the sum'],
    edits: [
      {
        file,
        replace: 'length += piece.length',
        by: 'length += piece.at(-1) === CARRIAGE_RETURN ? piece.length - 1 : piece.length',
      },
      { file, replace: 'lastByte === CARRIAGE_RETURN ? length - 1 : length', by: 'length' },
    ],
  },
  {
    name: 'never-counts-a-carriage-return',
    step: '03.6',
    says: ['A \\r in the middle of a line is one of them'],
    edits: [
      {
        file,
        replace: 'length += piece.length',
        by: 'length += piece.filter((byte) => byte !== CARRIAGE_RETURN).length',
      },
      { file, replace: 'lastByte === CARRIAGE_RETURN ? length - 1 : length', by: 'length' },
    ],
  },
  {
    name: 'forgives-all-carriage-returns-at-the-end',
    step: '03.6',
    says: ['The \\r before that is its sixth byte', 'would never be stopped'],
    edits: [
      {
        file,
        replace: 'const content = lastByte === CARRIAGE_RETURN ? length - 1 : length',
        by: `const soFar = Buffer.concat(pieces)
      let content = length
      while (content > 0 && soFar[content - 1] === CARRIAGE_RETURN) content--`,
      },
    ],
  },
  {
    name: 'compares-again-at-the-end-of-the-stream',
    step: '03.6',
    says: ['not even at the end of the stream', 'nothing to compare again'],
    edits: [
      {
        file,
        replace: '      if (!bytes) return',
        by: "      if (!bytes && length > maxBytes) throw new LineTooLong('too long')\n      if (!bytes) return",
      },
    ],
  },
  {
    name: 'takes-an-empty-last-line-for-none',
    step: '03.6',
    says: ['what follows the line', 'depends on its bytes'],
    edits: [
      {
        file,
        replace: 'return length > 0 ? toLine(pieces) : null',
        by: 'return toLine(pieces) || null',
      },
    ],
  },
  {
    name: 'puts-whole-lines-aside',
    step: '03.6',
    says: ['the bytes after the line to begin with', 'put aside elsewhere'],
    edits: [
      {
        file,
        replace: '  #written: number\n',
        by: '  #written: number\n  #lines: Buffer[] = []\n',
      },
      {
        file,
        hole: 'readLine',
        by: `let all = Buffer.alloc(0)
    for (;;) {
      const line = this.#lines.shift() ?? all
      const content = line.at(-1) === CARRIAGE_RETURN ? line.length - 1 : line.length
      if (content > maxBytes) throw new LineTooLong('too long')
      if (line !== all) return toLine([line])
      const bytes = this.read()
      if (!bytes) return all.length > 0 ? toLine([all]) : null
      all = Buffer.concat([all, bytes])
      for (let end = all.indexOf(NEWLINE); end >= 0; end = all.indexOf(NEWLINE)) {
        this.#lines.push(all.subarray(0, end))
        all = all.subarray(end + 1)
      }
      if (this.#lines.length > 0 && all.length > 0) this.#rest = all
    }`,
      },
    ],
  },
  {
    name: 'looks-ten-times',
    step: '03.1',
    says: ['100,000 times', 'however many looks that takes'],
    edits: [
      {
        file: news,
        hole: 'sleepUntil',
        by: `for (let time = 0; time < 10; time++) {
    const news = Atomics.load(words, NEWS)
    const found = look()
    if (found !== undefined) return found
    Atomics.wait(words, NEWS, news)
  }
  return look() as Found`,
      },
    ],
  },
  {
    name: 'gives-up-after-ten-looks',
    step: '03.5',
    says: ['news a hundred times', 'Look and sleep until there is room'],
    edits: [
      {
        file,
        hole: '#waitForRoom',
        by: `let looks = 0
    sleepUntil(this.#words, () => {
      if (Atomics.load(this.#words, CLOSED)) throw new ConnectionLost('EPIPE')
      if (looks++ === 10) throw new ConnectionLost('ETIMEDOUT')
      return this.#unflushed() <= WINDOW_BYTES ? 'room' : undefined
    })`,
      },
    ],
  },
  {
    name: 'looks-again-at-what-it-found',
    step: '03.1',
    says: ['a second look finds the next thing, or nothing'],
    edits: [
      {
        file: news,
        replace: 'if (found !== undefined) return found',
        by: 'if (found !== undefined) return look() as Found',
      },
    ],
  },
  {
    name: 'waits-for-a-larger-count',
    step: '03.1',
    says: ['spinning without a look', 'A later count may be smaller'],
    edits: [
      {
        file: news,
        replace: '    Atomics.wait(words, NEWS, news)\n',
        by: '    while (Atomics.load(words, NEWS) <= news) Atomics.wait(words, NEWS, news)\n',
      },
    ],
  },
  {
    name: 'tells-the-words-of-the-error',
    step: '03.3',
    says: ['lost read ETIMEDOUT', 'The code is `error.code`'],
    edits: [
      {
        file: bridge,
        replace: 'lostWith = error.code ?? lostWith',
        by: 'lostWith = error.message',
      },
    ],
  },
  {
    name: 'takes-fin-for-a-closed-connection',
    step: '03.5',
    says: ["after the peer's FIN", 'Only CLOSED says that there will never be room'],
    edits: [
      {
        file,
        replace:
          "if (Atomics.load(this.#words, CLOSED)) throw new ConnectionLost('EPIPE')\n      return",
        by: "if (this.#ending || Atomics.load(this.#words, CLOSED)) throw new ConnectionLost('EPIPE')\n      return",
      },
    ],
  },
  {
    name: 'keeps-what-waited-before-the-sleep',
    step: '03.5',
    says: ['has written 1,000,000 bytes', 'Call #unflushed() in each look'],
    edits: [
      {
        file,
        hole: '#waitForRoom',
        by: `const waiting = this.#unflushed()
    sleepUntil(this.#words, () => {
      if (Atomics.load(this.#words, CLOSED)) throw new ConnectionLost('EPIPE')
      const left = (waiting - Atomics.load(this.#words, FLUSHED)) | 0
      return left <= WINDOW_BYTES ? 'room' : undefined
    })`,
      },
    ],
  },
  {
    name: 'counts-as-flushed-what-it-wrote',
    step: '03.5',
    says: ["FLUSHED is the bridge's count"],
    edits: [
      {
        file,
        replace: "'room' : undefined\n    })\n",
        by: "'room' : undefined\n    })\n    Atomics.store(this.#words, FLUSHED, this.#written)\n",
      },
    ],
  },
  {
    name: 'skips-empty-lines-behind-a-line',
    step: '03.6',
    says: ['right behind another one in the same chunk', 'ends one line'],
    edits: [
      {
        file,
        replace: 'if (end + 1 < bytes.length) this.#rest = bytes.subarray(end + 1)',
        by: `let next = end + 1
      while (bytes[next] === NEWLINE) next += 1
      if (next < bytes.length) this.#rest = bytes.subarray(next)`,
      },
    ],
  },
  {
    name: 'hands-half-a-line-to-the-next-connection',
    step: '03.6',
    says: ['line halok', 'kept at the top of the module'],
    edits: [
      {
        file,
        replace: 'export class BlockingSocket {',
        by: 'let partial: Uint8Array[] = []\nexport class BlockingSocket {',
      },
      {
        file,
        hole: 'readLine',
        by: `let length = 0
    let lastByte: number | undefined
    for (;;) {
      const bytes = this.read()
      if (!bytes) return length > 0 ? toLine(partial.splice(0)) : null
      const end = bytes.indexOf(NEWLINE)
      const piece = end < 0 ? bytes : bytes.subarray(0, end)
      partial.push(piece)
      length += piece.length
      lastByte = piece.at(-1) ?? lastByte
      const content = lastByte === CARRIAGE_RETURN ? length - 1 : length
      if (content > maxBytes) {
        partial = []
        throw new LineTooLong('too long')
      }
      if (end < 0) continue
      if (end + 1 < bytes.length) this.#rest = bytes.subarray(end + 1)
      return toLine(partial.splice(0))
    }`,
      },
    ],
  },
  {
    name: 'hands-the-rest-to-the-next-connection',
    step: '03.6',
    says: ['line twook', 'keep what follows a line in #rest'],
    edits: [
      {
        file,
        replace: 'export class BlockingSocket {',
        by: 'let kept: Uint8Array | undefined\nexport class BlockingSocket {',
      },
      {
        file,
        replace: '    if (this.#rest) return this.#takeRest()\n',
        by: `    if (kept) {
      const rest = kept
      kept = undefined
      return rest
    }
`,
      },
      {
        file,
        replace: 'if (end + 1 < bytes.length) this.#rest =',
        by: 'if (end + 1 < bytes.length) kept =',
      },
    ],
  },
  {
    name: 'lets-any-byte-wait-beyond-the-limit',
    step: '03.6',
    says: ['One byte more may wait only if it is a \\r'],
    edits: [{ file, replace: 'content > maxBytes', by: 'length > maxBytes + 1' }],
  },
  {
    name: 'counts-the-newline',
    step: '03.6',
    says: ['Count only what comes before the \\n'],
    edits: [
      {
        file,
        replace: 'length += piece.length',
        by: 'length += end < 0 ? piece.length : piece.length + 1',
      },
    ],
  },
  {
    name: 'stops-counting',
    step: '03.1',
    says: ['each of them to change the count', 'wrap around'],
    edits: [
      {
        file: 'news.ts',
        replace: '  Atomics.add(words, NEWS, 1)\n',
        by: '  if (Atomics.load(words, NEWS) < 0x7fffffff) Atomics.add(words, NEWS, 1)\n',
      },
    ],
  },
  {
    name: 'calls-itself-for-the-next-piece',
    step: '03.6',
    says: ['the long line', 'Write a loop'],
    edits: [
      {
        file: 'blocking-socket.ts',
        hole: 'readLine',
        by: `    const more = (pieces: Uint8Array[], before: number, last?: number): string | null => {
      const bytes = this.read()
      if (!bytes) return before > 0 ? toLine(pieces) : null
      const end = bytes.indexOf(NEWLINE)
      const piece = end < 0 ? bytes : bytes.subarray(0, end)
      pieces.push(piece)
      const length = before + piece.length
      const lastByte = piece.at(-1) ?? last
      const content = lastByte === CARRIAGE_RETURN ? length - 1 : length
      if (content > maxBytes) throw new LineTooLong('too long')
      if (end < 0) return more(pieces, length, lastByte)
      if (end + 1 < bytes.length) this.#rest = bytes.subarray(end + 1)
      return toLine(pieces)
    }
    return more([], 0)`,
      },
    ],
  },
  {
    name: 'takes-a-byte-order-mark-away',
    step: '03.6',
    says: ['the other lines', 'ignoreBOM: true'],
    edits: [
      {
        file: 'blocking-socket.ts',
        replace: "Buffer.concat(pieces).toString('utf8')",
        by: 'new TextDecoder().decode(Buffer.concat(pieces))',
      },
    ],
  },
  {
    name: 'throws-at-what-is-no-text',
    step: '03.6',
    says: ['the other lines', 'A decoder that is `fatal` throws'],
    edits: [
      {
        file: 'blocking-socket.ts',
        replace: "Buffer.concat(pieces).toString('utf8')",
        by: "new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(pieces))",
      },
    ],
  },
  {
    name: 'keeps-half-a-character-back',
    step: '03.6',
    says: ['the other lines', 'Its end() returns that'],
    edits: [
      {
        file: 'blocking-socket.ts',
        replace: "import { sleepUntil } from './news.ts'",
        by: "import { StringDecoder } from 'node:string_decoder'\nimport { sleepUntil } from './news.ts'",
      },
      {
        file: 'blocking-socket.ts',
        replace: "Buffer.concat(pieces).toString('utf8')",
        by: "new StringDecoder('utf8').write(Buffer.concat(pieces))",
      },
    ],
  },
  {
    name: 'takes-a-limit-of-0-for-none',
    step: '03.6',
    says: ['with a limit of 0 bytes', 'takes it for a missing one'],
    edits: [
      {
        file: 'blocking-socket.ts',
        replace: 'if (content > maxBytes)',
        by: 'if (content > (maxBytes || MAX_LINE_BYTES))',
      },
    ],
  },
  {
    name: 'tells-the-end-when-all-is-taken',
    step: '03.3',
    says: ['what is not told by then is never told', 'do not wait for `taken` before that'],
    edits: [
      {
        file: 'bridge.ts',
        replace: "import type { Socket } from 'node:net'",
        by: "import type { Socket } from 'node:net'\nimport { Writable } from 'node:stream'",
      },
      {
        file: 'bridge.ts',
        hole: 'pumpToThread',
        by: `  const waiting: (() => void)[] = []
  const thread = new Writable({
    highWaterMark: WINDOW_BYTES,
    write(bytes: Buffer, _encoding, isTaken) {
      deliver(port, words, { kind: 'bytes', bytes })
      waiting.push(isTaken)
    },
    final(done) {
      deliver(port, words, { kind: 'end' })
      done()
    },
  })
  socket.pipe(thread)
  port.on('message', (message: FromThread) => {
    if (message.kind !== 'taken') return
    waiting.shift()?.()
  })
  let code = 'ECONNRESET'
  socket.on('error', (error: NodeJS.ErrnoException) => {
    code = error.code ?? code
  })
  socket.on('close', () => {
    if (!socket.readableEnded) deliver(port, words, { kind: 'lost', code })
  })`,
      },
    ],
  },
  {
    name: 'calls-itself-for-the-next-look',
    step: '03.1',
    says: ['100,000 times', 'fills the stack'],
    edits: [
      {
        file: 'news.ts',
        hole: 'sleepUntil',
        by: `  const news = Atomics.load(words, NEWS)
  const found = look()
  if (found !== undefined) return found
  Atomics.wait(words, NEWS, news)
  return sleepUntil(words, look)`,
      },
    ],
  },
]
