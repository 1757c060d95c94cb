/**
 * The other end of a `WatchedProcess`: what its script calls first.
 *
 * Starts the watchdog thread and answers requests, one method each.
 */

import { flushCompileCache } from 'node:module'
import { Worker } from 'node:worker_threads'
import { toThrownError } from './last-words.ts'

export type Methods = Record<string, (...args: never[]) => unknown>

export function startWatchdog(): Worker {
  const [port, token] = (process.env.WORKBOOK_LOOKOUT ?? '').split('/')
  if (!token) throw new Error('this process is started by the judge, not by hand')
  delete process.env.WORKBOOK_LOOKOUT
  const watchdog = new Worker(new URL('./watchdog.ts', import.meta.url), {
    workerData: { port: Number(port), token },
    execArgv: [],
  })
  watchdog.unref()
  // A process that will be killed must save its compiled code before that.
  setImmediate(flushCompileCache)
  return watchdog
}

/** Answers requests until the parent goes; what a method throws is the answer too. */
export function answerRequests(methods: Methods): void {
  process.on(
    'message',
    async ({ id, method, args }: { id: number; method: string; args: never[] }) => {
      try {
        process.send?.({ id, value: await methods[method](...args) })
      } catch (error) {
        process.send?.({ id, error: toThrownError(error) })
      }
    },
  )
}
