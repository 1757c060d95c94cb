import type { RightAnswer } from './right-answer.ts'

const file = 'blocking-socket.ts'
const bridge = 'bridge.ts'

const ENDS = `  socket.on('end', () => deliver(port, words, { kind: 'end' }))
  let code = 'ECONNRESET'
  socket.on('error', (error: NodeJS.ErrnoException) => {
    code = error.code ?? code
  })
  socket.on('close', () => {
    if (!socket.readableEnded) deliver(port, words, { kind: 'lost', code })
  })`

export const rightAnswers: RightAnswer[] = [
  {
    name: 'readable',
    style:
      "The bridge takes chunks with 'readable' and read(). The thread looks before its loop and at the end of it.",
    edits: [
      {
        file: bridge,
        hole: 'pumpToThread',
        by: `  let untaken = 0
  const pump = () => {
    while (untaken < WINDOW_BYTES) {
      const bytes: Buffer | null = socket.read()
      if (bytes === null) return
      untaken += bytes.length
      deliver(port, words, { kind: 'bytes', bytes })
    }
  }
  socket.on('readable', pump)
  port.on('message', (message: FromThread) => {
    if (message.kind !== 'taken') return
    untaken -= message.bytes
    pump()
  })
${ENDS}`,
      },
      {
        file: 'news.ts',
        hole: 'sleepUntil',
        by: `  let news = Atomics.load(words, NEWS)
  let found = look()
  while (found === undefined) {
    Atomics.wait(words, NEWS, news)
    news = Atomics.load(words, NEWS)
    found = look()
  }
  return found`,
      },
    ],
  },
  {
    name: 'pipe-into-a-writable',
    style:
      'The thread is a Writable: a chunk counts as written when there is room for the next one.',
    edits: [
      {
        file: bridge,
        replace: "import type { Socket } from 'node:net'",
        by: "import type { Socket } from 'node:net'\nimport { Writable } from 'node:stream'",
      },
      {
        file: bridge,
        hole: 'pumpToThread',
        by: `  let untaken = 0
  let goOn: (() => void) | undefined
  // One chunk at a time: while it waits, the pipe is paused, and so is the end.
  const thread = new Writable({
    highWaterMark: 1,
    write(bytes: Buffer, _encoding, next) {
      deliver(port, words, { kind: 'bytes', bytes })
      untaken += bytes.length
      if (untaken < WINDOW_BYTES) next()
      else goOn = next
    },
    final(done) {
      deliver(port, words, { kind: 'end' })
      done()
    },
  })
  socket.pipe(thread)
  port.on('message', (message: FromThread) => {
    if (message.kind !== 'taken') return
    untaken -= message.bytes
    if (untaken >= WINDOW_BYTES) return
    const next = goOn
    goOn = undefined
    next?.()
  })
  let code = 'ECONNRESET'
  socket.on('error', (error: NodeJS.ErrnoException) => {
    code = error.code ?? code
  })
  socket.on('close', () => {
    if (!socket.readableEnded) deliver(port, words, { kind: 'lost', code })
  })`,
      },
      { file, replace: '  FLUSHED,\n', by: '  FLUSHED,\n  NEWS,\n' },
      {
        file,
        hole: '#waitForRoom',
        by: `    let news: number
    do {
      news = Atomics.load(this.#words, NEWS)
      if (Atomics.load(this.#words, CLOSED) === 1) throw new ConnectionLost('ECONNRESET')
      if (this.#unflushed() <= WINDOW_BYTES) return
    } while (Atomics.wait(this.#words, NEWS, news) !== 'timed-out')`,
      },
      {
        file: 'news.ts',
        hole: 'sleepUntil',
        by: `  let news = Atomics.load(words, NEWS)
  let found = look()
  while (found === undefined) {
    Atomics.wait(words, NEWS, news)
    news = Atomics.load(words, NEWS)
    found = look()
  }
  return found`,
      },
    ],
  },
  {
    name: 'async-iterator',
    style:
      'The bridge is a loop that waits for room; the thread reads lines with one growing buffer.',
    edits: [
      {
        file: bridge,
        hole: 'pumpToThread',
        by: `  let untaken = 0
  let hasRoom = () => {}
  port.on('message', (message: FromThread) => {
    if (message.kind !== 'taken') return
    untaken -= message.bytes
    if (untaken < WINDOW_BYTES) hasRoom()
  })
  const pump = async () => {
    for await (const bytes of socket.iterator({ destroyOnReturn: false })) {
      untaken += bytes.length
      deliver(port, words, { kind: 'bytes', bytes })
      while (untaken >= WINDOW_BYTES) {
        await new Promise<void>((resolve) => {
          hasRoom = resolve
        })
      }
    }
    deliver(port, words, { kind: 'end' })
  }
  pump().catch(() => {})
  let code = 'ECONNRESET'
  socket.on('error', (error: NodeJS.ErrnoException) => {
    code = error.code ?? code
  })
  socket.on('close', () => {
    if (!socket.readableEnded) deliver(port, words, { kind: 'lost', code })
  })`,
      },
      {
        file: bridge,
        hole: 'deliver',
        by: `  port.postMessage(message)
  tellNews(words)`,
      },
      {
        file: 'news.ts',
        hole: 'tellNews',
        by: `  Atomics.store(words, NEWS, Atomics.load(words, NEWS) + 1)
  Atomics.notify(words, NEWS, 1)`,
      },
      {
        file,
        hole: 'readLine',
        by: `    const room = Buffer.alloc(maxBytes + 2)
    let length = 0
    for (;;) {
      const bytes = this.read()
      if (bytes === null && length === 0) return null
      const end = bytes ? bytes.indexOf(0x0a) : 0
      const piece = bytes ? bytes.subarray(0, end < 0 ? bytes.length : end) : Buffer.alloc(0)
      if (length + piece.length > maxBytes + 1) throw new LineTooLong('too long')
      room.set(piece, length)
      length += piece.length
      const content = room[length - 1] === 0x0d ? length - 1 : length
      if (content > maxBytes) throw new LineTooLong('too long')
      if (bytes && end >= 0 && end < bytes.length - 1) this.#rest = bytes.subarray(end + 1)
      if (bytes === null || end >= 0) return room.toString('utf8', 0, Math.max(0, content))
    }`,
      },
    ],
  },
  {
    name: 'end-of-all-in-one-place',
    style:
      'stream.finished() says how the connection ended; read() keeps what it has to say again as a function.',
    edits: [
      {
        file: bridge,
        replace: "import type { Socket } from 'node:net'",
        by: "import type { Socket } from 'node:net'\nimport { finished } from 'node:stream'",
      },
      {
        file: bridge,
        hole: 'pumpToThread',
        by: `  let credit = WINDOW_BYTES
  socket.on('data', (bytes: Buffer) => {
    deliver(port, words, { kind: 'bytes', bytes })
    credit -= bytes.length
    if (credit <= 0) socket.pause()
  })
  port.on('message', ({ kind, ...message }: FromThread) => {
    if (kind !== 'taken' || !('bytes' in message)) return
    credit += Number(message.bytes)
    if (credit > 0 && socket.isPaused()) socket.resume()
  })
  finished(socket, { writable: false }, (error) => {
    if (!error) return deliver(port, words, { kind: 'end' })
    const code = (error as NodeJS.ErrnoException).code ?? 'ECONNRESET'
    deliver(port, words, { kind: 'lost', code })
  })`,
      },
      {
        file,
        replace: '  #written: number\n',
        by: '  #written: number\n  #sayAgain: (() => null) | undefined\n',
      },
      {
        file,
        hole: 'read',
        by: `    if (this.#rest) return this.#takeRest()
    if (this.#sayAgain) return this.#sayAgain()
    const message = sleepUntil(this.#words, this.#receive)
    switch (message.kind) {
      case 'bytes':
        this.#post({ kind: 'taken', bytes: message.bytes.length })
        return message.bytes
      case 'end':
        this.#sayAgain = () => null
        return this.#sayAgain()
      case 'lost':
        this.#sayAgain = () => {
          throw new ConnectionLost(message.code)
        }
        return this.#sayAgain()
    }`,
      },
    ],
  },
  {
    name: 'waits-by-its-own-loop',
    style:
      'read() waits in a loop of its own, and the wait guards itself against waking for nothing.',
    edits: [
      {
        file: 'blocking-socket.ts',
        hole: 'read',
        by: `const rest = this.#rest
  if (rest !== undefined) { this.#rest = undefined; return rest }
  let message: ToThread | undefined = this.#ending
  while (!message) {
    const seen = Atomics.load(this.#words, NEWS)
    message = this.#receive()
    if (!message) Atomics.wait(this.#words, NEWS, seen)
  }
  if (message.kind === 'bytes') {
    this.#post({ kind: 'taken', bytes: message.bytes.length })
    return Buffer.from(message.bytes)
  }
  this.#ending = message
  if (message.kind === 'end') return null
  const lost = new ConnectionLost(message.code)
  throw lost`,
      },
      {
        file: 'blocking-socket.ts',
        replace: `  FLUSHED,
`,
        by: `  FLUSHED,
  NEWS,
`,
      },
      {
        file: 'news.ts',
        hole: 'sleepUntil',
        by: `for (;;) {
    const seen = Atomics.load(words, NEWS)
    const found = look()
    if (typeof found !== 'undefined') return found
    while (Atomics.load(words, NEWS) === seen) Atomics.wait(words, NEWS, seen, Infinity)
  }`,
      },
    ],
  },
  {
    name: 'finished-and-two-sums',
    style:
      'finished() tells the end and the loss in one place; two sums that only grow instead of a debt; a count that keeps within 31 bits.',
    edits: [
      {
        file: 'bridge.ts',
        hole: 'pumpToThread',
        by: `let delivered = 0
  let taken = 0
  const adjust = () => (delivered - taken >= WINDOW_BYTES ? socket.pause() : socket.resume())
  socket.on('data', (bytes: Buffer) => { delivered += bytes.length; deliver(port, words, { kind: 'bytes', bytes }); adjust() })
  port.on('message', (m: FromThread) => { if (m.kind === 'taken') { taken += m.bytes; adjust() } })
  finished(socket, { writable: false }, (error) => {
    if (!error) return deliver(port, words, { kind: 'end' })
    const { code } = error as NodeJS.ErrnoException
    deliver(port, words, { kind: 'lost', code: code && code !== 'ERR_STREAM_PREMATURE_CLOSE' ? code : 'ECONNRESET' })
  })`,
      },
      {
        file: 'bridge.ts',
        replace: `import type { Socket } from 'node:net'`,
        by: `import type { Socket } from 'node:net'
import { finished } from 'node:stream'`,
      },
      {
        file: 'blocking-socket.ts',
        hole: '#waitForRoom',
        by: `sleepUntil(this.#words, () => {
    const flushed = Atomics.load(this.#words, FLUSHED)
    if (Atomics.load(this.#words, CLOSED) > 0) throw new ConnectionLost('EPIPE')
    return ((this.#written - flushed) | 0) > WINDOW_BYTES ? undefined : null
  })`,
      },
      {
        file: 'news.ts',
        hole: 'tellNews',
        by: `Atomics.store(words, NEWS, (Atomics.load(words, NEWS) + 1) & 0x7fffffff)
  Atomics.notify(words, NEWS)`,
      },
    ],
  },
  {
    name: 'takes-the-count-away',
    style:
      'Takes the news away when it looks, and sleeps while there is none: the bridge only ever adds.',
    edits: [
      {
        file: 'news.ts',
        hole: 'sleepUntil',
        by: `for (;;) {
    const news = Atomics.exchange(words, NEWS, 0)
    const found = look()
    if (found !== undefined) return found
    Atomics.wait(words, NEWS, 0)
  }`,
      },
    ],
  },
  {
    name: 'decodes-as-it-comes',
    style:
      'A StringDecoder, byte by byte, that holds a carriage return back until it knows what follows.',
    edits: [
      {
        file: 'blocking-socket.ts',
        hole: 'readLine',
        by: `const decoder = new StringDecoder('utf8')
  let text = ''
  let length = 0
  let held = false
  let some = false
  const check = () => { if (length > maxBytes) throw new LineTooLong(String(maxBytes)) }
  for (;;) {
    const bytes = this.read()
    if (!bytes) { if (!some) return null; return text + decoder.end() }
    some = true
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i]!
      if (byte === NEWLINE) {
        if (i + 1 < bytes.length) this.#rest = bytes.subarray(i + 1)
        return text + decoder.end()
      }
      if (held) { text += decoder.write(Buffer.of(CARRIAGE_RETURN)); length++; held = false; check() }
      if (byte === CARRIAGE_RETURN) { held = true; continue }
      length++
      check()
      text += decoder.write(Buffer.of(byte))
    }
  }`,
      },
      {
        file: 'blocking-socket.ts',
        replace: 'import { receiveMessageOnPort }',
        by: `import { StringDecoder } from 'node:string_decoder'
import { receiveMessageOnPort }`,
      },
    ],
  },
  {
    name: 'resumes-when-all-is-taken',
    style:
      'A paused socket stays so until all is taken; write() asks for room first, and for CLOSED only if there is none.',
    edits: [
      {
        file: bridge,
        replace: 'if (untaken < WINDOW_BYTES) socket.resume()',
        by: 'if (untaken === 0) socket.resume()',
      },
      { file, replace: '  FLUSHED,\n', by: '  FLUSHED,\n  NEWS,\n' },
      {
        file,
        hole: '#waitForRoom',
        by: `    for (;;) {
      const news = Atomics.load(this.#words, NEWS)
      if (this.#unflushed() <= WINDOW_BYTES) return
      if (Atomics.load(this.#words, CLOSED)) throw new ConnectionLost('EPIPE')
      Atomics.wait(this.#words, NEWS, news)
    }`,
      },
    ],
  },
  {
    name: 'text-decoder-that-keeps-all',
    style: 'A TextDecoder that leaves a byte order mark where it is, and decodes piece by piece.',
    edits: [
      {
        file: 'blocking-socket.ts',
        replace: "const line = Buffer.concat(pieces).toString('utf8')",
        by: `const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  const texts = pieces.map((piece) => decoder.decode(piece, { stream: true }))
  const line = texts.join('') + decoder.decode()`,
      },
    ],
  },
]
