/**
 * A story as lines of text: a numbered list, or with several clients a sequence diagram, one lane each.
 */

import wrapAnsi from 'wrap-ansi'
import { printable } from '../harness/bytes.ts'
import type { StoryLine } from '../harness/story.ts'

export interface DrawnLine {
  text: string
  outcome?: 'kept' | 'broken'
}

const LANE_COLUMNS = 7

/** The mark and the number of a line, and the space behind its lanes. */
const PREFIX_COLUMNS = 8

/** Lanes that leave less room than this for words are not drawn. */
const MIN_WORD_COLUMNS = 30
const MAX_CLIENTS = 4

/** A long story is told by its beginning and its end. */
const FIRST_LINES = 8
const LAST_LINES = 16

/** The story in at most `columns` columns. What it quotes may be anybody's words: nothing that is not printable passes. */
export function drawStory(told: StoryLine[], columns: number): DrawnLine[] {
  const story = told.map((line) => ({
    ...line,
    who: printable(line.who),
    text: printable(line.text),
  }))
  const clients = [
    ...new Set(story.filter((line) => line.way !== 'beside').map((line) => line.who)),
  ]
  const room = columns - PREFIX_COLUMNS - (clients.length + 1) * LANE_COLUMNS
  const hasLanes = clients.length > 1 && clients.length <= MAX_CLIENTS && room >= MIN_WORD_COLUMNS
  const lanes = hasLanes ? ['server', ...clients] : []
  const header = lanes.length > 0 ? [drawHeader(lanes)] : []
  const numbered = story.map((line, index) => ({ line, number: index + 1 }))
  const isLong = story.length > FIRST_LINES + LAST_LINES + 1
  if (!isLong) return [...header, ...numbered.flatMap((entry) => drawLine(entry, lanes, columns))]

  const left = story.length - FIRST_LINES - LAST_LINES
  return [
    ...header,
    ...numbered.slice(0, FIRST_LINES).flatMap((entry) => drawLine(entry, lanes, columns)),
    { text: `      … ${left} more lines …` },
    ...numbered.slice(-LAST_LINES).flatMap((entry) => drawLine(entry, lanes, columns)),
  ]
}

function drawHeader(lanes: string[]): DrawnLine {
  const names = lanes.map((name) => name.slice(0, LANE_COLUMNS - 1).padEnd(LANE_COLUMNS))
  return { text: `      ${names.join('').trimEnd()}` }
}

function drawLine(
  { line, number }: { line: StoryLine; number: number },
  lanes: string[],
  columns: number,
): DrawnLine[] {
  const mark = line.outcome === 'broken' ? '✗' : line.outcome === 'kept' ? '✓' : ' '
  const prefix = `${mark}${String(number).padStart(3)}  `
  const drawn = lanes.length > 0 ? `${drawLanes(line, lanes)}  ` : ''
  const idle = lanes.length > 0 ? `${lanes.map(() => '│'.padEnd(LANE_COLUMNS)).join('')}  ` : ''
  const room = Math.max(20, columns - prefix.length - drawn.length)
  const words = wrapAnsi(`${line.who} ${line.text}`, room, { hard: true }).split('\n')
  return words.map((text, index) => ({
    text: index === 0 ? `${prefix}${drawn}${text}` : `${' '.repeat(prefix.length)}${idle}${text}`,
    outcome: line.outcome,
  }))
}

/** One row of lanes: an arrow between the server's lane, which is the first, and the client's. */
function drawLanes({ who, way }: StoryLine, lanes: string[]): string {
  const own = lanes.indexOf(who)
  const cells = lanes.map((_name, lane) => {
    const inside = way !== 'beside' && lane < own
    const fill = inside ? '─' : ' '
    if (way === 'beside') return (lane === own ? '●' : '│') + ' '.repeat(LANE_COLUMNS - 1)
    if (lane === 0) return (way === 'toServer' ? '◀' : '├') + fill.repeat(LANE_COLUMNS - 1)
    if (lane === own) return (way === 'toServer' ? '┤' : '▶') + ' '.repeat(LANE_COLUMNS - 1)
    return (inside ? '┼' : '│') + fill.repeat(LANE_COLUMNS - 1)
  })
  return cells.join('')
}
