/** What a client has already, and which part it wants (RFC 9110 §13 and §14). */

import type { HeaderFields } from './http-message.ts'

export interface Version {
  /** In quotes: another one whenever the content is another. */
  etag: string
  modifiedMs: number
}

/** Whether the conditions of a GET or HEAD hold: 200, or 304 (the client has it), or 412 (it wanted another one). */
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

/** The part of `size` bytes that is wanted; `end` is the place behind it. */
export type Part = { start: number; end: number } | 'all' | 'none'

const RANGE = /^bytes=(\d*)-(\d*)$/

/** One range only. A request for several gets everything, which is allowed, and cannot make us copy a lot for a little. */
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
 * Whether a list of tags has one of these, or is `*`. A weak tag says "as good as", which is enough not to send it again, and
 * too little to be sure that it is the same (RFC 9110 §8.8.3.2).
 */
function namesTag(list: string, tags: readonly string[]): boolean {
  const named = list.split(',').map((each) => each.trim())
  return named.some((tag) => tag === '*' || tags.includes(tag))
}

/** In seconds; `NaN`, with which nothing compares, when there is no date. */
function dateIn(text: string | undefined): number {
  return text === undefined || !text.endsWith(' GMT') ? Number.NaN : secondsOf(Date.parse(text))
}

function secondsOf(ms: number): number {
  return Math.floor(ms / 1_000)
}
