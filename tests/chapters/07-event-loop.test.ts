import { once } from 'node:events'
import { connect as dial, type Socket } from 'node:net'
import type { ByteStream, Source } from '#code/07-event-loop/byte-stream.ts'
import type { Connection, Protocol } from '#code/07-event-loop/connection.ts'
import type { EventLoop, TimerSource } from '#code/07-event-loop/event-loop.ts'
import type { Interest, Poller, Ready } from '#code/07-event-loop/poller.ts'
import { pattern } from '../harness/client.ts'
import { dialMany } from '../harness/crowd.ts'
import { FakedClock } from '../harness/faked-clock.ts'
import type { HostedServer } from '../harness/hosted-server.ts'
import { PATIENCE_MS, within } from '../harness/patience.ts'
import { ScriptedStream } from '../harness/scripted-stream.ts'
import { receive, type SocketPair, socketPair } from '../harness/socket-pair.ts'
import { type Stage, step } from '../judge/step.ts'
import { ask, echo } from '../protocols/lines.ts'

const CHAPTER = '07-event-loop'
const KIBIBYTE = 1024
const MEBIBYTE = 1024 * KIBIBYTE

const NO_ANSWER = 'no answer'

/** Longer than anybody's patience: a wait that lasts so long has missed what it waits for. */
const LONG_MS = 60_000

const READING = { readable: true, writable: false }
const WRITING = { readable: false, writable: true }
const NEITHER = { readable: false, writable: false }

step('07.1', 'a read answers at once: bytes, would-block or the end', async (stage) => {
  const { story, expect, expectSame } = stage
  await withStream(stage, async (stream, { near, far }) => {
    expectSame('a read before anything came', stream.read(), 'would-block', {
      because: 'There is nothing, and nobody is to wait for it in here.',
    })
    story.tell('peer', 'sends "hello"', 'toServer')
    far.write('hello')
    await change(stream)
    expectSame('a read', textOf(stream.read()), 'hello', { because: 'That is what has come.' })
    expectSame('the next read', stream.read(), 'would-block', {
      because: 'Bytes are read once.',
      likely: 'Take the chunk out of the inbox.',
    })

    for (const [index, text] of ['one ', 'two ', 'three'].entries()) {
      story.tell('peer', `sends "${text}"`, 'toServer')
      far.write(text)
      await change(stream, () => near.bytesRead >= [9, 13, 18][index])
    }
    const pieces = textOf(await readBytes(stream, 13))
    expectSame('what the next reads answer', pieces, 'one two three', {
      because: 'It came in three pieces. Oldest first.',
      likely: 'Chunks are taken from the wrong end of the inbox.',
    })

    story.tell('peer', 'sends 1 MiB', 'toServer')
    far.write(pattern(0, MEBIBYTE))
    const received = await readBytes(stream, MEBIBYTE)
    expectSame('the bytes that could be read', received.length, MEBIBYTE, {
      because: 'A socket that has been paused because nobody read must go on when somebody does.',
      likely:
        '#receive() pauses the socket at 64 KiB. Whoever reads makes room: resume() when there is some.',
    })
    expect('them to be as they were sent', received.equals(pattern(0, MEBIBYTE)), {
      because: 'Not a byte more, not a byte less, and all in order.',
    })

    story.tell('peer', 'sends "bye" and FIN', 'toServer')
    const ended = once(near, 'end')
    far.end('bye')
    await within(PATIENCE_MS, ended)
    expectSame('a read', textOf(stream.read()), 'bye', {
      because: 'FIN comes behind the last bytes, not before them.',
      likely: 'Look into the inbox first; the end is for when it is empty.',
    })
    expectSame('the next reads', [stream.read(), stream.read()], ['end', 'end'], {
      because: 'The end stays the end, for whoever asks again.',
    })
  })

  await withStream(stage, async (stream, { far }) => {
    story.tell('peer', 'resets the connection (RST)', 'toServer')
    far.resetAndDestroy()
    await change(stream, () => stream.lostWith !== undefined)
    expectSame('a read', stream.read(), 'end', {
      because: 'Nothing will ever come from a peer that is lost; to wait for it would be for ever.',
      likely: 'lostWith tells.',
    })
  })
})

