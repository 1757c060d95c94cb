/** Notes which chapters a run of the proof has proved, so that the next one need not do so again. */

import type { Reporter, TestModule, TestRunEndReason } from 'vitest/node'
import { listChapters } from '../judge/workbook.ts'
import { fingerprintsOf, ProvenFile } from './fingerprint.ts'

export class ProofReporter implements Reporter {
  /** As they were when the run began: what is edited meanwhile has not been proved. */
  #fingerprints = new Map<string, string>()

  onTestRunStart(): void {
    this.#fingerprints = fingerprintsOf(listChapters())
  }

  onTestRunEnd(modules: readonly TestModule[], _errors: unknown, reason: TestRunEndReason): void {
    const proof = modules.find(({ moduleId }) => moduleId.endsWith('/workbook/chapters.test.ts'))
    if (!proof || reason === 'interrupted') return
    const proved = [...this.#fingerprints].filter(([chapter]) => isProved(proof, chapter))
    if (proved.length > 0) new ProvenFile().add(proved)
  }
}

/** Every test of the chapter has run, and has passed. */
function isProved(proof: TestModule, chapter: string): boolean {
  const suites = [...proof.children.allSuites()].filter(({ name }) => name === chapter)
  const states = suites.flatMap((suite) =>
    [...suite.children.allTests()].map((test) => test.result().state),
  )
  return states.length > 0 && states.every((state) => state === 'passed')
}
