import type { Scenario } from '../../harness/interleavings/scenario.ts'
import { changeInTwoSteps } from './05-owner-dies.ts'

/** Who dies may be asleep, or just woken, while the third has the lock. */
export const scenario: Scenario = { ...changeInTwoSteps(3), limits: { runs: 400, samples: 100 } }
