/** A hub under test with members who are arrays: what each of them has been told, and in which order. */

import type { Hub } from '#code/13-rooms/hub.ts'
import type { Draft, History, Journal, Kept, Message } from '#code/13-rooms/journal.ts'
import type { Outgoing } from '#code/13-rooms/peer.ts'
import type { Member } from '#code/13-rooms/room.ts'
import { Failure, type Reason } from '../../harness/failure.ts'
import type { Story } from '../../harness/story.ts'
import type { Stage } from '../../judge/step.ts'
import { type ChatMessage, fits, inLines, inShort } from '../../protocols/chat.ts'

/** A listener with a story: of a session's peer as of a hub's member. */
export class Inbox {
  readonly label: string
  readonly story: Story
  /** Everything since the last expectation. */
  #fresh: ChatMessage[] = []

  constructor(label: string, story: Story) {
    this.label = label
    this.story = story
  }

  put(message: ChatMessage): void {
    this.story.tell(this.label, `is told ${inShort(message)}`, 'fromServer')
    this.#fresh.push(message)
  }

  /** What has come since the last expectation. */
  take(): ChatMessage[] {
    return this.#fresh.splice(0)
  }

  /** Expects exactly these messages since the last expectation, by the fields that are given. */
  expect(expected: ChatMessage[], why: Reason | ((received: ChatMessage[]) => Reason)): void {
    const received = this.take()
    const reason = typeof why === 'function' ? why(received) : why
    const isKept = fits(received, expected)
    const what =
      expected.length === 0 ? 'to be told nothing' : expected.map(inShort).join(', then ')
    this.story.judge(this.label, `expects ${what}`, isKept ? 'kept' : 'broken')
    if (isKept) return
    throw new Failure(this.story, {
      headline: `${this.label} was told ${received.length === 0 ? 'nothing' : 'something else'}.`,
      expected: { text: inLines(expected) },
      received: { text: inLines(received) },
      ...reason,
    })
  }
}

export class ScriptedMember implements Member {
  readonly name: string
  readonly inbox: Inbox
  /** Cannot be told anything. */
  isDeaf = false
  /** How often it has been dropped. */
  drops = 0
  onDrop = () => {}

  constructor(label: string, name: string, story: Story) {
    this.name = name
    this.inbox = new Inbox(label, story)
  }

  send(message: Outgoing): boolean {
    if (this.isDeaf) return false
    this.inbox.put(JSON.parse(message.text))
    return true
  }

  drop(): void {
    this.drops += 1
    this.onDrop()
  }
}

/** A journal that keeps what it is given when the test says so. It shares no line with the one under test. */
export class SlowJournal implements Journal {
  onKept: (kept: readonly Kept[]) => void = () => {}
  readonly drafts: Draft[] = []
  readonly #last = new Map<string, number>()

  append(draft: Draft): void {
    this.drafts.push(draft)
  }

  /** Keeps the oldest drafts together, or fails to; or keeps all but some of them. Returns the list that it has passed on. */
  keep(count: number, isKept: boolean | ((text: string) => boolean) = true): readonly Kept[] {
    const kept = this.drafts.splice(0, count).map((draft): Kept => {
      if (typeof isKept === 'boolean' ? !isKept : !isKept(draft.text))
        return { draft, message: undefined }
      const number = (this.#last.get(draft.room) ?? 0) + 1
      this.#last.set(draft.room, number)
      const message: Message = { number, name: draft.name, text: draft.text, at: 1_000 + number }
      return { draft, message }
    })
    this.onKept(kept)
    return kept
  }

  open(room: string): History {
    const last = () => this.#last.get(room) ?? 0
    return {
      get last() {
        return last()
      },
      get first() {
        return last() + 1
      },
      page: () => ({ messages: [], more: false }),
    }
  }

  release(): void {}
}

export interface HubOptions {
  membersPerRoom?: number
  roomsPerMember?: number
  journal?: Journal
}

/** The chapter's classes, loaded once for any number of worlds. */
export async function loadRooms({ load }: Pick<Stage, 'load'>) {
  const { Hub } = await load(() => import('#code/13-rooms/hub.ts'))
  const { MemoryJournal } = await load(() => import('#code/13-rooms/journal.ts'))
  return { Hub, MemoryJournal }
}

export type RoomModules = Awaited<ReturnType<typeof loadRooms>>

/** A hub on the chapter's own journal, unless told otherwise, at a clock that always shows 1000. */
export class HubWorld {
  readonly hub: Hub
  readonly story: Story
  constructor({ Hub, MemoryJournal }: RoomModules, story: Story, options: HubOptions = {}) {
    const { journal = new MemoryJournal({ now: () => 1_000 }), ...limits } = options
    this.story = story
    this.hub = new Hub(journal, limits)
  }

  /** A connection; several may have one name. */
  member(label: string, name = label): ScriptedMember {
    return new ScriptedMember(label, name, this.story)
  }

  /** `'joined'`, or the code of the refusal. */
  join(member: ScriptedMember, room: string): string {
    this.story.tell(member.inbox.label, `joins ${room}`, 'toServer')
    const outcome = this.hub.join(member, room)
    return 'code' in outcome ? outcome.code : 'joined'
  }

  leave(member: ScriptedMember, room: string): string {
    this.story.tell(member.inbox.label, `leaves ${room}`, 'toServer')
    return this.hub.leave(member, room)?.code ?? 'left'
  }

  /** What the sender is told goes to its inbox as well: `said`, or `not-saved`. */
  say(member: ScriptedMember, room: string, text: string): string {
    this.story.tell(member.inbox.label, `says ${JSON.stringify(text)} in ${room}`, 'toServer')
    const draft: Draft = {
      room,
      name: member.name,
      text,
      onKept: (message) => {
        if (message) member.inbox.put({ type: 'said', room, number: message.number })
        else member.inbox.put({ type: 'error', code: 'not-saved' })
      },
    }
    return this.hub.say(member, draft)?.code ?? 'taken'
  }

  /** Who is in a room that this member is in. */
  namesIn(room: string, member: ScriptedMember): string[] | undefined {
    return this.hub.roomOf(member, room)?.names
  }

  /** The names of all rooms. */
  get rooms(): string[] {
    return Array.from(this.hub.rooms, ({ name }) => name)
  }
}
