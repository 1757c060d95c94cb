import type { HostedServer } from '../harness/hosted-server.ts'
import { step } from '../judge/step.ts'
import {
  expectConversationToGoOn,
  expectEachClosedByItself,
  expectLateOneCut,
  expectNoReset,
  expectOneGrace,
  expectStragglersCut,
  talk,
} from '../worlds/01-hello/closing-servers.ts'
import { expectOtherProblems, isSentence, listenTwice } from '../worlds/01-hello/failed-listen.ts'
import { expectFinAtOnce } from '../worlds/01-hello/greeted-streams.ts'
import {
  expectNoListenerLeft,
  expectPortPassedOn,
  otherLoopback,
} from '../worlds/01-hello/listening-servers.ts'
import { expectLossToBeNothing } from '../worlds/01-hello/lost-peers.ts'
import { expectAccountKept } from '../worlds/01-hello/open-connections.ts'
import { restlessness } from '../worlds/echo.ts'

const MEBIBYTE = 1024 * 1024

/** A timer that is never further away than that is set again and again. */
const POLLING_MS = 200

/** Characters of one, two and four bytes. */
const GREETING = 'Grüß Gott, 🌍!\n'

/** More than the kernel holds for a client that does not read: the rest waits in the server. */
const LONG_GREETING = 'x'.repeat(12 * MEBIBYTE)

step('01.1', 'listens on a free port and says which', async (stage) => {
  const { serve, connect, load, expect, expectSame } = stage
  const server = await serve('01-hello')
  await connect(server)

  const [listening] = await server.listening()
  expectSame('the address it listens on', listening.address, '127.0.0.1', {
    because: 'A server that was not asked to be public should be reachable from this machine only.',
    likely: 'listen(port) without a host listens on every interface. Pass the host on as well.',
  })

  const second = await serve('01-hello')
  expect('two servers to get two different ports', second.port !== server.port, {
    because: 'Port 0 means "any free port", so that two servers can always live side by side.',
    likely: 'The port is fixed in the code. Pass on the port that startServer() was given.',
    received: `both on ${server.port}`,
  })

  const host = otherLoopback()
  const elsewhere = await serve('01-hello', { host })
  const [asked] = await elsewhere.listening()
  expectSame('the address of a server that was given a host', asked.address, host, {
    because: 'A server that was given a host listens there and nowhere else.',
    likely: 'The address is fixed in the code. Pass on the host that listen() was given.',
  })

  const { listen } = await load(() => import('#code/01-hello/server.ts'))
  await expectPortPassedOn(stage, listen)
  await expectNoListenerLeft(stage, listen)
})

