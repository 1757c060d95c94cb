/**
 * What a process says before it ends, in the process itself: why, and on whose account.
 *
 * Last words go to stderr in one synchronous write, because nothing else is sure to leave a dying process;
 * a mark at the start of the line keeps them apart from what the code under test prints.
 */

import { writeSync } from 'node:fs'

export interface ThrownError {
  name: string
  message: string
  code?: string
  stack: string
}

export type LastWords =
  | { kind: 'crashed'; error: ThrownError; fromRejection: boolean }
  | { kind: 'exited'; code: number; stack: string }

/** ASCII "record separator": hardly a program prints it by accident, and none followed by this. */
const MARK = '\x1elast words: '

/** Longer texts of an error are cut: its beginning says what is wrong. */
const MAX_CHARACTERS = 4 * 1024

/** The last words that a printed line holds; `undefined` for a line like any other. */
export function readLastWords(line: string): LastWords | undefined {
  if (!line.startsWith(MARK)) return undefined
  try {
    return JSON.parse(line.slice(MARK.length))
  } catch {
    return undefined
  }
}

/** Reports how this process ends. `survives(error)` may forgive an error that would end it. */
export function reportLastWords(survives: (error: unknown) => boolean = () => false): void {
  let hasCrashed = false
  process.on('uncaughtException', (error, origin) => {
    if (survives(error)) return
    hasCrashed = true
    say({
      kind: 'crashed',
      error: toThrownError(error),
      fromRejection: origin === 'unhandledRejection',
    })
    process.exit(1)
  })
  process.on('exit', (code) => {
    if (!hasCrashed) say({ kind: 'exited', code, stack: new Error('exit').stack ?? '' })
  })
}

/** Anything can be thrown; this is what there is to say about it. */
export function toThrownError(thrown: unknown): ThrownError {
  if (!(thrown instanceof Error))
    return { name: 'Thrown', message: beginning(String(thrown)), stack: '' }
  const code = 'code' in thrown ? beginning(String(thrown.code)) : undefined
  const message = beginning(String(thrown.message))
  // A stack begins with the message: a long one must not cost the frames.
  const stack = String(thrown.stack ?? '').replace(thrown.message, () => message)
  return {
    name: beginning(String(thrown.name)),
    message,
    code,
    stack: stack.slice(0, 2 * MAX_CHARACTERS),
  }
}

function beginning(text: string): string {
  return text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}…` : text
}

function say(words: LastWords): void {
  try {
    writeSync(2, `\n${MARK}${JSON.stringify(words)}\n`)
  } catch {
    // Nobody listens any more.
  }
}
