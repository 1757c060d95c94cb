/** People with the client of chapter 16, who come through either door and talk by the clock. */

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type * as ClientModule from '#code/16-client/chat-client.ts'
import type { Connect } from '#code/16-client/request-link.ts'
import type * as TcpModule from '#code/16-client/tcp-link.ts'
import { SYSTEM_TIMERS } from '../../solutions/16-client/timers.ts'
import type { CodeTree } from '../../tests/harness/code-tree.ts'
import type { ChatPorts } from './chat-program.ts'

const ROOM = 'hall'

export interface Spoken {
  text: string
  /** What became of it: the number that it was acknowledged with, or the code of what went wrong. */
  outcome: Promise<number | string>
}

export class Person {
  readonly spoken: Spoken[] = []
  readonly #client: ClientModule.ChatClient
  readonly #name: string
  #onState: () => void = () => {}
  #talking: NodeJS.Timeout | undefined

  private constructor(client: ClientModule.ChatClient, name: string) {
    this.#client = client
    this.#name = name
  }

  static async enter(
    tree: CodeTree,
    connect: Connect,
    name: string,
    token: string,
    random: () => number,
  ): Promise<Person> {
    const file = pathToFileURL(join(tree.root, '16-client', 'chat-client.ts')).href
    const { ChatClient } = (await import(file)) as typeof ClientModule
    const client = new ChatClient({
      ...{ connect, random, timers: SYSTEM_TIMERS, hello: () => ({ token }) },
      ...{ firstMs: 50, capMs: 400, provenMs: 1_000 },
      onNotice: () => person.#onState(),
    })
    const person = new Person(client, name)
    client.join(ROOM)
    client.start()
    return person
  }

  /** Resolves when it is connected and welcome. */
  async online(): Promise<void> {
    while (this.#client.state.kind !== 'online') {
      await new Promise<void>((resolve) => {
        this.#onState = resolve
      })
    }
  }

  /** Says something every so often, whether the server is there or not. */
  talkEvery(ms: number): void {
    this.#talking = setInterval(() => {
      const text = `${this.#name} ${this.spoken.length}`
      const outcome = this.#client.say(ROOM, text).then(
        ({ number }) => number,
        ({ code }) => code as string,
      )
      this.spoken.push({ text, outcome })
    }, ms)
  }

  stopTalking(): void {
    clearInterval(this.#talking)
  }

  close(): void {
    this.stopTalking()
    this.#client.close()
  }
}

/** Through the frames door. */
export async function overTcp(tree: CodeTree, { frames }: ChatPorts): Promise<Connect> {
  const file = pathToFileURL(join(tree.root, '16-client', 'tcp-link.ts')).href
  const { connectOverTcp } = (await import(file)) as typeof TcpModule
  return connectOverTcp({ host: '127.0.0.1', port: frames })
}

/** Through the web door, with Node's own WebSocket. */
export function overWebSocket({ web }: ChatPorts): Connect {
  return (events) => {
    const socket = new WebSocket(`ws://127.0.0.1:${web}/chat`, 'chat.v1')
    let isOver = false
    const end = () => {
      if (isOver) return
      isOver = true
      events.onClose()
    }
    socket.onopen = () => !isOver && events.onOpen()
    socket.onmessage = ({ data }) => !isOver && events.onText(String(data))
    socket.onclose = end
    socket.onerror = end
    return {
      send: (text) => socket.readyState === WebSocket.OPEN && socket.send(text),
      close() {
        isOver = true
        socket.close()
      },
    }
  }
}
