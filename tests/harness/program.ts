/** A program that runs as its users run it: with a command line, an environment and signals, and lines of JSON for a log. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

export type LogLine = Record<string, unknown>

export class Program {
  output = ''
  readonly #process: ChildProcess
  readonly #ended: Promise<unknown>
  #onOutput: () => void = () => {}

  private constructor(process: ChildProcess) {
    this.#process = process
    this.#ended = once(process, 'close')
    for (const stream of [process.stdout!, process.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.output += text
        this.#onOutput()
      })
    }
    this.#ended.then(() => this.#onOutput())
  }

  /**
   * Runs a file with the Node that runs us. It sees nothing of our environment but PATH and the compile cache, and these
   * variables. `ulimit` is what a shell is told before: `'-n 200'` for 200 descriptors.
   */
  static run(
    file: string,
    args: readonly string[],
    env: Record<string, string> = {},
    ulimit?: string,
  ): Program {
    const { PATH = '', NODE_COMPILE_CACHE = '' } = process.env
    const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe']
    const call = [process.execPath, file, ...args]
    const [command, ...rest] =
      ulimit === undefined ? call : ['sh', '-c', `ulimit ${ulimit} && exec "$@"`, 'sh', ...call]
    return new Program(spawn(command, rest, { env: { PATH, NODE_COMPILE_CACHE, ...env }, stdio }))
  }

  get pid(): number {
    return this.#process.pid!
  }

  /** Whole lines so far that are JSON objects. */
  get log(): LogLine[] {
    return this.output.split('\n').slice(0, -1).flatMap(parsed)
  }

  /** Waits for the first line of the log that fits; rejects when the program ends before. */
  async logged(fits: (line: LogLine) => boolean): Promise<LogLine> {
    for (;;) {
      const found = this.log.find(fits)
      if (found) return found
      if (this.#process.exitCode !== null || this.#process.signalCode !== null)
        throw new Error(`The program has ended:\n${this.output}`)
      await new Promise<void>((resolve) => {
        this.#onOutput = resolve
      })
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name)
  }

  /** Resolves with its exit code, or with the name of the signal that has ended it, when all its output has come. */
  async ending(): Promise<number | string | null> {
    await this.#ended
    return this.#process.exitCode ?? this.#process.signalCode
  }

  /** Ends it, if it has not ended. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#ended
  }
}

function parsed(line: string): LogLine[] {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? [value as LogLine] : []
  } catch {
    return []
  }
}
