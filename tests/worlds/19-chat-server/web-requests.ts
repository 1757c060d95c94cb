/** Requests at the web door, and who answers them. */

import type { HttpAnswer, HttpRequest } from '#code/17-http/http-message.ts'
import type { Stage } from '../../judge/step.ts'
import { acceptFor, SAMPLE_KEY } from '../../protocols/websocket.ts'

const WEB_HANDLER = 'web.webHandler()'

export const OUR_PAGE = 'https://chat.example'

const PATHS: [path: string, place: string][] = [
  ['/', 'page'],
  ['/style.css', 'page'],
  ['/app/19-chat-server/page/main.ts', 'page'],
  ['/api/login', 'api'],
  ['/api/me', 'api'],
  ['/api/nothing/of/the/kind', 'api'],
  ['/apiary', 'page'],
  ['/chatter', 'page'],
  ['/chat.js', 'page'],
  ['/chat/', 'page'],
  ['/Chat', 'page'],
  ['/app/chat', 'page'],
  ['/app/api/login', 'page'],
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
  const by = (place: string) => (request: HttpRequest) => {
    asked.push(request)
    return { status: 200, body: place }
  }
  const handler = webHandler({} as never, {
    api: by('api'),
    page: by('page'),
    origins: [OUR_PAGE],
    whoAsks: () => ({}),
  })
  const ask = async (target: string, headers: Record<string, string> = {}): Promise<HttpAnswer> => {
    const [path, query = ''] = target.split('?')
    const request = { method: 'GET', target, path, query, version: '1.1' as const }
    const peer = { address: '127.0.0.1', isSecure: false }
    const fields = HeaderFields.from({ host: 'chat.example', ...headers })
    return handler({ ...request, headers: fields, body: new Uint8Array(), peer })
  }
  for (const [path, place] of PATHS) {
    const { status, body } = await ask(path)
    const who = status === 200 ? body : `a handshake (status ${status})`
    expectSame(`who answers GET ${path}`, who, place, {
      because:
        'Below /api/ is the API, /chat itself is the chat, and everything else is the page’s.',
      likely: 'Compare the whole path, or its beginning with the last slash.',
      look: WEB_HANDLER,
    })
  }
  expectSame('how many requests were passed on', asked.length, PATHS.length, {
    because: 'Each has one answer, by one of the two.',
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
  const accepted = await chat('/chat', ours)
  expectSame(
    'the answer to our page’s handshake at /chat',
    [accepted.status, accepted.upgrades],
    [101, true],
    {
      because: 'It asks for a WebSocket as it should, and comes from our own page.',
      likely: 'acceptWebSocket(request, …) has the answer.',
      look: WEB_HANDLER,
    },
  )
  expectSame('the key in it', accepted.fields['sec-websocket-accept'], acceptFor(SAMPLE_KEY), {
    because: 'It is the answer to this request.',
    look: WEB_HANDLER,
  })
  expectSame('the subprotocol in it', accepted.fields['sec-websocket-protocol'], 'chat.v1', {
    because: 'A browser that has asked for a subprotocol and gets none closes the connection.',
    likely: 'protocols: [SUBPROTOCOL].',
    look: WEB_HANDLER,
  })
  for (const [what, target, headers, status, because] of HANDSHAKES) {
    const answer = await chat(target, headers)
    expectSame(`the status for ${what}`, answer.status, status, {
      because,
      likely: 'Pass `origins` on to acceptWebSocket(), and look at the path, not at the target.',
      look: WEB_HANDLER,
    })
  }
  const plain = await ask('/chat', { origin: OUR_PAGE })
  expectSame('the status for GET /chat without a handshake', plain.status, 426, {
    because: 'There is nothing to see at /chat but a WebSocket. acceptWebSocket() says so.',
    look: WEB_HANDLER,
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
    'the page of somebody else',
    '/chat',
    { origin: 'https://evil.example' },
    403,
    'A browser sends our cookie along with it. That page could be in the chat with our people’s names.',
  ],
  [
    'a page with our name in front of its own',
    '/chat',
    { origin: `${OUR_PAGE}.evil.example` },
    403,
    'That is another origin.',
  ],
  [
    'a program',
    '/chat',
    {},
    101,
    'Programs send no Origin, and no browser can be made to leave it out.',
  ],
]
