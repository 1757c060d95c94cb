/** Sessions that end while their requests wait, and members that are lost with them. */

import type { Stage } from '../../judge/step.ts'
import { SlowJournal } from './chat-rooms.ts'
import { ChatWorld, loadChat, type ScriptedPeer } from './chat-sessions.ts'

/** Sessions that end while their requests wait for what they have said, or for a handler. */
export async function expectGhostsStopped(stage: Stage): Promise<void> {
  stage.story.tell('test', 'opens another chat, with a journal that takes its time')
  const journal = new SlowJournal()
  const world = new ChatWorld(await loadChat(stage), stage.story, { journal })
  const [ada, bob] = [await world.arrive('ada', 'kitchen'), await world.arrive('bob', 'kitchen')]
  ada.inbox.take()
  await world.ask(
    bob,
    { id: 1, type: 'say', room: 'kitchen', text: 'last words' },
    { id: 2, type: 'join', room: 'cellar' },
  )
  stage.story.tell('bob', 'loses his connection', 'toServer')
  bob.session.drop()
  stage.story.tell('journal', 'has kept what bob said')
  journal.keep(1)
  await world.settle()
  ada.inbox.expect(
    [
      { type: 'member', name: 'bob', is: 'gone' },
      { type: 'message', number: 1 },
    ],
    {
      because: 'He is gone, but what he said is still told: it is in the journal.',
    },
  )
  const rooms = Array.from(world.chat.hub.rooms, ({ name }) => name)
  stage.expectSame('the rooms', rooms, ['kitchen'], {
    because: 'His join waited for the journal. When its turn came, he was gone.',
    likely:
      'After `await this.newestSay`, #carryOut() has to check whether the session is over: drop() may have been called meanwhile.',
    look: 'chat-session.#carryOut()',
  })
  await expectStrangerDropped(stage)
  await expectLateBugReported(stage)
}

/** Sessions whose connections are over. */
export async function expectSessionsDropped(stage: Stage): Promise<void> {
  const { expectSame, story } = stage
  story.tell('test', 'opens another chat, in which `who` takes its time')
  const modules = await loadChat(stage)
  const gates: (() => void)[] = []
  const world: ChatWorld = new ChatWorld(modules, story, {
    handlers: {
      async who(session, request: { id: number; type: string }) {
        await new Promise<void>((resolve) => gates.push(resolve))
        session.answer(request, { type: 'members' })
      },
    },
  })
  const [ada, bob] = [await world.arrive('ada', 'kitchen'), await world.arrive('bob', 'kitchen')]
  ada.inbox.take()
  const drop = async (peer: ScriptedPeer, again = '') => {
    story.tell('test', `calls drop() of ${peer.inbox.label}’s session${again}`)
    peer.session.drop()
    await world.settle()
  }
  await world.ask(
    bob,
    { id: 1, type: 'who', room: 'kitchen' },
    { id: 2, type: 'say', room: 'kitchen', text: 'last words' },
    { id: 3, type: 'join', room: 'cellar' },
    '{',
  )
  await drop(bob)
  ada.inbox.expect([{ type: 'member', name: 'bob', is: 'gone' }], () => ({
    because: 'His connection is over.',
    likely: world.chat.hub.roomOf(bob.session, 'kitchen')
      ? 'drop() has to leave all rooms before it returns.'
      : 'The rooms know him by his name: he must still have it when he leaves them.',
    look: 'chat-session.drop()',
  }))
  expectSame('isOver', bob.session.isOver, true, {
    because: 'A handler that has waited for something checks `isOver` before it goes on.',
    likely: 'drop() has to note that the session is over before anything else.',
  })
  story.tell('test', 'lets `who` end')
  gates[0]()
  await world.settle()
  ada.inbox.expect([], {
    because: 'His requests that still wait are not carried out any more.',
    likely:
      'drop() has to note that the session is over, and #carryOut() has to check that before it calls a handler.',
    look: ['chat-session.drop()', 'chat-session.#carryOut()'],
  })
  expectSame(
    'the rooms',
    Array.from(world.chat.hub.rooms, ({ name }) => name),
    ['kitchen'],
    {
      because: 'He must not join the cellar now: nobody would ever leave it for him.',
      likely: '#carryOut() has to check whether the session is over when a request’s turn comes.',
      look: 'chat-session.#carryOut()',
    },
  )
  bob.inbox.expect([{ type: 'members', id: 1 }], (heard) => ({
    because:
      'A handler that is running may finish. What waited after it is neither carried out nor refused any more.',
    likely:
      heard.length === 0
        ? 'drop() ends the session, and leaves the connection alone. close() ends both.'
        : '#carryOut() has to check whether the session is over before it refuses anything.',
    look: heard.length === 0 ? 'chat-session.drop()' : 'chat-session.#carryOut()',
  }))
  const next = world.connect('another bob')
  await world.ask(next, { id: 1, type: 'hello', version: 1, name: 'Bob' })
  next.inbox.expect([{ type: 'welcome', name: 'Bob' }], {
    because: 'The name is free at once.',
    likely: 'Call person.left() when the session is over.',
  })
  await drop(bob, ' again')
  const third = world.connect('a third bob')
  await world.ask(third, { id: 1, type: 'hello', version: 1, name: 'bob' })
  third.inbox.expect([{ type: 'error', code: 'name-taken' }], {
    because: 'The name belongs to another connection now. The first connection ended long ago.',
    likely: 'drop() may be called several times. Only the first call counts.',
  })
  ada.inbox.expect([], { because: 'The other bob is in no room.' })

  const cyd = await world.arrive('cyd', 'kitchen', 'attic')
  world.chat.hub.join(ada.session, 'attic')
  cyd.inbox.take()
  story.tell('ada', 'is in two rooms, and can be told nothing more')
  ada.isDeaf = true
  await world.ask(ada, { id: 9, type: 'rooms' })
  const rooms = cyd.inbox.take().map(({ name, is, room }) => `${name} is ${is} from the ${room}`)
  expectSame(
    'what cyd was told',
    rooms.toSorted(),
    ['ada is gone from the attic', 'ada is gone from the kitchen'],
    {
      because: 'ada cannot be sent her answer, so she is lost, and gone from all rooms.',
      likely: 'leaveAll() has to leave each room as leave() does.',
      look: 'hub.leaveAll()',
    },
  )
  await drop(world.connect('a stranger'))
  world.story.tell('cyd', 'has her session closed by the server')
  cyd.session.close('no-session')
  expectSame('the ending of cyd’s connection', cyd.ending, 'no-session', {
    because: 'close() ends the session and the connection.',
    likely:
      'drop() must not end the connection: it has ended already, or close() ends it and says why.',
    look: 'chat-session.drop()',
  })
  expectSame('the rooms', [...world.chat.hub.rooms].length, 0, {
    because: 'She was the last member.',
    likely: 'drop() has to leave all rooms before it returns.',
    look: 'chat-session.drop()',
  })
}

