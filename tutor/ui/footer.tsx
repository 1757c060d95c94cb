import { Box, Spacer, Text } from 'ink'
import { BINDINGS } from '../state/keys.ts'
import { redCard } from '../state/reduce.ts'
import type { TutorState } from '../state/state.ts'

/** One line of news, one line of keys. */
export function Footer({ state, hidden }: { state: TutorState; hidden: number }) {
  const keys = BINDINGS.filter(({ footer }) => footer?.includes(state.screen))
  return (
    <Box flexDirection="column">
      <Box>
        <Text color={state.notice ? 'yellow' : undefined} dimColor={!state.notice} wrap="truncate">
          {state.notice ?? news(state)}
        </Text>
        <Spacer />
        <Text dimColor>{hidden > 0 ? ` ↓ ${hidden} more` : ''}</Text>
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

function news(state: TutorState): string {
  const { screen, lastSave, isJudging, lastRunMs } = state
  if (screen === 'map' || screen === 'keys')
    return 'Saving a file in chapters/ opens its chapter and judges it.'
  const saved = lastSave ? `${lastSave.file} saved at ${lastSave.at} · ` : ''
  if (isJudging) return `${saved}judging …`
  const card = redCard(state)
  // A reader is not interrupted, but told.
  if (screen === 'lesson' && lastSave && card)
    return `${saved}✗ ${card.step.id}, press c to see why`
  return lastRunMs === undefined
    ? 'waiting for a save'
    : `${saved}judged in ${lastRunMs} ms · waiting for a save`
}
