/**
 * Processes for servers under test: one is always started ahead, so that nobody waits for the next. Where hundreds of
 * runs share two cores that only costs: `WORKBOOK_SPARE_HOST=no` starts each when it is needed.
 */

import { join } from 'node:path'
import { type ProcessLimits, WatchedProcess } from './watched-process.ts'

const HOST_SCRIPT = join(import.meta.dirname, 'host-process.ts')

let spare: Promise<WatchedProcess> | undefined

/** Starts a process ahead of need. */
export function prepareHost(): void {
  if (process.env.WORKBOOK_SPARE_HOST !== 'no') spare ??= start()
}

/** A fresh process, which is the caller's to end. */
export async function takeHost(): Promise<WatchedProcess> {
  const taken = spare ?? start()
  spare = undefined
  prepareHost()
  return taken
}

/** A fresh process that may use no more than that. */
export function startLimitedHost(limits: ProcessLimits): Promise<WatchedProcess> {
  return start(limits)
}

/** Ends the process that nobody took. Without it, a process that hosts servers would never come to an end. */
export async function dismissSpareHost(): Promise<void> {
  const unused = await spare
  spare = undefined
  await unused?.kill()
}

function start(limits?: ProcessLimits): Promise<WatchedProcess> {
  return WatchedProcess.start(HOST_SCRIPT, limits)
}
