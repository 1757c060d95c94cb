/** What step 07.3 plays in: sources that are ready when the test says so, and a poller that must leave them alone. */

import type { Source } from '#code/07-event-loop/byte-stream.ts'
import type { Interest, Poller, Ready } from '#code/07-event-loop/poller.ts'
import { FakedClock } from '../harness/faked-clock.ts'
import { PATIENCE_MS, within } from '../harness/patience.ts'
import { countPendingWakeUps } from '../harness/pending-wakeups.ts'
import type { Story } from '../harness/story.ts'
import type { Stage } from '../judge/step.ts'
import { settled } from './loop-streams.ts'

export const READING = { readable: true, writable: false }
export const WRITING = { readable: false, writable: true }
export const BOTH = { readable: true, writable: true }
export const NEITHER = { readable: false, writable: false }

/** Longer than anybody's patience: a wait that lasts so long has missed what it waits for. */
export const LONG_MS = 60_000

/** A source that is ready when the test says so, and that counts how often it is asked. */
export class TestSource implements Source {
  onChange: ((source: Source) => void) | undefined
  isClosed = false
  questions = 0
  readonly name: string
  #isReadable = false
  #isWritable = false

  constructor(name: string, { readable, writable }: Partial<Interest> = {}) {
    this.name = name
    this.#isReadable = readable ?? false
    this.#isWritable = writable ?? false
  }

  get isReadable(): boolean {
    this.questions += 1
    return this.#isReadable
  }

  get isWritable(): boolean {
    this.questions += 1
    return this.#isWritable
  }

  becomes({ readable, writable }: Partial<Interest>, story: Story): void {
    this.#isReadable = readable ?? this.#isReadable
    this.#isWritable = writable ?? this.#isWritable
    const what = readable === undefined ? 'writable' : 'readable'
    story.tell(this.name, `is ${readable || writable ? 'now' : 'no longer'} ${what}`)
    this.onChange?.(this)
  }

  closes(story: Story): void {
    this.isClosed = true
    story.tell(this.name, 'is closed: its descriptor is free')
    this.onChange?.(this)
  }
}

/** A wait that has not come to an end. */
export const STILL_WAITING = 'still waiting'

/** A poller whose waits are told in the story. */
export class ToldPoller {
  readonly poller: Poller<Source>
  readonly story: Story

  constructor(poller: Poller<Source>, story: Story) {
    this.poller = poller
    this.story = story
  }

  /** Who is ready for what, in the order of their names. */
  async wait(timeoutMs: number): Promise<string[] | typeof STILL_WAITING> {
    const ready = await within(PATIENCE_MS, Promise.resolve(this.poller.wait(timeoutMs)))
    const names = ready === 'too late' ? STILL_WAITING : ready.map(describeReady).toSorted()
    this.story.tell('poller', `wait(${timeoutMs}) returns ${JSON.stringify(names)}`)
    return names
  }

  add(name: string, interest: Interest, is: Partial<Interest> = {}): TestSource {
    const source = new TestSource(name, is)
    this.poller.add(source, interest)
    return source
  }
}

function describeReady({ source, readable, writable, hungUp }: Ready<Source>): string {
  const what = [readable && 'readable', writable && 'writable', hungUp && 'hung up']
    .filter(Boolean)
    .join(' and ')
  return `${(source as TestSource).name} ${what}`
}

/** For a list in which somebody is twice. */
export const ONCE =
  'One list, and in it an object of its own for each source: what #collect() returns after the sleep.'

export function isTwice(reported: string[] | typeof STILL_WAITING): boolean {
  return Array.isArray(reported) && new Set(reported).size < reported.length
}

/** Each source is reported for what it is ready for and what is wanted of it, no more and no less. */
export async function expectEachAspect(stage: Stage, told: ToldPoller): Promise<void> {
  const { story, expectSame } = stage
  story.tell('test', 'wants to read and to write fay, gus and hal; only to read ida, to write jon')
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
        '#collect(): `readable` is wanted.readable && source.isReadable, and `writable` alike. Neither depends on the other.',
    },
  )
  for (const source of [fay, gus, hal, ida, jon]) told.poller.remove(source)
}

