/** A message reader of chapter 18 under test, fed with bytes that are cut somewhere. */

import { crc32 } from 'node:zlib'
import type * as ReaderModule from '#code/18-websocket/message-reader.ts'
import { countBytes, hex } from '../../harness/bytes.ts'
import type { Reason } from '../../harness/failure.ts'
import { type Random, randomBytes, randomInteger } from '../../harness/random.ts'
import type { Stage } from '../../judge/step.ts'
import { clientFrame } from '../../protocols/websocket.ts'
import type { QuietStage } from '../for-all.ts'

type Reader = InstanceType<typeof ReaderModule.MessageReader>

export function loadReader(stage: Stage): Promise<typeof ReaderModule> {
  return stage.load(() => import('#code/18-websocket/message-reader.ts'))
}

/** Takes every text: for steps in which nobody checks texts yet. */
export const ANY_TEXT = { push: () => true, end: () => true }

/** What a reader is fed with: a piece, what has to come out of it, and the places in the piece behind that. */
export interface Feed {
  piece: Uint8Array
  yields: string[]
  ends: number[]
}

/** How what came out begins if the place behind it is not right. */
export const WRONG_END = 'with end: '

/** A reason, or what makes one of what came out and what should have. */
export type ReasonOfOutcomes =
  | Reason
  | ((received: readonly string[], expected: readonly string[]) => Reason)

/** One thing that a client says: its frame, and what a reader has to make of it, if that is anything. */
export interface Said {
  frame: Uint8Array
  yields?: string
}

/**
 * Feeds a piece, as a connection does: again from where a message ended. Returns what came out, in words; if its end is not
 * the one that is due, that is the last of it. The reader gets a copy, for it may unmask in place.
 */
export function feed(reader: Reader, piece: Uint8Array, due?: Feed): string[] {
  const bytes = Uint8Array.from(piece)
  const outcomes: string[] = []
  for (let at = 0; at < bytes.length; ) {
    const incoming = reader.next(bytes, at)
    if (incoming.kind === 'incomplete') break
    outcomes.push(describeIncoming(incoming))
    if (incoming.kind === 'invalid') break
    const last = outcomes.length - 1
    const end = due?.yields[last] === outcomes[last] ? due.ends[last] : incoming.end
    if (incoming.end !== end || !(incoming.end > at)) {
      outcomes.push(`${WRONG_END}${incoming.end}, and not ${end}`)
      break
    }
    at = incoming.end
  }
  return outcomes
}

/** Feeds pieces to a reader and expects what each yields; tells only what goes wrong. */
export function expectFed(
  { expect, story }: QuietStage,
  reader: Reader,
  feeds: readonly Feed[],
  reason: ReasonOfOutcomes,
): void {
  for (const [place, due] of feeds.entries()) {
    const { piece, yields } = due
    const outcomes = feed(reader, piece, due)
    const holds = outcomes.join('\n') === yields.join('\n')
    if (!holds) for (const before of feeds.slice(0, place)) tellFeed(story, before)
    if (!holds) story.tell('test', `feeds ${inShort(piece)}`)
    expect(`the reader to yield ${inWords(yields)}`, holds, {
      ...(typeof reason === 'function' ? reason(outcomes, yields) : reason),
      expected: inLines(yields),
      received: inLines(outcomes),
    })
  }
}

/** Cuts frames into pieces at these places, each with what it completes. */
export function cutAt(said: readonly Said[], places: readonly number[]): Feed[] {
  const bytes = Buffer.concat(said.map(({ frame }) => frame))
  const inner = places.filter((place) => place > 0 && place < bytes.length)
  const cuts = [0, ...inner, bytes.length]
  return cuts.slice(1).map((end, index) => ({
    piece: bytes.subarray(cuts[index], end),
    ...completedBetween(said, cuts[index], end),
  }))
}

/** In pieces of one byte. */
export function byteByByte(said: readonly Said[]): Feed[] {
  const { length } = Buffer.concat(said.map(({ frame }) => frame))
  return cutAt(
    said,
    Array.from({ length }, (_, place) => place),
  )
}

/** At random places. */
export function cutSomewhere(random: Random, said: readonly Said[]): Feed[] {
  const { length } = Buffer.concat(said.map(({ frame }) => frame))
  const count = 1 + randomInteger(random, 8)
  const places = Array.from({ length: count }, () => randomInteger(random, length))
  return cutAt(
    said,
    [...new Set(places)].sort((a, b) => a - b),
  )
}

