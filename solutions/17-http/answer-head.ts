/** Answers as they go over the wire (RFC 9112 §4). */

import type { HttpAnswer } from './http-message.ts'

export const REASONS: Readonly<Record<number, string>> = {
  100: 'Continue',
  101: 'Switching Protocols',
  200: 'OK',
  201: 'Created',
  204: 'No Content',
  206: 'Partial Content',
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  304: 'Not Modified',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  416: 'Range Not Satisfiable',
  417: 'Expectation Failed',
  421: 'Misdirected Request',
  422: 'Unprocessable Content',
  426: 'Upgrade Required',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
  505: 'HTTP Version Not Supported',
}

/** Whether the connection goes on after an answer; `'say'` tells that to a peer that would not expect it (1.0). */
export type Persistence = 'keep' | 'say' | 'close'

const CONNECTION: Record<Persistence, string> = {
  keep: '',
  say: 'Connection: keep-alive\r\n',
  close: 'Connection: close\r\n',
}

/** The head of an answer. Without a `length` it states none: there is no body, or another protocol begins. */
export function encodeHead(
  { status, headers }: HttpAnswer,
  date: string,
  length: number | undefined,
  persistence: Persistence,
): string {
  const size = length === undefined ? '' : `Content-Length: ${length}\r\n`
  const reason = REASONS[status] ?? 'Unknown'
  return `HTTP/1.1 ${status} ${reason}\r\nDate: ${date}\r\n${encodeFields(headers)}${size}${CONNECTION[persistence]}\r\n`
}

/** The encoded fields of frozen headers, which many answers share. */
const ENCODED = new WeakMap<object, string>()

function encodeFields(headers: NonNullable<HttpAnswer['headers']> = NONE): string {
  const known = ENCODED.get(headers)
  if (known !== undefined) return known
  let text = ''
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value === 'string') text += encodeField(name, value)
    else for (const each of value) text += encodeField(name, each)
  }
  if (Object.isFrozen(headers)) ENCODED.set(headers, text)
  return text
}

const NONE = Object.freeze({})

/** A line end in a value would begin another field, or another answer. That would be our bug, so this throws. */
function encodeField(name: string, value: string): string {
  if (/[^\t\x20-\x7e]/.test(value)) throw new TypeError(`the field ${name} has a control character`)
  return `${name}: ${value}\r\n`
}

/** Date and time as HTTP writes them (RFC 9110 §5.6.7), made once a second. */
export class DateText {
  readonly #now: () => number
  #second = Number.NaN
  #text = ''

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  get(): string {
    const second = Math.floor(this.#now() / 1_000)
    if (second !== this.#second) {
      this.#second = second
      this.#text = new Date(second * 1_000).toUTCString()
    }
    return this.#text
  }
}
