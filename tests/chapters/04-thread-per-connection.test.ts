import type { HostedServer } from '../harness/hosted-server.ts'
import { step } from '../judge/step.ts'
import { ask, echo } from '../protocols/lines.ts'

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

step('04.3', 'a crash costs one connection, with a reason', async ({ serve, connect }) => {
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
})

step('04.4', 'threads end with their connections, and all of them with close()', async (stage) => {
  const { serve, connect } = stage
  const server = await serve(CHAPTER, { graceMs: 50 })
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

  const eve = await connect(server)
  await eve.send('sleep 60000\n')
  await server.roundTrip()
  server.beginClose()
  await server.expectClosed({
    because: 'After graceMs connections are cut, and their threads end with them.',
    likely: 'Wait for the terminate() of every thread that is left.',
  })
  await server.expectNothingLeft({ because: 'A thread that is left keeps the process alive.' })
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
      return {
        holds: threads === count && (await server.workers()) === count,
        received: `${threads} by stats(), ${await server.workers()} in the process`,
      }
    },
    reason,
  )
}
