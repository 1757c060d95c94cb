import { once } from 'node:events'
import { type AddressInfo, connect as dial, type Socket } from 'node:net'
import type { Client } from '../harness/client.ts'
import type { HostedServer } from '../harness/hosted-server.ts'
import { within } from '../harness/patience.ts'
import { type Stage, step } from '../judge/step.ts'
import { ask, echo } from '../protocols/lines.ts'

const CHAPTER = '12-many-loops'

interface Stats {
  loops: { threadId: number; connections: number; total: number }[]
  replaced: number
}

step('12.1', 'a socket moves to a loop thread before a byte is read', async (stage) => {
  const { serve, connect, expect } = stage
  await expectUnread(stage)

  const server = await serve(CHAPTER, { loops: 2, choose: 'in turn' })
  const loops = (await statsOf(server)).loops.map(({ threadId }) => String(threadId))
  const [ada, bob] = [await connect(server), await connect(server)]
  const first = await ask(ada, 'whoami', /^\d+$/, {
    because: 'ada’s socket has moved to a loop thread, and that thread answers.',
    likely:
      'Does the socket stand in the transfer list of postMessage, and does the thread put a LineConnection over a NetStream on its loop?',
  })
  const second = await ask(bob, 'whoami', /^\d+$/, { because: 'bob’s socket has moved, too.' })
  expect('ada and bob to be served by the two loop threads', sameItems([first, second], loops), {
    because: 'The main thread only accepts; the chooser’s turns give bob the other loop.',
    likely: 'Does the socket go to the thread of the loop that was chosen?',
    expected: `the threads ${loops.join(' and ')}`,
    received: `ada by ${first}, bob by ${second}`,
  })

  await ada.send('sleep 50\n')
  await server.roundTrip()
  const cyd = await connect(server)
  const [short, long] = ['é', 'x'.repeat(30_000)]
  await cyd.sendGlued(`echo ${short}\n`, `echo ${long}\n`, 'echo last')
  await cyd.send(' words\n', { cut: 'byte by byte' })
  await cyd.halfClose()
  await server.roundTrip()
  await cyd.expectBytes(`${short}\n${long}\nlast words\n`, {
    because:
      'cyd spoke, and said FIN, while her socket was on its way to a loop that sleeps. It all waited in the kernel.',
    likely: 'Who read bytes of this socket before the loop did?',
  })
  await cyd.expectEnd({
    because: 'cyd’s FIN has moved with the socket: first the answers, then our FIN.',
  })
})

step('12.2', 'connections are spread evenly, also when some of them stay', async (stage) => {
  const { serve, connect, expect, expectSame } = stage
  await expectLeastBusy(stage)

  const script = talkativeLoop()
  const busy = await serve(CHAPTER, { loops: 2, choose: 'least busy', script })
  const early: [Client, string][] = []
  for (let arrival = 0; arrival < 2; arrival++) {
    const client = await connect(busy)
    early.push([client, await ask(client, 'whoami', /^\d+$/, { because: 'Each has a loop.' })])
    await busy.roundTrip()
  }
  for (const [client, loop] of early) await putToSleep(busy, client, loop)
  for (let newcomer = 0; newcomer < 6; newcomer++) await connect(busy)
  await busy.expectEventually(
    'both loops to have four connections',
    async () => {
      const seen = connectionsIn(await statsOf(busy))
      return { holds: seen.every((connections) => connections === 4), received: seen.join(' and ') }
    },
    {
      because:
        'Eight have come, and both loops sleep: whoever has to choose must know all the same.',
      likely:
        'Count a connection when it moves. A count that waits for the loop to say something is too late for the next one.',
    },
  )

  const server = await serve(CHAPTER, { loops: 2, choose: 'least busy' })
  const homes: string[] = []
  for (let round = 0; round < 4; round++) {
    const [stays, leaves] = [await connect(server), await connect(server)]
    homes.push(await ask(stays, 'whoami', /^\d+$/, { because: 'Whoever stays has a loop.' }))
    await echo(leaves, { because: 'Whoever leaves soon is served, too.' })
    if (round % 2) leaves.reset()
    else await leave(leaves)
    await expectConnections(server, homes.length, {
      because: 'One of two has left: a connection that is gone is not counted any more.',
      likely:
        'Does the thread report "closed" when the socket emits \'close\', and does the main thread then count down?',
    })
  }
  const { loops } = await statsOf(server)
  const shares = loops.map(
    ({ threadId }) => homes.filter((home) => home === String(threadId)).length,
  )
  expect('each loop to serve two of the four who stay', sameItems(shares, [2, 2]), {
    because:
      'Every second client stays. Round robin gives all of these to one loop; who counts gives each loop its share.',
    likely: 'Which count goes down when a connection is gone: that of the loop which had it?',
    expected: '2 and 2',
    received: shares.join(' and '),
  })
  const total = loops.reduce((sum, loop) => sum + loop.total, 0)
  expectSame('the total of all loops', total, 8, {
    because: 'Eight clients have come since the beginning, whoever has left.',
    likely: '`total` goes up with each connection, and never down.',
  })
})

