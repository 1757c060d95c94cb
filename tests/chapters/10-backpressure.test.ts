import { once } from 'node:events'
import { connect as dial, type Socket } from 'node:net'
import type { Source } from '#code/07-event-loop/byte-stream.ts'
import type { FrameConnection, FrameLimits } from '#code/10-backpressure/frame-connection.ts'
import type { Outbox } from '#code/10-backpressure/outbox.ts'
import type { ReceptionLimits } from '#code/10-backpressure/reception.ts'
import { quote } from '../harness/bytes.ts'
import { pattern } from '../harness/client.ts'
import { Failure, type Reason } from '../harness/failure.ts'
import type { HostedServer } from '../harness/hosted-server.ts'
import { PATIENCE_MS, within } from '../harness/patience.ts'
import { type Random, randomInteger } from '../harness/random.ts'
import { ScriptedClient } from '../harness/scripted-client.ts'
import { ScriptedStream } from '../harness/scripted-stream.ts'
import type { Story } from '../harness/story.ts'
import { VirtualClock, VirtualLoop } from '../harness/virtual-time.ts'
import { type Stage, step } from '../judge/step.ts'
import { echoFrame, frame } from '../protocols/frames.ts'

const CHAPTER = '10-backpressure'
const FOR_EVER = Number.POSITIVE_INFINITY

step('10.1', 'a write that takes only a part goes on where it stopped', async (stage) => {
  const { expectSame, story } = stage
  const { outbox, stream, push, flush, give } = await playOutbox(stage, 1_000_000)
  expectSame('push("hello")', push('hello'), 'sent', {
    because: 'The stream has taken all of it.',
    likely: 'Afterwards nothing waits: then it is `sent`.',
  })
  expectSame('what the stream was given', textOf(stream), 'hello', { because: 'It was pushed.' })

  give(3)
  const outcome = push("Don't ")
  expectSame('queuedBytes', outbox.queuedBytes, 3, {
    because: 'Three of six bytes were taken.',
    likely: 'Drop as many bytes as write() has answered, not the piece.',
  })
  expectSame('the outcome', outcome, 'queued', {
    because: 'Three bytes are on their way, three wait.',
    likely: 'It is `sent` only when nothing waits any more.',
  })
  expectSame('push("panic")', push('panic'), 'queued', { because: 'The stream takes nothing.' })
  give(FOR_EVER)
  push('!')
  flush()
  expectSame('what the stream was given', textOf(stream), "Don't panic!", {
    because:
      'Bytes go out in the order in which they were pushed, each of them once, whenever there is room.',
    likely:
      'Who comes later waits behind those that wait already, even if the stream has room by now.',
  })
  expectSame('queuedBytes', outbox.queuedBytes, 0, { because: 'Nothing is left.' })

  outbox.isCorked = true
  story.tell('outbox', 'is corked')
  expectSame('push("one")', push('one'), 'queued', { because: 'A corked outbox only collects.' })
  push('two')
  expectSame('what the stream was given', textOf(stream), '', {
    because: 'What is said in one turn goes out together, at the end of it.',
    likely: 'While isCorked, push() does not flush.',
  })
  outbox.isCorked = false
  story.tell('outbox', 'is uncorked')
  flush()
  expectSame('what the stream was given', textOf(stream), 'onetwo', { because: 'Now it goes.' })

  pushAtRandom(stage, outbox, stream)
})

step('10.2', 'reading stops at the high-water mark and goes on at the low one', async (stage) => {
  const { expectSame } = stage
  const world = await openWorld(stage, {
    highWaterBytes: 1_000,
    lowWaterBytes: 200,
    stallMs: FOR_EVER,
    lingerMs: FOR_EVER,
  })
  const [ada, adas] = await world.echoTo('ada')
  const expectAccepted = (count: number, reason: Reason) =>
    expectSame('the frames that were accepted', adas.frames, count, reason)
  const payloads = Array.from({ length: 14 }, (_, index) => `${index} `.padEnd(96, '.'))

  await ada.send(frame('hello'))
  ada.expectReceived(frame('hello'), { because: 'She reads: her frame is echoed.' })
  ada.stopReading()
  for (const payload of payloads.slice(0, 10)) await ada.send(frame(payload))
  expectAccepted(11, {
    because:
      'Ten frames of 100 bytes wait for ada. 1000 bytes are not more than the high-water mark.',
    likely: 'Compare with highWaterBytes: more than that, not as much.',
  })
  for (const payload of payloads.slice(10)) await ada.send(frame(payload))
  expectAccepted(12, {
    because: 'With the next frame 1100 bytes wait. Nobody reads what she sends after that.',
    likely: 'An interest without `readable` stops the reading.',
  })

  await ada.takes(500)
  expectAccepted(12, {
    because:
      '600 bytes wait: below the high mark, above the low one. To read on now would be to stop again soon.',
    likely:
      'Whether it is held back depends on what was before. Between the marks nothing changes.',
  })
  await ada.takes(399)
  expectAccepted(12, { because: '201 bytes wait.', likely: 'No more than lowWaterBytes.' })
  await ada.takes(1)
  expectAccepted(15, {
    because: '200 bytes wait. That is the low mark: reading goes on.',
    likely:
      'When queuedBytes has come down to lowWaterBytes, the connection is held back no longer.',
  })
  await ada.startReading()
  ada.expectReceived(Buffer.concat(payloads.map(frame)), {
    because: 'Every frame is answered once, in order, however long it took.',
    likely: 'While something is queued, the connection must wait for `writable` as well.',
  })

  const [bob] = await world.echoTo('bob')
  bob.stopReading()
  await bob.send(frame('last words'))
  await bob.halfClose()
  await bob.startReading()
  bob.expectReceived(frame('last words'), { because: 'He can still hear.' })
  bob.expectEnd({ because: 'He has said FIN and has all his answers.' })

  const [cyd, cyds] = await world.echoTo('cyd')
  cyd.stopReading()
  for (const payload of payloads.slice(0, 12)) await cyd.send(frame(payload))
  await cyd.reset()
  expectSame('how cyd’s connection ended', world.reasons(cyds), ['lost (ECONNRESET)'], {
    because: 'She is held back, so nothing is read from her. Her loss is reported all the same.',
  })
})

