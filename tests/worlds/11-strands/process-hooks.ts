/** Whether code hears what nobody has caught: for all of the process, where it was asked to look after its own promises. */

import type { Stage } from '../../judge/step.ts'

const HOOKS = ['unhandledRejection', 'uncaughtException', 'uncaughtExceptionMonitor'] as const

/** What there was before any code under test was loaded. */
const AT_START = countHooks()

/** Expects that no code under test listens for errors of the whole process. */
export function expectNoHook({ expectSame }: Stage, look: string): void {
  expectSame('the number of listeners for uncaught errors', countHooks() - AT_START, 0, {
    because:
      'Such a listener is for the whole process: it also hides the bugs of all other code, and a process that should end lives on, broken.',
    likely: 'Remove process.on(…). Catch a promise that may reject where it is made.',
    look,
  })
}

function countHooks(): number {
  const listeners = HOOKS.map((hook) => process.listenerCount(hook))
  const captures = process.hasUncaughtExceptionCaptureCallback() ? 1 : 0
  return listeners.reduce((sum, count) => sum + count, captures)
}
