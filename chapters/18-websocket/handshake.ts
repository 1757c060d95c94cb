/**
 * The opening handshake (RFC 6455 §4.2): an HTTP request asks for a WebSocket, and its answer says yes, or why not.
 *
 * A browser may send our cookie along when another page opens a WebSocket to us, and CORS does not stop it. But the
 * browser also says in `Origin` whose page that is, and that is what keeps strangers' pages out (§10.2). Nothing here
 * touches a socket.
 */

import { createHash } from 'node:crypto'
import type { Connection, Protocol } from '../07-event-loop/connection.ts'
import type { TimerQueue } from '../08-timers/timer-queue.ts'
import { type HttpAnswer, type HttpRequest, withoutBlanks } from '../17-http/http-message.ts'

export interface Offer {
  /** The subprotocols that we speak. */
  protocols?: readonly string[]
  /**
   * The origins whose pages may connect (`https://chat.example.org`); any, if left out. Other programs send no Origin.
   */
  origins?: readonly string[]
  /** What the connection speaks from then on. */
  open(connection: Connection, timers: TimerQueue): Protocol
}

/** Every server appends this to the key: one that does not know it does not speak WebSocket. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** 16 bytes in Base64. */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/

const VERSION = '13'

/** Each of the two fields needs the other (RFC 9110 §7.8). */
const UPGRADE = { Upgrade: 'websocket', Connection: 'Upgrade' }

/**
 * Answers a request for a WebSocket. It is refused
 * - with 405 and `Allow`, unless it is a GET;
 * - with 426, `UPGRADE` and `Sec-WebSocket-Version`, unless it is HTTP/1.1, `Upgrade` lists `websocket` and
 *   `Connection` lists `upgrade` (`listOf`), in upper or lower case, and the version is 13;
 * - with 400, unless there is one key, which is 16 bytes in Base64 (`KEY`);
 * - with 403, when it has an `Origin` that is not one of ours.
 *
 * If several of these apply, the request may get any of them; but a GET without any WebSocket field gets 426.
 *
 * Otherwise it is accepted: 101 with `UPGRADE`, the answer to the key, and the first of the *client's* subprotocols
 * that we speak, if there is one; the offer's `open` then takes over the connection. No extension is accepted.
 *
 * @step 18.1
 */
export function acceptWebSocket(request: HttpRequest, offer: Offer): HttpAnswer {
  // TODO 18.1
  throw new Error('TODO 18.1')
}

/**
 * The proof that we have read the key: SHA-1 over the key and then the GUID, in Base64.
 *
 * @step 18.1
 */
function answerTo(key: string): string {
  // TODO 18.1
  throw new Error('TODO 18.1')
}

/**
 * The elements of a header that is a list (RFC 9110 §5.6.1), without the blanks around them: spaces and tabs. Empty
 * elements do not count.
 */
function listOf(value = ''): string[] {
  return value
    .split(',')
    .map(withoutBlanks)
    .filter((element) => element !== '')
}