/** A message, cut into so many fragments at random; between them pings, if wanted. */
export function inFragments(
  random: Random,
  kind: 'text' | 'binary',
  payload: Uint8Array,
  count: number,
  withPings = true,
): Said[] {
  const cuts = Array.from({ length: count - 1 }, () => randomInteger(random, payload.length + 1))
  const places = [0, ...cuts.sort((a, b) => a - b), payload.length]
  return Array.from({ length: count }, (_, place) => {
    const isFinal = place === count - 1
    const piece = payload.subarray(places[place], places[place + 1])
    const key = [...randomBytes(random, 4)]
    const frame = clientFrame(place === 0 ? kind : 'continuation', piece, { isFinal, key })
    const fragment = { frame, yields: isFinal ? describeMessage(kind, payload) : undefined }
    return withPings && !isFinal ? [fragment, ...pings(random)] : [fragment]
  }).flat()
}

/** A message in one frame. */
export function whole(kind: 'text' | 'binary', payload: Uint8Array | string): Said {
  return { frame: clientFrame(kind, payload), yields: describeMessage(kind, Buffer.from(payload)) }
}

/** A fragment: the first one of a message has a kind. */
export function fragment(
  kind: 'text' | 'binary' | 'continuation',
  payload: Uint8Array | string,
): Said {
  return { frame: clientFrame(kind, payload, { isFinal: false }) }
}

/** The last fragment of a message, which yields all of it. */
export function lastFragment(
  payload: Uint8Array | string,
  kind: 'text' | 'binary',
  message: Uint8Array | string,
): Said {
  return {
    frame: clientFrame('continuation', payload),
    yields: describeMessage(kind, Buffer.from(message)),
  }
}

export function control(kind: 'ping' | 'pong' | 'close', payload: Uint8Array | string = ''): Said {
  return { frame: clientFrame(kind, payload), yields: describeControl(kind, Buffer.from(payload)) }
}

/** A frame that is a fault. */
export function fault(frame: Uint8Array, name: string): Said {
  return { frame, yields: `invalid: ${name}` }
}

function pings(random: Random): Said[] {
  return Array.from({ length: randomInteger(random, 3) }, () =>
    control('ping', randomBytes(random, randomInteger(random, 12))),
  )
}

function completedBetween(said: readonly Said[], start: number, end: number): Omit<Feed, 'piece'> {
  const completed: Omit<Feed, 'piece'> = { yields: [], ends: [] }
  let endOfFrame = 0
  for (const { frame, yields } of said) {
    endOfFrame += frame.length
    if (yields === undefined || endOfFrame <= start || endOfFrame > end) continue
    completed.yields.push(yields)
    completed.ends.push(endOfFrame - start)
  }
  return completed
}

function describeIncoming(incoming: ReaderModule.Incoming): string {
  if (incoming.kind === 'invalid') return `invalid: ${incoming.fault}`
  if (incoming.kind === 'incomplete') return 'incomplete'
  if (incoming.kind === 'message') {
    return describeMessage(incoming.isText ? 'text' : 'binary', incoming.payload)
  }
  return describeControl(incoming.kind, incoming.payload)
}

function describeMessage(kind: 'text' | 'binary', payload: Uint8Array): string {
  return `a ${kind} message of ${countBytes(payload.length)}: ${contents(payload)}`
}

function describeControl(kind: string, payload: Uint8Array): string {
  return payload.length === 0 ? `a ${kind} without payload` : `a ${kind} with ${contents(payload)}`
}

/** Two payloads read the same only if they are. */
function contents(payload: Uint8Array): string {
  if (payload.length <= 32) return hex(payload, 32) || '""'
  return `${hex(payload, 8)} (CRC ${crc32(payload).toString(16)})`
}

function tellFeed(story: QuietStage['story'], { piece, yields }: Feed): void {
  story.tell('test', `feeds ${inShort(piece)}`)
  if (yields.length > 0) story.tell('reader', `yields ${inWords(yields)}`)
}

function inShort(piece: Uint8Array): string {
  return piece.length <= 24 ? hex(piece) : `${countBytes(piece.length)}: ${hex(piece, 16)}`
}

function inWords(yields: readonly string[]): string {
  if (yields.length === 0) return 'nothing yet'
  return yields.length === 1 ? yields[0] : `${yields.length} things, the last one ${yields.at(-1)}`
}

function inLines(yields: readonly string[]): string {
  return yields.length === 0 ? 'nothing' : yields.join('\n')
}
