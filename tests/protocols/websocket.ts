/** WebSocket as the tests speak it (RFC 6455): the client's end, which may be as wrong as it likes. */

import { createHash } from 'node:crypto'
import { type Bytes, countBytes, hex, toBytes } from '../harness/bytes.ts'
import type { Client } from '../harness/client.ts'
import type { Reason } from '../harness/failure.ts'
import { withCommas } from '../harness/numbers.ts'

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

export type FrameKind = keyof typeof OPCODE

/** How a frame differs from an ordinary one. */
export interface FrameForm {
  isFinal?: boolean
  /** The three reserved bits, as they stand in the first byte: 0x40, 0x20, 0x10. */
  reserved?: number
  /** Four bytes; `'none'` leaves key and mask away. */
  key?: readonly number[] | 'none'
  /** How many bytes the length has: 0, 2 or 8. As few as possible when it is not said. */
  lengthBytes?: number
  /** What the length says; that of the payload when it is not said. */
  length?: number
}

/** Every byte of it differs, and the highest bit of its words is set. */
export const KEY = [0x9f, 0x12, 0xe4, 0xc7] as const

/** A frame as a client sends it. The kind may be a number that is none. */
export function clientFrame(
  kind: FrameKind | number,
  payload: Bytes = '',
  { isFinal = true, reserved = 0, key = KEY, lengthBytes, length }: FrameForm = {},
): Buffer {
  const bytes = toBytes(payload)
  const opcode = typeof kind === 'number' ? kind : OPCODE[kind]
  const announced = length ?? bytes.length
  const form = lengthBytes ?? (announced < 126 ? 0 : announced < 65_536 ? 2 : 8)
  const isMasked = key !== 'none'
  const head = [
    (isFinal ? 0x80 : 0) | reserved | opcode,
    (isMasked ? 0x80 : 0) | (form === 0 ? announced : form === 2 ? 126 : 127),
    ...bigEndian(announced, form),
    ...(isMasked ? key : []),
  ]
  const body = isMasked ? bytes.map((byte, place) => byte ^ key[place % 4]) : bytes
  return Buffer.concat([Buffer.from(head), body])
}

/** A message as one frame. */
export function clientText(text: Bytes): Buffer {
  return clientFrame('text', text)
}

/** A Close frame with a code, and a reason. */
export function clientClose(code?: number, reason: Bytes = ''): Buffer {
  return clientFrame('close', closePayload(code, reason))
}

export function closePayload(code?: number, reason: Bytes = ''): Buffer {
  if (code === undefined) return Buffer.alloc(0)
  return Buffer.concat([Buffer.from(bigEndian(code, 2)), toBytes(reason)])
}

/** A frame as a server sends it: final, without a mask, its length as short as it can be. */
export function serverFrame(kind: FrameKind, payload: Bytes = ''): Buffer {
  return clientFrame(kind, payload, { key: 'none' })
}

export interface ServerFrame {
  kind: string
  payload: Buffer
  /** What is wrong with it as a frame of a server, if anything is. */
  fault?: string
}

/** The whole frames at the front of what a server has sent, and what is left of it. */
export function parseServerFrames(bytes: Uint8Array): { frames: ServerFrame[]; rest: Uint8Array } {
  const frames: ServerFrame[] = []
  let rest = bytes
  for (let end = endOfServerFrame(rest); end > 0; end = endOfServerFrame(rest)) {
    frames.push(toServerFrame(rest.subarray(0, end)))
    rest = rest.subarray(end)
  }
  return { frames, rest }
}

/** What a client sends, in words: its frames, and how many bytes are left over. */
export function describeSent(bytes: Uint8Array): string {
  const sent: string[] = []
  let rest = bytes
  for (let end = endOfServerFrame(rest); end > 0; end = endOfServerFrame(rest)) {
    const start = startOfPayload(rest)
    const isMasked = rest[1] >= 0x80
    const key = isMasked ? rest.subarray(start - 4, start) : Uint8Array.of(0)
    const payload = rest.subarray(start, end).map((byte, at) => byte ^ key[at % key.length])
    const form = `${rest[0] < 0x80 ? ', to be continued' : ''}${isMasked ? '' : ', not masked'}`
    sent.push(`${describeFrame({ kind: kindOf(rest), payload: Buffer.from(payload) })}${form}`)
    rest = rest.subarray(end)
  }
  if (rest.length > 0) sent.push(`the first ${countBytes(rest.length)} of a ${kindOf(rest)} frame`)
  if (sent.length <= 6) return sent.join('; ')
  return `${withCommas(sent.length)} frames: ${sent[0]}; …; ${sent.at(-1)}`
}

/** Where the frame at the front ends; 0 when it is not all there. */
function endOfServerFrame(bytes: Uint8Array): number {
  if (bytes.length < 2) return 0
  const start = startOfPayload(bytes)
  if (bytes.length < start) return 0
  const end = start + lengthOf(bytes)
  return end <= bytes.length ? end : 0
}

/** `close 1002 "…"`, `text "hello"`, `binary 3 bytes`: a frame as a person reads it. */
export function describeFrame({ kind, payload, fault }: ServerFrame): string {
  if (fault) return `a ${kind} frame that is wrong: ${fault}`
  if (kind === 'close') return describeClose(payload)
  const text = payload.length > 60 ? `${payload.length} bytes` : JSON.stringify(payload.toString())
  return `${kind} ${text}`
}

