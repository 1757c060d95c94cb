/** The server of chapter 17 on real sockets: who is too slow, and who sends too much. */

import type { Stage } from '../../judge/step.ts'
import { answerLike, request } from '../../protocols/http.ts'

export async function expectRefusalsHeard({ connect, serve }: Stage): Promise<void> {
  const server = await serve('17-http', { headMs: 200, idleMs: 60_000 })
  const slow = await connect(server, 'slow')
  await slow.send('GET / HT')
  await slow.expectMessage(answerLike(408), {
    because: 'Real time passes as well.',
    look: '#watchForEnd()',
  })
  await slow.expectEnd({ because: 'It was too slow.' })
  const big = await connect(server, 'big')
  await big.send(`${request('POST /', ['Content-Length: 3000000'])}${'x'.repeat(3_000_000)}`)
  await big.expectMessage(answerLike(413), {
    because:
      'It has sent 3 MB that nobody wants, and hears why: to close over bytes that were not read would be a reset, and the answer would be lost.',
  })
  await big.expectEnd({ because: 'Behind the answer comes FIN.' })
  await big.halfClose()
  await slow.halfClose()
  server.beginClose()
  await server.expectClosed({ because: 'Nobody is left.' })
  await server.expectNothingLeft({ because: 'Whatever is left keeps the process alive.' })
}
