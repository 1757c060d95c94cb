/**
 * A chat server as a model, in virtual time: what the protocol promises and nothing else, in memory that survives its
 * "crashes". It shares no line with the solutions: two halves of one mistake must not agree with each other.
 */

import type { ServerEnd, ServerEvents } from '../../harness/faulty-network.ts'
import { type Random, randomInteger } from '../../harness/random.ts'
import type { VirtualTimers } from '../../harness/virtual-timers.ts'

export interface Entry {
  number: number
  name: string
  text: string
  at: number
  key: string | undefined
}

/** A say as the server has seen it. */
export interface SeenSay {
  name: string
  room: string
  text: string
  key: unknown
  since: unknown
  connection: number
  /** What was answered: `said`, an error's code, or nothing as yet. */
  outcome?: string
}

/** What a client has done against the protocol. */
export interface Breach {
  /** Completes "what no client should say: …". */
  what: string
  because: string
  likely?: string
}

export interface ModelOptions {
  timers: VirtualTimers
  random: Random
  /** From a `say` to its `said`. */
  appendMs: number
  /** Messages a page, whatever limit is asked for: a real server ends a page by its bytes, too. */
  pageSize: number
}

interface Room {
  log: Entry[]
  /** The number of the oldest message that is kept; one past the last when none is. */
  first: number
  members: Set<Session>
}

interface Append {
  room: string
  entry: Omit<Entry, 'number'>
  /** Called when it is saved. */
  waiting: ((said: Entry) => void)[]
  fail(code: string): void
  scope: string
}

// biome-ignore lint/suspicious/noExplicitAny: whatever a client may say.
type Received = Record<string, any>

export class ModelChatServer {
  readonly says: SeenSay[] = []
  readonly breaches: Breach[] = []
  readonly #options: ModelOptions
  readonly #sessions = new Set<Session>()
  #rooms = new Map<string, Room>()
  #appends: Append[] = []
  #identity = 1
  #isDown = false
  /** Nothing is saved any more until the server is restarted. */
  #isBroken = false
  #connections = 0
  /** The code of the error that the next `say` is answered with. */
  #refusals: string[] = []

  constructor(options: ModelOptions) {
    this.#options = options
  }

