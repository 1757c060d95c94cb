import { step } from '../judge/step.ts'
import { expectMeetings } from '../worlds/13-rooms/chat-full-speed.ts'
import {
  expectJoinedAgain,
  expectPageAskedFor,
  expectPageOfItsOwn,
} from '../worlds/13-rooms/chat-joins.ts'
import {
  expectKeptOnce,
  expectMixedGroup,
  expectOrderOfJournal,
  expectToldAgain,
  whyNotTold,
} from '../worlds/13-rooms/chat-journal-order.ts'
import {
  expectConnectionsEnded,
  expectCrowdServed,
  expectSlowDropped,
} from '../worlds/13-rooms/chat-lost-connections.ts'
import {
  expectDroppedAtOnce,
  expectGhostsStopped,
  expectSessionsDropped,
} from '../worlds/13-rooms/chat-lost-sessions.ts'
import { expectManyLost } from '../worlds/13-rooms/chat-many-lost.ts'
import { expectOthersLeftAlone } from '../worlds/13-rooms/chat-other-rooms.ts'
import { expectRequestsParsed } from '../worlds/13-rooms/chat-parsing.ts'
import {
  expectDropsInCompany,
  expectLossesTold,
  expectToldDirectly,
} from '../worlds/13-rooms/chat-room-losses.ts'
import { expectLimits, expectModel } from '../worlds/13-rooms/chat-room-members.ts'
import { expectOneOrder } from '../worlds/13-rooms/chat-room-order.ts'
import { expectPages } from '../worlds/13-rooms/chat-room-pages.ts'
import {
  expectJournalFollows,
  expectPresenceOfName,
  expectRoomsClosed,
  whyNotHere,
} from '../worlds/13-rooms/chat-room-presence.ts'
import { HubWorld, loadRooms } from '../worlds/13-rooms/chat-rooms.ts'
import {
  expectBugsAnswered,
  expectRefused,
  expectTurns,
  expectWelcomeNeeded,
  whyNotRefused,
} from '../worlds/13-rooms/chat-session-turns.ts'
import { ChatWorld, loadChat } from '../worlds/13-rooms/chat-sessions.ts'
import { expectSlowSays } from '../worlds/13-rooms/chat-slow-says.ts'

step('13.1', 'every message is a request, or refused with its code and id', async (stage) => {
  await expectRequestsParsed(stage)
})

step('13.2', 'a room tells who comes and who goes, once for each name', async (stage) => {
  const { expectSame, story } = stage
  const modules = await loadRooms(stage)
  const world = new HubWorld(modules, story)

  const [ada, bob] = [world.member('ada', 'Ada'), world.member('bob')]
  expectSame('join()', world.join(ada, 'kitchen'), 'joined', { because: 'Anybody may join.' })
  ada.inbox.expect([], {
    because: 'Nobody else is there to be told, and she knows that she has joined.',
    look: ['room.enter()', 'room.tell()'],
  })
  world.join(bob, 'kitchen')
  ada.inbox.expect(
    [{ type: 'member', room: 'kitchen', name: 'bob', is: 'here' }],
    whyNotHere(world, { ada, bob }),
  )
  bob.inbox.expect([], {
    because: 'He is the one who joins, and only the others are told.',
    look: ['room.enter()', 'room.tell()'],
  })
  expectSame('the names in the kitchen', world.namesIn('kitchen', bob), ['Ada', 'bob'], {
    because: 'Both are in the room.',
    likely: '#count() keeps the list of names.',
  })

  expectPresenceOfName(stage, world, { ada, bob })
  expectRoomsClosed(stage, world, { ada, bob })
  await expectLossesTold(stage, new HubWorld(modules, story))
  expectLimits(stage, new HubWorld(modules, story, { membersPerRoom: 2, roomsPerMember: 2 }))
  expectDropsInCompany(stage, new HubWorld(modules, story, { roomsPerMember: 1 }))
  expectJournalFollows(stage, modules)
  await expectToldDirectly(stage)
  expectManyLost(stage, modules)
  await expectModel(stage, 'joins and leaves in any order', ['join', 'leave'])
})

