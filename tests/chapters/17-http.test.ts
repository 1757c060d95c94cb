import type { ReadBody } from '#code/17-http/body-reader.ts'
import type { Scan } from '#code/17-http/head-scan.ts'
import { type Bytes, toBytes } from '../harness/bytes.ts'
import { leastUs } from '../harness/cost.ts'
import type { Reason } from '../harness/failure.ts'
import { cutAtRandom } from '../harness/random.ts'
import { step } from '../judge/step.ts'
import { request } from '../protocols/http.ts'
import { quietly } from '../worlds/for-all.ts'
import { CHUNKED, LENGTHS, WRONG_CHUNKED } from '../worlds/http-bodies.ts'
import {
  answerLike,
  expectCase,
  expectLastAnswers,
  expectLeave,
  expectStops,
  expectUpgrades,
} from '../worlds/http-connection-trials.ts'
import { openHttp, ScriptedBody } from '../worlds/http-connections.ts'
import { CORPUS } from '../worlds/http-corpus.ts'
import { makeSite, PATHS, SPELLINGS } from '../worlds/http-files.ts'
import { expectHeads } from '../worlds/http-head-trials.ts'
import { FIELDS, REQUEST_LINES, WRONG_FIELDS, WRONG_LINES } from '../worlds/http-heads.ts'
import { expectOpened, expectSite } from '../worlds/http-site-trials.ts'
import { inPieces, STRANGE, shown } from '../worlds/http-tables.ts'

step('17.1', 'a head is read strictly, and the same however it is cut', async (stage) => {
  const { load, story } = stage
  const { expectSame } = quietly(stage)
  story.tell('test', `scans ${REQUEST_LINES.length + WRONG_LINES.length} request lines`)
  const { scanField, scanRequestLine } = await load(() => import('#code/17-http/head-scan.ts'))
  const bytesOf = (text: string) => Buffer.from(text, 'latin1')

  for (const [method, target, version] of REQUEST_LINES) {
    const line = `${method} ${target} ${version}\r\n`
    const spans: number[] = []
    // Something stands before it, for places are those of the chunk.
    const scan = scanRequestLine(bytesOf(`xx${line}Host: a`), 2, spans)
    const pieces = [0, 2, 4].map((place) => `xx${line}`.slice(spans[place], spans[place + 1]))
    expectSame(`scanRequestLine(${shown(line)})`, scan, 2 + line.length, {
      because: 'That is a request line. Behind it the first field begins.',
      likely: 'The target is a run of TARGET bytes, method and version are runs, too.',
      look: 'scanRequestLine()',
    })
    expectSame('method, target and version', pieces, [method, target, version], {
      because: '`spans` has six places: where each of the three begins, and where it ends.',
      look: 'scanRequestLine()',
    })
  }
  for (const wrong of WRONG_LINES) {
    expectScan(
      `scanRequestLine(${shown(wrong.text)})`,
      scanRequestLine(bytesOf(wrong.text), 0, []),
      wrong,
    )
  }
  for (const end of [0, 1, 3, 4, 5, 8, 9, 13, 14, 19, 20]) {
    const part = 'GET /path HTTP/1.1\r\n'.slice(0, end)
    expectSame(
      `scanRequestLine(${shown(part)})`,
      scanRequestLine(bytesOf(part), 0, []),
      end < 20 ? 'incomplete' : 20,
      {
        because:
          end < 20
            ? 'Every byte so far may stand there, and the line has no end yet.'
            : 'Now it has.',
        likely: 'A run that goes to the end of the chunk may go on in the next one.',
        look: 'scanRequestLine()',
      },
    )
  }

  story.tell('test', `scans ${FIELDS.length + WRONG_FIELDS.length} fields`)
  for (const [line, name, value] of FIELDS) {
    const spans: number[] = []
    const scan = scanField(bytesOf(`xx${line}\r\nb: c`), 2, spans)
    expectSame(`scanField(${shown(`${line}\r\n`)})`, scan, 2 + line.length + 2, {
      because: 'That is a field. Behind it the next line begins.',
      look: 'scanField()',
    })
    const pieces = [0, 2].map((place) => `xx${line}`.slice(spans[place], spans[place + 1]))
    expectSame('name and value', pieces, [name, value], {
      because: 'The blanks before and behind a value do not belong to it, those inside do.',
      likely: '`spans` has four places: where the name begins and ends, and the same of the value.',
      look: 'scanField()',
    })
  }
  for (const wrong of WRONG_FIELDS) {
    expectScan(`scanField(${shown(wrong.text)})`, scanField(bytesOf(wrong.text), 0, []), wrong)
  }
  const spans: number[] = []
  for (const part of ['', 'Ho', 'Host', 'Host:', 'Host: ', 'Host: a', 'Host: a ', 'Host: a\r']) {
    expectSame(`scanField(${shown(part)})`, scanField(bytesOf(part), 0, spans), 'incomplete', {
      because: 'Every byte so far may stand there, and the line has no end yet.',
      likely: 'scanLineEnd() knows whether the end is missing or wrong.',
      look: 'scanField()',
    })
  }

  await expectHeads(stage)

  function expectScan(
    what: string,
    scan: Scan,
    { status, because }: { status: number; because: string },
  ): void {
    const told = typeof scan === 'object' ? `invalid, ${scan.status}` : String(scan)
    expectSame(what, told, `invalid, ${status}`, {
      because,
      likely: STRANGE,
      look: what.startsWith('scanField') ? 'scanField()' : 'scanRequestLine()',
    })
  }
})