step('10.3', 'who does not take what it is due is let go, and told why', async (stage) => {
  const { expectSame } = stage
  await expectBoundedOutbox(stage)

  const world = await openWorld(stage, { maxQueuedBytes: 1_000, stallMs: 30_000, lingerMs: 5_000 })
  const [ada, adas] = await world.echoTo('ada')
  const hundred = frame('x'.repeat(96))
  const push = (connection: FrameConnection, count: number) =>
    world.act(() => Array.from({ length: count }, () => connection.sendEncoded(hundred)))
  ada.stopReading()
  stage.story.tell('server', 'has 12 frames of 100 bytes to say to ada')
  const outcomes = await push(adas, 12)
  expectSame(
    'the outcomes',
    tally(outcomes),
    { queued: 10, full: 2 },
    {
      because: 'maxQueuedBytes is 1000.',
    },
  )
  await ada.startReading()
  ada.expectReceived(Buffer.concat([...Array(10).fill(hundred), frame('error slow consumer')]), {
    because:
      'More than its outbox holds cannot wait for her. She gets what was taken for her, and then the reason.',
    likely: 'A frame that finds the outbox full lets the peer go: letGo(SLOW_CONSUMER).',
  })
  ada.expectEnd({ because: 'Behind the reason comes FIN.' })
  await ada.send(frame('but'))
  ada.expectNothingMore({ because: 'Whoever has been let go is not answered any more.' })
  await ada.halfClose()
  expectSame('how ada’s connection ended', world.reasons(adas), ['slow consumer'], {
    because: 'Both FINs have passed, and onClose is told the reason.',
  })
  world.expectTimers(0, { because: 'Nothing of her is left.' })

  const [bob, bobs] = await world.echoTo('bob')
  bob.stopReading()
  stage.story.tell('server', 'has 12 frames to say to bob')
  await push(bobs, 12)
  await world.advance(4_999)
  expectSame('how bob’s connection ended', world.reasons(bobs), [], {
    because: 'From close() on he has 5 s to take what waits for him.',
    likely: 'lingerMs, from the moment of close().',
  })
  await world.advance(1)
  bob.expectCut({
    because: 'He has had his 5 s. A peer that takes nothing would hold its memory for ever.',
    likely: 'After lingerMs the connection is cut.',
  })
  world.expectTimers(0, { because: 'Nothing of him is left.' })

  const [cyd, cyds] = await world.echoTo('cyd')
  const [dee, dees] = await world.echoTo('dee')
  for (const client of [cyd, dee]) client.stopReading()
  stage.story.tell('server', 'has 5 frames to say to each of cyd and dee')
  for (const connection of [cyds, dees]) await push(connection, 5)
  for (let times = 0; times < 2; times++) {
    await world.advance(14_900)
    await dee.takes(1)
  }
  for (const client of [cyd, dee]) {
    client.expectOpen({ because: 'Nobody has stood still for 30 s.', likely: 'stallMs.' })
  }
  await world.advance(300)
  expectSame('what waits for cyd', cyds.queuedBytes, 500 + frame('error slow consumer').length, {
    because:
      'cyd has taken nothing for 30 s though something waits for her. She is let go: the reason waits behind the rest.',
    likely: 'After stallMs, compare sentBytes with what it was before. Then letGo(SLOW_CONSUMER).',
  })
  await world.advance(5_000)
  cyd.expectCut({ because: 'She has not taken that, either.' })
  for (let times = 0; times < 4; times++) {
    await world.advance(14_900)
    await dee.takes(1)
  }
  dee.expectOpen({
    because: 'dee is slow, but she takes something all the time.',
    likely: 'Whoever has taken something since the last look is looked at again in stallMs.',
  })
  stage.story.tell('dee', 'takes nothing from now on')
  await world.advance(60_000)
  await world.advance(5_000)
  dee.expectCut({
    because: 'Now she has stood still for more than 30 s, and then for the 5 s that she had left.',
    likely: 'One look is not enough: while something waits, the next look is planned.',
  })
  const [flo, flos] = await world.echoTo('flo')
  flo.stopReading()
  stage.story.tell('server', 'has 5 frames to say to flo')
  await push(flos, 5)
  await world.advance(10_000)
  await flo.takes(1)
  stage.story.tell('flo', 'takes nothing from now on')
  await world.advance(60_000)
  await world.advance(5_000)
  flo.expectCut({
    because: 'The first look saw that she had taken a byte. She has stood still since.',
    likely: 'A look that finds progress plans the next one itself: no turn may ever come to do it.',
  })
  world.expectTimers(0, { because: 'Nobody is left.' })

  const [eve, eves] = await world.echoTo('eve')
  stage.story.tell('server', 'calls close() on eve’s connection')
  await world.act(() => eves.close('enough'))
  eve.expectEnd({ because: 'Nothing waits for her: FIN goes at once.' })
  for (let times = 0; times < 4; times++) {
    await world.advance(1_000)
    await eve.send(frame('one more thing'))
  }
  expectSame('eve’s frames that were accepted', eves.frames, 0, {
    because: 'What comes after close() is read and thrown away.',
  })
  await world.advance(1_000)
  eve.expectCut({
    because: 'She goes on talking and never says FIN. After 5 s nobody waits for it any more.',
    likely: 'The time runs from close(), whatever the peer sends.',
  })
})

