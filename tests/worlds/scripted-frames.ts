/** Frames on a connection without a socket, which takes and gives what the test says. No time passes. */

import type { Connection } from '#code/07-event-loop/connection.ts'
import type { Reason } from '../harness/failure.ts'
import { countRealTimers } from '../harness/real-timers.ts'
import type { Stage } from '../judge/step.ts'
import { cutAt, glued } from './frame-decoding.ts'
import { ScriptedPeer } from './scripted-peer.ts'

interface ScriptedFramesOptions {
  maxFrameBytes?: number
  /** Whether the events have an `onEnd`; yes unless told otherwise. */
  hearsEnd?: boolean
  /** Whether that leaves the connection open, for the test to see. */
  answersEnd?: boolean
}

/** Says every frame back; its last words are `last words`. */
export class ScriptedFrames extends ScriptedPeer {
  readonly endings: string[] = []
  ends = 0

  static async start(
    stage: Stage,
    { maxFrameBytes, hearsEnd = true, answersEnd }: ScriptedFramesOptions,
  ) {
    const { Connection } = await stage.load(() => import('#code/07-event-loop/connection.ts'))
    const { FrameProtocol } = await stage.load(() => import('#code/09-framing/frame-protocol.ts'))
    const scripted = new ScriptedFrames(stage, 'client')
    await scripted.run((loop) => {
      const connection = new Connection(scripted.stream, loop)
      const onEnd = () => {
        scripted.ends += 1
        if (!answersEnd) connection.end('finished')
      }
      const events = {
        onFrame: (payload: Uint8Array, frames: { send(payload: Uint8Array): void }) =>
          frames.send(payload),
        ...(hearsEnd && { onEnd }),
        lastWords: () => Buffer.from('last words'),
        onClose: (why: string) => void scripted.endings.push(why),
      }
      connection.use(new FrameProtocol(connection, events, { maxFrameBytes }))
    })
    return scripted
  }

  /** Expects that the connection waits for its client, and that nothing else would end it. */
  expectAtRest(reason: Reason): void {
    this.stage.expect('the connection not to be destroyed', !this.stream.isDestroyed, reason)
    this.stage.expect('no timer to be set', countRealTimers('09-framing') === 0, reason)
  }

  /** The payloads that were written since the last look, as text. */
  takeFrames(): string[] {
    const bytes = Buffer.from(this.stream.takeWritten())
    const payloads: string[] = []
    for (let at = 0; at + 4 <= bytes.length; ) {
      const end = at + 4 + bytes.readUInt32BE(at)
      payloads.push(bytes.subarray(at + 4, end).toString())
      at = end
    }
    return payloads
  }
}

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
  const reason = {
    because:
      'Behind a message that pauses the connection, nothing is handed on. The connection keeps the rest and offers it again.',
    likely:
      heard.length < 2
        ? 'One chunk may hold many frames: after each one, go on from its end.'
        : 'Go on only while connection.isReading, and return how many bytes were taken.',
    look: 'frame-protocol.onBytes()',
  }
  expectSame('the frames that were handed on', [...heard], ['one', 'two'], reason)
  expectSame(
    'the bytes that onBytes() says it has taken',
    taken,
    glued('one', 'two').length,
    reason,
  )
  connection.isReading = true
  frames.onBytes(bytes.subarray(taken))
  expectSame('the frames in the end', heard, ['one', 'two', 'three', 'four'], reason)
  expectSame('how often connection.heard() was called', heardOf, 4, {
    because: 'A whole frame is a sign of life, and chapter 08 ends connections that give none.',
    likely: '#hear(), which is given, hands on a frame and tells the connection: call it.',
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
        'The decoder keeps what is incomplete. So it was taken: what is not, the connection offers again.',
      likely: 'Of a chunk that ends inside a frame, everything is taken.',
      look: 'frame-protocol.onBytes()',
    })
  }
  if (heardOf !== 1) {
    expectSame('how often connection.heard() was called', heardOf, 1, {
      because:
        'Only a whole frame is a sign of life. Half of one could come byte by byte, forever.',
      likely: 'Say so where a frame is handed on: #hear() does both.',
      look: 'frame-protocol.onBytes()',
    })
  }
  connection.isReading = false
  const takenInPause = frames.onBytes(rest)
  if (takenInPause === 0) return
  story.tell('test', 'hands over the rest of a frame, while the connection is paused')
  expectSame('the bytes that onBytes() says it has taken', takenInPause, 0, {
    because: 'A chunk may come when the connection is paused already. Nothing of it is taken then.',
    likely: 'Look at connection.isReading before each frame, also before the first.',
    look: 'frame-protocol.onBytes()',
  })
}
