import { countBytes } from '../harness/bytes.ts'
import { isMoving, pattern } from '../harness/client.ts'
import { step } from '../judge/step.ts'
import { expectDelivery } from '../worlds/03-blocking-socket/bridge-delivery.ts'
import { expectEndingsTold } from '../worlds/03-blocking-socket/bridge-endings.ts'
import {
  expectWindow,
  expectWindowKept,
} from '../worlds/03-blocking-socket/bridge-window-trials.ts'
import { expectCountWrapped, expectNewsTold } from '../worlds/03-blocking-socket/news-told.ts'
import {
  expectEveryByteKept,
  expectLines,
  expectOwnLines,
  expectRestRead,
} from '../worlds/03-blocking-socket/reading-lines.ts'
import {
  expectEndingsRead,
  expectReads,
  expectTakenTold,
} from '../worlds/03-blocking-socket/reading-thread.ts'
import {
  expectNoCpuUsed,
  expectWaking,
  untilAsleep,
} from '../worlds/03-blocking-socket/sleeping-server.ts'
import {
  expectEveryWait,
  expectSleepInSilence,
} from '../worlds/03-blocking-socket/sleeping-thread.ts'
import { expectRoomAwaited } from '../worlds/03-blocking-socket/writing-thread.ts'
import { restlessness } from '../worlds/echo.ts'

const CHAPTER = '03-blocking-socket'
const MEBIBYTE = 1024 * 1024

/** What a process may grow by for other reasons. */
const LIMIT = 48 * MEBIBYTE

/** Beyond what sockets and windows hold on the way: after so much the sender must have gone on. */
const READ_ON = MEBIBYTE

step('03.1', 'a thread sleeps until there is news, and misses none', async (stage) => {
  await expectNewsTold(stage)
  await expectEveryWait(stage)
  await expectSleepInSilence(stage)
  await expectCountWrapped(stage)
})

step('03.2', 'read() sleeps until bytes come, and wakes promptly', async (stage) => {
  const { serve, connect } = stage
  await expectDelivery(stage)
  await expectReads(stage)

  const server = await serve(CHAPTER)
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
        "The first chunk came back, but nothing of the second: 'data' is emitted for every chunk, and deliver() must tell the news each time.",
      part: 'Only the first bytes of the chunk came back: deliver the whole chunk.',
    },
  })

  await expectNoCpuUsed(stage, server)
  await expectWaking(server, ada)
})

step('03.3', 'the end of the stream and a lost peer both wake it', async (stage) => {
  const { serve, connect } = stage
  await expectEndingsRead(stage)
  await expectEndingsTold(stage)

  const server = await serve(CHAPTER)
  const ada = await connect(server)
  await ada.send('last words')
  await ada.halfClose()
  await ada.expectBytes('last words', { because: 'What arrived before the FIN is read first.' })
  await ada.expectEnd({
    because:
      'After the FIN, read() returns null, the loop of the job ends, and the job says FIN as well.',
    likely: "The thread still sleeps in read(): nothing told it about 'end'.",
  })

  const bob = await connect(server)
  await bob.send('hi')
  await bob.expectBytes('hi', {
    because: 'The thread is free for the next client.',
    seen: {
      ended:
        "The end of ada's stream ends bob's as well. Each socket has an end of its own: #ending.",
    },
    look: 'blocking-socket.read()',
  })
  bob.reset()
  const cyd = await connect(server)
  await cyd.send('hello')
  await cyd.expectBytes('hello', {
    because: 'bob is lost, so the thread that waited for him must be free for cyd.',
    likely:
      'No FIN follows a reset: tell the thread when the socket closes, and let read() throw ConnectionLost.',
  })
})

step('03.4', 'a thread that does not read is not sent more', async (stage) => {
  const { serve, connect, expect } = stage
  await expectTakenTold(stage)
  await expectWindow(stage)
  await expectWindowKept(stage)

  const deaf = await serve(CHAPTER, { job: 'sleep' })
  const ada = await connect(deaf)
  const before = await deaf.rssBytes()
  const flood = ada.flood(256 * MEBIBYTE)
  let grown = 0
  while (grown < LIMIT && (await isMoving(flood, () => deaf.roundTrip())))
    grown = (await deaf.rssBytes()) - before
  expect('ada to be held back while the thread sleeps', grown < LIMIT && !flood.isOver, {
    because: 'A thread that does not read must stop its client, not fill the memory.',
    likely:
      'Count what has been delivered and not taken, and pause the socket from WINDOW_BYTES on. read() posts what it takes.',
    expected: `the process to grow by less than ${countBytes(LIMIT)}`,
    received: `it grew by ${countBytes(Math.max(0, grown))}, and took ${countBytes(flood.taken)} from ada`,
  })

  const { isSpinning, timerMs } = await restlessness(deaf)
  expect('the bridge to be asleep', !isSpinning && timerMs === undefined, {
    because: 'Nothing can happen before the thread reads. The message `taken` tells when it has.',
    likely: 'The socket is resumed by a timer, or checked again and again. Resume it at `taken`.',
    received: isSpinning ? 'it computes all the time' : `a timer of ${timerMs} ms`,
  })
})

