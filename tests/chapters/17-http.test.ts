import { costInCopies, FEW_BYTES, LARGE_BYTES } from '../harness/cost.ts'
import type { Reason } from '../harness/failure.ts'
import { step } from '../judge/step.ts'
import { request } from '../protocols/http.ts'
import { expectBodyDeadlines, TOO_SLOW } from '../worlds/17-http/http-body-deadlines.ts'
import { expectCorpus, expectCorpusInPieces } from '../worlds/17-http/http-cases.ts'
import {
  expectChunked,
  expectLongest,
  expectSizeLines,
  expectTrailers,
  openChunks,
} from '../worlds/17-http/http-chunk-trials.ts'
import { openHttp } from '../worlds/17-http/http-connections.ts'
import { expectLeave } from '../worlds/17-http/http-expectations.ts'
import { likelyOfPath, makeSite, PATHS, SPELLINGS } from '../worlds/17-http/http-files.ts'
import { expectHeads } from '../worlds/17-http/http-head-trials.ts'
import { expectLastAnswers } from '../worlds/17-http/http-last-answers.ts'
import { expectLateBodies, expectLateLikeOthers } from '../worlds/17-http/http-late-bodies.ts'
import { expectLengths } from '../worlds/17-http/http-lengths.ts'
import { expectFields, expectRequestLines } from '../worlds/17-http/http-line-trials.ts'
import { expectPersistence } from '../worlds/17-http/http-persistence.ts'
import { expectRefusalsHeard } from '../worlds/17-http/http-real-clients.ts'
import { expectSite } from '../worlds/17-http/http-site-server.ts'
import { expectOpened, expectUnusualNames } from '../worlds/17-http/http-site-trials.ts'
import {
  expectStops,
  expectStopsFromWithin,
  expectStopsInBodies,
} from '../worlds/17-http/http-stops.ts'
import { expectUpgrades } from '../worlds/17-http/http-upgrades.ts'
import { quietly } from '../worlds/for-all.ts'

step('17.1', 'a head is read strictly, and the same however it is cut', async (stage) => {
  await expectRequestLines(stage)
  await expectFields(stage)
  await expectHeads(stage)
})

step('17.2', 'a body has one length, and whatever could be two is refused', async (stage) => {
  await expectLengths(stage)
})

step('17.3', 'a body in chunks has bounds everywhere, and ends where it ends', async (stage) => {
  const { expect, story } = stage
  const chunks = await openChunks(stage)
  expectChunked(stage, chunks)
  expectLongest(stage, chunks)

  story.tell('test', 'sends 4 MiB of a chunk of 5 MiB, and then more of it byte by byte')
  const large = new chunks.ChunkedReader(1.25 * LARGE_BYTES)
  large.next(Buffer.from(`${(1.25 * LARGE_BYTES).toString(16)}\r\n`), 0)
  large.next(Buffer.alloc(LARGE_BYTES, 'x'), 0)
  const byte = Buffer.from('x')
  const copies = costInCopies(100, () => large.next(byte, 0))
  expect('a byte to cost the same, however much arrived earlier', copies < FEW_BYTES, {
    because: 'The data of a chunk may arrive in as many pieces as it has bytes.',
    likely:
      'Take data as it arrives. Data that waits for the rest of its chunk is kept as a line would be, and copied again for each piece.',
    look: '#takeData()',
    expected: 'less than half of what a copy of the 4 MiB costs',
    received: `${copies.toFixed(2)} of what a copy costs`,
  })

  story.tell('test', 'sends 4 MiB in one chunk, and then chunks of one byte')
  const small = new chunks.ChunkedReader(1.25 * LARGE_BYTES)
  small.next(Buffer.from(`${LARGE_BYTES.toString(16)}\r\n${'x'.repeat(LARGE_BYTES)}\r\n`), 0)
  const chunkOfOne = Buffer.from('1\r\nx\r\n')
  const copiesForOne = costInCopies(100, () => small.next(chunkOfOne, 0))
  expect('a chunk to cost the same, however much arrived earlier', copiesForOne < FEW_BYTES, {
    because: 'A body may arrive in as many chunks as it has bytes.',
    likely:
      'The end of a chunk does not say how much is still to come. Give #come.add() the bytes that have arrived, and nothing else.',
    look: '#takeData()',
    expected: 'less than half of what a copy of the 4 MiB costs',
    received: `${copiesForOne.toFixed(2)} of what a copy costs`,
  })

  expectSizeLines(stage, chunks)
  expectTrailers(stage, chunks)
})

