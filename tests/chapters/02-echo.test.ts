import { countBytes } from '../harness/bytes.ts'
import { type Client, isMoving, pattern } from '../harness/client.ts'
import { randomBytes } from '../harness/random.ts'
import { step } from '../judge/step.ts'
import { expectForgotten, expectGoodbye } from '../worlds/02-echo/goodbyes.ts'
import { besideAnother, fillAgainAndAgain, goodbyeAtOnce, restlessness } from '../worlds/echo.ts'

const KIBIBYTE = 1024
const MEBIBYTE = 1024 * KIBIBYTE

/** A first chunk was answered. */
const AFTER_THE_FIRST = {
  silent:
    "Only the first chunk was answered. 'data' is emitted for each chunk: use on(), not once(), and go on reading as long as write() returns true.",
  ended: 'The socket was ended after an answer. Only answerGoodbye() ends it, at the FIN.',
}

/** Nothing was answered. */
const ENDED_FIRST = {
  likely:
    "The socket was ended before the echo was written. Answer 'data' with write(); answerGoodbye() says FIN at 'end', and no earlier.",
}

step('02.1', 'echoes every byte unchanged, and says FIN after the last', async (stage) => {
  const { serve, connect, random, load, expect, expectSame, story } = stage
  const server = await serve('02-echo')
  const [ada, bob] = [await connect(server), await connect(server)]
  await ada.send('hello')
  await ada.expectBytes('hello', {
    because: 'An echo server sends back what it gets, as soon as it gets it.',
    likely:
      'Write each chunk when it arrives, to the socket it came from. Do not wait for a line, more bytes or FIN.',
    seen: { ended: ENDED_FIRST, reset: ENDED_FIRST },
  })
  await bob.expectSilence(() => server.roundTrip(), {
    because: 'What ada says goes back to ada alone.',
    likely: 'Something is shared by all sockets. Each socket needs its own.',
  })

  await ada.send('and again')
  await ada.expectBytes('and again', {
    because: 'A client says more than one thing, and each chunk is echoed.',
    look: 'echoBytes()',
    likely: AFTER_THE_FIRST.silent,
    seen: {
      ...AFTER_THE_FIRST,
      'other bytes':
        'More came back than was sent. Write each chunk once, and no earlier one again.',
    },
  })

  const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte)
  await ada.send(everyByte)
  await ada.expectBytes(everyByte, {
    because: 'Not everything is text: each of the 256 byte values comes back as it was.',
    likely: 'The bytes went through a string. Write the chunk as it arrived, as a Buffer.',
    seen: AFTER_THE_FIRST,
  })

  await ada.send('\n')
  await ada.expectBytes('\n', {
    because: 'A single line end is a byte like any other.',
    likely: 'Some code skips it. An echo does not look at the bytes.',
    seen: { ended: AFTER_THE_FIRST.ended },
  })
  await ada.sendGlued('\n', '\r\n', '\n\n', 'two messages', ' in one packet')
  await ada.expectBytes('\n\r\n\n\ntwo messages in one packet', {
    because: 'TCP knows no messages and no lines. Every byte counts, in order.',
    likely: 'Some code looks for lines or trims them. An echo needs neither.',
  })

  const message = randomBytes(random, 300)
  await ada.send(message, { cut: 'byte by byte' })
  await ada.expectBytes(message, {
    because: 'The same bytes in 300 packets are the same bytes.',
    likely: "Only the first chunk is answered. 'data' is emitted each time bytes arrive.",
    seen: {
      'other bytes': 'Chunks come back in another order, because some of them are held back.',
      ended: AFTER_THE_FIRST.ended,
    },
  })

  ada.beQuiet('sends 10 MiB, 40 KiB at a time, and expects each piece back before the next')
  for (let start = 0; start < 10 * MEBIBYTE; start += 40 * KIBIBYTE) {
    const piece = pattern(start, 40 * KIBIBYTE)
    await ada.send(piece)
    await ada.expectBytes(piece, {
      because: 'Ten mebibytes, 40 KiB at a time, come back unchanged.',
      likely: 'Write all of the chunk, however long it is.',
    })
  }

  const { echoBytes, answerGoodbye } = await load(() => import('#code/02-echo/server.ts'))
  story.tell('cyd', 'sends 32 pieces of 1 KiB before she reads')
  const { failed, isPaused } = await fillAgainAndAgain(echoBytes, { rounds: 1, piece: KIBIBYTE })
  expect('all pieces to come back as they were', failed === undefined, {
    because: 'cyd reads late, so some of her pieces have to wait in the queue of the socket.',
    likely:
      failed === 'other bytes'
        ? 'write() keeps the Buffer it was given until it can be sent: use a new one each time, and leave it as it is.'
        : isPaused
          ? "The socket was paused although its queue was not full, and nothing resumes it: 'drain' comes only after a write() that returned false. Pause only then."
          : 'Not every chunk is written, or not all of it.',
    received: failed,
  })
  story.tell('dee', 'sends pieces of 2 KiB and of 10 bytes alternately, and then one of 256 KiB')
  const pieces = [
    ...Array(16)
      .fill([2 * KIBIBYTE, 10])
      .flat(),
    256 * KIBIBYTE,
  ]
  const uneven = await fillAgainAndAgain(echoBytes, { rounds: 1, pieces, mark: MEBIBYTE })
  expect('small and large pieces to come back as they were', uneven.failed === undefined, {
    because: 'A chunk may be a byte long, or longer than any buffer of yours.',
    likely:
      uneven.failed === 'other bytes'
        ? 'Chunks come back in another order, because large ones are held back. Or the end of a large one is cut off.'
        : uneven.failed === 'nothing'
          ? 'The socket before hers was served. Is something remembered for all sockets?'
          : 'Write all of the chunk, however long it is.',
    received: uneven.failed,
  })

  await expectGoodbye(stage, server, ada, bob)
  story.tell('eve', 'says `bye` and FIN over a stream without a kernel')
  const heard = await goodbyeAtOnce((socket) => {
    echoBytes(socket)
    answerGoodbye(socket)
  })
  expectSame('what comes back within a few turns of the loop', heard, 'bye, FIN', {
    because: 'The queue is empty, so there is nothing to wait for: FIN answers FIN at once.',
    ...(heard.startsWith('bye') ? LATE_FIN : LATE_ECHO),
  })
  for (const leave of ['says `bye` and FIN', 'is lost'] as const) {
    await expectForgotten(
      stage,
      (socket) => {
        echoBytes(socket)
        answerGoodbye(socket)
      },
      leave,
    )
  }
})

