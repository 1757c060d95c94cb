/** Processes for servers under test: one is always started ahead, so that nobody waits for the next. */

import { join } from 'node:path'
import { WatchedProcess } from './watched-process.ts'

const HOST_SCRIPT = join(import.meta.dirname, 'host-process.ts')

let spare: Promise<WatchedProcess> | undefined

/** Starts a process ahead of need. */
export function prepareHost(): void {
  spare ??= WatchedProcess.start(HOST_SCRIPT, ['--expose-gc'])
}

/** A fresh process, which is the caller's to end. */
export async function takeHost(): Promise<WatchedProcess> {
  prepareHost()
  const taken = spare!
  spare = undefined
  prepareHost()
  return taken
}

/** Ends the process that nobody took. Without it, whoever hosts servers would never come to an end. */
export async function dismissSpareHost(): Promise<void> {
  const unused = await spare
  spare = undefined
  await unused?.kill()
}
