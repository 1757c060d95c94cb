/**
 * Walks the crash points of a program that keeps messages on a disk.
 *
 * The program runs once, and after each thing that it did to the disk the machine may have stopped. For every such moment
 * the program is started again, on every disk that the crash may have left (see `crashes.ts`), and must find what it had
 * promised. It goes on from there, so that its repairs and its second life can be interrupted, too: there are three lives.
 * All moments are walked; where a moment has too many disks, some are picked at random, by a seed.
 */

import { within } from '../patience.ts'
import { type Random, randomInteger, seededRandom } from '../random.ts'
import { type Crash, killed, powerFailures } from './crashes.ts'
import { type DiskState, EMPTY_DISK, SimulatedDisk, type TraceEvent } from './disk.ts'

/** What a program tells of its messages. Each message is a text of its own. */
export interface Witness {
  /** 1 for the first start, 2 after a crash, 3 after another one. */
  readonly life: number
  /** Somebody has asked to save a message: from now on it may be found. */
  asks(message: string): void
  /** Somebody was told that a message is saved, or was shown it: from now on it must be found. */
  promises(message: string): void
  /** What is there after the start, in order, as far as anybody is shown it. It is promised from now on. */
  finds(messages: string[]): void
  /** These were thrown away on purpose: from now on they need not be found. */
  releases(messages: string[]): void
}

/** Runs on a disk from its start until it has done what it wanted to. Nothing but the disk may outlive it. */
export type Program = (folder: SimulatedDisk, witness: Witness) => Promise<void>

export interface Exploration {
  program: Program
  seed: number
  /** What the disk has before the first start. */
  disk?: DiskState
}

/** One run of the program, up to the crash or to what went wrong. */
export interface Life {
  events: TraceEvent[]
  crash?: Crash
}

export type Outcome =
  | { kind: 'held'; crashPoints: number; starts: number }
  | {
      kind: 'broken'
      lives: Life[]
      finding: string
      error?: unknown
      crashPoints: number
      starts: number
    }

/** What everybody outside knows, at some moment. */
interface Knowledge {
  asked: readonly string[]
  promised: readonly string[]
}

/** A run of the program, and what was known after each of its events. */
interface Run {
  trace: TraceEvent[]
  known: Knowledge[]
  /** So many events had happened when it showed what it had found. */
  foundAfter: number
  finding?: string
  brokenAfter?: number
  error?: unknown
}

/** A disk to start on, and how it came about. */
interface Start {
  state: DiskState
  known: Knowledge
  lives: Life[]
}

const LIVES = 3

/** In the first life and in the second: so many disks for a moment. */
const DISKS_PER_MOMENT = [500, 3]

/** So many second lives are interrupted in their turn. */
const MAX_SECOND_LIVES = 40

/** Between two starts that let this thread show that it is alive. */
const STARTS_AT_A_TIME = 50

const PATIENCE_MS = 1_000

export async function exploreCrashes(exploration: Exploration): Promise<Outcome> {
  const { program, seed, disk = EMPTY_DISK } = exploration
  const random = seededRandom(seed, 'crashes')
  let starts: Start[] = [{ state: disk, known: { asked: [], promised: [] }, lives: [] }]
  const counts = { crashPoints: 0, starts: 0 }
  for (let life = 1; life <= LIVES; life++) {
    const next = new Map<string, Start>()
    const interrupted = life === 2 ? pick(starts, MAX_SECOND_LIVES, random) : new Set(starts)
    for (const start of starts) {
      counts.starts += 1
      if (counts.starts % STARTS_AT_A_TIME === 0) await turn()
      const run = await runOnce(program, start, life)
      const { finding, error, trace } = run
      if (finding !== undefined) {
        const lives = [...start.lives, { events: trace.slice(0, run.brokenAfter) }]
        return { kind: 'broken', lives, finding, error, ...counts }
      }
      if (life === LIVES) continue
      // Its start is walked for every second life, what it does then only for some.
      const moments = momentsOf(start, run, interrupted.has(start) ? trace.length : run.foundAfter)
      counts.crashPoints += moments.length
      for (const moment of moments) addStarts(next, moment, DISKS_PER_MOMENT[life - 1], random)
    }
    starts = [...next.values()]
  }
  return { kind: 'held', ...counts }
}

