/** What is counted when a schedule has been played, and what is said when it does not come out right. */

import type { FaultyNetwork } from '../../harness/faulty-network.ts'
import { type ClientUnderTest, ROOMS, type Schedule } from './model-chat-schedules.ts'
import type { Entry, ModelChatServer, SeenSay } from './model-chat-server.ts'

export interface Problem {
  headline: string
  because: string
  likely?: string
  expected?: string
  received?: string
}

export interface Say {
  room: string
  text: string
  result?: { number: number; at: number } | { code: string }
}

/** Somebody with a client. */
export interface Guest {
  name: string
  client: ClientUnderTest
  network: FaultyNetwork
  says: Say[]
  /** Texts that have left the client in a `say`. */
  sent: Set<string>
  /** Texts that the client has said at least once while their room was live. */
  firstSaid: Set<string>
  /** By room: what the client has told, since it last said that it has forgotten. */
  told: Map<string, Told>
}

export interface Told {
  last: number | undefined
  entries: { number: number; text: string }[]
}

export class Count {
  readonly #schedule: Schedule
  readonly #server: ModelChatServer
  /** Data that the server does not have any more: a message may be in there. */
  readonly #oldLogs: Entry[] = []
  /** What retention has removed. */
  readonly #retired: Entry[] = []

  constructor(schedule: Schedule, server: ModelChatServer) {
    this.#schedule = schedule
    this.#server = server
  }

  /** The server loses these for good, as if they had never been said. */
  lose(entries: readonly Entry[]): void {
    this.#oldLogs.push(...entries)
  }

  /** The server does not keep these any more. */
  retire(entries: readonly Entry[]): void {
    this.#retired.push(...entries)
  }

