/** What the middle of the screen says, as lines of text: pure, so that it can be tested without a terminal. */

import wrapAnsi from 'wrap-ansi'
import { describePlace } from '../../tests/harness/diagnosis.ts'
import { renderCard } from '../../tests/judge/card.ts'
import { BINDINGS } from '../state/keys.ts'
import { redCard } from '../state/reduce.ts'
import { currentChapter, currentStep, isGreenNow, type TutorState } from '../state/state.ts'
import type { TextStyle } from './style.ts'

export function bodyLines(state: TutorState, style: TextStyle): string[] {
  switch (state.screen) {
    case 'map':
      return []
    case 'keys':
      return keyLines(style)
    case 'lesson':
      return lessonText(state, style).split('\n')
    case 'card':
      return [...remarkLines(state, style), ...cardText(state, style).split('\n')]
    case 'step':
      return [...remarkLines(state, style), ...taskText(state, style).split('\n')]
  }
}

function cardText(state: TutorState, style: TextStyle): string {
  const card = redCard(state)
  if (!card) return 'Nothing has failed.'
  const verdict = state.verdicts[card.step.id]
  const regression =
    verdict?.kind === 'red' && verdict.wasGreen && card.step.id !== currentStep(state).id
      ? `${style.chalk.yellow(`! ${card.step.id} was green before: something you changed since has broken it.`)}\n\n`
      : ''
  return regression + renderCard(card, style)
}

/** The task of the step, or what to do now that it is green, and the hints taken so far. */
function taskText(state: TutorState, { columns, chalk, markdown }: TextStyle): string {
  const step = currentStep(state)
  const render = (text: string): string => markdown(text, { columns, level: chalk.level })
  const wrap = (text: string): string => wrapAnsi(text, columns, { hard: true })
  const taken = step.hints.slice(0, state.progress.hints[step.id] ?? 0)
  const hints = taken.map(
    ({ summary, text }, index) =>
      `${chalk.cyan(`Hint ${index + 1} of ${step.hints.length}: ${summary}`)}\n\n${render(text)}`,
  )
  const card = redCard(state)
  const hole = card?.openStep === step.id ? card.lookAt[0] : undefined
  return [
    isGreenNow(state, step.id) ? wrap(green(state, chalk)) : undefined,
    wrap(chalk.bold(`${step.id}  ${step.title}`)),
    render(step.text),
    hole && wrap(`${chalk.bold('Write')}  ${chalk.cyan(describePlace(hole))}, and save.`),
    ...hints,
  ]
    .filter((part) => part !== undefined)
    .join('\n\n')
}

function green(state: TutorState, chalk: TextStyle['chalk']): string {
  const { lesson } = currentChapter(state)
  const next = lesson.steps[state.step + 1]
  const onward = next
    ? `n goes on to ${next.id}.`
    : 'That is the whole chapter: n goes on to the next one.'
  return chalk.green(`✓ Green. Stay and experiment, every save is judged; ${onward}`)
}

/** The lesson with every hint closed. */
function lessonText(state: TutorState, { columns, chalk, markdown }: TextStyle): string {
  const { lesson } = currentChapter(state)
  const steps = lesson.steps.map((step) => `## ${step.id} ${step.title}\n\n${step.text}`)
  return markdown([lesson.introduction, ...steps, lesson.closing].join('\n\n'), {
    columns,
    level: chalk.level,
  })
}

function remarkLines(state: TutorState, { chalk, columns }: TextStyle): string[] {
  const { remarks } = state
  const [hole] = remarks.holes
  const [problem] = remarks.types
  const lines = [
    remarks.missing.length > 0 &&
      `Missing: ${remarks.missing.join(', ')}. npm start reset ${currentChapter(state).number} puts the starter back, and keeps what is there now.`,
    hole &&
      `This chapter stands on step ${hole.step}, which is not written yet (${describePlace(hole.place)}).`,
    problem && `TypeScript: ${problem.message} (${describePlace(problem.place)})`,
  ].filter((line) => typeof line === 'string')
  if (lines.length === 0) return []
  const text = lines.map((line) => chalk.yellow(`! ${line}`)).join('\n')
  return [...wrapAnsi(text, columns, { hard: true }).split('\n'), '']
}

const HELP_INDENT = ' '.repeat(18)

function keyLines({ chalk, columns }: TextStyle): string[] {
  return BINDINGS.flatMap(({ keys, help }) => {
    const lines = wrapAnsi(help, columns - HELP_INDENT.length).split('\n')
    const names = `  ${keys.join(', ')}`.padEnd(HELP_INDENT.length)
    return lines.map((line, index) => (index === 0 ? chalk.bold(names) : HELP_INDENT) + line)
  })
}
