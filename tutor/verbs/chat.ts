import { SYSTEM_TIMERS } from '../../solutions/16-client/timers.ts'
import type { ConversationOptions } from '../../solutions/19-chat-server/page/conversation.ts'
import { LEARNER, SOLUTION } from '../../tests/judge/workbook.ts'
import { type Address, FRAMES_PORT, parseAddress, textOfAddress } from '../chat/address.ts'
import { type ClientCode, loadClient, openHolesOfClient } from '../chat/client-code.ts'
import { PlainChat } from '../chat/plain-chat.ts'
import { signIn } from '../chat/sign-in.ts'
import { TypedLines } from '../chat/typed-lines.ts'
import { type Call, toType, UsedWrongly, type Verb } from './verb.ts'

const HERE = '127.0.0.1'
const FIRST_ROOM = 'lobby'

export const chat: Verb = {
  usage: 'chat [address] [--register] [--solution]',
  summary: 'chat, with your client of chapter 16',
  async run(call) {
    const [where = HERE, room = FIRST_ROOM] = call.words
    const address = parseAddress(where)
    if (!address)
      throw new UsedWrongly(
        `"${where}" is no address. An address is chat.example, chat.example:4019 or wss://chat.example/chat.`,
      )
    const tree = call.flags.solution ? SOLUTION : LEARNER
    const [hole] = openHolesOfClient(tree)
    if (hole) return tellHole(call, hole.step)
    const code = await loadClient(tree, address)
    const isScreen = process.stdin.isTTY === true && process.stdout.isTTY === true
    const lines = new TypedLines(process.stdin, process.stderr)
    const token = await tokenOf(call, code, lines, address)
    if (token === undefined) {
      lines.close()
      return 1
    }
    const makeClient: ConversationOptions['makeClient'] = (onNotice) =>
      new code.ChatClient({
        connect: code.connect,
        timers: SYSTEM_TIMERS,
        random: Math.random,
        hello: () => ({ token }),
        onNotice,
      })
    if (!isScreen) {
      const io = {
        next: () => lines.next(),
        write: call.write,
        tell: (text: string) => lines.tell(text),
      }
      const exitCode = await new PlainChat(io, makeClient, room).run()
      lines.close()
      return exitCode
    }
    lines.close()
    const { openChatScreen } = await import('../chat/open-screen.tsx')
    return openChatScreen(makeClient, room, call.chalk)
  },
}

function tellHole({ write, words, flags }: Call, step: string): number {
  const id = step.replace(/^0/, '')
  write(`The client that talks here is yours, and step ${id} of it is still to be written.\n`)
  write(`Go on with it:               npm start read ${id}\n`)
  const withAnswer = toType(['chat', ...words], { ...flags, solution: true })
  write(`Talk with the model answer:  ${withAnswer}\n`)
  return 1
}

/** Asks until somebody is let in; without a keyboard, once. */
async function tokenOf(
  call: Call,
  code: ClientCode,
  lines: TypedLines,
  address: Address,
): Promise<string | undefined> {
  const isNew = call.flags.register === true
  for (;;) {
    const result = await signIn(code, lines, isNew)
    if (result.kind === 'token') return result.token
    if (result.kind === 'givenUp') return undefined
    if (result.kind === 'unreachable') {
      lines.tell(`Nobody answers at ${textOfAddress(address)}.${howToServe(call.flags, address)}`)
      return undefined
    }
    lines.tell(result.why)
    if (!isNew) {
      const register = toType(['chat', ...call.words], { ...call.flags, register: true })
      lines.tell(`No account yet?  ${register}`)
    }
    if (!process.stdin.isTTY) return undefined
  }
}

/** Nothing about a server on another machine: that one is not ours to start. */
export function howToServe({ solution }: Call['flags'], address: Address): string {
  const host = address.kind === 'tcp' ? address.host : new URL(address.url).hostname
  if (!/^(127\.0\.0\.1|localhost|\[?::1\]?)$/.test(host)) return ''
  const isUsual = address.kind === 'webSocket' || address.port === FRAMES_PORT
  const port = isUsual ? undefined : String(address.port)
  return ` Start a server:  ${toType(['serve', 19], { port, solution })}`
}
