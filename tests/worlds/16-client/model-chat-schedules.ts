/**
 * Chat clients under test, each behind a network that fails as a schedule says, and a model server: played in virtual time,
 * to the end, and then counted at everybody.
 */

import {
  type ClientEnd,
  type ClientEvents,
  type Fate,
  FaultyNetwork,
  HEALTHY,
} from '../../harness/faulty-network.ts'
import { seededRandom } from '../../harness/random.ts'
import type { StoryLine } from '../../harness/story.ts'
import { VirtualTimers } from '../../harness/virtual-timers.ts'
import { type LeavingSay, watchingSays } from './early-says.ts'
import { Count, type Guest, type Problem, type Say } from './model-chat-count.ts'
import { ModelChatServer } from './model-chat-server.ts'

/** A client as far as these tests have to know it. */
export interface ClientUnderTest {
  readonly state: { kind: string }
  start(): void
  close(): void
  join(room: string): void
  say(room: string, text: string): Promise<{ number: number; at: number }>
}

export interface ClientRequest {
  connect(events: ClientEvents): ClientEnd
  timers: VirtualTimers
  random: () => number
  hello(): object
  // biome-ignore lint/suspicious/noExplicitAny: what the client tells, as it is.
  onNotice(notice: any): void
  firstMs: number
  capMs: number
  provenMs: number
  patienceMs: number
  pingMs: number
}

/** Makes the client under test. */
export type MakeClient = (request: ClientRequest) => ClientUnderTest

export const CLIENT_LIMITS = {
  firstMs: 100,
  capMs: 2_000,
  provenMs: 1_000,
  patienceMs: 1_500,
  pingMs: 1_000,
}

export interface Person {
  name: string
  rooms: string[]
  /** What the network does to the connections, in order; those behind them are healthy. */
  fates: Fate[]
  says: { atMs: number; room: string; text: string }[]
}

export type ServerEvent = { atMs: number } & (
  | { does: 'restart'; downMs: number }
  | { does: 'replace its data'; downMs: number }
  | { does: 'break its disk' }
  | { does: 'refuse the next say'; code: string }
  | { does: 'roll back'; room: string; last: number }
  | { does: 'retire'; room: string; count: number }
  | { does: 'talk'; room: string; text: string }
)

export interface Schedule {
  seed: number
  people: Person[]
  server: ServerEvent[]
  appendMs: number
  pageSize: number
}

export interface Outcome {
  problem: Problem | undefined
  lines: StoryLine[]
  /** Over all clients. */
  connections: number
  said: number
  unknown: number
  /** Messages that were acknowledged or never settled, and are nowhere; messages that are there more than once. */
  lost: number
  doubled: number
}

/** Nothing new happens to a schedule after this. */
const HORIZON_MS = 12_000

/** After the last fault there is so much time to come to rest. */
const REST_MS = 120_000

export async function play(schedule: Schedule, makeClient: MakeClient): Promise<Outcome> {
  const world = new World(schedule)
  for (const person of schedule.people) world.bring(person, makeClient)
  let thrown: unknown
  let problem: Problem | undefined
  try {
    await world.timers.advance(HORIZON_MS)
    await world.timers.advanceUntil(() => world.isAtRest, REST_MS)
    problem = world.problem ?? world.count.findProblem(world.guests)
    if (!problem) problem = await world.close()
  } catch (error) {
    thrown = error
  }
  const { lines, guests } = world
  if (thrown) throw new Thrown(thrown, lines)
  const says = guests.flatMap((guest) => guest.says)
  const codes = says.map(({ result }) => (result && 'code' in result ? result.code : undefined))
  return {
    problem,
    lines,
    connections: guests.reduce((sum, { network }) => sum + network.connections, 0),
    said: says.filter(({ result }) => result && 'number' in result).length,
    unknown: codes.filter((code) => code === 'unknown').length,
    lost: says.filter(({ text, result }, index) =>
      result === undefined
        ? true
        : codes[index] === undefined && world.count.timesThere(text) === 0,
    ).length,
    doubled: says.filter(({ text }) => world.count.timesThere(text) > 1).length,
  }
}

/** What the code under test threw, and what had happened. */
export class Thrown {
  readonly error: unknown
  readonly lines: StoryLine[]

  constructor(error: unknown, lines: StoryLine[]) {
    this.error = error
    this.lines = lines
  }
}

class World {
  readonly timers = new VirtualTimers()
  readonly server: ModelChatServer
  readonly guests: Guest[] = []
  readonly lines: StoryLine[] = []
  readonly count: Count
  /** The first that was seen. */
  problem: Problem | undefined
  readonly #schedule: Schedule
  readonly #random: () => number

