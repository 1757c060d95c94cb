/** Runs the judge for the guide: one run at a time, the newest one. */

import type { JudgeEvent } from '../../tests/judge/events.ts'
import { judgeOwnWork } from '../../tests/judge/own-work.ts'
import { isGreen, type ProgressFile } from '../../tests/judge/progress.ts'
import { takeSnapshot } from './snapshots.ts'

export interface RunRequest {
  chapter: string
  upTo: string
  onEvent(event: JudgeEvent): void
  /** The run ended by itself; not called for one that a newer run cut short. */
  onEnd(ms: number): void
}

export class Judging {
  readonly #progress: ProgressFile
  #current: AbortController | undefined
  #hasToldThatNoneIsKept = false

  constructor(progress: ProgressFile) {
    this.#progress = progress
  }

  async start({ chapter, upTo, onEvent, onEnd }: RunRequest): Promise<void> {
    this.stop()
    const controller = new AbortController()
    this.#current = controller
    const startedAt = performance.now()
    const before = this.#progress.read()
    let isNewlyGreen = false
    for await (const event of judgeOwnWork(
      { chapter, upTo, signal: controller.signal },
      this.#progress,
    )) {
      if (controller.signal.aborted) return
      if (event.kind === 'stepPassed' && !isGreen(before, event.step.id)) isNewlyGreen = true
      onEvent(event)
    }
    if (controller.signal.aborted) return
    if (isNewlyGreen) this.#keep(chapter, onEvent)
    onEnd(Math.round(performance.now() - startedAt))
  }

  /** A copy that cannot be made is told once: the work goes on without it. */
  #keep(chapter: string, onEvent: RunRequest['onEvent']): void {
    try {
      takeSnapshot(chapter, 'green')
    } catch (error) {
      if (this.#hasToldThatNoneIsKept) return
      this.#hasToldThatNoneIsKept = true
      const why = (error as Error).message
      onEvent({ kind: 'notice', text: `No copy of what is green could be kept (${why}).` })
    }
  }

  stop(): void {
    this.#current?.abort()
    this.#current = undefined
  }
}
