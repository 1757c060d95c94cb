/** How WebSockets of chapter 18 end: which of the two ends says Close first, and what comes back. */

import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'
import {
  clientClose,
  clientFrame,
  clientText,
  codeOf,
  serverFrame,
} from '../../protocols/websocket.ts'
import { openWebSockets } from './websocket-connection.ts'

/** Who says Close first, and what comes back. */
export async function expectClosingHandshakes(stage: Stage): Promise<void> {
  const { expectSame } = stage
  const world = await openWebSockets(stage, { goodbyeMs: 5_000 })
  const comesBack = (received: readonly string[]): Reason => ({
    because:
      'The answer to a Close is a Close with the same code (RFC 6455 §5.5.1). What comes behind it is not looked at.',
    likely: likelyOfNoAnswer(received),
    look: hasClose(received)
      ? ['#hearClose()', 'websocket.close()']
      : ['websocket.close()', '#hearClose()'],
  })
  const [ada, adaEnd] = await world.arrive('ada')
  await ada.send(
    Buffer.concat([clientText('last words'), clientClose(4001, 'bye'), clientText('late')]),
  )
  ada.expectFrames(['text "last words"', 'close 4001'], comesBack)
  ada.expectEnd({ because: 'Both have said Close: the server ends the connection (§7.1.1).' })
  await ada.send(clientText('later'))
  ada.expectReceived('', { because: 'Behind a Close nothing is heard, and nothing said.' })
  await ada.halfClose()
  expectSame('why ada’s connection has ended', adaEnd.endings, ['finished'], {
    because: 'Nothing was wrong.',
  })

  const [bob] = await world.arrive('bob')
  await bob.send(clientClose())
  bob.expectClosed(undefined, {
    because: 'A Close without a code is answered by one without: 1005 is never sent.',
    likely: 'encodeClose() knows NO_CODE: hand it on.',
    look: ['websocket.close()', '#hearClose()'],
  })
  await bob.halfClose()

  const wrong: [string, Uint8Array, number, string][] = [
    ['cyd', clientFrame('close', Buffer.of(3)), 1002, 'half a code is a protocol error'],
    ['dee', clientClose(1005), 1002, '1005 is never sent, and is not sent back'],
    ['eve', clientClose(1000, Buffer.of(0xff)), 1007, 'its reason is not UTF-8'],
    ['fay', clientFrame('text', Buffer.of(0xc0)), 1007, 'a text is UTF-8'],
    ['gus', clientFrame('continuation', 'x'), 1002, 'there is nothing to continue'],
    ['hal', clientFrame('binary', '', { length: 1_001 }), 1009, 'the message is too large'],
  ]
  for (const [name, frame, code, why] of wrong) {
    const [client, end] = await world.arrive(name)
    await client.send(Buffer.concat([frame, clientText('late')]))
    client.expectClosed(code, (received) => ({
      because: `${code}: ${why}. Nothing behind it counts.`,
      likely:
        received[0] === `close ${code}`
          ? 'A Close of ours is the last thing on the connection: connection.end() takes it, and what comes later is thrown away.'
          : 'A fault is told in a Close with the code of FAULTS.',
      look: ['#hearClose()', 'websocket.close()'],
    }))
    await client.halfClose()
    expectSame(
      `why ${name}’s connection has ended`,
      end.endings,
      [code === 1009 ? 'too-large' : 'invalid'],
      {
        because: 'A server counts its connections by why they have ended.',
      },
    )
  }

  const [ivy, ivyEnd] = await world.arrive('ivy')
  await world.act(() => ivyEnd.socket.close('idle'))
  ivy.expectClosed(1008, {
    because: 'ENDINGS has the code of each ending, and the server said Close first.',
  })
  await world.act(() => ivyEnd.socket.close('finished'))
  await ivy.send(Buffer.concat([clientText('too late'), clientClose(1008)]))
  ivy.expectReceived('', { because: 'The server has said Close: it says nothing more.' })
  await ivy.halfClose()
  expectSame('why ivy’s connection has ended', ivyEnd.endings, ['idle'], {
    because: 'The first reason is the reason, and a connection is over once.',
  })

  const [jay, jayEnd] = await world.arrive('jay')
  await world.act(() => jayEnd.socket.close('invalid', 1003, 'The chat is text. '.repeat(20)))
  const [close] = jay.takeFrames()
  expectSame('the code', close && codeOf(close.payload), 1003, {
    because: 'A code that is given takes the place of the ending’s.',
  })
  const said = close?.payload.subarray(2).toString()
  stage.expect(
    'the reason to be the one that is given',
    said?.startsWith('The chat is text.') === true,
    {
      because: 'A reason that is given takes the place of the ending’s.',
      received: JSON.stringify(said),
    },
  )
  expectSame('what is wrong with the frame', close?.fault, undefined, {
    because: 'A Close has 125 bytes at most, however much there is to say.',
    likely: 'encodeClose() cuts a reason.',
  })
  await world.advance(5_001)
  jay.expectCut({
    because: 'jay has neither said Close nor FIN. Nobody is waited for forever.',
    likely: 'Connection.end() begins the deadline of chapter 08.',
  })
  expectSame('why jay’s connection has ended', jayEnd.endings, ['invalid'], {
    because: 'The deadline is not the reason.',
  })

  const patient = await openWebSockets(
    stage,
    {},
    {
      lastWords: (why) => (why === 'finished' ? undefined : serverFrame('text', `because ${why}`)),
      onEnd() {},
    },
  )
  const [kim, kimEnd] = await patient.arrive('kim')
  await kim.send(Buffer.concat([clientText('one'), clientClose(4002)]))
  kim.expectFrames(['text "one"'], {
    because: 'The service has something to finish: with onEnd, it says itself when to close.',
    likely: 'A Close ends what the peer says. #end() asks the service, if it wants to be asked.',
    look: '#hearClose()',
  })
  await kim.send(clientText('two'))
  await patient.act(() => kimEnd.socket.send({ isText: true, payload: Buffer.from('still due') }))
  await patient.act(() => kimEnd.socket.close('finished'))
  const [due, answer] = kim.takeFrames()
  expectSame('what is due', due?.payload.toString(), 'still due', {
    because: 'What was due is sent, and nothing was heard behind the peer’s Close.',
  })
  expectSame('the code', answer && codeOf(answer.payload), 4002, {
    because: 'The peer’s code comes back.',
    look: 'websocket.close()',
  })
  await kim.halfClose()
  const [lee, leeEnd] = await patient.arrive('lee')
  await patient.act(() => leeEnd.connection.stop('stopping'))
  lee.expectFrames(['text "because stopping"', 'close 1001'], {
    because: 'Last words come before the Close: behind it nothing may.',
    look: 'websocket.close()',
  })
  await lee.halfClose()
  patient.expectTimers(0, { because: 'Everybody has gone.' })
}