step('17.2', 'a body has one length, and whatever could be two is refused', async (stage) => {
  const { expect, load, story } = stage
  const { expectSame } = quietly(stage)
  story.tell('test', `asks for the length of ${LENGTHS.length} bodies`)
  const { bodyLength } = await load(() => import('#code/17-http/body-length.ts'))
  const { HeaderFields } = await load(() => import('#code/17-http/http-message.ts'))
  for (const { fields, version = '1.1', told, because } of LENGTHS) {
    const headers = new HeaderFields()
    for (const [name, value] of fields) headers.add(name, value)
    const length = bodyLength(headers, version, 1_000)
    const lines = fields.map(([name, value]) => `${name}: ${shown(value.slice(0, 40))}`).join(', ')
    const outcome =
      length.kind === 'invalid'
        ? String(length.status)
        : length.kind === 'bytes'
          ? `${length.bytes} bytes`
          : length.kind
    expectSame(`the body of HTTP/${version} with { ${lines} }`, outcome, told, {
      because,
      likely: LIKELY_LENGTH[told] ?? 'Say what the fields say.',
    })
  }

  story.tell('test', `asks for the length of a body whose coding has ${MANY_BLANKS} blanks in it`)
  const blanks = new HeaderFields()
  blanks.add('transfer-encoding', `gzip${' '.repeat(MANY_BLANKS)}x`)
  const us = leastUs(1, () => bodyLength(blanks, '1.1', 1_000))
  expect('that to cost less than 5 ms', us < 5_000, {
    because: 'Anybody may send such a head, again and again. The time goes with its length.',
    likely:
      "A pattern that begins with blanks begins anew at each blank, and runs to the last one each time. split(','), and then withoutBlanks().",
    look: 'checkCoding()',
    expected: 'less than 5 ms',
    received: `${(us / 1_000).toFixed(1)} ms`,
  })
})

/** A pattern that begins anew at each of them takes 100 ms; a walk over them 0.05. */
const MANY_BLANKS = 4_000

const LIKELY_LENGTH: Record<string, string> = {
  400: 'Number() and parseInt() let a lot pass: test the text first. get() joins several lines with a comma.',
  413: 'Digits are right, however many. Then compare with maxBytes.',
  501: 'Split the list at its commas, and compare whole codings.',
  chunked: 'toLowerCase() before you compare.',
}