/** Sources that are hot, and have nothing to report, do not end a wait. */
export async function expectPatience(
  { expectSame }: Stage,
  waiting: Promise<unknown>,
): Promise<void> {
  let isOver = false
  const note = () => {
    isOver = true
  }
  void waiting.then(note, note)
  for (let turn = 0; turn < 5; turn++) await settled()
  expectSame('whether the wait is over while nobody is ready', isOver, false, {
    because: 'Something has changed about ada and bob, so they are hot. Neither is ready.',
    likely:
      'When nobody is ready and nobody has called wake(), sleep for all of `timeoutMs`. Hot means *may be ready*: #collect() tells, and not #hot.size.',
  })
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
    because: 'wait() reports everybody who is ready when it returns.',
    likely: isTwice(both)
      ? ONCE
      : 'Collect after the sleep; who was ready before it only says how long to sleep.',
  })
  const left = told.wait(0)
  ada.becomes({ readable: false }, story)
  expectSame('a wait in which ada was read', await left, ['bob readable'], {
    because: 'ada is not ready any more when wait() returns.',
    likely:
      'Collect after the sleep, and sleep in every wait, be it for 0 ms: a list from before may be out of date.',
  })
  bob.becomes({ readable: false }, story)
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
    'the sources that a wait reports',
    ready === 'too late' ? ready : ready.length,
    5_000,
    {
      because: 'All of them are ready. Those that are left out would wait a round longer.',
      likely: 'Go through the whole hot set.',
    },
  )
}

/** A wake-up ends one wait, whether that one sleeps, is about to, or has something to report. */
export async function expectOneWakeUp(
  stage: Stage,
  told: ToldPoller,
  ada: TestSource,
): Promise<void> {
  const { story, expectSame } = stage
  const woken = told.wait(Number.POSITIVE_INFINITY)
  await settled()
  story.tell('test', 'calls wake()')
  told.poller.wake()
  expectSame('a wait that is woken', await woken, [], { because: 'wake() ends it.' })
  await expectNextSleeps('the wait after the one that was woken')

  story.tell('test', 'calls wake() while nobody waits')
  told.poller.wake()
  expectSame('a wait after wake()', await told.wait(Number.POSITIVE_INFINITY), [], {
    because: 'A wake-up that comes between two waits must not be lost: it ends the next.',
    likely: 'Look at #isWoken before you sleep, and forget it when the wait is over.',
  })
  await expectNextSleeps('the wait after that')

  ada.becomes({ readable: true }, story)
  story.tell('test', 'calls wake() while nobody waits')
  told.poller.wake()
  expectSame('a wait after wake(), with ada ready', await told.wait(LONG_MS), ['ada readable'], {
    because: 'An empty list would say that nobody is ready. It may be woken and report somebody.',
    likely: 'Woken or not: collect after the sleep.',
  })
  ada.becomes({ readable: false }, story)
  await expectNextSleeps('the wait after the one that was woken and had somebody to report')

  async function expectNextSleeps(name: string): Promise<void> {
    const next = told.wait(Number.POSITIVE_INFINITY)
    await settled()
    await settled()
    ada.becomes({ readable: true }, story)
    expectSame(name, await next, ['ada readable'], {
      because: 'It lasts until somebody is ready: one wake-up ends one wait.',
      likely:
        'Set #isWoken to false after the sleep, in every wait: a wake() may have come during the sleep, or when somebody was ready anyway.',
    })
    ada.becomes({ readable: false }, story)
  }
}

type Kind = 'with somebody ready' | 'after wake()' | 'for 0 ms'

/** A wait that is always over at once would leave Node no time to bring anybody's bytes. */
export async function expectTurnsForNode(
  { story, expect }: Stage,
  poller: Poller<Source>,
  source: TestSource,
  kinds: Kind[],
): Promise<void> {
  for (const kind of kinds) {
    const isReady = kind === 'with somebody ready'
    const timeoutMs = kind === 'for 0 ms' ? 0 : LONG_MS
    if (isReady) source.becomes({ readable: true }, story)
    story.tell('test', `calls wait() ten times ${kind}`)
    const timers = noteTimers()
    let turns = 0
    const count = () => {
      turns += 1
      immediate = setImmediate(count)
    }
    let immediate = setImmediate(count)
    for (let round = 0; round < 10; round++) {
      if (kind === 'after wake()') poller.wake()
      await within(PATIENCE_MS, Promise.resolve(poller.wait(timeoutMs)))
    }
    clearImmediate(immediate)
    timers.giveBack()
    if (isReady) source.becomes({ readable: false }, story)
    expect(`Node’s own loop to have had a turn in each of ten waits ${kind}`, turns >= 9, {
      because:
        'It is Node that reads from the kernel. If a wait is over before Node had its turn, the ready sources starve those whose bytes are still in the kernel.',
      likely: 'Sleep for 0 ms when there is nothing to wait for, instead of returning at once.',
      expected: '10 turns, or 9',
      received: `${turns} turns`,
    })
    expect(`a wait ${kind} to set no timer`, timers.delays.length === 0, {
      because:
        'There is nothing to wait for. Even 1 ms, in each round, is a thousand rounds a second.',
      likely: timers.delays.includes(timeoutMs || Number.NaN)
        ? 'Leave the timer to #sleep(), which sets none for 0 ms.'
        : '#sleep(0) takes a turn of Node’s loop and no time.',
      received: `timers of ${timers.delays} ms`,
    })
  }
}

