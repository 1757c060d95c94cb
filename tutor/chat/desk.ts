/** The terminal's view of a conversation: which room is shown, up to which message, the typed text, and a notice. */

import {
  type Change,
  Conversation,
  type ConversationOptions,
} from '../../solutions/19-chat-server/page/conversation.ts'
import type { OpenRoom } from '../../solutions/19-chat-server/page/open-room.ts'
import { notSaidLine } from './chat-lines.ts'
import { describeUnknown, HELP, parseCommand } from './commands.ts'
import { type Edit, edit, NOTHING_TYPED } from './text-input.ts'

const LOSE = 'Some of your texts have not been sent yet. /leave again loses them.'

export class Desk {
  readonly conversation: Conversation
  /** Grows with everything that can be seen. */
  version = 0
  typed = NOTHING_TYPED
  #notice = ''
  #room: OpenRoom | undefined
  /** The last message shown while somebody reads further up; newer ones wait. */
  #frozenAt: number | undefined
  /** The room that the last command would have left, if texts had not been waiting there. */
  #leaving: OpenRoom | undefined
  readonly #listeners = new Set<() => void>()

  constructor(makeClient: ConversationOptions['makeClient'], room: string) {
    const onChange = (change: Change) => this.#onChange(change)
    this.conversation = new Conversation({ makeClient, onChange })
    this.#room = this.conversation.open(room)
  }

  /** One line for the person, or `''`. */
  get notice(): string {
    return this.#notice || (this.#room?.problem ?? '')
  }

  get room(): OpenRoom | undefined {
    return this.#room
  }

  /** The number of the last message on the screen. */
  get shownUpTo(): number {
    return this.#frozenAt ?? this.#room?.last ?? 0
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  edit(change: Edit): void {
    this.typed = edit(this.typed, change)
    this.#draw()
  }

  /** Carries out what was typed. */
  enter(): 'quit' | undefined {
    const { conversation } = this
    const line = this.typed.text
    this.typed = NOTHING_TYPED
    this.#frozenAt = undefined
    const room = this.#room
    const command = parseCommand(line)
    this.#notice = ''
    const isAgain = room === this.#leaving
    this.#leaving = undefined
    if (command.kind === 'quit') return 'quit'
    if (command.kind === 'join') this.#show(conversation.open(command.room))
    else if (command.kind === 'help') this.#notice = HELP
    else if (command.kind === 'unknown') this.#notice = describeUnknown(command.name)
    else if (command.kind === 'rooms') this.#listRooms()
    else if (room && command.kind === 'say') conversation.say(room, command.text)
    else if (room && command.kind === 'who')
      this.#notice = `Here: ${room.members.join(', ') || 'not known yet'}`
    else if (room && command.kind === 'leave' && room.unsaid > 0 && !isAgain) {
      this.#leaving = room
      this.#notice = LOSE
    } else if (room && command.kind === 'leave') {
      conversation.leave(room)
      this.#show(conversation.rooms.at(0))
    }
    this.#draw()
    return undefined
  }

  /** Shows the next room, or the one before. */
  turn(step: number): void {
    const { rooms } = this.conversation
    const place = this.#room ? rooms.indexOf(this.#room) : 0
    this.#show(rooms.at((place + step + rooms.length) % rooms.length))
    this.#draw()
  }

  readBack(): void {
    this.#frozenAt ??= this.#room?.last
  }

  readOn(): void {
    this.#frozenAt = undefined
    this.#draw()
  }

  showEarlier(): void {
    if (this.#room) this.conversation.showEarlier(this.#room)
  }

  /**
   * Ends the conversation. Resolves with what to tell without the screen: why it has ended before, if it has, and what
   * was not said.
   */
  async close(): Promise<string[]> {
    const { client, otherPerson } = this.conversation
    const { state } = client
    const why = otherPerson === undefined ? '' : `: ${otherPerson} is logged in now`
    const lines = state.kind === 'ended' ? [`The server has ended it: ${state.code}${why}.`] : []
    client.close()
    // Now the conversation learns what this has rejected.
    await undefined
    const notSaid = this.conversation.notSaid.map(
      ({ room, saying }) => `[${room.name}] ${notSaidLine(saying)}`,
    )
    return [...lines, ...notSaid]
  }

  #show(room: OpenRoom | undefined): void {
    this.#room = room
    this.#frozenAt = undefined
  }

  async #listRooms(): Promise<void> {
    const { client } = this.conversation
    const answer = await client.request({ type: 'rooms' }).catch(() => undefined)
    const rooms: { room: string; members: number }[] = answer?.rooms ?? []
    this.#notice =
      rooms.map(({ room, members }) => `${room} (${members})`).join('  ') || 'No rooms.'
    this.#draw()
  }

  #onChange(change: Change): void {
    if (change.kind === 'refused') this.#notice = `${change.name}: ${change.problem}`
    this.#draw()
  }

  #draw(): void {
    const { rooms } = this.conversation
    if (this.#room && !rooms.includes(this.#room)) this.#show(rooms.at(0))
    // The room may have let go of what was shown.
    const first = this.#room?.messages.at(0)?.number ?? 0
    if (this.#frozenAt !== undefined && this.#frozenAt < first) this.#frozenAt = this.#room?.last
    if (this.#room && this.#frozenAt === undefined) this.conversation.read(this.#room)
    this.version += 1
    for (const listener of this.#listeners) listener()
  }
}
