/** What `join` and `history` do when most messages are on a disk, and what `say` does when rooms stay. */

import type { ChatSession, Handler } from '../13-rooms/chat-session.ts'
import type { Refusal } from '../13-rooms/codes.ts'
import { badRequest } from '../13-rooms/fields.ts'
import { join, refuseInOrder, roomOf, type SayOptions, say } from '../13-rooms/handlers.ts'
import type { HistoryRequest, JoinRequest, SayRequest } from '../13-rooms/protocol.ts'
import type { LogJournal } from './log-journal.ts'

/** Handlers that replace those of 13. */
export function historyHandlers(journal: LogJournal): Record<string, Handler> {
  return {
    join: (session, request: JoinRequest) => joinLoaded(journal, session, request),
    history: (session, request: HistoryRequest) => pageOfHistory(journal, session, request),
    say(session, request: SayRequest, options?: SayOptions) {
      const refusal = tooManyCreated(journal, session, request.room)
      if (!refusal) return say(session, request, options)
      options?.onOutcome?.(refusal)
      return refuseInOrder(session, request, refusal)
    },
  }
}

/** Rooms that an account may create: a room is there for good from its first message on. */
const MAX_ROOMS_CREATED = 10

/** Why the session may not say the first message of a room; `undefined` if it may, or if there is one already. */
export function tooManyCreated(
  journal: LogJournal,
  { name }: ChatSession,
  room: string,
): Refusal | undefined {
  if (journal.has(room) || journal.roomsCreatedBy(name) < MAX_ROOMS_CREATED) return undefined
  const text = `You have created ${MAX_ROOMS_CREATED} rooms, and more are not allowed.`
  return { code: 'too-many-rooms', text }
}

/** Loads everything that the answer needs into memory, then joins in one turn. */
async function joinLoaded(
  journal: LogJournal,
  session: ChatSession,
  request: JoinRequest,
): Promise<void> {
  const { room, after } = request
  await journal.load(room)
  try {
    const page = after === undefined ? undefined : await journal.pageAbove(room, after)
    if (session.isOver) return
    if (!page) return join(session, request)
    const { messages } = page
    join(session, request, ({ history }) => ({
      messages,
      more: (messages.at(-1)?.number ?? after!) < history.last,
    }))
  } finally {
    journal.release(room)
  }
}

async function pageOfHistory(
  journal: LogJournal,
  session: ChatSession,
  request: HistoryRequest,
): Promise<void> {
  const { before, after, limit } = request
  if (before !== undefined && after !== undefined)
    return session.refuse(request, badRequest('before', 'and "after" exclude each other.'))
  const room = roomOf(session, request)
  if (!room) return
  const page = await journal.page(room.name, { before, after, limit })
  if (session.isOver) return
  session.answer(request, { type: 'history', room: room.name, first: room.history.first, ...page })
}
