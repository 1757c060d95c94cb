/**
 * The other end of the chat: a client that stays in its rooms through every loss of connection.
 *
 * It composes what this chapter builds: `reduce` says where it stands, `Backoff` when to try again, `ClientRoom` what
 * is new and what is still to be said. Everything outside is passed in (connections, time, randomness), so the same
 * code runs on Node, in a page, and in a test. It forgets everything when its process ends.
 */

import { Backoff, type BackoffLimits } from './backoff.ts'
import { ChatError } from './chat-error.ts'
import { ClientRoom, type RoomNotice } from './client-room.ts'
import { type ClientEvent, type ClientState, reduce } from './client-state.ts'
import { type Connect, type Message, RequestLink } from './request-link.ts'
import type { Said } from './say-queue.ts'
import type { Timers } from './timers.ts'

export interface ClientLimits extends BackoffLimits {
  /** How long a connection may take to open, and `hello` to be answered. */
  patienceMs: number
  /** Time between two looks: a server that was silent since the last one is asked for a sign of life. */
  pingMs: number
}

export interface ClientOptions extends Partial<ClientLimits> {
  connect: Connect
  timers: Timers
  /** Numbers in [0, 1): for the back-off, and to make keys that no other client makes. */
  random: () => number
  /** Called on each connection: what `hello` says besides its version, a token; or another request for a welcome. */
  hello(): object
  onNotice(notice: Notice): void
  /** Who we are, if that is known before the first welcome. */
  name?: string
}

export type Notice =
  | RoomNotice
  | { kind: 'state'; state: ClientState }
  | { kind: 'welcome'; welcome: Message }
  /** We were welcomed under another name than before. The client ends now: it says nothing under that name. */
  | { kind: 'otherPerson'; name: string }
  /** Anything else that the server says unasked: who comes and goes. */
  | { kind: 'told'; message: Message }

const LIMITS: ClientLimits = {
  firstMs: 1_000,
  capMs: 30_000,
  provenMs: 10_000,
  patienceMs: 10_000,
  pingMs: 15_000,
}

/** The longest wait: `setTimeout` takes 24 days, and fires at once when it is given more. */
const MAX_WAIT_MS = 2 ** 31 - 1

export class ChatClient {
  readonly #options: ClientOptions
  readonly #limits: ClientLimits
  readonly #backoff: Backoff
  readonly #newKey: () => string
  readonly #rooms = new Map<string, ClientRoom>()
  #state: ClientState = { kind: 'idle' }
  #link: RequestLink | undefined
  /** Armed in a state that has a time limit. */
  #time: unknown
  /** When the state `waiting` is over, by the clock of the timers. */
  #nextTryMs = 0
  /** Identifies the data that our numbers belong to. */
  #server: string | undefined
  /** The key of the name under which everything here is said, once it is known. */
  #name: string | undefined

  constructor(options: ClientOptions) {
    this.#options = options
    this.#name = options.name && keyOf(options.name)
    this.#limits = { ...LIMITS, ...options }
    this.#backoff = new Backoff(this.#limits, options.random)
    this.#newKey = keyMaker(options.random)
  }

  get state(): ClientState {
    return this.#state
  }

  /** When the next attempt begins, by the clock of the timers, if we wait for one. */
  get nextTryMs(): number | undefined {
    return this.#state.kind === 'waiting' ? this.#nextTryMs : undefined
  }

