/** What step 07.3 asks about the answer of a wait: everybody who is ready when it returns, for what is wanted, and nobody else. */

import type { Source } from '#code/07-event-loop/byte-stream.ts'
import type { Poller } from '#code/07-event-loop/poller.ts'
import { PATIENCE_MS, within } from '../../harness/patience.ts'
import type { Stage } from '../../judge/step.ts'
import {
  BOTH,
  isTwice,
  LONG_MS,
  NEITHER,
  ONCE,
  READING,
  TestSource,
  type ToldPoller,
  WRITING,
} from './loop-sources.ts'

/** Ready and wanted: neither is enough. */
export async function expectInterestAsked(
  { story, expectSame }: Stage,
  told: ToldPoller,
  [ada, bob]: TestSource[],
): Promise<void> {
  const { poller } = told
  bob.becomes({ writable: true }, story)
  expectSame('wait(0)', await told.wait(0), [], {
    because: 'Nobody has asked whether bob is writable.',
    likely: 'Report what is ready and wanted.',
  })
  poller.modify(bob, WRITING)
  expectSame(
    'a wait after bob’s interest was changed to writing',
    await told.wait(LONG_MS),
    ['bob writable'],
    {
      because: 'He has been writable all along; nothing needs to change for that to be reported.',
      likely:
        'modify() has put him into the hot set. A wait collects twice, and the first collection must not take him out.',
    },
  )
  expectSame('the next wait', await told.wait(LONG_MS), ['bob writable'], {
    because: 'He is still writable, and nobody has written.',
    likely: 'Level-triggered holds for writing as well: leave him in the hot set.',
  })
  ada.becomes({ readable: true }, story)
  poller.modify(ada, WRITING)
  bob.becomes({ writable: false }, story)
  expectSame('wait(0) after ada’s interest was changed to writing', await told.wait(0), [], {
    because: 'ada can be read, but nobody wants to read her.',
    likely: 'Report what is ready and wanted.',
  })
  ada.becomes({ readable: false }, story)
  for (const source of [ada, bob]) poller.modify(source, READING)
}

/** The closed are reported whatever is wanted, until they are removed. */
export async function expectClosedReported(
  { story, expectSame }: Stage,
  told: ToldPoller,
  ada: TestSource,
): Promise<void> {
  const dee = told.add('dee', NEITHER)
  const waiting = told.wait(Number.POSITIVE_INFINITY)
  dee.closes(story)
  const closed = await waiting
  expectSame('a wait while nothing is wanted of dee', closed, ['dee hung up'], {
    because:
      'A closed source is reported whatever is wanted of it: otherwise a connection that waits for nothing would never learn of it.',
    likely:
      closed.length === 1
        ? '`hungUp` is a field of its own. `readable` is wanted.readable && source.isReadable, closed or not.'
        : '#collect() looks only at the interest. A source that isClosed is `hungUp`, and reported for that alone.',
  })
  ada.becomes({ readable: true }, story)
  const both = await told.wait(LONG_MS)
  expectSame('the next wait', both, ['ada readable', 'dee hung up'], {
    because: 'dee is reported until she is removed, and takes no other source’s place.',
    likely: both.includes('dee hung up')
      ? 'Ready and closed sources are in one list.'
      : 'Closed sources do not cool down: leave them in the hot set.',
  })
  ada.becomes({ readable: false }, story)
  told.poller.remove(dee)

  story.tell('test', 'wants to read and write both eli and fay; fay has something to read')
  const eli = told.add('eli', BOTH)
  const fay = told.add('fay', BOTH, { readable: true })
  for (const source of [eli, fay]) source.closes(story)
  const bothClosed = await told.wait(LONG_MS)
  // Nobody reads a source that is hung up: whether fay still could be read is not asked any more.
  const fayClosed = bothClosed.includes('fay hung up') ? 'fay hung up' : 'fay readable and hung up'
  expectSame('a wait, when both are closed', bothClosed, ['eli hung up', fayClosed], {
    because: 'Both are hung up. fay can still be read; eli has nothing to read.',
    likely: '`hungUp` is a field of its own. It makes nobody readable who is not.',
  })
  for (const source of [eli, fay]) told.poller.remove(source)
}

/** Each source is reported for what it is ready for and what is wanted of it, no more and no less. */
export async function expectEachAspect(stage: Stage, told: ToldPoller): Promise<void> {
  const { story, expectSame } = stage
  story.tell(
    'test',
    'wants to read and write fay, gus and hal, only to read ida, and only to write jon',
  )
  const fay = told.add('fay', BOTH, { readable: true })
  const gus = told.add('gus', BOTH, { writable: true })
  const hal = told.add('hal', BOTH, BOTH)
  const ida = told.add('ida', READING, BOTH)
  const jon = told.add('jon', WRITING, BOTH)
  expectSame(
    'a wait',
    await told.wait(LONG_MS),
    ['fay readable', 'gus writable', 'hal readable and writable', 'ida readable', 'jon writable'],
    {
      because: 'Each is reported for exactly what it is ready for and what is wanted of it.',
      likely:
        '#collect(): `readable` is wanted.readable && source.isReadable, and `writable` likewise. Neither depends on the other.',
    },
  )
  for (const source of [fay, gus, hal, ida, jon]) told.poller.remove(source)
}

/** What changes while a wait is on its way belongs to its answer. */
export async function expectFreshAnswer(
  stage: Stage,
  told: ToldPoller,
  [ada, bob]: TestSource[],
): Promise<void> {
  const { story, expectSame } = stage
  ada.becomes({ readable: true }, story)
  const joined = told.wait(LONG_MS)
  bob.becomes({ readable: true }, story)
  const both = await joined
  expectSame('a wait in which bob became ready', both, ['ada readable', 'bob readable'], {
    because: 'wait() reports every source that is ready when it returns.',
    likely: isTwice(both)
      ? ONCE
      : 'Collect after the sleep; what was ready earlier only decides how long to sleep.',
  })
  const left = told.wait(0)
  ada.becomes({ readable: false }, story)
  expectSame('a wait in which ada was read', await left, ['bob readable'], {
    because: 'ada is not ready any more when wait() returns.',
    likely:
      'Collect after the sleep, and sleep in every wait, even if only for 0 ms: a list made earlier may be out of date.',
  })
  const alone = told.wait(0)
  bob.becomes({ readable: false }, story)
  expectSame('a wait in which bob was read, the only source that was ready', await alone, [], {
    because: 'No source is ready any more when wait() returns.',
    likely: 'Return what is collected after the sleep, even if that is an empty list.',
  })
}

/** Every source that is ready is reported, however many they are. */
export async function expectEverybody(
  { story, expectSame }: Stage,
  poller: Poller<Source>,
): Promise<void> {
  story.tell('test', 'adds 5,000 sources that are readable')
  const sources = Array.from({ length: 5_000 }, (_, index) => new TestSource(`${index}`, READING))
  for (const source of sources) poller.add(source, READING)
  const ready = await within(PATIENCE_MS, Promise.resolve(poller.wait(LONG_MS)))
  for (const source of sources) poller.remove(source)
  expectSame(
    'the number of sources that a wait reports',
    ready === 'too late' ? ready : ready.length,
    5_000,
    {
      because: 'All of them are ready. Those that are left out would wait a round longer.',
      likely: 'Go through the whole hot set.',
    },
  )
}
