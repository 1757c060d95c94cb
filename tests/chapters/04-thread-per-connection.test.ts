import type { Client } from '../harness/client.ts'
import type { HostedServer } from '../harness/hosted-server.ts'
import { PATIENCE_MS } from '../harness/patience.ts'
import { step } from '../judge/step.ts'
import { ask, echo } from '../protocols/lines.ts'
import { UninterruptibleThreads } from '../worlds/uninterruptible-threads.ts'

const CHAPTER = '04-thread-per-connection'

step('04.1', 'every connection gets a thread of its own', async ({ serve, connect, expect }) => {
  const server = await serve(CHAPTER)
  const [ada, bob] = [await connect(server), await connect(server)]
  await echo(ada, {
    because: 'The thread reads a line, runs the command and writes the answer.',
    likely: 'Is the bridge’s end the workerData of the thread, and its port in the transferList?',
  })
  await ask(ada, 'nonsense', 'error unknown command', { because: 'Every line gets an answer.' })

  const first = await ask(ada, 'whoami', /^\d+$/, {
    because: 'whoami answers with the thread’s id.',
  })
  const second = await ask(bob, 'whoami', /^\d+$/, {
    because: 'bob is served while ada is still connected.',
    likely: 'Does bob’s thread exist? A thread that serves ada serves nobody else.',
  })
  const again = await ask(ada, 'whoami', /^\d+$/, { because: 'ada goes on talking to her thread.' })
  expect('ada and bob to be served by two threads', first !== second && first === again, {
    because: 'A connection has its own thread, and keeps it.',
    likely: 'One thread serves everybody. Start a new Worker for each socket.',
    expected: 'two different ids, each the same every time',
    received: `ada ${first}, bob ${second}, ada again ${again}`,
  })

  await ada.halfClose()
  await ada.expectEnd({
    because: 'After ada’s FIN her thread says FIN, too.',
    likely: 'readLine() returns null at the end: leave the loop and call end().',
  })
  await bob.sendGlued('echo one\n', 'echo two\n', 'echo three')
  await bob.halfClose()
  for (const answer of ['one', 'two', 'three'])
    await bob.expectLine(answer, { because: 'All of it came before bob’s FIN, so it is answered.' })
  await bob.expectEnd({ because: 'Then bob’s thread says FIN.' })
})

step('04.2', 'one client that computes does not delay another', async ({ serve, connect }) => {
  const server = await serve(CHAPTER)
  const [ada, bob] = [await connect(server), await connect(server)]
  await ask(ada, 'fib 10', '55', { because: 'fib(10) is 55.' })
  await ask(ada, 'fib 0', '0', { because: 'fib(0) is 0.' })
  await ask(ada, 'fib 1', '1', { because: 'fib(1) is 1.' })
  await ask(ada, 'fib 24', '46368', { because: 'fib(24) is 46368.' })
  await echo(bob, { because: 'bob’s thread is up.' })

  await ada.send('fib 40\n')
  await ada.expectSilence(
    async () => {
      for (let trip = 0; trip < 5; trip++)
        await echo(bob, { because: 'bob has a thread of his own.' })
    },
    {
      because: 'bob’s five answers take a few milliseconds, ada’s computation about a second.',
      likely:
        'Is fib computed in the main thread? Or does it not compute at all? It is meant to be slow: no table, no loop.',
    },
  )
})

step('04.3', 'a crash costs one connection, with a reason', async (stage) => {
  const { serve, connect } = stage
  const server = await serve(CHAPTER)
  const [ada, bob] = [await connect(server), await connect(server)]
  await echo(bob, { because: 'bob is connected.' })
  await ada.sendGlued('echo last words\n', 'crash\n')
  await ada.expectLine('last words', {
    because: 'This line was answered before the next one crashed.',
  })
  await ada.expectLine(/^error crashed: .*crashed on request$/, {
    because: 'ada learns why her connection ends.',
    likely: "The Worker emits 'error' with what its code threw. Write its message to the socket.",
  })
  await ada.expectEnd({ because: 'Her thread is gone, so her connection ends.' })
  await echo(bob, { because: 'bob’s thread has nothing to do with ada’s.' })
  const cyd = await connect(server)
  await echo(cyd, { because: 'The server goes on, and newcomers are served.' })

  const other = await serve(CHAPTER)
  const dee = await connect(other, 'dee')
  await crashUnread(dee, other)
})

