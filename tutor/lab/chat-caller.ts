/** A client of the chat: requests out, messages in, on our own frames. */

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { encodeFrame, FrameDecoder } from '../../solutions/09-framing/frames.ts'

type Message = Record<string, unknown>

export class ChatCaller {
  readonly #socket: Socket
  readonly #decoder = new FrameDecoder()
  readonly #messages: Message[] = []
  #onNews: () => void = () => {}
  #nextId = 1

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('error', () => {})
    socket.on('close', () => this.#onNews())
    socket.on('data', (chunk: Buffer) => {
      for (const decoded of this.#decoder.push(chunk))
        if (decoded.kind === 'frame')
          this.#messages.push(JSON.parse(Buffer.from(decoded.payload).toString()) as Message)
      this.#onNews()
    })
  }

  static async connect(port: number): Promise<ChatCaller> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new ChatCaller(socket)
  }

  /** Sends a request; returns its id. */
  send(request: Message): number {
    const id = this.#nextId++
    this.#socket.write(encodeFrame(Buffer.from(JSON.stringify({ ...request, id }))))
    return id
  }

  /** Sends a request and resolves with its answer. */
  async ask(request: Message): Promise<Message> {
    const id = this.send(request)
    let answer: Message = {}
    await this.until((message) => {
      answer = message
      return message.id === id
    })
    return answer
  }

  close(): void {
    this.#socket.destroy()
  }

  /** Shows every message that comes, until it is the last one or the connection is over. */
  async until(isLast: (message: Message) => boolean | undefined): Promise<void> {
    for (;;) {
      for (let next = this.#messages.shift(); next; next = this.#messages.shift())
        if (isLast(next)) return
      if (this.#socket.closed) return
      await new Promise<void>((resolve) => {
        this.#onNews = resolve
      })
    }
  }
}
