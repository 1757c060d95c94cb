/** Sessions of chapter 13 on a journal that takes its time: what waits for a `say`, and what does not. */

import type { Draft } from '#code/13-rooms/journal.ts'
import type { Stage } from '../../judge/step.ts'
import { timersSetDuring } from '../set-timers.ts'
import { SlowJournal } from './chat-rooms.ts'
import { ChatWorld, type loadChat } from './chat-sessions.ts'

/** A journal that throws for one of its drafts. */
class FaultyJournal extends SlowJournal {
  override append(draft: Draft): void {
    if (draft.text === '2') throw new Error('the journal has a bug')
    super.append(draft)
  }
}

/** Messages that wait for the journal do not wait for each other; everything else waits for them. */
export async function expectSlowSays(
  stage: Stage,
  modules: Awaited<ReturnType<typeof loadChat>>,
): Promise<void> {
  const { expectSame, story } = stage
  story.tell('test', 'opens another chat, with a journal that takes its time')
  const journal = new SlowJournal()
  const world = new ChatWorld(modules, story, { journal })
  const ada = await world.arrive('ada', 'kitchen')
  const say = (id: number, room = 'kitchen') => ({ id, type: 'say', room, text: `${id}` })
  const bob = await world.arrive('bob', 'attic')
  bob.sends(say(1, 'attic'))
  bob.sends('{')
  let turns = 0
  const timers = await timersSetDuring(async () => {
    const ask = () => world.ask(bob, { id: 2, type: 'rooms' })
    turns = await timersSetDuring(ask, ['Immediate'])
  }, ['Timeout'])
  bob.inbox.expect([], {
    because: 'His message has not been kept yet, and what he asked after it is answered after it.',
    likely:
      'Before anything but a say is carried out, or refused, await newestSay. Read it when the request’s turn comes: on arrival, it may be an older one.',
    look: 'chat-session.#carryOut()',
  })
  // Each of his requests may let the loop have a turn: that is no looking again and again.
  const isPolled = turns > 3
  const asked = isPolled ? timers + turns : timers
  expectSame('the number of timers and turns of the loop requested meanwhile', asked, 0, {
    because:
      'A disk may take a minute. Polling costs CPU all that time, and giving up puts answers out of order.',
    likely: 'await newestSay, and nothing else.',
    look: 'chat-session.#carryOut()',
  })
  story.tell('journal', 'has kept it')
  journal.keep(1)
  await world.settle()
  bob.inbox.expect(
    [
      { type: 'said', id: 1 },
      { type: 'message' },
      { type: 'error', code: 'malformed' },
      { type: 'rooms', id: 2 },
    ],
    { because: 'Now it is kept.' },
  )
  await world.ask(ada, say(1), say(2), say(3, 'nowhere'), { id: 4, type: 'ping' })
  expectSame('the number of drafts in the journal', journal.drafts.length, 2, {
    because: 'A journal can keep many messages at a time, if they do not wait for each other.',
    likely: 'Await newestSay before everything but a `say`.',
    look: 'chat-session.#carryOut()',
  })
  ada.inbox.expect([{ type: 'pong', id: 4 }], { because: 'Nothing has been kept yet.' })
  ada.sends({ id: 5, type: 'who', room: 'kitchen' })
  ada.sends('{')
  ada.sends(say(6))
  const keep = async (count: number) => {
    await world.settle()
    story.tell('journal', `has kept ${count} of them`)
    journal.keep(count)
    await world.settle()
  }
  await keep(1)
  ada.inbox.expect(
    [
      { type: 'said', id: 1, number: 1 },
      { type: 'message', number: 1 },
    ],
    {
      because: 'One of the two has its answer. What arrived after them waits for both.',
      likely: 'Before anything but a say is carried out, await newestSay.',
      look: 'chat-session.#carryOut()',
    },
  )
  await keep(1)
  ada.inbox.expect(
    [
      { type: 'said', id: 2, number: 2 },
      { type: 'message', number: 2 },
      { type: 'error', id: 3, code: 'not-a-member' },
      { type: 'members', id: 5 },
      { type: 'error', code: 'malformed' },
    ],
    {
      because: 'The answers come in the order of the requests.',
      likely: 'Everything but a ping goes through #post(), a say included.',
      look: ['chat-session.receive()', 'chat-session.#carryOut()'],
    },
  )
  await keep(1)
  ada.inbox.expect(
    [
      { type: 'said', id: 6, number: 3 },
      { type: 'message', number: 3 },
    ],
    { because: 'Now the last message has been kept, too.' },
  )
  for (const peer of [ada, bob]) peer.inbox.take()
  await world.ask(bob, say(3, 'attic'), { id: 4, type: 'leave', room: 'attic' })
  bob.inbox.expect([], {
    because: 'He leaves after he has said it: what follows a say waits for it.',
    likely: 'Before any request but a say, await newestSay.',
    look: 'chat-session.#carryOut()',
  })
  story.tell('journal', 'has kept it')
  journal.keep(1)
  await world.settle()
  bob.inbox.expect(
    [
      { type: 'said', id: 3 },
      { type: 'message', number: 2 },
      { type: 'left', id: 4 },
    ],
    {
      because: 'He was still there when it was told.',
    },
  )
  await expectFaultInOrder(stage, modules)
  await expectRefusedInOrder(stage, modules)
}

