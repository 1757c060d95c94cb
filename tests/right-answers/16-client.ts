import type { RightAnswer } from './right-answer.ts'

export const rightAnswers: RightAnswer[] = [
  {
    name: 'loops-and-floors',
    style:
      'The bound is doubled in a loop, and the wait is rounded down and counted from the other end.',
    edits: [
      {
        file: 'backoff.ts',
        hole: 'nextDelayMs',
        by: `    let boundMs = this.#limits.firstMs
    for (let wait = 0; wait < this.#waits && boundMs < this.#limits.capMs; wait++) boundMs *= 2
    this.#waits++
    return Math.floor((1 - this.#random()) * Math.min(boundMs, this.#limits.capMs))`,
      },
      {
        file: 'backoff.ts',
        hole: 'connectionEnded',
        by: `    const hasProvenItself = !(welcomeMs < this.#limits.provenMs)
    this.#waits = hasProvenItself ? 0 : this.#waits`,
      },
      {
        file: 'addresses.ts',
        hole: 'interleave',
        by: `  const queues = [4, 6].map((family) => addresses.filter((address) => address.family === family))
  if (addresses[0]?.family === 6) queues.reverse()
  const order: Address[] = []
  while (order.length < addresses.length) {
    for (const queue of queues) {
      const next = queue.shift()
      if (next) order.push(next)
    }
  }
  return order`,
      },
    ],
  },
  {
    name: 'async-attempts',
    style:
      'An attempt is an async function, and a late connection is turned away before anything else.',
    edits: [
      {
        file: 'addresses.ts',
        hole: '#tryNext',
        by: `    const [address] = this.#untried.splice(0, 1)
    const attempt = new AbortController()
    this.#attempts.add(attempt)
    const connecting = this.#dial(address, attempt.signal)
    if (this.#untried.length > 0) {
      this.#turn = this.#timers.after(ATTEMPT_DELAY_MS, () => void this.#tryNext())
    }
    void (async () => {
      let connection: C
      try {
        connection = await connecting
      } catch (error) {
        return this.#failed(error, attempt)
      }
      this.#connected(connection, attempt)
    })()`,
      },
      {
        file: 'addresses.ts',
        hole: '#connected',
        by: `    if (this.#isOver) {
      connection.close()
    } else {
      this.#attempts.delete(attempt)
      this.#result.resolve(connection)
      this.#end()
    }`,
      },
      {
        file: 'addresses.ts',
        hole: '#failed',
        by: `    if (this.#isOver) return
    this.#attempts.delete(attempt)
    this.#errors.push(error)
    if (this.#untried.length > 0) {
      this.#timers.cancel(this.#turn)
      this.#tryNext()
    } else if (this.#attempts.size < 1) {
      this.#isOver = true
      this.#result.reject(new AggregateError(this.#errors))
    }`,
      },
    ],
  },
  {
    name: 'a-table-of-states',
    style: 'The reducer looks events up in a table by state, and leaves early.',
    edits: [
      {
        file: 'client-state.ts',
        hole: 'reduce',
        by: `  const { kind } = state
  if (kind === 'ended') return state
  if (event.kind === 'close') return { kind: 'ended', code: 'closed' }
  const isTalking = kind === 'greeting' || kind === 'online'
  if (isTalking && event.kind === 'error') {
    if (event.code === 'no-session' || event.code === 'unsupported-version') {
      return { kind: 'ended', code: event.code }
    }
    if (kind === 'online') return state
    const atLeastMs = (event.seconds ?? 0) * 1_000
    return { kind: 'waiting', atLeastMs, welcomeMs: 0 }
  }
  const failed: ClientState = { kind: 'waiting', atLeastMs: 0, welcomeMs: 0 }
  const table: Record<string, ClientState> = {
    'idle start': { kind: 'connecting' },
    'waiting timeUp': { kind: 'connecting' },
    'connecting opened': { kind: 'greeting' },
    'connecting lost': failed,
    'connecting timeUp': failed,
    'greeting lost': failed,
    'greeting timeUp': failed,
  }
  if (kind === 'greeting' && event.kind === 'welcomed') return { kind: 'online', sinceMs: event.atMs }
  if (kind === 'online' && event.kind === 'lost') return { ...failed, welcomeMs: event.atMs - state.sinceMs }
  return table[\`\${kind} \${event.kind}\`] ?? state`,
      },
    ],
  },
  {
    name: 'everything-through-the-queue',
    style:
      'Live messages always go through the queue, which is emptied at once when the feed is live; pages are told backwards from a filter.',
    edits: [
      {
        file: 'room-feed.ts',
        hole: 'onLive',
        by: `    this.#waiting.push(message)
    while (this.#isLive && this.#waiting.length > 0) this.#tell(this.#waiting.shift()!)`,
      },
      {
        file: 'room-feed.ts',
        hole: 'onPage',
        by: `    const fresh = messages.filter(({ number }) => this.#last === undefined || number > this.#last)
    fresh.forEach((message) => this.#tell(message))
    const reached = this.#last ?? 0
    const isFilled = reached >= this.#gapEnd || messages.length === 0
    if (!isFilled) return reached
    if (reached < this.#gapEnd) this.#skipTo(this.#gapEnd + 1)
    this.#last = Math.max(reached, this.#gapEnd)
    this.#isLive = true
    const waited = [...this.#waiting]
    this.#waiting.length = 0
    for (const message of waited) this.#tell(message)
    return undefined`,
      },
      {
        file: 'room-feed.ts',
        hole: 'onLost',
        by: `    this.#waiting.splice(0, this.#waiting.length)
    this.#isLive = false`,
      },
      {
        file: 'room-feed.ts',
        hole: 'onJoined',
        by: `    const known = this.#last ?? 0
    this.#gapEnd = joined.last
    if (joined.last < known) {
      this.forget()
      return joined.last > FIRST_LOOK ? joined.last - FIRST_LOOK : 0
    }
    return this.onPage(joined)`,
      },
    ],
  },
  {
    name: 'the-promise-is-the-claim',
    style: 'The search is an async function of its own whose promise is what repeats wait for.',
    edits: [
      {
        file: 'say-keys.ts',
        hole: 'claim',
        by: `    const scope = [say.room, say.account, say.key].join(':')
    const other = this.#pending.get(scope)
    if (other) {
      if (other.text !== say.text) return { kind: 'repeat', outcome: OTHER_TEXT }
      return { kind: 'repeat', outcome: await other.outcome }
    }
    if (this.#isStale(say)) return { kind: 'repeat', outcome: STALE_KEY }
    let resolve: (outcome: SayOutcome) => void = () => {}
    const outcome = new Promise<SayOutcome>((done) => {
      resolve = done
    })
    this.#pending.set(scope, { text: say.text, outcome })
    let found: SayOutcome | undefined = UNREADABLE
    try {
      const known = await this.#find(say)
      found = known && (known.text === say.text ? known : OTHER_TEXT)
    } catch (error) {
      if (!this.#isStale(say)) throw error
      found = STALE_KEY
    } finally {
      if (found) {
        this.#pending.delete(scope)
        resolve(found)
      }
    }
    if (found) return repeat(found)
    return {
      kind: 'first',
      settle: (result) => {
        resolve(result)
        this.#pending.delete(scope)
      },
    }`,
      },
      {
        file: 'say-keys.ts',
        hole: '#find',
        by: `    const { last } = this.#history.range(room)
    let from = since
    while (from < last) {
      const to = Math.min(from + READ_AT_ONCE, last)
      for (const saved of await this.#history.read(room, from + 1, to)) {
        if (saved.key !== key) continue
        if (saved.message.name.toLowerCase() === account) return saved.message
      }
      from = to
    }`,
      },
    ],
  },
  {
    name: 'a-switch-of-errors',
    style:
      'Errors are told apart in a switch; since is set with an if; the request is built before it is in flight.',
    edits: [
      {
        file: 'say-queue.ts',
        hole: 'next',
        by: `    if (this.#isInFlight || this.#sayings.length === 0) return
    const [saying] = this.#sayings
    if (saying.since === undefined) saying.since = last
    const { text, key, since } = saying
    saying.timesSent++
    this.#isInFlight = true
    return { since, key, text }`,
      },
      {
        file: 'say-queue.ts',
        hole: 'onSaid',
        by: `    const saying = this.#sayings.shift()
    saying?.result.resolve(said)
    this.#isInFlight = false`,
      },
      {
        file: 'say-queue.ts',
        hole: 'onError',
        by: `    switch (error.code) {
      case 'not-saved':
        return
      case 'internal':
        return this.#reject(new ChatError('unknown'))
      default:
        return this.#reject(this.#sayings[0].timesSent === 1 ? error : new ChatError('unknown'))
    }`,
      },
      {
        file: 'say-queue.ts',
        hole: 'forget',
        by: `    const first = this.#sayings.at(0)
    if (first?.since === undefined) return
    this.#sayings.shift()
    this.#isInFlight = false
    first.result.reject(new ChatError('unknown'))`,
      },
      {
        file: 'client-room.ts',
        hole: '#sayNext',
        by: `    const link = this.#link
    if (!link || !this.#feed.isLive) return
    const request = this.#says.next(this.#feed.last!)
    if (!request) return
    const goOn = (settle: () => void) => {
      settle()
      queueMicrotask(() => this.#sayNext())
    }
    link.ask(
      { ...request, room: this.name, type: 'say' },
      {
        onAnswer: ({ number, at }) => goOn(() => this.#says.onSaid({ number, at })),
        onError: (error) => goOn(() => this.#says.onError(error)),
      },
    )`,
      },
    ],
  },
  {
    name: 'one-read-for-each-message',
    style: 'The history is read from the newest message down, one message at a time.',
    edits: [
      {
        file: 'say-keys.ts',
        hole: '#find',
        by: `    for (let number = this.#history.range(room).last; number > since; number--) {
      const [saved] = await this.#history.read(room, number, number)
      if (saved.key === key && saved.message.name.toLowerCase() === account) return saved.message
    }`,
      },
    ],
  },
  {
    name: 'fifty-at-a-time',
    style: 'A page of the search has fifty messages.',
    edits: [
      { file: 'say-keys.ts', replace: 'from += READ_AT_ONCE)', by: 'from += READ_AT_ONCE / 2)' },
      {
        file: 'say-keys.ts',
        replace: 'Math.min(last, from + READ_AT_ONCE - 1)',
        by: 'Math.min(last, from + READ_AT_ONCE / 2 - 1)',
      },
    ],
  },
  {
    name: 'whole-seconds-and-a-late-dial',
    style:
      'The seconds of an error are rounded up. An attempt begins a step of promises later, unless nobody wants it by then.',
    edits: [
      {
        file: 'client-state.ts',
        replace: 'atLeastMs: seconds * 1_000',
        by: 'atLeastMs: Math.ceil(seconds) * 1_000',
      },
      {
        file: 'addresses.ts',
        hole: '#tryNext',
        by: `const address = this.#untried.shift()!
    const attempt = new AbortController()
    this.#attempts.add(attempt)
    if (this.#untried.length > 0)
      this.#turn = this.#timers.after(ATTEMPT_DELAY_MS, () => this.#tryNext())
    const dial = async () => {
      await undefined
      attempt.signal.throwIfAborted()
      return this.#dial(address, attempt.signal)
    }
    dial().then(
      (connection) => this.#connected(connection, attempt),
      (error) => this.#failed(error, attempt),
    )`,
      },
    ],
  },
]
