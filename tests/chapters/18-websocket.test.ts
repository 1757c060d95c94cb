import { setImmediate as turn } from 'node:timers/promises'
import { pattern } from '../harness/client.ts'
import { FEW_BYTES } from '../harness/cost.ts'
import { withCommas } from '../harness/numbers.ts'
import { step } from '../judge/step.ts'
import { clientFrame } from '../protocols/websocket.ts'
import { bytesTrial, costOfPiece, growthOfCost } from '../worlds/18-websocket/utf8-bytes.ts'
import { expectChecksApart, expectPieces } from '../worlds/18-websocket/utf8-pieces.ts'
import { expectAcceptances } from '../worlds/18-websocket/websocket-acceptances.ts'
import { expectCloses } from '../worlds/18-websocket/websocket-close-payloads.ts'
import { expectRealServer } from '../worlds/18-websocket/websocket-echo-server.ts'
import { expectClosingHandshakes } from '../worlds/18-websocket/websocket-endings.ts'
import {
  expectAnyFragments,
  expectReadersApart,
  expectStrays,
} from '../worlds/18-websocket/websocket-fragments.ts'
import { expectRefusals } from '../worlds/18-websocket/websocket-handshake-refusals.ts'
import { openHandshakes } from '../worlds/18-websocket/websocket-handshakes.ts'
import { expectHeaderCost } from '../worlds/18-websocket/websocket-header-cost.ts'
import { expectHeaderFaults } from '../worlds/18-websocket/websocket-header-faults.ts'
import { expectHeadersRead } from '../worlds/18-websocket/websocket-header-forms.ts'
import { headerTrials, loadFrames } from '../worlds/18-websocket/websocket-headers.ts'
import {
  expectAskedOnce,
  expectLastWords,
  expectPausedClosed,
  expectServiceAskedWithoutCode,
  expectSlowConsumer,
} from '../worlds/18-websocket/websocket-last-words.ts'
import { expectMasksOff, expectWords } from '../worlds/18-websocket/websocket-masks.ts'
import { expectLimit } from '../worlds/18-websocket/websocket-message-limits.ts'
import { MAX_BYTES, messageTrials } from '../worlds/18-websocket/websocket-message-trials.ts'
import { expectOrigins, expectSubprotocols } from '../worlds/18-websocket/websocket-offers.ts'
import { expectPayloadsLeftAlone } from '../worlds/18-websocket/websocket-payloads.ts'
import { expectPongs } from '../worlds/18-websocket/websocket-pings.ts'
import {
  control,
  fault,
  fragment,
  lastFragment,
  whole,
} from '../worlds/18-websocket/websocket-reader.ts'
import { expectTexts } from '../worlds/18-websocket/websocket-texts.ts'

step('18.1', 'a handshake is accepted, or refused for the reason it has', async (stage) => {
  const handshakes = await openHandshakes(stage)
  expectAcceptances(stage, handshakes)
  expectRefusals(stage, handshakes)
  expectOrigins(stage, handshakes)
  expectSubprotocols(stage, handshakes)
})

step('18.2', 'a header is read once it is there, a fault once it shows', async (stage) => {
  const { FrameHeader } = await loadFrames(stage)
  const header = new FrameHeader()
  const trials = headerTrials(stage, header)
  expectHeadersRead(trials)
  expectHeaderFaults(trials)

  expectHeaderCost(stage, header)
})

step('18.3', 'the mask comes off, from any place to any place, by words', async (stage) => {
  const { unmask } = await loadFrames(stage)
  expectMasksOff(stage, unmask)
  await expectWords(stage, unmask)
})

