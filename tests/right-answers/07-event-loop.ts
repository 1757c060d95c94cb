import type { RightAnswer } from './right-answer.ts'

const loop = 'event-loop.ts'

/** The model answer's loop with another clock: what is noted before a round, and how long the round took. */
const measuredBy = (startedAt: string, tookMs: string) => ({
  file: loop,
  hole: 'run',
  by: `    while (!this.#isStopping) {
      const ready = await this.#wait(this.#timers.nextDelay())
      const startedAt = ${startedAt}
      for (const each of ready) this.#giveTurn(each)
      this.#timers.runDue()
      this.#endRound()
      this.#longestRoundMs = Math.max(this.#longestRoundMs, ${tookMs})
    }`,
})

export const rightAnswers: RightAnswer[] = [
  {
    name: 'leaves-right-after-wait',
    style:
      'A loop that is told to stop while it waits gives no more turns and runs no more timers: nothing is asked of it any more.',
    edits: [
      {
        file: loop,
        hole: 'run',
        by: `    for (;;) {
      const ready = this.#isStopping ? [] : await this.#wait(this.#timers.nextDelay())
      if (this.#isStopping) return
      const startedAt = performance.now()
      ready.forEach((each) => this.#giveTurn(each))
      this.#timers.runDue()
      this.#endRound()
      const tookMs = performance.now() - startedAt
      if (tookMs > this.#longestRoundMs) this.#longestRoundMs = tookMs
    }`,
      },
    ],
  },
  {
    name: 'measured-in-nanoseconds',
    style: 'The round is measured with process.hrtime.bigint(), which is the same clock.',
    edits: [
      measuredBy('process.hrtime.bigint()', 'Number(process.hrtime.bigint() - startedAt) / 1e6'),
    ],
  },
  {
    name: 'measured-by-the-wall-clock',
    style:
      'The round is measured with Date, which is coarse and good enough for a round that matters.',
    edits: [measuredBy('new Date()', 'Date.now() - startedAt.getTime()')],
  },
  {
    name: 'reports-the-hottest-first',
    style: 'wait() may report in any order: here whoever changed last comes first.',
    edits: [
      {
        file: 'poller.ts',
        hole: '#collect',
        by: `    return [...this.#hot].reverse().flatMap((source) => {
      const wanted = this.#interests.get(source)!
      const is = {
        source,
        readable: wanted.readable && source.isReadable,
        writable: wanted.writable && source.isWritable,
        hungUp: source.isClosed,
      }
      if (is.readable || is.writable || is.hungUp) return [is]
      this.#hot.delete(source)
      return []
    })`,
      },
    ],
  },
  {
    name: 'looks-once-before-and-once-behind-the-sleep',
    style:
      'wait() decides by itself how long to sleep, with early values and no call when there is nothing.',
    edits: [
      {
        file: 'poller.ts',
        hole: 'wait',
        by: `    let patience = timeoutMs
    if (this.#isWoken) patience = 0
    else if (this.#hot.size > 0 && this.#collect().length > 0) patience = 0
    await this.#sleep(patience)
    const ready = this.#collect()
    this.#isWoken = false
    return ready`,
      },
    ],
  },
  {
    name: 'writes-in-slices',
    style: 'What fits is handed to the socket in slices of 16 KiB.',
    edits: [
      {
        file: 'byte-stream.ts',
        hole: 'write',
        by: `    let taken = 0
    while (this.#socket.writable && taken < bytes.length && this.#room > 0) {
      const slice = bytes.subarray(taken, taken + Math.min(this.#room, 16 * 1024))
      this.#socket.write(slice)
      taken += slice.length
    }
    return taken`,
      },
    ],
  },
  {
    name: 'resumes-on-every-read',
    style: 'resume() on a socket that is not paused does nothing, so nobody has to ask.',
    edits: [
      {
        file: 'byte-stream.ts',
        hole: 'read',
        by: `    if (this.#inbox.length === 0) {
      if (this.#hasEnded || this.lostWith !== undefined) return 'end'
      return 'would-block'
    }
    const [chunk] = this.#inbox.splice(0, 1)
    this.#inboxBytes -= chunk.length
    if (this.#inboxBytes < INBOX_BYTES) this.#socket.resume()
    return chunk`,
      },
    ],
  },
  {
    name: 'says-its-interest-each-time',
    style: '#setInterest() compares what is in an interest, so that may be a new object each time.',
    edits: [
      {
        file: 'connection.ts',
        hole: '#watch',
        by: `    let readable = !this.#hasPeerEnded
    if (this.#state === 'open' && (!this.isReading || this.#unread.length > 0)) readable = false
    this.#setInterest({ readable, writable: this.#queue.bytes !== 0 })`,
      },
    ],
  },
  {
    name: 'reads-the-whole-inbox-at-once',
    style: 'A read may return all that has arrived, as recv() does; then the socket goes on.',
    edits: [
      {
        file: 'byte-stream.ts',
        hole: 'read',
        by: `    if (this.#inbox.length === 0) return this.#hasEnded || this.lostWith ? 'end' : 'would-block'
    const all = Buffer.concat(this.#inbox)
    this.#inbox = []
    this.#inboxBytes = 0
    if (this.#socket.isPaused()) this.#socket.resume()
    return all`,
      },
    ],
  },
  {
    name: 'resumes-when-the-inbox-is-empty',
    style: 'The socket goes on when nothing waits any more: later than it could, and as safe.',
    edits: [
      {
        file: 'byte-stream.ts',
        hole: 'read',
        by: `    const chunk = this.#inbox.shift()
    if (chunk === undefined) return this.isReadable ? 'end' : 'would-block'
    this.#inboxBytes -= chunk.length
    if (this.#inboxBytes === 0) this.#socket.resume()
    return chunk`,
      },
    ],
  },
  {
    name: 'gives-node-its-turn-first',
    style:
      'wait() sleeps for 0 ms in any case, and then, if nobody is ready, for as long as it may.',
    edits: [
      {
        file: 'poller.ts',
        hole: 'wait',
        by: `    await this.#sleep(0)
    if (!this.#isWoken && timeoutMs > 0 && this.#collect().length === 0)
      await this.#sleep(timeoutMs)
    this.#isWoken = false
    return this.#collect()`,
      },
    ],
  },
  {
    name: 'sleeps-on-after-a-change-that-nobody-wants',
    style:
      'A source may change without being ready for what is wanted: a wait without a limit need not end for it.',
    edits: [
      {
        file: 'poller.ts',
        hole: 'wait',
        by: `    const isOver = () => this.#isWoken || this.#collect().length > 0
    await this.#sleep(isOver() ? 0 : timeoutMs)
    while (timeoutMs === Number.POSITIVE_INFINITY && !isOver()) await this.#sleep(timeoutMs)
    this.#isWoken = false
    return this.#collect()`,
      },
    ],
  },
  {
    name: 'stops-in-the-middle-of-a-round',
    style: 'A loop that is told to stop by a handler gives no more turns.',
    edits: [
      {
        file: loop,
        hole: 'run',
        by: `    while (!this.#isStopping) {
      const ready = await this.#wait(this.#timers.nextDelay())
      const startedAt = performance.now()
      for (const each of ready) {
        if (this.#isStopping) return
        this.#giveTurn(each)
      }
      this.#timers.runDue()
      this.#endRound()
      this.#longestRoundMs = Math.max(this.#longestRoundMs, performance.now() - startedAt)
    }`,
      },
    ],
  },
  {
    name: 'asks-for-the-state-first',
    style: '#receive() notes the end, and returns early when the connection is not open.',
    edits: [
      {
        file: 'connection.ts',
        hole: '#receive',
        by: `    const bytes = this.#stream.read()
    if (bytes === 'end') this.#hasPeerEnded = true
    if (this.#state !== 'open' || bytes === 'would-block') return
    if (bytes === 'end') this.#protocol.onEnd()
    else this.#offer(bytes)`,
      },
    ],
  },
  {
    name: 'flushes-while-the-stream-takes-something',
    style: '#flush() offers the queue again as long as that helps.',
    edits: [
      {
        file: 'connection.ts',
        hole: '#flush',
        by: `    for (let before = -1; this.#queue.bytes > 0 && this.#queue.bytes !== before; ) {
      before = this.#queue.bytes
      this.#queue.flush()
    }
    if (this.#state === 'ending' && this.#queue.bytes === 0) {
      this.#state = 'finSent'
      this.#stream.end()
    }`,
      },
    ],
  },
  {
    name: 'hands-over-the-part-that-fits',
    style: 'subarray() is called in any case, also when all of it fits or nothing does.',
    edits: [
      {
        file: 'byte-stream.ts',
        hole: 'write',
        by: `    const room = this.#socket.writable ? Math.max(0, this.#room) : 0
    const part = bytes.subarray(0, room)
    if (this.#socket.writable) this.#socket.write(part)
    return part.length`,
      },
    ],
  },
  {
    name: 'keeps-a-deadline',
    style: 'wait() sleeps on, for the rest of its time, as long as nobody is ready.',
    edits: [
      {
        file: 'poller.ts',
        hole: 'wait',
        by: `    const deadline = performance.now() + timeoutMs
    let ready = this.#collect()
    let rest = deadline - performance.now()
    do {
      await this.#sleep(ready.length > 0 || this.#isWoken ? 0 : rest)
      ready = this.#collect()
      rest = deadline - performance.now()
    } while (ready.length === 0 && !this.#isWoken && rest > 0)
    this.#isWoken = false
    return ready`,
      },
    ],
  },
  {
    name: 'one-timer-a-wait',
    style: 'wait() keeps a timer of its own, which wakes it, and sleeps without one.',
    edits: [
      {
        file: 'poller.ts',
        hole: 'wait',
        by: `    const isOver = () => this.#isWoken || this.#collect().length > 0
    if (timeoutMs <= 0 || isOver()) await this.#sleep(0)
    else {
      const isTimed = timeoutMs <= MAX_TIMEOUT_MS
      const timer = isTimed ? setTimeout(() => this.wake(), timeoutMs) : undefined
      do await this.#sleep(Number.POSITIVE_INFINITY)
      while (!isOver())
      clearTimeout(timer)
    }
    this.#isWoken = false
    return this.#collect()`,
      },
    ],
  },
  {
    name: 'one-round-at-least',
    style: 'A loop that was stopped before it runs has one more round.',
    edits: [
      {
        file: loop,
        hole: 'run',
        by: `    do {
      const ready = await this.#wait(this.#timers.nextDelay())
      const startedAt = performance.now()
      for (const each of ready) this.#giveTurn(each)
      this.#timers.runDue()
      this.#endRound()
      this.#longestRoundMs = Math.max(this.#longestRoundMs, performance.now() - startedAt)
    } while (!this.#isStopping)`,
      },
    ],
  },
  {
    name: 'measured-in-whole-milliseconds',
    style: 'The round is measured in whole milliseconds.',
    edits: [measuredBy('performance.now()', 'Math.round(performance.now() - startedAt)')],
  },
  {
    name: 'reads-sixteen-kib-at-a-time',
    style: 'read() returns no more than 16 KiB of the oldest chunk, as recv(2) with a buffer does.',
    edits: [
      {
        file: 'byte-stream.ts',
        hole: 'read',
        by: `    const oldest = this.#inbox[0]
    if (!oldest) return this.isReadable ? 'end' : 'would-block'
    const part = oldest.subarray(0, 16_384)
    if (part.length < oldest.length) this.#inbox[0] = oldest.subarray(part.length)
    else this.#inbox.shift()
    this.#inboxBytes -= part.length
    if (this.#inboxBytes < INBOX_BYTES && this.#socket.isPaused()) this.#socket.resume()
    return part`,
      },
    ],
  },
  {
    name: 'asks-the-timers-twice',
    style: 'nextDelay() is asked as often as one likes: once for a look, once for the wait.',
    edits: [
      {
        file: loop,
        replace: 'await this.#wait(this.#timers.nextDelay())',
        by: 'await this.#wait(this.#timers.nextDelay() <= 0 ? 0 : this.#timers.nextDelay())',
      },
    ],
  },
  {
    name: 'corks-for-the-rest-of-the-turn',
    style:
      'What is written in one turn of Node’s loop leaves together, as the manual of net recommends.',
    edits: [
      {
        file: 'byte-stream.ts',
        hole: 'write',
        by: `    if (!this.isWritable) return 0
    const part = bytes.subarray(0, this.#room)
    this.#socket.cork()
    this.#socket.write(part)
    process.nextTick(() => this.#socket.uncork())
    return part.length`,
      },
    ],
  },
  {
    name: 'heats-the-ready-again',
    style: '#collect() begins a new hot set with those that stay in it.',
    edits: [
      {
        file: 'poller.ts',
        hole: '#collect',
        by: `    const hot = [...this.#hot]
    this.#hot = new Set()
    const ready: Ready<Source>[] = []
    for (const source of hot) {
      const wanted = this.#interests.get(source)
      if (!wanted) continue
      const hungUp = source.isClosed
      const readable = wanted.readable && source.isReadable
      const writable = wanted.writable && source.isWritable
      if (!readable && !writable && !hungUp) continue
      this.#hot.add(source)
      ready.push({ source, readable, writable, hungUp })
    }
    return ready`,
      },
    ],
  },
  {
    name: 'keeps-what-it-may-not-offer-yet',
    style:
      'What is read for a backlogged connection goes into #unread at once; the round’s end offers it.',
    edits: [
      {
        file: 'connection.ts',
        hole: '#receive',
        by: `    const bytes = this.#stream.read()
    if (bytes === 'would-block') return
    if (bytes === 'end') this.#hasPeerEnded = true
    if (!this.isOpen) return
    if (bytes === 'end') this.#protocol.onEnd()
    else if (this.isReading) this.#offer(bytes)
    else this.#unread = bytes`,
      },
      {
        file: 'connection.ts',
        hole: '#flush',
        by: `    do this.#queue.flush()
    while (this.#queue.bytes > 0 && this.#stream.isWritable)
    if (this.#queue.bytes > 0 || this.#state !== 'ending') return
    this.#stream.end()
    this.#state = 'finSent'`,
      },
      {
        file: 'connection.ts',
        hole: '#watch',
        by: `    const writes = this.#queue.bytes > 0
    let reads = !this.#hasPeerEnded
    switch (this.#state) {
      case 'open':
        reads &&= this.isReading && this.#unread.length === 0
    }
    this.#setInterest([[NEITHER, WRITING], [READING, BOTH]][Number(reads)][Number(writes)])`,
      },
    ],
  },
  {
    name: 'measured-in-a-finally',
    style: 'A round that throws is measured, too; process.hrtime() has seconds and nanoseconds.',
    edits: [
      {
        file: loop,
        hole: 'run',
        by: `    while (!this.#isStopping) {
      const ready = await this.#wait(this.#timers.nextDelay())
      const startedAt = process.hrtime()
      try {
        for (const each of ready) this.#giveTurn(each)
        this.#timers.runDue()
        this.#endRound()
      } finally {
        const [seconds, ns] = process.hrtime(startedAt)
        const tookMs = seconds * 1_000 + ns / 1e6
        if (tookMs > this.#longestRoundMs) this.#longestRoundMs = tookMs
      }
    }`,
      },
    ],
  },
  {
    name: 'makes-a-histogram-when-there-is-much-to-count',
    style:
      'Beside the longest it counts rounds by their length, in a table of one size, made when many rounds have been run.',
    edits: [
      {
        file: loop,
        hole: 'run',
        by: `    const shortest: number[] = []
    let perMs: number[] | undefined
    while (!this.#isStopping) {
      const ready = await this.#wait(this.#timers.nextDelay())
      const startedAt = performance.now()
      for (const each of ready) this.#giveTurn(each)
      this.#timers.runDue()
      this.#endRound()
      const ms = performance.now() - startedAt
      this.#longestRoundMs = Math.max(this.#longestRoundMs, ms)
      if (perMs) perMs[Math.min(60_000, Math.floor(ms))]! += 1
      else if (shortest.push(ms) === 12_000) {
        perMs = Array.from({ length: 60_001 }, () => 0)
        for (const each of shortest.splice(0)) perMs[Math.min(60_000, Math.floor(each))]! += 1
      }
    }`,
      },
    ],
  },
  {
    name: 'leaves-the-backlogged-for-a-later-turn',
    style:
      'A connection that is backlogged by now is not read in this turn. What has arrived stays in the stream.',
    edits: [
      {
        file: 'connection.ts',
        hole: '#receive',
        by: `    if (this.#state === 'open' && !this.isReading) return
    const bytes = this.#stream.read()
    if (bytes === 'would-block') return
    if (bytes === 'end') {
      this.#hasPeerEnded = true
      if (this.#state === 'open') this.#protocol.onEnd()
    } else if (this.#state === 'open') this.#offer(bytes)`,
      },
    ],
  },
  {
    name: 'the-hung-up-are-nothing-else',
    style:
      'A source that is hung up is reported as that alone: nobody reads or writes it any more.',
    edits: [
      {
        file: 'poller.ts',
        replace: 'ready.push({ source, readable, writable, hungUp })',
        by: `{
        if (hungUp) ready.push({ source, readable: false, writable: false, hungUp })
        else ready.push({ source, readable, writable, hungUp })
      }`,
      },
    ],
  },
]
