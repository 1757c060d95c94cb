/** Groups of records in bytes: as they have to be written, and what has to be read of whatever is on a disk. */

import type { Decoded } from '#code/15-history/groups.ts'
import { countBytes, firstDifference, hex, quote } from '../../harness/bytes.ts'
import type { Reason } from '../../harness/failure.ts'
import { randomBytes, randomInteger } from '../../harness/random.ts'
import type { Stage } from '../../judge/step.ts'
import { flipBit, GROUP_HEADER_BYTES, group, sealed } from '../../protocols/groups.ts'

const DECODE = 'groups.decodeGroup()'

/** Groups of few records and many, of small ones and large ones. */
export async function expectEncoded(stage: Stage): Promise<void> {
  const { encodeGroup } = await stage.load(() => import('#code/15-history/groups.ts'))
  const encodes = (what: string, records: Uint8Array[], reason: Reason) => {
    const expected = group(...records.map((record) => Buffer.from(record)))
    const received = encodeGroup(records)
    const place = firstDifference(received, expected)
    const isSealed = payloadOf(received).equals(payloadOf(expected))
    const inPayload = isSealed ? '' : ', and others follow in the payload'
    stage.expect(`the group of ${what} to have the right bytes`, received.equals(expected), {
      ...reason,
      ...wrongPart(received, expected, place),
      expected: hex(expected),
      received: `${hex(received)} (the first difference is at byte ${place}${inPayload})`,
    })
  }
  encodes('"ada" and "bob"', [Buffer.from('ada'), Buffer.from('bob')], {
    because:
      'Magic, length of the payload, CRC-32 of the first 8 bytes and the payload; then each record, preceded by its length.',
  })
  encodes('no record', [], {
    because: 'A group may be empty. Its magic and length have a checksum all the same.',
  })
  encodes('an empty record', [Buffer.alloc(0)], { because: 'A record may be empty, too.' })
  encodes('a Uint8Array that is not a Buffer', [Uint8Array.of(255, 0, 7)], {
    because: 'A record is bytes, whatever class holds them.',
  })
  encodes(
    'any bytes',
    [randomBytes(stage.random, 300), randomBytes(stage.random, 70)].map(Buffer.from),
    {
      because: 'The log does not know what records mean.',
    },
  )
  const large = Buffer.alloc(1_500_000, 'ab')
  const received = encodeGroup([large, Buffer.from('behind')])
  stage.expect(
    'the group of a record of 1,500,000 bytes to have the right bytes',
    received.equals(group(large, 'behind')),
    {
      because: 'A record may be larger than any other group, and all numbers have 4 bytes.',
      likely: 'The checksum covers all of the payload. All 4 bytes of a length are written.',
      received: `${countBytes(received.length)}, but not the expected ones`,
    },
  )
  const first = encodeGroup([Buffer.from('ada')])
  encodeGroup([Buffer.from('bob')])
  stage.expect('a group to stay as it is when another is made', first.equals(group('ada')), {
    because: 'It may still be on its way to the disk.',
    likely: 'Each group needs a buffer of its own.',
    received: hex(first),
  })
}

