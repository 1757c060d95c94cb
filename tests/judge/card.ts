/**
 * The failure card: what happened, what was expected, why, the likely cause, where to look and what to do next.
 *
 * Pure: a card and a width in, text out. Colour is an argument.
 */

import type { ChalkInstance } from 'chalk'
import wrapAnsi from 'wrap-ansi'
import { hex, printable, units } from '../harness/bytes.ts'
import { describePlace } from '../harness/diagnosis.ts'
import type { ByteEvidence, Evidence } from '../harness/failure.ts'
import { withCommas } from '../harness/numbers.ts'
import { drawStory } from './diagram.ts'
import type { Card } from './events.ts'
import { placesToShow } from './places-to-show.ts'

export interface CardStyle {
  columns: number
  chalk: ChalkInstance
}

const LABEL_COLUMNS = 10
const INDENT = '  '
const MAX_OUTPUT_LINES = 12
const MAX_TURNS = 30

export function renderCard(card: Card, style: CardStyle): string {
  const sections = [
    heading(card, style),
    card.openStep ? openStep(card, style) : undefined,
    story(card, style),
    interleaving(card, style),
    evidence(card, style),
    explanation(card, style),
    output(card, style),
    next(card, style),
  ]
  return sections.filter((section) => section !== undefined && section !== '').join('\n\n')
}

function heading({ step, headline, openStep }: Card, { columns, chalk }: CardStyle): string {
  const title = wrap(`${step.id}  ${step.title}`, columns - 4)
    .map((line, index) => chalk.red.bold(index === 0 ? `✗ ${line}` : `  ${line}`))
    .join('\n')
  return openStep ? title : `${title}\n\n${indented(printable(headline), columns)}`
}

/** Code that is still to be written: not a mistake, so the card says what is asked for. */
function openStep({ openStep, step, lookAt }: Card, { columns, chalk }: CardStyle): string {
  const [hole] = lookAt
  if (!hole) return indented(`It reached step ${openStep}, which is still to be written.`, columns)
  const lead =
    openStep === step.id
      ? 'Yours to write:'
      : `It stands on step ${openStep}, which is not written yet:`
  const asked = printable(hole.doc)
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.split(/\n\s*(?=- )/).map((item) => item.replace(/\s+/g, ' ')))
  return [
    `${INDENT}${lead} ${chalk.cyan(printable(describePlace(hole)))}`,
    ...asked.map((items) =>
      items.map((item) => indented(item, columns - 2).replace(/^/gm, '  ')).join('\n'),
    ),
  ].join('\n\n')
}

function story({ story, openStep }: Card, { columns, chalk }: CardStyle): string | undefined {
  if (story.length === 0 || openStep) return undefined
  const lines = drawStory(story, columns - INDENT.length).map(({ text, outcome }) =>
    outcome === 'broken' ? chalk.red(text) : outcome === 'kept' ? chalk.green(text) : text,
  )
  return [chalk.bold('What happened'), ...lines].map((line) => INDENT + line).join('\n')
}

/** One column a thread, one line a turn. */
function interleaving(
  { interleaving, openStep }: Card,
  { columns, chalk }: CardStyle,
): string | undefined {
  if (!interleaving || openStep) return undefined
  const { turns, finding, runs } = interleaving
  const threads = Math.max(...turns.map(({ thread }) => thread)) + 1
  const width = Math.max(14, Math.floor((columns - 9) / threads))
  const names = Array.from({ length: threads }, (_, thread) => `thread ${thread + 1}`)
  const shown = turns.length > MAX_TURNS ? turns.slice(0, MAX_TURNS) : turns
  // Nothing stands to the right of a turn, so its text may go on there.
  const row = (number: string, thread: number, text: string): string[] =>
    wrap(text, columns - 8 - thread * width).map((part, index) =>
      `${INDENT}${(index === 0 ? number : '').padStart(4)}  ${' '.repeat(thread * width)}${part}`.trimEnd(),
    )
  return [
    `${INDENT}${chalk.bold('The order of turns')} ${chalk.dim(`(order ${runs} of those walked)`)}`,
    chalk.bold(`${INDENT}      ${names.map((name) => name.padEnd(width)).join('')}`.trimEnd()),
    ...shown.flatMap(({ thread, text }, index) => row(String(index + 1), thread, onOneLine(text))),
    ...(shown.length < turns.length ? row('', 0, '… and so on') : []),
    ...wrap(`✗ ${printable(finding)}`, columns - 8).map((line) =>
      chalk.red(`${INDENT}    ${line}`),
    ),
  ].join('\n')
}

function evidence({ expected, received }: Card, { columns, chalk }: CardStyle): string | undefined {
  if (!expected && !received) return undefined
  if (isBytes(expected) && isBytes(received)) return byteEvidence(expected, received, chalk)
  return [
    expected && labelled('Expected', printable(toText(expected)), columns, chalk),
    received && labelled('Received', printable(toText(received)), columns, chalk),
  ]
    .filter((line) => line !== undefined)
    .join('\n')
}

