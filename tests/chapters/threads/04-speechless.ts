/** A thread that says FIN, unless it is told not to, and then sleeps as long as it is let. */

import { workerData } from 'node:worker_threads'
import type { ThreadEnd } from '#code/03-blocking-socket/channel.ts'

const { end, saysFin = true } = workerData as { end: ThreadEnd; saysFin?: boolean }

if (saysFin) end.port.postMessage({ kind: 'end' })
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
