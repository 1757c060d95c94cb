/**
 * Hello: the smallest server that behaves well.
 *
 * It accepts connections, says one line to each and ends it. Every later server is built on `serveConnections()`: it
 * knows its port, outlives any peer, and can be stopped. What a client says is ignored.
 */

import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

export const GREETING = 'Hello! You reached a TCP server.\n'

/** A server that listens. */
export interface RunningServer {
  readonly port: number
  /** Stops accepting, lets connections finish, and resolves once everything is gone. */
  close(): Promise<void>
}

/** A server that knows its sockets. */
export interface ConnectionServer extends RunningServer {
  /** Sockets whose `'close'` has not come yet. */
  readonly open: ReadonlySet<Socket>
}

export interface ServerOptions {
  /** 0 means any free port. */
  port?: number
  /** The interface to listen on; other machines are kept out unless asked for. */
  host?: string
  /** How long `close()` waits for connections to end by themselves: the grace period. */
  graceMs?: number
  /** A connection could not be accepted; without it such an error ends the process. */
  onAcceptError?: (error: Error) => void
}

export interface HelloOptions extends ServerOptions {
  greeting?: string
}

export function startServer({
  greeting = GREETING,
  ...options
}: HelloOptions = {}): Promise<RunningServer> {
  return serveConnections(options, (socket) => {
    // Reads and ignores what the client says: behind bytes that nobody reads, its FIN is never seen.
    socket.resume()
    greet(socket, greeting)
  })
}

/**
 * Listens, and hands every new connection to `onConnection`.
 *
 * Rejects with one readable sentence when it cannot listen. `onConnection` owns the socket and has to end it: it does
 * not end by itself when its peer says FIN.
 */
export async function serveConnections(
  { port = 0, host = '127.0.0.1', graceMs = 1_000, onAcceptError }: ServerOptions,
  onConnection: (socket: Socket) => void,
): Promise<ConnectionServer> {
  const open = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    // Its owner first: no event of the socket comes before this turn of Node's loop is over.
    onConnection(socket)
    trackConnection(socket, open)
  })
  const boundPort = await listen(server, port, host)
  if (onAcceptError) server.on('error', onAcceptError)
  return { port: boundPort, open, close: () => closeGracefully(server, open, graceMs) }
}

/**
 * Starts listening on `host` and resolves with the port; for port 0 the kernel has chosen one.
 *
 * When it cannot listen, it rejects with what `listenProblem` makes of the error. Once the server listens, no listener of
 * `'error'` is left behind.
 *
 * @step 01.1
 */
export function listen(server: Server, port: number, host: string): Promise<number> {
  // TODO 01.1
  throw new Error('TODO 01.1')
}

/**
 * Sends the greeting and ends our direction at once: the client reads the whole greeting, however slowly, then FIN.
 *
 * @step 01.2
 */
export function greet(socket: Socket, greeting: string): void {
  // TODO 01.2
  throw new Error('TODO 01.2')
}

/**
 * Keeps account of a connection: its socket is in `open` from now until its `'close'`, however the connection ends. The
 * loss of its peer ends this connection and nothing else.
 *
 * The conversation is its owner's: nothing is read, written or ended here.
 *
 * @step 01.3
 */
export function trackConnection(socket: Socket, open: Set<Socket>): void {
  // TODO 01.3
  throw new Error('TODO 01.3')
}

/**
 * Stops accepting, leaves the open connections alone for `graceMs`, in which they end by themselves, then destroys those
 * that are left. Sleeps meanwhile.
 *
 * Resolves once the listening socket and every connection are gone, each time it is called.
 *
 * @step 01.4
 */
export function closeGracefully(
  server: Server,
  open: ReadonlySet<Socket>,
  graceMs: number,
): Promise<void> {
  // TODO 01.4
  throw new Error('TODO 01.4')
}

/**
 * Returns the reason why the server cannot listen, for a person: an `Error` with one sentence that names the port.
 *
 * `error.code` is one of errno(3)'s names: `EADDRINUSE` (the port is taken), `EACCES` (not allowed), … It may be missing.
 * For a code without a sentence of its own the sentence says what the system says.
 *
 * @step 01.5
 */
export function listenProblem(error: NodeJS.ErrnoException, port: number): Error {
  // TODO 01.5
  throw new Error('TODO 01.5')
}
