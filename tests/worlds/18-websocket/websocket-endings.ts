/** How WebSockets of chapter 18 end: which of the two ends says Close first, and what comes back. */

import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'
import { clientClose, clientFrame, clientText, codeOf } from '../../protocols/websocket.ts'
import { FIN_BEHIND_CLOSE, openWebSockets } from './websocket-connection.ts'

type World = Awaited<ReturnType<typeof openWebSockets>>

/** First what close() does alone, then what follows a Close of the client. */
export async function expectClosingHandshakes(stage: Stage): Promise<void> {
  const world = await openWebSockets(stage, { goodbyeMs: 5_000 })
  await expectServerFirst(stage, world)
  await expectFaultsTold(stage, world, [
    ['cyd', clientFrame('text', Buffer.of(0xc0)), 1007, 'a text is UTF-8'],
    ['dee', clientFrame('continuation', 'x'), 1002, 'there is nothing to continue'],
    ['eve', clientFrame('binary', '', { length: 1_001 }), 1009, 'the message is too large'],
  ])
  await expectClientFirst(stage, world)
  await expectFaultsTold(stage, world, [
    ['hal', clientFrame('close', Buffer.of(3)), 1002, 'half a code is a protocol error'],
    ['ivy', clientClose(1005), 1002, '1005 is never sent, and is not sent back'],
    ['jay', clientClose(1000, Buffer.of(0xff)), 1007, 'its reason is not UTF-8'],
  ])
}

async function expectServerFirst({ expect, expectSame }: Stage, world: World): Promise<void> {
  const [ada, adaEnd] = await world.arrive('ada')
  await world.act(() => {
    adaEnd.socket.send({ isText: true, payload: Buffer.from('still due') })
    adaEnd.socket.close('idle')
  })
  ada.expectFrames(['text "still due"', 'close 1008'], (received) => ({
    because:
      'ENDINGS has the code for each ending. The Close comes after everything that was sent.',
    likely: hasClose(received) ? undefined : likelyOfNoClose(received),
    look: 'websocket.close()',
  }))
  ada.expectEnd(FIN_BEHIND_CLOSE)
  await world.act(() => adaEnd.socket.close('finished'))
  await ada.send(Buffer.concat([clientText('too late'), clientClose(1008)]))
  ada.expectReceived('', { because: 'The server has sent its Close, and sends nothing after it.' })
  await ada.halfClose()
  expectSame('why ada’s connection has ended', adaEnd.endings, ['idle'], {
    because: 'The first reason counts, and a connection ends only once.',
    likely: 'close() has to pass `why` on to connection.end().',
    look: 'websocket.close()',
  })

  const [bob, bobEnd] = await world.arrive('bob')
  await world.act(() => bobEnd.socket.close('invalid', 1003, 'The chat is text. '.repeat(20)))
  const [close] = bob.takeFrames()
  expectSame('the code', close && codeOf(close.payload), 1003, {
    because: 'A code that is given replaces that of the ending.',
    look: 'websocket.close()',
  })
  const said = close?.payload.subarray(2).toString()
  expect('the reason to be the one that is given', said?.startsWith('The chat is text.') === true, {
    because: 'A reason that is given replaces that of the ending.',
    likely: 'Pass `reason` to encodeClose(), next to the code.',
    expected: '"The chat is text.…"',
    received: JSON.stringify(said),
    look: 'websocket.close()',
  })
  expectSame('what is wrong with the frame', close?.fault, undefined, {
    because: 'A Close has a payload of 125 bytes at most, however long the reason is.',
    likely: 'encodeClose() shortens a reason that is too long.',
    look: 'websocket.close()',
  })
  await world.advance(5_001)
  bob.expectCut({
    because: 'bob has sent neither a Close nor FIN, and the server does not wait forever.',
    likely: 'Connection.end() starts the deadline of chapter 08.',
  })
  expectSame('why bob’s connection has ended', bobEnd.endings, ['invalid'], {
    because: 'The deadline does not replace the reason that close() was given.',
    look: 'websocket.close()',
  })
}

