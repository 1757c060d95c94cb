/** What a delivered broadcast costs a server, for measurements 13 and 18. */

import type { HostedServer } from '../../tests/harness/hosted-server.ts'
import type { Dialect } from './chat-dialects.ts'
import { ChatLoad } from './chat-load.ts'

export const MEMBERS = 100
export const ROUND_MS = 1_000
const WARM_UP_MS = 400

/** Microseconds of CPU for each message delivered. */
export async function microsPerDelivery(
  server: HostedServer,
  dialect: Dialect,
  talkers: number,
): Promise<number> {
  const load = await ChatLoad.start({ port: server.port, dialect, members: MEMBERS, talkers })
  try {
    await server.cpuMsDuring(WARM_UP_MS)
    const before = load.delivered
    const cpuMs = await server.cpuMsDuring(ROUND_MS)
    return (cpuMs * 1_000) / (load.delivered - before)
  } finally {
    load.stop()
  }
}
