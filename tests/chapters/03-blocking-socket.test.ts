import { countBytes } from '../harness/bytes.ts'
import { isMoving, pattern } from '../harness/client.ts'
import type { Reason } from '../harness/failure.ts'
import { median } from '../harness/numbers.ts'
import { step } from '../judge/step.ts'
import {
  bytes,
  causeOfCloseMistold,
  causeOfEndMistold,
  causeOfLossMisread,
  causeOfLossMistold,
  causeOfNoRoom,
  causeOfStuck,
  end,
  HOUR_MS,
  isMedianKnown,
  LINES,
  lost,
  readByHand,
  SLEEPER,
  threeReads,
  untilAsleep,
  WAITS,
  WOKEN_MS,
  WRITER,
} from '../worlds/blocking-socket.ts'
import {
  callsForAByte,
  fillWindow,
  recordCalls,
  UNNOTICED,
  whatBridgeTells,
  windowOf,
} from '../worlds/bridge.ts'
import { restlessness } from '../worlds/echo.ts'
import type { ReaderScript } from './threads/03-reader.ts'
import type { SleeperOutcome, SleeperScript } from './threads/03-sleeper.ts'
import type { WriterOutcome, WriterScript } from './threads/03-writer.ts'

const KIBIBYTE = 1024
const MEBIBYTE = 1024 * KIBIBYTE

/** `WINDOW_BYTES`. */
const WINDOW = 64 * KIBIBYTE

/** A window, and the chunk that went beyond it. */
const MOST_UNTAKEN = 112 * KIBIBYTE

/** What a process may grow by for other reasons. */
const LIMIT = 48 * MEBIBYTE

/** In an hour without news. */
const MOST_LOOKS = 3

const COMES_BACK = { because: 'All that it waits for has come.' }

step('03.1', 'a thread sleeps until there is news, and misses none', async (stage) => {
  const { load, inThread, expect, expectSame, story } = stage
  const { tellNews } = await load(() => import('#code/03-blocking-socket/news.ts'))
  const words = new Int32Array(new SharedArrayBuffer(12))
  const before = Array.from(words)
  const calls: string[] = []
  let isChanged = false
  let isHeard = false
  const restore = recordCalls((name, [, index, count = 1]) => {
    if (name === 'notify') {
      isChanged = words.some((word, index) => word !== before[index])
      isHeard = index === 0 && Number(count) > 0
    }
    calls.push(name)
  })
  try {
    tellNews(words)
  } finally {
    restore()
  }
  story.tell('bridge', `tells news: ${calls.join(', then ') || 'nothing happens'}`)
  expect('the count to change, and then the sleeper to be notified', isChanged, {
    because:
      'A thread that is just about to sleep is not woken by notify. It finds the count changed and stays awake, if that is done first.',
    likely: calls.includes('notify')
      ? 'Atomics.add(words, NEWS, 1) first, then Atomics.notify(words, NEWS).'
      : 'Changing a word wakes nobody. Atomics.notify(words, NEWS) does.',
    look: 'news.tellNews()',
    received: calls.join(', ') || 'neither',
  })
  expect('the thread that sleeps on NEWS to be woken', isHeard, {
    because: 'A thread sleeps on one word, and only a notify on that word wakes it.',
    likely: 'Atomics.notify(words, NEWS): the same word, and not for 0 threads.',
    look: 'news.tellNews()',
  })

  const sleeper = (script: SleeperScript, reason: Reason) =>
    inThread<SleeperOutcome>(SLEEPER, script, reason)
  for (const { story: what, script, expected, because, likely } of WAITS) {
    story.tell('bridge', what)
    const outcome = await sleeper(script, { because, likely })
    const received = outcome.stuck ? `it never comes back: ${outcome.stuck}` : outcome.found
    expectSame('what the thread finds', received, expected, {
      because,
      likely: causeOfStuck(outcome, likely),
    })
  }

  story.tell('bridge', 'has no news for an hour; then leaves something')
  const silence: SleeperScript = {
    happens: [{ when: 'asleep', things: ['at last'], silenceMs: HOUR_MS }],
    finds: 1,
  }
  const { looksInSilence, stuck } = await sleeper(silence, COMES_BACK)
  const looks = stuck === 'spinning' ? 'a thousand and more' : `${looksInSilence}`
  expect(`at most ${MOST_LOOKS} looks in that hour`, !stuck && looksInSilence <= MOST_LOOKS, {
    because:
      'There was no news to look for. A thousand threads that look now and then are a busy core.',
    likely: 'There is a time-out in the wait: leave it out, the news wakes the thread.',
    look: 'news.sleepUntil()',
    received: `${looks} looks`,
  })
})