  /** Takes a connection; `undefined` while the server is down. */
  accept(end: ServerEnd): ServerEvents | undefined {
    if (this.#isDown) return undefined
    const session = new Session(this, end, ++this.#connections)
    this.#sessions.add(session)
    return session
  }

  room(name: string): Room {
    const key = name.toLowerCase()
    const room = this.#rooms.get(key) ?? { log: [], first: 1, members: new Set() }
    this.#rooms.set(key, room)
    return room
  }

  lastOf(name: string): number {
    const room = this.room(name)
    return room.first + room.log.length - 1
  }

  get identity(): string {
    return `server-${this.#identity}`
  }

  get openSessions(): number {
    return this.#sessions.size
  }

  /** Somebody else says something. */
  talk(room: string, name: string, text: string): void {
    if (this.#isDown || this.#isBroken) return
    const at = this.#options.timers.now()
    const entry = { name, text, at, key: undefined }
    this.#append({ room, entry, waiting: [], fail() {}, scope: '' })
  }

  /** The next `say` is answered with this error before anything else is looked at. */
  refuseNextSay(code: string): void {
    this.#refusals.push(code)
  }

  /**
   * The disk fails. What is being saved may have been saved or not: `not-saved`. Every say from now on gets the same answer,
   * until the server is restarted.
   */
  breakDisk(): void {
    this.#isBroken = true
    for (const { fail } of this.#appends) fail('not-saved')
  }

  /**
   * The process dies and is started again. Of what was not acknowledged, the oldest may have been saved: nobody was told.
   */
  restart(downMs: number): void {
    this.#dieFor(downMs)
    const kept = randomInteger(this.#options.random, this.#appends.length + 1)
    for (const append of this.#appends.slice(0, kept)) this.#save(append)
    this.#appends = []
  }

  /** The process dies, and is started with other data: as after a restore from nothing. */
  replaceData(downMs: number): void {
    this.#dieFor(downMs)
    this.#appends = []
    this.#rooms = new Map()
    this.#identity += 1
  }

  /** The same, but it does not say so: somebody copied the folder back, an hour old. */
  rollBack(room: string, last: number): void {
    this.#dieFor(0)
    this.#appends = []
    const { log, first } = this.room(room)
    log.length = Math.max(0, last - first + 1)
  }

  /** Retention: the oldest messages of a room go. */
  retire(room: string, count: number): void {
    const { log } = this.room(room)
    this.room(room).first += log.splice(0, count).length
  }

  #dieFor(downMs: number): void {
    this.#isBroken = false
    for (const session of this.#sessions) session.kill()
    this.#sessions.clear()
    for (const room of this.#rooms.values()) room.members.clear()
    this.#isDown = downMs > 0
    if (downMs > 0) this.#options.timers.after(downMs, () => (this.#isDown = false))
  }

  /** Everybody who is connected hears this, as an error that answers nothing. */
  tellAll(code: string): void {
    for (const session of this.#sessions) session.send({ type: 'error', code, text: code })
  }

  /** Whether the connection with this number has not ended. */
  isOpen(connection: number): boolean {
    return [...this.#sessions].some(({ number }) => number === connection)
  }

  leaveAll(session: Session): void {
    for (const room of this.#rooms.values()) room.members.delete(session)
    this.#sessions.delete(session)
  }

  pageOf(name: string, after: number | undefined, before: number | undefined, limit: number) {
    const { log, first } = this.room(name)
    const size = Math.min(limit, this.#options.pageSize)
    let messages: Entry[]
    let more: boolean
    if (after !== undefined) {
      const above = log.filter(({ number }) => number > after)
      messages = above.slice(0, size)
      more = above.length > messages.length
    } else {
      const below = log.filter(({ number }) => before === undefined || number < before)
      messages = below.slice(-size)
      more = below.length > messages.length
    }
    const shown = messages.map(({ key, ...message }) => message)
    return { messages: shown, first, more }
  }

  say(session: Session, request: Received): void {
    const { id, room: name, text, key, since } = request
    const seen: SeenSay = {
      name: session.name,
      room: name,
      text,
      key,
      since,
      connection: session.number,
    }
    const fail = (code: string) => {
      seen.outcome = code
      session.send({ type: 'error', id, code, text: code })
    }
    const isSecond = this.says.some(
      (other) => other.connection === session.number && other.room === name && !other.outcome,
    )
    if (isSecond)
      this.breaches.push({
        what: `${session.name} says ${JSON.stringify(text)} in ${name} before the previous say was answered`,
        because:
          'Only one message of a room is in flight at a time. Otherwise a second could be said although the first was not.',
      })
    this.says.push(seen)
    const refusal = this.#refusals.shift()
    if (refusal) return fail(refusal)
    const room = this.room(name)
    if (!room.members.has(session)) {
      this.breaches.push({
        what: `${session.name} says ${JSON.stringify(text)} in ${name} before \`joined\``,
        because: 'A room is joined before anything is said in it.',
      })
      return fail('not-a-member')
    }
    if (this.#isBroken) return fail('not-saved')
    if (typeof text !== 'string' || text === '') return fail('bad-request')
    const answer = ({ number, at }: Entry) => {
      seen.outcome ??= 'said'
      session.send({ type: 'said', id, room: name, number, at })
    }
    const scope = JSON.stringify([session.name, name.toLowerCase(), key])
    if (key !== undefined) {
      const pending = this.#appends.find((append) => append.scope === scope)
      if (pending)
        return pending.entry.text === text ? void pending.waiting.push(answer) : fail('bad-request')
      if (!Number.isSafeInteger(since) || since < 0) return fail('bad-request')
      if (since + 1 < room.first) return fail('stale-key')
      const found = room.log.find(
        (entry) => entry.number > since && entry.name === session.name && entry.key === key,
      )
      if (found) return found.text === text ? answer(found) : fail('bad-request')
    }
    const at = this.#options.timers.now()
    const entry = { name: session.name, text, at, key }
    this.#append({
      room: name,
      entry,
      waiting: [answer],
      fail,
      scope: key === undefined ? '' : scope,
    })
  }

  #append(append: Append): void {
    this.#appends.push(append)
    const { timers, appendMs } = this.#options
    timers.after(appendMs, () => {
      if (this.#isBroken || !this.#appends.includes(append)) return
      this.#appends.splice(this.#appends.indexOf(append), 1)
      const entry = this.#save(append)
      for (const answer of append.waiting) answer(entry)
      const { key, ...message } = entry
      for (const member of this.room(append.room).members) {
        member.send({ type: 'message', room: append.room, ...message })
      }
    })
  }

  #save({ room, entry }: Append): Entry {
    const saved = { ...entry, number: this.lastOf(room) + 1 }
    this.room(room).log.push(saved)
    return saved
  }
}

class Session implements ServerEvents {
  readonly number: number
  /** Known from `hello` on. */
  name = ''
  readonly #server: ModelChatServer
  readonly #end: ServerEnd
  #isOver = false

  constructor(server: ModelChatServer, end: ServerEnd, number: number) {
    this.#server = server
    this.#end = end
    this.number = number
  }

  send(message: object): void {
    if (!this.#isOver) this.#end.send(JSON.stringify(message))
  }

  kill(): void {
    this.#isOver = true
    this.#end.cut()
  }

  onClose(): void {
    this.#isOver = true
    this.#server.leaveAll(this)
  }

  onText(text: string): void {
    if (this.#isOver) return
    const request = JSON.parse(text) as Received
    const { id, type } = request
    if (type === 'hello') return this.#hello(request)
    if (this.name === '') {
      this.#server.breaches.push({
        what: `\`${type}\` before \`welcome\``,
        because: 'A server does nothing for a client that it does not know.',
      })
      return this.#fail(id, 'not-welcome')
    }
    if (type === 'ping') return this.send({ type: 'pong', id })
    if (type === 'join') return this.#join(request)
    if (type === 'say' && typeof request.room !== 'string') {
      this.#server.breaches.push({
        what: `${this.name} says ${JSON.stringify(request.text)} without a room`,
        because: 'One connection may be in many rooms, so each `say` names its room.',
        likely: 'The request needs its type, its room, and what the queue has returned.',
      })
      return this.#fail(id, 'bad-request')
    }
    if (type === 'say') return this.#server.say(this, request)
    if (type === 'leave') {
      this.#server.room(request.room).members.delete(this)
      return this.send({ type: 'left', id, room: request.room })
    }
    if (type === 'history') {
      const { room, after, before, limit } = request
      if (!this.#server.room(room).members.has(this)) return this.#fail(id, 'not-a-member')
      const page = this.#server.pageOf(room, after, before, limit ?? 50)
      return this.send({ type: 'history', id, room, ...page })
    }
    this.#fail(id, 'unknown-type')
  }

  #hello({ id, version, name }: Received): void {
    if (version !== 1) return this.#fail(id, 'unsupported-version')
    if (typeof name !== 'string') return this.#fail(id, 'no-session')
    this.name = name
    this.send({ type: 'welcome', id, version: 1, name, server: this.#server.identity, limits: {} })
  }

  #join({ id, room, after }: Received): void {
    const { members } = this.#server.room(room)
    members.add(this)
    const last = this.#server.lastOf(room)
    const page = this.#server.pageOf(room, after, undefined, 50)
    const names = [...new Set([...members].map(({ name }) => name))]
    this.send({ type: 'joined', id, room, last, members: names, ...page })
  }

  #fail(id: number, code: string): void {
    this.send({ type: 'error', id, code, text: code })
  }
}
