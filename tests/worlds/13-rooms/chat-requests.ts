/** Requests of every type, right ones and ones with something wrong, and what should be said about them. */

import fc from 'fast-check'
import type { ChatMessage } from '../../protocols/chat.ts'

/** One right value for each field of each type. */
const RIGHT: Record<string, ChatMessage> = {
  hello: { version: 1, name: 'Ada_1.x-y' },
  join: { room: 'kitchen', after: 3 },
  leave: { room: 'kitchen' },
  say: { room: 'kitchen', text: 'hi\n\tthere, 你好 🙂' },
  history: { room: 'kitchen', before: 9, limit: 100 },
  who: { room: 'kitchen' },
  rooms: {},
  ping: {},
}

/** May be left out. */
const OPTIONAL = new Set(['after', 'before', 'limit'])

const WHATEVER_IS_NO_STRING = [1, null, true, ['a'], { a: 1 }]
const WHATEVER_IS_NO_NUMBER = ['1', null, true, [1], {}, 1.5]
/** The last two look like "kelvin": toLowerCase() makes a plain k of U+212A, normalize('NFKC') of U+FF4B. */
const NO_NAMES = [
  '',
  ' ',
  '-a',
  '.a',
  '_a',
  'a b',
  'ä',
  'a\n',
  'a'.repeat(33),
  '../a',
  '\u212aelvin',
  '\uff4belvin',
]

/** Wrong values of each field, by the code that they should be refused with. */
const WRONG: Record<string, Record<string, unknown[]>> = {
  version: { 'bad-request': WHATEVER_IS_NO_NUMBER, 'unsupported-version': [0, 2, -1] },
  name: { 'bad-request': WHATEVER_IS_NO_STRING, 'bad-name': NO_NAMES },
  room: { 'bad-request': WHATEVER_IS_NO_STRING, 'bad-room': NO_NAMES },
  text: {
    'bad-request': [...WHATEVER_IS_NO_STRING, '', '\u0000', 'a\rb', '\u007f', '\u0085', '\ud800'],
    'text-too-long': ['x'.repeat(4_001)],
  },
  after: { 'bad-request': [...WHATEVER_IS_NO_NUMBER, -1, 2 ** 53] },
  before: { 'bad-request': [...WHATEVER_IS_NO_NUMBER, 0] },
  limit: { 'bad-request': [...WHATEVER_IS_NO_NUMBER, 0, 101] },
}

export interface Specimen {
  message: string
  id: number
  /** The request as it should come out of the parser; `undefined` when it is refused. */
  request?: ChatMessage
  code?: string
  /** The field that is wrong. */
  field?: string
}

const id = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
const order = fc.array(fc.nat({ max: 100 }), { minLength: 16, maxLength: 16 })
const type = fc.constantFrom(...Object.keys(RIGHT))

/** Fields that nobody asked for. Some have names that mean something to JavaScript. */
const junk = fc.dictionary(
  fc.constantFrom('x', 'kind', 'code', 'constructor', 'toString', 'hasOwnProperty'),
  fc.jsonValue({ maxDepth: 1 }),
)

/** Right requests: without optional fields or with them, in any order, in any letter case, with something extra. */
export const rightRequests: fc.Arbitrary<Specimen> = fc
  .tuple(id, type, junk, fc.boolean(), order, fc.boolean())
  .map(([id, type, extra, isComplete, order, isLoud]) => {
    const fields = Object.entries(RIGHT[type]).filter(
      ([field]) => isComplete || !OPTIONAL.has(field),
    )
    const request: ChatMessage = { id, type, ...Object.fromEntries(fields) }
    const sent = { ...extra, ...request, ...(isLoud && 'room' in request && { room: 'KITcHen' }) }
    return { message: shuffled(sent, order), id, request }
  })

/** Each field of each type, with every wrong value. */
export function* everyWrongRequest(): Generator<Specimen> {
  for (const [type, fields] of Object.entries(RIGHT)) {
    for (const field of Object.keys(fields)) {
      for (const { code, value } of wrongValuesOf(field)) {
        const message = JSON.stringify({ id: 1, type, ...fields, [field]: value })
        yield { message: escaped(message), id: 1, code, field }
      }
    }
  }
}

/** Requests with one wrong field. */
export const wrongRequests: fc.Arbitrary<Specimen> = fc
  .tuple(
    id,
    fc.constantFrom(...Object.keys(RIGHT).filter((type) => Object.keys(RIGHT[type]).length > 0)),
    junk,
    order,
    fc.nat(),
    fc.nat(),
  )
  .map(([id, type, extra, order, fieldPick, valuePick]) => {
    const fields = Object.keys(RIGHT[type])
    const field = fields[fieldPick % fields.length]
    const values = wrongValuesOf(field)
    const { code, value } = values[valuePick % values.length]
    const sent = { ...extra, id, type, ...RIGHT[type], [field]: value }
    return { message: escaped(shuffled(sent, order)), id, code, field }
  })

/** The same JSON, in which no letter looks like another one: each that is not ASCII is escaped. */
function escaped(json: string): string {
  return json.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function wrongValuesOf(field: string): { code: string; value: unknown }[] {
  const values = Object.entries(WRONG[field]).flatMap(([code, values]) =>
    values.map((value) => ({ code, value })),
  )
  if (!OPTIONAL.has(field)) values.push({ code: 'bad-request', value: undefined })
  return values
}

/** The same object with its fields in another order. */
function shuffled(object: ChatMessage, order: number[]): string {
  const fields = Object.entries(object)
  const places = fields.map((entry, index) => ({ entry, place: order[index] }))
  places.sort((a, b) => a.place - b.place)
  return JSON.stringify(Object.fromEntries(places.map(({ entry }) => entry)))
}

/** Messages that may be anything: text, JSON, JSON that was cut or changed somewhere. */
export const anyMessages: fc.Arbitrary<string> = fc.oneof(
  fc.string(),
  fc.json(),
  fc.record({ id: fc.anything(), type: fc.anything() }, { requiredKeys: [] }).map(stringify),
  fc
    .tuple(rightRequests, fc.nat(), fc.string({ maxLength: 3 }))
    .map(([{ message }, place, text]) => spliced(message, place % (message.length + 1), text)),
)

function spliced(message: string, place: number, text: string): string {
  return message.slice(0, place) + text + message.slice(place + 1)
}

function stringify(value: unknown): string {
  try {
    return JSON.stringify(value) ?? ''
  } catch {
    return ''
  }
}
