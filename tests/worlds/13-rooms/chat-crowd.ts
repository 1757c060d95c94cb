/** Many chat clients on real sockets, without a story of their own. */

import type { Socket } from 'node:net'
import { dialMany } from '../../harness/crowd.ts'
import { Deadline, whenBusy, within } from '../../harness/patience.ts'
import { type ChatMessage, chatFrame } from '../../protocols/chat.ts'

/** The server is another process, and has a crowd to answer. */
const ANSWER_MS = 3_000

export class CrowdMember {
  readonly socket: Socket
  /** Everything that has come, oldest first. */
  readonly heard: ChatMessage[] = []
  readonly #counts = new Map<unknown, number>()
  #bytes: Buffer = Buffer.alloc(0)
  #wake: (() => void) | undefined

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('close', () => this.#wake?.())
  }

  tell(...messages: ChatMessage[]): void {
    this.socket.write(Buffer.concat(messages.map(chatFrame)))
  }

  /** How many messages of a kind have come: a type, or `here` or `gone` for those about members. */
  count(kind: string): number {
    return this.#counts.get(kind) ?? 0
  }

  /** Waits until so many of a kind have come, or the connection is closed, or there is no hope. */
  async hears(count: number, kind: string): Promise<boolean> {
    const deadline = new Deadline(whenBusy(ANSWER_MS))
    while (this.count(kind) < count && !this.socket.closed && !deadline.isOver) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#wake = resolve
      await within(deadline.leftMs, promise)
    }
    return this.count(kind) >= count
  }

  #receive(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
    let at = 0
    while (this.#bytes.length >= at + 4) {
      const end = at + 4 + this.#bytes.readUInt32BE(at)
      if (this.#bytes.length < end) break
      const message = JSON.parse(this.#bytes.toString('utf8', at + 4, end)) as ChatMessage
      const kind = message.type === 'member' ? message.is : message.type
      this.#counts.set(kind, this.count(kind as string) + 1)
      this.heard.push(message)
      at = end
    }
    this.#bytes = this.#bytes.subarray(at)
    this.#wake?.()
  }
}

/** Connects so many clients, welcomed by the names that it makes for them, all in one room. */
export async function gatherInRoom(
  port: number,
  room: string,
  count: number,
): Promise<CrowdMember[]> {
  const members = (await dialMany(port, count)).map((socket) => new CrowdMember(socket))
  members.forEach((member, place) => {
    member.tell(
      { id: 1, type: 'hello', version: 1, name: `member${place}` },
      { id: 2, type: 'join', room },
    )
  })
  for (const member of members) await member.hears(1, 'joined')
  return members
}

/** Whether these are `length` numbers without a gap, from `first` on. */
export function isRun(numbers: unknown[], first: number, length: number): boolean {
  return numbers.length === length && numbers.every((number, place) => number === first + place)
}
