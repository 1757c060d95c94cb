import { defineConfig } from 'vitest/config'
import { ProofReporter } from './tests/workbook/proof-reporter.ts'

export default defineConfig({
  test: {
    include: ['tests/workbook/**/*.test.{ts,tsx}'],
    testTimeout: 300_000,
    // The proofs start processes of their own, which often wait. More of them would only wait for the same two cores.
    maxConcurrency: 6,
    maxWorkers: 2,
    // The files share no state but what they import, and importing it anew for each costs a twentieth of the time.
    isolate: false,
    reporters: ['default', new ProofReporter()],
    env: { WORKBOOK_SPARE_HOST: 'no' },
  },
})
