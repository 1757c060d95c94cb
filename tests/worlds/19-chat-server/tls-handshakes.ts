/** Clients that do their handshake, that do not, and that never will. */

import type { Handshake } from '#code/19-chat-server/tls.ts'
import type { Stage } from '../../judge/step.ts'
import { clientHello, HANDSHAKE_MS, type TlsWorld } from './tls-peers.ts'

const LEFT_BEHIND = 'Cancel the deadline however the handshake ends: done, failed, or gone.'

export async function expectHandshakes(stage: Stage, world: TlsWorld): Promise<void> {
  const { story } = stage
  const ada = await world.connectSecurely('ada')
  await world.expectHandshakes(['done'], {
    because: 'ada’s handshake is done.',
    likely: world.handshakes.includes('failed')
      ? 'Her socket was closed instead. Is ours the server’s end? { isServer: true, secureContext }.'
      : 'A server’s TLSSocket says "secure" then. ("secureConnect" is for clients.)',
    look: 'tls.secure()',
  })
  await world.expectTalk(ada, 'one.example', { because: 'It is the certificate that was loaded.' })
  world.expectNoTimers({ because: 'Her deadline is met.', likely: LEFT_BEHIND })
  stage.expectSame('the timeout of her socket', ada.near.timeout || ada.secured.timeout || 0, 0, {
    because: 'Whoever has done a handshake may be silent. Other limits are for that.',
    likely: 'setTimeout() of a socket is for silence, and goes on. The deadline is of `timers`.',
    look: 'tls.secure()',
  })
  await world.advance(10 * HANDSHAKE_MS)
  world.expectOpen(ada, {
    because: 'Her handshake was in time. What comes after it has other limits.',
    likely: LEFT_BEHIND,
  })

  const bob = await world.connect('bob')
  story.tell('bob', 'says nothing')
  await world.advance(HANDSHAKE_MS - 1)
  world.expectOpen(bob, { because: 'He has 10 s, and one of their milliseconds is left.' })
  await world.advance(1)
  await world.expectHandshakes(['done', 'late'], {
    because: 'bob has said nothing for 10 s. A thousand like him would be a thousand descriptors.',
    likely: whyNotLate(world.handshakes.slice(1)),
    look: 'tls.secure()',
  })
  await world.expectClosed(bob, {
    because: 'Nobody waits for him any more.',
    likely: 'destroy() the socket: end() waits for the FIN of a peer who may never say it.',
    look: 'tls.secure()',
  })
  world.expectNoTimers({ because: 'Nothing of bob is left.', likely: LEFT_BEHIND })

  const cyd = await world.connect('cyd')
  const hello = await clientHello()
  story.tell('cyd', 'sends the beginning of a handshake, a byte a second')
  for (let second = 0; second < 10; second++) {
    cyd.far.write(hello.subarray(second, second + 1))
    await world.quiet()
    await world.timers.advance(1_000)
  }
  await world.expectHandshakes(['done', 'late', 'late'], {
    because:
      'cyd has had her 10 s. Bytes are no handshake: with a byte now and then she could stay for ever.',
    likely: 'The deadline counts from the moment when the socket was secured.',
    look: 'tls.secure()',
  })

  const dee = await world.connect('dee')
  story.tell('dee', 'takes us for a web server: "GET / HTTP/1.1"')
  dee.far.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
  await world.expectHandshakes(['done', 'late', 'late', 'failed'], {
    because: 'That is no handshake, and none will follow.',
    likely: 'The TLS socket is closed then: `failed`, once.',
    look: 'tls.secure()',
  })
  await world.expectClosed(dee, { because: 'There is nothing more to say to her.' })

  const eve = await world.connect('eve')
  story.tell('eve', 'resets the connection')
  eve.far.resetAndDestroy()
  await world.expectHandshakes(['done', 'late', 'late', 'failed', 'failed'], {
    because: 'eve is gone, and her handshake was not done.',
    likely: '"close" comes however a connection ends.',
    look: 'tls.secure()',
  })
  world.expectNoTimers({ because: 'Nobody is left who has a deadline.', likely: LEFT_BEHIND })

  const fay = await world.connect('fay')
  story.tell('fay', 'sends the beginning of a handshake')
  fay.far.write(hello.subarray(0, 10))
  await world.quiet()
  story.tell('server', 'is in a hurry: destroy() of the socket that secure() has returned')
  fay.secured.destroy()
  await world.expectHandshakes(['done', 'late', 'late', 'failed', 'failed', 'failed'], {
    because:
      'fay’s connection is over, and her handshake was not done. We have ended it ourselves.',
    likely: 'destroy() brings no "error" and no "end". "close" comes however a connection ends.',
    look: 'tls.secure()',
  })
  world.expectNoTimers({ because: 'fay is gone, and with her the deadline.', likely: LEFT_BEHIND })

  story.tell('ada', 'resets the connection')
  ada.far.resetAndDestroy()
  await world.until(() => ada.secured.closed)
  await world.expectHandshakes(['done', 'late', 'late', 'failed', 'failed', 'failed'], {
    because: 'ada’s handshake was done long ago. That her connection ends is no news of it.',
    likely: 'onHandshake is told once.',
    look: 'tls.secure()',
  })
  stage.expect('others to hear that her socket has closed', world.closed.includes('ada'), {
    because: 'The connection listens, too: only so it learns that ada has gone.',
    likely: 'Take off your own listeners: removeAllListeners() takes everybody’s.',
    look: 'tls.secure()',
  })
}

