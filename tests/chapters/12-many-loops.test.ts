import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { step } from '../judge/step.ts'
import { ask, echo } from '../protocols/lines.ts'
import {
  expectBrokenScriptLeft,
  expectOnlyLoopReplaced,
  expectOthersGoOn,
  expectOut,
} from '../worlds/12-many-loops/broken-loops.ts'
import {
  expectAsleep,
  expectDeathNoticed,
  expectFurtherCloseToWait,
  expectGraceToEnd,
  expectIdleToClose,
  expectNoTimerLeft,
  expectNothingStartedLate,
  expectNotReplaced,
  expectThreadsGone,
  NOT_ENDED_WITH_ADA,
} from '../worlds/12-many-loops/closing-loops.ts'
import {
  expectCountedAtOnce,
  expectCountedUntilClosed,
  expectNoneWaiting,
  expectOutAtOnce,
  expectSpreadWhileAsleep,
} from '../worlds/12-many-loops/counted-loops.ts'
import {
  expectLeastBusy,
  expectNewcomersElsewhere,
  expectOnlyConnectionsCompared,
  expectResponsive,
} from '../worlds/12-many-loops/loop-choice.ts'
import {
  breakableLoop,
  connectionsIn,
  connectToLoop,
  expectConnectionsCounted,
  expectReplaced,
  leave,
  putToSleep,
  sameItems,
  statsOf,
  sum,
  talkativeLoop,
} from '../worlds/12-many-loops/many-loops.ts'
import {
  expectReadSocketRefused,
  expectRefusalSeen,
  expectUnread,
} from '../worlds/12-many-loops/unread-sockets.ts'

const CHAPTER = '12-many-loops'

step('12.1', 'a socket moves to a loop thread before a byte is read', async (stage) => {
  const { serve, connect, expect } = stage
  await expectUnread(stage)
  await expectRefusalSeen(stage)

  const script = talkativeLoop()
  const server = await serve(CHAPTER, { loops: 2, choose: 'in turn', script })
  const loops = (await statsOf(server)).loops.map(({ threadId }) => String(threadId))
  const [ada, bob] = [await connect(server), await connect(server)]
  const first = await ask(ada, 'whoami', /^\d+$/, {
    because: 'ada’s socket has moved to a loop thread, and that thread answers.',
    likely:
      'The socket has to be in the transferList of postMessage(), and serveSocket() has to serve it on the loop, as a NetStream.',
    seen: {
      crashed: 'What the thread receives has to be the socket itself, with nothing around it.',
    },
    look: ['acceptor.moveSocket()', 'loop-thread.serveSocket()'],
  })
  const second = await ask(bob, 'whoami', /^\d+$/, { because: 'bob’s socket has moved, too.' })
  expect('ada and bob to be served by the two loop threads', sameItems([first, second], loops), {
    because: 'The main thread only accepts; "in turn" gives bob the other loop.',
    likely: '#give() moves the socket to the thread of the loop that it is given.',
    look: 'loop-group.#give()',
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
      'cyd sent three lines and FIN while her socket was on its way to a loop that sleeps. All of that waited in the kernel.',
    likely: 'Something read from this socket before the loop did.',
  })
  await cyd.expectEnd({
    because: 'cyd’s FIN has moved with the socket: first the answers, then our FIN.',
  })
  expect('one loop in each thread', !server.output.includes('has another loop'), {
    because: 'A thread has one loop for all of its sockets: that is why a handler needs no lock.',
    likely: 'Serve the socket on the loop that serveSocket() is given.',
    look: 'loop-thread.serveSocket()',
    received: server.output,
  })
  await expectReadSocketRefused(stage)
})

step('12.2', 'connections are spread evenly, also when some of them stay', async (stage) => {
  const { serve, connect, expect, expectSame } = stage
  await expectLeastBusy(stage)
  await expectOnlyConnectionsCompared(stage)

  await expectSpreadWhileAsleep(stage)

  const server = await serve(CHAPTER, { loops: 2, choose: 'least busy' })
  const homes: string[] = []
  for (let round = 0; round < 4; round++) {
    const [stays, leaves] = [await connect(server), await connect(server)]
    homes.push(await ask(stays, 'whoami', /^\d+$/, { because: 'A client that stays has a loop.' }))
    await echo(leaves, { because: 'A client that leaves soon is served, too.' })
    if (round % 2) leaves.reset()
    else await leave(leaves)
    await expectConnectionsCounted(server, homes.length, {
      because: 'One of the two has left: a connection that is gone is not counted any more.',
      likely:
        "The thread reports 'closed' when the socket emits 'close', however it ended; the main thread then counts down.",
      look: ['loop-thread.serveSocket()', 'loop-group.#onClosed()'],
    })
  }
  const { loops } = await statsOf(server)
  const shares = loops.map(
    ({ threadId }) => homes.filter((home) => home === String(threadId)).length,
  )
  expect('each loop to serve two of the four who stay', sameItems(shares, [2, 2]), {
    because:
      'Every second client stays. Round robin gives all of these to one loop; correct counts give each loop its share.',
    likely: 'When a connection is gone, the count of the loop that had it goes down, and no other.',
    look: 'loop-group.#onClosed()',
    expected: '2 and 2',
    received: shares.join(' and '),
  })
  const total = loops.reduce((sum, loop) => sum + loop.total, 0)
  expectSame('the total of all loops', total, 8, {
    because:
      'Eight clients have connected since the start. It does not matter that some have left.',
    likely: '`total` goes up with each connection, and never down.',
    look: ['loop-group.#give()', 'loop-group.#onClosed()'],
  })

  await expectCountedAtOnce(stage)
  await expectCountedUntilClosed(stage)
  await expectNoneWaiting(stage)
})

