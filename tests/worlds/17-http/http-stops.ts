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
  gus.expectAnswers([{ status: 200 }], { because: 'He has asked.' })
  await hal.send(request('GET /late/hal'))
  await ida.send('GET /i HT')
  await world.advance(60_000)
  gus.expectReceived('', { because: 'Between two requests there is nobody to tell.', look })
  gus.expectEnd({ because: 'He has said nothing for idleMs, and we owe him nothing.', look })
  jo.expectEnd({ because: 'Nothing has come from him at all.', look })
  hal.expectNothing({
    because: 'We owe him an answer: it is us who are slow.',
    likely: '#isAnswering',
    look,
  })
  ida.expectAnswers([{ status: 408 }], {
    because: 'She is silent in the middle of a request.',
    likely: '#isInRequest',
    look,
  })
  ida.expectEnd({ because: 'She is idle.', look })
  await world.act(() => site.late.at(-1)!.resolve({ status: 200, body: 'at last' }))
  hal.expectAnswers([{ status: 200, body: 'at last', headers: { connection: undefined } }], {
    because: 'The connection goes on.',
    look,
  })

  const kim = await world.arrive('kim')
  const lea = await world.arrive('lea')
  const mia = await world.arrive('mia')
  const ned = await world.arrive('ned')
  await kim.send(`${request('GET /late/kim')}${request('GET /k')}`)
  await lea.send(request('POST /l', ['Content-Length: 2', 'Connection: close'], 'a'))
  await mia.send(request('GET /late/upgrade', ['Connection: Upgrade', 'Upgrade: echo']))
  await ned.send('GET /n HTTP/1.1\r\n')
  stage.story.tell('server', 'is to stop')
  await world.close()
  hal.expectReceived('', { because: 'He has his answer.', look })
  hal.expectEnd({
    because: 'Between two requests the connection ends at once.',
    likely: 'connection.end(why)',
    look,
  })
  kim.expectNothing({ because: 'Her request was accepted: she is told what comes of it.', look })
  lea.expectNothing({ because: 'Her request has begun: it may still come.', look })
  const [lateKim, lateMia] = site.late.slice(-2)
  await world.act(() => lateKim.resolve({ status: 200, body: 'kim' }))
  kim.expectAnswers([{ status: 200, body: 'kim', headers: { connection: 'close' } }], () => ({
    because:
      'The answer to what was accepted, and it says that it is the last. She can ask somebody else for the rest.',
    ...(kim.stream.isEnded
      ? { likely: "`'close'` whenever #endsAs is set, whoever has set it.", look: '#answer()' }
      : { likely: '#endsAs', look }),
  }))
  kim.expectEnd({ because: 'The server stops.', look })
  await lea.send('b')
  lea.expectAnswers([{ status: 200, body: 'POST /l ab', headers: { connection: 'close' } }], {
    because: 'Her request has come.',
    look,
  })
  lea.expectEnd({ because: 'The server stops.', look })
  await ned.send('Host: a\r\n\r\n')
  ned.expectAnswers([{ status: 200, body: 'GET /n', headers: { connection: 'close' } }], {
    because: 'His head had begun before the server was to stop.',
    likely: '#isInRequest, in the head as well as in the body.',
    look,
  })
  ned.expectEnd({ because: 'The server stops.', look })
  await world.act(() => lateMia.resolve(site.upgrade()))
  mia.expectAnswers([{ status: 400 }], {
    because: 'A connection that is to end cannot begin to speak something else.',
    likely: '#upgrade() looks at #endsAs.',
    look: '#upgrade()',
  })
  mia.expectEnd({ because: 'The server stops.', look })
  for (const peer of [gus, hal, ida, jo, kim, lea, mia, ned]) await peer.halfClose()
  const { endings } = world.stats()
  const isReplaced = endings.finished === 1 && endings.stopping === 3
  stage.expectSame(
    'how connections have ended',
    endings,
    { idle: 3, stopping: 4, invalid: 1 },
    {
      because: 'Each ending is counted as what it was.',
      ...(isReplaced
        ? {
            likely:
              'lea has said close, and the server is stopping: #endsAs had said already why, and #answer() leaves that.',
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
      likely: 'Only for the two other reasons does it matter what is going on.',
      look,
    })
  stage.expectSame(
    'how their connections have ended',
    slow.stats().endings,
    { 'slow-consumer': 2 },
    {
      because: 'They were slow to listen, not to ask.',
      look,
    },
  )
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
    likely: '#isInRequest, in the body as well as in the head.',
    look,
  })
  rae.expectEnd({ because: 'She is idle.', look })

  const stopping = await openHttp(stage, { bodyMs: 30_000 }, { idleMs: 100_000 })
  stage.story.beginAnew()
  const oli = await stopping.arrive('oli')
  await oli.send(half)
  stage.story.tell('server', 'is to stop')
  await stopping.close()
  oli.expectNothing({ because: 'His request has begun: it may still come.', look })
  await stopping.advance(30_000)
  oli.expectAnswers([{ status: 408, headers: { connection: 'close' } }], {
    because: 'It has not come for bodyMs. A server that waits for it would never stop.',
    likely: 'A deadline goes on when the server is to stop: onStop() leaves it alone.',
    look,
  })
  oli.expectEnd({ because: 'He is too slow.', look })
}
