/** What `onBytes()` of chapter 09 takes of a chunk, and what it hands on, when the connection is paused. */

import { setImmediate as turn } from 'node:timers/promises'
import type { Connection } from '#code/07-event-loop/connection.ts'
import type { Stage } from '../../judge/step.ts'
import { expectSteady, largeToSmall } from './frame-costs.ts'
import { cutAt, glued } from './frame-decoding.ts'

/** A connection may be paused in the middle of a chunk: the frames behind wait, and none is lost. */
export async function expectPausesBetweenFrames({ load, story, expectSame }: Stage): Promise<void> {
  const { FrameProtocol } = await load(() => import('#code/09-framing/frame-protocol.ts'))
  const heard: string[] = []
  let heardOf = 0
  const connection = {
    isOpen: true,
    isReading: true,
    heard() {
      heardOf += 1
    },
  }
  const frames = new FrameProtocol(connection as unknown as Connection, {
    onFrame(payload) {
      heard.push(Buffer.from(payload).toString())
      connection.isReading = heard.length !== 2
    },
  })
  const bytes = glued('one', 'two', 'three', 'four')
  story.tell('test', 'hands over four frames in one chunk; the second one pauses the connection')
  const taken = frames.onBytes(bytes)
  const heardInTime = [...heard]
  await turn()
  const reason = {
    because:
      'After a message that pauses the connection, nothing is handed on. The connection keeps the rest and offers it again.',
    likely:
      heard.length > heardInTime.length
        ? 'onBytes() itself hands each frame on, before it returns: whether to go on depends on what was done with it.'
        : heard.length < 2
          ? 'One chunk may hold many frames: after each one, go on from its end.'
          : 'Go on only while connection.isReading, and return how many bytes were taken.',
    look: 'frame-protocol.onBytes()',
  }
  expectSame('the frames that were handed on', heardInTime, ['one', 'two'], reason)
  expectSame(
    'the bytes that onBytes() says it has taken',
    taken,
    glued('one', 'two').length,
    reason,
  )
  connection.isReading = true
  frames.onBytes(bytes.subarray(taken))
  expectSame(
    'the frames that were handed on in the end',
    heard,
    ['one', 'two', 'three', 'four'],
    reason,
  )
  expectSame('the number of calls to connection.heard()', heardOf, 4, {
    because: 'A whole frame is a sign of life, and chapter 08 ends connections that give none.',
    likely: 'Call #hear(), which is given: it hands on a frame and tells the connection.',
    look: 'frame-protocol.onBytes()',
  })
}

/** What onBytes() takes, and what is a sign of life. Only a failure is told. */
export async function expectHalfTaken({ load, story, expectSame }: Stage): Promise<void> {
  const { FrameProtocol } = await load(() => import('#code/09-framing/frame-protocol.ts'))
  let heardOf = 0
  const connection = { isOpen: true, isReading: true, heard: () => void heardOf++ }
  const frames = new FrameProtocol(connection as unknown as Connection, { onFrame() {} })
  const [begun, rest] = cutAt(glued('one', 'half'), 11)
  const taken = frames.onBytes(begun)
  if (taken !== begun.length || heardOf !== 1) {
    story.tell('test', 'hands over a frame, and the first four bytes of a second one')
  }
  if (taken !== begun.length) {
    expectSame('the bytes that onBytes() says it has taken', taken, begun.length, {
      because:
        'The decoder keeps an incomplete frame, so its bytes were taken. The connection offers again what was not taken.',
      likely: 'When a chunk ends inside a frame, everything is taken.',
      look: 'frame-protocol.onBytes()',
    })
  }
  if (heardOf !== 1) {
    expectSame('the number of calls to connection.heard()', heardOf, 1, {
      because:
        'Only a whole frame is a sign of life. Half a frame could arrive byte by byte, forever.',
      likely: 'Call heard() only where a frame is handed on: #hear() does both.',
      look: 'frame-protocol.onBytes()',
    })
  }
  connection.isReading = false
  const takenInPause = frames.onBytes(rest)
  if (takenInPause !== 0) {
    story.tell('test', 'hands over the rest of a frame, while the connection is paused')
    expectSame('the bytes that onBytes() says it has taken', takenInPause, 0, {
      because:
        'A chunk may arrive when the connection is already paused. None of it is taken then.',
      likely: 'Look at connection.isReading before each frame, including the first.',
      look: 'frame-protocol.onBytes()',
    })
  }
}

/** A chunk that ends inside a frame, behind one that pauses the connection: no byte is lost, and none counts twice. Only a failure is told. */
export async function expectHalfOfferedOnce({ load, story, expectSame }: Stage): Promise<void> {
  const { FrameProtocol } = await load(() => import('#code/09-framing/frame-protocol.ts'))
  const heard: string[] = []
  const connection = { isOpen: true, isReading: true, heard() {}, end() {} }
  const frames = new FrameProtocol(connection as unknown as Connection, {
    onFrame(payload) {
      heard.push(Buffer.from(payload).toString())
      connection.isReading = heard.length !== 1
    },
  })
  const bytes = glued('one', 'three')
  const [begun] = cutAt(bytes, 13)
  const taken = frames.onBytes(begun)
  connection.isReading = true
  frames.onBytes(bytes.subarray(taken))
  if (heard.join() === 'one,three') return
  story.tell(
    'test',
    'hands over a frame that pauses the connection and the first half of another; resumes it, and hands over what was not taken, and the rest',
  )
  expectSame('the frames that were handed on', heard, ['one', 'three'], {
    because: 'What onBytes() has not taken is offered again.',
    likely:
      'Look at connection.isReading before you call next(): the decoder keeps half a frame, and would get those bytes twice.',
    look: 'frame-protocol.onBytes()',
  })
}

/** A chunk with thousands of frames: each is handed on for what it costs alone. */
export async function expectSteadyHandingOn(stage: Stage): Promise<void> {
  const { FrameProtocol } = await stage.load(() => import('#code/09-framing/frame-protocol.ts'))
  const takeFirst = (chunk: Uint8Array) => {
    const connection = { isOpen: true, isReading: true, heard() {} }
    return new FrameProtocol(connection as unknown as Connection, { onFrame() {} }).onBytes(chunk)
  }
  await expectSteady(stage, 'a frame in a large chunk to cost no more than one in a small chunk', {
    ratio: () => largeToSmall(takeFirst),
    because: 'A chunk with thousands of frames costs as much as thousands of frames, and no more.',
    likely:
      'Something is copied for each frame: give next() the chunk itself, and the place from which to go on.',
    look: 'frame-protocol.onBytes()',
  })
}
