/** The network that fails as told, and what is made of a client that does not stand it. */

import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { ChatClient } from '../../solutions/16-client/chat-client.ts'
import { type Ending, FaultyNetwork, HEALTHY } from '../harness/faulty-network.ts'
import { Story } from '../harness/story.ts'
import { VirtualTimers } from '../harness/virtual-timers.ts'
import { ROOT } from '../judge/workbook.ts'
import type { ClientRequest } from '../worlds/16-client/model-chat-schedules.ts'
import { tryAll } from '../worlds/16-client/model-chat-trials.ts'

test('timers fire in order, at their time, and in order of arming when that is the same', async () => {
  const timers = new VirtualTimers()
  const fired: string[] = []
  const note = (name: string) => () => void fired.push(`${name} at ${timers.now()}`)
  timers.after(20, note('b'))
  timers.after(10, note('a'))
  timers.after(20, note('c'))
  timers.cancel(timers.after(15, note('never')))
  timers.cancel(undefined)
  timers.after(5, () => timers.after(1, note('inner')))
  await timers.advance(19)
  expect(fired).toEqual(['inner at 6', 'a at 10'])
  await timers.advance(1)
  expect(fired.slice(2)).toEqual(['b at 20', 'c at 20'])
  expect(timers.size).toBe(0)
})

const NO_ENDING: Partial<Ending> = {}

test.each([
  ['cut and lost', { kind: 'cut', passes: false, lateMs: 0 }, ['1', 'closed'], 'closed'],
  ['cut behind it', { kind: 'cut', passes: true, lateMs: 0 }, ['1', '2', 'closed'], 'closed'],
  ['late', { kind: 'cut', passes: true, lateMs: 500 }, ['1', '2', 'closed'], 'closed'],
  ['silence', { kind: 'silence', passes: false, lateMs: 0 }, ['1'], 'open'],
  ['nothing', NO_ENDING, ['1', '2', '3'], 'open'],
])('the second message to the server: %s', async (name, ending, atServer, atClient) => {
  const timers = new VirtualTimers()
  const heard: string[] = []
  const times: number[] = []
  let client = 'closed'
  const isFault = ending !== NO_ENDING
  const network = new FaultyNetwork({
    timers,
    fateOf: () => ({
      ...HEALTHY,
      ending: isFault ? ({ way: 'toServer', at: 2, ...ending } as Ending) : undefined,
    }),
    accept: () => ({
      onText: (text) => {
        heard.push(text)
        times.push(timers.now())
      },
      onClose: () => void heard.push('closed'),
    }),
    tell: () => {},
  })
  const link = network.connect({
    onOpen: () => {
      client = 'open'
      for (const text of ['1', '2', '3']) link.send(text)
    },
    onText: () => {},
    onClose: () => {
      client = 'closed'
    },
  })
  await timers.advance(1_000)
  expect(heard).toEqual(atServer)
  expect(client).toBe(atClient)
  if (name === 'late') expect(times).toEqual([40, 540])
})

type Spoil = (message: Record<string, unknown>) => Record<string, unknown>

/** A client that sends again what it should not, or not what it should. */
const BROKEN: [string, () => Spoil, RegExp][] = [
  [
    'forgets the key',
    () =>
      ({ key, ...message }) =>
        message,
    /was said 2 times/,
  ],
  [
    'makes a new key',
    () => (message) => ({ ...message, key: `${Math.random()}` }),
    /was said 2 times/,
  ],
  [
    'looks too high',
    () => (message) => ({ ...message, since: 1_000 }),
    /for the first time with since 1000, and the last number is 0/,
  ],
  [
    'looks too high when it repeats',
    () => {
      const said = new Set<unknown>()
      return (message) => {
        if (said.has(message.key)) return { ...message, since: 1_000 }
        said.add(message.key)
        return message
      }
    },
    /was said 2 times/,
  ],
]

test.each(BROKEN)(
  'a client that %s is caught, with a story that can be read',
  async (_name, makeSpoil, headline) => {
    const makeClient = (request: ClientRequest) => {
      const spoil = makeSpoil()
      return new ChatClient({
        ...request,
        connect(events) {
          const end = request.connect(events)
          const send = (text: string) => {
            const message = JSON.parse(text)
            end.send(message.type === 'say' ? JSON.stringify(spoil(message)) : text)
          }
          return { send, close: () => end.close() }
        },
      })
    }
    const story = new Story()
    const trial = { story, what: '', makeClient, clients: 'talk', atRandom: 0, seed: 1 } as const
    await expect(tryAll(trial)).rejects.toThrow(headline)
    expect(story.lines.length).toBeLessThan(30)
    expect(story.lines[0].text).toMatch(/^plays .*without what does not matter$/)
  },
)

test('the core of the client runs in a page: nothing that it imports is Node’s', () => {
  const seen = new Set<string>()
  const visit = (file: string) => {
    if (seen.has(file)) return
    seen.add(file)
    const source = readFileSync(file, 'utf8')
    expect(source, file).not.toMatch(/\bBuffer\b|\bprocess\.|\bsetImmediate\b|\brequire\(/)
    for (const [, from] of source.matchAll(/^(?:import|export) (?!type\b)[^'"]*from '([^']+)'/gm)) {
      expect(from, file).toMatch(/^\./)
      visit(join(dirname(file), from))
    }
  }
  visit(join(ROOT, 'solutions', '16-client', 'chat-client.ts'))
  visit(join(ROOT, 'solutions', '16-client', 'timers.ts'))
  expect([...seen].map((file) => file.split('/').at(-1)).sort()).toEqual(
    [
      'backoff',
      'chat-client',
      'chat-error',
      'client-room',
      'client-state',
      'request-link',
      'room-feed',
      'say-queue',
      'timers',
    ].map((name) => `${name}.ts`),
  )
})
