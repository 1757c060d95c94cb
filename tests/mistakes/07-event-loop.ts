import type { Mistake } from './mistake.ts'

const stream = 'byte-stream.ts'
const poller = 'poller.ts'
const loop = 'event-loop.ts'
const connection = 'connection.ts'

const RESUME = `    if (this.#inboxBytes < INBOX_BYTES && this.#socket.isPaused()) this.#socket.resume()
`
const EMPTY = "if (!chunk) return this.#hasEnded || this.lostWith ? 'end' : 'would-block'"
const TAKE = `    if (taken > 0) this.#socket.write(taken < bytes.length ? bytes.subarray(0, taken) : bytes)
    return taken`
const COLLECT = `      if (readable || writable || hungUp) ready.push({ source, readable, writable, hungUp })
      else this.#hot.delete(source)`
const RECEIVE = `    const bytes = this.#stream.read()
    if (bytes === 'would-block') return
    if (bytes === 'end') {
      this.#hasPeerEnded = true
      if (this.#state === 'open') this.#protocol.onEnd()
    } else if (this.#state === 'open') this.#offer(bytes)`

const FIN = `    if (this.#state !== 'ending' || this.#queue.bytes > 0) return
    this.#state = 'finSent'
    this.#stream.end()`

const READS = `    const wantsMore = this.#state !== 'open' || (this.isReading && this.#unread.length === 0)
    const reads = wantsMore && !this.#hasPeerEnded`

