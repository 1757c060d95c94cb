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
]
