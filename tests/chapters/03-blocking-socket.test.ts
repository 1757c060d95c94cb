import { countBytes } from '../harness/bytes.ts'
import { isMoving, pattern } from '../harness/client.ts'
import type { HostedServer } from '../harness/hosted-server.ts'
import { median } from '../harness/numbers.ts'
import { step } from '../judge/step.ts'
import { callsForAByte, whatBridgeTells } from '../worlds/bridge.ts'
import type { WriterOutcome, WriterScript } from './threads/03-writer.ts'

const KIBIBYTE = 1024
const MEBIBYTE = 1024 * KIBIBYTE

/** `WINDOW_BYTES` in KiB. */
const KIBIBYTE_WINDOW = 64

/** What a process may grow by for other reasons. */
const LIMIT = 48 * MEBIBYTE

const READER = new URL('./threads/03-reader.ts', import.meta.url)
const WRITER = new URL('./threads/03-writer.ts', import.meta.url)

const bytes = (text: string) => ({ kind: 'bytes', bytes: Buffer.from(text) })

step('03.1', 'read() sleeps until bytes come, and wakes promptly', async (stage) => {
  const { serve, connect, inThread, expect, expectSame, story } = stage
  const server = await serve('03-blocking-socket')
  const ada = await connect(server)
  await ada.send('hello')
  await ada.expectBytes('hello', {
    because: 'The thread reads what ada sent and writes it back.',
    likely:
      'Does the bridge post the bytes, and does the thread look for them? Nothing else wakes it.',
  })

  const waitingMs = 250
  const used = await server.cpuMsDuring(waitingMs)
  story.tell('server', `uses ${Math.round(used)} ms of CPU in ${waitingMs} ms of waiting`)
  expect('a thread that waits to use no CPU', used < waitingMs * 0.1, {
    because: 'Blocking means to be asleep: a hundred threads that wait must cost nothing.',
    likely:
      'The thread looks again and again. Let Atomics.wait put it to sleep until the count of news changes.',
    expected: `next to nothing in ${waitingMs} ms`,
    received: `${Math.round(used)} ms of CPU`,
  })

  ada.beQuiet('sends a byte and waits for it, again and again')
  const trips: number[] = []
  while (!isMedianKnown(trips)) {
    await untilAsleep(server)
    const startedAt = performance.now()
    await ada.send('x')
    await ada.expectBytes('x', {
      because: 'The thread is woken by each byte.',
      likely: 'It sleeps although a message has come. deliver() must count the news and notify.',
    })
    trips.push(performance.now() - startedAt)
  }
  expect(`a round trip of less than ${WOKEN_MS} ms`, median(trips) < WOKEN_MS, {
    because: 'Whoever sleeps is woken by the news, not by an alarm clock.',
    likely:
      'Is there a time-out in the wait? Then the thread sleeps it out: deliver() must notify.',
    expected: `less than ${WOKEN_MS} ms in the median`,
    received: `${median(trips).toFixed(1)} ms`,
  })

  story.tell('bridge', `has nothing for ${SILENCE_MS} ms, and then a message`)
  const silence = { waiting: [], late: [bytes('at last')], reads: 1, silenceMs: SILENCE_MS }
  const [read, looks] = await inThread<string[]>(READER, silence, {
    because: 'The message is there, and the news was told.',
  })
  expectSame('what the thread read', read, 'bytes at last', { because: 'That is what came.' })
  expect(`a thread that looks at most ${MOST_LOOKS} times meanwhile`, Number(looks) <= MOST_LOOKS, {
    because:
      'There was no news to look for. A thousand threads that look every few ms are a busy core.',
    likely: 'There is a time-out in the wait: leave it out, the news wakes whoever sleeps.',
    received: `${looks} looks`,
  })
})

