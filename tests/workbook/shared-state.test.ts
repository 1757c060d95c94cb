/** Chapter 05's server when a thread dies where it hurts: inside the lock that all the others want. */

import { afterAll, expect, test } from 'vitest'
import { Client } from '../harness/client.ts'
import type { HostedServer } from '../harness/hosted-server.ts'
import { seededRandom } from '../harness/random.ts'
import { Story } from '../harness/story.ts'
import { dismissSpareHost, hostServer } from '../judge/host.ts'
import { ask } from '../protocols/lines.ts'
import { type Edit, editSolution } from './edited-solution.ts'

const CHAPTER = '05-shared-state'

/** The text that makes a thread sleep in the middle of writing it, with the lock. */
const STOP = 'and here I fall asleep'

/** What it prints before it sleeps. */
const ASLEEP = 'It has the lock.'

const FALL_ASLEEP: Edit = {
  file: 'guest-book.ts',
  replace: '    this.#words.store(word, length)\n',
  by: `    this.#words.store(word, length)
    if (text === '${STOP}') {
      process.getBuiltinModule('node:fs').writeSync(1, '${ASLEEP}\\n')
      this.#words.wait(word, length)
    }
`,
}

const WITHOUT_A_MOURNER: Edit = { replace: 'book.threadEnded(thread)', by: 'void [book, thread]' }

const because = { because: 'A client that resets has its thread ended, and the others go on.' }

const started: HostedServer[] = []
afterAll(async () => {
  await Promise.all(started.map((server) => server.kill()))
  await dismissSpareHost()
})

test('who resets inside the lock leaves it to the next, and a torn entry to nobody', async () => {
  const [server, connect] = await serve('dies-inside-the-lock', [FALL_ASLEEP])
  const [ada, bob] = [await connect('ada'), await connect('bob')]
  await ask(ada, 'sign I was here', 'entry 1', because)
  await ask(ada, 'echo ready', 'ready', because)
  await fallAsleep(server, ada)
  await bob.send('sign me, too\n')
  ada.reset()
  await bob.expectLine('entry 2', because)
  await ask(bob, 'read 1', 'I was here', because)
  await ask(bob, 'read 2', 'me, too', because)
})

test('so it goes on, however often it happens', async () => {
  const [server, connect] = await serve('dies-again-and-again', [FALL_ASLEEP])
  for (let round = 1; round <= 5; round++) {
    const ada = await connect('ada')
    await ask(ada, 'echo ready', 'ready', because)
    await fallAsleep(server, ada)
    ada.reset()
    await ask(await connect('bob'), 'sign bob', `entry ${round}`, because)
  }
})

test('without news of the death everybody sleeps: the test above can fail', async () => {
  const [server, connect] = await serve('nobody-mourns', [FALL_ASLEEP, WITHOUT_A_MOURNER])
  const [ada, bob] = [await connect('ada'), await connect('bob')]
  await ask(ada, 'echo ready', 'ready', because)
  await fallAsleep(server, ada)
  ada.reset()
  await expect(ask(bob, 'sign bob', 'entry 1', because)).rejects.toThrow()
})

test('a line that is too long is said to be that, and a sleep sleeps', async () => {
  const [, connect] = await serve('as-it-is', [])
  const ada = await connect('ada')
  const before = performance.now()
  await ask(ada, 'sleep 60', 'slept', because)
  expect(performance.now() - before).toBeGreaterThanOrEqual(55)
  await ask(ada, 'sign one\u2028two', 'entry 1', because)
  await ask(ada, 'read 1', 'one\u2028two', because)
  await ada.send('x'.repeat(70_000))
  await ada.expectLine('error line too long', because)
  await ada.expectEnd(because)
})

/** Returns once the client's thread sleeps, or is about to, with the lock. */
async function fallAsleep(server: HostedServer, ada: Client): Promise<void> {
  const before = timesAsleep(server)
  await ada.send(`sign ${STOP}\n`)
  const look = async () => {
    const times = timesAsleep(server)
    return { holds: times > before, received: `${times}` }
  }
  await server.expectEventually('a thread to fall asleep with the lock', look, because)
}

function timesAsleep(server: HostedServer): number {
  return server.output.split(ASLEEP).length
}

async function serve(name: string, edits: Edit[]) {
  const server = await hostServer(editSolution('fixtures', CHAPTER, { name, edits }), CHAPTER)
  started.push(server)
  const connect = (who: string) =>
    Client.connect(who, { server, story: new Story(), random: seededRandom(5, who) })
  return [server, connect] as const
}
