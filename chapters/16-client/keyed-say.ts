/** `say {key, since}`: the request that may arrive twice. Without a key it is the `say` of the chapters before. */

import type { ChatSession, Handler } from '../13-rooms/chat-session.ts'
import { type Fields, integer, matching, optional } from '../13-rooms/fields.ts'
import { refuseInOrder, type Say, tooFast } from '../13-rooms/handlers.ts'
import type { SayRequest } from '../13-rooms/protocol.ts'
import { notAMember } from '../13-rooms/room.ts'
import type { SayKeys, SayOutcome } from './say-keys.ts'

interface KeyedSayRequest extends SayRequest {
  key?: string
  since?: number
}

const KEY = /^[A-Za-z0-9._-]{1,64}$/

/** What `say` may have besides its other fields. */
export const KEY_FIELDS: Fields = {
  key: optional(matching(KEY, 'bad-request', 'is 1 to 64 letters, digits, "_", "." or "-".')),
  since: optional(integer(0)),
}

/**
 * The handler of a keyed `say`, around the one that says it. Without `since` the history is searched from message 1, if
 * that is possible.
 *
 * Each one takes a token of the person, a repeat as well, and is refused before the search if there is none: a search
 * may cost us a hundred times as much as a message.
 *
 * The first to claim a key may leave the room during the search, because its connection ends. Then it says nothing, and
 * a repeat that has waited for it claims the key itself.
 */
export function sayOnce(say: Say, keys: SayKeys): Handler {
  return async (session: ChatSession, request: KeyedSayRequest) => {
    const { room, text, key, since = 0 } = request
    if (key === undefined) return say(session, request)
    const refusal = tooFast(session.person)
    if (refusal) return refuseInOrder(session, request, refusal)
    const account = session.name.toLowerCase()
    const isInRoom = () => session.chat.hub.roomOf(session, room) !== undefined
    while (isInRoom()) {
      const claim = await keys.claim({ account, room, text, key, since })
      if (claim.kind === 'first') {
        if (isInRoom()) return say(session, request, { key, isPaid: true, onOutcome: claim.settle })
        claim.settle(notAMember(room))
      } else if (!hasLeft(claim.outcome)) {
        return answerAgain(session, request, claim.outcome)
      }
    }
    // This refuses whoever is not in the room.
    if (!session.isOver) return say(session, request, { isPaid: true })
  }
}

/** Whether the first has said nothing, because it was not in the room any more. */
function hasLeft(outcome: SayOutcome): boolean {
  return 'code' in outcome && outcome.code === 'not-a-member'
}

/** Answers a repeat, after everything that this session has said. Nothing else is carried out before that. */
async function answerAgain(
  session: ChatSession,
  request: KeyedSayRequest,
  outcome: SayOutcome,
): Promise<void> {
  if ('code' in outcome) return refuseInOrder(session, request, outcome)
  await session.newestSay
  if (session.isOver) return
  const { number, at } = outcome
  session.answer(request, { type: 'said', room: request.room, number, at })
}