step('07.2', 'a write takes what fits and says how much', async (stage) => {
  const { story, expect, expectSame } = stage
  await withStream(stage, async (stream, { near, far }) => {
    story.tell('peer', 'reads nothing')
    let taken = 0
    let last = 1
    let vain = 0
    // A kernel that takes its time may make room once more behind a write that took nothing.
    while ((last > 0 || stream.isWritable) && taken < 64 * MEBIBYTE && vain < 100) {
      last = stream.write(pattern(taken, 256 * KIBIBYTE))
      taken += last
      if (last === 0) vain += 1
      await settled()
    }
    story.tell('test', `writes 256 KiB again and again: ${taken} bytes are taken`)
    expect('write() to take a part of them first', taken > 0, {
      because: 'There is room for 64 KiB, so that much of the 256 KiB fits.',
      likely: 'Not everything fits is not the same as nothing fits.',
      received: `${taken} bytes`,
    })
    expect('write() to answer 0 at last', last === 0, {
      because: 'A peer that reads nothing fills every buffer on the way. Then a write would block.',
      likely: 'There is no room when writableLength has reached writableHighWaterMark.',
      received: `${taken} bytes taken, and still more`,
    })
    expect('the socket to hold no more than its mark', near.writableLength <= 64 * KIBIBYTE, {
      because:
        'What was taken and not sent lies in memory. The socket’s high-water mark is 64 KiB.',
      likely: 'Hand the socket no more of the bytes than there is room for.',
      expected: 'at most 65536 bytes',
      received: `${near.writableLength} bytes`,
    })
    expectSame('stream.isWritable', stream.isWritable, false, {
      because: 'That is what a poller looks at.',
    })

    story.tell('peer', 'reads on')
    let received = await receive(far, taken, PATIENCE_MS)
    expectSame('the bytes that the peer could read', received.length, taken, {
      because: 'write() has answered that it took so many: no more, no fewer.',
      likely: 'The number is not that of the bytes that were handed to the socket.',
    })
    if (!stream.isWritable) await change(stream, () => stream.isWritable)
    const more = stream.write(pattern(taken, 1_000))
    expectSame('a write of 1000 bytes', more, 1_000, { because: 'There is room again.' })
    received = Buffer.concat([received, await receive(far, more, PATIENCE_MS)])
    const isIntact = received.equals(pattern(0, taken + more))
    expect('all of it to be as it was written', isIntact, {
      because: 'A write takes from the front, and what it did not take is offered again.',
      likely: 'subarray(0, taken) is the part that fits.',
    })

    story.tell('peer', 'resets the connection (RST)', 'toServer')
    far.resetAndDestroy()
    await change(stream, () => stream.lostWith !== undefined)
    expectSame('a write', stream.write(pattern(0, 10)), 0, {
      because: 'Nobody takes anything any more; lostWith says why.',
      likely: 'socket.writable is false when the connection is gone.',
    })
  })
})

step('07.3', 'wait() reports only what is ready, again until it is consumed', async (stage) => {
  const { story, expectSame } = stage
  const { NetPoller } = await stage.load(() => import('#code/07-event-loop/poller.ts'))
  const poller = new NetPoller()
  const [ada, bob, cyd] = [new TestSource('ada'), new TestSource('bob'), new TestSource('cyd')]
  for (const source of [ada, bob, cyd]) poller.add(source, READING)

  const wait = async (timeoutMs: number) => {
    const ready = await within(PATIENCE_MS, Promise.resolve(poller.wait(timeoutMs)))
    const names = ready === 'too late' ? NO_ANSWER : ready.map(describeReady)
    story.tell('poller', `wait(${timeoutMs}) answers ${JSON.stringify(names)}`)
    return names
  }

  expectSame('wait(0)', await wait(0), [], { because: 'Nobody is ready.' })
  expectSame('wait(5)', await wait(5), [], {
    because: 'Nobody becomes ready, and 5 ms are over.',
    likely: '#sleep(ms) resolves after so long.',
  })
  ada.becomes({ readable: true }, story)
  for (const time of ['first', 'second']) {
    expectSame(`the ${time} wait`, await wait(LONG_MS), ['ada readable'], {
      because: 'ada is ready, and stays so until somebody reads. The others are not.',
      likely:
        'Level-triggered: report what is ready, not what has become ready since the last time. Leave it in the hot set.',
    })
  }
  ada.becomes({ readable: false }, story)
  expectSame('wait(0)', await wait(0), [], {
    because: 'ada has been read.',
    likely: 'Being in the hot set means that a source may be ready. Ask it.',
  })

  bob.becomes({ writable: true }, story)
  expectSame('wait(0)', await wait(0), [], {
    because: 'Nobody has asked whether bob is writable.',
    likely: 'Report what is ready and wanted.',
  })
  poller.modify(bob, WRITING)
  expectSame('a wait, after bob’s interest is in writing', await wait(LONG_MS), ['bob writable'], {
    because: 'He has been writable all along; nothing needs to change for that to be reported.',
  })
  ada.becomes({ readable: true }, story)
  poller.modify(ada, WRITING)
  bob.becomes({ writable: false }, story)
  expectSame('wait(0), after ada’s interest is in writing', await wait(0), [], {
    because: 'ada can be read, and nobody wants to.',
    likely: 'Report what is ready and wanted.',
  })
  ada.becomes({ readable: false }, story)
  for (const source of [ada, bob]) poller.modify(source, READING)

  const pending = wait(Number.POSITIVE_INFINITY)
  cyd.becomes({ readable: true }, story)
  expectSame('a wait without a limit', await pending, ['cyd readable'], {
    because: 'It ends as soon as somebody is ready.',
    likely: 'After the sleep look again who is ready: before it, nobody was.',
  })
  poller.remove(cyd)
  expectSame('wait(0), after cyd has been removed', await wait(0), [], {
    because: 'Whoever has been removed is not reported, ready or not.',
  })

  const woken = wait(Number.POSITIVE_INFINITY)
  poller.wake()
  expectSame('a wait that is woken', await woken, [], { because: 'wake() ends it.' })
  poller.wake()
  expectSame('a wait after wake()', await wait(Number.POSITIVE_INFINITY), [], {
    because: 'A wake-up that comes between two waits must not be lost: it ends the next.',
    likely: 'Look at #isWoken before you sleep, and forget it when the wait is over.',
  })
  const last = wait(Number.POSITIVE_INFINITY)
  await settled()
  ada.becomes({ readable: true }, story)
  expectSame('the wait after that', await last, ['ada readable'], {
    because: 'It lasts until somebody is ready: one wake-up ends one wait.',
    likely: 'Forget #isWoken when the wait that it ended is over.',
  })
  ada.becomes({ readable: false }, story)

  const dee = new TestSource('dee')
  poller.add(dee, NEITHER)
  const unwanted = wait(Number.POSITIVE_INFINITY)
  dee.closes(story)
  for (const [name, pending] of [
    ['a wait while nothing is wanted of dee', unwanted],
    ['the next wait', wait(LONG_MS)],
  ] as const) {
    expectSame(name, await pending, ['dee hung up'], {
      because:
        'A closed source is reported whatever is wanted of it, until it is removed: whoever wants nothing of it would never hear of it otherwise.',
      likely:
        '#collect() looks at the interest only. A source that isClosed is `hungUp`, and reported for that alone.',
    })
  }
  poller.remove(dee)

  await expectTurnsForNode(stage, poller, ada)
  await expectNoQuestions(stage, poller, ada)
})

