/** The chat protocol as the tests speak it: JSON objects, compared by the fields that a test cares about. */

import { isDeepStrictEqual } from 'node:util'
import type { Client } from '../harness/client.ts'
import type { Reason } from '../harness/failure.ts'
import { expectFrameThat, frame } from './frames.ts'

export type ChatMessage = Record<string, unknown>

/** A message as one frame. */
export function chatFrame(message: ChatMessage): Buffer {
  return frame(JSON.stringify(message))
}

/**
 * Whether a message has at least these fields, with these values. Objects inside are compared the same way, lists by
 * their length, too: whoever adds a field breaks nothing.
 */
export function fits(received: unknown, expected: unknown): boolean {
  if (Array.isArray(expected)) {
    return (
      Array.isArray(received) &&
      received.length === expected.length &&
      expected.every((each, place) => fits(received[place], each))
    )
  }
  if (typeof expected !== 'object' || expected === null)
    return isDeepStrictEqual(received, expected)
  if (typeof received !== 'object' || received === null) return false
  return Object.entries(expected).every(([field, value]) =>
    value === undefined ? !(field in received) : fits((received as ChatMessage)[field], value),
  )
}

/** Messages for a card: one a line, long ones shortened. */
export function inLines(messages: readonly unknown[]): string {
  if (messages.length === 0) return 'nothing'
  const lines = messages.slice(0, SHOWN).map((message) => inShort(message))
  if (messages.length > SHOWN) lines.push(`… and ${messages.length - SHOWN} more`)
  return lines.join('\n')
}

const SHOWN = 8
const LINE_CHARACTERS = 160

/** `said {number: 1, at: 1000}`: a message as a person reads it fastest; text as it is. */
export function inShort(message: unknown): string {
  const text = typeof message === 'string' ? message : describe(message)
  return text.length > LINE_CHARACTERS ? `${text.slice(0, LINE_CHARACTERS)}…` : text
}

function describe(message: unknown): string {
  if (typeof message !== 'object' || message === null || Array.isArray(message)) {
    return JSON.stringify(message) ?? 'nothing'
  }
  const { type, ...fields } = message as ChatMessage
  const rest = Object.entries(fields).map(([field, value]) => `${field}: ${JSON.stringify(value)}`)
  return `${type ?? ''} {${rest.join(', ')}}`.trimStart()
}

/** Sends a request in a frame and expects its answer next. */
export async function askInFrame(
  client: Client,
  request: ChatMessage,
  answer: ChatMessage,
  reason: Reason,
): Promise<void> {
  await client.send(chatFrame(request))
  await expectChat(client, answer, reason)
}

/** Expects a frame with a message that has these fields, and returns the whole message. */
export async function expectChat(
  client: Client,
  expected: ChatMessage,
  reason: Reason,
): Promise<ChatMessage> {
  const isExpected = (text: string) => fits(parsed(text), expected)
  return parsed(await expectFrameThat(client, inShort(expected), isExpected, reason))!
}

/** The object in a frame; `undefined` when it is no JSON. */
function parsed(text: string): ChatMessage | undefined {
  try {
    return JSON.parse(text) as ChatMessage
  } catch {
    return undefined
  }
}
