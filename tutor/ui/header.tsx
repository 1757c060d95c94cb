import { Box, Spacer, Text } from 'ink'
import { currentChapter, isGreenNow, type TutorState } from '../state/state.ts'

/** On a low terminal the list of steps becomes a row of dots. */
const ROWS_FOR_LIST = 34

const TITLE_ROWS = 2

/** How many rows the header takes. */
export function headerRows(state: TutorState, rows: number): number {
  if (state.screen === 'map' || state.screen === 'keys') return TITLE_ROWS
  return rows < ROWS_FOR_LIST
    ? TITLE_ROWS
    : TITLE_ROWS + currentChapter(state).lesson.steps.length + 1
}

export function Header({
  state,
  columns,
  rows,
}: {
  state: TutorState
  columns: number
  rows: number
}) {
  if (state.screen === 'map' || state.screen === 'keys')
    return <Title left="TCP Server Workbook" right="" />
  const { number, lesson } = currentChapter(state)
  const isLow = rows < ROWS_FOR_LIST
  const name = `${String(number).padStart(2, '0')} · ${lesson.title}`
  return (
    <Box flexDirection="column">
      <Title left={name} right={isLow ? <Dots state={state} /> : `Part ${lesson.part}`} />
      {!isLow && <Steps state={state} columns={columns} />}
    </Box>
  )
}

function Title({ left, right }: { left: string; right: React.ReactNode }) {
  return (
    <Box marginBottom={1} flexShrink={0}>
      <Text bold inverse wrap="truncate">{` ${left} `}</Text>
      <Spacer />
      <Box flexShrink={0}>
        <Text>{right}</Text>
      </Box>
    </Box>
  )
}

function Dots({ state }: { state: TutorState }) {
  return currentChapter(state).lesson.steps.map((step, index) => (
    <Text key={step.id} {...markOf(state, step.id)} bold={index === state.step}>
      {index === state.step
        ? `[${markOf(state, step.id).mark}]`
        : ` ${markOf(state, step.id).mark} `}
    </Text>
  ))
}

function Steps({ state, columns }: { state: TutorState; columns: number }) {
  return (
    <Box flexDirection="column" marginBottom={1}>
      {currentChapter(state).lesson.steps.map((step, index) => {
        const { mark, color } = markOf(state, step.id)
        const verdict = state.verdicts[step.id]
        const time = verdict?.kind === 'green' ? `${verdict.ms} ms` : ''
        return (
          <Box key={step.id} width={columns}>
            <Box flexShrink={0}>
              <Text color={color}>{`${index === state.step ? '▸' : ' '}${mark} `}</Text>
            </Box>
            <Text bold={index === state.step} wrap="truncate">{`${step.id}  ${step.title}`}</Text>
            <Spacer />
            <Box flexShrink={0}>
              <Text dimColor>{time}</Text>
            </Box>
          </Box>
        )
      })}
    </Box>
  )
}

function markOf(state: TutorState, step: string): { mark: string; color?: string } {
  const verdict = state.verdicts[step]
  if (verdict?.kind === 'running') return { mark: '…', color: 'yellow' }
  if (verdict?.kind === 'red' && verdict.card.openStep !== step) return { mark: '✗', color: 'red' }
  if (verdict?.kind === 'green' || isGreenNow(state, step)) return { mark: '✓', color: 'green' }
  return { mark: '·' }
}
