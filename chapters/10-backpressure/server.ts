/** Frames in, the same frames out, for as many clients as there is room for, as fast as they may talk. */

import type { RunningServer, ServerOptions } from '../01-hello/server.ts'
import type { LoopStats } from '../07-event-loop/event-loop.ts'
import { serveOnLoop } from '../07-event-loop/server.ts'
import { type Clock, TimerQueue } from '../08-timers/timer-queue.ts'
import { MAX_FRAME_BYTES } from '../09-framing/frames.ts'
import type { FrameEvents } from './frame-connection.ts'
import { affordableConnections } from './limits.ts'
import { GOODBYE, Reception, type ReceptionLimits, type ReceptionStats } from './reception.ts'

export interface FrameServerOptions extends ServerOptions, Partial<ReceptionLimits> {
  clock?: Clock
}

export interface FrameServer extends RunningServer {
  stats(): LoopStats & ReceptionStats
}

const LIMITS: ReceptionLimits = {
  maxConnections: 10_000,
  framesPerSecond: Number.POSITIVE_INFINITY,
  burstFrames: 100,
  highWaterBytes: 64 * 1024,
  lowWaterBytes: 16 * 1024,
  maxQueuedBytes: 2 * MAX_FRAME_BYTES,
  stallMs: 30_000,
  lingerMs: 5_000,
  maxFrameBytes: MAX_FRAME_BYTES,
}

export function startServer(options: FrameServerOptions = {}): Promise<FrameServer> {
  return serveFrames(options, () => ECHO)
}

const ECHO: FrameEvents = {
  onFrame(payload, connection) {
    connection.send(payload)
  },
  lastWords: (reason) => Buffer.from(reason === GOODBYE ? reason : `error ${reason}`),
}

/** Listens, and serves everybody who is let in with the events that `eventsFor` makes for them. */
export async function serveFrames(
  { clock = performance, ...options }: FrameServerOptions,
  eventsFor: () => FrameEvents,
): Promise<FrameServer> {
  const limits = { ...LIMITS, ...options }
  limits.maxConnections = affordableConnections(limits.maxConnections, descriptorLimit())
  const timers = new TimerQueue(clock)
  const reception = new Reception(timers, limits, eventsFor)
  const server = await serveOnLoop(
    { ...options, timers, onAcceptError: (error) => reception.onAcceptError(error) },
    (stream, loop) => reception.admit(stream, loop),
  )
  return {
    port: server.port,
    stats: () => ({ ...server.stats(), ...reception.stats() }),
    close: () => reception.close(server),
  }
}

/** How many descriptors the kernel lets this process have; `Infinity` where it does not say. */
function descriptorLimit(): number {
  const report = process.report as typeof process.report & { excludeNetwork: boolean }
  const { excludeNetwork } = report
  // Or the report would look up the name of every peer, and wait for it.
  report.excludeNetwork = true
  const { userLimits } = report.getReport() as { userLimits?: { open_files: { soft: unknown } } }
  report.excludeNetwork = excludeNetwork
  const soft = userLimits?.open_files.soft
  return typeof soft === 'number' ? soft : Number.POSITIVE_INFINITY
}