step('10.4', 'there is a limit to how many come and to how fast they talk', async (stage) => {
  const { expectSame } = stage
  await expectCap(stage)
  await expectBucket(stage)

  const world = await openReception(stage, { maxConnections: 2 })
  const [ada, bob] = [await world.arrive('ada'), await world.arrive('bob')]
  for (const client of [ada, bob]) {
    await client.send(frame(client.name))
    client.expectReceived(frame(client.name), { because: 'There is room for two.' })
  }
  const cyd = await world.arrive('cyd')
  cyd.expectReceived(frame('error busy'), {
    because: 'Two are inside. The third is told why she cannot come in.',
    likely: 'enter() says whether there is room. Without, #refuse() with BUSY.',
  })
  cyd.expectEnd({ because: 'Then FIN.' })
  await cyd.halfClose()
  const dee = await world.arrive('dee')
  dee.expectReceived(frame('error busy'), {
    because: 'cyd has gone, but she never was inside: there is no more room than before.',
    likely: 'Only who was let in leaves a place behind.',
  })
  expectSame(
    'stats()',
    world.stats('connections', 'refused'),
    { connections: 2, refused: 2 },
    {
      because: 'Two are inside, and two were refused.',
    },
  )

  await ada.halfClose()
  const eve = await world.arrive('eve')
  await eve.send(frame('eve'))
  eve.expectReceived(frame('eve'), {
    because: 'ada has gone: her place is free.',
    likely: 'Whoever was let in calls leave() in the end: #hasLeft().',
  })
  await eve.reset()
  stage.story.tell('crowd', 'comes and goes, fifty times: half of them are reset')
  for (let times = 0; times < 50; times++) {
    const visitor = await world.arrive('', true)
    await visitor.send(frame('hi'))
    visitor.expectReceived(frame('hi'), {
      because: 'There is one place, and it is free each time.',
      likely: 'A connection ends in more ways than by FIN. #hasLeft() hears of all of them.',
    })
    if (times % 2) await visitor.halfClose()
    else await visitor.reset()
  }
  expectSame(
    'stats()',
    world.stats('connections', 'refused', 'frames'),
    { connections: 1, refused: 2, frames: 53 },
    {
      because: 'bob is inside. The others have left, and what they sent is still counted.',
      likely: 'What a connection has accepted is added to the counts when it leaves.',
    },
  )

  await expectOwnRates(stage)
  await expectSlowConsumersCounted(stage)
})

