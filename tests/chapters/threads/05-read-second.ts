import type { Scenario } from '../../harness/interleavings/scenario.ts'
import { readWhileOverwritten } from './05-read.ts'

/** Entry 2, the oldest of a full book, gives way to entry 258. */
export const scenario: Scenario = readWhileOverwritten(2)
