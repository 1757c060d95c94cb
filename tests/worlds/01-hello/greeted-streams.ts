/** Clients that are greeted over a stream without a kernel: what comes at once, and what a clock would end. */

import type { Socket } from 'node:net'
import { duplexPair } from 'node:stream'
import type { Stage } from '../../judge/step.ts'
import { withTimersHeld } from '../held-timers.ts'
import { timersSetDuring } from '../set-timers.ts'

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
  expect('FIN right after the greeting', short.heard() === 'hi' && short.hasEnded(), {
    because: 'The client waits for FIN: until then it cannot know that the greeting is complete.',
    likely: short.isDestroyed()
      ? 'The socket is destroyed, so what is queued is thrown away and no FIN is sent. end() sends FIN after all bytes.'
      : 'A timer ends the socket some time later. end() needs no timer: FIN goes out after the bytes.',
    received: `${JSON.stringify(short.heard())}${short.hasEnded() ? ', and FIN' : ', and no FIN in 50 turns of the loop'}`,
  })
  await expectSentAsItIs({ expect, story }, greet)
  const long = greeted(greet, 'x'.repeat(4 * 1024 * 1024), { isRead: false })
  story.tell('bob', 'gets a long greeting, and reads nothing for an hour; then he reads')
  await turns()
  long.passTime()
  long.read()
  await turns(TURNS_TO_READ)
  expect(
    'the whole greeting to arrive',
    long.heard().length === 4 * 1024 * 1024 && long.hasEnded(),
    {
      because: 'The client reads the whole greeting, however slowly.',
      likely:
        'Does an idle timeout (socket.setTimeout) destroy the socket of a client that is only slow?',
      received: `${long.heard().length} bytes${long.hasEnded() ? '' : ', and no FIN'}`,
    },
  )
}

/** Empty, as long as another one, and with characters whose halves and bytes lie on both sides of any cut. */
const GREETINGS = [
  '',
  'hi',
  'ho',
  '🌍 first',
  `x${'🌍'.repeat(150_000)}`,
  `xy${'ü€'.repeat(200_001)}`,
]

/** Each greeting is its own, and none needs a clock: one that is set cuts off whoever is slower. */
async function expectSentAsItIs(
  { expect, story }: Pick<Stage, 'expect' | 'story'>,
  greet: (socket: Socket, greeting: string) => void,
): Promise<void> {
  for (const greeting of GREETINGS) {
    const { length } = Buffer.from(greeting)
    story.tell(
      'cyd',
      `is greeted with ${length < 20 ? JSON.stringify(greeting) : `${length} bytes`}`,
    )
    let cyd: ReturnType<typeof greeted> | undefined
    const timers = await timersSetDuring(
      () =>
        withTimersHeld(async () => {
          cyd = greeted(greet, greeting)
          for (let look = 0; look < 40 && !cyd.hasEnded(); look++) await turns()
        }),
      ['Timeout'],
    )
    const heard = cyd!.heard()
    const whole = heard === greeting ? 'the whole greeting' : tellDifference(heard, greeting)
    expect('exactly these bytes, then FIN', heard === greeting && cyd!.hasEnded(), {
      because: 'Every client gets the greeting that greet() was given, as UTF-8, and then FIN.',
      likely:
        heard === greeting
          ? 'FIN follows every greeting, an empty one, too.'
          : heard.includes('\uFFFD')
            ? 'A character may take two positions in a string, and up to four bytes. Cut bytes, not strings; or cut nothing: end() takes a greeting of any length.'
            : 'The greeting of another client is sent, or only a part of this one. A greeting may have more bytes than characters.',
      received: `${whole}${cyd!.hasEnded() ? ', and FIN' : ', and no FIN'}`,
    })
    expect('no timer to be set', timers === 0, {
      because: 'FIN goes out after the greeting, and the client may take an hour to read it.',
      likely: 'A timer ends or destroys the socket some time later. end() alone is enough.',
      received: `${timers}`,
    })
  }
}

function tellDifference(heard: string, greeting: string): string {
  let at = 0
  while (at < heard.length && heard[at] === greeting[at]) at += 1
  return heard === greeting.slice(0, at)
    ? `only the first ${Buffer.byteLength(heard)} bytes`
    : `a different text from byte ${Buffer.byteLength(greeting.slice(0, at))} on`
}

const SILENCE_MS = 60 * 60 * 1000
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
