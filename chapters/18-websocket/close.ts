/** Why a WebSocket ends, and the Close frame that says so: a two-byte code and a reason (RFC 6455 §5.5.1 and §7.4). */

import { isUtf8 } from 'node:buffer'
import { CLOSE, encodeFrame, MAX_CONTROL_BYTES } from './websocket-frames.ts'

/** What a peer can do wrong, with the code and the reason that it is told. */
export const FAULTS = {
  'reserved-bits': { code: 1002, text: 'A reserved bit is set, and no extension was agreed on.' },
  'unknown-opcode': { code: 1002, text: 'There is no such opcode.' },
  'not-masked': { code: 1002, text: 'A client masks its frames.' },
  'length-not-minimal': { code: 1002, text: 'A length is written in as few bytes as it can be.' },
  'control-in-fragments': { code: 1002, text: 'A control frame is not fragmented.' },
  'control-too-long': { code: 1002, text: 'A control frame has 125 bytes of payload at most.' },
  'nothing-to-continue': { code: 1002, text: 'There is no message to continue.' },
  'message-not-finished': { code: 1002, text: 'The last message is not finished.' },
  'bad-close': { code: 1002, text: 'That is no Close: its code is cut off, or may not be sent.' },
  'cut-off': { code: 1002, text: 'The end came inside a message.' },
  'not-utf8': { code: 1007, text: 'That is not UTF-8.' },
  'too-large': { code: 1009, text: 'The message is larger than is accepted here.' },
} as const

export type Fault = keyof typeof FAULTS

/** Stands for "no code". It is never sent. */
export const NO_CODE = 1005

export interface Close {
  code: number
  reason: string
}

/**
 * Parses the payload of a Close frame. An empty payload has no code: that is `NO_CODE`. Otherwise it is a big-endian
 * code and a reason in UTF-8 (if not: `'not-utf8'`), which is returned as it was sent. Codes that may be sent are
 * 1000–1003, 1007–1014 and 3000–4999; any other code, or half of one, is a `'bad-close'`.
 *
 * @step 18.6
 */
export function parseClose(payload: Uint8Array): Close | Fault {
  // TODO 18.6
  throw new Error('TODO 18.6')
}

/** A Close frame. A reason that is too long is cut, between two characters. */
export function encodeClose({ code, reason }: Close): Uint8Array {
  if (code === NO_CODE) return encodeFrame(CLOSE, new Uint8Array())
  const payload = new Uint8Array(MAX_CONTROL_BYTES)
  payload[0] = code >> 8
  payload[1] = code & 0xff
  const { written } = new TextEncoder().encodeInto(reason, payload.subarray(2))
  return encodeFrame(CLOSE, payload.subarray(0, 2 + written))
}
