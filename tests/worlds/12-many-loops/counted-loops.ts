/** What a group of loops counts, and when: in the turn in which it happens. */

import { once } from 'node:events'
import { type AddressInfo, connect as dial, type Socket } from 'node:net'
import type { Worker } from 'node:worker_threads'
import type { Choose } from '#code/12-many-loops/choose.ts'
import type { LoopGroup } from '#code/12-many-loops/loop-group.ts'
import type { Report } from '#code/12-many-loops/loop-thread.ts'
import type { Client } from '../../harness/client.ts'
import { PATIENCE_MS, within } from '../../harness/patience.ts'
import type { Stage } from '../../judge/step.ts'
import { ask, echo } from '../../protocols/lines.ts'
import {
  connectionsIn,
  expectConnectionsCounted,
  putToSleep,
  statsOf,
  sum,
  talkativeLoop,
} from './many-loops.ts'

const CHAPTER = '12-many-loops'

/** A group of two loops in this process, and its threads. It is ended when the body is over. */
export async function withGroup(
  { load }: Stage,
  body: (group: LoopGroup, threads: Worker[]) => Promise<void>,
  choose?: Choose,
): Promise<void> {
  const { LoopGroup } = await load(() => import('#code/12-many-loops/loop-group.ts'))
  const { leastBusy } = await load(() => import('#code/12-many-loops/choose.ts'))
  const threads: Worker[] = []
  const note = (thread: Worker) => void threads.push(thread)
  process.on('worker', note)
  const script = new URL(talkativeLoop())
  const group = await LoopGroup.start({ script, size: 2, choose: choose ?? leastBusy })
  try {
    await body(group, threads)
  } finally {
    process.off('worker', note)
    // What a group does with a thread that has ended is a matter of 12.3.
    for (const thread of threads) thread.removeAllListeners('exit')
    await group.terminate()
  }
}

/** Loops that sleep report nothing, and have to be counted right all the same. */
export async function expectSpreadWhileAsleep({ serve, connect }: Stage): Promise<void> {
  const script = talkativeLoop()
  const busy = await serve(CHAPTER, { loops: 2, choose: 'least busy', script })
  const early: [Client, string][] = []
  for (let arrival = 0; arrival < 2; arrival++) {
    const client = await connect(busy)
    early.push([client, await ask(client, 'whoami', /^\d+$/, { because: 'Each has a loop.' })])
    await busy.roundTrip()
  }
  const whileAwake = sum(connectionsIn(await statsOf(busy)))
  for (const [client, loop] of early) await putToSleep(busy, client, loop)
  for (let newcomer = 0; newcomer < 6; newcomer++) await connect(busy)
  await busy.expectEventually(
    'both loops to have four connections',
    async () => {
      const seen = connectionsIn(await statsOf(busy))
      return {
        holds: seen.every((connections) => connections === 4),
        received: seen.join(' and '),
        likely: causeOf(seen, whileAwake),
      }
    },
    {
      because:
        'Eight clients have connected, and both loops sleep. The counts have to be right all the same.',
      likely:
        'Count a connection when it moves. A count that waits for a report from the loop comes too late for the next one.',
      look: 'loop-group.#give()',
    },
  )
}

/** Why the counts of eight connections are wrong, where they tell it, and what was counted of two before the loops slept. */
function causeOf(seen: number[], whileAwake: number): string | undefined {
  if (sum(seen) === 0) {
    return "#give() counts up. Count down only when the loop reports it: in the main thread, a socket that has moved emits 'close' at once."
  }
  if (sum(seen) === 8 && seen.includes(0)) {
    return '#give() counts the loop that gets the socket, and no other.'
  }
  if (whileAwake === 0) {
    return "Connections are counted down that still exist: report 'closed' inside the listener of 'close', not when serving begins."
  }
  return undefined
}

