import type { RightAnswer } from './right-answer.ts'

const outbox = 'outbox.ts'
const bounds = 'bounds.ts'
const limits = 'limits.ts'
const admission = 'admission.ts'

export const rightAnswers: RightAnswer[] = [
  {
    name: 'asks-isWritable-first',
    style: 'flush() offers nothing to a stream that says it has no room.',
    edits: [
      {
        file: outbox,
        hole: 'flush',
        by: `    while (this.#waiting.bytes > 0 && this.#stream.isWritable) {
      const piece = this.#waiting.first
      const taken = this.#stream.write(piece)
      this.#waiting.drop(taken)
      this.#sentBytes += taken
      if (taken !== piece.length) break
    }`,
      },
    ],
  },
  {
    name: 'counts-before-it-takes',
    style:
      'The sum is made once, and what can go is sent first in any case where it would be too much.',
    edits: [
      {
        file: outbox,
        hole: 'push',
        by: `    const isTooMuch = () => this.#waiting.bytes + bytes.length > this.#limits.maxQueuedBytes
    if (isTooMuch()) {
      this.flush()
      if (isTooMuch()) return false
    }
    this.#waiting.add(bytes)
    return true`,
      },
      {
        file: outbox,
        hole: 'isBacklogged',
        by: `    const { highWaterBytes, lowWaterBytes } = this.#limits
    this.#isBacklogged = this.bytes > (this.#isBacklogged ? lowWaterBytes : highWaterBytes)
    return this.#isBacklogged`,
      },
    ],
  },
  {
    name: 'looks-with-an-interval',
    style: 'One periodic timer looks every stallMs, until there is nothing to look at.',
    edits: [
      {
        file: bounds,
        hole: '#watchForStall',
        by: `    let sentBefore = this.#outbox.sentBytes
    const timer = this.#timers.every(this.#stallMs, () => {
      const { sentBytes, bytes } = this.#outbox
      const stands = bytes > 0 && sentBytes === sentBefore
      sentBefore = sentBytes
      if (bytes > 0 && !stands) return
      this.#timers.cancel(timer)
      this.#stall = undefined
      if (stands) this.connection.stop('slow-consumer')
    })
    this.#stall = timer`,
      },
    ],
  },
  {
    name: 'a-bucket-that-knows-when-it-is-full',
    style: 'The bucket keeps the moment at which it will be full, and no count of tokens.',
    edits: [
      {
        file: limits,
        hole: 'take',
        by: `    const now = this.#clock.now()
    const fullAtMs = Math.max(now, this.#countedAtMs) + count / this.#perMs
    this.#countedAtMs = fullAtMs
    void this.#tokens
    return Math.max(0, fullAtMs - now - this.#burst / this.#perMs)`,
      },
    ],
  },
  {
    name: 'counts-down',
    style: 'The cap compares after it has counted, and takes it back.',
    edits: [
      {
        file: limits,
        hole: 'enter',
        by: `    if (++this.#count <= this.#max) return true
    this.#count--
    return false`,
      },
    ],
  },
  {
    name: 'closes-the-listener-last-in-the-same-turn',
    style:
      'Everybody is stopped before the listening socket is closed, in the same turn: nobody can come between.',
    edits: [
      {
        file: admission,
        hole: 'close',
        by: `    this.#isStopping = true
    for (const { connection } of [...this.#open]) connection.stop('stopping')
    return server.close()`,
      },
    ],
  },
  {
    name: 'offers-until-nothing-is-taken',
    style: 'flush() goes on with a piece of which a part was taken, until a write takes nothing.',
    edits: [
      {
        file: outbox,
        hole: 'flush',
        by: `    for (let taken = 1; this.bytes > 0 && taken > 0; ) {
      taken = this.#stream.write(this.#waiting.first)
      this.#waiting.drop(taken)
      this.#sentBytes += taken
    }`,
      },
    ],
  },
  {
    name: 'whole-milliseconds',
    style: 'A wait is rounded up: a timer that fires too early would find the bucket overdrawn.',
    edits: [
      {
        file: limits,
        hole: 'take',
        by: `    const nowMs = this.#clock.now()
    this.#tokens += (nowMs - this.#countedAtMs) * this.#perMs
    this.#countedAtMs = nowMs
    if (this.#tokens > this.#burst) this.#tokens = this.#burst
    this.#tokens -= count
    return this.#tokens < 0 ? Math.ceil(-this.#tokens / this.#perMs) : 0`,
      },
    ],
  },
  {
    name: 'asks-the-bucket-again-how-long',
    style: '#pay() takes one, and asks with none how long to wait.',
    edits: [
      {
        file: bounds,
        hole: '#pay',
        by: `    if (bucket.take(1) === 0) return
    this.connection.pauseReading('rate')
    const timer = this.#timers.after(bucket.take(0), () => {
      if (this.#pause === timer) this.#pause = undefined
      this.connection.resumeReading('rate')
    })
    this.#pause = timer`,
      },
    ],
  },
  {
    name: 'counts-those-who-are-open',
    style:
      'admit() looks at the set of the open connections, and counts before or after it refuses.',
    edits: [
      {
        file: admission,
        hole: 'admit',
        by: `    if (this.#isStopping) return this.#refuse(stream, loop, 'stopping')
    if (this.#open.size >= this.#limits.maxConnections) {
      this.#refuse(stream, loop, 'busy')
      this.#counts.refused += 1
      return
    }
    this.#cap.enter()
    this.#letIn(stream, loop)`,
      },
    ],
  },
  {
    name: 'tells-everybody-a-turn-later',
    style: 'Everybody is stopped when the listening socket has been told, in the next turn.',
    edits: [
      {
        file: admission,
        hole: 'close',
        by: `    this.#isStopping = true
    const closed = server.close()
    await Promise.resolve()
    for (const { connection } of [...this.#open]) connection.stop('stopping')
    return closed`,
      },
    ],
  },
  {
    name: 'notes-the-high-mark-when-it-pushes',
    style: 'push() notes that too much waits, asked or not; isBacklogged only clears that note.',
    edits: [
      {
        file: outbox,
        hole: 'push',
        by: `    const { highWaterBytes, maxQueuedBytes } = this.#limits
    if (this.bytes + bytes.length > maxQueuedBytes) this.flush()
    if (this.bytes + bytes.length > maxQueuedBytes) return false
    this.append(bytes)
    if (this.bytes > highWaterBytes) this.#isBacklogged = true
    return true`,
      },
      {
        file: outbox,
        hole: 'isBacklogged',
        by: `    if (this.bytes <= this.#limits.lowWaterBytes) this.#isBacklogged = false
    return this.#isBacklogged`,
      },
    ],
  },
]
