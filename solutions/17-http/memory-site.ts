/** A site that is in memory. */

import { createHash } from 'node:crypto'
import { checkConditions } from './conditions.ts'
import type { HttpAnswer, HttpHandler } from './http-message.ts'
import { answerMethod, isKnown } from './methods.ts'
import { SITE_HEADERS } from './site-headers.ts'
import { NOT_FOUND } from './static-files.ts'

export interface Page {
  /** Its media type. */
  type: string
  bytes: Uint8Array
}

/** Answers GET and HEAD with these pages, by their path. The pages must not change afterwards. */
export function memorySite(pages: ReadonlyMap<string, Page>): HttpHandler {
  const answers = new Map(Array.from(pages, ([path, page]) => [path, answerWith(page)]))
  return (request) => {
    const { method, path, headers } = request
    const found = answers.get(path)
    const isRead = method === 'GET' || method === 'HEAD'
    if (!isRead && (found || !isKnown(method))) return answerMethod(request, ['GET', 'HEAD'])
    if (!found) return NOT_FOUND
    const status = checkConditions(headers, { etag: found.etag, modifiedMs: Number.NaN })
    return status === 200 ? found.answer : { ...found.answer, status, body: '' }
  }
}

function answerWith({ type, bytes }: Page): { etag: string; answer: HttpAnswer } {
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
  const headers = Object.freeze({
    ...SITE_HEADERS,
    'Content-Type': type,
    ETag: etag,
    'Cache-Control': 'no-cache',
  })
  return { etag, answer: { status: 200, headers, body: bytes } }
}
