import { Box, Text } from 'ink'
import { type ChapterOutlook, type StepState, seeOutlook } from '../state/outlook.ts'
import type { TutorState } from '../state/state.ts'

/** What stands below the chapters: an empty line, and the next step. */
const ROWS_BELOW = 2

/** Every chapter, by part, and how far each one is. */
export function MapScreen({ state, rows }: { state: TutorState; rows: number }) {
  const { chapters, next } = seeOutlook(state.book, state.progress)
  const parts = byPart(chapters)
  const { start, end } = windowOf(parts, state, rows)
  const lines = parts.flatMap(([part, inPart]) => [
    <Text key={part} bold>{`Part ${part}`}</Text>,
    ...inPart.map((outlook) => (
      <ChapterLine
        key={outlook.chapter.name}
        outlook={outlook}
        isMarked={outlook.chapter === state.book[state.chapter]}
      />
    )),
  ])
  return (
    <Box flexDirection="column" height={rows} overflow="hidden">
      {lines.slice(start, end)}
      <Box marginTop={1}>
        <Text wrap="truncate">
          {next ? `Next: ${next.step.id} ${next.step.title}` : 'Every step is green.'}
        </Text>
      </Box>
    </Box>
  )
}

/** How many rows of the map lie below those that fit. */
export function rowsBelowMap(state: TutorState, rows: number): number {
  const parts = byPart(seeOutlook(state.book, state.progress).chapters)
  return countRows(parts) - windowOf(parts, state, rows).end
}

function ChapterLine({ outlook, isMarked }: { outlook: ChapterOutlook; isMarked: boolean }) {
  const { chapter, steps, state } = outlook
  return (
    <Box>
      <Box width={30}>
        <Text bold={isMarked} inverse={isMarked} wrap="truncate">
          {`${isMarked ? '▸' : ' '}${state === 'done' ? '✓' : ' '} ${chapter.name.slice(0, 2)} ${chapter.lesson.title} `}
        </Text>
      </Box>
      <Box width={11} paddingLeft={1} flexShrink={0}>
        {steps.map(({ step, state }) => (
          <Text key={step.id} color={DOTS[state].color}>
            {DOTS[state].dot}
          </Text>
        ))}
      </Box>
      <Box flexShrink={0}>
        <Text dimColor>{`${chapter.lesson.minutes} min`.padStart(7)}</Text>
      </Box>
    </Box>
  )
}

/** Each differs in its sign, too: not every terminal has colours. */
const DOTS: Record<StepState, { dot: string; color?: string }> = {
  green: { dot: '●', color: 'green' },
  broken: { dot: '✗', color: 'red' },
  open: { dot: '○' },
}

type Part = [name: string, chapters: ChapterOutlook[]]

function byPart(chapters: ChapterOutlook[]): Part[] {
  return [...Map.groupBy(chapters, ({ chapter }) => chapter.lesson.part)]
}

/** The row of the marked chapter among headings and chapters. */
function markedLine(parts: Part[], { book, chapter }: TutorState): number {
  let row = 0
  for (const [, inPart] of parts) {
    const index = inPart.findIndex((outlook) => outlook.chapter === book[chapter])
    if (index >= 0) return row + 1 + index
    row += 1 + inPart.length
  }
  return 0
}

/** The rows that fit, the marked one among them. */
function windowOf(parts: Part[], state: TutorState, rows: number): { start: number; end: number } {
  const total = countRows(parts)
  const room = Math.max(1, rows - ROWS_BELOW)
  const middle = markedLine(parts, state) - Math.floor(room / 2)
  const start = Math.max(0, Math.min(middle, total - room))
  return { start, end: Math.min(total, start + room) }
}

/** A heading for each part, and a row for each chapter. */
function countRows(parts: Part[]): number {
  return parts.reduce((rows, [, inPart]) => rows + 1 + inPart.length, 0)
}
