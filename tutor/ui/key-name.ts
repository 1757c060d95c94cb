import type { Key } from 'ink'

/** Ink's view of a key as one word: `'up'`, `'enter'`, `'h'`. */
export function keyName(input: string, key: Key): string {
  if (key.upArrow) return 'up'
  if (key.downArrow) return 'down'
  if (key.pageUp) return 'pageup'
  if (key.pageDown) return 'pagedown'
  if (key.return) return 'enter'
  if (key.escape) return 'escape'
  if (key.ctrl) return `ctrl-${input}`
  return input === ' ' ? 'space' : input
}
