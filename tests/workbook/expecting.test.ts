/** How long there is hope. */

import { join } from 'node:path'
import { expect, test } from 'vitest'
import { expecting } from '../harness/expecting.ts'
import { whenBusy } from '../harness/patience.ts'
import { WatchedProcess } from '../harness/watched-process.ts'

const HOST = join(import.meta.dirname, '..', 'harness', 'host-process.ts')
const FILE = join(import.meta.dirname, 'fixtures', 'servers', 'computes-before-it-listens.ts')

test.skipIf(process.platform === 'win32')(
  'a process that computes gets its share of CPU time, however long that takes (needs SIGSTOP)',
  async () => {
    const watched = await WatchedProcess.start(HOST)
    // As if others wanted the same core: until the deadline is over, it runs a quarter of the time.
    const others = (async () => {
      for (const end = performance.now() + whenBusy(1_800); performance.now() < end; ) {
        process.kill(watched.pid, 'SIGSTOP')
        await pause(60)
        process.kill(watched.pid, 'SIGCONT')
        await pause(20)
      }
    })()
    try {
      const started = watched.request('start', { file: FILE, options: {}, step: '01.1' })
      expect(await expecting(watched, started)).toEqual({ port: 1 })
    } finally {
      await others
      await watched.kill()
    }
  },
)

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
