/** Which connections of chapter 17 stay open: what version and `Connection` say about it. */

import type { Stage } from '../../judge/step.ts'
import { quietly } from '../for-all.ts'

export async function expectPersistence(stage: Stage): Promise<void> {
  const { load } = stage
  const quiet = quietly(stage)
  const { keepsOpen } = await load(() => import('#code/17-http/http-connection.ts'))
  const { HeaderFields } = await load(() => import('#code/17-http/http-message.ts'))
  const head = { kind: 'head', method: 'GET', target: '/', path: '/', query: '', end: 0 } as const
  for (const { version, connection, stays } of CONNECTIONS) {
    const headers = HeaderFields.from({ connection })
    const what = connection.map((line) => `Connection: ${line}`).join(', ') || 'no Connection field'
    quiet.expectSame(
      `keepsOpen() for HTTP/${version} with ${what}`,
      keepsOpen({ ...head, version, headers }),
      stays,
      {
        because:
          'HTTP/1.1 goes on unless the request says close. HTTP/1.0 ends unless it says keep-alive. If both are there, close wins (RFC 9112 §9.3).',
        likely:
          connection.length > 1
            ? 'get() joins several lines with a comma: look at all the words.'
            : /keep.*close/.test(connection[0] ?? '')
              ? 'Ask for close first, in both versions.'
              : 'The field is a list of words, in upper or lower case.',
        look: 'keepsOpen()',
      },
    )
  }
}

const CONNECTIONS: { version: '1.0' | '1.1'; connection: string[]; stays: boolean }[] = [
  { version: '1.1', connection: [], stays: true },
  { version: '1.1', connection: ['keep-alive'], stays: true },
  { version: '1.1', connection: ['close'], stays: false },
  { version: '1.1', connection: ['Close'], stays: false },
  { version: '1.1', connection: ['x ,\tCLOSE , y'], stays: false },
  { version: '1.1', connection: ['keep-alive, close'], stays: false },
  { version: '1.1', connection: ['keep-alive', 'close'], stays: false },
  { version: '1.1', connection: ['close', 'x'], stays: false },
  { version: '1.1', connection: ['x-close'], stays: true },
  { version: '1.1', connection: ['closed'], stays: true },
  { version: '1.1', connection: [''], stays: true },
  { version: '1.1', connection: ['Upgrade'], stays: true },
  { version: '1.0', connection: [], stays: false },
  { version: '1.0', connection: ['keep-alive'], stays: true },
  { version: '1.0', connection: ['Keep-Alive'], stays: true },
  { version: '1.0', connection: ['x, KEEP-ALIVE'], stays: true },
  { version: '1.0', connection: ['keep-alive', 'x'], stays: true },
  { version: '1.0', connection: ['keep-alive, close'], stays: false },
  { version: '1.0', connection: ['not-keep-alive'], stays: false },
  { version: '1.0', connection: ['keep-alived'], stays: false },
  { version: '1.0', connection: ['x'], stays: false },
]
