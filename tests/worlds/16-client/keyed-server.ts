/** Server and clients of chapter 16 on real sockets: what is said comes twice, and is said once. */

import { setImmediate as turn } from 'node:timers/promises'
import type { Client } from '../../harness/client.ts'
import { FaultyProxy } from '../../harness/faulty-network-proxy.ts'
import { Deadline, PATIENCE_MS, within } from '../../harness/patience.ts'
import type { Stage } from '../../judge/step.ts'
import { askInFrame, type ChatMessage, chatFrame, expectChat } from '../../protocols/chat.ts'
import { enter, inFolder, onFolder, register } from '../chat-accounts.ts'

const CHAPTER = '16-client'

/** A server: a say that comes twice, on one connection, on two, and to a server that was killed between. */
export async function expectServerKnows(stage: Stage): Promise<void> {
  stage.story.beginAnew()
  await inFolder(async (data) => {
    const first = await stage.serve(CHAPTER, onFolder(data))
    const token = await register(stage, first, 'ada')
    const ada = await enter(stage, first, 'ada', token)
    const say = { id: 5, type: 'say', room: 'hall', text: 'hello', key: 'k1', since: 0 }
    await askInFrame(ada, say, { type: 'said', id: 5, number: 1 }, { because: 'It is new.' })
    await expectChat(
      ada,
      { type: 'message', number: 1, text: 'hello' },
      { because: 'Everybody in the room hears it, the sender too.' },
    )
    await askInFrame(
      ada,
      { ...say, id: 6 },
      { type: 'said', id: 6, number: 1 },
      {
        because: 'It is the same message.',
        likely: 'The claim has to be a repeat, with the message as its outcome.',
      },
    )
    await askInFrame(
      ada,
      { ...say, id: 7, text: 'goodbye' },
      { type: 'error', id: 7, code: 'bad-request' },
      {
        because:
          'Number 1 is not told again: the next message is this answer. That key belongs to another text.',
      },
    )
    const again = await enter(stage, first, 'ada again', token)
    stage.story.tell('ada', 'says the same on both of her connections at once')
    const twin = { ...say, id: 8, text: 'both', key: 'k2', since: 1 }
    await Promise.all([ada.send(chatFrame(twin)), again.send(chatFrame(twin))])
    for (const client of [ada, again]) {
      const heard = [await nextMessage(client), await nextMessage(client)]
      const types = heard.map(({ type, number }) => `${type} ${number}`).sort()
      stage.expectSame(`what ${client.name} hears`, types, ['message 2', 'said 2'], {
        because: 'Both are answered, and it is said once.',
      })
    }
    await askInFrame(
      ada,
      { id: 9, type: 'ping' },
      { type: 'pong', id: 9 },
      { because: 'Nothing else was said.' },
    )
    stage.story.tell('test', 'kills the server (SIGKILL)')
    await first.kill()

    const second = await stage.serve(CHAPTER, onFolder(data))
    const back = await enter(stage, second, 'ada back', token)
    await askInFrame(
      back,
      { ...say, id: 3 },
      { type: 'said', id: 3, number: 1 },
      {
        because: 'It was said before the server died, and its key is in the history.',
        likely: '#find() reads the messages above since from the disk.',
      },
    )
    await askInFrame(
      back,
      { ...twin, id: 4 },
      { type: 'said', id: 4, number: 2 },
      { because: 'That one, too.' },
    )
    await askInFrame(
      back,
      { ...say, id: 5, key: 'k3', since: 2 },
      { type: 'said', id: 5, number: 3 },
      { because: 'Another key is another message, though it says the same.' },
    )
    await expectChat(
      back,
      { type: 'message', number: 3 },
      { because: 'Everybody in the room is told.' },
    )
    await back.sendGlued(
      chatFrame({ ...say, id: 6 }),
      chatFrame({ ...say, id: 7, key: 'k4', since: 3 }),
      chatFrame({ ...say, id: 8, key: 'not a key' }),
    )
    for (const answer of [
      { type: 'said', id: 6, number: 1 },
      { type: 'said', id: 7, number: 4 },
      { type: 'message', number: 4 },
      { type: 'error', id: 8, code: 'bad-request' },
    ]) {
      await expectChat(back, answer, {
        because: 'Requests are answered in order, even when one of them has to be looked up.',
      })
    }
  })
}

