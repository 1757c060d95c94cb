/** A room as lines of a terminal. Nothing here knows a terminal, so it can be looked at without one. */

import type { ChalkInstance } from 'chalk'
import stringWidth from 'string-width'
import wrapAnsi from 'wrap-ansi'
import type { RoomMessage } from '../../solutions/16-client/room-feed.ts'
import type { OpenRoom, Saying } from '../../solutions/19-chat-server/page/open-room.ts'
import { dayOf, isSameDay, timeOf } from '../../solutions/19-chat-server/page/times.ts'
import { printable } from '../../tests/harness/bytes.ts'

export interface LineStyle {
  columns: number
  chalk: ChalkInstance
  now: number
}

/** Below this, neither times nor a column for names. */
const NARROW_COLUMNS = 50
const MAX_NAME_COLUMNS = 14
const COLOURS = ['cyan', 'green', 'yellow', 'magenta', 'blue', 'redBright'] as const

/** The messages up to a number, and behind them what is still on its way. */
export function roomLines(room: OpenRoom, upTo: number, me: string, style: LineStyle): string[] {
  const messages = room.messages.filter(({ number }) => number <= upTo)
  const nameColumns = Math.min(
    MAX_NAME_COLUMNS,
    Math.max(3, ...messages.map(({ name }) => name.length), me.length),
  )
  const lines = messages.flatMap((message, place) => [
    ...linesBetween(messages.at(place - 1), message, place === 0, style),
    ...messageLines(message, nameColumns, style),
  ])
  const isBeginning = room.hasEarlier === false || room.messages.length === 0
  const beginning = isBeginning ? [style.chalk.dim(beginningOf(room))] : []
  const sayings = upTo < room.last ? [] : room.sayings
  return [...beginning, ...lines, ...sayings.flatMap((each) => sayingLines(each, style))]
}

function linesBetween(
  before: RoomMessage | undefined,
  message: RoomMessage,
  isFirst: boolean,
  { chalk, now }: LineStyle,
): string[] {
  const lines: string[] = []
  const lost = isFirst || !before ? 0 : message.number - before.number - 1
  if (lost > 0) lines.push(chalk.dim(`— ${lost} messages are not kept any more —`))
  if (isFirst || !before || !isSameDay(before.at, message.at))
    lines.push(chalk.dim(`— ${dayOf(message.at, now)} —`))
  return lines
}

/** Laying out a message costs a tenth of a millisecond, and every key that is pressed draws thousands of them. */
const laidOut = new WeakMap<RoomMessage, { as: string; lines: string[] }>()

function messageLines(message: RoomMessage, nameColumns: number, style: LineStyle): string[] {
  const as = [style.columns, nameColumns, style.chalk.level].join()
  const known = laidOut.get(message)
  if (known?.as === as) return known.lines
  const lines = layOut(message, nameColumns, style)
  laidOut.set(message, { as, lines })
  return lines
}

function layOut({ name, text, at }: RoomMessage, nameColumns: number, style: LineStyle): string[] {
  const { columns, chalk } = style
  const colour = COLOURS[[...name.toLowerCase()].reduce(sumOfCodes, 0) % COLOURS.length]
  const written = chalk[colour].bold(name)
  if (columns < NARROW_COLUMNS) return hang(`${written} `, 2, text, columns)
  const time = chalk.dim(timeOf(at))
  const head = `${time}  ${written}${' '.repeat(Math.max(0, nameColumns - name.length))}  `
  return hang(head, Math.min(stringWidth(head), stringWidth(time) + nameColumns + 4), text, columns)
}

function sayingLines({ text, problem }: Saying, { columns, chalk }: LineStyle): string[] {
  if (problem === undefined) return hang('', 2, `${text} …`, columns).map((line) => chalk.dim(line))
  return hang(`${chalk.red('✗')} `, 2, `${text}  (${problem})`, columns)
}

/** What was not said, where there is no screen to show it on. */
export function notSaidLine({ text, problem }: Saying): string {
  return `! ${problem}  ${oneLine(text)}`
}

/** A message as one line. */
export function oneLine(text: string): string {
  return printable(text.replaceAll('\n', ' ⏎ '))
}

/** A text behind its head; further lines begin in a column of their own. */
function hang(head: string, indent: number, text: string, columns: number): string[] {
  // Where the head is wider than the indent, it takes the place of the first words.
  const placeholder = 'x'.repeat(Math.max(0, stringWidth(head) - indent))
  const [first, ...rest] = text.split('\n').flatMap((line, place) => {
    const safe = printable(line.replaceAll('\t', '  '))
    const wrapped = wrapAnsi(place === 0 ? placeholder + safe : safe, columns - indent, {
      hard: true,
      trim: false,
    })
    return wrapped.split('\n').map((each, part) => (part === 0 ? each : each.trimStart()))
  })
  return [
    head + first.slice(placeholder.length).trimEnd(),
    ...rest.map((line) => ' '.repeat(indent) + line.trimEnd()),
  ]
}

function beginningOf({ name, messages }: OpenRoom): string {
  if (messages.length === 0) return `Nobody has said anything in ${name} yet.`
  return messages[0].number === 1
    ? `This is where ${name} begins.`
    : 'What was said before is not kept any more.'
}

function sumOfCodes(sum: number, letter: string): number {
  return sum + letter.charCodeAt(0)
}
