/** Requests at the web door, and who answers them. */

import type { HttpAnswer, HttpRequest } from '#code/17-http/http-message.ts'
import type { WebOptions } from '#code/19-chat-server/web.ts'
import { VirtualTimers } from '../../harness/virtual-timers.ts'
import type { Stage } from '../../judge/step.ts'
import { acceptFor, clientText, parseServerFrames, SAMPLE_KEY } from '../../protocols/websocket.ts'

const WEB_HANDLER = 'web.webHandler()'

export const OUR_PAGE = 'https://chat.example'

const PATHS: [path: string, place: string][] = [
  ['/', 'page'],
  ['/style.css', 'page'],
  ['/app/19-chat-server/page/main.ts', 'page'],
  ['/api/login', 'api'],
  ['/api/me', 'api'],
  ['/api/nothing/of/the/kind', 'api (404)'],
  ['http://chat.example/api/me', 'api'],
  ['/apiary', 'page'],
  ['/API/login', 'page'],
  ['/chatter', 'page'],
  ['/chat.js', 'page'],
  ['/chat/', 'page'],
  ['/Chat', 'page'],
  ['/app/chat', 'page'],
  ['/app/api/login', 'page'],
  ['/100%', 'page'],
  ['//', 'page'],
]

/** Paths at which something breaks. */
const BROKEN: [path: string, what: string][] = [
  ['/api/rejects', 'the API rejects with'],
  ['/api/throws', 'the API throws'],
  ['/rejects', 'the page rejects with'],
  ['/throws', 'the page throws'],
]

const HANDSHAKE = {
  upgrade: 'websocket',
  connection: 'Upgrade',
  'sec-websocket-version': '13',
  'sec-websocket-key': SAMPLE_KEY,
}

