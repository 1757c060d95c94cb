/** The chat on the screen of a terminal: draws the desk, and turns keys into its methods. */

import type { ChalkInstance } from 'chalk'
import {
  Box,
  type Key,
  Spacer,
  Text,
  useApp,
  useCursor,
  useInput,
  usePaste,
  useWindowSize,
} from 'ink'
import { useEffect, useReducer, useState, useSyncExternalStore } from 'react'
import { Scrolled } from '../ui/scrolled.tsx'
import { roomLines } from './chat-lines.ts'
import { InputLine, RoomsLine, typedPart } from './chat-parts.tsx'
import { connectionText } from './connection-text.ts'
import type { Desk } from './desk.ts'
import type { Edit } from './text-input.ts'

const MIN_COLUMNS = 40
/** Title, line of rooms, what is typed, keys; and the lines between. */
const OTHER_ROWS = 6
const KEYS = 'Enter says it · Tab next room · PgUp earlier · /help · Ctrl-C leaves'

export function ChatApp({ desk, chalk }: { desk: Desk; chalk: ChalkInstance }) {
  const { exit } = useApp()
  useSyncExternalStore(
    (listener) => desk.subscribe(listener),
    () => desk.version,
  )
  const { setCursorPosition } = useCursor()
  useTicks(desk.conversation.client.state.kind === 'waiting')
  const [scroll, setScroll] = useState(0)
  const window = useWindowSize()
  const columns = Math.max(MIN_COLUMNS, window.columns)
  const rows = Math.max(3, window.rows - OTHER_ROWS)
  const { room, conversation } = desk
  const style = { columns: columns - 1, chalk, now: Date.now() }
  const lines = room ? roomLines(room, desk.shownUpTo, conversation.name, style) : NOWHERE
  const maxScroll = Math.max(0, lines.length - rows)
  // Counted from the end, which stands still while somebody reads further up: nothing moves under their eyes.
  const top = maxScroll - Math.min(scroll, maxScroll)

  const turn = (step: number) => {
    desk.turn(step)
    setScroll(0)
  }
  const scrollTo = (place: number) => {
    const reached = Math.max(0, Math.min(place, maxScroll))
    if (reached > 0) desk.readBack()
    else desk.readOn()
    if (place >= maxScroll) desk.showEarlier()
    setScroll(reached)
  }
  const enter = () => {
    if (desk.enter() === 'quit') exit()
    setScroll(0)
  }
  usePaste((text) => desk.edit({ kind: 'insert', text }))
  useInput((input, key) => {
    if (key.return) enter()
    else if (key.tab) turn(key.shift ? -1 : 1)
    else if (key.pageUp) scrollTo(Math.min(scroll, maxScroll) + rows - 1)
    else if (key.pageDown) scrollTo(Math.min(scroll, maxScroll) - rows + 1)
    else if (LINE_END.test(input)) {
      // Keys pressed while the program was busy arrive in one piece.
      for (const [place, text] of input.split(LINE_END).entries()) {
        if (place > 0) enter()
        if (text !== '') desk.edit({ kind: 'insert', text })
      }
    } else {
      const made = editOf(input, key)
      if (made) desk.edit(made)
    }
  })
  const typed = typedPart(desk.typed, columns)
  setCursorPosition({ x: typed.cursorColumn, y: window.rows - 2 })
  return (
    <Box flexDirection="column" height={window.rows} width={columns}>
      <Box marginBottom={1}>
        <Text bold inverse>{` ${room?.name ?? 'chat'} `}</Text>
        <Text dimColor>{room ? ` ${room.members.length} here` : ''}</Text>
        <Spacer />
        <Text wrap="truncate">{`${conversation.name} · ${connectionText(conversation)}`}</Text>
      </Box>
      <Scrolled lines={lines} rows={rows} scroll={lines.length > rows ? top : 0} />
      <RoomsLine desk={desk} columns={columns} />
      <InputLine text={typed.text} columns={columns} />
      <Text wrap="truncate" color={desk.notice ? 'yellow' : undefined} dimColor={!desk.notice}>
        {desk.notice || (scroll > 0 ? `PgDn goes on · ${KEYS}` : KEYS)}
      </Text>
    </Box>
  )
}

const LINE_END = /\r\n?|\n/
const NOWHERE = ['You are in no room.  /join kitchen  opens one.']

function editOf(input: string, key: Key): Edit | undefined {
  if (key.leftArrow) return { kind: 'left' }
  if (key.rightArrow) return { kind: 'right' }
  if (key.home || (key.ctrl && input === 'a')) return { kind: 'home' }
  if (key.end || (key.ctrl && input === 'e')) return { kind: 'end' }
  if (key.backspace || key.delete) return { kind: 'deleteBefore' }
  if (key.ctrl && input === 'w') return { kind: 'deleteWord' }
  if (key.ctrl && input === 'u') return { kind: 'deleteAll' }
  if (key.ctrl || key.meta || key.escape || key.upArrow || key.downArrow || input === '')
    return undefined
  return { kind: 'insert', text: input }
}

/** Draws again from time to time, while something counts down. */
function useTicks(isCounting: boolean): void {
  const [, tick] = useReducer((count: number) => count + 1, 0)
  useEffect(() => {
    if (!isCounting) return
    const timer = setInterval(tick, 250)
    return () => clearInterval(timer)
  }, [isCounting])
}
