import type { RightAnswer } from './right-answer.ts'

const doors = 'doors.ts'
const web = 'web.ts'
const drain = 'drain.ts'
const histogram = 'histogram.ts'
const tls = 'tls.ts'

export const rightAnswers: RightAnswer[] = [
  {
    name: 'promises-without-await',
    style:
      'The doors are opened by recursion, and the end of the server is a chain of then(). Of those that fail, the first is kept in a variable.',
    edits: [
      {
        file: doors,
        hole: 'openDoors',
        by: `const [plan, ...others] = plans
  if (!plan) return Promise.resolve([])
  return listen(plan, plan.serve(chat)).then((server) =>
    openDoors(chat, others, listen).then(
      (doors) => [Object.assign({}, server, { name: plan.name }), ...doors],
      (error) =>
        Promise.resolve()
          .then(() => server.close())
          .catch(() => {})
          .then(() => Promise.reject(error)),
    ),
  )`,
      },
      {
        file: drain,
        hole: 'begin',
        by: `this.#isReady = false
    if (this.#over) return this.#over
    const { doors, data, lookout, timers, deadlineMs } = this.#options
    let failed: { reason: unknown } | undefined
    const tryTo = (close: () => Promise<void> | undefined) =>
      new Promise<void>((resolve) => resolve(close())).catch((reason: unknown) => {
        failed ??= { reason }
      })
    const deadline = timers.after(deadlineMs, () => this.cut())
    this.#over = Promise.all(doors.map((door) => tryTo(() => door.close())))
      .finally(() => timers.cancel(deadline))
      .then(() => tryTo(() => data.close()))
      .then(() => tryTo(() => lookout?.close()))
      .then(() => {
        if (failed) throw failed.reason
      })
    return this.#over`,
      },
    ],
  },
  {
    name: 'a-table-of-places',
    style:
      'The web door looks the first segment of the path up in a table; the handler is async, as a handler may be.',
    edits: [
      {
        file: web,
        hole: 'webHandler',
        by: `const chatRoom: HttpHandler = (request) =>
    acceptWebSocket(request, {
      origins,
      protocols: ['chat.v1'],
      open(connection, timers) {
        const who = whoAsks(request, timers)
        return new ChatWebSocket(connection, chat, { ...who })
      },
    })
  return async (request) => {
    const [, first, ...rest] = request.path.split('/')
    if (first === 'chat' && rest.length === 0) return chatRoom(request)
    if (first === 'api' && rest.length > 0) return await api(request)
    return await page(request)
  }`,
      },
    ],
  },
  {
    name: 'cumulative-from-the-start',
    style:
      'Counters are cumulative as they are kept: an observation counts in every bucket that it fits into. Series are nested maps.',
    edits: [
      {
        file: histogram,
        hole: 'observe',
        by: `if (value !== value) return
    const series = this.#seriesOf(labels)
    for (const [place, bound] of [...this.#bounds, Number.POSITIVE_INFINITY].entries()) {
      if (bound >= value) series.counts[place]++
    }
    series.sum = series.sum + value`,
      },
      {
        file: histogram,
        hole: 'samples',
        by: `const all: Sample[] = []
    for (const series of this.#series.values()) {
      const own: [string, string][] = this.#labels.map((name, index) => [name, series.labels[index]])
      series.counts.forEach((value, index) => {
        const bound = this.#bounds[index]
        const le = bound === undefined ? '+Inf' : \`\${bound}\`
        all.push({ suffix: '_bucket', labels: own.concat([['le', le]]), value })
      })
      all.push({ suffix: '_sum', labels: own, value: series.sum })
      all.push({ suffix: '_count', labels: own, value: series.counts[series.counts.length - 1] })
    }
    return all`,
      },
    ],
  },
  {
    name: 'a-series-for-others-of-its-own',
    style:
      'The key is made of lengths and values, and the search for a bucket is a loop from behind.',
    edits: [
      {
        file: histogram,
        hole: '#seriesOf',
        by: `const keyOf = (values: readonly string[]) => values.map((value) => \`\${value.length}:\${value}\`).join()
    const others = this.#labels.map(() => OTHER)
    let own = labels
    if (!this.#series.has(keyOf(labels)) && this.#series.size >= this.#maxSeries) own = others
    let series = this.#series.get(keyOf(own))
    if (!series) {
      series = { labels: own.slice(), counts: new Array(this.#bounds.length + 1).fill(0), sum: 0 }
      this.#series.set(keyOf(own), series)
    }
    return series`,
      },
      {
        file: histogram,
        hole: 'observe',
        by: `if (Number.isNaN(value)) return
    const { counts } = this.#seriesOf(labels)
    let place = this.#bounds.length
    while (place > 0 && value <= this.#bounds[place - 1]) place -= 1
    counts[place] += 1
    this.#seriesOf(labels).sum += value`,
      },
    ],
  },
  {
    name: 'a-race-for-the-handshake',
    style:
      'The handshake, its end and its deadline are promises, and the first of them says how it went. Reloads remember the newest that succeeded as a queue would.',
    edits: [
      {
        file: tls,
        hole: 'secure',
        by: `const { timers, handshakeMs, onHandshake } = this.#options
    const secured = new TLSSocket(socket, { secureContext: this.#context, isServer: true })
    secured.on('error', () => {})
    let timer: unknown
    const first = new Promise<Handshake>((resolve) => {
      timer = timers.after(handshakeMs, () => resolve('late'))
      secured.once('secure', () => resolve('done'))
      secured.once('error', () => resolve('failed'))
      secured.once('close', () => resolve('failed'))
    })
    first.then((how) => {
      timers.cancel(timer)
      if (how !== 'done') secured.destroy()
      onHandshake(how)
    })
    return secured`,
      },
      {
        file: tls,
        hole: 'reload',
        by: `const number = ++this.#newest
    const { load, onReload } = this.#options
    return new Promise<Certificate>((resolve) => resolve(load()))
      .then((certificate) => {
        const context = makeContext(certificate)
        if (this.#current > number) return
        this.#current = number
        this.#context = context
      })
      .then(
        () => onReload(undefined),
        (error: Error) => onReload(error),
      )`,
      },
    ],
  },
  {
    name: 'timers-that-race-with-the-doors',
    style:
      'The end races the doors with the deadline, and goes on waiting when the deadline has won.',
    edits: [
      {
        file: drain,
        hole: 'begin',
        by: `if (!this.#over) {
      this.#isReady = false
      this.#over = this.#run()
    }
    return this.#over`,
      },
      {
        file: drain,
        hole: 'cut',
        by: 'this.#options.doors.forEach((door) => {\n  door.cut()\n})',
      },
      {
        file: drain,
        replace: `    const deadline = timers.after(deadlineMs, () => this.cut())
    const outcomes = await Promise.allSettled(doors.map(async (door) => door.close()))
    timers.cancel(deadline)`,
        by: `    const closed = Promise.allSettled(doors.map(async (door) => await door.close()))
    let deadline: unknown
    const late = new Promise<'late'>((resolve) => {
      deadline = timers.after(deadlineMs, () => resolve('late'))
    })
    const outcome = await Promise.race([closed, late])
    if (outcome === 'late') this.cut()
    else timers.cancel(deadline)
    const outcomes = await closed`,
      },
    ],
  },
  {
    name: 'reads-a-moment-later',
    style: 'A reload takes its number at once, and calls load() behind a promise that is resolved.',
    edits: [
      {
        file: tls,
        hole: 'reload',
        by: `const number = ++this.#newest
    await Promise.resolve()
      .then(this.#options.load)
      .then(makeContext)
      .then((context) => {
        if (number < this.#current) return
        this.#current = number
        this.#context = context
      })
      .then(() => this.#options.onReload(undefined), this.#options.onReload)`,
      },
    ],
  },
  {
    name: 'counted-by-hand',
    style:
      'Doors are closed from behind, one by one; the end of the server counts those that are open; series are compared value by value; a handshake takes its listeners off.',
    edits: [
      {
        file: doors,
        hole: 'openDoors',
        by: `const open: Door[] = []
  for (let place = 0; place < plans.length; place++) {
    const plan = plans[place]
    let server: BoundedServer
    try {
      server = await listen(plan, plan.serve(chat))
    } catch (why) {
      for (const door of open.reverse()) {
        try {
          await door.close()
        } catch {}
      }
      throw why
    }
    open.push(Object.assign(server, { name: plan.name }))
  }
  return open`,
      },
      {
        file: drain,
        hole: 'begin',
        by: `this.#isReady = false
    this.#over ??= new Promise((resolve, reject) => {
      const { doors, data, lookout, timers, deadlineMs } = this.#options
      let failure: { error: unknown } | undefined
      const close = async (part: Closable | undefined, next: () => void) => {
        try {
          await part?.close()
        } catch (error) {
          failure ??= { error }
        }
        next()
      }
      const timer = timers.after(deadlineMs, () => this.cut())
      const end = () => (failure ? reject(failure.error) : resolve())
      let open = doors.length
      for (const door of doors) {
        close(door, () => {
          open -= 1
          if (open > 0) return
          timers.cancel(timer)
          close(data, () => close(lookout, end))
        })
      }
    })
    return this.#over`,
      },
      {
        file: histogram,
        hole: '#seriesOf',
        by: `for (const series of this.#series.values()) {
      if (series.labels.every((text, place) => text === labels[place])) return series
    }
    const isFull = this.#series.size >= this.#maxSeries
    const isOther = labels.every((text) => text === OTHER)
    return isFull && !isOther ? this.#seriesOf(labels.map(() => OTHER)) : this.#add([...labels])`,
      },
      {
        file: tls,
        hole: 'secure',
        by: `const { timers, handshakeMs, onHandshake } = this.#options
    const secured = new TLSSocket(socket, { isServer: true, secureContext: this.#context })
    const isDone = () => end('done')
    const isGone = () => end('failed')
    const timer = timers.after(handshakeMs, () => end('late'))
    function end(how: Handshake) {
      secured.off('secure', isDone).off('close', isGone)
      timers.cancel(timer)
      if (how !== 'done') secured.destroy()
      onHandshake(how)
    }
    return secured.on('secure', isDone).on('close', isGone)`,
      },
    ],
  },
]
