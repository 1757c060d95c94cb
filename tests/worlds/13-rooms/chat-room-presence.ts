/** Who is in a room of chapter 13: a name with two connections, and rooms that nobody is in. */

import type { Stage } from '../../judge/step.ts'
import type { HubWorld, ScriptedMember } from './chat-rooms.ts'

interface Pair {
  ada: ScriptedMember
  bob: ScriptedMember
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
  bob.inbox.expect([], {
    because: 'Ada is still here on her phone.',
    likely: 'She is gone when #count() returns 0.',
    look: 'room.exit()',
  })
  world.leave(phone, 'kitchen')
  bob.inbox.expect([{ type: 'member', room: 'kitchen', name: 'ADA', is: 'gone' }], {
    because: 'That was her last connection. To join twice is to be a member once.',
    likely: 'A member who joins again changes nothing: look before you enter().',
    look: ['hub.join()', 'room.exit()'],
  })
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
    look: 'hub.leave()',
  })
  bob.inbox.expect([], { because: 'Nothing has happened.' })
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
    likely: '#close() the room when its last member has left.',
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
