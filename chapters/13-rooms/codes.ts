/** Every code of the chat protocol, in one place. Clients act on a code; the text beside it is for people. */

import type { Ending } from '../07-event-loop/connection.ts'

/** What can be wrong with a request. The connection stays open, unless the session behind it is gone (14). */
export type Code =
  | 'malformed'
  | 'unknown-type'
  | 'bad-request'
  | 'unsupported-version'
  | 'not-welcome'
  | 'already-welcome'
  | 'bad-name'
  | 'name-taken'
  | 'email-taken'
  | 'bad-room'
  | 'not-a-member'
  | 'too-many-rooms'
  | 'room-full'
  | 'text-too-long'
  | 'too-fast'
  | 'busy'
  | 'bad-login'
  | 'try-later'
  | 'no-session'
  | 'not-saved'
  | 'stale-key'
  | 'internal'

/** Why a request is not carried out: an answer, not an exception. */
export interface Refusal {
  code: Code
  text: string
  /** With `too-fast` and `try-later`: after how many seconds the request may succeed. */
  seconds?: number
}

/** For each ending: the close code of a WebSocket (RFC 6455 §7.4.1), and what the peer is told. */
export const ENDINGS: Record<Ending, { closeCode: number; text: string }> = {
  finished: { closeCode: 1000, text: 'Goodbye.' },
  lost: { closeCode: 1006, text: 'The connection is lost.' },
  invalid: { closeCode: 1007, text: 'A request is JSON in UTF-8, and whole.' },
  'too-large': { closeCode: 1009, text: 'A request has 64 KiB at most.' },
  failed: { closeCode: 1011, text: 'The server has made a mistake.' },
  idle: { closeCode: 1008, text: 'Nothing has come from you for too long.' },
  'slow-consumer': { closeCode: 1008, text: 'You take less than there is to tell you.' },
  'no-session': { closeCode: 1008, text: 'Your session has ended.' },
  busy: { closeCode: 1013, text: 'There is no room for you now. Try again later.' },
  stopping: { closeCode: 1001, text: 'The server is stopping.' },
}