step('13.3', 'what is said gets one number, and reaches everybody in one order', async (stage) => {
  const { expectSame, story } = stage
  const modules = await loadRooms(stage)
  const world = new HubWorld(modules, story)
  const [ada, phone, bob, cyd] = [
    world.member('ada', 'Ada'),
    world.member('ada’s phone', 'Ada'),
    world.member('bob'),
    world.member('cyd'),
  ]
  for (const member of [ada, bob]) world.join(member, 'kitchen')
  for (const member of [bob, cyd]) world.join(member, 'attic')
  for (const { inbox } of [ada, bob]) inbox.take()
  const message = (number: number, name: string, text: string, room = 'kitchen') => ({
    type: 'message',
    room,
    number,
    name,
    text,
    at: 1_000,
  })

  world.say(ada, 'kitchen', 'hi')
  ada.inbox.expect([{ type: 'said', number: 1 }, message(1, 'Ada', 'hi')], whyNotTold)
  bob.inbox.expect([message(1, 'Ada', 'hi')], {
    because: 'He is in the room.',
    likely: 'A message has the fields type, room, number, name, text and at.',
    look: 'hub.#tell()',
  })
  world.say(bob, 'attic', 'up here')
  world.say(bob, 'kitchen', 'down here')
  bob.inbox.expect(
    [
      { type: 'said', number: 1 },
      message(1, 'bob', 'up here', 'attic'),
      { type: 'said', number: 2 },
      message(2, 'bob', 'down here'),
    ],
    {
      because: 'Each room counts separately: 1, 2, 3, …',
      likely:
        'The next number is one more than the last of this room’s history. Add each message to it before onKept(): otherwise its last never grows.',
      look: 'journal.append()',
    },
  )
  cyd.inbox.expect([message(1, 'bob', 'up here', 'attic')], {
    because: 'She is in the attic only.',
  })
  ada.inbox.expect([message(2, 'bob', 'down here')], { because: 'She is in the kitchen only.' })

  for (const [member, room] of [
    [cyd, 'kitchen'],
    [cyd, 'nowhere'],
    [phone, 'kitchen'],
  ] as const) {
    expectSame(`say() in ${room}`, world.say(member, room, 'let me in'), 'not-a-member', {
      because:
        member === phone
          ? 'Membership belongs to a connection. Ada is in the kitchen, but her phone has not joined.'
          : 'Only a member of a room may say something in it.',
      likely: 'roomOf() returns the room only if this connection is in it.',
      look: 'hub.say()',
    })
    for (const { inbox } of [ada, phone, bob, cyd]) {
      inbox.expect([], {
        because: 'Nothing was said.',
        likely: 'Call roomOf() before the draft goes to the journal.',
        look: 'hub.say()',
      })
    }
  }
  expectSame('the rooms', world.rooms, ['kitchen', 'attic'], {
    because: 'Saying something in a room does not open it.',
  })
  world.say(ada, 'kitchen', 'still 3')
  ada.inbox.expect([{ type: 'said', number: 3 }, message(3, 'Ada', 'still 3')], {
    because: 'A refused message gets no number, so there are no gaps.',
  })
  expectToldAgain(world)

  expectOrderOfJournal(stage, modules)
  expectKeptOnce(stage, modules)

  expectOneOrder(stage, modules)
  expectMixedGroup(stage, modules)
})

