/** Texts in pieces for the UTF-8 check of chapter 18: cut anywhere, cut off, and one after the other. */

import type * as Utf8Module from '#code/18-websocket/utf8.ts'
import { hex } from '../../harness/bytes.ts'
import type { Stage } from '../../judge/step.ts'

type CheckClass = typeof Utf8Module.Utf8Check

export function expectPieces({ expect, expectSame, story }: Stage, Utf8Check: CheckClass): void {
  const text = 'Käse, 你好, 🍰 \u0000\u007f\u0080\u07ff\u0800\ud7ff\ue000\uffff\u{10000}\u{10ffff}'
  const bytes = Buffer.from(text)
  for (let first = 0; first <= bytes.length; first++) {
    for (let second = first; second <= bytes.length; second++) {
      const check = new Utf8Check()
      const pieces = [
        bytes.subarray(0, first),
        bytes.subarray(first, second),
        bytes.subarray(second),
      ]
      const holds = pieces.every((piece) => check.push(piece)) && check.end()
      if (holds) continue
      for (const piece of pieces) story.tell('test', `pushes ${hex(piece)}`)
      expect('a valid text to be valid in three pieces', false, {
        because: 'A piece may end inside a character, and the next one goes on there.',
        likely: 'What is known of a character that has begun is kept until the next piece.',
      })
    }
  }
  story.judge('test', 'expects a valid text to be valid, wherever it is cut', 'kept')
  const characters = ['é', '你', '🍰', '\u{10ffff}'].map((each) => Buffer.from(each))
  for (const character of characters) {
    for (let length = 1; length < character.length; length++) {
      const check = new Utf8Check()
      const begun = character.subarray(0, length)
      story.tell('test', `pushes ${hex(begun)}, then end()`)
      expectSame('push()', check.push(begun), true, { because: 'A character begins like this.' })
      expectSame('end()', check.end(), false, {
        because: 'The text ends inside a character.',
        likely: 'end() is about what is missing.',
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
