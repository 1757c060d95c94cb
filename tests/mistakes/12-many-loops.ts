import type { Mistake } from './mistake.ts'

const ACCEPT = '  return createServer({ allowHalfOpen: true, pauseOnConnect: true }, onSocket)'
const REPORT = "  socket.once('close', () => report('closed'))"
const FEWEST =
  '  return loops.reduce((best, loop) => (loop.connections < best.connections ? loop : best))'
const GIVE = `    moveSocket(socket, loop.thread)
    loop.connections += 1
    loop.total += 1`
const ON_CLOSED = '    loop.connections -= 1'
const REMOVE =
  '    this.#loops.splice(this.#loops.indexOf(loop), 1)\n    if (this.#isClosing) return'
const ADD = '    this.#addLoop().catch(() => {})'
const WAIT = '    await Promise.race([this.#whenIdle(), deadline])'
const END = '    clearTimeout(timer)\n    await this.terminate()'

export const mistakes: Mistake[] = [
  {
    name: 'starts-reading-before-the-move',
    step: '12.1',
    says: ['nothing of zoe’s socket to be read', 'unless it pauses it on connect'],
    edits: [
      {
        file: 'acceptor.ts',
        replace: ACCEPT,
        by: '  return createServer({ allowHalfOpen: true }, onSocket)',
      },
    ],
  },
  {
    name: 'waits-for-the-first-bytes',
    step: '12.1',
    says: ['the acceptor to hand over the sockets'],
    edits: [
      {
        file: 'acceptor.ts',
        replace: ACCEPT,
        by: `  return createServer({ allowHalfOpen: true }, (socket) => {
    socket.once('data', (chunk) => {
      socket.pause()
      socket.unshift(chunk)
      onSocket(socket)
    })
  })`,
      },
    ],
  },
  {
    name: 'answers-fin-by-itself',
    step: '12.1',
    says: ['her socket to stay open behind her FIN', 'serveConnections'],
    edits: [
      {
        file: 'acceptor.ts',
        replace: ACCEPT,
        by: '  return createServer({ pauseOnConnect: true }, onSocket)',
      },
    ],
  },
  {
    name: 'copies-instead-of-moving',
    step: '12.1',
    says: ['the server crashed', 'transferList'],
    cardVaries: true,
    edits: [
      {
        file: 'acceptor.ts',
        replace: 'thread.postMessage(socket, [socket])',
        by: 'thread.postMessage(socket)',
      },
    ],
  },
  {
    name: 'all-sockets-on-one-loop',
    step: '12.1',
    says: ['to be served by the two loop threads', 'the loop that was chosen'],
    edits: [
      {
        file: 'loop-group.ts',
        replace: 'moveSocket(socket, loop.thread)',
        by: 'moveSocket(socket, this.#loops[0].thread)',
      },
    ],
  },
  {
    name: 'writes-a-greeting-before-the-move',
    step: '12.1',
    says: ['the server crashed'],
    cardVaries: true,
    edits: [
      {
        file: 'loop-group.ts',
        replace: '    moveSocket(socket, loop.thread)',
        by: "    socket.write('\\n')\n    moveSocket(socket, loop.thread)",
      },
    ],
  },
  {
    name: 'picks-the-first',
    step: '12.2',
    says: ['Go through all of them'],
    edits: [{ file: 'choose.ts', replace: FEWEST, by: '  return loops[0]' }],
  },
  {
    name: 'round-robin-where-least-busy-is-asked',
    step: '12.2',
    says: ['A connection costs most where most are already'],
    edits: [
      {
        file: 'choose.ts',
        replace: FEWEST,
        by: '  return loops[turns++ % loops.length]',
      },
      {
        file: 'choose.ts',
        replace: '/** One after the other',
        by: 'let turns = 0\n\n/** One after the other',
      },
    ],
  },
  {
    name: 'the-busiest-of-all',
    step: '12.2',
    says: ['keep the one with the fewest'],
    edits: [
      {
        file: 'choose.ts',
        replace: 'loop.connections < best.connections',
        by: 'loop.connections > best.connections',
      },
    ],
  },
  {
    name: 'counts-when-the-loop-says-so',
    step: '12.2',
    says: ['both loops to have four connections', 'Count a connection when it moves'],
    edits: [
      {
        file: 'loop-group.ts',
        replace: GIVE,
        by: '    moveSocket(socket, loop.thread)\n    loop.total += 1',
      },
      {
        file: 'loop-group.ts',
        replace: 'return void loop.movedAtMs.shift()',
        by: 'loop.connections += 1\n            return void loop.movedAtMs.shift()',
      },
    ],
  },
  {
    name: 'counts-never-decrease',
    step: '12.2',
    says: ['is not counted any more', 'count down'],
    edits: [{ file: 'loop-group.ts', replace: ON_CLOSED, by: '    void loop' }],
  },
  {
    name: 'the-loop-never-reports',
    step: '12.2',
    says: ['is not counted any more', 'report "closed"'],
    edits: [{ file: 'loop-thread.ts', replace: REPORT, by: '' }],
  },
  {
    name: 'reports-only-who-said-goodbye',
    step: '12.2',
    says: ["when the socket emits 'close'"],
    edits: [
      {
        file: 'loop-thread.ts',
        replace: REPORT,
        by: "  socket.once('end', () => report('closed'))",
      },
    ],
  },
  {
    name: 'counts-down-the-wrong-loop',
    step: '12.2',
    says: ['Which count goes down'],
    edits: [
      {
        file: 'loop-group.ts',
        replace: ON_CLOSED,
        by: '    void loop\n    this.#loops[0].connections -= 1',
      },
    ],
  },
  {
    name: 'the-total-goes-down',
    step: '12.2',
    says: ['and never down'],
    edits: [{ file: 'loop-group.ts', replace: ON_CLOSED, by: `${ON_CLOSED}\n    loop.total -= 1` }],
  },
  {
    name: 'the-dead-loop-stays-in-the-list',
    step: '12.3',
    says: ['the dead loop to be out of the list', 'Remove this loop'],
    edits: [{ file: 'loop-group.ts', replace: REMOVE, by: '    if (this.#isClosing) return' }],
  },
  {
    name: 'takes-any-loop-out-of-the-list',
    step: '12.3',
    says: ['the dead loop to be out of the list', 'not just any'],
    edits: [
      {
        file: 'loop-group.ts',
        replace: REMOVE,
        by: '    this.#loops.pop()\n    if (this.#isClosing) return',
      },
    ],
  },
  {
    name: 'nobody-takes-its-place',
    step: '12.3',
    says: ['two loops, none of them'],
    edits: [{ file: 'loop-group.ts', replace: ADD, by: '' }],
  },
  {
    name: 'the-replacement-is-not-counted',
    step: '12.3',
    says: ['count that in `replaced`'],
    edits: [{ file: 'loop-group.ts', replace: '    this.#replaced += 1\n', by: '' }],
  },
  {
    name: 'the-new-loop-inherits-the-dead-ones-clients',
    step: '12.3',
    says: ['must not take over the counts'],
    edits: [
      {
        file: 'loop-group.ts',
        replace: ADD,
        by: `${ADD}\n    this.#loops.at(-1)!.connections = loop.connections`,
      },
    ],
  },
  {
    name: 'replaces-only-once',
    step: '12.3',
    says: ['A loop that replaces another one can die, too'],
    edits: [
      {
        file: 'loop-group.ts',
        replace: '    if (this.#isClosing) return',
        by: '    if (this.#isClosing || this.#replaced > 0) return',
      },
    ],
  },
  {
    name: 'close-cuts-instead-of-draining',
    step: '12.4',
    says: ['close() does not cut', 'The threads are ended at once'],
    edits: [{ file: 'loop-group.ts', replace: WAIT, by: '    await Promise.race([deadline, 0])' }],
  },
  {
    name: 'waits-for-graceMs-in-any-case',
    step: '12.4',
    says: ['nothing is left to wait for', '#whenIdle() tells'],
    edits: [{ file: 'loop-group.ts', replace: WAIT, by: '    await deadline' }],
  },
  {
    name: 'waits-for-ever',
    step: '12.4',
    says: ['After graceMs nobody is waited for', 'whichever comes first'],
    edits: [{ file: 'loop-group.ts', replace: WAIT, by: '    await this.#whenIdle()' }],
  },
  {
    name: 'leaves-the-threads',
    step: '12.4',
    says: ['worker thread', 'End every thread'],
    edits: [{ file: 'loop-group.ts', replace: END, by: '    clearTimeout(timer)' }],
  },
  {
    name: 'says-too-late-that-it-closes',
    step: '12.4',
    says: ['two threads to be left', 'is not replaced'],
    edits: [
      {
        file: 'loop-group.ts',
        replace: '    this.#isClosing = true\n    const { promise: deadline',
        by: '    const { promise: deadline',
      },
    ],
  },
  {
    name: 'leaves-its-timer',
    step: '12.4',
    says: ['a timer', 'clear the timer'],
    edits: [{ file: 'loop-group.ts', replace: END, by: '    await this.terminate()' }],
  },
  {
    name: 'replaces-loops-while-it-closes',
    step: '12.4',
    says: ['two threads to be left', 'is not replaced'],
    edits: [
      {
        file: 'loop-group.ts',
        replace: REMOVE,
        by: '    this.#loops.splice(this.#loops.indexOf(loop), 1)',
      },
    ],
  },
  {
    name: 'leaves-nobody-out',
    step: '12.5',
    says: ['the loops that answer', 'longer than 50'],
    edits: [
      {
        file: 'choose.ts',
        replace: '  return answering.length > 0 ? answering : loops',
        by: '  return answering.length > 0 ? loops : loops',
      },
    ],
  },
  {
    name: 'leaves-out-whoever-has-something-to-take-up',
    step: '12.5',
    says: ["'idle', 'fresh'", 'only 10'],
    edits: [
      {
        file: 'choose.ts',
        replace: 'waitingSinceMs === undefined || nowMs - waitingSinceMs <= patienceMs',
        by: 'waitingSinceMs === undefined || nowMs - waitingSinceMs * 0 <= patienceMs',
      },
    ],
  },
  {
    name: 'takes-a-point-in-time-for-a-while',
    step: '12.5',
    says: ['compare their difference'],
    edits: [
      {
        file: 'choose.ts',
        replace: 'nowMs - waitingSinceMs <= patienceMs',
        by: 'waitingSinceMs <= patienceMs',
      },
    ],
  },
  {
    name: 'leaves-everybody-out',
    step: '12.5',
    says: ['None of them answers', 'answer all of them'],
    edits: [
      {
        file: 'choose.ts',
        replace: '  return answering.length > 0 ? answering : loops',
        by: '  return answering',
      },
    ],
  },
]
