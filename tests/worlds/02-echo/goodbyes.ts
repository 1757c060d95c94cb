/** Clients who say FIN: one who has read everything, and one who has not. */

import type { Socket } from 'node:net'
import { type Client, pattern } from '../../harness/client.ts'
import type { HostedServer } from '../../harness/hosted-server.ts'
import type { Stage } from '../../judge/step.ts'
import { countHeldSockets, type Leave, LOOK_MS, sendUntilQueued } from '../echo.ts'

/** FIN is answered with FIN, at once, behind whatever still waits. */
export async function expectGoodbye(
  { connect, expect }: Stage,
  server: HostedServer,
  ada: Client,
  bob: Client,
): Promise<void> {
  // An idle limit is no fault.
  const timerBefore = await server.msToNextTimer()
  await ada.send('last words')
  await ada.halfClose()
  await ada.expectBytes('last words', {
    look: 'answerGoodbye()',
    because: 'FIN says "I will send no more", not "I will not listen".',
    likely:
      "FIN overtook her last words. Write each chunk in the 'data' listener, not later, and say FIN at 'end', not earlier.",
  })
  await ada.expectEnd({
    look: 'answerGoodbye()',
    because: 'Both sides say FIN. Until the server has said its own, the connection stays open.',
    likely:
      "Nothing answers the client's FIN. It arrives as 'end'. Or the answer waits for 'drain', which is emitted only if the queue was full.",
    seen: {
      reset:
        'The connection is reset, but should end in order: end() sends FIN, resetAndDestroy() sends RST.',
      'other bytes': 'end() was given something to send. FIN is the whole answer.',
    },
  })

  bob.stopReading()
  const sent = await sendUntilQueued(bob, server)
  await bob.halfClose()
  // bob takes his time: longer than a timer that somebody thought to be long enough.
  await server.cpuMsDuring(LOOK_MS)
  const timerMs = await server.msToNextTimer()
  await bob.expectBytes(pattern(0, sent), {
    look: 'answerGoodbye()',
    because:
      'bob had not read yet, so his last bytes waited in the server when his FIN arrived. They are still his, whenever he reads them.',
    likely:
      'destroy() throws the queue away, at the FIN or a while later, and `for await` over a socket calls destroy() at the end. end() sends the queue first.',
  })
  await bob.expectEnd({
    look: 'answerGoodbye()',
    because: 'FIN follows the last byte.',
    likely:
      'FIN is sent only if the queue is empty at that moment. end() waits for the queue by itself.',
    seen: { reset: 'The socket is destroyed or reset. end() sends FIN after the queue.' },
  })
  const isSet = timerBefore === Number.POSITIVE_INFINITY && timerMs < timerBefore && timerMs > 0
  expect('no timer to be set at bob’s FIN', !isSet, {
    look: 'answerGoodbye()',
    because: 'bob reads when he likes. Until then his last bytes wait, however long it takes.',
    likely:
      'A timer closes the socket a while after the FIN, whether all was read or not. The socket closes by itself when both sides have said FIN.',
    received: `a timer that fires in ${Math.ceil(timerMs)} ms`,
  })

  const zoe = await connect(server, 'zoe')
  await zoe.send('late')
  await zoe.halfClose()
  const later = {
    look: ['answerGoodbye()', 'echoBytes()'],
    because: 'Clients that connect after a goodbye are served like those before it.',
    likely: 'Is something remembered from an earlier client? Each socket has its own listeners.',
  }
  await zoe.expectBytes('late', later)
  await zoe.expectEnd(later)
}

/** A server runs for months, and its clients come and go. */
export async function expectForgotten(
  { expect, story }: Stage,
  serve: (socket: Socket) => void,
  leave: Leave,
): Promise<void> {
  story.tell('crowd', `comes and goes: 20 clients, and each of them ${leave}`)
  const held = await countHeldSockets(serve, 20, leave)
  expect('sockets that have closed to be forgotten', held <= 10, {
    because: 'A server runs for months. What it keeps for each client fills its memory.',
    likely:
      leave === 'says `bye` and FIN'
        ? 'Each socket is put into a list, a Set or a Map, and never taken out.'
        : "Only 'close' is emitted for every socket: after a loss, neither 'end' nor 'drain' comes.",
    received: `${held} of 20 are kept`,
  })
}
