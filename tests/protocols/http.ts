/** HTTP/1.1 as the tests speak it: requests as text, and answers read strictly. */

import { type Bytes, toBytes } from '../harness/bytes.ts'

export interface Answer {
  status: number
  /** By their names in lower case; several lines of a name are joined by `, `. */
  headers: ReadonlyMap<string, string>
  body: string
}

/** What a test asks of an answer. Fields that it does not name may be anything; `undefined` must not be there. */
export interface Expected {
  status: number
  body?: string
  headers?: Readonly<Record<string, string | undefined>>
}

/** What was read: whole answers, and the bytes behind the last one. */
export interface Answers {
  answers: Answer[]
  rest: string
}

/** A request for `path`, with a Host, further lines of the head, and a body as it is. */
export function request(line: string, fields: readonly string[] = [], body = ''): string {
  return `${[`${line} HTTP/1.1`, 'Host: a', ...fields].join('\r\n')}\r\n\r\n${body}`
}

/**
 * The answers in these bytes, one character a byte. `methods` are those of the requests, in order: an answer to HEAD has no
 * body. Behind a 101 everything is rest.
 */
export function readAnswers(data: Bytes, methods: readonly string[] = []): Answers {
  let rest = Buffer.from(toBytes(data)).toString('latin1')
  const answers: Answer[] = []
  let asked = 0
  for (;;) {
    const answer = readAnswer(rest, methods[asked])
    if (!answer) return { answers, rest }
    rest = rest.slice(answer.length)
    answers.push(answer)
    if (answer.status === 101) return { answers, rest }
    if (answer.status >= 200) asked += 1
  }
}

function readAnswer(
  text: string,
  method: string | undefined,
): (Answer & { length: number }) | undefined {
  const head = /^HTTP\/1\.1 (\d{3}) [\x20-\x7e]+\r\n((?:[!-9;-~]+: [\x20-\x7e]*\r\n)*)\r\n/.exec(
    text,
  )
  if (!head) return undefined
  const status = Number(head[1])
  const headers = new Map<string, string>()
  for (const line of head[2].split('\r\n').slice(0, -1)) {
    const [name, value] = [
      line.slice(0, line.indexOf(':')).toLowerCase(),
      line.slice(line.indexOf(':') + 2),
    ]
    headers.set(name, headers.has(name) ? `${headers.get(name)}, ${value}` : value)
  }
  const hasNone = method === 'HEAD' || status < 200 || status === 204 || status === 304
  const size = hasNone ? 0 : Number(headers.get('content-length') ?? 0)
  const length = head[0].length + size
  if (text.length < length) return undefined
  const body = Buffer.from(text.slice(head[0].length, length), 'latin1').toString()
  return { status, headers, body, length }
}

/** Whether an answer is what a test asks for. */
export function isAnswer(
  answer: Answer | undefined,
  { status, body, headers = {} }: Expected,
): boolean {
  if (answer?.status !== status || (body !== undefined && answer.body !== body)) return false
  return Object.entries(headers).every(
    ([name, value]) => answer.headers.get(name.toLowerCase()) === value,
  )
}

/** `200 {connection: close} "hello"`, with these fields only. */
export function describeAnswer(answer: Answer | Expected, fields: readonly string[]): string {
  const has = (name: string) =>
    answer.headers instanceof Map ? answer.headers.get(name) : (answer as Expected).headers?.[name]
  const shown = fields.filter((name) => has(name) !== undefined)
  const list = shown.map((name) => `${name}: ${has(name)}`).join(', ')
  const body = answer.body === undefined ? '' : ` ${JSON.stringify(answer.body.slice(0, 60))}`
  return `${answer.status}${list === '' ? '' : ` {${list}}`}${body}`
}

/** A whole answer with this status, as a real client gets it. */
export function answerLike(status: number) {
  return {
    what: `an answer with status ${status}`,
    endOf: (bytes: Uint8Array) => {
      const { answers, rest } = readAnswers(bytes)
      return answers.length > 0 ? bytes.length - rest.length : 0
    },
    fits: (bytes: Uint8Array) => readAnswers(bytes).answers[0]?.status === status,
  }
}
