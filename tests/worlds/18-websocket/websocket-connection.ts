/** WebSockets of chapter 18 in virtual time, without a socket and without HTTP: frames in, frames out. */

import type { Connection } from '#code/07-event-loop/connection.ts'
import type { AdmissionLimits } from '#code/10-backpressure/admission.ts'
import type { WebSocketEvents, WebSocketProtocol } from '#code/18-websocket/websocket.ts'
import { quote } from '../../harness/bytes.ts'
import { Failure, type Reason } from '../../harness/failure.ts'
import { ScriptedClient } from '../../harness/scripted-client.ts'
import type { Story } from '../../harness/story.ts'
import type { Stage } from '../../judge/step.ts'
import {
  codeOf,
  describeFrame,
  describeSent,
  parseServerFrames,
  type ServerFrame,
} from '../../protocols/websocket.ts'
import { LIMITS, startWorld } from '../bounded-frames.ts'

/** What the test sees of the server's end. */
export interface ServerEnd {
  connection: Connection
  socket: WebSocketProtocol
  /** Messages that were heard: text as text, binary as hex. */
  heard: string[]
  /** With which reason it has ended: one, or none yet. */
  endings: string[]
}

/** WebSockets that echo, unless other events are given, one after the other. */
export async function openWebSockets(
  stage: Stage,
  limits: Partial<AdmissionLimits> = {},
  events: Partial<WebSocketEvents> = {},
) {
  const { load, story } = stage
  const { Admission } = await load(() => import('#code/10-backpressure/admission.ts'))
  const { WebSocketProtocol } = await load(() => import('#code/18-websocket/websocket.ts'))
  const world = await startWorld(stage)
  let latest: ServerEnd | undefined
  const admission = new Admission(
    world.timers,
    { ...LIMITS, ...limits },
    {
      open(connection) {
        const end: ServerEnd = { connection, socket: undefined!, heard: [], endings: [] }
        end.socket = new WebSocketProtocol(
          connection,
          {
            onMessage: (message, socket) => socket.send(message),
            ...events,
            onClose: (why) => void end.endings.push(why),
          },
          { maxBytes: 1_000 },
        )
        latest = end
        return end.socket
      },
    },
  )
  return {
    ...world,
    admission,
    async arrive(name: string): Promise<[WebSocketClient, ServerEnd]> {
      const client = new WebSocketClient(name, story, world)
      admission.admit(client.stream, world.loop)
      await world.settle()
      return [client, latest!]
    },
  }
}

/** A reason, or what makes one of the frames that have come, as `describeFrame` says them. */
type ReasonOfFrames = Reason | ((received: readonly string[]) => Reason)

export const FIN_BEHIND_CLOSE: Reason = {
  because: 'After our Close nothing more may be sent (RFC 6455 §5.5.1), and FIN says so.',
  likely: 'close() has to end the connection, with the Close frame as its last words.',
  look: 'websocket.close()',
}

/** Of so many frames that come at once each is told. */
const TOLD = 12

/** A client that expects frames. */
class WebSocketClient extends ScriptedClient {
  readonly #story: Story
  readonly #world: { settle(): Promise<void> }
  #rest: Uint8Array = new Uint8Array()

  constructor(name: string, story: Story, world: { settle(): Promise<void> }) {
    super(name, story, world)
    this.#story = story
    this.#world = world
  }

  /** Sends all of it as one chunk. */
  override async send(data: Uint8Array): Promise<void> {
    this.#story.tell(this.name, `sends ${describeSent(data)}`, 'toServer')
    this.stream.arrive(data)
    await this.#world.settle()
  }

  /** The frames that have come since the last look. */
  takeFrames(): ServerFrame[] {
    const { frames, rest } = parseServerFrames(
      Buffer.concat([this.#rest, this.stream.takeWritten()]),
    )
    this.#rest = rest
    for (const frame of frames.slice(0, TOLD)) {
      this.#story.tell(this.name, `gets ${describeFrame(frame)}`)
    }
    if (frames.length > TOLD) {
      this.#story.tell(this.name, `gets ${frames.length - TOLD} more frames`)
    }
    return frames
  }

  /** Expects exactly these frames, as `describeFrame` says them; the reason of a Close is left out. */
  expectFrames(expected: readonly string[], reason: ReasonOfFrames): void {
    const received = this.takeFrames().map(inShort)
    if (this.#rest.length > 0) received.push(`and ${quote(this.#rest)}`)
    const kept = received.join('\n') === expected.join('\n')
    const what = expected.length === 0 ? 'no frame' : expected.join(', ')
    this.#story.judge(this.name, `expects ${what}`, kept ? 'kept' : 'broken')
    if (kept) return
    throw new Failure(this.#story, {
      headline: `${this.name} expected ${what}.`,
      expected: { text: expected.join('\n') || 'nothing' },
      received: { text: received.join('\n') || 'nothing' },
      ...(typeof reason === 'function' ? reason(received) : reason),
    })
  }

  /** Expects a Close with that code, FIN behind it, and nothing else. */
  expectClosed(code: number | undefined, reason: ReasonOfFrames): void {
    this.expectFrames([code === undefined ? 'close without a code' : `close ${code}`], reason)
    this.expectEnd(FIN_BEHIND_CLOSE)
  }
}

function inShort(frame: ServerFrame): string {
  if (frame.kind !== 'close' || frame.fault) return describeFrame(frame)
  const code = codeOf(frame.payload)
  return code === undefined ? 'close without a code' : `close ${code}`
}
