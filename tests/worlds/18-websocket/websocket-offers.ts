/** What a server of chapter 18 offers: to pages of which origins, and which subprotocols; it offers no extension. */

import type { Stage } from '../../judge/step.ts'
import { CHANGED, type FieldValues, field, type Handshakes } from './websocket-handshakes.ts'

const AS_A_WHOLE = 'An origin is compared as a whole: scheme, host and port.'
const ALL_LINES =
  'Two lines of Origin do not count as no Origin, and one of ours does not make up for the other.'

/** Origins that are not ours, and why one may come all the same. */
const STRANGERS: [string | string[], string][] = [
  ['https://stranger.example', 'Check that Origin is one of `origins`.'],
  [
    'http://evil.example',
    'Host says which name led here, and anybody can make a name lead here. Only `origins` says which pages are ours.',
  ],
  ['http://chat.example.org', AS_A_WHOLE],
  ['https://chat.example.org.evil.example', AS_A_WHOLE],
  ['https://chat.example.org:8443', AS_A_WHOLE],
  ['https://chat.example', AS_A_WHOLE],
  ['null', 'The Origin of a sandboxed page is null, and the page may be anybody’s.'],
  ['', 'An empty Origin is an Origin. Only undefined means that there is none.'],
  [['https://chat.example.org', 'https://evil.example'], ALL_LINES],
  [['https://evil.example', 'https://chat.example.org'], ALL_LINES],
]

export function expectOrigins({ expectSame }: Stage, handshakes: Handshakes): void {
  const { accepted, acceptAny, OFFER, open, refused } = handshakes
  for (const [origin, likely] of STRANGERS) {
    refused(
      403,
      `from a page at ${JSON.stringify(origin)}`,
      { Origin: origin, Host: 'evil.example' },
      {
        because:
          'A browser may send our cookies along with any page’s WebSocket. Only Origin tells our pages from theirs (§10.2).',
        likely,
      },
    )
  }
  for (const origin of OFFER.origins) {
    accepted(
      `from our page at ${origin}`,
      { Origin: origin },
      { because: 'This page is ours: `origins` lists it.' },
    )
  }
  accepted(
    'from no page',
    {},
    { because: 'Only browsers send an Origin, and other programs may connect, too.' },
  )
  const everywhere = acceptAny({ Origin: 'https://any.example' }, { open })
  expectSame('the status for any page, without origins in the offer', everywhere.status, 101, {
    because: 'Without a list of origins, every page may connect.',
  })

  const nowhere = acceptAny({ Origin: 'https://any.example' }, { open, origins: [] })
  expectSame('the status for any page, with an empty list of origins', nowhere.status, 403, {
    because: 'An empty list of origins is a list: no page is in it, and none may connect.',
    likely: 'Any page may connect only if `origins` is left out.',
  })
}

export function expectSubprotocols({ expectSame }: Stage, handshakes: Handshakes): void {
  const { accepted, acceptAny, isLeftBehind, OFFER, open } = handshakes
  const protocols: [string, string | string[] | undefined, string | undefined][] = [
    ['without a subprotocol', undefined, undefined],
    ['with chat.v1', 'chat.v1', 'chat.v1'],
    ['with three subprotocols', 'soap, chat.v1, chat.v2', 'chat.v1'],
    ['with chat.v2 first', ['chat.v2,chat.v1'], 'chat.v2'],
    ['with two lines of subprotocols', ['soap', 'chat.v1'], 'chat.v1'],
    ['with two lines of subprotocols, ours first', ['chat.v1', 'soap'], 'chat.v1'],
    ['with parts of our names', 'chat, v1, hat.v2', undefined],
    ['with subprotocols that nobody speaks', 'soap, CHAT.V1', undefined],
  ]
  for (const [what, wanted, chosen] of protocols) {
    const fields = wanted === undefined ? {} : { 'Sec-WebSocket-Protocol': wanted }
    const spoken = accepted(what, fields as FieldValues, {
      because: 'A subprotocol that nobody speaks is no reason to refuse: the client decides.',
    })
    const said = field(spoken, 'sec-websocket-protocol')
    expectSame('Sec-WebSocket-Protocol', said, chosen, {
      because:
        'It is the first in the client’s list that we speak, or there is none. One that was not asked for would make the client fail the connection.',
      likely: said !== chosen && isLeftBehind() ? CHANGED : likelyOf(said, OFFER.protocols),
    })
  }
  const plain = acceptAny({ 'Sec-WebSocket-Protocol': 'chat.v1' }, { open })
  expectSame('the status for a subprotocol, without protocols in the offer', plain.status, 101, {
    because: 'A server that speaks no subprotocol is a WebSocket server all the same.',
  })
  expectSame('Sec-WebSocket-Protocol', field(plain, 'sec-websocket-protocol'), undefined, {
    because: 'The server speaks none.',
  })
  const extended = accepted(
    'with an extension',
    {
      'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits',
    },
    { because: 'The client only offers extensions: nobody has to accept them.' },
  )
  expectSame('Sec-WebSocket-Extensions', field(extended, 'sec-websocket-extensions'), undefined, {
    because: 'An extension that is not accepted is not sent back.',
  })
}

function likelyOf(said: string | undefined, ours: string[]): string {
  if (said === undefined) return 'Go through all of the client’s list, on all its lines.'
  if (said === 'undefined' || said === '') {
    return 'Without a subprotocol the field is left out, not set to undefined or to an empty text.'
  }
  return ours.includes(said)
    ? 'Go through the client’s list, not through ours. Names are case-sensitive.'
    : 'That is none of `protocols`: names are compared as a whole, and they are case-sensitive.'
}
