/** What comes of messages that are requests, nearly requests, and anything else. */

import type { Requests } from '#code/13-rooms/protocol.ts'
import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'
import { inShort } from '../../protocols/chat.ts'
import { forAll, type QuietStage } from '../for-all.ts'
import { anyMessages, rightRequests, wrongRequests } from './chat-requests.ts'

/** Every message is a request, or is refused with its code and id. */
export async function expectRequestsParsed(stage: Stage): Promise<void> {
  const { parseRequest, REQUESTS } = await stage.load(() => import('#code/13-rooms/protocol.ts'))
  const parse = (message: string) => parseRequest(message, REQUESTS)
  const expectParsed = (quiet: QuietStage, message: string, expected: object, reason: Reason) => {
    quiet.story.tell('client', `sends ${inShort(message)}`)
    quiet.expectSame('what comes of it', told(parse(message)), expected, reason)
  }
  const expectCode = (message: string, code: string, id: number | undefined, reason: Reason) =>
    expectParsed(stage, message, { code, id }, reason)

  for (const message of [
    '',
    '{',
    'hello',
    'null',
    '7',
    '"ping"',
    '[]',
    '[{"id":1,"type":"ping"}]',
  ]) {
    expectCode(message, 'malformed', undefined, {
      because: 'A request is a JSON object. Here is none, so there is no id either.',
      likely: 'JSON.parse throws, and null and lists are objects too: parseObject() knows.',
    })
  }
  for (const id of ['"1"', '1.5', 'null', '9007199254740992', 'true', '[1]']) {
    expectCode(`{"id":${id},"type":"ping"}`, 'malformed', undefined, {
      because: `${id} is not a safe integer, so it is not said back: it might come back changed.`,
      likely: 'Number.isSafeInteger(id).',
    })
  }
  for (const id of [0, -1]) {
    expectCode(`{"id":${id},"type":"ping"}`, 'malformed', id, {
      because: 'Ids count from 1. But it is a safe integer, so the client gets it back.',
      likely: 'Refuse it with its id.',
    })
  }
  for (const [message, id] of [
    ['{"type":"shout"}', undefined],
    ['{"id":"1","type":"hello"}', undefined],
    ['{"id":0,"type":"shout"}', 0],
    ['{"id":0,"type":"hello"}', 0],
  ] as const) {
    expectCode(message, 'malformed', id, {
      because: 'Its type or a field is wrong, too, but without a right id it is no request.',
      likely: 'Look at the object, then the id, then the type, then the fields.',
    })
  }
  for (const rest of ['', ',"type":7', ',"type":null', ',"type":["ping"]']) {
    expectCode(`{"id":3${rest}}`, 'malformed', 3, {
      because: 'The type is no string. The id is known, so the client learns which request it was.',
    })
  }
  for (const type of [
    'shout',
    '',
    'Ping',
    'ping ',
    'constructor',
    'toString',
    '__proto__',
    'hasOwnProperty',
  ]) {
    expectCode(JSON.stringify({ id: 4, type }), 'unknown-type', 4, {
      because: `There is no request "${type}".`,
      likely:
        'Every object has a "constructor" and a "toString" that nobody put there. Object.hasOwn() tells.',
    })
  }
  expectCode('{"id":5,"type":"hello","version":2,"name":"!"}', 'unsupported-version', 5, {
    because: 'Both fields are wrong. The version is the first in the table.',
    likely: 'Return with the first rule that has something to say.',
  })
  const refusal = { code: 'too-fast', text: 'Not so loud.' } as const
  const isLoud = (loud: unknown) => (loud === 11 ? refusal : undefined)
  for (const [loud, expected] of [
    [11, { code: refusal.code, id: 6 }],
    [10, { request: { id: 6, type: 'shout', loud: 10 } }],
  ] as const) {
    const message = JSON.stringify({ id: 6, type: 'shout', loud })
    stage.story.tell('client', `sends ${message} to a server with a table of its own`)
    const table = { shout: { loud: isLoud } }
    const received = told(parseRequest(message, table), table)
    stage.expectSame('what comes of it', received, expected, {
      because:
        'Types and rules are those of the table that is passed in: later chapters add to it.',
      likely: 'Look into `requests`, not into REQUESTS.',
    })
  }
  const request = { id: 6, type: 'join', room: 'kitchen' }
  expectParsed(
    stage,
    '{"id":6,"type":"join","room":"KitCHEN"}',
    { request },
    {
      because: 'Kitchen and kitchen are one room: from here on, it has one spelling.',
      likely: 'room.toLowerCase(), in the request that comes out.',
    },
  )

  await forAll(
    stage,
    'right requests of every type',
    rightRequests,
    (quiet, { message, request }) =>
      expectParsed(
        quiet,
        message,
        { request },
        {
          because: 'Nothing is wrong with it. Fields that nobody knows are let through.',
        },
      ),
  )
  await forAll(
    stage,
    'requests with one wrong field',
    wrongRequests,
    (quiet, { message, code, id, field }) => {
      expectParsed(
        quiet,
        message,
        { code, id },
        {
          because: `"${field}" is wrong, and its rule says how.`,
          likely: 'Call every rule of the type with the value and the name of its field.',
        },
      )
      if (code !== 'bad-request') return
      quiet.expect(`the text to name "${field}"`, textOf(parse(message)).includes(`"${field}"`), {
        because: 'A person who reads the refusal must know where to look.',
        likely: 'The rule wants the name of the field as well.',
        received: textOf(parse(message)),
      })
    },
  )
  await forAll(
    stage,
    'messages that may be anything',
    anyMessages,
    (quiet, message) => {
      quiet.story.tell('client', `sends ${inShort(message)}`)
      const parsed = parse(message)
      const id = parsed.kind === 'refused' ? parsed.id : parsed.request.id
      quiet.expectSame('the id in the answer', id, safeIdIn(message), {
        because: 'The id is said back if it is a safe integer, and only then.',
      })
    },
    500,
  )

  /** What is asked of a parser's result: code and id, or the fields that somebody knows. */
  function told(parsed: ReturnType<typeof parse>, requests: Requests = REQUESTS): object {
    if (parsed.kind === 'refused') {
      const { code, text } = parsed.refusal
      return { code, id: parsed.id, ...(text === '' && { text: 'nothing, for a person' }) }
    }
    if (parsed.kind !== 'request') return parsed
    const known = ['id', 'type', ...Object.keys(requests[parsed.request.type] ?? {})]
    const fields = Object.entries(parsed.request).filter(([field]) => known.includes(field))
    return { request: Object.fromEntries(fields) }
  }
}

/** The id of an object in JSON, if it is a safe integer. */
function safeIdIn(message: string): number | undefined {
  try {
    const { id } = JSON.parse(message) as { id: unknown }
    return Number.isSafeInteger(id) && JSON.parse(message).length === undefined
      ? (id as number)
      : undefined
  } catch {
    return undefined
  }
}

function textOf(parsed: { kind: string; refusal?: { text: string } }): string {
  return parsed.refusal?.text ?? ''
}
