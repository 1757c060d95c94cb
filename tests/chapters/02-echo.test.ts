import { countBytes } from '../harness/bytes.ts'
import { type Client, isMoving, pattern } from '../harness/client.ts'
import type { HostedServer } from '../harness/hosted-server.ts'
import { randomBytes } from '../harness/random.ts'
import { step } from '../judge/step.ts'

const KIBIBYTE = 1024
const MEBIBYTE = 1024 * KIBIBYTE

step('02.1', 'echoes bytes unchanged, however they are cut', async ({ serve, connect, random }) => {
  const server = await serve('02-echo')
  const ada = await connect(server)
  await ada.send('hello')
  await ada.expectBytes('hello', { because: 'An echo server sends back what it gets.' })

  const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte)
  await ada.send(everyByte)
  await ada.expectBytes(everyByte, {
    because: 'Not everything is text: each of the 256 byte values comes back as it was.',
  })

  await ada.sendGlued('\n', '\r\n', '\n\n', 'two messages', ' in one packet')
  await ada.expectBytes('\n\r\n\n\ntwo messages in one packet', {
    because: 'TCP knows no messages and no lines. Every byte counts, in order.',
    likely: 'Something in between looks for lines or trims them. An echo needs neither.',
  })

  const message = randomBytes(random, 300)
  await ada.send(message, { cut: 'byte by byte' })
  await ada.expectBytes(message, {
    because: 'The same bytes in 300 packets are the same bytes.',
    likely: "Only the first chunk is answered. 'data' comes as often as bytes arrive.",
  })

  for (let start = 0; start < 10 * MEBIBYTE; start += 40 * KIBIBYTE) {
    const piece = pattern(start, 40 * KIBIBYTE)
    await ada.send(piece)
    await ada.expectBytes(piece, {
      because: 'Ten mebibytes, 40 KiB at a time, come back unchanged.',
    })
  }
})

step(
  '02.2',
  'what is left after the client says goodbye is still echoed',
  async ({ serve, connect }) => {
    const server = await serve('02-echo')
    const ada = await connect(server)
    await ada.send('last words')
    await ada.halfClose()
    await ada.expectBytes('last words', {
      because: 'FIN says "I will send no more", not "I will not listen".',
    })
    await ada.expectEnd({
      because: 'Both sides say FIN. Until the server has said its own, the connection stays.',
      likely: "Nobody answers the client's FIN. It arrives as 'end'.",
    })

    const bob = await connect(server)
    bob.stopReading()
    const sent = await sendUntilQueued(bob, server)
    await bob.halfClose()
    await server.roundTrip()
    await bob.expectBytes(pattern(0, sent), {
      because:
        'bob had not read yet, so his last bytes waited in the server when his FIN came. They are still his.',
      likely: 'destroy() at the FIN throws the queue away. end() sends it first.',
    })
    await bob.expectEnd({ because: 'After the last byte comes FIN.' })
  },
)

step('02.3', 'a client that never reads stops being read', async ({ serve, connect, expect }) => {
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
    because: 'What one client does not read must not fill the memory of all.',
    likely:
      'write() answers false when the socket has enough queued. Whoever goes on writing collects the rest in memory.',
    expected: 'less than 8 MiB',
    received: `${countBytes(held)}, after ${countBytes(flood.taken)} from ada`,
  })
  expect('the server to have stopped reading from ada', !flood.isOver, {
    because: 'ada has read nothing, so there is no place left for all she sent.',
    likely: 'Are bytes thrown away? Stop reading instead: then the kernel tells ada to wait.',
  })
  const growth = await steadyGrowth(server)
  expect('what waits for ada not to grow any more', growth === 0, {
    because:
      'She still reads nothing. Whoever reads on from time to time collects it all in the end.',
    likely:
      "Reading goes on after a while. 'drain' says when there is room, a timer does not know.",
    received: `${Math.round(growth / KIBIBYTE)} KiB more`,
  })
})

step('02.4', 'a slow reader loses nothing and delays nobody', async (stage) => {
  const { serve, connect, expect } = stage
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
        'ada has taken a sip and stopped again. The brake is for every time, not for the first.',
      likely: 'After the first drain nobody pauses any more. Look at what each write() answers.',
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
    },
    { sips: 4 * MEBIBYTE, between: sip },
  )
  expect('no warning of Node', !server.output.includes('MaxListenersExceededWarning'), {
    because:
      'A listener for each chunk is memory for each chunk, and each of them is called each time.',
    likely: "Register 'drain' once for the socket, not once a chunk.",
    received: server.output.trim().split('\n')[0],
  })
})

/** How much Node's queues grow while nothing can leave them, if they grow in three looks out of three. */
async function steadyGrowth(server: HostedServer): Promise<number> {
  const before = await server.queuedBytes()
  let last = before
  for (let look = 0; look < 3; look++) {
    await server.cpuMsDuring(LOOK_MS)
    const queued = await server.queuedBytes()
    if (queued <= last) return 0
    last = queued
  }
  return last - before
}

/** Long enough for those who look again after a while. */
const LOOK_MS = 200

/** bob's round trip: proof that the server serves others. */
async function echoOnce(bob: Client): Promise<void> {
  await bob.send('still there?')
  await bob.expectBytes('still there?', {
    because: 'Others are served while one client does not read.',
  })
}

/**
 * Sends small pieces, unread, until some of their echo waits in the server's own queue because the kernel takes no
 * more. Returns the number of bytes sent.
 */
async function sendUntilQueued(client: Client, server: HostedServer): Promise<number> {
  let sent = 0
  while (sent < 64 * MEBIBYTE && (await server.queuedBytes()) === 0) {
    await client.send(pattern(sent, 16 * KIBIBYTE))
    sent += 16 * KIBIBYTE
    await server.roundTrip()
  }
  return sent
}
