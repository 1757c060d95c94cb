/** Connections of this process that end in every way, and who is in `open` meanwhile. */

import type { Socket } from 'node:net'
import { PATIENCE_MS, within } from '../../harness/patience.ts'
import { type SocketPair, socketPair } from '../../harness/socket-pair.ts'
import type { Stage } from '../../judge/step.ts'
import { withTimersHeld } from '../held-timers.ts'

export type TrackConnection = (socket: Socket, open: Set<Socket>) => void

/** A connection's ends: something happens, and the server's socket tells of it. */
interface Moment {
  who: string
  does: string
  act(pair: SocketPair): void
  /** The server's socket emits it, and then everything has its turn. */
  emits: string
  /** What a socket that is not in `open` any more was taken out by; none when it has to be out. */
  tooEarly?: string
}

const CLIENT_ENDS: Moment = {
  who: 'ada',
  does: 'says FIN, and goes on reading',
  act: ({ far }) => far.end(),
  emits: 'end',
  tooEarly: "'end' says that ada will send no more. She still listens, and may be in mid-answer.",
}

const SERVER_ENDS: Moment = {
  who: 'test',
  does: "says FIN to ada on the server's socket",
  act: ({ near }) => near.end(),
  emits: 'finish',
  tooEarly: "'finish' says that our side has said all. ada may still talk, and never stop.",
}

const ENDINGS: Moment[][] = [
  [CLIENT_ENDS, { ...SERVER_ENDS, emits: 'close', tooEarly: undefined }],
  [SERVER_ENDS, { ...CLIENT_ENDS, does: 'says FIN, too', emits: 'close', tooEarly: undefined }],
  [
    {
      who: 'ada',
      does: 'resets the connection (RST)',
      act: ({ far }) => void far.resetAndDestroy(),
      emits: 'close',
    },
  ],
  [
    {
      who: 'test',
      does: "destroys the server's socket",
      act: ({ near }) => void near.destroy(),
      emits: 'close',
    },
  ],
]

/** A socket is in `open` from the beginning to its `'close'`, whichever way it comes to that, and so is everybody else. */
export async function expectAccountKept(
  stage: Stage,
  trackConnection: TrackConnection,
): Promise<void> {
  for (const ending of ENDINGS) {
    const [ada, bob] = [await socketPair(), await socketPair()]
    try {
      const open = new Set<Socket>()
      // Where ada says no FIN, bob does; and he is the first or the last that came.
      const isFirst = ending.length === 1
      if (!isFirst) await expectFromTheBeginning(stage, trackConnection, ada, open)
      stage.story.tell('bob', `connects${isFirst ? ', says FIN' : ', too'}, and stays`)
      trackConnection(bob.near, open)
      if (isFirst) {
        await sayEnd(bob)
        await expectFromTheBeginning(stage, trackConnection, ada, open)
      }
      for (const moment of ending) await expectAccountAt(stage, moment, ada, bob, open)
    } finally {
      ada.destroy()
      bob.destroy()
    }
  }
  await expectKeptWhenLost(stage, trackConnection)
}

async function sayEnd({ near, far }: SocketPair): Promise<void> {
  const ended = within(PATIENCE_MS, new Promise((resolve) => near.once('end', resolve)))
  near.resume()
  far.end()
  await ended
}

/** `'error'` comes first, and `'close'` when the descriptor is free. */
async function expectKeptWhenLost(
  { expect, story }: Stage,
  trackConnection: TrackConnection,
): Promise<void> {
  const ada = await socketPair()
  try {
    const open = new Set<Socket>()
    story.tell('ada', 'connects once more, and resets the connection (RST)')
    trackConnection(ada.near, open)
    const isOpenAtError = new Promise<boolean>((resolve) => {
      // Behind whatever else hears of it; 'close' comes in a later turn of the loop.
      ada.near.once('error', () => process.nextTick(() => resolve(open.has(ada.near))))
    })
    ada.near.resume()
    ada.far.resetAndDestroy()
    const isOpen = await within(PATIENCE_MS, isOpenAtError)
    expect("ada's socket to be in `open` still, right behind its 'error'", isOpen === true, {
      because: "'error' tells what has happened. Whether the descriptor is free, it does not tell.",
      likely: "'close' follows an 'error', always: take the socket out there, and nowhere else.",
      received: isOpen === false ? "taken out at 'error'" : "no 'error'",
    })
  } finally {
    ada.destroy()
  }
}

