/** A log on a file that is told how each call ends, and what it tells. */

import type { Log, Saved } from '#code/15-history/log.ts'
import { EMPTY_DISK, SimulatedDisk } from '../../harness/crash-points/disk.ts'
import type { Reason } from '../../harness/failure.ts'
import { PATIENCE_MS, within } from '../../harness/patience.ts'
import type { Stage } from '../../judge/step.ts'
import { settle } from './disk.ts'
import { HeldFile } from './held-file.ts'

/** Where a held log goes on. */
export const START = 40

/** What a log has told, and what became of what was appended. */
export class Told {
  readonly #stage: Stage
  readonly story: Stage['story']
  #lines: string[] = []
  #react: (() => void) | undefined

  constructor(stage: Stage) {
    this.#stage = stage
    this.story = stage.story
  }

  tell(line: string): void {
    this.#lines.push(line)
    const react = line.startsWith('group') ? this.#react : undefined
    if (react) this.#react = undefined
    react?.()
  }

  /** Does something while `onSynced` is told of the next group. */
  reactWith(react: () => void): void {
    this.#react = react
  }

  /** Expects that this was told since the last time, and nothing else. */
  async expect(lines: string[], reason: Reason): Promise<void> {
    await settle()
    const received = this.#lines
    this.#lines = []
    const text = (told: string[]) => (told.length === 0 ? 'nothing' : told.join('; '))
    const because = { ...reason, ...causeIn(received, lines) }
    this.#stage.expectSame('what the log tells', text(received), text(lines), because)
  }

  /** What was told since the last time, in a few words. */
  get summary(): string {
    const text = this.#lines.join('; ')
    return text.length > 100 ? `${text.slice(0, 100)}…` : text
  }

  /** Whether groups of 0, 1, 2 … were told. */
  isCounting(count: number): boolean {
    const records = this.#lines.flatMap((line) => line.replace('group: ', '').split(', '))
    return records.length === count && records.every((record, index) => record === `${index}`)
  }
}

/** A log on a file that is told how each call ends. */
export async function openHeld(stage: Stage) {
  const { Log } = await stage.load(() => import('#code/15-history/log.ts'))
  const file = new HeldFile(stage.story)
  const told = new Told(stage)
  const keeper = {
    onSynced: (saved: Saved[]) =>
      told.tell(`group: ${saved.map(({ record }) => String(record)).join(', ')}`),
    marks: () => [],
    onRetired() {},
  }
  const folder = new SimulatedDisk(EMPTY_DISK)
  const log: Log = new Log(folder, [{ number: 1, file, size: START, marksBytes: 0 }], keeper)
  return { log, file, told }
}

/** What has to come without anything else happening. */
export async function soon<T>(
  stage: Stage,
  what: string,
  promise: Promise<T>,
  reason?: Reason,
): Promise<T> {
  const outcome = await within(
    PATIENCE_MS,
    promise.then(
      (value) => ({ value }),
      (error: Error) => ({ error }),
    ),
  )
  const error = outcome !== 'too late' && 'error' in outcome ? outcome.error : undefined
  if (error && error.name !== 'NotSaved') throw error
  stage.expect(what, outcome !== 'too late' && !error, {
    because: 'Nothing is left to wait for.',
    likely: 'On some path through the code, a promise is neither resolved nor rejected.',
    ...reason,
    received: error ? `${error.name}: ${error.message}` : 'nothing has happened',
  })
  return (outcome as { value: T }).value
}

/** The same where only a failure is worth a line; what the promise rejects with comes out as it is. */
export async function inTime<T>(
  stage: Stage,
  what: string,
  promise: Promise<T>,
  reason: Reason,
): Promise<T> {
  const outcome = await within(
    PATIENCE_MS,
    promise.then((value) => ({ value })),
  )
  if (outcome === 'too late')
    stage.expect(what, false, { ...reason, received: 'nothing has happened' })
  return (outcome as { value: T }).value
}

