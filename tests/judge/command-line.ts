/**
 * Flags that work with and without npm's extra `--`.
 *
 * `npm test 2 -- --solution` passes the flag on. `npm test 2 --solution` keeps it, and tells us about it in the
 * environment, as `npm_config_solution=true`; `--seed 7` even loses its value to the words. Both must do
 * what they say.
 */

import { parseArgs } from 'node:util'

export interface FlagTable {
  [name: string]: 'boolean' | 'string'
}

export interface CommandLine {
  words: string[]
  flags: Record<string, string | boolean | undefined>
}

/** Throws an `Error` with one readable sentence when a flag is unknown or lacks its value. */
export function readCommandLine(
  args: string[],
  table: FlagTable,
  env: NodeJS.ProcessEnv,
): CommandLine {
  const options = Object.fromEntries(Object.entries(table).map(([name, type]) => [name, { type }]))
  const { values, positionals } = parse(args, options)
  const words = [...positionals]
  const flags: CommandLine['flags'] = { ...values }
  for (const [name, type] of Object.entries(table)) {
    const given = env[`npm_config_${name.replaceAll('-', '_')}`]
    if (given === undefined || given === '' || name in values) continue
    if (type === 'boolean') flags[name] = given === 'true'
    // npm took the flag for a boolean and left its value among the words.
    else flags[name] = given === 'true' ? words.pop() : given
  }
  return { words, flags }
}

function parse(args: string[], options: Record<string, { type: 'boolean' | 'string' }>) {
  try {
    return parseArgs({ args, options, allowPositionals: true })
  } catch (error) {
    // "Unknown option '--foo'. To specify a positional argument …": the first sentence says it.
    throw new Error((error as Error).message.split('. ')[0])
  }
}
