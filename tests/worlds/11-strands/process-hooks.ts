/** Whether code hears what nobody has caught: for all of the process, where it was asked to look after its own promises. */

import type { Stage } from '../../judge/step.ts'

const HOOKS = ['unhandledRejection', 'uncaughtException', 'uncaughtExceptionMonitor'] as const

/** What there was before any code under test was loaded. */
const AT_START = countHooks()

/** Expects that no code under test listens for errors of the whole process. */
export function expectNoHook({ expectSame }: Stage, look: string): void {
  expectSame('how many listen for errors that nobody has caught', countHooks() - AT_START, 0, {
    because:
      'Such a listener is for all of the process: it hides the bugs of everybody else, too, and a process that should end lives on, broken.',
    likely: 'Take off process.on(…). A promise that may reject is caught where it is made.',
    look,
  })
}

function countHooks(): number {
  const listeners = HOOKS.map((hook) => process.listenerCount(hook))
  const captures = process.hasUncaughtExceptionCaptureCallback() ? 1 : 0
  return listeners.reduce((sum, count) => sum + count, captures)
}