export async function expectPlaces(stage: Stage): Promise<void> {
  const { expectSame } = stage
  const { webHandler } = await stage.load(() => import('#code/19-chat-server/web.ts'))
  const { HeaderFields } = await stage.load(() => import('#code/17-http/http-message.ts'))
  const asked: HttpRequest[] = []
  const bug = new Error('a bug of ours')
  const breakAt = (path: string): Promise<never> | undefined => {
    if (path.endsWith('/throws')) throw bug
    return path.endsWith('/rejects') ? Promise.reject(bug) : undefined
  }
  const api = (request: HttpRequest) => {
    asked.push(request)
    const status = request.path.includes('nothing') ? 404 : 200
    return breakAt(request.path) ?? Promise.resolve({ status, body: 'api' })
  }
  const page = (request: HttpRequest) => {
    asked.push(request)
    return breakAt(request.path) ?? { status: 200, body: 'page' }
  }
  const origins: string[] = []
  const who = new WhoAsks()
  const handler = webHandler(who.chat, {
    api,
    page,
    origins,
    whoAsks: who.whoAsks,
  })
  const ask = async (
    target: string,
    headers: Record<string, string> = {},
    method = 'GET',
  ): Promise<HttpAnswer> => {
    const [path, query = ''] = target.replace('http://chat.example', '').split('?')
    const request = { method, target, path, query, version: '1.1' as const }
    const peer = { address: '127.0.0.1', isSecure: false }
    const fields = HeaderFields.from({ host: 'chat.example', ...headers })
    return handler({ ...request, headers: fields, body: new Uint8Array(), peer })
  }
  for (const [path, place] of PATHS) {
    const { status, body } = await ask(path).catch((error: Error) => ({
      status: undefined,
      body: `${error.name}: ${error.message}`,
    }))
    const isPlain = status === 200 || status === undefined
    const answer = isPlain ? body : `${body} (${status})`
    const who = body === undefined ? noBody(status) : answer
    expectSame(`what answers GET ${path}`, who, place, {
      because: 'Below /api/ is the API, /chat itself is the chat, and everything else is the page.',
      likely: whyNotThere(path, place, status, String(who)),
      look: WEB_HANDLER,
    })
  }
  expectSame('the number of requests that were passed on', asked.length, PATHS.length, {
    because: 'Each request is answered once, by one of the two.',
  })
  for (const [path, what] of BROKEN) {
    const broken = await ask(path).then(
      (answer) => (answer ? `an answer (${answer.status})` : 'nothing: that is no answer'),
      (error) => (error === bug ? 'it is thrown on' : String(error)),
    )
    expectSame(`what becomes of an error that ${what}`, broken, 'it is thrown on', {
      because:
        'It is a bug of ours. serveWeb() answers 500 and tells `onBug`, so that somebody learns of it.',
      likely: 'Catch nothing here.',
      look: WEB_HANDLER,
    })
  }
  const posted = await ask('/chat', {}, 'POST')
  expectSame('what answers POST /chat', posted.body === 'page' ? 'page' : 'chat', 'chat', {
    because: '/chat is the chat, whatever the method. acceptWebSocket() itself asks for a GET.',
    likely: 'Look only at the path.',
    look: WEB_HANDLER,
  })

  const form = await ask('/', {}, 'POST')
  expectSame('what answers POST /', form.body, 'page', {
    because: 'Whatever the method, the page itself says which methods it allows.',
    likely: 'Look only at the path.',
    look: WEB_HANDLER,
  })

  const chat = async (target: string, headers: Record<string, string>) => {
    const {
      status,
      headers: answered = {},
      upgrade,
    } = await ask(target, { ...HANDSHAKE, ...headers })
    const lower = Object.entries(answered).map(([name, value]) => [name.toLowerCase(), value])
    return { status, fields: Object.fromEntries(lower), upgrades: upgrade !== undefined }
  }
  const ours = { origin: OUR_PAGE, 'sec-websocket-protocol': 'chat.v1' }
  expectSame(
    'the status for any page, while `origins` is empty',
    (await chat('/chat', ours)).status,
    403,
    {
      because:
        'The door is open a moment before we know where our page is. Until then no page is ours.',
      likely: 'Pass the list on as it is: an empty list admits no page, and no list admits all.',
      look: WEB_HANDLER,
    },
  )
  // As in `startServer`: where we are is known when the door is open.
  origins.push(OUR_PAGE)
  const accepted = await chat('/chat', ours)
  expectSame(
    'the answer to our page’s handshake at /chat',
    [accepted.status, accepted.upgrades],
    [101, true],
    {
      because: 'The handshake is right, and comes from our own page.',
      likely:
        accepted.status === 403
          ? '`origins` is filled when the port is known: pass the list itself on, and do not copy it.'
          : 'acceptWebSocket(request, …) returns the answer.',
      look: WEB_HANDLER,
    },
  )
  expectSame('the accept key', accepted.fields['sec-websocket-accept'], acceptFor(SAMPLE_KEY), {
    because: 'It answers the key of this request.',
    look: WEB_HANDLER,
  })
  expectSame('the subprotocol', accepted.fields['sec-websocket-protocol'], 'chat.v1', {
    because: 'A browser that has asked for a subprotocol and gets none closes the connection.',
    likely: 'protocols: [SUBPROTOCOL].',
    look: WEB_HANDLER,
  })
  const other = await chat('/chat', { ...ours, 'sec-websocket-protocol': 'chat.v9, chat.v10' })
  expectSame(
    'the subprotocol for a page that speaks others',
    other.fields['sec-websocket-protocol'],
    undefined,
    {
      because: 'We speak chat.v1. A page that is promised another would not understand us.',
      likely: 'protocols: [SUBPROTOCOL]. acceptWebSocket() checks whether the client speaks it.',
      look: WEB_HANDLER,
    },
  )
  for (const [what, target, headers, status, because] of HANDSHAKES) {
    const answer = await chat(target, headers)
    expectSame(`the status for ${what}`, answer.status, status, {
      because,
      likely:
        status === 403
          ? 'Pass `origins` on to acceptWebSocket() as it is: a page that is not in it is a stranger’s.'
          : 'Look at the path, not at the target, and let acceptWebSocket() decide who may connect.',
      look: WEB_HANDLER,
    })
  }
  const adas = await ask('/chat', { ...HANDSHAKE, ...ours, cookie: 'ada' })
  await ask('/chat', { ...HANDSHAKE, ...ours, cookie: 'bob' })
  await expectWhoAsks(stage, who, adas.upgrade!)
  const plain = await ask('/chat', { origin: OUR_PAGE })
  expectSame('the status for GET /chat without a handshake', plain.status, 426, {
    because: 'There is nothing at /chat but a WebSocket, and acceptWebSocket() says so.',
    look: WEB_HANDLER,
  })
  for (const [path, place] of [
    ['/', 'page'],
    ['/chat/room', 'page'],
    ['/api/chat', 'api'],
  ]) {
    const { status, body } = await ask(path, { ...HANDSHAKE, ...ours })
    expectSame(`what answers a handshake at ${path}`, body ?? noBody(status), place, {
      because:
        'There is no WebSocket but the one at /chat. Whatever a request asks for, its path says who answers.',
      likely:
        'Look only at the path: a handshake for another path goes to the page or to the API, too.',
      look: WEB_HANDLER,
    })
  }
}