step('03.2', 'read() sleeps until bytes come, and wakes promptly', async (stage) => {
  const { serve, connect, load, expect, expectSame, story } = stage
  const { bridgeSocket } = await load(() => import('#code/03-blocking-socket/bridge.ts'))
  const order = await callsForAByte(bridgeSocket)
  story.tell('bridge', `receives a byte, and calls ${order.join(', then ') || 'nothing'}`)
  const isMessageFirst = order[0] === 'postMessage' && order.includes('notify')
  expect('the message to be posted, and then the news to be told', isMessageFirst, {
    because: 'A thread that is woken looks at once, and must find what it was woken for.',
    likely:
      order.length === 0
        ? "Nothing listens for 'data'."
        : 'In deliver(): first postMessage, then tellNews().',
    look: order.length === 0 ? 'pumpToThread()' : 'deliver()',
    expected: 'postMessage, then add and notify',
    received: order.join(', ') || 'neither',
  })
  story.tell(
    'bridge',
    'delivers two messages before the thread looks, and one right behind its look',
  )
  const three: ReaderScript = {
    waiting: [bytes('one'), bytes('two')],
    late: [bytes('three')],
    acts: ['read', 'read', 'read'],
  }
  const { results } = await readByHand(stage, three, {
    because: 'Three messages have come, and the news was told of each.',
    likely: 'Let sleepUntil() wait, with a look that takes the next message (#receive).',
  })
  expectSame('what the thread reads', results, ['bytes one', 'bytes two', 'bytes three'], {
    because: 'Nothing is lost, and order is kept.',
    likely: 'Each read() takes one message and returns its bytes.',
  })

  const server = await serve('03-blocking-socket')
  const ada = await connect(server)
  await ada.send('hello')
  await ada.expectBytes('hello', {
    because: 'The thread reads what ada sent and writes it back.',
    likely: 'Does the bridge deliver each chunk? Does read() return its bytes?',
  })

  const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte)
  await ada.send(everyByte)
  await ada.expectBytes(everyByte, {
    because: 'Not everything is text: each of the 256 byte values comes back as it was.',
    likely: 'Deliver the chunk as it is, as a Buffer.',
  })

  const waitingMs = 250
  const used = await server.cpuMsDuring(waitingMs)
  story.tell('server', `uses ${Math.round(used)} ms of CPU in ${waitingMs} ms of waiting`)
  expect('a thread that waits to use no CPU', used < waitingMs * 0.1, {
    because: 'Blocking means to be asleep: a hundred threads that wait must cost nothing.',
    likely: 'The thread looks again and again. Let sleepUntil() do the waiting.',
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
      likely: 'It sleeps although a message has come. deliver() must tell the news.',
    })
    trips.push(performance.now() - startedAt)
  }
  expect(`a round trip of less than ${WOKEN_MS} ms`, median(trips) < WOKEN_MS, {
    because: 'A thread that sleeps is woken by the news, not by an alarm clock.',
    likely:
      'Is there a time-out in the wait? Then the thread sleeps it out: deliver() must tell the news.',
    expected: `less than ${WOKEN_MS} ms in the median`,
    received: `${median(trips).toFixed(1)} ms`,
  })
})