function nextMessage(client: Client): Promise<ChatMessage> {
  return expectChat(client, {}, { because: 'A message has to arrive.' })
}

const SAYS = 12

/** The chapter's client and server on real sockets: a network that fails, and a server that is killed meanwhile. */
export async function expectOnceOnSockets(stage: Stage): Promise<void> {
  const { story, expect, expectSame, random } = stage
  const { ChatClient } = await stage.load(() => import('#code/16-client/chat-client.ts'))
  const { connectOverTcp } = await stage.load(() => import('#code/16-client/tcp-link.ts'))
  const { SYSTEM_TIMERS } = await stage.load(() => import('#code/16-client/timers.ts'))
  story.beginAnew()
  await inFolder(async (data) => {
    let server = await stage.serve(CHAPTER, onFolder(data))
    const tokens = [await register(stage, server, 'ada'), await register(stage, server, 'bob')]
    const proxy = await FaultyProxy.open({
      random,
      targetPort: () => server.port,
      maxBytes: 4_000,
      accidents: 12,
      tell: (text) => story.tell('network', text),
    })
    const guests = ['ada', 'bob'].map((name, index) => {
      const told: string[] = []
      const client = new ChatClient({
        connect: connectOverTcp({ host: '127.0.0.1', port: proxy.port }),
        timers: SYSTEM_TIMERS,
        random,
        hello: () => ({ token: tokens[index] }),
        onNotice(notice) {
          if (notice.kind === 'message')
            told.push(`${notice.message.number} ${notice.message.text}`)
        },
        firstMs: 4,
        capMs: 60,
        provenMs: 100,
        patienceMs: 1_000,
        pingMs: 60,
      })
      client.join('hall')
      client.start()
      const says = Array.from({ length: SAYS }, (_, place) =>
        client.say('hall', `${name} ${place + 1}`),
      )
      return { name, client, told, says }
    })
    try {
      await within(
        10 * PATIENCE_MS,
        guests[0].says[SAYS / 2 - 1].catch(() => {}),
      )
      story.tell('test', 'kills the server (SIGKILL), and starts it again')
      await server.kill()
      server = await stage.serve(CHAPTER, onFolder(data))
      const all = Promise.allSettled(guests.flatMap(({ says }) => says))
      const results = await within(20 * PATIENCE_MS, all)
      const failed =
        results === 'too late'
          ? 'some never settled'
          : results
              .filter(({ status }) => status === 'rejected')
              .map((result) => (result as PromiseRejectedResult).reason?.code ?? 'another error')
              .join(', ')
      expect('all that ada and bob say to be said', failed === '', {
        because: 'The network fails a dozen times and the server once. Then both work again.',
        received: failed,
      })
      const numbers =
        results === 'too late'
          ? []
          : results.map(
              (result) => (result as PromiseFulfilledResult<{ number: number }>).value.number,
            )
      expectSame(
        'their numbers',
        numbers.toSorted((a, b) => a - b),
        numbers.map((_, place) => place + 1),
        { because: 'Nothing is said twice: each number has one message.' },
      )
      for (const { name, told } of guests) {
        const deadline = new Deadline(10 * PATIENCE_MS)
        while (told.length < 2 * SAYS && !deadline.isOver) await turn()
        const own = ['ada', 'bob'].map((who) =>
          told
            .map((line) => line.split(' '))
            .filter(([, by]) => by === who)
            .map(([, , place]) => Number(place)),
        )
        const inOrder = Array.from({ length: SAYS }, (_, place) => place + 1)
        expectSame(
          `the messages of each sender that ${name} has been told`,
          own,
          [inOrder, inOrder],
          {
            because: 'Everybody sees everything once, in the order in which it was said.',
          },
        )
        expectSame(
          `the numbers that ${name} has been told`,
          told.map((line) => Number(line.split(' ')[0])),
          told.map((_, place) => place + 1),
          { because: 'Without a gap, in order.' },
        )
      }
    } finally {
      for (const { client, says } of guests) {
        for (const say of says) say.catch(() => {})
        client.close()
      }
      proxy.close()
    }
  })
}
