/** Journals that say when something is kept, and what a hub tells then. */

import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'
import type { ChatMessage } from '../../protocols/chat.ts'
import { HubWorld, type loadRooms, SlowJournal } from './chat-rooms.ts'

/** Why ada, who has said the first thing in the kitchen, was not told its number and then the message, each once. */
export function whyNotTold(received: ChatMessage[]): Reason {
  const because = 'She is told the number of her message, and then gets it like everybody else.'
  const of = (type: string) => received.filter((message) => message.type === type).length
  const look = 'hub.#tell()'
  const reason = (likely: string, where: string | string[] = look): Reason => ({
    because,
    likely,
    look: where,
  })
  if (received.length === 0) {
    const path = ['hub.say()', 'journal.append()', 'hub.#tell()']
    return reason('say(), append(), onKept and #tell() run in one turn: nothing is delayed.', path)
  }
  if (of('said') > 1 || of('message') > 1)
    return reason('A kept message is reported once, and told by #tell() alone.', [
      'hub.say()',
      'journal.append()',
      look,
    ])
  if (received.some(({ type }) => type === undefined))
    return reason('A message has the fields type, room, number, name, text and at.')
  if (of('said') === 0) return reason('Call draft.onKept(message): it tells the sender.')
  if (of('message') === 0) {
    const tells = 'The sender is a member, too. Tell the room in the same turn.'
    return reason(tells, [look, 'journal.append()'])
  }
  if (received[0].type === 'message') return reason('Call draft.onKept(), then tell the room.')
  const { number, at, name } = received[1]
  if (number !== undefined && number !== 1)
    return reason(
      'The next number is one more than the last of this room’s history.',
      'journal.append()',
    )
  if (at !== undefined && at !== 1_000)
    return reason('`at` is the time of the journal’s clock, passed on unchanged.', [
      'journal.append()',
      look,
    ])
  if (name !== undefined && name !== 'Ada')
    return reason('Names and texts are passed on exactly as they are in the draft.', [
      'journal.append()',
      look,
    ])
  return reason('A message has the fields type, room, number, name, text and at.')
}

/** A room is closed, and opened again. */
export function expectToldAgain(world: HubWorld): void {
  const dee = world.member('dee')
  // The accent is a character of its own, which normalize() would join to its letter.
  for (const text of [' once\n', ' cafe\u0301\n']) {
    world.join(dee, 'cellar')
    world.say(dee, 'cellar', text)
    dee.inbox.expect(
      [
        { type: 'said', number: 1 },
        { type: 'message', room: 'cellar', number: 1, text },
      ],
      (received) => ({
        because:
          'The room is new each time: its first message has number 1, and its text is unchanged.',
        likely:
          received.length === 2 && received[1].text !== text
            ? 'A text is passed on exactly as it is in the draft: neither trimmed nor normalized, even if both look alike.'
            : 'Remember nothing about a room that was closed.',
        look: ['hub.#tell()', 'journal.append()'],
      }),
    )
    world.leave(dee, 'cellar')
  }
}

/** The answer is what finds out that its sender is lost. */
function expectSenderOut({ story }: Stage, modules: Awaited<ReturnType<typeof loadRooms>>): void {
  story.tell('test', 'opens another hub')
  const world = new HubWorld(modules, story)
  const [ada, bob] = [world.member('ada'), world.member('bob')]
  for (const member of [ada, bob]) world.join(member, 'kitchen')
  ada.inbox.take()
  story.tell('ada', 'says "bye" in the kitchen, and leaves when she is told its number', 'toServer')
  const onKept = () => void world.leave(ada, 'kitchen')
  world.hub.say(ada, { room: 'kitchen', name: 'ada', text: 'bye', onKept })
  ada.inbox.expect([], {
    because:
      'She had left when the room was told: only those still in it are told. A session whose answer cannot be sent leaves in just this way.',
    likely: 'Look up who is in the room after draft.onKept(), not before it.',
    look: 'hub.#tell()',
  })
  bob.inbox.expect(
    [
      { type: 'member', is: 'gone' },
      { type: 'message', text: 'bye' },
    ],
    {
      because: 'It was kept, and he is in the room.',
      look: 'hub.#tell()',
    },
  )
}

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
      because: 'The journal has kept nothing yet. What is told now could still be lost.',
      likely: 'Tell a message only when onKept() reports it.',
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
    because: 'They were kept together, and are told one after the other, in the journal’s order.',
    likely:
      'Finish one message before the next: first its sender, then the room, both in one loop.',
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
    {
      because:
        'A message that could not be kept has its answer as well, and does not hold up the next.',
      likely: 'Call draft.onKept() for every draft, with or without a message.',
      look: 'hub.#tell()',
    },
  )
  expectSame('the number of drafts that wait', journal.drafts.length, 0, {
    because: 'Each was appended once.',
  })
  world.say(ada, 'kitchen', 'bye')
  for (const member of [ada, bob]) world.leave(member, 'kitchen')
  ada.inbox.take()
  keep(1)
  ada.inbox.expect([{ type: 'said', number: 4 }], {
    because: 'It was kept. It is not an error that the room is empty by now.',
    look: 'hub.#tell()',
  })
}