/** What a handshake asks with; a field that is `undefined` is left out, one with several values comes several times. */
export type Fields = Record<string, string | string[] | undefined>

export const SAMPLE_KEY = 'dGhlIHNhbXBsZSBub25jZQ=='

/** The fields of a right handshake. */
export const HANDSHAKE: Fields = {
  Upgrade: 'websocket',
  Connection: 'Upgrade',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': SAMPLE_KEY,
}

export function upgradeRequest(path: string, port: number, fields: Fields = {}): string {
  const all = Object.entries({ Host: `127.0.0.1:${port}`, ...HANDSHAKE, ...fields })
  const lines = all.flatMap(([name, value]) =>
    [value ?? []].flat().map((each) => `${name}: ${each}\r\n`),
  )
  return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
}

/** What a server proves with that it has read the key (RFC 6455 §4.2.2). */
export function acceptFor(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
}

/** Shakes hands with a server. */
export async function openWebSocket(
  client: Client,
  port: number,
  path: string,
  fields: Fields = {},
): Promise<void> {
  await client.send(upgradeRequest(path, port, fields))
  await expectHead(client, 101, { because: `${path} is a WebSocket.` })
}

/** Expects the head of an HTTP answer with that status, and returns it. */
export async function expectHead(client: Client, status: number, reason: Reason): Promise<string> {
  const head = await client.expectMessage(
    {
      what: `an answer with status ${status}`,
      endOf: (bytes) => {
        const place = Buffer.from(bytes).indexOf('\r\n\r\n')
        return place < 0 ? 0 : place + 4
      },
      fits: (bytes) => Buffer.from(bytes).toString('latin1').startsWith(`HTTP/1.1 ${status} `),
    },
    reason,
  )
  return Buffer.from(head).toString('latin1')
}

/** Expects one frame of the server: that kind, and that payload. */
export async function expectFrameOf(
  client: Client,
  kind: FrameKind,
  payload: Bytes | ((payload: Buffer) => boolean),
  reason: Reason,
  named?: string,
): Promise<Buffer> {
  const fits =
    typeof payload === 'function'
      ? payload
      : (received: Buffer) => Buffer.compare(received, toBytes(payload)) === 0
  const what =
    typeof payload === 'function'
      ? (named ?? `a ${kind} frame`)
      : describeFrame({ kind, payload: Buffer.from(toBytes(payload)) })
  const frame = await client.expectMessage(
    {
      what,
      endOf: endOfServerFrame,
      fits: (bytes) => {
        const { kind: received, payload: body, fault } = toServerFrame(bytes)
        return !fault && received === kind && fits(body)
      },
    },
    reason,
  )
  return toServerFrame(frame).payload
}

/** Expects a Close frame with that code, whatever its reason, and FIN. */
export async function expectClose(
  client: Client,
  code: number | undefined,
  reason: Reason,
): Promise<void> {
  await expectFrameOf(client, 'close', (payload) => codeOf(payload) === code, reason)
  await client.expectEnd({ because: 'FIN follows a Close: the server says no more.' })
}

/** The code in the payload of a Close frame; `undefined` when there is none. */
export function codeOf(payload: Uint8Array): number | undefined {
  return payload.length === 0 ? undefined : payload[0] * 256 + payload[1]
}

function toServerFrame(bytes: Uint8Array): ServerFrame {
  const payload = Buffer.from(bytes.subarray(startOfPayload(bytes)))
  const kind = kindOf(bytes)
  return { kind, payload, fault: faultOf(bytes, kind) }
}

function kindOf(bytes: Uint8Array): string {
  const opcode = bytes[0] & 0x0f
  return Object.entries(OPCODE).find(([, each]) => each === opcode)?.[0] ?? `opcode ${opcode}`
}

function faultOf(bytes: Uint8Array, kind: string): string | undefined {
  const length = lengthOf(bytes)
  if (bytes[0] & 0x70) return 'a reserved bit is set'
  if (!(kind in OPCODE)) return 'there is no such opcode'
  if (bytes[1] & 0x80) return 'a server does not mask'
  const short = bytes[1] & 0x7f
  if ((short === 126 && length < 126) || (short === 127 && length < 65_536)) {
    return 'its length could be shorter'
  }
  const isControl = OPCODE[kind as FrameKind] >= OPCODE.close
  return isControl && (length > 125 || bytes[0] < 0x80) ? 'a control frame is short' : undefined
}

function startOfPayload(bytes: Uint8Array): number {
  const short = bytes[1] & 0x7f
  return 2 + (short < 126 ? 0 : short === 126 ? 2 : 8) + (bytes[1] & 0x80 ? 4 : 0)
}

function lengthOf(bytes: Uint8Array): number {
  const short = bytes[1] & 0x7f
  if (short < 126) return short
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  return short === 126 ? view.readUInt16BE(2) : Number(view.readBigUInt64BE(2))
}

function bigEndian(value: number, count: number): number[] {
  return Array.from(
    { length: count },
    (_, place) => Math.floor(value / 256 ** (count - 1 - place)) % 256,
  )
}

function describeClose(payload: Buffer): string {
  const code = codeOf(payload)
  if (code === undefined) return 'close without a code'
  if (payload.length === 1) return `close with half a code (${hex(payload)})`
  return `close ${code} ${JSON.stringify(payload.subarray(2).toString())}`
}
