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
  story.tell('test', 'pushes bytes of two texts, in turn, to two objects')
  for (const trial of [outcomes, narrow]) {
    quietly(stage).expectSame('what push() returns for the first', trial(false), trial(true), {
      because:
        'It is what the first alone returns: every connection has a check of its own, and their pieces come in any order.',
      likely:
        'What is known of a character is kept in private fields, not in variables of the module.',
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
    story.tell('test', `pushes ${hex(Buffer.from(character))}, then end()`)
    expect(`U+${code} to be valid`, false, {
      because: 'It is a character like any other.',
      likely: isTaken
        ? 'Behind a whole character nothing is missing: end() is true.'
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
          ? 'An empty piece changes nothing, and is taken.'
          : 'What is known of a character that has begun is kept until the next piece.',
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
      story.tell('test', `pushes ${hex(begun)}, then end()`)
      expectSame('push()', check.push(begun), true, {
        because: 'A character begins like this.',
        look: 'push()',
      })
      expectSame('end()', check.end(), false, {
        because: 'The text ends inside a character.',
        likely: 'end() is about what is missing.',
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
  ['\ufeff', 'A text may begin with U+FEFF: a decoder has to be told to let it be.'],
  [
    '\ufffd',
    'What cannot be decoded becomes U+FFFD, but a text may have that as well: a decoder that is `fatal` throws instead.',
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
