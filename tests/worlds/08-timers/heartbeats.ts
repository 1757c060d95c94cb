/** Silent clients of chapter 08 that are asked whether they are still there. */

import type { Stage } from '../../judge/step.ts'
import { echo } from '../../protocols/lines.ts'
import { serveVirtually, type Watched } from './watched-clients.ts'

/** One says nothing, one answers, one talks, one never ends its line: who is asked, and who is let go. */
export async function expectPings({ advance, connect, expectTimers }: Watched): Promise<void> {
  const [ada, bob] = [await connect('ada'), await connect('bob')]
  const [cyd, dee] = [await connect('cyd'), await connect('dee')]
  const PINGED = {
    because: 'No line for 20 s, so the server asks whether the client is still there.',
    likely: 'The heartbeat is a second Silence, of heartbeatMs, that sends `ping`.',
    look: 'watch.#startHeartbeat()',
  }
  await advance(15_000)
  for (const client of [ada, bob, cyd, dee]) {
    client.expectNothing({
      because: 'Nobody has been silent for 20 s yet: there is nothing to ask.',
      likely: 'The first ping comes after everyMs of silence, and not before.',
      look: 'watch.#startHeartbeat()',
    })
  }
  await cyd.send('echo hi\n')
  cyd.expectReceived('hi\n', { because: 'She is served.' })
  await dee.send('half a line')
  await advance(4_999)
  for (const client of [ada, bob, cyd, dee]) {
    client.expectNothing({
      because: 'Only 19,999 ms have passed: nobody has been silent for 20 s.',
    })
  }
  await advance(1)
  ada.expectReceived('ping\n', PINGED)
  bob.expectReceived('ping\n', PINGED)
  dee.expectReceived('ping\n', { ...PINGED, because: 'Half a line is no sign of life.' })
  cyd.expectNothing({
    because: 'cyd sent a line 5 s ago: there is nothing to ask.',
    likely:
      'The heartbeat is a Silence, which begins anew with each line: onHeard() tells the heartbeat as well.',
    look: ['watch.onHeard()', 'watch.#startHeartbeat()'],
  })
  await bob.send('pong\n')
  bob.expectNothing({
    because: '`pong` is an answer. Answers to answers would go on forever.',
    likely: 'onLine() does not run PONG as a command.',
    look: 'server.onLine()',
  })
  await advance(15_000)
  cyd.expectReceived('ping\n', {
    because: 'It is now 20 s since her last line.',
    likely: 'A line begins the silence of the heartbeat anew: onHeard() calls heard(), not stop().',
    look: 'watch.onHeard()',
  })
  await advance(5_000)
  ada.expectReceived('ping\n', {
    because: 'ada has been silent for another 20 s. One ping may get lost.',
    likely: 'After a ping the heartbeat goes on.',
    look: 'watch.#startHeartbeat()',
  })
  bob.expectReceived('ping\n', { because: 'His `pong` was 20 s ago.' })
  for (let times = 0; times < 7; times++) {
    await bob.send('pong\n')
    await cyd.send('echo hi\n')
    await advance(10_000)
    if (times > 0) continue
    ada.expectReceived('idle\n', {
      because: 'Two pings and no answer in 50 s: nobody is there.',
      likely: 'Our own pings are no sign of life from the client.',
      look: ['watch.#startHeartbeat()', 'watch.onHeard()'],
    })
    ada.expectEnd({ because: 'She is disconnected.' })
  }
  bob.expectNothing({
    because:
      'He has said `pong` every 10 s: he is there, and there is nothing to ask or to answer.',
    likely:
      'Any line, even `pong`, is a sign of life for both silences: onHeard() tells #idle and #heartbeat.',
    look: 'watch.onHeard()',
  })
  cyd.expectReceived('hi\n'.repeat(7), {
    because: 'She has sent a line every 10 s, and has never heard of `pong`.',
    likely: 'Any line is a sign of life for both silences: onHeard() tells #idle and #heartbeat.',
    look: 'watch.onHeard()',
  })
  await bob.halfClose()
  await cyd.halfClose()
  for (const client of [ada, dee]) {
    client.expectCut({ because: 'They were disconnected, and never sent FIN.' })
  }
  expectTimers(0, {
    because: 'All four are gone. A heartbeat that is left behind goes on forever.',
    likely: 'onEnding() and onClose() stop the heartbeat as well.',
    look: ['watch.onEnding()', 'watch.onClose()'],
  })
}

