/** A bridge whose socket ends or is lost, in all the ways there are: what its thread is told, and what may be wrong if it is not. */

import type { Stage } from '../../judge/step.ts'
import { type BridgeSocket, TOO_LATE, UNNOTICED, whatBridgeTells } from './bridge.ts'

/** Bytes, and then one message that says how the stream ended. */
export async function expectEndingsTold(stage: Stage): Promise<void> {
  const { load, expectSame, story } = stage
  const { bridgeSocket } = await load(() => import('#code/03-blocking-socket/bridge.ts'))
  const timeout = () => Object.assign(new Error('read ETIMEDOUT'), { code: 'ETIMEDOUT' })
  story.tell('dee', 'sends a byte, and right after that loses her network (ETIMEDOUT)')
  const toldOfLoss = await whatBridgeTells(bridgeSocket, async ({ near, far, rest }) => {
    far.write('x')
    await rest(1)
    near.destroy(timeout())
  })
  expectSame('what the bridge tells the thread', toldOfLoss, ['bytes x', 'lost ETIMEDOUT'], {
    because: hasLoss(toldOfLoss[1])
      ? 'The code says why the connection was lost, and the loss is told once.'
      : 'A connection that is lost has not ended in order: half a file must not look like a whole one.',
    likely: causeOfLossMistold(toldOfLoss),
    look: 'pumpToThread()',
  })
  await expectEndTold(stage, bridgeSocket)
  story.tell('hal', 'is lost like dee, after the connections of dee and eve have been closed')
  const toldOnceMore = await whatBridgeTells(bridgeSocket, async ({ near }) => {
    near.destroy(timeout())
  })
  expectSame('what the bridge tells the thread', toldOnceMore, ['lost ETIMEDOUT'], {
    because:
      'Each connection has an end of its own. How others have ended says nothing about this one.',
    likely:
      'Is there one variable for all connections, which remembers an end or a loss? Declare what you remember in pumpToThread().',
    look: 'pumpToThread()',
  })
  story.tell('server', "destroys fay's connection: 'close' is emitted, and no 'error' before it")
  const toldOfClose = await whatBridgeTells(bridgeSocket, async ({ near, far, rest }) => {
    far.write('x')
    await rest(1)
    near.destroy()
  })
  // Some streams have a code of their own for that. What dee's connection died of is not it.
  const kinds = toldOfClose.map(withoutCode)
  expectSame('what the bridge tells the thread', kinds, ['bytes x', 'lost and why'], {
    because: 'A thread that is told nothing sleeps forever, and one that is told has to learn why.',
    likely: causeOfCloseMistold(kinds),
    look: 'pumpToThread()',
  })
  story.tell('jim', "is lost, and the 'error' has no code")
  const toldWithoutCode = await whatBridgeTells(bridgeSocket, async ({ near }) => {
    near.destroy(new Error('nobody knows'))
  })
  expectSame(
    'what the bridge tells the thread',
    toldWithoutCode.map(withoutCode),
    ['lost and why'],
    {
      because: 'Not every error has a code, but the thread has to be told one.',
      likely:
        "error.code may be undefined. Then the code is ECONNRESET, as it is without an 'error'.",
      look: 'pumpToThread()',
    },
  )
  story.tell('gil', 'is lost (ETIMEDOUT) after her thread has said its own FIN')
  const toldWhenSilent = await whatBridgeTells(bridgeSocket, async ({ near, post, rest }) => {
    post({ kind: 'end' })
    await rest()
    near.destroy(timeout())
  })
  expectSame('what the bridge tells the thread', toldWhenSilent, ['lost ETIMEDOUT'], {
    because: 'A thread that has said FIN may still read, and would wait for her forever.',
    likely:
      'The connection is lost if it closes before the *peer* has said FIN: look at readableEnded. writableEnded is about our own FIN.',
    look: 'pumpToThread()',
  })
  story.tell(
    'kai',
    'sends a byte, and later another and FIN, after his thread has said its own; it looks when all is over',
  )
  const toldAtOnce = await whatBridgeTells(bridgeSocket, async ({ far, post, restUntaken }) => {
    post({ kind: 'end' })
    await restUntaken()
    far.write('x')
    await restUntaken()
    far.end('y')
    await restUntaken()
  })
  expectSame('what the bridge tells the thread', toldAtOnce, ['bytes x', 'bytes y', 'end'], {
    because:
      'Bytes come first, then the end. Both sides have said FIN, so the connection closes, and the port with it: what is not told by then is never told.',
    likely: toldAtOnce.includes('end')
      ? 'Deliver bytes at once, not a turn of the loop later: FIN may come right behind them.'
      : 'Deliver bytes when they arrive and `end` at FIN, and do not wait for `taken` before that: it decides only whether the socket is paused.',
    look: 'pumpToThread()',
  })
  story.tell('ivy', 'says FIN, and later loses her network (ETIMEDOUT)')
  const toldOfBoth = await whatBridgeTells(bridgeSocket, async ({ near, far, rest }) => {
    far.end()
    await rest()
    near.destroy(timeout())
  })
  expectSame('what the bridge tells the thread', toldOfBoth, ['end'], {
    because: 'Her FIN has already been told, as `end`. Only one message says how a stream ended.',
    likely:
      "After 'end' there is no loss to tell, with or without an 'error': look at `readableEnded` in any case.",
    look: 'pumpToThread()',
  })
}

