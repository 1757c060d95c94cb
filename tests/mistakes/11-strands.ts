import type { Mistake } from './mistake.ts'

const strand = 'strand.ts'
const file = 'conversation.ts'

const BODY = `const before = this.#lastEnded
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#lastEnded = promise
    await before
    try {
      return await task()
    } finally {
      resolve()
    }`

const POLLING = `const me = {}
    this.#tasks.push(me)
    await undefined
    while (this.#tasks[0] !== me) await new Promise((resolve) => setImmediate(resolve))
    try {
      return await task()
    } finally {
      this.#tasks.shift()
    }`

/** The same as a chain of then()s; the next task waits for `tail`. */
const chained = (tail: string) => `const result = this.#lastEnded.then(() => task())
    this.#lastEnded = ${tail} as Promise<never>
    return result`

const INLINE = 'if (!JOBS.has(command)) return runCommand(line, ON_THE_LOOP)'
const JOB = 'return this.#context.pool.run(line, { signal: this.#gone.signal }).catch(errorReply)'
const REPLY = 'this.#replies.post(async () => this.#say(await answer))'
const PAUSE = "this.#lines.connection.pauseReading('owner')"
const RESUME = "this.#lines.connection.resumeReading('owner')"
const COUNT = 'this.#unanswered += 1\n'
/** What says a reply, and makes room. */
const SAY = `  /** @answer 11.2 */
  #say(reply: string): void {
    if (this.#gone.signal.aborted) return
    this.#lines.say(reply)
    this.#unanswered -= 1
    this.#lines.connection.resumeReading('owner')
  }
`
const END = "this.#replies.post(() => this.#lines.end('finished'))"

