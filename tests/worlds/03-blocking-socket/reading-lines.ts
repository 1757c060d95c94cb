/** A thread that reads lines, while the test plays its bridge: how a line may be cut, and how it may end. */

import type { ReaderScript } from '../../chapters/threads/03-reader.ts'
import { withCommas } from '../../harness/numbers.ts'
import type { Stage } from '../../judge/step.ts'
import { bytes, end, lost, readByHand } from './reading-thread.ts'
import { COMES_BACK } from './sleeping-thread.ts'

interface Lines {
  texts: string[]
  /** How the stream ends; by FIN unless said otherwise. */
  ending?: ReturnType<typeof lost> | typeof end
  /** `maxBytes`. */
  limit?: number
  /** What each `readLine()` comes to. */
  lines: string[]
  because: string
  likely: string
}

const LINES: Lines[] = [
  {
    texts: ['whole\n'],
    lines: ['line whole', 'null'],
    because: 'After the last line end nothing is left: no line, not even an empty one.',
    likely: 'At the end of the stream there is a last line only if it has any bytes.',
  },
  {
    texts: ['  a\rb  \r\n', '\r\n', 'c\r\r\n', 'd\r'],
    lines: ['line   a\rb  ', 'line ', 'line c\r', 'line d'],
    because:
      'Only the line end is no part of the line. Spaces belong to it, and so does a \\r in the middle.',
    likely:
      'Take off one \\r at the end, even at the end of the stream, and nothing else, as toLine() does.',
  },
  {
    texts: ['whole\nhal'],
    ending: lost('ECONNRESET'),
    lines: ['line whole', 'throws ConnectionLost (ECONNRESET)'],
    because:
      'The peer was lost in the middle of a line. Half a line must not look like a whole one.',
    likely: 'Let what read() throws pass through.',
  },
  {
    texts: ['12345\n12', '345\r\n', '12345\r', '\n12345'],
    limit: 5,
    lines: [...Array(4).fill('line 12345'), 'null'],
    because:
      'The limit is for the line. Its end, \\n or \\r\\n, does not count, however it is cut.',
    likely:
      'A \\r at the end may belong to the line end: take it off before you count. It may have been the last byte of the previous chunk.',
  },
  {
    texts: ['one\n2', '\n3'],
    lines: ['line one', 'line 2', 'line 3', 'null'],
    because: 'One byte is enough for a line, with or without a line end after it.',
    likely: 'What follows a line end may be a single byte, and so may the last line.',
  },
  {
    texts: ['a\n\nb\n', '\n\nc\r\n\r\nd\n\n'],
    lines: ['a', '', 'b', '', '', 'c', '', 'd', ''].map((line) => `line ${line}`).concat('null'),
    because: 'An empty line is a line, also right behind another one in the same chunk.',
    likely: 'Each \\n ends one line. Keep all that follows it: the next byte may be a \\n as well.',
  },
  {
    texts: ['123456'],
    limit: 5,
    lines: ['throws LineTooLong'],
    because: 'readLine(5) asks for at most five bytes.',
    likely: 'The limit is the parameter, maxBytes. MAX_LINE_BYTES is only its default.',
  },
  {
    texts: ['1\n123456\n2\n'],
    limit: 5,
    lines: ['line 1', 'throws LineTooLong'],
    because:
      'A line that is too long must be refused even when all of it has arrived, its end included.',
    likely: 'Check the limit in both cases: with the line end in the chunk and without.',
  },
  {
    texts: ['123456\r\n'],
    limit: 5,
    lines: ['throws LineTooLong'],
    because: 'Six bytes are too many for a limit of five. Only the line end does not count.',
    likely: 'Only one \\r may be taken off the count: the \\n was never in it.',
  },
  {
    texts: ['12\r', '3\r', '4\n'],
    limit: 5,
    lines: ['throws LineTooLong'],
    because:
      'Six bytes are too many for a limit of five. A \\r in the middle of a line is one of them, even where a chunk ends with it.',
    likely:
      'Count whole pieces. While a \\r is the last byte so far, it may belong to the line end: take it off for that comparison only, not from the sum.',
  },
  {
    texts: ['12345\r\r\n'],
    limit: 5,
    lines: ['throws LineTooLong'],
    because: 'The end of this line is \\r\\n. The \\r before that is its sixth byte.',
    likely:
      'Take one \\r off the count, not every \\r at the end: a peer that sends nothing else would never be stopped.',
  },
  {
    texts: ['12345\r'],
    limit: 5,
    lines: ['line 12345', 'null'],
    because:
      'A \\r that comes last is no part of the line, so it does not count, not even at the end of the stream.',
    likely:
      'Each piece was checked when it arrived. The end of the stream adds none, so there is nothing to compare again.',
  },
  {
    texts: ['🌍🌍\n'],
    limit: 5,
    lines: ['throws LineTooLong'],
    because: 'The limit counts bytes: memory is made of bytes, and 🌍 is four of them.',
    likely: 'Count the length of the pieces, not the characters of the text.',
  },
  {
    texts: ['\n', '\r\n', 'a\n'],
    limit: 0,
    lines: ['line ', 'line ', 'throws LineTooLong'],
    because: 'readLine(0) asks for empty lines only.',
    likely: '0 is a limit like any other, but `maxBytes ||` or an `if` takes it for a missing one.',
  },
]

