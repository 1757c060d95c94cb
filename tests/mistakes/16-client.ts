import type { Mistake } from './mistake.ts'

const backoff = 'backoff.ts'
const addresses = 'addresses.ts'
const states = 'client-state.ts'
const feed = 'room-feed.ts'
const keys = 'say-keys.ts'
const queue = 'say-queue.ts'
const room = 'client-room.ts'

export const mistakes: Mistake[] = [
  {
    name: 'no-cap',
    step: '16.1',
    says: ['15000, 15000', 'capped'],
    edits: [
      {
        file: backoff,
        replace: 'Math.min(capMs, firstMs * 2 ** this.#waits)',
        by: 'firstMs * 2 ** this.#waits + 0 * capMs',
      },
    ],
  },
  {
    name: 'caps-the-wait-and-not-its-bound',
    step: '16.1',
    says: ['The bound is capped before it is multiplied'],
    edits: [
      {
        file: backoff,
        hole: 'nextDelayMs',
        by: `    const { firstMs, capMs } = this.#limits
    return Math.min(capMs, this.#random() * firstMs * 2 ** this.#waits++)`,
      },
    ],
  },
  {
    name: 'shifts-into-the-sign',
    step: '16.1',
    says: ['A server can be away for a week'],
    edits: [{ file: backoff, replace: '2 ** this.#waits', by: '(1 << this.#waits)' }],
  },
  {
    name: 'no-jitter',
    step: '16.1',
    says: ['a wait is drawn'],
    edits: [
      {
        file: backoff,
        replace: 'return this.#random() * boundMs',
        by: 'return boundMs + 0 * this.#random()',
      },
    ],
  },
  {
    name: 'half-of-it-is-fixed',
    step: '16.1',
    says: ['a wait is drawn'],
    edits: [
      {
        file: backoff,
        replace: 'return this.#random() * boundMs',
        by: 'return boundMs / 2 + (this.#random() * boundMs) / 2',
      },
    ],
  },
  {
    name: 'a-little-jitter-around-the-middle',
    step: '16.1',
    says: ['equally likely'],
    edits: [
      {
        file: backoff,
        replace: 'return this.#random() * boundMs',
        by: 'return boundMs * (0.4 + 0.2 * this.#random())',
      },
    ],
  },
  {
    name: 'the-first-wait-is-doubled-already',
    step: '16.1',
    says: ['The bounds are 1, 2, 4'],
    edits: [
      {
        file: backoff,
        replace: '2 ** this.#waits)\n    this.#waits += 1',
        by: '2 ** ++this.#waits)',
      },
    ],
  },
  {
    name: 'starts-anew-with-every-connection',
    step: '16.1',
    says: ['no better than one that refuses'],
    edits: [{ file: backoff, replace: 'welcomeMs >= this.#limits.provenMs', by: 'welcomeMs >= 0' }],
  },
  {
    name: 'starts-anew-with-every-welcome',
    step: '16.1',
    says: ['dies under its load'],
    edits: [{ file: backoff, replace: 'welcomeMs >= this.#limits.provenMs', by: 'welcomeMs > 0' }],
  },
  {
    name: 'never-starts-anew',
    step: '16.1',
    says: ['It has proved itself'],
    edits: [
      {
        file: backoff,
        replace: 'if (welcomeMs >= this.#limits.provenMs) this.#waits = 0',
        by: 'void welcomeMs',
      },
    ],
  },
  {
    name: 'one-more-failure-for-the-connection',
    step: '16.1',
    says: ['no better than one that refuses'],
    edits: [
      {
        file: backoff,
        replace: 'this.#waits = 0\n  }',
        by: 'this.#waits = 0\n    else this.#waits += 1\n  }',
      },
    ],
  },

  {
    name: 'the-order-of-the-resolver',
    step: '16.2',
    says: ['interleave() of', 'every second attempt'],
    edits: [{ file: addresses, hole: 'interleave', by: '    return [...addresses]' }],
  },
  {
    name: 'ipv6-always-first',
    step: '16.2',
    says: ['The family of the first address begins'],
    edits: [
      { file: addresses, replace: 'family === addresses[0].family', by: 'family === 6' },
      { file: addresses, replace: 'family !== addresses[0].family', by: 'family !== 6' },
    ],
  },
  {
    name: 'leaves-the-rest-out',
    step: '16.2',
    says: ['The rest follows in order'],
    edits: [
      {
        file: addresses,
        replace: 'return [...turns, ...others.slice(leading.length)]',
        by: 'return turns',
      },
    ],
  },
  {
    name: 'one-after-the-other',
    step: '16.2',
    says: ['After 250 ms the next address has its turn'],
    edits: [
      {
        file: addresses,
        replace: 'if (this.#untried.length > 0) {\n      this.#turn',
        by: 'if (this.#untried.length < 0) {\n      this.#turn',
      },
    ],
  },
  {
    name: 'all-at-once',
    step: '16.2',
    says: ['before the next address had its turn'],
    edits: [
      {
        file: addresses,
        replace: 'this.#timers.after(ATTEMPT_DELAY_MS, () => this.#tryNext())',
        by: 'this.#tryNext()',
      },
    ],
  },
  {
    name: 'a-failure-waits-for-the-next-turn',
    step: '16.2',
    says: ['A failure makes room for the next address at once'],
    edits: [
      {
        file: addresses,
        replace:
          'this.#timers.cancel(this.#turn)\n    if (this.#untried.length > 0) this.#tryNext()\n    else if (this.#attempts.size === 0)',
        by: 'if (this.#untried.length === 0 && this.#attempts.size === 0)',
      },
    ],
  },
  {
    name: 'two-turns-at-a-time',
    step: '16.2',
    says: ['the 250 ms count anew from then on'],
    edits: [
      {
        file: addresses,
        replace:
          '    this.#timers.cancel(this.#turn)\n    if (this.#untried.length > 0) this.#tryNext()',
        by: '    if (this.#untried.length > 0) this.#tryNext()',
      },
    ],
  },
  {
    name: 'losers-stay-open',
    step: '16.2',
    says: ['its handshake was done'],
    edits: [
      {
        file: addresses,
        replace: 'if (this.#isOver) return connection.close()',
        by: 'if (this.#isOver) return',
      },
    ],
  },
  {
    name: 'aborts-the-winner-too',
    step: '16.2',
    says: ['all attempts but the one that has won'],
    edits: [
      {
        file: addresses,
        replace: 'this.#attempts.delete(attempt)\n    if (this.#isOver) return connection.close()',
        by: 'if (this.#isOver) return connection.close()',
      },
    ],
  },
  {
    name: 'the-end-starts-the-next',
    step: '16.2',
    says: ['that starts no other'],
    edits: [
      {
        file: addresses,
        replace: '    this.#errors.push(error)\n    if (this.#isOver) return\n',
        by: '    this.#errors.push(error)\n',
      },
    ],
  },
  {
    name: 'gives-up-with-the-last-address',
    step: '16.2',
    says: ['no attempt is under way'],
    edits: [{ file: addresses, replace: 'else if (this.#attempts.size === 0) {', by: 'else {' }],
  },
  {
    name: 'gives-up-with-the-first-failure',
    step: '16.2',
    says: ['the attempts to be'],
    edits: [
      {
        file: addresses,
        replace:
          'if (this.#untried.length > 0) this.#tryNext()\n    else if (this.#attempts.size === 0) {',
        by: '{',
      },
    ],
  },
  {
    name: 'never-gives-up',
    step: '16.2',
    says: ['All attempts have failed'],
    edits: [
      {
        file: addresses,
        replace: 'this.#attempts.delete(attempt)\n    this.#errors.push(error)',
        by: 'this.#errors.push(error)',
      },
    ],
  },

  {
    name: 'tries-again-without-a-session',
    step: '16.3',
    says: ['the server will say the same'],
    edits: [
      {
        file: states,
        replace:
          "case 'greeting':\n      if (event.kind === 'welcomed') return { kind: 'online', sinceMs: event.atMs }\n      if (event.kind === 'error') return endOf(event.code) ?? waiting(0, event.seconds)",
        by: "case 'greeting':\n      if (event.kind === 'welcomed') return { kind: 'online', sinceMs: event.atMs }\n      if (event.kind === 'error') return waiting(0, event.seconds)",
      },
    ],
  },
  {
    name: 'a-session-ends-only-in-the-greeting',
    step: '16.3',
    says: ['reduce(online, error no-session)'],
    edits: [{ file: states, replace: 'return endOf(event.code) ?? state', by: 'return state' }],
  },
  {
    name: 'every-refusal-is-the-end',
    step: '16.3',
    says: ['when to come back'],
    edits: [
      {
        file: states,
        replace: 'return endOf(event.code) ?? waiting(0, event.seconds)',
        by: "return { kind: 'ended', code: 'no-session' }",
      },
    ],
  },
  {
    name: 'an-old-version-tries-forever',
    step: '16.3',
    says: ['unsupported-version'],
    edits: [
      {
        file: states,
        replace: "const isFinal = code === 'no-session' || code === 'unsupported-version'",
        by: "const isFinal = code === 'no-session'",
      },
    ],
  },
  {
    name: 'does-not-wait-as-long-as-it-is-told',
    step: '16.3',
    says: ['seconds, in milliseconds'],
    edits: [{ file: states, replace: 'atLeastMs: seconds * 1_000', by: 'atLeastMs: seconds' }],
  },
  {
    name: 'an-error-is-a-loss',
    step: '16.3',
    says: ['after what it still has to say'],
    edits: [
      {
        file: states,
        replace: 'return endOf(event.code) ?? state',
        by: 'return endOf(event.code) ?? waiting()',
      },
    ],
  },
  {
    name: 'waits-forever-for-a-connection',
    step: '16.3',
    says: ['reduce(connecting, timeUp)', 'a dead peer says nothing'],
    edits: [
      {
        file: states,
        replace: "if (event.kind === 'opened') return { kind: 'greeting' }\n      return hasFailed",
        by: "if (event.kind === 'opened') return { kind: 'greeting' }\n      return event.kind === 'lost'",
      },
    ],
  },
  {
    name: 'forgets-how-long-it-was-welcome',
    step: '16.3',
    says: ['The back-off needs to know for how long'],
    edits: [{ file: states, replace: 'waiting(event.atMs - state.sinceMs)', by: 'waiting()' }],
  },
  {
    name: 'welcome-since-the-clock-began',
    step: '16.3',
    says: ['the time between the welcome and the loss'],
    edits: [
      { file: states, replace: 'waiting(event.atMs - state.sinceMs)', by: 'waiting(event.atMs)' },
    ],
  },
  {
    name: 'a-late-event-is-taken-for-a-new-one',
    step: '16.3',
    says: ['to mean nothing in waiting'],
    edits: [
      {
        file: states,
        replace: "return event.kind === 'timeUp' ? { kind: 'connecting' } : state\n  }",
        by: "return { kind: 'connecting' }\n  }",
      },
    ],
  },
  {
    name: 'a-copy-of-the-same-state',
    step: '16.3',
    says: ['the same object', 'not a copy'],
    edits: [
      {
        file: states,
        replace: "return event.kind === 'start' ? { kind: 'connecting' } : state",
        by: "return event.kind === 'start' ? { kind: 'connecting' } : { ...state }",
      },
    ],
  },
  {
    name: 'rises-from-the-dead',
    step: '16.3',
    says: ['no event leads out of it'],
    edits: [
      {
        file: states,
        replace: "if (state.kind === 'ended') return state",
        by: "if (state.kind === 'ended') return event.kind === 'start' ? { kind: 'connecting' } : state",
      },
    ],
  },
  {
    name: 'connects-again-after-close',
    step: '16.3',
    says: ['We want no connection any more'],
    edits: [
      {
        file: states,
        replace: "if (event.kind === 'close') return { kind: 'ended', code: 'closed' }",
        by: "if (event.kind === 'close') return state.kind === 'waiting' ? state : { kind: 'ended', code: 'closed' }",
      },
    ],
  },

  {
    name: 'live-messages-do-not-wait',
    step: '16.4',
    says: ['Live messages wait for them'],
    edits: [{ file: feed, hole: 'onLive', by: '    this.#tell(message)' }],
  },
  {
    name: 'counts-what-waits',
    step: '16.4',
    says: ['A live message that waits is not told'],
    edits: [
      {
        file: feed,
        replace: 'else this.#waiting.push(message)',
        by: 'else {\n      this.#waiting.push(message)\n      this.#last = message.number\n    }',
      },
    ],
  },
  {
    name: 'what-waited-is-told-on-the-next-connection',
    step: '16.4',
    says: ['What waited on the previous connection'],
    edits: [
      {
        file: feed,
        replace: '    this.#isLive = false\n    this.#waiting.length = 0',
        by: '    this.#isLive = false',
      },
    ],
  },
  {
    name: 'stays-live-when-the-connection-is-lost',
    step: '16.4',
    says: ['Live messages wait for them'],
    edits: [
      {
        file: feed,
        replace: '    this.#isLive = false\n    this.#waiting.length = 0',
        by: '    this.#waiting.length = 0',
      },
    ],
  },
  {
    name: 'tells-pages-and-live-messages-twice',
    step: '16.4',
    says: ['number 10 has arrived twice'],
    edits: [
      {
        file: feed,
        replace: '    if (message.number <= (this.#last ?? 0)) return\n',
        by: '',
      },
    ],
  },
  {
    name: 'one-page-is-enough',
    step: '16.4',
    says: ['The pages have to reach number 9'],
    edits: [
      {
        file: feed,
        replace: 'if (reached < this.#gapEnd) return reached',
        by: 'void reached',
      },
    ],
  },
  {
    name: 'asks-forever',
    step: '16.4',
    says: ['An empty page is the last one'],
    edits: [
      {
        file: feed,
        replace: 'if (reached < this.#gapEnd) return reached',
        by: 'if ((this.#last ?? 0) < this.#gapEnd) return this.#last ?? reached',
      },
    ],
  },
  {
    name: 'one-page-too-many',
    step: '16.4',
    says: ['Pages are needed as long as'],
    edits: [
      {
        file: feed,
        replace: 'if (reached < this.#gapEnd) return reached',
        by: 'if (reached <= this.#gapEnd) return reached',
      },
    ],
  },
  {
    name: 'until-a-page-is-empty',
    step: '16.4',
    says: ['Pages are needed as long as'],
    edits: [
      {
        file: feed,
        replace: 'if (reached < this.#gapEnd) return reached',
        by: 'if (messages.length > 0) return reached',
      },
    ],
  },
  {
    name: 'keeps-quiet-about-what-is-missing',
    step: '16.4',
    says: ['should know that something is missing'],
    edits: [{ file: feed, replace: '    this.#skipTo(message.number)\n', by: '' }],
  },
  {
    name: 'the-end-of-the-gap-stays-open',
    step: '16.4',
    says: ['would not know what it has missed'],
    edits: [{ file: feed, replace: '    this.#skipTo(this.#gapEnd + 1)\n', by: '' }],
  },
  {
    name: 'what-waited-is-told-first',
    step: '16.4',
    says: ['First the page, then what waited'],
    edits: [
      {
        file: feed,
        hole: 'onPage',
        by: `    const reached = messages.at(-1)?.number ?? this.#gapEnd
    if (messages.length === 0 || reached >= this.#gapEnd) {
      for (const message of this.#waiting.splice(0)) this.#tell(message)
    }
    for (const message of messages) this.#tell(message)
    const last = this.#last ?? 0
    if (reached < this.#gapEnd) return reached
    this.#skipTo(this.#gapEnd + 1)
    this.#isLive = true
    return undefined`,
      },
    ],
  },
  {
    name: 'what-waited-is-forgotten',
    step: '16.4',
    says: ['First the page, then what waited'],
    edits: [
      {
        file: feed,
        replace: 'for (const message of this.#waiting.splice(0)) this.#tell(message)',
        by: 'this.#waiting.length = 0',
      },
    ],
  },
  {
    name: 'trusts-old-numbers',
    step: '16.4',
    says: ['that is not the room it knew'],
    edits: [
      {
        file: feed,
        replace:
          'if (this.#last === undefined || this.#last <= joined.last) return this.onPage(joined)\n    this.forget()\n    return Math.max(0, joined.last - FIRST_LOOK)',
        by: 'void FIRST_LOOK\n    return this.onPage(joined)',
      },
    ],
  },
  {
    name: 'shows-a-new-room-from-its-first-message',
    step: '16.4',
    says: ['newest 50'],
    edits: [
      {
        file: feed,
        replace: 'return Math.max(0, joined.last - FIRST_LOOK)',
        by: 'void FIRST_LOOK\n    return 0',
      },
    ],
  },

  {
    name: 'claims-after-the-search',
    step: '16.5',
    says: ['Claim the key before the first await'],
    edits: [
      {
        file: keys,
        hole: 'claim',
        by: `    const scope = JSON.stringify([say.account, say.room, say.key])
    const pending = this.#pending.get(scope)
    if (pending) return repeat(pending.text === say.text ? await pending.outcome : OTHER_TEXT)
    if (this.#isStale(say)) return repeat(STALE_KEY)
    const known = await this.#find(say)
    if (known) return repeat(known.text === say.text ? known : OTHER_TEXT)
    const { promise, resolve } = Promise.withResolvers<SayOutcome>()
    this.#pending.set(scope, { text: say.text, outcome: promise })
    void UNREADABLE
    return {
      kind: 'first',
      settle: (outcome) => {
        this.#pending.delete(scope)
        resolve(outcome)
      },
    }`,
      },
    ],
  },
  {
    name: 'looks-only-at-the-history',
    step: '16.5',
    says: ['must not be appended twice'],
    edits: [
      {
        file: keys,
        replace: 'const pending = this.#pending.get(scope)',
        by: 'const pending = undefined as { text: string; outcome: Promise<SayOutcome> } | undefined',
      },
    ],
  },
  {
    name: 'tells-a-repeat-what-was-found-for-another-text',
    step: '16.5',
    says: ['gets the same answer', 'and not with what was found'],
    edits: [{ file: keys, replace: '      settle(outcome)\n', by: '      settle(known)\n' }],
  },
  {
    name: 'looks-only-at-what-is-pending',
    step: '16.5',
    says: ['it is in the history'],
    edits: [
      {
        file: keys,
        replace: 'const known = await this.#find(say)',
        by: 'const known = await Promise.resolve(undefined as Message | undefined)',
      },
    ],
  },
  {
    name: 'a-claim-is-never-settled',
    step: '16.5',
    says: ['gives the key back'],
    edits: [{ file: keys, replace: '      this.#pending.delete(scope)\n', by: '' }],
  },
  {
    name: 'a-claim-that-was-a-repeat-stays',
    step: '16.5',
    says: ['All of them are settled'],
    edits: [{ file: keys, replace: '      settle(outcome)\n', by: '' }],
  },
  {
    name: 'the-same-key-for-any-text',
    step: '16.5',
    says: ['Which of the two is meant'],
    edits: [
      {
        file: keys,
        replace: 'pending.text === say.text ? await pending.outcome : OTHER_TEXT',
        by: 'await pending.outcome',
      },
    ],
  },
  {
    name: 'the-same-key-for-any-text-later',
    step: '16.5',
    says: ['That key was used for another text'],
    edits: [{ file: keys, replace: 'known.text === say.text ? known : OTHER_TEXT', by: 'known' }],
  },
  {
    name: 'one-key-for-everybody',
    step: '16.5',
    says: ['it is ada’s'],
    edits: [
      {
        file: keys,
        replace: 'other.key === key && message.name.toLowerCase() === account',
        by: 'other.key === key && message.name !== account.toUpperCase()',
      },
    ],
  },
  {
    name: 'names-as-they-are-written',
    step: '16.5',
    says: ['the same in upper and lower case'],
    edits: [
      {
        file: keys,
        replace: 'message.name.toLowerCase() === account',
        by: 'message.name === account',
      },
    ],
  },
  {
    name: 'glues-the-scope',
    step: '16.5',
    says: ['Parts that are glued together'],
    edits: [
      {
        file: keys,
        replace: 'JSON.stringify([say.account, say.room, say.key])',
        by: "[say.account, say.room, say.key].join('.')",
      },
    ],
  },
  {
    name: 'one-read-is-enough',
    step: '16.5',
    says: ['All of them are looked at'],
    edits: [
      {
        file: keys,
        replace: '      if (known) return known.message\n',
        by: '      return known?.message\n',
      },
    ],
  },
  {
    name: 'misses-the-first-above-since',
    step: '16.5',
    says: ['the first and the last of them'],
    edits: [{ file: keys, replace: 'let from = since + 1;', by: 'let from = since + 2;' }],
  },
  {
    name: 'misses-the-last',
    step: '16.5',
    says: ['the first and the last of them'],
    edits: [{ file: keys, replace: 'from <= last;', by: 'from < last;' }],
  },
  {
    name: 'reads-all-of-it-at-once',
    step: '16.5',
    says: ['A repeat could ask for thousands'],
    edits: [
      {
        file: keys,
        replace: 'const to = Math.min(last, from + READ_AT_ONCE - 1)',
        by: 'const to = Math.max(last, 0 * READ_AT_ONCE)',
      },
    ],
  },
  {
    name: 'a-read-for-every-say',
    step: '16.5',
    says: ['it must cost no read'],
    edits: [
      {
        file: keys,
        replace: 'for (let from = since + 1; from <= last;',
        by: 'for (let from = Math.min(since + 1, last); from <= last;',
      },
    ],
  },
  {
    name: 'does-not-know-that-it-cannot-know',
    step: '16.5',
    says: ['There is no point in looking', 'Ask #isStale() before'],
    edits: [
      {
        file: keys,
        replace: 'if (this.#isStale(say)) return repeat(STALE_KEY)\n',
        by: 'void STALE_KEY\n',
      },
    ],
  },
  {
    name: 'an-error-leaves-the-claim',
    step: '16.5',
    says: ['which has failed and will never be appended'],
    edits: [
      {
        file: keys,
        replace: 'settle(isStaleNow ? STALE_KEY : UNREADABLE)\n',
        by: 'void UNREADABLE\n',
      },
    ],
  },

  {
    name: 'a-repeat-with-a-new-since',
    step: '16.6',
    says: ['the key and the since of the first time'],
    edits: [{ file: queue, replace: 'first.since ??= last', by: 'first.since = last' }],
  },
  {
    name: 'all-of-them-in-flight',
    step: '16.6',
    says: ['waits for its answer'],
    edits: [
      {
        file: queue,
        replace: 'if (!first || this.#isInFlight) return undefined',
        by: 'if (!first) return undefined',
      },
    ],
  },
  {
    name: 'since-the-next-number',
    step: '16.6',
    says: ['its number will be above 7'],
    edits: [{ file: queue, replace: 'first.since ??= last', by: 'first.since ??= last + 1' }],
  },
  {
    name: 'the-answer-leaves-the-message',
    step: '16.6',
    says: ['is the next'],
    edits: [
      {
        file: queue,
        replace: 'this.#isInFlight = false\n    this.#sayings.shift()!.result.resolve(said)',
        by: 'this.#isInFlight = false\n    this.#sayings[0].result.resolve(said)',
      },
    ],
  },
  {
    name: 'said-is-still-in-flight',
    step: '16.6',
    says: ['is the next'],
    edits: [
      {
        file: queue,
        replace: 'this.#isInFlight = false\n    this.#sayings.shift()!.result.resolve(said)',
        by: 'this.#sayings.shift()!.result.resolve(said)',
      },
    ],
  },
  {
    name: 'believes-the-error-about-a-repeat',
    step: '16.6',
    says: ['The first time it may have been said'],
    edits: [
      {
        file: queue,
        replace: "error.code === 'internal' || this.#sayings[0].timesSent > 1",
        by: "error.code === 'internal'",
      },
    ],
  },
  {
    name: 'believes-internal',
    step: '16.6',
    says: ['internal leaves it open'],
    edits: [
      {
        file: queue,
        replace: "error.code === 'internal' || this.#sayings[0].timesSent > 1",
        by: 'this.#sayings[0].timesSent > 1',
      },
    ],
  },
  {
    name: 'every-error-is-unknown',
    step: '16.6',
    says: ['It was sent once, and refused'],
    edits: [
      {
        file: queue,
        replace: "error.code === 'internal' || this.#sayings[0].timesSent > 1",
        by: "error.code !== ''",
      },
    ],
  },
  {
    name: 'gives-up-what-was-not-saved',
    step: '16.6',
    says: ['not-saved settles nothing'],
    edits: [{ file: queue, replace: "    if (error.code === 'not-saved') return\n", by: '' }],
  },
  {
    name: 'goes-on-although-nothing-is-saved',
    step: '16.6',
    says: ['until the connection is lost'],
    edits: [
      {
        file: queue,
        replace: "    if (error.code === 'not-saved') return\n",
        by: "    if (error.code === 'not-saved') {\n      this.#isInFlight = false\n      return\n    }\n",
      },
    ],
  },
  {
    name: 'other-data-takes-all',
    step: '16.6',
    says: ['Only a message that was sent is rejected as unknown'],
    edits: [
      {
        file: queue,
        hole: 'forget',
        by: "    while (this.#sayings.length > 0) this.#reject(new ChatError('unknown'))",
      },
    ],
  },
  {
    name: 'other-data-takes-nothing',
    step: '16.6',
    says: ['the server that might know is gone'],
    edits: [{ file: queue, hole: 'forget', by: '' }],
  },
  {
    name: 'does-not-wait-for-the-room',
    step: '16.6',
    says: ['the room is not live'],
    edits: [
      {
        file: room,
        replace: 'this.#feed.isLive ? this.#says.next(this.#feed.last!) : undefined',
        by: 'this.#link ? this.#says.next(this.#feed.last ?? 0) : undefined',
      },
    ],
  },
  {
    name: 'takes-what-it-cannot-send',
    step: '16.6',
    says: ['say() has not settled'],
    edits: [
      {
        file: room,
        replace: 'this.#feed.isLive ? this.#says.next(this.#feed.last!) : undefined',
        by: 'this.#says.next(this.#feed.last ?? 0)',
      },
      { file: room, replace: 'this.#link!.ask(', by: 'this.#link?.ask(' },
    ],
  },
  {
    name: 'one-say-and-no-more',
    step: '16.6',
    says: ['say() has not settled'],
    edits: [
      {
        file: room,
        replace: '          this.#says.onSaid(said as Message & Said)\n          this.#sayNext()',
        by: '          this.#says.onSaid(said as Message & Said)',
      },
    ],
  },
  {
    name: 'stops-at-a-refusal',
    step: '16.6',
    says: ['say() has not settled'],
    edits: [
      {
        file: room,
        replace: '          this.#says.onError(error)\n          this.#sayNext()',
        by: '          this.#says.onError(error)',
      },
    ],
  },
  {
    name: 'without-a-key',
    step: '16.6',
    says: ['without a key'],
    edits: [
      {
        file: room,
        replace: "{ type: 'say', room: this.name, ...request }",
        by: "{ type: 'say', room: this.name, text: request.text }",
      },
    ],
  },
  {
    name: 'a-key-is-the-same-in-every-room',
    step: '16.5',
    says: ['made of account, room and key'],
    edits: [
      {
        file: 'say-keys.ts',
        replace: '[say.account, say.room, say.key]',
        by: '[say.account, say.key]',
      },
    ],
  },
  {
    name: 'another-since-is-another-message',
    step: '16.5',
    says: ['text and since do not'],
    edits: [
      {
        file: 'say-keys.ts',
        replace: '[say.account, say.room, say.key]',
        by: '[say.account, say.room, say.key, say.since]',
      },
    ],
  },
  {
    name: 'too-old-before-it-is-pending',
    step: '16.5',
    says: ['before anything about the history'],
    edits: [
      {
        file: 'say-keys.ts',
        replace: '    if (this.#isStale(say)) return repeat(STALE_KEY)\n',
        by: '',
      },
      {
        file: 'say-keys.ts',
        replace: '    const pending = this.#pending.get(scope)\n',
        by: `    if (this.#isStale(say)) return repeat(STALE_KEY)
    const pending = this.#pending.get(scope)\n`,
      },
    ],
  },
  {
    name: 'what-is-found-is-told-to-one',
    step: '16.5',
    says: ['The second waits for the first'],
    edits: [
      {
        file: 'say-keys.ts',
        replace: '      settle(outcome)\n',
        by: '      this.#pending.delete(scope)\n',
      },
    ],
  },
  {
    name: 'one-message-between-two-pages',
    step: '16.5',
    says: ['the next one begins at'],
    edits: [
      {
        file: 'say-keys.ts',
        replace: 'from += READ_AT_ONCE) {',
        by: 'from += READ_AT_ONCE + 1) {',
      },
    ],
  },
  {
    name: 'all-pages-at-once',
    step: '16.5',
    says: ['Wait for a page'],
    edits: [
      {
        file: 'say-keys.ts',
        hole: '#find',
        by: `    const { last } = this.#history.range(room)
    const pages: ReturnType<KeyedHistory['read']>[] = []
    for (let from = since + 1; from <= last; from += READ_AT_ONCE) {
      pages.push(this.#history.read(room, from, Math.min(last, from + READ_AT_ONCE - 1)))
    }
    const saved = (await Promise.all(pages)).flat()
    return saved.find(
      ({ message, ...other }) => other.key === key && message.name.toLowerCase() === account,
    )?.message`,
      },
    ],
  },
  {
    name: 'random-numbers-of-its-own',
    step: '16.1',
    says: ['The same random numbers gave different waits'],
    edits: [
      {
        file: backoff,
        replace: 'return this.#random() * boundMs',
        by: 'return Math.random() * boundMs + 0 * this.#random()',
      },
    ],
  },
  {
    name: 'the-winner-ends-nothing',
    step: '16.2',
    says: ['nothing has stopped the timer'],
    edits: [
      {
        file: addresses,
        replace: '    this.#end()\n    this.#result.resolve(connection)',
        by: '    this.#result.resolve(connection)',
      },
    ],
  },
  {
    name: 'a-timer-behind-the-last-address',
    step: '16.2',
    says: ['only while an untried address waits'],
    edits: [
      {
        file: addresses,
        hole: '#tryNext',
        by: `    const address = this.#untried.shift()
    if (!address) return
    const attempt = new AbortController()
    this.#attempts.add(attempt)
    this.#turn = this.#timers.after(ATTEMPT_DELAY_MS, () => this.#tryNext())
    this.#dial(address, attempt.signal).then(
      (connection) => this.#connected(connection, attempt),
      (error) => this.#failed(error, attempt),
    )`,
      },
      {
        file: addresses,
        replace:
          '    this.#timers.cancel(this.#turn)\n    if (this.#untried.length > 0) this.#tryNext()\n    else if',
        by: `    if (this.#untried.length > 0) {
      this.#timers.cancel(this.#turn)
      this.#tryNext()
    } else if`,
      },
    ],
  },
  {
    name: 'the-gap-of-the-room-before',
    step: '16.4',
    says: ['The gap ends at joined.last after every join'],
    edits: [
      {
        file: feed,
        hole: 'onJoined',
        by: `    if (this.#last !== undefined && joined.last < this.#last) {
      this.forget()
      return Math.max(0, joined.last - FIRST_LOOK)
    }
    this.#gapEnd = joined.last
    return this.onPage(joined)`,
      },
    ],
  },
  {
    name: 'compares-with-the-gap-before',
    step: '16.4',
    says: ['not on an older gap'],
    edits: [
      {
        file: feed,
        hole: 'onJoined',
        by: `    const isOther = this.#last !== undefined && joined.last < this.#gapEnd
    this.#gapEnd = joined.last
    if (!isOther) return this.onPage(joined)
    this.forget()
    return Math.max(0, joined.last - FIRST_LOOK)`,
      },
    ],
  },
  {
    name: 'nothing-missed-is-live-at-once',
    step: '16.4',
    says: ['Number 3 arrived before the answer to the join', 'also when no page was needed'],
    edits: [
      {
        file: feed,
        hole: 'onJoined',
        by: `    this.#gapEnd = joined.last
    if (joined.last === this.#last) {
      this.#isLive = true
      return undefined
    }
    if (this.#last === undefined || this.#last < joined.last) return this.onPage(joined)
    this.forget()
    return Math.max(0, joined.last - FIRST_LOOK)`,
      },
    ],
  },
  {
    name: 'is-never-live',
    step: '16.4',
    says: ['so the feed is live'],
    edits: [{ file: feed, replace: '    this.#isLive = true\n', by: '' }],
  },
  {
    name: 'the-same-last-number-is-another-room',
    step: '16.4',
    says: ['this is the room we know'],
    edits: [{ file: feed, replace: 'this.#last <= joined.last', by: 'this.#last < joined.last' }],
  },
  {
    name: 'the-end-of-the-gap-is-not-missed',
    step: '16.4',
    says: ['is missed, too: #gapEnd + 1'],
    edits: [
      { file: feed, replace: 'this.#skipTo(this.#gapEnd + 1)', by: 'this.#skipTo(this.#gapEnd)' },
    ],
  },
  {
    name: 'begins-anew-and-does-not-forget',
    step: '16.4',
    says: ['mean nothing in this one: call forget()'],
    edits: [
      {
        file: feed,
        replace: '    this.forget()\n    return Math.max(',
        by: '    return Math.max(',
      },
    ],
  },
  {
    name: 'glues-the-scope-with-a-dash',
    step: '16.5',
    says: ['Parts that are glued together'],
    edits: [
      {
        file: keys,
        replace: 'JSON.stringify([say.account, say.room, say.key])',
        by: "[say.account, say.room, say.key].join('-')",
      },
    ],
  },
  {
    name: 'glues-the-scope-with-nothing',
    step: '16.5',
    says: ['nobody can see afterwards'],
    edits: [
      {
        file: keys,
        replace: 'JSON.stringify([say.account, say.room, say.key])',
        by: 'say.key + say.room + say.account',
      },
    ],
  },
  {
    name: 'a-claim-for-all-accounts',
    step: '16.5',
    says: ['This is bob’s'],
    edits: [{ file: keys, replace: '[say.account, say.room, say.key]', by: '[say.room, say.key]' }],
  },
  {
    name: 'does-not-wait-for-the-search',
    step: '16.5',
    says: ['a promise is no message'],
    edits: [
      {
        file: keys,
        replace: 'const known = await this.#find(say)',
        by: 'const known = this.#find(say) as unknown as Message',
      },
    ],
  },
  {
    name: 'begins-at-since',
    step: '16.5',
    says: ['The first that matters is since + 1'],
    edits: [{ file: keys, replace: 'let from = since + 1;', by: 'let from = since;' }],
  },
  {
    name: 'an-await-before-the-claim',
    step: '16.5',
    says: ['no await between them'],
    edits: [
      {
        file: keys,
        replace: '    if (this.#isStale(say)) return repeat(STALE_KEY)\n',
        by: '    await undefined\n    if (this.#isStale(say)) return repeat(STALE_KEY)\n',
      },
    ],
  },
  {
    name: 'says-as-soon-as-a-number-is-known',
    step: '16.6',
    says: ['the room is not live'],
    edits: [
      {
        file: room,
        replace: 'this.#feed.isLive ? this.#says.next(this.#feed.last!) : undefined',
        by: 'this.#link && this.#feed.last !== undefined ? this.#says.next(this.#feed.last) : undefined',
      },
    ],
  },
  {
    name: 'says-without-a-room',
    step: '16.6',
    says: ['without a room'],
    edits: [
      {
        file: room,
        replace: "{ type: 'say', room: this.name, ...request }",
        by: "{ type: 'say', ...request }",
      },
    ],
  },
  {
    name: 'says-without-since',
    step: '16.6',
    says: ['as it is: a text, a key'],
    edits: [
      {
        file: room,
        replace: "{ type: 'say', room: this.name, ...request }",
        by: "{ type: 'say', room: this.name, text: request.text, key: request.key }",
      },
    ],
  },
  {
    name: 'the-queue-hears-of-no-error',
    step: '16.6',
    says: ['the queue was not told'],
    edits: [
      {
        file: room,
        replace: '          this.#says.onError(error)\n          this.#sayNext()',
        by: '          void error',
      },
    ],
  },
  {
    name: 'a-new-error-with-the-same-code',
    step: '16.6',
    says: ['not with a new one of the same code'],
    edits: [
      {
        file: queue,
        replace: "this.#reject(isUnsure ? new ChatError('unknown') : error)",
        by: "this.#reject(new ChatError(isUnsure ? 'unknown' : error.code))",
      },
    ],
  },
  {
    name: 'refuses-what-is-stale-behind-its-claim',
    step: '16.5',
    says: ['before the claim, or settle the claim'],
    edits: [
      {
        file: keys,
        replace: '    if (this.#isStale(say)) return repeat(STALE_KEY)\n',
        by: '',
      },
      {
        file: keys,
        replace: '    const settle =',
        by: '    if (this.#isStale(say)) return repeat(STALE_KEY)\n    const settle =',
      },
    ],
  },
  {
    name: 'since-0-is-none',
    step: '16.6',
    says: ['0 is a number like any other'],
    edits: [{ file: queue, replace: 'first.since ??= last', by: 'first.since ||= last' }],
  },
  {
    name: 'resolves-without-the-time',
    step: '16.6',
    says: ['without `at`'],
    edits: [
      {
        file: room,
        replace: 'this.#says.onSaid(said as Message & Said)',
        by: 'this.#says.onSaid({ number: said.number } as Said)',
      },
    ],
  },
  {
    name: 'an-error-leaves-it-in-flight',
    step: '16.6',
    says: ['Nothing is in flight'],
    edits: [
      {
        file: queue,
        hole: 'onError',
        by: `    if (error.code === 'not-saved') return
    const { timesSent, result } = this.#sayings.shift()!
    const isUnsure = error.code === 'internal' || timesSent > 1
    result.reject(isUnsure ? new ChatError('unknown') : error)`,
      },
    ],
  },
  {
    name: 'an-empty-room-was-not-known',
    step: '16.4',
    says: ['0 is a number that is known'],
    edits: [
      {
        file: feed,
        replace: '    this.#skipTo(message.number)\n',
        by: '    if (this.#last) this.#skipTo(message.number)\n',
      },
    ],
  },
  {
    name: 'a-short-page-is-the-last',
    step: '16.4',
    says: ['However short a page is'],
    edits: [
      {
        file: feed,
        replace: 'if (reached < this.#gapEnd) return reached',
        by: 'if (reached < this.#gapEnd && messages.length > 1) return reached',
      },
    ],
  },
  {
    name: 'a-key-in-lower-case',
    step: '16.5',
    says: ['Keys are not'],
    edits: [
      {
        file: keys,
        replace: 'JSON.stringify([say.account, say.room, say.key])',
        by: 'JSON.stringify([say.account, say.room, say.key.toLowerCase()])',
      },
    ],
  },
  {
    name: 'finds-a-key-in-lower-case',
    step: '16.5',
    says: ['Keys are not'],
    edits: [
      {
        file: keys,
        replace: 'other.key === key',
        by: 'other.key?.toLowerCase() === key.toLowerCase()',
      },
    ],
  },
  {
    name: 'a-say-without-its-type',
    step: '16.6',
    says: ['has its type'],
    edits: [
      {
        file: room,
        replace: "{ type: 'say', room: this.name, ...request }",
        by: '{ room: this.name, ...request } as unknown as Message',
      },
    ],
  },
  {
    name: 'ten-seconds-for-everybody',
    step: '16.1',
    says: ['how long a connection has to last'],
    edits: [
      { file: backoff, replace: 'welcomeMs >= this.#limits.provenMs', by: 'welcomeMs >= 10_000' },
    ],
  },
  {
    name: 'five-doublings-for-everybody',
    step: '16.1',
    says: ['begins and where it stops'],
    edits: [{ file: backoff, replace: '2 ** this.#waits', by: '2 ** Math.min(5, this.#waits)' }],
  },
  {
    name: 'draws-once-for-all-waits',
    step: '16.1',
    says: ['Each wait is drawn anew'],
    edits: [
      {
        file: backoff,
        replace: '  #waits = 0\n',
        by: '  #waits = 0\n  #luck: number | undefined\n',
      },
      {
        file: backoff,
        replace: 'return this.#random() * boundMs',
        by: 'this.#luck ??= this.#random()\n    return this.#luck * boundMs',
      },
    ],
  },
  {
    name: 'every-turn-is-longer',
    step: '16.2',
    says: ['250 ms after the one before'],
    edits: [
      {
        file: addresses,
        replace: 'this.#timers.after(ATTEMPT_DELAY_MS,',
        by: 'this.#timers.after(ATTEMPT_DELAY_MS * Math.max(1, this.#attempts.size - 1),',
      },
    ],
  },
  {
    name: 'no-turn-behind-two-failures',
    step: '16.2',
    says: ['However many have failed'],
    edits: [
      {
        file: addresses,
        replace: 'if (this.#untried.length > 0) {',
        by: 'if (this.#untried.length > 0 && this.#errors.length < 2) {',
      },
    ],
  },
  {
    name: 'two-clients-one-clock',
    step: '16.3',
    says: ['Another client was welcomed meanwhile'],
    edits: [
      {
        file: states,
        replace: '/** @answer 16.3 */\nfunction endOf',
        by: 'let since = 0\n\n/** @answer 16.3 */\nfunction endOf',
      },
      {
        file: states,
        replace: "return { kind: 'online', sinceMs: event.atMs }",
        by: "return { kind: 'online', sinceMs: (since = event.atMs) }",
      },
      { file: states, replace: 'event.atMs - state.sinceMs', by: 'event.atMs - since' },
    ],
  },
  {
    name: 'one-waiting-for-all',
    step: '16.3',
    says: ['Each client has a state of its own'],
    edits: [
      {
        file: states,
        replace: '/** @answer 16.3 */\nfunction waiting',
        by: "const WAITING = { kind: 'waiting' as const, atLeastMs: 0, welcomeMs: 0 }\n\n/** @answer 16.3 */\nfunction waiting",
      },
      {
        file: states,
        replace: "return { kind: 'waiting', atLeastMs: seconds * 1_000, welcomeMs }",
        by: 'return Object.assign(WAITING, { atLeastMs: seconds * 1_000, welcomeMs })',
      },
    ],
  },
  {
    name: 'waits-although-it-is-online',
    step: '16.3',
    says: ['A client that was too fast slows down, and stays'],
    edits: [
      {
        file: states,
        replace: "if (event.kind === 'error') return endOf(event.code) ?? state\n",
        by: "if (event.kind === 'error') {\n        return endOf(event.code) ?? (event.seconds ? waiting(0, event.seconds) : state)\n      }\n",
      },
    ],
  },
  {
    name: 'half-a-minute-at-most',
    step: '16.3',
    says: ['An hour is an hour'],
    edits: [{ file: states, replace: 'seconds * 1_000', by: 'Math.min(30, seconds) * 1_000' }],
  },
  {
    name: 'any-no-is-the-end',
    step: '16.3',
    says: ['Compare the whole code'],
    edits: [
      {
        file: states,
        replace:
          "const isFinal = code === 'no-session' || code === 'unsupported-version'\n  return isFinal ? { kind: 'ended', code } : undefined",
        by: "const isFinal = /^(no|unsupported)/.test(code)\n  return isFinal ? { kind: 'ended', code: code as 'no-session' } : undefined",
      },
    ],
  },
  {
    name: 'what-was-asked-for-was-told',
    step: '16.4',
    says: ['on the next connection this is a first look'],
    edits: [
      {
        file: feed,
        replace: 'return Math.max(0, joined.last - FIRST_LOOK)',
        by: 'this.#last = Math.max(0, joined.last - FIRST_LOOK)\n    return this.#last',
      },
    ],
  },
  {
    name: 'misses-what-was-there-before-it-came',
    step: '16.4',
    says: ['On a first look nobody has missed anything'],
    edits: [
      {
        file: feed,
        replace: '    this.#skipTo(this.#gapEnd + 1)\n',
        by: '    this.#last ??= 0\n    this.#skipTo(this.#gapEnd + 1)\n',
      },
    ],
  },
  {
    name: 'misses-nothing-live',
    step: '16.4',
    says: ['number 32 has never arrived'],
    edits: [
      {
        file: feed,
        replace: '    for (const message of messages) this.#tell(message)\n    const',
        by: '    for (const message of messages) {\n      if (message.number > (this.#last ?? 0)) this.#skipTo(message.number)\n      this.#tell(message)\n    }\n    const',
      },
      {
        file: feed,
        replace: '    this.#skipTo(message.number)\n    this.#last = ',
        by: '    this.#last = ',
      },
    ],
  },
  {
    name: 'fifty-may-wait',
    step: '16.4',
    says: ['"1 to 53"', 'all of them wait'],
    edits: [
      {
        file: feed,
        replace: 'else this.#waiting.push(message)',
        by: 'else if (this.#waiting.length < FIRST_LOOK) this.#waiting.push(message)',
      },
    ],
  },
  {
    name: 'an-error-that-nobody-catches',
    step: '16.5',
    says: ['nobody has caught Error: EIO'],
    edits: [
      {
        file: keys,
        replace: 'return repeat(pending.text === say.text ? await pending.outcome : OTHER_TEXT)',
        by: 'return repeat(\n        pending.text === say.text ? await pending.outcome.catch(() => UNREADABLE) : OTHER_TEXT,\n      )',
      },
      {
        file: keys,
        replace: 'const { promise, resolve } = Promise',
        by: 'const { promise, resolve, reject } = Promise',
      },
      {
        file: keys,
        replace: '      settle(isStaleNow ? STALE_KEY : UNREADABLE)\n',
        by: '      if (isStaleNow) settle(STALE_KEY)\n      this.#pending.delete(scope)\n      reject(error)\n',
      },
    ],
  },
  {
    name: 'remembers-every-key',
    step: '16.5',
    says: ['a table of what was settled would grow forever'],
    edits: [
      {
        file: keys,
        replace: '    if (this.#isStale(say))',
        by: '    const known = this.#settled.get(scope)\n    if (known) return repeat(known.text === say.text ? known : OTHER_TEXT)\n    if (this.#isStale(say))',
      },
      {
        file: keys,
        replace: '      resolve(outcome)\n',
        by: "      if ('number' in outcome) this.#settled.set(scope, outcome)\n      resolve(outcome)\n",
      },
      {
        file: keys,
        replace: '  /** What was claimed and is',
        by: '  readonly #settled = new Map<string, Message>()\n  /** What was claimed and is',
      },
    ],
  },
  {
    name: 'settles-everybody-s-claims',
    step: '16.5',
    says: ['Request 1 is settled, and request 2 is not'],
    edits: [{ file: keys, replace: 'this.#pending.delete(scope)', by: 'this.#pending.clear()' }],
  },
  {
    name: 'a-part-of-the-name-is-enough',
    step: '16.5',
    says: ['Compare the whole name'],
    edits: [
      {
        file: keys,
        replace: 'message.name.toLowerCase() === account',
        by: 'message.name.toLowerCase().startsWith(account)',
      },
    ],
  },
  {
    name: 'nearly-the-same-text',
    step: '16.5',
    says: ['character for character'],
    edits: [
      {
        file: keys,
        replace: 'known.text === say.text ?',
        by: 'known.text.trim() === say.text.trim() ?',
      },
    ],
  },
  {
    name: 'looks-at-the-newest-thousand',
    step: '16.5',
    says: ['the oldest of those MAX_SEARCH messages'],
    edits: [
      {
        file: keys,
        replace: 'let from = since + 1;',
        by: 'let from = Math.max(since + 1, last - 1_000);',
      },
    ],
  },
  {
    name: 'believes-bad-request-about-a-repeat',
    step: '16.6',
    says: ['whatever its code'],
    edits: [
      {
        file: queue,
        replace: 'this.#sayings[0].timesSent > 1\n',
        by: "(this.#sayings[0].timesSent > 1 && error.code !== 'bad-request')\n",
      },
    ],
  },
  {
    name: 'gives-up-a-repeat-that-was-not-saved',
    step: '16.6',
    says: ['check for not-saved first'],
    edits: [
      {
        file: queue,
        hole: 'onError',
        by: `    if (this.#sayings[0].timesSent > 1) return this.#reject(new ChatError('unknown'))
    if (error.code === 'not-saved') return
    this.#reject(error.code === 'internal' ? new ChatError('unknown') : error)`,
      },
    ],
  },
  {
    name: 'not-saved-is-not-sent',
    step: '16.6',
    says: ['still counts as sent'],
    edits: [
      {
        file: queue,
        replace: "if (error.code === 'not-saved') return\n",
        by: "if (error.code === 'not-saved') {\n      this.#sayings[0].timesSent -= 1\n      return\n    }\n",
      },
    ],
  },
  {
    name: 'since-0-was-never-sent',
    step: '16.6',
    says: ['timesSent says whether it was sent'],
    edits: [
      {
        file: queue,
        replace: 'this.#sayings[0]?.timesSent > 0',
        by: '(this.#sayings[0]?.since ?? 0) > 0',
      },
    ],
  },
  {
    name: 'a-clock-of-its-own',
    step: '16.6',
    says: ['by its clock'],
    edits: [
      {
        file: queue,
        replace: 'result.resolve(said)',
        by: 'result.resolve({ number: said.number, at: 0 })',
      },
    ],
  },
  {
    name: 'only-the-first-loser-is-closed',
    step: '16.2',
    says: ['Two were aborted too late'],
    edits: [
      {
        file: addresses,
        replace: '  #isOver = false\n',
        by: '  #isOver = false\n  #hasClosed = false\n',
      },
      {
        file: addresses,
        replace: 'if (this.#isOver) return connection.close()',
        by: 'if (this.#isOver) {\n      if (!this.#hasClosed) connection.close()\n      this.#hasClosed = true\n      return\n    }',
      },
    ],
  },
  {
    name: 'an-old-version-is-the-end-anywhere',
    step: '16.3',
    says: ['unsupported-version to mean nothing in idle'],
    edits: [
      {
        file: states,
        replace: '  const hasFailed',
        by: "  if (event.kind === 'error' && event.code === 'unsupported-version') {\n    return { kind: 'ended', code: event.code }\n  }\n  const hasFailed",
      },
    ],
  },
  {
    name: 'only-try-later-says-when',
    step: '16.3',
    says: ['The seconds count, whatever the code is'],
    edits: [
      {
        file: states,
        replace: 'waiting(0, event.seconds)',
        by: "waiting(0, event.code === 'try-later' ? event.seconds : 0)",
      },
    ],
  },
  {
    name: 'the-first-with-that-key-decides',
    step: '16.5',
    says: ['That one is not ada’s'],
    edits: [
      {
        file: keys,
        hole: '#find',
        by: `    const { last } = this.#history.range(room)
    for (let from = since + 1; from <= last; from += READ_AT_ONCE) {
      const to = Math.min(last, from + READ_AT_ONCE - 1)
      const saved = await this.#history.read(room, from, to)
      const known = saved.find((other) => other.key === key)
      if (known?.message.name.toLowerCase() === account) return known.message
    }
    return undefined`,
      },
    ],
  },
  {
    name: 'the-third-time-is-the-first',
    step: '16.6',
    says: ['whatever its code'],
    edits: [{ file: queue, replace: 'timesSent > 1\n', by: 'timesSent === 2\n' }],
  },
  {
    name: 'a-count-for-all-clients',
    step: '16.1',
    says: ['belongs to one client'],
    edits: [
      {
        file: backoff,
        replace: 'export class Backoff {',
        by: 'let waits = 0\n\nexport class Backoff {',
      },
      { file: backoff, replace: '** this.#waits', by: '** waits' },
      { file: backoff, replace: 'this.#waits += 1', by: 'waits += 1' },
      { file: backoff, replace: 'provenMs) this.#waits = 0', by: 'provenMs) waits = this.#waits' },
    ],
  },
  {
    name: 'exactly-enough-is-not-enough',
    step: '16.1',
    says: ['From provenMs on (>=)'],
    edits: [{ file: backoff, replace: 'welcomeMs >= this', by: 'welcomeMs > this' }],
  },
  {
    name: 'sorts-the-list-of-the-caller',
    step: '16.2',
    says: ['belongs to the caller'],
    edits: [
      {
        file: addresses,
        replace:
          '  const leading = addresses.filter(({ family }) => family === addresses[0].family)\n  const others = addresses.filter(({ family }) => family !== addresses[0].family)',
        by: '  const first = addresses[0]?.family\n  ;(addresses as Address[]).sort((a, b) => Number(b.family === first) - Number(a.family === first))\n  const leading = addresses.filter(({ family }) => family === first)\n  const others = addresses.filter(({ family }) => family !== first)',
      },
    ],
  },
  {
    name: 'what-waited-is-told-backwards',
    step: '16.4',
    says: ['in the order of its arrival'],
    edits: [
      {
        file: feed,
        replace: 'of this.#waiting.splice(0))',
        by: 'of this.#waiting.splice(0).reverse())',
      },
    ],
  },
  {
    name: 'one-list-for-all-rooms',
    step: '16.4',
    says: ['Number 7 is of hall'],
    edits: [
      {
        file: feed,
        replace: '#waiting: RoomMessage[] = []',
        by: '#waiting: RoomMessage[] = WAITING',
      },
      {
        file: feed,
        replace: 'export class RoomFeed',
        by: 'const WAITING: RoomMessage[] = []\n\nexport class RoomFeed',
      },
    ],
  },
  {
    name: 'one-live-for-all-rooms',
    step: '16.4',
    says: ['Each feed has numbers and waiting messages of its own'],
    edits: [
      {
        file: feed,
        replace: 'export class RoomFeed',
        by: 'let live = false\n\nexport class RoomFeed',
      },
      { file: feed, replace: 'this.#isLive = true', by: 'live = true\n    this.#isLive = true' },
      { file: feed, replace: 'this.#isLive = false', by: 'live = false\n    this.#isLive = false' },
      { file: feed, replace: 'if (this.#isLive) this.#tell', by: 'if (live) this.#tell' },
    ],
  },
  {
    name: 'a-short-page-ends-the-gap',
    step: '16.4',
    says: ['a short page is not the last one'],
    edits: [
      {
        file: feed,
        replace: '    if (reached < this.#gapEnd) return reached\n',
        by: '    if (messages.length > 0 && messages.length < FIRST_LOOK) this.#skipTo(this.#gapEnd + 1)\n    if (reached < this.#gapEnd) return reached\n',
      },
    ],
  },
  {
    name: 'an-error-is-an-error',
    step: '16.5',
    says: ['removed during the search'],
    edits: [
      {
        file: keys,
        replace: 'const isStaleNow = this.#isStale(say)',
        by: 'const isStaleNow = false',
      },
    ],
  },
  {
    name: 'tells-the-repeats-it-cannot-be-read',
    step: '16.5',
    says: ['gets the same outcome'],
    edits: [
      {
        file: keys,
        replace: 'settle(isStaleNow ? STALE_KEY : UNREADABLE)',
        by: 'settle(UNREADABLE)',
      },
    ],
  },
  {
    name: 'every-failed-search-is-stale',
    step: '16.5',
    says: ['claim() has to reject'],
    edits: [
      {
        file: keys,
        replace: 'const isStaleNow = this.#isStale(say)',
        by: 'const isStaleNow = Boolean(error)',
      },
    ],
  },
  {
    name: 'one-since-for-ever',
    step: '16.6',
    says: ['as it is now: not an older one'],
    edits: [
      {
        file: room,
        replace: '  #isOver = false\n',
        by: '  #isOver = false\n  #since: number | undefined\n',
      },
      {
        file: room,
        replace: 'this.#says.next(this.#feed.last!)',
        by: 'this.#says.next((this.#since ??= this.#feed.last!))',
      },
    ],
  },
  {
    name: 'one-since-per-connection',
    step: '16.6',
    says: ['as it is now: not an older one'],
    edits: [
      {
        file: room,
        replace: '  #isOver = false\n',
        by: '  #isOver = false\n  #since: number | undefined\n',
      },
      {
        file: room,
        replace: 'this.#says.next(this.#feed.last!)',
        by: 'this.#says.next((this.#since ??= this.#feed.last!))',
      },
      {
        file: room,
        replace: '    this.#says.onLost()\n',
        by: '    this.#says.onLost()\n    this.#since = undefined\n',
      },
    ],
  },
  {
    name: 'since-below-all-that-waits',
    step: '16.6',
    says: ['as it is now: not an older one'],
    edits: [
      {
        file: room,
        replace: 'this.#says.next(this.#feed.last!)',
        by: 'this.#says.next(Math.max(0, this.#feed.last! - this.#says.size + 1))',
      },
    ],
  },
  {
    name: 'since-before-the-first',
    step: '16.6',
    says: ['with since -1'],
    edits: [
      {
        file: room,
        replace: 'this.#says.next(this.#feed.last!)',
        by: 'this.#says.next(this.#feed.last! - 1)',
      },
    ],
  },
  {
    name: 'asking-counts-as-sending',
    step: '16.6',
    says: ['Count a sending only where'],
    edits: [
      {
        file: queue,
        hole: 'next',
        by: `    const first = this.#sayings.at(0)
    if (!first) return undefined
    first.timesSent += 1
    if (this.#isInFlight) return undefined
    this.#isInFlight = true
    first.since ??= last
    return { text: first.text, key: first.key, since: first.since }`,
      },
    ],
  },
  {
    name: 'a-stale-first-is-unknown',
    step: '16.6',
    says: ['leave open'],
    edits: [
      {
        file: queue,
        replace: "error.code === 'internal' ||",
        by: "error.code === 'internal' || error.code === 'stale-key' ||",
      },
    ],
  },
  {
    name: 'said-by-the-clock-of-the-client',
    step: '16.6',
    says: ['a time that is not the server’s'],
    edits: [
      {
        file: room,
        replace: 'this.#says.onSaid(said as Message & Said)',
        by: 'this.#says.onSaid({ number: said.number, at: Date.now() })',
      },
    ],
  },
  {
    name: 'sends-the-whole-saying',
    step: '16.6',
    says: ['Only text, key and since'],
    edits: [
      {
        file: queue,
        replace: 'return { text: first.text, key: first.key, since: first.since }',
        by: 'return { ...first, since: first.since }',
      },
    ],
  },
  {
    name: 'never-counts-a-sending',
    step: '16.6',
    says: ['next() counts in timesSent'],
    edits: [{ file: queue, replace: '    first.timesSent += 1\n', by: '' }],
  },
  {
    name: 'a-repeat-is-not-in-flight',
    step: '16.6',
    says: ['A repeat is in flight, too'],
    edits: [
      {
        file: queue,
        replace: '    this.#isInFlight = true\n    first.timesSent += 1',
        by: '    if (first.timesSent === 0) this.#isInFlight = true\n    first.timesSent += 1',
      },
    ],
  },
  {
    name: 'the-next-before-the-answer-is-told',
    step: '16.6',
    says: ['after the queue was told of an answer'],
    edits: [
      {
        file: room,
        replace: '          this.#says.onSaid(said as Message & Said)\n          this.#sayNext()',
        by: '          this.#sayNext()\n          this.#says.onSaid(said as Message & Said)',
      },
    ],
  },
  {
    name: 'whole-seconds-only',
    step: '16.3',
    says: ['0.5 seconds to be 500 ms or more', 'without rounding them down'],
    edits: [
      {
        file: states,
        replace: 'atLeastMs: seconds * 1_000',
        by: 'atLeastMs: Math.floor(seconds) * 1_000',
      },
    ],
  },
  {
    name: 'an-hour-is-enough',
    step: '16.3',
    says: ['A day is a day', 'however many they are'],
    edits: [
      {
        file: states,
        replace: 'atLeastMs: seconds * 1_000',
        by: 'atLeastMs: Math.min(seconds, 3_600) * 1_000',
      },
    ],
  },
  {
    name: 'looks-codes-up-in-an-object',
    step: '16.3',
    says: ['reduce(greeting, error constructor)', 'Every object has more names'],
    edits: [
      {
        file: states,
        replace: "const isFinal = code === 'no-session' || code === 'unsupported-version'",
        by: "const isFinal = code in { 'no-session': 1, 'unsupported-version': 1 }",
      },
      {
        file: states,
        replace: "{ kind: 'ended', code }",
        by: "{ kind: 'ended', code: code as EndCode }",
      },
    ],
  },
  {
    name: 'reads-a-page-ahead',
    step: '16.5',
    says: ['every error to be caught', 'Read a page only when the one before it'],
    edits: [
      {
        file: keys,
        hole: '#find',
        by: `const { last } = this.#history.range(room)
    const readFrom = (from: number) =>
      from > last
        ? undefined
        : this.#history.read(room, from, Math.min(last, from + READ_AT_ONCE - 1))
    let next = readFrom(since + 1)
    for (let from = since + 1 + READ_AT_ONCE; next; from += READ_AT_ONCE) {
      const saved = await next
      next = readFrom(from)
      const known = saved.find(
        ({ message, ...other }) => other.key === key && message.name.toLowerCase() === account,
      )
      if (known) return known.message
    }
    return undefined`,
      },
    ],
  },
  {
    name: 'follows-the-room-that-grows',
    step: '16.5',
    says: ['no more than MAX_SEARCH messages to be read', 'Ask range() once'],
    edits: [
      {
        file: keys,
        replace: `    const { last } = this.#history.range(room)
    for (let from = since + 1; from <= last; from += READ_AT_ONCE) {`,
        by: `    let { last } = this.#history.range(room)
    for (let from = since + 1; from <= last; from += READ_AT_ONCE, last = this.#history.range(room).last) {`,
      },
    ],
  },
  {
    name: 'dials-a-step-later',
    step: '16.2',
    says: ['the attempts that are still under way', 'Dial at once'],
    edits: [
      {
        file: addresses,
        replace: '    this.#dial(address, attempt.signal).then(',
        by: '    Promise.resolve().then(() => this.#dial(address, attempt.signal)).then(',
      },
    ],
  },
  {
    name: 'goes-on-behind-what-was-removed',
    step: '16.5',
    says: ['to be "stale-key"', 'not all of them had been read', '#isStale() says why'],
    edits: [
      {
        file: keys,
        replace: `    for (let from = since + 1; from <= last; from += READ_AT_ONCE) {
      const to = Math.min(last, from + READ_AT_ONCE - 1)`,
        by: `    for (let to = since; to < last; ) {
      const from = Math.max(to + 1, this.#history.range(room).first)
      to = Math.min(last, from + READ_AT_ONCE - 1)`,
      },
    ],
  },
]
