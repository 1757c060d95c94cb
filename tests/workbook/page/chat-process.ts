/** The chat server in a process of its own, that can be killed and started again where it was. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const SCRIPT = join(import.meta.dirname, 'serve-chat.ts')

export class ChatProcess {
  readonly #data: string
  #process: ChildProcess | undefined
  /** 0 until the first start. */
  port = 0
  webPort = 0

  constructor(data: string) {
    this.#data = data
  }

  get url(): string {
    return `http://localhost:${this.webPort}`
  }

  /** Begins to listen, on the ports that it had before. */
  async start(): Promise<void> {
    const args = [SCRIPT, String(this.port), String(this.webPort), this.#data]
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#process = child
    const ended = once(child, 'exit').then(() => {
      throw new Error('The chat server has ended before it listened.')
    })
    ended.catch(() => {})
    const [ports] = await Promise.race([once(child.stdout!.setEncoding('utf8'), 'data'), ended])
    ;[this.port, this.webPort] = ports.split(' ').map(Number)
  }

  /** Without a word to anybody. */
  async kill(): Promise<void> {
    const child = this.#process
    this.#process = undefined
    if (!child) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
}
