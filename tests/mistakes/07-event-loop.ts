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
const WAIT = `    const patience = this.#isWoken || this.#collect().length > 0 ? 0 : timeoutMs
    await this.#sleep(patience)
    this.#isWoken = false
    return this.#collect()`

/** A wait that goes on as long as nobody is ready. */
function sleepAgainFor(ms: string): string {
  return `    const deadline = performance.now() + timeoutMs
    let rest = timeoutMs
    let ready = this.#collect()
    do {
      await this.#sleep(ready.length > 0 || this.#isWoken ? 0 : ${ms})
      ready = this.#collect()
      rest = deadline - performance.now()
    } while (ready.length === 0 && !this.#isWoken && rest > 0)
    this.#isWoken = false
    return ready`
}

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
    says: ['bytes that could be read', 'resume()'],
    edits: [{ file: stream, replace: RESUME, by: '' }],
  },
  {
    name: 'the-end-comes-before-the-last-bytes',
    step: '07.1',
    says: ['FIN comes after the last bytes'],
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
    says: ['It arrived in three pieces', 'the wrong end of the inbox'],
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
    says: ['to take at least 64 KiB of them'],
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
    says: ['write() to return 0 in the end'],
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
    says: ['as many bytes as write() returns', 'subarray(0, taken)'],
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
    says: ['every byte that was taken'],
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
    says: ['still waiting'],
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
    says: ['the silent sources to be left alone', 'select()'],
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
    says: ['a wait to sleep', 'It spins'],
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
    says: ['eve', 'is wanted now'],
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
    says: ['the timers to have been run once a round'],
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
    says: ['the chunks that were handed on', 'reading begins again'],
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
    says: ['even without an end()'],
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
    says: ['calls of onEnd()', 'decides when to call end()'],
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
    says: ['After our FIN', 'reads in any case'],
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
    says: ['what the protocol is told after end()'],
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
    says: ['one of the last rounds'],
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
    says: ['The clock starts when wait() has returned'],
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
    says: ['the longest round to be the second'],
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
  {
    name: 'resumes-while-the-inbox-is-full',
    step: '07.1',
    says: ['to stay paused after one read'],
    edits: [
      {
        file: stream,
        replace: RESUME,
        by: `    this.#socket.resume()
`,
      },
    ],
  },
  {
    name: 'forgets-what-waits',
    step: '07.1',
    says: ['to stay paused after one read', 'Subtract what you return'],
    edits: [
      {
        file: stream,
        replace: `    this.#inboxBytes -= chunk.length
`,
        by: `    this.#inboxBytes = 0
`,
      },
    ],
  },
  {
    name: 'the-loss-comes-before-what-had-arrived',
    step: '07.1',
    says: ['arrived before the connection was lost'],
    edits: [
      {
        file: stream,
        replace: `    const chunk = this.#inbox.shift()
`,
        by: `    if (this.lostWith) return 'end'
    const chunk = this.#inbox.shift()
`,
      },
    ],
  },
  {
    name: 'only-a-reset-is-a-loss',
    step: '07.1',
    says: ['not only ECONNRESET'],
    edits: [
      {
        file: stream,
        replace: EMPTY,
        by: `if (!chunk) return this.#hasEnded || this.lostWith === 'ECONNRESET' ? 'end' : 'would-block'`,
      },
    ],
  },
  {
    name: 'takes-less-than-nothing',
    step: '07.2',
    says: ['a write of 10 bytes', 'can be negative'],
    edits: [
      {
        file: stream,
        replace: `Math.max(0, this.#room)`,
        by: `this.#room`,
      },
    ],
  },
  {
    name: 'writes-behind-its-own-fin',
    step: '07.2',
    says: ['a write after our FIN', 'socket.destroyed is not true yet'],
    edits: [
      {
        file: stream,
        replace: `if (!this.#socket.writable) return 0`,
        by: `if (this.#socket.destroyed) return 0`,
      },
    ],
  },
  {
    name: 'a-little-at-a-time',
    step: '07.2',
    says: ['to take at least 64 KiB of them'],
    edits: [
      {
        file: stream,
        replace: `Math.min(bytes.length, Math.max(0, this.#room))`,
        by: `Math.min(16 * 1024, bytes.length, Math.max(0, this.#room))`,
      },
    ],
  },
  {
    name: 'the-writable-never-cool-down',
    step: '07.3',
    says: ['the silent sources to be left alone', 'an idle socket is writable'],
    edits: [
      {
        file: poller,
        replace: `      else this.#hot.delete(source)`,
        by: `      else if (!source.isWritable) this.#hot.delete(source)`,
      },
    ],
  },
  {
    name: 'goes-through-everybody',
    step: '07.3',
    says: ['twenty waits to cost no more', 'not through #interests'],
    edits: [
      {
        file: poller,
        replace: `    for (const source of this.#hot) {
      const wanted = this.#interests.get(source)!`,
        by: `    for (const [source, wanted] of this.#interests) {
      if (!this.#hot.has(source)) continue`,
      },
    ],
  },
  {
    name: 'a-hundred-at-a-time',
    step: '07.3',
    says: ['the whole hot set'],
    edits: [
      {
        file: poller,
        replace: `      else this.#hot.delete(source)`,
        by: `      else this.#hot.delete(source)
      if (ready.length === 100) break`,
      },
    ],
  },
  {
    name: 'reading-hides-writing',
    step: '07.3',
    says: ['hal readable and writable'],
    edits: [
      {
        file: poller,
        replace: `const writable = wanted.writable`,
        by: `const writable = !readable && wanted.writable`,
      },
    ],
  },
  {
    name: 'one-wake-up-ends-two-waits',
    step: '07.3',
    says: ['the wait after the one that was woken', 'one wake-up ends one wait'],
    edits: [
      {
        file: poller,
        replace: `    await this.#sleep(patience)
    this.#isWoken = false`,
        by: `    this.#isWoken = false
    await this.#sleep(patience)`,
      },
    ],
  },
  {
    name: 'a-wake-up-hides-the-ready',
    step: '07.3',
    says: ['with ada ready', 'Woken or not'],
    edits: [
      {
        file: poller,
        replace: `    await this.#sleep(patience)
    this.#isWoken = false
    return this.#collect()`,
        by: `    const wasWoken = this.#isWoken
    await this.#sleep(patience)
    this.#isWoken = false
    return wasWoken ? [] : this.#collect()`,
      },
    ],
  },
  {
    name: 'woken-without-a-turn-for-node',
    step: '07.3',
    says: ['after wake()', 'Node’s own loop'],
    edits: [
      {
        file: poller,
        replace: `    await this.#sleep(patience)
`,
        by: `    if (!this.#isWoken) await this.#sleep(patience)
`,
      },
    ],
  },
  {
    name: 'a-list-from-before-the-sleep',
    step: '07.3',
    says: ['a wait in which bob became ready', 'Collect after the sleep'],
    edits: [
      {
        file: poller,
        replace: WAIT,
        by: `    const ready = this.#collect()
    await this.#sleep(this.#isWoken || ready.length > 0 ? 0 : timeoutMs)
    this.#isWoken = false
    return ready.length > 0 ? ready : this.#collect()`,
      },
    ],
  },
  {
    name: 'looks-every-five-milliseconds',
    step: '07.3',
    says: ['a wait to sleep', 'every few milliseconds'],
    edits: [
      {
        file: poller,
        replace: `    await this.#sleep(patience)
`,
        by: `    const end = performance.now() + patience
    do await this.#sleep(Math.min(5, Math.max(0, end - performance.now())))
    while (performance.now() < end && !this.#isWoken && this.#collect().length === 0)
`,
      },
    ],
  },
  {
    name: 'a-timer-outlives-the-wait',
    step: '07.3',
    says: ['to leave no timer behind'],
    edits: [
      {
        file: poller,
        replace: `    await this.#sleep(patience)
`,
        by: `    const timeUp = new Promise((resolve) => {
      if (patience > 0 && patience < 2 ** 31) setTimeout(resolve, patience)
    })
    await Promise.race([timeUp, this.#sleep(patience > 0 ? Number.POSITIVE_INFINITY : 0)])
`,
      },
    ],
  },
  {
    name: 'the-closed-are-reported-once',
    step: '07.3',
    says: ['Closed sources do not cool down'],
    edits: [
      {
        file: poller,
        replace: `      else this.#hot.delete(source)`,
        by: `      if (hungUp || (!readable && !writable)) this.#hot.delete(source)`,
      },
    ],
  },
  {
    name: 'timers-before-the-turns',
    step: '07.4',
    says: ['Call it after all of them'],
    edits: [
      {
        file: loop,
        replace: `      for (const each of ready) this.#giveTurn(each)
      this.#timers.runDue()
`,
        by: `      this.#timers.runDue()
      for (const each of ready) this.#giveTurn(each)
`,
      },
    ],
  },
  {
    name: 'the-round-ends-before-the-timers',
    step: '07.4',
    says: ['#endRound() comes last'],
    edits: [
      {
        file: loop,
        replace: `      this.#timers.runDue()
      this.#endRound()
`,
        by: `      this.#endRound()
      this.#timers.runDue()
`,
      },
    ],
  },
  {
    name: 'the-round-ends-with-the-next-wait',
    step: '07.4',
    says: ['not before the next turns'],
    edits: [
      {
        file: loop,
        replace: `      for (const each of ready) this.#giveTurn(each)
      this.#timers.runDue()
      this.#endRound()
`,
        by: `      this.#endRound()
      for (const each of ready) this.#giveTurn(each)
      this.#timers.runDue()
`,
      },
    ],
  },
  {
    name: 'the-round-ends-after-each-turn',
    step: '07.4',
    says: ['not after each of them'],
    edits: [
      {
        file: loop,
        replace: `      for (const each of ready) this.#giveTurn(each)
      this.#timers.runDue()
`,
        by: `      for (const each of ready) {
        this.#giveTurn(each)
        this.#endRound()
      }
      this.#timers.runDue()
`,
      },
    ],
  },
  {
    name: 'no-end-for-a-round-without-turns',
    step: '07.4',
    says: ['even when no source was ready'],
    edits: [
      {
        file: loop,
        replace: `      this.#endRound()
`,
        by: `      if (ready.length > 0) this.#endRound()
`,
      },
    ],
  },
  {
    name: 'asks-the-poller-itself',
    step: '07.4',
    says: ['the time-out of the second wait', '#wait()'],
    edits: [
      {
        file: loop,
        replace: `await this.#wait(this.#timers.nextDelay())`,
        by: `await this.#poller.wait(this.#timers.nextDelay())`,
      },
    ],
  },
  {
    name: 'hands-on-what-was-reported',
    step: '07.4',
    says: ['fay: writable', 'is wanted now'],
    edits: [
      {
        file: loop,
        replace: `entry.handler({ source, readable, writable, hungUp })`,
        by: `entry.handler(ready)`,
      },
    ],
  },
  {
    name: 'no-turn-for-the-hung-up',
    step: '07.4',
    says: ['kim: hung up', 'reason enough for a turn'],
    edits: [
      {
        file: loop,
        replace: `if (!readable && !writable && !hungUp) return`,
        by: `if (!readable && !writable) return`,
      },
    ],
  },
  {
    name: 'a-turn-counts-that-was-not-had',
    step: '07.4',
    says: ['eve and ned had none'],
    edits: [
      {
        file: loop,
        replace: `    const readable = ready.readable && entry.interest.readable
`,
        by: `    this.#turns += 1
    const readable = ready.readable && entry.interest.readable
`,
      },
      {
        file: loop,
        replace: `!hungUp) return
    this.#turns += 1
`,
        by: `!hungUp) return
`,
      },
    ],
  },
  {
    name: 'a-timer-that-throws-is-swallowed',
    step: '07.4',
    says: ['when a timer throws', 'Catch nothing'],
    edits: [
      {
        file: loop,
        replace: `      this.#timers.runDue()
`,
        by: `      try {
        this.#timers.runDue()
      } catch {
        this.#isStopping = true
      }
`,
      },
    ],
  },
  {
    name: 'every-round-is-kept',
    step: '07.4',
    says: ['to leave nothing behind', 'run() calls itself'],
    edits: [
      {
        file: loop,
        replace: `    while (!this.#isStopping) {
`,
        by: `    if (!this.#isStopping) {
`,
      },
      {
        file: loop,
        replace: `performance.now() - startedAt)
`,
        by: `performance.now() - startedAt)
      return this.run()
`,
      },
    ],
  },
  {
    name: 'cuts-when-both-have-said-fin',
    step: '07.5',
    says: ['FIN and nothing else', 'not stream.destroy()'],
    edits: [
      {
        file: connection,
        replace: `      if (this.#state === 'open') this.#protocol.onEnd()
`,
        by: `      if (this.#state === 'open') this.#protocol.onEnd()
      else if (this.#state === 'finSent') this.#stream.destroy()
`,
      },
    ],
  },
  {
    name: 'cuts-instead-of-fin',
    step: '07.5',
    says: ['FIN and nothing else', 'not stream.destroy()'],
    edits: [
      {
        file: connection,
        replace: `    this.#state = 'finSent'
    this.#stream.end()`,
        by: `    this.#state = 'finSent'
    this.#stream.destroy()`,
      },
    ],
  },
  {
    name: 'over-before-the-descriptor-is-free',
    step: '07.5',
    says: ['not over as long as the descriptor', 'Your three methods never do'],
    edits: [
      {
        file: connection,
        replace: `      if (this.#state === 'open') this.#protocol.onEnd()
`,
        by: `      if (this.#state === 'open') this.#protocol.onEnd()
      else if (this.#state === 'finSent') return this.#close()
`,
      },
    ],
  },
  {
    name: 'the-fin-behind-the-goodbye-is-handed-on',
    step: '07.5',
    says: ['of an open connection only'],
    edits: [
      {
        file: connection,
        replace: `      if (this.#state === 'open') this.#protocol.onEnd()
`,
        by: `      this.#protocol.onEnd()
`,
      },
    ],
  },
  {
    name: 'overlooks-the-fin-behind-the-goodbye',
    step: '07.5',
    says: ['the loop to leave the peer alone', 'in every state'],
    edits: [
      {
        file: connection,
        replace: `      this.#hasPeerEnded = true
`,
        by: `      this.#hasPeerEnded = this.#state === 'open'
`,
      },
    ],
  },
  {
    name: 'tells-of-the-end-twice',
    step: '07.5',
    says: ['calls of onEnd()', 'once'],
    edits: [
      {
        file: connection,
        replace: `      if (this.#state === 'open') this.#protocol.onEnd()
`,
        by: `      if (this.#state === 'open') this.#protocol.onEnd()
      if (this.#state === 'open') this.#protocol.onEnd()
`,
      },
    ],
  },
  {
    name: 'keeps-what-comes-behind-the-goodbye',
    step: '07.5',
    says: ['less than 3 MiB for talker', 'keep nothing'],
    edits: [
      {
        file: connection,
        replace: `    } else if (this.#state === 'open') this.#offer(bytes)`,
        by: `    } else if (this.#state === 'open') this.#offer(bytes)
    else this.#unread = Buffer.concat([this.#unread, bytes])`,
      },
    ],
  },
  {
    name: 'drops-what-it-may-not-hand-on',
    step: '07.5',
    says: ['is read must not be lost'],
    edits: [
      {
        file: connection,
        replace: `    } else if (this.#state === 'open') this.#offer(bytes)`,
        by: `    } else if (this.isReading) this.#offer(bytes)`,
      },
    ],
  },
  {
    name: 'reads-until-dry-behind-the-goodbye',
    step: '07.5',
    says: ['one read a round from leaver'],
    edits: [
      {
        file: connection,
        replace: `    const bytes = this.#stream.read()
`,
        by: `    let bytes = this.#stream.read()
    while (this.#state !== 'open' && typeof bytes !== 'string') bytes = this.#stream.read()
`,
      },
    ],
  },
  {
    name: 'fin-when-little-is-queued',
    step: '07.5',
    says: ['whether FIN was sent', 'isBacklogged means more than that'],
    edits: [
      {
        file: connection,
        replace: `this.#state !== 'ending' || this.#queue.bytes > 0`,
        by: `this.#state !== 'ending' || this.#queue.isBacklogged`,
      },
    ],
  },
  {
    name: 'fin-in-every-round',
    step: '07.5',
    says: ['how often FIN was sent'],
    edits: [
      {
        file: connection,
        replace: FIN,
        by: `    if (this.#state !== 'ending' || this.#queue.bytes > 0) return
    this.#stream.end()`,
      },
    ],
  },
  {
    name: 'a-reply-waits-for-a-turn-of-its-own',
    step: '07.5',
    says: ['turns that this took', 'lets the queue send each time'],
    edits: [
      {
        file: connection,
        replace: `    this.#queue.flush()
`,
        by: `    if (this.#interest.writable) this.#queue.flush()
`,
      },
    ],
  },
  {
    name: 'a-paused-goodbye-is-not-read',
    step: '07.5',
    says: ['after the goodbye', 'paused or not'],
    edits: [
      {
        file: connection,
        replace: `const wantsMore = this.#state !== 'open' || (`,
        by: `const wantsMore = (this.#state !== 'open' && this.#pauses === 0) || (`,
      },
    ],
  },
  {
    name: 'a-goodbye-that-waits-is-not-read',
    step: '07.5',
    says: ['after the goodbye', 'backlogged or not'],
    edits: [
      {
        file: connection,
        replace: `const wantsMore = this.#state !== 'open' || (`,
        by: `const wantsMore = this.#state === 'finSent' || (`,
      },
    ],
  },
  {
    name: 'reads-although-backlogged',
    step: '07.5',
    says: ['While the queue is backlogged'],
    edits: [
      {
        file: connection,
        replace: `(this.isReading && this.#unread.length === 0)`,
        by: `(this.#pauses === 0 && this.#unread.length === 0)`,
      },
    ],
  },
  {
    name: 'does-not-read-while-a-little-is-queued',
    step: '07.5',
    says: ['no reason not to read'],
    edits: [
      {
        file: connection,
        replace: `(this.isReading && this.#unread.length === 0)`,
        by: `(this.isReading && this.#unread.length === 0 && this.#queue.bytes === 0)`,
      },
    ],
  },
  {
    name: 'waits-to-write-only-when-backlogged',
    step: '07.5',
    says: ['what was written', 'queue.bytes > 0'],
    edits: [
      {
        file: connection,
        replace: `const writes = this.#queue.bytes > 0`,
        by: `const writes = this.#queue.isBacklogged`,
      },
    ],
  },
  {
    name: 'the-timers-do-not-count',
    step: '07.6',
    says: ['Those are the turns alone', 'count together'],
    edits: [
      {
        file: loop,
        replace: `      this.#timers.runDue()
      this.#endRound()
      this.#longestRoundMs = Math.max(this.#longestRoundMs, performance.now() - startedAt)
`,
        by: `      this.#longestRoundMs = Math.max(this.#longestRoundMs, performance.now() - startedAt)
      this.#timers.runDue()
      this.#endRound()
`,
      },
    ],
  },
  {
    name: 'the-end-of-the-round-does-not-count',
    step: '07.6',
    says: ['stopped before #endRound()'],
    edits: [
      {
        file: loop,
        replace: `      this.#endRound()
      this.#longestRoundMs = Math.max(this.#longestRoundMs, performance.now() - startedAt)
`,
        by: `      this.#longestRoundMs = Math.max(this.#longestRoundMs, performance.now() - startedAt)
      this.#endRound()
`,
      },
    ],
  },
  {
    name: 'the-first-round-for-ever',
    step: '07.6',
    says: ['Keep the longest of all'],
    edits: [
      {
        file: loop,
        replace: `this.#longestRoundMs = Math.max(this.#longestRoundMs, performance.now() - startedAt)`,
        by: `this.#longestRoundMs ||= performance.now() - startedAt`,
      },
    ],
  },
  {
    name: 'only-rounds-with-turns-count',
    step: '07.6',
    says: ['a round without turns to count'],
    edits: [
      {
        file: loop,
        replace: `      this.#longestRoundMs = Math.max(this.#longestRoundMs, performance.now() - startedAt)
`,
        by: `      if (ready.length === 0) continue
      this.#longestRoundMs = Math.max(this.#longestRoundMs, performance.now() - startedAt)
`,
      },
    ],
  },
  {
    name: 'goes-on-with-a-full-inbox',
    step: '07.1',
    says: ['as long as 64 KiB wait', '`<`, not `<=`'],
    edits: [{ file: stream, replace: 'this.#inboxBytes < INBOX', by: 'this.#inboxBytes <= INBOX' }],
  },
  {
    name: 'takes-until-a-drain-is-needed',
    step: '07.2',
    says: ['bytes that each write takes', 'Ask #room'],
    edits: [
      {
        file: stream,
        hole: 'write',
        by: `    if (!this.#socket.writable || this.#socket.writableNeedDrain) return 0
    const taken = Math.min(bytes.length, this.#socket.writableHighWaterMark)
    this.#socket.write(bytes.subarray(0, taken))
    return taken`,
      },
    ],
  },
  {
    name: 'forgets-a-single-byte',
    step: '07.2',
    says: ['as it was written', 'A single byte counts, too'],
    edits: [{ file: stream, replace: 'if (taken > 0)', by: 'if (taken > 1)' }],
    cardVaries: true,
  },
  {
    name: 'hands-on-would-block',
    step: '07.5',
    says: ['what the protocol is told', 'neither bytes nor the end'],
    edits: [
      {
        file: connection,
        replace: RECEIVE,
        by: `    const bytes = this.#stream.read()
    if (bytes === 'end') {
      this.#hasPeerEnded = true
      if (this.#state === 'open') this.#protocol.onEnd()
    } else if (this.#state === 'open') this.#offer(bytes as Uint8Array)`,
      },
    ],
  },
  {
    name: 'fin-overtakes-the-last-byte',
    step: '07.5',
    says: ['One byte is still queued', 'FIN only when no byte'],
    edits: [{ file: connection, replace: FIN, by: FIN.replace('bytes > 0', 'bytes > 1') }],
  },
  {
    name: 'never-writes-the-last-byte',
    step: '07.5',
    says: ['what was written before FIN', 'even one byte'],
    edits: [
      {
        file: connection,
        replace: 'const writes = this.#queue.bytes > 0',
        by: 'const writes = this.#queue.bytes > 1',
      },
    ],
  },
  {
    name: 'counts-chunks-and-not-bytes',
    step: '07.1',
    says: ['bytes that could be read', 'first subtract what is read'],
    edits: [
      {
        file: stream,
        replace: `this.#inboxBytes -= chunk.length`,
        by: `this.#inboxBytes -= 1`,
      },
    ],
  },
  {
    name: 'waits-until-the-descriptor-is-free',
    step: '07.1',
    says: ['the reads after that', '#hasEnded says'],
    edits: [
      {
        file: stream,
        replace: `return this.#hasEnded || this.lostWith ?`,
        by: `return this.isClosed || this.lostWith ?`,
      },
    ],
  },
  {
    name: 'says-that-it-took-everything',
    step: '07.2',
    says: ['as many bytes as write() returns', 'Return how many bytes the socket was handed'],
    edits: [
      {
        file: stream,
        replace: `    return taken
`,
        by: `    return bytes.length
`,
      },
    ],
  },
  {
    name: 'hands-over-the-part-that-does-not-fit',
    step: '07.2',
    says: ['as many bytes as write() returns', 'subarray(0, taken)'],
    edits: [
      {
        file: stream,
        replace: `bytes.subarray(0, taken)`,
        by: `bytes.subarray(taken)`,
      },
    ],
  },
  {
    name: 'says-nothing-to-a-peer-that-has-said-fin',
    step: '07.2',
    says: ['I will not listen', 'The peer’s FIN (#hasEnded)'],
    edits: [
      {
        file: stream,
        replace: `if (!this.#socket.writable) return 0`,
        by: `if (this.#hasEnded || !this.#socket.writable) return 0`,
      },
    ],
  },
  {
    name: 'edge-triggered-and-patient',
    step: '07.3',
    says: ['still waiting', 'has taken ada out of the hot set'],
    edits: [
      {
        file: poller,
        replace: COLLECT,
        by: `      if (readable || writable || hungUp) ready.push({ source, readable, writable, hungUp })
      this.#hot.delete(source)`,
      },
      {
        file: poller,
        replace: WAIT,
        by: sleepAgainFor('rest'),
      },
    ],
  },
  {
    name: 'whoever-is-hot-is-ready',
    step: '07.3',
    says: ['while nobody is ready', 'not #hot.size'],
    edits: [
      {
        file: poller,
        replace: `this.#isWoken || this.#collect().length > 0 ? 0`,
        by: `this.#isWoken || this.#hot.size > 0 ? 0`,
      },
    ],
  },
  {
    name: 'more-than-is-wanted-of-a-source',
    step: '07.3',
    says: ['ida readable', 'what is wanted of it'],
    edits: [
      {
        file: poller,
        replace: `ready.push({ source, readable, writable, hungUp })`,
        by: `{
        ready.push({ source, readable: source.isReadable, writable: source.isWritable, hungUp })
      }`,
      },
    ],
  },
  {
    name: 'wakes-up-every-half-minute',
    step: '07.3',
    says: ['a wait to sleep', 'Give #sleep() all of'],
    edits: [
      {
        file: poller,
        replace: `await this.#sleep(patience)`,
        by: `await this.#sleep(Math.min(patience, 30_000))`,
      },
    ],
  },
  {
    name: 'waits-anew-after-each-change',
    step: '07.3',
    says: ['to end in time', 'only for the rest'],
    edits: [
      {
        file: poller,
        replace: WAIT,
        by: sleepAgainFor('timeoutMs'),
      },
    ],
  },
  {
    name: 'forever-after-a-change-that-nobody-wants',
    step: '07.3',
    says: ['to end in time', 'needs a time-out, too'],
    edits: [
      {
        file: poller,
        replace: `    await this.#sleep(patience)
`,
        by: `    await this.#sleep(patience)
    if (timeoutMs > 1_000 && !this.#isWoken && this.#collect().length === 0)
      await this.#sleep(Number.POSITIVE_INFINITY)
`,
      },
    ],
  },
  {
    name: 'no-look-whether-it-was-removed',
    step: '07.4',
    says: ['ada removes cyd', '#giveTurn()'],
    edits: [
      {
        file: loop,
        replace: `    if (!entry) return
    const readable = ready.readable && entry`,
        by: `    const readable = ready.readable && entry!`,
      },
      {
        file: loop,
        replace: `ready.writable && entry.`,
        by: `ready.writable && entry!.`,
      },
      {
        file: loop,
        replace: `    entry.handler(`,
        by: `    entry!.handler(`,
      },
    ],
  },
  {
    name: 'timers-after-each-turn',
    step: '07.4',
    says: ['the timers to have been run once a round', 'is called among the turns'],
    edits: [
      {
        file: loop,
        replace: `      for (const each of ready) this.#giveTurn(each)
      this.#timers.runDue()
`,
        by: `      for (const each of ready) {
        this.#giveTurn(each)
        this.#timers.runDue()
      }
      if (ready.length === 0) this.#timers.runDue()
`,
      },
    ],
  },
  {
    name: 'counts-rounds-and-not-turns',
    step: '07.4',
    says: ['There were six turns', 'not once a round'],
    edits: [
      {
        file: loop,
        replace: `    this.#turns += 1
`,
        by: ``,
      },
      {
        file: loop,
        replace: `      this.#timers.runDue()
`,
        by: `      this.#timers.runDue()
      this.#turns += 1
`,
      },
    ],
  },
  {
    name: 'a-backlog-swallows-the-fin',
    step: '07.5',
    says: ['kim: FIN', 'backlogged or not'],
    edits: [
      {
        file: connection,
        replace: `      if (this.#state === 'open') this.#protocol.onEnd()
`,
        by: `      if (this.isReading) this.#protocol.onEnd()
`,
      },
    ],
  },
  {
    name: 'a-backlogged-goodbye-is-not-read',
    step: '07.5',
    says: ['after the goodbye', 'backlogged or not'],
    edits: [
      {
        file: connection,
        replace: `const wantsMore = this.#state !== 'open' || (this.isReading && this.#unread.length === 0)`,
        by: `const wantsMore =
      !this.#queue.isBacklogged &&
      (this.#state !== 'open' || (this.isReading && this.#unread.length === 0))`,
      },
    ],
  },
  {
    name: 'over-when-it-is-lost',
    step: '07.5',
    says: ['is lost, but its descriptor is in use', 'Your three methods never do'],
    edits: [
      {
        file: connection,
        replace: `      this.#hasPeerEnded = true
`,
        by: `      if (this.#stream.lostWith) return this.#close()
      this.#hasPeerEnded = true
`,
      },
    ],
  },
  {
    name: 'never-says-fin',
    step: '07.5',
    says: ['whether FIN was sent', 'stream.end() when'],
    edits: [
      {
        file: connection,
        replace: `    this.#state = 'finSent'
    this.#stream.end()`,
        by: `    this.#state = 'finSent'`,
      },
    ],
  },
  {
    name: 'keeps-no-rest',
    step: '07.5',
    says: ['what was taken then', 'keeps what the protocol does not take'],
    edits: [
      {
        file: connection,
        replace: `else if (this.#state === 'open') this.#offer(bytes)`,
        by: `else if (this.#state === 'open') this.#protocol.onBytes(bytes)`,
      },
    ],
  },
  {
    name: 'has-its-turn-and-does-not-read',
    step: '07.5',
    says: ['after the goodbye', 'has turns to read, and does not'],
    edits: [
      {
        file: connection,
        replace: `    const bytes = this.#stream.read()
    if`,
        by: `    if (this.#state !== 'open') return
    const bytes = this.#stream.read()
    if`,
      },
    ],
  },
  {
    name: 'reads-only-while-it-may',
    step: '07.5',
    says: ['after the goodbye', 'has turns to read, and does not'],
    edits: [
      {
        file: connection,
        replace: `    const bytes = this.#stream.read()
    if`,
        by: `    if (!this.isReading) return
    const bytes = this.#stream.read()
    if`,
      },
    ],
  },
  {
    name: 'over-when-both-have-said-fin',
    step: '07.5',
    says: ['when its descriptor is free', 'Your three methods never do'],
    edits: [
      {
        file: connection,
        replace: `    this.#state = 'finSent'
    this.#stream.end()`,
        by: `    this.#state = 'finSent'
    this.#stream.end()
    if (this.#hasPeerEnded) this.#close()`,
      },
    ],
  },
  {
    name: 'does-not-note-the-fin',
    step: '07.5',
    says: ['the loop to leave the peer alone', '#receive() notes it'],
    edits: [
      {
        file: connection,
        replace: `      this.#hasPeerEnded = true
`,
        by: ``,
      },
    ],
  },
  {
    name: 'the-queue-never-sends',
    step: '07.5',
    says: ['the answers', 'lets the queue send'],
    edits: [
      {
        file: connection,
        replace: `    this.#queue.flush()
`,
        by: ``,
      },
    ],
  },
  {
    name: 'two-clocks',
    step: '07.6',
    says: ['Date counts from 1970', 'from the same one'],
    edits: [
      {
        file: loop,
        replace: `performance.now() - startedAt`,
        by: `Date.now() - startedAt`,
      },
    ],
  },
  {
    name: 'measures-nothing',
    step: '07.6',
    says: ['the longest round to be the second', 'is still 0'],
    edits: [
      {
        file: loop,
        replace: `      const startedAt = performance.now()
`,
        by: ``,
      },
      {
        file: loop,
        replace: `      this.#longestRoundMs = Math.max(this.#longestRoundMs, performance.now() - startedAt)
`,
        by: ``,
      },
    ],
  },
  {
    name: 'the-peers-fin-ends-both-ways',
    step: '07.5',
    says: ['the connection to be open for the answer', 'FIN only when the connection is ending'],
    edits: [
      {
        file: connection,
        replace: "if (this.#state !== 'ending' || this.#queue.bytes > 0) return",
        by: "if ((this.#state !== 'ending' && !this.#hasPeerEnded) || this.#queue.bytes > 0) return",
      },
    ],
  },
  {
    name: 'a-backlog-is-never-sent',
    step: '07.5',
    says: ['even without an end()', 'backlogged or not'],
    edits: [
      {
        file: connection,
        replace: '    this.#queue.flush()\n',
        by: '    if (!this.#queue.isBacklogged) this.#queue.flush()\n',
      },
    ],
  },
  {
    name: 'one-less-is-left-and-not-one-chunk-less',
    step: '07.1',
    says: ['the socket not to be paused', 'subtracted less'],
    edits: [
      {
        file: stream,
        replace: `    this.#inboxBytes -= chunk.length
${RESUME}`,
        by: `    this.#inboxBytes -= 1
    if (this.#inbox.length === 0 && this.#socket.isPaused()) this.#socket.resume()
`,
      },
    ],
  },
  {
    name: 'one-inbox-for-all',
    step: '07.1',
    says: ['the one that was read to be resumed', 'static or global'],
    edits: [
      {
        file: stream,
        replace: '  #hasEnded = false\n',
        by: '  #hasEnded = false\n  static waiting = 0\n',
      },
      {
        file: stream,
        replace: 'this.#inboxBytes += chunk.length',
        by: 'NetStream.waiting += chunk.length\n    this.#inboxBytes += chunk.length',
      },
      {
        file: stream,
        replace: `    this.#inboxBytes -= chunk.length
${RESUME}`,
        by: `    NetStream.waiting -= chunk.length
    this.#inboxBytes -= chunk.length
    if (NetStream.waiting < INBOX_BYTES && this.#socket.isPaused()) this.#socket.resume()
`,
      },
    ],
  },
  {
    name: 'the-end-is-answered-with-fin',
    step: '07.1',
    says: ['the socket to be open for an answer', 'ends and destroys nothing'],
    edits: [
      {
        file: stream,
        replace: EMPTY,
        by: `if (!chunk) {
      if (!this.#hasEnded && !this.lostWith) return 'would-block'
      this.#socket.end()
      return 'end'
    }`,
      },
    ],
  },
  {
    name: 'what-has-been-read-stays',
    step: '07.1',
    says: ['what the next reads return', 'has to leave the inbox'],
    edits: [
      {
        file: stream,
        hole: 'read',
        by: `    if (this.#inboxBytes === 0) return this.#hasEnded || this.lostWith ? 'end' : 'would-block'
    const all = Buffer.concat(this.#inbox)
    this.#inboxBytes = 0
    if (this.#socket.isPaused()) this.#socket.resume()
    return all`,
      },
    ],
  },
  {
    name: 'the-paused-are-not-written-to',
    step: '07.2',
    says: ['only the first is paused', '#room does'],
    edits: [
      {
        file: stream,
        replace: 'if (!this.#socket.writable) return 0',
        by: 'if (!this.#socket.writable || this.#socket.isPaused()) return 0',
      },
    ],
  },
  {
    name: 'every-mark-is-64-kib',
    step: '07.2',
    says: ['a write of 60 KiB', 'no number of your own'],
    edits: [
      {
        file: stream,
        replace: 'Math.min(bytes.length, Math.max(0, this.#room))',
        by: 'Math.min(bytes.length, Math.max(0, 65_536 - this.#socket.writableLength))',
      },
    ],
  },
  {
    name: 'no-room-until-all-has-gone',
    step: '07.2',
    says: ['24 of 64 KiB are queued', 'writableNeedDrain'],
    edits: [
      {
        file: stream,
        replace: 'if (!this.#socket.writable) return 0',
        by: 'if (!this.#socket.writable || this.#socket.writableNeedDrain) return 0',
      },
    ],
  },
  {
    name: 'all-but-the-end',
    step: '07.2',
    says: ['a write of 150 KiB', 'all but the last n bytes'],
    edits: [
      {
        file: stream,
        hole: 'write',
        by: `    if (!this.#socket.writable) return 0
    const part = bytes.subarray(0, this.#room)
    this.#socket.write(part)
    return part.length`,
      },
    ],
  },
  {
    name: 'a-thousand-at-a-time',
    step: '07.3',
    says: ['sources that a wait reports'],
    edits: [
      {
        file: poller,
        replace: COLLECT,
        by: `      if (ready.length === 1_024) break
${COLLECT}`,
      },
    ],
  },
  {
    name: 'one-object-for-all-reports',
    step: '07.3',
    says: ['a wait in which bob became ready', 'an object of its own'],
    edits: [
      {
        file: poller,
        replace: '    const ready: Ready<Source>[] = []\n',
        by: '    const ready: Ready<Source>[] = []\n    const report = {} as Ready<Source>\n',
      },
      {
        file: poller,
        replace: 'ready.push({ source, readable, writable, hungUp })',
        by: 'ready.push(Object.assign(report, { source, readable, writable, hungUp }))',
      },
    ],
  },
  {
    name: 'a-timer-for-every-wait',
    step: '07.3',
    says: ['to set no timer', 'Leave the timer to #sleep()'],
    edits: [
      {
        file: poller,
        hole: 'wait',
        by: `    const timer = setTimeout(() => this.wake(), Math.min(timeoutMs, MAX_TIMEOUT_MS))
    const isOver = this.#isWoken || this.#collect().length > 0 || timeoutMs <= 0
    await this.#sleep(isOver ? 0 : Number.POSITIVE_INFINITY)
    clearTimeout(timer)
    this.#isWoken = false
    return this.#collect()`,
      },
    ],
  },
  {
    name: 'the-delay-of-the-round-before',
    step: '07.4',
    says: ['the time-outs of the first three waits', 'right before #wait()'],
    edits: [
      {
        file: loop,
        replace: `    while (!this.#isStopping) {
      const ready = await this.#wait(this.#timers.nextDelay())
`,
        by: `    let delay = this.#timers.nextDelay()
    while (!this.#isStopping) {
      const ready = await this.#wait(delay)
`,
      },
      {
        file: loop,
        replace: '      this.#endRound()\n      this.#longest',
        by: '      delay = this.#timers.nextDelay()\n      this.#endRound()\n      this.#longest',
      },
    ],
  },
  {
    name: 'runs-while-it-has-sources',
    step: '07.4',
    says: ['the time-outs of the first three waits', 'whether or not it has sources'],
    edits: [
      {
        file: loop,
        replace: 'while (!this.#isStopping) {',
        by: 'while (!this.#isStopping && this.#sources.size > 0) {',
      },
    ],
  },
  {
    name: 'a-broken-poller-is-asked-again',
    step: '07.4',
    says: ['when the poller throws', 'Catch nothing'],
    edits: [
      {
        file: loop,
        replace: 'await this.#wait(this.#timers.nextDelay())',
        by: 'await this.#wait(this.#timers.nextDelay()).catch(() => [])',
      },
    ],
  },
  {
    name: 'sixty-four-turns-a-round',
    step: '07.4',
    says: ['stats().turns', 'Go through the whole list'],
    edits: [
      {
        file: loop,
        replace: 'for (const each of ready) this',
        by: 'for (const each of ready.slice(0, 64)) this',
      },
    ],
  },
  {
    name: 'the-hung-up-hear-everything',
    step: '07.4',
    says: ['the turns', 'was reported and is wanted now'],
    edits: [
      {
        file: loop,
        replace: 'entry.handler({ source, readable, writable, hungUp })',
        by: 'entry.handler(hungUp ? ready : { source, readable, writable, hungUp })',
      },
    ],
  },
  {
    name: 'the-hung-up-are-removed',
    step: '07.4',
    says: ['the turns', 'Only the handler removes'],
    edits: [
      {
        file: loop,
        replace: '    entry.handler(',
        by: '    if (hungUp) this.remove(source)\n    entry.handler(',
      },
    ],
  },
  {
    name: 'returns-after-a-round',
    step: '07.4',
    says: ['the turns', 'has returned after one round'],
    edits: [
      {
        file: loop,
        hole: 'run',
        by: `    if (this.#isStopping) return
    const ready = await this.#wait(this.#timers.nextDelay())
    for (const each of ready) this.#giveTurn(each)
    this.#timers.runDue()
    this.#endRound()
    setImmediate(() => this.run())`,
      },
    ],
  },
  {
    name: 'a-loss-is-not-told',
    step: '07.5',
    says: ['calls of onEnd()', 'whatever lostWith says'],
    edits: [
      {
        file: connection,
        replace: "if (this.#state === 'open') this.#protocol.onEnd()",
        by: `if (this.#stream.lostWith) this.end('lost')
      else if (this.#state === 'open') this.#protocol.onEnd()`,
      },
    ],
  },
  {
    name: 'bytes-are-taken-for-messages',
    step: '07.5',
    says: ['how often the observer was told of a message', 'calls no heard()'],
    edits: [
      {
        file: connection,
        replace: "} else if (this.#state === 'open') this.#offer(bytes)",
        by: `} else if (this.#state === 'open') {
      this.heard()
      this.#offer(bytes)
    }`,
      },
    ],
  },
  {
    name: 'tells-of-the-end-later',
    step: '07.5',
    says: ['what happened', 'calls onEnd() itself'],
    edits: [
      {
        file: connection,
        replace: "if (this.#state === 'open') this.#protocol.onEnd()",
        by: "if (this.#state === 'open') setImmediate(() => this.#protocol.onEnd())",
      },
    ],
  },
  {
    name: 'sends-in-the-turn',
    step: '07.5',
    says: ['writes that this took', 'at the end of the round'],
    edits: [
      {
        file: connection,
        replace: "} else if (this.#state === 'open') this.#offer(bytes)",
        by: `} else if (this.#state === 'open') {
      this.#offer(bytes)
      this.#queue.flush()
    }`,
      },
    ],
  },
  {
    name: 'fin-a-turn-later',
    step: '07.5',
    says: ['what happened', 'at once'],
    edits: [
      {
        file: connection,
        replace: FIN,
        by: FIN.replace('this.#stream.end()', 'setImmediate(() => this.#stream.end())'),
      },
    ],
  },
  {
    name: 'fin-whenever-nothing-waits',
    step: '07.5',
    says: ['to read once from both', 'end() was not called'],
    edits: [
      {
        file: connection,
        replace: "if (this.#state !== 'ending' || this.#queue.bytes > 0) return",
        by: 'if (this.#queue.bytes > 0) return',
      },
    ],
  },
  {
    name: 'ends-behind-on-end',
    step: '07.5',
    says: ['the connection to be open for the answer', 'decides when to end'],
    edits: [
      {
        file: connection,
        replace: "if (this.#state === 'open') this.#protocol.onEnd()",
        by: `if (this.#state === 'open') this.#protocol.onEnd()
      this.end('finished')`,
      },
    ],
  },
  {
    name: 'waits-to-write-for-ever',
    step: '07.5',
    says: ['the loop to leave the peer alone', 'and no longer'],
    edits: [
      {
        file: connection,
        replace: 'const writes = this.#queue.bytes > 0',
        by: 'const writes = this.#queue.bytes > 0 || this.#interest.writable',
      },
    ],
  },
  {
    name: 'the-longest-of-the-last-hundred',
    step: '07.6',
    says: ['the longest round to be the second', 'however many rounds follow it'],
    edits: [
      {
        file: loop,
        replace: '    while (!this.#isStopping) {',
        by: '    const last: number[] = []\n    while (!this.#isStopping) {',
      },
      {
        file: loop,
        replace:
          'this.#longestRoundMs = Math.max(this.#longestRoundMs, performance.now() - startedAt)',
        by: `last.push(performance.now() - startedAt)
      if (last.length > 100) last.shift()
      this.#longestRoundMs = Math.max(...last)`,
      },
    ],
  },
  {
    name: 'in-microseconds',
    step: '07.6',
    says: ['the time in wait() not to count', 'Those are microseconds'],
    edits: [
      {
        file: loop,
        replace: 'performance.now() - startedAt)',
        by: '1_000 * (performance.now() - startedAt))',
      },
    ],
  },
  {
    name: 'told-when-the-loop-is-over',
    step: '07.6',
    says: ['somebody had to wait for 250 ms', 'is called while the loop runs'],
    edits: [
      {
        file: loop,
        hole: 'run',
        by: `    let longestMs = 0
    while (!this.#isStopping) {
      const ready = await this.#wait(this.#timers.nextDelay())
      const startedAt = performance.now()
      for (const each of ready) this.#giveTurn(each)
      this.#timers.runDue()
      this.#endRound()
      longestMs = Math.max(longestMs, performance.now() - startedAt)
    }
    this.#longestRoundMs = longestMs`,
      },
    ],
  },
  {
    name: 'our-own-fin-ends-the-reading',
    step: '07.1',
    says: ['The peer may still be talking', 'Our own FIN'],
    edits: [
      {
        file: stream,
        replace: EMPTY,
        by: "if (!chunk) return this.isReadable || !this.#socket.writable ? 'end' : 'would-block'",
      },
    ],
  },
  {
    name: 'listens-anew-with-each-write',
    step: '07.2',
    says: ['a write to leave no listener behind'],
    edits: [
      {
        file: stream,
        replace: 'if (!this.#socket.writable) return 0',
        by: `if (!this.#socket.writable) return 0
    this.#socket.setMaxListeners(0).on('error', () => {})`,
      },
    ],
  },
  {
    name: 'the-closed-take-the-place-of-others',
    step: '07.3',
    says: ['the next wait', 'are in one list'],
    edits: [
      {
        file: poller,
        replace: `    }
    return ready
  }`,
        by: `    }
    const closed = ready.filter(({ hungUp }) => hungUp)
    return closed.length > 0 ? closed : ready
  }`,
      },
    ],
  },
  {
    name: 'leaves-a-part-of-no-bytes',
    step: '07.1',
    says: ['at least one byte', 'not even a part of 0 bytes'],
    edits: [
      {
        file: stream,
        hole: 'read',
        by: `    const oldest = this.#inbox[0]
    if (!oldest) return this.isReadable ? 'end' : 'would-block'
    const part = oldest.subarray(0, 16_384)
    if (oldest.length < 16_384) this.#inbox.shift()
    else this.#inbox[0] = oldest.subarray(16_384)
    this.#inboxBytes -= part.length
    if (this.#inboxBytes < INBOX_BYTES) this.#socket.resume()
    return part`,
      },
    ],
  },
  {
    name: 'resumes-in-the-next-read',
    step: '07.1',
    says: ['Nothing is waiting any more', 'in the very read'],
    edits: [
      {
        file: stream,
        replace: `    ${EMPTY}\n`,
        by: `    if (!chunk) {
      this.#socket.resume()
      return this.#hasEnded || this.lostWith ? 'end' : 'would-block'
    }
`,
      },
      { file: stream, replace: RESUME, by: '' },
    ],
  },
  {
    name: 'text-for-bytes',
    step: '07.1',
    says: ['chunks as they are', 'changes the number of bytes'],
    edits: [
      {
        file: stream,
        replace: '    return chunk\n',
        by: '    return Buffer.from(String(chunk))\n',
      },
    ],
  },
  {
    name: 'no-mark-is-above-64-kib',
    step: '07.2',
    says: ['256 KiB', 'no number of your own'],
    edits: [
      {
        file: stream,
        replace: 'Math.min(bytes.length, Math.max(0, this.#room))',
        by: 'Math.min(bytes.length, Math.max(0, this.#room), 65_536)',
      },
    ],
  },
  {
    name: 'takes-what-its-own-destroy-forgets',
    step: '07.2',
    says: ['even if we destroyed it', 'socket.writable is false at once'],
    edits: [
      {
        file: stream,
        replace: '    if (!this.#socket.writable) return 0\n',
        by: '    if (this.lostWith || this.#socket.writableEnded) return 0\n',
      },
    ],
  },
  {
    name: 'a-wait-for-0-ms-keeps-the-wake-up',
    step: '07.3',
    says: ['after wake() and wait(0)', 'even one for 0 ms'],
    edits: [
      {
        file: poller,
        replace: WAIT,
        by: `    if (timeoutMs > 0) {
      await this.#sleep(this.#isWoken || this.#collect().length > 0 ? 0 : timeoutMs)
      this.#isWoken = false
    } else await this.#sleep(0)
    return this.#collect()`,
      },
    ],
  },
  {
    name: 'a-second-wake-up-is-left',
    step: '07.3',
    says: ['woken twice', 'after the sleep'],
    edits: [
      {
        file: poller,
        replace: WAIT,
        by: `    if (this.#isWoken) {
      this.#isWoken = false
      await this.#sleep(0)
      return this.#collect()
    }
    await this.#sleep(this.#collect().length > 0 ? 0 : timeoutMs)
    this.#isWoken = false
    return this.#collect()`,
      },
    ],
  },
  {
    name: 'nobody-is-no-answer',
    step: '07.3',
    says: ['the only source that was ready', 'even if that is an empty list'],
    edits: [
      {
        file: poller,
        replace: WAIT,
        by: `    const before = this.#collect()
    await this.#sleep(this.#isWoken || before.length > 0 ? 0 : timeoutMs)
    this.#isWoken = false
    const after = this.#collect()
    return after.length > 0 ? after : before`,
      },
    ],
  },
  {
    name: 'half-a-millisecond-is-none',
    step: '07.3',
    says: ['0.5 ms', 'a short wait becomes one for 0 ms'],
    edits: [
      {
        file: poller,
        replace: 'this.#collect().length > 0 ? 0 : timeoutMs',
        by: 'this.#collect().length > 0 ? 0 : Math.floor(timeoutMs)',
      },
    ],
  },
  {
    name: 'the-closed-can-be-read',
    step: '07.3',
    says: ['eli hung up', 'makes nobody readable'],
    edits: [
      {
        file: poller,
        replace: 'const readable = wanted.readable && source.isReadable',
        by: 'const readable = wanted.readable && (source.isReadable || source.isClosed)',
      },
    ],
  },
  {
    name: 'a-new-list-for-each-report',
    step: '07.3',
    says: ['the list is made once', 'concat()'],
    edits: [
      {
        file: poller,
        replace: '    const ready: Ready<Source>[] = []\n',
        by: '    let ready: Ready<Source>[] = []\n',
      },
      {
        file: poller,
        replace: 'ready.push({ source, readable, writable, hungUp })',
        by: 'ready = [...ready, { source, readable, writable, hungUp }]',
      },
    ],
  },
  {
    name: 'a-turn-for-nothing',
    step: '07.4',
    says: ['which nobody wants any more', 'there is no turn'],
    edits: [
      {
        file: loop,
        replace: '    if (!readable && !writable && !hungUp) return\n',
        by: '    if (!entry.interest.readable && !entry.interest.writable && !hungUp) return\n',
      },
    ],
  },
  {
    name: 'forgets-that-it-was-stopped',
    step: '07.4',
    says: ['before its loop has begun', 'nothing sets it back'],
    edits: [
      {
        file: loop,
        replace: '    while (!this.#isStopping) {\n',
        by: '    this.#isStopping = false\n    while (!this.#isStopping) {\n',
      },
    ],
  },
  {
    name: 'what-is-thrown-behind-stop-is-swallowed',
    step: '07.4',
    says: ['a handler that has called stop()', 'Catch nothing'],
    edits: [
      {
        file: loop,
        replace: '      for (const each of ready) this.#giveTurn(each)\n',
        by: `      try {
        for (const each of ready) this.#giveTurn(each)
      } catch (error) {
        if (!this.#isStopping) throw error
      }
`,
      },
    ],
  },
  {
    name: 'the-ending-hear-of-the-fin',
    step: '07.5',
    says: ['although a byte still waits', 'One that is ending is not open'],
    edits: [
      {
        file: connection,
        replace: "      if (this.#state === 'open') this.#protocol.onEnd()\n",
        by: "      if (this.#state !== 'finSent') this.#protocol.onEnd()\n",
      },
    ],
  },
  {
    name: 'hands-on-what-comes-behind-its-fin',
    step: '07.5',
    says: ['told after its end()', 'neither ending nor finSent is open'],
    edits: [
      {
        file: connection,
        replace: "    } else if (this.#state === 'open') this.#offer(bytes)",
        by: "    } else if (this.#state !== 'ending') this.#offer(bytes)",
      },
    ],
  },
  {
    name: 'fin-waits-for-room',
    step: '07.5',
    says: ['FIN needs no room', 'however much room the stream has'],
    edits: [
      {
        file: connection,
        replace: "if (this.#state !== 'ending' || this.#queue.bytes > 0) return",
        by: "if (this.#state !== 'ending' || this.#queue.bytes > 0 || !this.#stream.isWritable) return",
      },
    ],
  },
  {
    name: 'fin-waits-for-silence',
    step: '07.5',
    says: ['although leaver keeps talking', 'has nothing to do with FIN'],
    edits: [
      {
        file: connection,
        replace: "if (this.#state !== 'ending' || this.#queue.bytes > 0) return",
        by: `if (this.#state !== 'ending' || this.#queue.bytes > 0) return
    if (this.#stream.isReadable && !this.#hasPeerEnded) return`,
      },
    ],
  },
  {
    name: 'changes-what-all-share',
    step: '07.5',
    says: ['read only property', '#watch()'],
    edits: [
      {
        file: connection,
        replace:
          '    this.#setInterest(reads ? (writes ? BOTH : READING) : writes ? WRITING : NEITHER)\n',
        by: `    const interest = this.#interest
    if (interest.readable === reads && interest.writable === writes) return
    interest.readable = reads
    interest.writable = writes
    this.#loop.modify(this.#stream, interest)
`,
      },
    ],
  },
  {
    name: 'keeps-every-round',
    step: '07.6',
    says: ['to leave nothing behind', 'The longest so far is one number'],
    edits: [
      {
        file: loop,
        replace: '    while (!this.#isStopping) {\n',
        by: '    const rounds: number[] = []\n    while (!this.#isStopping) {\n',
      },
      {
        file: loop,
        replace:
          'this.#longestRoundMs = Math.max(this.#longestRoundMs, performance.now() - startedAt)',
        by: `rounds.push(performance.now() - startedAt)
      this.#longestRoundMs = Math.max(...rounds)`,
      },
    ],
  },
  {
    name: 'leaves-a-mark-each-round',
    step: '07.6',
    says: ['to leave nothing behind', 'no performance.mark()'],
    edits: [
      {
        file: loop,
        replace: '      const startedAt = performance.now()\n',
        by: "      performance.mark('round')\n      const startedAt = performance.now()\n",
      },
    ],
  },
  {
    name: 'forgets-the-seconds',
    step: '07.6',
    says: ['2030 ms', 'Two seconds are missing'],
    edits: [
      {
        file: loop,
        replace: '      const startedAt = performance.now()\n',
        by: '      const startedAt = process.hrtime()\n',
      },
      {
        file: loop,
        replace: 'performance.now() - startedAt)',
        by: 'process.hrtime(startedAt)[1] / 1e6)',
      },
    ],
  },
  {
    name: 'the-first-round-does-not-count',
    step: '07.6',
    says: ['2030 ms', 'including the first'],
    edits: [
      {
        file: loop,
        replace: '    while (!this.#isStopping) {\n',
        by: '    let isFirst = true\n    while (!this.#isStopping) {\n',
      },
      {
        file: loop,
        replace:
          '      this.#longestRoundMs = Math.max(this.#longestRoundMs, performance.now() - startedAt)\n',
        by: `      const tookMs = isFirst ? 0 : performance.now() - startedAt
      isFirst = false
      this.#longestRoundMs = Math.max(this.#longestRoundMs, tookMs)
`,
      },
    ],
  },
  {
    name: 'a-minute-at-most',
    step: '07.4',
    says: ['no longer and no shorter', 'an hour is an hour'],
    edits: [
      {
        file: loop,
        replace: 'this.#wait(this.#timers.nextDelay())',
        by: 'this.#wait(Math.min(60_000, this.#timers.nextDelay()))',
      },
    ],
  },
  {
    name: 'a-millisecond-at-least',
    step: '07.4',
    says: ['no longer and no shorter', '0 is 0'],
    edits: [
      {
        file: loop,
        replace: 'this.#wait(this.#timers.nextDelay())',
        by: 'this.#wait(Math.max(1, this.#timers.nextDelay()))',
      },
    ],
  },
  {
    name: 'sleeps-for-32-bits',
    step: '07.4',
    says: ['no longer and no shorter', 'Infinity is forever'],
    edits: [
      {
        file: loop,
        replace: 'this.#wait(this.#timers.nextDelay())',
        by: 'this.#wait(this.#timers.nextDelay() | 0)',
      },
    ],
  },
  {
    name: 'wakes-itself-each-round',
    step: '07.4',
    says: ['the loop never sleeps', 'Call no wake() in run()'],
    edits: [
      {
        file: loop,
        replace: '      this.#endRound()\n      this.#longest',
        by: '      this.#endRound()\n      this.#poller.wake()\n      this.#longest',
      },
    ],
  },
  {
    name: 'behind-a-fin-only-goodbyes-are-sent',
    step: '07.5',
    says: ['even without an end()', 'before and after the peer’s FIN'],
    edits: [
      {
        file: connection,
        replace: 'const writes = this.#queue.bytes > 0\n',
        by: "const writes = this.#queue.bytes > 0 && (this.#state !== 'open' || !this.#hasPeerEnded)\n",
      },
    ],
  },
  {
    name: 'counts-the-chunks-to-resume',
    step: '07.1',
    says: ['as long as 64 KiB wait', 'not the number of chunks'],
    edits: [
      {
        file: stream,
        replace: 'this.#inboxBytes < INBOX_BYTES &&',
        by: 'this.#inbox.length < 2 &&',
      },
    ],
  },
  {
    name: 'one-buffer-for-all-writes',
    step: '07.2',
    says: ['what the two peers receive', 'used again is overwritten'],
    edits: [
      {
        file: stream,
        replace: TAKE,
        by: `    if (taken > SCRATCH.length) this.#socket.write(bytes.subarray(0, taken))
    else if (taken > 0) {
      SCRATCH.set(bytes.subarray(0, taken))
      this.#socket.write(SCRATCH.subarray(0, taken))
    }
    return taken`,
      },
      {
        file: stream,
        replace: '/** A byte stream over Node',
        by: 'const SCRATCH = Buffer.alloc(64 * 1024)\n\n/** A byte stream over Node',
      },
    ],
  },
  {
    name: 'ready-for-what-nobody-wants',
    step: '07.3',
    says: ['while nobody is ready', 'looks at what is wanted'],
    edits: [
      {
        file: poller,
        replace: 'this.#isWoken || this.#collect().length > 0 ? 0',
        by: `this.#isWoken ||
      [...this.#hot].some((each) => each.isReadable || each.isWritable || each.isClosed)
        ? 0`,
      },
    ],
  },
  {
    name: 'calls-the-handler-later',
    step: '07.4',
    says: ['cyd was removed', 'at once, not later'],
    edits: [
      {
        file: loop,
        replace: '    entry.handler({ source, readable, writable, hungUp })\n',
        by: '    queueMicrotask(() => entry.handler({ source, readable, writable, hungUp }))\n',
      },
    ],
  },
  {
    name: 'timers-before-the-first-wait',
    step: '07.4',
    says: ['the time-outs that wait() was given', 'It follows the turns'],
    edits: [
      {
        file: loop,
        replace: `      const ready = await this.#wait(this.#timers.nextDelay())
      const startedAt = performance.now()
      for (const each of ready) this.#giveTurn(each)
      this.#timers.runDue()
`,
        by: `      this.#timers.runDue()
      const ready = await this.#wait(this.#timers.nextDelay())
      const startedAt = performance.now()
      for (const each of ready) this.#giveTurn(each)
`,
      },
    ],
  },
  {
    name: 'ends-the-round-until-nothing-is-left',
    step: '07.4',
    says: ['what happened up to the end of the second round', 'belongs to the next one'],
    edits: [
      {
        file: loop,
        replace: '      this.#endRound()\n',
        by: '      while (this.#touched.size > 0) this.#endRound()\n',
      },
    ],
  },
  {
    name: 'no-timers-after-a-wait-without-limit',
    step: '07.4',
    says: ['what happened', 'whatever nextDelay() returned'],
    edits: [
      {
        file: loop,
        replace: 'const ready = await this.#wait(this.#timers.nextDelay())',
        by: 'const delay = this.#timers.nextDelay()\n      const ready = await this.#wait(delay)',
      },
      {
        file: loop,
        replace: '      this.#timers.runDue()\n',
        by: '      if (Number.isFinite(delay)) this.#timers.runDue()\n',
      },
    ],
  },
  {
    name: 'one-turn-for-each-handler',
    step: '07.4',
    says: ['stats().turns', 'may share a handler'],
    edits: [
      {
        file: loop,
        replace: '      for (const each of ready) this.#giveTurn(each)\n',
        by: `      const seen = new Set()
      for (const each of ready) {
        const handler = this.#sources.get(each.source)?.handler
        if (!seen.has(handler)) this.#giveTurn(each)
        seen.add(handler)
      }
`,
      },
    ],
  },
  {
    name: 'a-round-for-what-is-queued',
    step: '07.5',
    says: ['the loop to leave the peer alone', 'each loop.touch()'],
    edits: [
      {
        file: connection,
        replace: '    this.#queue.flush()\n',
        by: '    this.#queue.flush()\n    if (this.#queue.bytes > 0) this.#loop.touch(this)\n',
      },
    ],
  },
  {
    name: 'a-round-for-what-the-ending-have-queued',
    step: '07.5',
    says: ['the loop to leave the peer alone', 'each loop.touch()'],
    edits: [
      {
        file: connection,
        replace: "if (this.#state !== 'ending' || this.#queue.bytes > 0) return",
        by: `if (this.#state !== 'ending') return
    if (this.#queue.bytes > 0) return this.#loop.touch(this)`,
      },
    ],
    cardVaries: true,
  },
  {
    name: 'a-round-for-what-is-unread',
    step: '07.5',
    says: ['the loop to leave the peer alone', 'each loop.touch()'],
    edits: [
      {
        file: connection,
        replace: READS,
        by: `    if (this.#unread.length > 0) this.#loop.touch(this)
${READS}`,
      },
    ],
  },
  {
    name: 'a-round-for-what-is-unread-behind-a-backlog',
    step: '07.5',
    says: ['the loop to leave the peer alone', 'each loop.touch()'],
    edits: [
      {
        file: connection,
        replace: READS,
        by: `    if (this.#unread.length > 0 && this.#pauses === 0) this.#loop.touch(this)
${READS}`,
      },
    ],
  },
  {
    name: 'the-ending-read-behind-the-fin',
    step: '07.5',
    says: ['the loop to leave the peer alone', 'ending or not'],
    edits: [
      {
        file: connection,
        replace: 'const reads = wantsMore && !this.#hasPeerEnded',
        by: "const reads = wantsMore && (!this.#hasPeerEnded || this.#state === 'ending')",
      },
    ],
  },
  {
    name: 'reads-behind-the-fin-while-something-is-queued',
    step: '07.5',
    says: ['the loop to leave the peer alone', 'whatever is queued'],
    edits: [
      {
        file: connection,
        replace: '(writes ? BOTH : READING) : writes ? WRITING : NEITHER',
        by: '(writes ? BOTH : READING) : writes ? (this.#hasPeerEnded ? BOTH : WRITING) : NEITHER',
      },
    ],
  },
  {
    name: 'sets-a-field-of-what-all-share',
    step: '07.5',
    says: ['read only property', '#watch()'],
    edits: [
      {
        file: connection,
        replace:
          '    this.#setInterest(reads ? (writes ? BOTH : READING) : writes ? WRITING : NEITHER)\n',
        by: `    const interest = reads ? READING : NEITHER
    interest.writable = writes
    this.#setInterest(interest)
`,
      },
    ],
  },
  {
    name: 'writing-for-the-paused-is-reading-too',
    step: '07.5',
    says: ['no reason to read', 'only if the connection also waits to read'],
    edits: [
      {
        file: connection,
        replace: '(writes ? BOTH : READING) : writes ? WRITING : NEITHER',
        by: '(writes ? BOTH : READING) : writes ? (this.#hasPeerEnded ? WRITING : BOTH) : NEITHER',
      },
    ],
  },
  {
    name: 'looks-before-the-queue-sends',
    step: '07.5',
    says: ['whether FIN was sent', 'let the queue send first'],
    edits: [
      {
        file: connection,
        hole: '#flush',
        by: `    if (this.#state === 'ending' && this.#queue.bytes === 0) {
      this.#state = 'finSent'
      this.#stream.end()
    }
    this.#queue.flush()`,
      },
    ],
  },
  {
    name: 'fin-waits-for-the-peers-fin',
    step: '07.5',
    says: ['our FIN is due', 'whether or not the peer’s FIN'],
    edits: [
      {
        file: connection,
        replace: FIN,
        by: FIN.replace('bytes > 0)', 'bytes > 0 || !this.#hasPeerEnded)'),
      },
    ],
  },
  {
    name: 'closed-when-fin-is-sent',
    step: '07.5',
    says: ['the loop to leave the peer alone', 'the state becomes `finSent`'],
    edits: [{ file: connection, replace: FIN, by: FIN.replace("'finSent'", "'closed'") }],
  },
  {
    name: 'adds-up-the-rounds',
    step: '07.6',
    says: ['the time in wait() not to count', 'keep the longest'],
    edits: [
      {
        file: loop,
        replace:
          'this.#longestRoundMs = Math.max(this.#longestRoundMs, performance.now() - startedAt)',
        by: 'this.#longestRoundMs += performance.now() - startedAt',
      },
    ],
  },
  {
    name: 'the-longest-part-of-a-round',
    step: '07.6',
    says: ['Those are the turns alone', 'count together'],
    edits: [
      {
        file: loop,
        replace: `      this.#timers.runDue()
      this.#endRound()
      this.#longestRoundMs = Math.max(this.#longestRoundMs, performance.now() - startedAt)
`,
        by: `      const turnsMs = performance.now() - startedAt
      this.#timers.runDue()
      const timersMs = performance.now() - startedAt - turnsMs
      this.#endRound()
      const endMs = performance.now() - startedAt - turnsMs - timersMs
      this.#longestRoundMs = Math.max(this.#longestRoundMs, turnsMs, timersMs, endMs)
`,
      },
    ],
  },
  {
    name: 'cpu-time',
    step: '07.6',
    says: ['the longest round to be the second', 'while the thread sleeps'],
    edits: [
      {
        file: loop,
        replace: 'const startedAt = performance.now()',
        by: 'const startedAt = process.cpuUsage()',
      },
      {
        file: loop,
        replace: 'performance.now() - startedAt)',
        by: 'process.cpuUsage(startedAt).user / 1_000)',
      },
    ],
    cardVaries: true,
  },
  {
    name: 'reads-a-lost-stream-to-its-end',
    step: '07.5',
    says: ['while it pauses, and after that', 'whatever lostWith says'],
    edits: [
      {
        file: 'connection.ts',
        replace: "    } else if (this.#state === 'open') this.#offer(bytes)\n",
        by: `    } else if (this.#state === 'open') {
      this.#offer(bytes)
      if (this.#stream.lostWith) this.#receive()
    }
`,
      },
    ],
  },
]
