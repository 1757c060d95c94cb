/** What connections of chapter 17 go through: they end, change the protocol, wait for leave, fall silent, are stopped. */

import { quote } from '../harness/bytes.ts'
import type { Stage } from '../judge/step.ts'
import { readAnswers, request } from '../protocols/http.ts'
import { openHttp } from './http-connections.ts'
import type { Case } from './http-corpus.ts'

type World = Awaited<ReturnType<typeof openHttp>>

/** One case of the corpus: its statuses, and whether the connection ends. */
export function expectCase(
  { expect, story }: Pick<Stage, 'expect' | 'story'>,
  each: Case,
  bytes: Uint8Array,
  isEnded: boolean,
): void {
  const { answers, rest } = readAnswers(bytes)
  const statuses = answers.map(({ status }) => status)
  const received = `${statuses.join(', ') || 'nothing'}${rest === '' ? '' : `, and ${quote(rest, 40)}`}${isEnded ? ', and FIN' : ''}`
  const expected = `${each.statuses.join(', ')}${each.closes ? ', and FIN' : ''}`
  if (received !== expected)
    story.tellBytes(each.what, 'toServer', Buffer.from(each.bytes, 'latin1'))
  expect(`${each.what} to be answered with ${expected}`, received === expected, {
    because: each.closes
      ? 'What is wrong is answered once, and nothing behind it is looked at.'
      : 'Nothing is wrong with it.',
    expected,
    received,
  })
}

