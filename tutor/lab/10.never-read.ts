import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { CodeTree } from '../../tests/harness/code-tree.ts'
import type { HostedServer } from '../../tests/harness/hosted-server.ts'
import { hostServer } from '../../tests/judge/host.ts'
import type { Measurement } from './measurement.ts'

const KIBIBYTE = 1024
const MEBIBYTE = 1024 * KIBIBYTE
const CLIENTS = 100
const BYTES_EACH = 8 * MEBIBYTE

/** Frames of 1 KiB, length included; a piece of 64 holds whole frames only. */
const FRAME = Buffer.alloc(KIBIBYTE, 'x')
FRAME.writeUInt32BE(KIBIBYTE - 4)
const PIECE = Buffer.concat(Array(64).fill(FRAME))

/** So long nothing has left any client: then nothing moves any more. */
const STANDSTILL_MS = 300

export const measurement: Measurement = {
  asks: 'MiB that the server without limits holds for 100 clients that never read',
  how: `${CLIENTS} clients send frames of 1 KiB, up to ${BYTES_EACH / MEBIBYTE} MiB each, and read nothing. Held: live objects and buffers of the server process after a full garbage collection, less what it held before. Taken: what left the clients, into the server or a kernel buffer on the way.`,
  async run(tree, say) {
    say('without limits')
    const lab: CodeTree = { root: import.meta.dirname, label: 'tutor/lab' }
    const without = await flood(await hostServer(lab, '', { file: 'echo-without-backpressure.ts' }))
    say('with limits')
    const withThem = await flood(await hostServer(tree, '10-backpressure'))
    return {
      answer: { value: without.held, unit: 'MiB' },
      rows: [
        { label: 'without: taken from 100 clients', value: without.taken, unit: 'MiB' },
        { label: 'without: held in the server', value: without.held, unit: 'MiB' },
        { label: `${tree.label}: taken from 100 clients`, value: withThem.taken, unit: 'MiB' },
        { label: `${tree.label}: held in the server`, value: withThem.held, unit: 'MiB' },
      ],
    }
  },
}

async function flood(server: HostedServer): Promise<{ taken: number; held: number }> {
  const sockets = Array.from({ length: CLIENTS }, () => connect(server.port, '127.0.0.1'))
  for (const socket of sockets) socket.on('error', () => {}).pause()
  try {
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    await server.roundTrip()
    const before = await server.heldBytes()
    const taken = await sendUntilStandstill(sockets)
    const held = (await server.heldBytes()) - before
    return { taken: toMebibytes(taken), held: toMebibytes(held) }
  } finally {
    for (const socket of sockets) socket.destroy()
    await server.kill()
  }
}

/** Bytes that all of them could send before nothing moved any more. */
async function sendUntilStandstill(sockets: Socket[]): Promise<number> {
  let taken = 0
  let hasEnded = false
  const pour = async (socket: Socket) => {
    for (let sent = 0; sent < BYTES_EACH && !hasEnded; sent += PIECE.length) {
      await new Promise((resolve) => socket.write(PIECE, resolve))
      taken += PIECE.length
    }
  }
  const all = Promise.all(sockets.map(pour)).then(() => true)
  for (let before = -1; before !== taken; ) {
    before = taken
    const pause = new Promise<boolean>((resolve) => setTimeout(resolve, STANDSTILL_MS, false))
    if (await Promise.race([all, pause])) break
  }
  hasEnded = true
  return taken
}

function toMebibytes(bytes: number): number {
  return Number((bytes / MEBIBYTE).toFixed(1))
}
