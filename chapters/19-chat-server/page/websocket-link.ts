/** How a client connects in a page: one WebSocket text for each message of the chat. Node has the same class. */

import type { Connect, Link, LinkEvents } from '../../16-client/request-link.ts'

const SUBPROTOCOL = 'chat.v1'

export function connectOverWebSocket(url: string): Connect {
  return (events) => new WebSocketLink(url, events)
}

class WebSocketLink implements Link {
  readonly #socket: WebSocket
  /** Removes the listeners when it aborts. */
  readonly #listening = new AbortController()

  constructor(url: string, events: LinkEvents) {
    this.#socket = new WebSocket(url, SUBPROTOCOL)
    const { signal } = this.#listening
    const listen = (type: string, listener: (event: { data?: unknown }) => void) =>
      this.#socket.addEventListener(type, listener as EventListener, { signal })
    listen('open', () => events.onOpen())
    listen('message', ({ data }) => events.onText(String(data)))
    listen('close', () => {
      this.#listening.abort()
      events.onClose()
    })
  }

  send(text: string): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(text)
  }

  close(): void {
    this.#listening.abort()
    this.#socket.close()
  }
}
