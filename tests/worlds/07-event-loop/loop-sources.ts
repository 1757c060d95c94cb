/** What step 07.3 plays in: sources that are ready when the test says so, and a poller that must leave them alone. */

import type { Source } from '#code/07-event-loop/byte-stream.ts'
import type { Interest, Poller, Ready } from '#code/07-event-loop/poller.ts'
import { PATIENCE_MS, within } from '../../harness/patience.ts'
import type { Story } from '../../harness/story.ts'

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

/** For a source that is ready and not reported. */
export const LEAVE_IT_HOT =
  'Level-triggered: report what is ready, not what has become ready since the last look. A wait collects twice, and a source that is ready stays in the hot set.'

/** For a list in which somebody is twice. */
export const ONCE =
  'Return one list, with an object of its own for each source: the list that #collect() returns after the sleep.'

export function isTwice(reported: string[] | typeof STILL_WAITING): boolean {
  return Array.isArray(reported) && new Set(reported).size < reported.length
}
