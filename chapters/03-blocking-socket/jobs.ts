/** What a thread does with one connection: straight-line code that really waits. */

import type { BlockingSocket } from './blocking-socket.ts'

export const jobs = { echo, count, pour, sleep } satisfies Record<
  string,
  (socket: BlockingSocket) => void
>

export type JobName = keyof typeof jobs

/** Sends everything back. */
function echo(socket: BlockingSocket): void {
  for (let bytes = socket.read(); bytes; bytes = socket.read()) {
    socket.write(bytes)
  }
  socket.end()
}

/** Answers each line with its number of characters and the line. */
function count(socket: BlockingSocket): void {
  for (let line = socket.readLine(); line !== null; line = socket.readLine()) {
    socket.write(`${[...line].length} ${line}\n`)
  }
  socket.end()
}

/** Sends and sends, and never reads. */
function pour(socket: BlockingSocket): void {
  const piece = Buffer.alloc(16 * 1024, 'x')
  for (;;) socket.write(piece)
}

/** Reads one chunk, then sleeps forever. */
function sleep(socket: BlockingSocket): void {
  socket.read()
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}
