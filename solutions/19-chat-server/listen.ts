/** How a door listens: within the limits, with TLS if there is a certificate, and with a log of who comes and goes. */

import type { Connection } from '../07-event-loop/connection.ts'
import type { Service } from '../10-backpressure/admission.ts'
import { type BoundedOptions, descriptorLimit, serveBounded } from '../10-backpressure/server.ts'
import type { LogLimits } from '../15-history/log.ts'
import type { Config } from './config.ts'
import { connectionsPerDoor } from './descriptors.ts'
import type { DoorName, Listen } from './doors.ts'
import type { Logs } from './logs.ts'
import { destroyAtFault, type Tls } from './tls.ts'

/** How much longer a door waits than the drain, which cuts people off before that. */
const GRACE_BEYOND_MS = 5_000

/** What a connection may ask for in a second, besides what its account may say. Nobody who types needs as much. */
const REQUESTS_PER_SECOND = 50

/** How many requests at once: a client that comes back may join 50 rooms, and ask for nine pages in each. */
const BURST_REQUESTS = 500

type ListenConfig = Pick<Config, 'host' | 'maxConnections' | 'saysPerSecond' | 'drainSeconds'> &
  LogLimits &
  Pick<BoundedOptions, 'clock' | 'messagesPerSecond' | 'burstMessages'>

/** A connection that asks for more than its rate is not refused anything: it is read more slowly. */
export function listener(config: ListenConfig, logs: Logs, tls: Tls | undefined): Listen {
  const { host, saysPerSecond, drainSeconds, clock } = config
  const { messagesPerSecond = REQUESTS_PER_SECOND + saysPerSecond } = config
  const { burstMessages = BURST_REQUESTS } = config
  const descriptors = descriptorLimit()
  const maxConnections = connectionsPerDoor(config, descriptors)
  if (maxConnections < config.maxConnections)
    logs.warn('too few descriptors for --max-connections', {
      asked: config.maxConnections,
      atEachDoor: maxConnections,
      descriptors,
    })
  return ({ name, port }, service) =>
    serveBounded(
      {
        host,
        port,
        maxConnections,
        graceMs: drainSeconds * 1_000 + GRACE_BEYOND_MS,
        goodbyeMs: GOODBYE_MS,
        clock,
        messagesPerSecond,
        burstMessages,
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
