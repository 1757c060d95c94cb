/** A bridge whose socket ends or is lost, in all the ways there are: what its thread is told, and what may be wrong if it is not. */

import type { Stage } from '../../judge/step.ts'
import { UNNOTICED, whatBridgeTells } from './bridge.ts'

/** Bytes, and then one message that says how the stream ended. */
export async function expectEndingsTold({ load, expectSame, story }: Stage): Promise<void> {
  const { bridgeSocket } = await load(() => import('#code/03-blocking-socket/bridge.ts'))
  const timeout = () => Object.assign(new Error('read ETIMEDOUT'), { code: 'ETIMEDOUT' })
  story.tell('dee', 'sends a byte, and at once her network is gone (ETIMEDOUT)')
  const toldOfLoss = await whatBridgeTells(bridgeSocket, async ({ near, far, rest }) => {
    far.write('x')
    await rest(1)
    near.destroy(timeout())
  })
  expectSame('what the bridge tells the thread', toldOfLoss, ['bytes x', 'lost ETIMEDOUT'], {
    because: toldOfLoss[1]?.startsWith('lost')
      ? 'The code says why it was lost, and it is told once.'
      : 'A connection that is lost has not come to its end: half a file is no file.',
    likely: causeOfLossMistold(toldOfLoss),
    look: 'pumpToThread()',
  })
  story.tell('server', "gives fay's connection up: 'close' comes, and no 'error' before it")
  const toldOfClose = await whatBridgeTells(bridgeSocket, async ({ near, far, rest }) => {
    far.write('x')
    await rest(1)
    near.destroy()
  })
  // Some streams have a code of their own for that. What dee's connection died of is not it.
  const kinds = toldOfClose.map((message) =>
    message.replace(/^lost (?!undefined$|ETIMEDOUT$).+/, 'lost and why'),
  )
  expectSame('what the bridge tells the thread', kinds, ['bytes x', 'lost and why'], {
    because: 'A thread that is told nothing sleeps forever, and one that is told has to learn why.',
    likely: causeOfCloseMistold(kinds),
    look: 'pumpToThread()',
  })
  story.tell('gil', 'is lost (ETIMEDOUT) after her thread has said its own FIN')
  const toldWhenSilent = await whatBridgeTells(bridgeSocket, async ({ near, post, rest }) => {
    post({ kind: 'end' })
    await rest()
    near.destroy(timeout())
  })
  expectSame('what the bridge tells the thread', toldWhenSilent, ['lost ETIMEDOUT'], {
    because: 'A thread that has said FIN may still read, and would wait for her forever.',
    likely:
      'It is lost if it closes before the *peer* has said FIN: readableEnded. writableEnded is about ours.',
    look: 'pumpToThread()',
  })
  story.tell('eve', 'sends a byte, later FIN; later the connection closes in order')
  const toldOfEnd = await whatBridgeTells(bridgeSocket, async ({ near, far, rest }) => {
    far.write('x')
    // The thread takes the byte, and its bridge hears of that.
    await rest()
    await rest()
    far.end()
    await rest()
    near.end()
    await rest()
    near.destroy()
  })
  expectSame('what the bridge tells the thread', toldOfEnd, ['bytes x', 'end'], {
    because: 'FIN is a good end, behind all bytes, and nothing comes after it.',
    likely: causeOfEndMistold(toldOfEnd),
    look: toldOfEnd.some((told) => told.endsWith(UNNOTICED)) ? 'deliver()' : 'pumpToThread()',
  })
}

function causeOfLossMistold(told: string[]): string {
  if (told[0]?.startsWith('lost'))
    return 'Deliver bytes at once, and not a turn of the loop later: what comes first is told first.'
  if (told[1]?.startsWith('lost') && told.length > 2)
    return "Keep the code at 'error', and deliver the loss at 'close' only."
  if (told[1]?.startsWith('lost'))
    return "The code comes with 'error'. 'close' comes after it: keep the code until then."
  return "'close' comes in any case. If the socket has not ended by then (`readableEnded`), deliver the loss, in the 'close' listener itself: the port closes right after."
}

/** Why a bridge may be wrong about a connection that closes without an error. */
function causeOfCloseMistold(told: string[]): string {
  return told[1]?.startsWith('lost')
    ? "This connection had no 'error', so the code is ECONNRESET: not that of another connection."
    : "A socket may close without an 'error'. Deliver the loss at 'close': that comes in any case."
}

function causeOfEndMistold(told: string[]): string {
  if (told.some((message) => message.endsWith(UNNOTICED)))
    return 'The message is there, and a thread that sleeps looks for it only when it is told news. deliver() does both, for every kind of message.'
  if (told.length > 2)
    return 'A socket that has ended closes, too. If `readableEnded`, that is no loss.'
  if (told[0] === 'end') return 'Deliver bytes at once, and not a turn of the loop later.'
  return told[1]
    ? "'end' is the peer's FIN, and no loss."
    : "Deliver `end` when the socket says 'end'."
}