step('17.3', 'a body in chunks has bounds everywhere, and ends where it ends', async (stage) => {
  const { expect, load, random, story } = stage
  const { expectSame } = quietly(stage)
  const { ChunkedReader, MAX_EXTENSION_BYTES, MAX_SIZE_LINE_BYTES, MAX_TRAILER_BYTES } = await load(
    () => import('#code/17-http/chunked-reader.ts'),
  )
  const read = (pieces: readonly Uint8Array[]) => {
    const reader = new ChunkedReader(1_000)
    let left = 0
    for (const [place, piece] of pieces.entries()) {
      const outcome: ReadBody = reader.next(piece, 0)
      if (outcome.kind === 'invalid') return String(outcome.status)
      if (outcome.kind === 'incomplete') continue
      left = piece.length - outcome.end
      for (const later of pieces.slice(place + 1)) left += later.length
      return `${JSON.stringify(Buffer.from(outcome.body).toString('latin1'))} and ${left} bytes behind it`
    }
    return 'incomplete'
  }
  const whole = (text: Bytes) => [Buffer.from(typeof text === 'string' ? text : toBytes(text))]
  const inLatin1 = (text: string) => [Buffer.from(text, 'latin1')]
  const bytewise = (text: string) => Array.from(text, (byte) => Buffer.from(byte, 'latin1'))
  const NEXT = 'GET / HTTP/1.1\r\n'

  story.tell('test', `reads ${CHUNKED.length + WRONG_CHUNKED.length} bodies, whole and in pieces`)
  for (const [text, body] of CHUNKED) {
    const expected = `${JSON.stringify(body)} and ${NEXT.length} bytes behind it`
    expectSame(`the body of ${shown(text)}`, read(whole(text + NEXT)), expected, {
      because: 'That is what its chunks hold. Behind it the next request begins.',
      likely:
        'Behind a size of 0 come the trailers, and then an empty line. Extensions and trailers are dropped.',
    })
    for (let at = 1; at < text.length; at++) {
      const pieces = [Buffer.from(text.slice(0, at)), Buffer.from(text.slice(at) + NEXT)]
      expectSame(`the body of ${shown(text)}, cut after ${at} bytes`, read(pieces), expected, SAME)
    }
    expectSame(
      `the body of ${shown(text)}, byte by byte`,
      read(bytewise(text + NEXT)),
      expected,
      SAME,
    )
    expectSame(
      `the body of ${shown(text)} without its last byte`,
      read(whole(text.slice(0, -1))),
      'incomplete',
      {
        because: 'The end has not come.',
        look: '#scanTrailer()',
      },
    )
  }
  for (const { text, status, because } of WRONG_CHUNKED) {
    const look = status === 400 && text.startsWith('0\r\n') ? '#scanTrailer()' : '#scanSize()'
    for (const pieces of [
      inLatin1(text),
      bytewise(text),
      cutAtRandom(random, inLatin1(text)[0], 7),
    ])
      expectSame(
        `the outcome of ${shown(text)}, in ${inPieces(pieces)}`,
        read(pieces),
        String(status),
        { because, likely: STRANGE, look },
      )
  }
  const edge = 'x'.repeat(1_000)
  story.tell('test', 'tries how much may come')
  expectSame(
    'the outcome of a body of 1,000 bytes',
    read(whole(`3e8\r\n${edge}\r\n0\r\n\r\n`)),
    `${JSON.stringify(edge)} and 0 bytes behind it`,
    {
      because: '1,000 bytes are not more than 1,000.',
      look: '#scanSize()',
    },
  )

  story.tell('test', 'sends 400 KB of a chunk of 500 KB, and then its data byte by byte')
  const large = new ChunkedReader(500_000)
  large.next(Buffer.from(`${(500_000).toString(16)}\r\n`), 0)
  large.next(Buffer.alloc(400_000, 'x'), 0)
  const byte = Buffer.from('x')
  const us = leastUs(100, () => large.next(byte, 0))
  expect('a byte to cost the same, however much came before', us < 15, {
    because: 'The data of a chunk may come in as many pieces as it has bytes.',
    likely:
      'Data are taken as they come. What is left until the chunk is complete is kept as a line would be, and copied for each piece.',
    look: '#takeData()',
    expected: 'less than 15 µs',
    received: `${us.toFixed(1)} µs`,
  })

  const extension = `;${'e'.repeat(127)}`
  const most = MAX_EXTENSION_BYTES / extension.length
  const sendChunks = (count: number) => read(whole(`1${extension}\r\nx\r\n`.repeat(count)))
  expectSame(
    `the outcome of ${most} chunks of a byte with an extension`,
    sendChunks(most),
    'incomplete',
    {
      because: `${most} extensions of ${extension.length} bytes are MAX_EXTENSION_BYTES, and not more.`,
      look: '#scanSize()',
    },
  )
  expectSame(`the outcome of ${most + 1} such chunks`, sendChunks(most + 1), '400', {
    because:
      'Each line is short enough, but all together they are most of what comes: a thousand bytes of body could bring 128 KB.',
    likely: 'Count the bytes behind the digits, over all chunks.',
    look: '#scanSize()',
  })
  const longest = `5;${'a'.repeat(MAX_SIZE_LINE_BYTES - 2)}\r\nhello\r\n0\r\n\r\n`
  expectSame(
    'the outcome of the longest line',
    read(whole(longest)),
    '"hello" and 0 bytes behind it',
    {
      because: `A line of ${MAX_SIZE_LINE_BYTES} bytes is not too long.`,
      look: '#scanSize()',
    },
  )
  const long = 'x'.repeat(MAX_TRAILER_BYTES)
  expectSame(
    'the outcome with much behind it',
    read(whole(`0\r\nT: x\r\n\r\n${long}`)),
    `"" and ${long.length} bytes behind it`,
    {
      because: 'What stands behind the body is not a part of its trailers.',
      likely: 'Only a line without an end, where no more may come, is too long.',
      look: '#scanTrailer()',
    },
  )
  const trailersOf = (bytes: number) =>
    `0\r\n${'T: x\r\n'.repeat(9)}T: ${'x'.repeat(bytes - 61)}\r\n\r\n`
  for (const [bytes, outcome] of [
    [MAX_TRAILER_BYTES, '"" and 0 bytes behind it'],
    [MAX_TRAILER_BYTES + 1, '431'],
  ] as const) {
    for (const pieces of [
      whole(trailersOf(bytes)),
      cutAtRandom(random, whole(trailersOf(bytes))[0], 500),
    ])
      expectSame(
        `the outcome of trailers of ${bytes} bytes, in ${inPieces(pieces)}`,
        read(pieces),
        outcome,
        {
          because: `Trailers have ${MAX_TRAILER_BYTES} bytes at most, their empty line included.`,
          likely: 'Count the bytes of each line, and look at no more than may still come.',
          look: '#scanTrailer()',
        },
      )
  }
  expectSame(
    'the outcome of trailers without an end',
    read(whole(`0\r\nT: ${'x'.repeat(9_000)}`)),
    '431',
    {
      because: 'Its end would change nothing any more, and meanwhile it would fill our memory.',
      look: '#scanTrailer()',
    },
  )
})

