/**
 * The process in which a learner's server runs.
 *
 * `start` imports one file and calls its `startServer(options)`; the other methods look at what runs.
 * Nothing here knows a chapter.
 */

import { subscribe } from 'node:diagnostics_channel'
import { errorMonitor } from 'node:events'
import { flushCompileCache } from 'node:module'
import type { AddressInfo, Server, Socket } from 'node:net'
import { pathToFileURL } from 'node:url'
import { getSystemErrorMap } from 'node:util'
import type { Worker } from 'node:worker_threads'
import { answerRequests, startWatchdog } from './child.ts'
import { collectGarbage } from './garbage.ts'
import { reportLastWords, type ThrownError, toThrownError } from './last-words.ts'
import { msToNextTimer } from './next-timer.ts'
import { isLater, openHole, watchHoles } from './open-hole.ts'

export interface StartRequest {
  /** Absolute path of the file that exports `startServer`. */
  file: string
  options: object
  /** The step being judged: code that belongs to a later one may still be missing. */
  step: string
}

/** What `startServer` resolves with; chapters add methods of their own (`stats`). */
interface RunningServer {
  readonly port: number
  close(): Promise<void>
}

/** Told as it happens: code that is still to be written was reached. */
export interface HoleReached {
  hole: ThrownError
}

/** Where the code under test listens. */
export interface Listening {
  port: number
  address: string
}

/** What is still there after `close()` has resolved, in words; empty when the process could end. */
export type Leftovers = string[]

/** What could make the server do something although nobody speaks to it. */
export interface Activity {
  /** Threads, files, names, hashes, child processes. */
  pending: number
  /** Until the next timer fires; Infinity when none is set. */
  timerMs: number
  /** Worker threads of the code under test. */
  threads: number
  /** CPU time of the process since it began. */
  cpuMs: number
}

let running: RunningServer | undefined
let step = ''
const servers = new Set<Server>()
const sockets = new Set<Socket>()
const workers = new Set<Worker>()
const threadErrors: ThrownError[] = []

