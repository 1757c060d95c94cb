import type { Mistake } from './mistake.ts'

const DATA = `socket.on('data', (chunk) => {
    const hasRoom = socket.write(chunk)
    if (!hasRoom) socket.pause()
  })`
const DRAIN = "socket.on('drain', () => socket.resume())"
const END = "socket.on('end', () => socket.end())"

export const mistakes: Mistake[] = [
  {
    name: 'decodes-to-a-string',
    step: '02.1',
    says: ['U+FFFD', 'went through a string'],
    edits: [{ replace: 'socket.write(chunk)', by: 'socket.write(chunk.toString())' }],
  },
  {
    name: 'answers-only-the-first-chunk',
    step: '02.1',
    says: ['still waits for', 'Only the first chunk was answered'],
    edits: [{ replace: "socket.on('data'", by: "socket.once('data'" }],
  },
  {
    name: 'trims-lines',
    step: '02.1',
    says: ['2 bytes are missing', 'Every byte counts'],
    edits: [
      {
        replace: DATA,
        by: `socket.on('data', (chunk) => {
    const text = chunk.toString('latin1')
    socket.write(Buffer.from(text.replace(/\\n+/g, '\\n'), 'latin1'))
  })`,
      },
    ],
  },
  {
    name: 'skips-empty-lines',
    step: '02.1',
    says: ['A single line end is a byte'],
    edits: [
      {
        replace: 'const hasRoom = socket.write(chunk)',
        by: "if (chunk.equals(Buffer.from('\\n'))) return\n    const hasRoom = socket.write(chunk)",
      },
    ],
  },
  {
    name: 'one-buffer-for-all-chunks',
    step: '02.1',
    says: ['to come back as they were', 'use a new one each time'],
    edits: [
      {
        replace: DATA,
        by: `const room = Buffer.alloc(64 * 1024)
  socket.on('data', (chunk) => {
    chunk.copy(room)
    if (!socket.write(room.subarray(0, chunk.length))) socket.pause()
  })`,
      },
    ],
  },
  {
    name: 'answers-the-newest-client',
    step: '02.1',
    says: ['to the socket it came from'],
    edits: [
      {
        replace: 'export function echoBytes(socket: Socket): void {',
        by: 'let newest: Socket\nexport function echoBytes(socket: Socket): void {\n  newest = socket',
      },
      { replace: 'socket.write(chunk)', by: 'newest.write(chunk)' },
    ],
  },
  {
    name: 'never-answers-fin',
    step: '02.1',
    says: ['still waits for the end', "It arrives as 'end'"],
    edits: [{ replace: END, by: 'void socket' }],
  },
  {
    name: 'closes-at-fin-and-loses-the-tail',
    step: '02.1',
    says: ['throws the queue away'],
    edits: [{ replace: END, by: "socket.on('end', () => socket.destroy())" }],
  },
  {
    name: 'closes-a-while-after-fin',
    step: '02.1',
    says: ['at the FIN or a while later'],
    edits: [
      { replace: END, by: "socket.on('end', () => setTimeout(() => socket.destroy(), 100))" },
    ],
  },
  {
    name: 'answers-no-fin-after-the-first',
    step: '02.1',
    says: ['connect after a goodbye', 'remembered from an earlier client'],
    edits: [
      {
        hole: 'answerGoodbye',
        by: `  if (hasAnswered) return
  socket.on('end', () => {
    hasAnswered = true
    socket.end()
  })`,
      },
      {
        replace: 'export function answerGoodbye',
        by: 'let hasAnswered = false\n\nexport function answerGoodbye',
      },
    ],
  },
  {
    name: 'pauses-at-exactly-the-mark',
    step: '02.3',
    // Where the kernel's chunks never add up to the mark, nothing is ever paused.
    orStep: '02.2',
    says: ['The test expected'],
    edits: [
      {
        hole: 'echoBytes',
        by: `  socket.on('data', (chunk) => {
    socket.write(chunk)
    if (socket.writableLength === socket.writableHighWaterMark) socket.pause()
  })
  socket.on('drain', () => socket.resume())`,
      },
    ],
  },
  {
    name: 'closes-a-minute-after-fin',
    step: '02.1',
    says: ['no timer to be set', 'bob reads when he likes'],
    cardVaries: true,
    edits: [
      {
        hole: 'answerGoodbye',
        by: `  socket.on('end', () => {
    socket.end()
    setTimeout(() => socket.destroy(), 60_000).unref()
  })`,
      },
    ],
  },
  {
    name: 'writes-each-chunk-twice',
    step: '02.1',
    says: ['Write each chunk once'],
    edits: [
      {
        hole: 'echoBytes',
        by: "  socket.on('data', (chunk) => {\n    socket.write(chunk)\n    if (!socket.write(chunk)) socket.pause()\n  })\n  socket.on('drain', () => socket.resume())",
      },
    ],
  },
  {
    name: 'drops-chunks-while-the-queue-is-full',
    step: '02.3',
    says: ['A chunk is missing'],
    cardVaries: true,
    edits: [
      {
        hole: 'echoBytes',
        by: "  socket.on('data', (chunk) => {\n    if (socket.writableNeedDrain) socket.pause()\n    else socket.write(chunk)\n  })\n  socket.on('drain', () => socket.resume())",
      },
    ],
  },
  {
    name: 'says-fin-only-when-nothing-waits',
    step: '02.1',
    says: ['end() waits for the queue by itself'],
    edits: [
      {
        replace: END,
        by: "socket.on('end', () => {\n    if (socket.writableLength === 0) socket.end()\n  })",
      },
    ],
  },
  {
    name: 'answers-fin-with-rst',
    step: '02.1',
    says: ['was reset', 'resetAndDestroy() sends RST'],
    edits: [{ replace: END, by: "socket.on('end', () => socket.resetAndDestroy())" }],
  },
  {
    name: 'waits-for-drain-before-fin',
    step: '02.1',
    says: ['which is emitted only if the queue was full'],
    edits: [
      {
        replace: END,
        by: "socket.on('end', () => {\n    socket.once('drain', () => socket.end())\n  })",
      },
    ],
  },
  {
    name: 'echoes-a-turn-later',
    step: '02.1',
    says: ['written later than it arrives'],
    edits: [
      {
        replace: DATA,
        by: "socket.on('data', (chunk) => {\n    setImmediate(() => socket.write(chunk))\n  })",
      },
    ],
  },
  {
    name: 'ends-in-place-of-an-echo',
    step: '02.1',
    says: ['ended before the echo'],
    edits: [{ replace: DATA, by: "socket.on('data', () => socket.end())" }],
  },
  {
    name: 'says-fin-at-once',
    step: '02.1',
    says: ['ended before the echo'],
    edits: [{ replace: END, by: 'socket.end()' }],
  },
  {
    name: 'ends-after-the-first-answer',
    step: '02.1',
    says: ['the server ended the connection'],
    edits: [
      {
        replace: 'const hasRoom = socket.write(chunk)',
        by: 'const hasRoom = true\n    socket.end(chunk)',
      },
    ],
  },
  {
    name: 'ignores-a-full-queue',
    step: '02.2',
    says: ['less than 8 MiB', 'write() returns false'],
    edits: [{ replace: 'if (!hasRoom) socket.pause()', by: 'void hasRoom' }],
  },
  {
    name: 'pauses-far-too-late',
    step: '02.2',
    says: ['less than 8 MiB'],
    edits: [
      {
        replace: 'if (!hasRoom) socket.pause()',
        by: 'if (!hasRoom && socket.writableLength > 64 * 1024 * 1024) socket.pause()',
      },
    ],
  },
  {
    name: 'pauses-the-wrong-way-round',
    step: '02.1',
    says: ['still waits for'],
    edits: [{ replace: 'if (!hasRoom)', by: 'if (hasRoom)' }],
  },
  {
    name: 'throws-away-what-does-not-fit',
    step: '02.2',
    says: ['thrown away'],
    edits: [
      {
        replace: DATA,
        by: "socket.on('data', (chunk) => {\n    if (!socket.writableNeedDrain) socket.write(chunk)\n  })",
      },
    ],
  },
  {
    name: 'resumes-on-a-timer',
    step: '02.2',
    says: ['not to grow any more', 'a timer does not know'],
    edits: [
      {
        replace: 'if (!hasRoom) socket.pause()',
        by: `if (!hasRoom) {
      socket.pause()
      setTimeout(() => socket.resume(), 100)
    }`,
      },
      { replace: DRAIN, by: '' },
    ],
  },
  {
    name: 'resumes-a-second-later',
    step: '02.2',
    // On a busy machine each look is long enough to see the queue grow; both cards blame the timer.
    says: ['timer', 'when there is'],
    cardVaries: true,
    edits: [
      {
        replace: 'if (!hasRoom) socket.pause()',
        by: `if (!hasRoom) {
      socket.pause()
      setTimeout(() => socket.resume(), 1_000)
    }`,
      },
    ],
  },
  {
    name: 'looks-for-room-at-every-turn',
    step: '02.2',
    says: ['the server to be asleep', 'again and again'],
    edits: [
      {
        replace: 'if (!hasRoom) socket.pause()',
        by: `const look = () => {
      if (socket.writableNeedDrain && !socket.destroyed) setImmediate(look)
      else socket.resume()
    }
    if (!hasRoom) {
      socket.pause()
      look()
    }`,
      },
      { replace: DRAIN, by: '' },
    ],
  },
  {
    name: 'has-a-mark-of-its-own',
    step: '02.2',
    says: ['256 KiB in the queue', 'not at a mark of your own'],
    edits: [
      {
        replace: 'if (!hasRoom) socket.pause()',
        by: 'if (!hasRoom && socket.writableLength > 1024 * 1024) socket.pause()',
      },
    ],
  },
  {
    name: 'throws-slow-clients-out',
    step: '02.2',
    says: ['Her connection is gone'],
    edits: [{ replace: 'if (!hasRoom) socket.pause()', by: 'if (!hasRoom) socket.destroy()' }],
  },
  {
    name: 'pauses-only-the-first-time',
    step: '02.3',
    // On a busy machine the queue may empty once before the kernel's buffers are full.
    orStep: '02.2',
    says: ['to hold less than 8 MiB', 'not only the first'],
    edits: [
      {
        replace: DATA,
        by: `let hasPaused = false
  socket.on('data', (chunk) => {
    if (socket.write(chunk) || hasPaused) return
    hasPaused = true
    socket.pause()
  })`,
      },
    ],
  },
  {
    name: 'pauses-twenty-times',
    step: '02.3',
    // How often the queue fills up depends on the kernel: either there are more than twenty times, or fewer.
    says: ['paused'],
    cardVaries: true,
    edits: [
      {
        replace: DATA,
        by: `let pauses = 0
  socket.on('data', (chunk) => {
    if (!socket.write(chunk) && ++pauses <= 20) socket.pause()
  })`,
      },
    ],
  },
  {
    name: 'resumes-forty-times',
    step: '02.3',
    says: ['every byte to come back each time'],
    edits: [
      {
        replace: DRAIN,
        by: "let drains = 0\n  socket.on('drain', () => {\n    if (++drains <= 40) socket.resume()\n  })",
      },
    ],
  },
  {
    name: 'a-listener-for-each-chunk',
    step: '02.3',
    says: ["at most 10 'drain' listeners", 'not once per chunk'],
    edits: [
      {
        hole: 'echoBytes',
        by: `  socket.on('data', (chunk) => {
    if (socket.write(chunk)) return
    socket.pause()
    socket.on('drain', () => socket.resume())
  })`,
      },
    ],
  },
  {
    name: 'pauses-and-never-resumes',
    step: '02.3',
    says: ['paused and never resumed'],
    edits: [{ replace: DRAIN, by: '' }],
  },
  {
    name: 'resumes-only-once',
    step: '02.3',
    says: ['each time'],
    edits: [{ replace: DRAIN, by: "socket.once('drain', () => socket.resume())" }],
  },
  {
    name: 'waits-for-drain-in-a-loop',
    step: '02.2',
    says: ['spins at chapters/02-echo/server.ts:'],
    cardVaries: true,
    edits: [
      {
        replace: 'if (!hasRoom) socket.pause()',
        by: 'while (!hasRoom && socket.writableNeedDrain) {}',
      },
    ],
  },
  {
    name: 'answers-fin-a-while-later',
    step: '02.1',
    says: ['A timer says FIN later'],
    edits: [
      {
        file: 'server.ts',
        hole: 'answerGoodbye',
        by: `socket.on('end', () => setTimeout(() => socket.end(), 50))`,
      },
    ],
  },
  {
    name: 'looks-for-the-end-every-10-ms',
    step: '02.1',
    says: ['again and again'],
    edits: [
      {
        file: 'server.ts',
        hole: 'answerGoodbye',
        by: `const t = setInterval(() => { if (socket.readableEnded) { clearInterval(t); socket.end() } }, 10)
  socket.on('close', () => clearInterval(t))`,
      },
    ],
  },
  {
    name: 'leaves-the-last-byte-of-a-full-chunk',
    step: '02.1',
    says: ['Write all of the chunk'],
    edits: [
      {
        file: 'server.ts',
        hole: 'echoBytes',
        by: `socket.on('data', (c) => { if (!socket.write(c.subarray(0, 65535))) socket.pause() })
  socket.on('drain', () => socket.resume())`,
      },
    ],
  },
  {
    name: 'holds-large-chunks-up',
    step: '02.1',
    says: ['in another order'],
    edits: [
      {
        file: 'server.ts',
        hole: 'echoBytes',
        by: `socket.on('data', (c) => { const go = () => { if (!socket.write(c)) socket.pause() }; if (c.length > 1000) setImmediate(go); else go() })
  socket.on('drain', () => socket.resume())`,
      },
    ],
  },
  {
    name: 'resumes-everybody-at-each-drain',
    step: '02.3',
    says: ['resumed by its own drain'],
    edits: [
      {
        file: 'server.ts',
        hole: 'echoBytes',
        by: `socket.on('data', (c) => { if (!socket.write(c)) { socket.pause(); stuck.add(socket) } })
  socket.on('drain', () => { for (const s of stuck) s.resume(); stuck.clear() })`,
      },
      {
        file: 'server.ts',
        replace: 'export function startServer',
        by: `const stuck = new Set<Socket>()
export function startServer`,
      },
    ],
  },
  {
    name: 'remembers-one-pause-for-all',
    step: '02.3',
    says: ['remembered for all sockets'],
    edits: [
      {
        file: 'server.ts',
        hole: 'echoBytes',
        by: `socket.on('data', (c) => { if (!socket.write(c)) { busy = true; socket.pause() } })
  socket.on('drain', () => { if (busy) { busy = false; socket.resume() } })`,
      },
      {
        file: 'server.ts',
        replace: 'export function startServer',
        by: `let busy = false
export function startServer`,
      },
    ],
  },
  {
    name: 'keeps-every-socket-for-ever',
    step: '02.1',
    says: ['sockets that have closed to be forgotten', 'never taken out'],
    edits: [
      {
        replace: 'export function startServer(',
        by: 'const sockets = new Set<Socket>()\n\nexport function startServer(',
      },
      {
        replace: "  socket.on('end', () => socket.end())\n",
        by: "  sockets.add(socket)\n  socket.on('end', () => socket.end())\n",
      },
    ],
  },
  {
    name: 'one-brake-for-all',
    step: '02.3',
    says: ['keep nothing about it in the module'],
    edits: [
      {
        replace: DATA,
        by: `socket.on('data', (chunk) => {
    if (socket.write(chunk) || isPaused) return
    isPaused = true
    socket.pause()
  })`,
      },
      {
        replace: DRAIN,
        by: `socket.on('drain', () => {
    isPaused = false
    socket.resume()
  })`,
      },
      {
        replace: 'export function startServer',
        by: 'let isPaused = false\n\nexport function startServer',
      },
    ],
  },
  {
    name: 'keeps-who-never-read',
    step: '02.3',
    says: ["neither 'end' nor 'drain' comes"],
    edits: [
      { replace: 'if (!hasRoom) socket.pause()', by: 'if (!hasRoom) slow.add(socket.pause())' },
      { replace: DRAIN, by: "socket.on('drain', () => slow.delete(socket) && socket.resume())" },
      {
        replace: 'export function startServer',
        by: 'const slow = new Set<Socket>()\n\nexport function startServer',
      },
    ],
  },
  {
    name: 'keeps-who-was-lost',
    step: '02.1',
    says: ["neither 'end' nor 'drain' comes"],
    edits: [
      {
        replace: END,
        by: "talking.add(socket)\n  socket.on('end', () => talking.delete(socket) && socket.end())",
      },
      {
        replace: 'export function startServer',
        by: 'const talking = new Set<Socket>()\n\nexport function startServer',
      },
    ],
  },
  {
    name: 'awaits-a-drain-that-may-not-come',
    step: '02.3',
    says: ['ECONNRESET'],
    // The client is lost while it is read or while it is written to.
    cardVaries: true,
    edits: [
      {
        replace: DATA,
        by: `socket.on('data', async (chunk) => {
    if (socket.write(chunk)) return
    socket.pause()
    await once(socket, 'drain')
    socket.resume()
  })`,
      },
      { replace: DRAIN, by: '' },
      {
        replace: "import type { Socket } from 'node:net'",
        by: "import { once } from 'node:events'\nimport type { Socket } from 'node:net'",
      },
    ],
  },
  {
    name: 'pauses-while-anything-waits',
    step: '02.1',
    says: ['all pieces to come back', 'Pause only then'],
    edits: [
      {
        hole: 'echoBytes',
        by: `  socket.on('data', (chunk) => {
    socket.write(chunk)
    if (socket.writableLength > 0) socket.pause()
  })
  socket.on('drain', () => socket.resume())`,
      },
    ],
  },
]