step('10.5', 'some descriptors are kept back, and a failed accept ends nothing', async (stage) => {
  const { connect, expectSame, serve, story } = stage
  const { affordableConnections, RESERVED_DESCRIPTORS } = await stage.load(
    () => import('#code/10-backpressure/limits.ts'),
  )
  const LIKELY = `The smaller of what is wanted and what is left beside ${RESERVED_DESCRIPTORS}.`
  for (const [wanted, descriptors, affordable, because] of [
    [100, 20_000, 100, 'There are enough for all that are wanted.'],
    [100, FOR_EVER, 100, 'The kernel sets no limit.'],
    [10_000, 1_024, 960, 'A connection costs a descriptor, and 64 are for everything else.'],
    [100, 164, 100, 'It is just enough.'],
    [10, 50, 1, 'There are too few to begin with. A server for nobody would be none.'],
  ] as const) {
    expectSame(
      `affordableConnections(${wanted}, ${descriptors})`,
      affordableConnections(wanted, descriptors),
      affordable,
      { because, likely: LIKELY },
    )
  }

  const isPosix = process.platform !== 'win32'
  const descriptors = isPosix ? { maxOpenFiles: 200 } : undefined
  const server = await serve(CHAPTER, {}, 'server.ts', descriptors)
  if (isPosix) story.tell('kernel', 'lets the process have 200 descriptors')
  else story.tell('kernel', 'is Windows: it has no limit on descriptors')
  const ada = await connect(server)
  await echoFrame(ada, 'hello', { because: 'She is served.' })
  for (const errno of ['EMFILE', 'ENOBUFS', 'EMFILE']) {
    await server.failAccept(errno, {
      because: 'Somebody could not come in. Those who are inside are not concerned.',
      likely: 'An "error" on the server that nobody listens to ends the process.',
    })
  }
  await echoFrame(ada, 'still here', {
    because: 'Those who are inside are not concerned.',
  })
  const bob = await connect(server)
  await echoFrame(bob, 'hello', { because: 'And the next one may come in.' })
  const { acceptErrors } = await server.call<{ acceptErrors: number }>('stats')
  expectSame('stats().acceptErrors', acceptErrors, 3, {
    because: 'Whoever runs the server should see that newcomers are lost.',
    likely: 'onAcceptError() counts.',
  })

  if (!isPosix) return
  const crowd = await Crowd.connect(server, 180)
  try {
    story.tell('crowd', 'connects 180 times, and nobody of them leaves')
    await echoFrame(ada, 'still here', { because: 'ada does not suffer from that.' })
    let connections = 0
    await server.expectEventually(
      'the server to have seen all 182 of them',
      async () => {
        const seen = await server.call<{ connections: number; refused: number }>('stats')
        connections = seen.connections
        return {
          holds: seen.connections + seen.refused === 182,
          received: `${seen.connections} connections, ${seen.refused} refused`,
        }
      },
      {
        because:
          'Past the last descriptor libuv closes newcomers without a word, to them or to us. They have to be told that we are busy while there still is a descriptor to tell them with.',
        likely: 'Is the number of connections bounded by affordableConnections()?',
      },
    )
    expectSame('stats().connections', connections, 136, {
      because: '64 of 200 descriptors are kept back.',
    })
  } finally {
    crowd.destroy()
  }
})

step('10.6', 'close() sees everybody out before its deadline', async (stage) => {
  await expectOrderlyClose(stage)
  const { connect, expect, expectSame, serve, story } = stage
  const server = await serve(CHAPTER, { graceMs: 400 })
  const ada = await connect(server)
  await echoFrame(ada, 'hello', { because: 'The server serves.' })
  const crowd = await Crowd.connect(server, 20)
  const deaf = dial(server.port, '127.0.0.1')
  try {
    deaf.on('error', () => {})
    await within(PATIENCE_MS, once(deaf, 'connect'))
    story.tell('deaf', 'sends frames, and never reads')
    deaf.write(Buffer.concat(Array(10_000).fill(frame('x'.repeat(1_000)))))
    const heldBefore = await server.heldBytes()
    const framesBefore = await standstill(server)
    const held = (await server.heldBytes()) - heldBefore
    expect('the server to hold little for deaf', held < 4 * 1024 * 1024, {
      because: 'deaf has sent up to 10 MB and takes no answer. So it is not read.',
      likely: 'Above the high-water mark, the interest is not in reading.',
      expected: 'less than 4 MiB',
      received: `${(held / 1024 / 1024).toFixed(1)} MiB`,
    })
    story.tell('crowd', 'sends frames from 20 connections, each as soon as the last is answered')
    const talks = crowd.talk()
    for (let trip = 0; trip < 5; trip++) await server.roundTrip()
    server.beginClose()
    await ada.expectBytes(frame('goodbye'), {
      because: 'Everybody inside is told, in a last frame.',
      likely: 'letGo(GOODBYE) for everybody in #inside.',
    })
    await ada.expectEnd({ because: 'Then FIN.' })
    await ada.halfClose()
    await stage.expectRefused(server, {
      because: 'From the moment of close() nobody is let in.',
      likely: 'Call server.close() first and wait for it last: it stops accepting at once.',
    })
    const results = await within(PATIENCE_MS, talks)
    expect('the crowd to be seen out', results !== 'too late', {
      because: 'They read all the time, so nothing has to be waited for.',
    })
    for (const talk of results as Talk[]) {
      const wrong = talk.ending !== 'goodbye' ? talk.ending : undefined
      expectSame('how each of them was seen out', wrong ?? 'goodbye', 'goodbye', {
        because: 'After the answers to what was accepted comes the goodbye, then FIN.',
        likely: 'letGo() puts the goodbye behind what waits. cut() would lose both.',
      })
    }
    await server.expectClosed({
      because: 'graceMs is 400. Whoever does not take what it is due is cut then.',
      likely:
        'server.close() cuts after graceMs, but it has to be called before you wait for anybody.',
    })
    await server.expectNothingLeft({ because: 'Now the process could end.' })
    const { frames } = await server.call<{ frames: number }>('stats')
    const answered = (results as Talk[]).reduce((sum, talk) => sum + talk.answered, 0)
    expectSame('the frames that were accepted from the crowd', frames - framesBefore, answered, {
      because: `The crowd has received ${answered} answers. A frame that was accepted is answered, goodbye or not.`,
      likely:
        'After close() nothing is accepted; what was accepted before goes out before the goodbye.',
    })
  } finally {
    deaf.destroy()
    crowd.destroy()
  }
})

