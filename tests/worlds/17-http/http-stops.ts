/** Connections of chapter 17 at the end of silence, and of the server. */

import type { Stage } from '../../judge/step.ts'
import { request } from '../../protocols/http.ts'
import { openHttp } from './http-connections.ts'

export async function expectStops(stage: Stage): Promise<void> {
  const look = 'onStop()'
  const world = await openHttp(stage, { headMs: 100_000 }, { idleMs: 60_000 })
  const { site } = world
  stage.story.beginAnew()
  const [gus, hal, ida, jo] = [
    await world.arrive('gus'),
    await world.arrive('hal'),
    await world.arrive('ida'),
    await world.arrive('jo'),
  ]
  await gus.send(request('GET /g'))
  gus.expectAnswers([{ status: 200 }], { because: 'He has sent a request.' })
  await hal.send(request('GET /late/hal'))
  await ida.send('GET /i HT')
  await world.advance(60_000)
  gus.expectReceived('', { because: 'Between two requests there is nothing to answer.', look })
  gus.expectEnd({ because: 'He has sent nothing for idleMs, and we owe him nothing.', look })
  jo.expectEnd({ because: 'He has not sent anything at all.', look })
  hal.expectNothing({
    because: 'We owe him an answer: we are the slow side.',
    likely: 'A peer that waits for an answer is not idle (#isAnswering).',
    look,
  })
  ida.expectAnswers([{ status: 408 }], {
    because: 'She is silent in the middle of a request.',
    likely: 'A peer that is idle within a request is refused (#isInRequest).',
    look,
  })
  ida.expectEnd({ because: 'She is idle.', look })
  await world.act(() => site.late.at(-1)!.resolve({ status: 200, body: 'at last' }))
  hal.expectAnswers(
    [{ status: 200, body: 'at last', headers: { connection: undefined } }],
    ([answer]) => ({
      because: 'His answer is there now: it is sent, and the connection goes on.',
      ...(answer
        ? { look }
        : hal.stream.isEnded
          ? { likely: 'A peer that waits for an answer is not idle (#isAnswering).', look }
          : {
              likely:
                'Wait for an answer for as long as it takes: no other request is taken, and nothing ends, before it is sent.',
              look: '#handle()',
            }),
    }),
  )

  const kim = await world.arrive('kim')
  const lea = await world.arrive('lea')
  const mia = await world.arrive('mia')
  const ned = await world.arrive('ned')
  await kim.send(`${request('GET /late/kim')}${request('GET /k')}`)
  await lea.send(request('POST /l', ['Content-Length: 2', 'Connection: close'], 'a'))
  await mia.send(request('GET /late/upgrade', ['Connection: Upgrade', 'Upgrade: echo']))
  await ned.send('GET /n HTTP/1.1\r\n')
  stage.story.tell('server', 'is told to stop')
  await world.close()
  hal.expectReceived('', { because: 'He has his answer.', look })
  hal.expectEnd({
    because: 'Between two requests the connection ends at once.',
    likely: 'Call connection.end(why).',
    look,
  })
  kim.expectNothing({ because: 'Her request was accepted, so it will be answered.', look })
  lea.expectNothing({ because: 'Her request has begun: the rest may still arrive.', look })
  const [lateKim, lateMia] = site.late.slice(-2)
  await world.act(() => lateKim.resolve({ status: 200, body: 'kim' }))
  kim.expectAnswers([{ status: 200, body: 'kim', headers: { connection: 'close' } }], () => ({
    because:
      'The answer to the accepted request says that it is the last. She can send the other request elsewhere.',
    ...(kim.stream.isEnded
      ? { likely: "Use `'close'` whenever #endsAs is set, whatever set it.", look: '#answer()' }
      : { likely: 'Set #endsAs: then this answer is the last.', look }),
  }))
  kim.expectEnd({ because: 'The server is stopping.', look })
  await lea.send('b')
  lea.expectAnswers([{ status: 200, body: 'POST /l ab', headers: { connection: 'close' } }], {
    because: 'Her request is complete.',
    look,
  })
  lea.expectEnd({ because: 'The server is stopping.', look })
  await ned.send('Host: a\r\n\r\n')
  ned.expectAnswers([{ status: 200, body: 'GET /n', headers: { connection: 'close' } }], {
    because: 'His head had begun before the server was told to stop.',
    likely: 'Use #isInRequest: it covers the head as well as the body.',
    look,
  })
  ned.expectEnd({ because: 'The server is stopping.', look })
  await world.act(() => lateMia.resolve(site.upgrade()))
  mia.expectAnswers([{ status: 400 }], {
    because: 'A connection that is about to end cannot change to another protocol.',
    likely: 'Check #endsAs in #upgrade().',
    look: '#upgrade()',
  })
  mia.expectEnd({ because: 'The server is stopping.', look })
  for (const peer of [gus, hal, ida, jo, kim, lea, mia, ned]) await peer.halfClose()
  const { endings } = world.stats()
  const isReplaced = endings.finished === 1 && endings.stopping === 3
  stage.expectSame(
    'the endings of the connections',
    endings,
    { idle: 3, stopping: 4, invalid: 1 },
    {
      because: 'Each ending is counted under its own reason.',
      ...(isReplaced
        ? {
            likely:
              'lea said close, but the server was stopping. #endsAs already said why, and #answer() must not change that.',
            look: '#answer()',
          }
        : { look }),
    },
  )

  const slow = await openHttp(stage, { headMs: 100_000 }, { idleMs: 60_000, stallMs: 30_000 })
  stage.story.beginAnew()
  const [pat, quin] = [await slow.arrive('pat'), await slow.arrive('quin')]
  for (const peer of [pat, quin]) peer.stopReading()
  await pat.send(request('GET /long'))
  await quin.send(`${request('GET /q')}GET /half HT`)
  await slow.advance(30_000)
  await slow.advance(5_000)
  for (const peer of [pat, quin])
    peer.expectCut({
      because:
        'Nothing of the answer was taken for stallMs. Whatever else is going on, the connection ends.',
      likely: 'What else is going on matters only for the two other reasons, idle and stopping.',
      look,
    })
  stage.expectSame(
    'the endings of their connections',
    slow.stats().endings,
    { 'slow-consumer': 2 },
    {
      because: 'They were slow to read, not to send.',
      look,
    },
  )
  await expectOwedAnswer(stage)
}

