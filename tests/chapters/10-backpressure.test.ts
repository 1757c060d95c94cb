import { once } from 'node:events'
import { connect as dial } from 'node:net'
import type { AdmissionStats } from '#code/10-backpressure/admission.ts'
import type { Reason } from '../harness/failure.ts'
import { PATIENCE_MS, whenBusy, within } from '../harness/patience.ts'
import { step } from '../judge/step.ts'
import { echoFrame, frame } from '../protocols/frames.ts'
import { expectFailureSeen, expectOrderlyClose, standstill } from '../worlds/bounded-close.ts'
import {
  Crowd,
  type Echo,
  FOREVER,
  openAdmission,
  openWorld,
  type Talk,
} from '../worlds/bounded-frames.ts'
import {
  expectBoundedOutbox,
  expectCheapFlushes,
  expectMarks,
  expectOwnMarks,
  expectPieceAsItIs,
  playOutbox,
  pushAtRandom,
  textOf,
} from '../worlds/bounded-outbox.ts'
import {
  expectBucket,
  expectCap,
  expectEndingsCounted,
  expectForgotten,
  expectOwnRates,
  expectPauseAndStall,
  expectPlaceKeptUntilClosed,
} from '../worlds/bounded-rates.ts'
import {
  expectProgressNotLength,
  expectSecondStallNoticed,
  ONE_LOOK,
} from '../worlds/bounded-stalls.ts'

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
    likely:
      outbox.bytes > 3
        ? 'What write() has taken still waits: drop that many bytes before flush() returns.'
        : 'Drop as many bytes as write() has returned, not the whole piece.',
    look: 'outbox.flush()',
  })
  push('panic')
  flush()
  give(FOREVER)
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
  expectSame('bytes, when there is room and nobody has called flush()', outbox.bytes, 8, {
    because: 'The connection calls flush() when the stream is writable, and nobody else does.',
    likely: 'A flush that could not send everything plans nothing: no timer, no listener.',
    look: 'outbox.flush()',
  })
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
  await expectPieceAsItIs(stage)
  await expectCheapFlushes(stage)
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
    likely:
      adas.frames < 12
        ? 'Compare with highWaterBytes: more than that, not as much.'
        : 'From here on isBacklogged is true.',
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
  await expectOwnMarks(stage)
  await expectMarks(stage)
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
  world.expectTimers(0, { because: 'Nothing of her is left.', ...ONE_LOOK })

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
    because: 'He has had his 5 s. A peer that takes nothing would hold its memory forever.',
  })
  world.expectTimers(0, { because: 'Nothing of him is left.', ...ONE_LOOK })

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
    client.expectOpen({
      because: 'Neither has stood still for 30 s.',
      likely: 'Look after stallMs, not before.',
    })
  }
  await world.advance(300)
  expectSame(
    'what waits for cyd',
    cyds.connection.queuedBytes,
    500 + frame('error slow-consumer').length,
    {
      because:
        'cyd has taken nothing for 30 s though something waits for her. She is stopped: the reason waits behind the rest.',
      likely: cyd.stream.isDestroyed
        ? 'stop() has the protocol say why, behind what waits. destroy() loses both.'
        : cyds.connection.isOpen
          ? 'After stallMs, compare sentBytes with what it was before; then stop the connection.'
          : cyds.connection.queuedBytes > 500
            ? 'The reason is `slow-consumer`.'
            : 'stop() has the protocol say why. end() alone says nothing.',
      look: 'bounds.#watchForStall()',
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
    likely: 'A peer that has taken something since the last look is looked at again in stallMs.',
  })
  stage.story.tell('dee', 'takes nothing from now on')
  await world.advance(60_000)
  await world.advance(5_000)
  dee.expectCut({
    because: 'Now she has stood still for more than 30 s, and then for the 5 s that she had left.',
    likely:
      'One look is not enough: while something waits, the next look is planned, and it compares sentBytes with what the look before has seen.',
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
  world.expectTimers(0, { because: 'Nobody is left.', ...ONE_LOOK })

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
  await expectProgressNotLength(stage)
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
    likely: 'enter() says whether there is room. When there is none, #refuse() says `busy`.',
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
      likely:
        'enter() counts the connections that are let in; admit() counts those that are refused, and no others.',
      look: ['admission.admit()', 'limits.enter()'],
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
      likely: 'A connection ends in more ways than by FIN. onClose() is called for all of them.',
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
  await expectPauseAndStall(stage)
  await expectEndingsCounted(stage)
  await expectPlaceKeptUntilClosed(stage)
  await expectForgotten(stage)
})