/** A `say` that is refused keeps its place, whatever the journal keeps together with the one before it. */
async function expectRefusedInOrder(
  stage: Stage,
  modules: Awaited<ReturnType<typeof loadChat>>,
): Promise<void> {
  stage.story.tell('test', 'opens another chat, with a journal that takes its time')
  const journal = new SlowJournal()
  const world = new ChatWorld(modules, stage.story, { journal })
  const ada = await world.arrive('ada', 'kitchen')
  const say = (id: number, room: string) => ({ id, type: 'say', room, text: `${id}` })
  await world.ask(ada, say(1, 'kitchen'), say(2, 'nowhere'), say(3, 'kitchen'))
  while (journal.drafts.length > 0) {
    stage.story.tell('journal', 'has kept all that it was given')
    journal.keep(journal.drafts.length)
    await world.settle()
  }
  ada.inbox.expect(
    [
      { type: 'said', id: 1 },
      { type: 'message', text: '1' },
      { type: 'error', id: 2, code: 'not-a-member' },
      { type: 'said', id: 3 },
      { type: 'message', text: '3' },
    ],
    {
      because: 'The second message was refused. It has its answer before the third.',
      likely:
        'The next request waits for the promise that the handler has returned, even if both are a `say`: await it.',
      look: 'chat-session.#carryOut()',
    },
  )
}

/** The answer to a `say` that failed keeps its place, too. */
async function expectFaultInOrder(
  stage: Stage,
  modules: Awaited<ReturnType<typeof loadChat>>,
): Promise<void> {
  stage.story.tell('test', 'opens another chat, whose journal takes its time and throws for "2"')
  const journal = new FaultyJournal()
  const world = new ChatWorld(modules, stage.story, { journal })
  world.expectsBugs = true
  const ada = await world.arrive('ada', 'kitchen')
  const say = (id: number) => ({ id, type: 'say', room: 'kitchen', text: `${id}` })
  await world.ask(ada, say(1), say(2))
  const reason = {
    because: 'Her first message has its answer before the one that failed.',
    likely:
      'Answers keep their order, even `internal`: await newestSay before you refuse, also if the request was a `say`.',
    look: 'chat-session.#carryOut()',
  }
  ada.inbox.expect([], reason)
  stage.expectSame('the number of calls of onBug()', world.bugs.length, 1, {
    because: 'A bug is reported at once, even if the journal never keeps anything again.',
    likely: 'Call onBug() as soon as the handler has thrown. Only the answer waits.',
    look: 'chat-session.#carryOut()',
  })
  stage.story.tell('journal', 'has kept the first')
  journal.keep(1)
  await world.settle()
  ada.inbox.expect(
    [{ type: 'said', id: 1 }, { type: 'message' }, { type: 'error', id: 2, code: 'internal' }],
    reason,
  )
}
