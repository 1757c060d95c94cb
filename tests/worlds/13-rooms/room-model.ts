/** Twenty lines of a room, and commands that play a hub against it: joins, leaves, messages and losses in any order. */

import fc from 'fast-check'
import type { ChatMessage } from '../../protocols/chat.ts'
import type { QuietStage } from '../for-all.ts'
import type { HubWorld, ScriptedMember } from './chat-rooms.ts'

/** A room as it should be: who is in it, in which order they came, and how much has been said. */
class ModelRoom {
  readonly members: ScriptedMember[] = []
  last = 0

  has(name: string): boolean {
    return this.members.some((member) => member.name === name)
  }
}

export class Model {
  readonly rooms = new Map<string, ModelRoom>()
  /** What everybody has to be told, in words. */
  readonly due = new Map<ScriptedMember, string[]>()

  join(member: ScriptedMember, name: string): void {
    const room = this.rooms.get(name) ?? new ModelRoom()
    this.rooms.set(name, room)
    if (room.members.includes(member)) return
    if (!room.has(member.name)) this.tell(room, `${member.name} is here in ${name}`)
    room.members.push(member)
  }

  leave(member: ScriptedMember, name: string): boolean {
    const room = this.rooms.get(name)
    if (!room?.members.includes(member)) return false
    room.members.splice(room.members.indexOf(member), 1)
    if (!room.has(member.name)) this.tell(room, `${member.name} is gone from ${name}`)
    if (room.members.length === 0) this.rooms.delete(name)
    return true
  }

  say(member: ScriptedMember, name: string): boolean {
    const room = this.rooms.get(name)
    if (!room?.members.includes(member)) return false
    room.last += 1
    this.owe(member, `said ${room.last} in ${name}`)
    this.tell(room, `${room.last} by ${member.name} in ${name}`)
    return true
  }

  tell(room: ModelRoom, words: string): void {
    for (const member of room.members) this.owe(member, words)
  }

  owe(member: ScriptedMember, words: string): void {
    this.due.set(member, [...(this.due.get(member) ?? []), words])
  }
}

/** A message of the hub in the model's words. */
function inWords({ type, name, room, number, is }: ChatMessage): string {
  if (type === 'said') return `said ${number} in ${room}`
  if (type === 'message') return `${number} by ${name} in ${room}`
  return `${name} is ${is} ${is === 'here' ? 'in' : 'from'} ${room}`
}

/** A hub and its model, and the members that play in both. */
export interface Play {
  stage: QuietStage
  world: HubWorld
  members: ScriptedMember[]
}

export type Move = 'join' | 'leave' | 'say' | 'drop'

const ROOMS = ['kitchen', 'attic']

class Command implements fc.Command<Model, Play> {
  readonly #move: Move
  readonly #who: number
  readonly #room: string

  constructor(move: Move, who: number, room: string) {
    this.#move = move
    this.#who = who
    this.#room = room
  }

  check(): boolean {
    return true
  }

  run(model: Model, { stage, world, members }: Play): void {
    const member = members[this.#who]
    const room = this.#room
    const expectOutcome = (outcome: string, expected: string) =>
      stage.expectSame('the outcome', outcome, expected, {
        because: 'Only members of a room can leave it or say something in it.',
        look: `hub.${this.#move}()`,
      })
    if (this.#move === 'join') {
      model.join(member, room)
      world.join(member, room)
    } else if (this.#move === 'leave') {
      const expected = model.leave(member, room) ? 'left' : 'not-a-member'
      expectOutcome(world.leave(member, room), expected)
    } else if (this.#move === 'say') {
      const expected = model.say(member, room) ? 'taken' : 'not-a-member'
      expectOutcome(world.say(member, room, 'hi'), expected)
    } else {
      for (const name of [...model.rooms.keys()]) model.leave(member, name)
      world.story.tell(member.inbox.label, 'loses its connection', 'toServer')
      world.hub.leaveAll(member)
    }
    expectAgreement(model, { stage, world, members }, this.#move)
  }

  toString(): string {
    return `${this.#move} ${this.#who} ${this.#room}`
  }
}

/** Any moves of `members` members. */
export function anyMoves(
  moves: Move[],
  members: number,
): fc.Arbitrary<Iterable<fc.Command<Model, Play>>> {
  const command = fc
    .tuple(fc.constantFrom(...moves), fc.nat({ max: members - 1 }), fc.constantFrom(...ROOMS))
    .map(([move, who, room]) => new Command(move, who, room))
  return fc.commands([command], { maxCommands: 40, size: 'max' })
}

export function play(moves: Iterable<fc.Command<Model, Play>>, real: Play): void {
  fc.modelRun(() => ({ model: new Model(), real }), moves)
}

/** Everybody was told what the model says, and both know the same members. */
function expectAgreement(model: Model, { stage, world, members }: Play, move: Move): void {
  const look = `hub.${move === 'drop' ? 'leaveAll' : move}()`
  const asLeave = 'leaveAll() leaves every room of the member as leave() does, before it returns.'
  const likely = move === 'drop' ? asLeave : undefined
  for (const member of members) {
    const received = member.inbox.take().map(inWords)
    const due = model.due.get(member) ?? []
    model.due.delete(member)
    // Which of two rooms is told first that somebody is lost is nobody's business.
    for (const room of ROOMS) {
      const of = (words: string[]) => words.filter((each) => each.endsWith(` ${room}`))
      stage.expectSame(
        `what ${member.inbox.label} was told about the ${room}`,
        of(received),
        of(due),
        {
          because: 'Members are told everything that happens in their rooms, once, in one order.',
          likely,
          look,
        },
      )
    }
  }
  const inWorld = members.map((member) => ROOMS.filter((room) => world.namesIn(room, member)))
  const inModel = members.map((member) =>
    ROOMS.filter((room) => model.rooms.get(room)?.members.includes(member)),
  )
  stage.expectSame('the rooms of each member', inWorld, inModel, {
    because: 'A member is in the rooms that it has joined and not left.',
    likely,
    look,
  })
  for (const [name, room] of model.rooms) {
    const names = [...new Set(room.members.map((member) => member.name))]
    const received = world.namesIn(name, room.members[0])
    stage.expectSame(`the names in ${name}`, received?.toSorted(), names.toSorted(), {
      because: 'A name is in the list as long as one of its connections is in the room.',
      likely,
      look,
    })
  }
  stage.expectSame('the rooms', world.rooms.toSorted(), [...model.rooms.keys()].toSorted(), {
    because: 'A room exists while somebody is in it.',
    likely: 'The last member closes the room, however it leaves.',
    look,
  })
}
