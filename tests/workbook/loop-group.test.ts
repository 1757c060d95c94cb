/** What the given code of chapter 12 does when a loop dies in an unusual way, or cannot be started again. */

import { expect, test, vi } from 'vitest'
import { LoopGroup } from '../../solutions/12-many-loops/loop-group.ts'
import { socketPair } from '../harness/socket-pair.ts'

/** A loop that dies of the first socket. */
const FRAGILE = `import { parentPort } from 'node:worker_threads'
parentPort.on('message', () => { throw null })
parentPort.postMessage('ready')`

test.each([
  ['is replaced', false, 1],
  ['leaves the others alone when no thread can be created', true, 0],
])('a loop that has thrown null %s', async (_what, isLast, left) => {
  const said = vi.spyOn(console, 'error').mockImplementation(() => {})
  const script = new URL(`data:text/javascript,${encodeURIComponent(FRAGILE)}`)
  const group = await LoopGroup.start({ script, size: 1, choose: ([first]) => first })
  const [{ threadId }] = group.stats().loops
  // `new Worker()` throws for such a URL.
  if (isLast) script.href = 'http://127.0.0.1/'
  const { near, destroy } = await socketPair()
  group.serve(near)
  await vi.waitFor(() => expect(group.stats().replaced).toBe(1))
  expect(said).toHaveBeenCalledWith(`Loop ${threadId} has died: null`)
  expect(group.stats().loops).toHaveLength(left)
  await group.terminate()
  destroy()
  said.mockRestore()
})