/** How many frames a server has accepted when it accepts no more; ten looks at it are the same. */
async function standstill(server: HostedServer): Promise<number> {
  let seen = -1
  for (let sameTimes = 0; sameTimes < 10; ) {
    await server.roundTrip()
    const { frames } = await server.call<{ frames: number }>('stats')
    sameTimes = frames === seen ? sameTimes + 1 : 0
    seen = frames
  }
  return seen
}

/** An outbox on a stream that the test has in its hand. */
async function playOutbox({ load, story }: Stage, maxBytes: number) {
  const { Outbox } = await load(() => import('#code/10-backpressure/outbox.ts'))
  const stream = new ScriptedStream()
  const outbox = new Outbox(stream, maxBytes)
  return {
    outbox,
    stream,
    push(text: string) {
      const outcome = outbox.push(Buffer.from(text))
      story.tell('outbox', `push(${quote(text)}) answers ${JSON.stringify(outcome)}`)
      return outcome
    },
    flush() {
      outbox.flush()
      story.tell('outbox', 'flush()')
    },
    give(bytes: number) {
      story.tell('stream', bytes === FOR_EVER ? 'takes everything' : `takes ${bytes} bytes more`)
      stream.setRoom(bytes)
    },
  }
}

function textOf(stream: ScriptedStream): string {
  return Buffer.from(stream.takeWritten()).toString()
}

/** Pieces of every size into a stream that takes whatever it likes. */
function pushAtRandom(stage: Stage, outbox: Outbox, stream: ScriptedStream): void {
  const { expect, random, story } = stage
  const total = 400_000
  const written: Uint8Array[] = []
  const sentBefore = outbox.sentBytes
  let writtenBytes = 0
  const look = () => {
    const bytes = stream.takeWritten()
    written.push(bytes)
    writtenBytes += bytes.length
  }
  story.tell('test', 'pushes 400,000 bytes in pieces, and the stream takes some now and then')
  for (let pushed = 0; pushed < total; ) {
    stream.setRoom(randomBelow(random, 6) === 0 ? randomBelow(random, 20_000) : 0)
    const piece = pattern(pushed, Math.min(total - pushed, 1 + randomBelow(random, 5_000)))
    outbox.push(piece)
    pushed += piece.length
    if (randomBelow(random, 3) === 0) outbox.flush()
    look()
    expect('every byte to be either sent or queued', outbox.queuedBytes === pushed - writtenBytes, {
      because: 'What was pushed and not taken waits; what was taken does not.',
      likely: 'Drop from the waiting bytes as many as write() has taken.',
      expected: `${pushed} pushed − ${writtenBytes} taken = ${pushed - writtenBytes} queued`,
      received: `${outbox.queuedBytes} queued`,
    })
  }
  stream.setRoom(FOR_EVER)
  outbox.flush()
  look()
  expect('the stream to be given what was pushed', sameBytes(Buffer.concat(written), total), {
    because: 'Whatever a stream takes at a time, the bytes are the same, in the same order.',
    likely: 'A flush begins with the first byte that has not been taken.',
  })
  stage.expectSame('sentBytes', outbox.sentBytes - sentBefore, total, {
    because: 'It counts what the stream has taken.',
  })
}

function sameBytes(bytes: Buffer, total: number): boolean {
  return bytes.equals(pattern(0, total))
}

function randomBelow(random: Random, limit: number): number {
  return randomInteger(random, limit)
}

function tally(outcomes: string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const outcome of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1
  return counts
}

/** The limit of an outbox, and that what is refused leaves no trace. */
async function expectBoundedOutbox(stage: Stage): Promise<void> {
  const { expectSame } = stage
  const { outbox, stream, push, flush, give } = await playOutbox(stage, 10)
  give(0)
  for (const text of ['123456', '7890']) {
    expectSame(`push("${text}")`, push(text), 'queued', { because: 'The outbox holds 10 bytes.' })
  }
  expectSame('push("!")', push('!'), 'full', {
    because: 'It would be the eleventh byte.',
    likely: 'Compare before anything is taken: what waits, and what would come to it.',
  })
  expectSame('queuedBytes', outbox.queuedBytes, 10, {
    because: 'Of bytes that are "full" none is taken.',
  })
  give(FOR_EVER)
  flush()
  expectSame('what the stream was given', textOf(stream), '1234567890', {
    because: 'What was refused is not sent later.',
  })
  give(1)
  expectSame('push() of 12 bytes', push('abcdefghijkl'), 'full', {
    because: 'Eleven of them would wait.',
  })
  expectSame('what the stream was given', textOf(stream), '', {
    because: 'Half a frame must not go out: the peer would take the next frame for the rest of it.',
    likely: 'All or nothing. Look at the limit before the stream gets anything.',
  })
}

