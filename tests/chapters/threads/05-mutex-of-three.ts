import type { Scenario } from '../../harness/interleavings/scenario.ts'
import { lockAndCount } from './05-mutex.ts'

export const scenario: Scenario = { ...lockAndCount(3), limits: { runs: 400, samples: 100 } }
