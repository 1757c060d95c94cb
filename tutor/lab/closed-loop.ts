/**
 * A closed loop of clients: each sends its next request when the last one has been answered.
 *
 * Good for comparing two servers with each other. A server that stands still for a while is asked less in the
 * meantime, so the latencies look better than a real crowd of clients would find them.
 */

import { connect, type Socket } from 'node:net'
import { median, percentile } from '../../tests/harness/numbers.ts'
import { notMeasurable } from './measurement.ts'

export interface Load {
  port: number
  connections: number
  /** Sent again and again. */
  request: Uint8Array
  /** Length of the answer to one request, in bytes. */
  answerBytes: number
  forMs: number
}

export interface LoadResult {
  perSecond: number
  p50Ms: number
  p99Ms: number
}

/** Loads the server for `forMs`, after a tenth of that to warm up. Rejects with a `Failure` when a connection is lost. */
export async function closedLoop({ forMs, ...load }: Load): Promise<LoadResult> {
  const clients = await Promise.all(
    Array.from({ length: load.connections }, () => LoopClient.connect(load)),
  )
  try {
    await Promise.all(clients.map((client) => client.runUntil(performance.now() + forMs / 10)))
    for (const client of clients) client.latenciesMs.length = 0
    const startedAt = performance.now()
    await Promise.all(clients.map((client) => client.runUntil(startedAt + forMs)))
    const elapsedMs = performance.now() - startedAt
    const latencies = clients.flatMap((client) => client.latenciesMs)
    return {
      perSecond: Math.round((latencies.length * 1000) / elapsedMs),
      p50Ms: rounded(median(latencies)),
      p99Ms: rounded(percentile(latencies, 99)),
    }
  } finally {
    for (const client of clients) client.destroy()
  }
}

/** Runs each in turn, for several rounds, so that whatever else the machine does meets all of them; medians. */
export async function inTurn<Name extends string>(
  rounds: number,
  contestants: Record<Name, () => Promise<LoadResult>>,
): Promise<Record<Name, LoadResult>> {
  const names = Object.keys(contestants) as Name[]
  const results = new Map<Name, LoadResult[]>(names.map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 ? names.toReversed() : names) {
      results.get(name)!.push(await contestants[name]())
    }
  }
  return Object.fromEntries(names.map((name) => [name, middle(results.get(name)!)])) as Record<
    Name,
    LoadResult
  >
}

class LoopClient {
  readonly latenciesMs: number[] = []
  readonly #socket: Socket
  readonly #load: Omit<Load, 'forMs'>
  #missingBytes = 0
  #sentAt = 0
  #endAt = 0
  #done: (() => void) | undefined
  #fail: ((error: Error) => void) | undefined

  constructor(socket: Socket, load: Omit<Load, 'forMs'>) {
    this.#socket = socket.setNoDelay()
    this.#load = load
    socket.on('data', (chunk) => this.#receive(chunk.length))
    socket.on('error', ({ message }) =>
      this.#fail?.(notMeasurable(`It has ended a connection: ${message}.`)),
    )
    socket.on('close', () => this.#fail?.(notMeasurable('It has ended a connection.')))
  }

  static connect(load: Omit<Load, 'forMs'>): Promise<LoopClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(load.port, '127.0.0.1')
      socket.once('error', reject)
      socket.once('connect', () => resolve(new LoopClient(socket, load)))
    })
  }

  runUntil(endAt: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#endAt = endAt
      this.#done = resolve
      this.#fail = reject
      this.#send()
    })
  }

  destroy(): void {
    this.#fail = undefined
    this.#socket.destroy()
  }

  #send(): void {
    this.#missingBytes = this.#load.answerBytes
    this.#sentAt = performance.now()
    this.#socket.write(this.#load.request)
  }

  #receive(bytes: number): void {
    this.#missingBytes -= bytes
    if (this.#missingBytes > 0) return
    const now = performance.now()
    this.latenciesMs.push(now - this.#sentAt)
    if (now < this.#endAt) this.#send()
    else this.#done?.()
  }
}

function middle(results: LoadResult[]): LoadResult {
  return {
    perSecond: median(results.map(({ perSecond }) => perSecond)),
    p50Ms: median(results.map(({ p50Ms }) => p50Ms)),
    p99Ms: median(results.map(({ p99Ms }) => p99Ms)),
  }
}

function rounded(ms: number): number {
  return Number(ms.toFixed(2))
}