step('18.4', 'messages come out of fragments, with control frames between', async (stage) => {
  const trials = await messageTrials(stage)
  const { check, hello, twice } = trials
  twice([whole('binary', 'hello')], {
    because: 'A frame that begins a message and is final is a whole message.',
  })
  twice([whole('text', 'a'), whole('binary', 'b'), whole('text', ''), whole('binary', '')], {
    because: 'Each message has its own kind, and an empty message is a message, too.',
    likely: 'Once a message is complete, clear whatever was kept for it.',
  })
  for (const size of [125, 126, 65_535, 65_536, MAX_BYTES]) {
    check([whole('binary', pattern(1, size)), whole('binary', 'x')], {
      because: `A message of ${withCommas(size)} bytes is not over the limit of ${withCommas(MAX_BYTES)}.`,
    })
  }
  twice([...hello, whole('binary', 'next')], {
    because: 'Fragments are one message, up to and including the final one.',
    likely:
      'A continuation belongs to the message under way. Its FIN bit says whether it is the last fragment.',
  })
  twice([fragment('text', 'hel'), lastFragment('lo', 'text', 'hello')], {
    because: 'The kind of a message is that of its first frame: a continuation has none.',
    likely: 'Remember the opcode that began the message.',
  })
  twice(
    [
      fragment('text', ''),
      fragment('continuation', ''),
      lastFragment('', 'text', ''),
      whole('binary', 'x'),
    ],
    {
      because: 'Fragments may be empty, even all of them.',
      likely:
        'A message can be under way with no payload yet: its length so far does not tell whether it has begun.',
    },
  )
  twice(
    [
      control('ping', 'before'),
      fragment('binary', 'hel'),
      control('ping', 'between'),
      control('pong', ''),
      fragment('continuation', 'l'),
      control('close', Buffer.from([3, 0xe8])),
      lastFragment('o', 'binary', 'hello'),
      control('pong', pattern(0, 125)),
    ],
    {
      because:
        'Control frames may come between fragments. Each is handed out at once and unchanged, and the message goes on after it.',
      likely:
        'Neither the payload nor the opcode of a control frame belongs to the message under way.',
    },
  )
  check([fault(clientFrame('text', Buffer.of(0xff)), 'not-utf8')], {
    because: 'A text of one frame is a text like any other: its payload is checked as it arrives.',
    likely: '#opcode has to say that it is a text, whether or not more fragments follow.',
  })
  expectReadersApart(stage, trials)
  await expectAnyFragments(stage, trials)
  expectStrays(trials)
  expectLimit(stage, trials)
  expectPayloadsLeftAlone(stage, trials)
})

step('18.5', 'a text fails at the first impossible byte, inside a frame, too', async (stage) => {
  const { Utf8Check } = await stage.load(() => import('#code/18-websocket/utf8.ts'))
  const { expect, story } = stage

  expectChecksApart(stage, Utf8Check)
  const tryBytes = bytesTrial(stage, Utf8Check)
  for (let first = 0; first < 256; first++) tryBytes(first)
  for (let first = 0; first < 256; first++)
    for (let second = 0; second < 256; second++) tryBytes(first, second)
  story.judge(
    'test',
    'expects each pair of bytes to be taken, or refused at the right byte',
    'kept',
  )
  const edges = [0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xe2, 0xff]
  for (const first of [0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4]) {
    await turn()
    for (const second of edges)
      for (const third of edges) for (const fourth of edges) tryBytes(first, second, third, fourth)
  }
  story.judge('test', 'expects the same of longer sequences', 'kept')
  expectPieces(stage, Utf8Check)

  const growth = await growthOfCost(Utf8Check)
  expect('a piece of 64 KiB to cost as much as 64 pieces of 1 KiB', growth < 3, {
    because: 'Every byte is looked at once, however long its piece is.',
    likely:
      'slice() of a plain Uint8Array copies all that is left: removing bytes with it takes quadratic time.',
    expected: 'less than 3 times as much',
    received: `${growth.toFixed(1)} times as much`,
    look: 'push()',
  })
  story.tell('test', 'pushes a text of 4 MiB, then 200 pieces of one byte')
  const copies = costOfPiece(Utf8Check)
  expect('a piece to cost the same, however much arrived earlier', copies < FEW_BYTES, {
    because:
      'A text may arrive in as many pieces as it has bytes. The earlier bytes have been checked already.',
    likely:
      'Keeping the bytes and checking all of them again takes quadratic time. Three numbers are enough.',
    expected: 'less than half the cost of copying the 4 MiB',
    received: `${copies.toFixed(2)} times the cost of a copy`,
    look: 'push()',
  })
  await expectTexts(stage)
})

step('18.6', 'both ends say Close once; of many pings the newest is answered', async (stage) => {
  await expectCloses(stage)
  await expectClosingHandshakes(stage)
  await expectLastWords(stage)
  await expectPausedClosed(stage)
  await expectSlowConsumer(stage)
  await expectAskedOnce(stage)
  await expectPongs(stage)
  await expectRealServer(stage)
  await expectServiceAskedWithoutCode(stage)
})
