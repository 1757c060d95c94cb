/** Peers that go without a word, or never go: what the loop's servers hold for them comes back. */

import { connect, type Socket } from 'node:net'
import { afterAll, expect, onTestFinished, test, vi } from 'vitest'
import { NetStream } from '../../solutions/07-event-loop/byte-stream.ts'
import { PATIENCE_MS, within } from '../harness/patience.ts'
import { socketPair } from '../harness/socket-pair.ts'
import { dismissSpareHost, hostServer } from '../judge/host.ts'
import { SOLUTION } from '../judge/workbook.ts'
import { frame } from '../protocols/frames.ts'

afterAll(dismissSpareHost)

test.each([
  ['a full inbox that nobody reads', (far: Socket) => far.write(Buffer.alloc(300_000))],
  ['its own FIN', (far: Socket) => far.end()],
  [
    'its own FIN and answers that it does not take',
    (far: Socket, near: Socket) => {
      far.end()
      near.write(Buffer.alloc(10_000_000))
    },
  ],
])('a reset behind %s is noticed', async (_behind, act) => {
  const { near, far, destroy } = await socketPair()
  const stream = new NetStream(near)
  const { promise: full, resolve } = Promise.withResolvers<void>()
  stream.onChange = () => resolve()
  act(far, near)
  await within(PATIENCE_MS, full)
  far.resetAndDestroy()
  await within(PATIENCE_MS, new Promise((resolve) => near.once('close', resolve)))
  expect(stream.lostWith).toMatch(/^(ECONNRESET|EPIPE)$/)
  expect(stream.isClosed).toBe(true)
  destroy()
})

test('a stream that cannot write asks for nothing more to be written', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const { near, far, destroy } = await socketPair()
  const stream = new NetStream(near)
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  stream.onChange = () => resolve()
  far.end()
  await within(PATIENCE_MS, ended)
  const writes = vi.spyOn(near, 'write')
  vi.advanceTimersByTime(1_000)
  expect(writes).toHaveBeenCalledTimes(1)
  near.write(Buffer.alloc(10_000_000))
  vi.advanceTimersByTime(60_000)
  expect(writes).toHaveBeenCalledTimes(2)
  destroy()
})

test('clients that say FIN and never read keep no descriptor', async () => {
  const options = { goodbyeMs: 200, stallMs: 200 }
  const server = await hostServer(SOLUTION, '10-backpressure', { options })
  const large = frame('x'.repeat(900_000))
  const deaf = Array.from({ length: 8 }, () => {
    const socket = connect(server.port, '127.0.0.1').on('error', () => {})
    for (let times = 0; times < 10; times++) socket.write(large)
    return socket.pause()
  })
  try {
    for (const socket of deaf) socket.end()
    await server.expectEventually(
      'no connection to be left',
      async () => {
        const { connections } = await server.call<{ connections: number }>('stats')
        const open = await server.connections()
        return {
          holds: connections + open === 0,
          received: `${connections} counted, ${open} sockets`,
        }
      },
      { because: 'They take nothing, so they are stopped, and then cut off.' },
    )
  } finally {
    for (const socket of deaf) socket.destroy()
    await server.kill()
  }
})