  constructor(schedule: Schedule) {
    this.#schedule = schedule
    this.#random = seededRandom(schedule.seed, 'world')
    const { appendMs, pageSize } = schedule
    this.server = new ModelChatServer({
      timers: this.timers,
      random: this.#random,
      appendMs,
      pageSize,
    })
    this.count = new Count(schedule, this.server)
    for (const event of schedule.server) {
      this.timers.after(event.atMs, () => this.#happen(event))
    }
  }

  bring({ name, rooms, fates, says }: Person, makeClient: MakeClient): void {
    const sent = new Set<string>()
    const network = new FaultyNetwork({
      timers: this.timers,
      fateOf: (index) => fates[index] ?? HEALTHY,
      accept: (end) => this.server.accept(end),
      tell: (text, way, message) => {
        if (message === undefined) return void this.#tell(name, text)
        if (way === 'toServer') noteSay(message, sent)
        const verb = way === 'toServer' ? 'sends' : 'is sent'
        this.#tell(
          name,
          `${verb} ${brief(message)}${text === '' ? '' : ` (${text.replace(/^, /, '')})`}`,
          way === 'toServer' ? 'toServer' : 'fromServer',
        )
      },
    })
    const client = makeClient({
      connect: watchingSays(network.connect, (say) => this.#judgeSay(guest, say)),
      timers: this.timers,
      random: seededRandom(this.#schedule.seed, name),
      hello: () => ({ name }),
      onNotice: (notice) => this.#notice(guest, notice),
      ...CLIENT_LIMITS,
    })
    const guest: Guest = {
      name,
      client,
      network,
      says: [],
      sent,
      told: new Map(),
      firstSaid: new Set(),
    }
    this.guests.push(guest)
    for (const room of rooms) client.join(room)
    client.start()
    for (const { atMs, room, text } of says) {
      this.timers.after(atMs, () => this.#say(guest, room, text))
    }
  }

  /** Everybody is online, has everything, and knows what became of what was said. */
  get isAtRest(): boolean {
    if (this.problem) return true
    return this.guests.every(
      ({ client, says, told }) =>
        client.state.kind === 'online' &&
        says.every(({ result }) => result) &&
        [...told].every(([room, { last }]) => this.count.hasAll(room, last)),
    )
  }

  /** Nothing is left of clients that have been closed. */
  async close(): Promise<Problem | undefined> {
    for (const { client } of this.guests) client.close()
    await this.timers.advance(60_000)
    const open = this.guests.reduce((sum, { network }) => sum + network.openLinks, 0)
    if (open > 0)
      return {
        headline: `${open} connection(s) stayed open after close().`,
        because: 'A client that was closed keeps no connection and no timer.',
      }
    if (this.timers.size > 0)
      return {
        headline: 'A timer is still armed after close().',
        because: 'A client that was closed keeps no connection and no timer.',
      }
    return undefined
  }

  #happen(event: ServerEvent): void {
    const { server } = this
    if (event.does === 'talk') return server.talk(event.room, 'zoe', event.text)
    if (event.does === 'restart') {
      this.#tell('server', `is killed; it will be back in ${event.downMs} ms`)
      server.restart(event.downMs)
    } else if (event.does === 'replace its data') {
      this.#tell('server', `is killed; it will be back in ${event.downMs} ms, with an empty folder`)
      for (const room of ROOMS) this.count.lose(server.room(room).log)
      server.replaceData(event.downMs)
    } else if (event.does === 'break its disk') {
      this.#tell('server', 'cannot save any more')
      server.breakDisk()
    } else if (event.does === 'refuse the next say') {
      server.refuseNextSay(event.code)
    } else if (event.does === 'roll back') {
      this.#tell(
        'server',
        `is restarted with an older copy of its data: ${event.room} ends at ${event.last}`,
      )
      this.count.lose(server.room(event.room).log.filter(({ number }) => number > event.last))
      server.rollBack(event.room, event.last)
    } else {
      this.#tell('server', `removes the oldest ${event.count} messages of ${event.room}`)
      this.count.retire(server.room(event.room).log.slice(0, event.count))
      server.retire(event.room, event.count)
    }
  }

  #say(guest: Guest, room: string, text: string): void {
    const say: Say = { room, text }
    guest.says.push(say)
    this.#tell(guest.name, `wants to say ${JSON.stringify(text)} in ${room}`)
    guest.client.say(room, text).then(
      ({ number, at }) => {
        say.result = { number, at }
      },
      (error) => {
        this.#tell(guest.name, `is told that ${JSON.stringify(text)} was rejected: ${error.code}`)
        say.result = { code: error.code ?? String(error) }
      },
    )
  }