step('03.3', 'the end of the stream and a lost peer both wake it', async (stage) => {
  const { serve, connect, load, expectSame, story } = stage
  story.tell('bridge', 'delivers a byte and the end; the thread reads three times')
  const ended: ReaderScript = { waiting: [bytes('x'), end], late: [], acts: threeReads }
  const readToEnd = await readByHand(stage, ended, {
    because: 'Nothing comes after the end. read() must say so each time instead of waiting.',
    likely: 'Remember that the end has come.',
    look: 'blocking-socket.read()',
  })
  expectSame('what the thread reads', readToEnd.results, ['bytes x', 'null', 'null'], {
    because: 'null is the end, now and each time later. No bytes at all are something else.',
    likely: 'Return null for the message that says `end`.',
  })

  story.tell('bridge', 'delivers a byte and the loss of the peer; the thread reads three times')
  const isLost = { waiting: [bytes('x'), lost('ETIMEDOUT')], late: [], acts: threeReads }
  const readToLoss = await readByHand(
    stage,
    { ...isLost, isClosed: true },
    {
      because: 'Nothing comes after a loss. read() must say so each time instead of waiting.',
      likely: 'Remember that the peer is lost, as you remember the end.',
      look: 'blocking-socket.read()',
    },
  )
  const thrown = 'throws ConnectionLost (ETIMEDOUT)'
  expectSame('what the thread reads', readToLoss.results, ['bytes x', thrown, thrown], {
    because:
      'What came before the loss is read first. A loss is no end, and says why: the code that reads must be able to tell.',
    likely: causeOfLossMisread(readToLoss.results),
  })

  story.tell('thread', 'has said its own FIN (CLOSED is set), and reads on; a byte comes late')
  const halfClosed: ReaderScript = { waiting: [], late: [bytes('late')], acts: ['read'] }
  const readOn = await readByHand(stage, { ...halfClosed, isClosed: true }, COMES_BACK)
  expectSame('what the thread reads', readOn.results, ['bytes late'], {
    because: 'We will send no more, and the peer still does.',
    likely: 'CLOSED is about what we write. Only the messages `end` and `lost` end a read.',
  })

  const { bridgeSocket } = await load(() => import('#code/03-blocking-socket/bridge.ts'))
  const timeout = () => Object.assign(new Error('read ETIMEDOUT'), { code: 'ETIMEDOUT' })
  story.tell('dee', 'sends a byte, and at once her network is gone (ETIMEDOUT)')
  const toldOfLoss = await whatBridgeTells(bridgeSocket, async ({ near, far, rest }) => {
    far.write('x')
    await rest(1)
    near.destroy(timeout())
  })
  expectSame('what the bridge tells the thread', toldOfLoss, ['bytes x', 'lost ETIMEDOUT'], {
    because: toldOfLoss[1]?.startsWith('lost')
      ? 'The code says why it was lost, and it is told once.'
      : 'A connection that is lost has not come to its end: half a file is no file.',
    likely: causeOfLossMistold(toldOfLoss),
    look: 'pumpToThread()',
  })
  story.tell('server', "gives fay's connection up: 'close' comes, and no 'error' before it")
  const toldOfClose = await whatBridgeTells(bridgeSocket, async ({ near, far, rest }) => {
    far.write('x')
    await rest(1)
    near.destroy()
  })
  const kinds = toldOfClose.map((message) =>
    message.replace(/^lost (?!undefined$).+/, 'lost and why'),
  )
  expectSame('what the bridge tells the thread', kinds, ['bytes x', 'lost and why'], {
    because: 'A thread that is told nothing sleeps forever, and one that is told has to learn why.',
    likely: causeOfCloseMistold(kinds),
    look: 'pumpToThread()',
  })
  story.tell('gil', 'is lost (ETIMEDOUT) after her thread has said its own FIN')
  const toldWhenSilent = await whatBridgeTells(bridgeSocket, async ({ near, post, rest }) => {
    post({ kind: 'end' })
    await rest()
    near.destroy(timeout())
  })
  expectSame('what the bridge tells the thread', toldWhenSilent, ['lost ETIMEDOUT'], {
    because: 'A thread that has said FIN may still read, and would wait for her forever.',
    likely:
      'It is lost if it closes before the *peer* has said FIN: readableEnded. writableEnded is about ours.',
    look: 'pumpToThread()',
  })
  story.tell('eve', 'sends a byte, later FIN; later the connection closes in order')
  const toldOfEnd = await whatBridgeTells(bridgeSocket, async ({ near, far, rest }) => {
    far.write('x')
    // The thread takes the byte, and its bridge hears of that.
    await rest()
    await rest()
    far.end()
    await rest()
    near.end()
    await rest()
    near.destroy()
  })
  expectSame('what the bridge tells the thread', toldOfEnd, ['bytes x', 'end'], {
    because: 'FIN is a good end, behind all bytes, and nothing comes after it.',
    likely: causeOfEndMistold(toldOfEnd),
    look: toldOfEnd.some((told) => told.endsWith(UNNOTICED)) ? 'deliver()' : 'pumpToThread()',
  })

  const server = await serve('03-blocking-socket')
  const ada = await connect(server)
  await ada.send('last words')
  await ada.halfClose()
  await ada.expectBytes('last words', { because: 'What came before the FIN is read first.' })
  await ada.expectEnd({
    because:
      'After the FIN read() returns null, the loop of the job ends, and it says FIN as well.',
    likely: "The thread still sleeps in read(): nothing told it about 'end'.",
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
})

step('03.4', 'a thread that does not read is not sent more', async (stage) => {
  const { serve, connect, load, expect, expectSame, story } = stage
  story.tell('bridge', 'delivers 5 bytes, 3 bytes and the end; the thread reads all of it')
  const small = { waiting: [bytes('hello'), bytes('ada'), end], late: [], acts: threeReads }
  const { taken } = await readByHand(stage, small, COMES_BACK)
  expectSame('the bytes that the thread says it has taken', taken, 8, {
    because: 'The bridge sees what it delivers, not what is read: it has to be told.',
    likely: 'read() posts `taken` with the number of bytes it returns, once for each message.',
    look: 'blocking-socket.read()',
  })

  const { bridgeSocket } = await load(() => import('#code/03-blocking-socket/bridge.ts'))
  story.tell(
    'eve',
    'sends 1 MiB in small pieces and then large ones; the thread takes a message whenever nothing moves any more',
  )
  const { sent, most, fullest, delivered } = await windowOf(bridgeSocket, [])
  expect('at most 112 KiB to be delivered and not taken', most <= MOST_UNTAKEN, {
    because: 'WINDOW_BYTES and the chunk that went beyond it are enough, at any time.',
    likely:
      most === sent
        ? 'Count what has been delivered and not taken; from WINDOW_BYTES on pause the socket.'
        : 'Is credit given twice, or for more than was taken? Each byte is counted up when it is delivered and down when it is taken, and the socket is resumed below the mark only.',
    look: 'pumpToThread()',
    received: countBytes(most),
  })
  expect('all of it to be delivered in the end', delivered === sent, {
    because: 'The thread has taken everything it got, so there is room for the rest.',
    likely: 'Resume the socket when less than WINDOW_BYTES are delivered and not taken, each time.',
    look: 'pumpToThread()',
    received: countBytes(delivered),
  })
  expect('nothing to be delivered while 64 KiB are not taken', fullest < WINDOW, {
    because: 'WINDOW_BYTES that are not taken are a full window, and not one byte of room.',
    likely: 'Pause from exactly WINDOW_BYTES on (>=), and resume below that (<), not at it.',
    look: 'pumpToThread()',
    received: `a chunk, when ${countBytes(fullest)} were not taken`,
  })
  for (const kind of ['bytes', 'end'] as const) {
    story.tell('thread', `takes messages like before, and posts \`${kind}\` in between`)
    const window = await windowOf(bridgeSocket, [kind])
    const isKept = window.most <= MOST_UNTAKEN && window.delivered === window.sent
    expect('the window to be as before', isKept, {
      because: 'What the thread sends takes nothing of what was delivered to it.',
      likely:
        'The port brings messages of other kinds, too: count down at `taken`, and at nothing else.',
      look: 'pumpToThread()',
      expected: `at most ${countBytes(MOST_UNTAKEN)} not taken, and all ${countBytes(window.sent)} delivered`,
      received: `${countBytes(window.most)} not taken, and ${countBytes(window.delivered)} delivered`,
    })
  }

  story.tell('fay', 'sends 256 KiB over a bridge of her own, of which her thread takes nothing')
  const fay = await fillWindow(bridgeSocket)
  const beside = await windowOf(bridgeSocket, [])
  fay()
  expect('the window beside hers to be as before', beside.delivered === beside.sent, {
    because: 'Each thread has a window of its own. One that does not read holds up nobody else.',
    likely: 'Is the count one for all sockets? Declare it in pumpToThread().',
    look: 'pumpToThread()',
    expected: `all ${countBytes(beside.sent)} to be delivered`,
    received: countBytes(beside.delivered),
  })

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

  const { isSpinning, timerMs } = await restlessness(deaf)
  expect('a bridge that is asleep', !isSpinning && timerMs === undefined, {
    because: 'Nothing can happen before the thread reads. The message `taken` tells when it has.',
    likely: 'The socket is resumed by a timer, or looked at again and again. Resume it at `taken`.',
    received: isSpinning ? 'it computes all the time' : `a timer of ${timerMs} ms`,
  })
})

step('03.5', 'write() sleeps while its peer does not read', async (stage) => {
  const { serve, connect, inThread, expect, expectSame, story } = stage
  const write = (script: WriterScript, reason: Reason) => {
    story.tell('thread', `writes ${countBytes(script.bytes)}, with ${countBytes(WINDOW)} of room`)
    for (const { what } of script.happens) story.tell('bridge', what)
    return inThread<WriterOutcome>(WRITER, script, reason)
  }
  const bit = { what: 'the kernel takes some', bytes: 8 * KIBIBYTE } as const
  const other = { what: 'nothing that concerns it' } as const
  const bytesToWrite = WINDOW + 16 * KIBIBYTE
  const slow = await write({ bytes: bytesToWrite, happens: [other, bit, other, bit] }, COMES_BACK)
  expectSame(
    'write() and what is left to flush',
    [slow.write, slow.unflushed],
    ['returns', WINDOW],
    {
      because:
        'There is room when the kernel has taken enough, and not before. Other news makes none.',
      likely: causeOfNoRoom(slow, WINDOW),
    },
  )
  const closing = [other, { what: 'the connection closes' } as const]
  const closed = await write({ bytes: bytesToWrite, happens: closing }, COMES_BACK)
  // Which code of errno(3) it is, is up to the answer.
  const thrown = closed.write.replace(/^(throws ConnectionLost) \(E[A-Z]+\)$/, '$1')
  expectSame('write()', thrown, 'throws ConnectionLost', {
    because: 'What was written has gone nowhere, and the code that writes has to learn of it.',
    likely: thrown.startsWith('throws ConnectionLost')
      ? 'It has a code of errno(3): EPIPE is what write(2) says of a connection that takes no more.'
      : 'In #waitForRoom(): look at CLOSED each time, and throw ConnectionLost. There will be no room, ever.',
    look: '#waitForRoom()',
  })
  const silence = { what: 'silence', ms: HOUR_MS } as const
  const rest = { ...bit, bytes: bytesToWrite }
  const { looksInSilence } = await write(
    { bytes: bytesToWrite, happens: [silence, rest] },
    COMES_BACK,
  )
  expect(`at most ${MOST_LOOKS} looks during an hour of silence`, looksInSilence <= MOST_LOOKS, {
    because: 'Nothing had changed. A thread that waits for room costs nothing.',
    likely: 'Sleep until there is news, without a time-out: sleepUntil() does.',
    received: `${looksInSilence} looks`,
  })

  const talkative = await serve('03-blocking-socket', { job: 'pour' })
  const ada = await connect(talkative)
  await ada.expectBytes('x', { because: 'The thread writes as soon as somebody is there.' })
  ada.stopReading()
  const atRest = await talkative.rssBytes()
  const growth = async () => (await talkative.rssBytes()) - atRest
  await untilAsleep(talkative, { looks: 8, isWorthIt: async () => (await growth()) < LIMIT })
  const most = await growth()
  expect('the thread to be held back while ada does not read', most < LIMIT, {
    because: 'write() must put the thread to sleep when its peer takes nothing.',
    likely: 'In #waitForRoom(): sleep while more than WINDOW_BYTES are written and not flushed.',
    expected: `the process to grow by less than ${countBytes(LIMIT)}`,
    received: `it grew by ${countBytes(Math.max(0, most))}`,
  })
  await ada.expectBytes('x'.repeat(24 * MEBIBYTE), {
    because: 'ada reads now, so the thread must go on writing.',
    likely:
      'FLUSHED grows with every piece that the kernel takes, and the news is told: look again each time.',
  })
  ada.leave()
  const bob = await connect(talkative)
  await bob.expectBytes('xxxx', {
    because: 'ada has left, so the thread that was writing to him must be free for bob.',
    likely:
      'A thread that waits for room must also wake when the connection closes: then throw ConnectionLost.',
  })

  const echoing = await serve('03-blocking-socket')
  const cyd = await connect(echoing)
  cyd.stopReading()
  const more = cyd.flood(256 * MEBIBYTE)
  const standstill = async () => {
    while (await isMoving(more, () => echoing.roundTrip())) {}
  }
  await standstill()
  await cyd.expectBytes(pattern(0, LIMIT), {
    because: 'cyd reads now, so the thread writes on, reads on, and takes more from her.',
    likely: 'read() says what it has taken, and below WINDOW_BYTES the bridge resumes the socket.',
  })
  await standstill()
  const swallowed = more.taken - LIMIT
  expect('cyd to be held back when she stops again', swallowed < LIMIT, {
    because: 'A window is for the whole conversation, not only for its beginning.',
    likely:
      'Is credit given twice for the same bytes, or is the socket never paused again? Each byte is counted up when it is delivered, and down when it is taken: once.',
    look: ['pumpToThread()', '#waitForRoom()'],
    expected: `less than ${countBytes(LIMIT)} beyond what she has read`,
    received: countBytes(swallowed),
  })
})

step('03.6', 'readLine() waits for whole lines, and not for endless ones', async (stage) => {
  const { serve, connect, expect, expectSame, story } = stage
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
    look: 'blocking-socket.readLine()',
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
    likely: 'Take one \\r off at the end of the line. toLine() does.',
  })
  await ada.send('Grüße, 🌍!\n')
  await ada.expectLine('9 Grüße, 🌍!', {
    because: 'Lines are UTF-8.',
    likely: 'Decode the bytes of the line as UTF-8. toLine() does.',
  })
  await ada.send('no end')
  await ada.halfClose()
  await ada.expectLine('6 no end', {
    because: 'What comes last without a line end is a line too.',
    look: 'blocking-socket.readLine()',
  })
  await ada.expectEnd({ because: 'After the last line readLine() returns null.' })

  const bob = await connect(server)
  const longest = 'x'.repeat(64 * 1024)
  await bob.send(`${longest}\n`)
  await bob.expectLine(`65536 ${longest}`, {
    because: 'A line of exactly 64 KiB is allowed.',
    likely: 'More than maxBytes is too long; exactly maxBytes is not.',
  })
  await bob.send('y'.repeat(64 * 1024 + 1))
  await bob.expectLine('error line too long', {
    because: 'A peer that never ends its line must not fill the memory.',
    likely: 'Throw LineTooLong as soon as the line is longer than maxBytes, line end or not.',
    look: 'blocking-socket.readLine()',
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

  for (const { texts, ending = end, limit, lines, because, likely } of LINES) {
    story.tell('bridge', `delivers ${texts.map((text) => JSON.stringify(text)).join(', ')}`)
    story.tell('bridge', `delivers ${ending.kind === 'end' ? 'the end' : 'the loss of the peer'}`)
    const waiting = [...texts.map(bytes), ending]
    const acts = lines.map(() => 'line' as const)
    const script = { waiting, late: [], acts, maxBytes: limit }
    const { results, taken } = await readByHand(stage, script, COMES_BACK)
    const what = limit ? `the lines, with a limit of ${limit} bytes` : 'the lines'
    expectSame(what, results, lines, { because, likely, look: 'blocking-socket.readLine()' })
    const came = Buffer.byteLength(texts.join(''))
    expect('no byte to be taken twice', taken <= came, {
      because: 'What read() returns a second time, from #rest, the bridge has heard of already.',
      likely: 'Post `taken` for a message, when it comes, and not for what was kept of it.',
      look: 'blocking-socket.read()',
      expected: `at most ${came} bytes`,
      received: `${taken} bytes`,
    })
  }
  story.tell('bridge', 'delivers "🌍\\n" byte by byte')
  const cut = [...Buffer.from('🌍\n')].map((byte) => ({
    kind: 'bytes' as const,
    bytes: Buffer.of(byte),
  }))
  const globe = await readByHand(stage, { waiting: cut, late: [], acts: ['line'] }, COMES_BACK)
  expectSame('the line', globe.results, ['line 🌍'], {
    because: 'A character may come in several pieces.',
    likely: 'Decode the whole line, not each piece of it.',
    look: 'blocking-socket.readLine()',
  })
  story.tell('bridge', 'delivers "one\\n", and "two" late; the thread reads a line, and then bytes')
  const mixed = { waiting: [bytes('one\n')], late: [bytes('two')], acts: ['line', 'read'] as const }
  const both = await readByHand(stage, { ...mixed, acts: [...mixed.acts] }, COMES_BACK)
  expectSame('the line, and the bytes', both.results, ['line one', 'bytes two'], {
    because: 'read() returns one byte or more. Behind that line end there was none.',
    likely: 'Keep what follows the line end only if anything follows it.',
    look: 'blocking-socket.readLine()',
  })
  story.tell(
    'bridge',
    'delivers "one\\nre", and "st" and the end late; the thread reads a line, and then bytes',
  )
  const kept: ReaderScript = {
    waiting: [bytes('one\nre')],
    late: [bytes('st'), end],
    acts: ['line', 'read', 'read'],
  }
  const all = await readByHand(stage, kept, COMES_BACK)
  expectSame('the line, and the bytes', all.results, ['line one', 'bytes re', 'bytes st'], {
    because: 'What came behind the line end is the next thing to be read, as a line or as bytes.',
    likely: 'read() returns #rest first (#takeRest() does), once. readLine() only calls read().',
    look: 'blocking-socket.read()',
  })
})