step('03.2', 'no news is slept through', async (stage) => {
  const { inThread, expect, expectSame, load, story } = stage
  story.tell('bridge', 'delivers a message just after the thread has looked and found nothing')
  const late = { waiting: [], late: [bytes('late')], reads: 1 }
  const readLate = await inThread<string[]>(READER, late, {
    because: 'The message is there and the news was told. The thread fell asleep all the same.',
    likely:
      'The count must be read before the look. Then news from in between has changed it, and wait() returns at once.',
  })
  expectSame('what the thread read', readLate, ['bytes late'], {
    because: 'That message was on its way.',
  })

  story.tell('bridge', 'delivers two messages before the thread looks')
  const two = { waiting: [bytes('one'), bytes('two')], late: [], reads: 2 }
  const readBoth = await inThread<string[]>(READER, two, {
    because: 'Two messages had arrived when the thread woke up. The second one is news, too.',
    likely:
      'A flag that is set twice looks like a flag that is set once. Look for a message before you sleep.',
  })
  expectSame('what the thread read', readBoth, ['bytes one', 'bytes two'], {
    because: 'Nothing is lost, and order is kept.',
  })

  const { bridgeSocket } = await load(() => import('#code/03-blocking-socket/bridge.ts'))
  const order = await callsForAByte(bridgeSocket)
  story.tell('bridge', `receives a byte, and calls ${order.join(', then ')}`)
  const isMessageFirst = order[0] === 'postMessage' && order.includes('notify')
  expect('the message to be posted before the news is told', isMessageFirst, {
    because: 'A thread that is woken looks at once, and must find what it was woken for.',
    likely: 'In deliver(): first postMessage, then count and notify.',
    expected: 'postMessage, then add and notify',
    received: order.join(', ') || 'neither',
  })
})

step('03.3', 'the end of the stream and a lost peer both wake it', async (stage) => {
  const { serve, connect, inThread, load, expectSame, story } = stage
  const server = await serve('03-blocking-socket')
  const ada = await connect(server)
  await ada.send('last words')
  await ada.halfClose()
  await ada.expectBytes('last words', { because: 'What came before the FIN is read first.' })
  await ada.expectEnd({
    because:
      'After the FIN read() returns null, the loop of the job ends, and it says FIN as well.',
    likely: "The thread still sleeps in read(): nobody told it about 'end'.",
  })

  const bob = await connect(server)
  await bob.send('hi')
  await bob.expectBytes('hi', { because: 'The thread is free for the next client.' })
  bob.reset()
  const cyd = await connect(server)
  await cyd.send('hello')
  await cyd.expectBytes('hello', {
    because: 'bob is lost, so the thread that waited for him must be free for cyd.',
    likely:
      'A reset ends in no FIN: tell the thread when the socket closes, and let read() throw ConnectionLost.',
  })

  story.tell('bridge', 'delivers a byte and the end; the thread reads three times')
  const end = { waiting: [bytes('x'), { kind: 'end' }], late: [], reads: 3 }
  const readToEnd = await inThread<string[]>(READER, end, {
    because: 'Nothing comes after the end. read() must say so each time instead of waiting.',
    likely: 'Remember that the end has come.',
  })
  expectSame('what the thread read', readToEnd, ['bytes x', 'null', 'null'], {
    because: 'null is the end, now and ever after.',
  })

  story.tell('bridge', 'delivers a byte and the loss of the peer; the thread reads three times')
  const lost = { kind: 'lost', code: 'ETIMEDOUT' }
  const loss = { waiting: [bytes('x'), lost], late: [], reads: 3, isClosed: true }
  const readToLoss = await inThread<string[]>(READER, loss, {
    because: 'Nothing comes after a loss. read() must say so each time instead of waiting.',
    likely: 'Remember that the peer is lost, as you remember the end.',
  })
  expectSame(
    'what the thread read',
    readToLoss,
    ['bytes x', 'throws ConnectionLost (ETIMEDOUT)', 'throws ConnectionLost (ETIMEDOUT)'],
    {
      because:
        'What came before the loss is read first. A loss is no end, and says why: the code that reads must be able to tell.',
      likely: causeOfLossMisread(readToLoss),
    },
  )

  const { bridgeSocket } = await load(() => import('#code/03-blocking-socket/bridge.ts'))
  story.tell('dee', 'sends a byte, and then her network is gone (ETIMEDOUT)')
  const toldOfLoss = await whatBridgeTells(bridgeSocket, 2, async ({ near, far }, told) => {
    far.write('x')
    await told(1)
    near.destroy(Object.assign(new Error('read ETIMEDOUT'), { code: 'ETIMEDOUT' }))
  })
  expectSame('what the bridge tells the thread', toldOfLoss, ['bytes x', 'lost ETIMEDOUT'], {
    because: 'A connection that is lost has not come to its end: half a file is no file.',
    likely: toldOfLoss[1]?.startsWith('lost')
      ? "The code comes with 'error'. 'close' comes after it: keep the code until then."
      : "'close' comes in any case. If the socket has not ended by then (`readableEnded`), deliver the loss.",
  })
  story.tell('eve', 'sends a byte and FIN')
  const toldOfEnd = await whatBridgeTells(bridgeSocket, 2, async ({ far }) => far.end('x'))
  expectSame('what the bridge tells the thread', toldOfEnd, ['bytes x', 'end'], {
    because: 'FIN is a good end.',
  })
})

