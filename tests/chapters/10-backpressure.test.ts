import { once } from 'node:events'
import { connect as dial } from 'node:net'
import type { Outbox, OutboxLimits } from '#code/10-backpressure/outbox.ts'
import { quote } from '../harness/bytes.ts'
import { pattern } from '../harness/client.ts'
import type { Reason } from '../harness/failure.ts'
import { isGarbage } from '../harness/garbage.ts'
import type { HostedServer } from '../harness/hosted-server.ts'
import { PATIENCE_MS, within } from '../harness/patience.ts'
import { type Random, randomInteger } from '../harness/random.ts'
import { ScriptedStream } from '../harness/scripted-stream.ts'
import { VirtualClock } from '../harness/virtual-time.ts'
import { type Stage, step } from '../judge/step.ts'
import { echoFrame, frame } from '../protocols/frames.ts'
import {
  Crowd,
  type Echo,
  FOREVER,
  LIMITS,
  openAdmission,
  openWorld,
  type Talk,
} from '../worlds/bounded-frames.ts'

const CHAPTER = '10-backpressure'

step('10.1', 'a write that takes only a part goes on where it stopped', async (stage) => {
  const { expectSame } = stage
  const { outbox, stream, push, flush, give } = await playOutbox(stage, {})
  expectSame('push("hello")', push('hello'), true, { because: 'There is room for it.' })
  push(' world')
  expectSame('what the stream was given', textOf(stream), '', {
    because:
      'What is said in one round goes out together, at its end: the connection calls flush().',
    likely: 'push() only adds to what waits, unless it would be too much.',
  })
  flush()
  expectSame('what the stream was given', textOf(stream), 'hello world', {
    because: 'It was pushed, and then flushed.',
  })
  expectSame('bytes', outbox.bytes, 0, { because: 'Nothing waits any more.' })

  give(3)
  push("Don't ")
  flush()
  expectSame('bytes', outbox.bytes, 3, {
    because: 'Three of six bytes were taken.',
    likely: 'Drop as many bytes as write() has returned, not the piece.',
  })
  push('panic')
  flush()
  give(FOREVER)
  push('!')
  flush()
  expectSame('what the stream was given', textOf(stream), "Don't panic!", {
    because:
      'Bytes go out in the order in which they were pushed, each once, whenever there is room.',
    likely:
      'What is pushed later waits behind what waits already, even if the stream has room by now.',
  })
  expectSame('bytes', outbox.bytes, 0, { because: 'Nothing is left.' })
  push('.')
  flush()
  expectSame('what the stream was given', textOf(stream), '.', {
    because: 'A single byte goes out as well.',
    likely: 'Go on while anything waits.',
    look: 'outbox.flush()',
  })
  pushAtRandom(stage, outbox, stream)
})