/** However the bytes of lines are cut, and however the stream ends. */
export async function expectLines(stage: Stage): Promise<void> {
  const { expect, expectSame, story } = stage

  for (const { texts, ending = end, limit, lines, because, likely } of LINES) {
    story.tell('bridge', `delivers ${texts.map((text) => JSON.stringify(text)).join(', ')}`)
    story.tell('bridge', `delivers ${ending.kind === 'end' ? 'the end' : 'the loss of the peer'}`)
    const waiting = [...texts.map(bytes), ending]
    const acts = lines.map(() => 'line' as const)
    const script = { waiting, late: [], acts, maxBytes: limit }
    const { results, taken } = await readByHand(stage, script, COMES_BACK)
    const what = limit !== undefined ? `the lines, with a limit of ${limit} bytes` : 'the lines'
    expectSame(what, results, lines, { because, likely, look: 'blocking-socket.readLine()' })
    const came = Buffer.byteLength(texts.join(''))
    expect('no byte to be taken twice', taken <= came, {
      because:
        'When read() returns bytes from #rest, the bridge has already been told that they were taken.',
      likely: 'Post `taken` once, when a message is read, and not again for what was kept of it.',
      look: 'blocking-socket.read()',
      expected: `at most ${came} bytes`,
      received: `${taken} bytes`,
    })
  }
  story.tell('bridge', 'delivers "🌍\\n\\r" byte by byte, and the end')
  const cut = [...Buffer.from('🌍\n\r')].map((byte) => ({
    kind: 'bytes' as const,
    bytes: Buffer.of(byte),
  }))
  const pieces: ReaderScript = { waiting: [...cut, end], late: [], acts: ['line', 'line', 'line'] }
  const [globe, ...behind] = (await readByHand(stage, pieces, COMES_BACK)).results
  expectSame('the line', globe, 'line 🌍', {
    because: 'A character may arrive in several pieces.',
    likely: 'Decode the whole line, not each piece of it.',
    look: 'blocking-socket.readLine()',
  })
  expectSame('what follows the line', behind, ['line ', 'null'], {
    because: 'One byte makes a last line. It is a \\r, so the line is empty, but still a line.',
    likely: 'Whether there is a last line depends on its bytes, not on what is left of its text.',
    look: 'blocking-socket.readLine()',
  })
}

/** A line of single bytes, and bytes that a decoder may take for something else than text. */
export async function expectEveryByteKept(stage: Stage): Promise<void> {
  const { expect, expectSame, story } = stage
  story.tell(
    'bridge',
    `delivers byte by byte: a line of ${withCommas(MANY)} bytes; a line with a byte order mark (U+FEFF) in front; "a", E2 and a line end; "b", E2 and the end`,
  )
  const long = 'x'.repeat(MANY)
  const text = Buffer.from(`${long}\n\ufeffhello\na`)
  const broken = Buffer.of(0xe2)
  const all = Buffer.concat([text, broken, bytes('\nb').bytes, broken])
  const script: ReaderScript = {
    waiting: [{ kind: 'bytes', bytes: all }, end],
    late: [],
    isCut: true,
    acts: ['line', 'line', 'line', 'line', 'line'],
  }
  const [first, ...lines] = (await readByHand(stage, script, COMES_BACK)).results
  expect('the long line', first === `line ${long}`, {
    because: 'A line may come in any number of pieces. 64 KiB of single bytes are 65,536 of them.',
    likely: first?.includes('RangeError')
      ? 'A function that calls itself for the next piece fills the stack. Write a loop.'
      : 'Collect the pieces until the line end comes, however many they are.',
    look: 'blocking-socket.readLine()',
    received: first?.slice(0, 60),
  })
  expectSame(
    'the other lines',
    lines,
    ['line \ufeffhello', 'line a\ufffd', 'line b\ufffd', 'null'],
    {
      because:
        'Every byte before the line end belongs to the line. E2 begins a character, which never comes to its end: it becomes U+FFFD.',
      likely: causeOfLoss(lines),
      look: 'blocking-socket.readLine()',
    },
  )
}