export const mistakes: Mistake[] = [
  {
    name: 'undefined-is-no-failure',
    step: '11.1',
    says: ['takes undefined and 0 for success'],
    edits: [
      {
        file: strand,
        replace: '    try {\n      return await task()\n    } finally {\n      resolve()\n    }\n',
        by: `    let failure: unknown
    let result: T | undefined
    try {
      result = await task()
    } catch (error) {
      failure = error
    }
    resolve()
    if (failure) throw failure
    return result as T
`,
      },
    ],
  },
  {
    name: 'forgets-everybody',
    step: '11.5',
    says: ['Leave `open` alone in cancel()'],
    edits: [{ file, hole: 'cancel', by: '    this.#context.open.clear()\n    this.#gone.abort()' }],
  },
  {
    name: 'an-empty-reply-makes-no-room',
    step: '11.6',
    says: ['It is a reply, and makes room'],
    edits: [
      {
        file,
        replace: '    this.#lines.say(reply)\n',
        by: "    this.#lines.say(reply)\n    if (reply === '') return\n",
      },
    ],
  },
  {
    name: 'busy-makes-no-room',
    step: '11.6',
    says: ['that line has its reply'],
    edits: [
      {
        file,
        replace: '    this.#lines.say(reply)\n',
        by: "    this.#lines.say(reply)\n    if (reply === 'busy') return\n",
      },
    ],
  },
  {
    name: 'one-queue-for-all-strands',
    step: '11.1',
    says: ['"bob 1" to have begun', 'nothing static, nothing in the module'],
    edits: [
      { file: strand, replace: '#lastEnded = Promise', by: 'static #lastEnded = Promise' },
      { file: strand, replace: 'before = this.#lastEnded', by: 'before = Strand.#lastEnded' },
      { file: strand, replace: 'this.#lastEnded = promise', by: 'Strand.#lastEnded = promise' },
    ],
  },
  {
    name: 'a-throw-stops-the-strand',
    step: '11.1',
    says: ['"ada 3" to have begun', 'is skipped'],
    edits: [{ file: strand, replace: BODY, by: chained('result') }],
  },
  {
    name: 'the-tail-rejects-and-nobody-catches-it',
    step: '11.1',
    says: ['a promise was rejected and nobody caught it', 'or finally() returns needs its own'],
    edits: [
      {
        file: strand,
        replace: BODY,
        by: chained('result.finally(() => {})').replace('.then(', '.catch(() => {}).then('),
      },
    ],
  },
  {
    name: 'starts-them-all-at-once',
    step: '11.1',
    says: ['"ada 2" not to have begun'],
    edits: [{ file: strand, replace: 'await before', by: 'await Promise.race([before, null])' }],
  },
  {
    name: 'waits-for-the-call-only',
    step: '11.1',
    says: ['"ada 2" not to have begun', 'not only for its call'],
    edits: [{ file: strand, replace: 'return await task()', by: 'return task()' }],
  },
  {
    name: 'begins-inside-post',
    step: '11.1',
    says: ['post() to return before the task begins'],
    edits: [{ file: strand, replace: '    await before\n', by: '    void before\n' }],
  },
  {
    name: 'swallows-the-error',
    step: '11.1',
    says: ['Error: two has failed', 'Return a promise that rejects with it'],
    edits: [
      {
        file: strand,
        replace: BODY,
        by: `${chained('result.catch(() => {})')} as T`.replace(
          'return result',
          'return (await this.#lastEnded)',
        ),
      },
    ],
  },
  {
    name: 'the-end-of-one-task-frees-the-strand',
    step: '11.1',
    says: ['"ada 4" not to have begun', 'Only post() may change that'],
    edits: [
      {
        file: strand,
        replace: '      resolve()\n',
        by: '      resolve()\n      this.#lastEnded = Promise.resolve()\n',
      },
    ],
  },
  {
    name: 'looks-every-turn-whether-it-is-next',
    step: '11.1',
    says: ['no timer and no turn of the loop', 'Await a promise instead'],
    edits: [
      { file: strand, replace: BODY, by: POLLING },
      {
        file: strand,
        replace: '#lastEnded = Promise.resolve()',
        by: 'readonly #tasks: object[] = []',
      },
    ],
  },
  {
    name: 'keeps-every-task',
    step: '11.1',
    says: ['the tasks to be forgotten', 'the last task'],
    edits: [
      {
        file: strand,
        replace: '#lastEnded = Promise.resolve()',
        by: '#lastEnded = Promise.resolve()\n  readonly #tasks: unknown[] = []',
      },
      {
        file: strand,
        replace: '    const before = this.#lastEnded\n',
        by: '    this.#tasks.push(task)\n    const before = this.#lastEnded\n',
      },
    ],
  },
  {
    name: 'everything-on-the-loop',
    step: '11.2',
    says: ['the lines given to the pool', 'Look up the first word'],
    edits: [{ file, replace: INLINE, by: 'if (command) return runCommand(line, ON_THE_LOOP)' }],
  },
  {
    name: 'fib-on-the-loop',
    step: '11.2',
    says: ['the lines given to the pool', 'Look up the first word'],
    edits: [
      {
        file,
        replace: INLINE,
        by: "if (command === 'fib' || !JOBS.has(command)) return runCommand(line, ON_THE_LOOP)",
      },
    ],
  },
  {
    name: 'echo-waits-for-a-thread',
    step: '11.2',
    says: ['the loop is not', 'answer them on the loop'],
    edits: [{ file, replace: INLINE, by: 'void [JOBS, command, runCommand, ON_THE_LOOP]' }],
  },
  {
    name: 'says-the-promise',
    step: '11.2',
    says: ['[object Promise]', 'await it before you send it'],
    edits: [{ file, replace: 'this.#say(await answer)', by: 'this.#say(String(answer))' }],
  },
  {
    name: 'one-strand-for-everybody',
    step: '11.2',
    says: ['bob waits for his own replies only'],
    edits: [
      { file, replace: 'readonly #replies', by: 'static readonly #replies' },
      { file, replace: REPLY, by: REPLY.replace('this.#replies', 'Conversation.#replies') },
      { file, replace: END, by: END.replace('this.#replies', 'Conversation.#replies') },
    ],
  },
  {
    name: 'whatever-begins-like-a-job',
    step: '11.2',
    says: ['Only the first word counts'],
    edits: [
      {
        file,
        replace: 'if (!JOBS.has(command)) return',
        by: 'if (![...JOBS].some((job) => command.startsWith(job))) return',
      },
    ],
  },
  {
    name: 'crash-on-the-loop',
    step: '11.2',
    says: ['crashed on request', 'in #answer()'],
    edits: [
      {
        file,
        replace: 'if (!JOBS.has(command)) return',
        by: "if (!JOBS.has(command) || command === 'crash') return",
      },
    ],
  },
  {
    name: 'a-timer-lets-the-next-one-begin',
    step: '11.1',
    says: ['no timer to be set', 'Only the end of a task counts'],
    edits: [
      {
        file: strand,
        replace: 'await before',
        by: 'await Promise.race([before, new Promise((r) => setTimeout(r, 1_000).unref())])',
      },
    ],
  },
  {
    name: 'what-a-task-posts-is-called-at-once',
    step: '11.1',
    says: ['post() has returned', 'comes after it'],
    edits: [
      {
        file: strand,
        replace: '#lastEnded = Promise.resolve()',
        by: '#lastEnded = Promise.resolve()\n  #isInTask = false',
      },
      {
        file: strand,
        replace: '    const before = this.#lastEnded\n',
        by: '    if (this.#isInTask) return await task()\n    const before = this.#lastEnded\n',
      },
      {
        file: strand,
        replace: 'return await task()\n    } finally',
        by: 'this.#isInTask = true\n      const result = task()\n      this.#isInTask = false\n      return await result\n    } finally',
      },
    ],
  },
  {
    name: 'stops-a-moment-after-its-last-look',
    step: '11.1',
    says: ['however soon it is posted', 'nothing looks at the list again'],
    edits: [
      {
        file: strand,
        replace: BODY,
        by: `return new Promise((resolve, reject) => {
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
        file: strand,
        replace: '  #lastEnded = Promise.resolve()\n',
        by: `  readonly #tasks: (() => Promise<void>)[] = []
  #isWorking = false

  async #work(): Promise<void> {
    this.#isWorking = true
    await undefined
    for (let next = this.#tasks.shift(); next; next = this.#tasks.shift()) await next()
    await undefined
    this.#isWorking = false
  }
`,
      },
    ],
  },
  {
    name: 'an-empty-answer-is-no-reply',
    step: '11.2',
    says: ['what fay hears', 'An empty answer is an answer'],
    edits: [{ file, replace: 'this.#lines.say(reply)', by: 'if (reply) this.#lines.say(reply)' }],
  },
  {
    name: 'trims-what-it-says',
    step: '11.2',
    says: ['what fay hears', 'nothing is trimmed'],
    edits: [{ file, replace: 'this.#lines.say(reply)', by: 'this.#lines.say(reply.trim())' }],
  },
  {
    name: 'puts-the-words-together-again',
    step: '11.2',
    says: ['what fay hears', 'nothing is trimmed'],
    edits: [
      {
        file,
        replace: 'return runCommand(line, ON_THE_LOOP)',
        by: "return runCommand(line.split(/\\s+/).join(' '), ON_THE_LOOP)",
      },
    ],
  },
  {
    name: 'lines-that-say-the-same-share-a-job',
    step: '11.2',
    says: ['the lines given to the pool', 'A job is shared'],
    edits: [
      {
        file,
        replace: JOB,
        by: `const known = JOBS_UNDER_WAY.get(line)
    if (known) return known
    const job = this.#context.pool
      .run(line, { signal: this.#gone.signal })
      .catch(errorReply)
      .finally(() => JOBS_UNDER_WAY.delete(line))
    JOBS_UNDER_WAY.set(line, job)
    return job`,
      },
      {
        file,
        replace: 'const ON_THE_LOOP',
        by: 'const JOBS_UNDER_WAY = new Map<string, Promise<string>>()\n\nconst ON_THE_LOOP',
      },
    ],
  },
  {
    name: 'replies-in-order-of-completion',
    step: '11.3',
    says: ['the strand keeps the order'],
    edits: [{ file, replace: REPLY, by: 'void (async () => this.#say(await answer))()' }],
  },
  {
    name: 'one-job-at-a-time',
    step: '11.3',
    says: ['busy: 2', 'Begin each job before you post'],
    edits: [
      {
        file,
        replace: JOB,
        by: 'return this.#replies\n      .post(() => this.#context.pool.run(line, { signal: this.#gone.signal }))\n      .catch(errorReply)',
      },
    ],
  },
  {
    name: 'fin-before-the-answers',
    step: '11.3',
    says: ['three replies are due', 'post it'],
    edits: [{ file, replace: END, by: "this.#lines.end('finished')" }],
  },
  {
    name: 'never-says-fin',
    step: '11.3',
    says: ['so the server sends FIN, too'],
    edits: [{ file, replace: END, by: 'this.#replies.post(() => {})' }],
  },
  {
    name: 'fin-takes-the-jobs-back',
    step: '11.3',
    says: ['three replies are due'],
    edits: [{ file, replace: END, by: `this.cancel()\n    ${END}` }],
  },
  {
    name: 'looks-now-and-then-whether-all-is-said',
    step: '11.3',
    says: ['no timer to be set', 'Post the end as a task'],
    edits: [
      {
        file,
        replace: END,
        by: "const look = () => {\n      if (this.#unanswered === 0) this.#lines.end('finished')\n      else setTimeout(look, 5)\n    }\n    look()",
      },
    ],
  },
  {
    name: 'fin-only-behind-a-reply',
    step: '11.3',
    says: ['eve sends FIN and has asked for nothing', 'always post the task'],
    edits: [{ file, replace: END, by: `if (this.#unanswered > 0) ${END}` }],
  },
  {
    name: 'an-end-in-order-counts-as-invalid',
    step: '11.3',
    says: ['why eve’s connection ended', 'nothing was wrong'],
    edits: [{ file, replace: END, by: "this.#replies.post(() => this.#lines.end('invalid'))" }],
  },
  {
    name: 'destroys-a-moment-after-the-end',
    step: '11.3',
    says: ['not to be destroyed', 'takes her time reading'],
    edits: [
      {
        file,
        replace: END,
        by: `this.#replies.post(() => {
      this.#lines.end('finished')
      setImmediate(() => this.#lines.connection.destroy('finished'))
    })`,
      },
    ],
  },
  {
    name: 'says-all-replies-together',
    step: '11.3',
    says: ['what gil hears', 'not when all answers are known'],
    edits: [
      { file, replace: '  #unanswered = 0\n', by: "  #unanswered = 0\n  #held = ''\n" },
      {
        file,
        replace: 'this.#lines.say(reply)\n    this.#unanswered -= 1',
        by: "this.#held += `${reply}\\n`\n    this.#unanswered -= 1\n    if (this.#unanswered > 0) return\n    this.#lines.say(this.#held.slice(0, -1))\n    this.#held = ''",
      },
    ],
  },
  {
    name: 'nobody-catches-a-failed-job',
    step: '11.4',
    says: ['nobody caught it', 'catch() where the job begins'],
    edits: [{ file, replace: '.catch(errorReply)', by: '' }],
    // The crash may take longer than the sleep before it; then the next expectation finds it.
    cardVaries: true,
  },
  {
    name: 'catches-when-its-turn-has-come',
    step: '11.4',
    says: ['nobody caught it', 'catch() where the job begins'],
    edits: [
      { file, replace: '.catch(errorReply)', by: '' },
      {
        file,
        replace: REPLY,
        by: 'this.#replies.post(async () => this.#say(await Promise.resolve(answer).catch(errorReply)))',
      },
    ],
    // The crash may take longer than the sleep before it, on a busy machine; then the next expectation finds it.
    cardVaries: true,
  },
  {
    name: 'a-failed-job-ends-the-connection',
    step: '11.4',
    says: ['not the connection'],
    edits: [
      {
        file,
        replace: REPLY,
        by: "this.#replies.post(async () => {\n      const reply = await answer\n      this.#say(reply)\n      if (reply.startsWith('error crashed')) this.#lines.end('failed')\n    })",
      },
    ],
  },
  {
    name: 'busy-is-a-crash',
    step: '11.4',
    says: ['run() rejects with PoolBusy'],
    edits: [
      { file, replace: "if (error instanceof PoolBusy) return 'busy'\n", by: 'void PoolBusy\n' },
    ],
  },
  {
    name: 'busy-ends-the-connection',
    step: '11.4',
    says: ['`busy` is the answer to one line'],
    edits: [
      {
        file,
        replace: REPLY,
        by: "this.#replies.post(async () => {\n      const reply = await answer\n      this.#say(reply)\n      if (reply === 'busy') this.#lines.end('failed')\n    })",
      },
    ],
  },
  {
    name: 'busy-jumps-the-queue',
    step: '11.4',
    says: ['Even `busy` waits for its turn'],
    edits: [
      {
        file,
        replace: REPLY,
        by: `const busy = Promise.resolve(answer).then((reply) => {
      if (reply !== 'busy') return false
      this.#say(reply)
      return true
    })
    this.#replies.post(async () => {
      if (!(await busy)) this.#say(await answer)
    })`,
      },
    ],
  },
  {
    name: 'says-the-whole-message',
    step: '11.4',
    says: ['error crashed: no answer to fib 2', 'the whole first line'],
    edits: [{ file, replace: "error.message.split('\\n')[0]", by: 'error.message' }],
  },
  {
    name: 'knows-busy-by-its-words',
    step: '11.4',
    says: ['Only PoolBusy is `busy`', 'PoolBusy("every'],
    edits: [
      {
        file,
        replace: "if (error instanceof PoolBusy) return 'busy'",
        by: "void PoolBusy\n  if (error.message.includes('busy')) return 'busy'",
      },
    ],
  },
  {
    name: 'says-a-message-up-to-its-full-stop',
    step: '11.4',
    says: ['error crashed: no answer to fib 2', 'the whole first line'],
    edits: [{ file, replace: "split('\\n')[0]", by: 'split(/[\\n.]/)[0]' }],
  },
  {
    name: 'the-jobs-of-who-has-gone-go-on',
    step: '11.5',
    says: ['their thread is free for bob', 'abort it in cancel()'],
    edits: [{ file, replace: 'this.#gone.abort()\n', by: '\n' }],
  },
  {
    name: 'the-pool-never-gets-the-signal',
    step: '11.5',
    says: ['to run() in #answer()'],
    edits: [{ file, replace: '{ signal: this.#gone.signal }', by: '{}' }],
  },
  {
    name: 'takes-a-cancelled-job-for-a-bug',
    step: '11.5',
    says: ['nobody caught it', 'The promise that #answer() returns never rejects'],
    edits: [
      {
        file,
        replace: '.catch(errorReply)',
        by: ".catch((error) => {\n      if (error.name === 'AbortError') throw error\n      return errorReply(error)\n    })",
      },
    ],
  },
  {
    name: 'only-the-first-job-gets-the-signal',
    step: '11.5',
    says: ['not only for some'],
    edits: [
      {
        file,
        replace: '{ signal: this.#gone.signal }',
        by: '{ signal: this.#unanswered === 0 ? this.#gone.signal : undefined }',
      },
    ],
  },
  {
    name: 'listens-to-the-signal-for-each-line',
    step: '11.5',
    says: ['listeners on her signal', 'for each line'],
    edits: [
      {
        file,
        replace: REPLY,
        by: `const gone = new Promise<string>((resolve) => {
      this.#gone.signal.addEventListener('abort', () => resolve(''))
    })
    this.#replies.post(async () => this.#say(await Promise.race([answer, gone])))`,
      },
    ],
  },
  {
    name: 'fin-takes-the-jobs-back-later',
    step: '11.3',
    says: ['no timer to be set', 'FIN takes no job back'],
    edits: [{ file, replace: END, by: `${END}\n    setTimeout(() => this.cancel(), 100)` }],
  },
  {
    name: 'says-that-a-job-was-taken-back',
    step: '11.5',
    says: ['what gus hears', 'is not a crash, and gets no reply'],
    edits: [{ file, replace: 'if (this.#gone.signal.aborted) return\n', by: '' }],
  },
  {
    name: 'says-what-was-known-already',
    step: '11.5',
    says: ['what gus hears', 'none that was already known'],
    edits: [
      {
        file,
        replace: 'if (this.#gone.signal.aborted) return\n',
        by: "if (reply === 'gone') return\n",
      },
      {
        file,
        replace: "if (error instanceof PoolBusy) return 'busy'",
        by: "if (error.name === 'AbortError') return 'gone'\n  if (error instanceof PoolBusy) return 'busy'",
      },
    ],
  },
  {
    name: 'says-busy-for-a-job-that-was-taken-back',
    step: '11.5',
    says: ['what gus hears', 'is not a crash, and gets no reply'],
    edits: [
      { file, replace: 'if (this.#gone.signal.aborted) return\n', by: '' },
      {
        file,
        replace: 'if (error instanceof PoolBusy)',
        by: "if (error instanceof PoolBusy || error.name === 'AbortError')",
      },
    ],
  },
  {
    name: 'counts-jobs-only',
    step: '11.6',
    says: ['The echo has its answer', 'Every line counts'],
    edits: [
      { file, replace: COUNT, by: "if (typeof answer !== 'string') this.#unanswered += 1\n" },
      {
        file,
        replace: 'this.#replies.post(async () => this.#say(await answer))',
        by: "this.#replies.post(async () => {\n      const reply = await answer\n      if (typeof answer === 'string') this.#unanswered += 1\n      this.#say(reply)\n    })",
      },
    ],
  },
  {
    name: 'never-counts-down',
    step: '11.6',
    says: ['there is room for two again', 'Every reply counts a line down'],
    edits: [{ file, replace: '    this.#unanswered -= 1\n', by: '' }],
  },
  {
    name: 'counts-down-while-full-only',
    step: '11.6',
    says: ['there is room for two again', 'Every reply counts a line down'],
    edits: [
      {
        file,
        replace: 'this.#unanswered -= 1',
        by: 'if (this.#unanswered >= this.#context.maxUnanswered) this.#unanswered -= 1',
      },
    ],
  },
  {
    name: 'one-count-for-everybody',
    step: '11.6',
    says: ['the lines given to the pool', 'nothing static'],
    edits: [
      { file, replace: '  #unanswered = 0\n', by: '  static unanswered = 0\n' },
      { file, replace: COUNT, by: 'Conversation.unanswered += 1\n' },
      { file, replace: 'this.#unanswered >=', by: 'Conversation.unanswered >=' },
      { file, replace: 'this.#unanswered -= 1', by: 'Conversation.unanswered -= 1' },
    ],
  },
  {
    name: 'one-line-too-many',
    step: '11.6',
    says: ['busy: 1, queued: 3'],
    edits: [{ file, replace: 'this.#unanswered >=', by: 'this.#unanswered >' }],
  },
  {
    name: 'pauses-only-the-first-time',
    step: '11.6',
    says: ['busy: 1, queued: 3'],
    edits: [
      { file, replace: '  #unanswered = 0\n', by: '  #unanswered = 0\n  #hasPaused = false\n' },
      {
        file,
        replace: '>= this.#context.maxUnanswered) {',
        by: '>= this.#context.maxUnanswered && !this.#hasPaused) {\n      this.#hasPaused = true',
      },
    ],
  },
  {
    name: 'a-failed-job-makes-no-room',
    step: '11.6',
    says: ['A job that fails has a reply', 'whatever it says'],
    edits: [
      {
        file,
        replace: 'this.#unanswered -= 1',
        by: "if (reply.startsWith('error')) return\n    this.#unanswered -= 1",
      },
    ],
  },
  {
    name: 'a-failure-counts-no-line-down',
    step: '11.6',
    says: ['an error is a reply, too', 'Every reply counts a line down'],
    edits: [
      {
        file,
        replace: 'this.#unanswered -= 1',
        by: "if (!reply.startsWith('error')) this.#unanswered -= 1",
      },
    ],
  },
  {
    name: 'pauses-for-one-and-resumes-for-another',
    step: '11.6',
    says: ['sixty lines', 'the same reason'],
    edits: [{ file, replace: PAUSE, by: PAUSE.replace('owner', 'protocol') }],
  },
  {
    name: 'looks-for-room-before-it-counts-down',
    step: '11.6',
    says: ['there is room for one line', 'Count the line down first'],
    edits: [
      { file, replace: '    this.#unanswered -= 1\n', by: '' },
      {
        file,
        replace: RESUME,
        by: `if (this.#unanswered < this.#context.maxUnanswered) ${RESUME}\n    this.#unanswered -= 1`,
      },
    ],
  },
  {
    name: 'as-many-jobs-as-lines',
    step: '11.6',
    says: ['busy: 1, queued: 3', 'pauseReading()'],
    edits: [{ file, replace: PAUSE, by: '' }],
  },
  {
    name: 'looks-again-in-a-moment',
    step: '11.6',
    says: ['busy: 1, queued: 3', 'resumeReading()'],
    edits: [
      {
        file,
        replace: PAUSE,
        by: `${PAUSE}\n    setImmediate(() => this.#lines.connection.resumeReading('owner'))`,
      },
    ],
  },
  {
    name: 'who-asks-too-fast-is-sent-away',
    step: '11.6',
    says: ['sixty lines', 'is not disconnected'],
    edits: [{ file, replace: PAUSE, by: "this.#lines.end('finished')" }],
  },
  {
    name: 'never-listens-again',
    step: '11.6',
    says: ['sixty lines', 'resume the connection after every reply'],
    edits: [{ file, replace: RESUME, by: '' }],
  },
  {
    name: 'listens-again-when-all-is-answered',
    step: '11.6',
    says: ['the lines given to the pool', 'not only when none is missing'],
    edits: [{ file, replace: RESUME, by: `if (this.#unanswered === 0) ${RESUME}` }],
  },
  {
    name: 'one-reply-makes-room-for-all',
    step: '11.6',
    says: ['busy: 1, queued: 3', 'do not reset the count'],
    edits: [{ file, replace: RESUME, by: `this.#unanswered = 0\n    ${RESUME}` }],
  },
  {
    name: 'looks-for-room-now-and-then',
    step: '11.6',
    says: ['no timer to be set', 'looks for room'],
    edits: [
      { file, replace: RESUME, by: '' },
      {
        file,
        replace: PAUSE,
        by: `${PAUSE}\n    const timer = setInterval(() => {\n      if (this.#unanswered >= this.#context.maxUnanswered) return\n      clearInterval(timer)\n      this.#lines.connection.resumeReading('owner')\n    }, 1)`,
      },
    ],
  },
  {
    name: 'an-answer-makes-room-before-its-turn',
    step: '11.6',
    says: ['An answer that waits for its turn', 'where a reply is sent'],
    edits: [
      {
        file,
        replace: REPLY,
        by: `void Promise.resolve(answer).then(() => {
      this.#unanswered -= 1
      this.#lines.connection.resumeReading('owner')
    })
    this.#replies.post(async () => {
      const reply = await answer
      if (!this.#gone.signal.aborted) this.#lines.say(reply)
    })`,
      },
      {
        file,
        replace: SAY,
        by: '',
      },
    ],
  },
  {
    name: 'keeps-the-lines-for-later',
    step: '11.6',
    says: ['to hold less than 4 MiB for ada', 'waits for no reply'],
    edits: [
      {
        file,
        replace: '    this.#reply(this.#answer(line))',
        by: '    if (this.#unanswered >= this.#context.maxUnanswered) return void this.#later.push(line)\n    this.#reply(this.#answer(line))',
      },
      { file, replace: '  #unanswered = 0\n', by: '  #unanswered = 0\n  #later: string[] = []\n' },
      { file, replace: PAUSE, by: '' },
      {
        file,
        replace: RESUME,
        by: 'const line = this.#later.shift()\n    if (line !== undefined) this.onLine(line)',
      },
    ],
  },
  {
    name: 'cuts-a-message-short',
    step: '11.4',
    says: ['error crashed: no answer to fib 2', 'the whole first line'],
    edits: [
      {
        file: 'conversation.ts',
        replace: "error.message.split('\\n')[0]",
        by: "error.message.slice(0, 200).split('\\n')[0]",
      },
    ],
  },
  {
    name: 'pauses-in-anothers-name',
    step: '11.6',
    says: ['the lines given to the pool', "Yours is 'owner'"],
    edits: [
      { file: 'conversation.ts', replace: "pauseReading('owner')", by: "pauseReading('rate')" },
      { file: 'conversation.ts', replace: "resumeReading('owner')", by: "resumeReading('rate')" },
    ],
  },
  {
    name: 'takes-back-every-pause',
    step: '11.6',
    says: ['the lines given to the pool', 'by no other'],
    edits: [
      {
        file: 'conversation.ts',
        replace: "    this.#lines.connection.resumeReading('owner')\n",
        by: `    for (const reason of ['protocol', 'rate', 'owner'] as const) {
      this.#lines.connection.resumeReading(reason)
    }
`,
      },
    ],
  },
  {
    name: 'hears-all-that-nobody-has-caught',
    step: '11.4',
    says: ['it also hides the bugs of all other code'],
    edits: [
      {
        file: 'conversation.ts',
        replace: '    context.open.add(this)\n',
        by: "    context.open.add(this)\n    if (process.listenerCount('unhandledRejection') === 0) process.on('unhandledRejection', () => {})\n",
      },
    ],
  },
  {
    name: 'pauses-only-who-is-read',
    step: '11.6',
    says: ['Pause for your own reason whenever there is no room'],
    edits: [
      {
        file,
        replace: 'if (this.#unanswered >= this.#context.maxUnanswered) {',
        by: 'if (this.#unanswered >= this.#context.maxUnanswered && this.#lines.connection.isReading) {',
      },
    ],
  },
  {
    name: 'a-failure-frees-the-strand',
    step: '11.1',
    says: ['"eli 4" not to have begun', 'A failure resets'],
    edits: [
      {
        file: strand,
        replace: '    } finally {\n',
        by: '    } catch (error) {\n      this.#lastEnded = Promise.resolve()\n      throw error\n    } finally {\n',
      },
    ],
  },
  {
    name: 'a-failure-lets-a-second-worker-begin',
    step: '11.1',
    says: ['"eli 3" not to have begun', 'A failure resets'],
    edits: [
      {
        file: strand,
        replace: BODY,
        by: `return new Promise<T>((resolve, reject) => {
      this.#tasks.push({ task, resolve: resolve as (value: unknown) => void, reject })
      if (!this.#isWorking) this.#work()
    })`,
      },
      {
        file: strand,
        replace: '  #lastEnded = Promise.resolve()\n',
        by: `  readonly #tasks: {
    task: () => unknown
    resolve: (value: unknown) => void
    reject: (error: unknown) => void
  }[] = []
  #isWorking = false

  async #work(): Promise<void> {
    this.#isWorking = true
    await undefined
    for (let next = this.#tasks.shift(); next; next = this.#tasks.shift()) {
      try {
        next.resolve(await next.task())
      } catch (error) {
        this.#isWorking = false
        next.reject(error)
      }
    }
    this.#isWorking = false
  }
`,
      },
    ],
  },
  {
    name: 'calls-the-task-outside-the-try',
    step: '11.1',
    says: ['"eli 2" to have begun', 'Call it inside the `try`'],
    edits: [
      {
        file: strand,
        replace: '    try {\n      return await task()\n',
        by: '    const running = task()\n    try {\n      return await running\n',
      },
    ],
  },
  {
    name: 'keeps-every-result',
    step: '11.1',
    says: ['the results to be forgotten', 'no list of tasks, results or errors'],
    edits: [
      {
        file: strand,
        replace: '  #lastEnded = Promise.resolve()\n',
        by: '  #lastEnded = Promise.resolve()\n  readonly #done: unknown[] = []\n',
      },
      {
        file: strand,
        replace: '      return await task()\n',
        by: '      const result = await task()\n      this.#done.push(result)\n      return result\n',
      },
    ],
  },
  {
    name: 'keeps-every-failure',
    step: '11.1',
    says: ['the errors to be forgotten', 'no list of tasks, results or errors'],
    edits: [
      {
        file: strand,
        replace: '  #lastEnded = Promise.resolve()\n',
        by: '  #lastEnded = Promise.resolve()\n  readonly #failures: unknown[] = []\n',
      },
      {
        file: strand,
        replace: '    } finally {\n',
        by: '    } catch (error) {\n      this.#failures.push(error)\n      throw error\n    } finally {\n',
      },
    ],
  },
  {
    name: 'gives-the-pool-the-first-word',
    step: '11.2',
    says: ['the lines given to the pool', 'the whole line'],
    edits: [{ file, replace: 'pool.run(line,', by: 'pool.run(command,' }],
  },
  {
    name: 'looks-up-the-whole-line',
    step: '11.2',
    says: ['the lines given to the pool', 'and only that'],
    edits: [
      {
        file,
        replace: `    const [command] = line.split(' ', 1)\n    if (!JOBS.has(command))`,
        by: '    if (!JOBS.has(line))',
      },
    ],
  },
  {
    name: 'a-word-needs-a-space-behind-it',
    step: '11.2',
    says: ['crashed on request', 'without a space'],
    edits: [
      {
        file,
        replace: "const [command] = line.split(' ', 1)",
        by: "const command = line.slice(0, line.indexOf(' '))",
      },
    ],
  },
  {
    name: 'ends-behind-the-next-reply',
    step: '11.3',
    says: ['what dee hears', 'FIN came before the last reply'],
    edits: [
      {
        file,
        replace: END,
        by: `if (this.#unanswered === 0) ${END}\n    this.#hasEnded = true`,
      },
      { file, replace: '  #unanswered = 0\n', by: '  #unanswered = 0\n  #hasEnded = false\n' },
      {
        file,
        replace: '    this.#lines.say(reply)\n',
        by: "    this.#lines.say(reply)\n    if (this.#hasEnded) this.#lines.end('finished')\n",
      },
    ],
  },
  {
    name: 'equal-lines-of-one-client-share-a-job',
    step: '11.3',
    says: ['the lines given to the pool', 'An answer is shared'],
    edits: [
      {
        file,
        replace: JOB,
        by: `const known = this.#underWay.get(line)
    if (known) return known
    const job = this.#context.pool
      .run(line, { signal: this.#gone.signal })
      .catch(errorReply)
      .finally(() => this.#underWay.delete(line))
    this.#underWay.set(line, job)
    return job`,
      },
      {
        file,
        replace: '  #unanswered = 0\n',
        by: '  #unanswered = 0\n  readonly #underWay = new Map<string, Promise<string>>()\n',
      },
    ],
  },
  {
    name: 'pauses-after-every-line',
    step: '11.3',
    says: ['busy: 2', 'only when maxUnanswered lines are unanswered'],
    edits: [
      { file, replace: 'this.#unanswered >= this.#context.maxUnanswered', by: 'this.#context' },
    ],
  },
  {
    name: 'tries-again-when-it-is-refused',
    step: '11.4',
    says: ['rejected: 2', 'not tried again'],
    edits: [
      {
        file,
        replace: JOB,
        by: `const run = () => this.#context.pool.run(line, { signal: this.#gone.signal })
    return run()
      .catch((error) => {
        if (error instanceof PoolBusy) return run()
        throw error
      })
      .catch(errorReply)`,
      },
    ],
  },
  {
    name: 'trims-a-message',
    step: '11.4',
    says: ['error crashed: ', 'The second line does not take its place'],
    edits: [
      { file, replace: "error.message.split('\\n')", by: "error.message.trim().split('\\n')" },
    ],
  },
  {
    name: 'an-empty-message-has-no-first-line',
    step: '11.4',
    says: ['in errorReply()', 'properties of null', 'which may be empty'],
    edits: [{ file, replace: "error.message.split('\\n')[0]", by: '/.+/.exec(error.message)![0]' }],
  },
  {
    name: 'nothing-unanswered-nothing-cancelled',
    step: '11.5',
    says: ['what hal hears', 'It has to abort at any time'],
    edits: [
      {
        file,
        replace: 'this.#gone.abort()\n',
        by: 'if (this.#unanswered > 0) this.#gone.abort()\n',
      },
    ],
  },
  {
    name: 'cancels-in-the-next-turn',
    step: '11.5',
    says: ['what ivy hears', 'Abort inside cancel()'],
    edits: [
      { file, replace: 'this.#gone.abort()\n', by: 'setImmediate(() => this.#gone.abort())\n' },
    ],
  },
  {
    name: 'cancel-ends-the-connection',
    step: '11.5',
    says: ['connection to stay open', 'Leave that to onEnd()'],
    edits: [
      {
        file,
        replace: 'this.#gone.abort()\n',
        by: "this.#gone.abort()\n    this.#lines.end('finished')\n",
      },
    ],
  },
  {
    name: 'no-end-behind-cancel',
    step: '11.5',
    says: ['FIN from the server', 'keeps replies back, not the end'],
    edits: [
      {
        file,
        replace: END,
        by: `this.#replies.post(() => {
      if (!this.#gone.signal.aborted) this.#lines.end('finished')
    })`,
      },
    ],
  },
  {
    name: 'no-answer-to-who-has-gone',
    step: '11.5',
    says: ['FIN from the server', 'holds up the strand'],
    edits: [
      {
        file,
        hole: '#answer',
        by: `    const [command] = line.split(' ', 1)
    if (!JOBS.has(command)) return runCommand(line, ON_THE_LOOP)
    const { signal } = this.#gone
    if (signal.aborted) return new Promise(() => {})
    return this.#context.pool.run(line, { signal }).catch(errorReply)`,
      },
    ],
  },
  {
    name: 'no-end-where-nothing-is-awaited',
    step: '11.1',
    says: ['"ada 3" to have begun', 'in `finally`'],
    edits: [
      {
        file: strand,
        hole: 'post',
        by: `    const before = this.#lastEnded
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#lastEnded = promise
    await before
    const result = await task()
    resolve()
    return result`,
      },
    ],
  },
  {
    name: 'a-flag-instead-of-the-signal',
    step: '11.5',
    says: ['what kim hears', 'has to abort `#gone`'],
    edits: [
      {
        file,
        replace: '  #unanswered = 0\n',
        by: '  #unanswered = 0\n  #isCancelled = false\n  readonly #jobs = new Set<AbortController>()\n',
      },
      {
        file,
        replace: JOB,
        by: `const mine = new AbortController()
    this.#jobs.add(mine)
    return this.#context.pool
      .run(line, { signal: mine.signal })
      .catch(errorReply)
      .finally(() => this.#jobs.delete(mine))`,
      },
      {
        file,
        hole: 'cancel',
        by: '    this.#isCancelled = true\n    for (const job of this.#jobs) job.abort()',
      },
      {
        file,
        replace: 'if (this.#gone.signal.aborted) return',
        by: 'if (this.#isCancelled) return',
      },
    ],
  },
  {
    name: 'keeps-a-controller-for-each-job',
    step: '11.5',
    says: ['the signals of jobs that have ended', 'forget each one'],
    edits: [
      {
        file,
        replace: '  #unanswered = 0\n',
        by: '  #unanswered = 0\n  readonly #jobs: AbortController[] = []\n',
      },
      {
        file,
        replace: JOB,
        by: `const mine = new AbortController()
    this.#jobs.push(mine)
    return this.#context.pool.run(line, { signal: mine.signal }).catch(errorReply)`,
      },
      {
        file,
        hole: 'cancel',
        by: '    this.#gone.abort()\n    for (const job of this.#jobs) job.abort()',
      },
    ],
  },
  {
    name: 'forgets-the-controllers-of-good-jobs-only',
    step: '11.5',
    says: ['the signals of jobs that have ended', 'also when it has failed'],
    edits: [
      {
        file,
        replace: '  #unanswered = 0\n',
        by: '  #unanswered = 0\n  readonly #jobs = new Set<AbortController>()\n',
      },
      {
        file,
        replace: JOB,
        by: `const mine = new AbortController()
    this.#jobs.add(mine)
    const job = this.#context.pool.run(line, { signal: mine.signal })
    return job
      .then((reply) => {
        this.#jobs.delete(mine)
        return reply
      })
      .catch(errorReply)`,
      },
      {
        file,
        hole: 'cancel',
        by: '    this.#gone.abort()\n    for (const job of this.#jobs) job.abort()',
      },
    ],
  },
  {
    name: 'a-failure-counts-down-twice',
    step: '11.6',
    says: ['the jobs begun, after jobs that fail', 'A line is counted down twice'],
    edits: [
      {
        file,
        replace: JOB,
        by: `const job = this.#context.pool.run(line, { signal: this.#gone.signal })
    return job.catch((error) => {
      this.#unanswered -= 1
      return errorReply(error)
    })`,
      },
    ],
  },
  {
    name: 'busy-counts-no-line-down',
    step: '11.6',
    says: ['the jobs begun, after jobs that the pool refuses', 'A line is not counted down'],
    edits: [
      {
        file,
        replace: 'this.#unanswered -= 1',
        by: "if (reply !== 'busy') this.#unanswered -= 1",
      },
    ],
  },
  {
    name: 'busy-counts-down-in-company-only',
    step: '11.6',
    says: ['the jobs begun, after jobs that the pool refuses', 'A line is not counted down'],
    edits: [
      {
        file,
        replace: 'this.#unanswered -= 1',
        by: "if (reply !== 'busy' || this.#unanswered > 1) this.#unanswered -= 1",
      },
    ],
  },
  {
    name: 'resumes-only-who-takes-everything',
    step: '11.6',
    says: ['ned reads on', 'Resume the connection after each reply'],
    edits: [{ file, replace: RESUME, by: `if (!this.#lines.connection.isBacklogged) ${RESUME}` }],
  },
  {
    name: 'works-off-a-list-in-one-piece',
    step: '11.1',
    says: ['those that have ended to be forgotten', 'let go of it when it has ended'],
    edits: [
      {
        file: strand,
        replace: '  #lastEnded = Promise.resolve()',
        by: `  #tasks: (() => Promise<void>)[] = []
  #isWorking = false

  async #work(): Promise<void> {
    this.#isWorking = true
    await undefined
    while (this.#tasks.length > 0) {
      const batch = this.#tasks
      this.#tasks = []
      for (const next of batch) await next()
    }
    this.#isWorking = false
  }`,
      },
      {
        file: strand,
        replace: BODY,
        by: `return new Promise<T>((resolve, reject) => {
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
    ],
  },
  {
    name: 'any-white-space-ends-a-word',
    step: '11.2',
    says: ['a tab is none', 'Split the line at a space'],
    edits: [
      {
        file,
        replace: "line.split(' ', 1)",
        by: 'line.split(/\\s/, 1)',
      },
    ],
  },
  {
    name: 'remembers-what-fib-returned',
    step: '11.2',
    says: ['the lines given to the pool', 'Remember no answers'],
    edits: [
      {
        file,
        replace: JOB,
        by: `const known = KNOWN.get(line)
    if (known !== undefined) return known
    const job = this.#context.pool.run(line, { signal: this.#gone.signal })
    return job.then((reply) => {
      if (command === 'fib') KNOWN.set(line, reply)
      return reply
    }, errorReply)`,
      },
      {
        file,
        replace: 'const ON_THE_LOOP',
        by: 'const KNOWN = new Map<string, string>()\n\nconst ON_THE_LOOP',
      },
    ],
  },
  {
    name: 'destroys-what-was-cancelled',
    step: '11.5',
    says: ['not to be destroyed', 'destroy() throws that away'],
    edits: [
      {
        file,
        replace: "this.#replies.post(() => this.#lines.end('finished'))",
        by: `this.#replies.post(() => {
      if (this.#gone.signal.aborted) this.#lines.connection.destroy('finished')
      else this.#lines.end('finished')
    })`,
      },
    ],
  },
  {
    name: 'waits-for-room-for-several',
    step: '11.6',
    says: ['his jobs begun', 'however few have been sent'],
    edits: [
      {
        file,
        replace: `    ${RESUME}
  }
}`,
        by: `    const { maxUnanswered } = this.#context
    if (this.#unanswered <= maxUnanswered - Math.max(1, maxUnanswered >> 3)) {
      ${RESUME}
    }
  }
}`,
      },
    ],
  },
]