/** Silent sources cost nothing, however many there are, and also if they are ready for what nobody wants of them. */
export async function expectNoQuestions(
  stage: Stage,
  poller: Poller<Source>,
  talker: TestSource,
): Promise<void> {
  const { story, expect } = stage
  story.tell('test', 'adds 1,000 sources that have nothing to read, and 1,000 that nobody reads')
  const silent = Array.from(
    { length: 2_000 },
    (_, index) => new TestSource(`silent ${index}`, index < 1_000 ? WRITING : READING),
  )
  for (const [index, source] of silent.entries())
    poller.add(source, index < 1_000 ? READING : WRITING)
  talker.becomes({ readable: true }, story)
  for (let round = 0; round < 20; round++)
    await within(PATIENCE_MS, Promise.resolve(poller.wait(LONG_MS)))
  talker.becomes({ readable: false }, story)
  const questions = silent.reduce((sum, source) => sum + source.questions, 0)
  expect('the silent ones to be left alone', questions < 6 * silent.length, {
    because:
      'Twenty waits, and nothing has changed about the two thousand. To ask each of them each time is what select() and poll() do, and why there is epoll.',
    likely:
      'Ask the hot ones only, and let everybody cool down who has nothing to report, writable or not: an idle socket is writable all the time.',
    expected: 'two or three questions to each, when they are new',
    received: `${questions} questions to 2,000 sources`,
  })
  for (const source of silent) poller.remove(source)
}

const CROWD = 100_000
/** Going through a hundred thousand twenty times costs 20 ms of CPU and more; leaving them alone less than one. */
const MAX_CPU_MS = 8

/** A wait does not even go through a list of those that are silent. */
export async function expectCheapWaits(
  { story, expect }: Stage,
  poller: Poller<Source>,
  talker: TestSource,
): Promise<void> {
  story.tell('test', `adds ${CROWD.toLocaleString('en')} silent sources, and waits 20 times`)
  const silent = Array.from({ length: CROWD }, () => new TestSource('silent'))
  for (const source of silent) poller.add(source, READING)
  talker.becomes({ readable: true }, story)
  let cpuMs = Number.POSITIVE_INFINITY
  for (let attempt = 0; attempt < 6 && cpuMs > MAX_CPU_MS; attempt++) {
    await within(PATIENCE_MS, Promise.resolve(poller.wait(LONG_MS)))
    const before = process.cpuUsage()
    for (let round = 0; round < 20; round++)
      await within(PATIENCE_MS, Promise.resolve(poller.wait(LONG_MS)))
    const { user, system } = process.cpuUsage(before)
    cpuMs = Math.min(cpuMs, (user + system) / 1_000)
  }
  talker.becomes({ readable: false }, story)
  for (const source of silent) poller.remove(source)
  expect('twenty waits to cost no more than they do without the crowd', cpuMs <= MAX_CPU_MS, {
    because:
      'Nothing has changed about the silent ones. What is done for each of them in each wait is what epoll saves.',
    likely: '#collect() goes through #hot, not through #interests.',
    expected: `less than ${MAX_CPU_MS} ms of CPU time`,
    received: `${cpuMs.toFixed(1)} ms`,
  })
}

/** The delays that setTimeout is called with from here on. */
function noteTimers(): { delays: number[]; giveBack(): void } {
  const { setTimeout } = globalThis
  const delays: number[] = []
  const noting = (...args: Parameters<typeof setTimeout>) => {
    delays.push(Number(args[1]))
    return setTimeout(...args)
  }
  Object.assign(globalThis, { setTimeout: Object.assign(noting, setTimeout) })
  return { delays, giveBack: () => Object.assign(globalThis, { setTimeout }) }
}

/** When the change comes, and what is left of the wait then. */
const CHANGE_AT_MS = 20_000
const REST_MS = LONG_MS - CHANGE_AT_MS

