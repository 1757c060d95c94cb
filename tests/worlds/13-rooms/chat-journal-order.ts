/** Journals that say when something is kept, and what a hub tells then. */

import type { Stage } from '../../judge/step.ts'
import { HubWorld, type loadRooms, SlowJournal } from './chat-rooms.ts'

/** A journal that keeps things later and in groups decides the order, and nobody else does. */
export function expectOrderOfJournal(
  { story, expectSame }: Stage,
  modules: Awaited<ReturnType<typeof loadRooms>>,
): void {
  story.tell('test', 'opens another hub, with a journal that takes its time')
  const journal = new SlowJournal()
  const world = new HubWorld(modules, story, { journal })
  const [ada, bob] = [world.member('ada'), world.member('bob')]
  for (const member of [ada, bob]) world.join(member, 'kitchen')
  ada.inbox.take()
  for (const text of ['one', 'two', 'three', 'four'])
    world.say(text === 'two' ? bob : ada, 'kitchen', text)
  for (const { inbox } of [ada, bob]) {
    inbox.expect([], {
      because: 'The journal has kept nothing yet. What is told could still be lost.',
      likely: 'Whatever is told comes from onKept().',
      look: 'hub.say()',
    })
  }
  const keep = (count: number, isKept = true) => {
    story.tell('journal', isKept ? `has kept ${count} of them` : 'cannot keep the next')
    journal.keep(count, isKept)
  }
  const message = (number: number, text: string) => ({ type: 'message', number, text })
  keep(2)
  bob.inbox.expect([message(1, 'one'), { type: 'said', number: 2 }, message(2, 'two')], {
    because: 'Kept together, told one after the other, in the order of the journal.',
    likely: 'For each of them: first its sender, then everybody.',
    look: 'hub.#tell()',
  })
  keep(1, false)
  bob.inbox.expect([], {
    because: 'It was not kept: only its sender is told.',
    likely: 'Without a message there is nothing to tell the room.',
    look: 'hub.#tell()',
  })
  keep(1)
  ada.inbox.expect(
    [
      { type: 'said', number: 1 },
      message(1, 'one'),
      message(2, 'two'),
      { type: 'error', code: 'not-saved' },
      { type: 'said', number: 3 },
      message(3, 'four'),
    ],
    { because: 'One that could not be kept does not hold up the next.', look: 'hub.#tell()' },
  )
  expectSame('drafts that wait', journal.drafts.length, 0, { because: 'Each was appended once.' })
  world.say(ada, 'kitchen', 'bye')
  for (const member of [ada, bob]) world.leave(member, 'kitchen')
  ada.inbox.take()
  keep(1)
  ada.inbox.expect([{ type: 'said', number: 4 }], {
    because: 'It was kept. That nobody is in the room any more is no error.',
    look: 'hub.#tell()',
  })
}

/** One group with messages of several rooms, one of which is empty by then, and with one that was not kept. */
export function expectMixedGroup(
  { story, expectSame }: Stage,
  modules: Awaited<ReturnType<typeof loadRooms>>,
): void {
  story.tell('test', 'opens another hub, with a journal that takes its time')
  const journal = new SlowJournal()
  const world = new HubWorld(modules, story, { journal })
  const [ada, bob, cyd] = [world.member('ada'), world.member('bob'), world.member('cyd')]
  for (const room of ['kitchen', 'attic']) for (const each of [ada, bob]) world.join(each, room)
  world.join(cyd, 'cellar')
  world.say(cyd, 'cellar', 'nobody hears this')
  world.say(ada, 'kitchen', 'lost')
  world.say(ada, 'kitchen', 'one')
  world.say(ada, 'kitchen', 'two')
  world.say(ada, 'attic', 'three')
  world.leave(cyd, 'cellar')
  for (const { inbox } of [ada, bob, cyd]) inbox.take()
  bob.isDeaf = true
  story.tell('bob', 'cannot be told anything any more')
  story.tell('journal', 'has kept all of them but one, together')
  journal.keep(5, (text) => text !== 'lost')
  cyd.inbox.expect([{ type: 'said', number: 1 }], {
    because: 'It was kept. That nobody is in the cellar any more is no error.',
    look: 'hub.#tell()',
  })
  ada.inbox.expect(
    [
      { type: 'error', code: 'not-saved' },
      { type: 'said', room: 'kitchen', number: 1 },
      { type: 'message', room: 'kitchen', number: 1, text: 'one' },
      { type: 'said', room: 'kitchen', number: 2 },
      { type: 'message', room: 'kitchen', number: 2, text: 'two' },
      { type: 'said', room: 'attic', number: 1 },
      { type: 'message', room: 'attic', number: 1, text: 'three' },
    ],
    {
      because: 'All of them are told in the order of the journal, also across rooms.',
      likely:
        'Go through `kept` from first to last. A draft without a message, or a room that nobody is in, ends nothing.',
      look: 'hub.#tell()',
    },
  )
  const lea = world.member('lea')
  world.join(lea, 'porch')
  story.tell('lea', 'says "hi" on the porch, with a key')
  world.hub.say(lea, { room: 'porch', name: 'lea', text: 'hi', key: 'k1', onKept() {} })
  journal.keep(1)
  const fields = Object.keys(lea.inbox.take()[0] ?? {}).toSorted()
  expectSame('the fields that are told', fields, ['at', 'name', 'number', 'room', 'text', 'type'], {
    because: 'The key is between the sender and the server.',
    likely: 'Tell the type, the room and the fields of the message; not those of the draft.',
    look: 'hub.#tell()',
  })
  expectSame('whether bob was dropped', bob.drops > 0, true, {
    because: 'He could not be told what was said.',
    likely: 'Tell the room with room.tell(): it drops those who cannot be told.',
    look: 'hub.#tell()',
  })
}

/** The chapter's own journal, by itself: what it reports, and when. */
export function expectKeptOnce(
  { story, expectSame }: Stage,
  { MemoryJournal }: Awaited<ReturnType<typeof loadRooms>>,
): void {
  story.tell('test', 'appends to a MemoryJournal, at 1000')
  const journal = new MemoryJournal({ now: () => 1_000 })
  let history = journal.open('kitchen')
  const reports: unknown[] = []
  journal.onKept = (kept) => {
    for (const { message } of kept) reports.push({ message, last: history.last })
  }
  const append = (text: string) =>
    journal.append({ room: 'kitchen', name: 'ada', text, key: 'k1', onKept() {} })
  const message = (number: number, text: string) => ({ number, name: 'ada', text, at: 1_000 })
  append('one')
  append('two')
  const look = 'journal.append()'
  expectSame(
    'what onKept was told, and the last number of the history then',
    reports.splice(0),
    [
      { message: message(1, 'one'), last: 1 },
      { message: message(2, 'two'), last: 2 },
    ],
    {
      because: 'A message that is told is in the history already. It has four fields.',
      likely:
        'Add the message to the history, then call onKept. A message has number, name, text and at: its sender’s key and callback are nobody’s business.',
      look,
    },
  )
  story.tell('test', 'releases the kitchen, and opens it again')
  journal.release('kitchen')
  history = journal.open('kitchen')
  append('three')
  expectSame('what onKept was told', reports, [{ message: message(1, 'three'), last: 1 }], {
    because: 'Nobody was in the room, and nothing was kept: it begins again.',
    likely: 'The next number is one more than the last of this room’s history.',
    look,
  })
}
