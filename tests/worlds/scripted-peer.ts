/** A peer on chapter 07's loop without a socket: it sends, and takes, what the test says. No time passes. */

import type { Source } from '#code/07-event-loop/byte-stream.ts'
import type { EventLoop } from '#code/07-event-loop/event-loop.ts'
import { type Bytes, quote } from '../harness/bytes.ts'
import { ScriptedStream } from '../harness/scripted-stream.ts'
import { VirtualLoop } from '../harness/virtual-time.ts'
import type { Stage } from '../judge/step.ts'

/** Turns that an answer may take from one part to the next. */
const TURNS = 5

export class ScriptedPeer {
  readonly name: string
  readonly stream = new ScriptedStream()
  protected readonly stage: Stage
  readonly #world: VirtualLoop<Source>

  protected constructor(stage: Stage, name: string) {
    this.name = name
    this.stage = stage
    this.#world = new VirtualLoop<Source>(stage.story)
  }

  /** Runs a loop on which `serve` has put the peer's stream. */
  protected async run(serve: (loop: EventLoop<Source>) => void): Promise<void> {
    const { EventLoop } = await this.stage.load(() => import('#code/07-event-loop/event-loop.ts'))
    const loop = new EventLoop<Source>(this.#world.poller)
    serve(loop)
    await this.#world.start(loop)
  }

  /** All of it arrives as one chunk. */
  async send(data: Bytes, shown = quote(data)): Promise<void> {
    this.tell(`sends ${shown}`)
    this.stream.arrive(data)
    await this.settle()
  }

  async sayEnd(): Promise<void> {
    this.tell('says FIN and listens')
    // The connection is not over as long as the test looks at it.
    this.stream.holdDescriptor()
    this.stream.arriveEnd()
    await this.settle()
  }

  /** The kernel has done with it. */
  async freeDescriptor(): Promise<void> {
    this.stream.freeDescriptor()
    await this.settle()
  }

  /** Lets everything happen that can happen now. */
  async settle(): Promise<void> {
    for (let turns = 0; turns < TURNS; turns++) await this.#world.settle()
  }

  protected tell(what: string): void {
    this.stage.story.tell(this.name, what, 'toServer')
  }
}
