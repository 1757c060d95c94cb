/**
 * The chat server: what the earlier chapters have built, put together once. `main.ts` runs it from a command line.
 *
 *     services ──▶ the one chat ──▶ doors: frames, web ──▶ lookout        and Drain, which closes them in its own order
 */

import type { Chat } from '../13-rooms/chat-session.ts'
import type { HistoryServerOptions } from '../15-history/server.ts'
import { SYSTEM_TIMERS, type Timers } from '../16-client/timers.ts'
import { serveHttp } from '../17-http/http-service.ts'
import { type Config, DEFAULTS } from './config.ts'
import { MAX_LOOKOUTS } from './descriptors.ts'
import { type Door, type DoorName, type DoorPlan, openDoors, serveFrames } from './doors.ts'
import { type Closable, Drain } from './drain.ts'
import { listener } from './listen.ts'
import { Logs } from './logs.ts'
import { lookoutHandler } from './lookout.ts'
import { Measures } from './measures.ts'
import { Newcomers } from './newcomers.ts'
import { logLimits, openServices } from './services.ts'
import { openTls } from './tls-files.ts'
import { serveWeb } from './web.ts'
import { WebSite } from './web-site.ts'

/** How long a peer has to say hello: as long as anybody may be silent (10). */
const NEWCOMER_MS = 120_000

/** Without `data`, messages and accounts are gone when the server is. */
export interface ChatServerOptions
  extends Partial<Config>,
    Omit<HistoryServerOptions, keyof Config> {
  /** Takes the lines of the log; by default, standard output. */
  write?: (line: string) => void
  timers?: Timers
}

export interface ChatServer extends Closable {
  /** Of the frames door, the web door, and the lookout if there is one. */
  readonly port: number
  readonly webPort: number
  readonly metricsPort: number | undefined
  /** Ends in good order. Rejects if something went wrong, or if not everything that was said could be saved. */
  close(): Promise<void>
  /** Cuts off everybody; only `close()` ends the server. */
  cut(): void
  /** Reads the certificate again. */
  reload(): Promise<void>
  stats(): Record<string, ReturnType<Door['stats']>>
}

export async function startServer(options: ChatServerOptions = {}): Promise<ChatServer> {
  const settings = { ...DEFAULTS, data: undefined, ...portsBeside(options.port ?? 0), ...options }
  const config = { ...logLimits(settings.maxLogMegabytes), ...settings }
  const { write = writeOut, timers = SYSTEM_TIMERS, metricsPort, metricsHost } = config
  const logs = new Logs({ level: config.logLevel, write, now: Date.now })
  const measures = metricsPort === 'off' ? undefined : new Measures(timers)
  const tls = await openTls(config, logs, (how) => measures?.onHandshake(how))
  const services = await openServices(config, logs, measures)

  const site = await orClose(WebSite.open(config, services, tls !== undefined), services)
  const watched = (door: DoorName, chat: Chat) => measures?.watchDoor(door, chat) ?? chat
  const plans: DoorPlan[] = [
    { name: 'frames', port: config.port, serve: (chat) => serveFrames(watched('frames', chat)) },
    {
      name: 'web',
      port: config.webPort,
      serve: (chat) => serveWeb(watched('web', chat), site, (error) => logs.bug(error)),
    },
  ]
  const listen = listener(config, logs, tls)
  const chat = { ...services.chat, newcomers: new Newcomers(timers, NEWCOMER_MS) }
  const doors = await orClose(openDoors(chat, plans, listen), services)
  site.foundAt(doors[1].port)

  const whyNotReady = () => (drain.isReady ? services.whyNotReady() : 'The server is stopping.')
  const lookout =
    measures &&
    (await orClose(
      serveHttp(
        { port: metricsPort as number, host: metricsHost, maxConnections: MAX_LOOKOUTS },
        lookoutHandler({
          host: metricsHost,
          whyNotReady,
          metrics: () => measures.list(doors, services),
        }),
      ),
      ...doors,
      services,
    ))
  const deadlineMs = config.drainSeconds * 1_000
  const drain = new Drain({ doors, data: services, lookout, timers, deadlineMs })
  measures?.watchLoop()
  logs.info('open', { frames: doors[0].port, web: doors[1].port, metrics: lookout?.port })
  logs.info('the page', { url: site.url })
  return {
    port: doors[0].port,
    webPort: doors[1].port,
    metricsPort: lookout?.port,
    async close() {
      logs.info('stopping')
      measures?.stop()
      await drain.begin().finally(() => logs.info('stopped'))
    },
    cut() {
      drain.cut()
      lookout?.cut()
    },
    reload: async () => tls?.reload(),
    stats: () => Object.fromEntries(doors.map(({ name, stats }) => [name, stats()])),
  }
}

/** Ports that are not given lie beside that of the frames door: 4019, 8019 and 9019. */
function portsBeside(port: number): Pick<Config, 'port' | 'webPort' | 'metricsPort'> {
  return port === 0
    ? { port, webPort: 0, metricsPort: 0 }
    : { port, webPort: port + 4_000, metricsPort: port + 5_000 }
}

/** Closes what is open already when the next thing cannot be opened; what goes wrong then is not the reason. */
async function orClose<T>(opening: Promise<T>, ...opened: Closable[]): Promise<T> {
  try {
    return await opening
  } catch (error) {
    for (const each of opened) {
      try {
        await each.close()
      } catch {}
    }
    throw error
  }
}

function writeOut(line: string): void {
  process.stdout.write(line)
}