step('03.4', 'whoever does not read is not sent more, both ways', async (stage) => {
  const { serve, connect, inThread, expect, expectSame, story } = stage
  const deaf = await serve('03-blocking-socket', { job: 'sleep' })
  const ada = await connect(deaf)
  const before = await deaf.rssBytes()
  const flood = ada.flood(256 * MEBIBYTE)
  let grown = 0
  while (grown < LIMIT && (await isMoving(flood, () => deaf.roundTrip())))
    grown = (await deaf.rssBytes()) - before
  expect('ada to be held back while the thread sleeps', grown < LIMIT && !flood.isOver, {
    because: 'A thread that does not read must stop its client, not fill the memory.',
    likely:
      'Count what has been posted and not taken; from WINDOW_BYTES on pause the socket. read() says what it takes.',
    expected: `the process to grow by less than ${countBytes(LIMIT)}`,
    received: `it grew by ${countBytes(Math.max(0, grown))}, and took ${countBytes(flood.taken)} from ada`,
  })

  const talkative = await serve('03-blocking-socket', { job: 'pour' })
  const bob = await connect(talkative)
  await bob.expectBytes('x', { because: 'The thread writes as soon as somebody is there.' })
  bob.stopReading()
  const atRest = await talkative.rssBytes()
  const growth = async () => (await talkative.rssBytes()) - atRest
  await untilAsleep(talkative, { looks: 8, isWorthIt: async () => (await growth()) < LIMIT })
  const most = await growth()
  expect('the thread to be held back while bob does not read', most < LIMIT, {
    because: 'write() must put the thread to sleep when its peer takes nothing.',
    likely: 'In #waitForRoom(): sleep while more than WINDOW_BYTES are written and not flushed.',
    expected: `the process to grow by less than ${countBytes(LIMIT)}`,
    received: `it grew by ${countBytes(Math.max(0, most))}`,
  })
  await bob.expectBytes('x'.repeat(24 * MEBIBYTE), {
    because: 'bob reads now, so the thread must go on writing.',
    likely:
      'FLUSHED grows with every piece the kernel takes, and news is told: check again each time.',
  })
  bob.leave()
  const cyd = await connect(talkative)
  await cyd.expectBytes('xxxx', {
    because: 'bob has left, so the thread that was writing to him must be free for cyd.',
    likely:
      'Who waits for room must also wake when the connection is closed: then throw ConnectionLost.',
  })
  cyd.leave()

  const echoing = await serve('03-blocking-socket')
  const dee = await connect(echoing)
  dee.stopReading()
  const more = dee.flood(256 * MEBIBYTE)
  const standstill = async () => {
    while (await isMoving(more, () => echoing.roundTrip())) {}
  }
  await standstill()
  await dee.expectBytes(pattern(0, LIMIT), {
    because: 'dee reads now, so the thread writes on, reads on, and takes more from her.',
    likely: 'read() says what it has taken, and below WINDOW_BYTES the bridge resumes the socket.',
  })
  await standstill()
  const swallowed = more.taken - LIMIT
  expect('dee to be held back when she stops again', swallowed < LIMIT, {
    because: 'A window is for the whole conversation, not only for its beginning.',
    likely:
      'Is credit given twice for the same bytes, or is the socket never paused again? Each byte is counted up when it is delivered, and down when it is taken: once.',
    expected: `less than ${countBytes(LIMIT)} beyond what she has read`,
    received: countBytes(swallowed),
  })

  const writeInThread = async (
    script: WriterScript,
    reason: { because: string; likely: string },
  ) => {
    story.tell('thread', `writes ${countBytes(script.bytes)}, with ${KIBIBYTE_WINDOW} KiB of room`)
    for (const { what } of script.happens) story.tell('bridge', what)
    return inThread<WriterOutcome>(WRITER, script, reason)
  }
  const reason = {
    because:
      'The kernel has taken enough and the news was told; the thread fell asleep all the same.',
    likely:
      'In #waitForRoom(): the count of news first, then the look, then the sleep, and then all of it again.',
  }
  const bit = { what: 'the kernel takes some', bytes: 8 * KIBIBYTE } as const
  const other = { what: 'nothing that concerns it' } as const
  const bytesToWrite = (KIBIBYTE_WINDOW + 16) * KIBIBYTE
  const slow = { bytes: bytesToWrite, happens: [other, bit, other, bit] }
  const { write, unflushed } = await writeInThread(slow, reason)
  expectSame(
    'write() and what is left to flush',
    [write, unflushed],
    ['returns', KIBIBYTE_WINDOW * KIBIBYTE],
    {
      because: 'Being woken does not mean that there is room: it may have been other news.',
      likely:
        'After each wake look again, and sleep on while more than WINDOW_BYTES are unflushed.',
    },
  )
  const closing = {
    bytes: bytesToWrite,
    happens: [other, { what: 'the connection closes' } as const],
  }
  const closed = await writeInThread(closing, {
    because: 'Nobody will ever take these bytes, and the news was told.',
    likely: 'In #waitForRoom(): look at CLOSED each time, and throw ConnectionLost.',
  })
  expectSame('write()', closed.write, 'throws ConnectionLost', {
    because: 'What was written has gone nowhere, and the writer must not believe otherwise.',
    likely: 'In #waitForRoom(): CLOSED means that there will be no room, ever.',
  })
  const silence = { what: 'silence', ms: SILENCE_MS } as const
  const { looksInSilence } = await writeInThread(
    { bytes: bytesToWrite, happens: [silence, { ...bit, bytes: bytesToWrite }] },
    reason,
  )
  expect(`at most ${MOST_LOOKS} looks during the silence`, looksInSilence <= MOST_LOOKS, {
    because: 'Nothing had changed. A thread that waits for room costs nothing.',
    likely: 'Sleep until the count of news changes, without a time-out.',
    received: `${looksInSilence} looks in ${SILENCE_MS} ms`,
  })
})

