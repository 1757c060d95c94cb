/** The corpus of chapter 17 on connections: each case whole, and cut at random. */

import { quote } from '../../harness/bytes.ts'
import { cutAtRandom } from '../../harness/random.ts'
import type { Stage } from '../../judge/step.ts'
import { readAnswers } from '../../protocols/http.ts'
import { quietly } from '../for-all.ts'
import { openHttp } from './http-connections.ts'
import { type Case, CORPUS } from './http-corpus.ts'

export async function expectCorpus(stage: Stage): Promise<void> {
  const { expectSame, story } = stage
  const quiet = quietly(stage)
  for (const each of CORPUS) {
    const world = await openHttp(stage, { maxBodyBytes: 1_000 })
    const peer = await world.arrive(each.what)
    await peer.send(Buffer.from(each.bytes, 'latin1'))
    expectCase(quiet, each, peer.stream.takeWritten(), peer.stream.isEnded)
    expectSame('"a request was smuggled"', world.site.asked.includes('GET /smuggled'), false, {
      because:
        'After a refused request, and after the last one, no bytes are taken for another request.',
      look: '#answer()',
    })
  }
  story.tell('test', `tries ${CORPUS.length} connections`)
}

export async function expectCorpusInPieces(stage: Stage): Promise<void> {
  const { random } = stage
  for (const each of CORPUS) {
    const world = await openHttp(stage, { maxBodyBytes: 1_000 })
    const peer = await world.arrive(each.what)
    const bytes = Buffer.from(each.bytes, 'latin1')
    for (const piece of cutAtRandom(random, bytes, Math.max(20, bytes.length / 20)))
      peer.stream.arrive(piece)
    await world.settle()
    expectCase(quietly(stage), each, peer.stream.takeWritten(), peer.stream.isEnded)
  }
  stage.story.tell('test', `tries ${CORPUS.length} connections, each cut at random`)
}

/** One case of the corpus: its statuses, and whether the connection ends. */
function expectCase(
  { expect, story }: Pick<Stage, 'expect' | 'story'>,
  each: Case,
  bytes: Uint8Array,
  isEnded: boolean,
): void {
  const { answers, rest } = readAnswers(bytes)
  const statuses = answers.map(({ status }) => status)
  const received = `${statuses.join(', ') || 'nothing'}${rest === '' ? '' : `, and ${quote(rest, 40)}`}${isEnded ? ', and FIN' : ''}`
  const expected = `${each.statuses.join(', ')}${each.closes ? ', and FIN' : ''}`
  if (received !== expected)
    story.tellBytes(each.what, 'toServer', Buffer.from(each.bytes, 'latin1'))
  expect(`${each.what} to be answered with ${expected}`, received === expected, {
    because: each.closes
      ? 'The last request of a connection is answered once, and nothing after it is looked at.'
      : 'Nothing is wrong with it.',
    expected,
    received,
  })
}
