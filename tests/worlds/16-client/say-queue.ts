/** A queue under test of what is to be said in one room, and what becomes of each message. */

import type { SayRequest } from '#code/16-client/say-queue.ts'
import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'

async function openQueue({ load, story, expectSame }: Stage) {
  const { SayQueue } = await load(() => import('#code/16-client/say-queue.ts'))
  const { ChatError } = await load(() => import('#code/16-client/chat-error.ts'))
  let keys = 0
  const queue = new SayQueue(() => `key ${++keys}`)
  const results = new Map<string, string>()
  /** What the queue was last told, and where it should have acted on that. */
  let heard = 'say-queue.next()'
  const add = (text: string) => {
    story.tell('queue', `is given ${JSON.stringify(text)}`)
    queue.add(text).then(
      ({ number, at }) => {
        const isTime = at === timeOf(number)
        results.set(text, `said as ${number}${isTime ? '' : `, and at is ${at}`}`)
      },
      ({ code, seconds }) => {
        const wait = seconds === undefined ? '' : `, wait ${seconds} s`
        results.set(text, `rejected: ${code}${wait}`)
      },
    )
  }
  const expectNext = (last: number, expected: SayRequest | undefined, reason: Reason) => {
    const received = queue.next(last)
    const settled = expected && results.get(expected.text)
    const likely = settled
      ? `It is settled already, ${settled}: an answer concerns the message in flight, and no other.`
      : expected && !received
        ? 'Nothing is in flight any more, and #isInFlight has to say so.'
        : received?.key === expected?.key && received?.since !== expected?.since
          ? 'A repeat has to carry the key and the since of the first time.'
          : undefined
    const look = expected && !received ? [heard, 'say-queue.next()'] : 'say-queue.next()'
    const isTooMuch = Object.keys(received ?? {}).length > 3
    const better = isTooMuch ? { likely: 'Only text, key and since go to the server.' } : {}
    expectSame(`next(${last})`, received, expected, { likely, look, ...reason, ...better })
  }
  const expectResult = async (text: string, expected: string | undefined, reason: Reason) => {
    await new Promise(setImmediate)
    const received = results.get(text)
    expectSame(`what became of ${JSON.stringify(text)}`, received, expected, {
      look: heard,
      ...reason,
    })
  }
  const said = (number: number) => {
    story.tell('queue', `receives \`said\`, number ${number}`)
    heard = 'onSaid()'
    queue.onSaid({ number, at: timeOf(number) })
  }
  const error = (code: string, seconds?: number) => {
    const wait = seconds === undefined ? '' : `, which asks to wait ${seconds} s`
    story.tell('queue', `receives the error ${code}${wait}`)
    heard = 'onError()'
    queue.onError(new ChatError(code, seconds))
  }
  const lost = () => {
    story.tell('queue', 'loses its connection')
    queue.onLost()
  }
  const forget = () => {
    story.tell('queue', 'is told that the server has other data')
    heard = 'forget()'
    queue.forget()
  }
  return { queue, results, add, expectNext, expectResult, said, error, lost, forget }
}

/** What the server’s clock says when it appends a number. */
const timeOf = (number: number) => 5_000 + number