step('07.4', 'the loop gives everybody who is ready one turn a round', async (stage) => {
  const { story, expect, expectSame } = stage
  const { EventLoop } = await stage.load(() => import('#code/07-event-loop/event-loop.ts'))

  const poller = new TestPoller([['ada', 'bob', 'cyd'], ['bob'], [], ['ada', 'dee']])
  const timers = new TestTimers()
  const loop = new EventLoop<string>(poller, timers)
  poller.whenOver = () => loop.stop()
  const turns: string[] = []
  const take = (name: string) => () => {
    story.tell(name, 'has a turn')
    turns.push(name)
  }
  loop.add('ada', READING, () => {
    take('ada')()
    if (turns.length > 1) return
    loop.remove('cyd')
    loop.add('dee', READING, take('dee'))
  })
  loop.add('bob', READING, take('bob'))
  loop.add('cyd', READING, take('cyd'))
  expectSame('the turns before the loop runs', [...turns], [], {
    because: 'add() only says what is to happen.',
  })
  const outcome = await within(PATIENCE_MS, loop.run())
  expectSame('the turns', turns, ['ada', 'bob', 'bob', 'ada', 'dee'], {
    because:
      'One turn for each source that a wait reports, in that order. cyd was removed in ada’s first turn, in the very round in which she was reported.',
    likely:
      'What wait() has reported may be out of date a turn later: look whether the handler is still there.',
  })
  expectSame('run() after stop()', outcome, undefined, {
    because: 'stop() lets run() return.',
    likely: 'while (!this.#isStopping)',
  })
  expectSame('the time-outs that wait() was given', poller.timeouts, [100, 101, 102, 103, 104], {
    because: 'Between the rounds the loop may sleep until the timers’ next one is due, not longer.',
    likely: 'Ask nextDelay() before every wait.',
  })
  // A loop that is stopped while it waits may leave at once, or end its last round first.
  const missed = poller.timeouts.length - timers.runs
  expect(
    'the times that the timers were run to be those of the rounds',
    missed === 0 || missed === 1,
    {
      because: 'Timers are run once a round, whether or not a source was ready.',
      likely: 'runDue() after the turns, also when the list of the ready was empty.',
      expected: '5 times, or 4 if the loop leaves right after the last wait',
      received: `${timers.runs} times`,
    },
  )
  expectSame('stats().turns', loop.stats().turns, 5, { because: 'Five turns were had.' })

  await expectCurrentInterest(stage)
  const broken = new EventLoop<string>(new TestPoller([['eve']]), new TestTimers())
  broken.add('eve', READING, () => {
    throw new Error('eve’s handler is broken')
  })
  const seen = await within(
    PATIENCE_MS,
    broken.run().catch((error: Error) => error.message),
  )
  expectSame('run(), when a handler throws', seen, 'eve’s handler is broken', {
    because: 'A handler that throws is our own bug. It has to be seen, not swallowed.',
  })
})

step('07.5', 'a thousand clients are served by one thread', async (stage) => {
  const { serve, connect, expectSame } = stage
  await expectFairTurns(stage)
  await expectLateAnswer(stage)
  await expectPause(stage)
  await expectRestKept(stage)
  await expectNothingBehindGoodbye(stage)
  await expectClosedMeansClosed(stage)

  const server = await serve(CHAPTER, { graceMs: 100 })
  const [ada, bob] = [await connect(server), await connect(server)]
  await echo(ada, { because: 'A line is answered.' })
  await ada.send('echo byte by byte\nwhoami\r\n', { cut: 'byte by byte' })
  await ada.expectBytes('byte by byte\n0\n', {
    because: 'Half a line is no line yet; the rest comes later.',
  })
  await ada.sendGlued('echo one\n', 'echo two\n', 'echo thr')
  await ada.expectBytes('one\ntwo\n', { because: 'Two lines and a half make two answers.' })
  await ada.sendGlued('ee\n', 'echo four\n')
  await ada.halfClose()
  await ada.expectBytes('three\nfour\n', { because: 'What was asked before FIN is answered.' })
  await ada.expectEnd({
    because: 'ada has said FIN, and has all her answers.',
    likely: 'The end of the stream is an event for the protocol’s onEnd().',
  })
  await ask(bob, 'crash', /^error crashed/, { because: 'The command throws.' })
  await bob.expectEnd({
    because: 'A connection whose command crashed ends, with FIN behind the reason.',
    likely: '#flush(): when it is ending and nothing waits any more, end() the stream.',
  })
  await bob.send('x'.repeat(300 * KIBIBYTE))
  await bob.halfClose()
  await expectConnections(server, 0, {
    because: 'Both FINs have passed on both connections.',
    likely:
      'After our FIN bob’s bytes must still be read, and thrown away, or his FIN behind them is never seen: #watch().',
  })

  await expectSlowReaderServed(stage, server)
  const crowd = await Crowd.connect(server, 1_000)
  try {
    stage.story.tell('crowd', 'connects a thousand times, each asks for an echo of its own')
    expectSame('the answers that are right', await crowd.askAll(), 1_000, {
      because: 'A thousand connections are a thousand small objects. No thread is needed for any.',
    })
    expectSame('the threads of the server, beside the first', await server.workers(), 0, {
      because: 'One loop, one thread.',
    })
    crowd.loseHalf()
    const cyd = await connect(server, 'cyd')
    await echo(cyd, { because: 'Half of the crowd is lost at once, and nobody else minds.' })
    await expectConnections(server, 502, {
      because: 'The other half is still there, cyd, and `other`.',
      likely: 'A lost stream is reported as hung up.',
    })
  } finally {
    crowd.destroy()
  }
  server.beginClose()
  await server.expectClosed({ because: 'Everybody has gone or is cut after graceMs.' })
  await server.expectNothingLeft({
    because: 'The loop has ended with the server.',
    likely: 'stop() must wake a wait that goes on.',
  })
})

