/** Chooses the loop for the next connection. Pure: nothing here knows about threads or sockets. */

/** What is known about a loop when one has to be chosen. */
export interface Load {
  /** Connections that it has now. */
  readonly connections: number
  /** Since when a socket has been waiting for the loop to take it up; `undefined` when none is. */
  readonly waitingSinceMs: number | undefined
}

/** Picks one of the loops, of which there is at least one. */
export type Choose = <L extends Load>(loops: readonly L[]) => L

/** One after the other, then from the beginning again: round robin. */
export function inTurn(): Choose {
  let turn = 0
  return (loops) => loops[turn++ % loops.length]
}

/**
 * Returns the loop with the fewest connections.
 *
 * @step 12.2
 */
export function leastBusy<L extends Load>(loops: readonly L[]): L {
  return loops.reduce((best, loop) => (loop.connections < best.connections ? loop : best))
}

/**
 * Returns the loops that answer: no socket has been waiting for longer than `patienceMs` for them to take it up. If
 * none answers, returns all of them: one has to get the connection.
 *
 * @step 12.5
 */
export function responsive<L extends Load>(
  loops: readonly L[],
  nowMs: number,
  patienceMs: number,
): readonly L[] {
  const answering = loops.filter(
    ({ waitingSinceMs }) => waitingSinceMs === undefined || nowMs - waitingSinceMs <= patienceMs,
  )
  return answering.length > 0 ? answering : loops
}
