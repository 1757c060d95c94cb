/**
 * `.workbook/progress.json`: which steps are green, and where the learner was.
 *
 * A file that cannot be read is set aside, never overwritten; one from a newer workbook is read by nobody and
 * kept. Every write reads first and changes only what it is about, so that the guide and `npm test` in two terminals
 * do not undo each other.
 */

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { STATE } from './workbook.ts'

const VERSION = 1

export interface Progress {
  version: typeof VERSION
  steps: Record<string, StepProgress>
  /** Hints taken, by step: 0 to 3. */
  hints: Record<string, number>
  /** Digest of everything a finished chapter is made of, by chapter, as it was when it passed. */
  finished: Record<string, string>
  /** The step the learner was at. */
  place?: string
}

export interface StepProgress {
  /** When it became green, ISO 8601. */
  passedAt: string
  /** When it turned red again; absent while it is green. */
  brokenAt?: string
}

export class ProgressFile {
  readonly path: string
  /** What the learner should know about the file; told once. */
  #notices: string[] = []
  #isWritable = true

  constructor(path = join(STATE, 'progress.json')) {
    this.path = path
  }

  read(): Progress {
    let text: string
    try {
      text = readFileSync(this.path, 'utf8')
    } catch {
      return empty()
    }
    const progress = parse(text)
    if (progress === 'broken') {
      this.#setAside()
      return empty()
    }
    if (progress === 'newer') {
      this.#isWritable = false
      this.#notice(
        `${this.path} was written by a newer workbook. Nothing is saved until you update: git pull && npm ci`,
      )
      return empty()
    }
    return progress
  }

  /** Reads, changes, writes. A folder that cannot be written costs the memory, not the work at hand. */
  update(change: (progress: Progress) => void): void {
    const progress = this.read()
    if (!this.#isWritable) return
    change(progress)
    try {
      mkdirSync(dirname(this.path), { recursive: true })
      const draft = `${this.path}.${process.pid}`
      writeFileSync(draft, `${JSON.stringify(progress, null, 2)}\n`)
      renameSync(draft, this.path)
    } catch (error) {
      this.#isWritable = false
      this.#notice(`Progress cannot be saved (${(error as Error).message}). Everything else works.`)
    }
  }

  takeNotices(): string[] {
    const notices = this.#notices
    this.#notices = []
    return notices
  }

  #setAside(): void {
    const aside = `${this.path.replace(/\.json$/, '')}.broken-${Date.now()}.json`
    try {
      renameSync(this.path, aside)
      this.#notice(
        `progress.json could not be read. It is kept as ${aside}, and a new one begins; npm test 1, 2, … fills it again.`,
      )
    } catch (error) {
      this.#isWritable = false
      this.#notice(`progress.json can neither be read nor set aside (${(error as Error).message}).`)
    }
  }

  #notice(text: string): void {
    if (!this.#notices.includes(text)) this.#notices.push(text)
  }
}

export function isGreen(progress: Progress, step: string): boolean {
  const known = progress.steps[step]
  return known !== undefined && known.brokenAt === undefined
}

/** Notes that so many hints were taken; more may have been, in another terminal. */
export function noteHints(progress: Progress, step: string, taken: number): void {
  progress.hints[step] = Math.max(progress.hints[step] ?? 0, taken)
}

function empty(): Progress {
  return { version: VERSION, steps: {}, hints: {}, finished: {} }
}

function parse(text: string): Progress | 'broken' | 'newer' {
  try {
    const value = JSON.parse(text)
    if (typeof value?.version !== 'number') return 'broken'
    if (value.version > VERSION) return 'newer'
    // What has been added since may be missing, but without its steps a file is broken.
    const progress = { ...empty(), ...value, steps: value.steps }
    return isProgress(progress) ? progress : 'broken'
  } catch {
    return 'broken'
  }
}

/** Whatever is in the file: people edit it, and disks lose parts of it. */
function isProgress({ steps, hints, finished, place }: Record<string, unknown>): boolean {
  return (
    isRecordOf(steps, isStepProgress) &&
    isRecordOf(hints, (taken) => Number.isInteger(taken)) &&
    isRecordOf(finished, isText) &&
    (place === undefined || isText(place))
  )
}

function isStepProgress(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { passedAt, brokenAt } = value as Record<string, unknown>
  return isText(passedAt) && (brokenAt === undefined || isText(brokenAt))
}

function isRecordOf(value: unknown, isOne: (part: unknown) => boolean): boolean {
  const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isRecord && Object.values(value).every(isOne)
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}