  /** A `say` leaves a client: is its room live, and does the first one have the number that was told last? */
  #judgeSay({ name, told, firstSaid }: Guest, say: LeavingSay): void {
    const { room, text, since, waitsFor, joinedLast } = say
    if (waitsFor)
      return this.#mind(
        `${name}’s client has said ${JSON.stringify(text)} in ${room}, and the room is not live: ${waitsFor} is still to come.`,
        waitsFor === 'joined'
          ? 'This `say` left before the room was live. The room may turn out to be another one: then the message is given up as unknown, and its answer is taken for that of the next message.'
          : 'Until then the last number is an old one. The server looks for the key above it, and answers `stale-key` if some of those messages are gone.',
        '#sayNext() has to check whether the feed is live (isLive). A link, or a last number, is there long before that.',
      )
    const isFirst = !firstSaid.has(text)
    firstSaid.add(text)
    const last = Math.max(joinedLast, told.get(room)?.last ?? 0)
    if (!isFirst || typeof since !== 'number' || since === last) return
    this.#mind(
      `${name}’s client has said ${JSON.stringify(text)} in ${room} for the first time with since ${since}, and the last number is ${last}.`,
      since < last
        ? 'The server would search in vain between the two, and answers `stale-key` if too many messages lie there, or some were removed.'
        : 'The message may get a number that is not above since, and then a repeat is not recognised.',
      '#sayNext() gives next() the feed’s last number as it is now: not an older one, and nothing added to it or taken from it.',
    )
  }

  // biome-ignore lint/suspicious/noExplicitAny: what the client tells, as it is.
  #notice({ name, told }: Guest, notice: any): void {
    const { kind, room } = notice
    if (kind === 'state') return
    if (kind === 'joined' && !told.has(room)) told.set(room, { last: undefined, entries: [] })
    const feed = told.get(room)
    if (!feed) return
    if (kind === 'forgotten') {
      this.#tell(name, `forgets everything that was told of ${room}`)
      told.set(room, { last: undefined, entries: [] })
    } else if (kind === 'missed') {
      this.#tell(name, `has missed ${notice.from} to ${notice.to} of ${room}`)
      const kept = this.server
        .room(room)
        .log.find(({ number }) => number >= notice.from && number <= notice.to)
      if (kept) {
        this.#mind(
          `${name} was told that ${notice.from} to ${notice.to} of ${room} were missed, but the server has number ${kept.number}.`,
          'Only what the server has not kept is missed. Everything else is on a page.',
          'Ask for pages until they reach `joined.last`, however short a page is.',
        )
      }
      if (feed.last !== undefined && notice.from !== feed.last + 1)
        this.#mind(
          `${name} was told of missed messages from ${notice.from} on, right after number ${feed.last}.`,
          'A message is reported as missed once, and in its place.',
        )
      feed.last = notice.to
    } else if (kind === 'message') {
      const { number, text } = notice.message
      if (feed.last !== undefined && number <= feed.last) {
        this.#mind(
          `${name}’s client has told number ${number} of ${room} after number ${feed.last}.`,
          'Everybody sees every message once, in order, however often the connection is lost.',
          'A page and the live messages may overlap: what is not above the last number has been told already.',
        )
      } else if (feed.last !== undefined && number > feed.last + 1) {
        this.#mind(
          `${name}’s client has told number ${number} of ${room} right after number ${feed.last}.`,
          'What was said while the client was away is told first, and live messages wait for it.',
          'A live message has to wait as long as pages are missing. Ask for pages until they reach `joined.last`.',
        )
      }
      feed.last = number
      feed.entries.push({ number, text })
    }
  }

  #mind(headline: string, because: string, likely?: string): void {
    this.problem ??= { headline, because, likely }
  }

  #tell(who: string, text: string, way: StoryLine['way'] = 'beside'): void {
    const at = Math.round(this.timers.now())
    if (!this.problem) this.lines.push({ who, way, text: `${text}  [${at} ms]` })
  }
}

export const ROOMS = ['hall', 'den']

function noteSay(message: string, sent: Set<string>): void {
  const { type, text } = JSON.parse(message)
  if (type === 'say') sent.add(text)
}

/** A message as the story shows it. */
function brief(text: string): string {
  const message = JSON.parse(text)
  const { type, room, code, after, last, number, since, messages, text: said } = message
  const parts = [type]
  if (room !== undefined && ROOMS[0] !== room) parts.push(room)
  if (code !== undefined) parts.push(code)
  if (said !== undefined && type !== 'error') parts.push(JSON.stringify(said))
  if (number !== undefined) parts.push(`number ${number}`)
  if (since !== undefined) parts.push(`since ${since}`)
  if (after !== undefined) parts.push(`after ${after}`)
  if (last !== undefined) parts.push(`last ${last}`)
  if (messages?.length > 0) parts.push(`with ${messages[0].number} to ${messages.at(-1).number}`)
  return parts.join(' ')
}
