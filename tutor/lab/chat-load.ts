/** A room full of clients: some talk, each as soon as it has heard itself; the others only listen. */

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Dialect } from './chat-dialects.ts'

export interface Room {
  port: number
  dialect: Dialect
  members: number
  /** How many of the members talk. */
  talkers: number
}

const TEXT = 'What is said in a room is heard by everybody in it, and that costs.'

export class ChatLoad {
  /** How many messages were delivered to members, as far as the talkers can tell. */
  delivered = 0
  readonly #room: Room
  readonly #sockets: Socket[] = []

  private constructor(room: Room) {
    this.#room = room
  }

  static async start(room: Room): Promise<ChatLoad> {
    const load = new ChatLoad(room)
    for (let place = 0; place < room.members; place++) await load.#enter(`member${place}`, place)
    return load
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async #enter(name: string, place: number): Promise<void> {
    const { port, dialect, talkers, members } = this.#room
    const socket = connect(port, '127.0.0.1').setNoDelay()
    this.#sockets.push(socket)
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.write(dialect.greeting(port, name))
    await once(socket, 'data')
    if (dialect.entrance.length > 0) {
      socket.write(dialect.entrance)
      await once(socket, 'data')
    }
    // The last to come are those who talk: everybody is there to hear them.
    if (place < members - talkers) socket.resume()
    else this.#talk(socket, name)
  }

  #talk(socket: Socket, name: string): void {
    const { dialect, members, talkers } = this.#room
    const said = dialect.say(name, TEXT)
    const isOurs = Buffer.from(`"name":"${name}","text"`)
    let rest = Buffer.alloc(0)
    socket.on('data', (chunk) => {
      rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, Buffer.from(chunk)])
      let at = 0
      for (let end = dialect.endOf(rest, at); end > 0; end = dialect.endOf(rest, at)) {
        if (rest.subarray(at, end).includes(isOurs)) {
          this.delivered += members
          socket.write(said)
        }
        at = end
      }
      rest = rest.subarray(at)
    })
    // Nobody talks before everybody is there.
    void sleep(20 * talkers).then(() => socket.write(said))
  }
}
