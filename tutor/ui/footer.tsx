import { Box, Spacer, Text } from 'ink'
import stringWidth from 'string-width'
import wrapAnsi from 'wrap-ansi'
import { BINDINGS } from '../state/keys.ts'
import { redCard } from '../state/reduce.ts'
import type { TutorState } from '../state/state.ts'

/** Room for ` ↓ 999 more`, kept free whether it is needed or not, so that scrolling does not change the news. */
const MORE_COLUMNS = 11

/** What a notice, however long, leaves of the screen to the text. */
const MIN_BODY_ROWS = 4

/** How many rows the footer takes of those below the header. */
export function footerRows(state: TutorState, columns: number, rows: number): number {
  return newsLines(state, columns, rows).length + 1
}

/** A line of news, or all of a notice; then one line of keys. */
export function Footer({
  state,
  columns,
  rows,
  hidden,
}: {
  state: TutorState
  columns: number
  rows: number
  hidden: number
}) {
  const keys = BINDINGS.filter(({ footer }) => footer?.includes(state.screen))
  return (
    <Box flexDirection="column" flexShrink={0}>
      <Box>
        <Text color={state.notice ? 'yellow' : undefined} dimColor={!state.notice} wrap="truncate">
          {newsLines(state, columns, rows).join('\n')}
        </Text>
        <Spacer />
        <Box flexShrink={0}>
          <Text dimColor>{hidden > 0 ? ` ↓ ${hidden} more` : ''}</Text>
        </Box>
      </Box>
      <Text wrap="truncate">
        {keys.map(({ keys, label }) => (
          <Text key={label}>
            <Text bold>{keys[0]}</Text>
            <Text dimColor>{` ${label}  `}</Text>
          </Text>
        ))}
      </Text>
    </Box>
  )
}

function newsLines(state: TutorState, columns: number, rows: number): string[] {
  const room = columns - MORE_COLUMNS
  if (state.notice === undefined) {
    const ways = news(state)
    return [ways.find((text) => stringWidth(text) <= room) ?? ways.at(-1)!]
  }
  const lines = wrapAnsi(state.notice, room, { hard: true }).split('\n')
  const maxLines = Math.max(1, rows - MIN_BODY_ROWS - 1)
  if (lines.length <= maxLines) return lines
  return [...lines.slice(0, maxLines - 1), `${lines[maxLines - 1].slice(0, room - 1)}…`]
}

/** The same news in fewer and fewer words; the last ones fit every screen. */
function news(state: TutorState): string[] {
  const { screen, lastSave, isJudging, lastRunMs, remarks } = state
  if (screen === 'map' || screen === 'keys')
    return ['Saving a file in chapters/ opens its chapter and judges it.', 'A save is judged.']
  const withSave = (text: string): string[] =>
    lastSave ? [`${lastSave.file} saved at ${lastSave.at} · ${text}`, text] : [text]
  if (isJudging) return withSave('judging …')
  const card = redCard(state)
  // A reader is not interrupted, but told.
  if (screen === 'lesson' && lastSave && card)
    return withSave(`✗ ${card.step.id}, press c to see why`)
  if (screen === 'lesson' && remarks.missing.length > 0)
    return ['a file is missing, press t to see which', 'a file is missing: press t']
  if (lastRunMs === undefined) return ['waiting for a save']
  const verdict = `judged in ${lastRunMs} ms`
  const [long, ...shorter] = withSave(verdict)
  return [`${long} · waiting for a save`, long, ...shorter]
}
