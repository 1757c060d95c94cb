/** Members of a hub under test who can be told nothing more. */

import { isDeepStrictEqual } from 'node:util'
import type { Outgoing } from '#code/13-rooms/peer.ts'
import type { Member } from '#code/13-rooms/room.ts'
import type { Stage } from '../../judge/step.ts'
import { fits, inLines, inShort } from '../../protocols/chat.ts'
import type { HubWorld } from './chat-rooms.ts'

/** Members who cannot be told any more, found when something is told, or when somebody comes. */
export async function expectLossesTold(stage: Stage, world: HubWorld): Promise<void> {
  const { Outgoing } = await stage.load(() => import('#code/13-rooms/peer.ts'))
  const { expect, expectSame, story } = stage
  story.tell('test', 'opens another hub')
  const enter = (label: string, ...rooms: string[]) => {
    const member = world.member(label, label.slice(0, 3))
    member.onDrop = () => {
      for (const room of rooms) world.hub.leave(member, room)
    }
    for (const room of rooms) world.join(member, room)
    return member
  }
  const labels = ['ada', 'bob', 'bob’s phone', 'cyd', 'dee']
  const [ada, bob, phone, cyd, dee] = labels.map((label) => enter(label, 'kitchen', 'attic'))
  for (const { inbox } of [ada, bob, phone, cyd, dee]) inbox.take()
  for (const member of [bob, phone, cyd]) {
    story.tell(member.inbox.label, 'can be told nothing more')
    member.isDeaf = true
  }
  const first = { type: 'message', room: 'kitchen', text: 'hi' }
  story.tell('test', `calls tell() of the kitchen with ${inShort(first)}`)
  world.hub.roomOf(ada, 'kitchen')?.tell(new Outgoing(first))
  const [toAda, toDee] = [ada, dee].map(({ inbox }) => inbox.take())
  expect(
    `ada and dee to be told ${inShort(first)} first`,
    fits([toAda[0], toDee[0]], [first, first]),
    {
      because:
        'Everybody who can be told is told, before anything else happens. Received: the first message to ada, then the first message to dee.',
      likely:
        ada.drops + dee.drops > 0
          ? 'Drop the members whose send() has returned false, and nobody else.'
          : toAda.length === 0 || toDee.length === 0
            ? 'A member that cannot be told must not end the loop: go on with the next one.'
            : 'Drop the lost members after the loop: dropping one tells others that it is gone.',
      received: inLines([toAda[0], toDee[0]]),
      look: 'room.tell()',
    },
  )
  const goodbyes = toDee.slice(1).map(({ name, is, room }) => `${name} is ${is} from the ${room}`)
  const expected = [
    'bob is gone from the attic',
    'bob is gone from the kitchen',
    'cyd is gone from the attic',
    'cyd is gone from the kitchen',
  ]
  expectSame('what dee was told next', goodbyes.toSorted(), expected, {
    because: 'Those who could not be told are dropped, and have left all their rooms.',
    likely: 'Call drop() on every member whose send() has returned false, before tell() returns.',
    look: 'room.tell()',
  })
  expect('ada to be told the same as dee', isDeepStrictEqual(toAda, toDee), {
    because: 'Everybody is told the same, in one order.',
    received: inLines(toAda),
    look: 'room.tell()',
  })
  expectSame('the names in the attic', world.namesIn('attic', ada), ['ada', 'dee'], {
    because: 'The others have left this room as well.',
    look: 'room.tell()',
  })
  const countDrops = () => [bob, phone, cyd].map(({ drops }) => drops).join(', ')
  const before = countDrops()
  enter('hal', 'kitchen')
  expect('nobody to be dropped again when hal joins', countDrops() === before, {
    because:
      'Everybody in the kitchen was told that hal is here. bob, his phone and cyd had left already.',
    likely: 'Each tell() needs its own list of lost members, and keeps it for that call only.',
    received: `drops of bob, his phone and cyd: ${countDrops()}, and before hal came: ${before}`,
    look: 'room.tell()',
  })
  const fay = enter('fay', 'cellar')
  fay.isDeaf = true
  story.tell('fay', 'can be told nothing more')
  const gus = enter('gus', 'cellar')
  expectSame('the names in the cellar', world.namesIn('cellar', gus), ['gus'], {
    because: 'fay cannot be told that gus is here, so she is dropped. gus stays.',
    likely: 'The room must not be empty while fay is dropped: add the member, then announce it.',
    look: 'room.enter()',
  })
}

