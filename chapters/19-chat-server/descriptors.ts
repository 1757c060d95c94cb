/**
 * How many connections the doors may have. A descriptor that is missing elsewhere can cost more than a connection: without
 * one, the log cannot begin its next file.
 *
 * Chapter 10 keeps 64 descriptors back for everything else: an idle server has about 37 open (standard streams, loops,
 * ports, databases, the first segment). Strangers and the log can make this server open many more, so those are kept
 * back here as well.
 */

import { affordableConnections } from '../10-backpressure/limits.ts'
import type { LogLimits } from '../15-history/log.ts'
import type { Config } from './config.ts'

const DOORS = 2

/** How many connections the lookout may have: it serves a few programs, each of which needs one. */
export const MAX_LOOKOUTS = 32

/** Newcomers for whom there is no room and who stay to be told so: chapter 10 keeps as many at each port, and no more. */
const REFUSED_AT_EACH_PORT = 16

/** Returns how many of the `maxConnections` each door may have if the process may have so many descriptors open. */
export function connectionsPerDoor(
  { maxConnections, ...limits }: Pick<Config, 'maxConnections'> & LogLimits,
  descriptors: number,
): number {
  const others = MAX_LOOKOUTS + (DOORS + 1) * REFUSED_AT_EACH_PORT + segmentsOpen(limits)
  const affordable = affordableConnections(DOORS * maxConnections, descriptors - others)
  return Math.max(1, Math.floor(affordable / DOORS))
}

/** Segments stay open as long as they are kept; at a roll-over there are two more: the newest and one that goes. */
function segmentsOpen({ maxTotalBytes, maxSegmentBytes }: LogLimits): number {
  return Math.ceil(maxTotalBytes / maxSegmentBytes) + 2
}
