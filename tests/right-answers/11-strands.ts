import type { RightAnswer } from './right-answer.ts'

const file = 'strand.ts'
const conversation = 'conversation.ts'

export const rightAnswers: RightAnswer[] = [
  {
    name: 'a-chain-of-promises',
    style:
      'Each task hangs behind the one before it, whose failure is caught for those that follow.',
    edits: [
      {
        file,
        hole: 'post',
        by: `    const result = this.#lastEnded.then(() => task())
    this.#lastEnded = result.then(
      () => {},
      () => {},
    )
    return result`,
      },
    ],
  },
  {
    name: 'a-queue-and-a-worker',
    style: 'Tasks wait in a list, and one loop works it off as long as there are any.',
    edits: [
      {
        file,
        hole: 'post',
        by: `    return new Promise((resolve, reject) => {
      this.#tasks.push(async () => {
        try {
          resolve(await task())
        } catch (error) {
          reject(error)
        }
      })
      if (!this.#isWorking) this.#work()
    })`,
      },
      {
        file,
        replace: '  #lastEnded = Promise.resolve()\n',
        by: `  readonly #tasks: (() => Promise<void>)[] = []
  #isWorking = false

  async #work(): Promise<void> {
    this.#isWorking = true
    await undefined
    for (let next = this.#tasks.shift(); next; next = this.#tasks.shift()) await next()
    this.#isWorking = false
  }
`,
      },
    ],
  },
  {
    name: 'then-instead-of-await',
    style: 'Promises are joined by hand, and what fails is said by the second handler.',
    edits: [
      {
        file: conversation,
        hole: '#answer',
        by: `    const isJob = JOBS.has(line.split(' ')[0])
    if (!isJob) return Promise.resolve(runCommand(line, ON_THE_LOOP))
    const job = this.#context.pool.run(line, { signal: this.#gone.signal })
    return job.then((reply) => reply, errorReply)`,
      },
      {
        file: conversation,
        hole: '#reply',
        by: `    this.#unanswered += 1
    const { connection } = this.#lines
    if (this.#unanswered === this.#context.maxUnanswered) connection.pauseReading('owner')
    const said = Promise.resolve(answer)
    void this.#replies.post(() => said.then((reply) => this.#say(reply)))`,
      },
    ],
  },
  {
    name: 'reads-the-first-line-with-a-pattern',
    style:
      'The message of an error may have many lines, and the first one is what a pattern finds, too.',
    edits: [
      {
        file: conversation,
        hole: 'errorReply',
        by: `  if (!(error instanceof PoolBusy)) {
    const [firstLine] = /^.*/.exec(error.message)!
    return 'error crashed: ' + firstLine
  }
  return 'busy'`,
      },
    ],
  },
  {
    name: 'a-turn-later',
    style: 'What need not happen at once happens in a microtask, or in the next turn of the loop.',
    edits: [
      { file: conversation, hole: 'cancel', by: '    queueMicrotask(() => this.#gone.abort())' },
      {
        file: conversation,
        replace: "this.#lines.connection.resumeReading('owner')",
        by: `setImmediate(() => {
      if (this.#unanswered < this.#context.maxUnanswered) {
        this.#lines.connection.resumeReading('owner')
      }
    })`,
      },
    ],
  },
  {
    name: 'a-turn-before-each-task',
    style: 'A strand lets the loop have a turn before each of its tasks.',
    edits: [
      {
        file: 'strand.ts',
        replace: '    await before\n',
        by: '    await before\n    await new Promise((turn) => setImmediate(turn))\n',
      },
    ],
  },
  {
    name: 'a-controller-for-each-job',
    style: 'Each job has a signal of its own, which is forgotten when the job has ended.',
    edits: [
      {
        file: conversation,
        replace: '  #unanswered = 0\n',
        by: '  #unanswered = 0\n  readonly #jobs = new Set<AbortController>()\n',
      },
      {
        file: conversation,
        hole: '#answer',
        by: `    if (!/^(fib|sleep|crash)( |$)/.test(line)) return runCommand(line, ON_THE_LOOP)
    const mine = new AbortController()
    this.#jobs.add(mine)
    return this.#context.pool
      .run(line, { signal: mine.signal })
      .catch(errorReply)
      .finally(() => this.#jobs.delete(mine))`,
      },
      {
        file: conversation,
        hole: 'cancel',
        by: '    this.#gone.abort()\n    for (const job of this.#jobs) job.abort()',
      },
    ],
  },
  {
    name: 'says-at-once-what-nobody-is-before',
    style:
      'The only line without a reply needs no task: an answer that is known is said on the spot.',
    edits: [
      {
        file: conversation,
        hole: '#reply',
        by: `    this.#unanswered += 1
    const isAlone = this.#unanswered === 1
    if (this.#unanswered >= this.#context.maxUnanswered) {
      this.#lines.connection.pauseReading('owner')
    }
    if (isAlone && typeof answer === 'string') this.#say(answer)
    else this.#replies.post(async () => this.#say(await answer))`,
      },
      {
        file: conversation,
        hole: 'onEnd',
        by: `    if (this.#unanswered === 0) return this.#lines.end('finished')
    this.#replies.post(() => this.#lines.end('finished'))`,
      },
    ],
  },
  {
    name: 'counts-with-a-set',
    style:
      'Unanswered lines are a set of tokens; the connection is resumed only when it was full, and nothing is awaited when nobody listens.',
    edits: [
      {
        file: conversation,
        hole: '#reply',
        by: `    const token = {}
    const { connection } = this.#lines
    const { maxUnanswered } = this.#context
    this.#waiting.add(token)
    if (this.#waiting.size >= maxUnanswered) connection.pauseReading('owner')
    void this.#replies.post(async () => {
      if (this.#gone.signal.aborted) return
      const reply = await answer
      const wasFull = this.#waiting.size >= maxUnanswered
      this.#waiting.delete(token)
      if (this.#gone.signal.aborted) return
      this.#lines.say(reply)
      if (wasFull) connection.resumeReading('owner')
    })`,
      },
      {
        file: conversation,
        replace: '  #unanswered = 0\n',
        by: '  readonly #waiting = new Set<object>()\n',
      },
      {
        file: conversation,
        replace: `  /** @answer 11.2 */
  #say(reply: string): void {
    if (this.#gone.signal.aborted) return
    this.#lines.say(reply)
    this.#unanswered -= 1
    this.#lines.connection.resumeReading('owner')
  }
`,
        by: '',
      },
    ],
  },
  {
    name: 'a-signal-derived-for-each-job',
    style: 'Each job gets a signal of its own, which follows the one of the connection.',
    edits: [
      {
        file: conversation,
        hole: '#answer',
        by: `    const [command] = line.split(' ')
    if (!JOBS.has(command)) return runCommand(line, ON_THE_LOOP)
    const signal = AbortSignal.any([this.#gone.signal])
    return this.#context.pool.run(line, { signal }).catch(errorReply)`,
      },
    ],
  },
  {
    name: 'remembers-the-last-job',
    style: 'The last job, its answer and its controller are kept until the next one begins.',
    edits: [
      {
        file,
        hole: 'post',
        by: `    const result = this.#last.then(task, task) as Promise<T>
    this.#last = result
    result.catch(() => {})
    return result`,
      },
      {
        file,
        replace: '#lastEnded = Promise.resolve()',
        by: '#last: Promise<unknown> = Promise.resolve()',
      },
    ],
  },
]
