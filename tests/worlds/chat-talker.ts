/** A client of the chat that says things while its server is killed, and remembers what it was told. */

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Deadline, whenBusy, within } from '../harness/patience.ts'
import { type ChatMessage, chatFrame } from '../protocols/chat.ts'

/** The server is another process, and hashes passwords. */
const ANSWER_MS = 3_000

const PASSWORD = 'correct horse battery'

export class Talker {
  readonly #socket: Socket
  /** What was received and not asked for yet. */
  readonly #messages: ChatMessage[] = []
  #bytes = Buffer.alloc(0)
  #onNews: () => void = () => {}
  #nextId = 1
  #isOver = false

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#isOver = true
      this.#onNews()
    })
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
  }

  static async connect(port: number): Promise<Talker> {
    const socket = connect(port, '127.0.0.1')
    await within(whenBusy(ANSWER_MS), once(socket, 'connect'))
    return new Talker(socket)
  }

  /** Makes an account. */
  register(name: string): Promise<ChatMessage> {
    return this.ask({ type: 'register', name, email: `${name}@example.org`, password: PASSWORD })
  }

  /** Resolves with the welcome, or with what is wrong. */
  logIn(name: string): Promise<ChatMessage> {
    return this.ask({ type: 'login', version: 1, name, password: PASSWORD })
  }

  /** Sends a request; returns its id. */
  send(request: ChatMessage): number {
    const id = this.#nextId++
    this.#socket.write(chatFrame({ ...request, id }))
    return id
  }

  /** Sends a request and resolves with its answer; an empty object if there is none. */
  async ask(request: ChatMessage): Promise<ChatMessage> {
    const id = this.send(request)
    return (await this.until((message) => message.id === id)).at(-1) ?? {}
  }

  /** Everything that was received up to the message that fits, or up to the end of the connection. */
  async until(isLast: (message: ChatMessage) => boolean): Promise<ChatMessage[]> {
    const deadline = new Deadline(whenBusy(ANSWER_MS))
    const received: ChatMessage[] = []
    for (;;) {
      for (let next = this.#messages.shift(); next; next = this.#messages.shift()) {
        received.push(next)
        if (isLast(next)) return received
      }
      const left = deadline.leftMs
      if (this.#isOver || left <= 0) return received
      await within(left, new Promise<void>((resolve) => (this.#onNews = resolve)))
    }
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #receive(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    while (this.#bytes.length >= 4 && this.#bytes.length >= 4 + this.#bytes.readUInt32BE()) {
      const end = 4 + this.#bytes.readUInt32BE()
      this.#messages.push(JSON.parse(this.#bytes.toString('utf8', 4, end)) as ChatMessage)
      this.#bytes = this.#bytes.subarray(end)
    }
    this.#onNews()
  }
}
