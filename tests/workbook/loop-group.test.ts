/** What the given code of chapter 12 does when a loop dies in an unusual way, cannot be started again, or cannot get a socket. */

import { readdirSync } from 'node:fs'
import { expect, test, vi } from 'vitest'
import { type GroupStats, LoopGroup } from '../../solutions/12-many-loops/loop-group.ts'
import { dialMany } from '../harness/crowd.ts'
import { launch } from '../harness/launch.ts'
import { socketPair } from '../harness/socket-pair.ts'
import { Story } from '../harness/story.ts'
import { SOLUTION } from '../judge/workbook.ts'

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

test.skipIf(process.platform !== 'linux')(
  'a socket that cannot be moved for want of a descriptor is closed, and counts for nobody',
  async () => {
    const request = {
      chapter: '12-many-loops',
      file: 'server.ts',
      options: { loops: 2 },
      step: '12.5',
      limits: { maxOpenFiles: 90 },
    }
    const server = await launch(request, SOLUTION, new Story())
    const openFiles = () => readdirSync(`/proc/${server.pid}/fd`).length
    let most = Number.POSITIVE_INFINITY
    try {
      // A few first: every loop keeps one descriptor in reserve, which libuv opens with the first stream if one is free.
      for (const [wave, clients] of [8, 90, 90, 90].entries()) {
        const crowd = await dialMany(server.port, clients)
        for (let trip = 0; trip < 5; trip++) await server.roundTrip()
        for (const socket of crowd) socket.destroy()
        await server.expectEventually(
          'no loop to have a connection, and no descriptor to be left',
          async () => {
            const { loops } = await server.call<GroupStats>('stats')
            const left = loops.map(({ connections }) => connections)
            const files = openFiles()
            const received = `${left.join(' and ')} connections, ${files} open files`
            return { holds: left.every((count) => count === 0) && files <= most, received }
          },
          { because: 'All of them have left.' },
        )
        if (wave === 0) most = openFiles()
      }
    } finally {
      await server.kill()
    }
  },
)