reportLastWords(isForALaterStep)
watchHoles((thrown) => process.send?.({ hole: toThrownError(thrown) } satisfies HoleReached))
const watchdog = startWatchdog()
subscribe('tracing:net.server.listen:asyncEnd', (message) => {
  const { server } = message as { server: Server }
  servers.add(server)
  // Before the code under test hears of it: that may throw, where a later step is still to be written.
  server.prependListener('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
})
process.on('worker', (worker) => {
  if (worker === watchdog) return
  workers.add(worker)
  worker.once('exit', () => workers.delete(worker))
  // A monitor is no listener: an error that nobody listens to must stay one.
  worker.on(errorMonitor, (error) => {
    const thrown = toThrownError(error)
    if (threadErrors.length < MAX_THREAD_ERRORS && !isAskedFor(thrown)) threadErrors.push(thrown)
  })
})
const ownResources = process.getActiveResourcesInfo()

answerRequests({
  async start(request: StartRequest): Promise<{ port: unknown }> {
    step = request.step
    const module = await import(pathToFileURL(request.file).href)
    // Now, for most hosts are killed: the next one need not strip the same types again.
    flushCompileCache()
    running = await module.startServer(request.options)
    return { port: running?.port }
  },
  activity,
  listening,
  ping: () => 'pong',
  call: (method: string, args: unknown[]) =>
    (running as never as Record<string, (...a: unknown[]) => unknown>)[method](...args),
  /** Answers how many worker threads were alive when it resolved. */
  async close(): Promise<number> {
    await running?.close()
    return workers.size
  },
  leftovers: findLeftovers,
  heldBytes,
  queuedBytes: () => [...sockets].reduce((sum, socket) => sum + socket.writableLength, 0),
  connections: () => sockets.size,
  failAccept,
  readBytes: () => [...sockets].reduce((sum, socket) => sum + socket.bytesRead, 0),
  writtenBytes: () => [...sockets].reduce((sum, socket) => sum + socket.bytesWritten, 0),
  workers: () => workers.size,
  threadErrors: () => threadErrors,
  crashThreads,
})

/** A starter may run into holes that the step at hand does not ask for; they end nothing. */
function isForALaterStep(error: unknown): boolean {
  const hole = openHole(error as Error)
  return hole !== undefined && isLater(hole, step)
}

/** Errors of threads that a test has asked for explain nothing: they say so, or were thrown in code of the tests. */
function isAskedFor({ message, stack }: ThrownError): boolean {
  const [thrownAt] = /^\s+at .*$/m.exec(stack) ?? ['']
  return /\bon request\b/.test(message) || TESTS.some((place) => thrownAt.includes(place))
}

/** Scripts that tests make up are data: URLs. */
const TESTS = [new URL('../', import.meta.url).href, 'data:text/javascript']

/** The first one says what is wrong. */
const MAX_THREAD_ERRORS = 10

/** Every thread ends as if its code had thrown an error with that message. */
function crashThreads(message: string, withExit: boolean): void {
  for (const worker of workers) {
    const crash = () => worker.emit('error', new Error(message))
    // As from Node's own event, so to speak: what a listener throws is not the answer to this request.
    setImmediate(() => {
      if (withExit) worker.prependOnceListener('exit', crash)
      else crash()
      void worker.terminate()
    })
  }
}

/** Tells the listening sockets that a connection could not be accepted, in the words of libuv. */
function failAccept(errno: string): void {
  const [code] = [...getSystemErrorMap()].find(([, [name]]) => name === errno)!
  for (const server of servers) {
    const { _handle: handle } = server as never as { _handle: { onconnection(e: number): void } }
    // From libuv, so to speak: what it throws is nobody's answer.
    setImmediate(() => handle.onconnection(code))
  }
}

function listening(): Listening[] {
  return [...servers]
    .filter((server) => server.listening)
    .map((server) => server.address() as AddressInfo)
    .map(({ port, address }) => ({ port, address }))
}

function activity(): Activity {
  const active = process.getActiveResourcesInfo().filter((name) => !PASSIVE_RESOURCES.has(name))
  const { user, system } = process.cpuUsage()
  return {
    pending: active.length + workers.size,
    timerMs: msToNextTimer(),
    threads: workers.size,
    cpuMs: (user + system) / 1000,
  }
}

/** Resources that do nothing until a peer does something; and timers, which are looked at by themselves. */
const PASSIVE_RESOURCES = new Set([
  'Timeout',
  'TCPServerWrap',
  'TCPSocketWrap',
  'PipeWrap',
  'WriteWrap',
  'ShutdownWrap',
  'MessagePort',
])

/** Bytes of live JavaScript objects and buffers, after a full collection: what the code *holds*, not what it used. */
async function heldBytes(): Promise<number> {
  collectGarbage()
  // The memory of dead buffers is given back a moment after the collection that found them.
  await new Promise((resolve) => setImmediate(resolve))
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const RESOURCE_NAMES: Record<string, string> = {
  TCPServerWrap: 'a listening socket',
  TCPSocketWrap: 'an open connection',
  Timeout: 'a timer',
  MessagePort: 'a worker thread or message port',
  Worker: 'a worker thread',
}

/** Resources that hold the process, beyond those the host itself has. Handles close a turn of the loop later than their owners say. */
async function findLeftovers(): Promise<Leftovers> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
  const left = process.getActiveResourcesInfo()
  for (const own of ownResources) {
    const index = left.indexOf(own)
    if (index >= 0) left.splice(index, 1)
  }
  const names = left.filter((name) => name in RESOURCE_NAMES).map((name) => RESOURCE_NAMES[name])
  const threads = [...workers].map((worker) => `worker thread ${worker.threadId}`)
  return [...new Set([...names, ...threads])]
}
