/** Chat sessions under test, with peers that are arrays. What a peer has asked is done when the call returns. */

import { setImmediate as turn } from 'node:timers/promises'
import type { Ending } from '#code/07-event-loop/connection.ts'
import type { Chat, ChatSession, Handler } from '#code/13-rooms/chat-session.ts'
import type { Journal } from '#code/13-rooms/journal.ts'
import type { Outgoing, Peer } from '#code/13-rooms/peer.ts'
import type { Requests } from '#code/13-rooms/protocol.ts'
import type { Story } from '../../harness/story.ts'
import type { Stage } from '../../judge/step.ts'
import { type ChatMessage, inShort } from '../../protocols/chat.ts'
import { Inbox } from './chat-rooms.ts'

/** How many turns of Node's loop a session gets for a few requests: they need none, and may let the loop have one each. */
const TURNS = 12

/** One end of a connection, and its session at the other. */
export class ScriptedPeer implements Peer {
  readonly address = '127.0.0.1'
  readonly inbox: Inbox
  readonly #makeSession: (peer: Peer) => ChatSession
  #session: ChatSession | undefined
  /** Why the connection has been ended, if it has. */
  ending: Ending | undefined
  /** Takes nothing more: `send()` returns `false`. */
  isDeaf = false
  isPaused = false

  constructor(label: string, story: Story, makeSession: (peer: Peer) => ChatSession) {
    this.inbox = new Inbox(label, story)
    this.#makeSession = makeSession
  }

  get session(): ChatSession {
    this.#session ??= this.#makeSession(this)
    return this.#session
  }

  send(message: Outgoing): boolean {
    if (this.isDeaf || this.ending) return false
    this.inbox.put(JSON.parse(message.text))
    return true
  }

  close(ending: Ending): void {
    this.inbox.story.tell(this.inbox.label, `has its connection ended: ${ending}`, 'fromServer')
    this.ending ??= ending
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
  }

  /** Sends a request, and does not wait for anything. */
  sends(request: ChatMessage | string): void {
    this.inbox.story.tell(this.inbox.label, `sends ${inShort(request)}`, 'toServer')
    this.session.receive(typeof request === 'string' ? request : JSON.stringify(request))
  }
}

export interface ChatOptions {
  journal?: Journal
  /** In place of the chapter's own, or beside them. */
  handlers?: Record<string, Handler>
  membersPerRoom?: number
  roomsPerMember?: number
  beforeWelcome?: ReadonlySet<string>
  /** Types beside the chapter's own. */
  requests?: Requests
}

/** The chapter's functions, loaded once for any number of worlds. */
export async function loadChat({ load }: Pick<Stage, 'load'>) {
  const { makeChat } = await load(() => import('#code/13-rooms/server.ts'))
  const { ChatSession } = await load(() => import('#code/13-rooms/chat-session.ts'))
  const { helloByName } = await load(() => import('#code/13-rooms/handlers.ts'))
  const { MemoryJournal } = await load(() => import('#code/13-rooms/journal.ts'))
  const { Names } = await load(() => import('#code/13-rooms/people.ts'))
  return { makeChat, ChatSession, helloByName, MemoryJournal, Names }
}

type Modules = Awaited<ReturnType<typeof loadChat>>

/** Sessions that share one chat; its clock always shows 1000. */
export class ChatWorld {
  readonly story: Story
  readonly chat: Chat
  /** What handlers have thrown. */
  readonly bugs: unknown[] = []
  /** Whether handlers throw because the test wants them to. */
  expectsBugs = false
  readonly #modules: Modules

  constructor(modules: Modules, story: Story, options: ChatOptions = {}) {
    const { MemoryJournal, Names, helloByName, makeChat } = modules
    const { journal = new MemoryJournal({ now: () => 1_000 }), handlers, ...more } = options
    const { beforeWelcome, requests, ...limits } = more
    const chat = makeChat(journal, helloByName(new Names(), 'the-server'), limits)
    this.#modules = modules
    this.story = story
    this.chat = {
      ...chat,
      requests: { ...chat.requests, ...requests },
      handlers: { ...chat.handlers, ...handlers },
      beforeWelcome: beforeWelcome ?? chat.beforeWelcome,
      onBug: (error) => void this.bugs.push(error),
    }
  }

  connect(label: string): ScriptedPeer {
    const { ChatSession } = this.#modules
    return new ScriptedPeer(label, this.story, (peer) => new ChatSession(peer, this.chat))
  }

  /** Somebody who has been welcomed, and is in these rooms. */
  async arrive(name: string, ...rooms: string[]): Promise<ScriptedPeer> {
    const peer = this.connect(name)
    await this.ask(peer, { id: 1, type: 'hello', version: 1, name })
    for (const room of rooms) {
      this.story.tell(name, `is in ${room}`)
      this.chat.hub.join(peer.session, room)
    }
    peer.inbox.take()
    return peer
  }

  /** Sends these requests at once, and lets the session do what there is to do. */
  async ask(peer: ScriptedPeer, ...requests: (ChatMessage | string)[]): Promise<void> {
    for (const request of requests) peer.sends(request)
    await this.settle()
  }

  /** Lets everything be done that does not wait for anybody. What has thrown comes out here. */
  async settle(turns = TURNS): Promise<void> {
    for (let count = 0; count < turns; count++) await turn()
    if (this.bugs.length > 0 && !this.expectsBugs) throw this.bugs[0]
  }
}
