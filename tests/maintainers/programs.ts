/** Programs that tests drive and npm does not install. */

import { spawnSync } from 'node:child_process'
import type { TestContext } from 'vitest'

/** Skips a test, and says how not to; where everything is to be tested, a program that is missing is a failure. */
export function needsProgram(
  { skip }: TestContext,
  program: string,
  debianPackage = program,
): void {
  const { error } = spawnSync(program, ['--version'])
  if (!error) return
  const sentence = `${program} is not installed; on Debian: apt-get install ${debianPackage}`
  if (process.env.CI) throw new Error(sentence)
  skip(sentence)
}