  /** How often a text was said, in data that the server has now or had before. */
  timesThere(text: string): number {
    const now = ROOMS.flatMap((room) => this.#server.room(room).log)
    return [...this.#oldLogs, ...this.#retired, ...now].filter((entry) => entry.text === text)
      .length
  }

  /** The first thing that did not come out right. */
  findProblem(guests: readonly Guest[]): Problem | undefined {
    const [breach] = this.#server.breaches
    if (breach)
      return {
        headline: `The server has received what no client should say: ${breach.what}.`,
        because: breach.because,
        likely: breach.likely,
      }
    for (const guest of guests) {
      const problem = this.#countSays(guest) ?? this.#countTold(guest) ?? this.#countOrder(guest)
      if (problem) return problem
    }
    return undefined
  }

  #countSays({ name, says, sent, client }: Guest): Problem | undefined {
    for (const { room, text, result } of says) {
      const quoted = JSON.stringify(text)
      const attempts = this.#server.says.filter((say) => say.name === name && say.text === text)
      const all = [...this.#retired, ...this.#server.room(room).log]
      const found = all.filter((entry) => entry.text === text)
      const gone = this.#oldLogs.filter((entry) => entry.text === text)
      if (found.length > 1) {
        return {
          headline: `${quoted} was said ${found.length} times.`,
          because: 'Everybody sees it twice. A repeat has to be recognised as one.',
          likely: whyDoubled(attempts, found),
          expected: 'once',
          received: `as numbers ${found.map(({ number }) => number).join(' and ')}, from ${attempts.length} attempts`,
        }
      }
      if (!result) {
        return {
          headline: `Nobody knows what became of ${quoted}: say() has not settled.`,
          because:
            'The network has done no harm for two minutes. By now every message is said, or rejected.',
          likely: whyUnsettled(attempts, client, this.#server),
          received: describeAttempts(attempts),
        }
      }
      if ('number' in result) {
        if (typeof result.at !== 'number')
          return {
            headline: `say() of ${quoted} has resolved without \`at\`.`,
            because: 'Whoever says something is shown when it was said, by the server’s clock.',
            likely: 'Give onSaid() the number and `at`, both from the answer.',
          }
        const entry = [...found, ...gone].find(({ number }) => number === result.number)
        if (!entry)
          return {
            headline: `${quoted} is lost: say() has resolved with number ${result.number}, and the room does not have it.`,
            because: 'A message that was acknowledged is there.',
            likely: 'An answer belongs to the message that was in flight, and to no other.',
            received: describeAttempts(attempts),
          }
        if (entry.at !== result.at)
          return {
            headline: `say() of ${quoted} has resolved with a time that is not the server’s.`,
            because: 'Everybody is shown the same time for a message: that of the server’s clock.',
            likely: 'Give onSaid() the number and `at`, both from the answer.',
            expected: `at ${entry.at}`,
            received: `at ${result.at}`,
          }
        continue
      }
      const { code } = result
      if (code === 'unknown' && !sent.has(text))
        return {
          headline: `${quoted} was rejected as unknown, but it was never sent.`,
          because: 'What was never sent was certainly not said, and can still be said.',
          likely: 'Only a message that has been sent is rejected as unknown.',
        }
      if (code !== 'unknown' && found.length + gone.length > 0)
        return {
          headline: `${quoted} was said, but say() rejected with ${code}.`,
          because: 'That code says that it was not said. Its sender will say it once more.',
          likely:
            'An error about a repeat says nothing about the earlier request: reject with unknown.',
          received: describeAttempts(attempts),
        }
      if (code === 'stale-key' && !this.#refuses && attempts.every(({ since }) => since === 0)) {
        return {
          headline: `${quoted} was rejected as stale, but it was sent for the first time.`,
          because:
            'The server has removed its oldest messages, and was asked to look for this one among them.',
          likely: '`since` has to be the last number that was told: the feed knows it.',
          received: describeAttempts(attempts),
        }
      }
      const isMalformed = code === 'bad-request' || code === 'unknown-type'
      if (!this.#mayFail)
        return {
          headline: `${quoted} was rejected with ${code}.`,
          because: isMalformed
            ? 'The server has refused the request itself, because of its fields.'
            : 'The server has all its data and has refused nothing: it would have recognised a repeat.',
          likely: isMalformed
            ? 'A `say` has its type, its room, and what the queue has returned, as it is: a text, a key, and a number `since`.'
            : 'A lost connection is no reason to give up a message: send it again on the next one.',
          received: describeAttempts(attempts),
        }
    }
    return undefined
  }

  /** Whether a client that has told this number last has nothing more to tell. */
  hasAll(room: string, last: number | undefined): boolean {
    // On a first look nobody has missed what is not kept any more.
    if (last === undefined) return this.#server.room(room).log.length === 0
    return last === this.#server.lastOf(room)
  }

  get #refuses(): boolean {
    return this.#schedule.server.some(({ does }) => does === 'refuse the next say')
  }

  /** Whether the server has done what leaves a client in doubt, or has refused something. */
  get #mayFail(): boolean {
    return this.#schedule.server.some(({ does }) =>
      ['replace its data', 'roll back', 'refuse the next say', 'retire'].includes(does),
    )
  }

  #countTold({ name, client, told }: Guest): Problem | undefined {
    if (client.state.kind !== 'online')
      return {
        headline: `${name}’s client is ${client.state.kind}, not online.`,
        because: 'The network has done no harm for two minutes.',
        likely: 'Every loss has to be followed by another attempt.',
      }
    for (const [room, { last, entries }] of told) {
      const lastThere = this.#server.lastOf(room)
      if (!this.hasAll(room, last))
        return {
          headline: `${name}’s client has told nothing above number ${last ?? 0} of ${room}.`,
          because: `The room’s last number is ${lastThere}, and nothing has been said for two minutes.`,
          likely:
            'Ask for pages until they reach `joined.last`. Then tell what waited, and let live messages straight through.',
        }
      const log = new Map(this.#server.room(room).log.map((entry) => [entry.number, entry.text]))
      const wrong = entries.find(({ number, text }) => log.has(number) && log.get(number) !== text)
      if (wrong)
        return {
          headline: `${name}’s client has told ${JSON.stringify(wrong.text)} as number ${wrong.number} of ${room}.`,
          because: `That number is ${JSON.stringify(log.get(wrong.number))}.`,
          likely: 'The server has other data now, so the old numbers mean nothing.',
        }
    }
    return undefined
  }

  #countOrder({ name, says }: Guest): Problem | undefined {
    for (const room of new Set(says.map((say) => say.room))) {
      const numbers = says.flatMap(({ room: other, text, result }) => {
        if (other !== room || !result || !('number' in result)) return []
        const isHere = this.#server.room(room).log.some((entry) => entry.text === text)
        return isHere ? [{ text, number: result.number }] : []
      })
      const late = numbers.find(
        ({ number }, index) => index > 0 && number < numbers[index - 1].number,
      )
      if (late)
        return {
          headline: `${name} said ${JSON.stringify(late.text)} after another message, but its number is lower.`,
          because: 'What somebody says in a room appears in the order in which it was said.',
          likely: 'Only one `say` per room is in flight, and the oldest message goes next.',
        }
    }
    return undefined
  }
}

function whyDoubled(attempts: SeenSay[], found: Entry[]): string {
  if (attempts.some(({ key }) => key === undefined)) return 'It was sent without a key.'
  if (new Set(attempts.map(({ key }) => key)).size > 1)
    return 'It was sent with two keys. A repeat has the key of the first time.'
  const beyond = attempts.find(({ since }) => (since as number) >= found[0].number)
  if (beyond)
    return `A repeat was sent with since ${beyond.since}. The server looks only above that, and the message is number ${found[0].number}. Keep the since of the first time.`
  return 'A repeat has the key and the since of the first time.'
}

function whyUnsettled(
  attempts: SeenSay[],
  client: ClientUnderTest,
  server: ModelChatServer,
): string {
  const last = attempts.at(-1)
  if (client.state.kind !== 'online') return `The client is ${client.state.kind}.`
  if (!last)
    return 'It was never sent. Call #sayNext() when the room goes live, and after the queue was told of an answer.'
  if (!server.isOpen(last.connection))
    return 'The connection that it was sent on is lost, so nothing is in flight any more. Send it again on the next one.'
  if (last.outcome !== undefined && last.outcome !== 'said')
    return `It was answered with ${last.outcome}, but the queue was not told, or has not settled it: see onError().`
  return 'The server has answered. The answer settles the oldest message.'
}

function describeAttempts(attempts: SeenSay[]): string {
  if (attempts.length === 0) return 'the server has never seen it'
  const all = attempts.map(
    ({ connection, since, outcome = 'not answered' }) =>
      `on the server’s connection ${connection}, since ${since}: ${outcome}`,
  )
  return `seen ${all.join('; ')}`
}
