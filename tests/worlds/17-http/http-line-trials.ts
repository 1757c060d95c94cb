/** Lines of a head through the scans of chapter 17: right, wrong, and cut before their end. */

import { setImmediate as turn } from 'node:timers/promises'
import type { Scan } from '#code/17-http/head-scan.ts'
import { leastUs } from '../../harness/cost.ts'
import type { Stage } from '../../judge/step.ts'
import { type QuietStage, quietly } from '../for-all.ts'
import { FIELDS, REQUEST_LINES, WRONG_FIELDS, WRONG_LINES, type Wrong } from './http-heads.ts'
import { shown } from './http-tables.ts'

export async function expectRequestLines(stage: Stage): Promise<void> {
  const { load, story } = stage
  const quiet = quietly(stage)
  const { expectSame } = quiet
  story.tell('test', `scans ${REQUEST_LINES.length + WRONG_LINES.length} request lines`)
  const { scanRequestLine } = await load(() => import('#code/17-http/head-scan.ts'))
  for (const [method, target, version] of REQUEST_LINES) {
    const line = `${method} ${target} ${version}\r\n`
    const spans: number[] = []
    // Something stands before it, for places are those of the chunk.
    const scan = scanRequestLine(bytesOf(`xx${line}Host: a`), 2, spans)
    const pieces = [0, 2, 4].map((place) => `xx${line}`.slice(spans[place], spans[place + 1]))
    expectSame(`scanRequestLine(${shown(line)})`, scan, 2 + line.length, {
      because: 'That is a request line. After it, the first field begins.',
      likely:
        typeof scan === 'object' && scan.status === 414
          ? 'Refuse only a target over MAX_TARGET_BYTES. The space in front of it does not count.'
          : 'The target is a run of TARGET bytes; method and version are runs, too.',
      look: 'scanRequestLine()',
    })
    expectSame('method, target and version', pieces, [method, target, version], {
      because: '`spans` has six places: where each of the three begins, and where it ends.',
      look: 'scanRequestLine()',
    })
  }
  for (const wrong of WRONG_LINES) expectRefused(quiet, 'scanRequestLine', scanRequestLine, wrong)
  for (const end of [0, 1, 3, 4, 5, 8, 9, 13, 14, 19, 20]) {
    const part = 'GET /path HTTP/1.1\r\n'.slice(0, end)
    expectSame(
      `scanRequestLine(${shown(part)})`,
      scanRequestLine(bytesOf(part), 0, []),
      end < 20 ? 'incomplete' : 20,
      {
        because:
          end < 20
            ? 'Every byte so far may stand there, and the line has no end yet.'
            : 'Now the line has its end.',
        likely: 'A run that goes to the end of the chunk may go on in the next one.',
        look: 'scanRequestLine()',
      },
    )
  }
}

export async function expectFields(stage: Stage): Promise<void> {
  const { load, story } = stage
  const quiet = quietly(stage)
  const { expectSame } = quiet
  const { scanField } = await load(() => import('#code/17-http/head-scan.ts'))
  story.tell('test', `scans ${FIELDS.length + WRONG_FIELDS.length} fields`)
  for (const [line, name, value] of FIELDS) {
    const spans: number[] = []
    const scan = scanField(bytesOf(`xx${line}\r\nb: c`), 2, spans)
    expectSame(`scanField(${shown(`${line}\r\n`)})`, scan, 2 + line.length + 2, {
      because: 'That is a field. After it, the next line begins.',
      look: 'scanField()',
    })
    const pieces = [0, 2].map((place) => `xx${line}`.slice(spans[place], spans[place + 1]))
    expectSame('name and value', pieces.map(visible), [name, visible(value)], {
      because: 'The blanks before and after a value do not belong to it; those inside do.',
      likely: value.includes('\u00a0')
        ? 'trim() takes A0 for a blank, and the next server does not. For withoutBlanks(), only space and tab are blanks.'
        : '`spans` has four places: where the name begins and ends, and the same for the value.',
      look: 'scanField()',
    })
  }
  for (const wrong of WRONG_FIELDS) expectRefused(quiet, 'scanField', scanField, wrong)
  const spans: number[] = []
  for (const part of ['', 'Ho', 'Host', 'Host:', 'Host: ', 'Host: a', 'Host: a ', 'Host: a\r']) {
    expectSame(`scanField(${shown(part)})`, scanField(bytesOf(part), 0, spans), 'incomplete', {
      because: 'Every byte so far may stand there, and the line has no end yet.',
      likely: part.includes(':')
        ? 'scanLineEnd() tells whether the end is missing or wrong.'
        : 'A run that goes to the end of the chunk may go on in the next one.',
      look: 'scanField()',
    })
  }

  const costOf = (blanks: number, calls: number) => {
    const line = bytesOf(`a: x${' '.repeat(blanks)}x\r\n`)
    return leastUs(calls, () => scanField(line, 0, []), 3)
  }
  story.tell('test', 'scans a field with 200 blanks in it, and one with 2,000')
  let growth = Number.POSITIVE_INFINITY
  // What is measured first may not be compiled yet.
  for (let round = 0; round < 3 && growth > ABOUT_TEN; round++) {
    // The runner must not be taken for one that is stuck.
    await turn()
    growth = Math.min(growth, costOf(2_000, 3) / costOf(200, 30))
  }
  stage.expect('the second to cost about ten times as much', growth <= ABOUT_TEN, {
    because:
      'Ten times as many bytes may take ten times as long, but not a hundred times: anybody may send such a head, again and again.',
    likely:
      'A pattern that begins with blanks starts again at each blank, and runs to the last one each time. withoutBlanks() walks back from the end.',
    look: 'scanField()',
    expected: `at most ${ABOUT_TEN} times as much`,
    received: `${growth.toFixed(0)} times as much`,
  })
}

/** A walk is at 10, a pattern that begins anew at each blank at 100. */
const ABOUT_TEN = 40

const bytesOf = (text: string) => Buffer.from(text, 'latin1')

/** A0 is a blank to JavaScript, and looks like one. */
const visible = (text: string) => text.replaceAll('\u00a0', '\\xa0')

/** What has probably gone wrong when this was said of a line that is wrong. */
function likelyOf({ status }: Wrong, told: string): string {
  if (status === 414)
    return 'Compare the target with MAX_TARGET_BYTES before you ask whether it has ended.'
  if (status === 505)
    return 'checkVersion() tells a version that is not ours from no version at all.'
  if (told === 'incomplete')
    return "Only a run that goes to the end of the bytes is 'incomplete'. After any other run, look at the next byte."
  return 'Where a run ends, exactly one byte may follow: one space, a colon, or the CR of CR LF.'
}

/** A line that is wrong, at the beginning of a chunk and behind something else. */
function expectRefused(
  { expectSame }: QuietStage,
  name: string,
  scan: (bytes: Uint8Array, at: number, spans: number[]) => Scan,
  wrong: Wrong,
): void {
  const { text, status, because } = wrong
  for (const before of ['', 'xx']) {
    const outcome = scan(bytesOf(before + text), before.length, [])
    const told = typeof outcome === 'object' ? `invalid, ${outcome.status}` : String(outcome)
    const where = before === '' ? '' : ' after another line'
    expectSame(`${name}(${shown(text)})${where}`, told, `invalid, ${status}`, {
      because,
      likely:
        before === ''
          ? likelyOf(wrong, told)
          : 'At place 0 it was refused. The line begins at `at`, wherever it is.',
      look: `${name}()`,
    })
  }
}