/** Two who have connected: the one does a handshake, the other says nothing. */
export async function expectTwoAtATime(stage: Stage, world: TlsWorld): Promise<void> {
  const own =
    'Each handshake has a deadline of its own: a constant in secure(), nothing in the object.'
  for (const isFirst of [true, false]) {
    world.handshakes.length = 0
    const [one, other] = [await world.connect('gus'), await world.connect('hal')]
    const [talks, silent] = isFirst ? [one, other] : [other, one]
    const secure = await world.shakeHands(talks)
    await world.expectHandshakes(['done'], { because: `${talks.name}’s handshake is done.` })
    stage.story.tell(silent.name, 'says nothing')
    await world.advance(HANDSHAKE_MS)
    await world.expectHandshakes(['done', 'late'], {
      because: `${silent.name} has connected, too, and has said nothing for 10 s.`,
      likely: own,
      look: 'tls.secure()',
    })
    await world.expectClosed(silent, { because: 'Nobody waits for him any more.', likely: own })
    world.expectOpen(secure, { because: 'His handshake was in time.', likely: own })
    world.expectNoTimers({ because: 'Both handshakes are over.', likely: own })
  }
}

/** A client who says goodbye and listens on, as it may: its last answer is behind that. */
export async function expectLastAnswer(stage: Stage, world: TlsWorld): Promise<void> {
  const ivy = await world.connectSecurely('ivy')
  // What the server's program does when it has nothing left to do for her.
  ivy.secured.once('end', () => setImmediate(() => ivy.secured.end(', and goodbye')))
  stage.story.tell('ivy', 'says "bye" and FIN, and listens on')
  ivy.client.end('bye')
  await world.until(() => ivy.client.readableEnded || ivy.client.destroyed)
  stage.expectSame('what ivy hears', ivy.received, 'bye, and goodbye', {
    because:
      'FIN says "I will send no more", not "I will not listen". With TLS that is no different.',
    likely: 'secure() ends nothing: the connection says FIN when all is answered.',
    look: 'tls.secure()',
  })
}

/** Many who come and go. */
export async function expectSocketsForgotten(stage: Stage, world: TlsWorld): Promise<void> {
  stage.story.tell('crowd', 'comes and goes: 20 sockets, one after the other')
  const held = await world.countHeld(20)
  stage.expect('sockets that have closed to be forgotten', held <= 10, {
    because: 'A server runs for months. What it keeps of each connection fills its memory.',
    likely: 'Each socket is put into a list, a Set or a Map, and never taken out.',
    look: 'tls.secure()',
    received: `${held} of 20 are kept`,
  })
}

/** What may have gone wrong when these were told at the deadline. */
function whyNotLate(told: Handshake[]): string {
  if (told.length > 1)
    return 'When the socket has been destroyed it closes, too: that is no news. Only the first time counts.'
  if (told.length === 1)
    return 'It was the deadline: that is `late`, also when "close" comes behind the destroy().'
  return 'timers.after(handshakeMs, …), and destroy() the socket then.'
}
