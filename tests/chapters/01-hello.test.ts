import { createServer, type Server } from 'node:net'
import type { Client } from '../harness/client.ts'
import type { HostedServer } from '../harness/hosted-server.ts'
import { step } from '../judge/step.ts'

const MEBIBYTE = 1024 * 1024

/** Characters of one, two and four bytes. */
const GREETING = 'Grüß Gott, 🌍!\n'

/** More than the kernel holds for a client that does not read: the rest waits in the server. */
const LONG_GREETING = 'x'.repeat(12 * MEBIBYTE)

step(
  '01.1',
  'listens on a free port and says which',
  async ({ serve, connect, load, expect, expectSame, story }) => {
    const server = await serve('01-hello')
    await connect(server)

    const [listening] = await server.listening()
    expectSame('the address it listens on', listening.address, '127.0.0.1', {
      because:
        'A server that was not asked to be public should be reachable from this machine only.',
      likely: 'listen(port) without a host listens on every interface. Pass the host on as well.',
    })

    const second = await serve('01-hello')
    expect('two servers to get two different ports', second.port !== server.port, {
      because: 'Port 0 means "any free port", so that two servers can always live side by side.',
      likely: 'The port is fixed in the code. Pass on the port that startServer() was given.',
      received: `both on ${server.port}`,
    })

    const { listen } = await load(() => import('#code/01-hello/server.ts'))
    const busy = createServer()
    await listen(busy, 0, '127.0.0.1')
    story.tell('kernel', 'cannot hand over a connection to a server that listens (EMFILE)')
    const isHeard = isHeardBySomebody(busy, new Error('accept EMFILE'))
    busy.close()
    expect('listen() to hear no more errors', !isHeard, {
      because:
        'Once the server listens, an error is about accepting. Whoever runs the server has to learn of it: onAcceptError, or the end of the process.',
      likely:
        "The 'error' listener of listen() is still there, and swallows it. Take it off in the callback of listen().",
      received: "an 'error' listener that swallowed it",
    })
  },
)

step('01.2', 'greets everybody and ends the connection', async ({ serve, connect }) => {
  const server = await serve('01-hello', { greeting: GREETING })
  const reason = {
    because: 'The client can only know that the greeting is complete when FIN follows it.',
    likely:
      'write() sends bytes and keeps the connection open. Something must say that this was all.',
  }
  for (let client = 1; client <= 3; client++) {
    const ada = await connect(server)
    await ada.expectBytes(GREETING, {
      because: 'Every client gets the greeting, as UTF-8, without having to say anything first.',
    })
    await ada.expectEnd(reason)
    await ada.halfClose()
  }

  const patient = await serve('01-hello', { greeting: LONG_GREETING })
  const eve = await connect(patient)
  await eve.expectBytes(LONG_GREETING, {
    because: 'A long greeting takes a while to leave. Ending must wait for it.',
    likely: 'destroy() throws away what is still queued; end() sends it first.',
  })
  await eve.expectEnd(reason)

  const fay = await connect(patient, 'fay')
  fay.beQuiet('reads slowly, and talks all the while')
  fay.stopReading()
  await fay.expectBytes(
    LONG_GREETING,
    {
      because:
        'The last megabytes of the greeting are in the kernel’s hands, and still fay’s, whatever she says meanwhile.',
      likely:
        'A socket is destroyed when its bytes are written. Then the kernel answers what fay says with RST, and forgets the rest. end() closes one direction and leaves the other open.',
    },
    { sips: MEBIBYTE, between: () => talk(fay, patient) },
  )
  await fay.expectEnd(reason)

  const dee = await connect(server)
  await dee.send('GET / HTTP/1.1\r\n\r\n')
  await dee.expectBytes(GREETING, {
    because: 'A client that talks first is greeted like everybody else.',
  })
  await dee.expectEnd(reason)
})

step('01.3', 'outlives clients that reset or leave early', async ({ serve, connect }) => {
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
  await bob.expectBytes(LONG_GREETING, {
    because: 'One client that vanishes must not cost the others their connection.',
    likely:
      "A socket emits 'error' when its peer is lost; without a listener that ends the process.",
  })
})