/** Plays a queue by hand. */
export async function expectQueue(stage: Stage): Promise<void> {
  const { story } = stage
  const { queue, results, add, expectNext, expectResult, said, error, lost, forget } =
    await openQueue(stage)

  expectNext(5, undefined, { because: 'Nothing waits.' })
  for (const text of ['one', 'two', 'three', 'four', 'five', 'six', 'seven']) add(text)
  expectNext(
    7,
    { text: 'one', key: 'key 1', since: 7 },
    {
      because: 'It is the oldest. When it is said, its number will be above 7.',
      likely: 'since is the number that next() is given.',
    },
  )
  expectNext(7, undefined, {
    because: 'One message is in flight, and the next one waits for its answer.',
    likely: 'Check whether one is in flight already (#isInFlight).',
  })
  lost()
  expectNext(
    12,
    { text: 'one', key: 'key 1', since: 7 },
    {
      because: 'It may have been said, as number 8. The server looks for its key above `since`.',
      likely: 'A repeat has to carry the key and the since of the first time.',
    },
  )
  said(8)
  await new Promise(setImmediate)
  await expectResult('one', 'said as 8', {
    because: 'It was said, the first time or the second.',
    likely: results.get('one')?.includes('at is')
      ? 'Pass on what the server has answered, as it is: the number, and the time by its clock.'
      : undefined,
  })
  expectNext(
    12,
    { text: 'two', key: 'key 2', since: 12 },
    {
      because: 'It is the next, and is sent for the first time.',
      likely: 'After onSaid() the message is settled, and nothing is in flight any more.',
    },
  )
  error('too-fast', 3)
  await new Promise(setImmediate)
  await expectResult('two', 'rejected: too-fast, wait 3 s', {
    because: 'It was sent once, and refused.',
    likely:
      results.get('two') === 'rejected: too-fast'
        ? 'Reject it with that error, and not with a new one of the same code: it carries more than a code.'
        : 'An error about the first request is final.',
  })
  await expectResult('three', undefined, {
    because: 'It has not been sent yet.',
    likely: 'An answer settles only the message in flight.',
  })
  expectNext(
    13,
    { text: 'three', key: 'key 3', since: 13 },
    { because: 'The next message goes out.' },
  )
  lost()
  expectNext(13, { text: 'three', key: 'key 3', since: 13 }, { because: 'It is sent again.' })
  error('too-fast')
  await expectResult('three', 'rejected: unknown', {
    because: 'The repeat was refused. The first time it may have been said.',
    likely: AFTER_REPEAT,
    look: ['onError()', 'say-queue.next()'],
  })
  expectNext(
    20,
    { text: 'four', key: 'key 4', since: 20 },
    { because: 'The next message goes out.' },
  )
  error('not-saved')
  await expectResult('four', undefined, {
    because: 'It may have been saved. The server will know when it is back.',
    likely: 'not-saved settles nothing.',
  })
  expectNext(20, undefined, {
    because: 'The server saves nothing more, so sending the next message is of no use.',
    likely: 'It stays in flight until the connection is lost.',
  })
  lost()
  expectNext(25, { text: 'four', key: 'key 4', since: 20 }, { because: 'Now it is sent again.' })
  said(21)
  await expectResult('four', 'said as 21', { because: 'It had been saved.' })
  expectNext(
    26,
    { text: 'five', key: 'key 5', since: 26 },
    { because: 'The next message goes out.' },
  )
  error('internal')
  await expectResult('five', 'rejected: unknown', {
    because: 'Something broke in the server, before it was said or after.',
    likely: 'internal leaves it open.',
  })
  forget()
  await expectResult('six', undefined, {
    because: 'It was never sent.',
    likely: 'Only a message that was sent is rejected as unknown.',
  })
  expectNext(30, { text: 'six', key: 'key 6', since: 30 }, { because: 'It can still be said.' })
  lost()
  forget()
  await expectResult('six', 'rejected: unknown', {
    because: 'It was sent, and the server that might know is gone.',
    likely: 'forget() rejects a message that was sent.',
  })
  expectNext(
    2,
    { text: 'seven', key: 'key 7', since: 2 },
    { because: 'The next message goes out, with the numbers of the new data.' },
  )
  said(3)
  queue.forget()
  expectNext(3, undefined, { because: 'Nothing is left.' })
  add('eight')
  add('nine')
  expectNext(
    0,
    { text: 'eight', key: 'key 8', since: 0 },
    { because: 'It is new, and the room is empty.' },
  )
  lost()
  expectNext(
    4,
    { text: 'eight', key: 'key 8', since: 0 },
    {
      because: 'It may have been said, as number 1. The server looks for its key above `since`.',
      likely: '0 is a number like any other: a message that was never sent has no `since` at all.',
    },
  )
  expectNext(4, undefined, {
    because: 'It is in flight again, and the next one waits for its answer.',
    likely: 'A repeat is in flight, too: set #isInFlight each time.',
  })
  story.tell('queue', 'ends: its user has left the room')
  queue.end()
  said(4)
  await expectResult('eight', 'rejected: unknown', {
    because: 'When the user left, it had been sent and not been answered.',
    likely: 'An answer that arrives later changes nothing.',
  })
  await expectResult('nine', 'rejected: not-sent', { because: 'It was never sent.' })
  expectNext(4, undefined, { because: 'The queue has ended.' })
}

