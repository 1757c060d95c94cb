/** A thread in native code: `terminate()` takes effect when that is over. Shared memory says that it is in there. */

import { pbkdf2Sync } from 'node:crypto'
import { workerData } from 'node:worker_threads'

const { state, rounds } = workerData as { state: Int32Array; rounds: number }

Atomics.store(state, 0, 1)
pbkdf2Sync('', '', rounds, 64, 'sha512')
