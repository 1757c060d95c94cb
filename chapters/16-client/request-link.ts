/**
 * One connection, seen as requests and answers: each request gets a number, and its answer carries the same one.
 *
 * It also finds out when nobody is there any more. TCP does not say so: a peer whose plug was pulled is only silent.
 */

import { ChatError } from './chat-error.ts'
import type { Timers } from './timers.ts'

/** A connection that carries texts: frames over TCP, or a WebSocket. */
export interface Link {
  send(text: string): void
  /** No event is emitted after this. */
  close(): void
}

export interface LinkEvents {
  onOpen(): void
  onText(text: string): void
  /** The connection has ended, or could not be made. */
  onClose(): void
}

/** Begins to connect. No event is emitted inside this call. */
export type Connect = (events: LinkEvents) => Link

/** A message of the chat protocol. */
export interface Message {
  type: string
  // biome-ignore lint/suspicious/noExplicitAny: what the server says is as it says; chapter 13 has its fields.
  [field: string]: any
}

export interface Answered {
  onAnswer(answer: Message): void
  onError?(error: ChatError): void
  /** The connection has ended, and there was no answer. */
  onLost?(): void
}

export interface RequestEvents {
  onOpen(): void
  /** A message that answers nothing. */
  onTold(message: Message): void
  /** The connection is of no use any more: it has ended, is silent, or talks nonsense. It still has to be closed. */
  onLost(): void
}

export class RequestLink {
  readonly #link: Link
  readonly #timers: Timers
  readonly #events: RequestEvents
  readonly #pingMs: number
  readonly #asked = new Map<number, Answered>()
  #lastId = 0
  #look: unknown
  /** Looks since we last heard something. */
  #quietLooks = 0
  #isClosed = false

  /**
   * Looks every `pingMs` whether anything was heard since the last look. If not, asks the server for a sign of life; if
   * the next look finds nothing either, the connection is lost.
   */
  constructor(connect: Connect, timers: Timers, pingMs: number, events: RequestEvents) {
    this.#timers = timers
    this.#events = events
    this.#pingMs = pingMs
    this.#link = connect({
      onOpen: () => this.#isClosed || this.#open(),
      onText: (text) => this.#isClosed || this.#receive(text),
      onClose: () => this.#isClosed || events.onLost(),
    })
  }

  ask(request: Message, answered: Answered): void {
    const id = ++this.#lastId
    this.#asked.set(id, answered)
    this.#link.send(JSON.stringify({ ...request, id }))
  }

  /** Reports the connection as lost: it is of no use any more. */
  giveUp(): void {
    if (!this.#isClosed) this.#events.onLost()
  }

  /** Closes the connection. After this, only the loss of what was asked is reported. */
  close(): void {
    this.#isClosed = true
    this.#timers.cancel(this.#look)
    this.#link.close()
    for (const { onLost } of this.#asked.values()) onLost?.()
  }

  #open(): void {
    this.#watch()
    this.#events.onOpen()
  }

  #receive(text: string): void {
    this.#quietLooks = 0
    const message = parse(text)
    if (!message) return this.#events.onLost()
    const answered = this.#asked.get(message.id)
    if (!answered) return this.#events.onTold(message)
    this.#asked.delete(message.id)
    if (message.type !== 'error') answered.onAnswer(message)
    else answered.onError?.(new ChatError(message.code, message.seconds))
  }

  #watch(): void {
    this.#look = this.#timers.after(this.#pingMs, () => {
      this.#quietLooks += 1
      if (this.#quietLooks > 2) return this.#events.onLost()
      if (this.#quietLooks === 2) this.ask({ type: 'ping' }, { onAnswer() {} })
      this.#watch()
    })
  }
}

function parse(text: string): Message | undefined {
  try {
    const message = JSON.parse(text)
    if (typeof message?.type !== 'string') return undefined
    return message.type !== 'error' || isError(message) ? message : undefined
  } catch {
    return undefined
  }
}

function isError({ code, seconds = 0 }: Message): boolean {
  return typeof code === 'string' && typeof seconds === 'number' && seconds >= 0
}