const SAME: Reason = {
  because: 'TCP cuts where it likes. The same bytes are the same body.',
  likely:
    'Take what has come of the data. A line of which the end is missing is offered again, with more behind it.',
}

step('17.4', 'answers go out in order, on a connection that goes on or ends', async (stage) => {
  const { load, expectSame, story } = stage
  const quiet = quietly(stage)
  const { keepsOpen } = await load(() => import('#code/17-http/http-connection.ts'))
  const { HeaderFields } = await load(() => import('#code/17-http/http-message.ts'))
  const head = { kind: 'head', method: 'GET', target: '/', path: '/', query: '', end: 0 } as const
  for (const { version, connection, stays } of CONNECTIONS) {
    const headers = HeaderFields.from({ connection })
    const what = connection.map((line) => `Connection: ${line}`).join(', ') || 'no Connection field'
    quiet.expectSame(
      `keepsOpen() of HTTP/${version} with ${what}`,
      keepsOpen({ ...head, version, headers }),
      stays,
      {
        because:
          'HTTP/1.1 goes on unless one says close, HTTP/1.0 ends unless one says keep-alive; close wins (RFC 9112 §9.3).',
        likely: 'The field is a list of words, in any case of letters.',
        look: 'keepsOpen()',
      },
    )
  }

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
    {
      because:
        'Three requests came in one chunk. That is pipelining: each has its answer, in order.',
      likely: '#handle() asks the handler and gives its answer to #answer().',
      look: ['#handle()', '#answer()'],
    },
  )
  expectSame('the requests that were heard', world.stats().messages, 3, {
    because: 'A whole request is a sign of life, and counts against the rate of its peer.',
    likely: 'connection.heard(), once for each.',
    look: '#handle()',
  })

  await ada.send(
    request('GET /late/1') + request('GET /b') + request('GET /late/2') + request('HEAD /d'),
  )
  ada.expectAnswers([], {
    because: 'The first of the four has no answer yet, and nothing overtakes it.',
    look: '#handle()',
  })
  expectSame('what the handler was asked', site.asked.slice(3), ['GET /late/1'], {
    because:
      'One request at a time: whatever came behind it waits in the connection, and so does the peer.',
    likely: '#holdUntil() the answer is sent.',
    look: '#handle()',
  })
  await world.act(() => site.late[0].resolve({ status: 200, body: 'at last' }))
  ada.expectAnswers(
    [
      { status: 200, body: 'at last' },
      { status: 200, body: 'GET /b' },
    ],
    {
      because: 'The answer has come, and the next request could be answered at once.',
      likely: 'The late answer is sent as any other.',
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
        'An answer to HEAD is that to GET without its body; Content-Length says what the body would have (RFC 9110 §9.3.2).',
      likely: 'Tell the sender that it is a HEAD.',
      look: '#answer()',
    },
    ['GET', 'HEAD'],
  )

  await ada.send(request('head /a'))
  ada.expectAnswers([{ status: 200, body: 'head /a' }], {
    because: 'Methods are case-sensitive: "head" is not HEAD, and the handler has answered it.',
    look: '#answer()',
  })

  await ada.send(request('GET /body') + request('GET /e'))
  const [body] = site.sources
  await world.act(() => body.give('abc'))
  ada.expectText(
    /^HTTP\/1\.1 200 .*Content-Length: 9\r\n.*\r\nabc$/is,
    'a head with Content-Length: 9, and "abc"',
    {
      because:
        'The head of the answer, and the first piece of its body. The next answer has to wait for the rest.',
      likely: '#answer() returns what the sender does: a promise, until everything is sent.',
      look: '#answer()',
    },
  )
  await world.act(() => body.give('defghi'))
  ada.expectText(
    /^defghiHTTP\/1\.1 200 .*\r\n\r\nGET \/e$/s,
    '"defghi", and then the next answer',
    {
      because: 'A body that takes its time is part of its answer: the next one comes behind it.',
      likely:
        '#answer() returns what the sender does: a promise, until everything is sent. #holdUntil() it is.',
      look: ['#answer()', '#handle()'],
    },
  )
  expectSame('how often the body was closed', body.closed, 1, {
    because: 'It was sent to its end.',
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
    because: 'Now it is complete.',
    look: '#handle()',
  })
  expectSame('the requests that were heard', world.stats().messages, 12, {
    because: 'Twelve have come, and each is heard once, however late its answer is.',
    look: '#handle()',
  })

  await expectLastAnswers(stage, world)
  await expectUpgrades(stage)
  for (const each of CORPUS) {
    const world = await openHttp(stage, { maxBodyBytes: 1_000 })
    const peer = await world.arrive(each.what)
    await peer.send(Buffer.from(each.bytes, 'latin1'))
    expectCase(quiet, each, peer.stream.takeWritten(), peer.stream.isEnded)
    expectSame(
      'whether a request was smuggled',
      world.site.asked.includes('GET /smuggled'),
      false,
      {
        because:
          'Behind a request that was refused, and behind the last one, nothing is taken for another.',
        look: '#answer()',
      },
    )
  }
  story.tell('test', `has tried ${CORPUS.length} connections`)
})

