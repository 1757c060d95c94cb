/** Whether something is still held: asked of the garbage collector itself. */

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Whether nobody holds the object any more. Make the reference in a function that has returned. */
export async function isGarbage(reference: WeakRef<object>): Promise<boolean> {
  // A reference that was made or read in this turn is held until its end.
  await new Promise((resolve) => setImmediate(resolve))
  collect()
  return reference.deref() === undefined
}
