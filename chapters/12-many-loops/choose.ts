/** Which loop is to have the next connection. Pure: nothing here knows of threads or sockets. */

/** What is known of a loop when somebody has to choose. */
export interface Load {
  /** Connections that it has now. */
  readonly connections: number
  /** Since when a socket has been waiting for the loop to take it up; `undefined` when none is. */
  readonly waitingSinceMs: number | undefined
}

/** Picks one of the loops, of which there is at least one. */
export type Choose = <L extends Load>(loops: readonly L[]) => L

/** One after the other, and then from the beginning: round robin. */
export function inTurn(): Choose {
  let turn = 0
  return (loops) => loops[turn++ % loops.length]
}

/**
 * The loop with the fewest connections.
 *
 * @step 12.2
 */
export function leastBusy<L extends Load>(loops: readonly L[]): L {
  // TODO 12.2
  throw new Error('TODO 12.2')
}

/**
 * The loops that answer: no socket has been waiting for longer than `patienceMs` for them to take it up. When none
 * answers, all of them: somebody has to have the connection.
 *
 * @step 12.5
 */
export function responsive<L extends Load>(
  loops: readonly L[],
  nowMs: number,
  patienceMs: number,
): readonly L[] {
  // TODO 12.5
  throw new Error('TODO 12.5')
}
