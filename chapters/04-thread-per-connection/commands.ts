/**
 * The line protocol of parts II and III: a line in, a line out. Pure, but for the time it takes.
 *
 *     echo text     text
 *     whoami        the id of the thread that answers
 *     fib n         the nth Fibonacci number, computed the slow way: burns CPU
 *     sleep ms      slept: blocks its thread, honestly
 *     crash         throws
 *
 * Anything else is answered with `error unknown command`.
 */

/** What a command needs to know about the thread it runs in. */
export interface Place {
  threadId: number
  sleep(ms: number): void
}

/** fib(40) takes about a second; each further step takes 1.6 times as long. */
const MAX_FIB = 40
const MAX_SLEEP_MS = 60_000

/** Returns the answer to a line, without a line end. Throws for `crash`. */
export function runCommand(line: string, place: Place): string {
  const space = line.indexOf(' ')
  const [name, argument] = space < 0 ? [line, ''] : [line.slice(0, space), line.slice(space + 1)]
  switch (name) {
    case 'echo':
      return argument
    case 'whoami':
      return String(place.threadId)
    case 'fib':
      return withNumber('fib', argument, MAX_FIB, (n) => String(fibonacci(n)))
    case 'sleep':
      return withNumber('sleep', argument, MAX_SLEEP_MS, (ms) => {
        place.sleep(ms)
        return 'slept'
      })
    case 'crash':
      throw new Error('crashed on request')
    default:
      return 'error unknown command'
  }
}

/**
 * Returns the nth Fibonacci number by its definition: fib(0) = 0, fib(1) = 1, fib(n) = fib(n − 1) + fib(n − 2). Slow on
 * purpose, to keep a CPU busy: each step of n takes about 1.6 times as long.
 */
function fibonacci(n: number): number {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2)
}

function withNumber(
  name: string,
  argument: string,
  max: number,
  run: (value: number) => string,
): string {
  const value = Number(argument)
  const isUsable = argument.trim() !== '' && Number.isInteger(value) && value >= 0 && value <= max
  return isUsable ? run(value) : `error ${name} takes a whole number from 0 to ${max}`
}
