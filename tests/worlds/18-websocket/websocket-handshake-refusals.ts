/** Handshakes of chapter 18 that are refused: what asks for something else, an old version, a malformed key. */

import type { HttpAnswer } from '#code/17-http/http-message.ts'
import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'
import { BAD_KEYS, type FieldValues, field, type Handshakes } from './websocket-handshakes.ts'

export function expectRefusals({ expect, expectSame }: Stage, { ask, refused }: Handshakes): void {
  const upgradeAnswer = (answer: HttpAnswer, reason: Reason) => {
    expectSame('Upgrade', field(answer, 'upgrade')?.toLowerCase(), 'websocket', reason)
    expectSame('Connection', field(answer, 'connection')?.toLowerCase(), 'upgrade', {
      because:
        'Upgrade counts for the next hop only, and Connection has to say so (RFC 9110 §7.8).',
      likely: 'A 426 has the fields of UPGRADE, both of them.',
    })
    expectSame('Sec-WebSocket-Version', field(answer, 'sec-websocket-version'), '13', reason)
  }
  const notAsked: Reason = {
    because: 'That is no request for a WebSocket. 426 says that this path offers nothing else.',
    likely: 'Upgrade has to list websocket, and Connection has to list upgrade, as whole words.',
  }
  const otherwise: Record<string, FieldValues> = {
    'without Upgrade': { Upgrade: 'none' },
    'with another protocol': { Upgrade: 'h2c' },
    'with names that only contain the right one': { Upgrade: 'not-websocket, websockets' },
    'with the byte A0 in front of a name': { Upgrade: '\u00a0websocket' },
    'without Connection': { Connection: 'none' },
    'with none of these fields': {
      Upgrade: 'none',
      Connection: 'none',
      'Sec-WebSocket-Version': 'none',
      'Sec-WebSocket-Key': 'none',
    },
    'with Connection: keep-alive': { Connection: 'keep-alive' },
    'with Connection: not-upgrade': { Connection: 'not-upgrade, upgrade-insecure' },
  }
  for (const [what, fields] of Object.entries(otherwise)) {
    const likely = what.includes('A0')
      ? 'Only spaces and tabs are blanks, and trim() removes more. listOf() uses withoutBlanks().'
      : notAsked.likely
    upgradeAnswer(refused(426, what, fields, { ...notAsked, likely }), {
      because: 'A 426 has to say which protocol is wanted (RFC 9110 §15.5.22).',
    })
  }
  expectSame('the status', ask('over HTTP/1.0', {}, { version: '1.0' }).status, 426, {
    because: 'HTTP/1.0 has no Upgrade (RFC 6455 §4.1).',
  })
  const versions = ['none', '8', '12', '14', '130', '13, 13', '', ' 013', ['13', '8'], ['8', '13']]
  for (const version of versions) {
    const what =
      version === 'none' ? 'without a version' : `with version ${JSON.stringify(version)}`
    const old = refused(
      426,
      what,
      { 'Sec-WebSocket-Version': version },
      {
        because: 'There is one version, 13. A client that asks for another one is told so.',
        likely:
          'The field has to be exactly "13": not a number, not an element of a list, not one line of several.',
      },
    )
    upgradeAnswer(old, {
      because: 'The answer names the version that would be accepted (RFC 6455 §4.4).',
    })
  }
  for (const key of BAD_KEYS) {
    const what = key === 'none' ? 'without a key' : `with the key ${JSON.stringify(key)}`
    refused(
      400,
      what,
      { 'Sec-WebSocket-Key': key },
      {
        because:
          'A key is 16 bytes in Base64, which is 22 characters and "==", and there is only one (RFC 6455 §4.2.1).',
        likely: likelyOf(key),
      },
    )
  }
  for (const method of ['POST', 'HEAD', 'get']) {
    const answer = ask(`with ${method}`, {}, { method })
    expectSame('the status', answer.status, 405, {
      because: 'A WebSocket begins with a GET, and methods are case-sensitive.',
    })
    expectSame('Allow', field(answer, 'allow'), 'GET', {
      because: 'A 405 says what is allowed (RFC 9110 §15.5.6).',
    })
    expect('the answer not to switch protocols', answer.upgrade === undefined, {
      because: 'It is a refusal.',
    })
  }
}

function likelyOf(key: string | string[]): string {
  if (key === 'none' || key === '') return 'Without a key there is nothing to answer.'
  return typeof key === 'string'
    ? 'Buffer.from(key, "base64") takes anything: check the text itself.'
    : 'getOnly() tells one from several; get() joins them.'
}