/** Connections that end: because one of the two says so, or the peer has said FIN. */
export async function expectLastAnswers({ expectSame }: Stage, world: World): Promise<void> {
  const { site } = world
  const bob = await world.arrive('bob')
  await bob.send(request('GET /a', ['Connection: close']) + request('GET /b'))
  bob.expectAnswers([{ status: 200, body: 'GET /a', headers: { connection: 'close' } }], {
    because:
      'He wants no more than this answer, and it says that it is the last. What he sent behind it is ignored (RFC 9112 §9.6).',
    likely: 'Without keepsOpen(), set #endsAs before the answer is sent.',
    look: '#answer()',
  })
  bob.expectEnd({
    because: 'It was the last answer.',
    likely: '#goOn() ends the connection if #endsAs is set.',
    look: ['#answer()', '#handle()'],
  })
  expectSame('the last that was asked', site.asked.at(-1), 'GET /a', {
    because: 'What stands behind the last request is not looked at.',
    look: '#answer()',
  })

  const cyd = await world.arrive('cyd')
  await cyd.send('GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
  cyd.expectAnswers([{ status: 200, headers: { connection: 'keep-alive' } }], {
    because: 'A client of 1.0 that wants to go on has to be told that we do as well.',
    likely: "`'say'`",
    look: '#answer()',
  })
  await cyd.send('GET /b HTTP/1.0\r\n\r\n')
  cyd.expectAnswers([{ status: 200, body: 'GET /b', headers: { connection: 'close' } }], {
    because: 'A client of 1.0 that says nothing wants one answer.',
    look: '#answer()',
  })
  cyd.expectEnd({ because: 'It was the last answer.', look: '#answer()' })

  const dee = await world.arrive('dee')
  await dee.send(request('GET /late/dee', ['Connection: close']))
  await world.act(() => site.late.at(-1)!.resolve({ status: 200, body: 'late' }))
  dee.expectAnswers([{ status: 200, body: 'late', headers: { connection: 'close' } }], {
    because: 'A late answer is sent like any other, and it is the last.',
    look: ['#handle()', '#answer()'],
  })
  dee.expectEnd({
    because: 'It was the last answer.',
    likely: '#holdUntil() ends with #goOn().',
    look: '#handle()',
  })

  const eve = await world.arrive('eve')
  await eve.send(request('GET /late/eve'))
  await eve.halfClose()
  eve.expectNothing({
    because: 'She will send no more, and waits for her answer.',
    look: '#handle()',
  })
  await world.act(() => site.late.at(-1)!.resolve({ status: 200, body: 'late' }))
  eve.expectAnswers([{ status: 200, body: 'late' }], {
    because: 'She can still hear.',
    look: '#handle()',
  })
  eve.expectEnd({
    because: 'Behind it there is nothing to wait for.',
    look: ['#answer()', '#handle()'],
  })

  const ian = await world.arrive('ian')
  await ian.send(request('GET /body', ['Connection: close']))
  const lastBody = site.sources.at(-1)!
  for (const piece of ['abc', 'defghi']) await world.act(() => lastBody.give(piece))
  ian.expectAnswers([{ status: 200, body: 'abcdefghi', headers: { connection: 'close' } }], {
    because: 'The last answer has a body that takes its time, and all of it belongs to the answer.',
    likely:
      '#goOn() ends the connection. While an answer is held, #holdUntil() calls it, and nobody else.',
    look: '#handle()',
  })
  ian.expectEnd({ because: 'It was the last answer.', look: '#handle()' })

  const flo = await world.arrive('flo')
  await flo.send(request('GET /bug') + request('GET /late/flo') + request('GET /c'))
  await world.act(() => site.late.at(-1)!.reject(new Error('a late bug')))
  flo.expectAnswers([{ status: 500 }, { status: 500 }, { status: 200, body: 'GET /c' }], {
    because:
      'A handler that throws has answered, too: with 500. Nobody else has to suffer from it.',
    likely: '#ask() knows what to do about it, now and later.',
    look: '#handle()',
  })
  expectSame(
    'the bugs',
    site.bugs.map((bug) => (bug as Error).message),
    ['a bug in the handler', 'a late bug'],
    {
      because: 'Our bugs are seen.',
    },
  )

  const gus = await world.arrive('gus')
  await gus.send(request('GET /body') + request('GET /smuggled'))
  gus.stream.takeWritten()
  await world.act(() => site.sources.at(-1)!.give(undefined))
  gus.expectCut({
    because:
      'He was promised 9 bytes, and there are none. Whatever came next he would take for them.',
    look: '#handle()',
  })
  const hal = await world.arrive('hal')
  await hal.send(request('HEAD /body') + request('GET /d'))
  hal.expectAnswers(
    [
      { status: 200, headers: { 'content-length': '9' } },
      { status: 200, body: 'GET /d' },
    ],
    {
      because: 'HEAD wants no body.',
      look: '#answer()',
    },
    ['HEAD'],
  )
  expectSame('how often its body was closed', site.sources.at(-1)!.closed, 1, {
    because: 'It is not wanted.',
  })
}

/** Connections that are handed over to another protocol. */
export async function expectUpgrades(stage: Stage): Promise<void> {
  const { expectSame } = stage
  const world = await openHttp(stage)
  const { site } = world
  const UPGRADE = ['Connection: Upgrade', 'Upgrade: echo']
  const ada = await world.arrive('ada')
  await ada.send(`${request('GET /a')}${request('GET /upgrade', UPGRADE)}early`)
  ada.expectText(
    /^HTTP\/1\.1 200 .*HTTP\/1\.1 101 .*Upgrade: echo\r\n.*\r\n\[hello\]\[early\]$/s,
    '200, then 101, then "[hello][early]"',
    {
      because:
        'Behind the 101 the other protocol begins: it says hello at once, and what came behind the request belongs to it.',
      likely:
        'connection.use() the protocol, when the answer is sent. #isReplaced: onBytes() takes no more.',
      look: '#upgrade()',
    },
  )
  await ada.send('late')
  ada.expectReceived('[late]', {
    because: 'The connection is not ours any more.',
    look: '#upgrade()',
  })
  expectSame('how many protocols were made', site.upgraded.length, 1, {
    because: 'Once is enough.',
    look: '#upgrade()',
  })

  const bob = await world.arrive('bob')
  await bob.send(`${request('GET /late/upgrade', UPGRADE)}early`)
  bob.expectNothing({ because: 'The handler has not decided.' })
  await world.act(() => site.late.at(-1)!.resolve(site.upgrade()))
  bob.expectText(/^HTTP\/1\.1 101 .*\r\n\r\n\[hello\]\[early\]$/s, '101, then "[hello][early]"', {
    because: 'The answer came late. What bob sent meanwhile has waited for the other protocol.',
    look: ['#upgrade()', '#handle()'],
  })
  await bob.halfClose()
  bob.expectEnd({ because: 'The other protocol hears of his FIN, and ends.', look: '#upgrade()' })

  const refused: [string, string][] = [
    [
      'a request in HTTP/1.0',
      'GET /upgrade HTTP/1.0\r\nConnection: Upgrade, keep-alive\r\nUpgrade: echo\r\n\r\n',
    ],
    ['a request with a body', request('GET /upgrade', [...UPGRADE, 'Content-Length: 5'], 'hello')],
    [
      'a request with a body in chunks',
      request('GET /upgrade', [...UPGRADE, 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
    ],
  ]
  for (const [what, text] of refused) {
    const cyd = await world.arrive('cyd')
    await cyd.send(`${text}smuggled`)
    cyd.expectAnswers([{ status: 400, headers: { connection: 'close' } }], {
      because: `To ${what} nobody can change the protocol: where its body ends, two servers may see differently.`,
      likely: '#refuse(NO_UPGRADE)',
      look: '#upgrade()',
    })
    cyd.expectEnd({ because: 'It was refused.', look: '#upgrade()' })
  }
  expectSame('how many protocols were made', site.upgraded.length, 2, {
    because: 'Ada’s and bob’s.',
    look: '#upgrade()',
  })
}

/** `Expect`, and what is said before a body comes. */
export async function expectLeave({ expectSame }: Stage, world: World): Promise<void> {
  const { site } = world
  const look = '#meetExpectation()'
  const dee = await world.arrive('dee')
  await dee.send(request('POST /d', ['Expect: 100-continue', 'Content-Length: 5']))
  dee.expectReceived('HTTP/1.1 100 Continue\r\n\r\n', {
    because: 'She waits for leave to send her body (RFC 9110 §10.1.1).',
    look,
  })
  await dee.send('hello')
  dee.expectAnswers([{ status: 200, body: 'POST /d hello' }], {
    because: 'Her body has come.',
    look,
  })
  await dee.send(request('POST /d', ['expect: 100-Continue', 'Transfer-Encoding: chunked']))
  dee.expectReceived('HTTP/1.1 100 Continue\r\n\r\n', {
    because: 'It is the same in upper and lower case, and for chunks.',
    likely: 'toLowerCase()',
    look,
  })
  await dee.send('0\r\n\r\n')
  dee.expectAnswers([{ status: 200, body: 'POST /d' }], { because: 'Her body has come.', look })
  await dee.send(request('POST /d', ['Expect: 100-continue', 'Content-Length: 5'], 'h'))
  dee.expectNothing({
    because: 'She has begun to send without leave, and does not wait for it.',
    likely: 'Only if she isWaiting.',
    look,
  })
  await dee.send('ello')
  dee.expectAnswers([{ status: 200, body: 'POST /d hello' }], {
    because: 'Her body has come.',
    look,
  })
  await dee.send(request('GET /d', ['Expect: 100-continue']))
  dee.expectAnswers([{ status: 200, body: 'GET /d' }], {
    because: 'There is no body to wait for.',
    likely: 'Only if she isWaiting.',
    look,
  })
  const asked = site.asked.length
  await dee.send(request('POST /d', ['Expect: 100-continue', 'Content-Length: 5000']))
  dee.expectAnswers([{ status: 413, headers: { connection: 'close' } }], {
    because: 'That is why she has asked: 5,000 bytes are too many, and now she need not send them.',
    look,
  })
  dee.expectEnd({ because: 'Nobody can tell whether she sends them all the same.' })

  const eve = await world.arrive('eve')
  await eve.send('POST /e HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n')
  eve.expectNothing({ because: 'HTTP/1.0 knows no 100: she would take it for her answer.', look })
  await eve.send('hello')
  eve.expectAnswers([{ status: 200, body: 'POST /e hello' }], {
    because: 'Her body has come.',
    look,
  })
  await eve.halfClose()
  const old = await world.arrive('eve')
  await old.send('GET /e HTTP/1.0\r\nExpect: 200-ok\r\n\r\n')
  old.expectAnswers([{ status: 200, body: 'GET /e' }], {
    because: 'A request in HTTP/1.0 expects nothing, whatever it says.',
    likely: 'The version is looked at first.',
    look,
  })
  for (const expectation of ['200-ok', '100-continue, 200-ok', '']) {
    const flo = await world.arrive('flo')
    await flo.send(request('GET /f', [`Expect: ${expectation}`]))
    flo.expectAnswers([{ status: 417, headers: { connection: 'close' } }], {
      because: `Nobody knows how to meet "${expectation}".`,
      likely: 'UNMET, for everything but 100-continue.',
      look,
    })
    flo.expectEnd({ because: 'It was refused.', look })
  }
  expectSame('what the handler was asked', site.asked.slice(asked), ['POST /e hello', 'GET /e'], {
    because: 'Nothing that was refused gets there.',
    look,
  })
}

/** The end of silence, and of the server. */
export async function expectStops(stage: Stage): Promise<void> {
  const look = 'onStop()'
  const world = await openHttp(stage, { headMs: 100_000 }, { idleMs: 60_000 })
  const { site } = world
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
  kim.expectAnswers([{ status: 200, body: 'kim', headers: { connection: 'close' } }], {
    because:
      'The answer to what was accepted, and it says that it is the last. She can ask somebody else for the rest.',
    likely: '#endsAs',
    look,
  })
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
  stage.expectSame(
    'how connections have ended',
    world.stats().endings,
    { idle: 3, stopping: 4, invalid: 1 },
    {
      because: 'Each ending is counted as what it was.',
      look,
    },
  )

  const slow = await openHttp(stage, { headMs: 100_000 }, { idleMs: 60_000, stallMs: 30_000 })
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

/** A whole answer with this status, as a real client gets it. */
export function answerLike(status: number) {
  return {
    what: `an answer with status ${status}`,
    endOf: (bytes: Uint8Array) => {
      const { answers, rest } = readAnswers(bytes)
      return answers.length > 0 ? bytes.length - rest.length : 0
    },
    fits: (bytes: Uint8Array) => readAnswers(bytes).answers[0]?.status === status,
  }
}
