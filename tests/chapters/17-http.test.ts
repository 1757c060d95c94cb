import { constants } from 'node:fs'
import { open as openFile, realpath } from 'node:fs/promises'
import { setImmediate as turn } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { ReadBody } from '#code/17-http/body-reader.ts'
import type { Scan } from '#code/17-http/head-scan.ts'
import type { Files } from '#code/17-http/site-file.ts'
import { type Bytes, quote, toBytes } from '../harness/bytes.ts'
import type { Reason } from '../harness/failure.ts'
import { PATIENCE_MS, within } from '../harness/patience.ts'
import { cutAtRandom } from '../harness/random.ts'
import { type Stage, step } from '../judge/step.ts'
import { readAnswers, request } from '../protocols/http.ts'
import { CHUNKED, LENGTHS, WRONG_CHUNKED } from '../worlds/http-bodies.ts'
import { openHttp } from '../worlds/http-connections.ts'
import { type Case, CORPUS } from '../worlds/http-corpus.ts'
import {
  makeSite,
  NOT_TWICE,
  PATHS,
  SECRET,
  type SiteFolder,
  SPELLINGS,
} from '../worlds/http-files.ts'
import {
  FIELDS,
  HEADS,
  REQUEST_LINES,
  WRONG_FIELDS,
  WRONG_HEADS,
  WRONG_LINES,
} from '../worlds/http-heads.ts'

const STRANGE = 'What we let pass, the proxy before us may have read in another way.'

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

