/** Bodies in chunks of chapter 17: whole, cut anywhere, and at each of their limits. */

import type { ReadBody } from '#code/17-http/body-reader.ts'
import { type Bytes, toBytes } from '../../harness/bytes.ts'
import type { Reason } from '../../harness/failure.ts'
import { cutAtRandom } from '../../harness/random.ts'
import type { Stage } from '../../judge/step.ts'
import { quietly } from '../for-all.ts'
import { AFTER_DATA, CHUNKED, WRONG_CHUNKED, type WrongBody } from './http-bodies.ts'
import { inPieces, shown } from './http-tables.ts'

export async function openChunks(stage: Stage) {
  const { load } = stage
  const limits = await load(() => import('#code/17-http/chunked-reader.ts'))
  const read = (pieces: readonly Uint8Array[]) => {
    const reader = new limits.ChunkedReader(1_000)
    let left = 0
    for (const [place, piece] of pieces.entries()) {
      const outcome: ReadBody = reader.next(piece, 0)
      if (outcome.kind === 'invalid') return String(outcome.status)
      if (outcome.kind === 'incomplete') continue
      left = piece.length - outcome.end
      for (const later of pieces.slice(place + 1)) left += later.length
      return `${JSON.stringify(Buffer.from(outcome.body).toString('latin1'))} and ${left} bytes after it`
    }
    return 'incomplete'
  }
  return { ...limits, read }
}

type Chunks = Awaited<ReturnType<typeof openChunks>>

/** Bodies that are right, and what stands behind them; bodies that are not. */
export function expectChunked(stage: Stage, { read }: Chunks): void {
  const { random, story } = stage
  const { expectSame } = quietly(stage)
  story.tell('test', `reads ${CHUNKED.length + WRONG_CHUNKED.length} bodies, whole and in pieces`)
  for (const [text, body, likely = NO_TRAILERS] of CHUNKED) {
    const expected = `${JSON.stringify(body)} and ${NEXT.length} bytes after it`
    expectSame(`the body of ${shown(text)}`, read(whole(text + NEXT)), expected, {
      because: 'That is what its chunks hold. After it, the next request begins.',
      likely,
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
        because: 'The end has not arrived.',
        look: '#scanTrailer()',
      },
    )
  }
  for (const wrong of WRONG_CHUNKED) {
    const { text, status, because } = wrong
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
        { because, likely: pieces.length === 1 ? likelyOf(wrong) : COUNTED_ONCE, look },
      )
  }
}

/** What has probably gone wrong when this is not refused as it should be. */
function likelyOf({ text, status, because }: WrongBody): string {
  if (/^F{16}/.test(text)) return 'Keep the whole number: `|` and `>>` cut it to 32 bits.'
  if (status === 413) return 'Compare #come.length plus this size with maxBytes.'
  if (/^\d{17}/.test(text)) return 'Count the digits, zeros included: MAX_SIZE_DIGITS at most.'
  if (text.length > 250)
    return 'Measure the line from its first digit, before you look for its end.'
  if (text.startsWith('0\r\n')) return 'Return what scanField() and scanLineEnd() return.'
  if (because === AFTER_DATA)
    return 'Take #missing bytes of data, and no more: CR LF is checked after the last of them.'
  return 'There is at least one digit. Between the digits and CR LF stands only what EXTENSIONS matches.'
}

/** A body that is as long as it may be. */
export function expectLongest(stage: Stage, { read }: Chunks): void {
  const { story } = stage
  const { expectSame } = quietly(stage)
  const edge = 'x'.repeat(1_000)
  story.tell('test', 'tries the longest body that is allowed')
  expectSame(
    'the outcome of a body of 1,000 bytes',
    read(whole(`3e8\r\n${edge}\r\n0\r\n\r\n`)).replace(edge, '1,000 times x'),
    '"1,000 times x" and 0 bytes after it',
    {
      because: 'The limit is 1,000 bytes, and a body of exactly 1,000 bytes is within it.',
      likely: 'Refuse only what exceeds maxBytes: a body of exactly maxBytes is allowed.',
      look: '#scanSize()',
    },
  )
}

