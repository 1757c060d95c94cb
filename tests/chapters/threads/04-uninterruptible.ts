/** A thread in native code: `terminate()` takes effect when that is over. Shared memory says that it is in there. */

import { pbkdf2Sync } from 'node:crypto'
import { workerData } from 'node:worker_threads'

/** Its first word is 1 while it computes; the second says for how many rounds. */
const { state } = workerData as { state: Int32Array }

// Read first: the next thread may be told another number as soon as this one is in there.
const rounds = state[1]
Atomics.store(state, 0, 1)
pbkdf2Sync('', '', rounds, 64, 'sha512')
