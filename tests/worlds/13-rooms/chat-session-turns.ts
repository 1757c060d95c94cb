/** Requests of a session that take their time, throw, or wait for the journal. */

import type { Request } from '#code/13-rooms/protocol.ts'
import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'
import { type ChatMessage, inShort } from '../../protocols/chat.ts'
import { ChatWorld, type loadChat, type ScriptedPeer } from './chat-sessions.ts'

/** A request that takes its time holds up what comes behind it, and nobody else. */
export async function expectTurns(
  stage: Stage,
  modules: Awaited<ReturnType<typeof loadChat>>,
): Promise<void> {
  const { expectSame, story } = stage
  story.tell('test', 'opens another chat, in which `who` takes its time')
  const gates: (() => void)[] = []
  const world: ChatWorld = new ChatWorld(modules, story, {
    handlers: {
      async who(session, request: { id: number; type: string }) {
        await new Promise<void>((resolve) => gates.push(resolve))
        session.answer(request, { type: 'members' })
      },
    },
  })
  const [ada, bob] = [await world.arrive('ada'), await world.arrive('bob')]
  const who = (id: number) => ({ id, type: 'who', room: 'kitchen' })
  await world.ask(ada, who(1), who(2), { id: 3, type: 'rooms' }, '{', { id: 4, type: 'ping' })
  ada.inbox.expect([{ type: 'pong', id: 4 }], (heard) => ({
    because: 'Her first request is not done yet. Only a ping may overtake it.',
    likely:
      heard.length === 0
        ? 'Answer a ping in receive(), whatever else waits. Do not post it.'
        : 'Post everything but a ping. The task that you post ends when the handler’s promise has settled, not before.',
  }))
  expectSame('the number of requests that have begun', gates.length, 1, {
    because: 'The second begins when the first has ended.',
    likely: 'await the handler.',
  })
  await world.ask(bob, { id: 1, type: 'rooms' })
  bob.inbox.expect([{ type: 'rooms', id: 1 }], { because: 'He has a session of his own.' })
  gates[0]()
  await world.settle()
  ada.inbox.expect([{ type: 'members', id: 1 }], { because: 'Now the first is done.' })
  gates[1]()
  await world.settle()
  ada.inbox.expect(
    [
      { type: 'members', id: 2 },
      { type: 'rooms', id: 3 },
      { type: 'error', code: 'malformed' },
    ],
    { because: 'Then the others are answered, in order.' },
  )
  story.tell('ada', 'sends 100 requests')
  ada.sends(who(5))
  for (let count = 0; count < 100; count++) ada.session.receive('{"id":6,"type":"rooms"}')
  expectSame('whether reading from ada is paused', ada.isPaused, true, {
    because: 'While so many of her requests wait, no more are read from her.',
    likely: 'Every request that waits for its turn has to go through #post().',
  })
  await world.settle()
  gates[2]()
  await world.settle(120)
  expectSame('the number of answers', ada.inbox.take().length, 101, {
    because: 'Each request is answered.',
  })
  expectSame('whether ada’s requests are read again', !ada.isPaused, true, {
    because: 'Nothing waits any more.',
  })
}

/** A handler that throws costs one answer. */
export async function expectBugsAnswered(
  stage: Stage,
  modules: Awaited<ReturnType<typeof loadChat>>,
): Promise<void> {
  const { expectSame, story } = stage
  story.tell('test', 'opens another chat, in which `who` throws an Error, and `leave` a string')
  const world = new ChatWorld(modules, story, {
    handlers: {
      who() {
        throw new Error('at once')
      },
      async leave() {
        await null
        throw 'later'
      },
    },
  })
  world.expectsBugs = true
  const ada = await world.arrive('ada')
  await world.ask(
    ada,
    { id: 1, type: 'who', room: 'kitchen' },
    { id: 2, type: 'leave', room: 'kitchen' },
    { id: 3, type: 'rooms' },
  )
  const internal = { type: 'error', code: 'internal' }
  ada.inbox.expect(
    [
      { ...internal, id: 1 },
      { ...internal, id: 2 },
      { type: 'rooms', id: 3 },
    ],
    (heard) => ({
      because:
        'Every request has an answer, even when the server is to blame, and the session goes on.',
      likely: heard.some(({ code, id }) => code === 'internal' && id === undefined)
        ? 'The answer needs the id of its request: this.refuse(request, INTERNAL).'
        : ada.ending !== undefined || (heard.length === 1 && heard[0].code === 'internal')
          ? 'A bug ends one request. It does not end the session.'
          : 'Catch what the handler throws, and what its promise rejects with: await it inside `try`. Answer in both cases.',
      look: 'chat-session.#carryOut()',
    }),
  )
  await world.ask(ada, { id: 4, type: 'who', room: 'kitchen' })
  const { code, text } = ada.inbox.take()[0] ?? {}
  stage.expect('an answer that does not mention the error', !String(text).includes('at once'), {
    because: 'What was thrown may contain secrets of the server. It is meant for `onBug`.',
    likely: 'The answer is INTERNAL, whatever was thrown.',
    received: inShort({ code, text }),
    look: 'chat-session.#carryOut()',
  })
  const messages = world.bugs.map((bug) => (bug instanceof Error ? bug.message : bug))
  expectSame('what onBug() received', messages, ['at once', 'later', 'at once'], {
    because: 'Every bug has to be reported, once.',
    likely:
      'Pass whatever was thrown to chat.onBug(), an Error or not, once, in addition to the answer `internal`.',
    look: 'chat-session.#carryOut()',
  })
}