step('07.6', 'one slow command delays everybody, and the loop says how long', async (stage) => {
  const { story, serve, connect, expect } = stage
  const { EventLoop } = await stage.load(() => import('#code/07-event-loop/event-loop.ts'))
  const clock = new FakedClock()
  const poller = new TestPoller([['ada', 'bob'], ['ada'], []], () => clock.advance(500))
  const loop = new EventLoop<string>(poller, new TestTimers())
  poller.whenOver = () => loop.stop()
  for (const name of ['ada', 'bob']) {
    loop.add(name, READING, () => {
      story.tell(name, 'has a turn that takes 20 ms')
      clock.advance(20)
    })
  }
  try {
    await within(PATIENCE_MS, loop.run())
  } finally {
    clock.giveBack()
  }
  const { longestRoundMs } = loop.stats()
  expect('the time in wait() not to count', longestRoundMs < 500, {
    because: 'A loop that waits delays nobody. Each wait of this test took 500 ms.',
    likely: 'The clock starts when wait() has answered.',
    expected: '40 ms',
    received: `${longestRoundMs.toFixed(1)} ms`,
  })
  const isTwoTurns = Math.abs(longestRoundMs - 40) < 0.01
  expect('the longest round to be ada’s and bob’s together', isTwoTurns, {
    because:
      'Whoever becomes ready when a round begins waits until all of it is over, so the round is what counts, and the longest of all.',
    likely: 'Take the time before the first turn and after the last, and keep the maximum.',
    expected: '40 ms',
    received: `${longestRoundMs.toFixed(1)} ms`,
  })

  const server = await serve(CHAPTER)
  const [cyd, dee] = [await connect(server), await connect(server)]
  for (const client of [cyd, dee]) await echo(client, { because: 'Two clients, one thread.' })
  await cyd.send('sleep 250\n')
  const askedAt = performance.now()
  await ask(dee, 'echo hurry', 'hurry', { because: 'dee is served when cyd’s command is over.' })
  story.tell('dee', `has waited ${Math.round(performance.now() - askedAt)} ms for her echo`)
  await cyd.expectLine('slept', { because: 'That is what everybody has waited for.' })
  const { longestRoundMs: blocked } = await server.call<{ longestRoundMs: number }>('stats')
  expect('stats() to tell that somebody had to wait for 250 ms', blocked >= 249, {
    because: 'Whoever runs the server has to see that a handler blocks.',
    expected: '250 ms or more',
    received: `${blocked.toFixed(1)} ms`,
  })
})

/** A stream over one end of a real connection. */
async function withStream(
  stage: Stage,
  body: (stream: ByteStream, pair: SocketPair) => Promise<void>,
): Promise<void> {
  const { NetStream } = await stage.load(() => import('#code/07-event-loop/byte-stream.ts'))
  const pair = await socketPair()
  stage.story.tell('peer', 'connects', 'toServer')
  try {
    await body(new NetStream(pair.near), pair)
  } finally {
    pair.destroy()
  }
}

/** Waits until the stream tells a change after which something holds. */
async function change(stream: ByteStream, holds = () => stream.isReadable): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  stream.onChange = () => {
    if (holds()) resolve()
  }
  stream.onChange(stream)
  await within(PATIENCE_MS, promise)
  stream.onChange = undefined
}

/** Reads until there are so many bytes, the end, or nothing for a long time. */
async function readBytes(stream: ByteStream, count: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for (let length = 0; length < count; ) {
    let bytes = stream.read()
    if (bytes === 'would-block') {
      await change(stream)
      bytes = stream.read()
    }
    if (typeof bytes === 'string') break
    chunks.push(bytes)
    length += bytes.length
  }
  return Buffer.concat(chunks)
}

/** Two turns of Node's loop: what the kernel can take at once, it has taken. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve))
}

function textOf(bytes: Uint8Array | string): string {
  return typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('latin1')
}

/** A source that is ready when the test says so, and that counts how often it is asked. */
class TestSource implements Source {
  onChange: ((source: Source) => void) | undefined
  isClosed = false
  questions = 0
  readonly name: string
  #isReadable = false
  #isWritable = false

  constructor(name: string) {
    this.name = name
  }

  get isReadable(): boolean {
    this.questions += 1
    return this.#isReadable
  }

  get isWritable(): boolean {
    this.questions += 1
    return this.#isWritable
  }

  becomes({ readable, writable }: Partial<Interest>, story: Stage['story']): void {
    this.#isReadable = readable ?? this.#isReadable
    this.#isWritable = writable ?? this.#isWritable
    const what = readable === undefined ? 'writable' : 'readable'
    story.tell(this.name, `is ${readable || writable ? 'now' : 'no longer'} ${what}`)
    this.onChange?.(this)
  }

