/** Every key, once: the reducer acts on it, the footer and the help are drawn from it. */

import type { Screen } from './state.ts'

export type Action =
  | 'up'
  | 'down'
  | 'pageUp'
  | 'pageDown'
  | 'open'
  | 'next'
  | 'back'
  | 'hint'
  | 'card'
  | 'task'
  | 'lesson'
  | 'judge'
  | 'edit'
  | 'map'
  | 'leave'
  | 'keys'
  | 'quit'

export interface Binding {
  /** As the input names them; the first one is shown. */
  keys: string[]
  action: Action
  /** A word for the footer. */
  label: string
  /** A line for the help. */
  help: string
  /** Where it works; everywhere when left out. */
  screens?: Screen[]
  /** Screens in whose footer it is named. */
  footer?: Screen[]
}

const AT_WORK: Screen[] = ['step', 'card', 'lesson']

export const BINDINGS: Binding[] = [
  {
    keys: ['enter'],
    action: 'open',
    label: 'open',
    help: 'open the chapter',
    screens: ['map'],
    footer: ['map'],
  },
  {
    keys: ['h'],
    action: 'hint',
    label: 'hint',
    help: 'one more hint for this step',
    screens: AT_WORK,
    footer: ['step', 'card'],
  },
  {
    keys: ['n'],
    action: 'next',
    label: 'next',
    help: 'on to the next step, when this one is green',
    screens: AT_WORK,
    footer: AT_WORK,
  },
  { keys: ['b'], action: 'back', label: 'back', help: 'back to the step before', screens: AT_WORK },
  {
    keys: ['t'],
    action: 'task',
    label: 'task',
    help: 'what this step asks for, and its hints',
    screens: AT_WORK,
    footer: ['card', 'lesson'],
  },
  {
    keys: ['c'],
    action: 'card',
    label: 'card',
    help: 'the failure card',
    screens: AT_WORK,
    footer: ['step'],
  },
  {
    keys: ['l'],
    action: 'lesson',
    label: 'lesson',
    help: 'the whole lesson',
    screens: AT_WORK,
    footer: ['step', 'card'],
  },
  {
    keys: ['r'],
    action: 'judge',
    label: 'run',
    help: 'judge again, without a save',
    screens: AT_WORK,
    footer: ['step', 'card'],
  },
  {
    keys: ['e'],
    action: 'edit',
    label: 'edit',
    help: 'open the file in your editor',
    screens: AT_WORK,
    footer: ['step', 'card'],
  },
  {
    keys: ['m'],
    action: 'map',
    label: 'map',
    help: 'the map of chapters',
    screens: [...AT_WORK, 'keys'],
    footer: [...AT_WORK, 'keys'],
  },
  {
    keys: ['escape'],
    action: 'leave',
    label: 'back',
    help: 'from a chapter to the map, from here to where you were',
    screens: [...AT_WORK, 'keys'],
    footer: ['keys'],
  },
  { keys: ['up', 'k'], action: 'up', label: '↑', help: 'up' },
  { keys: ['down', 'j'], action: 'down', label: '↓', help: 'down' },
  { keys: ['pageup'], action: 'pageUp', label: 'PgUp', help: 'a page up' },
  { keys: ['pagedown', 'space'], action: 'pageDown', label: 'PgDn', help: 'a page down' },
  {
    keys: ['?'],
    action: 'keys',
    label: 'keys',
    help: 'these keys, and back',
    footer: [...AT_WORK, 'map'],
  },
  {
    keys: ['q'],
    action: 'quit',
    label: 'quit',
    help: 'leave; everything is kept',
    footer: [...AT_WORK, 'map', 'keys'],
  },
]

export function findAction(key: string, screen: Screen): Action | undefined {
  return BINDINGS.find(
    ({ keys, screens }) => keys.includes(key) && (!screens || screens.includes(screen)),
  )?.action
}
