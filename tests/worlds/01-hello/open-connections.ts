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
  tooEarly:
    "'end' says that ada will send no more. She still listens, and may be in the middle of an answer.",
}

const SERVER_ENDS: Moment = {
  who: 'test',
  does: "says FIN to ada on the server's socket",
  act: ({ near }) => near.end(),
  emits: 'finish',
  tooEarly: "'finish' says that our side has sent everything. ada may still talk, and never stop.",
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
  await expectKeptWhenDestroyed(stage, trackConnection)
}

/** The owner goes first, and may have destroyed it: its `'close'` is still to come. */
async function expectKeptWhenDestroyed(
  { expect, story }: Stage,
  trackConnection: TrackConnection,
): Promise<void> {
  const ada = await socketPair()
  try {
    const open = new Set<Socket>()
    story.tell(
      'ada',
      'connects again; the owner destroys her socket, then trackConnection() is called',
    )
    const closed = new Promise((resolve) => ada.near.once('close', resolve))
    ada.near.destroy()
    trackConnection(ada.near, open)
    const isIn = open.has(ada.near)
    await within(PATIENCE_MS, closed)
    await everythingElse()
    expect("ada's socket to be in `open` until its 'close'", isIn && !open.has(ada.near), {
      because: "`open` holds every socket until its 'close', and hers is still to come.",
      likely: "Add every socket, whatever has happened to it, and take it out at 'close'.",
      received: isIn ? 'it stays there' : 'it was never there',
    })
  } finally {
    ada.destroy()
  }
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
    expect("ada's socket to be in `open` still, right after its 'error'", isOpen === true, {
      because: "'error' tells what has happened, not whether the descriptor is free.",
      likely: "'close' always follows an 'error'. Take the socket out there, and nowhere else.",
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
  let isInAtOnce = false
  await withTimersHeld(async () => {
    trackConnection(near, open)
    isInAtOnce = open.has(near)
  })
  expect("ada's socket to be in `open` at once", isInAtOnce, {
    because: 'close() can never cut a connection that is not in `open`.',
    likely:
      'Add the socket when trackConnection() is called: it emits no event when its connection begins.',
  })
  const isUntouched = near.readableFlowing === null && !near.timeout
  expect('the conversation to be left to its owner', isUntouched, {
    because:
      'Every later server is built on trackConnection(). What a client says, and how long it may be silent, is for that server to judge.',
    likely:
      near.readableFlowing !== null
        ? "A 'data' or 'readable' listener, or resume(), takes bytes that others wait for."
        : 'setTimeout() ends a client that is only silent. An event reports a lost peer.',
    received: near.readableFlowing !== null ? 'it is read from' : `a limit of ${near.timeout} ms`,
  })
  const isTakenOff = LISTENED_TO.some((event, index) =>
    others[index].some((listener) => !near.listeners(event).includes(listener)),
  )
  expect('the listeners of the socket’s owner to be there still', !isTakenOff, {
    because: 'The owner comes first, and listens for the same events.',
    likely: 'removeAllListeners() removes those of others as well. Only add your own.',
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
    because: 'Each connection is tracked by itself. close() cuts those that are in `open`.',
    likely:
      'Take out this socket and no other: open.delete(socket). Not the first one, nor all that have said FIN; and keep nothing in the module.',
  })
  if (tooEarly) {
    const isIntact = !near.destroyed && (near.writable || emits === 'finish')
    expect("ada's connection to be as it was", hasCome && isIntact, {
      because: 'Keeping track of a connection changes nothing about it.',
      likely: 'trackConnection() or one of its listeners ends the socket. Leave that to its owner.',
      received: near.destroyed ? 'destroyed' : 'FIN was said',
    })
    // One is the test's own.
    expect("the socket still to have an 'error' listener", near.listenerCount('error') > 1, {
      because:
        'ada may be lost at any moment until her connection is over. Without a listener, that error would end the process.',
      likely: `A listener is removed at '${emits}'. Leave it: it goes with the socket.`,
    })
    expect("ada's socket to be in `open` still", open.has(near), {
      because: 'Its descriptor is in use until both sides have said FIN.',
      likely: `${tooEarly} 'close' is always emitted, and always last.`,
      received: `taken out at '${emits}'`,
    })
    return
  }
  expect("ada's socket not to be in `open` after its 'close'", hasCome && !open.has(near), {
    because: 'Its descriptor is free. What stays in `open` is memory that never comes back.',
    likely:
      does.includes('FIN') && hasCome
        ? "'close' says that the descriptor is free: take the socket out then."
        : "Neither 'end' nor 'finish' is emitted when a connection is cut, and no 'error' when it ends in order. 'close' always is.",
    received: hasCome ? 'it is still there' : "no 'close'",
  })
}

/** Whatever else hears of the same event. */
async function everythingElse(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((next) => setImmediate(next))
}
