/** Accounts over HTTP, a folder of files, and an echo to try bodies with. */

import type { BoundedServer } from '../10-backpressure/server.ts'
import { type AccountOptions, openAccountServices } from '../14-accounts/account-services.ts'
import { chatApi } from './api.ts'
import type { HttpHandler } from './http-message.ts'
import { type HttpServerOptions, serveHttp } from './http-service.ts'
import { memorySite } from './memory-site.ts'
import { answerMethod } from './methods.ts'
import { onlyFor } from './only-for.ts'
import { originOf } from './origin.ts'
import { SITE_HEADERS } from './site-headers.ts'
import { staticFiles } from './static-files.ts'

export interface SiteOptions extends HttpServerOptions, AccountOptions {
  /** The folder whose files are served; by default, that of this chapter. */
  site?: string
  /** How browsers reach the server; other hosts are refused. Without it, by this machine's own addresses. */
  publicUrl?: string
  trustedProxies?: string[]
}

export async function startServer(options: SiteOptions = {}): Promise<BoundedServer> {
  const { publicUrl, trustedProxies = [] } = options
  // Throws for what is no URL: nothing may be open yet.
  const origins = publicUrl ? [originOf(publicUrl)] : []
  const services = await openAccountServices(options, console.error)
  const isSecure = publicUrl?.startsWith('https:') ?? false
  const api = chatApi(services, { origins, isSecure, trustedProxies })
  try {
    const server = await serveHttp(options, onlyFor(publicUrl, site(options.site, api)))
    // Only now is the port known.
    if (!publicUrl) origins.push(...LOCAL.map((host) => `http://${host}:${server.port}`))
    return { ...server, close: () => server.close().finally(() => services.close()) }
  } catch (error) {
    await services.close()
    throw error
  }
}

const LOCAL = ['127.0.0.1', 'localhost']

/** `/api/…` goes to the API; `/` is a page, and echoes what is posted to it; everything else is a file. */
function site(folder: string = import.meta.dirname, api: HttpHandler): HttpHandler {
  const files = staticFiles(folder)
  const welcome = memorySite(new Map([['/', WELCOME]]))
  return (request) => {
    const { method, path, body } = request
    if (path.startsWith('/api/')) return api(request)
    if (path === '*') return answerMethod(request, ['GET', 'HEAD', 'POST'])
    if (path !== '/') return files(request)
    return method === 'POST' ? { status: 200, headers: ECHO, body } : welcome(request)
  }
}

const ECHO = { ...SITE_HEADERS, 'Content-Type': 'application/octet-stream' }

const WELCOME = {
  type: 'text/html; charset=utf-8',
  bytes: Buffer.from(`<!doctype html>
<html lang="en">
<title>TCP Server Workbook</title>
<p>You reached an HTTP server. Every line of it, down to the socket, is in this workbook.
<p><a href="/server.ts">This is how it begins.</a>
</html>
`),
}
