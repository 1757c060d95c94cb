/** Cards are read by tired people on narrow terminals, and a server under test may have put anything into them. */

import { Chalk } from 'chalk'
import fc from 'fast-check'
import stringWidth from 'string-width'
import { expect, test } from 'vitest'
import { firstDifference, printable, quote, units } from '../harness/bytes.ts'
import { explainDifference } from '../harness/difference.ts'
import { Story } from '../harness/story.ts'
import { renderCard } from '../judge/card.ts'
import { drawStory } from '../judge/diagram.ts'
import type { Card } from '../judge/events.ts'

const plain = new Chalk({ level: 0 })

function makeCard(more: Partial<Card> = {}): Card {
  return {
    step: { id: '02.1', title: 'echoes bytes unchanged' },
    headline: 'ada received other bytes than expected, from byte 3 on.',
    story: [],
    seed: 1,
    lookAt: [
      {
        file: 'chapters/02-echo/server.ts',
        line: 26,
        function: 'echoBytes',
        doc: 'Sends back every chunk.',
      },
    ],
    ...more,
  }
}

test('text and hex, with a caret under the first difference', () => {
  const expected = Buffer.from('abcdefgh')
  const received = Buffer.from('abcXefgh')
  const bytes = (bytes: Uint8Array) => ({ bytes, start: 0, place: 3, total: 8 })
  const text = renderCard(makeCard({ expected: bytes(expected), received: bytes(received) }), {
    columns: 80,
    chalk: plain,
  })
  expect(text).toContain(
    [
      '  Expected  "abcdefgh"',
      '  Received  "abcXefgh"',
      '                ^ byte 3',
      '  as hex    61 62 63 64 65 66 67 68',
      '            61 62 63 58 65 66 67 68',
      '                     ^^',
    ].join('\n'),
  )
})

test('a caret stands right behind escapes and wide characters, too', () => {
  const expected = Buffer.from('\x00ß\n!')
  const received = Buffer.from('\x00ß\n?')
  const bytes = (bytes: Uint8Array) => ({ bytes, start: 0, place: 4, total: 5 })
  const lines = renderCard(makeCard({ expected: bytes(expected), received: bytes(received) }), {
    columns: 80,
    chalk: plain,
  }).split('\n')
  const received_ = lines.findIndex((line) => line.includes('Received'))
  expect(lines[received_]).toBe('  Received  "\\x00ß\\n?"')
  expect(lines[received_ + 1].indexOf('^')).toBe(lines[received_].indexOf('?'))
})

test('what the last thread does is told in full, on several lines if need be', () => {
  const text = 'notify lock: wakes thread 2, and after it nobody else'
  const card = makeCard({
    interleaving: { turns: [0, 2].map((thread) => ({ thread, text })), finding: 'odd', runs: 1 },
  })
  const lines = renderCard(card, { columns: 80, chalk: plain }).split('\n')
  const header = lines.findIndex((line) => line.includes('thread 3'))
  const lane = lines[header].indexOf('thread 3')
  expect(lines[header + 1]).toBe(`     1  ${text}`)
  expect(lines.slice(header + 2, header + 5).map((line) => line.slice(lane))).toEqual([
    'notify lock: wakes thread',
    '2, and after it nobody',
    'else',
  ])
})

test('nothing that a server prints reaches the terminal as it is', () => {
  const evil = '\x1b[2J\x1b]0;title\x07 \u202e backwards \u2028'
  const story = new Story()
  story.tell('ada', `says ${evil}`, 'toServer')
  story.tell(`bob ${evil}`, 'connects', 'toServer')
  story.judge('test', `expects ${evil}`, 'broken')
  const card = makeCard({
    story: story.lines,
    interleaving: { turns: [{ thread: 0, text: `reads ${evil}` }], finding: evil, runs: 1 },
    threads: [{ threadId: 1, at: { file: evil, line: 1, function: evil } }],
    trace: [1, 2].map((line) => ({ file: evil, line, function: evil })),
    because: evil,
    headline: `it said ${evil}`,
    output: evil,
    expected: { text: evil },
    received: { text: evil },
    likely: evil,
  })
  expect(renderCard(card, { columns: 80, chalk: plain })).not.toMatch(
    /[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]/,
  )
})

test.each([
  ['in this chapter', ['02-echo/part', '01-hello/server'], ['02-echo/part.ts:1, in f1()']],
  [
    'in an earlier one, on behalf of this step',
    ['01-hello/server', '01-hello/server', '02-echo/server'],
    ['02-echo/server.ts:3, in f3()', '01-hello/server.ts:1, in f1()'],
  ],
  [
    'in an earlier one, on behalf of code that was given',
    ['01-hello/server', '02-echo/thread'],
    ['02-echo/server.ts:26, in echoBytes()', '01-hello/server.ts:1, in f1()'],
  ],
])('it broke %s', (_name, files, shown) => {
  expect(lookAtOf(makeCard({ trace: traceOf(files) }), shown.length)).toEqual(shown)
})

