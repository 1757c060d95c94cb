/** Joins of chapter 13 that come a second time, are refused, or bring a page of their own. */

import type { Stage } from '../../judge/step.ts'
import { messageOf } from './chat-room-pages.ts'
import { SlowJournal } from './chat-rooms.ts'
import { ChatWorld, type loadChat, type ScriptedPeer } from './chat-sessions.ts'

/** Three are in the kitchen, which is full with them. */
export async function expectJoinedAgain(
  world: ChatWorld,
  { ada, bob, cyd }: { ada: ScriptedPeer; bob: ScriptedPeer; cyd: ScriptedPeer },
): Promise<void> {
  await world.ask(cyd, { id: 5, type: 'join', room: 'kitchen', after: 0 })
  cyd.inbox.expect([{ type: 'joined', id: 5, last: 4, messages: [{}, {}, {}, {}] }], {
    because: 'Joining again is not a mistake: it is answered like the first time.',
  })
  await world.ask(cyd, { id: 9, type: 'join', room: 'kitchen', after: 7 })
  cyd.inbox.expect([{ type: 'joined', id: 9, last: 4, messages: [], more: false }], {
    because:
      'She asks for what came after 7, but there are only 4. `last` tells her client that its number is wrong.',
    likely: '`last` is that of the history, whatever `after` is.',
    look: 'handlers.join()',
  })
  const phone = world.connect('ada’s phone')
  phone.session.person = ada.session.person
  for (const peer of [ada, phone]) await world.ask(peer, { id: 8, type: 'join', room: 'cellar' })
  phone.inbox.expect([{ type: 'joined', id: 8, members: ['ada'] }], {
    because: 'Two of ada’s connections are in the room, but she is in the list once.',
    likely: 'room.names has everybody once. room.members has connections.',
  })
  for (const { inbox } of [ada, bob]) inbox.take()
  const dee = await world.arrive('dee', 'attic')
  await world.ask(dee, { id: 6, type: 'join', room: 'kitchen' })
  dee.inbox.expect([{ type: 'error', id: 6, code: 'room-full' }], {
    because: 'A refusal is the only answer.',
    likely:
      'hub.join() returns a room or a refusal, which has a code. Send the refusal, and nothing else: session.refuse(request, room).',
  })
  await world.ask(dee, { id: 7, type: 'say', room: 'attic', text: 'here' })
  dee.inbox.expect([{ type: 'said' }, { type: 'message' }], {
    because: 'A join that is refused changes nothing: she is still in her other room.',
  })
  for (const { inbox } of [ada, bob]) inbox.expect([], { because: 'Nobody has joined.' })
}

/** Which page the answer brings: what it asks of the history, and how often. */
export async function expectPageAskedFor(
  { story, expectSame }: Stage,
  modules: Awaited<ReturnType<typeof loadChat>>,
): Promise<void> {
  story.tell('test', 'opens another chat, whose history notes the pages that are asked for')
  const asked: (number | string)[] = []
  const journal = new SlowJournal()
  journal.open = () => ({
    last: 1_000,
    first: 1,
    page({ after }) {
      asked.push(after ?? 'the newest')
      return { messages: [], more: true }
    },
  })
  const world = new ChatWorld(modules, story, { journal })
  const ada = await world.arrive('ada')
  for (const after of [undefined, 0, 7, 1_000]) {
    await world.ask(ada, {
      id: 2,
      type: 'join',
      room: 'kitchen',
      ...(after !== undefined && { after }),
    })
    ada.inbox.expect([{ type: 'joined', id: 2, last: 1_000, first: 1, more: true }], {
      because: '`last`, `first` and `more` come from the history.',
    })
  }
  expectSame('the `after` of each page that was asked for', asked, ['the newest', 0, 7, 1_000], {
    because:
      'Without `after`, the newest. With 0, the oldest: that client has seen nothing yet, and wants everything in order. With the last number, nothing is missing. Each page is asked for once.',
    likely: 'Pass request.after on as it is, and call pageOf(room) once.',
    look: 'handlers.join()',
  })
}

export async function expectPageOfItsOwn(stage: Stage, ada: ScriptedPeer): Promise<void> {
  const { join } = await stage.load(() => import('#code/13-rooms/handlers.ts'))
  stage.story.tell('test', 'calls join() for ada with a page of its own')
  const request = { id: 7, type: 'join', room: 'kitchen' }
  join(ada.session, request, () => ({ messages: [messageOf(2, 'two')], more: true }))
  ada.inbox.expect([{ type: 'joined', id: 7, last: 4, messages: [{ number: 2 }], more: true }], {
    because: 'Chapter 15 reads the page from disk, and passes it in through `pageOf`.',
    likely:
      'The page in the answer is what pageOf(room) returns. `last` and `first` are those of the history.',
  })
}
