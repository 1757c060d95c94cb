import type { ChalkInstance } from 'chalk'
import { render } from 'ink'
import type { ConversationOptions } from '../../solutions/19-chat-server/page/conversation.ts'
import { ChatApp } from './chat-app.tsx'
import { Desk } from './desk.ts'

/** Resolves with the exit code when somebody leaves, or the session has ended. */
export async function openChatScreen(
  makeClient: ConversationOptions['makeClient'],
  room: string,
  chalk: ChalkInstance,
): Promise<number> {
  const desk = new Desk(makeClient, room)
  const { client } = desk.conversation
  const screen = render(<ChatApp desk={desk} chalk={chalk} />, { alternateScreen: true })
  desk.subscribe(() => client.state.kind === 'ended' && screen.unmount())
  client.start()
  await screen.waitUntilExit()
  const hasEnded = client.state.kind === 'ended'
  for (const line of await desk.close()) process.stderr.write(`${line}\n`)
  return hasEnded ? 1 : 0
}