const LIMITS: FrameLimits = {
  highWaterBytes: 64 * 1024,
  lowWaterBytes: 16 * 1024,
  maxQueuedBytes: 1024 * 1024,
  stallMs: 30_000,
  lingerMs: 5_000,
  maxFrameBytes: 64 * 1024,
}

/** A loop and timers in virtual time. */
async function startWorld({ load, story, expectSame }: Stage) {
  const { EventLoop } = await load(() => import('#code/07-event-loop/event-loop.ts'))
  const { TimerQueue } = await load(() => import('#code/08-timers/timer-queue.ts'))
  const world = new VirtualLoop<Source>(story)
  const timers = new TimerQueue(world.clock)
  const loop = new EventLoop<Source>(world.poller, timers)
  await world.start(loop)
  return {
    loop,
    timers,
    settle: () => world.settle(),
    advance: (ms: number) => world.advance(ms),
    /** Does something that is not a turn of the loop; the loop then looks around. */
    async act<T>(body: () => T): Promise<T> {
      const result = body()
      world.poller.wake()
      await world.settle()
      return result
    },
    expectTimers(count: number, reason: Reason): void {
      expectSame('timers.size', timers.size, count, reason)
    },
  }
}

/** Connections of the chapter that echo frames, in virtual time. */
async function openWorld(stage: Stage, limits: Partial<FrameLimits>) {
  const { FrameConnection } = await stage.load(
    () => import('#code/10-backpressure/frame-connection.ts'),
  )
  const world = await startWorld(stage)
  const closed = new Map<FrameConnection, string[]>()
  return {
    ...world,
    /** With which reasons a connection has ended: one, or none yet. */
    reasons: (connection: FrameConnection) => closed.get(connection) ?? [],
    async echoTo(name: string): Promise<[Peer, FrameConnection]> {
      const peer = new Peer(name, stage.story, world)
      const events = {
        onFrame: (payload: Uint8Array) => void connection.send(payload),
        onClose: (reason: string) =>
          void closed.set(connection, [...(closed.get(connection) ?? []), reason]),
      }
      const connection: FrameConnection = await world.act(
        () => new FrameConnection(peer.stream, world, events, { ...LIMITS, ...limits }),
      )
      return [peer, connection]
    },
  }
}

/** The chapter's reception, in virtual time: newcomers arrive without a socket. */
async function openReception(stage: Stage, limits: Partial<ReceptionLimits>) {
  const { Reception } = await stage.load(() => import('#code/10-backpressure/reception.ts'))
  const world = await startWorld(stage)
  const allLimits = {
    ...LIMITS,
    maxConnections: 100,
    framesPerSecond: FOR_EVER,
    burstFrames: 100,
    ...limits,
  }
  const reception = new Reception(world.timers, allLimits, () => ({
    onFrame: (payload, connection) => void connection.send(payload),
  }))
  return {
    ...world,
    reception,
    stats(...names: (keyof ReturnType<typeof reception.stats>)[]) {
      const stats = reception.stats()
      return Object.fromEntries(names.map((name) => [name, stats[name]]))
    },
    async arrive(name: string, isQuiet = false): Promise<Peer> {
      const peer = new Peer(name, isQuiet ? SILENT : stage.story, world)
      await world.act(() => reception.admit(peer.stream, world.loop))
      return peer
    },
  }
}

/** A stream may be asked so often whether it is ready while nobody does anything to it. */
const MAX_QUESTIONS = 10_000

/** A stream that notices when a loop spins: asks whether it is ready, is told so, and does nothing about it. */
class AskedStream extends ScriptedStream {
  story: Story | undefined
  #questions = 0

  override get isReadable(): boolean {
    this.#refuseToSpin()
    return super.isReadable
  }

  override get isWritable(): boolean {
    this.#refuseToSpin()
    return super.isWritable
  }

  /** Something has happened that is worth questions. */
  forget(): void {
    this.#questions = 0
  }

  #refuseToSpin(): void {
    this.#questions += 1
    if (this.#questions < MAX_QUESTIONS) return
    throw new Failure(this.story!, {
      headline:
        'The loop spins: it is told again and again that a stream is ready, and does nothing.',
      because:
        'A level-triggered poller reports what is ready for as long as somebody is interested in it.',
      likely:
        'Be interested in reading only when you would read, and in writing only while something is queued.',
    })
  }
}

/** A scripted client that can sip, on a stream that notices a loop that spins. */
class Peer extends ScriptedClient {
  override readonly stream = new AskedStream()
  readonly #story: Story
  readonly #world: { settle(): Promise<void> }

  constructor(name: string, story: Story, world: { settle(): Promise<void> }) {
    const settle = () => {
      this.stream.forget()
      return world.settle()
    }
    super(name, story, { settle })
    this.stream.story = story
    this.#story = story
    this.#world = { settle }
  }

  /** Reads so many bytes, and then no more. */
  async takes(bytes: number): Promise<void> {
    this.#story.tell(this.name, `takes ${bytes} ${bytes === 1 ? 'byte' : 'bytes'} more`)
    this.stream.setRoom(bytes)
    await this.#world.settle()
  }