/** Why a Close was not answered by one, as far as the frames that came tell. */
function likelyOfNoAnswer(received: readonly string[]): string {
  if (received.length === 0)
    return 'Nothing has come, not even what was sent before: destroy() throws away what waits, end() does not.'
  if (hasClose(received))
    return 'close() sends the code of the peer’s Close back. Keep it before #end(), which may call close() at once.'
  return 'No Close has come: close() is what sends one, as the last words of the connection.'
}

function hasClose(received: readonly string[]): boolean {
  return received.some((frame) => frame.startsWith('close'))
}

/** A peer that does not listen is told so all the same, when everything else has found its way. */
export async function expectSlowConsumer(stage: Stage): Promise<void> {
  const lastWords = () => serverFrame('text', 'too slow')
  const world = await openWebSockets(stage, { maxQueuedBytes: 2_000 }, { lastWords })
  const [mia, end] = await world.arrive('mia')
  mia.stopReading()
  stage.story.tell('server', 'sends five texts of 660 bytes, of which three find room')
  const text = { isText: true, payload: Buffer.alloc(660, 'x') }
  try {
    await world.act(() => {
      for (let time = 0; time < 5; time++) end.socket.send(text)
    })
  } catch (error) {
    if (!String(error).includes('Maximum call stack')) throw error
    stage.expect('the connection to be closed once', false, {
      because: 'For last words and a Close there is always room, once.',
      likely:
        'Both go with connection.end(), which always has room. send() may be refused, and then stops the connection again, which comes back to close().',
      look: 'websocket.close()',
      received: 'close() was called again and again, until the stack was full',
    })
  }
  await mia.startReading()
  const texts = Array.from({ length: 3 }, () => 'text 660 bytes')
  mia.expectFrames([...texts, 'text "too slow"', 'close 1008'], {
    because: 'For last words and a Close there is always room, once.',
    likely:
      'What send() has no room for stops the connection, and that comes back to close(). end() takes last words.',
    look: 'websocket.close()',
  })
  mia.expectEnd({ because: 'Behind the Close comes FIN.' })
  await mia.halfClose()
  stage.expectSame('why mia’s connection has ended', end.endings, ['slow-consumer'], {
    because: 'She took less than she was told.',
  })
}
