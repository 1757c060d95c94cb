/** What comes of messages that are requests, nearly requests, and anything else. */

import type { Requests } from '#code/13-rooms/protocol.ts'
import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'
import { inShort } from '../../protocols/chat.ts'
import { forAll, type QuietStage, quietly } from '../for-all.ts'
import {
  type Told,
  whyChanged,
  whyNotRefused,
  whyRefusalIsLost,
  whyTypeIsKnown,
} from './chat-parsing-causes.ts'
import {
  anyMessages,
  everyWrongRequest,
  rightRequests,
  type Specimen,
  wrongRequests,
} from './chat-requests.ts'

/** A cause that follows what came of it. */
type Cause = string | ((received: Told) => string | undefined)

/** Every message is a request, or is refused with its code and id. */
export async function expectRequestsParsed(stage: Stage): Promise<void> {
  const { parseRequest, REQUESTS } = await stage.load(() => import('#code/13-rooms/protocol.ts'))
  const parse = (message: string) => parseRequest(message, REQUESTS)
  const expectParsed = (
    quiet: QuietStage,
    message: string,
    expected: object,
    { likely, ...reason }: Omit<Reason, 'likely'> & { likely?: Cause },
    table: Requests = REQUESTS,
  ) => {
    const where = table === REQUESTS ? '' : ' to a server with a table of its own'
    quiet.story.tell('client', `sends ${inShort(message)}${where}`)
    const received = told(parseRequest(message, table), table)
    const cause = typeof likely === 'function' ? likely(received) : likely
    quiet.expectSame('the result of parseRequest()', received, expected, {
      ...reason,
      likely: cause,
    })
  }
  const expectCode = (
    message: string,
    code: string,
    id: number | undefined,
    reason: Parameters<typeof expectParsed>[3],
  ) => expectParsed(stage, message, { code, id }, reason)

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
      because: 'A request is a JSON object. This is not one, so there is no id either.',
      likely: 'JSON.parse() may throw, and null and arrays pass for objects. Use parseObject().',
    })
  }
  for (const id of ['"1"', '1.5', 'null', '9007199254740992', 'true', '[1]']) {
    expectCode(`{"id":${id},"type":"ping"}`, 'malformed', undefined, {
      because: `${id} is not a safe integer, so the refusal does not repeat it: it might come back changed.`,
      likely: 'Check the id with Number.isSafeInteger(id).',
    })
  }
  for (const id of [0, -1]) {
    expectCode(`{"id":${id},"type":"ping"}`, 'malformed', id, {
      because: 'Ids start at 1. But this one is a safe integer, so the client gets it back.',
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
      because: 'Its type or a field is wrong, too, but without a valid id it is not a request.',
      likely: 'Check in this order: the object, the id, the type, the fields.',
    })
  }
  for (const rest of ['', ',"type":7', ',"type":null', ',"type":["ping"]']) {
    expectCode(`{"id":3${rest}}`, 'malformed', 3, {
      because:
        'The type is not a string. The id is known, so the client learns which request it was.',
      likely: (received) =>
        'code' in received && received.code === 'malformed'
          ? whyRefusalIsLost(received)
          : 'Such a message is `malformed`. `unknown-type` is for a string that is not in the table.',
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
      likely: (received) => whyTypeIsKnown(received, type),
    })
  }
  expectCode('{"id":5,"type":"hello","version":2,"name":"!"}', 'unsupported-version', 5, {
    because: 'Both fields are wrong. The version is the first in the table.',
    likely: (received) =>
      'code' in received && received.code === 'bad-name'
        ? 'Return the first refusal that a rule gives.'
        : whyRefusalIsLost(received),
  })
  const refusal = { code: 'too-fast', text: 'Not so loud.', seconds: 9 } as const
  const { code, seconds } = refusal
  const isLoud = (loud: unknown) => (loud === 11 ? refusal : undefined)
  for (const [loud, expected] of [
    [11, { code, seconds, id: 6 }],
    [10, { request: { id: 6, type: 'shout', loud: 10 } }],
  ] as const) {
    const message = JSON.stringify({ id: 6, type: 'shout', loud })
    const reason = {
      because:
        'The types and rules come from the table that is passed in: later chapters add to it.',
      likely: (received: Told) =>
        'code' in received && received.code === 'unknown-type'
          ? 'Look the type up in `requests`, not in REQUESTS.'
          : loud === 11
            ? whyRefusalIsLost(received)
            : undefined,
    }
    expectParsed(stage, message, expected, reason, { shout: { loud: isLoud } })
  }
  const request = { id: 6, type: 'join', room: 'kitchen' }
  expectParsed(
    stage,
    '{"id":6,"type":"join","room":"KITchen"}',
    { request },
    {
      because: 'Kitchen and kitchen are one room: from here on, it has one spelling.',
      likely: (received) => whyChanged(received, request),
    },
  )
  expectParsed(
    stage,
    '{"id":6,"type":"join","room":"KITchen"}',
    { code, seconds, id: 6 },
    {
      because: 'In this table, the rule of `room` refuses every room.',
      likely: 'Use the rules in the table of this call, not those of an earlier one.',
    },
    { join: { room: () => refusal } },
  )
  expectParsed(
    stage,
    `{"id":${Number.MAX_SAFE_INTEGER},"type":"ping","room":7,"text":null}`,
    { request: { id: Number.MAX_SAFE_INTEGER, type: 'ping' } },
    {
      because:
        'The id is the largest safe integer. A ping has no rules: any other field is let through, whatever it holds.',
    },
  )
  expectParsed(
    stage,
    '{"id":6,"type":"join","room":"kitchen","__proto__":{"after":"x"}}',
    { request },
    {
      because:
        'JSON may have a field "__proto__". No rule has checked the "after" in it, so the request must not have that "after".',
      likely:
        'Object.assign() and object[field] = … make "__proto__" the prototype of the object. { ...value } does not.',
    },
  )

  await forAll(
    stage,
    'valid requests of every type',
    rightRequests,
    (quiet, { message, request }) =>
      expectParsed(
        quiet,
        message,
        { request },
        {
          because: 'Nothing is wrong with it. Fields without a rule are let through.',
          likely: (received) => whyChanged(received, request ?? {}),
        },
      ),
  )
  const expectWrong = (quiet: QuietStage, { message, code, id, field }: Specimen) => {
    expectParsed(
      quiet,
      message,
      { code, id },
      {
        because: `"${field}" is wrong, and its rule says how.`,
        likely: (received) =>
          'request' in received
            ? whyNotRefused(received, field!, JSON.parse(message)[field!])
            : whyRefusalIsLost(received),
      },
    )
    if (code !== 'bad-request') return
    quiet.expect(
      `the text of the refusal to name "${field}"`,
      textOf(parse(message)).includes(`"${field}"`),
      {
        because: 'A person who reads the refusal must know where to look.',
        likely: 'Pass the name of the field to the rule as well.',
        received: textOf(parse(message)),
      },
    )
  }
  for (const specimen of everyWrongRequest()) {
    // What holds is not told.
    const toldBefore = stage.story.lines.length
    expectWrong(quietly(stage), specimen)
    stage.story.lines.splice(toldBefore)
  }
  expectUntrimmed()
  await forAll(stage, 'requests with one wrong field', wrongRequests, expectWrong)
  await forAll(
    stage,
    'arbitrary messages',
    anyMessages,
    (quiet, message) => {
      quiet.story.tell('client', `sends ${inShort(message)}`)
      const parsed = parse(message)
      const id = parsed.kind === 'refused' ? parsed.id : parsed.request.id
      quiet.expectSame('the id in the answer', id, safeIdIn(message), {
        because: 'The answer repeats the id if it is a safe integer, and only then.',
      })
    },
    500,
  )

  /** A space that only JavaScript takes for one. */
  function expectUntrimmed(): void {
    const toldBefore = stage.story.lines.length
    expectCode('\u00a0{"id":1,"type":"ping"}', 'malformed', undefined, {
      because: 'It begins with U+00A0, a space that JSON does not have. So it is not JSON.',
      likely: 'Give parseObject() the message as it is: trim() takes away more than JSON allows.',
    })
    stage.story.lines.splice(toldBefore)
  }

  /** Known fields are read as a handler reads them. */
  function told(parsed: ReturnType<typeof parse>, requests: Requests): Told {
    if (parsed.kind === 'refused') {
      const { code, text, seconds } = parsed.refusal
      const rest = seconds === undefined ? {} : { seconds }
      return {
        code,
        ...rest,
        id: parsed.id,
        ...(text === '' && { text: 'empty: a person learns nothing' }),
      }
    }
    if (parsed.kind !== 'request') return parsed
    const request = parsed.request as unknown as Record<string, unknown>
    const known = ['id', 'type', ...Object.keys(requests[parsed.request.type] ?? {})]
    const fields = known.map((field) => [field, request[field]])
    return { request: Object.fromEntries(fields.filter(([, value]) => value !== undefined)) }
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