test('it broke in an earlier chapter, and the test knows who should have been careful', () => {
  const [echo] = makeCard().lookAt
  const lookAt = [
    { ...echo, function: 'answerGoodbye', isNamed: true as const },
    { ...echo, function: 'echoBytes' },
  ]
  const trace = traceOf(['01-hello/server', '02-echo/server'])
  expect(lookAtOf(makeCard({ lookAt, trace }), 2)).toEqual([
    '02-echo/server.ts:26, in answerGoodbye()',
    '01-hello/server.ts:1, in f1()',
  ])
})

function traceOf(files: string[]) {
  return files.map((file, index) => ({
    file: `chapters/${file}.ts`,
    line: index + 1,
    function: `f${index + 1}`,
  }))
}

function lookAtOf(card: Card, count: number): string[] {
  const lines = renderCard(card, { columns: 80, chalk: plain }).split('\n')
  const at = lines.findIndex((line) => line.startsWith('  Look at'))
  return lines.slice(at, at + count).map((line) => line.slice(12).replace('chapters/', ''))
}

test('no line is wider than the terminal', () => {
  const story = new Story()
  for (const name of ['ada', 'bob', 'cyd']) story.tell(name, 'connects', 'toServer')
  story.tellBytes('ada', 'toServer', 'a very long message '.repeat(20))
  story.judge('bob', 'expects something that takes quite a few words to say', 'broken')
  const card = makeCard({
    story: story.lines,
    because: 'one reason '.repeat(20),
    likely: 'a-cause-without-a-space'.repeat(8),
  })
  for (const columns of [40, 60, 80, 120]) {
    for (const line of renderCard(card, { columns, chalk: plain }).split('\n')) {
      expect(stringWidth(line), line).toBeLessThanOrEqual(columns)
    }
  }
})

test('several clients get a lane each', () => {
  const story = new Story()
  story.tell('ada', 'connects', 'toServer')
  story.tell('bob', 'connects', 'toServer')
  story.tellBytes('bob', 'fromServer', 'hi')
  story.tell('bob', 'stops reading')
  expect(drawStory(story.lines, 76).map(({ text }) => text)).toEqual([
    '      server ada    bob',
    '   1  ◀──────┤      │        ada connects',
    '   2  ◀──────┼──────┤        bob connects',
    '   3  ├──────┼──────▶        bob receives "hi" (2 bytes)',
    '   4  │      │      ●        bob stops reading',
  ])
})

test('a long story is told by its beginning and its end', () => {
  const story = new Story()
  for (let line = 0; line < 500; line++) story.tell('test', `does thing ${line}`)
  const drawn = drawStory(story.lines, 76).map(({ text }) => text)
  expect(drawn.length).toBeLessThan(30)
  expect(drawn.join('\n')).toContain('476 more lines')
  expect(drawn.at(-1)).toContain('does thing 499')
})

test('a run of bytes is one line, however many pieces it came in', () => {
  const story = new Story()
  for (let piece = 0; piece < 1_000; piece++) story.tellBytes('ada', 'fromServer', 'x')
  expect(story.lines).toHaveLength(1)
  expect(story.lines[0].text).toBe(
    'receives "xxxxxxxxxxxxxxxxxxxxxxxx"… (1,000 bytes in 1,000 pieces)',
  )
})

test('differences are recognised', () => {
  const text = Buffer.from('The quick brown fox jumps over the lazy dog, twice.')
  const place = (received: Uint8Array) => firstDifference(text, received)
  const lost = Buffer.concat([text.subarray(0, 10), text.subarray(15)])
  expect(explainDifference(text, lost, place(lost))).toMatch(
    /5 bytes are missing: what arrived belongs at byte 15/,
  )
  const repeated = Buffer.concat([text.subarray(0, 20), text.subarray(4, 30)])
  expect(explainDifference(text, repeated, place(repeated))).toMatch(
    /belongs at byte 4: bytes were sent twice/,
  )
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte)
  const decoded = Buffer.from(Buffer.from(bytes).toString())
  expect(explainDifference(bytes, decoded, firstDifference(bytes, decoded))).toMatch(
    /went through a string/,
  )
})

test('any bytes can be shown, and every byte is accounted for', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      expect([...units(bytes)].reduce((sum, unit) => sum + unit.bytes, 0)).toBe(bytes.length)
      expect(quote(bytes)).toBe(printable(quote(bytes)).replaceAll('\n', ''))
    }),
  )
})

test('the first difference is where a plain loop finds it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 200 }), (a, b) => {
      const plainly = a
        .subarray(0, Math.min(a.length, b.length))
        .findIndex((byte, index) => byte !== b[index])
      expect(firstDifference(a, b)).toBe(plainly)
    }),
  )
})