const CONNECTIONS: { version: '1.0' | '1.1'; connection: string[]; stays: boolean }[] = [
  { version: '1.1', connection: [], stays: true },
  { version: '1.1', connection: ['keep-alive'], stays: true },
  { version: '1.1', connection: ['close'], stays: false },
  { version: '1.1', connection: ['Close'], stays: false },
  { version: '1.1', connection: ['x ,\tCLOSE , y'], stays: false },
  { version: '1.1', connection: ['keep-alive, close'], stays: false },
  { version: '1.1', connection: ['keep-alive', 'close'], stays: false },
  { version: '1.1', connection: ['close', 'x'], stays: false },
  { version: '1.1', connection: ['x-close'], stays: true },
  { version: '1.1', connection: ['closed'], stays: true },
  { version: '1.1', connection: [''], stays: true },
  { version: '1.1', connection: ['Upgrade'], stays: true },
  { version: '1.0', connection: [], stays: false },
  { version: '1.0', connection: ['keep-alive'], stays: true },
  { version: '1.0', connection: ['Keep-Alive'], stays: true },
  { version: '1.0', connection: ['x, KEEP-ALIVE'], stays: true },
  { version: '1.0', connection: ['keep-alive', 'x'], stays: true },
  { version: '1.0', connection: ['keep-alive, close'], stays: false },
  { version: '1.0', connection: ['not-keep-alive'], stays: false },
  { version: '1.0', connection: ['x'], stays: false },
]

