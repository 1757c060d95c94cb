/** The guide on the screen: which screen is shown, and where keys go. */

import { Box, useApp, useInput, useWindowSize } from 'ink'
import { useEffect, useSyncExternalStore } from 'react'
import type { LendTerminal } from '../effects/editor.ts'
import type { Store } from '../state/store.ts'
import { bodyLines } from './body.ts'
import { Footer, footerRows } from './footer.tsx'
import { Header, headerRows } from './header.tsx'
import { keyName } from './key-name.ts'
import { MapScreen, rowsBelowMap } from './map-screen.tsx'
import { Scrolled } from './scrolled.tsx'
import type { TextStyle } from './style.ts'

/** Below this, lines cannot be laid out; we draw as if there were so many and let the terminal cut. */
const MIN_COLUMNS = 40
const MAX_COLUMNS = 100

interface AppProps {
  store: Store
  style: Omit<TextStyle, 'columns'>
  /** Hands out the way to lend the terminal to an editor, which only a mounted app has. */
  onMounted: (lendTerminal: LendTerminal) => void
}

export function App({ store, style, onMounted }: AppProps) {
  const { suspendTerminal } = useApp()
  useEffect(() => onMounted(suspendTerminal), [onMounted, suspendTerminal])
  const state = useSyncExternalStore(
    (listener) => store.subscribe(listener),
    () => store.state,
  )
  const window = useWindowSize()
  const columns = Math.max(MIN_COLUMNS, Math.min(window.columns, MAX_COLUMNS))
  const belowHeader = window.rows - headerRows(state, window.rows)
  const rows = Math.max(1, belowHeader - footerRows(state, columns, belowHeader))
  const lines = bodyLines(state, { ...style, columns: columns - 1 })
  const maxScroll = Math.max(0, lines.length - rows)
  const isMap = state.screen === 'map'
  const hidden = isMap ? rowsBelowMap(state, rows) : Math.max(0, maxScroll - state.scroll)

  useInput((input, key) => {
    store.dispatch({
      kind: 'key',
      key: keyName(input, key),
      page: Math.max(1, rows - 1),
      maxScroll,
    })
  })
  return (
    <Box flexDirection="column" height={window.rows} width={columns}>
      <Header state={state} columns={columns} rows={window.rows} />
      {isMap ? (
        <MapScreen state={state} rows={rows} />
      ) : (
        <Scrolled lines={lines} rows={rows} scroll={Math.min(state.scroll, maxScroll)} />
      )}
      <Footer state={state} columns={columns} rows={belowHeader} hidden={hidden} />
    </Box>
  )
}
