/** What step 07.5 plays in: connections on streams whose other end is the test's hand. */

import type { Source } from '#code/07-event-loop/byte-stream.ts'
import type { Connection, Protocol } from '#code/07-event-loop/connection.ts'
import type { EventLoop, TimerSource } from '#code/07-event-loop/event-loop.ts'
import type { SendQueue } from '#code/07-event-loop/send-queue.ts'
import { PATIENCE_MS, within } from '../../harness/patience.ts'
import { ScriptedStream } from '../../harness/scripted-stream.ts'
import type { Stage } from '../../judge/step.ts'
import { settled } from './loop-streams.ts'

/** A stream that counts what is asked of it. */
export class CountedStream extends ScriptedStream {
  reads = 0
  writes = 0
  /** Called in each read. */
  onRead: () => void = () => {}
  /** How often FIN was said. */
  ends = 0
  #isFalseAlarm = false

  override get isReadable(): boolean {
    return this.#isFalseAlarm || super.isReadable
  }

  override read(): Uint8Array | 'would-block' | 'end' {
    this.reads += 1
    this.onRead()
    if (this.#isFalseAlarm) {
      this.#isFalseAlarm = false
      return 'would-block'
    }
    return super.read()
  }

  /** It says that it is readable, and the next read finds nothing. */
  raiseFalseAlarm(): void {
    this.#isFalseAlarm = true
    this.onChange?.(this)
  }

  override write(bytes: Uint8Array): number {
    this.writes += 1
    return super.write(bytes)
  }

  override end(): void {
    this.ends += 1
    super.end()
  }
}

/** There are none, but the loop runs them once a round. */
class RoundCounter implements TimerSource {
  rounds = 0

  nextDelay(): number {
    return Number.POSITIVE_INFINITY
  }

  runDue(): void {
    this.rounds += 1
  }
}

/** A connection on a scripted stream and a loop that runs. */
export interface Scripted {
  stream: CountedStream
  connection: Connection
  loop: EventLoop<Source>
  timers: RoundCounter
  /** Ends the loop; expects that the connection was not over before its descriptor was free. */
  end(): Promise<void>
}

export async function onScriptedStream(
  { load, expect }: Stage,
  protocolOn: (connection: Connection) => Protocol,
  stream = new CountedStream(),
  queue?: SendQueue,
): Promise<Scripted> {
  const { EventLoop } = await load(() => import('#code/07-event-loop/event-loop.ts'))
  const { NetPoller } = await load(() => import('#code/07-event-loop/poller.ts'))
  const { Connection } = await load(() => import('#code/07-event-loop/connection.ts'))
  const timers = new RoundCounter()
  const loop = new EventLoop<Source>(new NetPoller(), timers)
  const connection = queue ? new Connection(stream, loop, queue) : new Connection(stream, loop)
  const protocol = protocolOn(connection)
  let isOverTooEarly = false
  connection.use({
    ...protocol,
    onClose(why) {
      isOverTooEarly ||= !stream.isClosed
      protocol.onClose?.(why)
    },
  })
  const running = loop.run().catch((error) => {
    // What comes of that is told by end(). Anything else is seen as it is.
    if (!isOverTooEarly) throw error
  })
  const end = async () => {
    loop.stop()
    await within(PATIENCE_MS, running)
    if (!isOverTooEarly) return
    expect('the connection to be over only when its descriptor is free', false, {
      because:
        'Both may have sent FIN, but what was sent may still be on its way, and the socket is open.',
      likely: NOBODY_ELSE_CLOSES,
      look: ['#flush()', 'connection.#receive()'],
      expected: 'no onClose() until then',
      received: 'onClose() while the descriptor was in use',
    })
  }
  return { stream, connection, loop, timers, end }
}

/** For a connection that is over too early. */
export const NOBODY_ELSE_CLOSES =
  'When the stream is over, the loop reports it as hung up, and the given code calls #close(). Your three methods never do.'

/** The loop has had its turns, if there was anything to do in them. */
export async function rounds(): Promise<void> {
  for (let round = 0; round < 10; round++) await settled()
}

/** Nothing happens, so the loop has nothing to do: it gives no turns and has no rounds. */
export async function expectAsleep(
  { expect }: Stage,
  { loop, timers }: Pick<Scripted, 'loop' | 'timers'>,
  {
    because,
    likely,
    look = '#watch()',
  }: { because: string; likely: string; look?: string | string[] },
): Promise<void> {
  const before = { turns: loop.stats().turns, rounds: timers.rounds }
  await rounds()
  const turns = loop.stats().turns - before.turns
  const roundsRun = timers.rounds - before.rounds
  expect('the loop to leave the peer alone', turns <= 1 && roundsRun <= 1, {
    because,
    likely:
      turns > 1
        ? likely
        : 'The loop has rounds in which nobody has a turn: each loop.touch() begins another one. Your three methods do not call it. What #watch() waits for brings the next turn.',
    look: turns > 1 ? look : ['#flush()', '#watch()', 'connection.#receive()'],
    expected: 'no turns, no rounds',
    received: `${turns} turns, ${roundsRun} rounds`,
  })
}

/** For a peer that is silent and reads nothing, while something is queued for it. */
export const NOTHING_MOVES = {
  because:
    'The peer says nothing, and the stream takes nothing. The loop can sleep until one of the two changes.',
  likely: '#watch(): wait to write while something is queued. The stream says when it has room.',
}

/** A queue that says it is backlogged when the test says so. */
export class TestQueue implements SendQueue {
  isBacklogged = false
  readonly #stream: CountedStream
  #waiting = Buffer.alloc(0)

  constructor(stream: CountedStream) {
    this.#stream = stream
  }

  get bytes(): number {
    return this.#waiting.length
  }

  push(bytes: Uint8Array): boolean {
    this.append(bytes)
    return true
  }

  append(bytes: Uint8Array): void {
    this.#waiting = Buffer.concat([this.#waiting, bytes])
  }

  flush(): void {
    this.#waiting = this.#waiting.subarray(this.#stream.write(this.#waiting))
  }
}
