import type { RightAnswer } from './right-answer.ts'

const choose = 'choose.ts'
const group = 'loop-group.ts'
const LISTENS_FIRST = `  socket.once('close', () => report('closed'))
  serve(new NetStream(socket), loop)`

export const rightAnswers: RightAnswer[] = [
  {
    name: 'the-last-of-the-least-busy',
    style: 'Among loops that have equally few, any one is right: here the last.',
    edits: [
      {
        file: choose,
        hole: 'leastBusy',
        by: '  return [...loops].reverse().sort((a, b) => a.connections - b.connections)[0]',
      },
    ],
  },
  {
    name: 'a-loop-that-looks-for-those-who-answer',
    style: 'A plain loop, and the time since when somebody has waited.',
    edits: [
      {
        file: choose,
        hole: 'responsive',
        by: `  const silent = new Set<L>()
  for (const loop of loops) {
    const since = loop.waitingSinceMs
    if (since !== undefined && since < nowMs - patienceMs) silent.add(loop)
  }
  if (silent.size === loops.length) return loops
  return loops.filter((loop) => !silent.has(loop))`,
      },
    ],
  },
  {
    name: 'an-unreferenced-deadline',
    style:
      'The deadline is an AbortSignal that is listened to once; nothing of it holds the process.',
    edits: [
      {
        file: group,
        hole: 'close',
        by: `    this.#isClosing = true
    const patience = new AbortController()
    const deadline = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, graceMs).unref()
      patience.signal.addEventListener('abort', () => clearTimeout(timer))
    })
    await Promise.race([this.#whenIdle(), deadline])
    patience.abort()
    await this.terminate()`,
      },
    ],
  },
  {
    name: 'a-timer-that-holds-nothing',
    style:
      'A timer that does not keep the process alive may fire when all is over: it does nothing.',
    edits: [
      {
        file: group,
        replace: "import { Worker } from 'node:worker_threads'",
        by: `import { setTimeout as after } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'`,
      },
      {
        file: group,
        hole: 'close',
        by: `    this.#isClosing = true
    await Promise.race([this.#whenIdle(), after(graceMs, undefined, { ref: false })])
    await this.terminate()`,
      },
    ],
  },
  {
    name: 'counts-before-the-move',
    style: 'What is counted in the same turn may be counted before or behind the move.',
    edits: [
      {
        file: group,
        hole: '#give',
        by: `    loop.total++
    loop.connections++
    moveSocket(socket, loop.thread)`,
      },
      {
        file: group,
        hole: '#onExit',
        by: `    const place = this.#loops.indexOf(loop)
    if (place >= 0) this.#loops.splice(place, 1)
    if (!this.#isClosing) {
      this.#replaced++
      this.#addLoop().then(undefined, () => {})
    }`,
      },
    ],
  },
  {
    name: 'counts-a-replacement-that-runs',
    style: 'A replacement counts once it runs, or as soon as it is asked for.',
    edits: [
      {
        file: group,
        hole: '#onExit',
        by: `    this.#loops.splice(this.#loops.indexOf(loop), 1)
    if (this.#isClosing) return
    const started = () => {
      this.#replaced += 1
    }
    this.#addLoop().then(started, () => {})`,
      },
      { file: 'loop-thread.ts', hole: 'serveSocket', by: LISTENS_FIRST },
    ],
  },
  {
    name: 'one-close-for-all-who-call-it',
    style: 'A second close() waits for what the first has begun.',
    edits: [
      {
        file: group,
        hole: 'close',
        by: `    this.#closed ??= (async () => {
      this.#isClosing = true
      const timeout = AbortSignal.timeout(graceMs)
      const late = new Promise<void>((resolve) => timeout.addEventListener('abort', () => resolve()))
      await Promise.race([this.#whenIdle(), late])
      await this.terminate()
    })()
    return this.#closed`,
      },
      {
        file: group,
        replace: '  #replaced = 0\n',
        by: '  #replaced = 0\n  #closed: Promise<void> | undefined\n',
      },
    ],
  },
  {
    name: 'the-deadline-ends-the-threads',
    style:
      'A loop that ends has no connection any more, so whoever waits for the last one hears of it.',
    edits: [
      {
        file: group,
        hole: 'close',
        by: `    this.#isClosing = true
    const timer = setTimeout(() => this.terminate(), graceMs)
    await this.#whenIdle()
    clearTimeout(timer)
    await this.terminate()`,
      },
      {
        file: choose,
        hole: 'responsive',
        by: `  const since = nowMs - patienceMs
  const isSlow = ({ waitingSinceMs }: L) => waitingSinceMs !== undefined && waitingSinceMs < since
  return loops.every(isSlow) ? loops : loops.filter((loop) => !isSlow(loop))`,
      },
      {
        file: 'loop-thread.ts',
        hole: 'serveSocket',
        by: `  const stream = new NetStream(socket)
  socket.on('close', report.bind(null, 'closed'))
  serve(stream, loop)`,
      },
    ],
  },
  {
    name: 'starts-another-a-turn-later-unless-it-closes',
    style: 'A replacement may start in a later turn, when the group is still not closing.',
    edits: [
      {
        file: group,
        hole: '#onExit',
        by: `    this.#loops.splice(this.#loops.indexOf(loop), 1)
    setImmediate(() => {
      if (this.#isClosing) return
      this.#replaced += 1
      this.#addLoop().catch(() => {})
    })`,
      },
    ],
  },
  {
    name: 'the-quickest-first',
    style: 'The loops that answer are sorted, in a list of their own.',
    edits: [
      {
        file: choose,
        replace: '  const answering = loops.filter(',
        by: `  const since = ({ waitingSinceMs }: L) => waitingSinceMs ?? nowMs
  const byWait = loops.toSorted((one, other) => since(other) - since(one))
  const answering = byWait.filter(`,
      },
    ],
  },
]