step('13.4', 'a session answers every request once, in order', async (stage) => {
  const { expectSame, story } = stage
  const modules = await loadChat(stage)
  const world = new ChatWorld(modules, story)
  const ada = world.connect('ada')
  await world.ask(
    ada,
    { id: 1, type: 'who', room: 'kitchen' },
    { id: 2, type: 'rooms' },
    '{"id":3',
    { id: 4, type: 'shout' },
    { id: 5, type: 'hello', version: 7, name: 'ada' },
  )
  ada.inbox.expect(
    [
      { type: 'error', id: 1, code: 'not-welcome' },
      { type: 'error', id: 2, code: 'not-welcome' },
      { type: 'error', id: undefined, code: 'malformed' },
      { type: 'error', id: 4, code: 'unknown-type' },
      { type: 'error', id: 5, code: 'unsupported-version' },
    ],
    (heard) => whyNotRefused(heard, ada.ending),
  )
  await world.ask(ada, { id: 6, type: 'ping' })
  ada.inbox.expect([{ type: 'pong', id: 6 }], {
    because: 'A ping needs no welcome, and gets one answer.',
    likely: 'Answer it in receive(), and do not post it.',
    look: 'chat-session.receive()',
  })
  await world.ask(
    ada,
    { id: 7, type: 'hello', version: 1, name: 'ada' },
    { id: 8, type: 'rooms' },
    { id: 9, type: 'hello', version: 1, name: 'eve' },
  )
  ada.inbox.expect(
    [
      { type: 'welcome', id: 7, version: 1, name: 'ada', server: 'the-server', limits: {} },
      { type: 'rooms', id: 8, rooms: [] },
      { type: 'error', id: 9, code: 'already-welcome' },
    ],
    {
      because: 'Once she has been welcomed, all requests are open to her.',
      likely: 'A session with a person has been welcomed. Check that when a request’s turn comes.',
      look: 'chat-session.#carryOut()',
    },
  )
  await expectRefused(world, ada)
  await expectWelcomeNeeded(stage, modules)
  await expectTurns(stage, modules)
  await expectBugsAnswered(stage, modules)
  await expectSlowSays(stage, modules)
  expectSame('the errors passed to onBug()', world.bugs, [], {
    because: 'Nothing was the server’s fault.',
  })
})

step('13.5', 'joined ends exactly where the live messages begin', async (stage) => {
  await expectPages(stage)
  const modules = await loadChat(stage)
  const world = new ChatWorld(modules, stage.story, { membersPerRoom: 3 })
  const ada = await world.arrive('ada')
  await world.ask(ada, { id: 1, type: 'join', room: 'Kitchen' })
  ada.inbox.expect(
    [
      {
        type: 'joined',
        id: 1,
        room: 'kitchen',
        last: 0,
        first: 1,
        members: ['ada'],
        messages: [],
        more: false,
      },
    ],
    {
      because: 'The room is new. She is a member, so she is in the list.',
      likely: 'joined has room, members, messages, more, and the history’s `last` and `first`.',
    },
  )
  const say = (text: string) => ({ id: 2, type: 'say', room: 'kitchen', text })
  await world.ask(ada, say('one'), say('two'), say('three'))
  ada.inbox.take()

  const bob = await world.arrive('bob')
  await world.ask(bob, { id: 3, type: 'join', room: 'kitchen' })
  const number = (number: number) => ({ number, name: 'ada', at: 1_000 })
  bob.inbox.expect(
    [
      {
        type: 'joined',
        last: 3,
        first: 1,
        members: ['ada', 'bob'],
        messages: [number(1), number(2), number(3)],
        more: false,
      },
    ],
    { because: 'He learns what was said before he joined.' },
  )
  ada.inbox.expect([{ type: 'member', name: 'bob', is: 'here' }], { because: 'He has joined.' })
  const cyd = await world.arrive('cyd')
  await world.ask(cyd, { id: 4, type: 'join', room: 'kitchen', after: 2 }, say('four'))
  cyd.inbox.expect(
    [
      { type: 'joined', last: 3, first: 1, messages: [number(3)], more: false },
      { type: 'said', number: 4 },
      { type: 'message', number: 4 },
    ],
    {
      because: 'She has seen everything up to 2. What is said after the answer is sent live.',
      likely:
        'Ask the history for the page above `after`. `last` and `first` are those of the history, not of the page.',
    },
  )
  await expectJoinedAgain(world, { ada, bob, cyd })
  await expectMeetings(stage, modules)
  await expectPageOfItsOwn(stage, ada)
  await expectPageAskedFor(stage, modules)
})

step('13.6', 'a lost member is gone once, and the room does not wait', async (stage) => {
  await expectModel(stage, 'joins, leaves, messages and losses in any order', [
    'join',
    'leave',
    'say',
    'drop',
  ])
  await expectSessionsDropped(stage)
  await expectDroppedAtOnce(stage)
  await expectGhostsStopped(stage)
  await expectOthersLeftAlone(stage)
  await expectConnectionsEnded(stage)
  await expectSlowDropped(stage)
  await expectCrowdServed(stage)
})
