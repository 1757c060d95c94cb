/** What step 07.5 plays in on sockets: a peer that does not read, one that does not stop, and a thousand at once. */

import { connect as dial, type Socket } from 'node:net'
import type { Client } from '../../harness/client.ts'
import { dialMany } from '../../harness/crowd.ts'
import type { HostedServer } from '../../harness/hosted-server.ts'
import { PATIENCE_MS, within } from '../../harness/patience.ts'
import { receive } from '../../harness/socket-pair.ts'
import type { Stage } from '../../judge/step.ts'
import { ask, echo } from '../../protocols/lines.ts'

const KIBIBYTE = 1024
const MEBIBYTE = 1024 * KIBIBYTE

/** Two clients with lines in every shape, a crash, and two FINs each. */
export async function expectLinesServed(server: HostedServer, [ada, bob]: Client[]): Promise<void> {
  await echo(ada, { because: 'A line is answered.' })
  await ada.send('echo byte by byte\nwhoami\r\n', { cut: 'byte by byte' })
  await ada.expectBytes('byte by byte\n0\n', {
    because: 'Half a line is no line yet; the rest arrives later.',
  })
  await ada.sendGlued('echo one\n', 'echo two\n', 'echo thr')
  await ada.expectBytes('one\ntwo\n', { because: 'Two lines and a half make two answers.' })
  await ada.sendGlued('ee\n', 'echo four\n')
  await ada.halfClose()
  await ada.expectBytes('three\nfour\n', { because: 'What was asked before FIN is answered.' })
  await ada.expectEnd({
    because: 'ada has sent FIN, and has all her answers.',
    likely: 'When the stream has ended, call the protocol’s onEnd().',
  })
  await ask(bob, 'crash', /^error crashed/, { because: 'The command throws.' })
  await bob.expectEnd({
    because: 'A connection whose command crashed ends: first it sends the reason, then FIN.',
    likely:
      '#flush(): when the connection is ending and nothing is queued any more, end() the stream.',
  })
  await bob.send('x'.repeat(300 * KIBIBYTE))
  await bob.halfClose()
  await expectOnLoop(server, 0, {
    because: 'Both FINs have been sent on both connections.',
    likely:
      '#watch(): after our FIN bob’s bytes must still be read and discarded, or the FIN after them is never seen.',
  })
}

/** Someone who asks a lot and does not read: stopped in time, served in the end, and nobody is delayed. */
export async function expectSlowReaderServed(
  { story, connect, expect, expectSame }: Stage,
  server: HostedServer,
): Promise<void> {
  const other = await connect(server, 'other')
  const slow = dial(server.port, '127.0.0.1')
  try {
    story.tell('slow', 'asks for 24,000 echoes of 1,000 bytes, and reads none', 'toServer')
    other.beQuiet('asks for an echo, again and again')
    const lines = Array.from({ length: 24_000 }, (_, index) => `${index} `.padEnd(999, 'x'))
    const held = await server.heldBytes()
    let taken = 0
    const pieces = toPieces(lines.map((line) => `echo ${line}\n`))
    for (const piece of pieces) slow.write(piece, () => taken++)
    slow.end()
    // Taken for a standstill when nothing has moved in so many looks, each a few round trips long.
    for (let looks = 0; looks < 10; looks++) {
      const before = taken
      for (let trip = 0; trip < 20 && taken === before; trip++) await echo(other, OTHERS_ARE_SERVED)
      await server.roundTrip()
      if (taken > before) looks = 0
    }
    const more = (await server.heldBytes()) - held
    expect('the server to hold less than 8 MiB for slow', more < 8 * MEBIBYTE, {
      because:
        'The answers of a client that reads none must not pile up: the server stops reading from it.',
      likely: 'While the queue is backlogged, isReading is false. Read nothing then.',
      expected: 'less than 8 MiB',
      received: `${(more / MEBIBYTE).toFixed(1)} MiB, ${taken * LINES_A_PIECE} of 24000 lines taken`,
    })

    story.tell('slow', 'starts reading')
    const expected = Buffer.from(`${lines.join('\n')}\n`)
    const received = await receive(slow, expected.length, PATIENCE_MS)
    expectSame('the number of bytes in the answers', received.length, expected.length, {
      because: 'The answers wait until there is room again, and then the server goes on reading.',
      likely:
        '#watch(): wait for the stream to be writable while bytes are queued, and to be readable as soon as isReading is true again.',
    })
    expect('all answers to be right, and in order', received.equals(expected), {
      because: 'No byte is lost or sent twice where a write took only a part.',
    })

    const rude = dial(server.port, '127.0.0.1').on('error', () => {})
    story.tell('rude', 'asks for as much, reads nothing, and resets the connection', 'toServer')
    for (const piece of pieces) rude.write(piece)
    for (let looks = 0; looks < 1_000 && (await server.queuedBytes()) === 0; looks++)
      await server.roundTrip()
    rude.resetAndDestroy()
    await expectOnLoop(server, 1, {
      because: 'slow has sent FIN and got everything, and rude is lost. That leaves `other`.',
      likely: 'A lost stream is reported as hung up, and #takeTurn() closes the connection.',
    })
  } finally {
    slow.destroy()
  }
}

