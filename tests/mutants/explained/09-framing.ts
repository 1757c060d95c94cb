import type { Explained } from '../explained.ts'

export const explained: Explained[] = [
  {
    file: 'frames.ts',
    function: 'encodeFrame',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the line as it stands.
    was: 'throw new RangeError(`a frame of ${payload.length} bytes, over ${MAX_FRAME_BYTES}`)',
    now: 'throw new RangeError(``)',
    because: 'A RangeError is what is promised. Its text is for people.',
  },
  {
    file: 'frames.ts',
    function: 'push',
    was: "at = next.kind === 'frame' ? next.end : chunk.length",
    now: 'at = true ? next.end : chunk.length',
    because:
      'What is no frame has no `end`, and `undefined < chunk.length` is false: the loop is over as well.',
  },
  {
    file: 'frames.ts',
    function: 'next',
    was: 'this.#keep(chunk.subarray(from), chunk.length - from + parsed.missingBytes)',
    now: 'this.#keep(chunk.subarray(from), chunk.length + from + parsed.missingBytes)',
    because:
      'It only bounds the room from above, and twice what has come bounds it as well. The next call knows better.',
  },
  {
    file: 'frames.ts',
    function: 'end',
    was: "if (this.#begunBytes === 0 || parsed.kind !== 'incomplete') return undefined",
    now: 'if (this.#begunBytes === 0 || false) return undefined',
    because:
      'Bytes that are kept are always part of an incomplete frame. The question is for TypeScript, which cannot know.',
  },
  {
    file: 'frames.ts',
    function: '#keep',
    was: 'if (size > this.#begun.length) {',
    now: 'if (size >= this.#begun.length) {',
    because:
      'Room that is exactly full is made larger one piece earlier. It doubles all the same, up to the same size.',
  },
]
