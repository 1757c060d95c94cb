/** How much a bridge delivers to a thread that does not take it, and that it goes on when there is room. */

import { countBytes } from '../../harness/bytes.ts'
import type { Stage } from '../../judge/step.ts'
import { whatBridgeTells } from './bridge.ts'
import { fillWindow, windowOf } from './bridge-window.ts'

const KIBIBYTE = 1024

/** `WINDOW_BYTES`. */
const WINDOW = 64 * KIBIBYTE

/** A window, and the chunk that went beyond it. */
const MOST_UNTAKEN = 112 * KIBIBYTE

/** Of a port's `'message'`, in an answer that registers generously. */
const MOST_LISTENERS = 8

/** However much is sent, a window is delivered, and all of it in the end. */
export async function expectWindow({ load, expect, story }: Stage): Promise<void> {
  const { bridgeSocket } = await load(() => import('#code/03-blocking-socket/bridge.ts'))
  story.tell(
    'eve',
    'sends 1 MiB in small pieces and then large ones; the thread takes a message whenever nothing moves any more',
  )
  const { sent, most, fullest, delivered, waiting, listeners } = await windowOf(bridgeSocket, [])
  expect('at most 112 KiB to be delivered and not taken', most <= MOST_UNTAKEN, {
    because: 'WINDOW_BYTES and the chunk that went beyond it are enough, at any time.',
    likely:
      most === sent
        ? 'Count what has been delivered and not taken, and pause the socket from WINDOW_BYTES on.'
        : 'Is credit given twice, or for more than was taken? Count each byte up when it is delivered and down when it is taken, and resume the socket only below the mark.',
    look: 'pumpToThread()',
    received: countBytes(most),
  })
  expect('all that eve sent to be delivered in the end', delivered === sent, {
    because: 'The thread has taken everything it got, so there is room for the rest.',
    likely:
      waiting > 0
        ? 'Resume the socket when less than WINDOW_BYTES are delivered and not taken, each time.'
        : "Nothing waits in the socket: the rest was read, but not delivered. 'data' brings a chunk once, so deliver it, and pause after that.",
    look: 'pumpToThread()',
    received: countBytes(delivered),
  })
  expect('nothing to be delivered while 64 KiB are not taken', fullest < WINDOW, {
    because: 'With WINDOW_BYTES not taken, the window is full, and there is not one byte of room.',
    likely: 'Pause from exactly WINDOW_BYTES on (>=), and resume below that (<), not at it.',
    look: 'pumpToThread()',
    received: `a chunk, when ${countBytes(fullest)} were not taken`,
  })
  expect('no additional listener for each pause', listeners <= MOST_LISTENERS, {
    because:
      'A conversation may be paused a thousand times, and what each pause leaves behind adds up.',
    likely:
      "One 'message' listener on the port is enough for the whole conversation: register it outside the 'data' listener.",
    look: 'pumpToThread()',
    received: `${listeners} 'message' listeners on the port`,
  })
}

/** A socket that was paused goes on, whatever the thread posts besides, and whatever other threads do. */
export async function expectWindowKept({ load, expect, expectSame, story }: Stage): Promise<void> {
  const { bridgeSocket } = await load(() => import('#code/03-blocking-socket/bridge.ts'))
  story.tell('gus', 'sends 64 KiB, and nothing more until all is taken; then a byte')
  const afterPause = await whatBridgeTells(bridgeSocket, async ({ far, rest }) => {
    for (let sent = 0; sent < WINDOW; sent += 16 * KIBIBYTE)
      far.write(Buffer.alloc(16 * KIBIBYTE, 'a'))
    await rest()
    await rest()
    far.write('x')
    await rest()
  })
  expectSame('the last message to the thread', afterPause.at(-1), 'bytes x', {
    because: 'The socket was paused, and then there was room. What arrives next must be delivered.',
    likely:
      'Resume the socket when there is room, whether anything waits in it or not. What arrives at a paused socket stays there.',
    look: 'pumpToThread()',
  })
  for (const kind of ['bytes', 'end'] as const) {
    story.tell('thread', `takes messages as before, and posts \`${kind}\` in between`)
    const window = await windowOf(bridgeSocket, [kind])
    const isKept = window.most <= MOST_UNTAKEN && window.delivered === window.sent
    expect('the window to be as before', isKept, {
      because: 'What the thread sends says nothing about what it has taken.',
      likely:
        'The port brings messages of other kinds, too: count down at `taken`, and at nothing else.',
      look: 'pumpToThread()',
      expected: `at most ${countBytes(MOST_UNTAKEN)} not taken, and all ${countBytes(window.sent)} delivered`,
      received: `${countBytes(window.most)} not taken, and ${countBytes(window.delivered)} delivered`,
    })
  }

  story.tell('fay', 'sends 256 KiB over a bridge of her own, and her thread takes none of it')
  const fay = await fillWindow(bridgeSocket)
  const beside = await windowOf(bridgeSocket, [])
  fay()
  expect('the window of another bridge to be as before', beside.delivered === beside.sent, {
    because: 'Each thread has a window of its own. One that does not read holds up nobody else.',
    likely: 'Do all sockets share one count? Declare it in pumpToThread().',
    look: 'pumpToThread()',
    expected: `all ${countBytes(beside.sent)} to be delivered`,
    received: countBytes(beside.delivered),
  })
}
