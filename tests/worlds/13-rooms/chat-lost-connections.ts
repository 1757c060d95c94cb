/** Connections to a real chat server that end in every way, while others talk. */

import { isDeepStrictEqual } from 'node:util'
import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'
import {
  askInFrame,
  type ChatMessage,
  chatFrame,
  expectChat,
  inShort,
} from '../../protocols/chat.ts'
import { announce, frame } from '../../protocols/frames.ts'
import { gatherInRoom, isRun } from './chat-crowd.ts'

const CHAPTER = '13-rooms'

/** Connections to a real server that end in every way. */
export async function expectConnectionsEnded(stage: Stage): Promise<void> {
  const server = await stage.serve(CHAPTER)
  const arrive = async (name: string) => {
    const client = await stage.connect(server, name)
    await askInFrame(
      client,
      { id: 1, type: 'hello', version: 1, name },
      { type: 'welcome', name },
      {
        because: 'The name is free.',
        likely: 'The connection that had the name is gone: drop() has to give the name back.',
      },
    )
    await askInFrame(
      client,
      { id: 2, type: 'join', room: 'kitchen' },
      { type: 'joined', id: 2 },
      {
        because: 'Anybody may join.',
      },
    )
    return client
  }
  const ada = await arrive('ada')
  const expectPresence = (name: string, is: string, reason: Reason) =>
    expectChat(ada, { type: 'member', room: 'kitchen', name, is }, reason)
  const here = { because: 'Somebody has joined.' }
  const gone = {
    because: 'The connection is over, and the room is told.',
    likely: 'However a connection ends, drop() is called.',
  }

  for (let times = 0; times < 2; times++) {
    const bob = await arrive('bob')
    await expectPresence('bob', 'here', here)
    bob.reset()
    await expectPresence('bob', 'gone', gone)
  }
  const cyd = await arrive('cyd')
  await expectPresence('cyd', 'here', here)
  await cyd.send(announce(64 * 1024 + 1))
  await expectChat(
    cyd,
    { type: 'error', code: 'too-large' },
    {
      because: 'No frame may be that long, and she is told so.',
    },
  )
  await cyd.expectEnd({ because: 'Whatever she sends after that means nothing any more.' })
  await expectPresence('cyd', 'gone', gone)
  const dee = await arrive('dee')
  await expectPresence('dee', 'here', here)
  await dee.send(frame(Uint8Array.of(0xff, 0xfe)))
  await expectChat(
    dee,
    { type: 'error', code: 'invalid' },
    {
      because: 'That is not UTF-8, so it is not a message of this protocol.',
    },
  )
  await dee.expectEnd({ because: 'The connection ends after such a message.' })
  await expectPresence('dee', 'gone', gone)

  const eve = await arrive('eve')
  await expectPresence('eve', 'here', here)
  await eve.sendGlued(
    chatFrame({ id: 3, type: 'say', room: 'kitchen', text: 'bye' }),
    chatFrame({ id: 4, type: 'rooms' }),
  )
  await eve.halfClose()
  for (const type of ['said', 'message', 'rooms']) {
    await expectChat(
      eve,
      { type },
      { because: 'She asked before she sent FIN, and is still listening.' },
    )
  }
  await eve.expectEnd({ because: 'She has all her answers.' })
  await expectChat(
    ada,
    { type: 'message', text: 'bye' },
    { because: 'She said this before she left.' },
  )
  await expectPresence('eve', 'gone', gone)
}

/** One who does not listen, in a room where somebody talks. */
export async function expectSlowDropped(stage: Stage): Promise<void> {
  const { expect, expectSame, story } = stage
  const server = await stage.serve(CHAPTER, { maxQueuedBytes: 256 * 1024 })
  const [tom, sue] = await gatherInRoom(server.port, 'hall', 2)
  try {
    story.tell('tom', 'and sue are in the hall')
    story.tell('sue', 'stops reading')
    story.tell('tom', 'talks until sue is gone')
    sue.socket.pause()
    const text = '语'.repeat(4_000)
    let said = 0
    while (tom.count('gone') === 0 && said < 3_000) {
      const says = Array.from({ length: 10 }, () => ({ id: 3, type: 'say', room: 'hall', text }))
      tom.tell(...says)
      said += says.length
      if (!(await tom.hears(said, 'said'))) break
    }
    expectSame('the number of answers to tom', tom.count('said'), said, {
      because: 'He reads everything. That sue reads nothing must not hold him up.',
      likely: 'tell() must not wait for any member.',
    })
    expectSame('how often tom was told that sue is gone', tom.count('gone'), 1, {
      because:
        'More bytes wait for her than are allowed. She is dropped, and everybody is told once.',
      likely: 'send() returns false for a peer whose connection is ending.',
    })
    // `said` comes before its message, and maybe in another piece.
    await tom.hears(said, 'message')
    const numbers = tom.heard.filter(({ type }) => type === 'message').map(({ number }) => number)
    expect('tom to hear 1, 2, 3, …', isRun(numbers, 1, said), {
      because: 'He has missed nothing.',
      received: inShort(numbers),
    })
    story.tell('sue', 'starts reading again')
    sue.socket.resume()
    await sue.hears(1, 'error')
    expectSame('the code of the last message to sue', sue.heard.at(-1)?.code, 'slow-consumer', {
      because:
        'After everything that was sent to her comes the reason why she is sent nothing more.',
    })
  } finally {
    for (const { socket } of [tom, sue]) socket.destroy()
  }
}

/** 200 members who all talk at once, some of whom are lost meanwhile. */
export async function expectCrowdServed(stage: Stage): Promise<void> {
  const { expect, expectSame, story } = stage
  const server = await stage.serve(CHAPTER)
  story.tell('crowd', 'connects 200 times, and joins one room')
  const crowd = await gatherInRoom(server.port, 'hall', 200)
  const [lost, staying] = [crowd.slice(0, 20), crowd.slice(20)]
  try {
    story.tell('crowd', 'talks, all at once, while 20 members reset their connections')
    const say = { id: 3, type: 'say', room: 'hall', text: 'hi all' }
    for (const member of staying) member.tell(say)
    for (const { socket } of lost) socket.resetAndDestroy()
    const isMessage = ({ type }: ChatMessage) => type === 'message'
    const isGone = ({ type, is }: ChatMessage) => type === 'member' && is === 'gone'
    for (const member of staying) {
      await member.hears(staying.length, 'message')
      await member.hears(lost.length, 'gone')
    }
    const [first, ...others] = staying.map(({ heard }) => {
      const numbers = heard.filter(isMessage).map(({ number }) => number)
      return { numbers, gone: heard.filter(isGone).map(({ name }) => name) }
    })
    expect('the first member to hear 1, 2, 3, …', isRun(first.numbers, 1, 180), {
      because: '180 members have said one message each.',
      received: inShort(first.numbers),
    })
    expectSame(
      'the members that are gone',
      first.gone.toSorted(),
      lost.map((_, place) => `member${place}`).toSorted(),
      {
        because: 'Each of the 20 lost members is gone, once.',
      },
    )
    const differing = others.findIndex((each) => !isDeepStrictEqual(each, first))
    expect('all of them to be told the same, in the same order', differing < 0, {
      because: 'Everybody in a room is told the same, in one order.',
      received: `member ${differing + 2} was told something different from the first`,
    })
  } finally {
    for (const { socket } of crowd) socket.destroy()
  }
}
