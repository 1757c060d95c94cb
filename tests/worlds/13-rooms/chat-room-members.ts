/** Members of a hub under test who come and go, or are too many. */

import type { Stage } from '../../judge/step.ts'
import { forAll } from '../for-all.ts'
import { HubWorld, loadRooms } from './chat-rooms.ts'
import { anyMoves, play } from './room-model.ts'

/** Two members a room and two rooms a member, in that world. */
export function expectLimits({ expectSame, story }: Stage, world: HubWorld): void {
  story.tell('test', 'opens another hub: at most 2 members per room and 2 rooms per member')
  const [ada, bob, cyd] = ['ada', 'bob', 'cyd'].map((name) => world.member(name))
  for (const member of [ada, bob]) world.join(member, 'kitchen')
  for (const { inbox } of [ada, bob]) inbox.take()
  expectSame('join() by cyd', world.join(cyd, 'kitchen'), 'room-full', {
    because: 'Two members are in the room, which is the limit.',
    likely: 'Call #whyNot() before anything is changed.',
  })
  for (const { inbox } of [ada, bob]) inbox.expect([], { because: 'Nobody has joined.' })
  for (const room of ['attic', 'attic', 'kitchen']) {
    for (const member of [ada, bob]) world.join(member, room)
    world.join(cyd, room)
  }
  for (const member of [ada, bob]) world.leave(member, 'attic')
  for (const { inbox } of [ada, bob]) inbox.take()
  expectSame('join() by ada', world.join(ada, 'kitchen'), 'joined', {
    because: 'She is in the room. Joining again changes nothing, even in a full room.',
    likely: 'Check first whether she is a member, and then the limits.',
  })
  world.leave(bob, 'kitchen')
  expectSame('join() by cyd', world.join(cyd, 'kitchen'), 'joined', {
    because:
      'bob has left, so there is a place for cyd. She was refused four times, and is in no room.',
    likely: 'Call #whyNot() before anything is changed: a refusal leaves nothing behind.',
    look: 'hub.join()',
  })
  expectSame('join() of a second room', world.join(cyd, 'attic'), 'joined', {
    because: 'She is in one room. The joins that were refused do not count.',
    likely: 'Call #whyNot() before anything is changed.',
    look: 'hub.join()',
  })
  world.join(world.member('dee'), 'porch')
  expectSame('join() of a third room', world.join(cyd, 'porch'), 'too-many-rooms', {
    because: 'She is in two rooms, which is the limit.',
    likely:
      '#roomsBy() returns a new set for a member without rooms. Store it in #roomsOf, or the room is forgotten.',
  })
  expectSame('join() of a new room', world.join(cyd, 'cellar'), 'too-many-rooms', {
    because: 'She is in two rooms. That nobody is in the cellar changes nothing.',
    likely: 'Call #whyNot() for a room that nobody is in, too: the room may be undefined.',
  })
  expectSame('the rooms', world.rooms, ['kitchen', 'attic', 'porch'], {
    because: 'A refusal opens no room.',
    likely: 'Open the room only when the join can no longer be refused.',
  })
  world.leave(cyd, 'kitchen')
  expectSame('join() of another room', world.join(cyd, 'cellar'), 'joined', {
    because: 'She has left one of her two rooms.',
    likely: 'leave() has to take the room out of the member’s rooms.',
    look: 'hub.leave()',
  })
  expectSame('join() of one more', world.join(cyd, 'hall'), 'too-many-rooms', {
    because: 'She left one of two rooms and joined another, so she is in two.',
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
