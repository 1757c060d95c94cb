/** Frames in, the same frames out, for as many clients as there is room for, as fast as they may talk. */

import type { RunningServer } from '../01-hello/server.ts'
import type { LoopStats } from '../07-event-loop/event-loop.ts'
import { type LoopOptions, serveOnLoop } from '../07-event-loop/server.ts'
import { type Clock, TimerQueue } from '../08-timers/timer-queue.ts'
import { type FrameEvents, type FrameOptions, FrameProtocol } from '../09-framing/frame-protocol.ts'
import { encodeFrame, MAX_FRAME_BYTES } from '../09-framing/frames.ts'
import { Admission, type AdmissionLimits, type AdmissionStats, type Service } from './admission.ts'
import { affordableConnections } from './limits.ts'

export interface BoundedOptions extends Omit<LoopOptions, 'timers'>, Partial<AdmissionLimits> {
  clock?: Clock
}

export interface FrameServerOptions extends BoundedOptions, FrameOptions {}

export interface BoundedServer extends RunningServer {
  stats(): LoopStats & AdmissionStats & { timers: number }
  /** Closes all connections that are open now, without a word. */
  cut(): void
}

const LIMITS: AdmissionLimits = {
  maxConnections: 10_000,
  messagesPerSecond: Number.POSITIVE_INFINITY,
  burstMessages: 100,
  highWaterBytes: 64 * 1024,
  lowWaterBytes: 16 * 1024,
  maxQueuedBytes: 2 * MAX_FRAME_BYTES,
  stallMs: 30_000,
  idleMs: 120_000,
  goodbyeMs: 5_000,
}

export function startServer(options: FrameServerOptions = {}): Promise<BoundedServer> {
  return serveFrames(options, () => ECHO)
}

const ECHO: FrameEvents = {
  onFrame: (payload, frames) => frames.send(payload),
  lastWords: (why, reason) => Buffer.from(why === 'stopping' ? 'goodbye' : `error ${reason}`),
}

/** Listens, and serves every connection that is let in with the events that `eventsFor` makes for it. */
export function serveFrames(
  { maxFrameBytes, ...options }: FrameServerOptions,
  eventsFor: () => FrameEvents,
): Promise<BoundedServer> {
  return serveBounded(options, {
    open: (connection) => new FrameProtocol(connection, eventsFor(), { maxFrameBytes }),
    refusal: (why) => encodeFrame(eventsFor().lastWords?.(why, why) ?? new Uint8Array()),
  })
}

/** Listens, and serves every connection that is let in, within the limits. */
export async function serveBounded(
  { clock = performance, ...options }: BoundedOptions,
  service: Service,
): Promise<BoundedServer> {
  const limits = { ...LIMITS, ...withoutUndefined(options) }
  limits.maxConnections = affordableConnections(limits.maxConnections, descriptorLimit())
  const timers = new TimerQueue(clock)
  const admission = new Admission(timers, limits, service)
  const server = await serveOnLoop(
    { ...options, timers, onAcceptError: (error) => admission.onAcceptError(error) },
    (stream, loop) => admission.admit(stream, loop),
  )
  return {
    port: server.port,
    stats: () => ({ ...server.stats(), ...admission.stats(), timers: timers.size }),
    cut: () => server.cut(),
    close: () => admission.close(server),
  }
}

/** An option that is `undefined` is one that was not given. */
function withoutUndefined(options: Partial<AdmissionLimits>): Partial<AdmissionLimits> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

/** How many descriptors the kernel lets this process have; `Infinity` where it does not say. */
export function descriptorLimit(): number {
  const report = process.report as typeof process.report & { excludeNetwork: boolean }
  const { excludeNetwork } = report
  // Otherwise the report would look up the name of every peer, and wait for it.
  report.excludeNetwork = true
  const { userLimits } = report.getReport() as { userLimits?: { open_files: { soft: unknown } } }
  report.excludeNetwork = excludeNetwork
  const soft = userLimits?.open_files.soft
  return typeof soft === 'number' ? soft : Number.POSITIVE_INFINITY
}