/** Opens what the answer to a handshake speaks, and lets somebody say hello. */
async function expectWhoAsks(
  stage: Stage,
  who: WhoAsks,
  open: NonNullable<HttpAnswer['upgrade']>,
): Promise<void> {
  stage.story.tell(
    'test',
    'accepts a handshake of ada’s and then one of bob’s, opens ada’s WebSocket, and says hello',
  )
  const socket = open(who.connection, who.timers as never)
  socket.onBytes(clientText(JSON.stringify({ id: 1, type: 'hello' })))
  await new Promise((resolve) => setImmediate(resolve))
  const likely = 'Pass on all that whoAsks(request, timers) returns: token, address and heartbeat.'
  const isBob = JSON.stringify(who.heard).includes('of bob')
  stage.expectSame(
    'who says hello',
    who.heard,
    [{ token: 'token of ada', address: '198.51.100.7' }],
    {
      because:
        'whoAsks() has returned them: a token from a cookie, and the client’s address in front of the proxy.',
      likely: isBob
        ? 'Another request has arrived in the meantime. Call whoAsks() with the request that this answer belongs to.'
        : likely,
      look: WEB_HANDLER,
    },
  )
  stage.story.tell('time', 'moves on by 30,000 ms')
  await who.timers.advance(30_000)
  stage.expectSame('what is sent in a silence of 30 s', who.sent.map(kindOf), ['ping'], {
    because: 'whoAsks() wants a ping every 30 s. Without it, nobody notices that a peer has gone.',
    likely,
    look: WEB_HANDLER,
  })
  socket.onClose?.('lost')
}

/** Why somebody else has answered, or nobody. */
function whyNotThere(path: string, place: string, status: number | undefined, who: string): string {
  if (who.includes('Error: '))
    return 'Compare the path as it is: not every path can be decoded, or is a URL.'
  if (status === undefined || place === 'api (404)')
    return 'The API may answer later, with a promise, and its 404 is an answer, too: return what it returns.'
  if (/[A-Z]/.test(path)) return 'Compare the path as it is: upper and lower case differ.'
  return path.startsWith('/')
    ? 'Compare the whole path, or a prefix that includes the last slash.'
    : 'A proxy may send the whole URL as the target. The path is in `request.path`.'
}

function noBody(status: number | undefined): string {
  return status === undefined ? 'nothing: that is no answer' : `a handshake (status ${status})`
}

function kindOf(sent: Uint8Array): string {
  return parseServerFrames(sent).frames[0].kind
}

/** Somebody who asks for a WebSocket, and a chat that notes who says hello. */
class WhoAsks {
  readonly timers = new VirtualTimers()
  readonly sent: Uint8Array[] = []
  readonly heard: unknown[] = []
  readonly connection = {
    peer: { address: '127.0.0.1' },
    isOpen: true,
    isReading: true,
    queuedBytes: 0,
    heard() {},
    pauseReading() {},
    resumeReading() {},
    end() {},
    send: (bytes: Uint8Array) => void this.sent.push(bytes),
  } as never
  readonly chat = {
    hub: { leaveAll() {} },
    requests: { hello: {} },
    beforeWelcome: new Set(['hello']),
    handlers: {
      hello: ({ address }: { address: string }, { token }: { token?: string }) =>
        void this.heard.push({ token, address }),
    },
    onBug() {},
  } as never
  readonly whoAsks: WebOptions['whoAsks'] = ({ headers }, timers) => ({
    token: `token of ${headers.get('cookie')}`,
    address: '198.51.100.7',
    heartbeat: { timers, everyMs: 30_000 },
  })
}

const HANDSHAKES: [string, string, Record<string, string>, number, string][] = [
  [
    '/chat?from=phone',
    '/chat?from=phone',
    { origin: OUR_PAGE },
    101,
    'A query is not a part of the path.',
  ],
  [
    'somebody else’s page',
    '/chat',
    { origin: 'https://evil.example' },
    403,
    'A browser may send our cookie along with it. That page could then talk in the chat under our people’s names.',
  ],
  [
    'a page with our name in front of its own',
    '/chat',
    { origin: `${OUR_PAGE}.evil.example` },
    403,
    'That is another origin.',
  ],
  [
    'our page without TLS',
    '/chat',
    { origin: OUR_PAGE.replace('https', 'http') },
    403,
    'Anybody on the network path can forge such a page. It is another origin.',
  ],
  [
    'a page at another port',
    '/chat',
    { origin: `${OUR_PAGE}:8443` },
    403,
    'Another server, and another origin.',
  ],
  [
    'a page whose Origin is null',
    '/chat',
    { origin: 'null' },
    403,
    'A browser sends `null` for sandboxed pages and for local files, whoever wrote them.',
  ],
  [
    'a page whose host leads to us',
    '/chat',
    { host: 'evil.example', origin: 'https://evil.example' },
    403,
    'Anybody can make a name of their own lead to our address. Only `origins` says which pages are ours.',
  ],
  [
    'a program',
    '/chat',
    {},
    101,
    'Programs send no Origin, and no browser can be made to leave it out.',
  ],
]
