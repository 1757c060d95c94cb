/** Random choices that can be made again: the seed is printed with every failure. */

export type Random = () => number

/** A stream of numbers in [0, 1) that depends on the seed and the name alone (mulberry32). */
export function seededRandom(seed: number, name: string): Random {
  let state = seed >>> 0
  for (const character of name) state = Math.imul(state ^ character.charCodeAt(0), 0x9e3779b1)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** An integer in [0, limit). */
export function randomInteger(random: Random, limit: number): number {
  return Math.floor(random() * limit)
}

export function randomBytes(random: Random, length: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4))
  for (let index = 0; index < words.length; index++) words[index] = random() * 4_294_967_296
  return new Uint8Array(words.buffer, 0, length)
}

/** Cuts bytes at random places into pieces of 1 to `maxPiece` bytes. */
export function cutAtRandom(random: Random, bytes: Uint8Array, maxPiece: number): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let start = 0; start < bytes.length; ) {
    const end = start + 1 + randomInteger(random, maxPiece)
    pieces.push(bytes.subarray(start, end))
    start = end
  }
  return pieces
}
