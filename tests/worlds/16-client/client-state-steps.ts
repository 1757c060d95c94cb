/** What the reducer of chapter 16 makes of every event in every state. */

import type { ClientEvent, ClientState } from '#code/16-client/client-state.ts'
import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'

const IDLE: ClientState = { kind: 'idle' }
const CONNECTING: ClientState = { kind: 'connecting' }
const GREETING: ClientState = { kind: 'greeting' }
const ONLINE: ClientState = { kind: 'online', sinceMs: 5_000 }
const WAITING: Extract<ClientState, { kind: 'waiting' }> = {
  kind: 'waiting',
  atLeastMs: 0,
  welcomeMs: 0,
}
const ENDED: ClientState = { kind: 'ended', code: 'no-session' }

const start: ClientEvent = { kind: 'start' }
const opened: ClientEvent = { kind: 'opened' }
const welcomed: ClientEvent = { kind: 'welcomed', atMs: 5_000 }
const lost: ClientEvent = { kind: 'lost', atMs: 65_000 }
const timeUp: ClientEvent = { kind: 'timeUp' }
const close: ClientEvent = { kind: 'close' }
const error = (code: string, seconds?: number): ClientEvent => ({ kind: 'error', code, seconds })

/** What leads to another state. */
export async function expectSteps({ load, expect, expectSame }: Stage): Promise<void> {
  const { reduce } = await load(() => import('#code/16-client/client-state.ts'))
  const expectStep = (
    state: ClientState,
    event: ClientEvent,
    next: ClientState,
    reason: Reason,
  ) => {
    const shown = event.kind === 'error' ? `error ${event.code}` : event.kind
    expectSame(`reduce(${state.kind}, ${shown})`, reduce(Object.freeze(state), event), next, reason)
  }
  expectStep(IDLE, start, CONNECTING, { because: 'It begins.' })
  expectStep(CONNECTING, opened, GREETING, { because: 'There is a connection: time to say hello.' })
  expectStep(GREETING, welcomed, ONLINE, {
    because: 'The server has let us in. The back-off needs to know when.',
  })
  expectStep(
    ONLINE,
    lost,
    { ...WAITING, welcomeMs: 60_000 },
    {
      because: 'It was online for 60 s. The back-off needs to know for how long.',
      likely: 'welcomeMs is the time between the welcome and the loss.',
    },
  )
  expectStep(
    ONLINE,
    { kind: 'lost', atMs: 86_405_000 },
    { ...WAITING, welcomeMs: 86_400_000 },
    {
      because: 'It was online for a day.',
      likely: 'welcomeMs is the time between the welcome and the loss.',
    },
  )
  expectStep({ ...WAITING, welcomeMs: 60_000 }, timeUp, CONNECTING, {
    because: 'The wait is over.',
  })
  for (const event of [lost, timeUp]) {
    const because =
      event === lost
        ? 'The connection could not be made, or was lost.'
        : 'Nothing has arrived for too long: a dead peer says nothing.'
    expectStep(CONNECTING, event, WAITING, { because })
    expectStep(GREETING, event, WAITING, { because: `${because} The client was never welcome.` })
  }
  expectStep(
    GREETING,
    error('try-later', 30),
    { ...WAITING, atLeastMs: 30_000 },
    {
      because: 'The server is there and says when to come back.',
      likely: 'atLeastMs is the seconds, in milliseconds.',
    },
  )
  expectStep(GREETING, error('busy'), WAITING, {
    because: 'It may work later. The error does not say when.',
    likely: 'Without seconds, atLeastMs is 0.',
  })
  expectStep(
    GREETING,
    error('try-later', 3_600),
    { ...WAITING, atLeastMs: 3_600_000 },
    {
      because: 'An hour is an hour: the server knows why.',
      likely: 'atLeastMs is the seconds, in milliseconds.',
    },
  )
  expectStep(
    GREETING,
    error('try-later', 86_400),
    { ...WAITING, atLeastMs: 86_400_000 },
    {
      because: 'A day is a day: whoever comes back sooner comes too early.',
      likely: 'atLeastMs is the seconds, in milliseconds, however many they are.',
    },
  )
  const half = reduce(GREETING, error('try-later', 0.5))
  const halfMs = half.kind === 'waiting' ? half.atLeastMs : -1
  expect('the wait after an error with 0.5 seconds to be 500 ms or more', halfMs >= 500, {
    because: 'The seconds may have a fraction, and the client must not come back sooner.',
    likely: 'Multiply the seconds as they are, without rounding them down.',
    received: JSON.stringify(half),
  })
  expectStep(
    GREETING,
    error('busy', 5),
    { ...WAITING, atLeastMs: 5_000 },
    {
      because: 'Any error may say when to come back.',
      likely: 'The seconds count, whatever the code is.',
    },
  )
  for (const code of ['no-room', 'unsupported', 'not-welcome']) {
    expectStep(GREETING, error(code), WAITING, {
      because: 'It may work later. Only two errors end the client, and this is neither of them.',
      likely: 'Compare the whole code.',
    })
  }
  for (const code of ['no-session', 'unsupported-version'] as const) {
    for (const state of [GREETING, ONLINE]) {
      expectStep(
        state,
        error(code),
        { kind: 'ended', code },
        {
          because: 'However often the client tries, the server will say the same.',
          likely: 'These two codes end the client, both as an answer to hello and later.',
        },
      )
    }
  }
  for (const code of ['stopping', 'idle', 'slow-consumer', 'internal']) {
    expectStep(ONLINE, error(code), ONLINE, {
      because: 'The server will end the connection itself, after what it still has to say.',
      likely: 'Only the loss of the connection makes the client wait.',
    })
  }
  expectStep(ONLINE, error('too-fast', 30), ONLINE, {
    because: 'The connection is there. A client that was too fast slows down, and stays.',
    likely:
      'While it is online, only a loss makes the client wait, even after an error with seconds.',
  })
  for (const code of ['constructor', '__proto__']) {
    for (const [state, next] of [
      [GREETING, WAITING],
      [ONLINE, ONLINE],
    ]) {
      expectStep(state, error(code), next, {
        because: 'A code is any text that the server sends, and only two of them end the client.',
        likely:
          'Every object has more names than were put into it: `in` and [] find them. Compare the code with the two, or use a Set.',
      })
    }
  }
  expectStep(
    GREETING,
    { kind: 'welcomed', atMs: 0 },
    { kind: 'online', sinceMs: 0 },
    { because: 'The clock may count from any moment. 0 is a time like any other.' },
  )
  reduce(GREETING, { kind: 'welcomed', atMs: 64_000 })
  expectStep(
    ONLINE,
    lost,
    { ...WAITING, welcomeMs: 60_000 },
    {
      because: 'Another client was welcomed meanwhile. This one has still been online for 60 s.',
      likely: 'What reduce() has to know is in the state that it is given, and nowhere else.',
    },
  )
  const before = reduce(ONLINE, lost)
  reduce(GREETING, error('try-later', 30))
  expectSame(
    'the state of a client that waits, when another one has begun to wait,',
    before,
    { ...WAITING, welcomeMs: 60_000 },
    {
      because: 'Each client has a state of its own.',
      likely:
        'Return a new object each time: a change to a shared one changes it for every client.',
    },
  )
  for (const state of [IDLE, CONNECTING, GREETING, ONLINE, WAITING]) {
    expectStep(
      state,
      close,
      { kind: 'ended', code: 'closed' },
      {
        because: 'We want no connection any more.',
        likely: 'close means the same in every state.',
      },
    )
  }
}