  expectOpen(reason: Reason): void {
    if (!this.stream.isEnded && !this.stream.isDestroyed) return
    throw new Failure(this.#story, {
      headline: `${this.name} should still be connected.`,
      expected: { text: 'an open connection' },
      received: { text: this.stream.isDestroyed ? 'both directions closed' : 'FIN' },
      ...reason,
    })
  }

  /** After FIN: expects that nothing came behind it. */
  expectNothingMore(reason: Reason): void {
    this.expectReceived('', reason)
  }
}

async function expectCap(stage: Stage): Promise<void> {
  const { ConnectionCap } = await stage.load(() => import('#code/10-backpressure/limits.ts'))
  const cap = new ConnectionCap(2)
  const enter = () => {
    const isIn = cap.enter()
    stage.story.tell('cap', `enter() answers ${isIn}`)
    return isIn
  }
  stage.expectSame(
    'three times enter(), with room for two',
    [enter(), enter(), enter()],
    [true, true, false],
    {
      because: 'The third finds both places taken.',
      likely: 'Compare before you count.',
    },
  )
  stage.expectSame('count', cap.count, 2, {
    because: 'Who is not let in is not inside.',
    likely: 'Count only who is let in.',
  })
  cap.leave()
  stage.story.tell('cap', 'leave()')
  stage.expectSame('enter(), twice more', [enter(), enter()], [true, false], {
    because: 'One has left: there is one place.',
  })
}

/** Everybody may say 10 frames a second, and 5 at once. */
async function expectOwnRates(stage: Stage): Promise<void> {
  stage.story.tell('test', 'opens another reception: 10 frames a second, 5 at once')
  const world = await openReception(stage, { framesPerSecond: 10, burstFrames: 5 })
  const [bob, fay] = [await world.arrive('bob'), await world.arrive('fay')]
  await bob.send(Buffer.concat(Array(20).fill(frame('talk'))))
  bob.expectReceived(Buffer.concat(Array(20).fill(frame('talk'))), {
    because: 'What has been read is answered. But 5 are a burst, and 15 are a debt of 1.5 s.',
  })
  await bob.send(frame('more'))
  bob.expectNothing({
    because: 'bob talks too fast: his connection is not read until he has waited for his debt.',
    likely: 'After take() says to wait, the interest is not in reading until the timer fires.',
  })
  for (let times = 0; times < 2; times++) {
    await fay.send(Buffer.concat([frame('hi'), frame('hi')]))
    fay.expectReceived(Buffer.concat([frame('hi'), frame('hi')]), {
      because: 'fay has not talked too fast. Each has a rate of her own.',
      likely: 'A bucket for each connection.',
    })
  }
  await world.advance(1_400)
  bob.expectNothing({ because: '1.4 of 1.5 s are over.' })
  await world.advance(100)
  bob.expectReceived(frame('more'), {
    because: 'He has waited for 1.5 s. Nothing was lost: it has waited in the stream.',
    likely: 'When the timer fires, #pause is over, and what to wait for is decided anew.',
  })
  await bob.reset()
  await fay.send(Buffer.concat(Array(20).fill(frame('hi'))))
  await world.advance(60_000)
  await fay.reset()
  world.expectTimers(0, { because: 'Nobody is left.' })
}

/** Whoever leaves is counted for why it left. */
async function expectSlowConsumersCounted(stage: Stage): Promise<void> {
  const world = await openReception(stage, { maxQueuedBytes: 250 })
  const [gus, hal] = [await world.arrive('gus'), await world.arrive('hal')]
  gus.stopReading()
  for (let times = 0; times < 3; times++) await gus.send(frame('x'.repeat(96)))
  await gus.reset()
  await hal.halfClose()
  const counts = { connections: 0, frames: 3, slowConsumers: 1 }
  stage.expectSame('stats()', world.stats('connections', 'frames', 'slowConsumers'), counts, {
    because: 'gus did not take three answers of 100 bytes. hal just left.',
    likely: '#hasLeft() is told the reason: SLOW_CONSUMER is one of them.',
  })
}

async function expectBucket(stage: Stage): Promise<void> {
  const { TokenBucket } = await stage.load(() => import('#code/10-backpressure/limits.ts'))
  const { story, expect } = stage
  const clock = new VirtualClock()
  const bucket = new TokenBucket(clock, 10, 5)
  story.tell('test', 'makes a bucket: 10 tokens a second, 5 at most')
  const expectWait = (count: number, waitMs: number, reason: Reason) => {
    const received = bucket.take(count)
    story.tell('bucket', `take(${count}) answers ${Number(received.toFixed(3))}`)
    expect(`take(${count}) to say: wait for ${waitMs} ms`, Math.abs(received - waitMs) < 0.001, {
      ...reason,
      expected: `${waitMs} ms`,
      received: `${received} ms`,
    })
  }
  const pass = (ms: number) => {
    clock.pass(ms)
    story.tell('time', `moves on by ${ms} ms`)
  }
  expectWait(5, 0, { because: 'The bucket was full: a burst of five costs no waiting.' })
  expectWait(1, 100, {
    because: 'It is empty, and a token comes every 100 ms.',
    likely: 'Take the tokens even when there are too few. What is below zero is a debt.',
  })
  pass(100)
  expectWait(1, 100, { because: 'The debt was just paid, and here is the next.' })
  pass(350)
  expectWait(2, 0, { because: 'In 350 ms 3.5 tokens have come, and one was owed.' })
  expectWait(20, 1_950, {
    because: 'Half a token was left, so 19.5 are owed.',
    likely: 'Parts of a token count: do not round.',
  })
  pass(1_950)
  expectWait(0, 0, { because: 'The debt is paid.' })
  pass(3_600_000)
  expectWait(6, 100, {
    because: 'After an hour of silence the bucket is full, not fuller.',
    likely: 'No more than `burst` tokens, however long it was quiet.',
  })
}