const ONLY_COUNTS = 'onAcceptError() adds one to acceptErrors, and does nothing else.'

step('10.5', 'some descriptors are kept back, and a failed accept ends nothing', async (stage) => {
  const { connect, expectSame, serve, story } = stage
  const { affordableConnections, RESERVED_DESCRIPTORS } = await stage.load(
    () => import('#code/10-backpressure/limits.ts'),
  )
  const LIKELY = `Return the smaller of two numbers: what is wanted, and the descriptors less ${RESERVED_DESCRIPTORS}.`
  for (const [wanted, descriptors, affordable, because] of [
    [100, 20_000, 100, 'There are enough for all that are wanted.'],
    [100, FOREVER, 100, 'The kernel sets no limit.'],
    [10_000, 1_024, 960, 'A connection costs a descriptor, and 64 are for everything else.'],
    [100, 164, 100, 'It is just enough.'],
    [10, 50, 1, 'There are too few to begin with. A server that lets nobody in is useless.'],
  ] as const) {
    const computed = affordableConnections(wanted, descriptors)
    expectSame(`affordableConnections(${wanted}, ${descriptors})`, computed, affordable, {
      because,
      likely: computed < affordable && affordable === 1 ? 'At least one: Math.max(1, …).' : LIKELY,
      look: 'limits.affordableConnections()',
    })
  }

  const isPosix = process.platform !== 'win32'
  const descriptors = isPosix ? { maxOpenFiles: 200 } : undefined
  const server = await serve(CHAPTER, {}, 'server.ts', descriptors)
  if (isPosix) story.tell('kernel', 'lets the process have 200 descriptors')
  else story.tell('kernel', 'is Windows: it has no limit on descriptors')
  const ada = await connect(server)
  await echoFrame(ada, 'hello', { because: 'She is served.' })
  for (const errno of ['EMFILE', 'ENOMEM', 'ECONNABORTED']) {
    await server.failAccept(errno, {
      because:
        'One newcomer could not be accepted. The open connections have nothing to do with it.',
      likely:
        'onAcceptError() counts the error and throws nothing: what it throws ends the process.',
      look: 'admission.onAcceptError()',
    })
  }
  await echoFrame(ada, 'still here', {
    because: 'The open connections have nothing to do with it.',
    likely: ONLY_COUNTS,
    look: 'admission.onAcceptError()',
  })
  const bob = await connect(server)
  await echoFrame(bob, 'hello', {
    because: 'And the next one may come in.',
    likely: ONLY_COUNTS,
    look: 'admission.onAcceptError()',
  })
  const stats = await server.call<AdmissionStats>('stats')
  expectSame('stats().acceptErrors', stats.acceptErrors, 3, {
    because: 'The person who runs the server should see that newcomers are lost.',
    likely: 'onAcceptError() counts, whatever the code of the error.',
    look: 'admission.onAcceptError()',
  })
  const { connections: inside, refused } = stats
  expectSame('connections and refused in stats()', [inside, refused], [2, 0], {
    because:
      'ada and bob are inside. The three that could not be accepted never were, and nobody was refused.',
    likely: ONLY_COUNTS,
    look: 'admission.onAcceptError()',
  })

  if (!isPosix) return
  const crowd = await Crowd.connect(server, 180)
  try {
    story.tell('crowd', 'connects 180 times, and none of them leaves')
    await echoFrame(ada, 'still here', { because: 'ada is served as before.' })
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
        likely: 'startServer() bounds the number of connections by affordableConnections().',
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
  await expectFailureSeen(stage)
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
    const results = await within(whenBusy(2 * PATIENCE_MS), talks)
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
      because: 'graceMs is 400. Then close() cuts a client that has not taken what waits for it.',
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
