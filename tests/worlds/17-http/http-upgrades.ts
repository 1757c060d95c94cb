/** Connections of chapter 17 that are handed over to another protocol. */

import type { Stage } from '../../judge/step.ts'
import { request } from '../../protocols/http.ts'
import { openHttp } from './http-connections.ts'

export async function expectUpgrades(stage: Stage): Promise<void> {
  const { expectSame } = stage
  const world = await openHttp(stage)
  const { site } = world
  const UPGRADE = ['Connection: Upgrade', 'Upgrade: echo']
  const ada = await world.arrive('ada')
  await ada.send(`${request('GET /a')}${request('GET /upgrade', UPGRADE)}early`)
  ada.expectText(
    /^HTTP\/1\.1 200 .*HTTP\/1\.1 101 .*Upgrade: echo\r\n.*\r\n\[hello\]\[early\]$/s,
    '200, then 101, then "[hello][early]"',
    {
      because:
        'Behind the 101 the other protocol begins: it says hello at once, and what came behind the request belongs to it.',
      likely:
        'connection.use() the protocol, when the answer is sent. #isReplaced: onBytes() takes no more.',
      look: '#upgrade()',
    },
  )
  await ada.send('late')
  ada.expectReceived('[late]', {
    because: 'The connection is not ours any more.',
    look: '#upgrade()',
  })
  expectSame('how many protocols were made', site.upgraded.length, 1, {
    because: 'Once is enough.',
    look: '#upgrade()',
  })

  const bob = await world.arrive('bob')
  await bob.send(`${request('GET /late/upgrade', UPGRADE)}early`)
  bob.expectNothing({ because: 'The handler has not decided.' })
  await world.act(() => site.late.at(-1)!.resolve(site.upgrade()))
  bob.expectText(/^HTTP\/1\.1 101 .*\r\n\r\n\[hello\]\[early\]$/s, '101, then "[hello][early]"', {
    because: 'The answer came late. What bob sent meanwhile has waited for the other protocol.',
    look: ['#upgrade()', '#handle()'],
  })
  await bob.halfClose()
  bob.expectEnd({ because: 'The other protocol hears of his FIN, and ends.', look: '#upgrade()' })

  const refused: [string, string][] = [
    [
      'a request in HTTP/1.0',
      'GET /upgrade HTTP/1.0\r\nConnection: Upgrade, keep-alive\r\nUpgrade: echo\r\n\r\n',
    ],
    ['a request with a body', request('GET /upgrade', [...UPGRADE, 'Content-Length: 5'], 'hello')],
    [
      'a request with a body in chunks',
      request('GET /upgrade', [...UPGRADE, 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
    ],
  ]
  for (const [what, text] of refused) {
    const cyd = await world.arrive('cyd')
    await cyd.send(`${text}smuggled`)
    cyd.expectAnswers([{ status: 400, headers: { connection: 'close' } }], {
      because: `To ${what} nobody can change the protocol: where its body ends, two servers may see differently.`,
      likely: '#refuse(NO_UPGRADE)',
      look: '#upgrade()',
    })
    cyd.expectEnd({ because: 'It was refused.', look: '#upgrade()' })
  }
  expectSame('how many protocols were made', site.upgraded.length, 2, {
    because: 'Ada’s and bob’s.',
    look: '#upgrade()',
  })
}