step('12.3', 'a loop that dies takes its own clients along, and is replaced', async (stage) => {
  const { serve, connect, expect, expectSame } = stage
  const server = await serve(CHAPTER, { loops: 2, choose: 'in turn', script: talkativeLoop() })
  const [ada, bob, cyd] = [await connect(server), await connect(server), await connect(server)]
  for (const client of [ada, bob, cyd]) await echo(client, { because: 'Three clients, two loops.' })
  const before = await statsOf(server)
  await ada.send('bug\n')
  for (const client of [ada, cyd]) {
    await client.expectClosed({ because: 'ada and cyd were on the loop that has died.' })
  }
  await echo(bob, { because: 'bob’s loop has nothing to do with it.' })
  await expectReplaced(server, 1, {
    because: 'One loop has died, and another one has taken its place.',
    likely:
      "A thread that ends emits 'exit'. Take its loop out of the list, start another, and count that in `replaced`.",
  })
  const after = await statsOf(server)
  const dead = before.loops.find(({ connections }) => connections === 2)!.threadId
  const living = after.loops.map(({ threadId }) => threadId)
  expect('the dead loop to be out of the list', living.length === 2 && !living.includes(dead), {
    because:
      'What is sent to a thread that has ended is lost without a word, and so is the client.',
    likely: 'Remove this loop, and not just any: find it in the list.',
    expected: `two loops, none of them ${dead}`,
    received: living.join(' and '),
  })
  expectSame('the connections of all loops', sum(connectionsIn(after)), 1, {
    because: 'Only bob is left: what the dead loop had is gone with it.',
    likely: 'The new loop starts with nothing. It must not take over the counts of the old one.',
  })
  const newcomers = [await connect(server), await connect(server)]
  const served = new Set<string>()
  for (const client of newcomers) {
    served.add(
      await ask(client, 'whoami', /^\d+$/, {
        because: 'Newcomers are served, by the old loop and by the new one.',
        likely: 'A dead loop that is still chosen swallows every socket that it is given.',
      }),
    )
  }
  expectSame('the number of loops that serve them', served.size, 2, {
    because: 'Two newcomers, two loops, in turn.',
  })

  const [dying] = served
  await putToSleep(server, newcomers[0], dying, 'sleep 200\nbug\n')
  const lost = await connectToLoop(stage, server, dying)
  await expectReplaced(server, 2, {
    because: 'The loop of the first newcomer has died as well.',
    likely: 'A loop that replaces another one can die, too: it needs the same care.',
  })
  await lost?.expectClosed({
    because:
      'This socket was on its way to a loop that slept, and then died. Nobody can get it back, and its client must not wait for ever.',
  })
  expectSame('the number of threads', await server.workers(), 2, {
    because: 'Two loops were asked for. Two have died, and there are two.',
  })
})

