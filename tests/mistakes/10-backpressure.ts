import type { Mistake } from './mistake.ts'

const outbox = 'outbox.ts'
const bounds = 'bounds.ts'
const limits = 'limits.ts'
const admission = 'admission.ts'

const FLUSH = `      const taken = this.#stream.write(first)
      this.#sentBytes += taken
      this.#waiting.drop(taken)
      if (taken < first.length) return`
const FULL = `    if (this.bytes + bytes.length > this.#limits.maxQueuedBytes) this.flush()
    if (this.bytes + bytes.length > this.#limits.maxQueuedBytes) return false
`
const MARKS = `    if (this.bytes > this.#limits.highWaterBytes) this.#isBacklogged = true
    if (this.bytes <= this.#limits.lowWaterBytes) this.#isBacklogged = false`
const STALL = `      if (this.#outbox.sentBytes === sentBefore) this.connection.stop('slow-consumer')
      else this.#watchForStall()`
const STOP = "for (const { connection } of this.#open) connection.stop('stopping')"
const CLOSE = `    this.#isStopping = true
    const closed = server.close()
    ${STOP}
    await closed`

export const mistakes: Mistake[] = [
  {
    name: 'keeps-the-last-byte',
    step: '10.1',
    says: ['A single byte goes out as well'],
    edits: [{ file: outbox, replace: 'while (this.bytes > 0) {', by: 'while (this.bytes > 1) {' }],
  },
  {
    name: 'drops-what-was-not-taken',
    step: '10.1',
    says: ['Three of six bytes were taken', 'not the piece'],
    edits: [
      {
        file: outbox,
        replace: FLUSH,
        by: `      this.#sentBytes += this.#stream.write(first)
      this.#waiting.drop(first.length)`,
      },
    ],
  },
  {
    name: 'begins-again-at-the-front',
    step: '10.1',
    says: ['Three of six bytes were taken', 'Drop as many bytes'],
    edits: [
      {
        file: outbox,
        replace: FLUSH,
        by: `      const taken = this.#stream.write(first)
      if (taken < first.length) return
      this.#sentBytes += taken
      this.#waiting.drop(taken)`,
      },
    ],
  },
  {
    name: 'flushes-with-each-push',
    step: '10.1',
    says: ['What is said in one round goes out together'],
    edits: [
      {
        file: outbox,
        replace: '    this.append(bytes)\n    return true\n',
        by: '    this.append(bytes)\n    this.flush()\n    return true\n',
      },
    ],
  },
  {
    name: 'overtakes-what-waits',
    step: '10.1',
    says: ['What is said in one round goes out together'],
    edits: [
      {
        file: outbox,
        replace: '    this.append(bytes)\n    return true\n',
        by: `    const taken = this.#stream.write(bytes)
    this.#sentBytes += taken
    this.append(bytes.subarray(taken))
    return true
`,
      },
    ],
  },
  {
    name: 'flushes-until-it-is-empty',
    step: '10.1',
    says: ['flush()'],
    edits: [{ file: outbox, replace: '      if (taken < first.length) return\n', by: '' }],
    cardVaries: true,
  },
  {
    name: 'one-piece-a-flush',
    step: '10.1',
    says: ['the stream to be given what was pushed'],
    edits: [
      {
        file: outbox,
        replace: '    while (this.bytes > 0) {',
        by: '    for (let once = 0; once < 1 && this.bytes > 0; once++) {',
      },
    ],
  },
  {
    name: 'counts-what-was-offered',
    step: '10.1',
    says: ['sentBytes'],
    edits: [
      {
        file: outbox,
        replace: '      this.#sentBytes += taken\n',
        by: '      this.#sentBytes += first.length\n',
      },
    ],
  },
  {
    name: 'one-mark-instead-of-two',
    step: '10.2',
    says: ['below the high mark, above the low one'],
    edits: [
      {
        file: outbox,
        replace: MARKS,
        by: '    this.#isBacklogged = this.bytes > this.#limits.highWaterBytes',
      },
    ],
  },
  {
    name: 'the-low-mark-only',
    step: '10.2',
    says: ['1000 bytes are not more than the high-water mark'],
    edits: [
      {
        file: outbox,
        replace: MARKS,
        by: '    this.#isBacklogged = this.bytes > this.#limits.lowWaterBytes',
      },
    ],
  },
  {
    name: 'the-mark-itself-is-too-much',
    step: '10.2',
    says: ['the frames that were accepted'],
    edits: [
      {
        file: outbox,
        replace: 'if (this.bytes > this.#limits.highWaterBytes)',
        by: 'if (this.bytes >= this.#limits.highWaterBytes)',
      },
    ],
  },
  {
    name: 'never-reads-again',
    step: '10.2',
    says: ['reading goes on', 'backlogged no longer'],
    edits: [
      {
        file: outbox,
        replace: MARKS,
        by: '    if (this.bytes > this.#limits.highWaterBytes) this.#isBacklogged = true',
      },
    ],
  },
  {
    name: 'reads-on-whatever-waits',
    step: '10.2',
    says: ['Nobody reads what she sends after that'],
    edits: [
      {
        file: outbox,
        replace: MARKS,
        by: '    this.#isBacklogged = false',
      },
    ],
  },
  {
    name: 'goes-on-below-the-low-mark-only',
    step: '10.2',
    says: ['That is the low mark'],
    edits: [
      {
        file: outbox,
        replace: 'if (this.bytes <= this.#limits.lowWaterBytes)',
        by: 'if (this.bytes < this.#limits.lowWaterBytes)',
      },
    ],
  },
  {
    name: 'no-limit',
    step: '10.3',
    says: ['It would be the eleventh byte'],
    edits: [{ file: outbox, replace: FULL, by: '' }],
  },
  {
    name: 'takes-it-and-then-looks',
    step: '10.3',
    says: ['Of bytes that find no room, none is taken'],
    edits: [
      {
        file: outbox,
        replace: `${FULL}    this.append(bytes)
`,
        by: `    this.append(bytes)
    if (this.bytes > this.#limits.maxQueuedBytes) this.flush()
    if (this.bytes > this.#limits.maxQueuedBytes) return false
`,
      },
    ],
  },
  {
    name: 'full-without-asking-the-stream',
    step: '10.3',
    says: ['The limit is for what the peer does not take', 'flush() before'],
    edits: [
      {
        file: outbox,
        replace: '    if (this.bytes + bytes.length > this.#limits.maxQueuedBytes) this.flush()\n',
        by: '',
      },
    ],
  },
  {
    name: 'as-much-as-the-limit-is-too-much',
    step: '10.3',
    says: ['The outbox holds 10 bytes'],
    edits: [
      {
        file: outbox,
        replace: 'if (this.bytes + bytes.length > this.#limits.maxQueuedBytes) return false',
        by: 'if (this.bytes + bytes.length >= this.#limits.maxQueuedBytes) return false',
      },
    ],
  },
  {
    name: 'waits-in-vain-for-a-peer-that-stands-still',
    step: '10.3',
    says: ['what waits for cyd', 'compare sentBytes'],
    edits: [
      { file: bounds, replace: STALL, by: '      this.#watchForStall()\n      void sentBefore' },
    ],
  },
  {
    name: 'slow-is-taken-for-standing-still',
    step: '10.3',
    says: ['dee is slow'],
    edits: [
      {
        file: bounds,
        replace: STALL,
        by: "      this.connection.stop('slow-consumer')\n      void sentBefore",
      },
    ],
  },
  {
    name: 'looks-only-once',
    step: '10.3',
    says: ['Now she has stood still', 'One look is not enough'],
    edits: [
      {
        file: bounds,
        replace: `      this.#stall = undefined
      if (this.#outbox.bytes === 0) return
${STALL}`,
        by: `      if (this.#outbox.bytes === 0) return
      if (this.#outbox.sentBytes === sentBefore) this.connection.stop('slow-consumer')`,
      },
    ],
  },
  {
    name: 'a-look-that-finds-progress-is-the-last',
    step: '10.3',
    says: ['flo expected to be cut off', 'plans the next one itself'],
    edits: [{ file: bounds, replace: '      else this.#watchForStall()\n', by: '' }],
  },
  {
    name: 'watches-by-the-clock-for-ever',
    step: '10.3',
    says: ['10.3'],
    edits: [
      {
        file: bounds,
        replace:
          'this.#stall = this.#timers.after(this.#stallMs, () => {\n      this.#stall = undefined\n',
        by: 'this.#stall ??= this.#timers.every(this.#stallMs, () => {\n',
      },
    ],
  },
  {
    name: 'a-stall-is-looked-for-once-in-a-lifetime',
    step: '10.3',
    says: ['He has stalled again', '`#stall` is free'],
    edits: [
      {
        file: bounds,
        replace: '      this.#stall = undefined\n      if (this.#outbox.bytes === 0) return\n',
        by: '      if (this.#outbox.bytes === 0) return\n',
      },
    ],
  },
  {
    name: 'drops-a-peer-that-has-taken-everything',
    step: '10.3',
    says: ['Nothing waits for gil'],
    edits: [{ file: bounds, replace: '      if (this.#outbox.bytes === 0) return\n', by: '' }],
  },
  {
    name: 'one-too-many',
    step: '10.4',
    says: ['The third finds both places taken'],
    edits: [{ file: limits, replace: 'this.#count >= this.#max', by: 'this.#count > this.#max' }],
  },
  {
    name: 'counts-those-who-are-refused',
    step: '10.4',
    says: ['Count only who is let in'],
    edits: [
      {
        file: limits,
        replace: `    if (this.#count >= this.#max) return false
    this.#count += 1
    return true`,
        by: `    this.#count += 1
    return this.#count <= this.#max`,
      },
    ],
  },
  {
    name: 'the-cap-is-not-released',
    step: '10.4',
    says: ['her place is free', 'leave() the cap'],
    edits: [{ file: admission, replace: '    this.#cap.leave()\n', by: '' }],
  },
  {
    name: 'the-refused-leave-a-place-behind',
    step: '10.4',
    says: ['there is no more room than before'],
    edits: [
      {
        file: admission,
        replace: "    this.#counts.refused += 1\n    this.#refuse(stream, loop, 'busy')",
        by: "    this.#counts.refused += 1\n    this.#refuse(stream, loop, 'busy')\n    this.#cap.leave()",
      },
    ],
  },
  {
    name: 'refuses-without-a-word',
    step: '10.4',
    says: ['told why she cannot come in'],
    edits: [
      {
        file: admission,
        replace: "    this.#counts.refused += 1\n    this.#refuse(stream, loop, 'busy')",
        by: '    this.#counts.refused += 1\n    stream.destroy()',
      },
    ],
  },
  {
    name: 'endings-are-not-counted',
    step: '10.4',
    says: ['onClose() is told why'],
    edits: [
      {
        file: admission,
        replace: '    this.#endings[why] = (this.#endings[why] ?? 0) + 1\n',
        by: '    void [why, this.#endings]\n',
      },
    ],
  },
  {
    name: 'the-bucket-runs-over',
    step: '10.4',
    says: ['the bucket is full, not fuller'],
    edits: [
      {
        file: limits,
        replace: 'Math.min(this.#burst, this.#tokens + earned) - count',
        by: 'this.#tokens + earned - count\n    void this.#burst',
      },
    ],
  },
  {
    name: 'no-debts',
    step: '10.4',
    says: ['Take the tokens even when there are too few'],
    edits: [
      {
        file: limits,
        replace: 'return this.#tokens >= 0 ? 0 : -this.#tokens / this.#perMs',
        by: 'if (this.#tokens < 0) this.#tokens = 0\n    return 0',
      },
    ],
  },
  {
    name: 'only-whole-tokens',
    step: '10.4',
    says: ['Parts of a token count'],
    edits: [
      {
        file: limits,
        replace: 'const earned = (now - this.#countedAtMs) * this.#perMs',
        by: 'const earned = Math.floor((now - this.#countedAtMs) * this.#perMs)',
      },
    ],
  },
  {
    name: 'one-bucket-for-all',
    step: '10.4',
    says: ['Each has a rate of her own'],
    edits: [
      {
        file: admission,
        replace: '  #isStopping = false\n',
        by: '  #isStopping = false\n  #bucket: TokenBucket | undefined\n',
      },
      {
        file: admission,
        replace: '? new TokenBucket(this.#timers, messagesPerSecond, burstMessages)',
        by: '? (this.#bucket ??= new TokenBucket(this.#timers, messagesPerSecond, burstMessages))',
      },
    ],
  },
  {
    name: 'never-pauses',
    step: '10.4',
    says: ['5 are a burst', 'pause the connection'],
    edits: [
      {
        file: bounds,
        replace: '    if (waitMs === 0) return\n',
        by: '    if (waitMs >= 0) return\n',
      },
    ],
  },
  {
    name: 'paused-forever',
    step: '10.4',
    says: ['The debt is paid', 'the connection resumes'],
    edits: [{ file: bounds, replace: "      this.connection.resumeReading('rate')\n", by: '' }],
  },
  {
    name: 'resumes-for-another-reason',
    step: '10.4',
    says: ['The debt is paid', 'the connection resumes'],
    edits: [
      {
        file: bounds,
        replace: "      this.connection.resumeReading('rate')\n",
        by: "      this.connection.resumeReading('protocol')\n",
      },
    ],
  },
  {
    name: 'pauses-for-nothing',
    step: '10.4',
    says: ['how often reading was paused', 'fay has tokens left'],
    edits: [{ file: bounds, replace: '    if (waitMs === 0) return\n', by: '' }],
  },
  {
    name: 'keeps-those-who-have-left',
    step: '10.4',
    says: ['nothing to keep max', 'takes the connection out of #open'],
    edits: [
      { file: admission, replace: '    this.#open.delete(bounds)\n', by: '    void bounds\n' },
    ],
  },
  {
    name: 'a-descriptor-for-every-connection',
    step: '10.5',
    says: ['64 are for everything else'],
    edits: [{ file: limits, replace: 'descriptors - RESERVED_DESCRIPTORS))', by: 'descriptors))' }],
  },
  {
    name: 'nobody-at-all',
    step: '10.5',
    says: ['A server for nobody would be none'],
    edits: [
      {
        file: limits,
        replace: 'Math.max(1, Math.min(wanted, descriptors - RESERVED_DESCRIPTORS))',
        by: 'Math.min(wanted, descriptors - RESERVED_DESCRIPTORS)',
      },
    ],
  },
  {
    name: 'a-cap-that-does-not-ask-the-kernel',
    step: '10.5',
    says: ['the server to have seen all', 'closes newcomers without a word'],
    edits: [
      {
        replace:
          'limits.maxConnections = affordableConnections(limits.maxConnections, descriptorLimit())',
        by: 'void [affordableConnections, descriptorLimit]',
      },
    ],
  },
  {
    name: 'a-failed-accept-is-thrown',
    step: '10.5',
    says: ['Those who are inside are not concerned'],
    edits: [
      {
        file: admission,
        replace: '(_error: Error): void {\n    this.#counts.acceptErrors += 1',
        by: '(_error: Error): void {\n    this.#counts.acceptErrors += 1\n    throw _error',
      },
    ],
    cardVaries: true,
  },
  {
    name: 'a-failed-accept-is-not-counted',
    step: '10.5',
    says: ['onAcceptError() counts'],
    edits: [
      {
        file: admission,
        replace: '    this.#counts.acceptErrors += 1\n',
        by: '    void this.#counts.acceptErrors\n',
      },
    ],
  },
  {
    name: 'fin-without-goodbye',
    step: '10.6',
    says: ['bob is inside', 'as `stopping`'],
    edits: [
      {
        file: admission,
        replace: STOP,
        by: "for (const { connection } of this.#open) connection.end('stopping')",
      },
    ],
  },
  {
    name: 'goodbye-and-the-queue-is-lost',
    step: '10.6',
    says: ['bob is inside'],
    edits: [
      {
        file: admission,
        replace: STOP,
        by: "for (const { connection } of this.#open) connection.destroy('stopping')",
      },
    ],
  },
  {
    name: 'those-who-are-slow-are-cut',
    step: '10.6',
    says: ['Two frames of hers were accepted'],
    edits: [
      {
        file: admission,
        replace: STOP,
        by: `for (const { connection } of this.#open) {
      if (connection.queuedBytes > 0) connection.destroy('stopping')
      else connection.stop('stopping')
    }`,
      },
    ],
  },
  {
    name: 'waits-for-everybody-first',
    step: '10.6',
    says: ['calls of close() on the listening socket', 'before you wait for anybody'],
    edits: [
      {
        file: admission,
        replace: CLOSE,
        by: `    this.#isStopping = true
    ${STOP}
    while (this.#open.size > 0) await new Promise((resolve) => setTimeout(resolve, 5))
    await server.close()`,
      },
    ],
  },
  {
    name: 'goodbye-when-all-have-gone',
    step: '10.6',
    says: ['bob is inside'],
    edits: [
      {
        file: admission,
        replace: CLOSE,
        by: `    this.#isStopping = true
    await server.close()
    ${STOP}`,
      },
    ],
  },
  {
    name: 'lets-in-who-still-comes',
    step: '10.6',
    says: ['She had connected', '#isStopping'],
    edits: [
      {
        file: admission,
        replace: "    if (this.#isStopping) return this.#refuse(stream, loop, 'stopping')\n",
        by: '',
      },
    ],
  },
  {
    name: 'says-goodbye-and-does-not-wait',
    step: '10.6',
    says: ['whether close() has resolved', 'Wait for the promise'],
    edits: [{ file: admission, replace: '    await closed\n', by: '    void closed\n' }],
  },
]
