/** Timers of the code under test that do not fire: what it does within a few turns of the loop, it does without them. */

const NEVER_MS = 2 ** 31 - 1

/** Global timers that are set while `act` runs never fire, however busy the machine is. */
export async function withTimersHeld<T>(act: () => Promise<T>): Promise<T> {
  const { setTimeout, setInterval } = globalThis
  const held: NodeJS.Timeout[] = []
  const hold = (callback: () => void) => {
    const timer = setTimeout(callback, NEVER_MS).unref()
    held.push(timer)
    return timer
  }
  Object.assign(globalThis, { setTimeout: hold, setInterval: hold })
  try {
    return await act()
  } finally {
    Object.assign(globalThis, { setTimeout, setInterval })
    for (const timer of held) clearTimeout(timer)
  }
}
