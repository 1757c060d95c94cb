/** Timers that the code under test sets: where nothing may depend on how long something takes, there are none. */

import { createHook } from 'node:async_hooks'

/** A file of a chapter, wherever the chapters lie; a test of one lies in no folder of its own. */
const OF_A_CHAPTER = /[\\/]\d\d-[a-z-]+[\\/][^\\/]+\.ts/

/** How many timers a chapter's code sets while `act` runs: by `setTimeout` in each of its forms. */
export async function timersSetDuring(act: () => Promise<void>): Promise<number> {
  let count = 0
  const hook = createHook({
    init(_id, type) {
      if (type === 'Timeout' && OF_A_CHAPTER.test(new Error().stack ?? '')) count += 1
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
