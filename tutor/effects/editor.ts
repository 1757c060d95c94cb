/** Opens a file at a line, in the editor that the learner uses. */

import { spawn } from 'node:child_process'
import { basename, join } from 'node:path'
import launchEditor from 'launch-editor'
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

/** What it needs of the screen while an editor has the terminal. */
export type LendTerminal = (use: () => Promise<void>) => Promise<void>

/** Rejects with a sentence that says what to set when no editor can be opened. */
export async function openEditor(
  file: string,
  line: number,
  lendTerminal: LendTerminal,
): Promise<void> {
  const path = join(HOME, file)
  const [command, ...args] = (process.env.VISUAL || process.env.EDITOR || '')
    .split(' ')
    .filter((word) => word !== '')
  if (command && TERMINAL_EDITORS.includes(basename(command))) {
    const place = /^(hx|helix)$/.test(basename(command)) ? [`${path}:${line}`] : [`+${line}`, path]
    return lendTerminal(() => runToTheEnd(command, [...args, ...place]))
  }
  return new Promise((resolve, reject) => {
    const sentence = `No editor could be opened. Set EDITOR (EDITOR=code npm start), or open ${file}:${line} yourself.`
    launchEditor(`${path}:${line}`, command, () => reject(new Error(sentence)))
    setTimeout(resolve, 500)
  })
}

function runToTheEnd(command: string, args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const editor = spawn(command, args, { stdio: 'inherit' })
    editor.once('error', (error) =>
      reject(new Error(`${command} could not be started: ${error.message}`)),
    )
    editor.once('exit', () => resolve())
  })
}
