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
  causeOfUntold,
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
  UNNOTICED,
  whatBridgeTells,
  windowOf,
} from '../worlds/bridge.ts'
import { restlessness } from '../worlds/echo.ts'
import { tellAgainAndAgain } from '../worlds/news-told.ts'
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

/** More than sockets and windows hold on the way: after so much the sender must have gone on. */
const READ_ON = 20 * MEBIBYTE

/** Of a port's `'message'`, in an answer that registers generously. */
const MOST_LISTENERS = 8

/** In an hour without news. */
const MOST_LOOKS = 3

const COMES_BACK = { because: 'All that it waits for has come.' }

step('03.1', 'a thread sleeps until there is news, and misses none', async (stage) => {
  const { load, inThread, expect, expectSame, story } = stage
  const { tellNews } = await load(() => import('#code/03-blocking-socket/news.ts'))
  const told = tellAgainAndAgain(tellNews)
  const calls = told.calls.join(', then ')
  story.tell('bridge', `tells news, time ${told.time}: ${calls || 'nothing happens'}`)
  const stays = told.calls.includes('notify') && told.time > 1
  expect('the count to change, and then the sleeper to be notified', told.isChanged, {
    because:
      'A thread that is just about to sleep is not woken by notify. It finds the count changed and stays awake, if that is done first.',
    likely: stays
      ? 'This time the count has stayed as it was: two events must not look like none. Atomics.add(words, NEWS, 1), each time.'
      : told.calls.includes('notify')
        ? 'Atomics.add(words, NEWS, 1) first, then Atomics.notify(words, NEWS).'
        : 'Changing a word wakes nobody. Atomics.notify(words, NEWS) does, each time.',
    look: 'news.tellNews()',
    received: told.calls.join(', ') || 'neither',
  })
  expect('the thread that sleeps on NEWS to be woken', told.isHeard, {
    because: 'A thread sleeps on one word, and only a notify on that word wakes it.',
    likely: 'Atomics.notify(words, NEWS): the same word, and not for 0 threads.',
    look: 'news.tellNews()',
  })
  expect('a count that has never been there before', told.isNew, {
    because:
      'A thread that is about to sleep compares the count with the one it has read. However much has happened in between, it must not look like nothing.',
    likely: 'A flag that changes twice looks as if nothing had happened. Count.',
    look: 'news.tellNews()',
    received: `the same words as before, after event ${told.time}`,
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
      look: 'news.sleepUntil()',
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
  const { calls, isNews, message } = await callsForAByte(bridgeSocket)
  story.tell('bridge', `receives a byte, and calls ${calls.join(', then ') || 'nothing'}`)
  const isInOrder = calls[0] === 'postMessage' && calls.includes('notify') && isNews
  expect('the message to be posted, and then the news to be told', isInOrder, {
    because: 'A thread that is woken looks at once, and must find what it was woken for.',
    likely: causeOfUntold(calls, isNews),
    look: calls.length === 0 ? 'pumpToThread()' : 'deliver()',
    expected: 'postMessage, then add and notify',
    received: `${calls.join(', ') || 'neither'}${isNews ? '' : ', and no word of `words` has changed'}`,
  })
  expectSame('the message', message, 'bytes x', {
    because: 'The thread gets the bytes of this chunk: these, and no others.',
    likely:
      'Post the chunk itself, a Buffer, in `bytes`. Its `.buffer` is memory that may hold much more, and JSON knows no bytes.',
    look: 'deliver()',
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
    look: 'blocking-socket.read()',
  })
  story.tell('bridge', 'has no news for an hour; then delivers a message')
  const quiet: ReaderScript = {
    waiting: [],
    silenceMs: HOUR_MS,
    late: [bytes('late')],
    acts: ['read'],
  }
  const { looksInSilence } = await readByHand(stage, quiet, COMES_BACK)
  expect(`at most ${MOST_LOOKS} looks in that hour`, looksInSilence <= MOST_LOOKS, {
    because: 'A thread that reads has nothing to do before there is news. It sleeps until then.',
    likely:
      'read() looks again and again, or has an alarm clock of its own. Let sleepUntil() do the waiting.',
    look: 'blocking-socket.read()',
    received: `${looksInSilence >= 1_000 ? 'a thousand and more' : looksInSilence} looks`,
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
    seen: {
      silent:
        "The first chunk came back, and nothing of the second: 'data' comes again and again, and deliver() tells the news each time.",
    },
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
  // Some streams have a code of their own for that. What dee's connection died of is not it.
  const kinds = toldOfClose.map((message) =>
    message.replace(/^lost (?!undefined$|ETIMEDOUT$).+/, 'lost and why'),
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
  story.tell('bridge', 'delivers 5 bytes and 3 bytes; the thread reads them')
  const small: ReaderScript = {
    waiting: [bytes('hello'), bytes('ada')],
    late: [],
    acts: ['read', 'read'],
  }
  const { taken } = await readByHand(stage, small, COMES_BACK)
  expectSame('the bytes that the thread says it has taken', taken, 8, {
    because: 'The bridge sees what it delivers, not what is read: it has to be told.',
    likely:
      'read() posts `taken` with the number of bytes it returns, once for each message, before it returns them.',
    look: 'blocking-socket.read()',
  })

  const { bridgeSocket } = await load(() => import('#code/03-blocking-socket/bridge.ts'))
  story.tell(
    'eve',
    'sends 1 MiB in small pieces and then large ones; the thread takes a message whenever nothing moves any more',
  )
  const { sent, most, fullest, delivered, listeners } = await windowOf(bridgeSocket, [])
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
  expect('no listener more for each pause', listeners <= MOST_LISTENERS, {
    because: 'A conversation is paused a thousand times. What each pause leaves behind adds up.',
    likely:
      "One listener of the port's 'message' for the whole conversation does: register it outside 'data'.",
    look: 'pumpToThread()',
    received: `${listeners} listeners of the port's 'message'`,
  })
  story.tell('gus', 'sends 64 KiB, and nothing more until all is taken; then a byte')
  const afterPause = await whatBridgeTells(bridgeSocket, async ({ far, rest }) => {
    for (let sent = 0; sent < WINDOW; sent += 16 * KIBIBYTE)
      far.write(Buffer.alloc(16 * KIBIBYTE, 'a'))
    await rest()
    await rest()
    far.write('x')
    await rest()
  })
  expectSame('the last message to the thread', afterPause.at(-1), 'bytes x', {
    because: 'The socket was paused, and then there was room: what comes next is delivered.',
    likely:
      'Resume the socket when there is room, whether anything waits in it or not. What comes to a paused socket stays there.',
    look: 'pumpToThread()',
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
    const more = script.more ? `, and then ${countBytes(script.more)}` : ''
    story.tell(
      'thread',
      `writes ${countBytes(script.bytes)}${more}, with ${countBytes(WINDOW)} of room`,
    )
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
  const twice = { bytes: bytesToWrite, more: 16 * KIBIBYTE }
  const again = await write({ ...twice, happens: [bit, bit, bit, bit] }, COMES_BACK)
  expectSame(
    'both writes and what is left to flush',
    [again.write, again.unflushed],
    ['returns', WINDOW],
    {
      because: 'What the first write has left in the window is still in it at the second one.',
      likely:
        'Each write waits for its own room: look at #unflushed(), and leave both counts alone.',
      look: '#waitForRoom()',
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
  await ada.expectBytes('x'.repeat(READ_ON), {
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
  await cyd.expectBytes(pattern(0, READ_ON), {
    because: 'cyd reads now, so the thread writes on, reads on, and takes more from her.',
    likely: 'read() says what it has taken, and below WINDOW_BYTES the bridge resumes the socket.',
  })
  await standstill()
  const swallowed = more.taken - READ_ON
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
    seen: {
      'other bytes':
        'A line ends at the first line end of a chunk (indexOf). What follows that end is kept as it is, and returned once.',
    },
    look: 'blocking-socket.readLine()',
  }
  await ada.expectLine('3 one', glued)
  await ada.expectLine('3 two', glued)
  await ada.send('ee\n')
  await ada.expectLine('5 three', glued)
  await ada.send('\n')
  await ada.expectLine('0 ', {
    because: 'An empty line is a line.',
    likely: 'The line end makes the line, also where nothing stands before it. null is the end.',
    look: 'blocking-socket.readLine()',
  })
  await ada.send('dos\r\n')
  await ada.expectLine('3 dos', {
    because: 'Some clients end their lines with \\r\\n; the \\r is no part of the line.',
    likely: 'Take one \\r off at the end of the line. toLine() does.',
  })
  await ada.send('next\n')
  await ada.expectLine('4 next', {
    because: 'A \\r and the \\n behind it are one line end, and not two.',
    likely: 'A line ends at \\n. A \\r alone ends none.',
    look: 'blocking-socket.readLine()',
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
    likely: 'When read() returns null, what has been collected is a line, if it has any bytes.',
    look: 'blocking-socket.readLine()',
  })
  await ada.expectEnd({
    because: 'After the last line readLine() returns null.',
    likely: 'At the end of the stream there is a last line only if it has any bytes.',
  })

  const bob = await connect(server)
  const longest = 'x'.repeat(64 * 1024)
  await bob.send(`${longest}\n`)
  await bob.expectLine(`65536 ${longest}`, {
    because: 'A line of exactly 64 KiB is allowed.',
    likely: 'More than maxBytes is too long; exactly maxBytes is not.',
    seen: {
      silent:
        'Either such a line costs too much time, because each piece copies all that came before it, or the last byte is waited for.',
    },
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
