/**
 * `npm start` opens the guide; `npm start <verb>` does one thing and exits.
 *
 * Exit codes: 0 done, 1 not done, 2 used wrongly.
 */

import chalk from 'chalk'
import { closest } from 'fastest-levenshtein'
import { endWithReader } from '../tests/judge/closed-pipe.ts'
import { type CommandLine, readCommandLine } from '../tests/judge/command-line.ts'
import { NotReplaced } from './effects/snapshots.ts'
import { USAGE, VERBS } from './verbs/table.ts'
import { UsedWrongly, type Verb } from './verbs/verb.ts'

// chalk, with which Ink colours, too, does not know of it: https://no-color.org
if (process.env.NO_COLOR) chalk.level = 0

endWithReader()
process.exitCode = await main()

async function main(): Promise<number> {
  let line: CommandLine
  try {
    line = readCommandLine(
      process.argv.slice(2),
      {
        json: 'boolean',
        solution: 'boolean',
        list: 'boolean',
        register: 'boolean',
        help: 'boolean',
        port: 'string',
      },
      process.env,
    )
  } catch (error) {
    return usedWrongly(`${(error as Error).message}\n\n${USAGE}`)
  }
  const [name, ...words] = line.words
  if (line.flags.help || name === 'help') {
    process.stdout.write(USAGE)
    return 0
  }
  if (name === undefined && process.stdin.isTTY && process.stdout.isTTY) {
    const { openGuide } = await import('./guide.tsx')
    return openGuide()
  }
  const verb = findVerb(name ?? 'status')
  if (!verb)
    return usedWrongly(
      `There is no "${name}". Did you mean ${closest(name, Object.keys(VERBS))}?\n\n${USAGE}`,
    )
  try {
    return await verb.run({
      words,
      flags: line.flags,
      write: (text) => process.stdout.write(text),
      columns: process.stdout.columns ?? 80,
      chalk,
    })
  } catch (error) {
    if (error instanceof UsedWrongly) return usedWrongly(`${error.message}\n`)
    if (!(error instanceof NotReplaced)) throw error
    process.stderr.write(`${error.message}\n`)
    return 1
  }
}

/** `constructor` is no verb, though every object has one. */
function findVerb(name: string): Verb | undefined {
  return Object.hasOwn(VERBS, name) ? VERBS[name] : undefined
}

function usedWrongly(text: string): number {
  process.stderr.write(text)
  return 2
}
