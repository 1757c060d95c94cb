/** How long a body is, said in every way that anybody has tried. RFC 9112 §6. */

import { leastUs } from '../../harness/cost.ts'
import type { Stage } from '../../judge/step.ts'
import { quietly } from '../for-all.ts'
import { shown } from './http-tables.ts'

export async function expectLengths(stage: Stage): Promise<void> {
  const { expect, load, story } = stage
  const { expectSame } = quietly(stage)
  story.tell('test', `asks for the length of ${LENGTHS.length} bodies`)
  const { bodyLength } = await load(() => import('#code/17-http/body-length.ts'))
  const { HeaderFields } = await load(() => import('#code/17-http/http-message.ts'))
  for (const each of LENGTHS) {
    const { fields, version = '1.1', told, because } = each
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
    expectSame(`the body length for HTTP/${version} with { ${lines} }`, outcome, told, {
      because,
      ...causeOf(each, outcome),
    })
  }

  story.tell('test', `asks for the length of a body whose coding has ${MANY_BLANKS} blanks in it`)
  const blanks = new HeaderFields()
  blanks.add('transfer-encoding', `gzip${' '.repeat(MANY_BLANKS)}x`)
  const us = leastUs(1, () => bodyLength(blanks, '1.1', 1_000))
  expect('that call to take less than 5 ms', us < 5_000, {
    because: 'Anybody may send such a head, again and again. It has to take linear time.',
    likely:
      "A pattern that begins with blanks starts again at each blank, and runs to the last one each time. Use split(','), and then withoutBlanks().",
    look: 'checkCoding()',
    expected: 'less than 5 ms',
    received: `${(us / 1_000).toFixed(1)} ms`,
  })
}

/** A pattern that begins anew at each of them takes 100 ms; a walk over them 0.05. */
const MANY_BLANKS = 4_000

/** What has probably gone wrong, and where, when this was the outcome. */
function causeOf({ fields, version, told }: Length, outcome: string) {
  const has = (name: string) => fields.some(([each]) => each === name)
  const value = fields.map(([, each]) => each).join(', ')
  if (!has('transfer-encoding')) {
    const look = 'bodyLength()'
    if (told === '413' && outcome === '400')
      return { likely: 'Any number of digits will do. Then compare with maxBytes.', look }
    if (told === '413' && value.length > 9)
      return { likely: 'Keep the whole number: `|` and `>>` cut it to 32 bits.', look }
    if (told === '413' || outcome === '413')
      return { likely: 'Refuse a length over maxBytes, but not one of exactly maxBytes.', look }
    if (fields.length > 1)
      return { likely: 'get() joins several lines with a comma, and a comma is not a digit.', look }
    if (told === '400')
      return { likely: 'Number() and parseInt() accept too much: test the text first.', look }
    return { likely: '"0" is a length. Only a field that is not there states none.', look }
  }
  if (has('content-length')) {
    const likely =
      'Check first whether both are there. What they say does not matter, and get() returns undefined only for a field that is not there.'
    return { likely, look: 'bodyLength()' }
  }
  if (version === '1.0')
    return {
      likely: 'Check the version before you look at the coding.',
      look: 'bodyLength()',
    }
  const look = value === '' && outcome === 'none' ? 'bodyLength()' : 'checkCoding()'
  if (value.includes('\u00a0'))
    return { likely: 'trim() takes A0 for a blank. withoutBlanks() does not.', look }
  if (outcome === 'chunked' && /[a-z][\t ]+[a-z]/.test(value))
    return { likely: 'Remove the blanks around a coding, but none inside it.', look }
  if (told === 'chunked') return { likely: 'Call toLowerCase() before you compare.', look }
  if (told === '501')
    return { likely: 'Split the list at its commas, and compare whole codings.', look }
  if (fields.length > 1 && outcome === 'chunked')
    return { likely: 'get() joins several lines with a comma. Look at all of them.', look }
  if (value === '' && outcome === 'none')
    return { likely: 'A field that is there is not undefined, even if it is empty.', look }
  return {
    likely:
      'Split at the commas, remove the blanks around each coding, and compare whole codings. An empty one, or chunked before the last place, is 400.',
    look,
  }
}

interface Length {
  /** Lines of a head. */
  fields: [string, string][]
  version?: '1.0'
  /** `'none'`, `'chunked'`, `'5 bytes'`, or a status. */
  told: string
  because: string
}

const DIGITS =
  'A Content-Length is digits, and nothing else: servers disagree about a sign, a blank, a comma or a leading zero.'
const TWICE = 'Another server may read two lengths as two requests, even if they are equal today.'
const BOTH =
  'With both, one server goes by the length and the next one by the chunks: that is smuggling (RFC 9112 §6.1).'
const LAST = 'Nothing may follow "chunked", and it may appear only once.'
const UNKNOWN = 'An unknown coding is answered with 501 (RFC 9112 §6.1).'

