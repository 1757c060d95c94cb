/** How a door listens: within the limits, with TLS if there is a certificate, and with a log of who comes and goes. */

import type { Connection } from '../07-event-loop/connection.ts'
import type { Service } from '../10-backpressure/admission.ts'
import { affordableConnections } from '../10-backpressure/limits.ts'
import { descriptorLimit, serveBounded } from '../10-backpressure/server.ts'
import type { Config } from './config.ts'
import type { DoorName, Listen } from './doors.ts'
import type { Logs } from './logs.ts'
import { destroyAtFault, type Tls } from './tls.ts'

/** How many doors share the descriptors of the process. */
const DOORS = 2

/** How much longer a door waits than the drain, which cuts people off before that. */
const GRACE_BEYOND_MS = 5_000

type ListenConfig = Pick<Config, 'host' | 'maxConnections' | 'drainSeconds'>

export function listener(config: ListenConfig, logs: Logs, tls: Tls | undefined): Listen {
  const { host, maxConnections, drainSeconds } = config
  const affordable = affordableConnections(DOORS * maxConnections, descriptorLimit())
  return ({ name, port }, service) =>
    serveBounded(
      {
        host,
        port,
        maxConnections: Math.max(1, Math.floor(affordable / DOORS)),
        graceMs: drainSeconds * 1_000 + GRACE_BEYOND_MS,
        goodbyeMs: GOODBYE_MS,
        secure: tls && ((socket) => destroyAtFault(tls.secure(socket))),
      },
      logs.shows('debug') ? logged(name, service, logs) : service,
    )
}

/** How long a peer has to go after our goodbye. */
const GOODBYE_MS = 5_000

/** The same service, with a log: each connection gets a number, and all its lines have that number. */
function logged(door: DoorName, service: Service, logs: Logs): Service {
  const numbers = new WeakMap<Connection, number>()
  let newest = 0
  return {
    ...service,
    open(connection, timers) {
      newest += 1
      numbers.set(connection, newest)
      const { address } = connection.peer
      logs.debug('connection opened', { door, connection: newest, address })
      return service.open(connection, timers)
    },
    onClosed(connection, why) {
      logs.debug('connection closed', { door, connection: numbers.get(connection), why })
    },
  }
}
