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

/** ASCII "record separator": no program prints it by accident. */
export const LAST_WORDS_MARK = '\x1e'

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
  if (!(thrown instanceof Error)) return { name: 'Thrown', message: String(thrown), stack: '' }
  const code = 'code' in thrown ? String(thrown.code) : undefined
  return { name: thrown.name, message: thrown.message, code, stack: thrown.stack ?? '' }
}

function say(words: LastWords): void {
  try {
    writeSync(2, `\n${LAST_WORDS_MARK}${JSON.stringify(words)}\n`)
  } catch {
    // Nobody listens any more.
  }
}
