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
      : 'A server’s TLSSocket emits "secure" then. ("secureConnect" is for clients.)',
    look: 'tls.secure()',
  })
  await world.expectTalk(ada, 'one.example', { because: 'It is the certificate that was loaded.' })
  world.expectNoTimers({ because: 'Her deadline is met.', likely: LEFT_BEHIND })
  stage.expectSame('the timeout of her socket', ada.near.timeout || ada.secured.timeout || 0, 0, {
    because: 'A peer whose handshake is done may be silent. Other limits are for that.',
    likely:
      'setTimeout() of a socket limits silence, and stays set after the handshake. Use `timers` for the deadline.',
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
  world.expectOpen(bob, { because: 'He has 10 s, and one millisecond of them is left.' })
  await world.advance(1)
  await world.expectHandshakes(['done', 'late'], {
    because: 'bob has said nothing for 10 s. A thousand like him would be a thousand descriptors.',
    likely: whyNotLate(world.handshakes.slice(1)),
    look: 'tls.secure()',
  })
  await world.expectClosed(bob, {
    because: 'Nobody waits for him any more.',
    likely: 'destroy() the socket: end() waits for the peer’s FIN, which may never arrive.',
    look: 'tls.secure()',
  })
  world.expectNoTimers({ because: 'bob’s connection is closed.', likely: LEFT_BEHIND })

  const cyd = await world.connect('cyd')
  const hello = await clientHello()
  story.tell('cyd', 'sends the beginning of a handshake, one byte per second')
  for (let second = 0; second < 10; second++) {
    cyd.far.write(hello.subarray(second, second + 1))
    await world.quiet()
    await world.timers.advance(1_000)
  }
  await world.expectHandshakes(['done', 'late', 'late'], {
    because:
      'cyd has had her 10 s. A few bytes are no handshake: with one now and then, she could stay forever.',
    likely: 'The deadline counts from the moment when the socket was secured.',
    look: 'tls.secure()',
  })

  const dee = await world.connect('dee')
  story.tell('dee', 'takes us for a web server, and sends "GET / HTTP/1.1"')
  dee.far.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
  await world.expectHandshakes(['done', 'late', 'late', 'failed'], {
    because: 'That is no handshake, and none will follow.',
    likely: 'The TLS socket closes then: report `failed`, once.',
    look: 'tls.secure()',
  })
  await world.expectClosed(dee, { because: 'There is nothing more to say to her.' })

  const eve = await world.connect('eve')
  story.tell('eve', 'resets the connection')
  eve.far.resetAndDestroy()
  await world.expectHandshakes(['done', 'late', 'late', 'failed', 'failed'], {
    because: 'eve is gone, and her handshake was not done.',
    likely: '"close" is emitted however a connection ends.',
    look: 'tls.secure()',
  })
  world.expectNoTimers({ because: 'Nobody is left who has a deadline.', likely: LEFT_BEHIND })

  const fay = await world.connect('fay')
  story.tell('fay', 'sends the beginning of a handshake')
  fay.far.write(hello.subarray(0, 10))
  await world.quiet()
  story.tell('server', 'is in a hurry, and destroys the socket that secure() returned')
  fay.secured.destroy()
  await world.expectHandshakes(['done', 'late', 'late', 'failed', 'failed', 'failed'], {
    because:
      'fay’s connection is over, and her handshake was not done. We have ended it ourselves.',
    likely:
      'destroy() emits no "error" and no "end". "close" is emitted however a connection ends.',
    look: 'tls.secure()',
  })
  world.expectNoTimers({ because: 'fay is gone, and so is her deadline.', likely: LEFT_BEHIND })

  story.tell('ada', 'resets the connection')
  ada.far.resetAndDestroy()
  await world.until(() => ada.secured.closed)
  await world.expectHandshakes(['done', 'late', 'late', 'failed', 'failed', 'failed'], {
    because:
      'ada’s handshake was done long ago. The end of her connection does not change how it ended.',
    likely: 'onHandshake is told only once.',
    look: 'tls.secure()',
  })
  stage.expect(
    'other listeners to be told that her socket has closed',
    world.closed.includes('ada'),
    {
      because: 'The connection listens, too: that is how it learns that ada has gone.',
      likely: 'Remove only your own listeners: removeAllListeners() removes everybody’s.',
      look: 'tls.secure()',
    },
  )
}

/** A connection that is over before it is secured. */
export async function expectGone(world: TlsWorld): Promise<void> {
  world.handshakes.length = 0
  await world.connect('jay', { isGone: true })
  await world.expectHandshakes(['failed'], {
    because:
      'jay’s connection has ended before her handshake was done. That is `failed`, whoever ended it.',
    likely: 'Her TLS socket emits "close" like any other: listen for it in any case.',
    look: 'tls.secure()',
  })
  world.expectNoTimers({ because: 'jay is gone, and so is her deadline.', likely: LEFT_BEHIND })
}

/** Two who have connected: the one does a handshake, the other says nothing. */
export async function expectTwoAtATime(stage: Stage, world: TlsWorld): Promise<void> {
  const own =
    'Each handshake has a deadline of its own: keep it in a constant in secure(), not in the object.'
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
  stage.story.tell('ivy', 'sends "bye" and FIN, and still listens')
  ivy.client.end('bye')
  await world.until(() => ivy.client.readableEnded || ivy.client.destroyed)
  stage.expectSame('what ivy hears', ivy.received, 'bye, and goodbye', {
    because: 'FIN says "I will send no more", not "I will not listen". The same holds with TLS.',
    likely: 'secure() must not end anything: the connection sends FIN when everything is answered.',
    look: 'tls.secure()',
  })
}

/** Many who come and go. */
export async function expectSocketsForgotten(stage: Stage, world: TlsWorld): Promise<void> {
  stage.story.tell('crowd', 'opens and closes 20 sockets, one after the other')
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
    return 'A socket that was destroyed emits "close", too, and that is not another end. Only the first time counts.'
  if (told.length === 1)
    return 'It was the deadline: that is `late`, even though "close" follows destroy().'
  return 'timers.after(handshakeMs, …), and destroy() the socket then.'
}