const LENGTHS: Length[] = [
  {
    fields: [],
    told: 'none',
    because: 'A request that states no length has no body (RFC 9112 §6.3).',
  },
  { fields: [['content-length', '5']], told: '5 bytes', because: 'The field says so.' },
  { fields: [['content-length', '0']], told: '0 bytes', because: 'The field says so.' },
  {
    fields: [['content-length', '1000']],
    told: '1000 bytes',
    because: 'The limit is 1,000 bytes, and a body of exactly 1,000 bytes is within it.',
  },
  { fields: [['content-length', '1001']], told: '413', because: 'That is one byte too many.' },
  {
    fields: [['content-length', '99999999999999999999999']],
    told: '413',
    because: 'No 64-bit integer holds it, and it is over the limit in any case.',
  },
  { fields: [['content-length', '9'.repeat(400)]], told: '413', because: 'It is over the limit.' },
  ...[
    '0005',
    '00',
    '+5',
    '-5',
    '5 5',
    '5,5',
    '5, 5',
    '5, 6',
    '',
    '0x5',
    '5.0',
    '5e0',
    '5e9',
    '05000',
    '5;',
    "'5'",
    'five',
    '\u0665',
    '5\u00a0',
    '\u00a05',
  ].map((value): Length => ({ fields: [['content-length', value]], told: '400', because: DIGITS })),
  {
    fields: [
      ['content-length', '5'],
      ['content-length', '5'],
    ],
    told: '400',
    because: TWICE,
  },
  {
    fields: [
      ['content-length', '5'],
      ['content-length', '6'],
    ],
    told: '400',
    because: TWICE,
  },
  {
    fields: [
      ['content-length', ''],
      ['content-length', '5'],
    ],
    told: '400',
    because: TWICE,
  },
  { fields: [['transfer-encoding', 'chunked']], told: 'chunked', because: 'The field says so.' },
  {
    fields: [['transfer-encoding', 'Chunked']],
    told: 'chunked',
    because: 'Codings are the same in upper and lower case (RFC 9112 §7).',
  },
  {
    fields: [['transfer-encoding', 'chunked']],
    version: '1.0',
    told: '400',
    because: 'HTTP/1.0 has no chunks; an old proxy passes them on as the body.',
  },
  {
    fields: [['transfer-encoding', 'gzip']],
    version: '1.0',
    told: '400',
    because: 'HTTP/1.0 has no transfer codings.',
  },
  {
    fields: [
      ['transfer-encoding', 'chunked'],
      ['content-length', '5'],
    ],
    told: '400',
    because: BOTH,
  },
  {
    fields: [
      ['content-length', '0'],
      ['transfer-encoding', 'chunked'],
    ],
    told: '400',
    because: BOTH,
  },
  {
    fields: [
      ['content-length', '5'],
      ['transfer-encoding', 'identity'],
    ],
    told: '400',
    because: BOTH,
  },
  {
    fields: [
      ['content-length', ''],
      ['transfer-encoding', ''],
    ],
    told: '400',
    because: BOTH,
  },
  ...[
    ['5', '5'],
    ['5', '6'],
    ['', ''],
    ['five', '5'],
  ].flatMap(([one, other]): Length[] =>
    ['chunked', 'gzip'].map((coding) => ({
      fields: [
        ['content-length', one],
        ['transfer-encoding', coding],
        ['content-length', other],
      ],
      told: '400',
      because: `${BOTH} Two lengths are no better than one.`,
    })),
  ),
  {
    fields: [
      ['transfer-encoding', 'gzip'],
      ['transfer-encoding', 'chunked'],
      ['content-length', '5'],
    ],
    told: '400',
    because: BOTH,
  },
  { fields: [['transfer-encoding', 'chunked, chunked']], told: '400', because: LAST },
  {
    fields: [
      ['transfer-encoding', 'chunked'],
      ['transfer-encoding', 'chunked'],
    ],
    told: '400',
    because: LAST,
  },
  { fields: [['transfer-encoding', 'chunked, identity']], told: '400', because: LAST },
  {
    fields: [
      ['transfer-encoding', 'chunked'],
      ['transfer-encoding', 'gzip'],
    ],
    told: '400',
    because: LAST,
  },
  ...[
    'gzip, chunked, chunked',
    'gzip, chunked, identity',
    'gzip, br, deflate, chunked, identity',
    'Chunked, gzip',
    'gzip, CHUNKED, gzip',
    'chunked ,gzip',
    'chunked\t,\tchunked',
  ].map(
    (value): Length => ({ fields: [['transfer-encoding', value]], told: '400', because: LAST }),
  ),
  ...['gzip,', ', gzip', 'gzip,,br', 'gzip,\t ,br', ','].map(
    (value): Length => ({
      fields: [['transfer-encoding', value]],
      told: '400',
      because: 'An element of the list is empty.',
    }),
  ),
  {
    fields: [
      ['transfer-encoding', 'gzip'],
      ['transfer-encoding', ''],
    ],
    told: '400',
    because: 'An element of the list is empty.',
  },
  { fields: [['transfer-encoding', '']], told: '400', because: 'The list is empty.' },
  { fields: [['transfer-encoding', ',chunked']], told: '400', because: 'One of the two is empty.' },
  { fields: [['transfer-encoding', 'chunked,']], told: '400', because: 'One of the two is empty.' },
  ...[
    'gzip',
    'identity',
    'gzip, chunked',
    'xchunked',
    'chunked;q=1',
    '"chunked"',
    'chunke\u0064x',
    'chunked chunked',
    'chun ked',
    'chunk\ted',
    '\u00a0chunked',
    'chunked\u00a0',
    'gzip,\u00a0chunked',
    '\u00a0',
  ].map(
    (value): Length => ({ fields: [['transfer-encoding', value]], told: '501', because: UNKNOWN }),
  ),
  {
    fields: [
      ['transfer-encoding', 'chunked'],
      ['content-length', ''],
    ],
    told: '400',
    because: `${BOTH} An empty length counts, too.`,
  },
]