step('03.5', 'readLine() waits for whole lines, and not for endless ones', async (stage) => {
  const { serve, connect, inThread, expectSame, story } = stage
  const server = await serve('03-blocking-socket', { job: 'count' })
  const ada = await connect(server)
  await ada.send('hello\n')
  await ada.expectLine('5 hello', {
    because: 'The job answers each line with its length and the line.',
  })
  await ada.sendGlued('one\n', 'two\n', 'thr')
  const glued = {
    because: 'Several lines may come at once, and half of one behind them.',
    likely: 'What follows the line end is not lost: keep it for the next read.',
  }
  await ada.expectLine('3 one', glued)
  await ada.expectLine('3 two', glued)
  await ada.send('ee\n')
  await ada.expectLine('5 three', glued)
  await ada.send('\n')
  await ada.expectLine('0 ', { because: 'An empty line is a line.' })
  await ada.send('dos\r\n')
  await ada.expectLine('3 dos', {
    because: 'Some clients end their lines with \\r\\n; the \\r is no part of the line.',
  })
  await ada.send('Grüße, 🌍!\n')
  await ada.expectLine('9 Grüße, 🌍!', { because: 'Lines are UTF-8.' })
  await ada.send('no end')
  await ada.halfClose()
  await ada.expectLine('6 no end', {
    because: 'What comes last without a line end is a line too.',
  })
  await ada.expectEnd({ because: 'After the last line readLine() returns null.' })

  story.tell('bridge', 'delivers "🌍\\n" byte by byte')
  const cut = [...Buffer.from('🌍\n')].map((byte) => ({ kind: 'bytes', bytes: Buffer.of(byte) }))
  const lines = await inThread<string[]>(
    READER,
    { waiting: cut, late: [], lines: 1 },
    { because: 'That is a line.' },
  )
  expectSame('the line', lines, ['line 🌍'], {
    because: 'A character may come in several pieces.',
    likely: 'Decode the whole line, not each piece of it.',
  })

  const bob = await connect(server)
  const longest = 'x'.repeat(64 * 1024)
  await bob.send(`${longest}\n`)
  await bob.expectLine(`65536 ${longest}`, { because: 'A line of exactly 64 KiB is allowed.' })
  await bob.send('y'.repeat(64 * 1024 + 1))
  await bob.expectLine('error line too long', {
    because: 'A peer that never ends its line must not fill the memory.',
    likely: 'Throw LineTooLong as soon as the line is longer than maxBytes, line end or not.',
  })
  await bob.expectEnd({ because: 'Such a peer is told, and let go.' })
  await bob.halfClose()

  const cyd = await connect(server)
  await cyd.send('z'.repeat(300_000))
  await cyd.expectLine('error line too long', { because: 'cyd is told like bob.' })
  await cyd.expectEnd({ because: 'And let go like him.' })
  await cyd.halfClose()
  const look = async () => {
    const connections = await server.connections()
    return { holds: connections === 0, received: `${connections}` }
  }
  await server.expectEventually('no open socket', look, {
    because:
      'All have said FIN, and so has the server. Nobody reads what cyd has sent, but her FIN is behind it.',
    likely:
      'Once the thread has let go, the bridge reads on and throws away. Does anything pause the socket again?',
  })

  const byHand = async (texts: string[], lines: number, maxBytes?: number) => {
    story.tell(
      'bridge',
      `delivers ${texts.map((text) => JSON.stringify(text)).join(', ')} and the end`,
    )
    const waiting = [...texts.map(bytes), { kind: 'end' }]
    const request = { waiting, late: [], lines, maxBytes }
    return inThread<string[]>(READER, request, { because: 'All of it is there.' })
  }
  expectSame('the lines', await byHand(['whole\n'], 2), ['line whole', 'null'], {
    because: 'Behind the last line end nothing is left: no line, not even an empty one.',
  })
  expectSame(
    'lines of 5 bytes, with a limit of 5',
    await byHand(['12345\n12', '345\r\n', '12345\r', '\n12345'], 5, 5),
    [...Array(4).fill('line 12345'), 'null'],
    {
      because:
        'The limit is for the line. Its end, \\n or \\r\\n, does not count, however it is cut.',
      likely: 'A \\r at the end may belong to the line end: take it off before you count.',
    },
  )
  expectSame(
    'a line of 6 bytes, with a limit of 5',
    await byHand(['1\n123456\n2\n'], 2, 5),
    ['line 1', 'throws LineTooLong'],
    {
      because:
        'A line that is too long is too long, also when all of it is there, its end included.',
      likely: 'Look at the limit in both cases: with the line end in the chunk and without.',
    },
  )
})

