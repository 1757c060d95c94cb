/** Certificates that are replaced while people talk. */

import type { Certificate } from '#code/19-chat-server/tls.ts'
import type { Reason } from '../../harness/failure.ts'
import { PATIENCE_MS, within } from '../../harness/patience.ts'
import type { Stage } from '../../judge/step.ts'
import { ONE, TWO } from './certificates.ts'
import type { TlsWorld } from './tls-peers.ts'

/** What is wrong, what is read then, and what the error says of it. */
type Bad = [what: string, load: () => Promise<Certificate>, why: string]

const NO_FILE: Bad = ['no file', () => Promise.reject(new Error('ENOENT: no such file')), 'ENOENT']
const MIXED_UP: Bad = [
  'the key of another certificate',
  async () => ({ key: ONE.key, cert: TWO.cert }),
  'cannot be used',
]
const BAD: Bad[] = [
  NO_FILE,
  MIXED_UP,
  [
    'a certificate that is half written',
    async () => ({ ...ONE, cert: ONE.cert.slice(0, 300) }),
    'cannot be used',
  ],
  ['an empty file', async () => ({ ...ONE, cert: '' }), 'empty'],
]

export async function expectReloads(stage: Stage, world: TlsWorld): Promise<void> {
  const { expect, expectSame, story } = stage
  const ada = await world.connectSecurely('ada')
  await world.expectTalk(ada, 'one.example', { because: 'Nobody has replaced it yet.' })
  story.tell('test', 'replaces the certificate, and calls reload()')
  world.load = async () => TWO
  await reload(stage, world)
  expectSame('what onReload was told', world.reloads, [undefined], {
    because: 'The new certificate can be used.',
    likely: 'onReload(undefined).',
    look: 'tls.reload()',
  })
  const bob = await world.connectSecurely('bob')
  await world.expectTalk(bob, 'two.example', {
    because: 'bob has connected after reload() resolved.',
    likely:
      'reload() has to read the certificate, make a context of it, and keep that for the next socket.',
    look: ['tls.reload()', 'tls.secure()'],
  })
  await world.expectTalk(ada, 'one.example', {
    because: 'ada’s connection is older, and keeps its certificate.',
  })

  for (const [what, load, why] of BAD) {
    story.tell('test', `calls reload(), which finds ${what}`)
    world.load = load
    world.reloads.length = 0
    await reload(stage, world)
    expect(
      'onReload to be told the error, once',
      world.reloads.length === 1 && world.reloads[0] instanceof Error,
      {
        because: 'The person who replaced the certificate has to hear that it did not work.',
        likely: whyNotOneError(world.reloads),
        look: 'tls.reload()',
        received:
          world.reloads.map((error) => error?.message ?? 'undefined').join(', ') || 'nothing',
      },
    )
    expect(`that error to say "${why}"`, world.reloads[0]?.message?.includes(why) === true, {
      because:
        'The log shows its message: a missing, a mixed-up and a half-written file are mended in different ways.',
      likely: 'Pass on the error that was caught.',
      look: 'tls.reload()',
      received: world.reloads[0]?.message || 'an error without a message',
    })
    const cyd = await world.connectSecurely('cyd')
    await world.expectTalk(cyd, 'two.example', {
      because: 'The certificate that worked until now still does.',
      likely: 'Make the new context first; replace the old one when that has worked.',
      look: 'tls.reload()',
    })
  }
}

/** Several signals at a time, and a disk that is slow with the first. */
export async function expectRacingReloads(stage: Stage, world: TlsWorld): Promise<void> {
  const { story } = stage
  const first = Promise.withResolvers<Certificate>()
  story.tell(
    'test',
    'calls reload(), and again while the first is still reading; the second reads ONE at once',
  )
  world.reloads.length = 0
  world.nextLoads.push(
    () => first.promise,
    async () => ONE,
  )
  const [slow, quick] = inOneMillisecond(() => [callReload(world), callReload(world)])
  await expectResolved(stage, quick, ALONE)
  const ada = await world.connectSecurely('ada')
  await world.expectTalk(ada, 'one.example', {
    because: 'The second reload has resolved. It does not wait for the first.',
    look: 'tls.reload()',
  })
  story.tell('disk', 'delivers TWO to the first, which is what was there earlier')
  first.resolve(TWO)
  await expectResolved(stage, slow)
  const bob = await world.connectSecurely('bob')
  await world.expectTalk(bob, 'one.example', {
    because: 'What the second reload has read is newer than what the first has read.',
    likely:
      'Number the reloads as they begin; the time is no such number, because two may begin in one millisecond. An older one must not replace what a newer one has read.',
    look: 'tls.reload()',
  })
  expectTold(stage, world, ['undefined', 'undefined'])

  await expectOlderCounts(stage, world, NO_FILE)
  await expectOvertakenFailure(stage, world, NO_FILE)
  story.tell('test', 'calls reload() once more, alone; it reads TWO')
  world.nextLoads.push(async () => TWO)
  await reload(stage, world)
  const dan = await world.connectSecurely('dan')
  await world.expectTalk(dan, 'two.example', {
    because:
      'This reload is newer than all others. It makes no difference that one of them has failed.',
    likely: 'Numbers only grow: a reload that fails does not give its number back.',
    look: 'tls.reload()',
  })
}