/** Heads through `HeadParser`: whole, cut in two anywhere, byte by byte, glued; and too large. */
async function expectHeads(stage: Stage): Promise<void> {
  const { load, expect, random, story } = stage
  const { expectSame } = quietly(stage)
  const { HeadParser, MAX_FIELDS, MAX_HEAD_BYTES } = await load(
    () => import('#code/17-http/head-parser.ts'),
  )
  const look = 'head-parser.next()'
  /** What a new parser makes of these pieces: the heads, or the status; and how many bytes behind the last one it left. */
  const parse = (pieces: readonly Uint8Array[]) => {
    const parser = new HeadParser()
    const heads: string[] = []
    let left = 0
    for (const piece of pieces) {
      let at = 0
      left = 0
      while (at < piece.length) {
        const parsed = parser.next(piece, at)
        if (parsed.kind === 'invalid') return { heads, outcome: `refused, ${parsed.status}` }
        if (parsed.kind === 'incomplete') break
        const { method, path, query, version, headers } = parsed
        const fields = ['host', 'x-twice', 'content-length', 'empty'].map((name) =>
          headers.get(name),
        )
        heads.push(JSON.stringify([method, path, query, version, headers.size, fields]))
        at = parsed.end
        left = piece.length - at
      }
    }
    return { heads, left, outcome: 'not refused' }
  }
  const cutIn = (text: string, at: number) =>
    [text.slice(0, at), text.slice(at)].map((each) => Buffer.from(each, 'latin1'))
  const bytewise = (text: string) => Array.from(text, (byte) => Buffer.from(byte, 'latin1'))
  const inSixties = (text: string) => cutEvery(Buffer.from(text, 'latin1'), 60)
  const same: Reason = {
    because: 'TCP cuts where it likes. The same bytes are the same head.',
    likely:
      'What is kept comes before the chunk; `end` is a place in the chunk, so what was kept before counts for nothing.',
    look,
  }

  story.tell('test', `parses ${HEADS.length + WRONG_HEADS.length} heads, whole and in pieces`)
  for (const head of HEADS) {
    const whole = parse([Buffer.from(head, 'latin1')])
    expectSame(`the number of heads in ${shown(head)}`, whole.heads.length, 1, {
      because: 'It is one whole head.',
      look,
    })
    expectSame('the bytes behind it', whole.left, 0, { because: 'Nothing stands behind it.', look })
    for (let at = 1; at < head.length; at++)
      expectSame(
        `the head ${shown(head)}, cut after ${at} bytes`,
        parse(cutIn(head, at)),
        whole,
        same,
      )
    expectSame(`the head ${shown(head)}, byte by byte`, parse(bytewise(head)), whole, same)
  }
  const glued = HEADS.slice(0, 3).join('') + HEADS[3]
  const all = {
    heads: HEADS.flatMap((head) => parse([Buffer.from(head, 'latin1')]).heads),
    left: 0,
    outcome: 'not refused',
  }
  story.tell('test', 'glues all four together')
  expectSame('the heads', parse([Buffer.from(glued, 'latin1')]), all, {
    because: 'Heads may follow each other in one chunk: that is pipelining.',
    likely: 'Parse from `from` on, and return where the head ends.',
    look,
  })
  for (let count = 0; count < 60; count++) {
    const pieces = cutAtRandom(random, Buffer.from(glued, 'latin1'), 40)
    expectSame(`the heads, in ${pieces.length} pieces`, parse(pieces), all, same)
  }
  for (const { text, status, because } of WRONG_HEADS) {
    for (const pieces of [[Buffer.from(text, 'latin1')], bytewise(text), cutIn(text, 9)]) {
      const { outcome } = parse(pieces)
      expectSame(
        `what becomes of ${shown(text)}, in ${inPieces(pieces)}`,
        outcome,
        `refused, ${status}`,
        {
          because,
          likely: STRANGE,
          look: ['scanRequestLine()', 'scanField()', look],
        },
      )
    }
  }

  const headOf = (size: number) =>
    `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(size - 32)}\r\n\r\n`
  const fieldsOf = (count: number) =>
    `GET / HTTP/1.1\r\nHost: a\r\n${'X: x\r\n'.repeat(count - 1)}\r\n`
  const limits: [string, string, number | undefined][] = [
    [`${MAX_HEAD_BYTES} bytes`, headOf(MAX_HEAD_BYTES), undefined],
    [`${MAX_HEAD_BYTES + 1} bytes`, headOf(MAX_HEAD_BYTES + 1), 431],
    [`${MAX_HEAD_BYTES + 9} bytes, and no end`, headOf(MAX_HEAD_BYTES + 9).slice(0, -2), 431],
    [`${MAX_FIELDS} fields`, fieldsOf(MAX_FIELDS), undefined],
    [`${MAX_FIELDS + 1} fields`, fieldsOf(MAX_FIELDS + 1), 431],
  ]
  for (const [what, text, status] of limits) {
    for (const pieces of [cutIn(text, 0).slice(1), cutIn(text, 700), inSixties(text)]) {
      expectSame(
        `what becomes of a head of ${what}, in ${inPieces(pieces)}`,
        parse(pieces).outcome,
        status === undefined ? 'not refused' : `refused, ${status}`,
        {
          because:
            'A head has a limit, or a peer could fill our memory with one. It is the same however the head is cut.',
          likely:
            'parseHead() looks at the size. A head that is too large has to get there, also without the end of a line.',
          look,
        },
      )
    }
  }

  story.tell('test', 'sends a field of 15,000 bytes, the last 3,000 of them byte by byte')
  const slow = Buffer.from(headOf(15_000))
  let micros = Number.POSITIVE_INFINITY
  for (let round = 0; round < 3; round++) {
    const parser = new HeadParser()
    parser.next(slow.subarray(0, 11_900), 0)
    let usedMs = 0
    for (let at = 11_900; at < 14_900; at += 100) {
      // The runner must not be taken for one that is stuck.
      await turn()
      const startedAt = cpuMs()
      for (let byte = at; byte < at + 100; byte++) parser.next(slow.subarray(byte, byte + 1), 0)
      usedMs += cpuMs() - startedAt
    }
    micros = Math.min(micros, usedMs / 3)
  }
  expect('one of the last bytes to cost no more than a few microseconds', micros < 12, {
    because:
      'A byte costs its sender nothing. If we look at all of the head again for each, it costs us more and more.',
    likely: 'Scan again only when the piece has the end of a line, or the head is too large.',
    received: `${micros.toFixed(1)} µs`,
    look,
  })
}

function cutEvery(bytes: Uint8Array, size: number): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size))
  return pieces
}

