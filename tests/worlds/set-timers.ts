/** Timers that the code under test sets: where nothing may depend on how long something takes, there are none. */

import { createHook } from 'node:async_hooks'

/** A file of a chapter, wherever the chapters lie, or of those who play with it. */
const OF_A_CHAPTER = /[\\/]\d\d-[a-z-]+[\\/][^\\/]+\.ts/
const OF_A_WORLD = /[\\/]worlds[\\/]/
const OURS = /[\\/]set-timers\.ts/

type Kind = 'Timeout' | 'Immediate'

/** How many timers a chapter's code sets while `act` runs: by `setTimeout` or `setImmediate`, in each of their forms. */
export async function timersSetDuring(
  act: () => Promise<void>,
  kinds: Kind[] = ['Timeout', 'Immediate'],
): Promise<number> {
  let count = 0
  const hook = createHook({
    init(_id, type) {
      if (kinds.some((kind) => kind === type) && isSetByChapter()) count += 1
    },
  })
  hook.enable()
  try {
    await act()
  } finally {
    hook.disable()
  }
  return count
}

/** A world may set timers of its own; a chapter that it calls does not do so in its name. */
function isSetByChapter(): boolean {
  const calls = (new Error().stack ?? '').split('\n')
  const caller = calls.find((call) => OF_A_CHAPTER.test(call) && !OURS.test(call))
  return caller !== undefined && !OF_A_WORLD.test(caller)
}
