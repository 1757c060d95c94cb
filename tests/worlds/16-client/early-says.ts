/** Sees from outside whether a client says something in a room that is not live on this connection. */

import type { ClientEnd, ClientEvents } from '../../harness/faulty-network.ts'

type Connect = (events: ClientEvents) => ClientEnd

/** What the client waits for in that room. */
type OnEarly = (text: string, room: string, waitsFor: 'joined' | 'a page') => void

/** The same connections; `onEarly` hears of each `say` that leaves while its room's `joined` or a page is still to come. */
export function watchingForEarlySays(connect: Connect, onEarly: OnEarly): Connect {
  return (events) => {
    const entered = new Set<string>()
    /** By id: the rooms whose `join` or `history` is not answered. */
    const unanswered = new Map<number, string>()
    const end = connect({
      onOpen: () => events.onOpen(),
      onText(message) {
        const { id, type, room } = JSON.parse(message)
        if (type === 'joined') entered.add(room)
        unanswered.delete(id)
        events.onText(message)
      },
      onClose: () => events.onClose(),
    })
    return {
      send(message) {
        end.send(message)
        const { id, type, room, text } = JSON.parse(message)
        if (type === 'join' || type === 'history') unanswered.set(id, room)
        if (type !== 'say' || typeof room !== 'string') return
        if (!entered.has(room)) onEarly(text, room, 'joined')
        else if ([...unanswered.values()].includes(room)) onEarly(text, room, 'a page')
      },
      close: () => end.close(),
    }
  }
}
