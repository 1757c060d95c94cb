/** Judge events as the text of `npm test 2`. */

import type { ChalkInstance } from 'chalk'
import { printable } from '../harness/bytes.ts'
import { describePlace } from '../harness/diagnosis.ts'
import { renderCard } from './card.ts'
import type { JudgeEvent, OpenHole, StepTitle, TypeProblem } from './events.ts'

export interface ReportStyle {
  columns: number
  chalk: ChalkInstance
}

const MAX_TYPE_PROBLEMS = 3

/** The lines that one event adds to the report; `''` when it adds none. */
export function reportEvent(event: JudgeEvent, style: ReportStyle): string {
  const { chalk, columns } = style
  switch (event.kind) {
    case 'chapterStarted': {
      const whose = event.label === 'chapters' ? 'your code in' : 'the code in'
      return `${chalk.bold(event.chapter)}  ${chalk.dim(`${whose} ${event.label}/${event.chapter}`)}\n\n`
    }
    case 'standsOnUnfinished':
      return unfinished(event.chapter, event.holes, style)
    case 'stepStarted':
      return ''
    case 'stepPassed':
      return `${chalk.green('✓')} ${title(event.step, columns - 14)}${chalk.dim(`${event.ms} ms`.padStart(9))}\n`
    case 'stepFailed': {
      const regression = event.passedBefore
        ? `${chalk.yellow(`! ${event.step.id} was green before: something you changed since has broken it.`)}\n`
        : ''
      return `\n${regression}${renderCard(event.card, style)}\n\n`
    }
    case 'stepNotReached':
      return chalk.dim(`· ${title(event.step, columns - 14)}  not reached\n`)
    case 'typesChecked':
      return types(event.problems, style)
    case 'filesMissing': {
      const number = Number(event.chapter.slice(0, 2))
      return `${chalk.yellow('!')} Missing: ${event.files.join(', ')}.\n  npm start reset ${number}  puts the starter back, and keeps what is there now.\n`
    }
    case 'unknownStep': {
      const known = event.steps.map(({ id }) => id).join(', ')
      return `${chalk.yellow('!')} There is no step ${event.step}. The chapter has ${known}.\n`
    }
    case 'notice':
      return `${chalk.yellow('!')} ${printable(event.text)}\n`
    case 'chapterDone':
      return done(event.passed, event.asked, chalk)
  }
}

function title({ id, title }: StepTitle, columns: number): string {
  const text = `${id}  ${title}`
  return text.length > columns ? `${text.slice(0, columns - 1)}…` : text.padEnd(columns)
}

function unfinished(standing: string, holes: OpenHole[], { chalk }: ReportStyle): string {
  const byChapter = Map.groupBy(holes, (hole) => hole.place.file.split('/')[1])
  const lines = [...byChapter].map(([chapter, open]) => {
    const steps = [...new Set(open.map((hole) => hole.step))].join(', ')
    return `  ${chapter}: ${steps} still to be written (${describePlace(open[0].place)})`
  })
  return [
    chalk.yellow('! This chapter stands on an earlier one that is not finished:'),
    ...lines,
    `  Write them first, or let  npm start catch-up ${Number(standing.slice(0, 2))}  put the reference there; your own files`,
    '  are kept in .workbook/snapshots.',
    '',
    '',
  ].join('\n')
}

function types(problems: TypeProblem[], { chalk }: ReportStyle): string {
  if (problems.length === 0) return ''
  const shown = problems.slice(0, MAX_TYPE_PROBLEMS)
  const more = problems.length - shown.length
  return [
    chalk.yellow(
      '! TypeScript has something to say (Node runs the code without looking at types):',
    ),
    ...shown.map(
      ({ place, message }) => `  ${chalk.cyan(describePlace(place))}  ${printable(message)}`,
    ),
    ...(more > 0 ? [`  … and ${more} more`] : []),
    '',
    '',
  ].join('\n')
}

function done(passed: number, asked: number, chalk: ChalkInstance): string {
  if (passed === asked) return `\n${chalk.green.bold(`${passed} of ${asked} steps are green.`)}\n`
  return `\n${passed} of ${asked} steps are green.\n`
}
