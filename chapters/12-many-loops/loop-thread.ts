/**
 * The other thread's part: an event loop of its own, for every socket that is moved here.
 *
 * It is chapter 07's server without a listening socket. It shares nothing with the other loops, so nothing in it needs
 * a lock.
 */

import type { Socket } from 'node:net'
import { parentPort } from 'node:worker_threads'
import { type ByteStream, NetStream, type Source } from '../07-event-loop/byte-stream.ts'
import { EventLoop } from '../07-event-loop/event-loop.ts'
import { NetPoller } from '../07-event-loop/poller.ts'

/** What a loop tells the main thread: it runs, it has taken a socket up, one of its connections is gone. */
export type Report = 'ready' | 'taken' | 'closed'

/** Serves a connection on a loop, in whatever protocol. */
export type Serve = (stream: ByteStream, loop: EventLoop<Source>) => void

/** Serves every socket that is moved to this thread; to be called once, by the thread's script. */
export function runLoop(serve: Serve): void {
  const loop = new EventLoop<Source>(new NetPoller())
  parentPort?.on('message', (socket: Socket) => {
    // As in 01: a small answer does not wait for the acknowledgement of the one before.
    socket.setNoDelay()
    serveSocket(socket, loop, serve)
    report('taken')
  })
  // Nobody awaits the loop: an error that ends it ends the thread, and is seen there.
  loop.run()
  report('ready')
}

/**
 * Serves the client on this thread's loop, and reports `'closed'` when the connection is over: its descriptor is free.
 *
 * @step 12.1 12.2
 */
function serveSocket(socket: Socket, loop: EventLoop<Source>, serve: Serve): void {
  // TODO 12.1
  throw new Error('TODO 12.1')
}

function report(report: Report): void {
  parentPort?.postMessage(report)
}
