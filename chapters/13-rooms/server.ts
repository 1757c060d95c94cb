/** Rooms full of people on one loop: JSON messages in frames. */

import { randomUUID } from 'node:crypto'
import { TokenBucket } from '../10-backpressure/limits.ts'
import { type BoundedOptions, type BoundedServer, serveBounded } from '../10-backpressure/server.ts'
import type { Chat, Handler } from './chat-session.ts'
import { ChatFrames, encodeText } from './frame-peer.ts'
import { HANDLERS, helloByName } from './handlers.ts'
import { Hub, type HubLimits } from './hub.ts'
import { type Journal, MemoryJournal } from './journal.ts'
import { lastWords } from './peer.ts'
import { Names } from './people.ts'
import { REQUESTS } from './protocol.ts'

export interface ChatServerOptions extends BoundedOptions, Partial<HubLimits> {
  /** How many messages per second a person may say in the long run, and how many at once after a pause. */
  saysPerSecond?: number
  burstSays?: number
}

export function startServer(options: ChatServerOptions = {}): Promise<BoundedServer> {
  const { clock = performance, saysPerSecond = Number.POSITIVE_INFINITY, burstSays = 20 } = options
  // One less, because a bucket lets the last one overdraw it.
  const makeBucket = () =>
    Number.isFinite(saysPerSecond)
      ? new TokenBucket(clock, saysPerSecond, burstSays - 1)
      : undefined
  const journal = new MemoryJournal({ now: Date.now })
  const hello = helloByName(new Names(makeBucket), randomUUID())
  return serveChat(options, makeChat(journal, hello, options))
}

/** The chat of this chapter. Later chapters spread it and add to its tables. */
export function makeChat(journal: Journal, hello: Handler, limits: Partial<HubLimits> = {}): Chat {
  return {
    hub: new Hub(journal, limits),
    requests: REQUESTS,
    handlers: { ...HANDLERS, hello },
    beforeWelcome: new Set(['hello']),
    onBug: (error) => console.error(error),
  }
}

/** Listens for frames. */
export function serveChat(options: BoundedOptions, chat: Chat): Promise<BoundedServer> {
  return serveBounded(options, {
    open: (connection) => new ChatFrames(connection, chat),
    refusal: (why) => encodeText(lastWords(why)!.text),
  })
}
