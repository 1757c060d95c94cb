/** The files of a folder, as a site. */

import { realpathSync } from 'node:fs'
import { checkConditions, partOf, type Version } from './conditions.ts'
import { FileBody } from './file-body.ts'
import type { HttpAnswer, HttpHandler, HttpRequest } from './http-message.ts'
import { answerMethod } from './methods.ts'
import { openInside, type SiteFile } from './site-file.ts'
import { SITE_HEADERS, textAnswer, typeOf } from './site-headers.ts'
import { namesIn } from './site-path.ts'

export const NOT_FOUND = textAnswer(404, 'There is nothing here.')

/** Answers GET and HEAD with the files below this folder, which has to exist. */
export function staticFiles(folder: string): HttpHandler {
  const root = realpathSync(folder)
  return async (request) => {
    const { method, path } = request
    // What a POST means is decided by its target (RFC 9110 §9.3.3): nothing here takes one.
    if (method === 'POST') return NOT_FOUND
    if (method !== 'GET' && method !== 'HEAD') return answerMethod(request, ['GET', 'HEAD'])
    const names = namesIn(path)
    const file = names && (await openInside(root, names))
    return file ? answerFile(request, file, typeOf(names.at(-1)!)) : NOT_FOUND
  }
}

function answerFile(request: HttpRequest, file: SiteFile, type: string): HttpAnswer {
  const { handle, size, modifiedMs } = file
  const version = { etag: `"${size.toString(16)}-${modifiedMs.toString(16)}"`, modifiedMs }
  const headers: Record<string, string> = {
    ...SITE_HEADERS,
    'Content-Type': type,
    ...versionFields(version),
  }
  const wanted = checkConditions(request.headers, version)
  const part = request.method === 'GET' ? partOf(request.headers, size, version) : 'all'
  const body = (start: number, end: number) => new FileBody(handle, start, end)
  if (wanted !== 200) return { status: wanted, headers, body: body(0, 0) }
  if (part === 'all') return { status: 200, headers, body: body(0, size) }
  if (part === 'none') {
    headers['Content-Range'] = `bytes */${size}`
    return { status: 416, headers, body: body(0, 0) }
  }
  headers['Content-Range'] = `bytes ${part.start}-${part.end - 1}/${size}`
  return { status: 206, headers, body: body(part.start, part.end) }
}

/** A client may keep what it has, but asks each time whether that is still current. */
export function versionFields({ etag, modifiedMs }: Version): Record<string, string> {
  return {
    ETag: etag,
    // Never later than the answer itself (RFC 9110 §8.8.2.1), whatever the clock said when the file was written.
    'Last-Modified': new Date(Math.min(modifiedMs, Date.now())).toUTCString(),
    'Cache-Control': 'no-cache',
    'Accept-Ranges': 'bytes',
  }
}
