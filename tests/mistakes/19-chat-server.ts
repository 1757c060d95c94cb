import type { Mistake } from './mistake.ts'

const doors = 'doors.ts'
const web = 'web.ts'
const drain = 'drain.ts'
const histogram = 'histogram.ts'
const tls = 'tls.ts'

const OPEN_IN_TURN = `    for (const plan of plans) {
      const server = await listen(plan, plan.serve(chat))
      doors.push({ ...server, name: plan.name })
    }
    return doors`
const CLOSE_THOSE = '    await Promise.allSettled(doors.map(async (door) => door.close()))\n'

/** The body of `#run` around the closing of the doors. */
const CLOSE_DOORS = 'await Promise.allSettled(doors.map(async (door) => door.close()))'
const CLOSE_REST = `    for (const each of [data, lookout]) {
      const closing = (async () => each?.close())()
      outcomes.push(...(await Promise.allSettled([closing])))
    }`
const CANCEL = '    timers.cancel(deadline)\n'
const THROW_FIRST = `    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed) throw failed.reason`
const KEY = 'const known = this.#series.get(JSON.stringify(labels))'
const SET = 'this.#series.set(JSON.stringify(labels), series)'
const BOUNDED = `    if (this.#series.size < this.#maxSeries) return this.#add(labels)
    const others = labels.map(() => OTHER)
    return this.#series.get(JSON.stringify(others)) ?? this.#add(others)
`
const SAMPLES_COUNT = `        count += inBucket`
const KEEP_CONTEXT = `      if (number > this.#current) {
        this.#current = number
        this.#context = context
      }`
const TELL_ERROR = '      return this.#options.onReload(error as Error)\n'
const TELL_NONE = '    this.#options.onReload(undefined)\n'
const RUN = 'this.#over ??= Promise.resolve().then(() => this.#run())'
const LOAD = '      const context = makeContext(await this.#options.load())'