function inPieces(pieces: readonly Uint8Array[]): string {
  return pieces.length === 1 ? 'one piece' : `${pieces.length} pieces`
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

/** What holds is not told: of a long table a card shows the line that does not. */
function quietly(stage: Stage): Pick<Stage, 'expect' | 'expectSame' | 'story'> {
  return {
    story: stage.story,
    expect(what, holds, reason) {
      if (!holds) stage.expect(what, holds, reason)
    },
    expectSame(what, received, expected, reason) {
      if (!isDeepStrictEqual(received, expected)) stage.expectSame(what, received, expected, reason)
    },
  }
}

function shown(text: string): string {
  return quote(Buffer.from(text, 'latin1'), 48)
}

step('17.2', 'a body has one length, and whatever could be two is refused', async (stage) => {
  const { load, story } = stage
  const { expectSame } = quietly(stage)
  story.tell('test', `asks for the length of ${LENGTHS.length} bodies`)
  const { bodyLength } = await load(() => import('#code/17-http/body-length.ts'))
  const { HeaderFields } = await load(() => import('#code/17-http/http-message.ts'))
  for (const { fields, version = '1.1', told, because } of LENGTHS) {
    const headers = new HeaderFields()
    for (const [name, value] of fields) headers.add(name, value)
    const length = bodyLength(headers, version, 1_000)
    const lines = fields.map(([name, value]) => `${name}: ${value.slice(0, 40)}`).join(', ')
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
})

const LIKELY_LENGTH: Record<string, string> = {
  400: 'Number() and parseInt() let a lot pass: test the text first. get() joins several lines with a comma.',
  413: 'Digits are right, however many. Then compare with maxBytes.',
  501: 'Split the list at its commas, and compare whole codings.',
  chunked: 'toLowerCase() before you compare.',
}

step('17.3', 'a body in chunks has bounds everywhere, and ends where it ends', async (stage) => {
  const { load, random, story } = stage
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
  { version: '1.1', connection: ['x-close'], stays: true },
  { version: '1.1', connection: ['closed'], stays: true },
  { version: '1.1', connection: [''], stays: true },
  { version: '1.1', connection: ['Upgrade'], stays: true },
  { version: '1.0', connection: [], stays: false },
  { version: '1.0', connection: ['keep-alive'], stays: true },
  { version: '1.0', connection: ['Keep-Alive'], stays: true },
  { version: '1.0', connection: ['x, KEEP-ALIVE'], stays: true },
  { version: '1.0', connection: ['keep-alive, close'], stays: false },
  { version: '1.0', connection: ['not-keep-alive'], stays: false },
  { version: '1.0', connection: ['x'], stays: false },
]

type World = Awaited<ReturnType<typeof openHttp>>

/** One case of the corpus: its statuses, and whether the connection ends. */
function expectCase(
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
async function expectLastAnswers({ expectSame }: Stage, world: World): Promise<void> {
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
async function expectUpgrades(stage: Stage): Promise<void> {
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

/** `Expect`, and what is said before a body comes. */
async function expectLeave({ expectSame }: Stage, world: World): Promise<void> {
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
  expectSame('what the handler was asked', site.asked.slice(asked), ['POST /e hello'], {
    because: 'Nothing that was refused gets there.',
    look,
  })
}

/** The end of silence, and of the server. */
async function expectStops(stage: Stage): Promise<void> {
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
  await lea.send(request('POST /l', ['Content-Length: 2'], 'a'))
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
function answerLike(status: number) {
  return {
    what: `an answer with status ${status}`,
    endOf: (bytes: Uint8Array) => {
      const { answers, rest } = readAnswers(bytes)
      return answers.length > 0 ? bytes.length - rest.length : 0
    },
    fits: (bytes: Uint8Array) => readAnswers(bytes).answers[0]?.status === status,
  }
}

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

/** Files of a site, opened directly: what is found, and what stays open. */
async function expectOpened(stage: Stage, { root, hasFifo }: SiteFolder): Promise<void> {
  const { load, expectSame, story } = stage
  const { openInside } = await load(() => import('#code/17-http/site-file.ts'))
  const look = 'openInside()'
  /** Files that were opened through us, and not closed. */
  let open = 0
  const files = {
    realpath,
    async open(path: string, flags: number) {
      const handle = await openFile(path, flags)
      open += 1
      const close = handle.close.bind(handle)
      handle.close = () => {
        open -= 1
        return close()
      }
      return handle
    },
  }
  /** The text of what was opened, or what else came of it. */
  const tryToOpen = async (names: string[], fs: Files = files): Promise<string> => {
    const opening = openInside(root, names, fs)
    const found = await within(PATIENCE_MS, opening)
    if (found === 'too late') return 'it has not come back'
    if (!found) return open === 0 ? 'nothing' : 'nothing, and a file is still open'
    const text = await found.handle.readFile('utf8')
    await found.handle.close()
    return `${found.size} bytes: ${text}`
  }
  story.tell('test', 'opens files of a site, and tries to open others')
  for (const [names, text] of [
    [['a.txt'], '22 bytes: a file of 22 bytes .. '],
    [['empty.txt'], '0 bytes: '],
    [['inside', 'deep', 'd.txt'], '4 bytes: deep'],
  ] as [string[], string][]) {
    expectSame(`what openInside() finds for ${names.join('/')}`, await tryToOpen(names), text, {
      because: 'That is a regular file of the site.',
      look,
    })
  }
  const refused: [string[], string][] = [
    [['nothing.txt'], 'There is no such file.'],
    [['nowhere', 'a.txt'], 'There is no such folder.'],
    [['a.txt', 'b'], 'a.txt is no folder.'],
    [['inside'], 'A folder is not a file.'],
    [['link.txt'], 'It is a link, and leads out of the site.'],
    [['link-inside.txt'], 'It is a link. Where it leads can change between two looks.'],
    [['out', 'secret.txt'], 'The folder is a link that leads out of the site.'],
    [
      ['next', 'secret.txt'],
      'The folder is a link to a neighbour of the site, whose name begins like the site’s.',
    ],
    [['out', 'site', 'a.txt', 'x'], 'There is nothing.'],
    [['x'.repeat(300)], 'No file has such a long name.'],
  ]
  for (const [names, because] of refused) {
    expectSame(
      `what openInside() finds for ${names.join('/').slice(0, 40)}`,
      await tryToOpen(names),
      'nothing',
      {
        because,
        likely:
          names.length > 1
            ? 'realpath() of the folder has to be the root, or to begin with it and a separator.'
            : 'The flags are FLAGS; what is opened is looked at: isFile().',
        look,
      },
    )
  }
  expectSame(
    'what openInside() finds for short/d.txt',
    await tryToOpen(['short', 'd.txt']),
    '4 bytes: deep',
    {
      because: 'That folder is a link, too, and leads to another folder of the site.',
      likely: 'realpath() both: what the folder really is decides.',
      look,
    },
  )
  if (hasFifo) {
    const fifo = tryToOpen(['fifo'])
    const outcome = await fifo
    // Whoever waits for a writer is let go, or this process would never end.
    const writer = await openFile(`${root}/fifo`, constants.O_RDWR | constants.O_NONBLOCK)
    await writer.close()
    expectSame('what openInside() finds for a FIFO', outcome, 'nothing', {
      because:
        'To open a FIFO is to wait for its writer, on one of the four threads that do all file work. Four such requests, and nobody gets a file any more.',
      likely: 'The flags are FLAGS. What is opened and no regular file is closed again.',
      look,
    })
  }
  for (const code of ['EMFILE', 'EIO']) {
    const failing = {
      ...files,
      open: () => Promise.reject(Object.assign(new Error(`${code}: a test`), { code })),
    }
    const outcome = await tryToOpen(['a.txt'], failing).catch((error) => error.code)
    expectSame(`what openInside() says when opening fails with ${code}`, outcome, code, {
      because:
        'That says nothing about the file: it may be there. Whoever is told 404 believes it.',
      likely: 'Only what is in NOT_THERE means that there is nothing.',
      look,
    })
  }
  const unseen = {
    ...files,
    async open(path: string, flags: number) {
      const handle = await files.open(path, flags)
      handle.stat = (): Promise<never> =>
        Promise.reject(Object.assign(new Error('EIO: a test'), { code: 'EIO' }))
      return handle
    },
  }
  await tryToOpen(['a.txt'], unseen).catch(() => {})
  expectSame('how many files are open when it could not look at one', open, 0, {
    because:
      'Of a file that is not returned, nothing stays open: each one left behind is a descriptor less.',
    likely: 'Close it, whatever has gone wrong: catch or finally.',
    look,
  })
}

/** The same files through a real server. */
async function expectSite(
  { serve, connect, expectSame }: Stage,
  { root }: SiteFolder,
): Promise<void> {
  const server = await serve(CHAPTER, { site: root })
  const ada = await connect(server, 'ada')
  const paths = [
    ...PATHS.slice(1, 7).map(([path]) => path),
    ...SPELLINGS,
    ...NOT_TWICE,
    '/link.txt',
    '/out/secret.txt',
    '/next/secret.txt',
    '/fifo',
    '/inside',
  ]
  // What is left has no byte, and no escape, that the head would be refused for.
  const usual = paths.filter((path) => /^\/[^\\]*$/.test(path) && !ODD_ESCAPE.test(path))
  ada.beQuiet(`asks for ${usual.length} paths, one after the other`)
  const found: string[] = []
  for (const path of usual) {
    await ada.send(request(`GET ${path}`))
    const bytes = await ada.expectMessage(ANY_ANSWER, { because: 'Every request has its answer.' })
    const [answer] = readAnswers(bytes).answers
    if (answer.status !== 404) found.push(`${path} ${answer.status}`)
    expectSame('whether the secret came out', answer.body.includes(SECRET), false, {
      because: `It was asked for as ${path}.`,
    })
  }
  expectSame(
    'what was found',
    found,
    [
      '/a.txt 200',
      '/inside/deep/d.txt 200',
      '/inside/ 200',
      '/b%20c.txt 200',
      '/%61.txt 200',
      '/100%25.txt 200',
    ],
    {
      because: 'Those are files of the site. Everything else is 404.',
      look: ['namesIn()', 'openInside()'],
    },
  )
  ada.leave()
  server.beginClose()
  await server.expectClosed({ because: 'Nobody is left.' })
  await server.expectNothingLeft({ because: 'Whatever is left keeps the process alive.' })
}

const ODD_ESCAPE = /%(?![0-9a-f]{2})|%[01c-f]|%7f/i

const ANY_ANSWER = { ...answerLike(0), what: 'an answer', fits: () => true }