step('01.2', 'greets everybody and ends the connection', async (stage) => {
  const { serve, connect, load } = stage
  const server = await serve('01-hello', { greeting: GREETING })
  const reason = {
    because: 'The client can only know that the greeting is complete when FIN follows it.',
    likely:
      'write() sends bytes and keeps the connection open. Something must say that this was all.',
    seen: {
      'other bytes':
        'More arrived after the greeting. Send the greeting as it is, and nothing after it.',
    },
  }
  for (let client = 1; client <= 3; client++) {
    const ada = await connect(server)
    await ada.expectBytes(GREETING, {
      because: 'Every client gets the greeting, as UTF-8, without having to say anything first.',
      likely:
        'Write the string without naming an encoding: the default is UTF-8, in which it has more bytes than characters.',
      seen: {
        ended: 'FIN arrived before the whole greeting did. First write, then end, for each client.',
        silent:
          'The code waits for something first. Write the greeting as soon as greet() is called.',
      },
    })
    await ada.expectEnd(reason)
    await ada.halfClose()
  }

  const patient = await serve('01-hello', { greeting: LONG_GREETING })
  const eve = await connect(patient)
  await eve.expectBytes(LONG_GREETING, {
    because: 'A long greeting takes a while to leave. Ending must wait for it.',
    likely:
      'destroy() throws away the bytes that are still queued, and a reset those that the kernel holds. end() sends everything first.',
  })
  await eve.expectEnd(reason)
  await eve.halfClose()

  const fay = await connect(patient, 'fay')
  fay.beQuiet('reads slowly, and talks all the while')
  fay.stopReading()
  await fay.expectBytes(
    LONG_GREETING,
    {
      because:
        'The last megabytes of the greeting wait in the kernel. They are for fay, whatever she says meanwhile.',
      likely:
        'A socket is destroyed when its bytes are written. Then the kernel answers what fay says with RST, and discards the rest. end() closes one direction and leaves the other open.',
    },
    { sips: MEBIBYTE, between: () => talk(fay, patient) },
  )
  await fay.expectEnd(reason)
  await fay.halfClose()

  const gus = await connect(patient, 'gus')
  gus.stopReading()
  await gus.halfClose()
  await patient.roundTrip()
  await gus.expectBytes(LONG_GREETING, {
    because: 'gus said FIN before he read anything. He will send no more, but he still listens.',
    likely:
      'The socket is destroyed when the client says FIN, with most of the greeting still queued.',
  })
  await gus.expectEnd(reason)
  await patient.expectEventually('no open connection', () => noConnection(patient), {
    because: 'Everybody has said FIN, and so has the server: a connection that stays is a leak.',
    likely:
      'The socket is paused, so nothing reads it. FIN comes after the unread bytes, and is never seen.',
  })

  const dee = await connect(server)
  await dee.send('GET / HTTP/1.1\r\n\r\n')
  await dee.expectBytes(GREETING, {
    because: 'A client that talks first is greeted like everybody else.',
  })
  await dee.expectEnd(reason)

  const { greet } = await load(() => import('#code/01-hello/server.ts'))
  await expectFinAtOnce(stage, greet)
})

step('01.3', 'knows its open connections, and outlives those that are lost', async (stage) => {
  const { serve, connect, load } = stage
  const { trackConnection } = await load(() => import('#code/01-hello/server.ts'))
  expectLossToBeNothing(stage, trackConnection)
  await expectAccountKept(stage, trackConnection)

  const server = await serve('01-hello', { greeting: LONG_GREETING })
  const bob = await connect(server, 'bob')
  bob.stopReading()

  for (let round = 1; round <= 3; round++) {
    const ada = await connect(server, 'ada')
    await ada.expectBytes('x', { because: 'The server is in the middle of its greeting.' })
    ada.reset()
    await server.roundTrip()

    const cyd = await connect(server, 'cyd')
    cyd.leave()
    await server.roundTrip()
  }
  const dee = await connect(server, 'dee')
  await dee.expectBytes(LONG_GREETING, { because: 'dee reads the whole greeting.' })
  await dee.expectEnd({ because: 'The greeting is followed by FIN.' })
  dee.reset()
  await server.roundTrip()
  await bob.expectBytes(LONG_GREETING, {
    because: 'One client that vanishes must not cost the others their connection.',
    likely:
      "A socket emits 'error' when its peer is lost; without a listener that ends the process.",
  })
})