  closes(story: Stage['story']): void {
    this.isClosed = true
    story.tell(this.name, 'is closed: its descriptor is free')
    this.onChange?.(this)
  }
}

function describeReady({ source, readable, writable, hungUp }: Ready<Source>): string {
  const what = [readable && 'readable', writable && 'writable', hungUp && 'hung up']
    .filter(Boolean)
    .join(' and ')
  return `${(source as TestSource).name} ${what}`
}

/** A wait that is always over at once would leave Node no time to bring anybody's bytes. */
async function expectTurnsForNode(
  { story, expect }: Stage,
  poller: Poller<Source>,
  source: TestSource,
): Promise<void> {
  source.becomes({ readable: true }, story)
  let turns = 0
  const count = () => {
    turns += 1
    immediate = setImmediate(count)
  }
  let immediate = setImmediate(count)
  for (let round = 0; round < 10; round++)
    await within(PATIENCE_MS, Promise.resolve(poller.wait(LONG_MS)))
  clearImmediate(immediate)
  source.becomes({ readable: false }, story)
  expect('Node’s own loop to have had a turn in each of ten waits', turns >= 9, {
    because:
      'It is Node that reads from the kernel. If a wait is over before Node had its turn, those who are ready starve those whose bytes are still in the kernel.',
    likely: 'Sleep for 0 ms when somebody is ready already, instead of answering at once.',
    expected: '10 turns, or 9',
    received: `${turns} turns`,
  })
}

/** Ten thousand who are silent must not cost anything, and one who is ready for nothing wanted must not either. */
async function expectNoQuestions(
  stage: Stage,
  poller: Poller<Source>,
  talker: TestSource,
): Promise<void> {
  const { story, expect } = stage
  story.tell('test', 'adds 1,000 sources that stay silent')
  const silent = Array.from({ length: 1_000 }, (_, index) => new TestSource(`silent ${index}`))
  for (const source of silent) poller.add(source, READING)
  talker.becomes({ readable: true }, story)
  for (let round = 0; round < 20; round++)
    await within(PATIENCE_MS, Promise.resolve(poller.wait(LONG_MS)))
  talker.becomes({ readable: false }, story)
  const questions = silent.reduce((sum, source) => sum + source.questions, 0)
  expect('the silent ones to be left alone', questions < 6 * silent.length, {
    because:
      'Twenty waits, and nothing has changed about the thousand. To ask each of them each time is what select() and poll() do, and why there is epoll.',
    likely: 'Ask the hot ones only, and let those cool down that turn out not to be ready.',
    expected: 'two or three questions to each, when they are new',
    received: `${questions} questions to 1,000 sources`,
  })

  await expectSleep(stage, poller)
}

