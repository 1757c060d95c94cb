/**
 * Hello: the smallest server that behaves well.
 *
 * It accepts every connection, sends one line and ends it; whatever the client says is ignored. Every later server is
 * built on `serveConnections()`, and so knows its port, outlives any peer, and can be stopped.
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
  /** Sockets that have not emitted `'close'` yet. */
  readonly open: ReadonlySet<Socket>
}

export interface ServerOptions {
  /** 0 means any free port. */
  port?: number
  /** The interface to listen on; by default, other machines cannot connect. */
  host?: string
  /** How long `close()` waits for connections to end by themselves: the grace period, of less than 24.8 days. */
  graceMs?: number
  /**
   * Called when Node reports that a connection could not be accepted; without it, such an error ends the process. Node
   * does not report everything: without a free descriptor, libuv (on Linux) closes new connections and says nothing.
   */
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
    // Reads and ignores what the client says: its FIN is seen only once all bytes before it have been read.
    socket.resume()
    greet(socket, greeting)
  })
}

/**
 * Listens, and hands every new connection to `onConnection`.
 *
 * Rejects with one readable sentence when it cannot listen. `onConnection` owns the socket and has to end it: the
 * socket does not end by itself when its peer says FIN.
 */
export async function serveConnections(
  { port = 0, host = '127.0.0.1', graceMs = 1_000, onAcceptError }: ServerOptions,
  onConnection: (socket: Socket) => void,
): Promise<ConnectionServer> {
  const open = new Set<Socket>()
  // noDelay: a small answer does not wait until the peer has acknowledged the one before (Nagle's algorithm, RFC 896).
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    // The owner goes first. Nothing is missed: the socket emits no event before this turn of Node's loop is over.
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
 * Rejects with what `listenProblem()` makes of the error when the server cannot listen. Once it listens, no `'error'`
 * listener of this function is left on it.
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
 * Keeps track of a connection: its socket is in `open` from now until its `'close'` event, however the connection ends.
 * Losing the peer ends this connection and nothing else.
 *
 * Reads, writes and ends nothing: the conversation belongs to the socket's owner.
 *
 * @step 01.3
 */
export function trackConnection(socket: Socket, open: Set<Socket>): void {
  // TODO 01.3
  throw new Error('TODO 01.3')
}

/**
 * Stops accepting, leaves open connections alone for `graceMs` so that they can end by themselves, then destroys those
 * that are left, without resetting them: what is on its way may still arrive. Sleeps while it waits.
 *
 * Every call resolves once the listening socket and every connection are gone. A socket may emit its `'close'` a moment
 * after that.
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
 * Returns an `Error` that tells a person why the server cannot listen: its message is one sentence and names the port.
 *
 * `error.code` is a name from errno(3), such as `EADDRINUSE` (the port is taken) or `EACCES` (not allowed), or is
 * missing. For an error without a sentence of its own, the sentence repeats the system's words (`error.message`).
 *
 * @step 01.5
 */
export function listenProblem(error: NodeJS.ErrnoException, port: number): Error {
  // TODO 01.5
  throw new Error('TODO 01.5')
}
