/** A server that cannot listen says so and leaves nothing behind: its process ends by itself. */

import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const FIXTURE = join(import.meta.dirname, 'fixtures', 'start-on-taken-port.ts')

/** More than enough to fail, and less than the patience of a test. */
const LIMIT_MS = 20_000

const CHAPTERS = [
  '01-hello',
  '02-echo',
  '03-blocking-socket',
  '04-thread-per-connection',
  '05-shared-state',
  '06-worker-pool',
  '07-event-loop',
  '08-timers',
  '09-framing',
  '10-backpressure',
  '11-strands',
  '12-many-loops',
  '13-rooms',
  '14-accounts',
]

const other = createServer()
let port = 0
beforeAll(async () => {
  await once(other.listen(0, '127.0.0.1'), 'listening')
  port = (other.address() as AddressInfo).port
})
afterAll(() => other.close())

test.each(CHAPTERS)('%s', async (chapter) => {
  const output = await new Promise<string>((resolve, reject) => {
    execFile(
      process.execPath,
      [FIXTURE, chapter, `${port}`],
      { timeout: LIMIT_MS },
      (error, stdout) => (error ? reject(error) : resolve(stdout)),
    )
  })
  expect(output).toBe(`Port ${port} is taken: another program listens there.\n`)
})
