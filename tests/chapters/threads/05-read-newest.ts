import type { Scenario } from '../../harness/interleavings/scenario.ts'
import { readWhileOverwritten } from './05-read.ts'

/** Entry 257 is read while it is signed. */
export const scenario: Scenario = readWhileOverwritten(1, 'new')