const LATE_FIN = {
  look: 'answerGoodbye()',
  likely: "A timer says FIN later, or checks for the end again and again. Say FIN at 'end'.",
}

const LATE_ECHO = {
  look: 'echoBytes()',
  likely:
    "The chunk is written later than it arrives, by a timer or in another turn of the loop. 'end' may be emitted first, and nothing can follow FIN. Write it in the 'data' listener.",
}

step('02.2', 'a client that never reads stops being read', async ({ serve, connect, expect }) => {
  const server = await serve('02-echo')
  const [ada, bob] = [await connect(server), await connect(server)]
  bob.beQuiet('sends something and gets it back, again and again')
  ada.stopReading()

  const before = await server.heldBytes()
  const flood = ada.flood(256 * MEBIBYTE)
  let held = 0
  while (held < 8 * MEBIBYTE && (await isMoving(flood, () => echoOnce(bob)))) {
    held = (await server.heldBytes()) - before
  }
  expect('the server to hold less than 8 MiB for ada', held < 8 * MEBIBYTE, {
    because: 'What one client does not read must not fill the memory that all clients share.',
    likely:
      'write() returns false when enough is queued. From then on every chunk that is read stays in memory: pause the socket.',
    expected: 'less than 8 MiB',
    received: `${countBytes(held)}, after ${countBytes(flood.taken)} from ada`,
  })
  expect('the server to have stopped reading from ada', !flood.isOver, {
    because: 'ada has read nothing, so there is no room for everything she sends.',
    likely:
      flood.taken < 256 * MEBIBYTE
        ? 'Her connection is gone. A slow client has to wait, and must not be cut off: stop reading, and the kernel makes her wait.'
        : 'Bytes that do not fit are thrown away. Stop reading instead: then the kernel tells ada to wait.',
    received: flood.isOver ? `${countBytes(flood.taken)} taken from her, or lost` : undefined,
  })
  const { growth, isSpinning, timerMs } = await restlessness(server)
  expect('ada’s queue not to grow any more', growth === 0, {
    because:
      'She still reads nothing. A server that reads a little now and then collects everything in the end.',
    likely:
      "Reading goes on after a while. 'drain' says when there is room; a timer does not know.",
    received: `${Math.round(growth / KIBIBYTE)} KiB more`,
  })
  const queued = await server.queuedBytes()
  expect('no more than 256 KiB in the queue of her socket', queued <= 256 * KIBIBYTE, {
    because: 'One high-water mark (64 KiB) and the chunk that went beyond it are enough.',
    likely: 'Pause when write() returns false, not at a mark of your own.',
    received: countBytes(queued),
  })
  expect('the server to be asleep', !isSpinning && timerMs === undefined, {
    because: 'Nothing can happen before ada reads. A thousand such clients must cost no CPU.',
    likely: isSpinning
      ? 'It looks for room again and again. An event tells when there is some.'
      : 'A timer checks whether there is room. An event tells when there is.',
    received: isSpinning ? 'it computes all the time' : `a timer of ${timerMs} ms`,
  })
})