step('01.4', 'close() lets the greeting in flight finish, then cuts stragglers', async (stage) => {
  const { serve, connect, load, expect, expectRefused, story } = stage
  const server = await serve('01-hello', { greeting: LONG_GREETING, graceMs: 60_000 })
  const ada = await connect(server)
  await ada.expectBytes('x', { because: 'ada is being served when the server begins to close.' })
  ada.stopReading()

  server.beginClose()
  story.tell('test', 'calls close() once more')
  const second = server.beginCall('close')
  await server.roundTrip()
  const { isSpinning, timerMs } = await restlessness(server)
  // A clock that was set once is further away, and comes nearer.
  const isPolling = timerMs !== undefined && timerMs < POLLING_MS
  expect('close() to sleep while it waits for ada', !isSpinning && !isPolling, {
    because: 'Nothing can happen before a connection closes or the minute of grace is over.',
    likely:
      'A short timer, or code in every turn of the loop, checks whether all are gone. One timer of graceMs and the callback of server.close() are enough.',
    look: 'closeGracefully()',
    received: isSpinning ? 'it computes all the time' : `a timer of ${timerMs} ms`,
  })
  const hasResolvedEarly = server.isClosed
  const hasSecondResolvedEarly = second.isOver
  await expectRefused(server, {
    because: 'A server that is closing takes no new clients.',
    likely:
      'close() must call server.close(): that closes the listening socket, not the connections.',
  })
  await ada.expectBytes(LONG_GREETING.slice(1), {
    because: 'A connection that is being served is served to its end, within the grace period.',
    likely:
      'Sockets are destroyed at once, or after a time other than graceMs. Give them graceMs first.',
  })
  expect('close() to have waited for ada', !hasResolvedEarly, {
    because:
      'It resolves once every connection is gone, so that the caller knows it is safe to exit.',
    likely: 'server.close() calls back when the last connection has ended. Resolve there.',
  })
  expect('the second close() to have waited for ada, too', !hasSecondResolvedEarly, {
    because: 'close() tells its caller that everything is gone, and so does the second call.',
    likely:
      'A server that no longer listens may still have connections. Wait for them in every call.',
  })
  await ada.expectEnd({
    because: 'FIN follows the greeting, whether the server is closing or not.',
  })
  await ada.halfClose()
  await server.expectClosed({
    because: 'Once every connection has ended there is nothing left to wait for.',
    likely:
      'The promise waits for the end of the grace period, or for something that never happens. Resolve it in the callback of server.close().',
  })
  const rejection = await second.end().then(
    () => undefined,
    (error: Error) => error.message,
  )
  expect('the second close() to resolve, too', rejection === undefined, {
    because: 'Everything is gone, and that is all that each call asked for.',
    likely:
      'server.close(callback) gives the callback an error when the server no longer listens. That is no reason to reject.',
    received: rejection,
  })
  server.beginClose()
  await server.expectClosed({
    because: 'Everything is gone already, so another call has nothing to wait for.',
    likely:
      "The promise waits for an event that will not be emitted again. server.close() calls back (and emits 'close') each time.",
  })
  await server.expectNothingLeft({
    because: 'Whatever is left keeps the process alive.',
    likely: 'A timer that is not cleared keeps a process alive until it fires.',
  })

  await expectStragglersCut(stage)

  const { listen, closeGracefully } = await load(() => import('#code/01-hello/server.ts'))
  await expectConversationToGoOn(stage, listen, closeGracefully)
  await expectEachClosedByItself(stage, listen, closeGracefully)
  await expectOneGrace(stage, listen, closeGracefully)
  await expectLateOneCut(stage, listen, closeGracefully)
  await expectNoReset(stage, listen, closeGracefully)
})

step('01.5', 'a taken port is one readable sentence', async (stage) => {
  const { serve, refuse, load, expect } = stage
  const other = await serve('01-hello')
  const { message } = await refuse(
    '01-hello',
    { port: other.port },
    {
      because: 'Two servers cannot listen on one port; the second one must find out.',
      likely: "The server emits 'error' when it cannot listen: reject there.",
      look: 'listen()',
    },
  )
  const isReadable = isSentence(message, other.port) && !/\bE[A-Z]{4,}\b|errno/.test(message)
  expect('one sentence that names the port and no errno', isReadable, {
    because:
      'A person who starts a server twice by accident wants to read what is wrong, not look up EADDRINUSE.',
    likely: message.includes('EADDRINUSE')
      ? 'Node’s error is passed on as it is. Make a sentence from error.code and the port.'
      : 'Say in one line which port it is and what is wrong with it.',
    expected: `Port ${other.port} is taken: …`,
    received: message,
  })

  const { listen, listenProblem } = await load(() => import('#code/01-hello/server.ts'))
  const reason = await listenTwice(listen, other.port)
  expect('listen() to reject with an Error', reason instanceof Error, {
    because: 'An Error carries a stack, and code that catches it can read error.message.',
    likely: 'Reject with what listenProblem() returns, not with its text alone.',
    received: `${typeof reason}: ${String(reason)}`,
  })

  expectOtherProblems(stage, listenProblem, { port: other.port, taken: message })
})

async function noConnection(server: HostedServer) {
  const open = await server.connections()
  return { holds: open === 0, received: `${open} open` }
}
