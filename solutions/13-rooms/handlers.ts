/** What each request does. */

import type { ChatSession, Handler } from './chat-session.ts'
import type { Refusal } from './codes.ts'
import { badRequest, MAX_PAGE_MESSAGES, MAX_TEXT_UNITS, PROTOCOL_VERSION } from './fields.ts'
import { MAX_REQUEST_BYTES } from './frame-peer.ts'
import { HUB_LIMITS } from './hub.ts'
import type { Message, Page } from './journal.ts'
import type { Names, Person } from './people.ts'
import type {
  HelloRequest,
  HistoryRequest,
  JoinRequest,
  Request,
  RoomRequest,
  SayRequest,
} from './protocol.ts'
import { notAMember, type Room } from './room.ts'

/** What a client has to know to keep out of trouble. */
export const WELCOME_LIMITS = {
  requestBytes: MAX_REQUEST_BYTES,
  textUnits: MAX_TEXT_UNITS,
  pageMessages: MAX_PAGE_MESSAGES,
  rooms: HUB_LIMITS.roomsPerMember,
}

/** `rooms` lists this many at most: its answer is one message. */
const MAX_LISTED_ROOMS = 1_000

export const HANDLERS = {
  join,
  leave,
  say,
  history,
  who,
  rooms: listRooms,
} satisfies Record<string, Handler>

/**
 * `hello` of this chapter: whoever says a free name has it. `server` identifies the data whose numbers clients
 * remember.
 */
export function helloByName(names: Names, server: string): Handler {
  return (session, request: HelloRequest) => {
    if (session.person) return session.refuse(request, ALREADY_WELCOME)
    const person = names.take(request.name)
    if (!person)
      return session.refuse(request, { code: 'name-taken', text: 'Somebody here has this name.' })
    welcome(session, request, person, { server })
  }
}

export const ALREADY_WELCOME: Refusal = {
  code: 'already-welcome',
  text: 'You have said hello on this connection.',
}

/** Makes the session speak for this person from now on, and answers `welcome`. */
export function welcome(
  session: ChatSession,
  request: Request,
  person: Person,
  more: { server: string },
): void {
  session.person = person
  const { name } = person
  const type = 'welcome'
  session.answer(request, {
    type,
    version: PROTOCOL_VERSION,
    name,
    ...more,
    limits: WELCOME_LIMITS,
  })
}

/**
 * Joins the room and answers `joined` with `room`, `last`, `first` and the page of its history that `pageOf` returns:
 * by default the oldest messages above `after`, or else the newest. Every message up to `last` was told before; every
 * later one will be told to this session after the answer. `members` has everybody's name, the joiner's as well.
 *
 * @step 13.5
 */
export function join(
  session: ChatSession,
  request: JoinRequest,
  pageOf: (room: Room) => Page = ({ history }) => history.page({ after: request.after }),
): void {
  const room = session.chat.hub.join(session, request.room)
  if ('code' in room) return session.refuse(request, room)
  const { last, first } = room.history
  const about = { room: room.name, last, first, members: room.names }
  session.answer(request, { type: 'joined', ...about, ...pageOf(room) })
}

export function leave(session: ChatSession, request: RoomRequest): void {
  const refusal = session.chat.hub.leave(session, request.room)
  if (refusal) session.refuse(request, refusal)
  else session.answer(request, { type: 'left', room: request.room })
}

/** What chapter 16 adds to a `say`. */
export interface SayOptions {
  key?: string
  /** A token for it has been taken already (`tooFast`). */
  isPaid?: boolean
  /** Called once, before the answer: with the message, or with why there is none. */
  onOutcome?(outcome: Message | Refusal): void
}

/** The handler of `say`. Another one in its place has to pass `options` on, and tell `onOutcome` what it refuses. */
export type Say = typeof say

/**
 * Gives a message to the journal without waiting for it, so that many can be kept together: `onKept` sends the answer.
 * A refusal is sent after the answers to what was said before.
 */
export function say(
  session: ChatSession,
  request: SayRequest,
  { key, isPaid = false, onOutcome }: SayOptions = {},
): void | Promise<void> {
  const { room, text } = request
  const { name } = session
  const answered = Promise.withResolvers<void>()
  const onKept = (message: Message | undefined) => {
    onOutcome?.(message ?? NOT_SAVED)
    if (message) {
      const { number, at } = message
      session.answer(request, { type: 'said', room, number, at })
    } else session.refuse(request, NOT_SAVED)
    answered.resolve()
  }
  const draft = key === undefined ? { room, name, text, onKept } : { room, name, text, key, onKept }
  const refusal =
    (isPaid ? undefined : tooFast(session.person)) ?? session.chat.hub.say(session, draft)
  if (refusal) {
    onOutcome?.(refusal)
    return refuseInOrder(session, request, refusal)
  }
  session.newestSay = answered.promise
}

/** Refuses a request, after the answers to everything that the session has said. */
export async function refuseInOrder(
  session: ChatSession,
  request: Request,
  refusal: Refusal,
): Promise<void> {
  await session.newestSay
  session.refuse(request, refusal)
}

export function history(session: ChatSession, request: HistoryRequest): void {
  const { before, after, limit } = request
  if (before !== undefined && after !== undefined) {
    return session.refuse(request, badRequest('before', 'and "after" exclude each other.'))
  }
  const room = roomOf(session, request)
  if (!room) return
  const { first } = room.history
  const page = room.history.page({ before, after, limit })
  session.answer(request, { type: 'history', room: room.name, first, ...page })
}

export function who(session: ChatSession, request: RoomRequest): void {
  const room = roomOf(session, request)
  if (room) session.answer(request, { type: 'members', room: room.name, members: room.names })
}

/** Lists the rooms that somebody is in, the oldest first. */
export function listRooms(session: ChatSession, request: Request): void {
  const rooms = session.chat.hub.rooms
    .take(MAX_LISTED_ROOMS)
    .map(({ name, names, history }) => ({ room: name, members: names.length, last: history.last }))
  session.answer(request, { type: 'rooms', rooms: [...rooms] })
}

/** The room that the request is about; `undefined` if the session is not in it, which is refused here. */
export function roomOf(session: ChatSession, request: RoomRequest): Room | undefined {
  const room = session.chat.hub.roomOf(session, request.room)
  if (!room) session.refuse(request, notAMember(request.room))
  return room
}

/** Takes a token for a `say`, if the person has a bucket; returns the refusal when it is empty. */
export function tooFast(person: Person | undefined): Refusal | undefined {
  if (!person?.bucket) return undefined
  const waitMs = person.bucket.take(0)
  if (waitMs === 0) person.bucket.take(1)
  if (waitMs === 0) return undefined
  const seconds = Math.ceil(waitMs / 1_000)
  return { code: 'too-fast', text: `You talk too fast. Wait for ${seconds} s.`, seconds }
}

export const NOT_SAVED: Refusal = {
  code: 'not-saved',
  text: 'It may be lost. Say it again with the same key.',
}
