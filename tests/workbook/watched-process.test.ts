/** A process that is ended in the middle of something takes nobody along. */

import { join } from 'node:path'
import { expect, test } from 'vitest'
import { within } from '../harness/patience.ts'
import { WatchedProcess } from '../harness/watched-process.ts'

const HOST = join(import.meta.dirname, '..', 'harness', 'host-process.ts')

test.skipIf(process.platform === 'win32')(
  'killed with a question unread, it resets the connection, and that is no error of ours (needs SIGSTOP)',
  async () => {
    const watched = await WatchedProcess.start(HOST)
    await watched.usage()
    process.kill(watched.pid, 'SIGSTOP')
    // As soon as one is not answered, it has stopped, and that question lies unread.
    for (;;) {
      const asked = watched.usage()
      asked.catch(() => {})
      if ((await within(100, asked)) === 'too late') break
    }
    await watched.kill()
    expect(watched.ending).toMatchObject({ signal: 'SIGKILL' })
    // What nobody catches now ends this file.
    await turns(20)
  },
)

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}