/** Several connections are lost at once: of one name, or one that is just entering. */
export function expectDropsInCompany({ expectSame, story }: Stage, world: HubWorld): void {
  story.tell('test', 'opens another hub: at most 1 room per member')
  const enter = (room: string, label: string, name = label, isDeaf = false) => {
    const member = world.member(label, name)
    member.onDrop = () => void world.hub.leave(member, room)
    world.join(member, room)
    if (isDeaf) story.tell(label, 'can be told nothing more')
    member.isDeaf = isDeaf
    return member
  }
  enter('porch', 'ian')
  enter('porch', 'jon', 'jon', true)
  enter('porch', 'jon’s phone', 'jon', true)
  enter('porch', 'ian’s phone', 'ian', true)
  const kim = enter('porch', 'kim')
  expectSame('the names on the porch', world.namesIn('porch', kim), ['ian', 'kim'], {
    because: 'Three connections could not be told that kim is here. All three are dropped.',
    likely:
      'Call drop() on every member whose send() has returned false: not only on one, and also on the second one of a name.',
    look: 'room.tell()',
  })

  enter('cellar', 'lea', 'lea', true)
  const mia = world.member('mia')
  mia.isDeaf = true
  mia.onDrop = () => void world.hub.leave(mia, 'cellar')
  story.tell('mia', 'can be told nothing more')
  world.join(mia, 'cellar')
  expectSame('the rooms', world.rooms, ['porch'], {
    because:
      'lea cannot be told that mia is here, and is dropped; mia cannot be told that lea is gone, and is dropped while she joins.',
    look: 'hub.join()',
  })
  enter('hall', 'nia')
  enter('hall', 'ola', 'ola', true)
  const pam = world.member('pam')
  pam.isDeaf = true
  pam.onDrop = () => void world.hub.leave(pam, 'hall')
  story.tell('pam', 'can be told nothing more')
  world.join(pam, 'hall')
  expectSame('the rooms', world.rooms, ['porch', 'hall'], {
    because: 'ola and pam were dropped as lea and mia were, but nia is still in the hall.',
    likely: 'leave() closes a room when nobody is left in it. join() closes none.',
    look: 'hub.join()',
  })
  const inHall = [...world.hub.rooms].find(({ name }) => name === 'hall')?.names
  expectSame('the names in the hall', inHall, ['nia'], {
    because: 'ola and pam were dropped, pam while she entered.',
    likely:
      'Add the member, call #count(), and announce the member last: it may have left when #announce() returns.',
    look: 'room.enter()',
  })
  mia.isDeaf = false
  expectSame('join() of another room', world.join(mia, 'porch'), 'joined', {
    because: 'She has left the cellar, so she is in no room.',
    likely: 'A member may be dropped inside enter(). Store the room in #roomsOf first.',
    look: 'hub.join()',
  })
}

/** A room by itself, which a later chapter may have tell something, too. */
export async function expectToldDirectly({ load, story, expectSame }: Stage): Promise<void> {
  const { Room } = await load(() => import('#code/13-rooms/room.ts'))
  const { Outgoing } = await load(() => import('#code/13-rooms/peer.ts'))
  const { MemoryJournal } = await load(() => import('#code/13-rooms/journal.ts'))
  story.tell('test', 'makes a room: ada, ada’s phone and bob enter')
  const room = new Room('hall', new MemoryJournal({ now: () => 1_000 }).open('hall'))
  const told: string[] = []
  let sent: unknown
  const member = (label: string, name = label): Member => ({
    name,
    send(message) {
      told.push(message === sent ? label : `${label}, another message`)
      return true
    },
    drop() {},
  })
  const [ada, phone, bob] = [member('ada'), member('ada’s phone', 'ada'), member('bob')]
  for (const each of [ada, phone, bob]) room.enter(each)
  for (const [except, expected] of [
    [undefined, ['ada', 'ada’s phone', 'bob']],
    [ada, ['ada’s phone', 'bob']],
  ] as const) {
    told.length = 0
    sent = new Outgoing({ type: 'message' })
    room.tell(sent as Outgoing, except)
    const what = except ? 'a message to all but ada' : 'a message to all'
    expectSame(`who is told when tell() sends ${what}`, told.toSorted(), expected, {
      because: 'All members get the message that was passed in, or all but that one member.',
      likely: 'Go through all members; leave out `except`: that connection, not its name.',
      look: 'room.tell()',
    })
  }
}
