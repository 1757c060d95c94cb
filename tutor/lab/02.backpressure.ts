import { connect, type Socket } from 'node:net'
import type { CodeTree } from '../../tests/harness/code-tree.ts'
import type { HostedServer } from '../../tests/harness/hosted-server.ts'
import { within } from '../../tests/harness/patience.ts'
import { hostServer } from '../../tests/judge/host.ts'
import type { Measurement } from './measurement.ts'

const MEBIBYTE = 1024 * 1024
const FLOOD_BYTES = 256 * MEBIBYTE
const PIECE = Buffer.alloc(64 * 1024, 'x')

/** The server's kernel and ours take a few MiB before the sender feels anything; then it moves no more. */
const STANDSTILL_LOOKS = 6
const LOOK_MS = 50

export const measurement: Measurement = {
  asks: 'MiB that the server without backpressure holds for one client that never reads',
  how: 'One client sends 256 MiB and reads nothing. Held: live objects and buffers of the server process after a full garbage collection, less what it held before. Taken: what left the client, into the server or a kernel buffer on the way.',
  why: "write() never refuses, so without backpressure every byte ends up in the server's own queue. A server that stops reading leaves what comes to the kernels, and their buffers are full after some MiB: then the client waits.",
  async run(tree, say) {
    say('without backpressure')
    const naive: CodeTree = { root: import.meta.dirname, label: 'tutor/lab' }
    const without = await flood(naive, '', 'echo-without-backpressure.ts')
    say('with backpressure')
    const withIt = await flood(tree, '02-echo', 'server.ts')
    return {
      answer: { value: without.held, unit: 'MiB' },
      rows: [
        { label: 'without: taken from the client', value: without.taken, unit: 'MiB' },
        { label: 'without: held in the server', value: without.held, unit: 'MiB' },
        { label: `${tree.label}: taken from the client`, value: withIt.taken, unit: 'MiB' },
        { label: `${tree.label}: held in the server`, value: withIt.held, unit: 'MiB' },
      ],
    }
  },
}

async function flood(
  tree: CodeTree,
  chapter: string,
  file: string,
): Promise<{ taken: number; held: number }> {
  const server = await hostServer(tree, chapter, { file })
  const socket = connect(server.port, '127.0.0.1')
  socket.on('error', () => {})
  socket.pause()
  try {
    const before = await server.heldBytes()
    const taken = await sendUntilStandstill(socket, server)
    const held = (await server.heldBytes()) - before
    return { taken: toMebibytes(taken), held: toMebibytes(held) }
  } finally {
    socket.destroy()
    await server.kill()
  }
}

/** Bytes that could be sent before nothing moved any more. */
async function sendUntilStandstill(socket: Socket, server: HostedServer): Promise<number> {
  let taken = 0
  while (taken < FLOOD_BYTES) {
    const sent = new Promise<void>((resolve) => socket.write(PIECE, () => resolve()))
    if (!(await isTaken(sent, server))) break
    taken += PIECE.length
  }
  return taken
}

/** Not taken in so many looks is a standstill, if the server has had its turn between two of them. */
async function isTaken(sent: Promise<void>, server: HostedServer): Promise<boolean> {
  for (let look = 0; look < STANDSTILL_LOOKS; look++) {
    if ((await within(LOOK_MS, sent)) !== 'too late') return true
    await server.roundTrip()
  }
  return false
}

function toMebibytes(bytes: number): number {
  return Number((bytes / MEBIBYTE).toFixed(1))
}