step('12.3', 'a loop that dies takes its own clients along, and is replaced', async (stage) => {
  const { serve, connect, expectSame } = stage
  const folder = mkdtempSync(join(tmpdir(), 'many-loops-'))
  try {
    const script = breakableLoop(folder)
    const server = await serve(CHAPTER, { loops: 3, choose: 'in turn', script })
    const [ada, bob, cyd, dee] = [
      await connect(server),
      await connect(server),
      await connect(server),
      await connect(server),
    ]
    const homes: string[] = []
    for (const client of [ada, bob, cyd, dee])
      homes.push(await ask(client, 'whoami', /^\d+$/, { because: 'Four clients, three loops.' }))
    await bob.send('bug\n')
    await bob.expectClosed({ because: 'bob was on the loop that has died.' })
    for (const client of [ada, cyd, dee])
      await echo(client, { because: 'The other loops are not affected.' })
    await expectReplaced(server, 1, {
      because: 'One loop has died, and another has taken its place.',
      likely:
        "A thread that ends emits 'exit'. Take its loop out of the list, start another, and count that in `replaced`.",
    })
    await expectOut(stage, server, homes[1], 3, [homes[0], homes[2]])
    expectSame(
      'the number of connections of all loops',
      sum(connectionsIn(await statsOf(server))),
      3,
      {
        because: 'ada, cyd and dee are left: what the dead loop had is gone with it.',
        likely:
          'The new loop starts with nothing. It must not take over the counts of the old one.',
      },
    )
    const served = new Set<string>()
    for (let newcomer = 0; newcomer < 3; newcomer++) {
      const client = await connect(server)
      served.add(
        await ask(client, 'whoami', /^\d+$/, {
          because: 'Newcomers are served, by the old loops and by the new one.',
          likely: 'A dead loop that is still chosen swallows every socket that it is given.',
        }),
      )
    }
    expectSame('the number of loops that serve them', served.size, 3, {
      because: 'Three newcomers, three loops, in turn.',
    })

    await expectOutAtOnce(stage)
    await putToSleep(server, ada, homes[0], 'sleep 200\nbug\n')
    const lost = await connectToLoop(stage, server, homes[0])
    await expectReplaced(server, 2, {
      because: 'ada’s loop has died as well.',
      likely: 'Every loop that dies is replaced, however many were replaced earlier.',
    })
    await lost?.expectClosed({
      because:
        'This socket was on its way to a loop that slept, and then died. Nothing can get it back, but its client must not wait forever.',
    })
    await expectOut(stage, server, homes[0], 3, [homes[2]])
    expectSame('the number of threads', await server.workers(), 3, {
      because: 'Three loops were asked for. Two have died, and both were replaced.',
    })

    await expectBrokenScriptLeft(stage, server, folder, cyd)
    await expectOut(stage, server, homes[2], 2, [])
    await expectOthersGoOn(stage, server, folder)
    await expectOnlyLoopReplaced(stage)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

step('12.4', 'close() lets every loop finish, and leaves no thread', async (stage) => {
  const { serve, connect, expect, expectRefused } = stage
  const graceMs = 60_000
  const server = await serve(CHAPTER, {
    loops: 3,
    choose: 'in turn',
    graceMs,
    script: talkativeLoop(),
  })
  const [ada, bob, cyd] = [await connect(server), await connect(server), await connect(server)]
  for (const client of [ada, bob, cyd]) await echo(client, { because: 'Each has a loop.' })
  const closedAt = performance.now()
  server.beginClose()
  await server.roundTrip()
  await expectRefused(server, { because: 'A server that is closing accepts no new clients.' })
  for (const client of [ada, bob, cyd]) {
    await echo(client, {
      because: 'A client that is connected has time to finish: close() does not cut it off.',
      likely: 'The threads are ended at once. Wait until no loop has a connection, or for graceMs.',
    })
  }
  await ada.send('bug\n')
  await ada.expectClosed({ because: 'ada’s loop dies while the server closes.' })
  await expectNotReplaced(stage, server)
  for (const client of [bob, cyd]) await echo(client, NOT_ENDED_WITH_ADA)
  await leave(bob)
  server.beginClose()
  await server.roundTrip()
  expect('close() to wait for cyd, each time it is called', !server.isClosed, {
    because: 'One loop has finished, another has not: close() waits for all of them.',
    likely:
      'close() resolves at once when it was called earlier, or as soon as the first loop has finished.',
  })
  await expectAsleep(stage, server, graceMs, closedAt)
  await leave(cyd)
  await server.expectClosed({
    because: 'The last connection has ended: nothing is left to wait for, however long graceMs is.',
    likely: 'Stop waiting when no loop has a connection any more: #whenIdle() resolves then.',
  })
  await expectThreadsGone(stage, server, 2)
  await server.expectNothingLeft({
    because: 'A thread or a timer that is left keeps the process alive.',
    likely: 'End every thread, wait until it has ended, and clear the timer.',
  })

  await expectGraceToEnd(stage)
  await expectIdleToClose(stage)
  await expectFurtherCloseToWait(stage)
  await expectNothingStartedLate(stage)
  await expectNoTimerLeft(stage)
  await expectDeathNoticed(stage)
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
  await waiting?.expectSilence(() => echo(bob, { because: 'bob is on the other loop.' }), {
    because:
      'This is the flaw: ada’s loop sleeps, so a client that shares it waits, although the other loop has nothing to do.',
  })
  await expectNewcomersElsewhere(stage, server)
})
