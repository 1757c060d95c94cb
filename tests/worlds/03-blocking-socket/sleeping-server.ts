/** A server whose thread sleeps until a byte comes: whether it sleeps, and whether it wakes. */

import type { Client } from '../../harness/client.ts'
import type { HostedServer } from '../../harness/hosted-server.ts'
import type { Stage } from '../../judge/step.ts'

/** A server that has not come to rest by then never will. */
const MOST_LOOKS = 500

/**
 * Waits until nothing has moved in the server for so many looks, as long as `isWorthIt`. On a busy machine, a server that
 * does not move may be waiting for a core.
 */
export async function untilAsleep(
  server: HostedServer,
  { looks = 2, isWorthIt = async () => true } = {},
): Promise<void> {
  let quiet = 0
  for (let look = 0; look < MOST_LOOKS && quiet < looks && (await isWorthIt()); look++) {
    quiet = (await server.cpuMsDuring(15)) < 2 ? quiet + 1 : 0
  }
}

/** A process that has just begun may have something to do for a moment. */
const MOST_TRIES = 3

/** How often the thread is woken. That no alarm clock wakes it is shown where an hour passes without news. */
const TRIPS = 5

export async function expectNoCpuUsed(
  { expect, story }: Stage,
  server: HostedServer,
): Promise<void> {
  const waitingMs = 250
  let usedMs = Number.POSITIVE_INFINITY
  for (let time = 0; time < MOST_TRIES && usedMs >= waitingMs * 0.1; time++)
    usedMs = Math.min(usedMs, await server.cpuMsDuring(waitingMs))
  story.tell('server', `uses ${Math.round(usedMs)} ms of CPU in ${waitingMs} ms of waiting`)
  expect('a waiting thread to use no CPU', usedMs < waitingMs * 0.1, {
    because: 'To block means to sleep: a hundred threads that wait must cost nothing.',
    likely: 'The thread looks again and again. Let sleepUntil() do the waiting.',
    expected: `next to nothing in ${waitingMs} ms`,
    received: `${Math.round(usedMs)} ms of CPU`,
  })
}

/** A thread that sleeps is woken by each byte. */
export async function expectWaking(server: HostedServer, ada: Client): Promise<void> {
  ada.beQuiet('sends a byte and waits for it, again and again')
  for (let trip = 0; trip < TRIPS; trip++) {
    await untilAsleep(server)
    await ada.send('x')
    await ada.expectBytes('x', {
      because: 'The thread is woken by each byte.',
      likely: 'It sleeps although a message has arrived. deliver() must tell the news.',
    })
  }
}
