/** Schedules to play: every single fault in turn, hundreds at random, and the smallest that still goes wrong. */

import { setImmediate as turn } from 'node:timers/promises'
import { type Ending, type Fate, HEALTHY } from '../../harness/faulty-network.ts'
import { type Random, randomInteger, seededRandom } from '../../harness/random.ts'
import { type Person, ROOMS, type Schedule, type ServerEvent } from './model-chat-schedules.ts'

/** Whether the clients say something themselves, or only listen to others. */
export type Clients = 'listen' | 'talk'

const [HALL] = ROOMS

/** Each message of a short conversation in turn is the one at which the connection ends, in each way. */
export function singleFaults(clients: Clients): Schedule[] {
  const endings: Ending[] = []
  for (const way of ['toServer', 'toClient'] as const) {
    for (let at = 1; at <= (way === 'toServer' ? 6 : 10); at++) {
      endings.push({ kind: 'cut', way, at, passes: false, lateMs: 0 })
      endings.push({ kind: 'cut', way, at, passes: true, lateMs: 0 })
      endings.push({ kind: 'silence', way, at, passes: false, lateMs: 0 })
      if (way === 'toServer') endings.push({ kind: 'cut', way, at, passes: true, lateMs: 800 })
    }
  }
  const [first] = endings
  return endings.flatMap((ending, index) => {
    const fate = { ...HEALTHY, ending }
    const plan = (fates: Fate[], isRestarted: boolean) =>
      shortConversation(index, clients, fates, isRestarted)
    const later = { ...first, at: 4, passes: true }
    return [
      plan([fate], false),
      plan([fate], true),
      plan([{ ...HEALTHY, ending: later }, fate], false),
    ]
  })
}

/** The server has less than it had: an older copy of its data, or what retention has left. */
export function lostData(clients: Clients): Schedule[] {
  const away: Fate[] = [
    { ...HEALTHY, ending: { kind: 'cut', way: 'toClient', at: 6, passes: true, lateMs: 0 } },
    ...Array.from({ length: 3 }, (): Fate => ({ ...HEALTHY, opening: 'is refused' })),
  ]
  const plan = (seed: number, fates: Fate[], event: ServerEvent): Schedule => {
    const schedule = shortConversation(seed, clients, fates, false)
    return { ...schedule, server: [...schedule.server, event] }
  }
  const others = Array.from(
    { length: 5 },
    (_, index): ServerEvent => ({
      atMs: 0,
      does: 'talk',
      room: HALL,
      text: `zoe ${index + 1}`,
    }),
  )
  /** Says something between `join` and `joined`, in a room that has lost its oldest messages. */
  const hasty: Schedule = {
    seed: 4,
    people: [
      { name: 'ada', rooms: [HALL], fates: [], says: [{ atMs: 70, room: HALL, text: 'ada 1' }] },
    ],
    server: [...others, { atMs: 40, does: 'retire', room: HALL, count: 3 }],
    appendMs: 30,
    pageSize: 2,
  }
  /** Talks all the time, while its first connection is cut and its second is slow. */
  const talkative: Schedule = {
    seed: 5,
    people: [
      {
        name: 'ada',
        rooms: [HALL],
        fates: [
          { ...HEALTHY, ending: { kind: 'cut', way: 'toClient', at: 6, passes: true, lateMs: 0 } },
          { opening: 'opens', delayMs: 150 },
        ],
        says: Array.from({ length: 24 }, (_, index) => ({
          atMs: 100 + 40 * index,
          room: HALL,
          text: `ada ${index + 1}`,
        })),
      },
    ],
    server: others,
    appendMs: 30,
    pageSize: 2,
  }
  const losses = [2, 0].flatMap((last) => [
    plan(1, [], { atMs: 600, does: 'roll back', room: HALL, last }),
    plan(2, away, { atMs: 390, does: 'retire', room: HALL, count: 5 + last }),
    plan(3, away, { atMs: 900, does: 'retire', room: HALL, count: 100 }),
  ])
  return clients === 'talk' ? [hasty, talkative, ...losses] : losses
}

function shortConversation(
  seed: number,
  clients: Clients,
  fates: Fate[],
  isRestarted: boolean,
): Schedule {
  const says = [100, 120, 400].map((atMs, index) => ({
    atMs,
    room: HALL,
    text: `ada ${index + 1}`,
  }))
  const talk = [10, 70, 130, 190, 250, 310, 370].map(
    (atMs, index): ServerEvent => ({ atMs, does: 'talk', room: HALL, text: `zoe ${index + 1}` }),
  )
  const ada = { name: 'ada', rooms: [HALL], fates, says: clients === 'talk' ? says : [] }
  const restart: ServerEvent = { atMs: 170, does: 'restart', downMs: 50 }
  const server = isRestarted ? [...talk, restart] : talk
  return { seed, people: [ada], server, appendMs: 30, pageSize: 2 }
}

/** What may go wrong on the server's side; one of these a schedule, so that it stays clear what a client may do. */
const TROUBLES = ['none', 'restarts', 'restarts', 'broken disk', 'other data', 'refusals'] as const

