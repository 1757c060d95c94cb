/** What step 10.4 asks about places: who gets one, who leaves one, and who is counted. */

import { isGarbage } from '../../harness/garbage.ts'
import type { Stage } from '../../judge/step.ts'
import { frame } from '../../protocols/frames.ts'
import { type AdmissionWorld, openAdmission } from '../bounded-frames.ts'

export async function expectCap(stage: Stage): Promise<void> {
  const { ConnectionCap } = await stage.load(() => import('#code/10-backpressure/limits.ts'))
  const cap = new ConnectionCap(2)
  const enter = () => {
    const isIn = cap.enter()
    stage.story.tell('cap', `runs enter(), which returns ${isIn}`)
    return isIn
  }
  stage.expectSame(
    'what three calls of enter() return, with room for two',
    [enter(), enter(), enter()],
    [true, true, false],
    {
      because: 'The third finds both places taken.',
      likely: 'Compare the count with the limit before you add one.',
      look: 'limits.enter()',
    },
  )
  stage.expectSame('count', cap.count, 2, {
    because: 'A connection that was not let in does not count.',
    likely: 'Count only when there is room.',
    look: 'limits.enter()',
  })
  cap.leave()
  stage.story.tell('cap', 'runs leave()')
  stage.expectSame('what two more calls of enter() return', [enter(), enter()], [true, false], {
    because: 'One has left, so one place is free.',
    likely: 'leave() frees one place at once, and enter() takes it.',
    look: ['limits.leave()', 'limits.enter()'],
  })
}

/** A limit of 0 is one. */
export async function expectNoPlaceAtAll(stage: Stage): Promise<void> {
  const { ConnectionCap } = await stage.load(() => import('#code/10-backpressure/limits.ts'))
  stage.expectSame('enter() of a cap of 0', new ConnectionCap(0).enter(), false, {
    because: 'A limit of 0 is a limit like any other: there is no room for anybody.',
    likely: 'Compare the count with the limit, and do not test whether the limit is set.',
    look: 'limits.enter()',
  })
}

/** Two places, and four who come. */
export async function expectTwoPlaces(stage: Stage): Promise<void> {
  const { expectSame } = stage
  const world = await openAdmission(stage, { maxConnections: 2 })
  const [ada, bob] = [await world.arrive('ada'), await world.arrive('bob')]
  for (const client of [ada, bob]) {
    await client.send(frame(client.name))
    client.expectReceived(frame(client.name), {
      because: 'There is room for two.',
      likely:
        'Call enter() once for each. A connection is either let in or refused, not both: return.',
      look: 'admission.admit()',
    })
  }
  const cyd = await world.arrive('cyd')
  cyd.expectReceived(frame('error busy'), {
    because: 'Two are inside. The third is told why she cannot come in.',
    likely: 'enter() returns whether there is room. When there is none, #refuse() sends `busy`.',
  })
  cyd.expectEnd({ because: 'Then FIN.' })
  expectSame('the number of connections that were let in', world.connections.length, 2, {
    because: 'cyd was refused, and nothing else.',
    likely: 'A connection is either let in or refused, not both: return after #refuse().',
    look: 'admission.admit()',
  })
  await cyd.halfClose()
  const dee = await world.arrive('dee')
  dee.expectReceived(frame('error busy'), {
    because: 'cyd has gone, but she was never inside, so there is still no room.',
    likely: 'Only a connection that was let in frees a place when it closes.',
  })
  expectSame(
    'stats()',
    world.stats('connections', 'refused'),
    { connections: 2, refused: 2 },
    {
      because: 'Two are inside, and two were refused.',
      likely:
        'enter() counts the connections that are let in; admit() counts those that are refused, and no others.',
      look: ['admission.admit()', 'limits.enter()'],
    },
  )
  await expectPlacesFreed(stage, world, ada)
}

/** However a visitor leaves, its place is free for the next one; bob has the other place. */
async function expectPlacesFreed(
  { story, expectSame }: Stage,
  world: AdmissionWorld,
  ada: Awaited<ReturnType<AdmissionWorld['arrive']>>,
): Promise<void> {
  await ada.halfClose()
  const eve = await world.arrive('eve')
  await eve.send(frame('eve'))
  eve.expectReceived(frame('eve'), {
    because: 'ada has gone: her place is free.',
    likely:
      'onClose() is called for every connection that was let in: call #cap.leave() each time, and at once.',
    look: ['admission.onClose()', 'limits.leave()'],
  })
  await eve.reset()
  story.tell('crowd', 'comes and goes, fifty times: half of the connections are reset')
  for (let times = 0; times < 50; times++) {
    const visitor = await world.arrive('visitor', true)
    await visitor.send(frame('hi'))
    visitor.expectReceived(frame('hi'), {
      because: 'There is one place, and it is free each time.',
      likely: 'A connection can also end without FIN. onClose() is called in every case.',
      look: ['admission.onClose()', 'limits.leave()'],
    })
    if (times % 2) await visitor.halfClose()
    else await visitor.reset()
  }
  const { connections, refused } = world.admission.stats()
  expectSame(
    'stats()',
    world.stats('connections', 'refused', 'messages'),
    { connections: 1, refused: 2, messages: 53 },
    {
      because: 'bob is inside. The others have left, and what they sent is still counted.',
      likely:
        refused > 2
          ? 'onClose() is for those who were let in. admit() has already counted the refused.'
          : connections < 1
            ? 'A connection gives up its place once: onClose() calls #cap.leave() once.'
            : undefined,
      look: 'admission.onClose()',
    },
  )
}

