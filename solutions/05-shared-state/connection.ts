/** What a thread does for one client: the commands of chapter 04, and three that use memory shared by all threads. */

import { threadId, workerData } from 'node:worker_threads'
import type { BlockingSocket } from '../03-blocking-socket/blocking-socket.ts'
import { runJob } from '../03-blocking-socket/run-job.ts'
import { runCommand } from '../04-thread-per-connection/commands.ts'
import { increment } from './counter.ts'
import { GuestBook } from './guest-book.ts'
import { GUEST_BOOK, VISITORS } from './memory.ts'
import { AtomicWords } from './shared-words.ts'

const words = new AtomicWords(workerData.memory)
const book = new GuestBook(words, GUEST_BOOK, threadId)

runJob(workerData.end, converse)

function converse(socket: BlockingSocket): void {
  for (let line = socket.readLine(); line !== null; line = socket.readLine()) {
    socket.write(`${answer(line)}\n`)
  }
  socket.end()
}

/** `visit` → `visitor 17`; `sign text` → `entry 4`; `read 4` → its text. */
function answer(line: string): string {
  const space = line.indexOf(' ')
  const [name, argument] = space < 0 ? [line, ''] : [line.slice(0, space), line.slice(space + 1)]
  switch (name) {
    case 'visit':
      return `visitor ${increment(words, VISITORS)}`
    case 'sign':
      return `entry ${book.sign(argument)}`
    case 'read':
      return textOf(argument) ?? 'error no such entry'
    default:
      return runCommand(line, { threadId, sleep })
  }
}

function textOf(number: string): string | undefined {
  return /^\d+$/.test(number) ? book.read(Number(number)) : undefined
}

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