/** An error about a first request is final, whatever its code, and whoever asks for the next one meanwhile. */
export async function expectRefused(stage: Stage): Promise<void> {
  const { add, expectNext, expectResult, error } = await openQueue(stage)
  const codes = ['stale-key', 'bad-request', 'not-a-member', 'busy', 'too-fast']
  for (const [index, code] of codes.entries()) {
    const text = `a text, then ${code}`
    add(text)
    expectNext(10, { text, key: `key ${index + 1}`, since: 10 }, { because: 'It is the next.' })
    error(code)
    await expectResult(text, `rejected: ${code}`, {
      because: 'It was sent once, and refused: it was not said, and its sender should know why.',
      likely:
        'About a first request, only `internal` and `not-saved` leave open what became of it.',
    })
  }
  add('one')
  expectNext(10, { text: 'one', key: 'key 6', since: 10 }, { because: 'It is the next.' })
  for (const text of ['two', 'three']) {
    add(text)
    expectNext(11, undefined, { because: '"one" is in flight.' })
  }
  error('too-fast')
  await expectResult('one', 'rejected: too-fast', {
    because: 'It was sent once, and refused. After that, next() returned nothing to send.',
    likely: 'Count a sending only where next() returns a request.',
    look: 'say-queue.next()',
  })
  expectNext(12, { text: 'two', key: 'key 7', since: 12 }, { because: 'It is the next.' })
}

const AFTER_REPEAT =
  'After an error about a repeat, whatever its code, reject the message as unknown. next() counts in timesSent how often it was sent.'

/** What leaves open whether a message was said: an error about a repeat, whatever its code, and `not-saved`. */
export async function expectDoubts(stage: Stage): Promise<void> {
  const { add, expectNext, expectResult, said, error, lost, forget } = await openQueue(stage)
  let keys = 0
  const send = (text: string, last: number) => {
    const key = `key ${++keys}`
    add(text)
    const request = { text, key, since: last }
    expectNext(last, request, { because: 'It is the next.' })
    return () =>
      expectNext(last + 5, request, { because: 'It may have been said, and is sent again.' })
  }
  for (const code of ['bad-request', 'not-a-member', 'stale-key', 'busy', 'internal']) {
    const sendAgain = send(`a text, then ${code}`, 10)
    for (let times = code === 'busy' ? 3 : 1; times > 0; times--) {
      lost()
      sendAgain()
    }
    error(code)
    await expectResult(`a text, then ${code}`, 'rejected: unknown', {
      because:
        'The repeat was refused. The first time it may have been said, and then this code would be a lie.',
      likely: AFTER_REPEAT,
      look: ['onError()', 'say-queue.next()'],
    })
  }
  const again = send('a text, twice not saved', 20)
  for (const time of ['first', 'second']) {
    error('not-saved')
    await expectResult('a text, twice not saved', undefined, {
      because: `It may have been saved. The server will know when it is back, the ${time} time as well.`,
      likely: 'not-saved settles nothing, not even about a repeat: check for not-saved first.',
    })
    lost()
    again()
  }
  said(21)
  await expectResult('a text, twice not saved', 'said as 21', { because: 'It had been saved.' })
  const refused = send('a text, not saved, then too-fast', 30)
  error('not-saved')
  lost()
  refused()
  error('too-fast')
  await expectResult('a text, not saved, then too-fast', 'rejected: unknown', {
    because: 'It was sent twice. The first time it may have been saved.',
    likely: 'After not-saved, a message that was sent still counts as sent.',
  })
  send('the first text of an empty room', 0)
  lost()
  forget()
  await expectResult('the first text of an empty room', 'rejected: unknown', {
    because: 'It was sent, and the server that might know is gone.',
    likely: 'timesSent says whether it was sent. Its since may be 0.',
  })
}
