/** Log-in and accounts, over the HTTP API of chapter 17. The session is a cookie that no script can read. */

import type { Problem } from './problems.ts'

export interface Account {
  name: string
  email: string
  password: string
}

/** The server has not answered, or not as it should. */
export class NoAnswer extends Error {}

/** Whose session this is; `undefined` when nobody is logged in. */
export async function whoAmI(): Promise<string | undefined> {
  const answer = await ask('GET', '/api/me')
  if (answer.status === 401) return undefined
  if (!answer.ok) throw new NoAnswer(`status ${answer.status}`)
  return (await answer.json()).name
}

/** `undefined` when it worked. */
export function logIn(name: string, password: string): Promise<Problem | undefined> {
  return post('/api/login', { name, password })
}

/** Makes an account, and logs nobody in. `undefined` when it worked. */
export function register(account: Account): Promise<Problem | undefined> {
  return post('/api/accounts', account)
}

export async function logOut(): Promise<void> {
  const problem = await post('/api/logout', {})
  if (problem) throw new NoAnswer(problem.code)
}

async function post(path: string, body: object): Promise<Problem | undefined> {
  const answer = await ask('POST', path, JSON.stringify(body))
  if (answer.ok) return undefined
  const problem = await answer.json().catch(() => undefined)
  return problem?.code ? problem : { code: 'internal' }
}

async function ask(method: string, path: string, body?: string): Promise<Response> {
  try {
    const headers: HeadersInit = body === undefined ? {} : { 'content-type': 'application/json' }
    return await fetch(path, { method, headers, body, cache: 'no-store' })
  } catch (error) {
    throw new NoAnswer((error as Error).message)
  }
}
