/** The chat of 15, for clients that say things again when they are not sure. */

import type { Chat } from '../13-rooms/chat-session.ts'
import type { Say } from '../13-rooms/handlers.ts'
import { type HistoryServerOptions, openChat, serveOpenChat } from '../15-history/server.ts'
import { KEY_FIELDS, sayOnce } from './keyed-say.ts'
import { type KeyedHistory, SayKeys } from './say-keys.ts'

export async function startServer(options: HistoryServerOptions = {}) {
  const open = await openChat(options)
  return serveOpenChat(options, { ...open, chat: withKeys(open.chat, open.journal) })
}

/** The same chat, in which a `say` may have a key. The `say` of that chat still decides whether it may be said. */
export function withKeys(chat: Chat, history: KeyedHistory): Chat {
  const { requests, handlers } = chat
  return {
    ...chat,
    requests: { ...requests, say: { ...requests.say, ...KEY_FIELDS } },
    handlers: { ...handlers, say: sayOnce(handlers.say as Say, new SayKeys(history)) },
  }
}
