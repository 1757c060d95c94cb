/** A process that is ended in the middle of something takes nobody along. */

import { join } from 'node:path'
import { expect, test } from 'vitest'
import { WatchedProcess } from '../harness/watched-process.ts'

const HOST = join(import.meta.dirname, '..', 'harness', 'host-process.ts')

test.skipIf(process.platform === 'win32')(
  'killed with a question unread, it resets the connection, and that is no error of ours (needs SIGSTOP)',
  async () => {
    const watched = await WatchedProcess.start(HOST)
    await watched.usage()
    process.kill(watched.pid, 'SIGSTOP')
    const asked = watched.usage().catch((error: Error) => error.constructor.name)
    // Then the question is written, and lies in the kernel of the one who has been stopped.
    await turns(3)
    await watched.kill()
    expect(await asked).toBe('ProcessEnded')
    // What nobody catches now ends this file.
    await turns(20)
  },
)

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}
