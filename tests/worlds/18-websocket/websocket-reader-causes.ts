/** What is most likely wrong with a message reader of chapter 18, as far as what came out of it tells. */

import type * as ReaderModule from '#code/18-websocket/message-reader.ts'
import type { Reason } from '../../harness/failure.ts'
import { clientFrame } from '../../protocols/websocket.ts'
import { feed, WRONG_END } from './websocket-reader.ts'

type Cause = Pick<Reason, 'likely' | 'look'>

const BEGIN: Cause = { look: '#beginFrame()' }
const END: Cause = { look: '#endFrame()' }

/** The cause of the first difference, both as `feed` says what comes out. `keepsKind`: see below. */
export function causeOf(
  received: readonly string[],
  expected: readonly string[],
  keepsKind: () => boolean,
): Cause {
  const differs = expected.findIndex((due, place) => received[place] !== due)
  const place = differs < 0 ? expected.length : differs
  const [due, came = ''] = [expected[place], received[place]]
  if (came.startsWith(WRONG_END)) {
    return { ...END, likely: '`end` is the place after the frame: return it unchanged.' }
  }
  if (due?.startsWith('invalid')) return BEGIN
  if (came.startsWith('invalid'))
    return causeOfFault(came, due, received.slice(0, place), keepsKind)
  if (due === undefined) {
    return { ...END, likely: 'No message is complete before its final fragment.' }
  }
  return isMessage(due)
    ? causeOfMessage(came, due, keepsKind)
    : causeOfControl(came, expected.slice(place))
}

function causeOfFault(
  fault: string,
  due: string | undefined,
  before: readonly string[],
  keepsKind: () => boolean,
): Cause {
  const isBehindMessage = before.length > 0 && isMessage(before.at(-1)!)
  if (fault.endsWith('too-large')) {
    const likely = before.some(isMessage)
      ? 'The limit is for one message, not for all of them together.'
      : 'Only a message with more than maxBytes of payload is too large. Headers and control frames do not count.'
    return { ...BEGIN, likely }
  }
  if (isBehindMessage) {
    return { ...END, likely: 'Once a message is complete, clear whatever was kept for it.' }
  }
  const isBehindControl = before.length > 0
  if (fault.endsWith('message-not-finished')) {
    if (isBehindControl || (due && !isMessage(due))) {
      return {
        ...BEGIN,
        likely: 'A control frame may come in the middle of a message, and does not begin one.',
      }
    }
    return due && isEmpty(due)
      ? { ...END, likely: 'A message is complete with its final fragment, even an empty one.' }
      : {}
  }
  if (!fault.endsWith('nothing-to-continue')) return {}
  if (isBehindControl) {
    return {
      ...END,
      likely: 'A control frame ends no message: keep what is known of the one under way.',
    }
  }
  if (due && isEmpty(due)) return BEGIN
  return keepsKind()
    ? { ...END, likely: 'Do not forget a message before its final fragment.' }
    : { ...BEGIN, likely: 'Keep the opcode that began the message in #opcode.' }
}

function causeOfMessage(came: string, due: string, keepsKind: () => boolean): Cause {
  if (!isMessage(came)) {
    return { ...END, likely: 'A message is complete with its final fragment, even an empty one.' }
  }
  const [has, wants] = [contents(came), contents(due)]
  if (has === wants) {
    return keepsKind()
      ? {
          ...END,
          likely:
            '#opcode is right while the message is under way: use it before you clear it. The opcode in the header is that of the last frame.',
        }
      : { ...BEGIN, likely: 'Keep the opcode that began the message in #opcode.' }
  }
  if (wants.startsWith(has) && has !== '""') {
    return { ...END, likely: 'A message is complete with its final fragment, and not earlier.' }
  }
  return {
    ...END,
    likely:
      '#message.take() returns all that has arrived, and forgets it: call it for a message that is complete, and for nothing else.',
  }
}

function causeOfControl(came: string, [due, next]: readonly string[]): Cause {
  const [kind, dueKind] = [came, due].map((each) => each.split(' ')[1])
  if (came === '' || came === next || isMessage(came)) {
    return {
      ...END,
      likely:
        'A control frame is complete when all of it has arrived, even if it is empty, and even in the middle of a message.',
    }
  }
  if (kind === dueKind) {
    return { ...END, likely: 'The payload of a control frame is what #control.take() returns.' }
  }
  return {
    ...END,
    likely: 'PING, PONG and CLOSE are three opcodes, and each of them has a kind of its own.',
  }
}

/**
 * Whether `#opcode` is that of the message while its payload comes, of one frame and of several: that is what makes the
 * reader check the payload as text.
 */
export function keepsKind({ MessageReader }: typeof ReaderModule): boolean {
  let pieces = 0
  const textCheck = { push: () => ++pieces > 0, end: () => true }
  const reader = new MessageReader({ textCheck })
  try {
    feed(reader, clientFrame('text', 'a', { isFinal: false }))
    feed(reader, clientFrame('continuation', 'b', { isFinal: false }))
    const outcomes = feed(new MessageReader(), clientFrame('text', Buffer.of(0xff)))
    return pieces === 2 && outcomes[0] === 'invalid: not-utf8'
  } catch {
    return false
  }
}

function isMessage(outcome: string): boolean {
  return outcome.includes(' message of ')
}

function isEmpty(outcome: string): boolean {
  return outcome.endsWith('""')
}

function contents(message: string): string {
  return message.slice(message.indexOf(': ') + 2)
}