step('17.4', 'answers go out in order, on a connection that goes on or ends', async (stage) => {
  const { expectSame } = stage
  await expectPersistence(stage)

  const world = await openHttp(stage)
  const { site } = world
  const ada = await world.arrive('ada')
  await ada.send(
    request('GET /a') + request('POST /b', ['Content-Length: 2'], 'hi') + request('GET /c?d'),
  )
  ada.expectAnswers(
    [
      { status: 200, body: 'GET /a', headers: { connection: undefined, 'x-path': '/a' } },
      { status: 200, body: 'POST /b hi' },
      { status: 200, body: 'GET /c?d' },
    ],
    ([first]) => ({
      because:
        'Three requests arrived in one chunk. That is pipelining: each gets its answer, in order.',
      ...(first?.headers.has('connection')
        ? { likely: "`'say'` is for HTTP/1.0 alone. For 1.1, use `'keep'`.", look: '#answer()' }
        : {
            likely: '#handle() has to ask the handler and pass its answer to #answer().',
            look: ['#handle()', '#answer()'],
          }),
    }),
  )
  expectSame('the number of calls to heard()', world.stats().messages, 3, {
    because: 'A whole request is a sign of life, and counts against the rate limit of its peer.',
    likely: 'Call connection.heard() once for each request.',
    look: '#handle()',
  })

  await ada.send(
    request('GET /late/1') + request('GET /b') + request('GET /late/2') + request('HEAD /d'),
  )
  ada.expectAnswers([], {
    because: 'The first of the four has no answer yet, and nothing overtakes it.',
    look: '#handle()',
  })
  expectSame('the number of calls to heard()', world.stats().messages, 4, {
    because: 'GET /late/1 has arrived, and is a sign of life, however long its answer takes.',
    likely: 'Call connection.heard() before anything else.',
    look: '#handle()',
  })
  expectSame('what the handler was asked', site.asked.slice(3), ['GET /late/1'], {
    because:
      'One request is handled at a time. Whatever follows it waits in the connection, and so does the peer.',
    likely: 'Take no other request until the answer is sent: #holdUntil().',
    look: '#handle()',
  })
  await world.act(() => site.late[0].resolve({ status: 200, body: 'at last' }))
  ada.expectAnswers(
    [
      { status: 200, body: 'at last' },
      { status: 200, body: 'GET /b' },
    ],
    {
      because: 'The handler has answered, and it could answer the next request at once.',
      likely: 'Send the late answer like any other.',
      look: '#handle()',
    },
  )
  await world.act(() => site.late[1].resolve({ status: 404, body: 'gone' }))
  ada.expectAnswers(
    [
      { status: 404, body: 'gone' },
      { status: 200, body: '', headers: { 'content-length': '7' } },
    ],
    {
      because:
        'An answer to HEAD is the answer to GET without its body; Content-Length says how long that body would be (RFC 9110 §9.3.2).',
      likely: 'Tell the sender that the request is a HEAD.',
      look: '#answer()',
    },
    ['GET', 'HEAD'],
  )

  await ada.send(request('head /a'))
  ada.expectAnswers([{ status: 200, body: 'head /a' }], {
    because: 'Methods are case-sensitive: "head" is not HEAD, and the handler has answered it.',
    look: '#answer()',
  })

  await expectLateBodies(stage, world, ada)
  await expectLastAnswers(stage, world)
  await expectLateLikeOthers(stage, world)
  await expectUpgrades(stage)
  await expectCorpus(stage)
})