/** Many more than the calls that a stack has room for. */
const MANY = 40_000

/** What the decoder does with bytes that are no text. */
function causeOfLoss(lines: string[]): string {
  if (lines[0] === 'line hello')
    return 'TextDecoder takes U+FEFF away, unless it is given `ignoreBOM: true`. toLine() keeps it.'
  if (lines.some((line) => line.startsWith('throws')))
    return 'A decoder that is `fatal` throws. What a peer sends must not end the thread: decode as toLine() does.'
  return 'A StringDecoder keeps the beginning of a character back. Its end() returns that, each time that a line ends.'
}

/** What is left of another connection of the same thread says nothing about this one. */
export async function expectOwnLines(stage: Stage): Promise<void> {
  const { expectSame, story } = stage
  for (const { what, texts, ending, line } of LEFT_BEHIND) {
    story.tell('bridge', what)
    story.tell('bridge', 'delivers "ok\\n" on another connection, which the same thread reads next')
    const waiting = [...texts.map(bytes), ...(ending ? [ending] : [])]
    const script: ReaderScript = {
      earlier: { waiting, acts: ['line'], maxBytes: 5 },
      waiting: [bytes('ok\n'), end],
      late: [],
      acts: ['line', 'line'],
      maxBytes: 5,
    }
    const { resultsEarlier, results } = await readByHand(stage, script, COMES_BACK)
    expectSame(
      'the first connection, and then the other one',
      [resultsEarlier, results],
      [[line], ['line ok', 'null']],
      {
        because: 'Each connection has lines of its own. The bytes of one must never reach another.',
        likely:
          'Is something kept at the top of the module? Declare what a line collects in readLine(), and keep what follows a line in #rest.',
        look: 'blocking-socket.readLine()',
      },
    )
  }
}

const LEFT_BEHIND = [
  {
    what: 'delivers "hal", and the loss of the peer',
    texts: ['hal'],
    ending: lost('ECONNRESET'),
    line: 'throws ConnectionLost (ECONNRESET)',
  },
  {
    what: 'delivers "1234", and then "56", with a limit of 5 bytes',
    texts: ['1234', '56'],
    line: 'throws LineTooLong',
  },
  {
    what: 'delivers "one\\ntwo", and the thread reads one line',
    texts: ['one\ntwo'],
    line: 'line one',
  },
]

/** What follows a line is read next, once. */
export async function expectRestRead(stage: Stage): Promise<void> {
  const { expect, expectSame, story } = stage
  story.tell(
    'bridge',
    'delivers "one\\n", and later "two"; the thread reads a line, and then bytes',
  )
  const mixed = { waiting: [bytes('one\n')], late: [bytes('two')], acts: ['line', 'read'] as const }
  const both = await readByHand(stage, { ...mixed, acts: [...mixed.acts] }, COMES_BACK)
  expectSame('the line, and the bytes', both.results, ['line one', 'bytes two'], {
    because: 'read() returns one byte or more, and there was none after that line end.',
    likely: 'Keep what follows the line end only if anything follows it.',
    look: 'blocking-socket.readLine()',
  })
  story.tell(
    'bridge',
    'delivers "one\\nre", and later "st" and the end; the thread reads a line, and then bytes',
  )
  const kept: ReaderScript = {
    waiting: [bytes('one\nre')],
    late: [bytes('st'), end],
    acts: ['line', 'read', 'read'],
  }
  const all = await readByHand(stage, kept, COMES_BACK)
  expectSame('the line, and the bytes', all.results, ['line one', 'bytes re', 'bytes st'], {
    because: 'What follows the line end is the next thing to be read, as a line or as bytes.',
    likely:
      'read() returns #rest first, and only once, as #takeRest() does. readLine() only calls read().',
    look: 'blocking-socket.read()',
  })
  story.tell('bridge', 'delivers "one\\ntwo\\nre"; the thread reads a line, and then bytes')
  const whole: ReaderScript = {
    waiting: [bytes('one\ntwo\nre'), end],
    late: [],
    acts: ['line', 'read'],
  }
  const [, behind] = (await readByHand(stage, whole, COMES_BACK)).results
  expect('the bytes after the line to begin with "two"', behind.startsWith('bytes two'), {
    because: 'read() goes on after the line that was returned, whether more lines follow or not.',
    likely:
      'Keep what follows the first line end as it is, in #rest. read() does not find lines that are put aside elsewhere.',
    look: 'blocking-socket.readLine()',
    received: behind,
  })
}