/** `pong` is the one line that is no command, and every ending stops the heartbeat. */
export async function expectOnlyPong({ connect, expectTimers }: Watched): Promise<void> {
  const fay = await connect('fay')
  for (const line of ['pongo', 'PONG', ' pong ', 'ping', '', 'pingpong', 'pong pong']) {
    await fay.send(`${line}\n`)
    fay.expectReceived('error unknown command\n', {
      because: `"${line}" is not the answer to our ping, so it is treated as a command, and no command has that name.`,
      likely: 'Only PONG is the answer. Compare the whole line with it.',
      look: 'server.onLine()',
    })
  }
  await fay.reset()
  expectTimers(0, {
    because: 'fay has reset her connection. It is over, although onEnding() was not called.',
    likely: 'onClose() stops both silences.',
    look: 'watch.onClose()',
  })
  const gus = await connect('gus')
  await gus.send('crash\n')
  expectTimers(1, {
    because: 'The connection is ending. Only the goodbye is left to wait for.',
    likely: 'onEnding() stops both silences.',
    look: 'watch.onEnding()',
  })
  await gus.reset()
}

/** Where nothing ends a silence, it is asked about again and again. */
export async function expectEndlessPings(stage: Stage): Promise<void> {
  const endless = await serveVirtually(stage, {
    idleMs: Number.POSITIVE_INFINITY,
    heartbeatMs: 25_000,
  })
  stage.story.tell('test', 'serves hal with idleMs: Infinity and heartbeatMs: 25_000')
  const hal = await endless.connect('hal')
  await endless.advance(24_999)
  hal.expectNothing({
    because: 'He is to be asked every 25 s.',
    likely: 'The limit of the heartbeat’s Silence is everyMs, not the server’s default.',
    look: 'watch.#startHeartbeat()',
  })
  await endless.advance(100_001)
  hal.expectReceived('ping\n'.repeat(5), {
    because: 'He has said nothing for five times 25 s, and nothing ends his silence.',
    likely: 'He is asked after every further everyMs, however often that is.',
    look: 'watch.#startHeartbeat()',
  })
  await endless.advance(5_000)
  await hal.send('echo hi\n')
  hal.expectReceived('hi\n', { because: 'He is served.' })
  await endless.advance(24_999)
  hal.expectNothing({
    because: 'He sent a line 24,999 ms ago.',
    likely:
      'Without an idle limit there is no #idle, but there may be a #heartbeat, which is told of each line.',
    look: 'watch.onHeard()',
  })
  await hal.send('crash\n')
  endless.expectTimers(1, {
    because: 'The connection is ending. Only the goodbye is left to wait for.',
    likely:
      'Without an idle limit there is no #idle, but there may be a #heartbeat, which onEnding() stops.',
    look: 'watch.onEnding()',
  })
  await hal.reset()
  const ivy = await endless.connect('ivy')
  await ivy.reset()
  endless.expectTimers(0, {
    because: 'ivy has reset her connection. It is over, although onEnding() was not called.',
    likely:
      'Without an idle limit there is no #idle, but there may be a #heartbeat, which onClose() stops.',
    look: 'watch.onClose()',
  })
}

/** With a heartbeat as without one, a client who talks costs no timer. */
export async function expectCheapTalk(stage: Stage): Promise<void> {
  const { connect, countArmings, world } = await serveVirtually(stage, {
    idleMs: 50_000,
    heartbeatMs: 20_000,
  })
  const ivy = await connect('ivy')
  const armings = countArmings()
  stage.story.tell('ivy', 'sends 1,000 lines', 'toServer')
  for (let chunk = 0; chunk < 50; chunk++) {
    ivy.stream.arrive('pong\n'.repeat(20))
    await world.settle()
  }
  stage.expectSame('the number of timers armed for 1,000 lines', armings(), 0, {
    because: 'A client that talks all the time must not cost more timers than a silent one.',
    likely:
      'onHeard() calls heard() on both silences, which only notes the time. It neither stops a Silence nor makes a new one.',
    look: ['watch.onHeard()', 'silence.heard()'],
  })
  await ivy.reset()
}

/** On a real server, a client's timers live as long as she is there. */
export async function expectTimersOfHerOwn({ serve, connect, expect }: Stage): Promise<void> {
  const server = await serve('08-timers')
  const eve = await connect(server, 'eve')
  const countTimers = async () => (await server.call<{ timers: number }>('stats')).timers
  await eve.send('pong\n')
  await echo(eve, { because: 'The same on a real socket.' })
  const armed = await countTimers()
  expect('a timer to be armed for eve', armed > 0, {
    because: 'A timer has to check whether she has been silent for too long.',
  })
  await eve.halfClose()
  await eve.expectEnd({ because: 'FIN is answered with FIN.' })
  await server.expectEventually(
    'no timer to be left for her',
    async () => {
      const timers = await countTimers()
      return { holds: timers === 0, received: `${timers} timers` }
    },
    {
      because: 'She is gone, and so are her timers.',
      likely: 'onClose() stops them all.',
      look: 'watch.onClose()',
    },
  )
}
