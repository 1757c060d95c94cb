/** Frames on a connection without a socket, which takes and gives what the test says. No time passes. */

import type { FrameEvents } from '#code/09-framing/frame-protocol.ts'
import type { Reason } from '../../harness/failure.ts'
import { countRealTimers } from '../../harness/real-timers.ts'
import type { Stage } from '../../judge/step.ts'
import { ScriptedPeer } from '../scripted-peer.ts'

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
  /** Whether `onEnd` was called as a method: an object that serves as events may need its `this`. */
  hasKeptThis = true

  static async start(
    stage: Stage,
    { maxFrameBytes, hearsEnd = true, answersEnd }: ScriptedFramesOptions,
  ) {
    const { Connection } = await stage.load(() => import('#code/07-event-loop/connection.ts'))
    const { FrameProtocol } = await stage.load(() => import('#code/09-framing/frame-protocol.ts'))
    const scripted = new ScriptedFrames(stage, 'client')
    await scripted.run((loop) => {
      const connection = new Connection(scripted.stream, loop)
      const onEnd = function (this: unknown) {
        scripted.ends += 1
        scripted.hasKeptThis = this === events
        if (!answersEnd) connection.end('finished')
      }
      const events: FrameEvents = {
        onFrame: (payload, frames) => frames.send(payload),
        ...(hearsEnd && { onEnd }),
        lastWords: () => Buffer.from('last words'),
        onClose: (why) => void scripted.endings.push(why),
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
