/** What the fields of requests may hold. A rule returns what is wrong with a value, or `undefined` when nothing is. */

import type { Code, Refusal } from './codes.ts'

export type Rule = (value: unknown, field: string) => Refusal | undefined

/** The fields of one type of request. Fields without a rule are ignored. */
export type Fields = Readonly<Record<string, Rule>>

export const PROTOCOL_VERSION = 1

/** In UTF-16 units, as `text.length` counts. */
export const MAX_TEXT_UNITS = 4_000

/** Messages in one page of a room's history. */
export const MAX_PAGE_MESSAGES = 100

/** Names of people and rooms. Two names that differ only in case are the same. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/

/** C0, DEL and C1: all control characters but `\n` and `\t`. */
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/

const NAME_TEXT = 'is 1 to 32 letters, digits, "_", "." or "-", and begins with a letter or digit.'

export const version: Rule = (value, field) => {
  if (!Number.isSafeInteger(value)) return badRequest(field, 'has to be a whole number.')
  if (value === PROTOCOL_VERSION) return undefined
  return { code: 'unsupported-version', text: `This server speaks version ${PROTOCOL_VERSION}.` }
}

export const personName = matching(NAME, 'bad-name', NAME_TEXT)

export const roomName = matching(NAME, 'bad-room', NAME_TEXT)

export const messageText: Rule = (value, field) => {
  if (typeof value !== 'string') return badRequest(field, 'has to be a string.')
  if (value.length > MAX_TEXT_UNITS) {
    return { code: 'text-too-long', text: `A text has ${MAX_TEXT_UNITS} UTF-16 units at most.` }
  }
  if (value === '') return badRequest(field, 'has to say something.')
  if (!value.isWellFormed()) return badRequest(field, 'has half a surrogate pair.')
  if (CONTROL.test(value)) return badRequest(field, 'has a control character.')
  return undefined
}

/** A whole number from `min` to `max`, both included. */
export function integer(min: number, max = Number.MAX_SAFE_INTEGER): Rule {
  return (value, field) =>
    Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
      ? undefined
      : badRequest(field, `has to be a whole number from ${min} to ${max}.`)
}

export function matching(pattern: RegExp, code: Code, text: string): Rule {
  return (value, field) => {
    if (typeof value !== 'string') return badRequest(field, 'has to be a string.')
    return pattern.test(value) ? undefined : { code, text: `"${field}" ${text}` }
  }
}

/** The same rule, for a field that may be left out. */
export function optional(rule: Rule): Rule {
  return (value, field) => (value === undefined ? undefined : rule(value, field))
}

export function badRequest(field: string, text: string): Refusal {
  return { code: 'bad-request', text: `"${field}" ${text}` }
}
