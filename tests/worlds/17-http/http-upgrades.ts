/** Connections of chapter 17 that are handed over to another protocol. */

import type { Connection } from '#code/07-event-loop/connection.ts'
import type { HttpAnswer } from '#code/17-http/http-message.ts'
import type { Stage } from '../../judge/step.ts'
import { request } from '../../protocols/http.ts'
import { type HttpWorld, openHttp } from './http-connections.ts'

export async function expectUpgrades(stage: Stage): Promise<void> {
  const { expectSame } = stage
  const world = await openHttp(stage)
  const { site } = world
  stage.story.beginAnew()
  const ada = await world.arrive('ada')
  await ada.send(`${request('GET /a')}${request('GET /upgrade', UPGRADE)}`)
  ada.expectText(
    /^(?!.*Connection: (?:close|keep-alive))HTTP\/1\.1 200 .*HTTP\/1\.1 101 .*Upgrade: echo\r\n.*\r\n\[hello\]$/s,
    '200, then 101, then "[hello]"',
    (text) => ({
      because: 'After the 101 the other protocol begins, and it sends its hello at once.',
      ...causeOf(text),
      look: '#upgrade()',
    }),
  )
  expectSame(
    '"the connection uses the protocol that upgrade() made"',
    site.upgraded[0].isUsed,
    true,
    {
      because: 'Whatever she sends from here on is not HTTP.',
      likely:
        '#handOver() makes the protocol and gives it the connection. Otherwise the old one is offered the bytes again and again.',
      look: '#upgrade()',
    },
  )
  expectSame(
    '"the protocol was given our timers"',
    site.upgraded[0].timers === world.timers,
    true,
    {
      because: 'A protocol that pings its peer needs a clock: upgrade(connection, timers).',
      likely: '#handOver() passes both.',
      look: '#upgrade()',
    },
  )
  await ada.send('(late)')
  ada.expectReceived('[(late)]', {
    because: 'The connection belongs to the other protocol now.',
    look: '#upgrade()',
  })
  expectSame('the number of protocols made', site.upgraded.length, 1, {
    because: 'One upgrade makes one protocol.',
    look: '#upgrade()',
  })

  // No HTTP begins with a bracket: what still reads it as HTTP says so at once.
  const ann = await world.arrive('ann')
  await ann.send(`${request('GET /upgrade', UPGRADE)}(early)`)
  ann.expectText(EARLY, '101, then "[hello][(early)]"', (text) => ({
    because: 'What follows the request in the same chunk belongs to the other protocol.',
    ...causeOf(text),
    look: '#upgrade()',
  }))

  const bob = await world.arrive('bob')
  await bob.send(`${request('GET /late/upgrade', UPGRADE)}(early)`)
  bob.expectNothing({ because: 'The handler has not decided yet.' })
  await world.act(() => site.late.at(-1)!.resolve(site.upgrade()))
  bob.expectText(EARLY, '101, then "[hello][(early)]"', (text) => ({
    because: 'The answer came late. What bob sent meanwhile waits for the other protocol.',
    ...causeOf(text),
    look: ['#upgrade()', '#handle()'],
  }))
  await bob.halfClose()
  bob.expectEnd({
    because: 'The other protocol is told of his FIN, and ends the connection.',
    look: '#upgrade()',
  })

  await expectPausesKept(stage, world)

  const eve = await world.arrive('eve')
  await eve.send(request('GET /late/upgrade', UPGRADE))
  await eve.reset()
  const made = site.upgraded.length
  await world.act(() => site.late.at(-1)!.resolve(site.upgrade()))
  expectSame('the number of protocols made', site.upgraded.length, made, {
    because:
      'Eve was gone before the handler decided. A protocol that is made for her now would never be told that its connection is over.',
    likely: 'Check whether the connection is still open (isOpen).',
    look: '#upgrade()',
  })

  await expectBrokenUpgrades(stage, world)

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
  const allMade = site.upgraded.length
  for (const [what, text] of refused) {
    const cyd = await world.arrive('cyd')
    await cyd.send(`${text}smuggled`)
    cyd.expectAnswers([{ status: 400, headers: { connection: 'close' } }], {
      because: `After ${what} the protocol cannot change: two servers may disagree about where HTTP ends.`,
      likely: 'Call #refuse(NO_UPGRADE, head) instead.',
      look: '#upgrade()',
    })
    cyd.expectEnd({ because: 'It was refused.', look: '#upgrade()' })
  }
  const nia = await world.arrive('nia')
  await nia.send('HEAD /upgrade HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
  nia.expectAnswers(
    [{ status: 400, headers: { connection: 'close' } }],
    {
      because: 'A refusal is an answer, too, and an answer to HEAD has no body.',
      likely:
        '#refuse() does not know what was asked unless it is told: #refuse(NO_UPGRADE, head).',
      look: '#upgrade()',
    },
    ['HEAD'],
  )
  nia.expectEnd({ because: 'It was refused.', look: '#upgrade()' })
  expectSame('the number of protocols made', site.upgraded.length, allMade, {
    because: 'A request that was refused gets none.',
    look: '#upgrade()',
  })
}

/** A protocol that pauses as soon as it is made hears nothing before it goes on. */
async function expectPausesKept({ story }: Stage, { site, ...world }: HttpWorld): Promise<void> {
  for (const isLate of [false, true]) {
    const kay = await world.arrive(isLate ? 'kit' : 'kay')
    let connection: Connection | undefined
    const answer = site.upgrade((its) => {
      connection = its
      its.pauseReading('protocol')
    })
    site.answers.set('/paused', () => answer)
    await kay.send(`${request(isLate ? 'GET /late/paused' : 'GET /paused', UPGRADE)}(early)`)
    if (isLate) await world.act(() => site.late.at(-1)!.resolve(answer))
    kay.expectText(/^HTTP\/1\.1 101 .*\r\n\r\n\[hello\]$/s, '101, then "[hello]"', (text) => ({
      because:
        'The other protocol pauses as soon as it is made. What was sent early waits until it goes on.',
      ...causeOf(text),
      look: '#upgrade()',
    }))
    story.tell('server', 'goes on reading, for the other protocol')
    await world.act(() => connection!.resumeReading('protocol'))
    kay.expectReceived('[(early)]', {
      because: 'The other protocol goes on, and is offered what has waited.',
      look: '#upgrade()',
    })
    await kay.halfClose()
  }
}

/** Upgrades that are a bug of ours: one cannot be said, the other cannot be made. */
async function expectBrokenUpgrades(
  { expectSame }: Stage,
  { site, ...world }: HttpWorld,
): Promise<void> {
  const made = site.upgraded.length
  const unsaid = { ...site.upgrade(), headers: { Upgrade: 'echo\r\nX: y' } }
  const unmade: HttpAnswer = {
    ...site.upgrade(),
    upgrade() {
      throw new Error('a bug in upgrade()')
    },
  }
  for (const [path, answer, because] of [
    [
      'unsaid',
      unsaid,
      'Its answer contains a line end, so it cannot be said. That is a bug of ours.',
    ],
    [
      'unmade',
      unmade,
      'upgrade() throws. That is a bug of ours, and other clients must not notice.',
    ],
  ] as const) {
    for (const isLate of [false, true]) {
      const bugs = site.bugs.length
      const lou = await world.arrive('lou')
      site.answers.set(`/${path}`, () => answer)
      await lou.send(`${request(isLate ? `GET /late/${path}` : `GET /${path}`, UPGRADE)}(early)`)
      if (isLate) await world.act(() => site.late.at(-1)!.resolve(answer))
      lou.expectCut({
        because,
        likely:
          path === 'unsaid'
            ? 'Return the promise that #sender.answer() returns, if there is one, before anything else happens.'
            : 'What upgrade() throws is handled in #handOver().',
        look: '#upgrade()',
      })
      expectSame('the number of bugs reported', site.bugs.length - bugs, 1, {
        because: 'Our own bugs are reported.',
        look: '#upgrade()',
      })
    }
  }
  expectSame('the number of protocols made', site.upgraded.length, made, {
    because: 'An answer that cannot be said changes nothing: no protocol is made.',
    likely:
      'Return the promise that #sender.answer() returns, if there is one, before anything else happens.',
    look: '#upgrade()',
  })
}

const UPGRADE = ['Connection: Upgrade', 'Upgrade: echo']

const EARLY = /^HTTP\/1\.1 101 .*\r\n\r\n\[hello\]\[\(early\)\]$/s

/** What has probably gone wrong when this has come. */
function causeOf(text: string): { likely?: string } {
  const switched = text.indexOf('HTTP/1.1 101 ')
  const hello = text.indexOf('[hello]')
  if (switched === -1) return {}
  if (hello === -1) return { likely: 'After the answer, call #handOver(upgrade).' }
  if (hello < switched)
    return {
      likely:
        'The protocol sends at once, so the 101 has to be on its way before it is made: answer(), then flush().',
    }
  if (/\nConnection: (?:close|keep-alive)/.test(text))
    return {
      likely:
        "After the 101 the connection neither ends nor goes on as HTTP, so the head says neither: use `'keep'`.",
    }
  return {}
}
