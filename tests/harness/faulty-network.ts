/**
 * A network that fails as told, in virtual time: between a client that connects again and again and a server.
 *
 * Each connection has its fate, decided before it is made: how long things take, whether it opens at all, at which message
 * it ends and how. The two ends may learn of an end at different times, or never: that is what makes a network hard. It
 * carries texts and does not read them; between two ends order is kept, as TCP keeps it.
 */

import type { VirtualTimers } from './virtual-timers.ts'

export type Way = 'toServer' | 'toClient'

/** How a connection ends, at the message number `at` (from 1) that is sent in that direction. */
export interface Ending {
  /** Cut: the client hears of it at once. Silence: nothing passes any more in that direction, and nobody is told. */
  kind: 'cut' | 'silence'
  way: Way
  at: number
  /** Whether that message still arrives. */
  passes: boolean
  /** What is on its way to the server, and the news of the end, arrive there so much later. */
  lateMs: number
}

export interface Fate {
  opening: 'opens' | 'is refused' | 'hangs'
  delayMs: number
  ending?: Ending
}

/** The client's end, as its code under test sees it. */
export interface ClientEvents {
  onOpen(): void
  onText(text: string): void
  onClose(): void
}

export interface ClientEnd {
  send(text: string): void
  close(): void
}

/** The server's end. */
export interface ServerEvents {
  onText(text: string): void
  onClose(): void
}

export interface ServerEnd {
  send(text: string): void
  /** Cuts the connection, as a process that is killed does. */
  cut(): void
}

/** Accepts a connection; `undefined` when nobody listens. */
export type Accept = (end: ServerEnd) => ServerEvents | undefined

export interface NetworkRequest {
  timers: VirtualTimers
  /** The fate of the connection number `index`, from 0. */
  fateOf(index: number): Fate
  accept: Accept
  /** Told of everything that passes or happens, as it is sent. */
  tell(text: string, way: Way | 'beside', message?: string): void
}

export class FaultyNetwork {
  /** Connections that the client has opened and neither closed nor lost. */
  openLinks = 0
  /** All that were ever begun. */
  connections = 0
  readonly #request: NetworkRequest

  constructor(request: NetworkRequest) {
    this.#request = request
  }

  readonly connect = (events: ClientEvents): ClientEnd => {
    const fate = this.#request.fateOf(this.connections)
    this.connections += 1
    return new FaultyConnection(this, this.#request, fate, this.connections, events)
  }
}

class FaultyConnection implements ClientEnd {
  readonly #network: FaultyNetwork
  readonly #request: NetworkRequest
  readonly #fate: Fate
  readonly #name: string
  readonly #client: ClientEvents
  #server: ServerEvents | undefined
  #isClientOver = false
  #isClosed = false
  #isServerOver = false
  readonly #sent = { toServer: 0, toClient: 0 }
  readonly #isSilent = { toServer: false, toClient: false }
  /** Nothing overtakes: the next delivery in a direction is not before this. */
  readonly #arrivesMs = { toServer: 0, toClient: 0 }

  constructor(
    network: FaultyNetwork,
    request: NetworkRequest,
    fate: Fate,
    number: number,
    events: ClientEvents,
  ) {
    this.#network = network
    this.#request = request
    this.#fate = fate
    this.#name = `connection ${number}`
    this.#client = events
    network.openLinks += 1
    if (fate.opening === 'hangs') this.#tell(`dials: ${this.#name} neither opens nor fails`)
    else request.timers.after(fate.delayMs, () => this.#open())
  }

  send(text: string): void {
    if (!this.#isClientOver) this.#pass('toServer', text)
  }

  close(): void {
    this.#isClosed = true
    if (this.#isClientOver) return
    this.#tell(`closes ${this.#name}`)
    this.#endClient(false)
    this.#endServer()
  }

  #open(): void {
    if (this.#isClientOver) return
    const isRefused = this.#fate.opening === 'is refused'
    const server = isRefused
      ? undefined
      : this.#request.accept({
          send: (text) => this.#isServerOver || this.#pass('toClient', text),
          cut: () => this.#cutByServer(),
        })
    if (!server) {
      this.#tell(`dials: ${this.#name} is refused`)
      return this.#endClient(true)
    }
    this.#server = server
    this.#tell(`dials: ${this.#name} opens`)
    this.#client.onOpen()
  }

  #pass(way: Way, text: string): void {
    const { ending, delayMs } = this.#fate
    const count = ++this.#sent[way]
    const isEnd = ending?.way === way && ending.at === count
    const isLost = this.#isSilent[way] || (isEnd && !ending.passes)
    const late = isEnd && ending.lateMs > 0 ? `, ${ending.lateMs} ms late` : ''
    this.#request.tell(isLost ? 'which is lost' : late, way, text)
    if (!isLost)
      this.#deliver(way, text, delayMs + (isEnd && way === 'toServer' ? ending.lateMs : 0))
    if (!isEnd) return
    if (ending.kind === 'silence') {
      this.#isSilent[way] = true
      this.#tell(
        `is not told, but from now on ${this.#name} lets nothing pass to ${way === 'toServer' ? 'the server' : 'it'}`,
      )
    } else {
      this.#tell(`loses ${this.#name}`)
      this.#endClient(true)
      this.#endServer()
    }
  }

  #deliver(way: Way, text: string, delayMs: number): void {
    this.#later(way, delayMs, () => {
      if (way === 'toServer') this.#isServerOver || this.#server?.onText(text)
      else this.#isClientOver || this.#client.onText(text)
    })
  }

  #later(way: Way, delayMs: number, callback: () => void): void {
    const { timers } = this.#request
    this.#arrivesMs[way] = Math.max(this.#arrivesMs[way], timers.now() + delayMs)
    timers.after(this.#arrivesMs[way] - timers.now(), callback)
  }

  /** The client has no connection any more; it hears of that unless it was its own doing. */
  #endClient(isTold: boolean): void {
    if (this.#isClientOver) return
    this.#isClientOver = true
    this.#network.openLinks -= 1
    if (isTold) this.#request.timers.after(0, () => this.#isClosed || this.#client.onClose())
  }

  /** The server hears of the end behind everything that is on its way to it. */
  #endServer(): void {
    const { delayMs, ending } = this.#fate
    if (this.#isSilent.toServer) return
    this.#later('toServer', delayMs + (ending?.lateMs ?? 0), () => {
      if (this.#isServerOver) return
      this.#isServerOver = true
      this.#server?.onClose()
    })
  }

  /** What the server has said is on its way, and arrives first. */
  #cutByServer(): void {
    if (this.#isServerOver) return
    this.#isServerOver = true
    if (this.#isSilent.toClient) return
    this.#later('toClient', this.#fate.delayMs, () => {
      if (this.#isClientOver) return
      this.#tell(`loses ${this.#name}: the server has ended it`)
      this.#endClient(true)
    })
  }

  #tell(text: string): void {
    this.#request.tell(text, 'beside')
  }
}

/** A connection that does no harm. */
export const HEALTHY: Fate = { opening: 'opens', delayMs: 20 }
