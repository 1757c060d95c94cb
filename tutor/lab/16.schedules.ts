import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { randomSchedule } from '../../tests/worlds/16-client/model-chat-plans.ts'
import {
  type ClientRequest,
  type MakeClient,
  play,
} from '../../tests/worlds/16-client/model-chat-schedules.ts'
import type { Measurement } from './measurement.ts'

const SCHEDULES = 2_000

export const measurement: Measurement = {
  asks: 'messages of every thousand that are there twice when a repeat has no key',
  how: `${SCHEDULES.toLocaleString('en')} schedules at random (seeds 1 to ${SCHEDULES}), in virtual time: up to three clients, up to five connections each that are refused, hang, are cut or fall silent, and a model server that may be restarted, lose its disk, or have other data. Everything is counted at the end. Without a key: the same client, and key and since are taken out of every say on the way. Lost: acknowledged or never settled, and not there.`,
  async run(tree, say) {
    const file = join(tree.root, '16-client', 'chat-client.ts')
    const { ChatClient } = (await import(pathToFileURL(file).href)) as {
      ChatClient: new (request: ClientRequest) => ReturnType<MakeClient>
    }
    say('with keys')
    const withKeys = await tally((request) => new ChatClient(request))
    say('without keys')
    const without = await tally((request) => new ChatClient(withoutKeys(request)))
    const perThousand = (count: { doubled: number; messages: number }) =>
      Number(((count.doubled * 1_000) / count.messages).toFixed(1))
    return {
      answer: { value: perThousand(without), unit: 'per thousand' },
      rows: [
        { label: 'schedules', value: SCHEDULES, unit: '' },
        { label: 'messages', value: withKeys.messages, unit: '' },
        { label: 'without keys: there twice', value: without.doubled, unit: '' },
        { label: 'without keys: lost', value: without.lost, unit: '' },
        { label: `with keys (${tree.label}): there twice`, value: withKeys.doubled, unit: '' },
        { label: `${tree.label}: lost`, value: withKeys.lost, unit: '' },
        { label: `${tree.label}: rejected as unknown`, value: withKeys.unknown, unit: '' },
      ],
    }
  },
}

async function tally(makeClient: MakeClient) {
  const count = { messages: 0, doubled: 0, lost: 0, unknown: 0 }
  for (let seed = 1; seed <= SCHEDULES; seed++) {
    const schedule = randomSchedule(seed, 'talk')
    const { doubled, lost, unknown } = await play(schedule, makeClient)
    count.messages += schedule.people.reduce((sum, { says }) => sum + says.length, 0)
    count.doubled += doubled
    count.lost += lost
    count.unknown += unknown
  }
  return count
}

/** The same client, on a network that takes the keys away. */
function withoutKeys(request: ClientRequest): ClientRequest {
  return {
    ...request,
    connect(events) {
      const end = request.connect(events)
      return {
        send(text) {
          const { key, since, ...message } = JSON.parse(text)
          end.send(message.type === 'say' ? JSON.stringify(message) : text)
        },
        close: () => end.close(),
      }
    },
  }
}
