/** A feed of a room under test, and the messages that it tells: their numbers are all that matters. */

import type { RoomMessage } from '#code/16-client/room-feed.ts'
import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'

export async function openFeed({ load, story, expectSame }: Stage, name = 'feed') {
  const { RoomFeed } = await load(() => import('#code/16-client/room-feed.ts'))
  let told: string[] = []
  const what = `what ${name === 'feed' ? 'the feed' : name} has told`
  const feed = new RoomFeed({
    onMessage: ({ number }) => void told.push(String(number)),
    onMissed: (from, to) =>
      void told.push(from === to ? `(missed ${from})` : `(missed ${from}–${to})`),
    onForgotten: () => void told.push('(forgotten)'),
  })
  story.tell(name, 'knows nothing of the room')
  const messagesOf = (numbers: number[]): RoomMessage[] =>
    numbers.map((number) => ({ number, name: 'zoe', text: `message ${number}`, at: 0 }))
  const inWords = (numbers: number[]) =>
    numbers.length === 0 ? 'no messages' : `the messages ${numbers.join(', ')}`
  return {
    joined({ last, messages }: { last: number; messages: number[] }) {
      story.tell(name, `has joined: last is ${last}, the page has ${inWords(messages)}`)
      return feed.onJoined({ last, messages: messagesOf(messages) })
    },
    page(messages: number[]) {
      story.tell(name, `gets a page with ${inWords(messages)}`)
      return feed.onPage({ messages: messagesOf(messages) })
    },
    live(number: number) {
      story.tell(name, `gets the live message ${number}`)
      feed.onLive(messagesOf([number])[0])
    },
    /** As `live`, for many. */
    liveFrom(from: number, to: number) {
      story.tell(name, `gets the live messages ${from} to ${to}`)
      for (let number = from; number <= to; number++) feed.onLive(messagesOf([number])[0])
    },
    lost() {
      story.tell(name, 'loses its connection')
      feed.onLost()
    },
    expectTold(expected: string, reason: Reason) {
      const sofar = told.join(' ')
      told = []
      expectSame(what, sofar, expected, reason)
    },
    /** Expects all numbers from one to the other, in order, and nothing else. */
    expectRun(from: number, to: number, reason: Reason) {
      const sofar = inRuns(told)
      told = []
      expectSame(what, sofar, `${from} to ${to}`, reason)
    },
    hasTold: (text: string) => told.join(' ').includes(text),
    expectAfter: (after: number | undefined, reason: Reason) =>
      expectSame('the `after` to join with', feed.last, after, reason),
    expectNext: (received: number | undefined, expected: number | undefined, reason: Reason) =>
      expectSame('the `after` of the next page', received, expected, reason),
  }
}

/** Numbers that follow each other as one run: `['4', '5', '6', '9']` is `'4 to 6, 9'`. */
function inRuns(told: readonly string[]): string {
  const runs: [first: string, last: string][] = []
  for (const each of told) {
    const run = runs.at(-1)
    if (run && Number(each) === Number(run[1]) + 1) run[1] = each
    else runs.push([each, each])
  }
  return runs.map(([first, last]) => (first === last ? first : `${first} to ${last}`)).join(', ')
}