step('04.4', 'threads end with their connections, and all of them with close()', async (stage) => {
  const { serve, connect, load, expect, story } = stage
  const server = await serve(CHAPTER, { graceMs: 60_000 })
  const [ada, bob, cyd, dee] = [
    await connect(server),
    await connect(server),
    await connect(server),
    await connect(server),
  ]
  for (const client of [ada, bob, cyd, dee]) await echo(client, { because: 'All four are served.' })
  await expectThreads(server, 4, {
    because: 'Four connections, four threads.',
    likely: 'stats() tells how many live: add each thread when it starts.',
  })

  await ada.halfClose()
  await ada.expectEnd({ because: 'ada says goodbye.' })
  ada.leave()
  await expectThreads(server, 3, {
    because: 'ada has gone, and her thread has returned.',
    likely: "A thread that has ended emits 'exit': forget it then.",
  })
  bob.reset()
  await expectThreads(server, 2, {
    because: 'bob has vanished, and nobody will ever read for him again.',
  })
  await cyd.send('sleep 60000\n')
  await server.roundTrip()
  cyd.reset()
  await expectThreads(server, 1, {
    because: 'cyd is lost; her thread would sleep for a minute for nobody.',
    likely: "Do not wait for the thread to notice: terminate it when its socket emits 'close'.",
  })
  await ask(dee, 'crash', /^error crashed/, { because: 'dee’s thread crashes.' })
  await dee.expectEnd({ because: 'That ends her connection.' })
  dee.leave()
  await expectThreads(server, 0, { because: 'A thread that crashed is gone like any other.' })

  const eve = await connect(server, 'eve')
  await crashUnread(eve, server)

  const fay = await connect(server, 'fay')
  await echo(fay, { because: 'fay is served.' })
  server.beginClose()
  story.tell('test', 'calls close() once more')
  let isSecondResolved = false
  const second = server.call('close').then(() => {
    isSecondResolved = true
  })
  second.catch(() => {})
  await server.roundTrip()
  await ask(fay, 'echo goodbye', 'goodbye', {
    because: 'Within the grace period whoever is connected is served to the end.',
    likely:
      'First close the server, which waits for the connections; then end what threads are left.',
  })
  expect('close() to wait for fay, both times', !server.isClosed && !isSecondResolved, {
    because: 'Her thread is alive. Whoever calls close() wants to know when all of them are gone.',
    likely: 'Wait for server.close(), and for the threads.',
  })
  await fay.halfClose()
  await fay.expectEnd({ because: 'She says goodbye.' })
  await server.expectClosed({
    because: 'The last connection has ended, and with it the last thread.',
  })
  await second

  const hasty = await serve(CHAPTER, { graceMs: 50 })
  for (const name of ['gus', 'hal']) {
    const sleeper = await connect(hasty, name)
    await echo(sleeper, { because: 'The thread is up.' })
    await sleeper.send('sleep 60000\n')
  }
  await hasty.roundTrip()
  hasty.beginClose()
  await hasty.expectClosed({
    because: 'After graceMs connections are cut, and their threads end with them.',
    likely: 'Wait for the terminate() of every thread that is left.',
  })
  await hasty.expectNothingLeft({ because: 'A thread that is left keeps the process alive.' })

  const { serveInThreads } = await load(() => import('#code/04-thread-per-connection/server.ts'))
  const slow = await UninterruptibleThreads.serve(serveInThreads)
  story.tell('kim', 'connects, makes her thread compute in native code, and resets')
  const kim = await slow.connect()
  kim.client.resetAndDestroy()
  expect('her thread to count until it has ended', await slow.countsToTheEnd(kim), {
    because:
      'terminate() takes effect when native code returns. Until then the thread takes its place.',
    likely: "A socket's 'close' comes before its thread's 'exit': forget the thread at the latter.",
    received: 'stats() without it while it lives',
  })
  story.tell('leo', 'connects and makes his thread compute in native code')
  const leo = await slow.connect()
  story.tell('test', 'calls close()')
  await slow.close()
  expect('close() to have waited for his thread', leo.hasEnded, {
    because: 'Whoever waits for close() may end the process then, or free what the threads use.',
    likely: 'terminate() returns a promise. Wait for those of all threads.',
  })
})

