/** A server whose thread sleeps until a byte comes: whether it sleeps, and how quickly it wakes. */

import type { Client } from '../harness/client.ts'
import type { HostedServer } from '../harness/hosted-server.ts'
import { median } from '../harness/numbers.ts'
import type { Stage } from '../judge/step.ts'

/**
 * Waits until nothing has moved in the server for so many looks, as long as `isWorthIt`. On a busy machine, a server that
 * does not move may be waiting for a core.
 */
export async function untilAsleep(
  server: HostedServer,
  { looks = 2, isWorthIt = async () => true } = {},
): Promise<void> {
  for (let quiet = 0; quiet < looks && (await isWorthIt()); ) {
    quiet = (await server.cpuMsDuring(15)) < 2 ? quiet + 1 : 0
  }
}

/** A thread that is woken is back long before that, and one that sleeps out a time-out has to be lucky. */
const WOKEN_MS = 25

const FIRST_TRIPS = 5
const MOST_TRIPS = 15

/** When all of the first trips are quick, that is enough. On a busy machine the majority of `MOST_TRIPS` decides. */
function isMedianKnown(trips: number[]): boolean {
  const woken = trips.filter((ms) => ms < WOKEN_MS).length
  if (trips.length === FIRST_TRIPS && woken === FIRST_TRIPS) return true
  return Math.max(woken, trips.length - woken) > MOST_TRIPS / 2
}

export async function expectNoCpuUsed(
  { expect, story }: Stage,
  server: HostedServer,
): Promise<void> {
  const waitingMs = 250
  const used = await server.cpuMsDuring(waitingMs)
  story.tell('server', `uses ${Math.round(used)} ms of CPU in ${waitingMs} ms of waiting`)
  expect('a thread that waits to use no CPU', used < waitingMs * 0.1, {
    because: 'Blocking means to be asleep: a hundred threads that wait must cost nothing.',
    likely: 'The thread looks again and again. Let sleepUntil() do the waiting.',
    expected: `next to nothing in ${waitingMs} ms`,
    received: `${Math.round(used)} ms of CPU`,
  })
}

/** A byte wakes the thread, and not an alarm clock. */
export async function expectPromptWaking(
  { expect }: Stage,
  server: HostedServer,
  ada: Client,
): Promise<void> {
  ada.beQuiet('sends a byte and waits for it, again and again')
  const trips: number[] = []
  while (!isMedianKnown(trips)) {
    await untilAsleep(server)
    const startedAt = performance.now()
    await ada.send('x')
    await ada.expectBytes('x', {
      because: 'The thread is woken by each byte.',
      likely: 'It sleeps although a message has come. deliver() must tell the news.',
    })
    trips.push(performance.now() - startedAt)
  }
  expect(`a round trip of less than ${WOKEN_MS} ms`, median(trips) < WOKEN_MS, {
    because: 'A thread that sleeps is woken by the news, not by an alarm clock.',
    likely:
      'Is there a time-out in the wait? Then the thread sleeps it out: deliver() must tell the news.',
    expected: `less than ${WOKEN_MS} ms in the median`,
    received: `${median(trips).toFixed(1)} ms`,
  })
}
