/** Requests for a WebSocket, for `acceptWebSocket` of chapter 18: right ones, and such with one thing wrong. */

import type { Protocol } from '#code/07-event-loop/connection.ts'
import type { HttpAnswer, HttpRequest } from '#code/17-http/http-message.ts'
import type { Offer } from '#code/18-websocket/handshake.ts'
import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'
import { acceptFor, HANDSHAKE, SAMPLE_KEY } from '../../protocols/websocket.ts'

/** A field that is `'none'` is left out of the handshake. */
export type FieldValues = Record<string, string | string[]>

export type Handshakes = Awaited<ReturnType<typeof openHandshakes>>

export async function openHandshakes(stage: Stage) {
  const { expect, expectSame, load, story } = stage
  const { acceptWebSocket } = await load(() => import('#code/18-websocket/handshake.ts'))
  const { HeaderFields } = await load(() => import('#code/17-http/http-message.ts'))
  const protocol: Protocol = { onBytes: (bytes) => bytes.length, onEnd() {} }
  const opened: unknown[][] = []
  const open = (...args: unknown[]) => {
    opened.push(args)
    return protocol
  }
  const OFFER = {
    protocols: ['chat.v2', 'chat.v1'],
    origins: ['https://chat.example.org', 'https://other.example.org'],
    open,
  }
  const requestWith = (fields: FieldValues): HttpRequest => ({
    method: 'GET',
    target: '/chat',
    path: '/chat',
    query: '',
    version: '1.1',
    headers: HeaderFields.from(fields),
    body: new Uint8Array(),
    peer: { address: '127.0.0.1', isSecure: false },
  })
  const ask = (what: string, fields: FieldValues, request: Partial<HttpRequest> = {}) => {
    story.tell('test', `asks for a WebSocket ${what}`)
    const present = Object.entries({ ...HANDSHAKE, ...fields }).filter(
      ([, value]) => value !== 'none',
    )
    return acceptWebSocket(
      { ...requestWith(Object.fromEntries(present) as FieldValues), ...request },
      OFFER,
    )
  }
  const refused = (status: number, what: string, fields: FieldValues, reason: Reason) => {
    const answer = ask(what, fields)
    const isOnlyOther = answer.status !== status && answer.status !== 101
    expectSame('the status', answer.status, status, {
      ...reason,
      likely: isOnlyOther
        ? `The request is refused, as it should be, but with the wrong status: it has to get ${status}.`
        : reason.likely,
    })
    expect('the answer not to switch protocols', answer.upgrade === undefined, {
      because: 'It is a refusal.',
      likely: 'Only an answer with status 101 has a function `upgrade`.',
    })
    for (const name of ['Sec-WebSocket-Accept', 'Sec-WebSocket-Protocol']) {
      const value = field(answer, name.toLowerCase())
      if (value === undefined) continue
      expectSame(name, value, undefined, {
        because: 'It is a refusal: it accepts nothing.',
        likely: isLeftBehind() ? CHANGED : 'Only an answer with status 101 has that field.',
      })
    }
    return answer
  }

  /** Whether an answer has a field that only an earlier one can have brought. */
  const isLeftBehind = () => {
    const plain = acceptWebSocket(requestWith(HANDSHAKE as FieldValues), { open })
    const refusal = acceptWebSocket(requestWith({}), { open })
    return (
      OFFER.protocols.includes(field(plain, 'sec-websocket-protocol') ?? '') ||
      field(refusal, 'sec-websocket-accept') === acceptFor(SAMPLE_KEY)
    )
  }
  const accepted = (what: string, fields: FieldValues, reason: Reason) => {
    const answer = ask(what, fields)
    expectSame('the status', answer.status, 101, {
      ...reason,
      likely: likelyOf(answer.status, fields, reason),
    })
    return answer
  }
  /** The answer to a right handshake with these fields, by another offer than ours. */
  const acceptAny = (fields: FieldValues, offer: Offer) =>
    acceptWebSocket(requestWith({ ...HANDSHAKE, ...fields } as FieldValues), offer)
  return { accepted, acceptAny, ask, isLeftBehind, opened, open, OFFER, protocol, refused }
}

/** Why an answer may have fields of an earlier one. */
export const CHANGED =
  'An earlier answer had that field. UPGRADE is shared by all answers: copy it, and do not change it.'

/** Why a right request may have drawn that status. */
function likelyOf(status: number, fields: FieldValues, { likely }: Reason): string | undefined {
  if (status === 403 && !('Origin' in fields)) {
    return 'Other programs send no Origin: check an Origin only if there is one.'
  }
  if (likely === undefined || status === 426) return likely
  if (status === 405) return 'Only the method can lead to 405, and this one is GET.'
  if (status === 400)
    return 'Only the key can lead to 400, and this one is right, however often it is sent.'
  return status === 403 ? likely : 'A request for a WebSocket is accepted with 101.'
}

export const BAD_KEYS: (string | string[])[] = [
  'none',
  '',
  'dGhlIHNhbXBsZSBub25jZQ',
  'dGhlIHNhbXBsZSBub25jZQ=',
  'dGhlIHNhbXBsZSBub25j',
  'dGhlIHNhbXBsZSBub25jZQAA',
  'dGhlIHNhbXBsZSBub25jZSE=',
  'dGhlIHNhbXBsZSBub25jZSEhIQ==',
  'dGhlIHNhbXBsZSBub25j Q==',
  'dGhlIHNhbXBsZSBub25j-Q==',
  ['dGhlIHNhbXBsZSBub25jZQ==', 'dGhlIHNhbXBsZSBub25jZQ=='],
]

/** A field of an answer; names are the same in upper and lower case. */
export function field({ headers = {} }: HttpAnswer, name: string): string | undefined {
  const found = Object.entries(headers).find(([each]) => each.toLowerCase() === name)
  return found && String(found[1])
}
