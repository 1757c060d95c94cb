/** A bridge whose socket receives one byte: what it calls, in which order, and what its thread is told. */

import type { Socket } from 'node:net'
import type { Stage } from '../../judge/step.ts'
import { type BridgeSocket, describe, messagesFor, recordCalls, streams } from './bridge.ts'

/** The message is there before the news is told. */
export async function expectDelivery({ load, expect, expectSame, story }: Stage): Promise<void> {
  const { bridgeSocket } = await load(() => import('#code/03-blocking-socket/bridge.ts'))
  const delivery = await callsForAByte(bridgeSocket)
  const { calls, isNews, message } = delivery
  story.tell('bridge', `receives a byte, and calls ${calls.join(', then ') || 'nothing'}`)
  const isInOrder = calls[0] === 'postMessage' && calls.includes('notify') && isNews
  expect('the message to be posted, and then the news to be told', isInOrder, {
    because: 'A thread that is woken looks at once, and must find what it was woken for.',
    likely: causeOfUntold(delivery),
    look: calls.length === 0 ? 'pumpToThread()' : 'deliver()',
    expected: 'postMessage, then add and notify',
    received: `${calls.join(', ') || 'neither'}${isNews ? '' : ', and no word of `words` has changed'}`,
  })
  expectSame('the message', message, 'bytes x', {
    because: 'The thread gets the bytes of this chunk: these, and no others.',
    likely:
      'Post the chunk itself, a Buffer, in `bytes`. Its `.buffer` is memory that may hold much more, and JSON cannot carry bytes.',
    look: 'deliver()',
  })
}

/** What a bridge does with one byte, `x`, that its socket receives. */
interface Delivery {
  /** What it calls, in this order. */
  calls: string[]
  /** One of the words that it shares with its thread has changed. */
  isNews: boolean
  message: string | undefined
  /** It has read the byte. */
  isRead: boolean
}

async function callsForAByte(bridgeSocket: BridgeSocket): Promise<Delivery> {
  const { near, far, rest } = streams()
  const calls: string[] = []
  const restore = recordCalls((name) => calls.push(name))
  try {
    const { port, shared } = bridgeSocket(near as Socket)
    const before = new Int32Array(shared).join()
    far.write('x')
    await rest()
    const [message] = messagesFor(port).map(describe)
    const isNews = new Int32Array(shared).join() !== before
    return { calls, isNews, message, isRead: near.readableLength === 0 }
  } finally {
    restore()
    near.destroy()
  }
}

/** Why a thread may not hear of a byte. */
function causeOfUntold({ calls, isNews, isRead }: Delivery): string {
  if (calls.length === 0 && isRead)
    return "The byte was read, but nothing was posted. Call deliver() in the 'data' listener itself, for each chunk; it must post at once, not from a timer."
  if (calls.length === 0) return "Nothing listens for 'data'."
  if (calls.includes('notify') && !isNews)
    return 'Nothing has changed in the words of this bridge, so a thread that is about to sleep notices nothing. tellNews(words) counts and notifies.'
  return 'In deliver(): first postMessage, then tellNews().'
}
