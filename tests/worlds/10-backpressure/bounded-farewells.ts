/** What step 10.6 sees on sockets while a server says goodbye: a client that never reads, and a crowd that does. */

import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { HostedServer } from '../../harness/hosted-server.ts'
import { PATIENCE_MS, whenBusy, within } from '../../harness/patience.ts'
import type { Stage } from '../../judge/step.ts'
import { frame } from '../../protocols/frames.ts'
import type { Talk } from '../bounded-frames.ts'

/** Someone sends and never reads: after a while it is not read, either. Returns how many frames were accepted up to then. */
export async function expectDeafNotRead(
  { story, expect }: Stage,
  server: HostedServer,
  deaf: Socket,
): Promise<number> {
  deaf.on('error', () => {})
  await within(PATIENCE_MS, once(deaf, 'connect'))
  story.tell('deaf', 'sends frames, and never reads')
  deaf.write(Buffer.concat(Array(10_000).fill(frame('x'.repeat(1_000)))))
  const heldBefore = await server.heldBytes()
  const frames = await standstill(server)
  const held = (await server.heldBytes()) - heldBefore
  expect('the server to hold little for deaf', held < 4 * 1024 * 1024, {
    because: 'deaf sends up to 10 MB and takes no answers, so the server stops reading from it.',
    likely: 'Above the high-water mark, the connection is backlogged, and nothing is read.',
    expected: 'less than 4 MiB',
    received: `${(held / 1024 / 1024).toFixed(1)} MiB`,
  })
  return frames
}

/** Returns how many answers the crowd has received. */
export async function expectAllSeenOut(
  { expect, expectSame }: Stage,
  talking: Promise<Talk[]>,
): Promise<number> {
  const seenOut = await within(whenBusy(2 * PATIENCE_MS), talking)
  expect('the crowd to be seen out', seenOut !== 'too late', {
    because: 'They read all the time, so there is nothing to wait for.',
  })
  const talks = seenOut as Talk[]
  for (const talk of talks) {
    const wrong = talk.ending !== 'goodbye' ? talk.ending : undefined
    expectSame('how each client of the crowd was seen out', wrong ?? 'goodbye', 'goodbye', {
      because: 'First come the answers to what was accepted, then the goodbye, then FIN.',
      likely: 'stop() queues the goodbye after what waits. destroy() would lose both.',
    })
  }
  return talks.reduce((sum, talk) => sum + talk.answered, 0)
}

/** How many frames a server has accepted when it accepts no more; ten looks at it are the same. */
async function standstill(server: HostedServer): Promise<number> {
  let seen = -1
  for (let sameTimes = 0; sameTimes < 10; ) {
    await server.roundTrip()
    const { messages } = await server.call<{ messages: number }>('stats')
    sameTimes = messages === seen ? sameTimes + 1 : 0
    seen = messages
  }
  return seen
}

/** What close() lets in is answered, and nothing else is let in. */
export async function expectAcceptedAnswered(
  { expectSame }: Stage,
  server: HostedServer,
  framesBefore: number,
  answered: number,
): Promise<void> {
  const { messages } = await server.call<{ messages: number }>('stats')
  expectSame('the number of frames accepted from the crowd', messages - framesBefore, answered, {
    because: `The crowd has received ${answered} answers. A frame that was accepted is answered, goodbye or not.`,
    likely:
      'After close(), nothing is accepted. Answers to what was accepted earlier go out before the goodbye.',
  })
}