/** What means nothing there: the state stays the same object. */
export async function expectIgnored({ load, expect }: Stage): Promise<void> {
  const { reduce } = await load(() => import('#code/16-client/client-state.ts'))
  const events = [start, opened, welcomed, lost, timeUp, close, error('busy'), error('no-session')]
  const errors = [error('busy'), error('no-session'), error('unsupported-version')]
  const ignored: [ClientState, ClientEvent[]][] = [
    [IDLE, [opened, welcomed, lost, timeUp, ...errors]],
    [CONNECTING, [start, welcomed, ...errors]],
    [GREETING, [start, opened]],
    [ONLINE, [start, opened, { ...welcomed, atMs: 9_000 } as ClientEvent, timeUp]],
    [WAITING, [start, opened, welcomed, lost, ...errors]],
    [ENDED, events],
    [{ kind: 'ended', code: 'closed' }, events],
  ]
  for (const [state, meaningless] of ignored) {
    for (const event of meaningless) {
      const next = reduce(state, event)
      const shown = event.kind === 'error' ? `the error ${event.code}` : event.kind
      expect(`${shown} to mean nothing in ${state.kind}`, next === state, {
        because:
          state.kind === 'ended'
            ? '`ended` is final: no event leads out of it.'
            : 'This event is late, from something that is over, or too early. The client acts whenever the state is a new object.',
        likely:
          next.kind === state.kind
            ? 'Return the state itself, not a copy.'
            : 'In each state only some events mean something. For all others, return `state`.',
        expected: 'the same object',
        received: JSON.stringify(next),
      })
    }
  }
}
