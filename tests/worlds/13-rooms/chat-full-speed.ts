/** Four members who join, leave and talk without waiting for anything. */

import fc from 'fast-check'
import type { Message } from '#code/13-rooms/journal.ts'
import type { Stage } from '../../judge/step.ts'
import { type ChatMessage, inShort } from '../../protocols/chat.ts'
import { forAll, type QuietStage } from '../for-all.ts'
import { ChatWorld, type loadChat, type ScriptedPeer } from './chat-sessions.ts'

/** Whatever the order, each of them is told an unbroken run of messages from `joined` on. */
export async function expectMeetings(
  stage: Stage,
  modules: Awaited<ReturnType<typeof loadChat>>,
): Promise<void> {
  await forAll(
    stage,
    'joins and leaves in any order, while others talk at full speed',
    fullSpeed,
    (quiet, moves) => expectExactMeeting(quiet, new ChatWorld(modules, quiet.story), moves),
    150,
  )
}

const PEOPLE = ['ada', 'bob', 'cyd', 'dee']

interface SpeedMove {
  who: number
  what: 'join' | 'join after' | 'leave' | 'say'
  /** Whether everything is done before the next move. */
  rests: boolean
}

const fullSpeed: fc.Arbitrary<SpeedMove[]> = fc.array(
  fc.record({
    who: fc.nat({ max: PEOPLE.length - 1 }),
    what: fc.constantFrom('join', 'join after', 'leave', 'say', 'say'),
    rests: fc.constantFrom(false, false, false, true),
  }),
  { maxLength: 40, size: 'max' },
)

/** Everybody asks at once; then everybody's messages have to be one unbroken run from `joined` on. */
async function expectExactMeeting(
  quiet: QuietStage,
  world: ChatWorld,
  moves: SpeedMove[],
): Promise<void> {
  const peers = await Promise.all(PEOPLE.map((name) => world.arrive(name)))
  const seen = new Map<ScriptedPeer, View>(
    peers.map((peer) => [peer, { last: undefined, highest: 0 }]),
  )
  for (const { who, what, rests } of moves) {
    const type = what === 'join after' ? 'join' : what
    const after = what === 'join after' ? seen.get(peers[who])!.highest : undefined
    peers[who].sends({ id: 1, type, room: 'hall', text: 'hi', after })
    if (rests) await world.settle()
  }
  await world.settle(moves.length + 12)
  for (const peer of peers) {
    const view = seen.get(peer)!
    for (const message of peer.inbox.take()) follow(quiet, peer, view, message)
  }
}

/** What a client has seen of the room. */
interface View {
  /** The number of the newest message, while it is in the room. */
  last: number | undefined
  highest: number
}

function follow(quiet: QuietStage, peer: ScriptedPeer, view: View, message: ChatMessage): void {
  const name = peer.inbox.label
  if (message.type === 'joined') {
    const { messages, last, more } = message as { messages: Message[]; last: number; more: boolean }
    const end = messages.at(-1)?.number ?? last
    quiet.expectSame(`where the page of ${name} ends`, more ? last : end, last, {
      because: 'The page ends where the live messages begin.',
      likely:
        'Something is awaited between the page and the answer, so messages come in between. Join, read the page and answer in one turn.',
    })
    view.last = last
  } else if (message.type === 'left') view.last = undefined
  else if (message.type === 'message') {
    const reason = {
      because: `From joined until left, ${name} misses nothing and gets nothing twice.`,
      likely:
        'The member registers in one turn and is answered in another: live messages come in between. Read the page, register and answer in one turn.',
    }
    const isIn = view.last !== undefined
    quiet.expect(`${name} to be told messages only from joined until left`, isIn, {
      ...reason,
      received: inShort(message),
    })
    const next = view.last! + 1
    quiet.expectSame(`the number that ${name} is told next`, message.number, next, reason)
    view.last = message.number as number
  }
}
