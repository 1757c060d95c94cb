/** What the web door has to know: where browsers find it, whose pages may connect, what it serves beside the chat. */

import { isIPv6 } from 'node:net'
import type { TimerQueue } from '../08-timers/timer-queue.ts'
import { chatApi } from '../17-http/api.ts'
import { clientAddress } from '../17-http/client-address.ts'
import { sessionCookieOf } from '../17-http/cookies.ts'
import type { HttpHandler, HttpRequest } from '../17-http/http-message.ts'
import { memorySite } from '../17-http/memory-site.ts'
import { hasOrigin, originOf } from '../17-http/origin.ts'
import type { ChatWebSocketOptions } from '../18-websocket/websocket-peer.ts'
import type { Config } from './config.ts'
import { openPage } from './page.ts'
import type { ChatServices } from './services.ts'
import type { WebOptions } from './web.ts'

/** A page in a hidden tab may sleep for minutes, but its browser answers a ping. */
const PING_MS = 30_000

type SiteConfig = Pick<Config, 'host' | 'publicUrl' | 'trustedProxies'>

export class WebSite implements WebOptions {
  readonly api: HttpHandler
  readonly page: HttpHandler
  readonly publicUrl: string | undefined
  /** Empty until we know where browsers find us. */
  readonly origins: string[] = []
  readonly #isSecure: boolean
  readonly #hosts: readonly string[]
  readonly #trustedProxies: readonly string[]

  private constructor(
    config: SiteConfig,
    services: ChatServices,
    page: HttpHandler,
    hasTls: boolean,
  ) {
    const { host, publicUrl, trustedProxies } = config
    this.#isSecure = publicUrl === undefined ? hasTls : publicUrl.startsWith('https:')
    this.#trustedProxies = trustedProxies
    this.#hosts = hostsOf(host)
    if (publicUrl !== undefined) this.origins.push(publicUrl)
    this.page = page
    this.publicUrl = publicUrl
    const { origins } = this
    this.api = chatApi(services.accounts, { origins, isSecure: this.#isSecure, trustedProxies })
  }

  static async open(config: SiteConfig, services: ChatServices, hasTls: boolean): Promise<WebSite> {
    return new WebSite(config, services, memorySite(await openPage()), hasTls)
  }

  /** We listen on this port of our host: browsers find us there, unless a public URL was given. */
  foundAt(port: number): void {
    const scheme = this.#isSecure ? 'https' : 'http'
    if (this.origins.length > 0) return
    for (const host of this.#hosts) this.origins.push(originOf(`${scheme}://${host}:${port}`))
  }

  /** Where to send a browser. */
  get url(): string {
    return `${this.origins[0]}/`
  }

  /** A cookie counts only if our own page has sent it: a browser may send it along with another page's WebSocket. */
  readonly whoAsks = (request: HttpRequest, timers: TimerQueue): ChatWebSocketOptions => ({
    heartbeat: { timers, everyMs: PING_MS },
    token: hasOrigin(request, this.origins) ? sessionCookieOf(request, this.#isSecure) : undefined,
    address: clientAddress(request, this.#trustedProxies),
  })
}

const LOCAL = ['127.0.0.1', 'localhost']

/** The hosts by which browsers find us, by where we listen; if that is everywhere, we know only those of this machine. */
const HOSTS = new Map([
  ['0.0.0.0', LOCAL],
  ['[::]', LOCAL],
  ['127.0.0.1', LOCAL],
  ['localhost', ['localhost', '127.0.0.1']],
  ['[::1]', ['[::1]', 'localhost']],
])

function hostsOf(host: string): readonly string[] {
  const url = URL.parse(`http://${isIPv6(host) ? `[${host}]` : host}`)
  // No URL can name an address with a zone (fe80::1%eth0).
  if (!url) return LOCAL
  return HOSTS.get(url.hostname) ?? [url.hostname]
}
