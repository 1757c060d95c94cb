/** Sees from outside what a client says, and in which room that is not live on this connection. */

import type { ClientEnd, ClientEvents } from '../../harness/faulty-network.ts'

type Connect = (events: ClientEvents) => ClientEnd

/** A `say` that leaves the client. */
export interface LeavingSay {
  room: string
  text: string
  since: unknown
  /** What the client still waits for in that room. */
  waitsFor: 'joined' | 'a page' | undefined
  /** The room’s last number when the client joined it on this connection. */
  joinedLast: number
}

/** The same connections; `onSay` hears of each `say` before it leaves. */
export function watchingSays(connect: Connect, onSay: (say: LeavingSay) => void): Connect {
  return (events) => {
    /** By room: `joined.last`. */
    const entered = new Map<string, number>()
    /** By id: the rooms whose `join` or `history` is not answered. */
    const unanswered = new Map<number, string>()
    const end = connect({
      onOpen: () => events.onOpen(),
      onText(message) {
        const { id, type, room, last } = JSON.parse(message)
        if (type === 'joined') entered.set(room, last)
        unanswered.delete(id)
        events.onText(message)
      },
      onClose: () => events.onClose(),
    })
    return {
      send(message) {
        end.send(message)
        const { id, type, room, text, since } = JSON.parse(message)
        if (type === 'join' || type === 'history') unanswered.set(id, room)
        if (type !== 'say' || typeof room !== 'string') return
        const isFilling = [...unanswered.values()].includes(room)
        const waitsFor = !entered.has(room) ? 'joined' : isFilling ? 'a page' : undefined
        onSay({ room, text, since, waitsFor, joinedLast: entered.get(room) ?? 0 })
      },
      close: () => end.close(),
    }
  }
}
