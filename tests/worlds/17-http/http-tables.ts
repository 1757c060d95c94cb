/** Long tables of cases: how they are told, and how they are cut. */

import { quote } from '../../harness/bytes.ts'

export function shown(text: string): string {
  return quote(Buffer.from(text, 'latin1'), 48)
}

export function inPieces(pieces: readonly Uint8Array[]): string {
  return pieces.length === 1 ? 'one piece' : `${pieces.length} pieces`
}

export function cutEvery(bytes: Uint8Array, size: number): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size))
  return pieces
}