async function expectFaultsTold(
  { expectSame }: Stage,
  world: World,
  wrong: [name: string, frame: Uint8Array, code: number, why: string][],
): Promise<void> {
  for (const [name, frame, code, why] of wrong) {
    const isClose = frame[0] === 0x88
    const [client, end] = await world.arrive(name)
    await client.send(Buffer.concat([frame, clientText('late')]))
    client.expectClosed(code, (received) => ({
      because: `${code}: ${why}. Nothing after it counts.`,
      ...causeOfUntoldFault(received, code, isClose),
    }))
    await client.halfClose()
    expectSame(
      `why ${name}’s connection has ended`,
      end.endings,
      [code === 1009 ? 'too-large' : 'invalid'],
      {
        because: 'A server counts its connections by the reason why they ended.',
        likely: 'close() has to pass `why` on to connection.end().',
        look: isClose ? ['#hearClose()', 'websocket.close()'] : 'websocket.close()',
      },
    )
  }
}

function causeOfUntoldFault(
  received: readonly string[],
  code: number,
  isClose: boolean,
): Pick<Reason, 'likely' | 'look'> {
  const look = 'websocket.close()'
  if (received[0] === `close ${code}`) {
    return {
      likely:
        'Our Close is the last thing on the connection. Give it to connection.end(), and what arrives later is thrown away.',
      look,
    }
  }
  if (received.length > 1 && hasClose(received)) {
    return {
      likely:
        'close() ends the connection before it returns, so what arrives after the fault is ignored.',
      look,
    }
  }
  if (!isClose) {
    const likely = hasClose(received)
      ? 'A fault is reported in a Close with the code that close() was given.'
      : 'No Close was sent: close() has to send one each time, before it returns, as the last words of the connection.'
    return { likely, look }
  }
  return {
    likely: hasClose(received)
      ? '#fail() reports the fault that parseClose() names. Keep no code of a wrong Close: close() would send it back.'
      : 'A wrong Close is a fault: #fail() reports it and ends the connection.',
    look: ['#hearClose()', look],
  }
}

async function expectClientFirst({ expectSame }: Stage, world: World): Promise<void> {
  const [fay, fayEnd] = await world.arrive('fay')
  await fay.send(
    Buffer.concat([clientText('last words'), clientClose(4001, 'bye'), clientText('late')]),
  )
  fay.expectFrames(['text "last words"', 'close 4001'], (received) => ({
    because:
      'The answer to a Close is a Close with the same code (RFC 6455 §5.5.1). Whatever follows the peer’s Close is ignored.',
    ...causeOfNoAnswer(received),
  }))
  fay.expectEnd({
    because: 'Both sides have sent a Close, so the server ends the connection (§7.1.1).',
    look: 'websocket.close()',
  })
  await fay.send(clientText('later'))
  fay.expectReceived('', {
    because: 'After the Close, the server ignores what arrives and sends nothing.',
  })
  await fay.halfClose()
  expectSame('why fay’s connection has ended', fayEnd.endings, ['finished'], {
    because: 'Nothing was wrong.',
    look: '#hearClose()',
  })

  const [gus] = await world.arrive('gus')
  await gus.send(clientClose())
  gus.expectClosed(undefined, (received) => ({
    because:
      'A Close without a code is answered by a Close without one, because 1005 is never sent.',
    ...(hasClose(received)
      ? {
          likely: 'Keep NO_CODE and pass it on like any other code: encodeClose() handles it.',
          look: ['websocket.close()', '#hearClose()'],
        }
      : causeOfNoAnswer(received)),
  }))
  await gus.halfClose()
}

/** Why a Close was not answered by one, as far as the frames that came tell: close() is known to send one. */
function causeOfNoAnswer(received: readonly string[]): Pick<Reason, 'likely' | 'look'> {
  if (received.length === 0) return { likely: likelyOfNoClose(received), look: 'websocket.close()' }
  if (!hasClose(received)) {
    return {
      likely:
        'A peer that has sent its Close has nothing more to say: #end() asks the service, or closes.',
      look: ['#hearClose()', 'websocket.close()'],
    }
  }
  return {
    likely:
      'close() sends the code of the peer’s Close instead of its own. Keep it before you call #end(), which may call close() at once.',
    look: ['#hearClose()', 'websocket.close()'],
  }
}

function likelyOfNoClose(received: readonly string[]): string {
  return received.length === 0
    ? 'Nothing arrived, not even what was sent earlier: destroy() throws away what waits to be sent, end() does not.'
    : 'No Close was sent: close() has to send one. connection.end() works once, so give it the last words and the Close together.'
}

function hasClose(received: readonly string[]): boolean {
  return received.some((frame) => frame.startsWith('close'))
}
