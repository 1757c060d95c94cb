/** The chat of 14, with messages that survive: whatever was answered with `said` is there after every crash. */

import type { Chat } from '../13-rooms/chat-session.ts'
import { makeChat } from '../13-rooms/server.ts'
import { accountHandlers } from '../14-accounts/account-handlers.ts'
import { type AccountServices, openAccountServices } from '../14-accounts/account-services.ts'
import {
  type AccountServer,
  type AccountServerOptions,
  serveAccounts,
  withAccounts,
} from '../14-accounts/server.ts'
import { type DataOptions, openData } from './data-folder.ts'
import { historyHandlers } from './handlers.ts'
import type { LogJournal } from './log-journal.ts'

/** `data` is the folder of log and accounts. Without it, both are gone when the server is. */
export interface HistoryServerOptions extends AccountServerOptions, DataOptions {}

/** A chat on a data folder, before anybody listens. */
export interface OpenChat {
  chat: Chat
  journal: LogJournal
  services: AccountServices
  /** Saves what was said and lets go of the folder; the services close with the server. */
  close(): Promise<void>
}

export async function startServer(options: HistoryServerOptions = {}): Promise<AccountServer> {
  return serveOpenChat(options, await openChat(options))
}

/** Opens the data folder. Rejects if the log is damaged, or if another server uses the folder. */
export async function openChat(options: HistoryServerOptions): Promise<OpenChat> {
  const { journal, close } = await openData(options)
  const { reports = console } = options
  const onBug = (error: unknown) => reports.error(error)
  try {
    const services = await openAccountServices(options, onBug)
    const { hello, ...others } = accountHandlers(services, journal.origin)
    const handlers = { ...others, ...historyHandlers(journal) }
    return {
      chat: { ...withAccounts(makeChat(journal, hello, options), handlers), onBug },
      journal,
      services,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Listens. The data are closed after the last connection, or if the server cannot listen. */
export async function serveOpenChat(
  options: HistoryServerOptions,
  { chat, services, close }: OpenChat,
): Promise<AccountServer> {
  try {
    const server = await serveAccounts(options, services, chat)
    return { ...server, close: () => server.close().finally(close) }
  } catch (error) {
    await close()
    throw error
  }
}
