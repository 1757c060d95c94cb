import { Box, Text } from 'ink'

/** The part of some lines that fits. */
export function Scrolled({
  lines,
  rows,
  scroll,
}: {
  lines: string[]
  rows: number
  scroll: number
}) {
  return (
    <Box flexDirection="column" height={rows} overflow="hidden">
      {lines.slice(scroll, scroll + rows).map((line, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line has no identity but its place
        <Text key={index} wrap="truncate">
          {line || ' '}
        </Text>
      ))}
    </Box>
  )
}