/** Whole groups and all that may be left of one. */
export async function expectDecoded(stage: Stage): Promise<void> {
  const { decodeGroup } = await stage.load(() => import('#code/15-history/groups.ts'))
  const describe = (bytes: Buffer, at: number) =>
    describeDecoded(attempt(() => decodeGroup(bytes, at)))
  const kindOf = (bytes: Buffer) => describe(bytes, 0).split(' ')[0]
  const decodes = (what: string, bytes: Buffer, at: number, expected: string, reason: Reason) =>
    stage.expectSame(`decodeGroup() of ${what}`, describe(bytes, at), expected, {
      look: DECODE,
      ...reason,
      ...seenInstead(describe(bytes, at), expected, bytes.length),
    })
  const two = Buffer.concat([group('ada', '', 'bob'), group('cyd')])
  const second = group('ada', '', 'bob').length
  decodes(
    'a group with three records',
    two,
    0,
    'group "ada" at 16, "" at 23, "bob" at 27, up to 30',
    {
      because:
        'Each record, and the byte at which it begins; then the byte at which the next group begins.',
      likely: 'A record begins after its own length. Places count from the beginning of `bytes`.',
    },
  )
  const asItWas = Buffer.concat([group('ada', '', 'bob'), group('cyd')])
  stage.expect('the bytes to be unchanged', two.equals(asItWas), {
    because: 'They are read again: to report what was cut off, and for the records in them.',
    likely:
      'Do not write to `bytes`: a checksum that leaves four bytes out need not overwrite them.',
    received: hex(two),
    look: ['groups.checksum()', DECODE],
  })
  decodes('the group after it', two, second, `group "cyd" at ${second + 16}, up to ${two.length}`, {
    because: 'Places count from the beginning of `bytes`, wherever the group begins.',
    likely: 'Add `at` to every place. A group may end where the bytes end.',
  })
  decodes('the end of the bytes', two, two.length, 'end', {
    because: 'Nothing is wrong: the segment ends here.',
    likely: 'Check for the end first: no byte at all is neither cut nor zeros.',
  })
  decodes('an empty group', group(), 0, `group , up to ${GROUP_HEADER_BYTES}`, {
    because: 'encodeGroup([]) makes this group.',
    likely: 'A group may have no records: a payload of length 0 is a list of none.',
  })

  const whole = group('hello', 'world')
  for (let length = 1; length < whole.length; length++) {
    decodes(
      `a group cut to length ${length}`,
      Buffer.concat([two, whole.subarray(0, length)]),
      two.length,
      'cut',
      {
        because: 'A group begins here, and the bytes end before it does.',
        likely:
          length < 4
            ? 'If the magic is cut, compare the bytes that are there.'
            : length < GROUP_HEADER_BYTES
              ? 'The magic is right, and the header is cut: the length of the group cannot be known yet.'
              : 'The header is whole. Fewer bytes follow than its length says.',
      },
    )
  }
  expectWrongMagicSeen(stage, whole, describe)
  for (const length of [1, 7, GROUP_HEADER_BYTES, 4_096]) {
    decodes(
      `a tail of zeros (length ${length})`,
      Buffer.concat([two, Buffer.alloc(length)]),
      two.length,
      'zeros',
      {
        because: 'The file got its new size, but its bytes were never written.',
        likely: 'Check whether there is anything but zeros before you look for a magic.',
      },
    )
  }
  decodes('zeros and then something', Buffer.from([0, 0, 0, 1]), 0, 'damaged', {
    because: 'Zeros up to the end are a size without bytes. Here something follows.',
    likely: 'Compare as much of the magic as is there before you check for a whole header.',
  })
  for (const length of [20, 10_000])
    decodes(
      `${length} zeros and then something`,
      Buffer.concat([Buffer.alloc(length), whole, Buffer.alloc(length)]),
      0,
      'damaged',
      {
        because: 'Something follows: these zeros are not the end.',
        likely: 'All bytes from `at` on have to be zeros, not only the first ones.',
      },
    )
  for (const [what, payload] of [
    ['two bytes that are no record', Buffer.alloc(2)],
    ['a record that is longer than the group', Buffer.from([0, 0, 0, 9, 97])],
  ] as const) {
    decodes(`${what}, with a correct checksum`, sealed(payload), 0, 'damaged', {
      because: 'encodeGroup() never writes this, so nothing in it can be trusted.',
      likely: 'entriesOf() returns undefined when the payload is not a list of records.',
    })
  }
  const halfHeader = Buffer.concat([whole.subarray(0, 4), Buffer.alloc(whole.length - 4)])
  decodes('a magic followed by zeros', halfHeader, 0, 'damaged', {
    because:
      'The length is 0 and the checksum is 0, which is just what the checksum of an empty payload alone would be.',
    likely: 'The checksum covers the header, too: magic and length.',
  })
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const flipped = describe(Buffer.concat([flipBit(whole, bit), group('more')]), 0)
    if (flipped === 'damaged' || flipped === 'cut') continue
    stage.expectSame(
      `decodeGroup() with bit ${bit & 7} of byte ${bit >> 3} flipped`,
      flipped,
      'damaged',
      {
        because: 'No bit of a group may change without being noticed.',
        likely:
          'The checksum covers every byte but its own four. Read numbers as they were written: 4 bytes, big-endian, unsigned.',
        look: DECODE,
      },
    )
  }
  stage.story.judge(
    'test',
    `expects each of ${whole.length * 8} flipped bits to be noticed`,
    'kept',
  )
  for (let times = 0; times < 300; times++) {
    const bytes = Buffer.from(randomBytes(stage.random, randomInteger(stage.random, 60)))
    if (times % 2 === 0) group('x').copy(bytes, 0, 0, randomInteger(stage.random, 20))
    const found = describe(bytes, 0)
    stage.expect(`decodeGroup() of ${quote(bytes)} not to throw`, !found.startsWith('throws'), {
      because: 'Whatever is on the disk, decodeGroup() says what it is.',
      received: found,
      look: DECODE,
    })
    stage.story.lines.pop()
  }
  stage.story.judge(
    'test',
    'expects decodeGroup() not to throw for 300 runs of random bytes',
    'kept',
  )
  const large = group(Buffer.alloc(1_500_000, 'ab'))
  stage.expect(
    'decodeGroup() of a record of 1,500,000 bytes to be a group',
    kindOf(large) === 'group',
    {
      because: 'encodeGroup() makes such a group, and append() takes any record.',
      likely:
        'The bytes that follow and the checksum tell whether a length is right. It has no other bound.',
      received: kindOf(large),
      look: DECODE,
    },
  )
  large[1_400_000] ^= 1
  stage.expect(
    'decodeGroup() of this group with a flipped bit to be damaged',
    kindOf(large) === 'damaged',
    {
      because: 'No bit of a group may change without being noticed.',
      likely: 'The checksum covers all of the payload.',
      received: kindOf(large),
      look: DECODE,
    },
  )
  const boundless = group('ada')
  boundless.writeUInt32BE(0xffff_ffff, 4)
  decodes('a group with a length of ff ff ff ff', boundless, 0, 'cut', {
    because: 'A group of 4 GiB begins here, and the bytes end before it does.',
    likely: 'Read numbers as they were written: 4 bytes, big-endian, unsigned.',
  })
}

