/** The server of chapter 17 on real sockets: who is too slow, and who sends too much. */

import type { Stage } from '../../judge/step.ts'
import { answerLike, request } from '../../protocols/http.ts'

export async function expectRefusalsHeard({ connect, serve }: Stage): Promise<void> {
  const server = await serve('17-http', { headMs: 200, idleMs: 60_000 })
  const slow = await connect(server, 'slow')
  await slow.send('GET / HT')
  await slow.expectMessage(answerLike(408), {
    because: 'The deadline holds in real time, too.',
    look: '#watchForEnd()',
  })
  await slow.expectEnd({ because: 'It was too slow.' })
  const big = await connect(server, 'big')
  await big.send(`${request('POST /', ['Content-Length: 3000000'])}${'x'.repeat(3_000_000)}`)
  await big.expectMessage(answerLike(413), {
    because:
      'It has sent 3 MB that the server does not want, and is told why. Closing with unread bytes would reset the connection, and the answer would be lost.',
  })
  await big.expectEnd({ because: 'FIN follows the answer.' })
  await big.halfClose()
  await slow.halfClose()
  server.beginClose()
  await server.expectClosed({ because: 'No client is left.' })
  await server.expectNothingLeft({ because: 'Whatever is left keeps the process alive.' })
}
