/** Who is in a room of chapter 13: a name with two connections, and rooms that nobody is in. */

import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'
import type { ChatMessage } from '../../protocols/chat.ts'
import { HubWorld, type RoomModules, type ScriptedMember } from './chat-rooms.ts'

interface Pair {
  ada: ScriptedMember
  bob: ScriptedMember
}

/** Why ada has not been told once that bob is here. */
export function whyNotHere(world: HubWorld, { ada, bob }: Pair): (heard: ChatMessage[]) => Reason {
  return (heard) => {
    const [hers, his] = [ada, bob].map((member) => world.hub.roomOf(member, 'kitchen'))
    const isOne = hers !== undefined && hers === his
    return {
      because: 'Those who are in the room are told who comes.',
      likely: !isOne
        ? 'They are not in one room. Open a room if there is none of that name; otherwise enter the one that there is.'
        : heard.length > 1
          ? 'Each member is told once.'
          : '#announce() tells the others, when #count() says that there is 1.',
      look: isOne ? ['room.enter()', 'room.tell()'] : 'hub.join()',
    }
  }
}

/** Ada is in the kitchen, and comes again with her phone. */
export function expectPresenceOfName(
  { expectSame }: Stage,
  world: HubWorld,
  { ada, bob }: Pair,
): void {
  const phone = world.member('ada’s phone', 'ADA')
  world.join(phone, 'kitchen')
  bob.inbox.expect([], {
    because: 'Ada is here already, with another connection. Presence belongs to the name.',
    likely: 'Announce only when #count() returns 1.',
    look: 'room.enter()',
  })
  world.join(phone, 'kitchen')
  world.join(bob, 'kitchen')
  expectSame('leave()', world.leave(ada, 'kitchen'), 'left', { because: 'She was a member.' })
  expectSame('names in a room of hers', world.namesIn('kitchen', ada), undefined, {
    because: 'She has left with this connection: it is in no room.',
    likely: 'exit() takes it out of the members.',
    look: ['room.exit()', 'hub.leave()'],
  })
  bob.inbox.expect([], {
    because: 'Ada is still here on her phone.',
    likely: 'She is gone when #count() returns 0.',
    look: 'room.exit()',
  })
  const expectOpen = (because: string) =>
    expectSame('the rooms', world.rooms, ['kitchen'], {
      because,
      likely: '#close() a room when nobody is in it any more: members.size is 0.',
      look: 'hub.leave()',
    })
  expectOpen('Her phone and bob are in the kitchen.')
  world.join(ada, 'kitchen')
  world.leave(phone, 'kitchen')
  bob.inbox.expect([], {
    because: 'Ada is still here. Upper and lower case are one name.',
    likely: '#count() knows how many connections of a name there are, however it is spelled.',
    look: 'room.exit()',
  })
  world.join(phone, 'kitchen')
  world.leave(ada, 'kitchen')
  world.leave(phone, 'kitchen')
  bob.inbox.expect([{ type: 'member', room: 'kitchen', name: 'ADA', is: 'gone' }], (heard) => ({
    because: 'That was her last connection. To join twice is to be a member once.',
    likely:
      heard.length === 0
        ? 'She is gone when #count() returns 0. A member who joins again is not counted again: look before you enter().'
        : '#announce() her as gone, once, when #count() returns 0.',
    look: heard.length === 0 ? ['hub.join()', 'room.exit()'] : 'room.exit()',
  }))
  expectOpen('bob is in the kitchen.')
  ada.inbox.expect([], {
    because: 'She has left, and is told nothing more from there.',
    look: ['room.exit()', 'hub.leave()'],
  })
  phone.inbox.expect([], {
    because: 'A member who leaves knows it.',
    look: ['room.exit()', 'hub.leave()'],
  })
  expectSame('leave()', world.leave(ada, 'kitchen'), 'not-a-member', {
    because: 'She has left before.',
    likely:
      'That there is such a room says nothing about her: roomOf() looks into the rooms of a member.',
    look: 'hub.leave()',
  })
  bob.inbox.expect([], { because: 'Nothing has happened.' })
}

/** The journal is asked for a room when it is opened, and hears when it is closed. */
export function expectJournalFollows({ expectSame, story }: Stage, modules: RoomModules): void {
  story.tell('test', 'opens another hub, and notes what it asks of the journal')
  const asked: string[] = []
  const journal = new modules.MemoryJournal({ now: () => 1_000 })
  const { open, release } = journal
  journal.open = (room) => {
    asked.push(`open ${room}`)
    return open.call(journal, room)
  }
  journal.release = (room) => {
    asked.push(`release ${room}`)
    release.call(journal, room)
  }
  const world = new HubWorld(modules, story, { journal })
  const [ada, bob] = [world.member('ada'), world.member('bob')]
  bob.onDrop = () => void world.hub.leave(bob, 'kitchen')
  for (const member of [ada, bob, ada]) world.join(member, 'kitchen')
  story.tell('bob', 'cannot be told anything any more')
  bob.isDeaf = true
  world.leave(ada, 'kitchen')
  expectSame('what the journal was asked', asked, ['open kitchen', 'release kitchen'], {
    because:
      'ada opens the kitchen. It is closed once: bob cannot be told that she is gone, so he has left before she is out.',
    likely: '#open() makes a room that is not there, and #close() closes it once. Use both.',
    look:
      asked.filter((each) => each.startsWith('open')).length === 1 ? 'hub.leave()' : 'hub.join()',
  })
}

/** The last one leaves the kitchen. */
export function expectRoomsClosed(
  { expectSame }: Stage,
  world: HubWorld,
  { ada, bob }: Pair,
): void {
  world.leave(bob, 'kitchen')
  expectSame('the rooms', world.rooms, [], {
    because: 'Nobody is left in the kitchen. Rooms that nobody is in would pile up.',
    likely: '#close() the room when its last member has left, before leave() returns.',
    look: 'hub.leave()',
  })
  for (const room of ['nowhere', '__proto__']) {
    expectSame('leave()', world.leave(bob, room), 'not-a-member', {
      because: 'There is no such room.',
      look: 'hub.leave()',
    })
  }
  expectSame('the rooms', world.rooms, [], {
    because: 'To leave a room that nobody is in does not open it.',
    likely: 'Only join() opens a room.',
  })
  world.join(ada, '__proto__')
  world.join(bob, '__proto__')
  expectSame('names', world.namesIn('__proto__', bob), ['Ada', 'bob'], {
    because: 'It is a room like any other.',
  })
}
