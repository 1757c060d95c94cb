/**
 * A closed loop of short sessions: connect, one request, its answer, FIN both ways, and the next one connects.
 *
 * What `closed-loop.ts` leaves out, the price of coming and going, is most of what is measured here.
 */

import { connect } from 'node:net'
import { median, percentile } from '../../tests/harness/numbers.ts'
import type { Load, LoadResult } from './closed-loop.ts'
import { notMeasurable } from './measurement.ts'

/** So many clients come and go for `forMs`, after a tenth of that to warm up. Rejects when one is not served. */
export async function sessions({ connections, forMs, ...load }: Load): Promise<LoadResult> {
  const comeAndGo = async (untilMs: number) => {
    const tookMs: number[] = []
    const visitor = async () => {
      while (performance.now() < untilMs) tookMs.push(await visit(load))
    }
    await Promise.all(Array.from({ length: connections }, visitor))
    return tookMs
  }
  await comeAndGo(performance.now() + forMs / 10)
  const startedAt = performance.now()
  const tookMs = await comeAndGo(startedAt + forMs)
  return {
    perSecond: Math.round((tookMs.length * 1000) / (performance.now() - startedAt)),
    p50Ms: Number(median(tookMs).toFixed(2)),
    p99Ms: Number(percentile(tookMs, 99).toFixed(2)),
  }
}

/** Milliseconds from connecting to the end of the connection. */
function visit({ port, request, answerBytes }: Omit<Load, 'connections' | 'forMs'>) {
  return new Promise<number>((resolve, reject) => {
    const startedAt = performance.now()
    const socket = connect(port, '127.0.0.1')
    let missingBytes = answerBytes
    socket.setNoDelay().write(request)
    socket.on('data', (chunk) => {
      missingBytes -= chunk.length
      if (missingBytes <= 0) socket.end()
    })
    socket.once('error', ({ message }) =>
      reject(notMeasurable(`It has ended a connection: ${message}.`)),
    )
    socket.once('close', () => {
      if (missingBytes === 0) resolve(performance.now() - startedAt)
      else reject(notMeasurable('It has ended a session before its answer, or answered more.'))
    })
  })
}
