/** Texts with one impossible byte for the UTF-8 check of chapter 18, cut anywhere. */

import type * as Utf8Module from '#code/18-websocket/utf8.ts'
import { hex } from '../../harness/bytes.ts'
import type { Stage } from '../../judge/step.ts'

type CheckClass = typeof Utf8Module.Utf8Check

/** It is refused whichever piece it comes in, and nothing before it is. */
export function expectWrongPieces({ expectSame, story }: Stage, Utf8Check: CheckClass): void {
  const wrong = [
    ...['c0', 'c3 78', 'e0 9f', 'e2 82 78', 'e2 78', 'ed a0', 'f0 8f', 'f0 9f 8d 78', 'f0 9f 78'],
    ...['f1 80 80 c3', 'f4 90', 'f5', 'ff', '80'],
  ]
  for (const each of wrong) {
    for (const rest of ['', 'x'.repeat(40), '\x80'.repeat(2), `\x80${'x'.repeat(40)}`]) {
      const start = Buffer.concat([Buffer.from('é'), Buffer.from(each.replaceAll(' ', ''), 'hex')])
      const bytes = Buffer.concat([start, Buffer.from(rest, 'latin1')])
      for (let cut = 0; cut <= bytes.length; cut++) {
        const check = new Utf8Check()
        const pieces = [bytes.subarray(0, cut), bytes.subarray(cut)]
        const outcomes = pieces.map(
          (piece, place) => (place < 1 || cut < start.length) && check.push(piece),
        )
        const expected = [cut < start.length, false]
        if (outcomes.join() === expected.join()) continue
        for (const piece of pieces) story.tell('test', `pushes ${hex(piece) || 'an empty piece'}`)
        const isAlone = new Utf8Check().push(bytes)
        expectSame('what push() returns', outcomes, expected, {
          because: `${hex(start.subarray(-1))} cannot follow ${hex(start.subarray(0, -1))}, whichever piece it is in.`,
          likely: isAlone
            ? 'push() looks at every byte of the piece, and returns false at the first that is impossible.'
            : 'The state of an unfinished character, including the bounds, has to be kept until the next piece, however long that is.',
          look: 'push()',
        })
      }
    }
  }
  story.judge('test', 'expects an impossible byte to be refused, wherever the text is cut', 'kept')
}
