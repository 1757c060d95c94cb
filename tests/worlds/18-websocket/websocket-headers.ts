/** Headers of frames for chapter 18, right and wrong, cut behind each byte. */

import type * as FramesModule from '#code/18-websocket/websocket-frames.ts'
import { countBytes, hex } from '../../harness/bytes.ts'
import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'
import { clientFrame, type FrameForm, type FrameKind } from '../../protocols/websocket.ts'

type Header = InstanceType<typeof FramesModule.FrameHeader>

export function loadFrames(stage: Stage): Promise<typeof FramesModule> {
  return stage.load(() => import('#code/18-websocket/websocket-frames.ts'))
}

export type HeaderTrials = ReturnType<typeof headerTrials>

/** `check` expects a header to be read once it is there, `faulty` a fault with the byte that proves it. */
export function headerTrials({ expect, expectSame, story }: Stage, header: Header) {
  const check = (
    what: string,
    frame: Uint8Array,
    expected: object,
    headerBytes: number,
    reason: Reason,
  ) => {
    for (const at of [0, 3]) {
      const bytes = Buffer.concat([Buffer.alloc(at, 0xff), frame])
      for (let length = at; length < at + headerBytes; length++) {
        const state = header.read(bytes.subarray(0, length), at)
        if (state === 'incomplete') continue
        expect(`the first ${countBytes(length - at)} of ${what} to be incomplete`, false, {
          because:
            state === 'whole'
              ? 'Bytes come as they come. What is not all there is not whole.'
              : `What can still become right is no fault. ${reason.because}`,
          likely: at > 0 ? COUNT_FROM_AT : likelyOfState(state),
          expected: `'incomplete' for ${length === at ? 'no byte' : hex(bytes.subarray(at, length))}, read from place ${at} on`,
          received: `'${state}'`,
        })
      }
      story.tell(
        'test',
        `reads ${hex(bytes.subarray(at, at + headerBytes + 2))} from place ${at} on`,
      )
      const exact = header.read(bytes.subarray(0, at + headerBytes), at)
      expectSame(`${what}, read`, exact, 'whole', {
        ...reason,
        likely:
          at > 0
            ? COUNT_FROM_AT
            : 'A header is whole with the last byte of its key: no payload need be there.',
      })
      expectSame(`${what} with something behind it, read`, header.read(bytes, at), 'whole', reason)
      const { isFinal, opcode, length, key } = header
      const read = { isFinal, opcode, length, key: inHex(key) }
      const asSent = { isFinal: true, opcode: 2, key: '0xc7e4129f', ...expected }
      expectSame(what, read, asSent, at > 0 ? { ...reason, likely: COUNT_FROM_AT } : reason)
      expectSame('the length of the header itself', header.bytes, headerBytes, {
        because: 'The payload begins so many bytes behind the place where the header does.',
        likely: 'It ends behind the key; and it began at `at`.',
      })
    }
  }
  const faulty = (
    what: string,
    name: string,
    kind: FrameKind | number,
    provenBy: number,
    form: FrameForm,
    reason: Reason,
  ) => {
    const frame = clientFrame(kind, '', form)
    for (const at of [0, 5]) {
      const bytes = Buffer.concat([Buffer.alloc(at, 0x82), frame])
      story.tell(
        'test',
        `reads ${hex(bytes.subarray(at, at + provenBy))} from place ${at} on, and no more`,
      )
      const state = header.read(bytes.subarray(0, at + provenBy), at)
      const isJustLate = state === 'incomplete' && header.read(bytes, at) === name
      const likely = isJustLate ? NOTHING_BEHIND_IT : reason.likely
      expectSame(what, state, name, {
        ...reason,
        likely: at > 0 ? COUNT_FROM_AT : (likely ?? NOTHING_BEHIND_IT),
      })
      expectSame(`${what}, and more behind it`, header.read(bytes, at), name, reason)
    }
  }
  return { check, faulty }
}

const COUNT_FROM_AT = 'What lies in front of `at` is not the header’s; do you count from `at`?'

const NOTHING_BEHIND_IT =
  'The byte that is wrong is there, and nothing behind it can make it right: do not wait for more.'

export function inHex(key: number): string {
  return `0x${(key >>> 0).toString(16).padStart(8, '0')}`
}

function likelyOfState(state: string): string {
  if (state === 'whole') return 'Look whether a byte is there before you look at it.'
  return state === 'length-not-minimal'
    ? '126 is the first length that needs two bytes, 65,536 the first that needs eight. A length is big-endian, and << has only 32 bits.'
    : 'Which byte says so, and has it come?'
}
