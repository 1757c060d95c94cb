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
    says: ['took three of the six bytes', 'not the whole piece'],
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
    says: ['took three of the six bytes', 'drop that many bytes before flush() returns'],
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
    says: ['What is pushed in one round goes out together'],
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
    says: ['What is pushed in one round goes out together'],
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
    says: ['exactly the high-water mark, and not more'],
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
    says: ['the number of frames accepted from ada'],
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
    says: ['reading goes on', 'no longer backlogged'],
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
    says: ['Nothing that she sends after that is read'],
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
    says: ['If the bytes do not fit, none of them is taken'],
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
    says: ['The outbox has room for 10 bytes'],
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
    says: ['bytes that wait for cyd', 'compare sentBytes'],
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
    says: ['Now she has stalled', 'One look is not enough'],
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
    says: ['Count only when there is room'],
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
    says: ['her place is free', '#cap.leave()'],
    edits: [{ file: admission, replace: '    this.#cap.leave()\n', by: '' }],
  },
  {
    name: 'the-refused-leave-a-place-behind',
    step: '10.4',
    says: ['there is still no room'],
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
    says: ['the bucket holds 5 tokens, and no more'],
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
    says: ['even when there are too few'],
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
    says: ['Each client has its own rate'],
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
    says: ['A burst may have 5', 'pause the connection'],
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
    says: ['The overdraft is paid', 'the reason that was given'],
    edits: [{ file: bounds, replace: "      this.connection.resumeReading('rate')\n", by: '' }],
  },
  {
    name: 'resumes-for-another-reason',
    step: '10.4',
    says: ['The overdraft is paid', 'the reason that was given'],
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
    says: ['stats().queuedBytes', 'takes the connection out of #open'],
    edits: [
      { file: admission, replace: '    this.#open.delete(bounds)\n', by: '    void bounds\n' },
    ],
  },
  {
    name: 'notes-the-time-only-with-a-whole-token',
    step: '10.4',
    says: ['what the three calls return', 'note the time of each call'],
    edits: [
      {
        file: 'limits.ts',
        replace: '    this.#countedAtMs = now\n',
        by: '    if (earned >= 1) this.#countedAtMs = now\n',
      },
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
    says: ['A server that lets nobody in is useless'],
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
    says: ['The open connections are not affected'],
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
    name: 'counts-only-the-codes-it-knows',
    step: '10.5',
    says: ['acceptErrors', 'whatever the code'],
    edits: [
      {
        file: 'admission.ts',
        hole: 'onAcceptError',
        by: `    const { code = '' } = _error as NodeJS.ErrnoException
    if (['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'].includes(code)) this.#counts.acceptErrors += 1`,
      },
    ],
  },
  {
    name: 'fin-without-goodbye',
    step: '10.6',
    says: ['all of the crowd to be told', 'FIN without a word'],
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
    says: ['all of the crowd to be told', 'destroy() sends nothing'],
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
    says: ['Her answers and her goodbye wait', 'would lose both'],
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
    says: ['calls of close() on the listening socket', 'before you wait for anything'],
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
    says: ['all of the crowd to be told', 'only then wait'],
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
  {
    name: 'puts-everything-together-each-time',
    step: '10.1',
    says: ['not to be copied'],
    edits: [
      {
        file: 'outbox.ts',
        replace: `      const { first } = this.#waiting
`,
        by: `      const pieces: Uint8Array[] = []
      while (this.bytes > 0) {
        pieces.push(this.#waiting.first)
        this.#waiting.drop(this.#waiting.first.length)
      }
      this.#waiting.add(Buffer.concat(pieces))
      const { first } = this.#waiting
`,
      },
    ],
  },
  {
    name: 'in-crumbs',
    step: '10.1',
    says: ['a few writes to be enough'],
    edits: [
      {
        file: 'outbox.ts',
        replace: `this.#stream.write(first)`,
        by: `this.#stream.write(first.subarray(0, 1024))`,
      },
      {
        file: 'outbox.ts',
        replace: `if (taken < first.length) return`,
        by: `if (taken < Math.min(1024, first.length)) return`,
      },
    ],
  },
  {
    name: 'a-copy-for-each',
    step: '10.1',
    says: ['not to be copied', 'a thousand outboxes'],
    edits: [
      {
        file: 'outbox.ts',
        replace: `    this.append(bytes)
    return true`,
        by: `    this.append(bytes.slice())
    return true`,
      },
    ],
  },
  {
    name: 'backlogged-once-in-a-lifetime',
    step: '10.2',
    says: ['Nothing that she sends after that is read'],
    edits: [
      {
        file: 'outbox.ts',
        replace: `    if (this.bytes > this.#limits.highWaterBytes) this.#isBacklogged = true
    if (this.bytes <= this.#limits.lowWaterBytes) this.#isBacklogged = false
`,
        by: `    if (this.#sentBytes === 0 && this.bytes > this.#limits.highWaterBytes) this.#isBacklogged = true
    if (this.bytes <= this.#limits.lowWaterBytes) this.#isBacklogged = false
`,
      },
    ],
  },
  {
    name: 'sends-when-it-is-asked',
    step: '10.2',
    says: ['isBacklogged to send nothing'],
    edits: [
      {
        file: 'outbox.ts',
        replace: `    if (this.bytes > this.#limits.highWaterBytes) this.#isBacklogged = true
`,
        by: `    if (this.bytes > this.#limits.highWaterBytes) this.flush()
    if (this.bytes > this.#limits.highWaterBytes) this.#isBacklogged = true
`,
      },
    ],
  },
  {
    name: 'a-longer-queue-is-taken-for-standing-still',
    step: '10.3',
    says: ['a byte every 14.9 s', 'Compare sentBytes'],
    edits: [
      {
        file: 'bounds.ts',
        replace: `    const sentBefore = this.#outbox.sentBytes
`,
        by: `    const waitedBefore = this.#outbox.bytes
`,
      },
      {
        file: 'bounds.ts',
        replace: `this.#outbox.sentBytes === sentBefore`,
        by: `this.#outbox.bytes >= waitedBefore`,
      },
    ],
  },
  {
    name: 'cuts-off-who-stands-still',
    step: '10.3',
    says: ['bytes that wait for cyd'],
    edits: [
      {
        file: 'bounds.ts',
        replace: `this.connection.stop('slow-consumer')`,
        by: `this.connection.destroy('slow-consumer')`,
      },
    ],
  },
  {
    name: 'ends-without-the-reason',
    step: '10.3',
    says: ['bytes that wait for cyd'],
    edits: [
      {
        file: 'bounds.ts',
        replace: `this.connection.stop('slow-consumer')`,
        by: `this.connection.end('slow-consumer')`,
      },
    ],
  },
  {
    name: 'lets-go-of-those-who-are-held-back',
    step: '10.4',
    says: ['paused for another reason'],
    edits: [
      {
        file: 'bounds.ts',
        replace: `      this.connection.resumeReading('rate')
`,
        by: `      for (const reason of ['rate', 'owner', 'protocol'] as const)
        this.connection.resumeReading(reason)
`,
      },
    ],
  },
  {
    name: 'pauses-in-the-name-of-another',
    step: '10.4',
    says: ['why reading was paused'],
    edits: [
      {
        file: 'bounds.ts',
        replace: `pauseReading('rate')`,
        by: `pauseReading('owner')`,
      },
      {
        file: 'bounds.ts',
        replace: `resumeReading('rate')`,
        by: `resumeReading('owner')`,
      },
    ],
  },
  {
    name: 'the-pause-outlives-the-connection',
    step: '10.4',
    says: ['timers.size', 'overdrawn when she left'],
    edits: [
      {
        file: 'bounds.ts',
        replace: `    this.#pause = this.#timers.after(waitMs`,
        by: `    this.#timers.after(waitMs`,
      },
    ],
  },
  {
    name: 'time-is-not-noted',
    step: '10.4',
    says: ['note the time of each call'],
    edits: [
      {
        file: 'limits.ts',
        replace: `    this.#countedAtMs = now
`,
        by: ``,
      },
    ],
  },
  {
    name: 'a-clock-of-its-own',
    step: '10.4',
    says: ['the clock that was passed in'],
    cardVaries: true,
    edits: [
      {
        file: 'limits.ts',
        replace: `const now = this.#clock.now()`,
        by: `const now = performance.now()`,
      },
    ],
  },
  {
    name: 'waits-in-seconds',
    step: '10.4',
    says: ['That is seconds'],
    edits: [
      {
        file: 'limits.ts',
        replace: `-this.#tokens / this.#perMs`,
        by: `-this.#tokens / this.#perMs / 1_000`,
      },
    ],
  },
  {
    name: 'every-ending-counts-once',
    step: '10.4',
    says: ['Add one to what is counted already'],
    edits: [
      {
        file: 'admission.ts',
        replace: `this.#endings[why] = (this.#endings[why] ?? 0) + 1`,
        by: `this.#endings[why] = 1`,
      },
    ],
  },
  {
    name: 'forgets-everybody-with-the-first',
    step: '10.4',
    says: ['stats().queuedBytes', 'and not the others'],
    edits: [
      {
        file: 'admission.ts',
        replace: `this.#open.delete(bounds)`,
        by: `this.#open.clear()`,
      },
    ],
  },
  {
    name: 'only-one-errno-counts',
    step: '10.5',
    says: ['stats().acceptErrors'],
    edits: [
      {
        file: 'admission.ts',
        replace: `    this.#counts.acceptErrors += 1
`,
        by: `    if ((_error as NodeJS.ErrnoException).code === 'EMFILE') this.#counts.acceptErrors += 1
`,
      },
    ],
  },
  {
    name: 'says-goodbye-one-by-one',
    step: '10.6',
    says: ['all of the crowd to be told', 'only then wait'],
    edits: [
      {
        file: 'admission.ts',
        replace: `    for (const { connection } of this.#open) connection.stop('stopping')
`,
        by: `    for (const { connection } of this.#open) {
      connection.stop('stopping')
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
`,
      },
    ],
  },
  {
    name: 'closed-at-once-the-second-time',
    step: '10.6',
    says: ['the second close()'],
    edits: [
      {
        file: 'admission.ts',
        replace: `    this.#isStopping = true
`,
        by: `    if (this.#isStopping) return
    this.#isStopping = true
`,
      },
    ],
  },
  {
    name: 'forgets-those-who-are-told',
    step: '10.6',
    says: ['queuedBytes', 'before it is closed'],
    edits: [
      {
        file: 'admission.ts',
        replace: `    await closed
`,
        by: `    this.#open.clear()
    await closed
`,
      },
    ],
  },
  {
    name: 'takes-a-place-while-stopping',
    step: '10.6',
    says: ['No connection enters the cap while the server is stopping'],
    edits: [
      {
        file: 'admission.ts',
        replace: `    if (this.#isStopping) return this.#refuse(stream, loop, 'stopping')
    if (this.#cap.enter()) return this.#letIn(stream, loop)
`,
        by: `    const hasRoom = this.#cap.enter()
    if (this.#isStopping) return this.#refuse(stream, loop, 'stopping')
    if (hasRoom) return this.#letIn(stream, loop)
`,
      },
    ],
  },
  {
    name: 'a-failed-close-is-swallowed',
    step: '10.6',
    says: ['what close() rejects with'],
    edits: [
      {
        file: 'admission.ts',
        replace: `const closed = server.close()`,
        by: `const closed = server.close().catch(() => {})`,
      },
    ],
  },
  {
    name: 'asks-again-and-again-whether-all-have-gone',
    step: '10.6',
    says: ['close() not to poll'],
    edits: [
      {
        file: 'admission.ts',
        replace: `    await closed
`,
        by: `    while (this.#open.size > 0) await new Promise((resolve) => setTimeout(resolve, 5))
    await closed
`,
      },
    ],
  },
  {
    name: 'opens-again',
    step: '10.6',
    says: ['it stays set'],
    edits: [
      {
        file: 'admission.ts',
        replace: `    await closed
`,
        by: `    await closed
    this.#isStopping = false
`,
      },
    ],
  },
  {
    name: 'a-flush-that-goes-on-by-itself',
    step: '10.1',
    says: ['flush() has not been called', 'schedules nothing'],
    edits: [
      {
        file: outbox,
        replace: '      if (taken < first.length) return',
        by: `      if (taken < first.length) {
        setImmediate(() => this.flush())
        return
      }`,
      },
    ],
  },
  {
    name: 'a-part-is-not-counted',
    step: '10.1',
    says: ['sentBytes', 'even if it took only a part'],
    edits: [
      {
        file: outbox,
        replace: FLUSH,
        by: `      const taken = this.#stream.write(first)
      this.#waiting.drop(taken)
      if (taken < first.length) return
      this.#sentBytes += taken`,
      },
    ],
  },
  {
    name: 'the-high-mark-is-the-limit',
    step: '10.1',
    says: ['push() to return true', 'The two marks are for isBacklogged'],
    edits: [
      { file: outbox, replace: FULL, by: FULL.replaceAll('maxQueuedBytes', 'highWaterBytes') },
    ],
  },
  {
    name: 'one-memory-for-all-outboxes',
    step: '10.2',
    says: ['of the first with 150 bytes', 'nothing static or global'],
    edits: [
      {
        file: outbox,
        replace: '  #isBacklogged = false\n',
        by: '  #isBacklogged = false\n  static isFull = false\n',
      },
      {
        file: outbox,
        hole: 'isBacklogged',
        by: `    if (this.bytes > this.#limits.highWaterBytes) Outbox.isFull = true
    if (this.bytes <= this.#limits.lowWaterBytes) Outbox.isFull = false
    return Outbox.isFull`,
      },
    ],
  },
  {
    name: 'takes-the-part-that-fits',
    step: '10.3',
    says: ['not even the part that would fit', 'return false before you add anything'],
    edits: [
      {
        file: outbox,
        replace: '.maxQueuedBytes) return false',
        by: `.maxQueuedBytes) {
      this.append(bytes.subarray(0, this.#limits.maxQueuedBytes - this.bytes))
      return false
    }`,
      },
    ],
  },
  {
    name: 'as-much-as-the-limit-is-too-much-after-a-flush',
    step: '10.3',
    says: ['now that the stream takes 1', 'the same as the one before it'],
    edits: [
      {
        file: outbox,
        replace: 'this.#limits.maxQueuedBytes) return false',
        by: 'this.#limits.maxQueuedBytes - 1) return false',
      },
      {
        file: outbox,
        replace: 'if (this.bytes + bytes.length > this.#limits.maxQueuedBytes) this.flush()',
        by: `if (this.bytes + bytes.length <= this.#limits.maxQueuedBytes) {
      this.append(bytes)
      return true
    }
    this.flush()`,
      },
    ],
  },
  {
    name: 'asks-the-stream-when-it-is-just-full',
    step: '10.3',
    says: ['10 bytes are not too many', 'flush() only if'],
    edits: [
      {
        file: outbox,
        replace: '> this.#limits.maxQueuedBytes) this.flush()',
        by: '>= this.#limits.maxQueuedBytes) this.flush()',
      },
    ],
  },
  {
    name: 'a-full-outbox-is-emptied',
    step: '10.3',
    says: ['bytes', 'changes nothing about what waits already'],
    edits: [
      {
        file: outbox,
        replace: '.maxQueuedBytes) return false',
        by: `.maxQueuedBytes) {
      while (this.bytes > 0) this.#waiting.drop(this.#waiting.first.length)
      return false
    }`,
      },
    ],
  },
  {
    name: 'as-long-as-before-is-taken-for-standing-still',
    step: '10.3',
    says: ['hal should still be connected', 'Compare sentBytes'],
    edits: [
      {
        file: bounds,
        replace: 'const sentBefore = this.#outbox.sentBytes',
        by: 'const bytesBefore = this.#outbox.bytes',
      },
      {
        file: bounds,
        replace: 'if (this.#outbox.sentBytes === sentBefore)',
        by: 'if (this.#outbox.bytes === bytesBefore)',
      },
    ],
  },
  {
    name: 'looks-ten-times-as-often',
    step: '10.3',
    says: ['the time until that look', 'one timer, of stallMs'],
    edits: [
      {
        file: bounds,
        hole: '#watchForStall',
        by: `    let sentBefore = this.#outbox.sentBytes
    let since = this.#timers.now()
    const look = () => {
      this.#stall = undefined
      const { bytes, sentBytes } = this.#outbox
      if (bytes === 0) return
      if (sentBytes !== sentBefore) since = this.#timers.now()
      sentBefore = sentBytes
      if (this.#timers.now() - since >= this.#stallMs) this.connection.stop('slow-consumer')
      else this.#stall = this.#timers.after(this.#stallMs / 10, look)
    }
    this.#stall = this.#timers.after(this.#stallMs / 10, look)`,
      },
    ],
  },
  {
    name: 'a-look-too-many',
    step: '10.3',
    says: ['timers.size', 'No more than one look is planned'],
    edits: [
      {
        file: bounds,
        hole: '#watchForStall',
        by: `    const sentBefore = this.#outbox.sentBytes
    this.#stall = this.#timers.after(this.#stallMs, () => {
      if (this.#outbox.bytes > 0) {
        if (this.#outbox.sentBytes === sentBefore) this.connection.stop('slow-consumer')
        else this.#watchForStall()
      }
      this.#stall = undefined
    })`,
      },
    ],
  },
  {
    name: 'stops-for-another-reason',
    step: '10.3',
    says: ['bytes that wait for cyd', 'The reason is `slow-consumer`'],
    edits: [
      {
        file: bounds,
        replace: "this.connection.stop('slow-consumer')",
        by: "this.connection.stop('idle')",
      },
    ],
  },
  {
    name: 'rounds-a-wait-down',
    step: '10.4',
    says: ['take(2)', 'Do not round down'],
    edits: [
      {
        file: limits,
        replace: '-this.#tokens / this.#perMs',
        by: 'Math.floor(-this.#tokens / this.#perMs)',
      },
    ],
  },
  {
    name: 'waits-until-a-token-is-there',
    step: '10.4',
    says: ['take(1) to return 100 ms', 'then the bucket is at 0'],
    edits: [
      {
        file: limits,
        replace: '-this.#tokens / this.#perMs',
        by: '(1 - this.#tokens) / this.#perMs',
      },
    ],
  },
  {
    name: 'forgives-the-debt',
    step: '10.4',
    says: ['take(1) to return 100 ms', 'Keep the overdraft'],
    edits: [
      {
        file: limits,
        replace: `    this.#countedAtMs = now
    return this.#tokens >= 0 ? 0 : -this.#tokens / this.#perMs`,
        by: `    this.#countedAtMs = now
    const waitMs = this.#tokens >= 0 ? 0 : -this.#tokens / this.#perMs
    this.#tokens = Math.max(0, this.#tokens)
    return waitMs`,
      },
    ],
  },
  {
    name: 'the-pause-takes-the-place-of-the-stall',
    step: '10.4',
    says: ['whether zoe’s connection is open', 'Each may run while the other does'],
    edits: [
      {
        file: bounds,
        hole: '#pay',
        by: `    const waitMs = bucket.take(1)
    if (waitMs === 0) return
    this.connection.pauseReading('rate')
    this.#stall = this.#timers.after(waitMs, () => {
      this.#stall = undefined
      this.connection.resumeReading('rate')
    })`,
      },
    ],
  },
  {
    name: 'a-place-is-freed-when-all-are-taken',
    step: '10.4',
    says: ['stats()', 'full or not'],
    edits: [
      {
        file: limits,
        replace: '    this.#count -= 1',
        by: '    if (this.#count >= this.#max) this.#count -= 1',
      },
    ],
  },
  {
    name: 'a-failed-accept-was-refused',
    step: '10.5',
    says: ['connections and refused in stats()', 'does nothing else'],
    edits: [
      {
        file: admission,
        replace: '    this.#counts.acceptErrors += 1',
        by: '    this.#counts.acceptErrors += 1\n    this.#counts.refused += 1',
      },
    ],
  },
  {
    name: 'a-failed-accept-costs-somebody-else-the-place',
    step: '10.5',
    says: ['does nothing else'],
    edits: [
      {
        file: admission,
        replace: '    this.#counts.acceptErrors += 1',
        by: `    this.#counts.acceptErrors += 1
    for (const { connection } of this.#open) connection.stop('busy')`,
      },
    ],
  },
  {
    name: 'busy-although-it-is-stopping',
    step: '10.6',
    says: ['She had connected', 'and the cap after that'],
    edits: [
      {
        file: admission,
        hole: 'admit',
        by: `    if (this.#cap.count >= this.#limits.maxConnections) {
      this.#counts.refused += 1
      return this.#refuse(stream, loop, 'busy')
    }
    if (this.#isStopping) return this.#refuse(stream, loop, 'stopping')
    this.#cap.enter()
    this.#letIn(stream, loop)`,
      },
    ],
  },
  {
    name: 'opens-again-when-it-cannot-close',
    step: '10.6',
    says: ['even if it fails', 'Once #isStopping is set, it stays set'],
    edits: [
      {
        file: admission,
        replace: '    await closed',
        by: `    await closed.catch((error) => {
      this.#isStopping = false
      throw error
    })`,
      },
    ],
  },
  {
    name: 'tells-them-a-round-later',
    step: '10.6',
    says: ['that were open right after the call', 'before you wait for anything'],
    edits: [
      {
        file: admission,
        replace: STOP,
        by: `await new Promise((resolve) => setImmediate(resolve))
    ${STOP}`,
      },
    ],
  },
  {
    name: 'accepts-for-one-turn-more',
    step: '10.6',
    says: ['right after the call', 'before you wait for anything'],
    edits: [
      {
        file: admission,
        replace: CLOSE,
        by: `    this.#isStopping = true
    ${STOP}
    await new Promise((resolve) => setImmediate(resolve))
    await server.close()`,
      },
    ],
  },
  {
    name: 'gives-another-reason',
    step: '10.6',
    says: ['all of the crowd to be told', 'The reason is `stopping`'],
    edits: [
      {
        file: admission,
        replace: STOP,
        by: "for (const { connection } of this.#open) connection.stop('finished')",
      },
    ],
  },
  {
    name: 'closes-the-listener-twice',
    step: '10.6',
    says: ['calls of close() on the listening socket', 'keep the promise'],
    edits: [{ file: admission, replace: '    await closed', by: '    await server.close()' }],
  },
  {
    name: 'nothing-is-too-much',
    step: '10.1',
    says: ['push("")', 'An empty push is never too much'],
    edits: [
      { file: outbox, replace: FULL, by: `    if (bytes.length === 0) return false\n${FULL}` },
    ],
  },
  {
    name: 'stopped-and-cut-off',
    step: '10.3',
    says: ['cyd should still be connected', 'stop() is enough'],
    edits: [
      {
        file: bounds,
        replace: `      if (this.#outbox.sentBytes === sentBefore) this.connection.stop('slow-consumer')
      else`,
        by: `      if (this.#outbox.sentBytes === sentBefore) {
        this.connection.stop('slow-consumer')
        this.connection.destroy('slow-consumer')
      } else`,
      },
    ],
  },
  {
    name: 'true-only-while-something-waits',
    step: '10.1',
    says: ['push("")', 'however many there are'],
    edits: [
      {
        file: outbox,
        replace: `    this.append(bytes)
    return true
`,
        by: `    this.append(bytes)
    return this.bytes > 0
`,
      },
    ],
  },
  {
    name: 'a-thousand-pieces-a-flush',
    step: '10.1',
    says: ['3,000 times', 'counts neither pieces nor bytes'],
    edits: [
      {
        file: outbox,
        replace: `while (this.bytes > 0) {`,
        by: `for (let piece = 0; piece < 1_000 && this.bytes > 0; piece++) {`,
      },
    ],
  },
  {
    name: 'flushes-at-the-high-mark',
    step: '10.2',
    says: ['push() to send nothing', 'more than maxQueuedBytes would wait'],
    edits: [
      {
        file: outbox,
        replace: FULL,
        by: `    if (this.bytes + bytes.length > this.#limits.highWaterBytes) this.flush()
    if (this.bytes + bytes.length > this.#limits.maxQueuedBytes) return false
`,
      },
    ],
  },
  {
    name: 'what-is-sent-goes-on-counting',
    step: '10.2',
    says: ['push() has returned false', 'only what waits counts'],
    edits: [
      {
        file: outbox,
        replace: FULL,
        by: `    if (this.#sentBytes + this.bytes + bytes.length > this.#limits.maxQueuedBytes) this.flush()
    if (this.#sentBytes + this.bytes + bytes.length > this.#limits.maxQueuedBytes) return false
`,
      },
    ],
  },
  {
    name: 'offers-the-first-piece-only',
    step: '10.3',
    says: ['push() of 3,000 bytes', 'One piece is not all that waits'],
    edits: [
      {
        file: outbox,
        replace: FULL,
        by: `    if (this.bytes + bytes.length > this.#limits.maxQueuedBytes) {
      const taken = this.#stream.write(this.#waiting.first)
      this.#sentBytes += taken
      this.#waiting.drop(taken)
    }
    if (this.bytes + bytes.length > this.#limits.maxQueuedBytes) return false
`,
      },
    ],
  },
  {
    name: 'spares-the-backlogged',
    step: '10.3',
    says: ['He is backlogged', 'stopped like any other'],
    edits: [
      {
        file: bounds,
        replace: `if (this.#outbox.bytes === 0) return`,
        by: `if (this.#outbox.bytes === 0 || this.#outbox.isBacklogged) return`,
      },
    ],
  },
  {
    name: 'stands-still-only-while-nothing-is-added',
    step: '10.3',
    says: ['jan’s connection', 'Compare sentBytes alone'],
    edits: [
      {
        file: bounds,
        replace: `    const sentBefore = this.#outbox.sentBytes
`,
        by: `    const { bytes, sentBytes: sentBefore } = this.#outbox
`,
      },
      {
        file: bounds,
        replace: `if (this.#outbox.sentBytes === sentBefore)`,
        by: `if (this.#outbox.sentBytes === sentBefore && this.#outbox.bytes === bytes)`,
      },
    ],
  },
  {
    name: 'looks-on-though-nothing-waits',
    step: '10.3',
    says: ['right after the first look', 'before it began'],
    edits: [
      {
        file: bounds,
        replace: `      if (this.#outbox.bytes === 0) return
      if (this.#outbox.sentBytes === sentBefore) this.connection.stop('slow-consumer')
      else this.#watchForStall()`,
        by: `      if (this.#outbox.sentBytes !== sentBefore) this.#watchForStall()
      else if (this.#outbox.bytes > 0) this.connection.stop('slow-consumer')`,
      },
    ],
  },
  {
    name: 'stays-paused-while-backlogged',
    step: '10.4',
    says: ['nothing holds the third frame back', 'whether it is backlogged'],
    edits: [
      {
        file: bounds,
        replace: `      this.connection.resumeReading('rate')`,
        by: `      if (!this.connection.isBacklogged) this.connection.resumeReading('rate')`,
      },
    ],
  },
  {
    name: 'pauses-only-who-is-read',
    step: '10.4',
    says: ['The other pause does not pay for his messages'],
    edits: [
      {
        file: bounds,
        replace: `if (waitMs === 0) return`,
        by: `if (waitMs === 0 || !this.connection.isReading) return`,
      },
    ],
  },
  {
    name: 'a-short-wait-is-none',
    step: '10.4',
    says: ['nothing is read for 0.25 ms', 'however little'],
    edits: [{ file: bounds, replace: `if (waitMs === 0) return`, by: `if (waitMs < 1) return` }],
  },
  {
    name: 'pauses-a-second-each-time',
    step: '10.4',
    says: ['goes on for 900 ms more'],
    edits: [
      { file: bounds, replace: `this.#timers.after(waitMs, `, by: `this.#timers.after(1_000, ` },
    ],
  },
  {
    name: 'pauses-in-seconds',
    step: '10.4',
    says: ['Only 99 of the 100 ms have passed', 'in milliseconds'],
    edits: [
      {
        file: bounds,
        replace: `this.#timers.after(waitMs, `,
        by: `this.#timers.after(waitMs / 1_000, `,
      },
    ],
  },
  {
    name: 'one-pause-in-a-lifetime',
    step: '10.4',
    says: ['The second overdraft is a pause'],
    edits: [
      {
        file: bounds,
        replace: `if (waitMs === 0) return`,
        by: `if (waitMs === 0 || this.#pause) return`,
      },
      {
        file: bounds,
        replace: `      this.#pause = undefined
      this.connection.resume`,
        by: `      this.connection.resume`,
      },
    ],
  },
  {
    name: 'ends-those-in-a-hurry',
    step: '10.4',
    says: ['A client in a hurry is not disconnected'],
    edits: [
      {
        file: bounds,
        replace: `if (waitMs === 0) return`,
        by: `if (waitMs > 0) return this.connection.stop('busy')`,
      },
    ],
  },
  {
    name: 'a-token-for-each-byte',
    step: '10.4',
    says: ['A message takes one token'],
    edits: [
      {
        file: bounds,
        replace: `bucket.take(1)`,
        by: `bucket.take(Math.max(1, this.#outbox.bytes))`,
      },
    ],
  },
  {
    name: 'rounds-to-the-nearest',
    step: '10.4',
    says: ['to return 0.333 ms', 'Do not round down'],
    edits: [
      {
        file: limits,
        replace: `-this.#tokens / this.#perMs`,
        by: `Math.round(-this.#tokens / this.#perMs)`,
      },
    ],
  },
  {
    name: 'multiplies-where-it-should-divide',
    step: '10.4',
    says: ['divided by what arrives in a millisecond'],
    edits: [
      { file: limits, replace: `-this.#tokens / this.#perMs`, by: `-this.#tokens * this.#perMs` },
    ],
  },
  {
    name: 'no-wait-is-a-negative-one',
    step: '10.4',
    says: ['that is 0 ms, and never less'],
    edits: [
      {
        file: limits,
        replace: `return this.#tokens >= 0 ? 0 : -this.#tokens / this.#perMs`,
        by: `return -this.#tokens / this.#perMs`,
      },
    ],
  },
  {
    name: 'lets-in-and-refuses',
    step: '10.4',
    says: ['There is room for two', 'not both: return'],
    edits: [
      {
        file: admission,
        replace: `if (this.#cap.enter()) return this.#letIn(stream, loop)`,
        by: `if (this.#cap.enter()) this.#letIn(stream, loop)`,
      },
    ],
  },
  {
    name: 'the-refused-take-up-room',
    step: '10.4',
    says: ['none of them takes up room', 'enter and leave #cap only'],
    edits: [
      {
        file: admission,
        replace: `    this.#refuse(stream, loop, 'busy')`,
        by: `    if (!this.#refusals.enter()) return stream.destroy()
    this.#refuse(stream, loop, 'busy')`,
      },
    ],
  },
  {
    name: 'the-cut-off-are-not-counted',
    step: '10.4',
    says: ['80 found no room', 'everybody who is refused'],
    edits: [
      {
        file: admission,
        replace: `    this.#counts.refused += 1`,
        by: `    if (this.#refusals.count < MAX_REFUSALS) this.#counts.refused += 1`,
      },
    ],
  },
  {
    name: 'a-refusal-is-an-ending',
    step: '10.4',
    says: ['80 found no room', 'onClose() counts the endings'],
    edits: [
      {
        file: admission,
        replace: `    this.#counts.refused += 1`,
        by: `    this.#counts.refused += 1
    this.#endings.busy = (this.#endings.busy ?? 0) + 1`,
      },
    ],
  },
  {
    name: 'who-breaks-the-protocol-keeps-a-place',
    step: '10.4',
    says: ['after a connection has ended as invalid', 'the same for every ending'],
    edits: [
      {
        file: admission,
        replace: `    this.#cap.leave()`,
        by: `    if (why !== 'invalid') this.#cap.leave()`,
      },
    ],
  },
  {
    name: 'leaves-by-a-timer',
    step: '10.4',
    says: ['when the service is told that pia has left', 'no timer'],
    edits: [
      {
        file: admission,
        replace: `    this.#cap.leave()`,
        by: `    this.#timers.after(0, () => this.#cap.leave())`,
      },
    ],
  },
  {
    name: 'is-forgotten-a-turn-later',
    step: '10.4',
    says: ['when the service is told that pia has left', 'no setImmediate()'],
    edits: [
      {
        file: admission,
        replace: `    this.#open.delete(bounds)`,
        by: `    setImmediate(() => this.#open.delete(bounds))`,
      },
    ],
  },
  {
    name: 'leaves-twice',
    step: '10.4',
    says: ['A connection gives up its place once'],
    edits: [
      {
        file: admission,
        replace: `    this.#cap.leave()`,
        by: `    this.#cap.leave()
    this.#cap.leave()`,
      },
    ],
  },
  {
    name: 'who-leaves-was-refused',
    step: '10.4',
    says: ['onClose() is for those who were let in'],
    edits: [
      {
        file: admission,
        replace: `    this.#cap.leave()`,
        by: `    this.#cap.leave()
    this.#counts.refused += 1`,
      },
    ],
  },
  {
    name: 'the-floor-is-under-the-descriptors-only',
    step: '10.5',
    says: ['affordableConnections(0, 1024)'],
    edits: [
      {
        file: limits,
        replace: `Math.max(1, Math.min(wanted, descriptors - RESERVED_DESCRIPTORS))`,
        by: `Math.min(wanted, Math.max(1, descriptors - RESERVED_DESCRIPTORS))`,
      },
    ],
  },
  {
    name: 'no-limit-is-what-is-wanted',
    step: '10.5',
    says: ['affordableConnections(0, Infinity)', 'At least one'],
    edits: [
      {
        file: limits,
        replace: `Math.max(1, Math.min(wanted, descriptors - RESERVED_DESCRIPTORS))`,
        by: `Number.isFinite(descriptors)
    ? Math.max(1, Math.min(wanted, descriptors - RESERVED_DESCRIPTORS))
    : wanted`,
      },
    ],
  },
  {
    name: 'whole-numbers-by-force',
    step: '10.5',
    says: ['affordableConnections(Infinity, Infinity)'],
    edits: [
      {
        file: limits,
        replace: `Math.max(1, Math.min(wanted, descriptors - RESERVED_DESCRIPTORS))`,
        by: `Math.max(1, Math.min(wanted, descriptors - RESERVED_DESCRIPTORS) | 0)`,
      },
    ],
  },
  {
    name: 'a-failed-accept-is-a-loss',
    step: '10.5',
    says: ['stats().endings', 'does nothing else'],
    edits: [
      {
        file: admission,
        replace: `    this.#counts.acceptErrors += 1`,
        by: `    this.#counts.acceptErrors += 1
    this.#endings.lost = (this.#endings.lost ?? 0) + 1`,
      },
    ],
  },
  {
    name: 'the-backlogged-are-not-told',
    step: '10.6',
    says: ['ada’s connection is still open'],
    edits: [
      {
        file: admission,
        replace: STOP,
        by: `for (const { connection } of this.#open) if (connection.isReading) connection.stop('stopping')`,
      },
    ],
  },
  {
    name: 'waits-no-longer-than-the-goodbye',
    step: '10.6',
    says: ['close() sets no timer'],
    edits: [
      {
        file: admission,
        replace: `    await closed`,
        by: `    const { goodbyeMs } = this.#limits
    await Promise.race([closed, new Promise<void>((resolve) => void this.#timers.after(goodbyeMs, resolve))])`,
      },
    ],
  },
  {
    name: 'the-second-failure-is-silent',
    step: '10.6',
    says: ['the second time', 'no reason to resolve'],
    edits: [
      {
        file: admission,
        replace: CLOSE,
        by: `    const isSecond = this.#isStopping
    this.#isStopping = true
    const closed = server.close()
    for (const { connection } of this.#open) connection.stop('stopping')
    if (isSecond) await closed.catch(() => {})
    else await closed`,
      },
    ],
  },
  {
    name: 'stops-and-ends',
    step: '10.6',
    says: ['the answer', 'stop() is enough'],
    edits: [
      {
        file: admission,
        replace: STOP,
        by: `for (const { connection } of this.#open) {
      connection.stop('stopping')
      connection.end('stopping')
    }`,
      },
    ],
  },
  {
    name: 'refused-while-stopping-is-an-ending',
    step: '10.6',
    says: ['cyd and dan were never inside'],
    edits: [
      {
        file: admission,
        replace: `    if (this.#isStopping) return this.#refuse(stream, loop, 'stopping')`,
        by: `    if (this.#isStopping) {
      this.#endings.stopping = (this.#endings.stopping ?? 0) + 1
      return this.#refuse(stream, loop, 'stopping')
    }`,
      },
    ],
  },
  {
    name: 'a-pause-ends-the-look',
    step: '10.4',
    says: ['A look was planned', 'Leave #stall alone in #pay()'],
    edits: [
      {
        file: bounds,
        replace: 'if (waitMs === 0) return',
        by: `if (waitMs === 0) return
    if (this.#stall) this.#timers.cancel(this.#stall)`,
      },
    ],
  },
  {
    name: 'pauses-for-a-second-at-most',
    step: '10.4',
    says: ['30 of the 100 s have passed', 'even if that is an hour'],
    edits: [
      {
        file: bounds,
        replace: 'bucket.take(1)',
        by: 'Math.min(1_000, bucket.take(1))',
      },
    ],
  },
  {
    name: 'waits-before-the-next-accept',
    step: '10.5',
    says: ['onAcceptError() to return at once', 'it sleeps'],
    edits: [
      {
        file: admission,
        hole: 'onAcceptError',
        by: `    this.#counts.acceptErrors += 1
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)`,
      },
    ],
  },
  {
    name: 'closes-somebody-when-it-goes-on',
    step: '10.5',
    says: ['however often they happen'],
    edits: [
      {
        file: admission,
        hole: 'onAcceptError',
        by: `    this.#counts.acceptErrors += 1
    if (this.#counts.acceptErrors <= 3) return
    for (const { connection } of this.#open) return connection.stop('busy')`,
      },
    ],
  },
  {
    name: 'throws-what-it-does-not-know',
    step: '10.5',
    says: ['what onAcceptError() throws', 'does nothing else'],
    edits: [
      {
        file: admission,
        hole: 'onAcceptError',
        by: `    this.#counts.acceptErrors += 1
    const { code = '' } = _error as NodeJS.ErrnoException
    if (!['EMFILE', 'ENFILE', 'ENOMEM', 'ECONNABORTED'].includes(code)) throw _error`,
      },
    ],
  },
  {
    name: 'compares-and-returns-the-old-state',
    step: '10.2',
    says: ['isBacklogged of the first', 'Compare first, and then return the state'],
    edits: [
      {
        file: outbox,
        hole: 'isBacklogged',
        by: `    const was = this.#isBacklogged
${MARKS}
    return was`,
      },
    ],
  },
  {
    name: 'compares-with-the-next-piece',
    step: '10.1',
    says: ['the others wait', '`first` is another one'],
    edits: [
      {
        file: outbox,
        replace: 'if (taken < first.length) return',
        by: 'if (taken < this.#waiting.first.length) return',
      },
    ],
  },
  {
    name: 'offers-without-counting',
    step: '10.3',
    says: ['sentBytes', 'it counts what the stream takes'],
    edits: [
      {
        file: outbox,
        replace: FULL,
        by: `    const isTooMuch = () => this.bytes + bytes.length > this.#limits.maxQueuedBytes
    while (isTooMuch() && this.bytes > 0) {
      const { first } = this.#waiting
      const taken = this.#stream.write(first)
      this.#waiting.drop(taken)
      if (taken < first.length) break
    }
    if (isTooMuch()) return false
`,
      },
    ],
  },
  {
    name: 'counts-an-offer-only-if-there-is-room-then',
    step: '10.3',
    says: ['sentBytes', 'whether or not there is room'],
    edits: [
      {
        file: outbox,
        replace: FULL,
        by: `    const sentBefore = this.#sentBytes
    if (this.bytes + bytes.length > this.#limits.maxQueuedBytes) this.flush()
    if (this.bytes + bytes.length > this.#limits.maxQueuedBytes) {
      this.#sentBytes = sentBefore
      return false
    }
`,
      },
    ],
  },
  {
    name: 'anything-taken-is-room',
    step: '10.3',
    says: ['8 wait, and 13 with these five', 'not enough that something was taken'],
    edits: [
      {
        file: outbox,
        replace: FULL,
        by: `    if (this.bytes + bytes.length > this.#limits.maxQueuedBytes) {
      const sentBefore = this.#sentBytes
      this.flush()
      if (this.#sentBytes === sentBefore) return false
    }
`,
      },
    ],
  },
  {
    name: 'an-offer-ends-the-backlog',
    step: '10.3',
    says: ['isBacklogged before and after', 'only the marks decide'],
    edits: [
      {
        file: outbox,
        replace: FULL,
        by: `    if (this.bytes + bytes.length > this.#limits.maxQueuedBytes) {
      this.flush()
      this.#isBacklogged = false
    }
    if (this.bytes + bytes.length > this.#limits.maxQueuedBytes) return false
`,
      },
    ],
  },
  {
    name: 'a-full-outbox-is-backlogged',
    step: '10.3',
    says: ['isBacklogged before and after', 'only the marks decide'],
    edits: [
      {
        file: outbox,
        replace: FULL,
        by: `    if (this.bytes + bytes.length > this.#limits.maxQueuedBytes) {
      this.#isBacklogged = true
      this.flush()
    }
    if (this.bytes + bytes.length > this.#limits.maxQueuedBytes) return false
`,
      },
    ],
  },
  {
    name: 'one-note-for-all-looks',
    step: '10.3',
    says: ['leo took 50 bytes only 15 s ago', 'nothing static or global'],
    edits: [
      {
        file: bounds,
        replace: '  readonly connection: Connection\n',
        by: '  static sentBefore = 0\n  readonly connection: Connection\n',
      },
      {
        file: bounds,
        replace: 'const sentBefore = this.#outbox.sentBytes',
        by: 'Bounds.sentBefore = this.#outbox.sentBytes',
      },
      {
        file: bounds,
        replace: 'this.#outbox.sentBytes === sentBefore',
        by: 'this.#outbox.sentBytes === Bounds.sentBefore',
      },
    ],
  },
  {
    name: 'notes-what-was-sent-when-it-looks',
    step: '10.3',
    says: ['dee is slow', 'Note sentBytes when you arm the timer'],
    edits: [
      {
        file: bounds,
        hole: '#watchForStall',
        by: `    this.#stall = this.#timers.after(this.#stallMs, () => {
      this.#stall = undefined
      if (this.#outbox.bytes === 0) return
      const sentBefore = this.#outbox.sentBytes
      if (this.#outbox.sentBytes === sentBefore) this.connection.stop('slow-consumer')
      else this.#watchForStall()
    })`,
      },
    ],
  },
  {
    name: 'resumes-the-protocol-as-well',
    step: '10.4',
    says: ['paused for another reason', 'Call it for the rate only'],
    edits: [
      {
        file: bounds,
        replace: "      this.connection.resumeReading('rate')\n",
        by: `      this.connection.resumeReading('protocol')
      this.connection.resumeReading('rate')
`,
      },
    ],
  },
  {
    name: 'refuses-and-lets-in',
    step: '10.4',
    says: ['connections that were let in', 'return after #refuse()'],
    edits: [
      {
        file: admission,
        replace: `    if (this.#cap.enter()) return this.#letIn(stream, loop)
    this.#counts.refused += 1
    this.#refuse(stream, loop, 'busy')`,
        by: `    if (!this.#cap.enter()) {
      this.#counts.refused += 1
      this.#refuse(stream, loop, 'busy')
    }
    this.#letIn(stream, loop)`,
      },
    ],
  },
  {
    name: 'the-second-waits-for-the-success-of-the-first',
    step: '10.6',
    says: ['the second time', 'a promise that a failure never settles'],
    edits: [
      {
        file: admission,
        replace: '  #isStopping = false\n',
        by: '  #isStopping = false\n  readonly #closed = Promise.withResolvers<void>()\n',
      },
      {
        file: admission,
        replace: CLOSE,
        by: `    if (this.#isStopping) return this.#closed.promise
    this.#isStopping = true
    const closed = server.close()
    ${STOP}
    await closed
    this.#closed.resolve()`,
      },
    ],
  },
  {
    name: 'an-overdrawn-bucket-takes-nothing',
    step: '10.4',
    says: ['take(1) to return 2050 ms', 'overdrawn already'],
    edits: [
      {
        file: limits,
        replace: 'Math.min(this.#burst, this.#tokens + earned) - count',
        by: 'Math.min(this.#burst, this.#tokens + earned)\n    if (this.#tokens >= 0) this.#tokens -= count',
      },
    ],
  },
  {
    name: 'a-debt-of-one-burst',
    step: '10.4',
    says: ['take(20) to return 1950 ms', 'the overdraft has no limit'],
    edits: [
      {
        file: limits,
        replace: 'Math.min(this.#burst, this.#tokens + earned) - count',
        by: 'Math.max(-this.#burst - 1, Math.min(this.#burst, this.#tokens + earned) - count)',
      },
    ],
  },
  {
    name: 'take-0-is-free',
    step: '10.4',
    says: ['what the three calls return', 'returns the wait like any other call'],
    edits: [
      {
        file: limits,
        replace: '    const now = this.#clock.now()\n',
        by: '    if (count === 0) return 0\n    const now = this.#clock.now()\n',
      },
    ],
  },
  {
    name: 'whole-milliseconds-of-the-clock',
    step: '10.4',
    says: ['take(5) to return 0 ms', 'parts of a millisecond'],
    edits: [
      {
        file: limits,
        replace: 'const now = this.#clock.now()',
        by: 'const now = Math.floor(this.#clock.now())',
      },
    ],
  },
  {
    name: 'thousandths-of-a-token',
    step: '10.4',
    says: ['take(0) to return', 'what each call rounds away adds up'],
    edits: [
      {
        file: limits,
        replace: 'const earned = (now - this.#countedAtMs) * this.#perMs',
        by: 'const earned = Math.floor((now - this.#countedAtMs) * this.#perMs * 1_000) / 1_000',
      },
    ],
  },
  {
    name: 'reads-the-clock-twice',
    step: '10.4',
    says: ['take(10) to return', 'Read the clock once'],
    edits: [
      {
        file: limits,
        replace: '    this.#countedAtMs = now\n',
        by: '    this.#countedAtMs = this.#clock.now()\n',
      },
    ],
  },
  {
    name: 'copies-the-rest-of-a-part',
    step: '10.1',
    says: ['the rest of a piece not to be copied', 'with drop()'],
    edits: [
      {
        file: outbox,
        replace: FLUSH,
        by: `      const taken = this.#stream.write(first)
      this.#sentBytes += taken
      if (taken === first.length) this.#waiting.drop(taken)
      else {
        const rest: Uint8Array[] = [first.slice(taken)]
        this.#waiting.drop(first.length)
        while (this.#waiting.bytes > 0) {
          rest.push(this.#waiting.first)
          this.#waiting.drop(this.#waiting.first.length)
        }
        for (const piece of rest) this.#waiting.add(piece)
        return
      }`,
      },
    ],
  },
  {
    name: 'a-high-mark-of-0-is-none',
    step: '10.2',
    says: ['isBacklogged to be true', 'A mark of 0 is a mark'],
    edits: [
      {
        file: outbox,
        replace: 'this.bytes > this.#limits.highWaterBytes',
        by: 'this.bytes > (this.#limits.highWaterBytes || Number.POSITIVE_INFINITY)',
      },
    ],
  },
  {
    name: 'nobody-is-there-nothing-to-wait-for',
    step: '10.6',
    says: ['what close() rejects with', 'awaits server.close() in any case'],
    edits: [
      {
        file: admission,
        replace: '    await closed\n',
        by: '    if (this.#open.size === 0) return\n    await closed\n',
      },
    ],
  },
  {
    name: 'takes-a-limit-of-0-for-none',
    step: '10.3',
    says: ['A limit of 0 is a limit like any other', 'do not test whether it is set'],
    edits: [
      {
        file: outbox,
        replace: FULL,
        by: `    const max = this.#limits.maxQueuedBytes || Number.POSITIVE_INFINITY
    if (this.bytes + bytes.length > max) this.flush()
    if (this.bytes + bytes.length > max) return false
`,
      },
    ],
  },
  {
    name: 'takes-a-cap-of-0-for-none',
    step: '10.4',
    says: ['there is no room for anybody'],
    edits: [
      {
        file: limits,
        replace: 'if (this.#count >= this.#max) return false',
        by: 'if (this.#max && this.#count >= this.#max) return false',
      },
    ],
  },
]
