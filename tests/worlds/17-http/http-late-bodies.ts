/** Answers of chapter 17 whose bodies take their time, and the answers behind them. */

import type { Stage } from '../../judge/step.ts'
import { request } from '../../protocols/http.ts'
import { type HttpPeer, type HttpWorld, ScriptedBody } from './http-connections.ts'

export async function expectLateBodies(
  { expectSame }: Stage,
  world: HttpWorld,
  ada: HttpPeer,
): Promise<void> {
  const { site } = world
  await ada.send(request('GET /body') + request('GET /e'))
  const [body] = site.sources
  await world.act(() => body.give('abc'))
  ada.expectText(
    /^HTTP\/1\.1 200 .*Content-Length: 9\r\n.*\r\nabc$/is,
    'a head with Content-Length: 9, and "abc"',
    {
      because:
        'That is the head of the answer, and the first piece of its body. The next answer has to wait for the rest.',
      likely:
        '#answer() has to return what #sender.answer() returns: a promise, until everything is sent.',
      look: '#answer()',
    },
  )
  await world.act(() => body.give('defghi'))
  ada.expectText(
    /^defghiHTTP\/1\.1 200 .*\r\n\r\nGET \/e$/s,
    '"defghi", and then the next answer',
    {
      because: 'A body that takes its time is part of its answer: the next answer comes after it.',
      likely:
        '#answer() has to return what #sender.answer() returns: a promise, until everything is sent. #holdUntil() takes it.',
      look: ['#answer()', '#handle()'],
    },
  )
  expectSame('the number of times the body was closed', body.closed, 1, {
    because: 'The body was sent to its end.',
  })

  await ada.send(request('GET /late/3') + request('GET /f'))
  const lateBody = new ScriptedBody(3)
  await world.act(() => site.late[2].resolve({ status: 200, body: lateBody }))
  await world.act(() => lateBody.give('ab'))
  ada.expectText(/^HTTP\/1\.1 200 .*\r\n\r\nab$/s, 'a head, and "ab"', {
    because:
      'The answer came late, and its body comes later still. The next answer has to wait for both.',
    likely: 'then() waits for the promise that its callback returns, if it returns one.',
    look: '#handle()',
  })
  await world.act(() => lateBody.give('c'))
  ada.expectText(/^cHTTP\/1\.1 200 .*\r\n\r\nGET \/f$/s, '"c", and then the next answer', {
    because: 'Now the answer is complete.',
    look: '#handle()',
  })
  expectSame('the number of calls to heard()', world.stats().messages, 12, {
    because: 'Twelve requests have arrived, and each counts once, however late its answer is.',
    look: '#handle()',
  })
}

/** Answers that come late are sent like any other: to HEAD, and to HTTP/1.0. */
export async function expectLateLikeOthers(
  { expectSame }: Stage,
  { site, ...world }: HttpWorld,
): Promise<void> {
  const liz = await world.arrive('liz')
  await liz.send(request('HEAD /late/liz') + request('GET /g'))
  await world.act(() => site.late.at(-1)!.resolve({ status: 200, body: 'a late body' }))
  liz.expectAnswers(
    [
      { status: 200, headers: { 'content-length': '11' } },
      { status: 200, body: 'GET /g' },
    ],
    {
      because: 'An answer to HEAD has no body, however late it is.',
      likely: 'A late answer has to go through #answer(), too, with the head of its request.',
      look: '#handle()',
    },
    ['HEAD'],
  )
  await liz.send('GET /late/liz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
  await world.act(() => site.late.at(-1)!.resolve({ status: 200, body: 'late' }))
  liz.expectAnswers([{ status: 200, body: 'late', headers: { connection: 'keep-alive' } }], {
    because: 'A client of HTTP/1.0 that wants to go on has to be told that we do as well.',
    likely: 'A late answer has to go through #answer(), too, with the head of its request.',
    look: '#handle()',
  })

  const ned = await world.arrive('ned')
  ned.stopReading()
  site.answers.set('/60000', () => ({ status: 200, body: 'x'.repeat(60_000) }))
  site.answers.set('/10000', () => ({ status: 200, body: 'x'.repeat(10_000) }))
  await ned.send(request('GET /60000') + request('GET /10000') + request('GET /body'))
  const unread = site.sources.at(-1)!
  await ned.reset()
  await world.act(() => unread.give('abc'))
  expectSame('the number of times the body for ned was closed', unread.closed, 1, {
    because:
      'Ned had taken nothing of the answers before, and is gone. No room will ever be reported for the rest.',
    look: ['#answer()', '#handle()'],
  })

  const mo = await world.arrive('mo')
  await mo.send(request('GET /late/mo'))
  await mo.reset()
  const unwanted = new ScriptedBody(3)
  await world.act(() => site.late.at(-1)!.resolve({ status: 200, body: unwanted }))
  expectSame('the number of times the body for mo was closed', unwanted.closed, 1, {
    because:
      'Mo is gone and will never read it. A body may be an open file: each one that is not closed costs a descriptor.',
    likely:
      'The sender closes what it cannot send: pass an answer to #sender.answer() whether the peer is there or not.',
    look: ['#answer()', '#handle()'],
  })
}
