/** Headers of frames for chapter 18, right and wrong, cut behind each byte. */

import type * as FramesModule from '#code/18-websocket/websocket-frames.ts'
import { countBytes, hex } from '../../harness/bytes.ts'
import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'
import { clientFrame, type FrameForm, type FrameKind, KEY } from '../../protocols/websocket.ts'

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
    const old = inFields(header)
    for (const at of [0, 3]) {
      const chunk = Buffer.concat([Buffer.alloc(at, 0xff), frame])
      // A chunk from a socket is a Buffer, a header that was cut is put together in a plain Uint8Array.
      const bytes = at === 0 ? chunk : new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length)
      for (let length = at; length < at + headerBytes; length++) {
        const state = header.read(bytes.subarray(0, length), at)
        if (state === 'incomplete') continue
        expect(`the first ${countBytes(length - at)} of ${what} to be incomplete`, false, {
          because:
            state === 'whole'
              ? 'The bytes may stop anywhere, and a header is whole only once all of it has arrived.'
              : `Bytes that can still become a right header are no fault. ${reason.because}`,
          likely: at > 0 ? COUNT_FROM_AT : likelyOfState(state, header, length, headerBytes),
          expected: `'incomplete' for ${length === at ? 'no byte' : hex(bytes.subarray(at, length))}, read from place ${at} on`,
          received: `'${state}'`,
        })
      }
      story.tell(
        'test',
        `reads ${hex(bytes.subarray(at, at + headerBytes + 2))} from place ${at} on`,
      )
      const exact = header.read(bytes.subarray(0, at + headerBytes), at)
      expectSame(`the result for ${what}`, exact, 'whole', {
        ...reason,
        likely:
          at > 0
            ? COUNT_FROM_AT
            : 'A header is whole with the last byte of its key: no payload has to be there yet.',
      })
      expectSame(
        `the result for ${what} with more bytes after it`,
        header.read(bytes, at),
        'whole',
        reason,
      )
      const read = inFields(header)
      const asSent = { isFinal: true, opcode: 2, key: '0xc7e4129f', ...expected }
      const likely = at > 0 ? COUNT_FROM_AT : likelyOfFields(read, asSent, old, reason)
      expectSame(what, read, asSent, { ...reason, likely })
      expectSame('the length of the header itself', header.bytes, headerBytes, {
        because: 'The payload begins this many bytes after the start of the header.',
        likely: 'The header begins at `at` and ends after the key.',
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
      const isOther = state !== 'incomplete' && state !== 'whole'
      const likely = isOther
        ? 'A fault is found, but called by another name. Which byte proves which fault?'
        : isJustLate
          ? NOTHING_BEHIND_IT
          : (reason.likely ?? 'Check for this fault in every frame that can have it.')
      expectSame(what, state, name, { ...reason, likely: at > 0 ? COUNT_FROM_AT : likely })
      expectSame(`${what} with more bytes after it`, header.read(bytes, at), name, reason)
    }
  }
  /** Lengths that no number holds exactly. */
  const huge = (length: bigint) => {
    const bytes = clientFrame('binary', '..', { length: 2 ** 32 })
    bytes.writeBigUInt64BE(length, 2)
    story.tell('test', `reads ${hex(bytes)} from place 0 on`)
    const state = header.read(bytes, 0)
    const isHuge = state === 'whole' && header.length > Number.MAX_SAFE_INTEGER
    expect('its length to be over any limit', isHuge || state === 'too-large', {
      because:
        'A peer may announce any length. A length that is too large is only too large, and no other fault.',
      likely: 'Such a length need not be exact, but it is unsigned, and it stays a number.',
      expected: `'whole', and a length of about ${Number(length).toPrecision(3)}`,
      received: state === 'whole' ? `'whole', and ${header.length}` : `'${state}'`,
    })
  }
  return { check, faulty, huge }
}

const COUNT_FROM_AT =
  'The bytes in front of `at` are not part of the header: do you count from `at`?'

const NOTHING_BEHIND_IT =
  'The wrong byte has arrived, and nothing after it can make it right: do not wait for more.'

type Fields = ReturnType<typeof inFields>

function inFields({ isFinal, opcode, length, key }: Header) {
  return { isFinal, opcode, length, key: inHex(key) }
}

/** Why a field may be wrong, by which of them it is. */
function likelyOfFields(read: Fields, sent: object, old: Fields, { likely }: Reason) {
  const wrong = (Object.keys(sent) as (keyof Fields)[]).find(
    (name) => read[name] !== (sent as Fields)[name],
  )
  if (wrong && wrong !== 'isFinal' && read[wrong] === old[wrong] && old[wrong] !== 0) {
    return 'It is the value of the previous header: every header sets all fields.'
  }
  if (wrong === 'isFinal')
    return 'FIN is the highest bit of the first byte: isFinal is true if it is set, and false if not.'
  if (wrong === 'opcode') return 'The opcode is in the lowest four bits of the first byte.'
  if (wrong === 'key') return 'The key follows the length: 2, 4 or 10 bytes after the start.'
  if (wrong === 'length' && (sent as Fields).length < 126) {
    return 'A length of up to 125 is in the lowest seven bits of the second byte.'
  }
  return likely
}

export function inHex(key: number): string {
  return `0x${(key >>> 0).toString(16).padStart(8, '0')}`
}

/** Why the first bytes of a right header may have been taken for more than that. */
function likelyOfState(state: string, header: Header, bytes: number, headerBytes: number): string {
  if (state === 'whole' && header.bytes > 1 && header.bytes <= bytes) return FORM
  if (state === 'length-not-minimal' && bytes < headerBytes - KEY.length) {
    return 'The last byte of the length has not arrived: until then, nobody knows the length.'
  }
  return CAUSES[state] ?? 'Which byte proves that, and has it arrived?'
}

const FORM =
  'The lowest seven bits of the second byte are the length. If they are 126 or 127, it follows in 2 or 8 bytes.'

/** Why a right header may have been taken for whole, or for wrong, before it was there. */
const CAUSES: Record<string, string> = {
  whole: 'Check that a byte has arrived before you read it.',
  'length-not-minimal':
    '126 is the first length that needs two bytes, 65,536 the first that needs eight. A length is big-endian and unsigned, and << has only 32 bits.',
  'unknown-opcode': 'Opcodes are 0–2 and 8–10, in the lowest four bits of the first byte.',
  'reserved-bits': 'The reserved bits are 0x40, 0x20 and 0x10 of the first byte.',
  'not-masked': 'The highest bit of the second byte says so: has that byte arrived?',
  'control-too-long':
    'Only close, ping and pong have that limit; 125 is within it, and the mask bit is not part of the length.',
}
