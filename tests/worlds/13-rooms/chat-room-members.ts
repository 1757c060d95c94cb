/** Members of a hub under test who come and go, or are too many. */

import type { Stage } from '../../judge/step.ts'
import { forAll } from '../for-all.ts'
import { HubWorld, loadRooms } from './chat-rooms.ts'
import { anyMoves, play } from './room-model.ts'

/** Two members a room and two rooms a member, in that world. */
export function expectLimits({ expectSame, story }: Stage, world: HubWorld): void {
  story.tell('test', 'opens another hub: 2 members in a room, 2 rooms for a member')
  const [ada, bob, cyd] = ['ada', 'bob', 'cyd'].map((name) => world.member(name))
  for (const member of [ada, bob]) world.join(member, 'kitchen')
  for (const { inbox } of [ada, bob]) inbox.take()
  expectSame('join() by the third', world.join(cyd, 'kitchen'), 'room-full', {
    because: 'Two are inside.',
    likely: 'Ask #whyNot() before anything is changed.',
  })
  for (const { inbox } of [ada, bob]) inbox.expect([], { because: 'Nobody has come.' })
  for (const room of ['attic', 'attic', 'kitchen']) {
    for (const member of [ada, bob]) world.join(member, room)
    world.join(cyd, room)
  }
  for (const member of [ada, bob]) world.leave(member, 'attic')
  for (const { inbox } of [ada, bob]) inbox.take()
  expectSame('join() by the first', world.join(ada, 'kitchen'), 'joined', {
    because: 'She is inside. To join again changes nothing, in a full room as well.',
    likely: 'Look whether she is a member first, and then at the limits.',
  })
  world.leave(bob, 'kitchen')
  expectSame('join() by the third', world.join(cyd, 'kitchen'), 'joined', {
    because: 'bob has left: there is a place. She was refused three times, and is in no room.',
    likely: 'Ask #whyNot() before anything is changed: a refusal leaves nothing behind.',
    look: 'hub.join()',
  })
  expectSame('join() of a second room', world.join(cyd, 'attic'), 'joined', {
    because: 'She is in one. She was refused elsewhere: that counts for nothing.',
    likely: 'Ask #whyNot() before anything is changed.',
    look: 'hub.join()',
  })
  world.join(world.member('dee'), 'porch')
  expectSame('join() of a third room', world.join(cyd, 'porch'), 'too-many-rooms', {
    because: 'She is in two.',
    likely:
      '#roomsBy() returns a new set for a member without rooms. Store it in #roomsOf, or the room is forgotten.',
  })
  expectSame('join() of a new room', world.join(cyd, 'cellar'), 'too-many-rooms', {
    because: 'She is in two. Nobody is in the cellar, but that changes nothing.',
    likely: 'Ask #whyNot() about a room that nobody is in, too: it may be undefined.',
  })
  expectSame('the rooms', world.rooms, ['kitchen', 'attic', 'porch'], {
    because: 'A refusal opens no room.',
    likely: 'Open the room when nothing can be refused any more.',
  })
  world.leave(cyd, 'kitchen')
  expectSame('join() of another room', world.join(cyd, 'cellar'), 'joined', {
    because: 'She has left one.',
    likely: 'A room that was left is taken out of the member’s rooms.',
    look: 'hub.leave()',
  })
  expectSame('join() of one more', world.join(cyd, 'hall'), 'too-many-rooms', {
    because: 'She left one of two, and joined another: she is in two.',
    likely: 'Take out the room that was left, and no other.',
    look: 'hub.leave()',
  })
}

export async function expectModel(
  stage: Stage,
  what: string,
  moves: Parameters<typeof anyMoves>[0],
): Promise<void> {
  const modules = await loadRooms(stage)
  await forAll(stage, what, anyMoves(moves, 4), (quiet, commands) => {
    const world = new HubWorld(modules, quiet.story)
    const members = [
      world.member('ada'),
      world.member('bob'),
      world.member('bob’s phone', 'bob'),
      world.member('cyd'),
    ]
    play(commands, { stage: quiet, world, members })
  })
}
