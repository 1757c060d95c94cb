/** Texts in pieces for the UTF-8 check of chapter 18: cut anywhere, cut off, and one after the other. */

import type * as Utf8Module from '#code/18-websocket/utf8.ts'
import { hex } from '../../harness/bytes.ts'
import type { Stage } from '../../judge/step.ts'
import { quietly } from '../for-all.ts'
import { expectWrongPieces } from './utf8-wrong-pieces.ts'

type CheckClass = typeof Utf8Module.Utf8Check

/** Two texts at once give what each of them gives alone. */
export function expectChecksApart(stage: Stage, Utf8Check: CheckClass): void {
  const { story } = stage
  const pieces = [[0xe0], [0xa0], [0x80]].map((piece) => Uint8Array.from(piece))
  const between = [...Buffer.from('é')].map((byte) => Uint8Array.of(byte))
  const outcomes = (isAlone: boolean) => {
    const [ada, bob] = [new Utf8Check(), new Utf8Check()]
    return pieces.map((piece, place) => {
      const isTaken = ada.push(piece)
      if (!isAlone && place < between.length) bob.push(between[place])
      return isTaken
    })
  }
  const narrow = (isAlone: boolean) => {
    const [ada, bob] = [new Utf8Check(), new Utf8Check()]
    ada.push(pieces[0])
    if (!isAlone) bob.push(between[0])
    return ada.push(Uint8Array.of(0x80))
  }
  story.tell('test', 'pushes two texts to two objects, a byte of each in turn')
  for (const trial of [outcomes, narrow]) {
    quietly(stage).expectSame('what push() returns for the first text', trial(false), trial(true), {
      because:
        'The second text must not change it: every connection has a check of its own, and their pieces arrive in any order.',
      likely: 'Keep the state of a character in private fields, not in variables of the module.',
      look: ['push()', '#begin()'],
    })
  }
  story.judge('test', 'expects each of them to be checked as if it were alone', 'kept')
}

export function expectPieces(stage: Stage, Utf8Check: CheckClass): void {
  const { expect, expectSame, story } = stage
  const text =
    '\ufeffKäse, 你好, 🍰 \u0000\u007f\u0080\u07ff\u0800\ud7ff\ue000\ufffd\uffff\u{10000}\u{10ffff}'
  for (const character of text) {
    const check = new Utf8Check()
    const code = character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')
    const isTaken = check.push(Buffer.from(character))
    if (isTaken && check.end()) continue
    story.tell('test', `pushes ${hex(Buffer.from(character))}, then calls end()`)
    expect(`U+${code} to be valid`, false, {
      because: 'It is a character like any other.',
      likely: isTaken
        ? 'After a whole character nothing is missing, so end() returns true.'
        : LIKELY_OF.get(character),
      look: isTaken ? 'end()' : 'push()',
    })
  }
  const bytes = Buffer.from(text)
  for (let first = 0; first <= bytes.length; first++) {
    for (let second = first; second <= bytes.length; second++) {
      const pieces = [
        bytes.subarray(0, first),
        bytes.subarray(first, second),
        bytes.subarray(second),
      ]
      const refused = firstRefused(Utf8Check, pieces)
      if (refused === undefined) continue
      for (const piece of pieces) story.tell('test', `pushes ${hex(piece) || 'an empty piece'}`)
      const filled = pieces.filter((piece) => piece.length > 0)
      const isOfEmpty = firstRefused(Utf8Check, filled) === undefined
      expect('a valid text to be valid in three pieces', false, {
        because: 'A piece may end inside a character, and the next one goes on there.',
        likely: isOfEmpty
          ? 'An empty piece changes nothing, and push() returns true for it.'
          : 'The state of an unfinished character has to be kept until the next piece.',
        received: refused === 'end' ? 'false from end()' : `false from push() for the ${refused}`,
        look: refused === 'end' && !isOfEmpty ? 'end()' : 'push()',
      })
    }
  }
  story.judge('test', 'expects a valid text to be valid, wherever it is cut', 'kept')
  expectWrongPieces(stage, Utf8Check)
  const characters = ['é', '你', '🍰', '\u{10ffff}'].map((each) => Buffer.from(each))
  for (const character of characters) {
    for (let length = 1; length < character.length; length++) {
      const check = new Utf8Check()
      const begun = character.subarray(0, length)
      story.tell('test', `pushes ${hex(begun)}, then calls end()`)
      expectSame('what push() returns', check.push(begun), true, {
        because: 'These bytes begin a character.',
        look: 'push()',
      })
      expectSame('what end() returns', check.end(), false, {
        because: 'The text ends inside a character.',
        likely: 'end() has to look at how many bytes are missing.',
        look: 'end()',
      })
    }
  }
  const reused = new Utf8Check()
  story.tell('test', 'checks one text after the other')
  const outcomes = ['é', '', '🍰x', 'plain'].map(
    (each) => reused.push(Buffer.from(each)) && reused.end(),
  )
  expectSame('the outcomes', outcomes, [true, true, true, true], {
    because: 'One object checks all texts of a connection, one after the other.',
  })
}

const LIKELY_OF = new Map([
  ['\ufeff', 'A text may begin with U+FEFF. A decoder drops it unless it is told to keep it.'],
  [
    '\ufffd',
    'A decoder turns invalid bytes into U+FFFD, but a valid text may contain that as well. A decoder that is `fatal` throws instead.',
  ],
])

/** Where a check says false to these pieces. */
function firstRefused(
  Utf8Check: CheckClass,
  pieces: readonly Uint8Array[],
): 'first' | 'second' | 'third' | 'end' | undefined {
  const check = new Utf8Check()
  const refused = pieces.findIndex((piece) => !check.push(piece))
  if (refused >= 0) return (['first', 'second', 'third'] as const)[refused]
  return check.end() ? undefined : 'end'
}
