/**
 * A thread for each connection, the oldest way to serve two people at once.
 *
 * The main thread only accepts, bridges bytes and cleans up. A thread lives as long as its connection: whichever of the
 * two ends first ends the other.
 */

import type { Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { type RunningServer, type ServerOptions, serveConnections } from '../01-hello/server.ts'
import { bridgeSocket, drainBridge } from '../03-blocking-socket/bridge.ts'

export interface ThreadedOptions extends ServerOptions {
  /**
   * The most threads that may live at the same time. Each takes about 8 MB, and 10 ms to start. If the system allows
   * fewer, a client for whom no thread can be started is refused as well.
   */
  maxThreads?: number
}

export interface ThreadedServer extends RunningServer {
  /** `threads`: how many live now. */
  stats(): { threads: number }
}

export function startServer(options: ThreadedOptions = {}): Promise<ThreadedServer> {
  return serveInThreads(new URL('./connection.ts', import.meta.url), {}, options)
}

/**
 * Runs `script` in a thread of its own for every connection. The thread's `workerData` is `data` plus `end`, its end of
 * the bridge to the socket. `onThreadEnd` is called with the id of every thread that has ended, however it ended.
 */
export async function serveInThreads(
  script: URL,
  data: object,
  { maxThreads = 100, ...options }: ThreadedOptions,
  onThreadEnd: (threadId: number) => void = () => {},
): Promise<ThreadedServer> {
  const threads = new Set<Worker>()
  const server = await serveConnections(options, (socket) => {
    if (threads.size >= maxThreads) return refuse(socket)
    const thread = tryToStart(() => startThread(script, data, socket))
    if (!thread) {
      stopReading(socket)
      return refuse(socket)
    }
    // Either may be emitted before the thread's last messages have arrived.
    for (const event of ['error', 'exit']) thread.on(event, () => drainBridge(socket))
    thread.on('error', (error) => {
      // Nothing can follow its FIN. And what is thrown need not be an Error.
      if (!socket.writableEnded)
        reportCrash(socket, error instanceof Error ? error : new Error(String(error)))
    })
    tieTogether(socket, thread, threads)
    // Read now: a thread that has ended has no id any more.
    const { threadId } = thread
    thread.once('exit', () => onThreadEnd(threadId))
  })
  return {
    port: server.port,
    stats: () => ({ threads: threads.size }),
    close: () => closeWithThreads(server, threads),
  }
}

/** Returns `undefined` if the system allows no more threads. Any other error is a bug, and is thrown. */
function tryToStart(start: () => Worker): Worker | undefined {
  try {
    return start()
  } catch (error) {
    if ((error as NodeJS.ErrnoException | undefined)?.code === 'ERR_WORKER_INIT_FAILED') return
    throw error
  }
}

/** Ends what the bridge reads: no thread takes it, so the bridge would pause the socket and hide the FIN. */
function stopReading(socket: Socket): void {
  socket.unpipe()
  for (const reading of ['data', 'readable']) socket.removeAllListeners(reading)
}

/**
 * Starts a thread that runs `script` for this socket. The thread's `workerData` is everything in `data`, and `end`, its
 * end of the bridge. The port in `end` moves to the thread. `data`, which all threads share, is not changed.
 *
 * @step 04.1
 */
function startThread(script: URL, data: object, socket: Socket): Worker {
  const end = bridgeSocket(socket)
  return new Worker(script, { workerData: { ...data, end }, transferList: [end.port] })
}

/**
 * Tells the client why its thread has crashed, in one line (`error crashed: …`, with the first line of the error's
 * message), and ends the connection. What the thread wrote before is still sent.
 *
 * @step 04.2
 */
function reportCrash(socket: Socket, error: Error): void {
  socket.end(`error crashed: ${error.message.split('\n')[0]}\n`)
}

/**
 * Keeps the thread in `threads` from now until it has exited, and lets neither the thread nor the socket outlive the
 * other. A socket that has closed, in order or not, ends its thread, even in the middle of a computation. A thread that
 * has exited ends its socket, behind everything that waits there. It listens to these two, and to nothing else.
 *
 * @step 04.3
 */
function tieTogether(socket: Socket, thread: Worker, threads: Set<Worker>): void {
  threads.add(thread)
  thread.once('exit', () => {
    threads.delete(thread)
    socket.end()
  })
  socket.once('close', () => thread.terminate())
}

/**
 * Closes the server, which lets connections finish, then ends the threads that are left. Resolves when all of them have
 * exited. A process may have several servers: each is closed by its own call.
 *
 * @step 04.3
 */
async function closeWithThreads(server: RunningServer, threads: Set<Worker>): Promise<void> {
  await server.close()
  await Promise.all([...threads].map((thread) => thread.terminate()))
}

/**
 * Turns a client away: sends the line `busy` and FIN. The socket closes once the client has said FIN as well, whatever
 * the client says before; it is not reset.
 *
 * @step 04.4
 */
function refuse(socket: Socket): void {
  // Reads and ignores what the client says: its FIN is seen only once all bytes before it have been read.
  socket.resume()
  socket.end('busy\n')
}
