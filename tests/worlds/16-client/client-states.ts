/** A client of chapter 16, in virtual time, on a network that gives it something to react to. */

import { type Fate, FaultyNetwork, HEALTHY } from '../../harness/faulty-network.ts'
import { VirtualTimers } from '../../harness/virtual-timers.ts'
import type { Stage } from '../../judge/step.ts'
import { ModelChatServer } from './model-chat-server.ts'

/** The chapter's client, without a room, on a network that refuses once, then says nothing, then works. */
export async function expectClientObeys({ load, story, expectSame }: Stage): Promise<void> {
  const { ChatClient } = await load(() => import('#code/16-client/chat-client.ts'))
  const timers = new VirtualTimers()
  const server = new ModelChatServer({ timers, random: () => 0, appendMs: 1, pageSize: 10 })
  const fates: Fate[] = [
    { ...HEALTHY, opening: 'is refused' },
    { ...HEALTHY, opening: 'hangs' },
  ]
  const network = new FaultyNetwork({
    timers,
    fateOf: (index) => fates[index] ?? HEALTHY,
    accept: (end) => server.accept(end),
    tell: (text, way, message) => {
      const type = message && JSON.parse(message).type
      const verb = way === 'toServer' ? 'sends' : 'is sent'
      if (type !== 'ping' && type !== 'pong') {
        story.tell('client', `${type ? `${verb} ${type}` : text}  [${Math.round(timers.now())} ms]`)
      }
    },
  })
  const client = new ChatClient({
    connect: network.connect,
    timers,
    random: () => 0.5,
    hello: () => ({ name: 'ada' }),
    onNotice() {},
    firstMs: 1_000,
    capMs: 30_000,
    provenMs: 10_000,
    patienceMs: 10_000,
    pingMs: 15_000,
  })
  client.start()
  await timers.advance(20_000)
  expectSame('the client’s state', client.state.kind, 'online', {
    because: 'The third connection works.',
    likely:
      'A connection that is refused and one that does not open both lead to waiting, and waiting leads to connecting.',
  })
  await timers.advance(1_000_000)
  expectSame('the number of its connections', network.connections, 3, {
    because: 'The third one lasts.',
  })
  story.tell('server', 'ends the session: no-session')
  server.tellAll('no-session')
  await timers.advance(1_000_000)
  expectSame('the number of its connections', network.connections, 3, {
    because: 'The session has ended. The client does not try again: its user has to log in first.',
    likely: 'The state has to be `ended`.',
  })
  expectSame(
    'the numbers of its timers and open connections',
    [timers.size, network.openLinks],
    [0, 0],
    {
      because: 'It has ended.',
    },
  )
}
