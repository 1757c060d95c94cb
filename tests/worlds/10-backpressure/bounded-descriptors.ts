/** What step 10.5 asks about descriptors: how many connections a process can afford, and that it takes no more. */

import type { AdmissionStats } from '#code/10-backpressure/admission.ts'
import type { Client } from '../../harness/client.ts'
import { leastUs } from '../../harness/cost.ts'
import type { HostedServer } from '../../harness/hosted-server.ts'
import type { Stage } from '../../judge/step.ts'
import { echoFrame, frame } from '../../protocols/frames.ts'
import { Crowd, FOREVER, openAdmission } from '../bounded-frames.ts'

export async function expectAffordable({ load, expectSame }: Stage): Promise<void> {
  const { affordableConnections, RESERVED_DESCRIPTORS } = await load(
    () => import('#code/10-backpressure/limits.ts'),
  )
  const LIKELY = `Return the smaller of two numbers: what is wanted, and the descriptors minus ${RESERVED_DESCRIPTORS}.`
  for (const [wanted, descriptors, affordable, because] of [
    [100, 20_000, 100, 'There are enough for all that are wanted.'],
    [100, FOREVER, 100, 'The kernel sets no limit.'],
    [10_000, 1_024, 960, 'A connection costs a descriptor, and 64 are for everything else.'],
    [100, 164, 100, 'It is just enough.'],
    [10, 50, 1, 'There are too few to begin with. A server that lets nobody in is useless.'],
    [0, 1_024, 1, 'At least one, whatever is wanted.'],
    [0, FOREVER, 1, 'At least one, whatever is wanted.'],
    [FOREVER, FOREVER, FOREVER, 'Neither number sets a limit.'],
  ] as const) {
    const computed = affordableConnections(wanted, descriptors)
    expectSame(`affordableConnections(${wanted}, ${descriptors})`, computed, affordable, {
      because,
      likely: computed < affordable && affordable === 1 ? 'At least one: Math.max(1, …).' : LIKELY,
      look: 'limits.affordableConnections()',
    })
  }
}

const ONLY_COUNTS = 'onAcceptError() adds one to acceptErrors, and does nothing else.'

/** Three newcomers cannot be accepted. That is counted, and nothing else happens. */
export async function expectFailuresCounted(
  { connect, expectSame }: Stage,
  server: HostedServer,
  ada: Client,
): Promise<void> {
  for (const errno of ['EMFILE', 'ENOMEM', 'ECONNABORTED']) {
    await server.failAccept(errno, {
      because: 'One newcomer could not be accepted. The open connections are not affected.',
      likely:
        'onAcceptError() counts the error and throws nothing: what it throws ends the process.',
      look: 'admission.onAcceptError()',
    })
  }
  await echoFrame(ada, 'still here', {
    because: 'The open connections are not affected.',
    likely: ONLY_COUNTS,
    look: 'admission.onAcceptError()',
  })
  const bob = await connect(server)
  await echoFrame(bob, 'hello', {
    because: 'The next client may come in.',
    likely: ONLY_COUNTS,
    look: 'admission.onAcceptError()',
  })
  const stats = await server.call<AdmissionStats>('stats')
  expectSame('stats().acceptErrors', stats.acceptErrors, 3, {
    because: 'The person who runs the server should see that newcomers are lost.',
    likely: 'onAcceptError() counts, whatever the code of the error.',
    look: 'admission.onAcceptError()',
  })
  const { connections: inside, refused } = stats
  expectSame('connections and refused in stats()', [inside, refused], [2, 0], {
    because:
      'ada and bob are inside. The three that could not be accepted never were, and nobody was refused.',
    likely: ONLY_COUNTS,
    look: 'admission.onAcceptError()',
  })
  expectSame(
    'stats().endings',
    stats.endings,
    {},
    {
      because: 'Nobody who was inside has left.',
      likely: ONLY_COUNTS,
      look: 'admission.onAcceptError()',
    },
  )
}

/** Errors of every kind, many of them, and all at once: each is counted, and that is all. */
export async function expectCountedAlone(stage: Stage): Promise<void> {
  const { expect, expectSame, story } = stage
  const world = await openAdmission(stage, {})
  const cyd = await world.arrive('cyd')
  const reason = { likely: ONLY_COUNTS, look: 'admission.onAcceptError()' }
  story.tell('kernel', 'cannot hand over 40 connections, with unknown error codes')
  let told = 0
  let waits = 0
  let thrown: string | undefined
  const tell = () => {
    const code = told % 2 === 0 ? `EODD${told}` : undefined
    told += 1
    try {
      world.admission.onAcceptError(Object.assign(new Error('accept failed'), code && { code }))
    } catch (error) {
      thrown ??= String(error)
    }
  }
  const { wait } = Atomics
  Atomics.wait = () => {
    waits += 1
    return 'timed-out'
  }
  let us = 0
  try {
    us = leastUs(4, tell)
  } finally {
    Atomics.wait = wait
  }
  expectSame('what onAcceptError() throws', thrown, undefined, {
    because: 'What it throws ends the process, and every open connection with it.',
    ...reason,
  })
  expect('onAcceptError() to return at once', waits === 0 && us < MUCH_US, {
    because: 'The loop calls it. Until it returns, nobody is served.',
    ...reason,
    received: waits > 0 ? 'it sleeps' : `${Math.round(us / 1_000)} ms of CPU for each`,
  })
  expectSame(
    'stats().acceptErrors',
    world.stats('acceptErrors'),
    { acceptErrors: told },
    {
      because: 'Each error is a newcomer who was lost, whatever the code, even if there is none.',
      ...reason,
    },
  )
  await cyd.send(frame('still here'))
  cyd.expectReceived(frame('still here'), {
    because: 'She is inside, and failed accepts do not affect her, however often they happen.',
    ...reason,
  })
}

/** To add one takes a thousandth of that. */
const MUCH_US = 5_000

/** A crowd, for which the server has too few descriptors: each of them is let in or refused, and none is lost. */
export async function expectNobodyLost(
  { story, expectSame }: Stage,
  server: HostedServer,
  ada: Client,
): Promise<void> {
  const crowd = await Crowd.connect(server, 180)
  try {
    story.tell('crowd', 'connects 180 times, and nobody leaves')
    await echoFrame(ada, 'still here', { because: 'ada is served as before.' })
    let connections = 0
    await server.expectEventually(
      'the server to have seen all 182 clients',
      async () => {
        const seen = await server.call<{ connections: number; refused: number }>('stats')
        connections = seen.connections
        return {
          holds: seen.connections + seen.refused === 182,
          received: `${seen.connections} connections, ${seen.refused} refused`,
        }
      },
      {
        because:
          'When the last descriptor is taken, libuv closes newcomers without a word, to them or to us. They have to be told `busy` while there still is a descriptor for that.',
        likely:
          'startServer() limits the number of connections to what affordableConnections() returns.',
      },
    )
    expectSame('stats().connections', connections, 136, {
      because: '64 of the 200 descriptors are kept back.',
    })
  } finally {
    crowd.destroy()
  }
}