/** Who stops the silent need not know what HTTP knows: whose turn it is. */
async function expectOwedAnswer(stage: Stage): Promise<void> {
  const look = 'onStop()'
  const world = await openHttp(stage)
  stage.story.beginAnew()
  const rob = await world.arrive('rob')
  await rob.send(request('GET /late/rob'))
  stage.story.tell('server', 'finds rob silent, and calls stop("idle") of his connection')
  await world.act(() => world.connections[0].stop('idle'))
  rob.expectNothing({
    because: 'We owe him an answer: we are the slow side.',
    likely: 'A peer that waits for an answer is not idle (#isAnswering).',
    look,
  })
  await world.act(() => world.site.late.at(-1)!.resolve({ status: 200, body: 'at last' }))
  rob.expectAnswers([{ status: 200, body: 'at last', headers: { connection: undefined } }], {
    because: 'His answer is there now: it is sent, and the connection goes on.',
    look,
  })
}

/** A handler that stops the server: what an administrator's request does. */
export async function expectStopsFromWithin(stage: Stage): Promise<void> {
  const look = 'onStop()'
  const world = await openHttp(stage)
  stage.story.beginAnew()
  world.site.answers.set('/stop', () => {
    world.closeNow()
    return { status: 200, body: 'stopping' }
  })
  const sue = await world.arrive('sue')
  await sue.send(request('GET /a') + request('GET /stop') + request('GET /b'))
  sue.expectAnswers(
    [
      { status: 200, body: 'GET /a', headers: { connection: undefined } },
      { status: 200, body: 'stopping', headers: { connection: 'close' } },
    ],
    {
      because:
        'The handler of GET /stop has stopped the server. Both requests that were accepted are answered, and the second answer is the last.',
      likely: 'A request that is being answered (#isAnswering) has begun.',
      look,
    },
  )
  sue.expectEnd({ because: 'The server is stopping.', look })
}

/** Connections in the middle of a body that does not come, at the end of silence and of the server. */
export async function expectStopsInBodies(stage: Stage): Promise<void> {
  const look = 'onStop()'
  const half = request('POST /half', ['Content-Length: 2'], 'a')
  const slow = await openHttp(stage, { bodyMs: 100_000 }, { idleMs: 60_000 })
  stage.story.beginAnew()
  const rae = await slow.arrive('rae')
  await rae.send(half)
  await slow.advance(60_000)
  rae.expectAnswers([{ status: 408, headers: { connection: 'close' } }], {
    because: 'She is silent in the middle of a body, and that is in the middle of a request.',
    likely: 'Use #isInRequest: it covers the body as well as the head.',
    look,
  })
  rae.expectEnd({ because: 'She is idle.', look })

  const stopping = await openHttp(stage, { bodyMs: 30_000 }, { idleMs: 100_000 })
  stage.story.beginAnew()
  const oli = await stopping.arrive('oli')
  await oli.send(half)
  stage.story.tell('server', 'is told to stop')
  await stopping.close()
  oli.expectNothing({ because: 'His request has begun: the rest may still arrive.', look })
  await stopping.advance(30_000)
  oli.expectAnswers([{ status: 408, headers: { connection: 'close' } }], {
    because: 'The rest has not arrived within bodyMs. A server that waits for it would never stop.',
    likely: 'A deadline keeps running while the server stops: onStop() must leave it alone.',
    look,
  })
  oli.expectEnd({ because: 'He is too slow.', look })
}