/** On both sides of each limit of a line with a size. */
export function expectSizeLines(stage: Stage, chunks: Chunks): void {
  const { MAX_EXTENSION_BYTES, MAX_SIZE_LINE_BYTES, read } = chunks
  const { expectSame } = quietly(stage)
  const extension = `;${'e'.repeat(127)}`
  const most = MAX_EXTENSION_BYTES / extension.length
  const chunk = `1${extension}\r\nx\r\n`
  for (const cut of [whole, bytewise]) {
    for (const [count, outcome] of [
      [most, 'incomplete'],
      [most + 1, '400'],
    ] as const) {
      const pieces = cut(chunk.repeat(count))
      const fits = {
        because: `${most} extensions of ${extension.length} bytes are exactly MAX_EXTENSION_BYTES, which is allowed.`,
        likely:
          cut === whole
            ? 'Refuse only more than MAX_EXTENSION_BYTES, and do not count the digits.'
            : COUNTED_ONCE,
      }
      const isTooMuch = {
        because:
          'Each line is short enough, but together they are most of what arrives: a body of 1,000 bytes could bring 128 KB of extensions.',
        likely: 'Count the bytes after the digits, over all chunks.',
      }
      expectSame(
        `the outcome of ${count} chunks of one byte with an extension, in ${inPieces(pieces)}`,
        read(pieces),
        outcome,
        { ...(count === most ? fits : isTooMuch), look: '#scanSize()' },
      )
    }
  }
  const oneMore = chunk.repeat(most - 1) + chunk.replace(';', ';e')
  expectSame(
    `the outcome of ${most} chunks, one of them with one byte of extension more`,
    read(whole(oneMore)),
    '400',
    {
      because: `Together the extensions have ${MAX_EXTENSION_BYTES + 1} bytes, one more than the limit.`,
      likely: 'Count everything from the last digit to the CR, with each semicolon.',
      look: '#scanSize()',
    },
  )
  const longest = `5;${'a'.repeat(MAX_SIZE_LINE_BYTES - 2)}\r\nhello\r\n0\r\n\r\n`
  expectSame(
    'the outcome of the longest line that is allowed',
    read(whole(longest)),
    '"hello" and 0 bytes after it',
    {
      because: `A line of ${MAX_SIZE_LINE_BYTES} bytes is not too long.`,
      look: '#scanSize()',
    },
  )
}

export function expectTrailers(stage: Stage, { MAX_TRAILER_BYTES, read }: Chunks): void {
  const { random } = stage
  const { expectSame } = quietly(stage)
  const long = 'x'.repeat(MAX_TRAILER_BYTES)
  expectSame(
    'the outcome of a body with many bytes after it',
    read(whole(`0\r\nT: x\r\n\r\n${long}`)),
    `"" and ${long.length} bytes after it`,
    {
      because: 'What follows the body is not part of its trailers.',
      likely:
        'A line is too long only if it has no end within the bytes that the limit still allows.',
      look: '#scanTrailer()',
    },
  )
  const trailersOf = (bytes: number) =>
    `0\r\n${'T: x\r\n'.repeat(9)}T: ${'x'.repeat(bytes - 61)}\r\n\r\n`
  for (const [bytes, outcome] of [
    [MAX_TRAILER_BYTES, '"" and 0 bytes after it'],
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
          likely:
            pieces.length === 1
              ? 'Count the bytes of each line, and look no further than the limit still allows.'
              : COUNTED_ONCE,
          look: '#scanTrailer()',
        },
      )
  }
  expectSame(
    'the outcome of trailers without an end',
    read(whole(`0\r\nT: ${'x'.repeat(9_000)}`)),
    '431',
    {
      because:
        'They are too long already: their end would change nothing, and until then they would fill our memory.',
      look: '#scanTrailer()',
    },
  )
}

const NEXT = 'GET / HTTP/1.1\r\n'

const whole = (text: Bytes) => [Buffer.from(typeof text === 'string' ? text : toBytes(text))]
const inLatin1 = (text: string) => [Buffer.from(text, 'latin1')]
const bytewise = (text: string) => Array.from(text, (byte) => Buffer.from(byte, 'latin1'))

const COUNTED_ONCE =
  'In one piece the outcome is right. A line without its end is offered again: count it once, when it has ended.'

const NO_TRAILERS =
  'After a size of 0 come the trailers, and then an empty line. After the data of every other chunk come CR LF and the next size.'

const SAME: Reason = {
  because: 'TCP may cut the bytes anywhere. The same bytes are the same body.',
  likely:
    'Take the data that has arrived. A line without its end is offered again, with more bytes after it.',
}
