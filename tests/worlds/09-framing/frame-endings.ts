/** How frame connections of chapter 09 end, towards a client that takes its time to read. */

import type { Stage } from '../../judge/step.ts'
import { announce, frame } from '../../protocols/frames.ts'
import { glued } from './frame-decoding.ts'
import { expectEndedAtOnce, expectErrorSeen, expectLimitCapped } from './frame-faults.ts'
import { ScriptedFrames } from './scripted-frames.ts'

/** An invalid client gets the answers before its mistake, the reason, and FIN. */
export async function expectInvalidTold(stage: Stage): Promise<void> {
  const { expect, expectSame } = stage
  const tooLong = Buffer.concat([glued('hello', 'sea'), announce(201), frame('noise')])
  const cutOff = glued('hello', 'sea', 'cut off').subarray(0, -3)
  for (const [bytes, ending] of [
    [tooLong, 'too-large'],
    [cutOff, 'invalid'],
  ] as const) {
    const slow = await ScriptedFrames.start(stage, { maxFrameBytes: 200 })
    slow.stream.setRoom(0)
    await slow.send(bytes)
    await slow.sayEnd()
    const isPatient = {
      because: 'The client reads slowly. Two frames and the reason are still on their way to it.',
      likely:
        '#endWith() ends the connection after what was sent. destroy() throws that away, now or in a moment.',
      look: ending === 'invalid' ? 'frame-protocol.onEnd()' : 'frame-protocol.onBytes()',
    }
    slow.expectAtRest(isPatient)
    slow.stream.setRoom(Number.POSITIVE_INFINITY)
    await slow.settle()
    expectSame(
      'the frames that the client gets',
      slow.takeFrames(),
      ['hello', 'sea', 'last words'],
      isPatient,
    )
    expect('FIN after them', slow.stream.isEnded && !slow.stream.isDestroyed, isPatient)
    slow.expectAtRest(isPatient)
    await slow.freeDescriptor()
    expectSame('why the connection ended', slow.endings, [ending], {
      because:
        'A server counts its connections by their endings: a length over the limit is `too-large`, an end in mid-frame `invalid`.',
      likely: 'The first argument of #endWith() says why.',
      look: ending === 'invalid' ? 'frame-protocol.onEnd()' : 'frame-protocol.onBytes()',
    })
    expectSame('the number of calls to onEnd of the events', slow.ends, 0, {
      because: 'The stream did not end between two frames. There is only an error to report.',
      likely: 'Call either #endWith() or onEnd of the events, not both.',
      look: 'frame-protocol.onEnd()',
    })
  }
  await expectEndedAtOnce(stage)
  await expectLimitCapped(stage)
  await expectErrorSeen(stage)
}

/** An end between two frames is in order, and is for the events to answer, if they want to. */
export async function expectEndInOrder(stage: Stage): Promise<void> {
  const { expect, expectSame } = stage
  const polite = await ScriptedFrames.start(stage, { answersEnd: true })
  await polite.send(frame('hello'))
  await polite.sayEnd()
  expectSame('the number of calls to onEnd of the events', polite.ends, 1, {
    because: 'The client has said FIN between two frames, and these events have an onEnd.',
    likely: 'When the end is in order, call this.#events.onEnd, if there is one.',
    look: 'frame-protocol.onEnd()',
  })
  if (!polite.hasKeptThis) {
    expect('onEnd to be called as a method of the events', false, {
      because:
        'The events may be an object with state of its own, which its methods find in `this`.',
      likely:
        'Call this.#events.onEnd(this). A method that is put into a variable first loses its object.',
      look: 'frame-protocol.onEnd()',
    })
  }
  expect('the connection to stay open for the events to end it', !polite.stream.isEnded, {
    because: 'The client may still be listening, and onEnd may still have answers to send.',
    likely: 'End the connection only when the events have no onEnd.',
    look: 'frame-protocol.onEnd()',
  })
  const plain = await ScriptedFrames.start(stage, { hearsEnd: false })
  const hasTime = {
    because: 'The client reads slowly. Its answer is still on the way.',
    likely: 'end() sends FIN after what was sent. destroy() throws that away.',
    look: 'frame-protocol.onEnd()',
  }
  plain.stream.setRoom(0)
  await plain.send(frame('goodbye'))
  await plain.sayEnd()
  plain.expectAtRest(hasTime)
  plain.stream.setRoom(Number.POSITIVE_INFINITY)
  await plain.settle()
  expectSame('the frames that the client gets', plain.takeFrames(), ['goodbye'], hasTime)
  expect('FIN after it', plain.stream.isEnded && !plain.stream.isDestroyed, hasTime)
  await plain.freeDescriptor()
  expectSame('why the connection ended', plain.endings, ['finished'], {
    because: 'The client has said FIN between two frames, and nothing was wrong.',
    likely: 'When the events have no onEnd, the connection ends as `finished`.',
    look: 'frame-protocol.onEnd()',
  })
}
