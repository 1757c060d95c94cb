import type { ChatClient } from '../../solutions/16-client/chat-client.ts'
import { SYSTEM_TIMERS } from '../../solutions/16-client/timers.ts'

/** How the connection is, in a few words. */
export function connectionText({ state, nextTryMs = 0 }: ChatClient): string {
  switch (state.kind) {
    case 'online':
      return 'connected'
    case 'waiting': {
      const seconds = Math.max(0, Math.ceil((nextTryMs - SYSTEM_TIMERS.now()) / 1_000))
      return `connection lost, next try in ${seconds} s`
    }
    case 'ended':
      return state.code === 'no-session' ? 'the session has ended' : 'the end'
    default:
      return 'connecting …'
  }
}
