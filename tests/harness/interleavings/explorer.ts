/** The explorer's own thread: it sleeps whenever a thread under test is on its way, and so must not be the main thread. */

import { basename } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { seededRandom } from '../random.ts'
import type { Scenario } from './scenario.ts'
import { search } from './search.ts'
import { awaitChange, openBlock, RUNNING } from './turnstile.ts'

const { script, seed } = workerData as { script: string; seed: number }

const { scenario } = (await import(script)) as { scenario: Scenario }
parentPort?.postMessage(scenario.threads)
parentPort?.once('message', (buffers: SharedArrayBuffer[]) => {
  const blocks = buffers.map(openBlock)
  // A thread is RUNNING until it has loaded the code under test.
  for (const block of blocks) awaitChange(block, RUNNING)
  // Not all of its path: the same seed makes the same runs, wherever the workbook lies.
  const random = seededRandom(seed, basename(script))
  parentPort?.postMessage(search(blocks, scenario, random))
})
