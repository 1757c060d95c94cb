/** 200 members of one room of chapter 13 who all talk: every one of them hears the same, in one order. */

import type { Hub } from '#code/13-rooms/hub.ts'
import type { Member } from '#code/13-rooms/room.ts'
import { randomInteger } from '../../harness/random.ts'
import type { Stage } from '../../judge/step.ts'
import { inShort } from '../../protocols/chat.ts'
import { isRun } from './chat-crowd.ts'
import type { RoomModules } from './chat-rooms.ts'

export function expectOneOrder(
  { expect, expectSame, random, story }: Stage,
  modules: RoomModules,
): void {
  story.tell('test', 'lets 200 members of one room say 1,000 messages, in random order')
  const crowd = Crowd.gather(modules, 200)
  for (let count = 0; count < 1_000; count++) {
    crowd.say(randomInteger(random, 200), `this is message ${count}`)
  }
  expectSame('the number of encodings', crowd.encodings, 1_000, {
    because: '1,000 messages to 200 members are 1,000 encodings, not 200,000.',
    likely: 'Make one Outgoing for all members: each door encodes it once.',
    look: 'hub.#tell()',
  })
  const [first, ...others] = crowd.heard
  const numbers = first.map((message) => JSON.parse(message).number)
  expect('the first member to hear 1, 2, 3, …', isRun(numbers, 1, 1_000), {
    because: '1,000 messages were said, and each has one number.',
    likely: 'The history keeps the newest messages only, but its `last` goes on counting.',
    received: inShort(numbers),
    look: 'journal.append()',
  })
  const differing = others.findIndex((heard) => heard.join() !== first.join())
  expect('all of them to hear the same, in the same order', differing < 0, {
    because: 'A broadcast is made in one turn, so nothing can come in between.',
    likely: 'tell() must not await anything between two members.',
    received: `member ${differing + 2} has heard something different from member 1`,
    look: ['room.tell()', 'hub.#tell()'],
  })
}

/** Many members of one room, without a story. */
class Crowd {
  /** Every message that each of them was told, but not who came. */
  readonly heard: string[][] = []
  encodings = 0
  readonly #hub: Hub
  readonly #members: Member[] = []

  /** They are all behind one door. */
  readonly #encode = (text: string): Uint8Array => {
    this.encodings += 1
    return Buffer.from(text)
  }

  private constructor({ Hub, MemoryJournal }: RoomModules) {
    this.#hub = new Hub(new MemoryJournal({ now: () => 1_000 }))
  }

  static gather(modules: RoomModules, count: number): Crowd {
    const crowd = new Crowd(modules)
    for (let place = 0; place < count; place++) crowd.#enter(`member${place}`)
    for (const heard of crowd.heard) heard.length = 0
    crowd.encodings = 0
    return crowd
  }

  say(place: number, text: string): void {
    const member = this.#members[place]
    this.#hub.say(member, { room: 'hall', name: member.name, text, onKept() {} })
  }

  #enter(name: string): void {
    const heard: string[] = []
    const member: Member = {
      name,
      send: (message) => {
        message.encodedBy(this.#encode)
        heard.push(message.text)
        return true
      },
      drop() {},
    }
    this.heard.push(heard)
    this.#members.push(member)
    this.#hub.join(member, 'hall')
  }
}
