/** A web door to the chat of 16, until chapter 19 has one: run as a process with a port and a data folder. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type Chat, ChatSession } from '../../../solutions/13-rooms/chat-session.ts'
import { ENDINGS } from '../../../solutions/13-rooms/codes.ts'
import { lastWords, type Outgoing, type Peer } from '../../../solutions/13-rooms/peer.ts'
import { openChat, serveOpenChat } from '../../../solutions/15-history/server.ts'
import { withKeys } from '../../../solutions/16-client/server.ts'
import { openPage } from '../../../solutions/19-chat-server/page.ts'
import { requirePeer } from '../../maintainers/peers.ts'

const [webPort, port, data] = process.argv.slice(2)
const { WebSocketServer } = requirePeer('ws')
const options = { port: Number(port), data, passwordCost: { ln: 4, r: 8, p: 1 } }
const open = await openChat(options as never)
const chat: Chat = withKeys(open.chat, open.journal)
const tcp = await serveOpenChat(options as never, { ...open, chat })
const files = await openPage()

const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

function tokenOf(request: IncomingMessage) {
  return /(?:^|; )session=([^;]+)/.exec(request.headers.cookie ?? '')?.[1]
}

/** One request of the chat protocol, and its answer. */
function ask(address: string, ...requests: object[]): Promise<any> {
  return new Promise((resolve) => {
    let left = requests.length
    const peer: Peer = {
      address,
      send(message: Outgoing) {
        if (--left === 0 || message.text.includes('"type":"error"')) {
          resolve(JSON.parse(message.text))
          queueMicrotask(() => session.drop())
        }
        return true
      },
      close() {},
      pause() {},
      resume() {},
    }
    const session = new ChatSession(peer, chat)
    requests.forEach((request, index) =>
      session.receive(JSON.stringify({ id: index + 1, ...request })),
    )
  })
}

async function bodyOf(request: IncomingMessage) {
  let text = ''
  for await (const chunk of request) text += chunk
  return JSON.parse(text)
}

const STATUS: Record<string, number> = { 'bad-login': 401, 'no-session': 401, 'try-later': 429 }

async function api(request: IncomingMessage, response: ServerResponse) {
  const address = request.socket.remoteAddress!
  const token = tokenOf(request)
  const give = (status: number, body: object, cookie?: string) => {
    if (cookie !== undefined)
      response.setHeader('set-cookie', `session=${cookie}; HttpOnly; SameSite=Strict; Path=/`)
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
  const hello = { type: 'hello', version: 1, token }
  if (request.url === '/api/me') {
    const answer = token ? await ask(address, hello) : { type: 'error', code: 'no-session' }
    return give(
      answer.type === 'error' ? 401 : 200,
      answer.type === 'error' ? answer : { name: answer.name },
    )
  }
  const body = await bodyOf(request)
  if (request.url === '/api/logout') {
    await ask(address, hello, { type: 'logout' })
    return give(200, {}, '; Max-Age=0')
  }
  const type = request.url === '/api/login' ? 'login' : 'register'
  const answer = await ask(address, { type, version: 1, ...body })
  if (answer.type === 'error') return give(STATUS[answer.code] ?? 400, answer)
  give(200, { name: answer.name }, answer.token)
}

const server = createServer((request, response) => {
  if (request.url!.startsWith('/api/')) return void api(request, response)
  const file = files.get(request.url!)
  if (!file) return response.writeHead(404).end()
  response
    .writeHead(200, { 'content-type': file.type, 'content-security-policy': CSP })
    .end(file.bytes)
})

const sockets = new WebSocketServer({ noServer: true })
server.on('upgrade', (request, socket, head) => {
  sockets.handleUpgrade(request, socket, head, (ws: any) => {
    const peer: Peer = {
      address: request.socket.remoteAddress!,
      send(message: Outgoing) {
        ws.send(message.text)
        return ws.readyState === 1
      },
      close(why) {
        const words = lastWords(why)
        if (words) ws.send(words.text)
        ws.close(ENDINGS[why].closeCode)
      },
      pause() {},
      resume() {},
    }
    const session = new ChatSession(peer, chat)
    ws.on('message', (bytes: Buffer) => {
      const message = JSON.parse(bytes.toString())
      if (message.type === 'hello') message.token ??= tokenOf(request)
      session.receive(JSON.stringify(message))
    })
    ws.on('close', () => session.drop())
  })
})
server.listen(Number(webPort), '127.0.0.1', () =>
  process.stdout.write(`${tcp.port} ${(server.address() as any).port}\n`),
)
