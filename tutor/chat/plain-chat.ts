/**
 * The chat without a screen: each input line is said, each message is an output line, so both can be piped.
 *
 * Everything else, the state of the connection for one, goes elsewhere (`tell`).
 */

import {
  type Change,
  Conversation,
  type ConversationOptions,
} from '../../solutions/19-chat-server/page/conversation.ts'
import type { OpenRoom, Saying } from '../../solutions/19-chat-server/page/open-room.ts'
import { notSaidLine, oneLine } from './chat-lines.ts'
import { type Command, describeUnknown, HELP, parseCommand } from './commands.ts'
import { connectionText } from './connection-text.ts'

export interface PlainIo {
  /** The next line typed; `undefined` at the end. */
  next(): Promise<string | undefined>
  write(text: string): void
  tell(text: string): void
}

export class PlainChat {
  readonly #io: PlainIo
  readonly #conversation: Conversation
  /** Settles when the client has ended by itself. */
  readonly #ended = Promise.withResolvers<undefined>()
  /** The number of the last message written, for each room. */
  readonly #written = new Map<OpenRoom, number>()
  readonly #says: Promise<void>[] = []
  /** What was not said, and the person knows. */
  readonly #told = new Set<Saying>()
  #room: OpenRoom | undefined
  #connection = ''

  constructor(io: PlainIo, makeClient: ConversationOptions['makeClient'], room: string) {
    this.#io = io
    const onChange = (change: Change) => this.#onChange(change)
    this.#conversation = new Conversation({ makeClient, onChange })
    this.#room = this.#conversation.open(room)
  }

  /** Until nothing more is typed, and all of it was said. Resolves with the exit code. */
  async run(): Promise<number> {
    const { client } = this.#conversation
    client.start()
    for (;;) {
      const line = await Promise.race([this.#io.next(), this.#ended.promise])
      const command = line === undefined ? undefined : parseCommand(line)
      if (command === undefined || command.kind === 'quit') break
      this.#carryOut(command)
    }
    await Promise.race([Promise.all(this.#says), this.#ended.promise])
    const { rooms } = this.#conversation
    const isAllSaid = this.#told.size === 0 && rooms.every(({ sayings }) => sayings.length === 0)
    const hasEnded = client.state.kind === 'ended'
    client.close()
    return isAllSaid && !hasEnded ? 0 : 1
  }

  #carryOut(command: Command): void {
    const conversation = this.#conversation
    const room = this.#room
    if (command.kind === 'join') this.#room = conversation.open(command.room)
    else if (command.kind === 'help') this.#io.tell(`* ${HELP}`)
    else if (command.kind === 'unknown') this.#io.tell(`! ${describeUnknown(command.name)}`)
    else if (command.kind === 'rooms')
      this.#io.tell(`* ${conversation.rooms.map(({ name }) => name).join(', ')}`)
    else if (!room) this.#io.tell('! You are in no room.  /join kitchen')
    else if (command.kind === 'say') this.#says.push(conversation.say(room, command.text))
    else if (command.kind === 'who') this.#io.tell(`* ${room.members.join(', ')}`)
    else if (command.kind === 'leave') {
      conversation.leave(room)
      this.#room = conversation.rooms.at(0)
    }
  }

  #onChange(change: Change): void {
    if (change.kind === 'room') this.#show(change.room)
    if (change.kind === 'refused') this.#io.tell(`! ${change.name}: ${change.problem}`)
    if (change.kind !== 'state') return
    const { client } = this.#conversation
    this.#tellConnection(connectionText(this.#conversation))
    if (client.state.kind === 'ended') this.#ended.resolve(undefined)
  }

  /** Different states may have the same text: it is told once. */
  #tellConnection(text: string): void {
    if (text !== this.#connection) this.#io.tell(`* ${text}`)
    this.#connection = text
  }

  #show(room: OpenRoom): void {
    const written = this.#written.get(room) ?? 0
    for (const { number, name, text } of room.messages) {
      if (number > written) this.#io.write(`[${room.name}] ${name}: ${oneLine(text)}\n`)
    }
    this.#written.set(room, Math.max(written, room.last))
    for (const saying of room.sayings) {
      if (saying.problem === undefined || this.#told.has(saying)) continue
      this.#told.add(saying)
      this.#io.tell(notSaidLine(saying))
    }
  }
}
