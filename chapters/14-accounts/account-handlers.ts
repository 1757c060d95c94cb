/**
 * What the requests about accounts do.
 *
 *     login ── logIn() ── token ─┐
 *                                ├─ live.enter ── welcome
 *     hello ────────────── token ┘
 *
 * Every one of them waits for something, and the connection may be over afterwards. What was begun is finished all the
 * same: somebody who logs out everywhere and hangs up has logged out everywhere.
 */

import type { ChatSession, Handler } from '../13-rooms/chat-session.ts'
import type { Refusal } from '../13-rooms/codes.ts'
import { ALREADY_WELCOME, welcome } from '../13-rooms/handlers.ts'
import type { Request } from '../13-rooms/protocol.ts'
import type { AccountPerson } from './account-people.ts'
import type { HelloRequest, LoginRequest, RegisterRequest } from './account-requests.ts'
import type { AccountServices } from './account-services.ts'
import { BUSY, failing, isBusy, logIn, register } from './log-in.ts'
import { sessionIdOf } from './sessions.ts'

const NO_SESSION: Refusal = { code: 'no-session', text: 'There is no such session. Log in.' }

export type AccountHandlers = Record<
  'register' | 'login' | 'hello' | 'logout' | 'logoutEverywhere',
  Handler
>

/** The handlers that use these services; `server` identifies the data, as in 13. */
export function accountHandlers(services: AccountServices, server: string): AccountHandlers {
  return {
    register: guarded(async (session, request: RegisterRequest) => {
      const outcome = await register(services, request, session.address)
      if (outcome.kind === 'refused') return session.refuse(request, outcome.refusal)
      session.answer(request, { type: 'account', name: outcome.account.name })
    }),

    login: guarded(async (session, request: LoginRequest) => {
      if (session.person) return session.refuse(request, ALREADY_WELCOME)
      const outcome = await logIn(services, request, session.address)
      if (outcome.kind === 'refused') return session.refuse(request, outcome.refusal)
      const { token } = outcome
      await enter(services, session, request, token, { server, token })
      // Refused, or gone: nobody has the token, so its session must not stay.
      if (!session.person) await services.sessions.end(sessionIdOf(token))
    }),

    hello: guarded(async (session, request: HelloRequest) => {
      if (session.person) return session.refuse(request, ALREADY_WELCOME)
      await enter(services, session, request, request.token ?? '', { server })
    }),

    logout: guarded(async (session, request: Request) => {
      const { sessionId } = session.person as AccountPerson
      await services.sessions.end(sessionId)
      session.answer(request, { type: 'loggedOut' })
      services.live.end([sessionId])
    }),

    logoutEverywhere: guarded(async (session, request: Request) => {
      const { accountId, sessionId } = session.person as AccountPerson
      const ended = await services.sessions.endOf(accountId)
      session.answer(request, { type: 'loggedOut' })
      services.live.end([...ended, sessionId])
    }),
  }
}

/** Welcomes whoever has shown a token, if there is such a session. */
async function enter(
  { accounts, live, people }: AccountServices,
  session: ChatSession,
  request: Request,
  token: string,
  more: { server: string; token?: string },
): Promise<void> {
  const sessionId = sessionIdOf(token)
  const leave = () => live.leave(sessionId, session)
  const stored = await live.enter(sessionId, session)
  const account = stored && (await accounts.get(stored.accountId).catch(failing(leave)))
  if (session.isOver) return leave()
  if (!account) {
    leave()
    session.refuse(request, NO_SESSION)
    return session.close('finished')
  }
  const person = people.enter(account, sessionId, leave)
  if (person) return welcome(session, request, person, more)
  leave()
  session.refuse(request, TOO_MANY)
}

/** Answers `busy` when something is too busy for the request: that is no bug. */
function guarded<R extends Request>(
  handler: (session: ChatSession, request: R) => Promise<void>,
): Handler {
  return async (session, request: R) => {
    try {
      await handler(session, request)
    } catch (error) {
      if (!isBusy(error)) throw error
      session.refuse(request, BUSY)
    }
  }
}

const TOO_MANY: Refusal = { code: 'busy', text: 'This account has as many connections as it may.' }
