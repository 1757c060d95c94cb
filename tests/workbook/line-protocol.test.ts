/** Every chapter that speaks the line protocol speaks the same one. */

import { once } from 'node:events'
import { connect } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { HostedServer } from '../harness/hosted-server.ts'
import { dismissSpareHost, hostServer } from '../judge/host.ts'
import { SOLUTION } from '../judge/workbook.ts'
import { cutsOf, LINE_TRANSCRIPTS } from '../worlds/line-transcripts.ts'

const CHAPTERS = [
  '04-thread-per-connection',
  '05-shared-state',
  '06-worker-pool',
  '07-event-loop',
  '08-timers',
  '11-strands',
  '12-many-loops',
]

const CONVERSATIONS = LINE_TRANSCRIPTS.flatMap((transcript) =>
  cutsOf(transcript).map((cut) => ({ ...transcript, ...cut })),
)

afterAll(dismissSpareHost)

describe.each(CHAPTERS)('%s', (chapter) => {
  let server: HostedServer
  beforeAll(async () => {
    server = await hostServer(SOLUTION, chapter)
  })
  afterAll(() => server.kill())

  test.each(CONVERSATIONS)('$name ($how)', async ({ pieces, saysFin, receives }) => {
    const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true })
    await once(socket, 'connect')
    socket.setNoDelay(true)
    const received = buffer(socket)
    for (const piece of pieces) {
      socket.write(piece)
      // So that the pieces arrive as such: the server has read this one.
      if (pieces.length > 1) await server.roundTrip()
    }
    if (saysFin) socket.end()
    expect(shorten(await received)).toBe(shorten(Buffer.from(receives)))
    socket.end()
    await server.expectEventually(
      'the connection to be gone',
      async () => {
        const connections = await server.connections()
        return { holds: connections === 0, received: `${connections} connections` }
      },
      { because: 'Both sides have said FIN.' },
    )
  })
})

/** What a person can compare: repeated characters as their number. */
function shorten(bytes: Buffer): string {
  return bytes.toString().replace(/(.)\1{99,}/g, (run, character) => `${character}×${run.length}`)
}
