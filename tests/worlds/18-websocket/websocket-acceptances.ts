/** Handshakes of chapter 18 that are accepted, in every right spelling, and what the answers say and open. */

import type { HttpAnswer } from '#code/17-http/http-message.ts'
import type { Stage } from '../../judge/step.ts'
import { acceptFor, SAMPLE_KEY } from '../../protocols/websocket.ts'
import { type FieldValues, field, type Handshakes } from './websocket-handshakes.ts'

export function expectAcceptances({ expect, expectSame }: Stage, handshakes: Handshakes): void {
  const { accepted, opened, protocol } = handshakes
  const answer = accepted(
    'with the key of RFC 6455 §1.3, and without an Origin',
    {},
    {
      because: 'Nothing is wrong with it.',
      likely:
        'It is HTTP/1.1 and version 13, and lists websocket and Upgrade. Compare these words case-insensitively.',
    },
  )
  const expectUpgrade = (switching: HttpAnswer) =>
    expectSame('Upgrade', field(switching, 'upgrade')?.toLowerCase(), 'websocket', {
      because:
        'The client fails the connection if Upgrade is missing or lists anything else (§4.1).',
      likely: 'An answer that accepts has the fields of UPGRADE, whatever the client listed.',
    })
  expectUpgrade(answer)
  expectSame('Connection', field(answer, 'connection')?.toLowerCase(), 'upgrade', {
    because: 'Upgrade counts for the next hop only, and Connection has to say so (RFC 9110 §7.8).',
  })
  expectSame('Sec-WebSocket-Accept', field(answer, 'sec-websocket-accept'), acceptFor(SAMPLE_KEY), {
    because:
      'It proves that the server has read the key: Base64 of SHA-1 over the key, as it was sent, and the GUID.',
    likely:
      'The key is not decoded first, and keeps its "==". The digest is 20 bytes, not 40 hex digits.',
    look: 'answerTo()',
  })
  expectSame('what is opened before the connection is handed over', opened.splice(0), [], {
    because: 'The 101 has to go out first: until then the connection speaks HTTP.',
    likely: 'The answer has a function `upgrade`, which is called later: do not call `open` here.',
  })
  const handedOver = answer.upgrade?.('connection' as never, 'timers' as never)
  expect('the answer to open what was offered', handedOver === protocol, {
    because: 'From here on, the connection speaks the protocol that the offer opens.',
  })
  expectSame('what it is opened with', opened.splice(0), [['connection', 'timers']], {
    because: 'A protocol needs its connection, and the timers of the loop that it runs on.',
  })

  const otherKey = Buffer.from('0123456789abcdef').toString('base64')
  const second = accepted(
    'with another key',
    { 'Sec-WebSocket-Key': otherKey },
    { because: 'Nothing is wrong with it.', likely: LEFT_BEHIND },
  )
  expectSame('Sec-WebSocket-Accept', field(second, 'sec-websocket-accept'), acceptFor(otherKey), {
    because: 'Every key has its own answer.',
    likely: 'Nothing of the first request may be kept for the second one.',
    look: 'answerTo()',
  })
  second.upgrade?.('another connection' as never, 'its timers' as never)
  expectSame('what is opened for it', opened.splice(0), [['another connection', 'its timers']], {
    because: 'Each connection has a protocol of its own.',
    likely: 'Nothing of the first request may be kept for the second one.',
  })
  accepted(
    'with a key of other characters',
    { 'Sec-WebSocket-Key': '+/+/+/+/+/+/+/+/+/+/+w==' },
    {
      because: 'Base64 has + and / as well.',
      likely: '`KEY` describes every valid key: use it unchanged.',
    },
  )

  for (const [what, fields] of Object.entries(SPELLINGS)) {
    const spelled = accepted(`with ${what}`, fields, {
      because:
        'Both fields are lists of words in upper or lower case, on one line or several, with or without blanks and empty elements (RFC 9110 §5.6.1). Firefox sends "keep-alive, Upgrade".',
      likely: 'Split the list, go through all of it, and compare in lower case.',
    })
    expectUpgrade(spelled)
  }
}

const LEFT_BEHIND =
  'An earlier request like it was accepted: did it leave any state? A regular expression with the flag g goes on where it stopped.'

const SPELLINGS: Record<string, FieldValues> = {
  'Connection: keep-alive, UPGRADE': { Upgrade: 'WebSocket', Connection: 'keep-alive, UPGRADE' },
  'Connection: Upgrade, keep-alive': { Upgrade: 'WEBSOCKET', Connection: 'Upgrade, keep-alive' },
  'Upgrade: h2c,websocket': { Upgrade: 'h2c,websocket' },
  'Upgrade: websocket, h2c': { Upgrade: 'websocket, h2c' },
  'Connection: keep-alive,upgrade,TE': { Connection: 'keep-alive,upgrade,TE' },
  'two lines of Upgrade, and empty elements in Connection': {
    Upgrade: ['h2c', 'websocket'],
    Connection: ' , upgrade ,',
  },
  'two lines of Upgrade and two of Connection': {
    Upgrade: ['websocket', 'h2c'],
    Connection: ['keep-alive', 'Upgrade'],
  },
}