/** Sockets as an acceptor hands them over, and their clients. All are closed when the body is over. */
export async function withAccepted(
  { load }: Stage,
  count: number,
  body: (sockets: Socket[], clients: Socket[]) => Promise<void>,
): Promise<void> {
  const { createAcceptor } = await load(() => import('#code/12-many-loops/acceptor.ts'))
  const sockets: Socket[] = []
  const server = createAcceptor((socket) => void sockets.push(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const clients = Array.from({ length: count }, () => dial(port, '127.0.0.1'))
  try {
    for (const client of clients) client.on('error', () => {})
    while (sockets.length < count) await new Promise((resolve) => setImmediate(resolve))
    await body(sockets, clients)
  } finally {
    for (const socket of [...clients, ...sockets]) socket.destroy()
    server.close()
  }
}

/** Two connections may come in one turn: the second has to see the first one's count. */
export async function expectCountedAtOnce(stage: Stage): Promise<void> {
  const { leastBusy } = await stage.load(() => import('#code/12-many-loops/choose.ts'))
  let chosen = 0
  let waiting: (number | undefined)[] = []
  const choose: Choose = (loops) => {
    const loop = leastBusy(loops)
    chosen = loops.indexOf(loop)
    waiting = loops.map(({ waitingSinceMs }) => waitingSinceMs)
    return loop
  }
  const body = async (group: LoopGroup, threads: Worker[]) => {
    stage.story.tell('test', 'starts two loops, and gives them two sockets in one turn')
    await withAccepted(stage, 4, async ([ada, bob, cyd, dee]) => {
      const taken = Promise.all(threads.map((thread) => once(thread, 'message'))).catch(() => {})
      for (const socket of [ada, bob]) group.serve(socket)
      const counts = group.stats().loops.map(({ connections, total }) => ({ connections, total }))
      const one = { connections: 1, total: 1 }
      stage.expectSame('what is counted in the same turn', counts, [one, one], {
        because:
          'Many clients may connect in one turn. Each goes to the loop with the fewest, so each has to be counted before the next arrives.',
        likely: 'Count in #give() itself: not in a later turn, and not in a callback.',
        look: 'loop-group.#give()',
      })

      await within(PATIENCE_MS, taken)
      stage.story.tell(
        'test',
        "gives a loop another socket; the loop reports 'closed' for its first one",
      )
      group.serve(cyd)
      const busy = chosen
      threads[busy].emit('message', 'closed' satisfies Report)
      group.serve(dee)
      stage.expect('the other socket to wait still', waiting[busy] !== undefined, {
        because:
          'The loop has not taken it up. Step 12.5 looks for loops that let a socket wait, so none may be forgotten.',
        likely:
          '#onClosed() counts down, and nothing else: the times in `movedAtMs` are of sockets on their way.',
        look: 'loop-group.#onClosed()',
      })
    })
  }
  await withGroup(stage, body, choose)
}

/** A loop that has taken up all of its sockets lets none wait. */
export async function expectNoneWaiting(stage: Stage): Promise<void> {
  let waiting: (number | undefined)[] = []
  const choose: Choose = (loops) => {
    waiting = loops.map(({ waitingSinceMs }) => waitingSinceMs)
    return loops[0]
  }
  const body = async (group: LoopGroup, [thread]: Worker[]) => {
    stage.story.tell('test', 'starts two loops, and gives a socket to the first one')
    await withAccepted(stage, 2, async ([ada, bob]) => {
      const taken = once(thread, 'message').catch(() => {})
      group.serve(ada)
      await within(PATIENCE_MS, taken)
      stage.story.tell('test', "gives it another one when it has reported 'taken'")
      group.serve(bob)
      stage.expect('no socket to wait any longer', waiting[0] === undefined, {
        because:
          'The loop has taken up the only socket that it was given. Step 12.5 would take it for blocked forever.',
        likely:
          '`movedAtMs` gets one time for each socket, from serve(). #give() adds none: it moves the socket and counts it.',
        look: 'loop-group.#give()',
      })
    })
  }
  await withGroup(stage, body, choose)
}

/** A thread that has ended swallows what it is sent. */
export async function expectOutAtOnce(stage: Stage): Promise<void> {
  await withGroup(stage, async (group, threads) => {
    const [, thread] = threads
    stage.story.tell('test', 'starts two loops, and ends the thread of the second one')
    const { threadId } = thread
    const listed = new Promise<number[]>((resolve) => {
      thread.once('exit', () => resolve(group.stats().loops.map((loop) => loop.threadId)))
    })
    const first = group.stats().loops[0].threadId
    void thread.terminate()
    const left = await listed
    stage.expectSame(
      'whether the dead loop is in the list when the thread has ended',
      left.includes(threadId),
      false,
      {
        because: 'A socket that is given to it is lost, and one may arrive at any moment.',
        likely: left.includes(first)
          ? 'Take it out in #onExit() itself: not in a later turn.'
          : 'The other loop is out of the list instead. Look for this loop itself: two may have equal counts.',
        look: 'loop-group.#onExit()',
      },
    )
    const deadline = performance.now() + PATIENCE_MS
    while (threads.length < 3 && performance.now() < deadline)
      await new Promise((resolve) => setImmediate(resolve))
    stage.expect('another loop to be started', threads.length > 2, {
      because: 'Every loop that dies is replaced, also one that nobody was connected to.',
      likely: 'What the dead loop had to do is of no account: look at #isClosing, and at no count.',
      look: 'loop-group.#onExit()',
    })
  })
}

/** A connection is counted for as long as its descriptor is not free. */
export async function expectCountedUntilClosed({
  serve,
  connect,
  expect,
  expectSame,
}: Stage): Promise<void> {
  const script = talkativeLoop()
  const single = await serve(CHAPTER, { loops: 1, choose: 'least busy', script })
  const [fay, gus] = [await connect(single, 'fay'), await connect(single, 'gus')]
  const expectCounted = async (count: number, reason: { because: string; likely?: string }) => {
    await echo(gus, { because: 'gus is served by the same loop.' })
    await single.roundTrip()
    expectSame(
      'the number of connections of the loop',
      sum(connectionsIn(await statsOf(single))),
      count,
      {
        likely:
          "The socket emits 'end' when the peer has sent FIN and 'finish' when we have. Only 'close' says that the descriptor is free.",
        look: 'loop-thread.serveSocket()',
        ...reason,
      },
    )
  }
  await fay.send('wait\n')
  await fay.halfClose()
  await single.expectEventually(
    'the loop to receive her FIN',
    async () => ({ holds: single.output.includes('has heard FIN'), received: 'no FIN, so far' }),
    { because: 'fay has sent FIN, and her loop is awake.' },
  )
  await expectCounted(2, {
    because: 'fay has sent FIN and waits for her answers: her connection still counts.',
  })
  await ask(gus, 'go', 'error unknown command', {
    because: 'This line makes the loop answer FIN with FIN.',
  })
  await fay.expectEnd({ because: 'Now the loop has sent FIN to her, too.' })
  await single.expectEventually(
    'the loop to have closed the connection',
    async () => ({
      holds: single.output.includes('has closed it'),
      received: 'it has not',
    }),
    { because: 'Both sides have sent FIN: the descriptor is free.' },
  )
  await ask(gus, 'timers', 'error unknown command', { because: 'gus is still served.' })
  expect('no timer in the loop’s thread', single.output.includes('has 0 timers'), {
    because: 'There is no need to poll: a socket says when it is closed.',
    likely: "The socket emits 'close' once. A timer for each connection wakes the loop needlessly.",
    look: 'loop-thread.serveSocket()',
    received: single.output,
  })
  await expectCounted(1, {
    because: 'Her socket has emitted `close`: the connection is gone, and no longer counted.',
    likely: "Report 'closed' when the socket emits 'close', at once.",
  })
  const hal = await connect(single, 'hal')
  await hal.send('bye\n')
  await hal.expectEnd({ because: 'This line makes the server send FIN first.' })
  await expectCounted(2, {
    because:
      'The server has sent FIN, hal has not: she may go on sending, and her connection still counts.',
  })
  await hal.halfClose()
  await expectConnectionsCounted(single, 1, {
    because: 'Both sides have sent FIN: the descriptor is free.',
  })
  const ivy = await connect(single, 'ivy')
  await ivy.send('cut\n')
  await ivy.expectClosed({ because: 'This line makes the server destroy her connection.' })
  await expectConnectionsCounted(single, 1, {
    because:
      "Her connection was destroyed: its socket has emitted 'close', without 'end', 'finish' or 'error' before it.",
    likely: "Only 'close' comes for every connection, however it ends.",
    look: 'loop-thread.serveSocket()',
  })
}
