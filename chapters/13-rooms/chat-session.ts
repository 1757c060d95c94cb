/**
 * One connection of the chat: takes requests in order, answers them in order, and passes on what the rooms tell.
 *
 *     door (frames, 18: WebSocket)
 *       │ receive(text) · end(why) · drop()        ▲ Peer: send(message) · close(why) · pause() · resume()
 *       ▼                                       │
 *     ChatSession ── parseRequest ── Strand ── handlers[type](session, request)
 *                                               │
 *                                               ▼
 *                                     Hub ── Journal (memory; 15: a log)
 *
 * The table of handlers defines what a session can do. Chapter 14 adds types and replaces `hello`, 15 replaces the
 * journal, 16 replaces `say`: each with a table `{ ...HANDLERS, … }` and the fields that belong to it. A handler
 * answers in the same turn in which it changes a room, never after an `await`: whatever is told in between would arrive
 * in the wrong order.
 */

import type { Ending } from '../07-event-loop/connection.ts'
import { Strand } from '../11-strands/strand.ts'
import type { Refusal } from './codes.ts'
import type { Hub } from './hub.ts'
import { Outgoing, type Peer } from './peer.ts'
import type { Person } from './people.ts'
import { type Parsed, parseRequest, type Request, type Requests } from './protocol.ts'
import type { Member } from './room.ts'

/**
 * Carries out one request and answers it once, with `session.answer` or `session.refuse`. The fields of the request
 * have been checked. The next request waits for the returned promise.
 */
export type Handler = (session: ChatSession, request: never) => void | Promise<void>

/** What all sessions of a server have in common. */
export interface Chat {
  readonly hub: Hub
  /** Fields and handler of every type of request. */
  readonly requests: Requests
  readonly handlers: Readonly<Record<string, Handler>>
  /** The requests that do not need a welcome. */
  readonly beforeWelcome: ReadonlySet<string>
  /** A handler has thrown: our fault. */
  onBug(error: unknown): void
  /** Told of every session, from when its peer connects until the connection is closed; only 19 has one. */
  readonly newcomers?: { enter(session: ChatSession): void; leave(session: ChatSession): void }
}

/** While this many requests of a client wait for their turn, no more are read from it. */
const MAX_WAITING = 64

export class ChatSession implements Member {
  /** The person that this session speaks for, since the welcome. */
  person: Person | undefined
  /** Settles when the newest `say` has its answer: nothing else may be answered before that. */
  newestSay: Promise<void> | undefined
  readonly chat: Chat
  readonly #peer: Peer
  readonly #strand = new Strand()
  #waiting = 0
  #isOver = false

  constructor(peer: Peer, chat: Chat) {
    this.#peer = peer
    this.chat = chat
  }

  get address(): string {
    return this.#peer.address
  }

  get name(): string {
    return this.person?.name ?? ''
  }

  /** Whether its connection is over. If so, a handler that has waited must not go on. */
  get isOver(): boolean {
    return this.#isOver
  }

  /**
   * Takes a message from the peer. A `ping` is answered with `pong` at once, welcome or not. Everything else is carried
   * out when everything that arrived before it has been: `#post` keeps the order.
   *
   * @step 13.4
   */
  receive(message: string): void {
    // TODO 13.4
    throw new Error('TODO 13.4')
  }

  /** Ends the connection after the last answer: the peer asks nothing more, or is asked to go, but may still listen. */
  end(why: Ending): void {
    this.#post(async () => {
      await this.newestSay
      this.close(why)
    })
  }

  /**
   * Ends the session, once, because its connection is over or given up: leaves all rooms, and gives the name back. No
   * request that still waits is carried out.
   *
   * @step 13.6
   */
  drop(): void {
    // TODO 13.6
    throw new Error('TODO 13.6')
  }

  /** Ends the session, and the connection after everything that was sent. */
  close(why: Ending): void {
    this.drop()
    this.#peer.close(why)
  }

  send(message: Outgoing): boolean {
    return this.#peer.send(message)
  }

  /** Answers a request. */
  answer({ id }: Request, answer: { type: string; [field: string]: unknown }): void {
    const { type, ...rest } = answer
    if (!this.send(new Outgoing({ type, id, ...rest }))) this.drop()
  }

  /** Answers a request, or a message that was not one, with what is wrong. */
  refuse({ id }: { id?: number }, refusal: Refusal): void {
    if (!this.send(new Outgoing({ type: 'error', id, ...refusal }))) this.drop()
  }

  /**
   * Carries out a request whose turn it is. Everything but a `say` waits until `newestSay` has settled, however long
   * that takes. Then, unless the session is over: refuses what the parser has refused; refuses with `not-welcome` if
   * nobody has been welcomed and the request is not one of `beforeWelcome`; otherwise calls its handler. If the handler
   * throws, tells `onBug` at once, and refuses with `internal` when `newestSay` has settled, even if it was a `say`.
   *
   * @step 13.4
   */
  async #carryOut(parsed: Parsed): Promise<void> {
    // TODO 13.4
    throw new Error('TODO 13.4')
  }

  /** Runs a task when all tasks posted before it have ended. Pauses the peer while `MAX_WAITING` tasks wait. */
  async #post(task: () => Promise<void>): Promise<void> {
    this.#waiting += 1
    if (this.#waiting === MAX_WAITING) this.#peer.pause()
    try {
      await this.#strand.post(task)
      // A `say` counts as waiting until it has its answer, although the next request does not wait for that.
      await this.newestSay
    } catch (error) {
      this.chat.onBug(error)
    }
    if (this.#waiting === MAX_WAITING) this.#peer.resume()
    this.#waiting -= 1
  }
}

const NOT_WELCOME: Refusal = { code: 'not-welcome', text: 'Say hello first.' }

const INTERNAL: Refusal = { code: 'internal', text: 'The server has made a mistake.' }