/**
 * Waits until nothing has moved in the server for so many looks, as long as `isWorthIt`. On a busy machine, a server that
 * does not move may be waiting for a core.
 */
async function untilAsleep(
  server: HostedServer,
  { looks = 2, isWorthIt = async () => true } = {},
): Promise<void> {
  for (let quiet = 0; quiet < looks && (await isWorthIt()); ) {
    quiet = (await server.cpuMsDuring(15)) < 2 ? quiet + 1 : 0
  }
}

/** Whoever is woken is back long before that, and whoever sleeps out a time-out has to be lucky. */
const WOKEN_MS = 25

/** Nobody looks often in so short a time, unless it is by the clock. */
const SILENCE_MS = 250
const MOST_LOOKS = 3

const FIRST_TRIPS = 5
const MOST_TRIPS = 15

/** When all of the first trips are quick, that is enough. On a busy machine the majority of `MOST_TRIPS` decides. */
function isMedianKnown(trips: number[]): boolean {
  const woken = trips.filter((ms) => ms < WOKEN_MS).length
  if (trips.length === FIRST_TRIPS && woken === FIRST_TRIPS) return true
  return Math.max(woken, trips.length - woken) > MOST_TRIPS / 2
}

/** Why three reads over a byte and a loss may come out wrong. */
function causeOfLossMisread([first, second, third]: string[]): string {
  if (first !== 'bytes x') return 'Look for messages first: CLOSED is for those who write.'
  if (!second.startsWith('throws ConnectionLost')) return 'Throw a ConnectionLost at a loss.'
  return second === third
    ? 'Throw the ConnectionLost with the code of the message.'
    : 'Remember the loss with its code, and throw it again.'
}