step('17.5', 'a slow request has a deadline, and a refusal can be read', async (stage) => {
  const { expectSame, random } = stage
  const { connect, serve } = stage
  const world = await openHttp(
    stage,
    { headMs: 10_000, bodyMs: 30_000, maxBodyBytes: 1_000 },
    { idleMs: 60_000 },
  )
  const TOO_LATE = { status: 408, headers: { connection: 'close' } }
  const noTimers = world.timers.size

  const ada = await world.arrive('ada')
  const idle = world.timers.size - noTimers
  const expectTimers = (waiting: number, reason: Reason) =>
    expectSame(
      'the timers, beside one for silence',
      world.timers.size - noTimers - idle,
      waiting,
      reason,
    )
  await ada.send('GET / HTTP/1.1\r\nHost: a\r\nX: ')
  for (let second = 1; second < 10; second++) {
    await world.advance(1_000)
    await ada.send('y')
  }
  expectTimers(1, {
    because: 'She has sent ten pieces of one head, and one head has one deadline.',
    likely:
      '#deadline is the timer: while there is one, none is armed, and #forgetDeadline() cancels it.',
    look: '#watchForEnd()',
  })
  ada.expectNothing({
    because: 'Her head has 10 seconds, from its first byte on. 9 are over.',
    likely: 'headMs for a head.',
    look: '#watchForEnd()',
  })
  await world.advance(999)
  ada.expectNothing({ because: 'One millisecond is left.', look: '#watchForEnd()' })
  await world.advance(1)
  ada.expectAnswers([TOO_LATE], {
    because:
      'A byte a second keeps a connection busy forever. That is slowloris: what counts is when the head began.',
    likely: 'One deadline for the whole head, which does not move when more bytes come.',
    look: '#watchForEnd()',
  })
  ada.expectEnd({
    because: 'Nothing more is wanted of her.',
    likely: '#refuse(TOO_SLOW)',
    look: '#watchForEnd()',
  })
  await ada.halfClose()
  expectSame(
    'how her connection ended',
    world.stats().endings,
    { idle: 1 },
    { because: 'It is counted.' },
  )

  const bob = await world.arrive('bob')
  await bob.send('POST /b HTTP/1.1\r\nHost: a\r\n')
  await world.advance(9_000)
  await bob.send('Content-Length: 4\r\n\r\na')
  for (const byte of 'bc') {
    await world.advance(9_000)
    await bob.send(byte)
  }
  await world.advance(11_000)
  bob.expectNothing({
    because: 'His head has come in time. From then on his body has 30 seconds, and 29 are over.',
    likely: 'bodyMs once the head has come (#begun).',
    look: '#watchForEnd()',
  })
  await bob.send('d')
  bob.expectAnswers([{ status: 200, body: 'POST /b abcd' }], {
    because: 'The last byte has come in time.',
    look: '#watchForEnd()',
  })
  expectTimers(0, {
    because: 'Nothing is waited for any more.',
    likely: '#forgetDeadline() needs to know the timer: #deadline.',
    look: '#watchForEnd()',
  })
  await bob.send(request('POST /b', ['Transfer-Encoding: chunked'], '1\r\na\r\n'))
  expectTimers(1, { because: 'A body has begun.', look: '#watchForEnd()' })
  for (let second = 5; second < 30; second += 5) {
    await world.advance(5_000)
    await bob.send('1\r\nx\r\n')
  }
  await world.advance(5_000)
  bob.expectAnswers([TOO_LATE], {
    because: 'A chunk every five seconds is slow, and 30 seconds are over.',
    likely: 'One deadline for the whole body.',
    look: '#watchForEnd()',
  })
  bob.expectEnd({ because: 'Nothing more is wanted of him.', look: '#watchForEnd()' })
  await bob.halfClose()

  const cyd = await world.arrive('cyd')
  const whole = request('GET /c')
  await cyd.send(whole.slice(0, 7))
  for (let count = 0; count < 8; count++) {
    await world.advance(3_000)
    await cyd.send(whole.slice(7) + whole.slice(0, 7))
  }
  cyd.expectAnswers(
    Array.from({ length: 8 }, () => ({ status: 200, body: 'GET /c' })),
    {
      because:
        'Each of her requests took 3 seconds. The beginning of the next one has a deadline of its own.',
      likely: 'The deadline of a request that has come must not hit the one behind it.',
      look: '#watchForEnd()',
    },
  )
  await cyd.reset()
  expectTimers(-idle, {
    because: 'She is gone, in the middle of a head. No timer is left of her.',
    likely: '#deadline is the timer that onClose() forgets.',
    look: '#watchForEnd()',
  })

  await expectLeave(stage, world)
  await expectStops(stage)

  for (const each of CORPUS) {
    const world = await openHttp(stage, { maxBodyBytes: 1_000 })
    const peer = await world.arrive(each.what)
    const bytes = Buffer.from(each.bytes, 'latin1')
    for (const piece of cutAtRandom(random, bytes, Math.max(20, bytes.length / 20)))
      peer.stream.arrive(piece)
    await world.settle()
    expectCase(quietly(stage), each, peer.stream.takeWritten(), peer.stream.isEnded)
  }
  stage.story.tell('test', `has tried ${CORPUS.length} connections, each cut at random`)

  const server = await serve(CHAPTER, { headMs: 200, idleMs: 60_000 })
  const slow = await connect(server, 'slow')
  await slow.send('GET / HT')
  await slow.expectMessage(answerLike(408), {
    because: 'Real time passes as well.',
    look: '#watchForEnd()',
  })
  await slow.expectEnd({ because: 'It was too slow.' })
  const big = await connect(server, 'big')
  await big.send(`${request('POST /', ['Content-Length: 3000000'])}${'x'.repeat(3_000_000)}`)
  await big.expectMessage(answerLike(413), {
    because:
      'It has sent 3 MB that nobody wants, and hears why: to close over bytes that were not read would be a reset, and the answer would be lost.',
  })
  await big.expectEnd({ because: 'Behind the answer comes FIN.' })
  await big.halfClose()
  await slow.halfClose()
  server.beginClose()
  await server.expectClosed({ because: 'Nobody is left.' })
  await server.expectNothingLeft({ because: 'Whatever is left keeps the process alive.' })
})

const CHAPTER = '17-http'

step('17.6', 'a path leads to a file of the site, and to nothing else', async (stage) => {
  const { load, story } = stage
  const quiet = quietly(stage)
  const { namesIn } = await load(() => import('#code/17-http/site-path.ts'))
  story.tell('test', `tries ${PATHS.length + SPELLINGS.length} paths`)
  for (const [path, names] of PATHS) {
    quiet.expectSame(`namesIn(${JSON.stringify(path)})`, namesIn(path), names, {
      because:
        'Those are the names on the way to a file; a path that ends with a slash means index.html.',
      likely: 'Cut the path at its slashes, and decode each piece once.',
      look: 'namesIn()',
    })
  }
  for (const path of SPELLINGS) {
    quiet.expectSame(`namesIn(${JSON.stringify(path)})`, namesIn(path), undefined, {
      because:
        'It would lead out of the site, or to a hidden file, or somewhere that depends on who decodes it.',
      likely:
        'Look at the names as they are when they are decoded. decodeURIComponent() throws what is not UTF-8.',
      look: 'namesIn()',
    })
  }
  const site = makeSite()
  try {
    await expectOpened(stage, site)
    await expectSite(stage, site)
  } finally {
    site.remove()
  }
})
