/** A member of a room who talks by the clock, and notes how long everybody's messages take to reach them. */

import { once } from 'node:events'
import { connect } from 'node:net'
import { encodeFrame, FrameDecoder } from '../../solutions/09-framing/frames.ts'

const ROOM = 'hall'

interface Wire {
  send(text: string): void
  close(): void
}

export class ChatMember {
  /** From the moment when a message was due until it was here: of all messages, whoever said them. */
  readonly latenciesMs: number[] = []
  #wire!: Wire
  #onText: (text: string) => void = () => {}
  #nextId = 1
  #talking: NodeJS.Timeout | undefined
  #isOver = false

  static async throughFrames(port: number, token: string): Promise<ChatMember> {
    const member = new ChatMember()
    const socket = connect(port, '127.0.0.1').setNoDelay()
    await once(socket, 'connect')
    const decoder = new FrameDecoder()
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      for (const decoded of decoder.push(chunk))
        if (decoded.kind === 'frame') member.#onText(Buffer.from(decoded.payload).toString())
    })
    member.#wire = {
      send: (text) => socket.write(encodeFrame(Buffer.from(text))),
      close: () => socket.destroy(),
    }
    await member.#enter(token)
    return member
  }

  static async throughWeb(port: number, token: string): Promise<ChatMember> {
    const member = new ChatMember()
    const socket = new WebSocket(`ws://127.0.0.1:${port}/chat`, 'chat.v1')
    socket.onmessage = ({ data }) => member.#onText(String(data))
    await once(socket, 'open')
    member.#wire = { send: (text) => socket.send(text), close: () => socket.close() }
    await member.#enter(token)
    return member
  }

  /** Says something in `firstMs` and then every so often: what is late is late, and the next is due all the same. */
  talkEvery(ms: number, firstMs: number): void {
    let dueMs = performance.now() + firstMs
    const say = () => {
      if (this.#isOver) return
      this.#send({ type: 'say', room: ROOM, text: String(dueMs) })
      dueMs += ms
      this.#talking = setTimeout(say, Math.max(0, dueMs - performance.now()))
    }
    this.#talking = setTimeout(say, firstMs)
  }

  close(): void {
    this.#isOver = true
    clearTimeout(this.#talking)
    this.#wire.close()
  }

  async #enter(token: string): Promise<void> {
    await this.#ask({ type: 'hello', version: 1, token })
    await this.#ask({ type: 'join', room: ROOM })
    this.#onText = (text) => {
      const message = JSON.parse(text) as { type: string; text: string }
      if (message.type === 'message')
        this.latenciesMs.push(performance.now() - Number(message.text))
    }
  }

  #ask(request: object): Promise<void> {
    const id = this.#send(request)
    return new Promise((resolve) => {
      this.#onText = (text) => {
        if (JSON.parse(text).id === id) resolve()
      }
    })
  }

  #send(request: object): number {
    const id = this.#nextId++
    this.#wire.send(JSON.stringify({ ...request, id }))
    return id
  }
}
