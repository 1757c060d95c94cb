/** Sessions on a store and a wall clock that are the test’s. */

import { createHash } from 'node:crypto'
import type { StoredSession } from '#code/14-accounts/account-store.ts'
import type { Reason } from '../../harness/failure.ts'
import { PATIENCE_MS, within } from '../../harness/patience.ts'
import { randomBytes } from '../../harness/random.ts'
import type { Stage } from '../../judge/step.ts'
import { uncaughtDuring } from '../uncaught-errors.ts'
import { resolves, settle, stagedError } from './accounts-promises.ts'
import { NotedSessions } from './accounts-stores.ts'

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

const USE = 'sessions.use()'

export type SessionState = 'goes on' | 'is over' | 'unknown'

export type SessionWorld = Awaited<ReturnType<typeof playSessions>>

/** Sessions on a store of the test's, with a wall clock that it sets. */
export async function playSessions(stage: Stage) {
  const { expectSame, story, random } = stage
  const { Sessions } = await stage.load(() => import('#code/14-accounts/sessions.ts'))
  const store = new NotedSessions()
  // In the middle of an hour, and of a second.
  let nowMs = Date.UTC(2026, 0, 1, 9, 41, 27, 345)
  const clock = { now: () => nowMs }
  const drawn: Buffer[] = []
  const sessions = new Sessions(store, {
    now: () => nowMs,
    randomBytes(count) {
      const bytes = Buffer.from(randomBytes(random, count))
      drawn.push(bytes)
      return bytes
    },
    idleMs: 14 * DAY,
    maxMs: 90 * DAY,
  })
  return {
    clock,
    store,
    drawn,
    sessions,
    advance(ms: number) {
      story.tell('time', `moves on by ${inTime(ms)}`)
      nowMs += ms
    },
    setBack(ms: number) {
      story.tell('somebody', `sets the clock back by ${inTime(ms)}`)
      nowMs -= ms
    },
    async begin(accountId: number): Promise<string> {
      story.tell('test', `begins a session of account ${accountId}`)
      return resolves(story, 'begin()', sessions.begin(accountId), {
        because: 'The store has stored it.',
        look: 'sessions.begin()',
      })
    },
    async use(id: string, state: SessionState, reason: Reason) {
      const session: StoredSession | undefined = await resolves(story, 'use()', sessions.use(id), {
        because: 'The store has answered.',
        likely: 'touch() notes a use of an existing session. add() makes a new one.',
        look: USE,
      })
      const goesOn = state === 'goes on'
      const look = [USE, 'sessions.isOver()']
      expectSame('the statement that the session goes on', session !== undefined, goesOn, {
        look,
        ...reason,
      })
      if (session)
        expectSame('the account of the session', session.accountId, store.rows.get(id)?.accountId, {
          because: 'The token belongs to that account.',
          likely: 'Resolve with the session that the store has found.',
          look: USE,
        })
    },
  }
}

export function inTime(ms: number): string {
  if (ms < 1_000) return `${ms} ms`
  if (ms < HOUR && ms % MINUTE === 0) return `${ms / MINUTE} min`
  if (ms % DAY === 0) return `${ms / DAY} days`
  const [unit, name] = ms > DAY ? [DAY, 'days'] : [HOUR, 'h']
  const whole = Math.ceil(ms / unit)
  const less = whole * unit - ms
  return `${whole} ${name}${less ? ` minus ${less} ms` : ''}`
}

/** Whatever the store holds back is let go, until nothing more comes. */
export async function letGo(store: NotedSessions): Promise<void> {
  await settle()
  for (let held = store.held ?? []; held.length > 0; held = store.held ?? []) {
    for (const answer of held.splice(0)) answer()
    await settle()
  }
  store.held = undefined
}

/** The store finds the session, and fails at what comes next: the answer may be either, but no rejection is left in the air. */
export async function expectNoLooseEnd(
  { expect, story }: Stage,
  store: NotedSessions,
  use: () => Promise<unknown>,
): Promise<void> {
  const loose = await uncaughtDuring(async () => {
    story.tell('store', 'finds the session; then the disk is full')
    store.held = []
    const using = use().catch(() => {})
    await settle()
    store.failure = stagedError(new Error('the disk is full'))
    await letGo(store)
    await within(PATIENCE_MS, using)
    await settle()
  })
  store.failure = undefined
  expect('every rejection to be handled', loose.length === 0, {
    because: 'An unhandled rejection ends the process.',
    likely: 'Await each call of the store, or catch() its rejection.',
    look: USE,
    received: `unhandled: ${loose[0]}`,
  })
}

/** The call that notes a use, as the store writes it down. */
export function noteOf(id: string, atMs: number): string {
  return `touch("${id.slice(0, 8)}…", ${atMs})`
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
