/** A thread that ends at once, and says nothing to its client. */

import { workerData } from 'node:worker_threads'

if (workerData.exitCode !== 0) process.exit(workerData.exitCode)