/** While nobody is ready a wait must do nothing at all. */
async function expectSleep({ story, expect }: Stage, poller: Poller<Source>): Promise<void> {
  story.tell('test', 'waits without a limit while nobody is ready')
  const waiting = poller.wait(Number.POSITIVE_INFINITY)
  await settled()
  const { setImmediate, setTimeout } = globalThis
  let calls = 0
  const counting = <F extends (...args: never[]) => unknown>(schedule: F) =>
    ((...args: Parameters<F>) => {
      calls += 1
      return schedule(...args)
    }) as unknown as F
  globalThis.setImmediate = counting(setImmediate) as typeof setImmediate
  globalThis.setTimeout = counting(setTimeout) as typeof setTimeout
  for (let turn = 0; turn < 50; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
  Object.assign(globalThis, { setImmediate, setTimeout })
  poller.wake()
  await within(PATIENCE_MS, Promise.resolve(waiting))
  expect('a wait to sleep until something changes', calls <= 2, {
    because: 'Looking again and again is spinning: all of a CPU, for nothing.',
    likely: 'Sleep until a source is heated. #sleep() does that, once a wait.',
    expected: 'no timers and no immediates while it sleeps',
    received: `${calls} of them in 50 turns of Node’s loop`,
  })
}

/** A poller that reports what the test has written down, one round a wait, and is over after that. */
class TestPoller implements Poller<string> {
  readonly timeouts: number[] = []
  whenOver: () => void = () => {}
  readonly #rounds: string[][]
  readonly #onWait: () => void

  constructor(rounds: string[][], onWait = () => {}) {
    this.#rounds = rounds
    this.#onWait = onWait
  }

  add(): void {}
  modify(): void {}
  remove(): void {}
  wake(): void {}

  async wait(timeoutMs: number): Promise<Ready<string>[]> {
    this.timeouts.push(timeoutMs)
    await settled()
    this.#onWait()
    const round = this.#rounds.shift()
    if (!round) this.whenOver()
    return (round ?? []).map((source) => ({ source, ...READING, hungUp: false }))
  }
}

class TestTimers implements TimerSource {
  runs = 0
  #delay = 100

  nextDelay(): number {
    return this.#delay++
  }

  runDue(): void {
    this.runs += 1
  }
}

/** What is wanted of a source may change in the round in which it was reported, and what is left to its end is done. */
async function expectCurrentInterest({ story, load, expectSame }: Stage): Promise<void> {
  const { EventLoop } = await load(() => import('#code/07-event-loop/event-loop.ts'))
  const poller = new TestPoller([['dan', 'eve'], []])
  const loop = new EventLoop<string>(poller, new TestTimers())
  poller.whenOver = () => loop.stop()
  const happened: string[] = []
  const task = { onRoundEnd: () => happened.push('the end of the round') }
  loop.add('dan', READING, () => {
    story.tell('dan', 'has a turn, and wants nothing to be read from eve any more')
    happened.push('dan')
    loop.modify('eve', NEITHER)
    loop.touch(task)
    loop.touch(task)
  })
  loop.add('eve', READING, () => happened.push('eve'))
  await within(PATIENCE_MS, loop.run())
  expectSame('what happened', happened, ['dan', 'the end of the round'], {
    because:
      'dan’s turn came first, and changed what is wanted of eve. What was touched is done once, at the end of the round.',
    likely:
      'wait() has reported what was wanted then. A turn is for what is wanted now: look at entry.interest. #endRound() comes behind the turns and the timers.',
  })
}

/** A connection on a scripted stream and a loop that runs, with what its protocol was told. */
interface Scripted {
  stream: ScriptedStream
  connection: Connection
  loop: EventLoop<Source>
  /** Ends the loop. */
  end(): Promise<void>
}

async function onScriptedStream(
  { load }: Stage,
  protocolOn: (connection: Connection) => Protocol,
  stream = new ScriptedStream(),
): Promise<Scripted> {
  const { EventLoop } = await load(() => import('#code/07-event-loop/event-loop.ts'))
  const { NetPoller } = await load(() => import('#code/07-event-loop/poller.ts'))
  const { Connection } = await load(() => import('#code/07-event-loop/connection.ts'))
  const loop = new EventLoop<Source>(new NetPoller())
  const connection = new Connection(stream, loop)
  connection.use(protocolOn(connection))
  const running = loop.run()
  const end = async () => {
    loop.stop()
    await within(PATIENCE_MS, running)
  }
  return { stream, connection, loop, end }
}

/** Two clients on a loop, one of whom always has more to say. */
async function expectFairTurns({ story, load, expect }: Stage): Promise<void> {
  const { EventLoop } = await load(() => import('#code/07-event-loop/event-loop.ts'))
  const { NetPoller } = await load(() => import('#code/07-event-loop/poller.ts'))
  const { Connection } = await load(() => import('#code/07-event-loop/connection.ts'))
  const loop = new EventLoop<Source>(new NetPoller())
  const turns: string[] = []
  story.tell('firehose', 'has 1,000 chunks to read')
  story.tell('trickle', 'has 3')
  for (const [name, count] of [
    ['firehose', 1_000],
    ['trickle', 3],
  ] as const) {
    const stream = new ScriptedStream()
    for (let chunk = 0; chunk < count; chunk++) stream.arrive(`${name}\n`)
    new Connection(stream, loop).use({
      onBytes(bytes) {
        turns.push(name)
        if (turns.length === 6) loop.stop()
        return bytes.length
      },
      onEnd() {},
    })
  }
  await within(PATIENCE_MS, loop.run())
  const rounds = [0, 2, 4].map((at) =>
    turns
      .slice(at, at + 2)
      .toSorted()
      .join(' '),
  )
  expect(
    'each of the first three rounds to read once from both',
    rounds.every((round) => round === 'firehose trickle'),
    {
      because:
        'One read a turn, one turn a round: a peer that talks without end must not starve the rest.',
      likely:
        'Read once and return. The poller reports again who has more; that is what it is for.',
      expected: 'firehose and trickle in turn',
      received: turns.slice(0, 6).join(', '),
    },
  )
}

/** Someone who asks a lot and does not read: stopped in time, served in the end, and nobody is delayed. */
async function expectSlowReaderServed(
  { story, connect, expect, expectSame }: Stage,
  server: HostedServer,
): Promise<void> {
  const other = await connect(server, 'other')
  const slow = dial(server.port, '127.0.0.1')
  try {
    story.tell('slow', 'asks for 24,000 echoes of 1,000 bytes, and reads none', 'toServer')
    other.beQuiet('asks for an echo, again and again')
    const lines = Array.from({ length: 24_000 }, (_, index) => `${index} `.padEnd(999, 'x'))
    const held = await server.heldBytes()
    let taken = 0
    const pieces = toPieces(lines.map((line) => `echo ${line}\n`))
    for (const piece of pieces) slow.write(piece, () => taken++)
    slow.end()
    // Taken for a standstill when nothing has moved in so many looks, each a few round trips long.
    for (let looks = 0; looks < 10; looks++) {
      const before = taken
      for (let trip = 0; trip < 20 && taken === before; trip++) await echo(other, OTHERS_ARE_SERVED)
      await server.roundTrip()
      if (taken > before) looks = 0
    }
    const more = (await server.heldBytes()) - held
    expect('the server to hold less than 8 MiB for slow', more < 8 * MEBIBYTE, {
      because: 'A client who does not listen is not listened to.',
      likely: 'While the queue is backlogged, isReading is false: then nothing is read.',
      expected: 'less than 8 MiB',
      received: `${(more / MEBIBYTE).toFixed(1)} MiB, ${taken * LINES_A_PIECE} of 24000 lines taken`,
    })

    story.tell('slow', 'reads now')
    const expected = Buffer.from(`${lines.join('\n')}\n`)
    const received = await receive(slow, expected.length, PATIENCE_MS)
    expectSame('the bytes of answers', received.length, expected.length, {
      because: 'The answers wait until there is room again, and then the server reads on.',
      likely:
        '#watch(): wait for the stream to be writable while bytes are queued, and to be readable as soon as isReading is true again.',
    })
    expect('all of them to be right, and in order', received.equals(expected), {
      because: 'No byte is lost or said twice where a write took only a part.',
    })

    const rude = dial(server.port, '127.0.0.1').on('error', () => {})
    story.tell('rude', 'asks for as much, reads nothing, and resets the connection', 'toServer')
    for (const piece of pieces) rude.write(piece)
    for (let looks = 0; looks < 1_000 && (await server.queuedBytes()) === 0; looks++)
      await server.roundTrip()
    rude.resetAndDestroy()
    await expectConnections(server, 1, {
      because: 'slow has said FIN and got everything, rude is lost: that leaves `other`.',
      likely: 'A lost stream is reported as hung up, and onRoundEnd() closes the connection.',
    })
  } finally {
    slow.destroy()
  }
}

const LINES_A_PIECE = 20

/** As few writes as many lines can do with, each still much smaller than any buffer on the way. */
function toPieces(lines: string[]): Buffer[] {
  return Array.from({ length: lines.length / LINES_A_PIECE }, (_, index) =>
    Buffer.from(lines.slice(index * LINES_A_PIECE, (index + 1) * LINES_A_PIECE).join('')),
  )
}

const OTHERS_ARE_SERVED = { because: 'Others are served while one client does not read.' }

/** So many connections are left, by what the loop waits for and by what the process has open. */
async function expectConnections(
  server: HostedServer,
  count: number,
  reason: { because: string; likely?: string },
): Promise<void> {
  await server.expectEventually(
    `connections left: ${count}, each with a source on the loop`,
    async () => {
      const { sources } = await server.call<{ sources: number }>('stats')
      const open = await server.connections()
      return {
        holds: sources - 1 === count && open === count,
        received: `${open} connections, ${sources - 1} sources`,
      }
    },
    reason,
  )
}

/** A peer has said FIN, and its answer takes a while: chapter 11 will do that all the time. */
async function expectLateAnswer(stage: Stage): Promise<void> {
  const { story, expect, expectSame } = stage
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  const stream = new ScriptedStream()
  stream.arrive('a question\n')
  stream.arriveEnd()
  story.tell('peer', 'asks and says FIN; nobody answers yet')
  const { connection, loop, end } = await onScriptedStream(
    stage,
    () => ({ onBytes: (bytes) => bytes.length, onEnd: () => resolve() }),
    stream,
  )
  await within(PATIENCE_MS, ended)
  await rounds()
  const { turns } = loop.stats()
  expect('the loop to leave the peer alone', turns <= 3, {
    because:
      'The end can be read again and again. A connection that has read it and has nothing to write waits for neither.',
    likely: '#watch(): after the peer’s FIN there is nothing to read any more.',
    expected: 'two turns, for the question and for FIN',
    received: `${turns} turns`,
  })
  story.tell('test', 'sends the answer, and ends; the stream takes five bytes at a time')
  stream.setRoom(5)
  connection.send(Buffer.from('a late '))
  connection.end('finished', Buffer.from('answer\n'))
  let written = ''
  for (let turn = 0; turn < 20 && !stream.isEnded; turn++) {
    await settled()
    written += textOf(stream.takeWritten())
    stream.setRoom(5)
  }
  written += textOf(stream.takeWritten())
  expectSame('what was written before FIN', written, 'a late answer\n', {
    because: 'FIN comes behind the last byte.',
    likely: 'End the stream when nothing is queued. Until then wait to write, FIN or no FIN.',
  })
  await end()
}

/** A peer that is not to be listened to for a while: chapter 11 will do that to all who ask too fast. */
async function expectPause(stage: Stage): Promise<void> {
  const { story, expect, expectSame } = stage
  const heard: string[] = []
  const { stream, connection, loop, end } = await onScriptedStream(stage, (connection) => ({
    onBytes(bytes) {
      const text = textOf(bytes)
      heard.push(text)
      if (text.startsWith('pause')) connection.pauseReading('protocol')
      if (text.endsWith('resume')) connection.resumeReading('protocol')
      return bytes.length
    },
    onEnd() {},
    onClose: (why) => heard.push(why),
  }))
  const peer = {
    async sends(text: string) {
      story.tell('peer', `sends ${JSON.stringify(text)}`, 'toServer')
      stream.arrive(text)
      await rounds()
    },
  }

  await peer.sends('one')
  await peer.sends('pause')
  expectSame('the chunks that were handed on', heard.splice(0), ['one', 'pause'], {
    because: 'The second one’s handler has called pauseReading().',
  })
  const { turns } = loop.stats()
  await peer.sends('two')
  const turnsInVain = loop.stats().turns - turns
  expect('the loop to leave a paused peer alone', turnsInVain === 0 && stream.isReadable, {
    because:
      'Nothing is read while the connection is paused. Bytes that nobody reads are reported again and again.',
    likely: '#watch(): wait to read only while isReading.',
    expected: 'no turn, and nothing read',
    received: `${turnsInVain} turns, ${stream.isReadable ? 'nothing' : 'the next bytes'} read`,
  })
  story.tell('test', 'sends "wait a moment", for which there is room a little later')
  stream.setRoom(0)
  connection.send(Buffer.from('wait a moment'))
  await rounds()
  stream.setRoom(Number.POSITIVE_INFINITY)
  await rounds()
  expectSame('what was written meanwhile', textOf(stream.takeWritten()), 'wait a moment', {
    because: 'A peer that is not listened to is answered all the same.',
    likely: '#watch(): wait to write while something is queued, paused or not.',
  })
  expectSame('the chunks that were handed on meanwhile', heard, [], {
    because: 'A turn for writing is no reason to read.',
  })

  story.tell('test', 'calls resumeReading()')
  connection.resumeReading('protocol')
  await rounds()
  expectSame('the chunks that were handed on', heard.splice(0), ['two'], {
    because: 'What came meanwhile is read now.',
    likely: '#watch(): wait to read when nothing is queued, nobody has said FIN, and it isReading.',
  })
  await peer.sends('pause and resume')
  await peer.sends('three')
  expectSame('the chunks', heard.splice(0), ['pause and resume', 'three'], {
    because: 'A pause that is over before its round is leaves no trace.',
  })
  await peer.sends('pause')
  await peer.sends('four')
  story.tell('peer', 'resets the connection (RST)', 'toServer')
  stream.lose('ECONNRESET')
  await rounds()
  expectSame('what is heard from the peer', heard, ['pause', 'lost'], {
    because:
      'A lost connection is over at once, paused or not. What came behind the pause is nobody’s.',
  })
  await end()
}

/** What a protocol leaves untaken is offered again: to itself, or to the one that was put in its place. */
async function expectRestKept(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  const taken: string[] = []
  const { stream, connection, end } = await onScriptedStream(stage, (connection) => ({
    onBytes(bytes) {
      taken.push(textOf(bytes.subarray(0, 3)))
      if (taken.length === 1) connection.pauseReading('protocol')
      else {
        connection.use({
          onBytes(rest) {
            taken.push(`next protocol: ${textOf(rest)}`)
            return rest.length
          },
          onEnd() {},
        })
      }
      return 3
    },
    onEnd() {},
  }))
  story.tell('peer', 'sends "onetwothree" in one chunk; the protocol takes three bytes and pauses')
  stream.arrive('onetwothree')
  await rounds()
  stream.arrive(' and more')
  await rounds()
  expectSame('what was taken', [...taken], ['one'], {
    because: 'The protocol has paused. What it left waits in the connection.',
  })
  story.tell('test', 'resumes; the protocol takes three bytes and puts another in its place')
  connection.resumeReading('protocol')
  await rounds()
  const whole = taken.slice(2).join('').replaceAll('next protocol: ', '')
  expectSame('what was taken then', [taken[1], whole], ['two', 'three and more'], {
    because: 'The next protocol gets the rest of the chunk first, then what is read after it.',
    likely:
      '#watch(): while something is unread, nothing more is read: it would overtake the rest.',
  })
  await end()
}

/** What the peer sends behind our goodbye is read, and nobody is told. */
async function expectNothingBehindGoodbye(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  const heard: string[] = []
  const { stream, connection, end } = await onScriptedStream(stage, () => ({
    onBytes(bytes) {
      heard.push(textOf(bytes))
      return bytes.length
    },
    onEnd: () => heard.push('FIN'),
    onClose: (why) => heard.push(why),
  }))
  story.tell('test', 'calls end("failed"); the peer talks on and says FIN')
  connection.end('failed')
  stream.arrive('but')
  stream.arriveEnd()
  await rounds()
  expectSame('what the protocol hears of what comes behind end()', heard, ['failed'], {
    because:
      'The connection has ended for it. What still comes is thrown away, up to the peer’s FIN.',
    likely: '#receive(): only an open connection hands on what it reads, and its end.',
  })
  await end()
}

/** A connection is over when its descriptor is free, and not when FIN has been queued. */
async function expectClosedMeansClosed(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  const closed: string[] = []
  const { stream, connection, loop, end } = await onScriptedStream(stage, () => ({
    onBytes: (bytes) => bytes.length,
    onEnd: () => connection.end('finished'),
    onClose: (why) => closed.push(why),
  }))
  stream.holdDescriptor()
  story.tell('peer', 'says FIN; the kernel has not freed the descriptor yet')
  stream.arriveEnd()
  await rounds()
  expectSame('whether FIN was sent, and onClose called', [stream.isEnded, ...closed], [true], {
    because:
      'Both have said FIN, but what was sent may still be on its way, and the socket is open.',
  })
  story.tell('kernel', 'frees the descriptor')
  stream.freeDescriptor()
  await rounds()
  expectSame('what onClose was called with', [...closed], ['finished'], {
    because: 'Now it is over, once.',
  })
  expectSame('sources on the loop', loop.stats().sources, 0, {
    because: 'Nothing is left to wait for.',
  })
  await end()
}

/** The loop has had its turns, if there was anything to do in them. */
async function rounds(): Promise<void> {
  for (let round = 0; round < 10; round++) await settled()
}

/** Many connections at once, without a story of their own. */
class Crowd {
  readonly #sockets: Socket[]

  constructor(sockets: Socket[]) {
    this.#sockets = sockets
  }

  static async connect({ port }: HostedServer, count: number): Promise<Crowd> {
    const sockets = await within(5 * PATIENCE_MS, dialMany(port, count))
    return new Crowd(sockets === 'too late' ? [] : sockets)
  }

  /** How many of them have got the answer to their own question. */
  async askAll(): Promise<number> {
    const answers = this.#sockets.map(async (socket, index) => {
      const expected = `number ${index}\n`
      socket.write(`echo ${expected}`)
      return (await receive(socket, expected.length, PATIENCE_MS)).toString() === expected
    })
    return (await Promise.all(answers)).filter(Boolean).length
  }

  loseHalf(): void {
    for (const socket of this.#sockets.splice(0, this.#sockets.length / 2)) socket.resetAndDestroy()
  }

  destroy(): void {
    for (const socket of this.#sockets) socket.destroy()
  }
}
