/** Small answers leave at once, whatever the peer has acknowledged: chapter 01's, all others listen with it. */

import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { serveConnections } from '../../solutions/01-hello/server.ts'

/** A peer acknowledges its first packets at once; later it waits, on Linux for 40 ms, for something to send along. */
const FIRST_ROUNDS = 40
const ROUNDS = 60

test('the second of two small answers does not wait until the first is acknowledged', async () => {
  const server = await serveConnections({}, (socket) => {
    socket.on('error', () => {})
    socket.on('data', () => {
      socket.write('one')
      setImmediate(() => socket.write('two'))
    })
  })
  const client = connect({ port: server.port, noDelay: true })
  onTestFinished(async () => {
    client.destroy()
    await server.close()
  })
  const times: number[] = []
  while (times.length < ROUNDS) {
    const askedAt = performance.now()
    client.write('?')
    for (let heard = 0; heard < 'onetwo'.length; ) heard += (await once(client, 'data'))[0].length
    times.push(performance.now() - askedAt)
  }
  expect(Math.min(...times.slice(FIRST_ROUNDS))).toBeLessThan(30)
})
