/**
 * What clients may ask for: JSON objects with an `id` and a `type`, one in each message of the transport.
 *
 * A request is checked here, once and completely; behind this border, no code checks a field again. What is wrong with
 * a request is an answer. Later chapters add types by adding to the table. Nothing here knows rooms or connections.
 */

import type { Refusal } from './codes.ts'
import {
  type Fields,
  integer,
  MAX_PAGE_MESSAGES,
  messageText,
  optional,
  personName,
  roomName,
  version,
} from './fields.ts'

export interface Request {
  /** Chosen by the client; the one answer to the request repeats it. */
  readonly id: number
  readonly type: string
}

export interface HelloRequest extends Request {
  name: string
}

export interface RoomRequest extends Request {
  /** In lower case. */
  room: string
}

export interface JoinRequest extends RoomRequest {
  /** The last number that the client has seen. */
  after?: number
}

export interface SayRequest extends RoomRequest {
  text: string
}

export interface HistoryRequest extends RoomRequest {
  before?: number
  after?: number
  limit?: number
}

/** The fields of each type of request. */
export type Requests = Readonly<Record<string, Fields>>

export const REQUESTS: Requests = {
  hello: { version, name: personName },
  join: { room: roomName, after: optional(integer(0)) },
  leave: { room: roomName },
  say: { room: roomName, text: messageText },
  history: {
    room: roomName,
    before: optional(integer(1)),
    after: optional(integer(0)),
    limit: optional(integer(1, MAX_PAGE_MESSAGES)),
  },
  who: { room: roomName },
  rooms: {},
  ping: {},
}

export type Parsed =
  | { kind: 'request'; request: Request }
  /** With the `id` of the message if that is a safe integer, even one below 1. */
  | { kind: 'refused'; id?: number; refusal: Refusal }

/**
 * Returns the request in a message, or why there is none. `malformed`: not JSON, not an object, an `id` that is not a
 * safe integer from 1 on, or a `type` that is not a string. `unknown-type`: the table does not have it. Otherwise the
 * refusal of the first rule of that type that has one; rules get the values as the client wrote them. Whatever is
 * wrong, the `id` is in the result if it is a safe integer. In a request, `room` is in lower case, however the client
 * wrote it; fields without a rule are no reason to refuse it.
 *
 * @step 13.1
 */
export function parseRequest(message: string, requests: Requests): Parsed {
  const value = parseObject(message)
  if (!value) return malformed('A request is a JSON object.')
  const { id, type } = value
  if (!Number.isSafeInteger(id)) return malformed('"id" has to be a whole number.')
  if ((id as number) < 1) return malformed('"id" counts from 1.', id as number)
  if (typeof type !== 'string') return malformed('"type" has to be a string.', id as number)
  if (!Object.hasOwn(requests, type)) {
    const refusal: Refusal = { code: 'unknown-type', text: `There is no request "${type}".` }
    return { kind: 'refused', id: id as number, refusal }
  }
  for (const [field, rule] of Object.entries(requests[type])) {
    const refusal = rule(value[field], field)
    if (refusal) return { kind: 'refused', id: id as number, refusal }
  }
  if (typeof value.room === 'string') value.room = value.room.toLowerCase()
  return { kind: 'request', request: value as unknown as Request }
}

/** The object in a JSON text; `undefined` when it is not JSON, or not an object. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function malformed(text: string, id?: number): Parsed {
  return { kind: 'refused', id, refusal: { code: 'malformed', text } }
}