/** A few bytes are a group that was cut only if all of them are as a group begins. */
function expectWrongMagicSeen(
  stage: Stage,
  whole: Buffer,
  describe: (bytes: Buffer, at: number) => string,
): void {
  let count = 0
  for (let length = 1; length < GROUP_HEADER_BYTES; length++)
    for (let place = 0; place < Math.min(length, 4); place++) {
      const bytes = Buffer.concat([group('ada'), whole.subarray(0, length)])
      const at = group('ada').length
      bytes[at + place] ^= 1
      const what = `${hex(bytes.subarray(at))} at the end of the bytes`
      stage.expectSame(`decodeGroup() of ${what}`, describe(bytes, at), 'damaged', {
        because: `A group begins with ff 4c 4f 47. Byte ${place} is another one, so no group begins here.`,
        likely: WRONG_MAGIC,
        look: DECODE,
      })
      stage.story.lines.pop()
      count += 1
    }
  stage.story.judge(
    'test',
    `expects ${count} tails with a wrong byte in the magic to be damaged`,
    'kept',
  )
}

const WRONG_MAGIC =
  'Compare every byte of the magic that is there, before you ask whether the header is whole.'

function payloadOf(bytes: Buffer): Buffer {
  return bytes.subarray(GROUP_HEADER_BYTES)
}

/** What is probably wrong, by the place of the first wrong byte. */
function wrongPart(received: Buffer, expected: Buffer, place: number): Partial<Reason> {
  if (received.length !== expected.length)
    return {
      likely:
        'The group has a header of 12 bytes, and each record is preceded by its length, in 4 bytes.',
    }
  if (place < 4) return { likely: 'A group begins with the magic.' }
  if (place < 8)
    return {
      likely: 'Bytes 4 to 7 are the length of the payload alone, without the header; big-endian.',
    }
  // A checksum differs whenever the payload does.
  if (!payloadOf(received).equals(payloadOf(expected)))
    return {
      likely:
        'Each record is preceded by its length, in 4 bytes, big-endian. A record may be a part of a larger buffer: take the record, and not `record.buffer`.',
      look: 'groups.encodeGroup()',
    }
  return {
    likely:
      'The checksum covers magic, length and payload, in this order: everything but the four bytes that hold it. crc32(b, crc32(a)) is the checksum of a and b.',
    look: ['groups.checksum()', 'groups.encodeGroup()'],
  }
}

/** What is probably wrong where a whole group is taken for something else. */
function seenInstead(received: string, expected: string, end: number): Partial<Reason> {
  if (!expected.startsWith('group') || expected.startsWith('group ,')) return {}
  if (received === 'damaged')
    return {
      likely: 'The checksum is of this group alone, and not of anything before or after it.',
    }
  if (received === 'cut' && expected.endsWith(`up to ${end}`))
    return {
      because: 'All of its bytes are there: the group ends exactly where the bytes end.',
      likely: 'It is cut only if fewer bytes are left than its header and its payload have.',
    }
  if (received === 'cut')
    return {
      likely: 'The length is that of the payload, and at least that many bytes follow the header.',
    }
  return {}
}

function describeDecoded(decoded: Decoded | Error): string {
  if (decoded instanceof Error) return `throws ${decoded}`
  if (decoded.kind !== 'group') return decoded.kind
  if (!decoded.entries) return 'group without entries'
  const entries = decoded.entries.map(({ record, at }) => `${quote(record)} at ${at}`)
  return `group ${entries.join(', ')}, up to ${decoded.end}`
}

/** The result, or what was thrown. */
export function attempt<T>(body: () => T): T | Error {
  try {
    return body()
  } catch (error) {
    if (/^TODO/.test((error as Error).message)) throw error
    return error as Error
  }
}