/** A change that nobody wants may end a wait early, but never makes it longer. */
export async function expectTimeKept(
  { story, expect }: Stage,
  poller: Poller<Source>,
  source: TestSource,
): Promise<void> {
  const atRest = await countPendingWakeUps()
  const clock = new FakedClock()
  const timers = noteTimers()
  story.tell('test', `calls wait(${LONG_MS}), and lets ${CHANGE_AT_MS} ms pass`)
  let isOver = false
  const waiting = Promise.resolve(poller.wait(LONG_MS)).then(() => {
    isOver = true
  })
  await settled()
  clock.advance(CHANGE_AT_MS)
  timers.delays.length = 0
  source.becomes({ writable: true }, story)
  for (let turn = 0; turn < 3; turn++) await settled()
  timers.giveBack()
  const again = Math.max(0, ...timers.delays)
  const isTimed = again > 0 || (await countPendingWakeUps()) > atRest
  const isKept = isOver || (isTimed && again <= REST_MS + 1)
  poller.wake()
  for (let turn = 0; turn < 3; turn++) await settled()
  clock.giveBack()
  await within(PATIENCE_MS, waiting)
  source.becomes({ writable: false }, story)
  expect(`a wait for ${LONG_MS} ms to be over by then`, isKept, {
    because:
      'Somebody has become writable, whom nobody wants to write. A wait that begins anew with each such change may never end, and the timers are late.',
    likely:
      again > REST_MS
        ? 'Sleep once, and return an empty list when nobody is ready after it. Or keep a deadline, and sleep again only for the rest.'
        : 'A sleep that ended early may return an empty list; one that goes on needs a time-out, too: the rest.',
    expected: `over, or to sleep for ${REST_MS} ms more`,
    received: isTimed ? `a timer of ${again} ms` : 'no timer',
  })
}

/** While nobody is ready a wait must do nothing at all. */
export async function expectSleep({ story, expect }: Stage, poller: Poller<Source>): Promise<void> {
  const atRest = await countPendingWakeUps()
  for (const timeoutMs of [Number.POSITIVE_INFINITY, LONG_MS]) {
    story.tell('test', `calls wait(${timeoutMs}) while nobody is ready`)
    const clock = new FakedClock()
    const timers = noteTimers()
    const { setImmediate } = globalThis
    let immediates = 0
    const waiting = poller.wait(timeoutMs)
    await settled()
    globalThis.setImmediate = ((...args: Parameters<typeof setImmediate>) => {
      immediates += 1
      return setImmediate(...args)
    }) as typeof setImmediate
    for (let turn = 0; turn < 50; turn++)
      await new Promise<void>((resolve) => setImmediate(resolve))
    Object.assign(globalThis, { setImmediate })
    timers.giveBack()
    const pending = (await countPendingWakeUps()) - atRest
    clock.giveBack()
    poller.wake()
    await within(PATIENCE_MS, Promise.resolve(waiting))
    const shortest = Math.min(...timers.delays)
    const isAsleep =
      immediates <= 2 &&
      // One that keeps a deadline may have lost a moment, or a digit.
      shortest >= timeoutMs - 1 &&
      pending <= (Number.isFinite(timeoutMs) ? 1 : 0)
    expect('a wait to sleep until something changes', isAsleep, {
      because:
        'Looking again and again costs CPU time for nothing, and the rarer it is, the later it sees.',
      likely:
        immediates > 2
          ? 'It spins: it looks again in each turn of Node’s loop. #sleep() sleeps until a source is heated; call it once a wait.'
          : shortest < 1_000
            ? 'It looks again every few milliseconds. #sleep() sleeps until a source is heated; give it all of `timeoutMs`, once a wait.'
            : 'Give #sleep() all of `timeoutMs`, and leave the timer to it.',
      expected: Number.isFinite(timeoutMs)
        ? `one timer, of ${timeoutMs} ms`
        : 'no timers and no immediates while it sleeps',
      received: `${immediates} immediates in 50 turns of Node’s loop, timers of [${timers.delays}] ms, ${pending} pending`,
    })
  }
  const left = (await countPendingWakeUps()) - atRest
  expect('a wait to leave no timer behind', left <= 0, {
    because:
      'The wait was woken long before its time was up. A timer that is left fires for nobody.',
    likely: '#sleep() clears the timer that it sets. One of your own has to be cleared, too.',
    expected: 'no timers',
    received: `${left}`,
  })
}