export async function expectEndingsCounted(stage: Stage): Promise<void> {
  const world = await openAdmission(stage, { maxQueuedBytes: 250, idleMs: 60_000 })
  const [gus, hal, ida] = [
    await world.arrive('gus'),
    await world.arrive('hal'),
    await world.arrive('ida'),
  ]
  gus.stopReading()
  for (let times = 0; times < 3; times++) await gus.send(frame('x'.repeat(96)))
  await gus.reset()
  await hal.halfClose()
  await ida.send(frame('half of this').subarray(0, 9))
  await world.advance(60_000)
  ida.expectReceived(frame('error idle'), {
    because:
      'Half a frame does not count as a sign of life. Otherwise, she could keep her place forever.',
  })
  await ida.halfClose()
  const counts = {
    connections: 0,
    messages: 3,
    endings: { 'slow-consumer': 1, finished: 1, idle: 1 },
  }
  stage.expectSame('stats()', world.stats('connections', 'messages', 'endings'), counts, {
    because:
      'gus did not take three answers of 100 bytes, hal just left, and ida sent half a frame.',
    likely:
      world.admission.stats().connections === 0
        ? 'onClose() is told why: count that ending. The first of its kind counts 1.'
        : 'onClose() calls #cap.leave() each time, and leave() frees a place whether the cap is full or not.',
    look: ['admission.onClose()', 'limits.leave()'],
  })
  const [jo, kim, lea] = [
    await world.arrive('jo'),
    await world.arrive('kim'),
    await world.arrive('lea'),
  ]
  lea.stopReading()
  await lea.send(frame('x'.repeat(96)))
  for (const client of [jo, kim]) await client.halfClose()
  const { queuedBytes } = world.admission.stats()
  stage.expectSame('stats().queuedBytes', queuedBytes, 100, {
    because: 'jo and kim have left. lea is still there, and 100 bytes wait for her.',
    likely:
      queuedBytes > 100
        ? 'onClose() takes the connection out of #open. Otherwise, what waits for closed connections is counted as well.'
        : 'onClose() takes only the closed connection out of #open, and not the others.',
    look: 'admission.onClose()',
  })
  stage.expectSame(
    'stats()',
    world.stats('connections', 'endings'),
    { connections: 1, endings: { 'slow-consumer': 1, finished: 3, idle: 1 } },
    {
      because: 'jo and kim have left as hal did.',
      likely: 'Add one to what is counted already.',
      look: 'admission.onClose()',
    },
  )
  await lea.reset()
  world.expectTimers(0, { because: 'Nobody is left.' })
}

/** A place is free when its descriptor is. */
export async function expectPlaceKeptUntilClosed(stage: Stage): Promise<void> {
  const world = await openAdmission(stage, { maxConnections: 1 })
  const jo = await world.arrive('jo')
  jo.stream.holdDescriptor()
  await jo.halfClose()
  stage.story.tell('kernel', 'has not freed jo’s descriptor yet')
  const kim = await world.arrive('kim')
  kim.expectReceived(frame('error busy'), {
    because: 'Both sides have sent FIN, but jo’s descriptor is not free: there is no place yet.',
    likely:
      'Call #cap.leave() in onClose(), which is called when the descriptor is free, and nowhere else.',
    look: 'admission.onClose()',
  })
  jo.stream.freeDescriptor()
  await world.settle()
  const lou = await world.arrive('lou')
  await lou.send(frame('lou'))
  lou.expectReceived(frame('lou'), { because: 'Now there is a place.' })
}

/** A server that runs for a year sees millions of connections: those that are closed must not be kept. */
export async function expectForgotten(stage: Stage): Promise<void> {
  const world = await openAdmission(stage, {})
  const visit = async () => {
    const max = await world.arrive('max')
    await max.halfClose()
    return new WeakRef(max.stream)
  }
  const stream = await visit()
  // A loop that sleeps may still have its last round in hand.
  const noa = await world.arrive('noa')
  await noa.send(frame('noa'))
  stage.expect('nothing to keep max in memory after he has left', await isGarbage(stream), {
    because: 'Whatever is kept for every past connection fills the memory in the end.',
    likely: 'onClose() takes the connection out of #open.',
    look: 'admission.onClose()',
  })
}