export const mistakes: Mistake[] = [
  {
    name: 'opens-all-at-the-same-time',
    step: '19.1',
    says: ['One door after the other'],
    edits: [
      {
        file: doors,
        replace: OPEN_IN_TURN,
        by: `    const servers = await Promise.all(plans.map((plan) => listen(plan, plan.serve(chat))))
    servers.forEach((server, place) => {
      doors.push({ ...server, name: plans[place].name })
    })
    return doors`,
      },
    ],
  },
  {
    name: 'leaves-doors-open',
    step: '19.1',
    says: ['All or none'],
    edits: [{ file: doors, replace: CLOSE_THOSE, by: '' }],
  },
  {
    name: 'closes-the-last-door-only',
    step: '19.1',
    says: ['All or none'],
    edits: [{ file: doors, replace: CLOSE_THOSE, by: '    await doors.at(-1)?.close()\n' }],
  },
  {
    name: 'does-not-wait-for-the-doors-that-close',
    step: '19.1',
    says: ['are still closing'],
    edits: [
      {
        file: doors,
        replace: CLOSE_THOSE,
        by: '    void Promise.allSettled(doors.map((door) => door.close()))\n',
      },
    ],
  },
  {
    name: 'throws-what-a-closing-door-throws',
    step: '19.1',
    says: ['All or none'],
    edits: [
      { file: doors, replace: 'await Promise.allSettled(doors', by: 'await Promise.all(doors' },
    ],
  },
  {
    name: 'closes-one-after-the-other-and-stops-at-the-first-that-fails',
    step: '19.1',
    says: ['All or none'],
    edits: [
      {
        file: doors,
        replace: CLOSE_THOSE,
        by: '    for (const door of doors) await door.close()\n',
      },
    ],
  },
  {
    name: 'is-content-with-some-doors',
    step: '19.1',
    says: ['the fourth is not tried'],
    edits: [
      {
        file: doors,
        replace: '      const server = await listen(plan, plan.serve(chat))\n',
        by: `      const server = await listen(plan, plan.serve(chat)).catch(() => undefined)
      if (!server) continue
`,
      },
    ],
  },
  {
    name: 'a-chat-for-each-door',
    step: '19.1',
    says: ['Two hubs would be two chats'],
    edits: [
      {
        file: doors,
        replace: 'plan.serve(chat)',
        by: 'plan.serve({ ...chat, hub: new Hub(new MemoryJournal({ now: Date.now })) })',
      },
      {
        file: doors,
        replace: "import { lastWords } from '../13-rooms/peer.ts'",
        by: `import { Hub } from '../13-rooms/hub.ts'
import { MemoryJournal } from '../13-rooms/journal.ts'
import { lastWords } from '../13-rooms/peer.ts'`,
      },
    ],
  },
  {
    name: 'serves-the-same-behind-each-door',
    step: '19.1',
    says: ['each with what its own plan serves'],
    edits: [{ file: doors, replace: 'plan.serve(chat)', by: 'plans[0].serve(chat)' }],
  },
  {
    name: 'forgets-the-names-of-doors',
    step: '19.1',
    says: ['and the name of its plan'],
    edits: [{ file: doors, replace: '{ ...server, name: plan.name }', by: 'server as Door' }],
  },
  {
    name: 'turns-the-doors-round',
    step: '19.1',
    says: ['the doors'],
    edits: [{ file: doors, replace: 'doors.push(', by: 'doors.unshift(' }],
  },
  {
    name: 'chat-is-whatever-begins-like-it',
    step: '19.1',
    says: ['/chat itself is the chat'],
    edits: [
      { file: web, replace: "request.path !== '/chat'", by: "!request.path.startsWith('/chat')" },
    ],
  },
  {
    name: 'every-upgrade-is-the-chat',
    step: '19.1',
    says: ['a handshake at /', 'a handshake for another path goes to the page or to the API'],
    edits: [
      {
        file: web,
        hole: 'webHandler',
        by: `  const acceptChat: HttpHandler = (request) =>
    acceptWebSocket(request, {
      protocols: [SUBPROTOCOL],
      origins,
      open: (connection, timers) => new ChatWebSocket(connection, chat, whoAsks(request, timers)),
    })
  return (request) => {
    if (request.headers.get('upgrade') === 'websocket') return acceptChat(request)
    if (request.path === '/chat') return acceptChat(request)
    return request.path.startsWith('/api/') ? api(request) : page(request)
  }`,
      },
    ],
  },
  {
    name: 'chat-in-any-case',
    step: '19.1',
    says: ['GET /Chat'],
    edits: [{ file: web, replace: 'request.path !==', by: 'request.path.toLowerCase() !==' }],
  },
  {
    name: 'looks-at-the-target',
    step: '19.1',
    says: ['A query is not a part of the path'],
    edits: [{ file: web, replace: "request.path !== '/chat'", by: "request.target !== '/chat'" }],
  },
  {
    name: 'api-without-its-slash',
    step: '19.1',
    says: ['GET /apiary'],
    edits: [{ file: web, replace: "startsWith('/api/')", by: "startsWith('/api')" }],
  },
  {
    name: 'api-anywhere',
    step: '19.1',
    says: ['GET /app/api/login'],
    edits: [{ file: web, replace: "startsWith('/api/')", by: "includes('/api/')" }],
  },
  {
    name: 'everything-is-the-page',
    step: '19.1',
    says: ['Below /api/ is the API'],
    edits: [
      {
        file: web,
        replace: "    if (request.path.startsWith('/api/')) return api(request)\n",
        by: '    void api\n',
      },
    ],
  },
  {
    name: 'lets-any-page-in',
    step: '19.1',
    says: ['an empty list admits no page, and no list admits all'],
    edits: [
      { file: web, replace: '      origins,\n', by: '' },
      { file: web, replace: '{ api, page, origins, whoAsks }', by: '{ api, page, whoAsks }' },
    ],
  },
  {
    name: 'speaks-no-subprotocol',
    step: '19.1',
    says: ['gets none closes the connection'],
    edits: [{ file: web, replace: '      protocols: [SUBPROTOCOL],\n', by: '' }],
  },
  {
    name: 'does-not-ask-who-it-is',
    step: '19.1',
    says: ['Pass on all that whoAsks'],
    edits: [
      {
        file: web,
        replace: 'new ChatWebSocket(connection, chat, whoAsks(request, timers))',
        by: 'new ChatWebSocket(connection, chat, { heartbeat: { timers, everyMs: 30_000 } })',
      },
    ],
  },

  {
    name: 'closes-one-door-after-the-other',
    step: '19.2',
    says: ['Everybody hears `stopping` at the same time'],
    edits: [
      {
        file: drain,
        replace: `const outcomes = ${CLOSE_DOORS}`,
        by: `const outcomes: PromiseSettledResult<void>[] = []
    for (const door of doors) outcomes.push(...(await Promise.allSettled([door.close()])))`,
      },
    ],
  },
  {
    name: 'closes-data-with-the-doors',
    step: '19.2',
    says: ['what they say goes to the disk'],
    edits: [
      { file: drain, replace: 'doors.map(async (door)', by: '[...doors, data].map(async (door)' },
      {
        file: drain,
        replace: 'for (const each of [data, lookout])',
        by: 'for (const each of [lookout])',
      },
    ],
  },
  {
    name: 'closes-data-behind-the-first-door',
    step: '19.2',
    says: ['The disk is needed until then'],
    edits: [
      {
        file: drain,
        replace: CLOSE_DOORS,
        by: 'await Promise.allSettled([Promise.race(doors.map(async (door) => door.close()))])',
      },
    ],
  },
  {
    name: 'closes-the-lookout-with-the-data',
    step: '19.2',
    says: ['Nobody is left who could say something'],
    edits: [
      {
        file: drain,
        replace: CLOSE_REST,
        by: '    outcomes.push(...(await Promise.allSettled([data.close(), lookout?.close()])))',
      },
    ],
  },
  {
    name: 'closes-the-lookout-first',
    step: '19.2',
    says: ['Nobody is left who could say something'],
    edits: [{ file: drain, replace: '[data, lookout]', by: '[lookout, data]' }],
  },
  {
    name: 'does-not-wait-for-the-lookout',
    step: '19.2',
    says: ['The lookout is still open'],
    edits: [
      {
        file: drain,
        replace: CLOSE_REST,
        by: `    outcomes.push(...(await Promise.allSettled([data.close()])))
    lookout?.close()`,
      },
    ],
  },
  {
    name: 'forgets-the-lookout',
    step: '19.2',
    says: ['other programs could ask it how far the server is'],
    edits: [{ file: drain, replace: '[data, lookout]', by: '[data]' }],
  },
  {
    name: 'takes-a-lookout-for-granted',
    step: '19.2',
    says: ['There is no lookout to wait for'],
    edits: [{ file: drain, replace: 'each?.close()', by: 'each!.close()' }],
  },
  {
    name: 'is-ready-until-the-doors-have-closed',
    step: '19.2',
    says: ['From this call on, newcomers have to go to another server'],
    edits: [
      { file: drain, replace: '    this.#isReady = false\n', by: '' },
      { file: drain, replace: CANCEL, by: `${CANCEL}    this.#isReady = false\n` },
    ],
  },
  {
    name: 'is-ready-while-it-tells-the-doors',
    step: '19.2',
    says: ['before the first of them does'],
    edits: [
      {
        file: drain,
        hole: 'begin',
        by: `this.#over ??= this.#run()
    this.#isReady = false
    return this.#over`,
      },
    ],
  },
  {
    name: 'ends-twice-at-a-second-signal',
    step: '19.2',
    says: ['There is nothing to close twice'],
    edits: [{ file: drain, replace: RUN, by: 'this.#over = this.#run()' }],
  },
  {
    name: 'has-no-deadline',
    step: '19.2',
    says: ['is cut off'],
    edits: [{ file: drain, replace: '() => this.cut()', by: '() => {}' }],
  },
  {
    name: 'gives-up-at-the-deadline',
    step: '19.2',
    says: ['even after the deadline'],
    edits: [
      {
        file: drain,
        replace: `    const deadline = timers.after(deadlineMs, () => this.cut())
    const outcomes = ${CLOSE_DOORS}
    timers.cancel(deadline)`,
        by: `    const outcomes: PromiseSettledResult<void>[] = []
    await new Promise<void>((resolve) => {
      const deadline = timers.after(deadlineMs, resolve)
      Promise.allSettled(doors.map(async (door) => door.close())).then((closed) => {
        timers.cancel(deadline)
        outcomes.push(...closed)
        resolve()
      })
    })`,
      },
    ],
  },
  {
    name: 'leaves-the-deadline-armed',
    step: '19.2',
    says: ['A timer that is left would keep the process'],
    edits: [{ file: drain, replace: CANCEL, by: '' }],
  },
  {
    name: 'has-a-deadline-for-the-disk',
    step: '19.2',
    says: ['Cancel the deadline when the doors are closed'],
    edits: [
      { file: drain, replace: CANCEL, by: '' },
      { file: drain, replace: THROW_FIRST, by: `${CANCEL}${THROW_FIRST}` },
    ],
  },
  {
    name: 'cuts-the-first-door-only',
    step: '19.2',
    says: ['however many there are'],
    edits: [
      {
        file: drain,
        replace: 'for (const door of this.#options.doors) door.cut()',
        by: 'this.#options.doors[0].cut()',
      },
    ],
  },
  {
    name: 'cut-closes-the-data-at-once',
    step: '19.2',
    says: ['even after the deadline'],
    edits: [
      {
        file: drain,
        replace: 'for (const door of this.#options.doors) door.cut()',
        by: 'for (const door of this.#options.doors) door.cut()\n    void this.#options.data.close()',
      },
    ],
  },
  {
    name: 'stops-at-a-door-that-fails',
    step: '19.2',
    says: ['What was said has to be saved, even if a door is broken'],
    edits: [
      {
        file: drain,
        replace: `const outcomes = ${CLOSE_DOORS}`,
        by: `const outcomes: PromiseSettledResult<unknown>[] = []
    await Promise.all(doors.map(async (door) => door.close()))`,
      },
    ],
  },
  {
    name: 'goes-on-at-the-first-door-that-fails',
    step: '19.2',
    says: ['people are still connected to it'],
    edits: [
      {
        file: drain,
        replace: CLOSE_DOORS,
        by: 'await Promise.allSettled([Promise.all(doors.map(async (door) => door.close()))])',
      },
    ],
  },
  {
    name: 'trips-over-a-close-that-throws',
    step: '19.2',
    says: ['close() of frames throws'],
    edits: [{ file: drain, replace: 'async (door) => door.close()', by: '(door) => door.close()' }],
  },
  {
    name: 'leaves-the-lookout-open-when-the-data-fail',
    step: '19.2',
    says: ['whatever goes wrong'],
    edits: [
      {
        file: drain,
        replace: CLOSE_REST,
        by: `    await data.close()
    outcomes.push(...(await Promise.allSettled([lookout?.close()])))`,
      },
    ],
  },
  {
    name: 'swallows-every-error',
    step: '19.2',
    says: ['The caller has to learn that something went wrong'],
    edits: [{ file: drain, replace: THROW_FIRST, by: '    void outcomes' }],
  },
  {
    name: 'tells-the-last-error',
    step: '19.2',
    says: ['what went wrong first'],
    edits: [{ file: drain, replace: 'outcomes.find(', by: 'outcomes.findLast(' }],
  },
  {
    name: 'swallows-the-errors-of-the-disk',
    step: '19.2',
    says: ['must not exit with code 0'],
    edits: [
      {
        file: drain,
        replace: 'outcomes.push(...(await Promise.allSettled([closing])))',
        by: 'await Promise.allSettled([closing])',
      },
    ],
  },

  {
    name: 'says-that-it-is-over-too-early',
    step: '19.2',
    says: ['The lookout is still open'],
    edits: [
      {
        file: drain,
        replace: `    ${RUN}\n    return this.#over`,
        by: '    this.#over ??= this.#run()\n    return Promise.resolve()',
      },
    ],
  },
  {
    name: 'cuts-at-once',
    step: '19.2',
    says: ['They have 10 s to leave by themselves'],
    edits: [
      { file: drain, replace: CANCEL, by: CANCEL },
      {
        file: drain,
        replace: '    const deadline = timers',
        by: '    this.cut()\n    const deadline = timers',
      },
    ],
  },

  {
    name: 'a-bound-is-not-in-its-bucket',
    step: '19.3',
    says: ['a bound belongs to its bucket'],
    edits: [{ file: histogram, replace: 'value <= bound', by: 'value < bound' }],
  },
  {
    name: 'buckets-are-not-cumulative',
    step: '19.3',
    says: ['The samples are cumulative'],
    edits: [
      {
        file: histogram,
        replace: 'value: count }\n      })',
        by: 'value: inBucket }\n      })',
      },
    ],
  },
  {
    name: 'leaves-out-what-is-above-all-bounds',
    step: '19.3',
    says: ['only +Inf has them'],
    edits: [
      {
        file: histogram,
        replace: 'series.counts[bucket < 0 ? this.#bounds.length : bucket] += 1',
        by: 'if (bucket >= 0) series.counts[bucket] += 1',
      },
    ],
  },
  {
    name: 'puts-it-into-the-last-bucket',
    step: '19.3',
    says: ['only +Inf has them'],
    edits: [
      {
        file: histogram,
        replace: 'bucket < 0 ? this.#bounds.length :',
        by: 'bucket < 0 ? this.#bounds.length - 1 :',
      },
    ],
  },
  {
    name: 'has-no-inf',
    step: '19.3',
    says: ['not above 5, 10 and +Inf'],
    edits: [
      {
        file: histogram,
        replace: 'return [...buckets, total,',
        by: 'return [...buckets.slice(0, -1), total,',
      },
    ],
  },
  {
    name: 'counts-nan',
    step: '19.3',
    says: ['NaN is a measurement that failed'],
    edits: [{ file: histogram, replace: '    if (Number.isNaN(value)) return\n', by: '' }],
  },
  {
    name: 'forgets-what-it-has-told',
    step: '19.3',
    says: ['Asking for samples changes nothing'],
    edits: [
      {
        file: histogram,
        replace: '    return [...this.#series.values()].flatMap(',
        by: `    const all = [...this.#series.values()]
    this.#series.clear()
    return all.flatMap(`,
      },
    ],
  },
  {
    name: 'adds-up-in-place',
    step: '19.3',
    says: ['Asking for samples changes nothing'],
    edits: [
      {
        file: histogram,
        replace: SAMPLES_COUNT,
        by: '        count += inBucket\n        counts[place] = count',
      },
    ],
  },
  {
    name: 'drops-zero',
    step: '19.3',
    says: ['Two are in the first bucket'],
    edits: [
      { file: histogram, replace: 'if (Number.isNaN(value)) return', by: 'if (!value) return' },
    ],
  },
  {
    name: 'drops-what-is-below-zero',
    step: '19.3',
    says: ['whose bound it does not exceed'],
    edits: [
      {
        file: histogram,
        replace: 'if (Number.isNaN(value)) return',
        by: 'if (!(value >= 0)) return',
      },
    ],
  },
  {
    name: 'rounds-the-sum',
    step: '19.3',
    says: ['each of them unchanged'],
    edits: [
      { file: histogram, replace: 'series.sum += value', by: 'series.sum += Math.round(value)' },
    ],
  },
  {
    name: 'le-before-the-other-labels',
    step: '19.3',
    says: ['`le` comes last'],
    edits: [{ file: histogram, replace: "[...own, ['le', le]]", by: "[['le', le], ...own]" }],
  },
  {
    name: 'sum-without-labels',
    step: '19.3',
    says: ['Every sample has the labels'],
    edits: [
      {
        file: histogram,
        replace: "suffix: '_sum', labels: own",
        by: "suffix: '_sum', labels: []",
      },
    ],
  },
  {
    name: 'one-series-for-all-labels',
    step: '19.3',
    says: ['has counters of its own'],
    edits: [
      { file: histogram, replace: KEY, by: "const known = this.#series.get('')" },
      { file: histogram, replace: SET, by: "this.#series.set('', series)" },
    ],
  },
  {
    name: 'a-series-for-the-first-label',
    step: '19.3',
    says: ['are two combinations'],
    edits: [
      { file: histogram, replace: KEY, by: 'const known = this.#series.get(labels[0])' },
      { file: histogram, replace: SET, by: 'this.#series.set(labels[0], series)' },
    ],
  },
  {
    name: 'joins-label-values-with-commas',
    step: '19.3',
    says: ['has to be unambiguous'],
    edits: [
      { file: histogram, replace: KEY, by: 'const known = this.#series.get(labels.join())' },
      { file: histogram, replace: SET, by: 'this.#series.set(labels.join(), series)' },
    ],
  },
  {
    name: 'a-new-series-each-time',
    step: '19.3',
    says: ['Without labels there is one series'],
    edits: [
      { file: histogram, replace: SET, by: 'this.#series.set(String(this.#series.size), series)' },
    ],
  },
  {
    name: 'labels-without-end',
    step: '19.3',
    says: ['with `other` for each label'],
    edits: [{ file: histogram, replace: BOUNDED, by: '    return this.#add(labels)\n' }],
  },
  {
    name: 'throws-away-what-has-no-place',
    step: '19.3',
    says: ['is counted all the same'],
    edits: [
      {
        file: histogram,
        replace: BOUNDED,
        by: `    if (this.#series.size < this.#maxSeries) return this.#add(labels)
    return { labels, counts: Array(this.#bounds.length + 1).fill(0), sum: 0 }
`,
      },
    ],
  },
  {
    name: 'one-series-too-few',
    step: '19.3',
    says: ['Two combinations may have counters of their own'],
    edits: [
      {
        file: histogram,
        replace: 'this.#series.size < this.#maxSeries',
        by: 'this.#series.size < this.#maxSeries - 1',
      },
    ],
  },
  {
    name: 'one-series-too-many',
    step: '19.3',
    says: ['with `other` for each label'],
    edits: [
      {
        file: histogram,
        replace: 'this.#series.size < this.#maxSeries',
        by: 'this.#series.size <= this.#maxSeries',
      },
    ],
  },
  {
    name: 'all-are-other-when-it-is-full',
    step: '19.3',
    says: ['Known methods keep their own counters'],
    edits: [
      {
        file: histogram,
        replace: `    ${KEY}
    if (known) return known
    if (this.#series.size < this.#maxSeries) return this.#add(labels)
`,
        by: `    ${KEY}
    if (this.#series.size < this.#maxSeries) return known ?? this.#add(labels)
`,
      },
    ],
  },
  {
    name: 'forgets-the-oldest-series',
    step: '19.3',
    says: ['with `other` for each label'],
    edits: [
      {
        file: histogram,
        replace: BOUNDED,
        by: `    if (this.#series.size >= this.#maxSeries)
      this.#series.delete(this.#series.keys().next().value!)
    return this.#add(labels)
`,
      },
    ],
  },
  {
    name: 'only-the-unknown-value-is-other',
    step: '19.3',
    says: ['Every label says `other`'],
    edits: [
      {
        file: histogram,
        replace: 'const others = labels.map(() => OTHER)',
        by: `const all = [...this.#series.values()]
    const others = labels.map((label) =>
      all.some((each) => each.labels.includes(label)) ? label : OTHER,
    )`,
      },
    ],
  },
  {
    name: 'keeps-every-observation',
    step: '19.3',
    says: ['keep no observation'],
    edits: [
      {
        file: histogram,
        replace:
          '  /** Observations in each bucket, and behind the last bound: one counter more than there are bounds. */',
        by: '  values: number[]\n  /** Observations in each bucket. */',
      },
      { file: histogram, replace: 'fill(0), sum: 0 }', by: 'fill(0), sum: 0, values: [] }' },
      {
        file: histogram,
        replace: '    const series = this.#seriesOf(labels)',
        by: '    const series = this.#seriesOf(labels)\n    series.values.push(value)',
      },
      {
        file: histogram,
        replace: '.flatMap(({ labels, counts, sum }) => {',
        by: `.flatMap(({ labels, values, sum }) => {
      const counts: number[] = Array(this.#bounds.length + 1).fill(0)
      for (const value of values) {
        const bucket = this.#bounds.findIndex((bound) => value <= bound)
        counts[bucket < 0 ? this.#bounds.length : bucket] += 1
      }`,
      },
    ],
  },

  {
    name: 'has-no-handshake-deadline',
    step: '19.4',
    says: ['A thousand like him would be a thousand descriptors'],
    edits: [{ file: tls, replace: "() => end('late')", by: '() => {}' }],
  },
  {
    name: 'reports-late-and-leaves-it-open',
    step: '19.4',
    says: ['Nobody waits for him any more'],
    edits: [{ file: tls, replace: "      if (how !== 'done') secured.destroy()\n", by: '' }],
  },
  {
    name: 'a-late-handshake-is-ended-politely',
    step: '19.4',
    says: ['FIN was sent, but the descriptor is kept'],
    edits: [{ file: tls, replace: 'secured.destroy()', by: 'secured.end()' }],
  },
  {
    name: 'never-cancels-the-deadline',
    step: '19.4',
    says: ['Her deadline is met'],
    edits: [{ file: tls, replace: '      timers.cancel(deadline)\n', by: '' }],
  },
  {
    name: 'cancels-only-when-done',
    step: '19.4',
    says: ['Nobody is left who has a deadline'],
    edits: [
      {
        file: tls,
        replace: '      timers.cancel(deadline)\n',
        by: "      if (how === 'done') timers.cancel(deadline)\n",
      },
    ],
  },
  {
    name: 'the-deadline-cuts-those-who-were-in-time',
    step: '19.4',
    says: ['Her deadline is met'],
    edits: [
      { file: tls, replace: '      timers.cancel(deadline)\n', by: '' },
      { file: tls, replace: "() => end('late')", by: '() => secured.destroy()' },
    ],
  },
  {
    name: 'every-byte-moves-the-deadline',
    step: '19.4',
    says: ['A few bytes are no handshake'],
    edits: [
      {
        file: tls,
        replace: "    const deadline = timers.after(handshakeMs, () => end('late'))",
        by: `    let deadline = timers.after(handshakeMs, () => end('late'))
    let read = socket.bytesRead
    const look = (): void => {
      timers.cancel(deadline)
      deadline = timers.after(handshakeMs, () => {
        if (socket.bytesRead === read) return end('late')
        read = socket.bytesRead
        look()
      })
    }
    look()`,
      },
    ],
  },
  {
    name: 'waits-for-the-event-of-clients',
    step: '19.4',
    says: ['A server’s TLSSocket emits "secure" then'],
    edits: [{ file: tls, replace: "secured.on('secure'", by: "secured.on('secureConnect'" }],
  },
  {
    name: 'tells-each-end-of-it',
    step: '19.4',
    says: ['Only the first time counts'],
    edits: [{ file: tls, replace: '      if (isOver) return\n', by: '' }],
  },
  {
    name: 'tells-failed-when-a-connection-ends',
    step: '19.4',
    says: ['Only the first time counts'],
    edits: [
      {
        file: tls,
        replace: "    secured.on('close', () => end('failed'))",
        by: "    secured.on('close', () => onHandshake('failed'))",
      },
    ],
  },
  {
    name: 'does-not-hear-those-who-leave',
    step: '19.4',
    says: ['none will follow'],
    edits: [{ file: tls, replace: "    secured.on('close', () => end('failed'))\n", by: '' }],
  },
  {
    name: 'secures-as-a-client',
    step: '19.4',
    says: ['Is ours the server’s end?'],
    edits: [{ file: tls, replace: 'isServer: true, ', by: '' }],
  },
  {
    name: 'has-one-certificate-for-ever',
    step: '19.4',
    says: ['bob has connected after reload() resolved'],
    edits: [
      { file: tls, replace: '        this.#context = context\n', by: '        void context\n' },
    ],
  },
  {
    name: 'drops-the-old-certificate-first',
    step: '19.4',
    says: ['The certificate that worked until now still does'],
    edits: [
      {
        file: tls,
        replace: LOAD,
        by: `      this.#context = undefined as never\n${LOAD}`,
      },
    ],
  },
  {
    name: 'rejects-when-the-certificate-is-bad',
    step: '19.4',
    says: ['nobody catches what it throws'],
    edits: [
      {
        file: tls,
        replace: TELL_ERROR,
        by: '      this.#options.onReload(error as Error)\n      throw error\n',
      },
    ],
  },
  {
    name: 'says-nothing-of-a-bad-certificate',
    step: '19.4',
    says: ['has to hear that it did not work'],
    edits: [
      {
        file: tls,
        replace: TELL_ERROR,
        by: '      void error\n      return\n',
      },
    ],
  },
  {
    name: 'says-nothing-of-a-good-certificate',
    step: '19.4',
    says: ['The new certificate can be used'],
    edits: [{ file: tls, replace: TELL_NONE, by: '' }],
  },
  {
    name: 'resolves-before-it-has-read',
    step: '19.4',
    says: ['reload()'],
    edits: [
      {
        file: tls,
        replace: LOAD,
        by: `      await undefined
      this.#options.load().then((certificate) => {
        this.#context = makeContext(certificate)
      }, this.#options.onReload)
      const context = this.#context`,
      },
    ],
  },
  {
    name: 'the-last-to-read-wins',
    step: '19.4',
    says: ['newer than what the first has'],
    edits: [
      { file: tls, replace: KEEP_CONTEXT, by: '      this.#context = context\n      void number' },
    ],
  },
  {
    name: 'only-the-newest-reload-counts',
    step: '19.4',
    says: ['The first is the newest that can be used'],
    edits: [
      { file: tls, replace: 'if (number > this.#current)', by: 'if (number === this.#newest)' },
    ],
  },
  {
    name: 'one-reload-at-a-time',
    step: '19.4',
    says: ['It does not wait for the first'],
    edits: [
      {
        file: tls,
        replace: '    this.#newest += 1\n',
        by: '    if (this.#isReloading) return\n    this.#isReloading = true\n    this.#newest += 1\n',
      },
      { file: tls, replace: '  #newest = 0\n', by: '  #newest = 0\n  #isReloading = false\n' },
      {
        file: tls,
        replace: TELL_ERROR,
        by: `      this.#isReloading = false\n${TELL_ERROR}`,
      },
      {
        file: tls,
        replace: TELL_NONE,
        by: `    this.#isReloading = false\n${TELL_NONE}`,
      },
    ],
  },
  {
    name: 'everybody-is-who-came-first',
    step: '19.1',
    says: ['whoAsks() for each request'],
    edits: [
      {
        file: 'web.ts',
        replace: '  return (request) => {',
        by: '  let who: ChatWebSocketOptions | undefined\n  return (request) => {',
      },
      {
        file: 'web.ts',
        replace: 'whoAsks(request, timers)),',
        by: '(who ??= whoAsks(request, timers))),',
      },
    ],
  },
  {
    name: 'the-second-call-is-done-at-once',
    step: '19.2',
    says: ['Further calls return the promise of the first one'],
    edits: [
      {
        file: 'drain.ts',
        replace: `    ${RUN}\n    return this.#over`,
        by: '    if (this.#over) return Promise.resolve()\n    this.#over = this.#run()\n    return this.#over',
      },
    ],
  },
  {
    name: 'cut-forgets-the-doors',
    step: '19.2',
    says: ['the list of doors stays as it is'],
    edits: [
      {
        file: 'drain.ts',
        replace: 'for (const door of this.#options.doors) door.cut()',
        by: 'for (const door of (this.#options.doors as Drainable[]).splice(0)) door.cut()',
      },
    ],
  },
  {
    name: 'remembers-the-newest-number-for-its-own',
    step: '19.4',
    says: ['It makes no difference that the first was done earlier'],
    edits: [{ file: tls, replace: 'this.#current = number', by: 'this.#current = this.#newest' }],
  },
  {
    name: 'an-overtaken-reload-is-silent',
    step: '19.4',
    says: ['even one that a newer one has overtaken'],
    edits: [
      {
        file: tls,
        replace: KEEP_CONTEXT,
        by: `      if (number < this.#current) return
      this.#current = number
      this.#context = context`,
      },
    ],
  },
  {
    name: 'an-overtaken-reload-fails-in-silence',
    step: '19.4',
    says: ['even one that a newer one has overtaken'],
    edits: [
      {
        file: tls,
        replace: TELL_ERROR,
        by: '      if (number > this.#current) this.#options.onReload(error as Error)\n      return\n',
      },
    ],
  },
  {
    name: 'hears-errors-and-no-close',
    step: '19.4',
    says: ['We have ended it ourselves'],
    edits: [{ file: tls, replace: "secured.on('close'", by: "secured.once('error'" }],
  },
  {
    name: 'hears-errors-and-ends-and-no-close',
    step: '19.4',
    says: ['"close" is emitted however a connection ends'],
    edits: [
      {
        file: tls,
        replace: "    secured.on('close', () => end('failed'))",
        by: "    secured.once('error', () => end('failed'))\n    secured.once('end', () => end('failed'))",
      },
    ],
  },
  {
    name: 'calls-the-deadline-failed',
    step: '19.4',
    says: ['It was the deadline: that is `late`'],
    edits: [{ file: tls, replace: "end('late')", by: "end('failed')" }],
  },
  {
    name: 'tells-the-error-and-then-none',
    step: '19.4',
    says: ['It was told twice'],
    edits: [
      { file: tls, replace: TELL_ERROR, by: '      this.#options.onReload(error as Error)\n' },
    ],
  },
  {
    name: 'cuts-only-once',
    step: '19.2',
    says: ['not only the first time'],
    edits: [
      { file: drain, replace: '  #isReady = true\n', by: '  #isReady = true\n  #wasCut = false\n' },
      {
        file: drain,
        replace: '    for (const door of this.#options.doors) door.cut()',
        by: `    if (this.#wasCut) return
    this.#wasCut = true
    for (const door of this.#options.doors) door.cut()`,
      },
    ],
  },
  {
    name: 'cut-begins-the-end',
    step: '19.2',
    says: ['cut() cuts off connections, and does nothing else'],
    edits: [
      {
        file: drain,
        replace: '    for (const door of this.#options.doors) door.cut()',
        by: '    void this.begin()\n    for (const door of this.#options.doors) door.cut()',
      },
    ],
  },
  {
    name: 'cut-is-not-ready',
    step: '19.2',
    says: ['newcomers are welcome'],
    edits: [
      {
        file: drain,
        replace: '    for (const door of this.#options.doors) door.cut()',
        by: '    this.#isReady = false\n    for (const door of this.#options.doors) door.cut()',
      },
    ],
  },
  {
    name: 'is-ready-again-when-all-is-closed',
    step: '19.2',
    says: ['Nobody is welcome any more'],
    edits: [{ file: drain, replace: THROW_FIRST, by: `    this.#isReady = true\n${THROW_FIRST}` }],
  },
  {
    name: 'swallows-the-errors-of-the-lookout',
    step: '19.2',
    says: ['and of the lookout'],
    edits: [
      {
        file: drain,
        replace: CLOSE_REST,
        by: `    outcomes.push(...(await Promise.allSettled([(async () => data.close())()])))
    await lookout?.close().catch(() => {})`,
      },
    ],
  },
  {
    name: 'trips-over-data-that-throw',
    step: '19.2',
    says: ['close() may throw before it returns a promise'],
    edits: [
      { file: drain, replace: '      const closing = (async () => each?.close())()\n', by: '' },
      { file: drain, replace: 'allSettled([closing])', by: 'allSettled([each?.close()])' },
    ],
  },
  {
    name: 'trips-over-a-lookout-that-throws',
    step: '19.2',
    says: ['Of two errors, the first is reported'],
    edits: [
      {
        file: drain,
        replace: CLOSE_REST,
        by: `    outcomes.push(...(await Promise.allSettled([(async () => data.close())()])))
    outcomes.push(...(await Promise.allSettled([lookout?.close()])))`,
      },
    ],
  },
  {
    name: 'cuts-the-doors-it-should-close',
    step: '19.1',
    says: ['Cutting a door leaves it listening'],
    edits: [
      { file: doors, replace: CLOSE_THOSE, by: '    for (const door of doors) door.cut()\n' },
    ],
  },
  {
    name: 'copies-the-origins-while-there-are-none',
    step: '19.1',
    says: ['pass the list itself on'],
    edits: [
      {
        file: web,
        replace: '  return (request) => {',
        by: '  const ours = [...origins]\n  return (request) => {',
      },
      { file: web, replace: '      origins,\n', by: '      origins: ours,\n' },
    ],
  },
  {
    name: 'passes-the-token-on-alone',
    step: '19.1',
    says: ['token, address and heartbeat'],
    edits: [
      {
        file: web,
        replace: 'whoAsks(request, timers))',
        by: '{ token: whoAsks(request, timers).token })',
      },
    ],
  },
  {
    name: 'passes-no-heartbeat-on',
    step: '19.1',
    says: ['nobody notices that a peer has gone'],
    edits: [
      {
        file: web,
        replace: 'whoAsks(request, timers))',
        by: '{ ...whoAsks(request, timers), heartbeat: undefined })',
      },
    ],
  },
  {
    name: 'looks-for-the-api-in-the-target',
    step: '19.1',
    says: ['the whole URL as the target'],
    edits: [
      {
        file: web,
        replace: "request.path.startsWith('/api/')",
        by: "request.target.startsWith('/api/')",
      },
    ],
  },
  {
    name: 'chat-is-for-get-alone',
    step: '19.1',
    says: ['whatever the method'],
    edits: [
      {
        file: web,
        replace: "request.path !== '/chat'",
        by: "request.path !== '/chat' || request.method !== 'GET'",
      },
    ],
  },
  {
    name: 'a-series-for-nan',
    step: '19.3',
    says: ['so it needs no counters'],
    edits: [
      {
        file: histogram,
        replace: `    if (Number.isNaN(value)) return
    const series = this.#seriesOf(labels)`,
        by: `    const series = this.#seriesOf(labels)
    if (Number.isNaN(value)) return`,
      },
    ],
  },
  {
    name: 'drops-infinity',
    step: '19.3',
    says: ['Infinity is a number'],
    edits: [
      { file: histogram, replace: 'if (Number.isNaN(value))', by: 'if (!Number.isFinite(value))' },
    ],
  },
  {
    name: 'writes-infinity-out',
    step: '19.3',
    says: ['The numbers are right'],
    edits: [{ file: histogram, replace: "'+Inf'", by: "'Infinity'" }],
  },
  {
    name: 'count-before-sum',
    step: '19.3',
    says: ['`_sum` comes before `_count`'],
    edits: [
      {
        file: histogram,
        replace: "return [...buckets, total, { suffix: '_count', labels: own, value: count }]",
        by: "return [...buckets, { suffix: '_count', labels: own, value: count }, total]",
      },
    ],
  },
  {
    name: 'the-sum-is-the-newest-value',
    step: '19.3',
    says: ['The buckets are right'],
    edits: [{ file: histogram, replace: 'series.sum += value', by: 'series.sum = value' }],
  },
  {
    name: 'adds-up-over-all-series',
    step: '19.3',
    says: ['Each series begins to add up at 0'],
    edits: [
      { file: histogram, replace: '      let count = 0\n', by: '' },
      {
        file: histogram,
        replace: '    return [...this.#series.values()]',
        by: '    let count = 0\n    return [...this.#series.values()]',
      },
    ],
  },
  {
    name: 'others-made-anew-each-time',
    step: '19.3',
    says: ['look it up, too'],
    edits: [
      {
        file: histogram,
        replace: 'this.#series.get(JSON.stringify(others)) ?? this.#add(others)',
        by: 'this.#add(others)',
      },
    ],
  },
  {
    name: 'an-empty-series-from-the-start',
    step: '19.3',
    says: ['there are no series and no samples'],
    edits: [
      {
        file: histogram,
        replace: '  samples(): Sample[] {\n',
        by: '  samples(): Sample[] {\n    if (this.#series.size === 0 && this.#labels.length === 0) this.#add([])\n',
      },
    ],
  },
  {
    name: 'throws-the-message-alone',
    step: '19.1',
    says: ['Throw the error itself'],
    edits: [
      {
        file: doors,
        replace: '    throw error\n',
        by: '    throw new Error((error as Error).message)\n',
      },
    ],
  },
  {
    name: 'one-list-of-doors-for-ever',
    step: '19.1',
    says: ['belongs to one call of openDoors()'],
    edits: [
      { file: doors, replace: '  const doors: Door[] = []\n', by: '' },
      {
        file: doors,
        replace: 'export type DoorName =',
        by: 'const doors: Door[] = []\n\nexport type DoorName =',
      },
    ],
  },
  {
    name: 'takes-an-open-door-for-granted',
    step: '19.1',
    says: ['may be empty'],
    edits: [
      {
        file: doors,
        replace: CLOSE_THOSE,
        by: `    const [{ close }, ...others] = doors
    const first = (async () => close())()
    await Promise.allSettled([first, ...others.map(async (door) => door.close())])\n`,
      },
    ],
  },
  {
    name: 'waits-a-second-for-the-doors-that-close',
    step: '19.1',
    says: ['no timer to be set'],
    edits: [
      {
        file: doors,
        replace: CLOSE_THOSE,
        by: `    const late = new Promise((resolve) => setTimeout(resolve, 1_000))
    await Promise.race([Promise.allSettled(doors.map((door) => door.close())), late])\n`,
      },
    ],
  },
  {
    name: 'has-the-port-of-the-plan',
    step: '19.1',
    says: ['Port 0 of the plan means any'],
    edits: [
      {
        file: doors,
        replace: '{ ...server, name: plan.name }',
        by: '{ ...server, name: plan.name, port: plan.port }',
      },
    ],
  },
  {
    name: 'api-in-any-case',
    step: '19.1',
    says: ['upper and lower case differ'],
    edits: [
      {
        file: web,
        replace: "request.path.startsWith('/api/')",
        by: '/^\\/api\\//i.test(request.path)',
      },
    ],
  },
  {
    name: 'decodes-any-path',
    step: '19.1',
    says: ['not every path can be decoded'],
    edits: [
      {
        file: web,
        replace: "request.path.startsWith('/api/')",
        by: "decodeURIComponent(request.path).startsWith('/api/')",
      },
    ],
  },
  {
    name: 'takes-a-path-for-a-url',
    step: '19.1',
    says: ['or is a URL'],
    edits: [
      {
        file: web,
        replace: "request.path !== '/chat'",
        by: "new URL(request.path, 'http://localhost').pathname !== '/chat'",
      },
    ],
  },
  {
    name: 'promises-any-subprotocol',
    step: '19.1',
    says: ['the subprotocol for a page that speaks others'],
    edits: [
      {
        file: web,
        replace: 'protocols: [SUBPROTOCOL]',
        by: "protocols: (request.headers.get('sec-websocket-protocol') ?? '').split(/, */)",
      },
    ],
  },
  {
    name: 'any-page-is-ours-until-we-know',
    step: '19.1',
    says: ['Until then no page is ours'],
    edits: [
      {
        file: web,
        replace: '      origins,\n',
        by: '      origins: origins.length > 0 ? origins : undefined,\n',
      },
    ],
  },
  {
    name: 'a-page-by-its-host-header',
    step: '19.1',
    says: ['Anybody can make a name of their own lead to our address'],
    edits: [
      {
        file: web,
        replace: '      origins,\n',
        by: "      origins: origins.length > 0 ? [...origins, `https://${request.headers.get('host')}`] : [],\n",
      },
    ],
  },
  {
    name: 'copies-an-answer-that-is-a-promise',
    step: '19.1',
    says: ['with a promise'],
    edits: [
      { file: web, replace: 'return api(request)', by: 'return { ...api(request) } as never' },
    ],
  },
  {
    name: 'the-page-instead-of-the-api-s-404',
    step: '19.1',
    says: ['its 404 is an answer, too'],
    edits: [
      { file: web, replace: '  return (request) => {\n', by: '  return async (request) => {\n' },
      {
        file: web,
        replace: "if (request.path.startsWith('/api/')) return api(request)",
        by: `if (request.path.startsWith('/api/')) {
      const answer = await api(request)
      return answer.status === 404 ? page(request) : answer
    }`,
      },
    ],
  },
  {
    name: 'answers-500-and-tells-nobody',
    step: '19.1',
    says: ['Catch nothing here'],
    edits: [
      { file: web, replace: '  return (request) => {\n', by: '  return async (request) => {\n' },
      {
        file: web,
        replace: 'return api(request)',
        by: 'return await Promise.resolve(api(request)).catch(() => ({ status: 500 }))',
      },
    ],
  },
  {
    name: 'the-page-is-for-get-alone',
    step: '19.1',
    says: ['what answers POST /'],
    edits: [
      {
        file: web,
        replace: 'return page(request)',
        by: "return request.method === 'GET' ? page(request) : { status: 405 }",
      },
    ],
  },
  {
    name: 'asks-about-whoever-came-last',
    step: '19.1',
    says: ['Another request has arrived in the meantime'],
    edits: [
      {
        file: web,
        replace: '  return (request) => {\n',
        by: '  let newest: HttpRequest\n  return (request) => {\n    newest = request\n',
      },
      { file: web, replace: 'whoAsks(request, timers)),', by: 'whoAsks(newest, timers)),' },
    ],
  },
  {
    name: 'a-door-that-fails-ends-the-deadline',
    step: '19.2',
    says: ['The deadline is for them, too'],
    edits: [
      {
        file: drain,
        replace: CLOSE_DOORS,
        by: `await Promise.allSettled(
      doors.map(async (door) => {
        try {
          await door.close()
        } catch (error) {
          timers.cancel(deadline)
          throw error
        }
      }),
    )`,
      },
    ],
  },
  {
    name: 'the-first-door-ends-the-deadline',
    step: '19.2',
    says: ['whichever that is'],
    edits: [
      {
        file: drain,
        replace: CLOSE_DOORS,
        by: `await Promise.allSettled(
      doors.map(async (door, place) => {
        await door.close()
        if (place === 0) timers.cancel(deadline)
      }),
    )`,
      },
    ],
  },
  {
    name: 'has-two-doors-for-ever',
    step: '19.2',
    says: ['however many there are'],
    edits: [
      {
        file: drain,
        replace: CLOSE_DOORS,
        by: `await Promise.allSettled([
      (async () => doors[0].close())(),
      (async () => doors[1].close())(),
    ])`,
      },
    ],
  },
  {
    name: 'takes-no-time-for-any-time',
    step: '19.2',
    says: ['0 is a deadline like any other'],
    edits: [
      {
        file: drain,
        replace: 'timers.after(deadlineMs, () => this.cut())',
        by: 'deadlineMs ? timers.after(deadlineMs, () => this.cut()) : undefined',
      },
    ],
  },
  {
    name: 'has-ten-seconds-for-everybody',
    step: '19.2',
    says: ['They have 60 s'],
    edits: [
      {
        file: drain,
        replace: 'timers.after(deadlineMs, () => this.cut())',
        by: 'timers.after(Math.min(deadlineMs, 10_000), () => this.cut())',
      },
    ],
  },
  {
    name: 'rejects-with-the-message-alone',
    step: '19.2',
    says: ['not a new one with its message'],
    edits: [
      {
        file: drain,
        replace: 'if (failed) throw failed.reason',
        by: 'if (failed) throw new Error(failed.reason.message)',
      },
    ],
  },
  {
    name: 'forgets-how-it-was',
    step: '19.2',
    says: ['A call after the end settles in the same way'],
    edits: [
      {
        file: drain,
        hole: 'begin',
        by: `this.#isReady = false
    this.#over ??= this.#run().finally(() => {
      this.#over = Promise.resolve()
    })
    return this.#over`,
      },
    ],
  },
  {
    name: 'looks-after-one-door-at-a-time',
    step: '19.2',
    says: ['handles all of them from the start'],
    edits: [
      {
        file: drain,
        replace: `const outcomes = ${CLOSE_DOORS}`,
        by: `const outcomes: PromiseSettledResult<void>[] = []
    for (const closing of doors.map(async (door) => door.close())) {
      try {
        outcomes.push({ status: 'fulfilled', value: await closing })
      } catch (reason) {
        outcomes.push({ status: 'rejected', reason })
      }
    }`,
      },
    ],
  },
  {
    name: 'a-stranger-may-be-called-other',
    step: '19.3',
    says: ['the number of series that say `other`'],
    edits: [
      {
        file: histogram,
        replace: 'return this.#series.get(JSON.stringify(others)) ?? this.#add(others)',
        by: `let series = this.#series.get(OTHER)
    if (!series) {
      series = { labels: others, counts: Array(this.#bounds.length + 1).fill(0), sum: 0 }
      this.#series.set(OTHER, series)
    }
    return series`,
      },
    ],
  },
  {
    name: 'keeps-what-it-has-counted',
    step: '19.3',
    says: ['keep no observation'],
    edits: [
      {
        file: histogram,
        replace: '  readonly #series = new Map<string, Series>()\n',
        by: '  readonly #series = new Map<string, Series>()\n  readonly #all: number[] = []\n',
      },
      {
        file: histogram,
        replace: '    series.sum += value\n',
        by: '    series.sum += value\n    this.#all.push(value)\n',
      },
    ],
  },
  {
    name: 'zero-is-no-bound',
    step: '19.3',
    says: ['0 is a bound'],
    edits: [
      {
        file: histogram,
        replace: 'const bucket = this.#bounds.findIndex((bound) => value <= bound)',
        by: 'const bucket = this.#bounds.findIndex((bound) => bound && value <= bound)',
      },
    ],
  },
  {
    name: 'labels-in-any-case',
    step: '19.3',
    says: ['are two combinations'],
    edits: [
      { file: histogram, replace: KEY, by: KEY.replace('(labels))', '(labels).toLowerCase())') },
      { file: histogram, replace: SET, by: SET.replace('(labels)', '(labels).toLowerCase()') },
    ],
  },
  {
    name: 'le-is-a-number',
    step: '19.3',
    says: ['a number, not a string'],
    edits: [
      {
        file: histogram,
        replace: "const le = place < this.#bounds.length ? String(this.#bounds[place]) : '+Inf'",
        by: "const le = (place < this.#bounds.length ? this.#bounds[place] : '+Inf') as string",
      },
    ],
  },
  {
    name: 'one-deadline-for-all-handshakes',
    step: '19.4',
    says: ['Each handshake has a deadline of its own'],
    edits: [
      { file: tls, replace: '  #newest = 0\n', by: '  #newest = 0\n  #deadline: unknown\n' },
      { file: tls, replace: 'timers.cancel(deadline)', by: 'timers.cancel(this.#deadline)' },
      { file: tls, replace: 'const deadline = timers', by: 'this.#deadline = timers' },
    ],
  },
  {
    name: 'a-socket-s-own-timeout',
    step: '19.4',
    says: ['the timeout of her socket'],
    edits: [
      {
        file: tls,
        replace: "    secured.on('secure', () => end('done'))\n",
        by: `    secured.setTimeout(handshakeMs, () => end('late'))
    secured.on('secure', () => end('done'))\n`,
      },
    ],
  },
  {
    name: 'takes-off-everybody-s-listeners',
    step: '19.4',
    says: ['removeAllListeners() removes everybody’s'],
    edits: [
      {
        file: tls,
        replace: '      timers.cancel(deadline)\n',
        by: "      timers.cancel(deadline)\n      secured.removeAllListeners('close')\n",
      },
    ],
  },
  {
    name: 'goodbye-ends-both-directions',
    step: '19.4',
    says: ['not "I will not listen"'],
    edits: [
      {
        file: tls,
        replace: "    secured.on('secure', () => end('done'))\n",
        by: `    secured.on('end', () => secured.destroy())
    secured.on('secure', () => end('done'))\n`,
      },
    ],
  },
  {
    name: 'every-fault-is-not-replaced',
    step: '19.4',
    says: ['Pass on the error that was caught'],
    edits: [
      {
        file: tls,
        replace: 'this.#options.onReload(error as Error)',
        by: `this.#options.onReload(new Error('The certificate was not replaced.', { cause: error }))`,
      },
    ],
  },
  {
    name: 'keeps-the-names-of-strangers',
    step: '19.3',
    says: ['What is kept of each stranger'],
    edits: [
      {
        file: histogram,
        replace: '  readonly #series = new Map<string, Series>()\n',
        by: '  readonly #series = new Map<string, Series>()\n  readonly #strangers = new Set<string>()\n',
      },
      {
        file: histogram,
        replace: '    const others = labels.map(() => OTHER)\n',
        by: '    this.#strangers.add(JSON.stringify(labels))\n    const others = labels.map(() => OTHER)\n',
      },
    ],
  },
  {
    name: 'keeps-every-secured-socket',
    step: '19.4',
    says: ['sockets that have closed to be forgotten'],
    edits: [
      {
        file: tls,
        replace: '  #newest = 0\n',
        by: '  #newest = 0\n  readonly #sockets = new Set<TLSSocket>()\n',
      },
      {
        file: tls,
        replace: '    let isOver = false\n',
        by: '    this.#sockets.add(secured)\n    let isOver = false\n',
      },
    ],
  },
  {
    name: 'trips-over-a-door-that-throws',
    step: '19.1',
    says: ['close() may throw before it returns a promise'],
    edits: [{ file: doors, replace: 'async (door) => door.close()', by: '(door) => door.close()' }],
  },
  {
    name: 'answers-500-for-the-page-and-tells-nobody',
    step: '19.1',
    says: ['Catch nothing here'],
    edits: [
      { file: web, replace: '  return (request) => {\n', by: '  return async (request) => {\n' },
      {
        file: web,
        replace: "if (request.path !== '/chat') return page(request)",
        by: `if (request.path !== '/chat') {
      try {
        return await page(request)
      } catch {
        return { status: 500 }
      }
    }`,
      },
    ],
  },
  {
    name: 'catches-what-the-api-throws-at-once',
    step: '19.1',
    says: ['Catch nothing here'],
    edits: [
      {
        file: web,
        replace: "if (request.path.startsWith('/api/')) return api(request)",
        by: `if (request.path.startsWith('/api/')) {
      try {
        return api(request)
      } catch {
        return { status: 500 }
      }
    }`,
      },
    ],
  },
  {
    name: 'ends-again-after-an-error',
    step: '19.2',
    says: ['even after an error'],
    edits: [
      {
        file: drain,
        hole: 'begin',
        by: `this.#isReady = false
    this.#over ??= this.#run().catch((error) => {
      this.#over = undefined
      throw error
    })
    return this.#over`,
      },
    ],
  },
  {
    name: 'is-ready-again-after-an-error',
    step: '19.2',
    says: ['never true again'],
    edits: [
      {
        file: drain,
        replace: 'if (failed) throw failed.reason',
        by: `if (!failed) return
    this.#isReady = true
    throw failed.reason`,
      },
    ],
  },
  {
    name: 'cut-cancels-the-deadline',
    step: '19.2',
    says: ['it is cancelled when the doors are closed'],
    edits: [
      {
        file: drain,
        replace: '  #isReady = true\n',
        by: '  #isReady = true\n  #deadline: unknown\n',
      },
      {
        file: drain,
        replace: 'for (const door of this.#options.doors) door.cut()',
        by: `for (const door of this.#options.doors) door.cut()
    this.#options.timers.cancel(this.#deadline)`,
      },
      { file: drain, replace: 'const deadline = timers', by: 'this.#deadline = timers' },
      { file: drain, replace: 'timers.cancel(deadline)', by: 'timers.cancel(this.#deadline)' },
    ],
  },
  {
    name: 'has-a-deadline-for-each-signal',
    step: '19.2',
    says: ['starts no other'],
    edits: [
      {
        file: drain,
        hole: 'begin',
        by: `this.#isReady = false
    const { timers, deadlineMs } = this.#options
    if (this.#over) timers.after(deadlineMs, () => this.cut())
    this.#over ??= this.#run()
    return this.#over`,
      },
    ],
  },
  {
    name: 'keeps-its-own-series-of-all-others',
    step: '19.3',
    says: ['do not put a new one in its place'],
    edits: [
      {
        file: histogram,
        replace: '  readonly #series = new Map<string, Series>()\n',
        by: '  readonly #series = new Map<string, Series>()\n  #others: Series | undefined\n',
      },
      {
        file: histogram,
        replace: 'return this.#series.get(JSON.stringify(others)) ?? this.#add(others)',
        by: 'return (this.#others ??= this.#add(others))',
      },
    ],
  },
  {
    name: 'the-newest-series-is-that-of-all-others',
    step: '19.3',
    says: ['do not put a new one in its place'],
    edits: [
      {
        file: histogram,
        replace: 'return this.#series.get(JSON.stringify(others)) ?? this.#add(others)',
        by: `const isMade = this.#series.size > this.#maxSeries
    return isMade ? [...this.#series.values()].at(-1)! : this.#add(others)`,
      },
    ],
  },
  {
    name: 'a-stranger-s-other-takes-no-room',
    step: '19.3',
    says: ['is one of the `maxSeries` as well'],
    edits: [
      {
        file: histogram,
        replace: BOUNDED,
        by: `    const others = labels.map(() => OTHER)
    const ofOthers = this.#series.get(JSON.stringify(others))
    if (this.#series.size - (ofOthers ? 1 : 0) < this.#maxSeries) return this.#add(labels)
    return ofOthers ?? this.#add(others)
`,
      },
    ],
  },
  {
    name: 'takes-one-other-for-all',
    step: '19.3',
    says: ['only when there is no room left'],
    edits: [
      {
        file: histogram,
        replace: '    const known =',
        by: '    if (labels.includes(OTHER)) labels = labels.map(() => OTHER)\n    const known =',
      },
    ],
  },
  {
    name: 'has-one-other-for-all-labels',
    step: '19.3',
    says: ['one `other` for each label'],
    edits: [{ file: histogram, replace: 'labels.map(() => OTHER)', by: '[OTHER]' }],
  },
  {
    name: 'moves-a-series-that-is-used',
    step: '19.3',
    says: ['keeps its place'],
    edits: [
      {
        file: histogram,
        replace: '    if (known) return known\n',
        by: `    if (known) {
      this.#series.delete(JSON.stringify(labels))
      this.#series.set(JSON.stringify(labels), known)
      return known
    }
`,
      },
    ],
  },
  {
    name: 'rounds-the-sum-to-millionths',
    step: '19.3',
    says: ['each of them unchanged'],
    edits: [
      {
        file: histogram,
        replace: 'series.sum += value',
        by: 'series.sum = Math.round((series.sum + value) * 1e6) / 1e6',
      },
    ],
  },
  {
    name: 'keeps-the-caller-s-list',
    step: '19.3',
    says: ['The list belongs to the caller'],
    edits: [
      {
        file: histogram,
        replace: BOUNDED,
        by: BOUNDED.replace(
          'return this.#add(labels)',
          `{
      const series = { labels, counts: Array(this.#bounds.length + 1).fill(0), sum: 0 }
      this.#series.set(JSON.stringify(labels), series)
      return series
    }`,
        ),
      },
    ],
  },
  {
    name: 'forgets-who-was-gone-before',
    step: '19.4',
    says: ['whoever ended it'],
    edits: [
      {
        file: tls,
        replace: '    let isOver = false\n',
        by: '    if (socket.destroyed) return secured\n    let isOver = false\n',
      },
    ],
  },
  {
    name: 'gives-a-number-back',
    step: '19.4',
    says: ['does not give its number back'],
    edits: [
      {
        file: tls,
        replace: TELL_ERROR,
        by: `      this.#newest -= 1\n${TELL_ERROR}`,
      },
    ],
  },
  {
    name: 'takes-the-time-for-a-number',
    step: '19.4',
    says: ['the time is no such number'],
    edits: [
      { file: tls, replace: 'const number = this.#newest', by: 'const number = Date.now()' },
      { file: tls, replace: 'number > this.#current', by: 'number >= this.#current' },
    ],
  },
  {
    name: 'joins-a-reload-that-is-under-way',
    step: '19.4',
    says: ['nor joins it'],
    edits: [
      {
        file: tls,
        hole: 'reload',
        by: `this.#running ??= this.#reloadOnce().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  #running: Promise<void> | undefined

  async #reloadOnce(): Promise<void> {
    try {
      this.#context = makeContext(await this.#options.load())
      this.#options.onReload(undefined)
    } catch (error) {
      this.#options.onReload(error as Error)
    }`,
      },
    ],
  },
  {
    name: 'reloads-one-after-the-other',
    step: '19.4',
    says: ['it neither waits for one that is under way'],
    edits: [
      {
        file: tls,
        hole: 'reload',
        by: `this.#queue = this.#queue.then(() => this.#reloadOnce())
    await this.#queue
  }

  #queue = Promise.resolve()

  async #reloadOnce(): Promise<void> {
    try {
      this.#context = makeContext(await this.#options.load())
      this.#options.onReload(undefined)
    } catch (error) {
      this.#options.onReload(error as Error)
    }`,
      },
    ],
  },
  {
    name: 'makes-a-context-only-to-keep-it',
    step: '19.4',
    says: ['what onReload was told about the two', 'Make the context in any case'],
    edits: [
      {
        file: tls,
        replace: `${LOAD}\n${KEEP_CONTEXT}`,
        by: `      const certificate = await this.#options.load()
      if (number > this.#current) {
        this.#context = makeContext(certificate)
        this.#current = number
      }`,
      },
    ],
  },
  {
    name: 'counts-what-it-cannot-use',
    step: '19.4',
    says: ['the certificate that cyd sees', 'only when makeContext() has returned'],
    edits: [
      { file: tls, replace: LOAD, by: '      const certificate = await this.#options.load()' },
      {
        file: tls,
        replace: 'this.#context = context\n      }',
        by: 'this.#context = makeContext(certificate)\n      } else makeContext(certificate)',
      },
    ],
  },
  {
    name: 'chooses-the-certificate-at-the-hello',
    step: '19.4',
    says: ['the certificate that fay sees', 'SNICallback'],
    edits: [
      {
        file: tls,
        replace: 'secureContext: this.#context })',
        by: `secureContext: this.#context,
      SNICallback: (_name, done) => done(null, this.#context) })`,
      },
    ],
  },
  {
    name: 'trips-over-a-load-that-throws',
    step: '19.4',
    says: ['the promise of reload()', 'load() may throw before it returns a promise'],
    edits: [
      {
        file: tls,
        hole: 'reload',
        by: `this.#newest += 1
    const number = this.#newest
    const { load, onReload } = this.#options
    return load()
      .then(makeContext)
      .then((context) => {
        if (number < this.#current) return
        this.#current = number
        this.#context = context
      })
      .then(() => onReload(undefined), onReload)`,
      },
    ],
  },
  {
    name: 'tells-onreload-of-its-own-error',
    step: '19.4',
    says: ['what onReload was told', 'Call onReload(undefined) behind the `try`'],
    edits: [
      { file: tls, replace: TELL_NONE, by: '' },
      {
        file: tls,
        replace: '    } catch (error) {\n      return this',
        by: '      this.#options.onReload(undefined)\n    } catch (error) {\n      return this',
      },
    ],
  },
  {
    name: 'an-error-around-all-errors',
    step: '19.2',
    says: ['the promise of begin()', 'one of the errors itself'],
    edits: [
      {
        file: drain,
        replace: THROW_FIRST,
        by: `    const failed = outcomes.filter((outcome) => outcome.status === 'rejected')
    const reasons = failed.map((outcome) => outcome.reason)
    if (reasons.length > 1) throw new AggregateError(reasons)
    if (reasons.length > 0) throw reasons[0]`,
      },
    ],
  },
  {
    name: 'cuts-a-moment-later',
    step: '19.2',
    says: ['who is cut off when cut() returns', 'not in a promise'],
    edits: [
      {
        file: drain,
        replace: 'for (const door of this.#options.doors) door.cut()',
        by: 'for (const door of this.#options.doors) queueMicrotask(() => door.cut())',
      },
    ],
  },
  {
    name: 'joins-label-values-with-nul',
    step: '19.3',
    says: ['how many series there are', 'unambiguous'],
    edits: [
      {
        file: histogram,
        replace: KEY,
        by: KEY.replace('JSON.stringify(labels)', "labels.join('\\0')"),
      },
      {
        file: histogram,
        replace: SET,
        by: SET.replace('JSON.stringify(labels)', "labels.join('\\0')"),
      },
      {
        file: histogram,
        replace: 'JSON.stringify(others)',
        by: "others.join('\\0')",
      },
    ],
  },
]
