/** The headers of every page of ours: with them a browser does not guess, and does not run what others wrote. */

import type { HttpAnswer } from './http-message.ts'

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')

export const SITE_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': POLICY,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
}

/** An answer with a sentence for people. */
export function textAnswer(
  status: number,
  sentence: string,
  headers: Readonly<Record<string, string>> = {},
): HttpAnswer {
  const all = { ...SITE_HEADERS, 'Content-Type': 'text/plain; charset=utf-8', ...headers }
  return { status, headers: all, body: `${sentence}\n` }
}

const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  gif: 'image/gif',
  html: 'text/html; charset=utf-8',
  ico: 'image/x-icon',
  jpg: 'image/jpeg',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json',
  md: 'text/plain; charset=utf-8',
  pdf: 'application/pdf',
  png: 'image/png',
  svg: 'image/svg+xml',
  ts: 'text/plain; charset=utf-8',
  txt: 'text/plain; charset=utf-8',
  wasm: 'application/wasm',
  webp: 'image/webp',
  woff2: 'font/woff2',
}

/** The media type of a file with that name; that of plain bytes if its ending says nothing. */
export function typeOf(name: string): string {
  const ending = /\.([^.]+)$/.exec(name)?.[1].toLowerCase() ?? ''
  return Object.hasOwn(TYPES, ending) ? TYPES[ending] : 'application/octet-stream'
}