/** What needs no welcome is what the chat says. */
export async function expectWelcomeNeeded(
  { story }: Stage,
  modules: Awaited<ReturnType<typeof loadChat>>,
): Promise<void> {
  story.tell('test', 'opens another chat, in which `rooms` needs no welcome, but `hello` does')
  const world: ChatWorld = new ChatWorld(modules, story, {
    beforeWelcome: new Set(['rooms', 'shout']),
    requests: { shout: {} },
    handlers: { shout: (session, request: Request) => session.answer(request, { type: 'loud' }) },
  })
  const ada = world.connect('ada')
  await world.ask(ada, { id: 1, type: 'rooms' }, { id: 2, type: 'hello', version: 1, name: 'ada' })
  ada.inbox.expect(
    [
      { type: 'rooms', id: 1 },
      { type: 'error', id: 2, code: 'not-welcome' },
    ],
    {
      because: 'The requests that need no welcome are those in `beforeWelcome`.',
      likely: 'Check chat.beforeWelcome: a later chapter adds to it.',
      look: 'chat-session.#carryOut()',
    },
  )
  await world.ask(ada, { id: 3, type: 'say', room: 'kitchen', text: 'hi' })
  ada.inbox.expect([{ type: 'error', id: 3, code: 'not-welcome' }], {
    because: 'Nobody has been welcomed, and `say` is not in `beforeWelcome`.',
    likely: 'A say needs a welcome like any other request.',
    look: 'chat-session.#carryOut()',
  })
  await world.ask(ada, { id: 4, type: 'shout' })
  ada.inbox.expect([{ type: 'loud', id: 4 }], {
    because: 'This chat has a type `shout` in its table, and a handler for it.',
    likely: 'Take the types from chat.requests and the handlers from chat.handlers.',
    look: ['chat-session.receive()', 'chat-session.#carryOut()'],
  })
}

/** Why three requests before any welcome, and three mistakes, were not refused one after the other. */
export function whyNotRefused(heard: ChatMessage[], ending?: string): Reason {
  const ids = heard.map(({ id }) => id)
  const codes = heard.map(({ code }) => code)
  const likely =
    ending !== undefined
      ? 'A mistake of the client is answered. It does not end the connection.'
      : heard.length > 5
        ? 'A request that is refused is not carried out.'
        : codes[0] === 'not-welcome' && codes[2] === 'not-welcome'
          ? 'What the parser has refused has a code already, whether the client is welcome or not.'
          : ids[0] === 1 && codes[0] !== 'not-welcome'
            ? 'Refuse with NOT_WELCOME if nobody has been welcomed and the request is not in chat.beforeWelcome.'
            : heard.length === 5 && ids[0] === 1
              ? 'The parser’s result has an id and a refusal: answer with both.'
              : 'What the parser has refused waits for its turn like any other message, and is then answered.'
  return {
    because: 'Each message has its answer, in the order of arrival, and the connection stays open.',
    likely,
    look: ids[0] === 1 ? 'chat-session.#carryOut()' : 'chat-session.receive()',
  }
}

/** A refusal is an answer like any other, and changes nothing. */
export async function expectRefused(world: ChatWorld, ada: ScriptedPeer): Promise<void> {
  const imp = world.connect('imp')
  await world.ask(
    imp,
    { id: 1, type: 'hello', version: 1, name: 'ADA' },
    { id: 2, type: 'hello', version: 1, name: 'imp' },
  )
  imp.inbox.expect(
    [
      { type: 'error', id: 1, code: 'name-taken' },
      { type: 'welcome', id: 2, name: 'imp' },
    ],
    { because: 'A refusal changes nothing: he may try another name.' },
  )
  await world.ask(ada, { id: 10, type: 'say', room: 'kitchen', text: 'ping' })
  ada.inbox.expect([{ type: 'error', id: 10, code: 'not-a-member' }], (heard) => ({
    because: 'She is in no room.',
    likely:
      heard[0]?.type === 'pong'
        ? 'A ping is a request whose type is "ping".'
        : 'A say that is refused has its answer, too.',
    ...(heard[0]?.type === 'pong' && { look: 'chat-session.receive()' }),
  }))
}
