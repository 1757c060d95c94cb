import type { Mistake } from './mistake.ts'

const outbox = 'outbox.ts'
const connection = 'frame-connection.ts'
const limits = 'limits.ts'
const reception = 'reception.ts'

const FLUSH = `      const taken = this.#stream.write(first)
      this.#sentBytes += taken
      this.#waiting.drop(taken)
      if (taken < first.length) return`
const CHECK = "    if (this.#waiting.bytes + bytes.length > this.#maxBytes) return 'full'\n"
const MARKS = `    if (queuedBytes > this.#limits.highWaterBytes) this.#isHeldBack = true
    if (queuedBytes <= this.#limits.lowWaterBytes) this.#isHeldBack = false`
const INTEREST = 'this.#setInterest(reads ? (writes ? BOTH : READING) : writes ? WRITING : NEITHER)'
const STALL = `      if (this.#outbox.sentBytes === sentBefore) this.letGo(SLOW_CONSUMER)
      else this.#watchForStall()`
const CLOSE = `    this.#isStopping = true
    const closed = server.close()
    for (const connection of this.#inside) connection.letGo(GOODBYE)
    await closed`

export const mistakes: Mistake[] = [
  {
    name: 'drops-what-was-not-taken',
    step: '10.1',
    says: ['queuedBytes', 'not the piece'],
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
    says: ['queuedBytes', 'Drop as many bytes'],
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
    name: 'overtakes-who-waits',
    step: '10.1',
    says: ['Who comes later waits behind'],
    edits: [
      {
        file: outbox,
        replace: '    this.#waiting.add(bytes)\n    if (!this.isCorked) this.flush()\n',
        by: `    const taken = this.isCorked ? 0 : this.#stream.write(bytes)
    this.#sentBytes += taken
    this.#waiting.add(bytes.subarray(taken))
`,
      },
    ],
  },
  {
    name: 'ignores-the-cork',
    step: '10.1',
    says: ['What is said in one turn goes out together'],
    edits: [
      { file: outbox, replace: '    if (!this.isCorked) this.flush()\n', by: '    this.flush()\n' },
      {
        file: outbox,
        replace: "return this.#waiting.bytes === 0 ? 'sent' : 'queued'",
        by: "return this.#waiting.bytes === 0 && !this.isCorked ? 'sent' : 'queued'",
      },
    ],
  },
  {
    name: 'sent-as-soon-as-it-was-tried',
    step: '10.1',
    says: ['Three bytes are on their way, three wait'],
    edits: [
      {
        file: outbox,
        replace: "return this.#waiting.bytes === 0 ? 'sent' : 'queued'",
        by: "return this.isCorked ? 'queued' : 'sent'",
      },
    ],
  },
  {
    name: 'flushes-until-it-is-empty',
    step: '10.1',
    says: ['flush()'],
    edits: [
      {
        file: outbox,
        replace: '      if (taken < first.length) return\n',
        by: '',
      },
    ],
    cardVaries: true,
  },
  {
    name: 'one-piece-a-flush',
    step: '10.1',
    says: ['the stream to be given what was pushed'],
    edits: [
      {
        file: outbox,
        replace: '    while (this.#waiting.bytes > 0) {',
        by: '    for (let once = 0; once < 1 && this.#waiting.bytes > 0; once++) {',
      },
    ],
  },
  {
    name: 'one-mark-instead-of-two',
    step: '10.2',
    says: ['below the high mark, above the low one'],
    edits: [
      {
        file: connection,
        replace: MARKS,
        by: '    this.#isHeldBack = queuedBytes > this.#limits.highWaterBytes',
      },
    ],
  },
  {
    name: 'the-low-mark-only',
    step: '10.2',
    says: ['1000 bytes are not more than the high-water mark'],
    edits: [
      {
        file: connection,
        replace: MARKS,
        by: '    this.#isHeldBack = queuedBytes > this.#limits.lowWaterBytes',
      },
    ],
  },
  {
    name: 'never-reads-again',
    step: '10.2',
    says: ['reading goes on', 'held back no longer'],
    edits: [
      {
        file: connection,
        replace: MARKS,
        by: '    if (queuedBytes > this.#limits.highWaterBytes) this.#isHeldBack = true',
      },
    ],
  },
  {
    name: 'reads-on-whatever-waits',
    step: '10.2',
    says: ['Nobody reads what she sends after that'],
    edits: [
      {
        file: connection,
        replace: '!this.#isHeldBack && !this.#pause &&',
        by: '!this.#pause &&',
      },
    ],
  },
  {
    name: 'reads-or-writes',
    step: '10.2',
    says: ['1000 bytes are not more than the high-water mark'],
    edits: [
      {
        file: connection,
        replace: INTEREST,
        by: 'this.#setInterest(writes ? WRITING : reads ? READING : NEITHER)\n    void BOTH',
      },
    ],
  },
  {
    name: 'always-wants-to-write',
    step: '10.2',
    says: ['The loop spins', 'only while something is queued'],
    edits: [
      {
        file: connection,
        replace: INTEREST,
        by: 'void [READING, NEITHER, writes]\n    this.#setInterest(reads ? BOTH : WRITING)',
      },
    ],
  },
  {
    name: 'wants-to-read-after-the-end',
    step: '10.2',
    says: ['The loop spins', 'only when you would read'],
    edits: [
      {
        file: connection,
        replace: '!this.#isHeldBack && !this.#pause && !this.#isFinReceived',
        by: '!this.#isHeldBack && !this.#pause',
      },
    ],
  },
  {
    name: 'no-limit',
    step: '10.3',
    says: ['It would be the eleventh byte'],
    edits: [{ file: outbox, replace: CHECK, by: '    void this.#maxBytes\n' }],
  },
  {
    name: 'takes-it-and-then-looks',
    step: '10.3',
    says: ['Of bytes that are "full" none is taken'],
    edits: [
      { file: outbox, replace: CHECK, by: '' },
      {
        file: outbox,
        replace: '    if (!this.isCorked) this.flush()\n',
        by: "    if (!this.isCorked) this.flush()\n    if (this.#waiting.bytes > this.#maxBytes) return 'full'\n",
      },
    ],
  },
  {
    name: 'full-and-nothing-happens',
    step: '10.3',
    says: ['and then the reason', 'letGo(SLOW_CONSUMER)'],
    edits: [
      {
        file: connection,
        replace: `  #dropSlowConsumer(): void {
    this.letGo(SLOW_CONSUMER)`,
        by: '  #dropSlowConsumer(): void {',
      },
    ],
  },
  {
    name: 'cut-without-a-word',
    step: '10.3',
    says: ['and then the reason'],
    edits: [
      {
        file: connection,
        replace: `  #dropSlowConsumer(): void {
    this.letGo(SLOW_CONSUMER)`,
        by: `  #dropSlowConsumer(): void {
    this.cut(SLOW_CONSUMER)`,
      },
    ],
  },
  {
    name: 'lingers-for-ever',
    step: '10.3',
    says: ['to be cut off', 'After lingerMs'],
    edits: [
      {
        file: connection,
        replace:
          "    this.#linger = this.#home.timers.after(this.#limits.lingerMs, () => this.cut('too late'))\n",
        by: '',
      },
    ],
  },
  {
    name: 'waits-in-vain-for-somebody-who-stands-still',
    step: '10.3',
    says: ['what waits for cyd', 'compare sentBytes'],
    edits: [
      {
        file: connection,
        replace: STALL,
        by: '      this.#watchForStall()\n      void sentBefore',
      },
    ],
  },
  {
    name: 'slow-is-taken-for-standing-still',
    step: '10.3',
    says: ['dee is slow'],
    edits: [
      {
        file: connection,
        replace: STALL,
        by: '      this.letGo(SLOW_CONSUMER)\n      void sentBefore',
      },
    ],
  },
  {
    name: 'looks-only-once',
    step: '10.3',
    says: ['Now she has stood still', 'One look is not enough'],
    edits: [
      {
        file: connection,
        replace: `      this.#stall = undefined
      if (this.#outbox.queuedBytes === 0) return
${STALL}`,
        by: `      if (this.#outbox.queuedBytes === 0) return
      if (this.#outbox.sentBytes === sentBefore) this.letGo(SLOW_CONSUMER)`,
      },
    ],
  },
  {
    name: 'looks-once',
    step: '10.3',
    says: ['flo expected to be cut off', 'plans the next one itself'],
    edits: [{ file: 'frame-connection.ts', replace: '      else this.#watchForStall()\n', by: '' }],
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
    says: ['her place is free', '#hasLeft()'],
    edits: [{ file: reception, replace: '    this.#cap.leave()\n', by: '' }],
  },
  {
    name: 'the-refused-leave-a-place-behind',
    step: '10.4',
    says: ['there is no more room than before'],
    edits: [
      {
        file: reception,
        replace: '    this.#counts.refused += 1\n    this.#refuse(stream, loop, BUSY)',
        by: '    this.#counts.refused += 1\n    this.#refuse(stream, loop, BUSY)\n    this.#cap.leave()',
      },
    ],
  },
  {
    name: 'refuses-without-a-word',
    step: '10.4',
    says: ['told why she cannot come in'],
    edits: [
      {
        file: reception,
        replace: '    this.#counts.refused += 1\n    this.#refuse(stream, loop, BUSY)',
        by: '    this.#counts.refused += 1\n    stream.destroy()',
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
        file: reception,
        replace: '  #isStopping = false\n',
        by: '  #isStopping = false\n  #bucket: TokenBucket | undefined\n',
      },
      {
        file: reception,
        replace: '? new TokenBucket(this.#timers, framesPerSecond, burstFrames)',
        by: '? (this.#bucket ??= new TokenBucket(this.#timers, framesPerSecond, burstFrames))',
      },
    ],
  },
  {
    name: 'never-pauses',
    step: '10.4',
    says: ['bob talks too fast'],
    edits: [
      {
        file: connection,
        replace: '    if (waitMs === 0) return\n',
        by: '    if (waitMs >= 0) return\n',
      },
    ],
  },
  {
    name: 'paused-for-ever',
    step: '10.4',
    says: ['He has waited for 1.5 s', '#pause is over'],
    edits: [
      {
        file: connection,
        replace: '      this.#pause = undefined\n      this.#watch()\n',
        by: '      this.#watch()\n',
      },
    ],
  },
  {
    name: 'over-and-nobody-notices',
    step: '10.4',
    says: ['He has waited for 1.5 s', 'decided anew'],
    edits: [
      {
        file: connection,
        replace: '      this.#pause = undefined\n      this.#watch()\n',
        by: '      this.#pause = undefined\n',
      },
    ],
  },
  {
    name: 'slow-consumers-are-not-counted',
    step: '10.4',
    says: ['gus did not take', 'told the reason'],
    edits: [
      {
        file: reception,
        replace: '    if (reason === SLOW_CONSUMER) this.#counts.slowConsumers += 1\n',
        by: '    void [reason, SLOW_CONSUMER]\n',
      },
    ],
  },
  {
    name: 'what-was-accepted-is-forgotten',
    step: '10.4',
    says: ['what they sent is still counted'],
    edits: [{ file: reception, replace: '    this.#counts.frames += connection.frames\n', by: '' }],
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
    name: 'a-failed-accept-ends-everything',
    step: '10.5',
    says: ['Those who are inside are not concerned'],
    edits: [
      {
        replace: '{ ...options, timers, onAcceptError: (error) => reception.onAcceptError(error) }',
        by: '{ ...options, timers }',
      },
    ],
    cardVaries: true,
  },
  {
    name: 'a-failed-accept-is-thrown',
    step: '10.5',
    says: ['Those who are inside are not concerned'],
    edits: [
      {
        file: reception,
        replace: '(_error: Error): void {\n    this.#counts.acceptErrors += 1',
        by: '(_error: Error): void {\n    this.#counts.acceptErrors += 1\n    throw _error',
      },
    ],
    cardVaries: true,
  },
  {
    name: 'no-goodbye',
    step: '10.6',
    says: ['bob is inside', 'letGo(GOODBYE)'],
    edits: [
      {
        file: reception,
        replace: 'for (const connection of this.#inside) connection.letGo(GOODBYE)',
        by: 'for (const connection of this.#inside) connection.close(GOODBYE)',
      },
    ],
  },
  {
    name: 'goodbye-and-the-queue-is-lost',
    step: '10.6',
    says: ['bob is inside'],
    edits: [
      {
        file: reception,
        replace: 'for (const connection of this.#inside) connection.letGo(GOODBYE)',
        by: 'for (const connection of this.#inside) connection.cut(GOODBYE)',
      },
    ],
  },
  {
    name: 'those-who-are-slow-are-cut',
    step: '10.6',
    says: ['Two frames of hers were accepted'],
    edits: [
      {
        file: reception,
        replace: 'for (const connection of this.#inside) connection.letGo(GOODBYE)',
        by: `for (const connection of this.#inside) {
      if (connection.queuedBytes > 0) connection.cut(GOODBYE)
      else connection.letGo(GOODBYE)
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
        file: reception,
        replace: CLOSE,
        by: `    this.#isStopping = true
    for (const connection of this.#inside) connection.letGo(GOODBYE)
    while (this.#inside.size > 0) await new Promise((resolve) => setTimeout(resolve, 5))
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
        file: reception,
        replace: CLOSE,
        by: `    this.#isStopping = true
    await server.close()
    for (const connection of this.#inside) connection.letGo(GOODBYE)`,
      },
    ],
  },
  {
    name: 'lets-in-who-still-comes',
    step: '10.6',
    says: ['She had connected', '#isStopping'],
    edits: [
      {
        file: reception,
        replace: '    if (this.#isStopping) return this.#refuse(stream, loop, GOODBYE)\n',
        by: '',
      },
    ],
  },
  {
    name: 'says-goodbye-and-does-not-wait',
    step: '10.6',
    says: ['whether close() has resolved', 'Wait for the promise'],
    edits: [{ file: reception, replace: '    await closed\n', by: '    void closed\n' }],
  },
]
