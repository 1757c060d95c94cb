import { SYSTEM_TIMERS } from '../../solutions/16-client/timers.ts'
import type { Conversation } from '../../solutions/19-chat-server/page/conversation.ts'

/** How the connection is, in a few words. */
export function connectionText({ client, otherPerson }: Conversation): string {
  const { state, nextTryMs = 0 } = client
  switch (state.kind) {
    case 'online':
      return 'connected'
    case 'waiting': {
      const seconds = Math.max(0, Math.ceil((nextTryMs - SYSTEM_TIMERS.now()) / 1_000))
      return `connection lost, next try in ${seconds} s`
    }
    case 'ended':
      if (otherPerson !== undefined) return `${otherPerson} is logged in now`
      return state.code === 'no-session' ? 'the session has ended' : 'the end'
    default:
      return 'connecting …'
  }
}
