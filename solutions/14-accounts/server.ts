/** The rooms of chapter 13, for people with accounts. */

import { randomUUID } from 'node:crypto'
import type { BoundedServer } from '../10-backpressure/server.ts'
import type { Chat } from '../13-rooms/chat-session.ts'
import { MemoryJournal } from '../13-rooms/journal.ts'
import { type ChatServerOptions, makeChat, serveChat } from '../13-rooms/server.ts'
import { accountHandlers } from './account-handlers.ts'
import { ACCOUNT_REQUESTS, BEFORE_WELCOME } from './account-requests.ts'
import {
  type AccountOptions,
  type AccountServices,
  openAccountServices,
} from './account-services.ts'

export interface AccountServerOptions extends ChatServerOptions, AccountOptions {}

export interface AccountServer extends BoundedServer {
  stats(): ReturnType<BoundedServer['stats']> & ReturnType<AccountServices['stats']>
}

export async function startServer(options: AccountServerOptions = {}): Promise<AccountServer> {
  const services = await openAccountServices(options, console.error)
  const journal = new MemoryJournal({ now: Date.now })
  const { hello, ...others } = accountHandlers(services, randomUUID())
  const chat = makeChat(journal, hello, options)
  return serveAccounts(options, services, withAccounts(chat, others))
}

/** The chat, with the requests about accounts. */
export function withAccounts(chat: Chat, handlers: Chat['handlers']): Chat {
  return {
    ...chat,
    requests: ACCOUNT_REQUESTS,
    handlers: { ...chat.handlers, ...handlers },
    beforeWelcome: BEFORE_WELCOME,
  }
}

/** Listens for frames. The services are closed with the server, or when it cannot listen. */
export async function serveAccounts(
  options: AccountServerOptions,
  services: AccountServices,
  chat: Chat,
): Promise<AccountServer> {
  try {
    const server = await serveChat(options, chat)
    return {
      ...server,
      stats: () => ({ ...server.stats(), ...services.stats() }),
      async close() {
        await server.close()
        await services.close()
      },
    }
  } catch (error) {
    await services.close()
    throw error
  }
}
