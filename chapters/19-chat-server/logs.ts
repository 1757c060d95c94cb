/**
 * What happens, for the people who run the server: JSON, one object per line.
 *
 *     {"time":"2026-11-21T20:15:03.120Z","level":"info","event":"door opened","door":"frames","port":4019}
 *
 * A log goes to files, and files go everywhere. So it never has a text in it that people have said, a password, a token
 * or an e-mail address: fields are numbers, words of our own, addresses, and names of doors and files. An error that
 * was thrown while a client was served shows its name, its code and where that was; its message stays out, because it
 * may quote what somebody has sent.
 */

export const LEVELS = ['debug', 'info', 'warn', 'error'] as const

export type Level = (typeof LEVELS)[number]

export type Fields = Readonly<Record<string, string | number | boolean | undefined>>

export interface LogOptions {
  /** Events of lower levels are left out. */
  level: Level
  write(line: string): void
  /** Milliseconds since 1970. */
  now(): number
}

export class Logs {
  readonly #options: LogOptions

  constructor(options: LogOptions) {
    this.#options = options
  }

  /** Whether events of this level are written. */
  shows(level: Level): boolean {
    return LEVELS.indexOf(level) >= LEVELS.indexOf(this.#options.level)
  }

  debug(event: string, fields?: Fields): void {
    this.#log('debug', event, fields)
  }

  info(event: string, fields?: Fields): void {
    this.#log('info', event, fields)
  }

  warn(event: string, fields?: Fields): void {
    this.#log('warn', event, fields)
  }

  error(event: string, fields?: Fields): void {
    this.#log('error', event, fields)
  }

  /** An error of our own. */
  bug(error: unknown): void {
    this.error('bug', describeBug(error))
  }

  #log(level: Level, event: string, fields: Fields = {}): void {
    const { now, write } = this.#options
    if (!this.shows(level)) return
    write(`${JSON.stringify({ time: new Date(now()).toISOString(), level, event, ...fields })}\n`)
  }
}

const SHOWN_FRAMES = 5

function describeBug(error: unknown): Fields {
  if (!(error instanceof Error)) return { error: typeof error }
  const { name, code, stack = '' } = error as NodeJS.ErrnoException
  const frames = stack.split('\n').filter((line) => /^ {4}at /.test(line))
  return {
    error: name,
    code,
    at: frames
      .slice(0, SHOWN_FRAMES)
      .map((frame) => frame.trim())
      .join(' < '),
  }
}
