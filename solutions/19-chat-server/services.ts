/** Everything that is behind the doors: accounts, history, and the one chat on them. */

import type { Chat } from '../13-rooms/chat-session.ts'
import type { AccountServices } from '../14-accounts/account-services.ts'
import type { Folder } from '../15-history/folder.ts'
import type { LogLimits } from '../15-history/log.ts'
import type { LogJournal } from '../15-history/log-journal.ts'
import { type HistoryServerOptions, openChat } from '../15-history/server.ts'
import { withKeys } from '../16-client/server.ts'
import type { Logs } from './logs.ts'
import type { Measures } from './measures.ts'

export interface ChatServices {
  readonly chat: Chat
  readonly accounts: AccountServices
  readonly journal: LogJournal
  /** Why nobody should connect now; `undefined` when all is well. */
  whyNotReady(): string | undefined
  /** Saves what was said, and lets go of all files. Rejects, after that, if the disk has failed. */
  close(): Promise<void>
}

const MEBIBYTE = 1024 * 1024

/** The oldest segment goes as a whole, so it is a small part of what is kept. */
export function logLimits(maxLogMegabytes: number): LogLimits {
  const maxTotalBytes = maxLogMegabytes * MEBIBYTE
  return { maxTotalBytes, maxSegmentBytes: Math.min(64 * MEBIBYTE, maxTotalBytes / 8) }
}

/** Opens the data folder. Rejects with one sentence when it is damaged, or in use by another server. */
export async function openServices(
  options: HistoryServerOptions,
  logs: Logs,
  measures: Measures | undefined,
): Promise<ChatServices> {
  const reports = {
    warn: (text: string) => logs.warn(text),
    error: (what: unknown) => (typeof what === 'string' ? logs.error(what) : logs.bug(what)),
  }
  const around = measures && ((folder: Folder) => measures.watchFolder(folder))
  const { chat, journal, services, close } = await openChat({ ...options, reports, around })
  measures?.watchJournal(journal)
  return {
    chat: withKeys(chat, journal),
    accounts: services,
    journal,
    whyNotReady: () => (journal.failure ? 'Nothing is saved any more.' : undefined),
    close: () => services.close().finally(close),
  }
}