  /** Begins the next attempt now, if we wait for one. */
  tryNow(): void {
    if (this.#state.kind === 'waiting') this.#dispatch({ kind: 'timeUp' })
  }

  start(): void {
    this.#dispatch({ kind: 'start' })
  }

  /** Ends the client for good. Rejects what has not been answered yet. */
  close(): void {
    this.#dispatch({ kind: 'close' })
  }

  /** Stays in this room from now on, whatever becomes of the connection. */
  join(name: string): void {
    if (this.#rooms.has(keyOf(name))) return
    const { timers, random } = this.#options
    const room = new ClientRoom(name, {
      newKey: this.#newKey,
      timers,
      newBackoff: () => new Backoff(this.#limits, random),
      onNotice: (notice) => {
        if (notice.kind === 'refused') this.#remove(name)
        this.#options.onNotice(notice)
      },
    })
    this.#rooms.set(keyOf(name), room)
    if (this.#link && this.#state.kind === 'online') room.enter(this.#link)
  }

  leave(name: string): void {
    const isOnline = this.#state.kind === 'online'
    if (this.#remove(name) && isOnline) this.#link?.ask({ type: 'leave', room: name }, IGNORED)
  }

  /**
   * Says a text in a room that was joined: once, as long as this process lives. Rejects with a `ChatError` when it was
   * not said, or when nobody can know whether it was (`unknown`).
   */
  say(name: string, text: string): Promise<Said> {
    const room = this.#rooms.get(keyOf(name))
    if (!room || this.#state.kind === 'ended') return Promise.reject(new ChatError('not-sent'))
    return room.say(text)
  }

  /** Makes any other request. Rejects with a `ChatError`; `unknown` when the connection is lost before the answer. */
  request(request: Message): Promise<Message> {
    if (!this.#link || this.#state.kind !== 'online')
      return Promise.reject(new ChatError('not-sent'))
    const { promise, resolve, reject } = Promise.withResolvers<Message>()
    const onLost = () => reject(new ChatError('unknown'))
    this.#link.ask(request, { onAnswer: resolve, onError: reject, onLost })
    return promise
  }

  #dispatch(event: ClientEvent): void {
    const state = reduce(this.#state, event)
    if (state === this.#state) return
    this.#state = state
    this.#options.timers.cancel(this.#time)
    if (state.kind === 'connecting') this.#connect()
    if (state.kind === 'greeting') this.#greet()
    if (state.kind === 'waiting') {
      this.#drop()
      this.#backoff.connectionEnded(state.welcomeMs)
      // Added, not the greater of the two: all that are told the same `seconds` would come back together.
      const delayMs = Math.min(state.atLeastMs + this.#backoff.nextDelayMs(), MAX_WAIT_MS)
      this.#nextTryMs = this.#options.timers.now() + delayMs
      this.#giveTime(delayMs)
    }
    if (state.kind === 'ended') {
      this.#drop()
      for (const room of this.#rooms.values()) room.end()
    }
    this.#options.onNotice({ kind: 'state', state })
  }

  #giveTime(ms: number): void {
    this.#time = this.#options.timers.after(ms, () => this.#dispatch({ kind: 'timeUp' }))
  }

  #connect(): void {
    const { connect, timers } = this.#options
    this.#giveTime(this.#limits.patienceMs)
    this.#link = new RequestLink(connect, timers, this.#limits.pingMs, {
      onOpen: () => this.#dispatch({ kind: 'opened' }),
      onTold: (message) => this.#onTold(message),
      onLost: () => this.#dispatch({ kind: 'lost', atMs: timers.now() }),
    })
  }

  #greet(): void {
    this.#giveTime(this.#limits.patienceMs)
    const hello = { type: 'hello', version: 1, ...this.#options.hello() }
    this.#link?.ask(hello, {
      onAnswer: (welcome) => this.#onWelcome(welcome),
      onError: ({ code, seconds }) => this.#dispatch({ kind: 'error', code, seconds }),
    })
  }

  #onWelcome(welcome: Message): void {
    if (typeof welcome.name !== 'string') return this.#link?.giveUp()
    this.#name ??= keyOf(welcome.name)
    if (this.#name !== keyOf(welcome.name)) return this.#onOtherPerson(welcome.name)
    const isOther = this.#server !== undefined && this.#server !== welcome.server
    this.#server = welcome.server
    if (isOther) for (const room of this.#rooms.values()) room.forget()
    this.#dispatch({ kind: 'welcomed', atMs: this.#options.timers.now() })
    this.#options.onNotice({ kind: 'welcome', welcome })
    for (const room of this.#rooms.values()) if (this.#link) room.enter(this.#link)
  }

  /** For the person who used this client, the session has ended. */
  #onOtherPerson(name: string): void {
    this.#options.onNotice({ kind: 'otherPerson', name })
    this.#dispatch({ kind: 'error', code: 'no-session' })
  }

  #onTold(message: Message): void {
    if (message.type === 'message') {
      if (typeof message.room !== 'string') return this.#link?.giveUp()
      this.#rooms.get(keyOf(message.room))?.onMessage(message)
    } else if (message.type === 'error') {
      this.#dispatch({ kind: 'error', code: message.code, seconds: message.seconds })
    } else this.#options.onNotice({ kind: 'told', message })
  }

  #remove(name: string): boolean {
    this.#rooms.get(keyOf(name))?.end()
    return this.#rooms.delete(keyOf(name))
  }

  /** Gives up the connection, whatever the server thinks of it. */
  #drop(): void {
    const link = this.#link
    this.#link = undefined
    for (const room of this.#rooms.values()) room.onLost()
    link?.close()
  }
}

/** Names, of rooms and of people, are compared in lower case. */
function keyOf(name: string): string {
  return name.toLowerCase()
}

/** 100 random bits, and a count. */
function keyMaker(random: () => number): () => string {
  const draw = () => Math.floor(random() * 2 ** 25).toString(36)
  const client = [draw(), draw(), draw(), draw()].join('.')
  let count = 0
  return () => `${client}.${++count}`
}

const IGNORED = { onAnswer() {} }