step('10.2', 'reading stops at the high-water mark and goes on at the low one', async (stage) => {
  const { expectSame } = stage
  const world = await openWorld(stage, {
    highWaterBytes: 1_000,
    lowWaterBytes: 200,
    stallMs: FOREVER,
    maxQueuedBytes: 1_500,
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
    likely: 'From here on isBacklogged is true.',
  })

  await ada.takes(500)
  expectAccepted(12, {
    because:
      '600 bytes wait: below the high mark, above the low one. To read on now would be to stop again soon.',
    likely:
      'Whether it is backlogged depends on what was before. Between the marks nothing changes.',
  })
  await ada.takes(399)
  expectAccepted(12, { because: '201 bytes wait.', likely: 'No more than lowWaterBytes.' })
  await ada.takes(1)
  expectAccepted(15, {
    because: '200 bytes wait. That is the low mark: reading goes on.',
    likely: 'When no more than lowWaterBytes wait, the connection is backlogged no longer.',
  })
  await ada.startReading()
  ada.expectReceived(Buffer.concat(payloads.map(frame)), {
    because: 'Every frame is answered once, in order, however long it took.',
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
  expectSame('how cyd’s connection ended', cyds.endings, ['lost'], {
    because: 'Nothing is read from her. Her loss is reported all the same.',
  })

  const [dee, dees] = await world.echoTo('dee')
  const many = Array.from({ length: 60 }, (_, index) => frame(`${index} `.padEnd(96, '.')))
  await dee.send(Buffer.concat(many))
  dee.expectReceived(Buffer.concat(many), {
    because:
      'dee reads as fast as she asks. 60 frames came in one chunk; a connection that is backlogged stops between two of them, sends, and goes on.',
    likely: 'isBacklogged counts what waits, as soon as it is pushed.',
  })
  expectSame('frames of dee that were accepted', dees.frames, 60, { because: 'All of them.' })
})

step('10.3', 'a peer that does not take what it is due is told to go', async (stage) => {
  const { expectSame } = stage
  await expectBoundedOutbox(stage)

  const world = await openWorld(stage, { maxQueuedBytes: 1_000, stallMs: 30_000, goodbyeMs: 5_000 })
  const [ada, adas] = await world.echoTo('ada')
  const hundred = frame('x'.repeat(96))
  const send = (echo: Echo, count: number) =>
    world.act(() => {
      for (let times = 0; times < count; times++) echo.connection.send(hundred)
    })
  ada.stopReading()
  stage.story.tell('server', 'has 12 frames of 100 bytes to say to ada')
  await send(adas, 12)
  await ada.startReading()
  ada.expectReceived(Buffer.concat([...Array(10).fill(hundred), frame('error slow-consumer')]), {
    because:
      'More than its outbox holds cannot wait for her. She gets what was taken for her, and then the reason.',
    likely: 'push() returns false when there is no room: then the connection is stopped.',
  })
  ada.expectEnd({ because: 'Behind the reason comes FIN.' })
  await ada.send(frame('but'))
  ada.expectNothingMore({ because: 'A connection that is ending accepts nothing any more.' })
  await ada.halfClose()
  expectSame('how ada’s connection ended', adas.endings, ['slow-consumer'], {
    because: 'Both FINs have passed, and onClose is told the reason.',
  })
  world.expectTimers(0, { because: 'Nothing of her is left.' })

  const [bob, bobs] = await world.echoTo('bob')
  bob.stopReading()
  stage.story.tell('server', 'has 12 frames to say to bob')
  await send(bobs, 12)
  await world.advance(4_999)
  expectSame('how bob’s connection ended', bobs.endings, [], {
    because: 'From the goodbye on he has 5 s to take what waits for him.',
  })
  await world.advance(1)
  bob.expectCut({
    because: 'He has had his 5 s. A peer that takes nothing would hold its memory for ever.',
  })
  world.expectTimers(0, { because: 'Nothing of him is left.' })

  const [cyd, cyds] = await world.echoTo('cyd')
  const [dee, dees] = await world.echoTo('dee')
  for (const client of [cyd, dee]) client.stopReading()
  stage.story.tell('server', 'has 5 frames to say to each of cyd and dee')
  for (const echo of [cyds, dees]) await send(echo, 5)
  for (let times = 0; times < 2; times++) {
    await world.advance(14_900)
    await dee.takes(1)
  }
  for (const client of [cyd, dee]) {
    client.expectOpen({ because: 'Nobody has stood still for 30 s.', likely: 'stallMs.' })
  }
  await world.advance(300)
  expectSame(
    'what waits for cyd',
    cyds.connection.queuedBytes,
    500 + frame('error slow-consumer').length,
    {
      because:
        'cyd has taken nothing for 30 s though something waits for her. She is stopped: the reason waits behind the rest.',
      likely: 'After stallMs, compare sentBytes with what it was before; then stop the connection.',
    },
  )
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
  await send(flos, 5)
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
  stage.story.tell('server', 'calls end() on eve’s connection')
  await world.act(() => eves.connection.end('finished'))
  eve.expectEnd({ because: 'Nothing waits for her: FIN goes at once.' })
  for (let times = 0; times < 4; times++) {
    await world.advance(1_000)
    await eve.send(frame('one more thing'))
  }
  expectSame('eve’s frames that were accepted', eves.frames, 0, {
    because: 'What comes after end() is read and thrown away.',
  })
  await world.advance(1_000)
  eve.expectCut({
    because: 'She goes on talking and never says FIN. After 5 s nobody waits for it any more.',
  })
  await expectSecondStallNoticed(stage)
})

step('10.4', 'there is a limit to how many come and to how fast they talk', async (stage) => {
  const { expectSame } = stage
  await expectCap(stage)
  await expectBucket(stage)

  const world = await openAdmission(stage, { maxConnections: 2 })
  const [ada, bob] = [await world.arrive('ada'), await world.arrive('bob')]
  for (const client of [ada, bob]) {
    await client.send(frame(client.name))
    client.expectReceived(frame(client.name), { because: 'There is room for two.' })
  }
  const cyd = await world.arrive('cyd')
  cyd.expectReceived(frame('error busy'), {
    because: 'Two are inside. The third is told why she cannot come in.',
    likely: 'enter() says whether there is room. Without, #refuse() as `busy`.',
  })
  cyd.expectEnd({ because: 'Then FIN.' })
  await cyd.halfClose()
  const dee = await world.arrive('dee')
  dee.expectReceived(frame('error busy'), {
    because: 'cyd has gone, but she never was inside: there is no more room than before.',
    likely: 'Only a connection that was let in leaves a place behind.',
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
    likely: 'onClose() is called for every connection that was let in: leave() the cap.',
    look: ['admission.onClose()', 'limits.leave()'],
  })
  await eve.reset()
  stage.story.tell('crowd', 'comes and goes, fifty times: half of them are reset')
  for (let times = 0; times < 50; times++) {
    const visitor = await world.arrive('', true)
    await visitor.send(frame('hi'))
    visitor.expectReceived(frame('hi'), {
      because: 'There is one place, and it is free each time.',
      likely: 'A connection ends in more ways than by FIN. onClose() hears of all of them.',
      look: ['admission.onClose()', 'limits.leave()'],
    })
    if (times % 2) await visitor.halfClose()
    else await visitor.reset()
  }
  expectSame(
    'stats()',
    world.stats('connections', 'refused', 'messages'),
    { connections: 1, refused: 2, messages: 53 },
    {
      because: 'bob is inside. The others have left, and what they sent is still counted.',
      look: 'admission.onClose()',
    },
  )

  await expectOwnRates(stage)
  await expectEndingsCounted(stage)
  await expectPlaceKeptUntilClosed(stage)
  await expectForgotten(stage)
})

step('10.5', 'some descriptors are kept back, and a failed accept ends nothing', async (stage) => {
  const { connect, expectSame, serve, story } = stage
  const { affordableConnections, RESERVED_DESCRIPTORS } = await stage.load(
    () => import('#code/10-backpressure/limits.ts'),
  )
  const LIKELY = `The smaller of what is wanted and what is left beside ${RESERVED_DESCRIPTORS}.`
  for (const [wanted, descriptors, affordable, because] of [
    [100, 20_000, 100, 'There are enough for all that are wanted.'],
    [100, FOREVER, 100, 'The kernel sets no limit.'],
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
      likely: 'Above the high-water mark, the connection is backlogged, and nothing is read.',
      expected: 'less than 4 MiB',
      received: `${(held / 1024 / 1024).toFixed(1)} MiB`,
    })
    story.tell('crowd', 'sends frames from 20 connections, each as soon as the last is answered')
    const talks = crowd.talk()
    for (let trip = 0; trip < 5; trip++) await server.roundTrip()
    server.beginClose()
    await ada.expectBytes(frame('goodbye'), {
      because: 'Everybody inside is told, in a last frame.',
      likely: 'stop() every open connection, as `stopping`.',
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
        likely: 'stop() puts the goodbye behind what waits. destroy() would lose both.',
      })
    }
    await server.expectClosed({
      because: 'graceMs is 400. Whoever does not take what it is due is cut then.',
      likely:
        'server.close() cuts after graceMs, but it has to be called before you wait for anybody.',
    })
    await server.expectNothingLeft({ because: 'Now the process could end.' })
    const { messages } = await server.call<{ messages: number }>('stats')
    const answered = (results as Talk[]).reduce((sum, talk) => sum + talk.answered, 0)
    expectSame('the frames that were accepted from the crowd', messages - framesBefore, answered, {
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
    const { messages } = await server.call<{ messages: number }>('stats')
    sameTimes = messages === seen ? sameTimes + 1 : 0
    seen = messages
  }
  return seen
}

/** An outbox on a stream that the test has in its hand. */
async function playOutbox({ load, story }: Stage, limits: Partial<OutboxLimits>) {
  const { Outbox } = await load(() => import('#code/10-backpressure/outbox.ts'))
  const stream = new ScriptedStream()
  const outbox = new Outbox(stream, { ...LIMITS, ...limits })
  return {
    outbox,
    stream,
    push(text: string) {
      const hasRoom = outbox.push(Buffer.from(text))
      story.tell('outbox', `push(${quote(text)}) returns ${hasRoom}`)
      return hasRoom
    },
    flush() {
      outbox.flush()
      story.tell('outbox', 'flush()')
    },
    give(bytes: number) {
      story.tell('stream', bytes === FOREVER ? 'takes everything' : `takes ${bytes} bytes more`)
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
    expect('every byte to be either sent or queued', outbox.bytes === pushed - writtenBytes, {
      because: 'What was pushed and not taken waits; what was taken does not.',
      likely: 'Drop from the waiting bytes as many as write() has taken.',
      expected: `${pushed} pushed − ${writtenBytes} taken = ${pushed - writtenBytes} queued`,
      received: `${outbox.bytes} queued`,
    })
  }
  stream.setRoom(FOREVER)
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

/** A peer that stalls, catches up, says nothing for long, and stalls again. */
async function expectSecondStallNoticed(stage: Stage): Promise<void> {
  const world = await openWorld(stage, { stallMs: 30_000, goodbyeMs: 5_000 })
  const [gil, gils] = await world.echoTo('gil')
  const stall = async () => {
    gil.stopReading()
    stage.story.tell('server', 'has a frame to say to gil')
    await world.act(() => gils.connection.send(frame('news')))
  }
  await stall()
  await world.advance(10_000)
  await gil.startReading()
  gil.expectReceived(frame('news'), { because: 'He was slow, but not for long.' })
  await world.advance(120_000)
  gil.expectOpen({
    because: 'Nothing waits for gil, so there is nothing that he could take.',
    likely: 'A look that finds nothing waiting is the last one, until something waits again.',
    look: 'bounds.#watchForStall()',
  })
  world.expectTimers(0, { because: 'Nothing waits for him: no look is planned.' })
  await stall()
  await world.advance(30_000)
  stage.expectSame('whether gil’s connection is open', gils.connection.isOpen, false, {
    because: 'He has stalled again, for 30 s. It is no excuse that he once caught up.',
    likely: 'A look that has been made is not planned any more: `#stall` is free for the next.',
    look: 'bounds.#watchForStall()',
  })
  await world.advance(5_000)
  gil.expectCut({ because: 'He has not taken his goodbye, either.' })
  world.expectTimers(0, { because: 'Nothing of him is left.' })
}

/** The limit of an outbox, and that what is refused leaves no trace. */
async function expectBoundedOutbox(stage: Stage): Promise<void> {
  const { expectSame } = stage
  const { outbox, stream, push, flush, give } = await playOutbox(stage, { maxQueuedBytes: 10 })
  give(0)
  for (const text of ['123456', '7890']) {
    expectSame(`push("${text}")`, push(text), true, { because: 'The outbox holds 10 bytes.' })
  }
  expectSame('push("!")', push('!'), false, {
    because: 'It would be the eleventh byte.',
    likely: 'Compare before anything is taken: what waits, and what would come to it.',
    look: 'outbox.push()',
  })
  expectSame('bytes', outbox.bytes, 10, {
    because: 'Of bytes that find no room, none is taken.',
    look: 'outbox.push()',
  })
  give(4)
  expectSame(
    'push("!") and push("?"), now that the stream takes 4 bytes',
    [push('!'), push('?')],
    [true, true],
    {
      because:
        'The limit is for what the peer does not take. So the stream is asked before a push is refused.',
      likely: 'flush() before you say that there is no room.',
      look: 'outbox.push()',
    },
  )
  give(FOREVER)
  flush()
  expectSame('what the stream was given', textOf(stream), '1234567890!?', {
    because: 'What was refused is not sent later.',
    look: 'outbox.push()',
  })
  give(1)
  expectSame('push() of 12 bytes', push('abcdefghijkl'), false, {
    because: 'Eleven of them would wait.',
    look: 'outbox.push()',
  })
  expectSame('what the stream was given', textOf(stream), '', {
    because: 'Half a frame must not go out: the peer would take the next frame for the rest of it.',
    likely: 'All or nothing. Look at the limit before the stream gets anything.',
    look: 'outbox.push()',
  })
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
      look: 'limits.enter()',
    },
  )
  stage.expectSame('count', cap.count, 2, {
    because: 'Who is not let in is not inside.',
    likely: 'Count only who is let in.',
    look: 'limits.enter()',
  })
  cap.leave()
  stage.story.tell('cap', 'leave()')
  stage.expectSame('enter(), twice more', [enter(), enter()], [true, false], {
    because: 'One has left: there is one place.',
    look: ['limits.leave()', 'limits.enter()'],
  })
}

/** Every connection may say 10 messages a second, and 5 at once. */
async function expectOwnRates(stage: Stage): Promise<void> {
  stage.story.tell('test', 'opens another admission: 10 messages a second, 5 at once')
  const world = await openAdmission(stage, { messagesPerSecond: 10, burstMessages: 5 })
  const [bob, fay] = [await world.arrive('bob'), await world.arrive('fay')]
  const talk = (times: number) => Buffer.concat(Array(times).fill(frame('talk')))
  await bob.send(talk(20))
  bob.expectReceived(talk(6), {
    because: '5 are a burst. The sixth was taken, too, and is a debt of 100 ms: the rest waits.',
    likely: 'When take() says to wait, pause the connection for its `rate`.',
    look: 'bounds.#pay()',
  })
  for (let times = 0; times < 2; times++) {
    await fay.send(talk(2))
    fay.expectReceived(talk(2), {
      because: 'fay has not talked too fast. Each has a rate of her own.',
      likely: 'A bucket for each connection.',
      look: 'bounds.#pay()',
    })
  }
  stage.expectSame('how often reading was paused', world.pauses.length, 1, {
    because: 'bob was paused once. fay has tokens left: nothing is to be waited for.',
    likely: 'take() returns 0 when there is no debt. Then do nothing.',
    look: 'bounds.#pay()',
  })
  await world.advance(99)
  bob.expectNothing({ because: '99 of 100 ms are over.', look: 'bounds.#pay()' })
  await world.advance(1)
  bob.expectReceived(talk(1), {
    because: 'The debt is paid: one more is taken, and it is the next debt.',
    likely: 'When the timer fires, the connection resumes; the rest of the chunk is waiting.',
    look: 'bounds.#pay()',
  })
  await world.advance(1_300)
  bob.expectReceived(talk(13), {
    because: 'One every 100 ms. Nothing was lost.',
    look: 'bounds.#pay()',
  })
  await bob.send(talk(1))
  await bob.reset()
  await fay.send(talk(20))
  await world.advance(60_000)
  await fay.reset()
  world.expectTimers(0, { because: 'Nobody is left.' })
}

/** A connection that ends is counted for why it ended. */
async function expectEndingsCounted(stage: Stage): Promise<void> {
  const world = await openAdmission(stage, { maxQueuedBytes: 250, idleMs: 60_000 })
  const [gus, hal, ida] = [
    await world.arrive('gus'),
    await world.arrive('hal'),
    await world.arrive('ida'),
  ]
  gus.stopReading()
  for (let times = 0; times < 3; times++) await gus.send(frame('x'.repeat(96)))
  await gus.reset()
  await hal.halfClose()
  await ida.send(frame('half of this').subarray(0, 9))
  await world.advance(60_000)
  ida.expectReceived(frame('error idle'), {
    because: 'Half a frame is no sign of life: it would keep its place forever.',
  })
  await ida.halfClose()
  const counts = {
    connections: 0,
    messages: 3,
    endings: { 'slow-consumer': 1, finished: 1, idle: 1 },
  }
  stage.expectSame('stats()', world.stats('connections', 'messages', 'endings'), counts, {
    because: 'gus did not take three answers of 100 bytes, hal just left, ida said half a frame.',
    likely: 'onClose() is told why.',
    look: 'admission.onClose()',
  })
  world.expectTimers(0, { because: 'Nobody is left.' })
}

/** A place is free when its descriptor is. */
async function expectPlaceKeptUntilClosed(stage: Stage): Promise<void> {
  const world = await openAdmission(stage, { maxConnections: 1 })
  const jo = await world.arrive('jo')
  jo.stream.holdDescriptor()
  await jo.halfClose()
  stage.story.tell('kernel', 'has not freed jo’s descriptor yet')
  const kim = await world.arrive('kim')
  kim.expectReceived(frame('error busy'), {
    because: 'Both FINs have passed, and jo’s descriptor is not free: there is no place yet.',
    likely:
      'onClose(), which is called when the descriptor is free, leaves the cap. Nothing else does.',
    look: 'admission.onClose()',
  })
  jo.stream.freeDescriptor()
  await world.settle()
  const lou = await world.arrive('lou')
  await lou.send(frame('lou'))
  lou.expectReceived(frame('lou'), { because: 'Now there is a place.' })
}

/** A server that runs for a year sees millions of connections: those that are closed must not be kept. */
async function expectForgotten(stage: Stage): Promise<void> {
  const world = await openAdmission(stage, {})
  const visit = async () => {
    const max = await world.arrive('max')
    await max.halfClose()
    return new WeakRef(max.stream)
  }
  const stream = await visit()
  // A loop that sleeps may still have its last round in hand.
  const noa = await world.arrive('noa')
  await noa.send(frame('noa'))
  stage.expect('nothing to keep max, who has left', await isGarbage(stream), {
    because: 'What is kept for each connection that ever was fills the memory in the end.',
    likely: 'onClose() takes the connection out of #open.',
    look: 'admission.onClose()',
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
  expectWait(5, 0, {
    because: 'The bucket was full: a burst of five costs no waiting.',
    look: 'limits.take()',
  })
  expectWait(1, 100, {
    because: 'It is empty, and a token comes every 100 ms.',
    likely: 'Take the tokens even when there are too few. What is below zero is a debt.',
    look: 'limits.take()',
  })
  pass(100)
  expectWait(1, 100, {
    because: 'The debt was just paid, and here is the next.',
    look: 'limits.take()',
  })
  pass(350)
  expectWait(2, 0, {
    because: 'In 350 ms 3.5 tokens have come, and one was owed.',
    look: 'limits.take()',
  })
  expectWait(20, 1_950, {
    because: 'Half a token was left, so 19.5 are owed.',
    likely: 'Parts of a token count: do not round.',
    look: 'limits.take()',
  })
  pass(1_950)
  expectWait(0, 0, { because: 'The debt is paid.', look: 'limits.take()' })
  pass(3_600_000)
  expectWait(6, 100, {
    because: 'After an hour of silence the bucket is full, not fuller.',
    likely: 'No more than `burst` tokens, however long it was quiet.',
    look: 'limits.take()',
  })
}

/** A close() of which the judge sees every step, in virtual time. */
async function expectOrderlyClose(stage: Stage): Promise<void> {
  const { expectSame, story } = stage
  const world = await openAdmission(stage, {})
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
  story.tell('test', 'calls close() of the admission')
  let isClosed = false
  const closing = world.act(() => world.admission.close(listening))
  void closing.then(() => {
    isClosed = true
  })
  await world.settle()
  expectSame('calls of close() on the listening socket', calls, 1, {
    because: 'To stop accepting comes first, and the deadline runs from there.',
    likely: 'Call server.close() before you wait for anybody.',
  })
  bob.expectReceived(frame('error stopping'), {
    because: 'bob is inside: he is told that the server says goodbye.',
    likely: 'stop() every open connection, as `stopping`.',
  })
  bob.expectEnd({ because: 'And then FIN.' })
  await bob.send(frame('one more'))
  bob.expectNothingMore({ because: 'What comes after goodbye is not accepted.' })

  const cyd = await world.arrive('cyd')
  cyd.expectReceived(frame('error stopping'), {
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
  ada.expectReceived(Buffer.concat(['first', 'second', 'error stopping'].map(frame)), {
    because:
      'Two frames of hers were accepted, so both are answered, and the goodbye comes behind.',
    likely: 'stop() puts the last words behind what waits.',
  })
  ada.expectEnd({ because: 'And then FIN.' })
  expectSame('whether close() has resolved', isClosed, false, {
    because: 'The listening socket has not closed yet.',
    likely: 'Wait for the promise that server.close() has returned.',
  })
  for (const client of [ada, bob, cyd]) await client.halfClose()
  gate.resolve()
  await world.settle()
  await closing
}
