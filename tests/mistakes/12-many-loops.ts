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
    says: ['nothing to be read from zoe’s socket', 'unless it pauses it on connect'],
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
    says: ['her socket to stay open after her FIN', 'serveConnections'],
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
    says: ['to be served by the two loop threads', 'the loop that it is given'],
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
    name: 'a-loop-for-each-socket',
    step: '12.1',
    says: ['on the loop that serveSocket() is given'],
    // Which of two threads prints first is theirs to say.
    cardVaries: true,
    edits: [
      {
        file: 'loop-thread.ts',
        hole: 'serveSocket',
        by: `const own = new EventLoop<Source>(new NetPoller()); own.run()
 serve(new NetStream(socket), own)
 socket.once('close', () => report('closed'))`,
      },
    ],
  },
  {
    name: 'wraps-the-socket',
    step: '12.1',
    says: ['with nothing around it'],
    cardVaries: true,
    edits: [
      {
        file: 'acceptor.ts',
        replace: 'thread.postMessage(socket, [socket])',
        by: 'thread.postMessage({ socket }, [socket])',
      },
    ],
  },
  {
    name: 'counts-down-when-it-has-moved',
    step: '12.2',
    says: ['Count down only when the loop reports it'],
    cardVaries: true,
    edits: [
      {
        file: 'loop-group.ts',
        replace: GIVE,
        by: `${GIVE}\n    socket.once('close', () => this.#onClosed(loop))`,
      },
      { file: 'loop-thread.ts', replace: REPORT, by: '' },
    ],
  },
  {
    name: 'counts-down-at-the-end-and-at-the-close',
    step: '12.2',
    says: ['Too few are counted', "before its 'close'"],
    cardVaries: true,
    edits: [
      {
        file: 'loop-thread.ts',
        replace: REPORT,
        by: `${REPORT}\n  socket.once('end', () => report('closed'))`,
      },
    ],
  },
  {
    name: 'counts-down-to-nothing',
    step: '12.2',
    says: ['Too few are counted', 'by one, and only once'],
    edits: [{ file: 'loop-group.ts', replace: ON_CLOSED, by: '    loop.connections = 0' }],
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
    says: ['the fewest others'],
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
    says: ['is not counted any more', 'counts down'],
    edits: [{ file: 'loop-group.ts', replace: ON_CLOSED, by: '    void loop' }],
  },
  {
    name: 'the-loop-never-reports',
    step: '12.2',
    says: ['is not counted any more', "reports 'closed'"],
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
    says: ['the count of the loop that had it'],
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
    name: 'reports-when-both-have-nothing-to-say-or-one',
    step: '12.2',
    says: ['fay has sent FIN and waits for her answers', "Only 'close' says"],
    edits: [
      {
        file: 'loop-thread.ts',
        replace: REPORT,
        by: `  let isTold = false
  for (const event of ['end', 'close']) {
    socket.once(event, () => {
      if (!isTold) report('closed')
      isTold = true
    })
  }`,
      },
    ],
  },
  {
    name: 'reports-at-its-own-fin',
    step: '12.2',
    says: ['The server has sent FIN, hal has not', "Only 'close' says"],
    edits: [
      {
        file: 'loop-thread.ts',
        replace: REPORT,
        by: `  let isTold = false
  for (const event of ['finish', 'close']) {
    socket.once(event, () => {
      if (!isTold) report('closed')
      isTold = true
    })
  }`,
      },
    ],
  },
  {
    name: 'compares-as-text',
    step: '12.2',
    says: ['picks from 100, 20, 9', 'compare numbers'],
    edits: [
      {
        file: 'choose.ts',
        replace: 'loop.connections < best.connections',
        by: '`${loop.connections}` < `${best.connections}`',
      },
    ],
  },
  {
    name: 'an-idle-loop-is-none',
    step: '12.2',
    says: ['picks from 0, 4, 2', 'it is falsy, but not missing'],
    edits: [
      {
        file: 'choose.ts',
        replace: 'loop.connections < best.connections',
        by: '!best.connections || loop.connections < best.connections',
      },
    ],
  },
  {
    name: 'sorts-the-list-of-the-group',
    step: '12.2',
    says: ['Choosing from it changes nothing', 'toSorted()'],
    edits: [
      {
        file: 'choose.ts',
        replace: FEWEST,
        by: '  return (loops as L[]).sort((one, other) => one.connections - other.connections)[0]',
      },
    ],
  },
  {
    name: 'only-loops-that-nothing-waits-for',
    step: '12.2',
    says: ['Compare connections, and nothing else'],
    edits: [
      {
        file: 'choose.ts',
        hole: 'leastBusy',
        by: `const free = loops.filter((l) => l.waitingSinceMs === undefined)
 return (free.length ? free : loops).reduce((b, l) => (l.connections < b.connections ? l : b))`,
      },
    ],
  },
  {
    name: 'counted-a-turn-later',
    step: '12.2',
    says: ['not in a later turn'],
    edits: [
      {
        file: 'loop-group.ts',
        hole: '#give',
        by: `moveSocket(socket, loop.thread)
 setImmediate(() => { loop.connections += 1
 loop.total += 1 })`,
      },
    ],
  },
  {
    name: 'the-total-a-turn-later',
    step: '12.2',
    says: ['not in a later turn'],
    edits: [
      {
        file: 'loop-group.ts',
        hole: '#give',
        by: `moveSocket(socket, loop.thread)
 loop.connections += 1
 setImmediate(() => { loop.total += 1 })`,
      },
    ],
  },
  {
    name: 'looks-whether-it-is-closed',
    step: '12.2',
    says: ['A timer for each connection'],
    edits: [
      {
        file: 'loop-thread.ts',
        hole: 'serveSocket',
        by: `serve(new NetStream(socket), loop)
 const t = setInterval(() => { if (socket.closed) { clearInterval(t); report('closed') } }, 20)`,
      },
    ],
  },
  {
    name: 'takes-the-first-loop-out-of-the-list',
    step: '12.3',
    says: ['the dead loop to be out of the list', 'not just any'],
    edits: [
      {
        file: 'loop-group.ts',
        replace: REMOVE,
        by: '    void loop\n    this.#loops.shift()\n    if (this.#isClosing) return',
      },
    ],
  },
  {
    name: 'takes-the-loop-with-most-clients-out-of-the-list',
    step: '12.3',
    says: ['the dead loop to be out of the list', 'not just any'],
    edits: [
      {
        file: 'loop-group.ts',
        replace: REMOVE,
        by: `    void loop
    const most = Math.max(...this.#loops.map(({ connections }) => connections))
    this.#loops.splice(this.#loops.findIndex(({ connections }) => connections === most), 1)
    if (this.#isClosing) return`,
      },
    ],
  },
  {
    name: 'nobody-catches-a-replacement-that-cannot-start',
    step: '12.3',
    cardVaries: true,
    says: ['nobody caught it', 'rejects when a loop cannot start'],
    edits: [{ file: 'loop-group.ts', replace: ADD, by: '    void this.#addLoop()' }],
  },
  {
    name: 'tries-to-start-it-for-ever',
    step: '12.3',
    says: ['do not try again'],
    cardVaries: true,
    edits: [
      {
        file: 'loop-group.ts',
        replace: ADD,
        by: '    const start = () => {\n      this.#addLoop().catch(start)\n    }\n    start()',
      },
    ],
  },
  {
    name: 'leaves-the-list-once-the-new-loop-runs',
    step: '12.3',
    says: ['not in a later turn'],
    edits: [
      {
        file: 'loop-group.ts',
        hole: '#onExit',
        by: `    if (this.#isClosing) return
    this.#addLoop().then(
      () => {
        this.#loops.splice(this.#loops.indexOf(loop), 1)
        this.#replaced += 1
      },
      () => {},
    )`,
      },
    ],
  },
  {
    name: 'the-dead-loop-stays-in-the-list',
    step: '12.3',
    says: ['the dead loop to be out of the list', 'The list has grown'],
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
    says: ['3 loops, none of them', 'nothing has taken its place'],
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
    says: ['however many were replaced earlier'],
    edits: [
      {
        file: 'loop-group.ts',
        replace: '    if (this.#isClosing) return',
        by: '    if (this.#isClosing || this.#replaced > 0) return',
      },
    ],
  },
  {
    name: 'out-a-turn-later',
    step: '12.3',
    says: ['not in a later turn'],
    edits: [
      {
        file: 'loop-group.ts',
        hole: '#onExit',
        by: `setImmediate(() => { this.#loops.splice(this.#loops.indexOf(loop), 1)
 if (this.#isClosing) return
 this.#replaced += 1
 this.#addLoop().catch(() => {}) })`,
      },
    ],
  },
  {
    name: 'tries-to-start-it-again-later',
    step: '12.3',
    says: ['no timer that would try again', 'do not try again'],
    cardVaries: true,
    edits: [
      {
        file: 'loop-group.ts',
        replace: ADD,
        by: `    const again = (): void => void this.#addLoop().catch(() => setTimeout(again, 2_000))
    again()`,
      },
    ],
  },
  {
    name: 'takes-out-a-loop-with-as-many-clients',
    step: '12.3',
    says: ['Look for this loop itself'],
    edits: [
      {
        file: 'loop-group.ts',
        replace: REMOVE,
        by: `    const place = this.#loops.findIndex((other) => other.connections === loop.connections)
    this.#loops.splice(place, 1)
    if (this.#isClosing) return`,
      },
    ],
  },
  {
    name: 'takes-out-all-loops-behind-it',
    step: '12.3',
    says: ['A live loop is gone from the list, too'],
    edits: [
      {
        file: 'loop-group.ts',
        replace: REMOVE,
        by: '    this.#loops.splice(this.#loops.indexOf(loop))\n    if (this.#isClosing) return',
      },
    ],
  },
  {
    name: 'starts-two-for-one',
    step: '12.3',
    says: ['start one replacement'],
    edits: [{ file: 'loop-group.ts', replace: ADD, by: `${ADD}\n${ADD}` }],
  },
  {
    name: 'gives-up-when-one-cannot-start',
    step: '12.3',
    says: ['The other loops must go on'],
    cardVaries: true,
    edits: [
      {
        file: 'loop-group.ts',
        replace: ADD,
        by: '    this.#addLoop().catch(() => this.terminate())',
      },
    ],
  },
  {
    name: 'waits-for-the-last-one-to-leave-though-nobody-is-there',
    step: '12.4',
    says: ['Nobody is connected any more', 'does not come again'],
    edits: [
      {
        file: 'loop-group.ts',
        replace: WAIT,
        by: `    const idle = new Promise<void>((resolve) => this.#onIdle.push(resolve))
    await Promise.race([idle, deadline])`,
      },
    ],
  },
  {
    name: 'ends-one-thread-after-the-other',
    step: '12.4',
    says: ['ends all at once'],
    edits: [
      {
        file: 'loop-group.ts',
        replace: END,
        by: '    clearTimeout(timer)\n    for (const { thread } of this.#loops) await thread.terminate()',
      },
    ],
  },
  {
    name: 'closes-with-the-first-loop-that-ends',
    step: '12.4',
    says: ['The other loops were ended'],
    cardVaries: true,
    edits: [
      {
        file: 'loop-group.ts',
        replace: WAIT,
        by: `    const ended = this.#loops.map(({ thread }) => new Promise((end) => thread.once('exit', end)))
    await Promise.race([...ended, this.#whenIdle(), deadline])`,
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
    says: ['nothing is left to wait for', '#whenIdle() resolves then'],
    edits: [{ file: 'loop-group.ts', replace: WAIT, by: '    await deadline' }],
  },
  {
    name: 'waits-for-ever',
    step: '12.4',
    says: ['After graceMs, close() waits for nobody', 'whichever comes first'],
    edits: [{ file: 'loop-group.ts', replace: WAIT, by: '    await this.#whenIdle()' }],
  },
  {
    name: 'leaves-the-threads',
    step: '12.4',
    says: ['the number of threads alive when close() resolved'],
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
    name: 'a-second-close-returns-at-once',
    step: '12.4',
    says: ['each time it is called', 'when it was called earlier'],
    edits: [
      {
        file: 'loop-group.ts',
        replace: '    this.#isClosing = true\n    const { promise: deadline',
        by: '    if (this.#isClosing) return\n    this.#isClosing = true\n    const { promise: deadline',
      },
    ],
  },
  {
    name: 'looks-now-and-then-whether-all-have-left',
    step: '12.4',
    says: ['no timer but that of graceMs', '#whenIdle() resolves when it is time'],
    edits: [
      {
        file: 'loop-group.ts',
        hole: 'close',
        by: `    this.#isClosing = true
    const endMs = performance.now() + graceMs
    const isIdle = this.#whenIdle().then(() => true)
    const soon = () => new Promise<false>((resolve) => setTimeout(resolve, 5, false))
    while (performance.now() < endMs && !(await Promise.race([isIdle, soon()])));
    await this.terminate()`,
      },
    ],
  },
  {
    name: 'spins-until-all-have-left',
    step: '12.4',
    says: ['nothing to be pending but the threads'],
    edits: [
      {
        file: 'loop-group.ts',
        hole: 'close',
        by: `    this.#isClosing = true
    const endMs = performance.now() + graceMs
    let isIdle = false
    this.#whenIdle().then(() => {
      isIdle = true
    })
    while (!isIdle && performance.now() < endMs) await new Promise((resolve) => setImmediate(resolve))
    await this.terminate()`,
      },
    ],
  },
  {
    name: 'does-not-wait-for-the-threads-to-end',
    step: '12.4',
    says: ['the number of threads alive when close() resolved', 'await it'],
    edits: [
      {
        file: 'loop-group.ts',
        replace: END,
        by: '    clearTimeout(timer)\n    void this.terminate()',
      },
    ],
  },
  {
    name: 'never-waits-longer-than-it-thinks-right',
    step: '12.4',
    says: ['no timer but that of graceMs'],
    edits: [
      {
        file: 'loop-group.ts',
        replace: 'setTimeout(resolve, graceMs)',
        by: 'setTimeout(resolve, Math.min(graceMs, 5_000))',
      },
    ],
  },
  {
    name: 'no-grace-is-a-second',
    step: '12.4',
    says: ['takes 0 for a value'],
    edits: [
      {
        file: 'loop-group.ts',
        hole: 'close',
        by: `    this.#isClosing = true
    const { promise: deadline, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, graceMs || 1_000)
    await Promise.race([this.#whenIdle(), deadline])
    clearTimeout(timer)
    await this.terminate()`,
      },
    ],
  },
  {
    name: 'counts-what-is-not-replaced',
    step: '12.4',
    says: ['Count a replacement when there is one'],
    edits: [
      {
        file: 'loop-group.ts',
        hole: '#onExit',
        by: `this.#loops.splice(this.#loops.indexOf(loop), 1)
 this.#replaced += 1
 if (this.#isClosing) return
 this.#addLoop().catch(() => {})`,
      },
    ],
  },
  {
    name: 'forgets-that-nobody-may-wait',
    step: '12.5',
    says: ['`idle` is missing'],
    edits: [
      {
        file: 'choose.ts',
        replace: 'waitingSinceMs === undefined || nowMs - waitingSinceMs',
        by: 'nowMs - (waitingSinceMs as number)',
      },
    ],
  },
  {
    name: 'one-that-answers-is-not-enough',
    step: '12.5',
    says: ['All are returned only when none answers'],
    edits: [{ file: 'choose.ts', replace: 'answering.length > 0', by: 'answering.length > 1' }],
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
    says: ['None of them answers', 'return all of them'],
    edits: [
      {
        file: 'choose.ts',
        replace: '  return answering.length > 0 ? answering : loops',
        by: '  return answering',
      },
    ],
  },
  {
    name: 'leaves-out-who-is-just-patient-enough',
    step: '12.5',
    says: ['51, but not 50'],
    edits: [
      {
        file: 'choose.ts',
        replace: 'nowMs - waitingSinceMs <= patienceMs',
        by: 'nowMs - waitingSinceMs < patienceMs',
      },
    ],
  },
  {
    name: 'takes-the-first-moment-for-never',
    step: '12.5',
    says: ['0 is a point in time like any other'],
    edits: [
      { file: 'choose.ts', replace: 'waitingSinceMs === undefined ||', by: '!waitingSinceMs ||' },
    ],
  },
  {
    name: 'looks-at-its-own-clock',
    step: '12.5',
    says: ['Ask no other clock'],
    edits: [
      {
        file: 'choose.ts',
        replace: 'nowMs - waitingSinceMs <= patienceMs',
        by: 'performance.now() - waitingSinceMs <= patienceMs + nowMs * 0',
      },
    ],
  },
  {
    name: 'a-refusal-is-swallowed',
    step: '12.1',
    says: ['what moveSocket() throws', 'Catch nothing'],
    edits: [
      {
        file: 'acceptor.ts',
        replace: '  thread.postMessage(socket, [socket])',
        by: `  try {
    thread.postMessage(socket, [socket])
  } catch {
    socket.resume()
  }`,
      },
    ],
  },
  {
    name: 'the-group-swallows-a-refusal',
    step: '12.1',
    says: ['what is thrown', 'catch nothing'],
    edits: [
      {
        file: 'loop-group.ts',
        hole: '#give',
        by: `    try {
      moveSocket(socket, loop.thread)
    } catch {
      return void socket.destroy()
    }
    loop.connections += 1
    loop.total += 1`,
      },
    ],
  },
  {
    name: 'leaves-a-socket-that-was-read-lying',
    step: '12.1',
    says: ['what is thrown', 'check nothing before the call'],
    edits: [
      {
        file: 'acceptor.ts',
        hole: 'moveSocket',
        by: '  if (socket.bytesRead > 0) return\n  thread.postMessage(socket, [socket])',
      },
    ],
  },
  {
    name: 'knows-two-ways-to-end',
    step: '12.2',
    says: ['Her connection was destroyed', "Only 'close' comes"],
    edits: [
      {
        file: 'loop-thread.ts',
        replace: REPORT,
        by: `  let ends = 0
  const isOver = (by: number) => {
    ends += by
    if (ends >= 2) report('closed')
    if (ends >= 2) ends = -9
  }
  for (const event of ['end', 'finish']) socket.once(event, () => isOver(1))
  socket.once('error', () => isOver(2))`,
      },
    ],
  },
  {
    name: 'gives-up-for-good-when-one-cannot-start',
    step: '12.3',
    says: ['two loops to be in the list again', 'do not remember the failure'],
    cardVaries: true,
    edits: [
      {
        file: 'loop-group.ts',
        replace: ADD,
        by: `    this.#addLoop().catch(() => {
      this.#isClosing = true
    })`,
      },
    ],
  },
  {
    name: 'replaces-three-and-no-more',
    step: '12.3',
    says: ['two loops to be in the list again', 'count nothing down'],
    cardVaries: true,
    edits: [
      {
        file: 'loop-group.ts',
        replace: '    if (this.#isClosing) return',
        by: '    if (this.#isClosing || this.#replaced === 3) return',
      },
    ],
  },
  {
    name: 'leaves-its-threads-when-nobody-is-there',
    step: '12.4',
    says: ['the number of threads alive when close() resolved', 'Nothing has ended them'],
    edits: [
      {
        file: 'loop-group.ts',
        replace: '    this.#isClosing = true\n    const { promise: deadline',
        by: `    this.#isClosing = true
    if (this.#loops.every(({ connections }) => connections === 0)) return
    const { promise: deadline`,
      },
    ],
  },
  {
    name: 'half-the-grace',
    step: '12.4',
    says: ['no timer but that of graceMs', 'graceMs long'],
    edits: [
      {
        file: 'loop-group.ts',
        replace: 'setTimeout(resolve, graceMs)',
        by: 'setTimeout(resolve, graceMs / 2)',
      },
    ],
  },
  {
    name: 'twice-the-grace',
    step: '12.4',
    says: ['to last no longer than graceMs', 'is no longer waited for'],
    edits: [
      {
        file: 'loop-group.ts',
        replace: 'setTimeout(resolve, graceMs)',
        by: 'setTimeout(resolve, graceMs * 2)',
      },
    ],
  },
  {
    name: 'the-deadline-rejects',
    step: '12.4',
    says: ['dee is still connected', 'if the timer rejects, so does close()'],
    edits: [
      {
        file: 'loop-group.ts',
        replace: 'const { promise: deadline, resolve }',
        by: 'const { promise: deadline, reject: resolve }',
      },
    ],
  },
  {
    name: 'the-second-close-finds-no-loop',
    step: '12.4',
    says: ['threads alive when close() resolved', 'in every call of close()'],
    edits: [
      {
        file: 'loop-group.ts',
        replace: '    clearTimeout(timer)\n    await this.terminate()',
        by: `    clearTimeout(timer)
    await Promise.all(this.#loops.splice(0).map(({ thread }) => thread.terminate()))`,
      },
    ],
  },
  {
    name: 'a-second-close-cuts',
    step: '12.4',
    // If the threads are quick to end, close() has resolved too early; if not, they were ended too early.
    says: ['12.4', 'close()'],
    cardVaries: true,
    edits: [
      {
        file: 'loop-group.ts',
        replace: '    this.#isClosing = true\n    const { promise: deadline',
        by: `    if (this.#isClosing) return this.terminate()
    this.#isClosing = true
    const { promise: deadline`,
      },
    ],
  },
  {
    name: 'has-a-patience-of-its-own',
    step: '12.5',
    says: ['150 ms is not too long', 'not with a number of your own'],
    edits: [
      {
        file: 'choose.ts',
        replace: 'nowMs - waitingSinceMs <= patienceMs',
        by: 'nowMs - waitingSinceMs <= 50 + patienceMs * 0',
      },
    ],
  },
  {
    name: 'no-patience-is-some',
    step: '12.5',
    says: ['a single millisecond is too long', '0 is a valid patience, too'],
    edits: [
      {
        file: 'choose.ts',
        replace: 'nowMs - waitingSinceMs <= patienceMs',
        by: 'nowMs - waitingSinceMs <= (patienceMs || 50)',
      },
    ],
  },
  {
    name: 'reports-closed-when-serving-begins',
    step: '12.2',
    says: ['Connections are counted down that still exist', 'not when serving begins'],
    cardVaries: true,
    edits: [{ file: 'loop-thread.ts', replace: REPORT, by: "  report('closed')" }],
  },
  {
    name: 'counts-up-the-wrong-loop',
    step: '12.2',
    says: ['8 and 0', 'the loop that gets the socket'],
    edits: [
      {
        file: 'loop-group.ts',
        hole: '#give',
        by: `    moveSocket(socket, loop.thread)
    this.#loops[0].connections += 1
    loop.total += 1`,
      },
    ],
  },
  {
    name: 'forgets-who-waits-when-another-has-gone',
    step: '12.2',
    says: ['the other socket to wait still', 'and nothing else'],
    edits: [
      { file: 'loop-group.ts', replace: ON_CLOSED, by: `${ON_CLOSED}\n    loop.movedAtMs.shift()` },
    ],
  },
  {
    name: 'the-last-loop-is-not-replaced',
    step: '12.3',
    says: ['another loop to take its place', 'even if no other loop is left'],
    edits: [
      {
        file: 'loop-group.ts',
        replace: ADD,
        by: `    if (this.#loops.length === 0) return\n${ADD}`,
      },
    ],
  },
  {
    name: 'starts-another-a-turn-later',
    step: '12.4',
    says: ['look at #isClosing again'],
    edits: [
      {
        file: 'loop-group.ts',
        replace: ADD,
        by: '    setImmediate(() => this.#addLoop().catch(() => {}))',
      },
    ],
  },
  {
    name: 'starts-another-in-a-moment',
    step: '12.4',
    says: ['look at #isClosing again'],
    edits: [
      {
        file: 'loop-group.ts',
        hole: '#onExit',
        by: `    this.#loops.splice(this.#loops.indexOf(loop), 1)
    if (this.#isClosing) return
    setTimeout(() => {
      this.#replaced += 1
      this.#addLoop().catch(() => {})
    }, 100)`,
      },
    ],
  },
  {
    name: 'leaves-its-threads-when-nobody-ever-came',
    step: '12.4',
    says: ['even if nobody has ever connected', 'Nothing has ended them'],
    edits: [
      {
        file: 'loop-group.ts',
        replace: '    this.#isClosing = true\n    const { promise: deadline',
        by: `    this.#isClosing = true
    if (this.#loops.every(({ total }) => total === 0)) return
    const { promise: deadline`,
      },
    ],
  },
  {
    name: 'asks-only-the-first-loop',
    step: '12.4',
    // Threads that are quick to end show it at the second close() already.
    says: ['12.4', 'close()'],
    cardVaries: true,
    edits: [
      {
        file: 'loop-group.ts',
        replace: WAIT,
        by: `    if (this.#loops[0]?.connections > 0) await Promise.race([this.#whenIdle(), deadline])`,
      },
    ],
  },
  {
    name: 'ends-idle-loops-at-once',
    step: '12.4',
    says: ['One idle loop is not enough'],
    edits: [
      {
        file: 'loop-group.ts',
        replace: WAIT,
        by: `    for (const { thread, connections } of this.#loops) {
      if (connections === 0) void thread.terminate()
    }
${WAIT}`,
      },
    ],
  },
  {
    name: 'an-acceptor-with-a-timeout',
    step: '12.1',
    says: ['no timeout to be set on her socket', 'does not move with a socket'],
    edits: [
      {
        file: 'acceptor.ts',
        replace: ACCEPT,
        by: `  return createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    socket.setTimeout(60_000, () => socket.destroy())
    onSocket(socket)
  })`,
      },
    ],
  },
  {
    name: 'replaces-only-who-has-connections',
    step: '12.3',
    says: ['another loop to be started', 'nobody was connected to'],
    edits: [
      {
        file: 'loop-group.ts',
        replace: REMOVE,
        by: REMOVE.replace('this.#isClosing', 'this.#isClosing || loop.connections === 0'),
      },
    ],
  },
  {
    name: 'replaces-only-who-has-served',
    step: '12.3',
    says: ['another loop to be started', 'nobody was connected to'],
    edits: [
      {
        file: 'loop-group.ts',
        replace: REMOVE,
        by: REMOVE.replace('this.#isClosing', 'this.#isClosing || loop.total === 0'),
      },
    ],
  },
  {
    name: 'nothing-to-end-and-a-timer-left',
    step: '12.4',
    says: ['no timer to be left', 'in any case'],
    edits: [
      {
        file: 'loop-group.ts',
        replace: '    const timer = setTimeout(resolve, graceMs)\n',
        by: '    const timer = setTimeout(resolve, graceMs)\n    if (this.#loops.length === 0) return\n',
      },
    ],
  },
  {
    name: 'sorts-before-it-filters',
    step: '12.5',
    says: ['the loops of the group', 'sort() and reverse()'],
    edits: [
      {
        file: 'choose.ts',
        replace: '  const answering = loops.filter(',
        by: `  const byWait = loops as L[]
  byWait.sort((one, other) => (one.waitingSinceMs ?? nowMs) - (other.waitingSinceMs ?? nowMs))
  const answering = loops.filter(`,
      },
    ],
  },
  {
    name: 'notes-the-time-of-the-move-twice',
    step: '12.2',
    says: ['no socket to wait any longer', '#give() adds none'],
    edits: [
      {
        file: 'loop-group.ts',
        replace: GIVE,
        by: `${GIVE}\n    loop.movedAtMs.push(performance.now())`,
      },
    ],
  },
  {
    name: 'hears-only-of-those-who-leave',
    step: '12.4',
    says: ['a loop that has died', 'Wait for #whenIdle()'],
    edits: [
      {
        file: 'loop-group.ts',
        hole: 'close',
        by: `    this.#isClosing = true
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, graceMs)
      const look = () => {
        if (this.#loops.some(({ connections }) => connections > 0)) return
        clearTimeout(timer)
        resolve()
      }
      for (const { thread } of this.#loops) thread.on('message', look)
      look()
    })
    await this.terminate()`,
      },
    ],
  },
]
