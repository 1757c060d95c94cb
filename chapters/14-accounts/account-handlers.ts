/**
 * What the requests about accounts do.
 *
 *     login ── throttle ── credentials ── sessions.begin ─┐
 *                (before)     (hash queue)                ├─ live.enter ── welcome
 *     hello ── token ─────────────────────────────────────┘
 *
 * Every one of them waits for something, and the connection may be over afterwards. What was begun is finished all the
 * same: somebody who logs out everywhere and hangs up has logged out everywhere.
 */

import { PoolBusy, PoolClosed } from '../06-worker-pool/worker-pool.ts'
import type { ChatSession, Handler } from '../13-rooms/chat-session.ts'
import type { Refusal } from '../13-rooms/codes.ts'
import { ALREADY_WELCOME, welcome } from '../13-rooms/handlers.ts'
import type { Request } from '../13-rooms/protocol.ts'
import type { AccountPerson } from './account-people.ts'
import type { HelloRequest, LoginRequest, RegisterRequest } from './account-requests.ts'
import type { AccountServices } from './account-services.ts'
import { HashesBusy } from './hash-queue.ts'
import { hashPassword } from './passwords.ts'
import { sessionIdOf } from './sessions.ts'

const BUSY: Refusal = { code: 'busy', text: 'Too many are logging in. Try again in a moment.' }
const BAD_LOGIN: Refusal = { code: 'bad-login', text: 'Name and password do not belong together.' }
const NO_SESSION: Refusal = { code: 'no-session', text: 'There is no such session. Log in.' }

export type AccountHandlers = Record<
  'register' | 'login' | 'hello' | 'logout' | 'logoutEverywhere',
  Handler
>

/** The handlers on these services; `server` identifies the data, as in 13. */
export function accountHandlers(services: AccountServices, server: string): AccountHandlers {
  return {
    register: guarded(async (session, request: RegisterRequest) => {
      const waitMs = services.registrations.take(session.address)
      if (waitMs > 0) return session.refuse(request, tryLater(waitMs))
      const { name, email, password } = request
      const passwordHash = await hashPassword(password, services.hasher)
      const account = await services.accounts.create({ name, email, passwordHash })
      if (typeof account === 'string') return session.refuse(request, TAKEN[account])
      session.answer(request, { type: 'account', name: account.name })
    }),

    login: guarded(async (session, request: LoginRequest) => {
      if (session.person) return session.refuse(request, ALREADY_WELCOME)
      const found = await services.accounts.find(request.name)
      const subject = found ? `#${found.id}` : request.name.toLowerCase()
      const waitMs = services.throttle.begin(subject, session.address)
      if (waitMs > 0) return session.refuse(request, tryLater(waitMs))
      // A password that was not looked at was no try.
      const takeBack = () => services.throttle.takeBack(subject, session.address)
      const account = await services.credentials
        .check(found, request.password)
        .catch(failing(takeBack))
      if (!account) return session.refuse(request, BAD_LOGIN)
      services.throttle.succeed(subject, session.address)
      const token = await services.sessions.begin(account.id)
      await enter(services, session, request, token, { server, token })
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

/** The chat begins for whoever has shown a token, if there is such a session. */
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

/** For whoever has something to undo when a promise rejects. */
function failing(undo: () => void): (error: unknown) => never {
  return (error) => {
    undo()
    throw error
  }
}

/** What is busy says so: that is no bug. */
function guarded<R extends Request>(
  handler: (session: ChatSession, request: R) => Promise<void>,
): Handler {
  return async (session, request: R) => {
    try {
      await handler(session, request)
    } catch (error) {
      const isBusy = [HashesBusy, PoolBusy, PoolClosed].some((kind) => error instanceof kind)
      if (!isBusy) throw error
      session.refuse(request, BUSY)
    }
  }
}

function tryLater(waitMs: number): Refusal {
  const seconds = Math.ceil(waitMs / 1_000)
  return { code: 'try-later', text: `Try again in ${seconds} s.`, seconds }
}

const TAKEN: Record<'name-taken' | 'email-taken', Refusal> = {
  'name-taken': { code: 'name-taken', text: 'Somebody has this name.' },
  'email-taken': { code: 'email-taken', text: 'There is an account with this e-mail address.' },
}

const TOO_MANY: Refusal = { code: 'busy', text: 'This account has as many connections as it may.' }