/** Runs the program from its start to its end, or to what goes wrong. */
async function runOnce(program: Program, start: Start, life: number): Promise<Run> {
  const disk = new SimulatedDisk(start.state)
  const run: Run = { trace: disk.trace, known: [], foundAfter: 0 }
  const ledger = new Ledger(start.known, disk)
  disk.onEvent = () => run.known.push(ledger.known)
  try {
    const outcome = await within(PATIENCE_MS, program(disk, ledger.witness(life)))
    if (outcome === 'too late') run.finding = 'the program does not come to an end'
  } catch (error) {
    run.error = error
    run.finding = `the program fails: ${(error as Error)?.message ?? error}`
  }
  if (ledger.finding !== undefined) {
    run.finding = ledger.finding
    run.brokenAfter = ledger.foundAfter
  }
  run.foundAfter = ledger.foundAfter
  return run
}

/** What was asked and promised so far; finds out when the program breaks a promise. */
class Ledger {
  known: Knowledge
  finding: string | undefined
  foundAfter = 0
  readonly #disk: SimulatedDisk

  constructor(known: Knowledge, disk: SimulatedDisk) {
    this.known = known
    this.#disk = disk
  }

  witness(life: number): Witness {
    return {
      life,
      asks: (message) => this.#learn({ asked: [...this.known.asked, message] }),
      promises: (message) => {
        this.#learn({ promised: [...this.known.promised, message] })
        this.#disk.tell('test', `is told that "${message}" is saved`)
      },
      finds: (messages) => this.#find(messages),
      releases: (messages) => {
        const promised = this.known.promised.filter((message) => !messages.includes(message))
        this.#learn({ promised })
      },
    }
  }

  #learn(news: Partial<Knowledge>): void {
    this.known = { ...this.known, ...news }
  }

  #find(found: string[]): void {
    const list = found.length === 0 ? 'nothing' : found.map((message) => `"${message}"`).join(', ')
    this.finding ??= wrongIn(found, this.known)
    this.#learn({ promised: found })
    this.#disk.tell('test', `finds ${list}`)
    this.foundAfter = this.#disk.trace.length
  }
}

function wrongIn(found: string[], { asked, promised }: Knowledge): string | undefined {
  const invented = found.find((message) => !asked.includes(message))
  if (invented !== undefined) return `"${invented}" is found, and nobody has ever sent it`
  const twice = found.find((message, index) => found.indexOf(message) !== index)
  if (twice !== undefined) return `"${twice}" is found twice`
  const lost = promised.find((message) => !found.includes(message))
  if (lost !== undefined) return `"${lost}" was said to be saved, and is not there`
  const order = found.filter((message) => promised.includes(message))
  const place = promised.findIndex((message, index) => order[index] !== message)
  if (place >= 0)
    return `"${order[place]}" is found before "${promised[place]}", and was saved after it`
  return undefined
}

/** A moment at which the machine may stop: the disk, what was known, and how it came about. */
interface Moment {
  state: DiskState
  known: Knowledge
  lives: (crash: Crash) => Life[]
}

/** Before the first event, and after each of the first so many. */
function momentsOf(start: Start, { trace, known }: Run, events: number): Moment[] {
  const moment = (state: DiskState, knowledge: Knowledge, past: TraceEvent[]): Moment => ({
    state,
    known: knowledge,
    lives: (crash) => [...start.lives, { events: past, crash }],
  })
  return [
    moment(start.state, start.known, []),
    ...trace
      .slice(0, events)
      .map(({ state }, index) => moment(state, known[index], trace.slice(0, index + 1))),
  ]
}

/** Starts on the disks that a crash at this moment may leave; one that is there already is not added. */
function addStarts(
  starts: Map<string, Start>,
  { state, known, lives }: Moment,
  maxDisks: number,
  random: Random,
): void {
  for (const crash of [killed(state), ...powerFailures(state, maxDisks, random)]) {
    const key = `${crash.key}|${known.asked.length}|${known.promised.join()}`
    if (!starts.has(key)) starts.set(key, { state: crash.state, known, lives: lives(crash) })
  }
}

/** Those after a killed process, and of the others some that are picked at random: no more than `max`. */
function pick(starts: Start[], max: number, random: Random): Set<Start> {
  const picked = new Set(
    starts.filter(({ lives }) => lives.at(-1)?.crash?.kind === 'kill').slice(0, max),
  )
  for (let times = 0; picked.size < Math.min(max, starts.length) && times < 10 * max; times++)
    picked.add(starts[randomInteger(random, starts.length)])
  return picked
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
