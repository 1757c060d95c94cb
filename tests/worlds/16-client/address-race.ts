/** A race between addresses of which each does what a plan says, in virtual time. */

import type { Address } from '#code/16-client/addresses.ts'
import type { Reason } from '../../harness/failure.ts'
import { VirtualTimers } from '../../harness/virtual-timers.ts'
import type { Stage } from '../../judge/step.ts'

export const NEVER = Number.POSITIVE_INFINITY

type Plan = Record<string, [afterMs: number, outcome: 'connects' | 'fails' | 'connects anyway']>

/** `6a 4b`: an address each; the first character is its family. */
export function addressesOf(names: string): Address[] {
  return names
    .split(' ')
    .filter(Boolean)
    .map((address) => ({ address, family: address[0] === '4' ? 4 : 6 }))
}

export function namesOf(addresses: readonly Address[]): string {
  return addresses.map(({ address }) => address).join(' ')
}

/** Begins the race, and says what can be expected of it. */
export async function race(
  { load, story, expectSame, expect }: Stage,
  plan: Plan,
  next: 'runs' | 'is cancelled in the same turn' = 'runs',
) {
  const { AddressRace } = await load(() => import('#code/16-client/addresses.ts'))
  const timers = new VirtualTimers()
  const dials: string[] = []
  const aborted: string[] = []
  const closed: string[] = []
  const words = Object.entries(plan).map(
    ([name, [ms, outcome]]) =>
      `${name} ${ms === NEVER ? 'never answers' : `${outcome} after ${ms} ms`}`,
  )
  story.beginAnew()
  story.tell('race', `begins: ${words.join(', ') || 'no address'}`)
  const dial = ({ address }: Address, signal: AbortSignal) => {
    dials.push(`${address} at ${timers.now()}`)
    story.tell('race', `dials ${address} at ${timers.now()} ms`)
    const { promise, resolve, reject } = Promise.withResolvers<{ name: string; close(): void }>()
    const [afterMs, outcome] = plan[address]
    signal.addEventListener('abort', () => {
      aborted.push(address)
      if (outcome !== 'connects anyway') reject(new Error('aborted'))
    })
    const end = () => {
      story.tell(address, `${outcome === 'fails' ? 'fails' : 'connects'} at ${timers.now()} ms`)
      if (outcome === 'fails') reject(new Error(`${address} refused`))
      else resolve({ name: address, close: () => closed.push(address) })
    }
    if (afterMs !== NEVER) timers.after(afterMs, () => promiseIsOver || end())
    let promiseIsOver = false
    promise.catch(() => {
      promiseIsOver = true
    })
    return promise
  }
  const running = new AddressRace(addressesOf(Object.keys(plan).join(' ')), dial, timers)
  let result: { name: string; atMs: number } | 'rejected' | undefined
  let errors: string[] = []
  /** Those before the moment in which the race was won. */
  let dialsAtEnd = Number.POSITIVE_INFINITY
  running.run().then(
    ({ name }) => {
      result = { name, atMs: timers.now() }
      dialsAtEnd = dials.filter((dialled) => !dialled.endsWith(` ${timers.now()}`)).length
    },
    (error) => {
      result = 'rejected'
      errors = (error.errors ?? []).map(({ message }: Error) => message)
    },
  )
  if (next !== 'runs') {
    story.tell('race', next)
    running.cancel()
  }
  const expectIdle = () =>
    expectSame('the number of armed timers', timers.size, 0, {
      because: 'The race is over.',
      likely:
        result === 'rejected'
          ? 'A timer is armed only while an untried address waits for its turn.'
          : 'Cancel the timer for the next address.',
      look: result === 'rejected' ? ['#tryNext()', '#failed()'] : ['#connected()', '#tryNext()'],
    })
  return {
    passes: (ms: number) => timers.advance(ms),
    cancel() {
      story.tell('race', `is cancelled at ${timers.now()} ms`)
      running.cancel()
    },
    hasDialled: (text: string) => dials.includes(text),
    expectDials(expected: string[], reason: Reason) {
      const isGoingOn = dials.length > dialsAtEnd && result !== undefined
      const likely = isGoingOn
        ? whyGoingOn(aborted)
        : dials.length < expected.length
          ? 'As long as an address is left, each attempt arms the timer for the next, and a failure brings the next at once.'
          : reason.likely
      const look = isGoingOn ? ['#failed()', '#connected()'] : ['#tryNext()', '#failed()']
      expectSame('the attempts', dials, expected, { look, ...reason, likely })
    },
    expectResult(name: string, atMs: number) {
      expectSame(
        'the result',
        result,
        { name, atMs },
        {
          because: 'The first that connects wins, at once.',
          likely:
            result === 'rejected'
              ? 'Reject only when no address is left and no attempt is under way.'
              : 'run() resolves with the connection.',
          look: result === 'rejected' ? '#failed()' : ['#connected()', '#tryNext()'],
        },
      )
      expect(`the connection to ${name} to be open`, !closed.includes(name), {
        because: 'It has won.',
        likely: 'Close only the connections that are made later.',
        look: '#connected()',
      })
      expectIdle()
    },
    expectPending: (reason: Reason) =>
      expectSame('the result', result, undefined, { look: '#failed()', ...reason }),
    expectRejected(reason: Reason) {
      expectSame('the result', result, 'rejected', { look: '#failed()', ...reason })
      expectIdle()
    },
    expectErrors: (expected: string[], reason: Reason) =>
      expectSame('the errors of the AggregateError', errors, expected, {
        look: '#failed()',
        ...reason,
      }),
    expectAborted: (expected: string[], reason: Reason) =>
      expectSame('the attempts that were aborted', aborted, expected, {
        look: '#connected()',
        ...reason,
      }),
    /** Who is dialled when the race is over already never hears of that. */
    expectNoneLeft(reason: Reason) {
      const left = dials.filter((dialled) => !aborted.includes(dialled.split(' ')[0]))
      expectSame('the attempts that are still under way', left, [], {
        look: '#tryNext()',
        ...reason,
      })
    },
    expectClosed: (expected: string[], reason: Reason) =>
      expectSame('the connections that were closed', closed, expected, {
        look: '#connected()',
        ...reason,
      }),
  }
}

/** Why something is dialled after the race is over. */
function whyGoingOn(aborted: string[]): string {
  return aborted.length > 0
    ? 'The race was over. An attempt that is aborted fails, and that starts no other.'
    : 'The race was over, and nothing has stopped the timer for the next address: call #end().'
}
