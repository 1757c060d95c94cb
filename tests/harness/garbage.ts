/** The garbage collector, asked: what is still held? */

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

let collect: (() => void) | undefined

/**
 * A full collection, now. The collector is laid open with the first: a process started with `--expose-gc` takes a
 * quarter longer to start, since V8 compiles what Node brings compiled whenever its flags differ.
 */
export function collectGarbage(): void {
  if (!collect) {
    setFlagsFromString('--expose-gc')
    // Otherwise V8 drops the bytecode of functions that have not run for some collections: megabytes, which would hide as
    // much that somebody holds.
    setFlagsFromString('--no-flush-bytecode')
    collect = runInNewContext('gc') as () => void
  }
  collect()
}

const LOOKS = 8

/**
 * Bytes in buffers that somebody holds: the least that is seen, until it is less than `enough`. The memory of dead ones
 * is given back a moment after the collection that finds them.
 */
export async function heldBufferBytes(enough: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let look = 0; look < LOOKS && least >= enough; look++) {
    collectGarbage()
    await new Promise((resolve) => setImmediate(resolve))
    least = Math.min(least, process.memoryUsage().arrayBuffers)
  }
  return least
}

/** Whether nobody holds the object any more. Make the reference in a function that has returned. */
export async function isGarbage(reference: WeakRef<object>): Promise<boolean> {
  return (await countHeld([reference])) === 0
}

/** How many of the objects somebody still holds. Make the references in a function that has returned. */
export async function countHeld(references: WeakRef<object>[]): Promise<number> {
  let held = references
  for (let look = 0; look < LOOKS && held.length > 0; look++) {
    // A reference that was made or read in this turn is held until its end.
    await new Promise((resolve) => setImmediate(resolve))
    collectGarbage()
    held = held.filter((reference) => reference.deref() !== undefined)
  }
  return held.length
}
