/** Which methods there are, and what a resource answers to a method that it does not allow (RFC 9110 §9). */

import type { HttpAnswer, HttpRequest } from './http-message.ts'
import { SITE_HEADERS, textAnswer } from './site-headers.ts'

const KNOWN = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE'])

export function isKnown(method: string): boolean {
  return KNOWN.has(method)
}

/**
 * The answer to a method that is none of `allowed`: 204 to OPTIONS, 501 to one that nobody here knows, otherwise 405.
 */
export function answerMethod({ method }: HttpRequest, allowed: readonly string[]): HttpAnswer {
  const allow = { Allow: [...allowed, 'OPTIONS'].join(', ') }
  if (method === 'OPTIONS') return { status: 204, headers: { ...SITE_HEADERS, ...allow } }
  if (!isKnown(method)) return textAnswer(501, 'This server does not know the method.')
  return textAnswer(405, 'The method is not allowed here.', allow)
}