async function expectFromTheBeginning(
  { expect, story }: Stage,
  trackConnection: TrackConnection,
  { near, far }: SocketPair,
  open: Set<Socket>,
): Promise<void> {
  story.tell('ada', 'connects; the server calls trackConnection()')
  near.on('close', nothing).on('end', nothing)
  const others = LISTENED_TO.map((event) => near.listeners(event))
  // Nobody finds out by looking again and again.
  await withTimersHeld(async () => trackConnection(near, open))
  expect("ada's socket to be in `open` at once", open.has(near), {
    because: 'A connection that is not in `open` is one that close() can never cut.',
    likely: 'Put it in when trackConnection() is called: no event tells that it begins.',
  })
  const isUntouched = near.readableFlowing === null && !near.timeout
  expect('the conversation to be left to its owner', isUntouched, {
    because:
      'Every later server stands on trackConnection(). What a client says, and how long it may be silent, is theirs to judge.',
    likely:
      near.readableFlowing !== null
        ? "A listener of 'data' or 'readable', or resume(), takes bytes that others wait for."
        : 'setTimeout() ends a client that is only silent. A lost peer is told by an event.',
    received: near.readableFlowing !== null ? 'it is read from' : `a limit of ${near.timeout} ms`,
  })
  const isTakenOff = LISTENED_TO.some((event, index) =>
    others[index].some((listener) => !near.listeners(event).includes(listener)),
  )
  expect('the listeners of its owner to be there still', !isTakenOff, {
    because: 'Its owner comes first, and listens for the same events.',
    likely: 'removeAllListeners() takes off those of others as well. Only add your own.',
  })
  near.resume()
  far.resume()
}

const LISTENED_TO = ['close', 'end', 'error'] as const

function nothing(): void {}

async function expectAccountAt(
  { expect, story }: Stage,
  { who, does, act, emits, tooEarly }: Moment,
  pair: SocketPair,
  bob: SocketPair,
  open: Set<Socket>,
): Promise<void> {
  const { near } = pair
  story.tell(who, does)
  const told = within(PATIENCE_MS, new Promise((resolve) => near.once(emits, resolve)))
  act(pair)
  const hasCome = (await told) !== 'too late'
  await everythingElse()
  expect('bob, who is still connected, to be in `open`', open.has(bob.near), {
    because: 'Each connection counts for itself. close() cuts those that are in `open`.',
    likely:
      'Take out this socket and no other: open.delete(socket). Not the first one, nor all that have said FIN, and nothing is kept in the module.',
  })
  if (tooEarly) {
    const isIntact = !near.destroyed && (near.writable || emits === 'finish')
    expect("ada's connection to be as it was", hasCome && isIntact, {
      because: 'Keeping account of a connection changes nothing about it.',
      likely:
        'trackConnection() ends the socket, or something in it does. Leave that to its owner.',
      received: near.destroyed ? 'destroyed' : 'FIN was said',
    })
    // One is the test's own.
    expect("somebody to listen for the socket's 'error' still", near.listenerCount('error') > 1, {
      because:
        'ada may be lost at any moment until her connection is over, and that is an error that somebody has to hear.',
      likely: `A listener is taken off at '${emits}'. Leave it: it goes with the socket.`,
    })
    expect("ada's socket to be in `open` still", open.has(near), {
      because: 'Its descriptor is in use until both sides have said FIN.',
      likely: `${tooEarly} 'close' comes last, and always.`,
      received: `taken out at '${emits}'`,
    })
    return
  }
  expect("ada's socket not to be in `open` behind its 'close'", hasCome && !open.has(near), {
    because: 'Its descriptor is free. What stays in `open` is memory that never comes back.',
    likely:
      does.includes('FIN') && hasCome
        ? "'close' says that the descriptor is free: take the socket out then."
        : "Neither 'end' nor 'finish' comes when a connection is cut, and no 'error' when it ends in order. 'close' always comes.",
    received: hasCome ? 'it is still there' : "no 'close'",
  })
}

/** Whatever else hears of the same event. */
async function everythingElse(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((next) => setImmediate(next))
}
