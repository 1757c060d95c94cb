/** Chapter 10's frame connections in virtual time, and peers that can be as rude as they like. */

import type { Socket } from 'node:net'
import type { Source } from '#code/07-event-loop/byte-stream.ts'
import type { Connection, PauseReason } from '#code/07-event-loop/connection.ts'
import type { FrameEvents } from '#code/09-framing/frame-protocol.ts'
import type { AdmissionLimits } from '#code/10-backpressure/admission.ts'

export type { AdmissionStats } from '#code/10-backpressure/admission.ts'

import { quote } from '../harness/bytes.ts'
import { dialMany } from '../harness/crowd.ts'
import { Failure, type Reason } from '../harness/failure.ts'
import type { HostedServer } from '../harness/hosted-server.ts'
import { PATIENCE_MS, within } from '../harness/patience.ts'
import { ScriptedClient } from '../harness/scripted-client.ts'
import { ScriptedStream } from '../harness/scripted-stream.ts'
import type { Story } from '../harness/story.ts'
import { VirtualLoop } from '../harness/virtual-time.ts'
import type { Stage } from '../judge/step.ts'
import { frame } from '../protocols/frames.ts'

export const FOREVER = Number.POSITIVE_INFINITY

export const LIMITS: AdmissionLimits = {
  highWaterBytes: 64 * 1024,
  lowWaterBytes: 16 * 1024,
  maxQueuedBytes: 1024 * 1024,
  stallMs: 30_000,
  idleMs: FOREVER,
  goodbyeMs: 5_000,
  maxConnections: 100,
  messagesPerSecond: FOREVER,
  burstMessages: 100,
}

/** A loop and timers in virtual time. */
export async function startWorld({ load, story, expectSame }: Stage) {
  const { EventLoop } = await load(() => import('#code/07-event-loop/event-loop.ts'))
  const { TimerQueue } = await load(() => import('#code/08-timers/timer-queue.ts'))
  const world = new VirtualLoop<Source>(story)
  const timers = new TimerQueue(world.clock)
  const loop = new EventLoop<Source>(world.poller, timers)
  await world.start(loop)
  return {
    loop,
    timers,
    settle: () => world.settle(),
    advance: (ms: number) => world.advance(ms),
    /** Does something that is not a turn of the loop; the loop then looks around. */
    async act<T>(body: () => T): Promise<T> {
      const result = body()
      world.poller.wake()
      await world.settle()
      return result
    },
    expectTimers(count: number, reason: Reason): void {
      expectSame('timers.size', timers.size, count, reason)
    },
  }
}

/** What the test can see of a connection that echoes frames. */
export interface Echo {
  connection: Connection
  /** Frames that were accepted. */
  frames: number
  /** With which reasons it has ended: one, or none yet. */
  endings: string[]
}

/** Connections of the chapter that echo frames, in virtual time. */
export async function openWorld(stage: Stage, limits: Partial<AdmissionLimits>) {
  const { Connection } = await stage.load(() => import('#code/07-event-loop/connection.ts'))
  const { FrameProtocol } = await stage.load(() => import('#code/09-framing/frame-protocol.ts'))
  const { Bounds } = await stage.load(() => import('#code/10-backpressure/bounds.ts'))
  const { Outbox } = await stage.load(() => import('#code/10-backpressure/outbox.ts'))
  const world = await startWorld(stage)
  const allLimits = { ...LIMITS, ...limits }
  return {
    ...world,
    async echoTo(name: string): Promise<[Peer, Echo]> {
      const peer = new Peer(name, stage.story, world)
      const outbox = new Outbox(peer.stream, allLimits)
      const connection = new Connection(peer.stream, world.loop, outbox)
      const echo: Echo = { connection, frames: 0, endings: [] }
      const keeper = { onHeard: () => void echo.frames++, onClose() {} }
      connection.observe(new Bounds(connection, outbox, world.timers, allLimits, keeper))
      const events: FrameEvents = {
        ...ECHO,
        onClose: (why) => void echo.endings.push(why),
      }
      connection.use(new FrameProtocol(connection, events))
      await world.settle()
      return [peer, echo]
    },
  }
}

export type World = Awaited<ReturnType<typeof openWorld>>

const ECHO: FrameEvents = {
  onFrame: (payload, frames) => frames.send(payload),
  lastWords: (_why, reason) => Buffer.from(`error ${reason}`),
}

export type AdmissionWorld = Awaited<ReturnType<typeof openAdmission>>

