/** Clients that are greeted over a stream without a kernel: what comes at once, and what a clock would end. */

import type { Socket } from 'node:net'
import { duplexPair } from 'node:stream'
import type { Stage } from '../../judge/step.ts'
import { withTimersHeld } from '../held-timers.ts'

/** A greeting that is sent to a stream in this process: FIN follows at once, and no clock of a few seconds ends it. */
export async function expectFinAtOnce(
  { expect, story }: Stage,
  greet: (socket: Socket, greeting: string) => void,
): Promise<void> {
  story.tell('ada', 'is greeted over a stream without a kernel')
  const short = await withTimersHeld(async () => {
    const ada = greeted(greet, 'hi')
    await turns()
    return ada
  })
  expect('FIN right behind the greeting', short.heard() === 'hi' && short.hasEnded(), {
    because: 'The client waits for FIN: until then it cannot know that the greeting is complete.',
    likely: short.isDestroyed()
      ? 'The socket is destroyed: what is queued is thrown away, and no FIN is said. end() says it behind all bytes.'
      : 'A timer ends the socket some time later. end() needs none: FIN goes out behind the bytes.',
    received: `${JSON.stringify(short.heard())}${short.hasEnded() ? ', and FIN' : ', and no FIN in 50 turns of the loop'}`,
  })
  const long = greeted(greet, 'x'.repeat(4 * 1024 * 1024), { isRead: false })
  story.tell('bob', 'is greeted at length, and reads nothing for ten seconds; then he reads')
  await turns()
  long.passTime()
  long.read()
  await turns(TURNS_TO_READ)
  expect('all of it to come', long.heard().length === 4 * 1024 * 1024 && long.hasEnded(), {
    because: 'The client reads the whole greeting, however slowly.',
    likely:
      'Does an idle limit (socket.setTimeout) destroy the socket of a client that is only slow?',
    received: `${long.heard().length} bytes${long.hasEnded() ? '' : ', and no FIN'}`,
  })
}

const SILENCE_MS = 10_000
const TURNS_TO_READ = 2_000

/** So many turns of the loop, in which streams hand on what they have. */
export async function turns(count = 50): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((next) => setImmediate(next))
}

function greeted(
  greet: (socket: Socket, greeting: string) => void,
  greeting: string,
  { isRead = true } = {},
) {
  const [near, far] = duplexPair({ highWaterMark: 64 * 1024 })
  const heard: Buffer[] = []
  let hasEnded = false
  let limit: (() => void) | undefined
  const setTimeout = (ms: number, callback?: () => void) => {
    limit =
      ms > 0 && ms < SILENCE_MS ? () => (callback ?? near.emit.bind(near, 'timeout'))() : undefined
    return near
  }
  for (const method of ['setNoDelay', 'setKeepAlive', 'ref', 'unref'])
    Object.assign(near, { [method]: () => near })
  const destroySoon = () => near.end(() => near.destroy())
  Object.assign(near, { setTimeout, destroySoon, resetAndDestroy: () => near.destroy() })
  near.on('error', () => {})
  far.on('end', () => {
    hasEnded = true
  })
  const read = () => far.on('data', (chunk: Buffer) => heard.push(chunk))
  if (isRead) read()
  near.resume()
  greet(near as Socket, greeting)
  return {
    heard: () => Buffer.concat(heard).toString(),
    // A stream that is destroyed ends as well, and says less than all.
    hasEnded: () => hasEnded && near.writableFinished,
    isDestroyed: () => near.destroyed && !near.writableFinished,
    passTime: () => limit?.(),
    read,
  }
}
