/** Pings to a WebSocket of chapter 18: one, a few, and floods of them. */

import { hex } from '../../harness/bytes.ts'
import type { Reason } from '../../harness/failure.ts'
import { withCommas } from '../../harness/numbers.ts'
import type { Stage } from '../../judge/step.ts'
import { clientClose, clientFrame, clientText } from '../../protocols/websocket.ts'
import { openWebSockets } from './websocket-connection.ts'

/** Pings: each of a few, the newest of many. */
export async function expectPongs(stage: Stage): Promise<void> {
  const { expect, expectSame } = stage
  const world = await openWebSockets(stage)
  const [ada] = await world.arrive('ada')
  await ada.send(clientFrame('ping', 'are you there?'))
  ada.expectFrames(['pong "are you there?"'], {
    because: 'A ping is answered with its own payload (RFC 6455 §5.5.2, §5.5.3).',
    look: '#hearPing()',
  })
  await ada.send(clientFrame('ping'))
  ada.expectFrames(['pong ""'], {
    because: 'A ping may be empty.',
    look: '#hearPing()',
    likely: 'An empty payload does not mean that there was no ping.',
  })
  const bytes = Buffer.of(0xff, 0, 0x80, 0xc3)
  await ada.send(clientFrame('ping', bytes))
  expectSame(
    'the payloads that come back',
    ada.takeFrames().map(({ payload }) => hex(payload)),
    [hex(bytes)],
    {
      because: 'The payload of a ping may be any bytes.',
      likely: 'Turning the payload into a text on the way changes its bytes.',
      look: '#hearPing()',
    },
  )
  await ada.send(
    Buffer.concat(Array.from({ length: 10 }, (_, place) => clientFrame('ping', `ping ${place}`))),
  )
  ada.expectFrames(
    Array.from({ length: 10 }, (_, place) => `pong "ping ${place}"`),
    {
      because: 'Ten short pings leave room for ten pongs, in order.',
      look: '#hearPing()',
      likely: 'A ping may go unanswered only while more than PROMPT_PONG_BYTES wait to be sent.',
    },
  )
  await ada.send(
    Buffer.concat([
      clientFrame('ping', 'a'),
      clientText('b'),
      clientFrame('pong', 'c'),
      clientFrame('ping', 'd'),
    ]),
  )
  ada.expectFrames(['pong "a"', 'text "b"', 'pong "d"'], {
    because: 'A pong gets no answer, and answers keep the order of what they answer.',
  })
  await ada.send(
    Buffer.concat([
      clientFrame('text', 'be', { isFinal: false }),
      clientFrame('ping', 'between'),
      clientFrame('continuation', 'gun'),
    ]),
  )
  ada.expectFrames(['pong "between"', 'text "begun"'], {
    because: 'A pong does not wait for the message that is under way.',
  })

  const many = 3_000
  await ada.send(
    Buffer.concat(Array.from({ length: many }, (_, place) => clientFrame('ping', `ping ${place}`))),
  )
  const pongs = ada.takeFrames().map(({ payload }) => payload.toString())
  const flood: Reason = {
    look: '#hearPing()',
    because:
      'Only the newest of many pings has to be answered (RFC 6455 §5.5.3). Otherwise, a flood of pings makes a flood of pongs.',
    likely:
      'While more than PROMPT_PONG_BYTES wait to be sent, a new ping replaces the one whose pong is due.',
  }
  expect(`${withCommas(many)} pings at once to get few pongs`, pongs.length < 200, {
    ...flood,
    received: `${withCommas(pongs.length)} pongs`,
  })
  expectSame('the last pong', pongs.at(-1), `ping ${many - 1}`, {
    ...flood,
    because: 'The newest is answered in any case: the peer may wait for it.',
  })
  expectSame('the number of pongs that were sent twice', pongs.length - new Set(pongs).size, 0, {
    because: 'A ping is answered once.',
    likely: 'Once the pong is sent, it is no longer due.',
  })
  await ada.send(clientFrame('ping', 'again'))
  ada.expectFrames(['pong "again"'], { because: 'The flood is over.' })
  const flooded = Array.from({ length: many }, () => clientFrame('ping', 'flood'))
  await ada.send(Buffer.concat([...flooded, clientFrame('ping')]))
  expectSame('the last pong', ada.takeFrames().at(-1)?.payload.toString(), '', {
    ...flood,
    because: 'The newest ping is empty, but it is a ping all the same.',
    likely: 'A pong is due when #duePong is not undefined. An empty payload is a payload.',
  })

  const answeredOf = async (count: number, length: number) => {
    const long = Array.from({ length: count }, (_, place) => `${place}`.padStart(length, '.'))
    await ada.send(Buffer.concat(long.map((payload) => clientFrame('ping', payload))))
    return ada
      .takeFrames()
      .map(({ payload }) => Number(payload.toString().replaceAll('.', '')))
      .join(' ')
  }
  const likely =
    'connection.queuedBytes says what waits to be sent, before this pong is added to it.'
  expectSame(
    'which of 16 pings of 100 bytes are answered',
    await answeredOf(16, 100),
    '0 1 2 3 4 5 6 7 8 9 10 15',
    {
      because:
        'A pong of 100 bytes is a frame of 102. Up to the eleventh ping, number 10, no more than PROMPT_PONG_BYTES wait to be sent. Of the others, only the newest is answered.',
      likely,
      look: '#hearPing()',
    },
  )
  expectSame(
    'which of 19 pings of 62 bytes are answered',
    await answeredOf(19, 62),
    '0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 18',
    {
      because:
        'Sixteen pongs of 64 bytes are exactly PROMPT_PONG_BYTES, and no more: number 16 is answered at once, too.',
      likely: 'queuedBytes <= PROMPT_PONG_BYTES.',
      look: '#hearPing()',
    },
  )

  await ada.send(Buffer.concat([...flooded, clientClose(1000)]))
  expectSame('the last frame', ada.takeFrames().at(-1)?.kind, 'close', {
    because: 'A Close counts, however many pings came before it.',
    likely: 'A pong that is due must not hold up a Close.',
    look: ['#hearClose()', 'websocket.close()'],
  })
  await ada.halfClose()
  world.expectTimers(0, { because: 'ada has gone.' })
}