/** The chapter's admission, in virtual time: peers arrive without a socket. */
export async function openAdmission(
  stage: Stage,
  limits: Partial<AdmissionLimits>,
  onClosed?: () => void,
) {
  const { Admission } = await stage.load(() => import('#code/10-backpressure/admission.ts'))
  const { FrameProtocol } = await stage.load(() => import('#code/09-framing/frame-protocol.ts'))
  const world = await startWorld(stage)
  const pauses: PauseReason[] = []
  const connections: WeakRef<Connection>[] = []
  const admission = new Admission(
    world.timers,
    { ...LIMITS, ...limits },
    {
      open(connection) {
        connections.push(new WeakRef(connection))
        const pauseReading = connection.pauseReading.bind(connection)
        connection.pauseReading = (reason) => {
          pauses.push(reason)
          pauseReading(reason)
        }
        return new FrameProtocol(connection, ECHO)
      },
      refusal: (why) => frame(`error ${why}`),
      ...(onClosed && { onClosed }),
    },
  )
  return {
    ...world,
    admission,
    /** Those that were let in, oldest first; to look at them keeps none of them. */
    connections,
    /** Why reading was paused, on any of the connections, each time. */
    pauses,
    stats(...names: (keyof ReturnType<typeof admission.stats>)[]) {
      const stats = admission.stats()
      return Object.fromEntries(names.map((name) => [name, stats[name]]))
    },
    async arrive(name: string, isQuiet = false): Promise<Peer> {
      const peer = new Peer(name, isQuiet ? SILENT : stage.story, world)
      admission.admit(peer.stream, world.loop)
      await world.settle()
      return peer
    },
  }
}

/** A stream may be asked so often whether it is ready while nobody does anything to it. */
const MAX_QUESTIONS = 10_000

/** A stream that notices when a loop spins: asks whether it is ready, is told so, and does nothing about it. */
class AskedStream extends ScriptedStream {
  story: Story | undefined
  #questions = 0

  override get isReadable(): boolean {
    this.#refuseToSpin()
    return super.isReadable
  }

  override get isWritable(): boolean {
    this.#refuseToSpin()
    return super.isWritable
  }

  /** Something has happened that is worth questions. */
  forget(): void {
    this.#questions = 0
  }

  #refuseToSpin(): void {
    this.#questions += 1
    if (this.#questions < MAX_QUESTIONS) return
    throw new Failure(this.story!, {
      headline:
        'The loop spins: it is told again and again that a stream is ready, and does nothing.',
      because: 'A level-triggered poller reports what is ready for as long as it is asked to.',
      likely:
        'Ask about reading only when you would read, and about writing only while something is queued.',
    })
  }
}

/** A scripted client that can sip, on a stream that notices a loop that spins. */
export class Peer extends ScriptedClient {
  override readonly stream = new AskedStream()
  readonly #story: Story
  readonly #world: { settle(): Promise<void> }

  constructor(name: string, story: Story, world: { settle(): Promise<void> }) {
    const settle = () => {
      this.stream.forget()
      return world.settle()
    }
    super(name, story, { settle })
    this.stream.story = story
    this.#story = story
    this.#world = { settle }
  }

  /** Reads so many bytes, and then no more. */
  async takes(bytes: number): Promise<void> {
    this.#story.tell(this.name, `takes ${bytes} ${bytes === 1 ? 'byte' : 'bytes'} more`)
    this.stream.setRoom(bytes)
    await this.#world.settle()
  }

  expectOpen(reason: Reason): void {
    if (!this.stream.isEnded && !this.stream.isDestroyed) return
    throw new Failure(this.#story, {
      headline: `${this.name} should still be connected.`,
      expected: { text: 'an open connection' },
      received: { text: this.stream.isDestroyed ? 'both directions closed' : 'FIN' },
      ...reason,
    })
  }

  /** After FIN: expects that nothing came behind it. */
  expectNothingMore(reason: Reason): void {
    const received = this.stream.takeWritten()
    const outcome = received.length === 0 ? 'kept' : 'broken'
    this.#story.judge(this.name, 'expects nothing after FIN', outcome)
    if (outcome === 'kept') return
    throw new Failure(this.#story, {
      headline: `${this.name} has received something after FIN.`,
      expected: { text: 'nothing' },
      received: { text: quote(received) },
      ...reason,
    })
  }
}

/** Whom nobody wants to hear about. */
const SILENT = { tell() {}, tellBytes() {}, judge() {}, lines: [] } as unknown as Story

/** What became of one of the crowd's connections. */
export interface Talk {
  answered: number
  ending: 'goodbye' | string
}

/** Many connections at once, without a story of their own. */
export class Crowd {
  readonly #sockets: Socket[]

  constructor(sockets: Socket[]) {
    this.#sockets = sockets
  }

  static async connect({ port }: HostedServer, count: number): Promise<Crowd> {
    const sockets = await within(PATIENCE_MS, dialMany(port, count))
    return new Crowd(sockets === 'too late' ? [] : sockets)
  }

  /** Each sends frames, the next when the last has been answered, until it is told goodbye or has ended. */
  talk(): Promise<Talk[]> {
    return Promise.all(this.#sockets.map(talkOn))
  }

  destroy(): void {
    for (const socket of this.#sockets) socket.destroy()
  }
}

async function talkOn(socket: Socket): Promise<Talk> {
  const request = frame('talk')
  const goodbye = frame('goodbye')
  let answered = 0
  let received = Buffer.alloc(0)
  socket.write(request)
  try {
    for await (const chunk of socket) {
      received = Buffer.concat([received, chunk as Buffer])
      while (
        received.length >= request.length &&
        received.subarray(0, request.length).equals(request)
      ) {
        received = received.subarray(request.length)
        answered += 1
        socket.write(request)
      }
    }
  } catch (error) {
    return { answered, ending: `lost (${(error as NodeJS.ErrnoException).code})` }
  }
  return { answered, ending: received.equals(goodbye) ? 'goodbye' : `${quote(received)}, and FIN` }
}