/** Two reloads at a time, of which the newer one fails first: then the older one counts. */
async function expectOlderCounts(stage: Stage, world: TlsWorld, [what, load]: Bad): Promise<void> {
  const late = Promise.withResolvers<Certificate>()
  stage.story.tell('test', `calls reload() twice again; the second finds ${what}`)
  world.nextLoads.push(() => late.promise, load)
  const [older, newer] = [callReload(world), callReload(world)]
  await expectResolved(stage, newer, ALONE)
  stage.story.tell('disk', 'delivers TWO to the first')
  late.resolve(TWO)
  await expectResolved(stage, older)
  const cyd = await world.connectSecurely('cyd')
  const hasRead = what === NO_FILE[0] ? 'nothing' : 'what it cannot use'
  await world.expectTalk(cyd, 'two.example', {
    because: `The second has read ${hasRead}. The first is the newest that can be used.`,
    likely:
      what === NO_FILE[0]
        ? 'A reload that has failed must not keep an older one from counting.'
        : 'A reload counts only when makeContext() has returned: remember its number after that.',
    look: 'tls.reload()',
  })
}

/** Two reloads at a time, of which the older one fails last. */
async function expectOvertakenFailure(
  stage: Stage,
  world: TlsWorld,
  [what, load]: Bad,
): Promise<void> {
  const late = Promise.withResolvers<void>()
  stage.story.tell(
    'test',
    `calls reload() twice again; the second reads ONE, and the first finds ${what}`,
  )
  world.reloads.length = 0
  world.nextLoads.push(
    () => late.promise.then(load),
    async () => ONE,
  )
  const [older, newer] = [callReload(world), callReload(world)]
  await expectResolved(stage, newer, ALONE)
  late.resolve()
  await expectResolved(stage, older)
  expectTold(stage, world, ['undefined', 'an error'])
}

/** The same with certificates that are read, and cannot be used. */
export async function expectRacingWithUnusable(stage: Stage, world: TlsWorld): Promise<void> {
  stage.story.tell('test', 'calls reload(), alone; it reads ONE')
  world.nextLoads.push(async () => ONE)
  await reload(stage, world)
  await expectOlderCounts(stage, world, MIXED_UP)
  await expectOvertakenFailure(stage, world, MIXED_UP)
}

/** A client that connects, and says hello only when the certificate was replaced. */
export async function expectEarlierConnection(stage: Stage, world: TlsWorld): Promise<void> {
  const fay = await world.connect('fay')
  stage.story.tell('test', 'calls reload(), which reads TWO')
  world.nextLoads.push(async () => TWO)
  await reload(stage, world)
  await world.expectTalk(await world.shakeHands(fay), 'one.example', {
    because:
      'fay had connected before reload() was called. Her handshake came after it, but her connection is older.',
    likely:
      'Give the present context to the TLSSocket. SNICallback is called during the handshake, which may be seconds later.',
    look: 'tls.secure()',
  })
}

/** A `load` that throws where it should return a promise. */
export async function expectLoadThatThrows(stage: Stage, world: TlsWorld): Promise<void> {
  stage.story.tell('test', 'calls reload(), whose load() throws')
  world.reloads.length = 0
  world.nextLoads.push(() => {
    throw new Error('ENOENT: no such file')
  })
  const because =
    'load() has failed, as if it had rejected. onReload is told, and nothing else happens.'
  const likely =
    'load() may throw before it returns a promise. Call it inside the `try`, or in a then().'
  const reason = { because, likely, look: 'tls.reload()' }
  stage.expectSame('the promise of reload()', await callReload(world), 'resolved', reason)
  stage.expectSame('what onReload was told', toldTo(world), ['an error'], reason)
}