step('17.5', 'a slow request has a deadline, and a refusal can be read', async (stage) => {
  const { expectSame } = stage
  const world = await openHttp(
    stage,
    { headMs: 10_000, bodyMs: 30_000, maxBodyBytes: 1_000 },
    { idleMs: 60_000 },
  )
  const noTimers = world.timers.size

  const ada = await world.arrive('ada')
  const idle = world.timers.size - noTimers
  const expectTimers = (waiting: number, reason: Reason) =>
    expectSame(
      'the number of timers, not counting one for silence',
      world.timers.size - noTimers - idle,
      waiting,
      reason,
    )
  await ada.send('GET / HTTP/1.1\r\nHost: a\r\nX: ')
  for (let second = 1; second < 10; second++) {
    await world.advance(1_000)
    await ada.send('y')
  }
  ada.expectNothing({
    because: 'Her head has 10 seconds from its first byte on. 9 of them have passed.',
    likely: 'A head has headMs, and after() takes milliseconds.',
    look: '#watchForEnd()',
  })
  expectTimers(1, {
    because: 'She has sent ten pieces of one head, and one head has one deadline.',
    likely:
      'Store the timer in #deadline. While it is set, no other timer is armed, and #forgetDeadline() cancels it.',
    look: '#watchForEnd()',
  })
  await world.advance(999)
  ada.expectNothing({ because: 'One millisecond is left.', look: '#watchForEnd()' })
  await world.advance(1)
  ada.expectAnswers([TOO_SLOW], () => ({
    because:
      'A byte a second keeps a connection busy forever. That is slowloris: what counts is when the head began.',
    likely: ada.stream.isDestroyed
      ? 'The connection was destroyed without a word. #refuse(TOO_SLOW) says why, and then sends FIN.'
      : ada.stream.isEnded
        ? 'FIN was sent without an answer before it. #refuse(TOO_SLOW) says why.'
        : 'A timer is armed, but not for headMs. bodyMs is for a body, which has begun when #begun is set.',
    look: '#watchForEnd()',
  }))
  ada.expectEnd({
    because: 'Nothing more is wanted from her.',
    likely: '#refuse(TOO_SLOW) also ends the connection.',
    look: '#watchForEnd()',
  })
  await ada.halfClose()
  expectSame(
    'the ending of her connection',
    world.stats().endings,
    { idle: 1 },
    { because: 'Each ending is counted under its reason.' },
  )

  await expectBodyDeadlines(world, expectTimers)
  await expectLeave(stage, world)
  await expectStops(stage)
  await expectStopsInBodies(stage)
  await expectStopsFromWithin(stage)
  await expectCorpusInPieces(stage)
  await expectRefusalsHeard(stage)
})

step('17.6', 'a path leads to a file of the site, and to nothing else', async (stage) => {
  const { load, story } = stage
  const quiet = quietly(stage)
  const { namesIn } = await load(() => import('#code/17-http/site-path.ts'))
  const outcomeOf = (path: string) => {
    try {
      return namesIn(path)
    } catch (error) {
      if (error instanceof URIError) return `it throws ${error}`
      throw error
    }
  }
  story.tell('test', `tries ${PATHS.length + SPELLINGS.length} paths`)
  for (const [path, names] of PATHS) {
    quiet.expectSame(`namesIn(${JSON.stringify(path)})`, namesIn(path), names, {
      because:
        'Those are the names on the way to a file; a path that ends with a slash means index.html.',
      likely:
        'Cut the path at its slashes, decode each piece once, and do not change it after that.',
      look: 'namesIn()',
    })
  }
  for (const path of SPELLINGS) {
    const outcome = outcomeOf(path)
    quiet.expectSame(`namesIn(${JSON.stringify(path)})`, outcome, undefined, {
      because:
        'It would lead out of the site, or to a hidden file, or to a place that depends on the decoder.',
      likely:
        typeof outcome === 'string'
          ? 'decodeURIComponent() throws if the escapes are not UTF-8. Such a path names nothing here.'
          : likelyOfPath(path),
      look: 'namesIn()',
    })
  }
  const site = makeSite()
  try {
    await expectOpened(stage, site)
    await expectSite(stage, site)
    await expectUnusualNames(stage, site)
  } finally {
    site.remove()
  }
})
