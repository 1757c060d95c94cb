/** What `onBytes()` of chapter 09 does at once when something is wrong: with the bytes, or behind `onFrame`. */

import type { Connection } from '#code/07-event-loop/connection.ts'
import { quote } from '../../harness/bytes.ts'
import type { Stage } from '../../judge/step.ts'
import { announce, frame } from '../../protocols/frames.ts'
import { cutAt } from './frame-decoding.ts'

/** An invalid length ends the connection before onBytes() returns, however its bytes come: the client's FIN may be next. */
export async function expectEndedAtOnce(stage: Stage): Promise<void> {
  const { FrameProtocol } = await stage.load(() => import('#code/09-framing/frame-protocol.ts'))
  for (const chunks of [
    [Buffer.concat([frame('one'), announce(11), frame('noise')])],
    [announce(11)],
    cutAt(announce(11), 1, 2, 3),
  ]) {
    const endings: string[] = []
    const connection = {
      isOpen: true,
      isReading: true,
      heard() {},
      end(why: string) {
        endings.push(why)
        connection.isOpen = false
        connection.isReading = false
      },
      destroy: (why: string) => connection.end(why),
      stop: (why: string) => connection.end(why),
    }
    const options = { maxFrameBytes: 10 }
    const frames = new FrameProtocol(connection as unknown as Connection, { onFrame() {} }, options)
    for (const chunk of chunks) frames.onBytes(chunk)
    if (endings.length > 0) continue
    for (const chunk of chunks) stage.story.tell('test', `hands over ${quote(chunk)}`)
    stage.expectSame(
      'how the connection has ended when onBytes() returns',
      endings,
      ['too-large'],
      {
        because:
          'The limit is 10. The client’s FIN may be next, and onEnd() would take that for a valid end: nothing is left of the wrong length.',
        likely: 'Call #endWith() in onBytes(), when next() has returned `invalid`, and not later.',
        look: 'frame-protocol.onBytes()',
      },
    )
  }
}

const MAX_FRAME_BYTES = 1024 * 1024

/** An echo sends back what it receives, so a limit over what it can send would end the process. Only a failure is told. */
export async function expectLimitCapped({ load, story, expectSame }: Stage): Promise<void> {
  const { FrameProtocol } = await load(() => import('#code/09-framing/frame-protocol.ts'))
  const endings: string[] = []
  const connection = {
    isOpen: true,
    isReading: true,
    heard() {},
    end: (why: string) => void endings.push(why),
  }
  const options = { maxFrameBytes: 2 * MAX_FRAME_BYTES }
  const frames = new FrameProtocol(connection as unknown as Connection, { onFrame() {} }, options)
  const chunk = announce(MAX_FRAME_BYTES + 1)
  frames.onBytes(chunk)
  if (endings.length === 1) return
  story.tell('test', `hands over ${quote(chunk)}, with maxFrameBytes: ${2 * MAX_FRAME_BYTES}`)
  expectSame('how the connection has ended', endings, ['too-large'], {
    because:
      'encodeFrame() throws for a payload over MAX_FRAME_BYTES. An echo of such a frame would end the server.',
    likely: 'The constructor limits maxFrameBytes to MAX_FRAME_BYTES.',
    look: 'frame-protocol.onBytes()',
  })
}

/** An error of the events is seen: it is thrown on, or at least it ends the connection. Only a failure is told. */
export async function expectErrorSeen({ load, story, expect }: Stage): Promise<void> {
  const { FrameProtocol } = await load(() => import('#code/09-framing/frame-protocol.ts'))
  let isSeen = false
  const seen = () => {
    isSeen = true
  }
  const connection = {
    get isOpen() {
      return !isSeen
    },
    get isReading() {
      return !isSeen
    },
    heard() {},
    end: seen,
    destroy: seen,
    stop: seen,
  }
  const frames = new FrameProtocol(connection as unknown as Connection, {
    onFrame() {
      throw new Error('a bug behind onFrame')
    },
  })
  try {
    frames.onBytes(frame('one'))
  } catch {
    isSeen = true
  }
  if (isSeen) return
  story.tell('test', 'hands over a frame; onFrame of the events throws an error')
  expect('the error to be seen', isSeen, {
    because: 'It is our bug. If the error is hidden, the clients find the bug, much later.',
    likely: 'Do not catch what onFrame throws.',
    look: 'frame-protocol.onBytes()',
  })
}
