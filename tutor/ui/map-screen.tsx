import { Box, Text } from 'ink'
import { type ChapterOutlook, seeOutlook } from '../state/outlook.ts'
import type { TutorState } from '../state/state.ts'

/** Every chapter, by part, and how far each one is. */
export function MapScreen({ state, rows }: { state: TutorState; rows: number }) {
  const { chapters, next } = seeOutlook(state.book, state.progress)
  const parts = [...Map.groupBy(chapters, ({ chapter }) => chapter.lesson.part)]
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
      {windowAround(lines, markedLine(parts, state), rows - 2)}
      <Box marginTop={1}>
        <Text>{next ? `Next: ${next.step.id} ${next.step.title}` : 'Every step is green.'}</Text>
      </Box>
    </Box>
  )
}

function ChapterLine({ outlook, isMarked }: { outlook: ChapterOutlook; isMarked: boolean }) {
  const { chapter, steps, state } = outlook
  return (
    <Box>
      <Text bold={isMarked} inverse={isMarked}>
        {` ${state === 'done' ? '✓' : ' '} ${chapter.name.slice(0, 2)} ${chapter.lesson.title}`.padEnd(
          30,
        )}
      </Text>
      <Text> </Text>
      <Box width={10}>
        {steps.map(({ step, state }) => (
          <Text
            key={step.id}
            color={state === 'green' ? 'green' : state === 'broken' ? 'red' : undefined}
          >
            {state === 'open' ? '○' : '●'}
          </Text>
        ))}
      </Box>
      <Text dimColor>{`${chapter.lesson.minutes} min`}</Text>
    </Box>
  )
}

/** The row of the marked chapter among headings and chapters. */
function markedLine(parts: [string, ChapterOutlook[]][], { book, chapter }: TutorState): number {
  let row = 0
  for (const [, inPart] of parts) {
    const index = inPart.findIndex((outlook) => outlook.chapter === book[chapter])
    if (index >= 0) return row + 1 + index
    row += 1 + inPart.length
  }
  return 0
}

/** The rows that fit, the marked one among them. */
function windowAround<T>(lines: T[], marked: number, rows: number): T[] {
  const start = Math.max(0, Math.min(marked - Math.floor(rows / 2), lines.length - rows))
  return lines.slice(start, start + rows)
}