step('04.5', 'past the limit a client hears `busy`, and places are given back', async (stage) => {
  const { serve, connect } = stage
  const server = await serve(CHAPTER, { maxThreads: 2 })
  const [ada, bob] = [await connect(server), await connect(server)]
  for (const client of [ada, bob]) await echo(client, { because: 'Two places, two clients.' })

  const cyd = await connect(server)
  await cyd.expectLine('busy', {
    because:
      'There is no thread for cyd. She is told so at once, instead of waiting or being cut off.',
    likely: 'Count the threads that live before a new one is started.',
  })
  await cyd.expectEnd({ because: 'After `busy` there is nothing more to say.' })
  for (const text of ['echo am I late?\n', 'echo hello?\n']) {
    await cyd.send(text)
    await server.roundTrip()
  }
  await cyd.expectEnd({
    because: 'FIN was promised, and nothing but FIN: who talks on is not reset.',
    likely:
      'Both directions are closed. Then the kernel answers what she says with RST. Close ours only: end().',
  })
  await cyd.halfClose()
  await expectConnections(server, 2, {
    because: 'Both sides have said FIN. A refused client must not cost a socket.',
    likely: 'Does anybody read what she said? A socket that nobody reads never notices her FIN.',
  })
  await echo(ada, { because: 'Those who have a place keep it.' })

  for (const [leaver, how] of [
    [ada, 'leave'],
    [bob, 'reset'],
  ] as const) {
    leaver[how]()
    await expectThreads(server, 1, { because: 'One of two has gone.' })
    const newcomer = await connect(server)
    await echo(newcomer, {
      because: 'Whoever leaves gives a place back.',
      likely:
        'The count goes up and never down. Count the threads that live, not those that ever lived.',
    })
  }
})

/** A chunk of what waits for a client who does not read. */
const ANSWER = 'x'.repeat(60_000)

/**
 * The client's thread crashes while megabytes of its answers are on their way and some wait in the server's own queue. It
 * talks on, and then reads: all of it must come. Its connection is the server's only one.
 */
async function crashUnread(client: Client, server: HostedServer): Promise<void> {
  client.beQuiet(
    'asks and asks and does not read, until its answers wait in the server; then it crashes its thread',
  )
  client.stopReading()
  let answers = ''
  while (answers.length < MOST_QUEUED && (await server.queuedBytes()) === 0) {
    await client.send(`echo ${ANSWER}\n`)
    answers += `${ANSWER}\n`
    await untilWritten(server, answers.length)
  }
  await client.send('crash\n')
  await expectNoWorker(server)
  const talk = async () => {
    await client.send('hello?\n')
    await server.roundTrip()
  }
  const last = {
    because:
      'These answers were given before the thread crashed. The client reads them late, and talks meanwhile: they are its own all the same.',
    likely:
      'destroy() throws away what waits, and destroySoon() closes both directions: then the kernel answers the next word with RST, and forgets what it still has. end() closes ours behind all that waits.',
  }
  await client.expectBytes(answers, last, { sips: SIP_BYTES, between: talk })
  await client.expectLine(/^error crashed: .*crashed on request$/, last)
  await client.expectEnd(last)
  await client.halfClose()
  await expectConnections(server, 0, { because: 'Both sides have said FIN.' })
}

/** What a client reads at a time: far less than a kernel holds. */
const SIP_BYTES = 256 * 1024

/** More than any kernel takes for a client that does not read. */
const MOST_QUEUED = 64 * 1024 * 1024

/** The thread needs a moment for its answer. */
async function untilWritten(server: HostedServer, bytes: number): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while ((await server.writtenBytes()) < bytes && performance.now() < deadline)
    await server.roundTrip()
}

async function expectNoWorker(server: HostedServer): Promise<void> {
  const look = async () => {
    const threads = await server.workers()
    return { holds: threads === 0, received: `${threads}` }
  }
  await server.expectEventually('the thread to be gone', look, { because: 'It has crashed.' })
}

async function expectConnections(
  server: HostedServer,
  count: number,
  reason: { because: string; likely?: string },
): Promise<void> {
  const look = async () => {
    const connections = await server.connections()
    return { holds: connections === count, received: `${connections}` }
  }
  await server.expectEventually(`${count} open sockets`, look, reason)
}

async function expectThreads(
  server: HostedServer,
  count: number,
  reason: { because: string; likely?: string },
): Promise<void> {
  await server.expectEventually(
    `${count} ${count === 1 ? 'thread' : 'threads'}`,
    async () => {
      const { threads } = await server.call<{ threads: number }>('stats')
      // What the server says, and what there really is.
      const workers = await server.workers()
      return {
        holds: threads === count && workers === count,
        received: `${threads} by stats(), ${workers} in the process`,
      }
    },
    reason,
  )
}