step('02.3', 'a slow reader loses nothing and delays nobody', async (stage) => {
  const { serve, connect, expect, load, story } = stage
  const server = await serve('02-echo')
  const [ada, bob] = [await connect(server), await connect(server)]
  bob.beQuiet('sends something and gets it back, again and again')
  ada.stopReading()
  const before = await server.heldBytes()
  const flood = ada.flood(48 * MEBIBYTE)
  const standstill = async () => {
    while (await isMoving(flood, () => echoOnce(bob))) {}
  }
  const sip = async () => {
    await standstill()
    const held = (await server.heldBytes()) - before
    if (held < 8 * MEBIBYTE) return
    expect('the server to hold less than 8 MiB for ada', false, {
      because:
        'ada has read a little and stopped again. The brake must work every time, not only the first.',
      likely:
        'After the first drain the socket is not paused any more. Look at what each write() returns.',
      expected: 'less than 8 MiB',
      received: countBytes(held),
    })
  }
  await standstill()

  await ada.expectBytes(
    pattern(0, 48 * MEBIBYTE),
    {
      because: 'ada reads now, so the server must go on: sending what waited, and reading again.',
      likely:
        "Reading was paused and never resumed. 'drain' says when there is room again, each time.",
      seen: {
        'other bytes':
          'A chunk is missing that arrived while the queue was full. write() takes a chunk even when it returns false: write every chunk.',
      },
    },
    { sips: 4 * MEBIBYTE, between: sip },
  )

  const { echoBytes } = await load(() => import('#code/02-echo/server.ts'))
  const rounds = 60
  story.tell('queue', `fills up and is emptied, ${rounds} times`)
  const { done, mostQueued, drainListeners } = await fillAgainAndAgain(echoBytes, {
    rounds,
    // No number of them makes a high-water mark.
    piece: 15 * KIBIBYTE,
  })
  expect('every byte to come back each time', done === rounds, {
    because: 'A conversation may fill its queue thousands of times.',
    likely: "Reading was paused and never resumed. 'drain' says when there is room, each time.",
    received: `stuck after ${done} rounds`,
  })
  expect('reading to be paused each time', mostQueued <= 256 * KIBIBYTE, {
    because: 'The brake must work every time the queue is full. Its mark is 64 KiB.',
    likely: 'After some time the socket is not paused any more. Look at what each write() returns.',
    received: `${countBytes(mostQueued)} in the queue`,
  })
  expect("at most 10 'drain' listeners", drainListeners <= 10, {
    because:
      'A listener for each chunk costs memory for each chunk, and every one of them is called at each drain.',
    likely: "Register the 'drain' listener once per socket, not once per chunk.",
    received: `${drainListeners} listeners after ${rounds} rounds`,
  })
  story.tell(
    'cyd',
    'does not read while another client’s queue fills up and empties, and dan does not read at all; then she reads',
  )
  const cyd = await besideAnother(echoBytes)
  expect('nothing more to be read from cyd meanwhile', cyd.growth <= 64 * KIBIBYTE, {
    because: 'There is room in the queue of another client, but none in hers.',
    likely: 'Each socket is paused by its own queue, and resumed by its own drain.',
    received: `${countBytes(Math.max(0, cyd.growth))} more in her queue`,
  })
  expect('dan to be paused as well', cyd.queuedForOther <= 256 * KIBIBYTE, {
    because: 'That cyd is paused already says nothing about dan.',
    likely: 'Each socket is paused by its own queue: keep nothing about it in the module.',
    received: `${countBytes(cyd.queuedForOther)} in his queue`,
  })
  expect('all of her bytes to come back', cyd.isServed, {
    because: 'Her bytes had to wait, but must not be lost.',
    likely:
      'Is something remembered for all sockets? The drain of another client says nothing about hers.',
  })
  await expectForgotten(stage, echoBytes, 'reads nothing, and is lost')
})

/** bob's round trip: proof that the server serves others. */
async function echoOnce(bob: Client): Promise<void> {
  await bob.send('still there?')
  await bob.expectBytes('still there?', {
    because: 'Others are served while one client does not read.',
    likely:
      "bob's socket is paused as well, or something is shared. Each client has its own queue.",
    seen: { ended: "bob's connection was ended, although he had done nothing." },
  })
}