/** Somebody's `onReload` has a bug. Whether the promise rejects then is nobody's business. */
export async function expectBrokenTelling(stage: Stage, world: TlsWorld): Promise<void> {
  stage.story.tell('test', 'calls reload(), whose onReload throws')
  world.isTellingBroken = true
  for (const [load, expected] of [
    [async () => ONE, 'undefined'],
    [NO_FILE[1], 'an error'],
  ] as const) {
    world.reloads.length = 0
    world.load = load
    await callReload(world)
    stage.expectSame('what onReload was told', toldTo(world), [expected], {
      because: 'onReload is told once how a reload ended, even if it throws.',
      likely:
        'What is called inside the `try` and throws arrives in the `catch`. Call onReload(undefined) behind the `try`.',
      look: 'tls.reload()',
    })
  }
  world.isTellingBroken = false
}

/** Several signals at a time, and a disk that has them in order. */
export async function expectReloadsInOrder(stage: Stage, world: TlsWorld): Promise<void> {
  const disk = [Promise.withResolvers<Certificate>(), Promise.withResolvers<Certificate>()]
  stage.story.tell('test', 'calls reload() twice again; both are still reading')
  world.nextLoads.push(
    ...disk.map(
      ({ promise }) =>
        () =>
          promise,
    ),
  )
  const both = [callReload(world), callReload(world)]
  stage.story.tell('disk', 'delivers ONE to the first, and then TWO to the second')
  disk[0].resolve(ONE)
  await expectResolved(stage, both[0], ALONE)
  disk[1].resolve(TWO)
  await expectResolved(stage, both[1])
  const dee = await world.connectSecurely('dee')
  await world.expectTalk(dee, 'two.example', {
    because: 'The second is the newest. It makes no difference that the first was done earlier.',
    likely:
      'Remember the number of the reload whose certificate we have, not the number of the newest.',
    look: 'tls.reload()',
  })
}

/** Expects each of two reloads at a time to have been told of, the overtaken one last. */
function expectTold(stage: Stage, world: TlsWorld, expected: string[]): void {
  const told = toldTo(world)
  stage.expectSame('what onReload was told about the two', told, expected, {
    because: 'onReload is told how each reload ended, even one that a newer one has overtaken.',
    likely:
      told.length === expected.length
        ? 'Make the context in any case: whether a certificate can be used belongs to how its reload ended.'
        : 'Only keeping the context depends on the number. What follows is done in any case.',
    look: 'tls.reload()',
  })
}

function toldTo({ reloads }: TlsWorld): string[] {
  return reloads.map((error) => (error instanceof Error ? 'an error' : String(error)))
}

/** Calls `reload()`, which has to resolve. */
async function reload(stage: Stage, world: TlsWorld): Promise<void> {
  await expectResolved(stage, callReload(world))
}

/** What becomes of a call of `reload()`. */
function callReload(world: TlsWorld): Promise<string> {
  // In an async function: a reload() that throws is as bad as one that rejects.
  return (async () => world.tls.reload())().then(
    () => 'resolved',
    (error: Error) => `rejected: ${error.message}`,
  )
}

/** Two signals may come so fast that the clock says the same at both. */
function inOneMillisecond<T>(body: () => T): T {
  const { now } = Date
  const stopped = now()
  Date.now = () => stopped
  try {
    return body()
  } finally {
    Date.now = now
  }
}

async function expectResolved(
  stage: Stage,
  reloading: Promise<string>,
  ifPending: Reason = {
    because: 'The file was read, or reading it has failed: this reload is over.',
    likely: 'The promise waits for something else. Nothing but load() takes time here.',
  },
): Promise<void> {
  const settled = await within(PATIENCE_MS, reloading)
  const isPending = settled === 'too late'
  const outcome = isPending ? 'still pending' : settled
  stage.expectSame('the promise of reload()', outcome, 'resolved', {
    because: 'A signal handler calls it, and nobody catches what it throws.',
    likely: 'Whatever goes wrong, onReload is told, and the promise resolves.',
    look: 'tls.reload()',
    ...(isPending ? ifPending : {}),
  })
}

/** Why a reload that has read its file is not done while another one is still reading. */
const ALONE: Reason = {
  because: 'This reload has got its answer from the disk. Only the other one is still reading.',
  likely: 'Each reload reads for itself: it neither waits for one that is under way nor joins it.',
}

/** What may have gone wrong when a reload that fails has told this. */
function whyNotOneError(told: (Error | undefined)[]): string {
  if (told.length <= 1) return 'load() may reject, and makeContext() may throw. Catch both.'
  return told[0] instanceof Error
    ? 'It was told twice. After the error there is nothing more to tell: return.'
    : 'It was told before the outcome was known. Wait for load() and makeContext() first.'
}
