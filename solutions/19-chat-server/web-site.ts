/** What the web door has to know: where browsers find it, whose pages may connect, what it serves beside the chat. */

import type { TimerQueue } from '../08-timers/timer-queue.ts'
import { chatApi } from '../17-http/api.ts'
import { clientAddress } from '../17-http/client-address.ts'
import { sessionCookieOf } from '../17-http/cookies.ts'
import type { HttpHandler, HttpRequest } from '../17-http/http-message.ts'
import { memorySite } from '../17-http/memory-site.ts'
import { hasOrigin } from '../17-http/origin.ts'
import type { ChatWebSocketOptions } from '../18-websocket/websocket-peer.ts'
import type { Config } from './config.ts'
import { openPage } from './page.ts'
import type { ChatServices } from './services.ts'
import type { WebOptions } from './web.ts'

/** A page in a hidden tab may sleep for minutes, but its browser answers a ping. */
const PING_MS = 30_000

type SiteConfig = Pick<Config, 'publicUrl' | 'trustedProxies'>

export class WebSite implements WebOptions {
  readonly api: HttpHandler
  readonly page: HttpHandler
  readonly publicUrl: string | undefined
  /** Empty until we know where browsers find us. */
  readonly origins: string[] = []
  readonly #isSecure: boolean
  readonly #trustedProxies: readonly string[]

  private constructor(
    config: SiteConfig,
    services: ChatServices,
    page: HttpHandler,
    hasTls: boolean,
  ) {
    const { publicUrl, trustedProxies } = config
    this.#isSecure = publicUrl === undefined ? hasTls : publicUrl.startsWith('https:')
    this.#trustedProxies = trustedProxies
    if (publicUrl !== undefined) this.origins.push(publicUrl)
    this.page = page
    this.publicUrl = publicUrl
    const { origins } = this
    this.api = chatApi(services.accounts, { origins, isSecure: this.#isSecure, trustedProxies })
  }

  static async open(config: SiteConfig, services: ChatServices, hasTls: boolean): Promise<WebSite> {
    return new WebSite(config, services, memorySite(await openPage()), hasTls)
  }

  /** We listen on this port of this machine: browsers find us there, unless a public URL was given. */
  foundAt(port: number): void {
    const scheme = this.#isSecure ? 'https' : 'http'
    if (this.origins.length > 0) return
    this.origins.push(`${scheme}://127.0.0.1:${port}`, `${scheme}://localhost:${port}`)
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