step('03.5', 'write() sleeps while its peer does not read', async (stage) => {
  const { serve, connect, expect } = stage
  await expectRoomAwaited(stage)

  const talkative = await serve(CHAPTER, { job: 'pour' })
  const ada = await connect(talkative)
  await ada.expectBytes('x', { because: 'The thread writes as soon as a client is there.' })
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
  const poured = await talkative.writtenBytes()
  await ada.expectBytes('x'.repeat(poured + READ_ON), {
    because: 'ada reads now, so the thread must go on writing.',
    likely:
      'FLUSHED grows with every piece that the kernel takes, and the bridge tells the news: look again each time.',
  })
  ada.leave()
  const bob = await connect(talkative)
  await bob.expectBytes('xxxx', {
    because: 'ada has left, so the thread that was writing to her must be free for bob.',
    likely:
      'A thread that waits for room must also wake when the connection closes: then throw ConnectionLost.',
  })

  const echoing = await serve(CHAPTER)
  const cyd = await connect(echoing)
  cyd.stopReading()
  const more = cyd.flood(256 * MEBIBYTE)
  const standstill = async () => {
    while (await isMoving(more, () => echoing.roundTrip())) {}
  }
  await standstill()
  const held = more.taken
  await cyd.expectBytes(pattern(0, held + READ_ON), {
    because: 'cyd reads now, so the thread must write again, read again, and take more from her.',
    likely:
      'read() must post what it has taken, and the bridge must resume the socket below WINDOW_BYTES.',
  })
  await standstill()
  const swallowed = more.taken - held - READ_ON
  expect('cyd to be held back when she stops again', swallowed < LIMIT, {
    because: 'A window is for the whole conversation, not only for its beginning.',
    likely:
      'Is credit given twice for the same bytes, or is the socket never paused again? Count each byte up once when it is delivered, and down once when it is taken.',
    look: ['pumpToThread()', '#waitForRoom()'],
    expected: `less than ${countBytes(LIMIT)} beyond what she has read`,
    received: countBytes(swallowed),
  })
})

step('03.6', 'readLine() waits for whole lines, and not for endless ones', async (stage) => {
  const { serve, connect } = stage
  const server = await serve(CHAPTER, { job: 'count' })
  const ada = await connect(server)
  await ada.send('hello\n')
  await ada.expectLine('5 hello', {
    because: 'The job answers each line with its length and the line.',
  })
  await ada.sendGlued('one\n', 'two\n', 'thr')
  const glued = {
    because: 'Several lines may arrive at once, with half of another after them.',
    likely: 'What follows the line end must not be lost: keep it for the next read.',
    seen: {
      'other bytes':
        'A line ends at the first line end in a chunk (indexOf). Keep what follows that end as it is, and return it once.',
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
    likely:
      'A line end makes a line, even with nothing before it. null means the end of the stream.',
    look: 'blocking-socket.readLine()',
  })
  await ada.send('dos\r\n')
  await ada.expectLine('3 dos', {
    because: 'Some clients end their lines with \\r\\n; the \\r is no part of the line.',
    likely: 'Take one \\r off the end of the line, as toLine() does.',
  })
  await ada.send('next\n')
  await ada.expectLine('4 next', {
    because: 'A \\r followed by \\n is one line end, not two.',
    likely: 'A line ends at \\n. A \\r alone does not end a line.',
    look: 'blocking-socket.readLine()',
  })
  await ada.send('Grüße, 🌍!\n')
  await ada.expectLine('9 Grüße, 🌍!', {
    because: 'Lines are UTF-8.',
    likely: 'Decode the bytes of the line as UTF-8, as toLine() does.',
  })
  await ada.send('no end')
  await ada.halfClose()
  await ada.expectLine('6 no end', {
    because: 'The last bytes are a line too, even without a line end.',
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
    likely:
      'Count only what comes before the \\n, and refuse it only if it exceeds maxBytes: exactly maxBytes are allowed.',
    seen: {
      silent:
        'Either such a line costs too much time, because each piece copies all the earlier ones, or readLine() still waits for the last byte.',
    },
  })
  await bob.send('y'.repeat(64 * 1024 + 1))
  await bob.expectLine('error line too long', {
    because: 'A peer that never ends its line must not fill the memory.',
    likely:
      'Throw LineTooLong as soon as the line is longer than maxBytes, line end or not. One byte more may wait only if it is a \\r.',
    look: 'blocking-socket.readLine()',
  })
  await bob.expectEnd({ because: 'Such a peer is told so, and then disconnected.' })
  await bob.halfClose()

  const cyd = await connect(server)
  await cyd.send('z'.repeat(300_000))
  await cyd.expectLine('error line too long', { because: 'cyd is told, like bob.' })
  await cyd.expectEnd({ because: 'She is disconnected, like bob.' })
  await cyd.halfClose()
  const look = async () => {
    const connections = await server.connections()
    return { holds: connections === 0, received: `${connections}` }
  }
  await server.expectEventually('no open socket', look, {
    because:
      'All have said FIN, and so has the server. The thread does not read the rest of cyd’s bytes, but her FIN comes after them.',
    likely:
      'Once the thread has closed its port, the bridge reads on and discards the bytes. Does anything pause the socket again?',
  })
  await expectLines(stage)
  await expectRestRead(stage)
  await expectOwnLines(stage)
  await expectEveryByteKept(stage)
})
