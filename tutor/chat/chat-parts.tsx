import { Box, Text } from 'ink'
import stringWidth from 'string-width'
import type { Desk } from './desk.ts'
import { charactersOf, type TypedText } from './text-input.ts'

/** The rooms that are open, and how much is unread in them. */
export function RoomsLine({ desk, columns }: { desk: Desk; columns: number }) {
  const { room: shown, conversation } = desk
  return (
    <Box width={columns} marginTop={1} height={1} overflow="hidden">
      <Text wrap="truncate">
        {conversation.rooms.map((room) => (
          <Text
            key={room.name}
            bold={room === shown || room.unread > 0}
            dimColor={room !== shown && room.unread === 0}
          >
            {room === shown ? `[${room.name}] ` : ` ${room.name} `}
            <Text color="green">{room.unread > 0 && room !== shown ? `${room.unread} ` : ''}</Text>
          </Text>
        ))}
      </Text>
    </Box>
  )
}

const PROMPT = '> '

/** What is being typed, or the part around the cursor if it is longer than the line; and where the cursor is. */
export function typedPart({ text, cursor }: TypedText, columns: number) {
  const characters = charactersOf(text.replaceAll('\n', '⏎'))
  const room = columns - PROMPT.length - 2
  let start = cursor
  let width = 0
  for (; start > 0; start--) {
    const more = stringWidth(characters[start - 1])
    if (width + more > room) break
    width += more
  }
  return { text: characters.slice(start).join(''), cursorColumn: PROMPT.length + width }
}

export function InputLine({ text, columns }: { text: string; columns: number }) {
  return (
    <Box width={columns} height={1} overflow="hidden">
      <Text wrap="truncate">
        <Text bold color="green">
          {PROMPT}
        </Text>
        {text}
      </Text>
    </Box>
  )
}
