/** Heads through the parser of chapter 17: whole, cut anywhere, glued, too large, and slow. */

import { setImmediate as turn } from 'node:timers/promises'
import { leastUs } from '../../harness/cost.ts'
import type { Reason } from '../../harness/failure.ts'
import { cutAtRandom } from '../../harness/random.ts'
import type { Stage } from '../../judge/step.ts'
import { quietly } from '../for-all.ts'
import { HEADS, WRONG_HEADS } from './http-heads.ts'
import { cutEvery, inPieces, shown } from './http-tables.ts'

/** Heads through `HeadParser`: whole, cut in two anywhere, byte by byte, glued; and too large. */
export async function expectHeads(stage: Stage): Promise<void> {
  const { load, expect, random, story } = stage
  const { expectSame } = quietly(stage)
  const { HeadParser, MAX_FIELDS, MAX_HEAD_BYTES } = await load(
    () => import('#code/17-http/head-parser.ts'),
  )
  const look = 'head-parser.next()'
  /** What a new parser makes of these pieces: the heads, or the status; and how many bytes behind the last one it left. */
  const parse = (pieces: readonly Uint8Array[]) => {
    const parser = new HeadParser()
    const heads: string[] = []
    let left = 0
    for (const piece of pieces) {
      let at = 0
      left = 0
      while (at < piece.length) {
        const parsed = parser.next(piece, at)
        if (parsed.kind === 'invalid')
          return {
            heads,
            outcome: `refused, ${parsed.status}${parser.hasBegun ? ', and its bytes are kept' : ''}`,
          }
        if (parsed.kind === 'incomplete') break
        if (parsed.end <= at)
          return { heads, outcome: `a head that does not end after place ${at}` }
        if (parsed.end > piece.length) return { heads, outcome: 'a head that ends past its chunk' }
        const { method, path, query, version, headers } = parsed
        const fields = ['host', 'x-twice', 'content-length', 'empty'].map((name) =>
          headers.get(name),
        )
        heads.push(JSON.stringify([method, path, query, version, headers.size, fields]))
        at = parsed.end
        left = piece.length - at
      }
    }
    return { heads, left, outcome: 'not refused' }
  }
  const cutIn = (text: string, at: number) =>
    [text.slice(0, at), text.slice(at)].map((each) => Buffer.from(each, 'latin1'))
  const bytewise = (text: string) => Array.from(text, (byte) => Buffer.from(byte, 'latin1'))
  const inSixties = (text: string) => cutEvery(Buffer.from(text, 'latin1'), 60)
  const sameFor = ({ heads, outcome }: ReturnType<typeof parse>): Reason => ({
    because: 'TCP may cut the bytes anywhere. The same bytes are the same head.',
    likely: outcome.endsWith('kept')
      ? NOTHING_IS_KEPT
      : heads.length > 0 && outcome.startsWith('refused')
        ? 'Keep the bytes of a chunk only from `from` on: the head before them was taken already.'
        : LIKELY_CUT[outcome.replace(/[,\d].*/, '').trimEnd()],
    look,
  })

  story.tell('test', `parses ${HEADS.length + WRONG_HEADS.length} heads, whole and in pieces`)
  for (const head of HEADS) {
    const whole = parse([Buffer.from(head, 'latin1')])
    expectSame(`the number of heads in ${shown(head)}`, whole.heads.length, 1, {
      because: 'It is one whole head.',
      look,
    })
    expectSame('the number of bytes after it', whole.left, 0, {
      because: 'Nothing follows it.',
      look,
    })
    for (let at = 1; at < head.length; at++) {
      const cut = parse(cutIn(head, at))
      expectSame(`the head ${shown(head)}, cut after ${at} bytes`, cut, whole, sameFor(cut))
    }
    const inBytes = parse(bytewise(head))
    expectSame(`the head ${shown(head)}, byte by byte`, inBytes, whole, sameFor(inBytes))
  }
  const glued = HEADS.slice(0, 3).join('') + HEADS[3]
  const all = {
    heads: HEADS.flatMap((head) => parse([Buffer.from(head, 'latin1')]).heads),
    left: 0,
    outcome: 'not refused',
  }
  story.tell('test', 'glues all four together')
  expectSame('the heads', parse([Buffer.from(glued, 'latin1')]), all, {
    because: 'Heads may follow each other in one chunk: that is pipelining.',
    likely: 'Parse from `from` on, and return where the head ends.',
    look,
  })
  for (let count = 0; count < 60; count++) {
    const pieces = cutAtRandom(random, Buffer.from(glued, 'latin1'), 40)
    const parsed = parse(pieces)
    expectSame(`the heads, in ${pieces.length} pieces`, parsed, all, sameFor(parsed))
  }
  story.tell('test', 'parses two heads at the same time, with two parsers')
  const parsers = [new HeadParser(), new HeadParser()]
  const ways = HEADS.slice(0, 2).map((head) => cutIn(head, 20))
  for (const [place, [begun]] of ways.entries()) parsers[place].next(begun, 0)
  const paths = ways.map(([, rest], place) => {
    const parsed = parsers[place].next(rest, 0)
    return parsed.kind === 'head' ? parsed.target : parsed.kind
  })
  expectSame('the targets of the two', paths, ['/hello?a=b', '/'], {
    because: 'Every connection has a parser of its own: what one has kept is not for the others.',
    likely: 'What is kept belongs to `this`, not to the file.',
    look,
  })
  const [first] = HEADS
  for (const at of [1, 18, first.length - 1]) {
    const [begun, rest] = cutIn(first, at)
    const parser = new HeadParser()
    parser.next(begun, 0)
    const chunk = Buffer.concat([Buffer.alloc(5, 'x'), rest, Buffer.from('GET ')])
    const parsed = parser.next(chunk, 5)
    expectSame(
      `the end of a head that was cut after ${at} bytes and goes on at place 5 of a chunk`,
      parsed.kind === 'head' ? parsed.end : parsed.kind,
      5 + rest.length,
      {
        because: '`end` is a place in this chunk: the next head begins there.',
        likely: 'The rest of the head begins at `from`, and what was kept is not in this chunk.',
        look,
      },
    )
  }
  for (const { text, status, because } of WRONG_HEADS) {
    for (const pieces of [[Buffer.from(text, 'latin1')], bytewise(text), cutIn(text, 9)]) {
      const { outcome } = parse(pieces)
      expectSame(
        `the outcome of ${shown(text)}, in ${inPieces(pieces)}`,
        outcome,
        `refused, ${status}`,
        outcome.endsWith('kept')
          ? {
              because: 'The head was refused, so no head has begun (hasBegun).',
              likely: 'Forget the kept bytes when a head is complete, and also when it is refused.',
              look,
            }
          : pieces.length === 1
            ? {
                because,
                likely: 'next() returns what parseHead() returns, whatever that is.',
                look: ['scanRequestLine()', 'scanField()', look],
              }
            : {
                because,
                likely: `In one piece it was refused. ${MAY_HAVE_ENDED}`,
                look,
              },
      )
    }
  }

  const headOf = (size: number) =>
    `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(size - 32)}\r\n\r\n`
  const fieldsOf = (count: number) =>
    `GET / HTTP/1.1\r\nHost: a\r\n${'X: x\r\n'.repeat(count - 1)}\r\n`
  const limits: [string, string, number | undefined][] = [
    [`${MAX_HEAD_BYTES} bytes`, headOf(MAX_HEAD_BYTES), undefined],
    [`${MAX_HEAD_BYTES + 1} bytes`, headOf(MAX_HEAD_BYTES + 1), 431],
    [`${MAX_HEAD_BYTES + 9} bytes without an end`, headOf(MAX_HEAD_BYTES + 9).slice(0, -2), 431],
    [
      `${MAX_HEAD_BYTES + 9} bytes and no more lines`,
      headOf(MAX_HEAD_BYTES + 13).slice(0, -4),
      431,
    ],
    [`${MAX_FIELDS} fields`, fieldsOf(MAX_FIELDS), undefined],
    [`${MAX_FIELDS + 1} fields`, fieldsOf(MAX_FIELDS + 1), 431],
  ]
  for (const [what, text, status] of limits) {
    for (const pieces of [cutIn(text, 0).slice(1), cutIn(text, 700), inSixties(text)]) {
      expectSame(
        `the outcome of a head of ${what}, in ${inPieces(pieces)}`,
        parse(pieces).outcome,
        status === undefined ? 'not refused' : `refused, ${status}`,
        {
          because:
            'A head has a limit, or a peer could fill our memory with one. The limit is the same however the head is cut.',
          likely:
            'parseHead() checks the size. A head that is too large has to get there even if no line has ended.',
          look,
        },
      )
    }
  }

  story.tell('test', 'sends 11,900 bytes of a head of 15,000, and the next 3,000 byte by byte')
  const slow = Buffer.from(headOf(15_000))
  let micros = Number.POSITIVE_INFINITY
  for (let round = 0; round < 3; round++) {
    const parser = new HeadParser()
    parser.next(slow.subarray(0, 11_900), 0)
    let usedMs = 0
    for (let at = 11_900; at < 14_900; at += 100) {
      // The runner must not be taken for one that is stuck.
      await turn()
      const startedAt = cpuMs()
      for (let byte = at; byte < at + 100; byte++) parser.next(slow.subarray(byte, byte + 1), 0)
      usedMs += cpuMs() - startedAt
    }
    micros = Math.min(micros, usedMs / 3)
  }
  const wholeUs = leastUs(20, () => new HeadParser().next(slow, 0))
  const share = micros / wholeUs
  expect('one of the last bytes to cost much less than the whole head', share < 0.5, {
    because:
      'A byte costs its sender nothing. If we scan the whole head again for each byte, each costs us more than the last.',
    likely: 'Scan again only when a line may have ended, or the head is too large.',
    expected: 'less than half of what the head costs in one piece',
    received: `${share.toFixed(2)} of what it costs`,
    look,
  })
}

const MAY_HAVE_ENDED =
  'A line may have ended in this piece, or with a CR at the end of what was kept.'

const NOTHING_IS_KEPT = 'Nothing is kept of a complete head: set #keptBytes to 0.'

/** What has probably gone wrong with a head that is right in one piece, by what became of it when it was cut. */
const LIKELY_CUT: Record<string, string> = {
  refused:
    'The kept bytes come before the chunk, and only the first #keptBytes bytes of #kept count: the rest is unused room.',
  'a head that does not end after place': NOTHING_IS_KEPT,
  'a head that ends past its chunk':
    '`end` is a place in the chunk: do not count the bytes that were kept earlier.',
  'not refused': `The kept bytes come before the chunk. ${MAY_HAVE_ENDED}`,
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}
