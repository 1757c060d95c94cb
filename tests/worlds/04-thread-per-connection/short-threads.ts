/** Threads that end, or say FIN, before their clients expect it, on a server in this process. */

import { once } from 'node:events'
import { PATIENCE_MS, within } from '../../harness/patience.ts'
import type { Stage } from '../../judge/step.ts'
import { closeOf, type ServeInThreads, visit } from './visit.ts'

const SHORT_LIVED = new URL('../../chapters/threads/04-short-lived.ts', import.meta.url)
const SPEECHLESS = new URL('../../chapters/threads/04-speechless.ts', import.meta.url)

/** What a client hears of a thread that ends before it has said a word: FIN, and its own words are still taken. */
export async function expectShortLivedHeard(
  { expect, expectSame, story }: Stage,
  serveInThreads: ServeInThreads,
  exitCode: number,
): Promise<void> {
  const ends = exitCode === 0 ? 'returns' : `calls process.exit(${exitCode})`
  story.tell('nan', `connects, and her thread ${ends} without a word`)
  const listenersBefore = countProcessListeners()
  const server = await serveInThreads(SHORT_LIVED, { exitCode }, { graceMs: 20 })
  const { client, served } = await visit(server)
  let heard = ''
  client.setEncoding('utf8').on('data', (text) => {
    heard += text
  })
  let isOpen = false
  const ended = new Promise<string>((resolve) => {
    client.once('end', () => {
      isOpen = !served.destroyed
      resolve(heard)
    })
    client.once('close', () => resolve(`${heard}, then RST`))
  })
  const outcome = await within(PATIENCE_MS, ended, process.pid)
  client.destroy()
  await server.close()
  expectSame(
    'what nan receives before FIN',
    outcome === 'too late' ? `${heard}, and no FIN` : outcome,
    '',
    {
      because: 'A thread that has ended leaves no open socket behind, however it ended.',
      likely: "End the socket when its thread emits 'exit', whatever the exit code is.",
      look: 'tieTogether()',
    },
  )
  expect('nan’s own direction to be open after that FIN', isOpen, {
    because:
      'She may talk on until she says FIN, too. A closed socket answers that with RST, and RST discards what she has not read yet.',
    likely:
      "destroy() closes both directions and throws away what waits. At 'exit', close only ours, after all that waits: end().",
    look: 'tieTogether()',
  })
  const left = countProcessListeners() - listenersBefore
  expect('no listener on `process` to be left', left <= 0, {
    because:
      'The process outlives its visitors. What it keeps of each of them is never given back.',
    likely: "The thread's 'exit' and the socket's 'close' tell all there is to know. Listen there.",
    look: 'tieTogether()',
    received: `${left} more than before`,
  })
}

/** Whatever waits, and whatever the client has said: a thread that has ended ends its socket. */
export async function expectEndedBehindAll(
  { expectSame, story }: Stage,
  serveInThreads: ServeInThreads,
): Promise<void> {
  story.tell(
    'pia',
    'says FIN, and still listens; her thread ends while a few bytes wait for her in the server',
  )
  const server = await serveInThreads(SPEECHLESS, { saysFin: false }, { graceMs: 20 })
  const { client, served, worker } = await visit(server)
  let heard = ''
  client.setEncoding('utf8').on('data', (text) => {
    heard += text
  })
  const ended = new Promise<string>((resolve) => {
    client.once('end', () => resolve(`${heard}, FIN`)).once('close', () => resolve(`${heard}, RST`))
  })
  const isFinRead = new Promise((resolve) => served.once('end', resolve))
  client.end()
  await within(PATIENCE_MS, isFinRead, process.pid)
  served.cork()
  served.write('bye')
  await worker.terminate()
  const outcome = await within(PATIENCE_MS, ended, process.pid)
  client.destroy()
  await server.close()
  expectSame(
    'what pia receives',
    outcome === 'too late' ? `${heard || 'nothing'}, and no FIN` : outcome,
    'bye, FIN',
    {
      because: 'A thread that has ended leaves no open socket behind.',
      likely:
        "At 'exit', end the socket in any case, whether the client has said FIN or not. end() sends what waits first: 'drain' is emitted only if the queue was full.",
      look: 'tieTogether()',
    },
  )
}

function countProcessListeners(): number {
  return process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0)
}

/** A socket that closes in order, without an error, ends its thread. */
export async function expectEndedInOrder(
  { expect, story }: Stage,
  serveInThreads: ServeInThreads,
): Promise<void> {
  story.tell('ola', 'connects; her thread says FIN and sleeps; she says FIN, too')
  const server = await serveInThreads(SPEECHLESS, {}, { graceMs: 20 })
  const { client, worker } = await visit(server)
  const exit = once(worker, 'exit').catch(() => {})
  client.resume().once('end', () => client.end())
  await within(PATIENCE_MS, closeOf(client), process.pid)
  const outcome = await within(PATIENCE_MS, exit, process.pid)
  await server.close()
  expect('ola’s thread to end with her connection', outcome !== 'too late', {
    because: 'Her connection is closed: both sides have said FIN. Her thread sleeps for nobody.',
    likely:
      "A socket emits 'close' once, even when the connection has ended in order, without an error. Every 'close' must end the thread.",
    look: 'tieTogether()',
    received: 'a thread that lives on',
  })
}