step('12.4', 'close() lets every loop finish, and leaves no thread', async (stage) => {
  const { serve, connect, expect, expectRefused } = stage
  const server = await serve(CHAPTER, {
    loops: 3,
    choose: 'in turn',
    graceMs: 60_000,
    script: talkativeLoop(),
  })
  const [ada, bob, cyd] = [await connect(server), await connect(server), await connect(server)]
  for (const client of [ada, bob, cyd]) await echo(client, { because: 'Each has a loop.' })
  server.beginClose()
  await server.roundTrip()
  await expectRefused(server, { because: 'A server that closes takes nobody new.' })
  for (const client of [ada, bob, cyd]) {
    await echo(client, {
      because: 'Whoever is connected has time to finish: close() does not cut.',
      likely: 'The threads are ended at once. Wait until no loop has a connection, or for graceMs.',
    })
  }
  await ada.send('bug\n')
  await ada.expectClosed({ because: 'ada’s loop dies while the server closes.' })
  await server.expectEventually(
    'two threads to be left',
    async () => {
      const threads = await server.workers()
      return { holds: threads === 2, received: `${threads} threads` }
    },
    {
      because: 'Who closes starts nothing new.',
      likely: 'A loop that ends while the group is closing is not replaced.',
    },
  )
  await leave(bob)
  await server.roundTrip()
  expect('close() to wait for cyd', !server.isClosed, {
    because: 'One loop has finished, another has not: close() is for all of them.',
    likely: 'Is close() over when the first loop is?',
  })
  await leave(cyd)
  await server.expectClosed({
    because: 'The last connection has ended: nothing is left to wait for, however long graceMs is.',
    likely: 'Stop waiting when no loop has a connection any more: #whenIdle() tells.',
  })
  await server.expectNothingLeft({
    because: 'A thread or a timer that is left keeps the process alive.',
    likely: 'End every thread, wait until it has ended, and clear the timer.',
  })

  const hasty = await serve(CHAPTER, { loops: 2, choose: 'in turn', graceMs: 50 })
  const [dee, eve] = [await connect(hasty), await connect(hasty)]
  for (const client of [dee, eve]) await echo(client, { because: 'Each has a loop.' })
  await eve.send('sleep 60000\n')
  await hasty.roundTrip()
  hasty.beginClose()
  await dee.expectClosed({
    because: 'dee simply stays. After graceMs nobody is waited for.',
    likely: 'Wait for the last connection or for a timer, whichever comes first.',
  })
  await eve.expectClosed({
    because: 'eve’s loop sleeps for a minute. It is not waited for, either.',
    likely: 'A thread that sleeps hears no message. terminate() ends it all the same.',
  })
  await hasty.expectClosed({ because: 'The grace period is over.' })
  await hasty.expectNothingLeft({
    because: 'A thread that is left keeps the process alive.',
    likely: 'close() resolves when every terminate() has.',
  })
})

step('12.5', 'a loop that is blocked delays its clients, and gets no more', async (stage) => {
  const { serve, connect } = stage
  await expectResponsive(stage)

  const server = await serve(CHAPTER, {
    loops: 2,
    choose: 'responsive',
    patienceMs: 0,
    script: talkativeLoop(),
  })
  const [ada, bob] = [await connect(server), await connect(server)]
  await echo(bob, { because: 'ada and bob have a loop each.' })
  const blocked = await ask(ada, 'whoami', /^\d+$/, { because: 'ada’s loop answers, so far.' })
  await putToSleep(server, ada, blocked)
  const waiting = await connectToLoop(stage, server, blocked)
  await waiting?.send('echo anybody there?\n')
  await waiting?.expectSilence(() => echo(bob, { because: 'bob’s loop is not ada’s.' }), {
    because:
      'Here is the flaw: ada’s loop sleeps, so whoever shares it waits, though the other loop has nothing to do.',
  })
  await server.roundTrip()
  for (const name of ['fay', 'gus', 'hal']) {
    const newcomer = await connect(server, name)
    await echo(newcomer, {
      because: `A socket has been waiting for ada’s loop; ${name} goes where sockets are taken up.`,
      likely: 'Leave out a loop that has let a socket wait for longer than patienceMs.',
    })
    await server.roundTrip()
  }
})

