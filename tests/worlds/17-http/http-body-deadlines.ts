/** Bodies of chapter 17 that come slowly, and requests that follow each other slowly: each has a deadline of its own. */

import type { Reason } from '../../harness/failure.ts'
import { request } from '../../protocols/http.ts'
import type { HttpWorld } from './http-connections.ts'

export const TOO_SLOW = { status: 408, headers: { connection: 'close' } }

/** `expectTimers` expects so many timers beside the one for silence, with one connection. */
export async function expectBodyDeadlines(
  world: HttpWorld,
  expectTimers: (waiting: number, reason: Reason) => void,
): Promise<void> {
  const bob = await world.arrive('bob')
  await bob.send('POST /b HTTP/1.1\r\nHost: a\r\n')
  await world.advance(9_000)
  await bob.send('Content-Length: 4\r\n\r\na')
  for (const byte of 'bc') {
    await world.advance(9_000)
    await bob.send(byte)
  }
  await world.advance(11_000)
  bob.expectNothing({
    because:
      'His head arrived in time. From then on his body has 30 seconds, and 29 of them have passed.',
    likely: 'Use bodyMs once the head has arrived (#begun).',
    look: '#watchForEnd()',
  })
  await bob.send('d')
  bob.expectAnswers([{ status: 200, body: 'POST /b abcd' }], {
    because: 'The last byte arrived in time.',
    look: '#watchForEnd()',
  })
  expectTimers(0, {
    because: 'His request is complete, so no deadline is left.',
    likely: 'Store the timer in #deadline: #forgetDeadline() cancels that one.',
    look: '#watchForEnd()',
  })
  await bob.send(request('POST /b', ['Transfer-Encoding: chunked'], '1\r\na\r\n'))
  expectTimers(1, { because: 'A body has begun.', look: '#watchForEnd()' })
  for (let second = 5; second < 30; second += 5) {
    await world.advance(5_000)
    await bob.send('1\r\nx\r\n')
  }
  await world.advance(5_000)
  bob.expectAnswers([TOO_SLOW], {
    because: 'A chunk every five seconds is slow, and 30 seconds have passed.',
    likely: 'The whole body has one deadline, which no chunk moves.',
    look: '#watchForEnd()',
  })
  bob.expectEnd({ because: 'Nothing more is wanted from him.', look: '#watchForEnd()' })
  await bob.halfClose()

  const again = await world.arrive('bob')
  await again.send(`${request('POST /b', ['Content-Length: 2'], 'hi')}\r\n`)
  again.expectAnswers([{ status: 200, body: 'POST /b hi' }], {
    because: 'His request is complete.',
  })
  await world.advance(10_000)
  again.expectNothing({
    because:
      'An empty line before the next head begins nothing, and old clients send one after a body (RFC 9112 §2.2).',
    likely: 'Only a head or a body that has begun (#isInRequest) has a deadline.',
    look: '#watchForEnd()',
  })
  await again.halfClose()

  const cyd = await world.arrive('cyd')
  const whole = request('GET /c')
  await cyd.send(whole.slice(0, 7))
  for (let count = 0; count < 8; count++) {
    await world.advance(3_000)
    await cyd.send(whole.slice(7) + whole.slice(0, 7))
  }
  cyd.expectAnswers(
    Array.from({ length: 8 }, () => ({ status: 200, body: 'GET /c' })),
    {
      because:
        'Each of her requests took 3 seconds. The beginning of the next one has a deadline of its own.',
      likely: 'The deadline of a complete request must not hit the request after it.',
      look: '#watchForEnd()',
    },
  )
  await cyd.reset()
  expectTimers(-1, {
    because:
      'She is gone, in the middle of a head. No timer of hers is left, not even the one for silence.',
    likely: 'Store the timer in #deadline: onClose() cancels that one.',
    look: '#watchForEnd()',
  })
}