const LINES_A_PIECE = 20

/** As few writes as many lines can do with, each still much smaller than any buffer on the way. */
export function toPieces(lines: string[]): Buffer[] {
  return Array.from({ length: lines.length / LINES_A_PIECE }, (_, index) =>
    Buffer.from(lines.slice(index * LINES_A_PIECE, (index + 1) * LINES_A_PIECE).join('')),
  )
}

const OTHERS_ARE_SERVED = { because: 'Others are served while one client does not read.' }

/** So many connections are left, by what the loop waits for and by what the process has open. */
export async function expectOnLoop(
  server: HostedServer,
  count: number,
  reason: { because: string; likely?: string },
): Promise<void> {
  await server.expectEventually(
    `the number of connections left to be ${count}, each with a source on the loop`,
    async () => {
      const { sources } = await server.call<{ sources: number }>('stats')
      const open = await server.connections()
      return {
        holds: sources - 1 === count && open === count,
        received: `${open} connections, ${sources - 1} sources`,
      }
    },
    reason,
  )
}

/** Someone who talks on behind a line that was refused: read, thrown away, and told why. */
export async function expectRefusedTalkerDropped(
  { story, expect, expectSame }: Stage,
  server: HostedServer,
): Promise<void> {
  const talker = dial(server.port, '127.0.0.1').on('error', () => {})
  try {
    story.tell('talker', 'sends a line of 6 MiB, and reads nothing meanwhile', 'toServer')
    const held = await server.heldBytes()
    const readBefore = await server.readBytes()
    const piece = Buffer.alloc(MEBIBYTE, 'x')
    for (let pieces = 0; pieces < 6; pieces++) talker.write(piece)
    await server.expectEventually(
      'the server to read all of it',
      async () => {
        // By the server: two kernels could take all of it.
        const taken = (await server.readBytes()) - readBefore
        return { holds: taken === 6 * MEBIBYTE, received: `${(taken / MEBIBYTE).toFixed(1)} MiB` }
      },
      {
        because: 'The line is refused at 64 KiB. What follows it is read and discarded.',
        likely: '#watch(): a connection that is not open reads in any case, paused or not.',
        look: '#watch()',
      },
    )
    const more = (await server.heldBytes()) - held
    expect('the server to hold less than 3 MiB for talker', more < 3 * MEBIBYTE, {
      because: 'What arrives after a goodbye will never be looked at.',
      likely: '#receive(): keep nothing of what arrives when the connection is not open.',
      look: 'connection.#receive()',
      expected: 'less than 3 MiB',
      received: `${(more / MEBIBYTE).toFixed(1)} MiB`,
    })
    talker.end()
    const answer = await receive(talker, 100, PATIENCE_MS)
    expectSame('the answer', answer.toString(), 'error line too long\n', {
      because: 'A client that is refused is told why once, and then FIN follows.',
    })
  } finally {
    talker.destroy()
  }
}

/** Many connections at once, without a story of their own. */
export class Crowd {
  readonly #sockets: Socket[]

  constructor(sockets: Socket[]) {
    this.#sockets = sockets
  }

  static async connect({ port }: HostedServer, count: number): Promise<Crowd> {
    const sockets = await within(5 * PATIENCE_MS, dialMany(port, count))
    return new Crowd(sockets === 'too late' ? [] : sockets)
  }

  /** How many of them have got the answer to their own question. */
  async askAll(): Promise<number> {
    const answers = this.#sockets.map(async (socket, index) => {
      const expected = `number ${index}\n`
      socket.write(`echo ${expected}`)
      return (await receive(socket, expected.length, PATIENCE_MS)).toString() === expected
    })
    return (await Promise.all(answers)).filter(Boolean).length
  }

  loseHalf(): void {
    for (const socket of this.#sockets.splice(0, this.#sockets.length / 2)) socket.resetAndDestroy()
  }

  destroy(): void {
    for (const socket of this.#sockets) socket.destroy()
  }
}

/** A thousand clients are asked and answered; half of them are lost, and the others stay. */
export async function expectCrowdServed(
  { story, connect, expectSame }: Stage,
  server: HostedServer,
): Promise<void> {
  const crowd = await Crowd.connect(server, 1_000)
  try {
    story.tell(
      'crowd',
      'connects a thousand times, and each connection asks for an echo of its own',
    )
    expectSame('the number of right answers', await crowd.askAll(), 1_000, {
      because:
        'A thousand connections are a thousand small objects, and none of them needs a thread.',
    })
    expectSame('the number of server threads besides the first', await server.workers(), 0, {
      because: 'One loop, one thread.',
    })
    crowd.loseHalf()
    const cyd = await connect(server, 'cyd')
    await echo(cyd, {
      because: 'Half of the crowd is lost at once, and everybody else is still served.',
    })
    await expectOnLoop(server, 502, {
      because: 'The other half is still there, and so are cyd and `other`.',
      likely: 'A lost stream is reported as hung up.',
    })
  } finally {
    crowd.destroy()
  }
}