/** A journal that throws has a bug. */
function expectBugThrown(
  { story, expectSame }: Stage,
  modules: Awaited<ReturnType<typeof loadRooms>>,
): void {
  story.tell('test', 'opens another hub, with a journal whose append() throws')
  const bug = new Error('a bug of the journal')
  const journal = new SlowJournal()
  journal.append = () => {
    throw bug
  }
  const world = new HubWorld(modules, story, { journal })
  const ada = world.member('ada')
  world.join(ada, 'kitchen')
  let thrown: unknown = 'nothing'
  try {
    world.say(ada, 'kitchen', 'hi')
  } catch (error) {
    thrown = error
  }
  expectSame('what say() throws', thrown === bug ? 'the bug' : String(thrown), 'the bug', {
    because:
      'ada waits for an answer, and the bug has to be reported. The session answers `internal` and calls `onBug`, but only if the error reaches it.',
    likely: 'Catch nothing here: a refusal is a value, a bug is thrown.',
    look: 'hub.say()',
  })
}

/** One group with messages of several rooms, one of which is empty by then, and with one that was not kept. */
export function expectMixedGroup(
  stage: Stage,
  modules: Awaited<ReturnType<typeof loadRooms>>,
): void {
  const { story, expectSame } = stage
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
  world.say(ada, 'kitchen', 'four')
  world.leave(cyd, 'cellar')
  for (const { inbox } of [ada, bob, cyd]) inbox.take()
  bob.isDeaf = true
  story.tell('bob', 'can be told nothing more')
  story.tell('journal', 'has kept all but one of them, together')
  const kept = journal.keep(6, (text) => text !== 'lost')
  cyd.inbox.expect([{ type: 'said', number: 1 }], {
    because: 'It was kept. It is not an error that the cellar is empty by now.',
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
      { type: 'said', room: 'kitchen', number: 3 },
      { type: 'message', room: 'kitchen', number: 3, text: 'four' },
    ],
    {
      because: 'All of them are told in the order of the journal, even across rooms.',
      likely:
        'Go through `kept` from first to last, and look up the room of each draft. A draft without a message, or a room that nobody is in, must not end the loop.',
      look: 'hub.#tell()',
    },
  )
  if (kept.length !== 6)
    expectSame('the length of the list that onKept() received', kept.length, 6, {
      because: 'The list belongs to the journal, which may still need it: its type is `readonly`.',
      likely: 'Go through `kept` with for…of. shift() and splice() take things out of it.',
      look: 'hub.#tell()',
    })
  const lea = world.member('lea')
  world.join(lea, 'porch')
  story.tell('lea', 'says "hi" on the porch, with a key')
  world.hub.say(lea, { room: 'porch', name: 'lea', text: 'hi', key: 'k1', onKept() {} })
  journal.keep(1)
  const fields = Object.keys(lea.inbox.take()[0] ?? {}).toSorted()
  expectSame('the message’s fields', fields, ['at', 'name', 'number', 'room', 'text', 'type'], {
    because: 'The key concerns only the sender and the server.',
    likely: 'Tell the type, the room and the fields of the message, not those of the draft.',
    look: 'hub.#tell()',
  })
  expectSame('whether bob was dropped', bob.drops > 0, true, {
    because: 'He could not be told what was said.',
    likely: 'Tell the room with room.tell(): it drops those who cannot be told.',
    look: 'hub.#tell()',
  })
  expectSenderOut(stage, modules)
  expectBugThrown(stage, modules)
}

/** The chapter's own journal, by itself: what it reports, and when. */
export function expectKeptOnce(
  { story, expectSame }: Stage,
  { MemoryJournal }: Awaited<ReturnType<typeof loadRooms>>,
): void {
  story.tell('test', 'appends to a MemoryJournal whose clock shows 1000')
  const journal = new MemoryJournal({ now: () => 1_000 })
  let history = journal.open('kitchen')
  const reports: unknown[] = []
  journal.onKept = (kept) => {
    for (const { message } of kept) reports.push({ message, last: history.last })
  }
  const append = (text: string) =>
    journal.append({ room: 'kitchen', name: 'Ada', text, key: 'k1', onKept() {} })
  const message = (number: number, text: string) => ({ number, name: 'Ada', text, at: 1_000 })
  append('one')
  append('two')
  const look = 'journal.append()'
  expectSame(
    'what onKept() received, and the last number of the history at that time,',
    reports.splice(0),
    [
      { message: message(1, 'one'), last: 1 },
      { message: message(2, 'two'), last: 2 },
    ],
    {
      because: 'A message is in the history before it is told. It has four fields.',
      likely:
        'Add the message to the history, then call onKept(). A message has number, name, text and at, but not the key and the callback of its sender.',
      look,
    },
  )
  story.tell('test', 'releases the kitchen, and opens it again')
  journal.release('kitchen')
  history = journal.open('kitchen')
  append('three')
  expectSame('what onKept() received', reports, [{ message: message(1, 'three'), last: 1 }], {
    because: 'Nobody was in the room and nothing was kept, so its numbers begin again at 1.',
    likely: 'The next number is one more than the last of this room’s history.',
    look,
  })
}
