/** Questions and lines without a screen: from a keyboard, where a password is not shown, or from a pipe. */

import { createInterface, type Interface } from 'node:readline'
import { Writable } from 'node:stream'
import type { Questions } from './sign-in.ts'

export class TypedLines implements Questions {
  readonly #lines: string[] = []
  readonly #waiting: ((line: string | undefined) => void)[] = []
  readonly #reader: Interface
  readonly #output: NodeJS.WriteStream
  #isSecret = false
  #isOver = false

  /** Questions go to `output`, which is not where the chat goes: that may be a pipe. */
  constructor(input: NodeJS.ReadStream, output: NodeJS.WriteStream) {
    this.#output = output
    const echo = new Writable({
      write: (chunk, _, done) => {
        if (!this.#isSecret) output.write(chunk)
        done()
      },
    })
    this.#reader = createInterface({ input, output: echo, terminal: input.isTTY === true })
    this.#reader.on('line', (line) => {
      const next = this.#waiting.shift()
      if (next) next(line)
      else this.#lines.push(line)
    })
    this.#reader.on('close', () => {
      this.#isOver = true
      for (const next of this.#waiting.splice(0)) next(undefined)
    })
  }

  /** The next line; `undefined` at the end. */
  next(): Promise<string | undefined> {
    const line = this.#lines.shift()
    if (line !== undefined || this.#isOver) return Promise.resolve(line)
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  async ask(question: string, isSecret = false): Promise<string | undefined> {
    this.#output.write(question)
    this.#isSecret = isSecret
    const line = await this.next()
    this.#isSecret = false
    if (isSecret || !process.stdin.isTTY) this.#output.write('\n')
    return line
  }

  tell(text: string): void {
    this.#output.write(`${text}\n`)
  }

  close(): void {
    this.#reader.close()
  }
}