/** A close() of which the judge sees every step, in virtual time. */
async function expectOrderlyClose(stage: Stage): Promise<void> {
  const { expectSame, story } = stage
  const world = await openReception(stage, {})
  const [ada, bob] = [await world.arrive('ada'), await world.arrive('bob')]
  ada.stopReading()
  await ada.send(frame('first'))
  await ada.send(frame('second'))
  const gate = Promise.withResolvers<void>()
  let calls = 0
  const listening = {
    port: 0,
    close: () => {
      calls += 1
      story.tell('listening socket', 'close() is called')
      return gate.promise
    },
  }
  story.tell('test', 'calls close() of the reception')
  let isClosed = false
  const closing = world.act(() => world.reception.close(listening))
  void closing.then(() => {
    isClosed = true
  })
  await world.settle()
  expectSame('calls of close() on the listening socket', calls, 1, {
    because: 'To stop accepting comes first, and the deadline runs from there.',
    likely: 'Call server.close() before you wait for anybody.',
  })
  bob.expectReceived(frame('error goodbye'), {
    because: 'bob is inside: he is told that the server says goodbye.',
    likely: 'letGo(GOODBYE), for everybody in #inside.',
  })
  bob.expectEnd({ because: 'And then FIN.' })
  await bob.send(frame('one more'))
  bob.expectNothingMore({ because: 'What comes after goodbye is not accepted.' })

  const cyd = await world.arrive('cyd')
  cyd.expectReceived(frame('error goodbye'), {
    because: 'She had connected and was not accepted yet. She hears the same.',
    likely: 'admit() asks #isStopping first.',
  })
  cyd.expectEnd({ because: 'And then FIN.' })
  expectSame(
    'stats().refused',
    world.stats('refused'),
    { refused: 0 },
    {
      because: 'That was not for want of room.',
    },
  )

  await ada.startReading()
  ada.expectReceived(Buffer.concat(['first', 'second', 'error goodbye'].map(frame)), {
    because:
      'Two frames of hers were accepted, so both are answered, and the goodbye comes behind.',
    likely: 'letGo() puts the last words behind what waits.',
  })
  ada.expectEnd({ because: 'And then FIN.' })
  expectSame('whether close() has resolved', isClosed, false, {
    because: 'The listening socket has not closed yet.',
    likely: 'Wait for the promise that server.close() has answered.',
  })
  for (const client of [ada, bob, cyd]) await client.halfClose()
  gate.resolve()
  await world.settle()
  await closing
}

/** Whom nobody wants to hear about. */
const SILENT = { tell() {}, tellBytes() {}, judge() {}, lines: [] } as unknown as Story

/** What became of one of the crowd's connections. */
interface Talk {
  answered: number
  ending: 'goodbye' | string
}

/** Many connections at once, without a story of their own. */
class Crowd {
  readonly #sockets: Socket[]

  constructor(sockets: Socket[]) {
    this.#sockets = sockets
  }

  static async connect(server: HostedServer, count: number): Promise<Crowd> {
    const sockets = Array.from({ length: count }, () => dial(server.port, '127.0.0.1'))
    for (const socket of sockets) socket.on('error', () => {})
    await within(PATIENCE_MS, Promise.all(sockets.map((socket) => once(socket, 'connect'))))
    return new Crowd(sockets)
  }

  /** Each sends frames, the next when the last has been answered, until it is told goodbye or has ended. */
  talk(): Promise<Talk[]> {
    return Promise.all(this.#sockets.map(talkOn))
  }

  destroy(): void {
    for (const socket of this.#sockets) socket.destroy()
  }
}

async function talkOn(socket: Socket): Promise<Talk> {
  const request = frame('talk')
  const goodbye = frame('goodbye')
  let answered = 0
  let received = Buffer.alloc(0)
  socket.write(request)
  try {
    for await (const chunk of socket) {
      received = Buffer.concat([received, chunk as Buffer])
      while (
        received.length >= request.length &&
        received.subarray(0, request.length).equals(request)
      ) {
        received = received.subarray(request.length)
        answered += 1
        socket.write(request)
      }
    }
  } catch (error) {
    return { answered, ending: `lost (${(error as NodeJS.ErrnoException).code})` }
  }
  return { answered, ending: received.equals(goodbye) ? 'goodbye' : `${quote(received)}, and FIN` }
}
