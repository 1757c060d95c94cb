/** What a client has already, and which part it wants (RFC 9110 §13 and §14). */

import type { HeaderFields } from './http-message.ts'

export interface Version {
  /** In quotes; it changes whenever the content does. */
  etag: string
  modifiedMs: number
}

/** Checks the conditions of a GET or HEAD: 200 if they hold, 304 if the client has it, 412 if it wanted another one. */
export function checkConditions(
  headers: HeaderFields,
  { etag, modifiedMs }: Version,
): 200 | 304 | 412 {
  const match = headers.get('if-match')
  if (match !== undefined && !namesTag(match, [etag])) return 412
  const unchangedSince = dateIn(headers.get('if-unmodified-since'))
  if (match === undefined && secondsOf(modifiedMs) > unchangedSince) return 412
  const noneMatch = headers.get('if-none-match')
  if (noneMatch !== undefined) return namesTag(noneMatch, [etag, `W/${etag}`]) ? 304 : 200
  return secondsOf(modifiedMs) <= dateIn(headers.get('if-modified-since')) ? 304 : 200
}

/** The part of `size` bytes that is wanted; `end` is the place after it. */
export type Part = { start: number; end: number } | 'all' | 'none'

const RANGE = /^bytes=(\d*)-(\d*)$/

/** One range only: a request for several gets everything, which is allowed, so no short request makes us copy a lot. */
export function partOf(headers: HeaderFields, size: number, version: Version): Part {
  const [, first, last] = RANGE.exec(headers.get('range') ?? '') ?? []
  if (first === undefined || (first === '' && last === '')) return 'all'
  const onlyIf = headers.get('if-range')
  if (onlyIf !== undefined && onlyIf !== version.etag) return 'all'
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1)
  if (last !== '' && first !== '' && Number(last) < Number(first)) return 'all'
  return start < end ? { start, end } : 'none'
}

/**
 * Whether a list of tags has one of these, or is `*`. A weak tag means "as good as": enough not to send the content
 * again, too little to be sure that it is the same (RFC 9110 §8.8.3.2).
 */
function namesTag(list: string, tags: readonly string[]): boolean {
  const named = list.split(',').map((each) => each.trim())
  return named.some((tag) => tag === '*' || tags.includes(tag))
}

/** A date as HTTP writes it (RFC 9110 §5.6.7): in its own form, in that of RFC 850, or in that of C's `asctime()`. */
const HTTP_DATE = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/
const RFC_850_DATE = /^[A-Z][a-z]+day, \d\d-[A-Z][a-z]{2}-\d\d \d\d:\d\d:\d\d GMT$/
const ASCTIME_DATE = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/

/** In seconds; `NaN` when there is no date: every comparison with it is false. */
function dateIn(text = ''): number {
  // Without the zone, it would be taken for local time.
  if (ASCTIME_DATE.test(text)) return secondsOf(Date.parse(`${text} GMT`))
  const isDate = HTTP_DATE.test(text) || RFC_850_DATE.test(text)
  // Date.parse() alone would take "2020 GMT" for a date, too.
  return isDate ? secondsOf(Date.parse(text)) : Number.NaN
}

function secondsOf(ms: number): number {
  return Math.floor(ms / 1_000)
}
