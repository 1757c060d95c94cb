/** Races of chapter 16 in which addresses fail, come too late, or are not wanted any more. */

import type { Stage } from '../../judge/step.ts'
import { NEVER, race } from './address-race.ts'

/** A failure brings the next address at once, and that one has its 250 ms. */
export async function expectFailuresReplaced(stage: Stage): Promise<void> {
  const refused = await race(stage, {
    '6a': [10, 'fails'],
    '4a': [NEVER, 'connects'],
    '6b': [20, 'connects'],
    '4b': [NEVER, 'connects'],
  })
  await refused.passes(2_000)
  refused.expectDials(['6a at 0', '4a at 10', '6b at 260'], {
    because:
      'A failure makes room for the next address at once, and the 250 ms count anew from then on.',
    likely: refused.hasDialled('4a at 250')
      ? '#failed() dials the next address itself, at once: it calls #tryNext().'
      : 'Cancel the timer that is still armed. The next attempt arms its own.',
  })
  refused.expectResult('6b', 280)

  const slow = await race(stage, {
    '6a': [300, 'fails'],
    '4a': [NEVER, 'connects'],
    '6b': [NEVER, 'connects'],
    '4b': [10, 'connects'],
  })
  await slow.passes(2_000)
  slow.expectDials(['6a at 0', '4a at 250', '6b at 300', '4b at 550'], {
    because:
      'Whichever attempt fails, the next address is tried at once, and the one after it 250 ms later.',
    likely: 'Two timers may be armed at once. Only one address is the next.',
  })
  slow.expectResult('4b', 560)
}

/** Each turn is 250 ms, however many attempts are under way and however many have failed. */
export async function expectEveryTurn(stage: Stage): Promise<void> {
  const likely =
    'Every attempt, whichever it is, arms the timer for its successor, with ATTEMPT_DELAY_MS.'
  const dead = await race(stage, {
    '6a': [NEVER, 'connects'],
    '4a': [NEVER, 'connects'],
    '6b': [NEVER, 'connects'],
    '4b': [NEVER, 'connects'],
    '6c': [10, 'connects'],
  })
  await dead.passes(3_000)
  dead.expectDials(['6a at 0', '4a at 250', '6b at 500', '4b at 750', '6c at 1000'], {
    because:
      'Four of the five never answer. Each address has its turn 250 ms after the one before.',
    likely,
  })
  dead.expectResult('6c', 1_010)

  const mixed = await race(stage, {
    '6a': [10, 'fails'],
    '4a': [10, 'fails'],
    '6b': [NEVER, 'connects'],
    '4b': [10, 'fails'],
    '6c': [NEVER, 'connects'],
    '4c': [5, 'connects'],
  })
  await mixed.passes(3_000)
  mixed.expectDials(['6a at 0', '4a at 10', '6b at 20', '4b at 270', '6c at 280', '4c at 530'], {
    because:
      'However many have failed, a failure brings the next address at once, and silence brings it after 250 ms.',
    likely,
  })
  mixed.expectResult('4c', 535)
}

/** A connection that comes behind the end of its race is closed. */
export async function expectLateClosed(stage: Stage): Promise<void> {
  const late = await race(stage, {
    '6a': [400, 'connects anyway'],
    '4a': [20, 'connects'],
    '6b': [1, 'connects'],
  })
  await late.passes(2_000)
  late.expectResult('4a', 270)
  late.expectDials(['6a at 0', '4a at 250'], {
    because: 'Nothing that happens after the end of the race starts an attempt.',
    likely: 'An attempt that was aborted fails: that is no reason to dial the next address.',
  })
  late.expectClosed(['6a'], {
    because:
      'It was aborted too late: its handshake was done. Nobody will ever use that connection, and nobody else knows of it.',
    likely: 'Close a connection that is made after the race is over.',
  })

  const both = await race(stage, {
    '6a': [600, 'connects anyway'],
    '4a': [500, 'connects anyway'],
    '6b': [20, 'connects'],
  })
  await both.passes(2_000)
  both.expectResult('6b', 520)
  both.expectClosed(['6a', '4a'], {
    because: 'Two were aborted too late, and nobody will ever use either of them.',
    likely: 'Close every connection that is made after the race is over.',
  })
}

/** A race is hopeless when all addresses have failed, and not before. */
export async function expectHopeless(stage: Stage): Promise<void> {
  const last = await race(stage, {
    '6a': [900, 'connects'],
    '4a': [10, 'fails'],
    '6b': [10, 'fails'],
  })
  await last.passes(2_000)
  last.expectDials(['6a at 0', '4a at 250', '6b at 260'], { because: 'All have been tried.' })
  last.expectResult('6a', 900)

  const none = await race(stage, { '6a': [900, 'fails'], '4a': [10, 'fails'], '6b': [10, 'fails'] })
  await none.passes(899)
  none.expectPending({
    because: 'Nothing is left to try, but 6a may still connect.',
    likely: 'Count the attempts that are under way.',
  })
  await none.passes(1)
  none.expectRejected({
    because: 'All attempts have failed.',
    likely:
      'An attempt that has failed is no longer under way: take it out of #attempts. When none is left there, run() rejects.',
  })

  none.expectErrors(['4a refused', '6b refused', '6a refused'], {
    because: 'The person who reads it should learn why each of them failed.',
    likely: 'Reject with an AggregateError of all errors, in the order in which they occurred.',
  })

  const soon = await race(stage, { '6a': [10, 'fails'], '4a': [10, 'fails'] })
  await soon.passes(20)
  soon.expectRejected({
    because: 'Both have failed, and there is no third.',
    likely: 'When the last attempt fails and no address is left, run() rejects.',
  })

  const only = await race(stage, { '6a': [900, 'connects'] })
  await only.passes(2_000)
  only.expectDials(['6a at 0'], {
    because: 'There is no other address, however long it takes.',
    likely: 'The timer is armed only if an untried address waits for its turn.',
  })
  only.expectResult('6a', 900)

  const nothing = await race(stage, {})
  await nothing.passes(1)
  nothing.expectRejected({ because: 'There is no address.' })
}

export async function expectRaceCancelled(stage: Stage): Promise<void> {
  const cancelled = await race(stage, {
    '6a': [500, 'connects anyway'],
    '4a': [NEVER, 'connects'],
    '6b': [1, 'connects'],
  })
  await cancelled.passes(300)
  cancelled.cancel()
  await cancelled.passes(2_000)
  cancelled.expectRejected({ because: 'It was cancelled.' })
  cancelled.expectDials(['6a at 0', '4a at 250'], {
    because: 'Nobody wants a connection any more.',
    likely: 'After cancel() the race is over: an aborted attempt fails, and that starts no other.',
  })
  cancelled.expectClosed(['6a'], { because: 'It connected after all.' })

  const early = await race(stage, { '6a': [NEVER, 'connects'] }, 'is cancelled in the same turn')
  await early.passes(1)
  early.expectNoneLeft({
    because: 'It was cancelled, and 6a never answers: the attempt would go on for minutes.',
    likely:
      'Dial at once. An attempt that begins a step of promises later begins after the abort, and never hears of it.',
  })
}
