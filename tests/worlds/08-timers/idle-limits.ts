/** Clients of chapter 08 that say nothing, too little or enough: who is let go, when, and what stays behind. */

import type { Source } from '#code/07-event-loop/byte-stream.ts'
import { ScriptedClient } from '../../harness/scripted-client.ts'
import { VirtualLoop } from '../../harness/virtual-time.ts'
import type { Stage } from '../../judge/step.ts'
import { serveVirtually, type Watched } from './watched-clients.ts'

const DAY_MS = 86_400_000

/** A peer has as long as `goodbyeMs` says, which chapter 10 sets for itself. */
export async function expectOwnGoodbye({ load, story }: Stage): Promise<void> {
  const { EventLoop } = await load(() => import('#code/07-event-loop/event-loop.ts'))
  const { Connection } = await load(() => import('#code/07-event-loop/connection.ts'))
  const { TimerQueue } = await load(() => import('#code/08-timers/timer-queue.ts'))
  const { Watch } = await load(() => import('#code/08-timers/watch.ts'))
  const world = new VirtualLoop<Source>(story)
  const timers = new TimerQueue(world.clock)
  const loop = new EventLoop<Source>(world.poller, timers)
  await world.start(loop)
  const ida = new ScriptedClient('ida', story, world)
  const connection = new Connection(ida.stream, loop)
  connection.use({ onBytes: (bytes) => bytes.length, onEnd() {} })
  connection.observe(
    new Watch(connection, timers, { idleMs: Number.POSITIVE_INFINITY, goodbyeMs: 700 }),
  )
  story.tell('test', 'ends ida’s connection, with goodbyeMs: 700')
  connection.end('finished')
  await world.settle()
  const LIMIT = {
    likely:
      timers.size > 0
        ? 'The limit is #goodbyeMs.'
        : 'Every ending has a goodbye, also where there is no #idle.',
    look: 'watch.onEnding()',
  }
  await world.advance(699)
  ida.expectEnd({ ...LIMIT, because: 'She has had 699 of her 700 ms.' })
  const after = timers.after.bind(timers)
  let armings = 0
  timers.after = (ms, callback) => {
    armings += 1
    return after(ms, callback)
  }
  await world.advance(1)
  ida.expectCut({
    ...LIMIT,
    because: 'She has had 700 ms, and has not sent FIN.',
    ...(armings > 0 && {
      likely:
        'When goodbyeMs are over, a timer is armed once more. There is one limit: then call destroy().',
    }),
  })
}

/** One talks a lot, one is reset, two do not read: none costs more than a timer, and none stays. */
export async function expectEveryEnding(
  { expectSame, story }: Stage,
  { world, advance, connect, countArmings, expectTimers }: Watched,
): Promise<void> {
  const [dee, eve, fay] = [await connect('dee'), await connect('eve'), await connect('fay')]
  const armings = countArmings()
  story.tell('dee', 'sends 1,000 lines', 'toServer')
  for (let chunk = 0; chunk < 50; chunk++) {
    dee.stream.arrive('echo hi\n'.repeat(20))
    await world.settle()
  }
  expectSame('the number of bytes that dee receives', dee.stream.takeWritten().length, 3_000, {
    because: 'Each line is answered with `hi`.',
  })
  expectSame('the number of timers armed for 1,000 lines', armings(), 0, {
    because: 'A client that talks all the time must not cost more timers than a silent one.',
    likely: 'heard() only notes the time, and #look() checks it when the timer fires.',
    look: 'silence.heard()',
  })
  await dee.halfClose()
  dee.expectEnd({ because: 'FIN is answered with FIN.' })
  await eve.reset()
  expectTimers(1, {
    because: 'dee has left, eve has reset her connection, and fay is still there.',
    likely:
      'For eve’s connection, onEnding() was not called. onClose() is called for every connection: it stops the idle silence, too.',
    look: 'watch.onClose()',
  })
  fay.stopReading()
  fay.stream.holdDescriptor()
  await advance(64_000)
  fay.expectNothing({
    because: 'She does not read, and has 5 s from our goodbye on, so until second 65.',
    likely: 'destroy() is due goodbyeMs after onEnding(), and goodbyeMs is in milliseconds.',
    look: 'watch.onEnding()',
  })
  await advance(1_000)
  fay.expectCut({
    because: 'She sent no line for 60 s, and did not take our last words in the 5 s after that.',
    likely: 'A client that does not read may never send FIN: call destroy() after goodbyeMs.',
    look: 'watch.onEnding()',
  })
  fay.stream.freeDescriptor()
  await world.settle()
  expectTimers(0, {
    because: 'Her descriptor is free: her connection is over, and no timer of it stays armed.',
    likely: 'onClose() cancels the goodbye, which onEnding() keeps in #goodbye.',
    look: 'watch.onClose()',
  })

  const gus = await connect('gus')
  gus.stopReading()
  await gus.send('crash\n')
  await advance(4_000)
  story.tell('gus', 'reads five bytes')
  gus.stream.setRoom(5)
  await world.settle()
  await advance(999)
  gus.expectReceived('error', {
    because: 'He takes five bytes of our last words, and has 5 s for all of them.',
    likely: 'destroy() is due goodbyeMs after onEnding(), and goodbyeMs is in milliseconds.',
    look: 'watch.onEnding()',
  })
  await advance(1)
  gus.expectCut({
    because:
      'A crash ended his connection 5 s ago, and he has not taken all of our last words. Taking a few bytes now and then gains no time.',
    likely:
      'onEnding() is called for every ending, so each goodbye has a limit, not only that of an idle client. The limit counts from the goodbye on, whatever the client takes or sends.',
    look: 'watch.onEnding()',
  })
  expectTimers(0, { because: 'He is gone.' })
}

/** Two goodbyes at the same time: that one peer leaves ends only its own. */
export async function expectTwoGoodbyes(stage: Stage): Promise<void> {
  const { advance, connect, expectTimers } = await serveVirtually(stage, {
    idleMs: Number.POSITIVE_INFINITY,
  })
  const [ivy, jon] = [await connect('ivy'), await connect('jon')]
  await ivy.send('crash\n')
  await advance(1_000)
  await jon.send('crash\n')
  await advance(1_000)
  await ivy.halfClose()
  await advance(3_999)
  const OWN = {
    likely:
      'Each Watch keeps its own goodbye in its own #goodbye, and onClose() cancels that one only.',
    look: ['watch.onEnding()', 'watch.onClose()'],
  }
  jon.expectEnd({ ...OWN, because: 'His goodbye began 4,999 ms ago.' })
  await advance(1)
  jon.expectCut({
    ...OWN,
    because:
      'His goodbye began 5 s ago, and he has not sent FIN. ivy has left, but that ends only her own goodbye.',
  })
  expectTimers(0, { ...OWN, because: 'Both are gone.' })
}

/** Without a limit a client may be silent for a day. */
export async function expectNoLimit(stage: Stage): Promise<void> {
  const endless = await serveVirtually(stage, { idleMs: Number.POSITIVE_INFINITY })
  stage.story.tell('test', 'serves hal with idleMs: Infinity')
  const hal = await endless.connect('hal')
  await endless.advance(DAY_MS)
  hal.expectNothing({ because: 'Nobody is disconnected for being silent: there is no limit.' })
  await hal.send('echo hi\n')
  hal.expectReceived('hi\n', { because: 'He is still served a day later.' })
  await hal.halfClose()
  hal.expectEnd({ because: 'FIN is answered with FIN.' })
  endless.expectTimers(0, { because: 'He is gone.', look: 'watch.onClose()' })
}
