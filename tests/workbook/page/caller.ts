/** Somebody in the chat without a page: the client of 16, over TCP. */

import { ChatClient } from '../../../solutions/16-client/chat-client.ts'
import type { RoomMessage } from '../../../solutions/16-client/room-feed.ts'
import { connectOverTcp } from '../../../solutions/16-client/tcp-link.ts'
import { SYSTEM_TIMERS } from '../../../solutions/16-client/timers.ts'
import { loadClient } from '../../../tutor/chat/client-code.ts'
import { signIn } from '../../../tutor/chat/sign-in.ts'
import { SOLUTION } from '../../judge/workbook.ts'

export class Caller {
  readonly client: ChatClient
  /** What was told in each room. */
  readonly told = new Map<string, RoomMessage[]>()

  private constructor(port: number, token: string) {
    this.client = new ChatClient({
      connect: connectOverTcp({ host: '127.0.0.1', port }),
      timers: SYSTEM_TIMERS,
      random: Math.random,
      firstMs: 200,
      capMs: 200,
      hello: () => ({ token }),
      onNotice: (notice) => {
        if (notice.kind === 'message') this.#in(notice.room).push(notice.message)
      },
    })
    this.client.start()
  }

  /** Makes an account, and logs in with it. */
  static async call(port: number, name: string, password: string): Promise<Caller> {
    const code = await loadClient(SOLUTION, { kind: 'tcp', host: '127.0.0.1', port })
    const answers = [name, `${name}@chat.example`, password]
    const result = await signIn(code, { ask: async () => answers.shift(), tell() {} }, true)
    if (result.kind !== 'token') throw new Error(`${name} could not log in: ${result.kind}`)
    return new Caller(port, result.token)
  }

  texts(room: string): string[] {
    return this.#in(room).map(({ text }) => text)
  }

  /** Says all of them, one after the other. */
  async say(room: string, ...texts: string[]): Promise<void> {
    this.client.join(room)
    await Promise.all(texts.map((text) => this.client.say(room, text)))
  }

  hangUp(): void {
    this.client.close()
  }

  #in(room: string): RoomMessage[] {
    const messages = this.told.get(room) ?? []
    this.told.set(room, messages)
    return messages
  }
}
