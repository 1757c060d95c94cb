/** What step 07.5 asks about replies: they go out at the end of their round, in one write. */

import type { Stage } from '../../judge/step.ts'
import { onScriptedStream, rounds } from './loop-connections.ts'
import { textOf } from './loop-streams.ts'

/** What is said in a turn goes out at the end of its round, and needs no turn of its own. */
export async function expectPromptReplies(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  const { stream, connection, loop, end } = await onScriptedStream(stage, (connection) => ({
    onBytes(bytes) {
      connection.send(Buffer.from(textOf(bytes).toUpperCase()))
      return bytes.length
    },
    onEnd() {},
  }))
  let heard = 0
  connection.observe({ onHeard: () => void heard++ })
  story.tell('peer', 'asks ten times, and waits for each answer', 'toServer')
  let answers = ''
  for (let question = 0; question < 10; question++) {
    stream.arrive('q')
    await rounds()
    answers += textOf(stream.takeWritten())
  }
  expectSame('the answers', answers, 'Q'.repeat(10), {
    because: 'Each question is answered.',
    likely: '#flush() lets the queue send: #queue.flush(), in every state.',
    look: '#flush()',
  })
  expectSame('the number of turns that this took', loop.stats().turns, 10, {
    because:
      'A reply goes out at the end of the round in which send() was called. Waiting until the stream is writable costs another turn for each reply.',
    likely:
      '#flush() lets the queue send each time. Only what the stream did not take waits for it to be writable.',
    look: ['#flush()', '#watch()'],
  })
  expectSame('how often the observer was told of a message', heard, 0, {
    because: 'This protocol never calls heard(). Bytes alone are no message, and no sign of life.',
    likely:
      'Only the protocol knows whether a whole message has arrived: #receive() calls no heard().',
    look: 'connection.#receive()',
  })
  await end()
}

/** What is said in a round goes out at its end, in one write; and the end is told in the turn in which it was read. */
export async function expectAllInOneRound(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  const happened: string[] = []
  const atRoundEnd = (then: () => void) => loop.touch({ onRoundEnd: then })
  const { stream, connection, loop, end } = await onScriptedStream(stage, (connection) => ({
    onBytes(bytes) {
      connection.send(Buffer.from('hello '))
      return bytes.length
    },
    onEnd() {
      happened.push('onEnd()')
      connection.end('finished', Buffer.from('bye'))
      atRoundEnd(() => {
        const said = textOf(stream.takeWritten())
        happened.push(`sent: ${said}${stream.isEnded ? ' and FIN' : ''}`)
      })
    },
  }))
  story.tell(
    'ada',
    'sends "hi", and is sent "hello " in her turn and "ada" at the end of that round',
  )
  stream.onRead = () => atRoundEnd(() => connection.send(Buffer.from('ada')))
  stream.arrive('hi')
  await rounds()
  const written = textOf(stream.takeWritten())
  expectSame('what was written', written, 'hello ada', {
    because: 'Both were sent to ada, in this order.',
    likely:
      '#receive() offers the protocol what it has read within the turn. The end of the round is for what the protocol left.',
    look: 'connection.#receive()',
  })
  expectSame('the number of writes that this took', stream.writes, 1, {
    because: 'All that is sent on a connection in one round goes out together, at its end.',
    likely: '#receive() sends nothing. #flush() runs at the end of the round.',
    look: ['connection.#receive()', '#flush()'],
  })
  story.tell('ada', 'sends FIN; her protocol sends "bye" and ends the connection')
  stream.onRead = () => atRoundEnd(() => happened.push('the end of the round'))
  stream.arriveEnd()
  await rounds()
  const inOrder = ['onEnd()', 'the end of the round', 'sent: bye and FIN']
  expectSame('what happened', happened, inOrder, {
    because:
      'The protocol is told of the end in the turn in which it was read. What it then sends goes out at the end of that round, followed by FIN.',
    likely:
      happened[0] === inOrder[0]
        ? '#flush(): call stream.end() at once when nothing is queued any more.'
        : '#receive() calls onEnd() itself, at once.',
    look: happened[0] === inOrder[0] ? '#flush()' : 'connection.#receive()',
  })
  await end()
}