/** A session that is over before anybody was welcomed. */
async function expectStrangerDropped(stage: Stage): Promise<void> {
  stage.story.tell(
    'test',
    'opens another chat, in which `rooms` takes its time and needs no welcome',
  )
  const gate = Promise.withResolvers<void>()
  const world = new ChatWorld(await loadChat(stage), stage.story, {
    handlers: { rooms: () => gate.promise },
    beforeWelcome: new Set(['rooms', 'hello']),
  })
  const hello = { id: 2, type: 'hello', version: 1, name: 'zed' }
  const [stranger, zed] = [world.connect('a stranger'), world.connect('zed')]
  await world.ask(stranger, { id: 1, type: 'rooms' }, hello)
  stage.story.tell('a stranger', 'loses its connection', 'toServer')
  stranger.session.drop()
  stage.story.tell('test', 'lets `rooms` end')
  gate.resolve()
  await world.settle()
  await world.ask(zed, hello)
  zed.inbox.expect([{ type: 'welcome', name: 'zed' }], {
    because:
      'The stranger’s hello still waited when its connection was over. If it is carried out now, it takes a name that nobody gives back.',
    likely: 'drop() has to note that the session is over, even if nobody was welcomed.',
    look: ['chat-session.drop()', 'chat-session.#carryOut()'],
  })
}

/** A handler that throws when its session is over. */
async function expectLateBugReported(stage: Stage): Promise<void> {
  stage.story.tell('test', 'opens another chat, in which `who` takes its time, and then throws')
  const gate = Promise.withResolvers<void>()
  const world = new ChatWorld(await loadChat(stage), stage.story, {
    handlers: {
      async who() {
        await gate.promise
        throw new Error('late')
      },
    },
  })
  world.expectsBugs = true
  const ada = await world.arrive('ada')
  await world.ask(ada, { id: 1, type: 'who', room: 'kitchen' })
  stage.story.tell('ada', 'loses her connection', 'toServer')
  ada.session.drop()
  stage.story.tell('test', 'lets `who` throw')
  gate.resolve()
  await world.settle()
  stage.expectSame('the number of calls of onBug()', world.bugs.length, 1, {
    because: 'Nobody waits for the answer any more, but it is still a bug of the server.',
    likely: 'Call onBug() whether the session is over or not.',
    look: 'chat-session.#carryOut()',
  })
}

/** Two sessions that find out about each other's loss while they are dropped. */
export async function expectDroppedAtOnce({ load, story, expectSame }: Stage): Promise<void> {
  story.tell('test', 'opens another chat: ada and bob are both in two rooms')
  const modules = await loadChat({ load })
  const left: string[] = []
  const world = new ChatWorld(modules, story)
  const peers = ['ada', 'bob'].map((name) => world.connect(name))
  for (const peer of peers) {
    const { label } = peer.inbox
    peer.session.person = { name: label, left: () => void left.push(label) }
    for (const room of ['kitchen', 'attic']) {
      story.tell(label, `is in ${room}`)
      world.chat.hub.join(peer.session, room)
    }
  }
  for (const peer of peers) {
    story.tell(peer.inbox.label, 'can be told nothing more')
    peer.isDeaf = true
  }
  story.tell('ada', 'loses her connection', 'toServer')
  peers[0].session.drop()
  expectSame('who has left when drop() returns', left.toSorted(), ['ada', 'bob'], {
    because:
      'bob cannot be told that ada is gone, and is dropped; nor can she be told that he is. Each of them leaves exactly once, before drop() returns.',
    likely:
      'drop() may be called again while it runs: note that the session is over before anything else. Nothing in it may be deferred.',
    look: 'chat-session.drop()',
  })
  expectSame('the rooms', [...world.chat.hub.rooms].length, 0, {
    because: 'Nobody is left.',
    look: ['chat-session.drop()', 'hub.leaveAll()'],
  })
}