export function sayer(log: Log, told: Told) {
  return (text: string): void => {
    told.story.tell('test', `appends "${text}"`)
    // Whoever comes late is told the reason that others have been told, or that there is one.
    const isLate = log.failure !== undefined
    const describe = (error: Error) => {
      if (error.name !== 'NotSaved') return String(error)
      return saysWhy(error, isLate ? undefined : log.failure) ? 'not saved' : UNEXPLAINED
    }
    try {
      log.append(Buffer.from(text)).then(
        () => told.tell(`${text} is saved`),
        (error: Error) => told.tell(`${text} is ${describe(error)}`),
      )
    } catch (error) {
      if ((error as Error).name !== 'NotSaved') throw error
      told.tell(`${text} ${THROWN}`)
    }
  }
}

const UNEXPLAINED = 'not saved, and its error does not say why'
const THROWN = 'makes append() throw'

/** What is probably wrong with what was told, where that can be seen. */
function causeIn(lines: string[], expected: string[]): Partial<Reason> {
  const isReordered =
    lines.join() !== expected.join() && lines.toSorted().join() === expected.toSorted().join()
  if (isReordered && lines.every((line) => line.endsWith('not saved')))
    return {
      likely: 'Reject in the order of append(): the group that failed, then what waits.',
      look: 'log.#fail()',
    }
  const groups = expected.filter((line) => line.startsWith('group: '))
  const isOnlyTold = lines.length > 0 && lines.length < expected.length
  if (isOnlyTold && lines.join() === groups.join())
    return {
      likely:
        'When onSynced has been told, resolve the promises of that group. None of them waits for the groups behind it.',
      look: ['log.#saveWaiting()', 'log.append()'],
    }
  if (lines.some((line) => line.endsWith(UNEXPLAINED)))
    return {
      likely: 'NotSaved has to say what the error says: new NotSaved(error.message).',
      look: 'log.#fail()',
    }
  if (lines.some((line) => line.endsWith(THROWN)))
    return { likely: 'append() rejects rather than throws.', look: 'log.append()' }
  return {}
}

/** Whether somebody who reads the error finds out what is wrong with the disk. */
function saysWhy({ message, cause }: Error, failure: Error | undefined): boolean {
  if (!failure?.message) return message !== ''
  const { code } = failure as { code?: string }
  const text = cause instanceof Error ? `${message} ${cause.message}` : message
  return text.includes(failure.message) || (code !== undefined && text.includes(code))
}

/** Whether it is the error of the system itself, not another one in its words. */
export function isError(failure: Error | undefined, code: string): boolean {
  return (failure as NodeJS.ErrnoException | undefined)?.code === code
}

/** A log that has failed writes nothing more, and can still be read. */
export async function expectClosed(
  stage: Stage,
  log: Log,
  file: HeldFile,
  told: Told,
  code: string,
): Promise<void> {
  await file.expectIdle({
    because:
      'After a failure nobody knows what is on the disk. What is written now could land after a hole.',
    likely: 'A failed log does not touch its file again: no second try, no sync.',
    look: ['log.#saveWaiting()', 'segments.save()'],
  })
  stage.expect(`log.failure to be the ${code}`, isError(log.failure, code), {
    because: 'A health check has to see that the server is not ready, and why.',
    likely: 'Set `failure` to the error itself before anything rejects.',
    look: 'log.#fail()',
    received: String(log.failure),
  })
  sayer(log, told)('late')
  await told.expect(['late is not saved'], {
    because: 'Nothing is saved until the log is opened again.',
    likely: 'append() looks at #failure first, and rejects with a NotSaved rather than throws.',
    look: 'log.append()',
  })
  await file.expectIdle({ because: 'Nothing is even tried.', look: 'log.append()' })
  const read = await log.read(1, START, 4).then(
    (bytes) => `${bytes.length} bytes`,
    (error: Error) => error.message,
  )
  stage.expectSame('log.read()', read, '4 bytes', {
    because: 'What was saved can still be read.',
    likely: 'A log that has failed keeps its files open until close().',
    look: 'log.#fail()',
  })
}
