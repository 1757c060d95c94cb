/**
 * What the chat server measures about itself. Most of it is counted anyway, and read on request; three things have to
 * be timed when they happen.
 */

import type { Chat, Handler } from '../13-rooms/chat-session.ts'
import type { Folder, LogFile } from '../15-history/folder.ts'
import type { LogJournal } from '../15-history/log-journal.ts'
import type { Timers } from '../16-client/timers.ts'
import type { Door, DoorName } from './doors.ts'
import { Histogram } from './histogram.ts'
import type { ChatServices } from './services.ts'
import type { Metric, Sample } from './text-format.ts'
import type { Handshake } from './tls.ts'

/** In seconds. */
const LATENCIES = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

/** How often the loop is checked for being late. */
const LOOP_MS = 250

export class Measures {
  readonly broadcast = new Histogram({
    name: 'chat_broadcast_seconds',
    help: 'From a message that was accepted until everybody in its room has been told.',
    bounds: LATENCIES,
  })
  readonly sync = new Histogram({
    name: 'chat_sync_seconds',
    help: 'How long the disk takes to make a group of messages safe.',
    bounds: LATENCIES,
  })
  readonly loopDelay = new Histogram({
    name: 'chat_loop_delay_seconds',
    help: 'How late a timer is: so long everybody has to wait.',
    bounds: LATENCIES,
  })
  readonly #timers: Timers
  readonly #handshakes = new Map<Handshake, number>()
  readonly #requests = new Map<DoorName, number>()
  #messages = 0
  #loopTimer: unknown

  constructor(timers: Timers) {
    this.#timers = timers
  }

  onHandshake(how: Handshake): void {
    this.#handshakes.set(how, (this.#handshakes.get(how) ?? 0) + 1)
  }

  /** The same chat for one door: each request that is handled there is counted. */
  watchDoor(door: DoorName, chat: Chat): Chat {
    const counted = (handler: Handler): Handler => {
      return (session, request) => {
        this.#requests.set(door, (this.#requests.get(door) ?? 0) + 1)
        return handler(session, request)
      }
    }
    const handlers = Object.entries(chat.handlers).map(([type, each]) => [type, counted(each)])
    return { ...chat, handlers: Object.fromEntries(handlers) }
  }

  /** Times each message, from when the journal is given it until everybody has been told. */
  watchJournal(journal: LogJournal): void {
    const begun: number[] = []
    const append = journal.append.bind(journal)
    const tell = journal.onKept
    journal.append = (draft) => {
      begun.push(this.#timers.now())
      append(draft)
    }
    // Drafts are reported in the order in which they were appended.
    journal.onKept = (kept) => {
      tell(kept)
      const times = begun.splice(0, kept.length)
      // A message that was not saved is not told.
      const told = times.filter((_, place) => kept[place].message)
      this.#messages += told.length
      this.#later(() => {
        for (const atMs of told) this.#observe(this.broadcast, atMs)
      })
    }
  }

  /** The same folder; each sync of its files is timed. */
  watchFolder(folder: Folder): Folder {
    const watch = (file: LogFile): LogFile => {
      const sync = file.sync.bind(file)
      file.sync = async () => {
        const beganMs = this.#timers.now()
        await sync()
        const tookMs = this.#timers.now() - beganMs
        this.#later(() => this.sync.observe(tookMs / 1_000))
      }
      return file
    }
    const [create, open] = [folder.create.bind(folder), folder.open.bind(folder)]
    folder.create = async (name) => watch(await create(name))
    folder.open = async (name) => watch(await open(name))
    return folder
  }

  /** Measures how late the loop is, until `stop`. */
  watchLoop(): void {
    const dueMs = this.#timers.now() + LOOP_MS
    this.#loopTimer = this.#timers.after(LOOP_MS, () => {
      this.#observe(this.loopDelay, dueMs)
      this.watchLoop()
    })
  }

  stop(): void {
    this.#timers.cancel(this.#loopTimer)
  }

  /** Everything, as it is now. */
  list(doors: readonly Door[], { accounts, journal }: ChatServices): Metric[] {
    const { hashes } = accounts.stats()
    const counts = doors.map(({ name, stats }) => ({ name, ...stats() }))
    const byDoor = (value: (stats: ReturnType<Door['stats']>) => number): Sample[] =>
      counts.map((each) => ({ labels: [['door', each.name]], value: value(each) }))
    const endings = counts.flatMap(({ name, endings }) =>
      Object.entries(endings).map(
        ([reason, value]): Sample => ({
          labels: [
            ['door', name],
            ['reason', reason],
          ],
          value,
        }),
      ),
    )
    const handshakes = [...this.#handshakes].map(
      ([result, value]): Sample => ({ labels: [['result', result]], value }),
    )
    const { user, system } = process.cpuUsage()
    return [
      this.broadcast,
      this.sync,
      this.loopDelay,
      gauge(
        'chat_connections',
        'Connections that are open.',
        byDoor(({ connections }) => connections),
      ),
      counter(
        'chat_refused_total',
        'Connections for which there was no room.',
        byDoor(({ refused }) => refused),
      ),
      counter(
        'chat_accept_errors_total',
        'Connections that the kernel could not hand over.',
        byDoor(({ acceptErrors }) => acceptErrors),
      ),
      counter('chat_endings_total', 'Connections that are closed, by why they ended.', endings),
      counter(
        'chat_requests_total',
        'Requests of clients that the chat has handled; pings do not count.',
        doors.map(({ name }) => ({
          labels: [['door', name]],
          value: this.#requests.get(name) ?? 0,
        })),
      ),
      counter('chat_messages_total', 'Messages that were said in rooms.', one(this.#messages)),
      gauge(
        'chat_queue_bytes',
        'Bytes that wait for clients to take them.',
        byDoor(({ queuedBytes }) => queuedBytes),
      ),
      gauge('chat_hashes_running', 'Passwords that are being hashed.', one(hashes.running)),
      gauge('chat_hashes_waiting', 'Passwords that wait to be hashed.', one(hashes.waiting)),
      counter(
        'chat_hashes_refused_total',
        'Passwords for which there was no place in the queue.',
        one(hashes.refused),
      ),
      gauge('chat_log_failed', '1 when nothing is saved any more.', one(journal.failure ? 1 : 0)),
      counter('chat_handshakes_total', 'TLS handshakes, by how they ended.', handshakes),
      gauge(
        'process_resident_memory_bytes',
        'Memory of the process.',
        one(process.memoryUsage.rss()),
      ),
      counter('process_cpu_seconds_total', 'CPU time of the process.', one((user + system) / 1e6)),
    ]
  }

  #observe(histogram: Histogram, sinceMs: number): void {
    histogram.observe(Math.max(0, this.#timers.now() - sinceMs) / 1_000)
  }

  /** Runs after everything else: a measurement that fails must not cost a message. */
  #later(measure: () => void): void {
    queueMicrotask(measure)
  }
}

function one(value: number): Sample[] {
  return [{ labels: [], value }]
}

function gauge(name: string, help: string, samples: Sample[]): Metric {
  return { name, help, type: 'gauge', samples: () => samples }
}

function counter(name: string, help: string, samples: Sample[]): Metric {
  return { name, help, type: 'counter', samples: () => samples }
}
