/** Opens a file at a line, in the editor that the learner uses. */

import { spawn } from 'node:child_process'
import { basename, join, win32 } from 'node:path'
import launchEditor from 'launch-editor'
import guessEditor from 'launch-editor/guess.js'
import { HOME } from '../../tests/judge/workbook.ts'

/** Editors that need the terminal for themselves. */
const TERMINAL_EDITORS = [
  'vi',
  'vim',
  'nvim',
  'nano',
  'pico',
  'emacs',
  'micro',
  'hx',
  'helix',
  'kak',
  'ne',
  'joe',
]

/** What npm puts into EDITOR for its scripts when nobody has chosen an editor. */
const DEFAULTS_OF_NPM = ['vi', 'notepad.exe']

/** What it needs of the screen while an editor has the terminal. */
export type LendTerminal = (use: () => Promise<void>) => Promise<void>

/** Rejects with a sentence that says what to set when no editor can be opened. */
export async function openEditor(
  file: string,
  line: number,
  lendTerminal: LendTerminal,
): Promise<void> {
  const path = join(HOME, file)
  const chosen = chosenEditor(process.env)
  const [command, ...args] = chosen ? chosen.split(/ +/) : [guessEditor()[0] ?? '']
  const cannot = new Error(
    `${command || 'No editor'} could not be started. Set EDITOR (EDITOR=code npm start), or open ${file}:${line} yourself.`,
  )
  if (!command) throw cannot
  if (TERMINAL_EDITORS.includes(basename(command))) {
    const place = /^(hx|helix)$/.test(basename(command)) ? [`${path}:${line}`] : [`+${line}`, path]
    return lendTerminal(() => runToTheEnd(command, [...args, ...place], cannot))
  }
  return new Promise((resolve, reject) => {
    // Read as a shell would: what was chosen may have arguments, the path of a running editor has blanks.
    launchEditor(`${path}:${line}`, chosen ?? `'${command}'`, () => reject(cannot))
    setTimeout(resolve, 500)
  })
}

/** `undefined` when nobody has chosen: then an editor that is running is a better guess than npm's default. */
function chosenEditor({ VISUAL, EDITOR = '' }: NodeJS.ProcessEnv): string | undefined {
  const chosen = DEFAULTS_OF_NPM.includes(win32.basename(EDITOR)) ? '' : EDITOR
  return (VISUAL || chosen).trim() || undefined
}

function runToTheEnd(command: string, args: string[], cannot: Error): Promise<void> {
  return new Promise((resolve, reject) => {
    const editor = spawn(command, args, { stdio: 'inherit' })
    editor.once('error', () => reject(cannot))
    editor.once('exit', () => resolve())
  })
}
