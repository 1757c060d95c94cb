/** Sockets with TLS around one end, in this process: the code under test is the server, the test the client. */

import type { Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { Certificate, Handshake, Tls } from '#code/19-chat-server/tls.ts'
import type { Reason } from '../../harness/failure.ts'
import { countHeld } from '../../harness/garbage.ts'
import { withCommas } from '../../harness/numbers.ts'
import { Deadline, PATIENCE_MS } from '../../harness/patience.ts'
import { socketPair } from '../../harness/socket-pair.ts'
import { VirtualTimers } from '../../harness/virtual-timers.ts'
import type { Stage } from '../../judge/step.ts'
import { ONE } from './certificates.ts'

export const HANDSHAKE_MS = 10_000

export class TlsWorld {
  readonly timers = new VirtualTimers()
  /** How the handshakes ended, in that order. */
  readonly handshakes: Handshake[] = []
  /** What `onReload` was told. */
  readonly reloads: (Error | undefined)[] = []
  /** Whether `onReload` throws. */
  isTellingBroken = false
  /** What reloads read. */
  load: () => Promise<Certificate> = async () => ONE
  /** What the next ones read instead, one each, whenever they get to it. */
  readonly nextLoads: (() => Promise<Certificate>)[] = []
  tls!: Tls
  /** Whose TLS sockets have said that they are closed. */
  readonly closed: string[] = []
  readonly #stage: Stage
  readonly #sockets: Socket[] = []

  constructor(stage: Stage) {
    this.#stage = stage
  }

  async open(): Promise<void> {
    const { Tls } = await this.#stage.load(() => import('#code/19-chat-server/tls.ts'))
    this.tls = await Tls.open({
      load: () => (this.nextLoads.shift() ?? this.load)(),
      timers: this.timers,
      handshakeMs: HANDSHAKE_MS,
      onHandshake: (how) => void this.handshakes.push(how),
      onReload: (error) => {
        this.reloads.push(error)
        if (this.isTellingBroken) throw new Error('a bug in onReload')
      },
    })
  }

  /** A client has connected, and the server's end is secured, or destroyed and secured. It says nothing yet. */
  async connect(name: string, { isGone = false } = {}): Promise<RawPeer> {
    this.#stage.story.tell(name, 'connects')
    const { near, far } = await socketPair()
    if (isGone) {
      this.#stage.story.tell('server', 'destroys her socket, and secures it in the same turn')
      near.destroy()
    }
    const secured = this.tls.secure(near)
    // What the server's program does with it: it echoes, and keeps its half open.
    secured.on('data', (chunk) => secured.write(chunk)).on('error', () => {})
    secured.on('close', () => void this.closed.push(name))
    this.#sockets.push(near, far)
    far.resume()
    return { name, far, near, secured }
  }

  /** A client that does its handshake. */
  async connectSecurely(name: string): Promise<SecurePeer> {
    return this.shakeHands(await this.connect(name))
  }

  /** The handshake of a client that has connected. */
  async shakeHands({ name, far, near, secured }: RawPeer): Promise<SecurePeer> {
    // A browser says which server it means, and some servers choose their certificate by that.
    const client = connectTls({ socket: far, servername: 'localhost', rejectUnauthorized: false })
    client.on('error', () => {})
    const peer = { name, far, near, secured, client, received: '' }
    client.on('data', (chunk) => {
      peer.received += chunk
    })
    this.#stage.story.tell(name, 'begins a handshake')
    let isDone = false
    client.once('secureConnect', () => {
      isDone = true
    })
    await this.until(() => isDone || client.destroyed)
    return peer
  }

  /** Expects the client to see this certificate and to be understood. */
  async expectTalk(peer: SecurePeer, commonName: string, reason: Reason): Promise<void> {
    const { expectSame, story } = this.#stage
    const { subject } = peer.client.getPeerCertificate()
    expectSame(`the certificate that ${peer.name} sees`, subject?.CN, commonName, reason)
    const before = peer.received.length
    story.tell(peer.name, 'says "hello"')
    peer.client.write('hello')
    await this.until(() => peer.received.length >= before + 5)
    expectSame(`what ${peer.name} hears`, peer.received.slice(before), 'hello', {
      because: 'The server echoes, and the handshake is done.',
    })
  }

  /** Expects how the handshakes have ended so far, once whatever is on its way has arrived. */
  async expectHandshakes(expected: Handshake[], reason: Reason): Promise<void> {
    await this.until(() => this.handshakes.length >= expected.length)
    await this.quiet()
    this.#stage.expectSame('what onHandshake was told', this.handshakes, expected, reason)
  }

  async expectClosed({ name, far, near }: RawPeer, reason: Reason): Promise<void> {
    const isTold = () => far.closed || far.readableEnded
    await this.until(() => isTold() && near.destroyed)
    this.#stage.expect(`${name}’s connection to be closed`, isTold() && near.destroyed, {
      ...reason,
      received: isTold() ? 'FIN was sent, but the descriptor is kept' : 'it is open',
    })
  }

  expectOpen({ name, far, secured }: RawPeer, reason: Reason): void {
    const isOpen = !far.destroyed && !far.readableEnded && !secured.destroyed
    this.#stage.expect(`${name}’s connection to be open`, isOpen, reason)
  }

  expectNoTimers(reason: Reason): void {
    this.#stage.expectSame('the number of armed timers', this.timers.size, 0, reason)
  }

  async advance(ms: number): Promise<void> {
    this.#stage.story.tell('time', `moves on by ${withCommas(ms)} ms`)
    await this.timers.advance(ms)
    await this.quiet()
  }

  /** Looks again and again, as long as there is hope. */
  async until(isSo: () => boolean): Promise<void> {
    const deadline = new Deadline(PATIENCE_MS)
    while (!isSo() && !deadline.isOver) await turn()
  }

  /** A message there and back over another connection: what was on its way before has arrived. */
  async quiet(): Promise<void> {
    const { near, far, destroy } = await socketPair()
    for (let times = 0; times < 3; times++) {
      near.write('x')
      await this.until(() => far.read() !== null)
      await turn()
    }
    destroy()
  }

  /** How many of so many secured sockets, which have come and gone, somebody still holds. */
  async countHeld(sockets: number): Promise<number> {
    const secured: WeakRef<TLSSocket>[] = []
    for (let index = 0; index < sockets; index++) secured.push(await this.#comeAndGo())
    await this.quiet()
    return countHeld(secured)
  }

  async #comeAndGo(): Promise<WeakRef<TLSSocket>> {
    const { near, far, destroy } = await socketPair()
    const secured = this.tls.secure(near)
    secured.on('error', () => {})
    far.resetAndDestroy()
    await this.until(() => secured.closed)
    destroy()
    return new WeakRef(secured)
  }

  clear(): void {
    for (const socket of this.#sockets) socket.destroy()
  }
}

export interface RawPeer {
  name: string
  /** The client's end, below TLS. */
  far: Socket
  /** The server's end, below TLS and above it. */
  near: Socket
  secured: TLSSocket
}

export interface SecurePeer extends RawPeer {
  client: TLSSocket
  received: string
}

/** The first bytes of a handshake, as a client sends them. */
export async function clientHello(): Promise<Buffer> {
  const { near, far, destroy } = await socketPair()
  const client = connectTls({ socket: far, rejectUnauthorized: false })
  client.on('error', () => {})
  const hello = await new Promise<Buffer>((resolve) => near.once('data', resolve))
  destroy()
  return hello
}