/** A socket that the acceptor hands over has nothing read from it, and its FIN is not answered. */
async function expectUnread({ load, story, expect }: Stage): Promise<void> {
  const { createAcceptor } = await load(() => import('#code/12-many-loops/acceptor.ts'))
  const sockets: Socket[] = []
  const server = createAcceptor((socket) => sockets.push(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const clients = [dial(port, '127.0.0.1'), dial(port, '127.0.0.1')]
  try {
    story.tell('zoe', 'connects to an acceptor that leaves her socket lying, and says "early"')
    await new Promise((resolve) => clients[0].end('early', () => resolve(undefined)))
    // Whoever reads zoe's bytes has read them by the time that a stranger who came later has been heard.
    const arrived = within(
      1_500,
      (async () => {
        while (sockets.length < 2) await new Promise((resolve) => setImmediate(resolve))
        sockets[1].resume()
        clients[1].write('later')
        await once(sockets[1], 'data')
      })(),
    )
    expect('the acceptor to hand over the sockets', (await arrived) !== 'too late', {
      because: 'Every connection is handed to onSocket.',
      likely: 'onSocket is what createServer calls with each connection.',
    })
    expect('nothing of zoe’s socket to be read', sockets.every(isUntouched), {
      because:
        'A byte that this thread has read cannot move: the loop would never see it, and Node refuses to move the socket.',
      likely:
        'A server reads from each connection as soon as it is there, unless it pauses it on connect.',
      received: `${sockets[0].bytesRead} bytes read`,
    })
    expect('her socket to stay open behind her FIN', sockets[0].allowHalfOpen, {
      because: 'Who has said FIN still wants answers. That choice moves with the socket.',
      likely:
        'See serveConnections in 01-hello/server.ts: which option does it give to createServer?',
    })
  } finally {
    for (const socket of [...clients, ...sockets]) socket.destroy()
    server.close()
  }

  function isUntouched(socket: Socket): boolean {
    return socket === sockets[1] || socket.bytesRead === 0
  }
}

async function expectLeastBusy({ load, expectSame, random }: Stage): Promise<void> {
  const { leastBusy } = await load(() => import('#code/12-many-loops/choose.ts'))
  for (const loads of [[3, 1, 2], [4, 4, 3, 5], randomLoads()]) {
    const loops = loads.map((connections) => ({ connections, waitingSinceMs: undefined }))
    const fewest = Math.min(...loads)
    const chosen = leastBusy(loops)
    expectSame(
      `the load of the loop that leastBusy() picks from ${loads.join(', ')}`,
      chosen?.connections,
      fewest,
      {
        because: 'A connection costs most where most are already.',
        likely: 'Go through all of them and keep the one with the fewest.',
      },
    )
  }

  function randomLoads(): number[] {
    return Array.from({ length: 8 }, () => 10 + Math.floor(random() * 1_000))
  }
}

async function expectResponsive({ load, expectSame }: Stage): Promise<void> {
  const { responsive } = await load(() => import('#code/12-many-loops/choose.ts'))
  const cases = [
    {
      waiting: { idle: undefined, slow: 900, fresh: 990 },
      answering: ['idle', 'fresh'],
      because:
        'A socket has waited 100 ms for `slow`, which is longer than 50; for `fresh` only 10.',
      likely: 'waitingSinceMs is a point in time, as nowMs is: compare their difference.',
    },
    {
      waiting: { slow: 100, slower: 50 },
      answering: ['slow', 'slower'],
      because: 'None of them answers, and somebody has to have the connection.',
      likely: 'When nothing is left, answer all of them.',
    },
    {
      waiting: { only: undefined, other: undefined },
      answering: ['only', 'other'],
      because: 'No socket waits for either of them.',
      likely: '`undefined` means that nobody waits.',
    },
  ]
  for (const { waiting, answering, ...reason } of cases) {
    const loops = Object.entries(waiting).map(([name, waitingSinceMs]) => ({
      name,
      connections: 1,
      waitingSinceMs,
    }))
    const names = responsive(loops, 1_000, 50).map(({ name }) => name)
    expectSame('the loops that answer', names, answering, reason)
  }
}

/**
 * A thread's script for the line protocol, with two additions. The line `bug` throws in the handler, which ends the
 * loop. And before it sleeps it says so, on the process's own output: from a loop that sleeps comes nothing else.
 */
function talkativeLoop(): string {
  const [loopThread, connection, lines, commands] = [
    '12-many-loops/loop-thread.ts',
    '07-event-loop/connection.ts',
    '07-event-loop/line-protocol.ts',
    '07-event-loop/server.ts',
  ].map((file) => JSON.stringify(import.meta.resolve(`#code/${file}`)))
  return `data:text/javascript,${encodeURIComponent(`
    import { writeSync } from 'node:fs'
    import { threadId } from 'node:worker_threads'
    import { runLoop } from ${loopThread}
    import { Connection } from ${connection}
    import { LineProtocol } from ${lines}
    import { COMMANDS } from ${commands}
    const events = {
      ...COMMANDS,
      onLine(line, lines) {
        if (line === 'bug') throw new Error('a bug in a handler')
        if (line.startsWith('sleep ')) writeSync(1, \`Loop \${threadId} sleeps\\n\`)
        COMMANDS.onLine(line, lines)
      },
    }
    runLoop((stream, loop) => {
      const connection = new Connection(stream, loop)
      connection.use(new LineProtocol(connection, events))
    })
  `)}`
}

/** Puts the client's loop to sleep, and returns when it sleeps. The loop's script is the talkative one. */
async function putToSleep(
  server: HostedServer,
  client: Client,
  threadId: string | number,
  lines = 'sleep 60000\n',
): Promise<void> {
  await client.send(lines)
  await server.expectEventually(
    `loop ${threadId} to sleep`,
    async () => ({
      holds: server.output.includes(`Loop ${threadId} sleeps\n`),
      received: 'it does not',
    }),
    { because: 'It has been told to, by a client of its own.' },
  )
}

/** A newcomer whose connection goes to that loop, or `undefined` when the loop is gone. Who goes elsewhere is served. */
async function connectToLoop(
  { connect, expect }: Stage,
  server: HostedServer,
  threadId: string,
): Promise<Client | undefined> {
  for (let attempt = 0; attempt < 3; attempt++) {
    const before = totalsIn(await statsOf(server))
    const client = await connect(server)
    let now = before
    await server.expectEventually(
      'the newcomer to be counted',
      async () => {
        now = totalsIn(await statsOf(server))
        const isCounted = [...now].some(([loop, total]) => total > (before.get(loop) ?? 0))
        return { holds: isCounted || !now.has(threadId), received: 'the same totals as before' }
      },
      { because: '`total` goes up with each connection.' },
    )
    if (!now.has(threadId)) return undefined
    if (now.get(threadId)! > before.get(threadId)!) return client
    await echo(client, { because: 'The other loop serves whoever it gets.' })
  }
  expect(`a newcomer to be given to loop ${threadId}`, false, {
    because: 'It lives, and nobody is known to be waiting for it: it gets its share.',
  })
  return undefined
}

async function leave(client: Client): Promise<void> {
  await client.halfClose()
  await client.expectEnd({ because: 'Whoever says FIN is answered with FIN.' })
}

async function expectConnections(
  server: HostedServer,
  count: number,
  reason: { because: string; likely?: string },
): Promise<void> {
  await server.expectEventually(
    `${count === 1 ? 'one connection' : `${count} connections`} to be counted`,
    async () => {
      const seen = connectionsIn(await statsOf(server))
      return { holds: sum(seen) === count, received: seen.join(' and ') }
    },
    reason,
  )
}

async function expectReplaced(
  server: HostedServer,
  count: number,
  reason: { because: string; likely?: string },
): Promise<void> {
  await server.expectEventually(
    `stats() to say that ${count === 1 ? 'one loop was' : `${count} loops were`} replaced`,
    async () => {
      const { replaced, loops } = await statsOf(server)
      return { holds: replaced === count, received: `${replaced}, with ${loops.length} loops` }
    },
    reason,
  )
}

function statsOf(server: HostedServer): Promise<Stats> {
  return server.call<Stats>('stats')
}

function connectionsIn({ loops }: Stats): number[] {
  return loops.map(({ connections }) => connections)
}

/** The total of each loop, by its thread's id. */
function totalsIn({ loops }: Stats): Map<string, number> {
  return new Map(loops.map(({ threadId, total }) => [String(threadId), total]))
}

function sum(numbers: number[]): number {
  return numbers.reduce((all, each) => all + each, 0)
}

function sameItems<T>(some: T[], others: T[]): boolean {
  return some.toSorted().join() === others.toSorted().join()
}
