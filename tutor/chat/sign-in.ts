/** From a name and a password to a token. The password is not kept. */

import type { ChatError } from '../../solutions/16-client/chat-error.ts'
import type { Message } from '../../solutions/16-client/request-link.ts'
import { SYSTEM_TIMERS } from '../../solutions/16-client/timers.ts'
import { textOfProblem } from '../../solutions/19-chat-server/page/problems.ts'
import type { ClientCode } from './client-code.ts'

export interface Questions {
  /** The next thing typed; `undefined` when nobody types any more. */
  ask(question: string, isSecret?: boolean): Promise<string | undefined>
  tell(text: string): void
}

export type SignIn =
  | { kind: 'token'; token: string }
  /** A person may try again. */
  | { kind: 'refused'; why: string }
  /** The input ended before an answer. */
  | { kind: 'givenUp' }
  | { kind: 'unreachable' }

const PATIENCE_MS = 10_000

/** Asks who it is, once. With `isNew` an account is made first. */
export async function signIn(
  code: ClientCode,
  questions: Questions,
  isNew: boolean,
): Promise<SignIn> {
  const name = await questions.ask(isNew ? 'Name: ' : 'Name or e-mail: ')
  const email = isNew && name !== undefined ? await questions.ask('E-mail: ') : ''
  const password =
    email === undefined || name === undefined
      ? undefined
      : await questions.ask(isNew ? 'Password (10 characters or more): ' : 'Password: ', true)
  if (name === undefined || password === undefined) return { kind: 'givenUp' }
  const register = { type: 'register', name: name.trim(), email: email?.trim(), password }
  const login = { type: 'login', version: 1, name: name.trim(), password }
  try {
    if (isNew) await askOnce(code, register)
    const { token } = await askOnce(code, login)
    return { kind: 'token', token }
  } catch (error) {
    if (error instanceof Unreachable) return { kind: 'unreachable' }
    return { kind: 'refused', why: textOfProblem(error as ChatError) }
  }
}

class Unreachable extends Error {}

/** One request on a connection of its own. */
function askOnce({ RequestLink, connect }: ClientCode, request: Message): Promise<Message> {
  const { promise, resolve, reject } = Promise.withResolvers<Message>()
  const onLost = () => reject(new Unreachable())
  const link = new RequestLink(connect, SYSTEM_TIMERS, PATIENCE_MS, {
    onOpen: () => link.ask(request, { onAnswer: resolve, onError: reject, onLost }),
    onTold() {},
    onLost,
  })
  const patience = SYSTEM_TIMERS.after(PATIENCE_MS, onLost)
  return promise.finally(() => {
    SYSTEM_TIMERS.cancel(patience)
    link.close()
  })
}
