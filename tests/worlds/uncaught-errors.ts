/** Errors that nobody catches, while the test wants to know of them: otherwise each would end its process. */

const ENDS = ['unhandledRejection', 'uncaughtException'] as const

/** What nobody has caught by the time `act` is over. */
export async function uncaughtDuring(act: () => Promise<unknown>): Promise<unknown[]> {
  const uncaught: unknown[] = []
  const note = (error: unknown) => uncaught.push(error)
  const before = ENDS.map((end) => process.listeners(end as 'uncaughtException'))
  for (const end of ENDS) process.removeAllListeners(end).on(end, note)
  try {
    await act()
  } finally {
    for (const [index, end] of ENDS.entries()) {
      process.off(end, note)
      for (const listener of before[index]) process.on(end, listener)
    }
  }
  return uncaught
}