/** The schedule with that seed: always the same. */
export function randomSchedule(seed: number, clients: Clients): Schedule {
  const random = seededRandom(seed, `schedule to ${clients}`)
  const names = ['ada', 'bob', 'cyd'].slice(0, 1 + randomInteger(random, 3))
  const people = names.map((name) => randomPerson(random, name, clients))
  const trouble = TROUBLES[randomInteger(random, TROUBLES.length)]
  const server: ServerEvent[] = [
    ...Array.from(
      { length: randomInteger(random, 30) },
      (_, index): ServerEvent => ({
        atMs: randomInteger(random, 6_000),
        does: 'talk',
        room: pick(random, ROOMS),
        text: `zoe ${index + 1}`,
      }),
    ),
    ...troubleAt(random, trouble),
  ]
  const pageSize = pick(random, [1, 2, 3, 10])
  return { seed, people, server, appendMs: pick(random, [1, 10, 80, 300]), pageSize }
}

function randomPerson(random: Random, name: string, clients: Clients): Person {
  const count = clients === 'talk' ? 1 + randomInteger(random, 6) : 0
  const moments = Array.from({ length: count }, () => randomInteger(random, 5_000))
  const says = moments
    .toSorted((a, b) => a - b)
    .map((atMs, index) => ({ atMs, room: pick(random, ROOMS), text: `${name} ${index + 1}` }))
  const fates = Array.from({ length: randomInteger(random, 6) }, () => randomFate(random))
  return { name, rooms: [...ROOMS], fates, says }
}

function randomFate(random: Random): Fate {
  const delayMs = pick(random, [1, 5, 20, 60, 200])
  const opening = pick(random, ['opens', 'opens', 'opens', 'opens', 'is refused', 'hangs'] as const)
  if (random() < 0.15) return { opening, delayMs }
  const way = pick(random, ['toServer', 'toClient'] as const)
  const passes = random() < 0.5
  const ending: Ending = {
    kind: random() < 0.7 ? 'cut' : 'silence',
    way,
    at: 1 + randomInteger(random, 14),
    passes,
    lateMs: way === 'toServer' && passes ? pick(random, [0, 0, 300, 1_200]) : 0,
  }
  return { opening, delayMs, ending }
}

function troubleAt(random: Random, trouble: (typeof TROUBLES)[number]): ServerEvent[] {
  const atMs = 200 + randomInteger(random, 4_000)
  const downMs = pick(random, [20, 200, 1_500])
  const restart: ServerEvent = { atMs: atMs + 700, does: 'restart', downMs }
  if (trouble === 'restarts') return [{ atMs, does: 'restart', downMs: 20 }, restart]
  if (trouble === 'broken disk') return [{ atMs, does: 'break its disk' }, restart]
  if (trouble === 'other data') return [{ atMs, does: 'replace its data', downMs }]
  if (trouble === 'none') return []
  const codes = ['too-fast', 'internal', 'stale-key']
  return codes.map((code) => ({
    atMs: randomInteger(random, 4_000),
    does: 'refuse the next say',
    code,
  }))
}

/**
 * The smallest schedule that can be found from this one by leaving things out, and still goes wrong: a story that can be
 * read.
 */
export async function shrink(
  schedule: Schedule,
  goesWrong: (schedule: Schedule) => Promise<boolean>,
): Promise<Schedule> {
  let smallest = schedule
  for (let tries = 0, isSmaller = true; isSmaller && tries < MAX_TRIES; ) {
    isSmaller = false
    for (const candidate of smallerThan(smallest)) {
      if (++tries > MAX_TRIES) break
      await turn()
      if (!(await goesWrong(candidate))) continue
      smallest = candidate
      isSmaller = true
      break
    }
  }
  return smallest
}

const MAX_TRIES = 200

/** The same schedule without one thing. A disk that breaks stays one that is mended. */
function* smallerThan(schedule: Schedule): Generator<Schedule> {
  for (const candidate of withoutOneThing(schedule)) {
    const isBroken = candidate.server.some(({ does }) => does === 'break its disk')
    const isMended = candidate.server.some(({ does }) => does === 'restart')
    if (isMended || !isBroken) yield candidate
  }
}

function* withoutOneThing(schedule: Schedule): Generator<Schedule> {
  const { people, server } = schedule
  for (const person of people) {
    if (people.length > 1) yield { ...schedule, people: people.filter((other) => other !== person) }
  }
  for (const event of server)
    yield { ...schedule, server: server.filter((other) => other !== event) }
  for (const person of people) {
    const change = (changed: Partial<Person>): Schedule => ({
      ...schedule,
      people: people.map((other) => (other === person ? { ...person, ...changed } : other)),
    })
    const { fates, says, rooms } = person
    for (const fate of fates) yield change({ fates: fates.filter((other) => other !== fate) })
    for (const say of says) yield change({ says: says.filter((other) => other !== say) })
    const used = rooms.filter((room) => says.some((say) => say.room === room))
    if (used.length > 0 && used.length < rooms.length) yield change({ rooms: used })
  }
}

function pick<T>(random: Random, values: readonly T[]): T {
  return values[randomInteger(random, values.length)]
}
