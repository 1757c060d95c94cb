/** Connections of chapter 17 that end: because one of the two says so, or the peer has said FIN. */

import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'
import { type Answer, request } from '../../protocols/http.ts'
import { type HttpWorld, ScriptedBody } from './http-connections.ts'

export async function expectLastAnswers({ expectSame }: Stage, world: HttpWorld): Promise<void> {
  const { site } = world
  const bob = await world.arrive('bob')
  await bob.send(request('GET /a', ['Connection: close']) + request('GET /b'))
  bob.expectAnswers(
    [{ status: 200, body: 'GET /a', headers: { connection: 'close' } }],
    ([first]) => ({
      because:
        'He wants no more than this answer, and it says that it is the last. What he sent after that request is ignored (RFC 9112 §9.6).',
      ...causeOf(first, bob.stream.isEnded),
    }),
  )
  bob.expectEnd({
    because: 'It was the last answer.',
    likely: '#goOn() ends the connection if #endsAs is set.',
    look: ['#answer()', '#handle()'],
  })
  expectSame('the last request that the handler got', site.asked.at(-1), 'GET /a', {
    because: 'What follows the last request is not looked at.',
    look: '#answer()',
  })

  const cyd = await world.arrive('cyd')
  await cyd.send('GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
  cyd.expectAnswers([{ status: 200, headers: { connection: 'keep-alive' } }], {
    because: 'A client of HTTP/1.0 that wants to go on has to be told that we do as well.',
    likely: "Use `'say'` for HTTP/1.0 alone.",
    look: '#answer()',
  })
  await cyd.send('GET /b HTTP/1.0\r\n\r\n')
  cyd.expectAnswers([{ status: 200, body: 'GET /b', headers: { connection: 'close' } }], {
    because: 'A client of HTTP/1.0 that does not say keep-alive wants one answer.',
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
    because: 'She can still receive it.',
    look: '#handle()',
  })
  eve.expectEnd({
    because: 'After that, there is nothing to wait for.',
    look: ['#answer()', '#handle()'],
  })

  const ian = await world.arrive('ian')
  await ian.send(request('GET /body', ['Connection: close']))
  const lastBody = site.sources.at(-1)!
  for (const piece of ['abc', 'defghi']) await world.act(() => lastBody.give(piece))
  ian.expectAnswers([{ status: 200, body: 'abcdefghi', headers: { connection: 'close' } }], {
    because: 'The last answer has a body that takes its time, and all of it belongs to the answer.',
    likely: '#goOn() ends the connection. While an answer is held, only #holdUntil() may call it.',
    look: '#handle()',
  })
  ian.expectEnd({ because: 'It was the last answer.', look: '#handle()' })

  const flo = await world.arrive('flo')
  await flo.send(request('GET /bug') + request('GET /late/flo') + request('GET /c'))
  await world.act(() => site.late.at(-1)!.reject(new Error('a late bug')))
  flo.expectAnswers([{ status: 500 }, { status: 500 }, { status: 200, body: 'GET /c' }], {
    because: 'A handler that throws has answered, too: with 500. The next request is not affected.',
    likely: '#ask() turns what a handler throws into an answer, at once or later.',
    look: '#handle()',
  })
  expectSame(
    'the reported bugs',
    site.bugs.map((bug) => (bug as Error).message),
    ['a bug in the handler', 'a late bug'],
    {
      because: 'Our own bugs are reported.',
    },
  )

  const gus = await world.arrive('gus')
  await gus.send(request('GET /body') + request('GET /smuggled'))
  gus.stream.takeWritten()
  await world.act(() => site.sources.at(-1)!.give(undefined))
  gus.expectCut({
    because:
      'He was promised 9 bytes, and there are none. He would take whatever came next for them.',
    look: '#handle()',
  })
  const gil = await world.arrive('gil')
  await gil.send(request('GET /late/gil') + request('GET /smuggled'))
  const broken = new ScriptedBody(9)
  await world.act(() => site.late.at(-1)!.resolve({ status: 200, body: broken }))
  await world.act(() => broken.give('abc'))
  gil.expectText(/^HTTP\/1\.1 200 .*\r\n\r\nabc$/s, 'a head, and "abc"', {
    because: 'The answer came late, and its body has begun.',
    look: '#handle()',
  })
  await world.act(() => broken.give(undefined))
  gil.expectCut({
    because:
      'He was promised 9 bytes, and there are 3. He would take whatever came next for the rest.',
    likely:
      'The promise that #holdUntil() gets has to reject when the body breaks. Do not catch the error on the way.',
    look: '#handle()',
  })
  expectSame('the last request that the handler got', site.asked.at(-1), 'GET /late/gil', {
    because: 'After an answer that has no end, nothing is looked at.',
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
      because: 'An answer to HEAD has no body.',
      look: '#answer()',
    },
    ['HEAD'],
  )
  expectSame('the number of times its body was closed', site.sources.at(-1)!.closed, 1, {
    because: 'The body is not sent, so it is closed.',
  })
}

/** What has probably gone wrong with a last answer when this has come, and FIN behind it or not. */
function causeOf(first: Answer | undefined, isEnded: boolean): Pick<Reason, 'likely' | 'look'> {
  const look = ['#handle()', '#answer()']
  if (!first && isEnded)
    return {
      likely:
        'FIN has overtaken the answer: #goOn() flushes what was said, and then ends the connection.',
      look,
    }
  if (first?.headers.get('connection') !== 'close')
    return {
      likely: 'If keepsOpen() is false, set #endsAs before the answer is sent.',
      look: '#answer()',
    }
  return {
    likely:
      'The connection was not ended. #endsAs says why it ends, and #goOn() ends it when an answer is complete at once.',
    look,
  }
}