export const mistakes: Mistake[] = [
  {
    name: 'never-reads-on',
    step: '07.1',
    says: ['the bytes that could be read', 'resume()'],
    edits: [{ file: stream, replace: RESUME, by: '' }],
  },
  {
    name: 'the-end-comes-before-the-last-bytes',
    step: '07.1',
    says: ['FIN comes behind the last bytes'],
    edits: [
      {
        file: stream,
        replace: '    const chunk = this.#inbox.shift()\n',
        by: "    if (this.#hasEnded) return 'end'\n    const chunk = this.#inbox.shift()\n",
      },
    ],
  },
  {
    name: 'the-newest-first',
    step: '07.1',
    says: ['It came in three pieces', 'the wrong end of the inbox'],
    edits: [{ file: stream, replace: 'this.#inbox.shift()', by: 'this.#inbox.pop()' }],
  },
  {
    name: 'waits-for-the-lost',
    step: '07.1',
    says: ['a peer that is lost', 'lostWith'],
    edits: [
      {
        file: stream,
        replace: EMPTY,
        by: "if (!chunk) return this.#hasEnded ? 'end' : 'would-block'",
      },
    ],
  },
  {
    name: 'all-or-nothing',
    step: '07.2',
    says: ['take a part of them first'],
    edits: [
      {
        file: stream,
        replace: 'const taken = Math.min(bytes.length, Math.max(0, this.#room))',
        by: 'const taken = this.#room >= bytes.length ? bytes.length : 0',
      },
    ],
  },
  {
    name: 'takes-everything',
    step: '07.2',
    says: ['write() to answer 0 at last'],
    edits: [
      { file: stream, replace: TAKE, by: '    this.#socket.write(bytes)\n    return bytes.length' },
      {
        file: stream,
        replace: '    const taken = Math.min(bytes.length, Math.max(0, this.#room))\n',
        by: '',
      },
    ],
  },
  {
    name: 'hands-over-more-than-it-says',
    step: '07.2',
    says: ['to hold no more than its mark'],
    edits: [
      {
        file: stream,
        replace: TAKE,
        by: '    if (taken > 0) this.#socket.write(bytes)\n    return taken',
      },
    ],
  },
  {
    name: 'a-false-means-nothing-was-taken',
    step: '07.2',
    says: ['the bytes that the peer could read'],
    edits: [
      {
        file: stream,
        replace: TAKE,
        by: '    return this.#socket.write(bytes.subarray(0, taken)) ? taken : 0',
      },
    ],
    cardVaries: true,
  },
  {
    name: 'sleeps-although-somebody-is-ready',
    step: '07.3',
    says: ['no answer'],
    edits: [
      {
        file: poller,
        replace: 'this.#isWoken || this.#collect().length > 0 ? 0 : timeoutMs',
        by: 'this.#isWoken ? 0 : timeoutMs',
      },
    ],
  },
  {
    name: 'edge-triggered',
    step: '07.3',
    says: ['Level-triggered'],
    edits: [
      {
        file: poller,
        replace: COLLECT,
        by: '      if (readable || writable || hungUp) ready.push({ source, readable, writable, hungUp })\n      this.#hot.delete(source)',
      },
    ],
  },
  {
    name: 'reports-what-nobody-wants',
    step: '07.3',
    says: ['whether bob is writable'],
    edits: [
      {
        file: poller,
        replace: 'const writable = wanted.writable && source.isWritable',
        by: 'const writable = source.isWritable',
      },
    ],
  },
  {
    name: 'reports-the-closed-only-when-wanted',
    step: '07.3',
    says: ['while nothing is wanted of dee', 'reported for that alone'],
    edits: [
      {
        file: poller,
        replace: 'if (readable || writable || hungUp) ready',
        by: 'if (readable || writable) ready',
      },
    ],
  },
  {
    name: 'answers-at-once-when-somebody-is-ready',
    step: '07.3',
    says: ['Node’s own loop', 'Sleep for 0 ms'],
    edits: [
      {
        file: poller,
        replace: '    await this.#sleep(patience)\n',
        by: '    if (patience > 0) await this.#sleep(patience)\n',
      },
    ],
  },
  {
    name: 'asks-everybody-every-time',
    step: '07.3',
    says: ['the silent ones to be left alone', 'select()'],
    edits: [
      {
        file: poller,
        replace: 'for (const source of this.#hot) {',
        by: 'for (const source of this.#interests.keys()) {',
      },
    ],
  },
  {
    name: 'spins-while-nobody-is-ready',
    step: '07.3',
    says: ['a wait to sleep', 'spinning'],
    edits: [
      {
        file: poller,
        replace: `    await this.#sleep(patience)
    this.#isWoken = false`,
        by: `    const end = performance.now() + patience
    do await this.#sleep(0)
    while (performance.now() < end && !this.#isWoken && this.#collect().length === 0)
    this.#isWoken = false`,
      },
    ],
    cardVaries: true,
  },
  {
    name: 'a-wake-up-is-lost',
    step: '07.3',
    says: ['a wait after wake()', 'must not be lost'],
    edits: [
      {
        file: poller,
        replace: 'this.#isWoken || this.#collect()',
        by: 'this.#collect()',
      },
    ],
  },
  {
    name: 'woken-for-ever',
    step: '07.3',
    says: ['one wake-up ends one wait'],
    edits: [
      { file: poller, replace: '    this.#isWoken = false\n    return', by: '    return' },
      {
        file: poller,
        replace: 'this.#isWoken || this.#collect().length > 0 ? 0 : timeoutMs',
        by: 'this.#isWoken || this.#collect().length > 0 ? 0 : Math.min(timeoutMs, 60_000)',
      },
    ],
  },
  {
    name: 'a-turn-for-the-removed',
    step: '07.4',
    says: ['cyd was removed', 'out of date'],
    edits: [
      {
        file: loop,
        replace: 'for (const each of ready) this.#giveTurn(each)',
        by: `const entries = ready.map((each) => [this.#sources.get(each.source), each] as const)
      for (const [entry, each] of entries) {
        this.#giveTurn(each)
        if (entry && !this.#sources.has(each.source)) entry.handler(each)
      }`,
      },
    ],
  },
  {
    name: 'a-turn-for-what-is-not-wanted-any-more',
    step: '07.4',
    says: ['eve', 'what is wanted now'],
    edits: [
      {
        file: loop,
        replace: `    const readable = ready.readable && entry.interest.readable
    const writable = ready.writable && entry.interest.writable`,
        by: `    const readable = ready.readable
    const writable = ready.writable`,
      },
    ],
  },
  {
    name: 'timers-only-when-nobody-is-ready',
    step: '07.4',
    says: ['the times that the timers were run'],
    edits: [
      {
        file: loop,
        replace: '      this.#timers.runDue()\n',
        by: '      if (ready.length === 0) this.#timers.runDue()\n',
      },
    ],
  },
  {
    name: 'a-handler-that-throws-is-swallowed',
    step: '07.4',
    says: ['when a handler throws', 'not swallowed'],
    edits: [
      {
        file: loop,
        replace: '    entry.handler({ source, readable, writable, hungUp })\n',
        by: '    try {\n      entry.handler({ source, readable, writable, hungUp })\n    } catch {\n      this.#isStopping = true\n    }\n',
      },
    ],
  },
  {
    name: 'sleeps-for-ever-whatever-the-timers-say',
    step: '07.4',
    says: ['the time-outs that wait() was given', 'nextDelay()'],
    edits: [
      {
        file: loop,
        replace: 'this.#wait(this.#timers.nextDelay())',
        by: 'this.#wait(Number.POSITIVE_INFINITY)',
      },
    ],
  },
  {
    name: 'reads-until-dry',
    step: '07.5',
    says: ['each of the first three rounds', 'Read once and return'],
    edits: [
      {
        file: connection,
        replace: RECEIVE,
        by: `    for (;;) {
      const bytes = this.#stream.read()
      if (bytes === 'would-block') return
      if (bytes === 'end') {
        this.#hasPeerEnded = true
        if (this.#state === 'open') this.#protocol.onEnd()
        return
      }
      if (this.#state === 'open') this.#offer(bytes)
    }`,
      },
    ],
  },
  {
    name: 'never-reads-again-after-a-short-write',
    step: '07.5',
    says: ['the bytes of answers'],
    edits: [
      {
        file: connection,
        replace: READS,
        by: `    const wantsMore = this.#state !== 'open' || (this.isReading && this.#unread.length === 0)
    const reads = wantsMore && !this.#hasPeerEnded && !this.#interest.writable`,
      },
    ],
    cardVaries: true,
  },
  {
    name: 'never-waits-to-write',
    step: '07.5',
    says: ['what was written before FIN'],
    edits: [
      {
        file: connection,
        replace: 'const writes = this.#queue.bytes > 0',
        by: 'const writes = false',
      },
    ],
    cardVaries: true,
  },
  {
    name: 'says-nothing-at-the-end',
    step: '07.5',
    says: ['FIN was sent'],
    edits: [
      {
        file: connection,
        replace: "      if (this.#state === 'open') this.#protocol.onEnd()\n",
        by: '',
      },
    ],
  },
  {
    name: 'fin-overtakes-the-rest',
    step: '07.5',
    says: ['what was written before FIN', 'when nothing is queued'],
    edits: [
      {
        file: connection,
        replace: FIN,
        by: `    if (this.#state !== 'ending') return
    this.#state = 'finSent'
    this.#stream.end()`,
      },
    ],
  },
  {
    name: 'asks-for-the-end-again-and-again',
    step: '07.5',
    says: ['the loop to leave the peer alone', 'nothing to read any more'],
    edits: [
      {
        file: connection,
        replace: 'const reads = wantsMore && !this.#hasPeerEnded',
        by: 'const reads = wantsMore',
      },
    ],
  },
  {
    name: 'reads-from-the-paused',
    step: '07.5',
    says: ['the loop to leave a paused peer alone', 'only while isReading'],
    edits: [
      {
        file: connection,
        replace: READS,
        by: `    const reads = this.#unread.length === 0 && this.#queue.bytes === 0 && !this.#hasPeerEnded`,
      },
    ],
  },
  {
    name: 'the-paused-get-no-answer',
    step: '07.5',
    says: ['what was written meanwhile', 'paused or not'],
    edits: [
      {
        file: connection,
        replace: 'const writes = this.#queue.bytes > 0',
        by: 'const writes = this.#queue.bytes > 0 && this.#pauses === 0',
      },
    ],
  },
  {
    name: 'what-is-read-overtakes-the-rest',
    step: '07.5',
    says: ['what was taken', 'overtake the rest'],
    edits: [
      {
        file: connection,
        replace: READS,
        by: `    const wantsMore = this.#state !== 'open' || this.isReading
    const reads = wantsMore && !this.#hasPeerEnded`,
      },
    ],
  },
  {
    name: 'does-not-read-behind-its-own-fin',
    step: '07.5',
    says: ['connections left: 0', 'his FIN behind them'],
    edits: [
      {
        file: connection,
        replace: "const wantsMore = this.#state !== 'open' || (",
        by: "const wantsMore = this.#state === 'ending' || (",
      },
    ],
  },
  {
    name: 'hands-on-what-comes-behind-the-goodbye',
    step: '07.5',
    says: ['what comes behind end()'],
    edits: [
      {
        file: connection,
        replace: "    } else if (this.#state === 'open') this.#offer(bytes)",
        by: '    } else this.#offer(bytes)',
      },
    ],
  },
  {
    name: 'the-last-round-instead-of-the-longest',
    step: '07.6',
    says: ['keep the maximum'],
    edits: [
      {
        file: loop,
        replace: 'Math.max(this.#longestRoundMs, performance.now() - startedAt)',
        by: 'performance.now() - startedAt',
      },
    ],
  },
  {
    name: 'the-wait-counts',
    step: '07.6',
    says: ['The clock starts when wait() has answered'],
    edits: [
      {
        file: loop,
        replace: `      const ready = await this.#wait(this.#timers.nextDelay())
      const startedAt = performance.now()`,
        by: `      const startedAt = performance.now()
      const ready = await this.#wait(this.#timers.nextDelay())`,
      },
    ],
  },
  {
    name: 'a-turn-instead-of-the-round',
    step: '07.6',
    says: ['so the round is what counts'],
    edits: [
      {
        file: loop,
        replace: `      const startedAt = performance.now()
      for (const each of ready) this.#giveTurn(each)
      this.#timers.runDue()
      this.#endRound()
      this.#longestRoundMs = Math.max(this.#longestRoundMs, performance.now() - startedAt)`,
        by: `      for (const each of ready) {
        const startedAt = performance.now()
        this.#giveTurn(each)
        this.#longestRoundMs = Math.max(this.#longestRoundMs, performance.now() - startedAt)
      }
      this.#timers.runDue()
      this.#endRound()`,
      },
    ],
  },
]