step('01.4', 'close() lets the greeting in flight finish, then cuts stragglers', async (stage) => {
  const { serve, connect, expect, expectRefused, story } = stage
  const server = await serve('01-hello', { greeting: LONG_GREETING, graceMs: 60_000 })
  const ada = await connect(server)
  await ada.expectBytes('x', { because: 'ada is being served when the server begins to close.' })
  ada.stopReading()

  server.beginClose()
  story.tell('test', 'calls close() once more')
  let isSecondResolved = false
  const second = server.call('close').then(() => {
    isSecondResolved = true
  })
  second.catch(() => {})
  await server.roundTrip()
  const hasResolvedEarly = server.isClosed
  const hasSecondResolvedEarly = isSecondResolved
  await expectRefused(server, {
    because: 'A server that is closing takes no new clients.',
    likely:
      'close() must call server.close(): that ends the listening socket, not the connections.',
  })
  await ada.expectBytes(LONG_GREETING.slice(1), {
    because: 'A connection that is being served is served to its end, within the grace period.',
    likely: 'Sockets are destroyed at once. Give them graceMs first.',
  })
  expect('close() to have waited for ada', !hasResolvedEarly, {
    because:
      'It resolves once every connection is gone, so that the caller knows it is safe to exit.',
    likely:
      'The callback of server.close() comes when the last connection has ended; resolve there.',
  })
  expect('the second close() to have waited for ada, too', !hasSecondResolvedEarly, {
    because: 'Whoever calls close() wants to know that everything is gone, also the second time.',
    likely: 'A server that does not listen any more may still have connections.',
  })
  await ada.expectEnd({ because: 'The greeting is followed by FIN, closing or not.' })
  await ada.halfClose()
  await server.expectClosed({
    because: 'Once every connection has ended there is nothing left to wait for.',
    likely:
      'The promise waits for something that never comes: resolve it in the callback of server.close().',
  })
  await second
  await server.expectNothingLeft({
    because: 'Whatever is left keeps the process alive.',
    likely: 'A timer that is not cleared keeps a process alive until it fires.',
  })

  const hasty = await serve('01-hello', { greeting: LONG_GREETING, graceMs: 300 })
  const [bob, cyd, dee] = [
    await connect(hasty, 'bob'),
    await connect(hasty, 'cyd'),
    await connect(hasty, 'dee'),
  ]
  cyd.stopReading()
  await bob.expectBytes(LONG_GREETING, { because: 'bob is greeted, and then stays.' })
  await cyd.expectBytes('x', { because: 'cyd stops reading in the middle of her greeting.' })
  await dee.expectBytes(LONG_GREETING, { because: 'dee is greeted, and then she talks and talks.' })
  dee.beQuiet('talks and talks')
  hasty.beginClose()
  await whileTalking(dee, hasty, () =>
    hasty.expectClosed({
      because:
        'bob, cyd and dee never end their sides. Waiting for the last client must have a limit: graceMs.',
      likely:
        'server.close() alone waits for ever. When graceMs are over, destroy the sockets that are still open, whatever they are doing.',
    }),
  )
  for (const straggler of [bob, cyd, dee])
    await straggler.expectClosed({ because: 'After the grace period stragglers are cut.' })
  await hasty.expectNothingLeft({ because: 'After close() the process must be able to end.' })
})

step('01.5', 'a taken port is one readable sentence', async (stage) => {
  const { serve, refuse, load, expect, story } = stage
  const other = await serve('01-hello')
  const { message } = await refuse(
    '01-hello',
    { port: other.port },
    {
      because: 'Two servers cannot listen on one port; the second one must find out.',
      likely: "listen() tells its failure by an 'error' event on the server: reject there.",
    },
  )
  const isReadable =
    message.includes(String(other.port)) &&
    !message.includes('\n') &&
    !/\bE[A-Z]{4,}\b|errno/.test(message)
  expect('one sentence that names the port and no errno', isReadable, {
    because:
      'Whoever starts a server twice by accident wants to read what is wrong, not look up EADDRINUSE.',
    likely: 'The error of Node is passed on as it is. Make a sentence of error.code and the port.',
    expected: `Port ${other.port} is taken: …`,
    received: message,
  })

  const { listenProblem } = await load(() => import('#code/01-hello/server.ts'))
  for (const [code, words] of OTHER_PROBLEMS) {
    story.tell('kernel', `refuses to let a server listen (${code})`)
    const problem = failedListen(code, words, other.port)
    const sentence = outcomeOf(() => listenProblem(problem, other.port))
    expect('another sentence than for a taken port', sentence !== message, {
      because: `Nobody has taken the port: ${words}. Who reads "taken" looks for a program that is not there.`,
      likely: 'Look at error.code. Whatever you do not know keeps what the system says about it.',
      received: sentence,
    })
    expect('a reason, not an exception', !sentence.startsWith('throws'), {
      because: 'listen() rejects with what listenProblem() returns, whatever the code is.',
      likely: 'Return the Error; listen() will reject with it.',
      received: sentence,
    })
  }
})

/** Why else a server may not listen. */
const OTHER_PROBLEMS = [
  ['EACCES', 'permission denied'],
  ['EADDRNOTAVAIL', 'address not available'],
  ['EMFILE', 'too many open files'],
] as const

/** The error that Node makes of it. */
function failedListen(code: string, words: string, port: number): NodeJS.ErrnoException {
  const error = new Error(`listen ${code}: ${words} 127.0.0.1:${port}`)
  return Object.assign(error, { code, syscall: 'listen', address: '127.0.0.1', port })
}

function outcomeOf(make: () => Error): string {
  try {
    return make().message
  } catch (error) {
    return `throws: ${(error as Error).message}`
  }
}

/** A word that the server has at hand when this is over. */
async function talk(client: Client, server: HostedServer): Promise<void> {
  await client.send('hm')
  await server.roundTrip()
}

/** Lets a client talk without a pause while something else is waited for. */
async function whileTalking(
  client: Client,
  server: HostedServer,
  wait: () => Promise<void>,
): Promise<void> {
  let isOver = false
  const talks = async () => {
    while (!isOver) await talk(client, server)
  }
  const talking = talks()
  // What is wrong with the server is said by whoever waits.
  talking.catch(() => {})
  try {
    await wait()
  } finally {
    isOver = true
    await talking.catch(() => {})
  }
}

/** Node throws an 'error' that nobody listens to. */
function isHeardBySomebody(server: Server, error: Error): boolean {
  try {
    return server.emit('error', error)
  } catch (thrown) {
    return thrown !== error
  }
}