function byteEvidence(
  expected: ByteEvidence,
  received: ByteEvidence,
  chalk: ChalkInstance,
): string {
  const offset = expected.place - expected.start
  const textBefore = expected.start > 0 ? '… ' : ''
  const row = (label: string, text: string): string =>
    `${INDENT}${chalk.bold(label.padEnd(LABEL_COLUMNS))}${text}`
  const caret = (column: number, text: string): string =>
    `${INDENT}${' '.repeat(LABEL_COLUMNS + textBefore.length + column)}${chalk.red(text)}`
  if (received.total === 0)
    return [row('Expected', quoteAll(expected)), row('Received', 'nothing')].join('\n')
  const show = ({ bytes }: ByteEvidence): string => textBefore + hex(bytes, bytes.length)
  return [
    row('Expected', textBefore + quoteAll(expected)),
    row('Received', textBefore + quoteAll(received)),
    caret(textColumn(received, offset), `^ byte ${withCommas(expected.place)}`),
    row('as hex', show(expected)),
    row('', show(received)),
    caret(offset * 3, '^^'),
  ].join('\n')
}

/** Quoted text of the window; an ellipsis when more follows. */
function quoteAll({ bytes, start, total }: ByteEvidence): string {
  const text = [...units(bytes)].map((unit) => unit.text).join('')
  return start + bytes.length < total ? `"${text}"…` : `"${text}"`
}

/** The column at which byte `offset` of the window is shown as text; past the opening quote. */
function textColumn({ bytes }: ByteEvidence, offset: number): number {
  let column = 1
  let seen = 0
  for (const unit of units(bytes)) {
    if (seen + unit.bytes > offset) break
    seen += unit.bytes
    column += unit.text.length
  }
  return column
}

function explanation(
  { because, likely, note, trace, threads, openStep }: Card,
  { columns, chalk }: CardStyle,
): string {
  const path =
    trace && trace.length > 1 && !openStep
      ? trace.slice(0, 6).map(describePlace).join('\ncalled from ')
      : undefined
  const rows: [string, string | undefined][] = [
    ['Because', openStep ? undefined : because],
    ['Likely', openStep ? undefined : likely],
    ['Note', openStep ? undefined : note],
    ['At', path],
    [
      'Threads',
      threads
        ?.slice(0, 4)
        .map(({ threadId, at }) => `thread ${threadId} is at ${describePlace(at)}`)
        .join('\n'),
    ],
  ]
  return rows
    .filter(([, text]) => text)
    .map(([label, text]) => labelled(label, printable(text!), columns, chalk))
    .join('\n')
}

function output({ output }: Card, { columns, chalk }: CardStyle): string | undefined {
  const text = output?.trim()
  if (!text) return undefined
  const lines = text
    .split('\n')
    .slice(-MAX_OUTPUT_LINES)
    .map((line) => printable(line))
  const shown = lines.flatMap((line) =>
    wrapAnsi(line, columns - 6, { hard: true, trim: false }).split('\n'),
  )
  return [
    `${INDENT}${chalk.bold('Your server printed')}`,
    ...shown.map((line) => `${INDENT}${chalk.dim('│')} ${line}`),
  ].join('\n')
}

function next(card: Card, { columns, chalk }: CardStyle): string {
  const { step, openStep } = card
  const chapter = String(Number(step.id.split('.')[0]))
  const short = `${chapter}.${step.id.split('.')[1]}`
  const where = [
    ...new Set(placesToShow(card).map(describePlace)),
    `lesson: npm start read ${short}`,
  ].join('\n')
  const isBelow = openStep !== undefined && openStep !== step.id
  const rescue = isBelow
    ? `\nor npm start catch-up ${chapter}: puts the reference there and keeps yours`
    : ''
  return [
    openStep && !isBelow ? undefined : labelled('Look at', printable(where), columns, chalk),
    openStep && !isBelow
      ? labelled('Lesson', `npm start read ${short}`, columns, chalk)
      : undefined,
    labelled('Hint', `npm start hint ${short}${rescue}`, columns, chalk),
  ]
    .filter((line) => line !== undefined)
    .join('\n')
}

function onOneLine(text: string): string {
  return printable(text).replaceAll('\n', '\\n')
}

function labelled(label: string, text: string, columns: number, chalk: ChalkInstance): string {
  return wrap(text, columns - INDENT.length - LABEL_COLUMNS)
    .map(
      (line, index) =>
        INDENT +
        (index === 0 ? chalk.bold(label.padEnd(LABEL_COLUMNS)) : ' '.repeat(LABEL_COLUMNS)) +
        line,
    )
    .join('\n')
}

function indented(text: string, columns: number): string {
  return wrap(text, columns - INDENT.length)
    .map((line) => INDENT + line)
    .join('\n')
}

function wrap(text: string, columns: number): string[] {
  return wrapAnsi(text, Math.max(20, columns), { hard: true }).split('\n')
}

function isBytes(evidence: Evidence | undefined): evidence is ByteEvidence {
  return evidence !== undefined && 'bytes' in evidence
}

function toText(evidence: Evidence): string {
  return isBytes(evidence) ? quoteAll(evidence) : evidence.text
}