/** The end is told, and her FIN ends nothing but what she says. */
async function expectEndTold(
  { expectSame, story }: Stage,
  bridgeSocket: BridgeSocket,
): Promise<void> {
  story.tell(
    'eve',
    'sends a byte, later FIN; the thread answers; later the connection closes in order',
  )
  let heard = ''
  const told = await whatBridgeTells(bridgeSocket, async ({ near, far, rest, post }) => {
    far.on('data', (bytes: Buffer) => {
      heard += bytes
    })
    far.write('x')
    // The thread takes the byte, and its bridge hears of that.
    await rest()
    await rest()
    far.end()
    await rest()
    post({ kind: 'bytes', bytes: Buffer.from('answer') })
    await rest()
    near.end()
    await rest()
    near.destroy()
  })
  expectSame('what the bridge tells the thread', told, ['bytes x', 'end'], {
    because: 'FIN is a good end. It is told after all bytes, and nothing comes after it.',
    likely: causeOfEndMistold(told),
    look: told.some((message) => message.endsWith(UNNOTICED)) ? 'deliver()' : 'pumpToThread()',
  })
  expectSame('what eve receives after her FIN', heard, 'answer', {
    because: 'FIN says "I will send no more", not "I will not listen": the thread may still write.',
    likely:
      "At 'end', deliver the message `end` and do nothing else: no end(), destroy() or port.close(). `for await` over a socket destroys it at the end; over socket.iterator({ destroyOnReturn: false }) it does not.",
    look: 'pumpToThread()',
  })
}

function hasLoss(message = ''): boolean {
  return message.startsWith('lost') && !message.endsWith(TOO_LATE)
}

/** A code of its own is as good as any, if it is not that of another connection. */
function withoutCode(message: string): string {
  return message.replace(/^lost (?!undefined$|ETIMEDOUT$).+/, 'lost and why')
}

function causeOfLossMistold(told: string[]): string {
  if (told.at(-1)?.endsWith(TOO_LATE))
    return "Deliver the loss in the 'close' listener itself, not a turn of the loop later: the port closes right after."
  if (told[0]?.startsWith('lost'))
    return 'Deliver bytes at once, not a turn of the loop later: what arrives first is told first.'
  if (told[1]?.startsWith('lost') && told.length > 2)
    return "Keep the code at 'error', and deliver the loss at 'close' only."
  if (told[1]?.includes('ETIMEDOUT'))
    return 'The code is `error.code`. The message of an error is a sentence for people, and no code.'
  if (told[1]?.startsWith('lost'))
    return "The code comes with 'error', and 'close' follows: keep the code until then."
  if (told.includes('end'))
    return "If the socket has not ended by 'close' (`readableEnded`), the peer is lost: deliver `lost`, not `end`."
  return "'close' is always emitted. If the socket has not ended by then (`readableEnded`), deliver the loss. What you remember of other connections says nothing about this one."
}

/** Why a bridge may be wrong about a connection that closes without an error. */
function causeOfCloseMistold(told: string[]): string {
  return told[1]?.startsWith('lost')
    ? "This connection had no 'error', so the code is ECONNRESET, not that of another connection."
    : "A socket may close without an 'error'. Deliver the loss at 'close', which is always emitted."
}

function causeOfEndMistold(told: string[]): string {
  if (told.some((message) => message.endsWith(UNNOTICED)))
    return 'The message is there, but a thread that sleeps looks for it only when it is told news. deliver() posts and tells, for every kind of message.'
  if (told.length > 2)
    return 'A socket that has ended closes, too. If `readableEnded`, that is no loss.'
  if (told[0] === 'end') return 'Deliver bytes at once, not a turn of the loop later.'
  return told[1]
    ? "'end' is the peer's FIN, and no loss."
    : "Deliver `end` when the socket emits 'end'."
}
