/**
 * The line protocol on one loop per core: the main thread accepts, the loops serve.
 *
 * A connection stays with its loop to the end. That is simple, because no two threads ever touch the same connection.
 * It is also the flaw: when a loop computes, its own clients wait, while another loop may be idle.
 */

import { availableParallelism } from 'node:os'
import { listen, type RunningServer, type ServerOptions } from '../01-hello/server.ts'
import { createAcceptor } from './acceptor.ts'
import { type Choose, inTurn, leastBusy, responsive } from './choose.ts'
import { type GroupStats, LoopGroup } from './loop-group.ts'

export interface ManyLoopsOptions extends ServerOptions {
  /** How many loops, each on a thread of its own; by default, as many as the machine has cores. */
  loops?: number
  /** Which loop is chosen: the next in turn, the one with the fewest connections, or that among those that answer. */
  choose?: 'in turn' | 'least busy' | 'responsive'
  /** A loop that has let a socket wait for longer than this does not answer. */
  patienceMs?: number
  /** What each loop's thread runs: the URL of a script that calls `runLoop`. */
  script?: string | URL
}

export interface ManyLoopsServer extends RunningServer {
  stats(): GroupStats
}

export async function startServer({
  loops = availableParallelism(),
  choose = 'responsive',
  patienceMs = 50,
  script = new URL('./line-loop.ts', import.meta.url),
  port = 0,
  host = '127.0.0.1',
  graceMs = 1_000,
  onAcceptError,
}: ManyLoopsOptions = {}): Promise<ManyLoopsServer> {
  const group = await LoopGroup.start({
    script: new URL(script),
    size: loops,
    choose: chooser(choose, patienceMs),
  })
  const acceptor = createAcceptor((socket) => group.serve(socket))
  const boundPort = await listen(acceptor, port, host).catch(async (error) => {
    await group.terminate()
    throw error
  })
  if (onAcceptError) acceptor.on('error', onAcceptError)
  return {
    port: boundPort,
    stats: () => group.stats(),
    async close() {
      // The acceptor waits for nobody: every connection that it accepted has moved.
      await new Promise((resolve) => acceptor.close(resolve))
      await group.close(graceMs)
    },
  }
}

function chooser(choose: 'in turn' | 'least busy' | 'responsive', patienceMs: number): Choose {
  if (choose === 'in turn') return inTurn()
  if (choose === 'least busy') return leastBusy
  return (loops) => leastBusy(responsive(loops, performance.now(), patienceMs))
}
