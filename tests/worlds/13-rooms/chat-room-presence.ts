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
      because: 'The members who are in the room are told who joins.',
      likely: !isOne
        ? 'They are not in the same room. Open a room only if there is none of that name; otherwise enter the existing one.'
        : heard.length > 1
          ? 'Each member is told once.'
          : 'Call #announce() when #count() returns 1: it tells the others.',
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
    because: 'Ada is here already, on another connection. Presence belongs to the name.',
    likely: 'Announce only when #count() returns 1.',
    look: 'room.enter()',
  })
  world.join(phone, 'kitchen')
  world.join(bob, 'kitchen')
  expectSame('leave()', world.leave(ada, 'kitchen'), 'left', { because: 'She was a member.' })
  expectSame(
    'the names in the kitchen, as ada sees them,',
    world.namesIn('kitchen', ada),
    undefined,
    {
      because: 'This connection of hers has left: it is in no room.',
      likely: 'exit() has to remove it from the members.',
      look: ['room.exit()', 'hub.leave()'],
    },
  )
  bob.inbox.expect([], {
    because: 'Ada is still here on her phone.',
    likely: 'She is gone only when #count() returns 0.',
    look: 'room.exit()',
  })
  const expectOpen = (because: string) =>
    expectSame('the rooms', world.rooms, ['kitchen'], {
      because,
      likely: 'Call #close() only when nobody is in the room any more: members.size is 0.',
      look: 'hub.leave()',
    })
  expectOpen('Her phone and bob are in the kitchen.')
  world.join(ada, 'kitchen')
  world.leave(phone, 'kitchen')
  bob.inbox.expect([], {
    because: 'Ada is still here. Names that differ only in case are one name.',
    likely: '#count() returns how many connections a name has, however it is spelled.',
    look: 'room.exit()',
  })
  world.join(phone, 'kitchen')
  world.leave(ada, 'kitchen')
  world.leave(phone, 'kitchen')
  bob.inbox.expect([{ type: 'member', room: 'kitchen', name: 'ADA', is: 'gone' }], (heard) => ({
    because: 'That was her last connection. A connection that joins twice is still one member.',
    likely:
      heard.length === 0
        ? 'She is gone when #count() returns 0. Do not count a member who joins again: check before you call enter().'
        : 'Call #announce() with `gone`, once, when #count() returns 0.',
    look: heard.length === 0 ? ['hub.join()', 'room.exit()'] : 'room.exit()',
  }))
  expectOpen('bob is in the kitchen.')
  ada.inbox.expect([], {
    because: 'She has left, and is told nothing more about this room.',
    look: ['room.exit()', 'hub.leave()'],
  })
  phone.inbox.expect([], {
    because: 'A member who leaves knows that, and is not told.',
    look: ['room.exit()', 'hub.leave()'],
  })
  expectSame('leave()', world.leave(ada, 'kitchen'), 'not-a-member', {
    because: 'She has left already.',
    likely: 'It is not enough that the room exists: roomOf() checks whether she is in it.',
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
  story.tell('bob', 'can be told nothing more')
  bob.isDeaf = true
  world.leave(ada, 'kitchen')
  expectSame('what the journal was asked', asked, ['open kitchen', 'release kitchen'], {
    because:
      'ada opens the kitchen. It is closed once: bob cannot be told that she is gone, so he is dropped, and leaves before her leave() returns.',
    likely: '#open() opens a room that does not exist yet, and #close() closes it once. Use both.',
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
    because: 'Nobody is left in the kitchen. Empty rooms would pile up.',
    likely: 'Call #close() when the last member has left, before leave() returns.',
    look: 'hub.leave()',
  })
  for (const room of ['nowhere', '__proto__']) {
    expectSame('leave()', world.leave(bob, room), 'not-a-member', {
      because: 'There is no such room.',
      look: 'hub.leave()',
    })
  }
  expectSame('the rooms', world.rooms, [], {
    because: 'Leaving a room that does not exist does not open it.',
    likely: 'Only join() opens a room.',
  })
  world.join(ada, '__proto__')
  world.join(bob, '__proto__')
  expectSame('the names in __proto__', world.namesIn('__proto__', bob), ['Ada', 'bob'], {
    because: 'To the hub it is a name like any other.',
  })
}
