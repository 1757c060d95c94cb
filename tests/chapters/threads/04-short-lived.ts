/** A thread that ends at once, and says nothing to its client: it returns, or throws what it was told to. */

import { workerData } from 'node:worker_threads'

const { throws } = workerData as { throws?: string }

if (throws !== undefined) throw new Error(throws)
