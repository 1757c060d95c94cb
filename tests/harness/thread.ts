/**
 * Runs a script of the tests in a worker thread: for code under test that blocks, and so must not run here.
 *
 * The script finds the code under test at `workerData.code`, and answers with one message.
 */

import { Session } from 'node:inspector'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { type CodeTree, placesOf } from './code-tree.ts'
import { explainThrown } from './diagnosis.ts'
import { Failure, type Reason } from './failure.ts'
import { toThrownError } from './last-words.ts'
import { PATIENCE_MS, within } from './patience.ts'
import type { Story } from './story.ts'
import { lookAtThreads } from './thread-look.ts'

export interface ThreadRequest {
  script: URL
  data?: object
  tree: CodeTree
  story: Story
}

/** The script's answer. A thread that does not come back is a `Failure` that says where it is. */
export async function inThread<T>(
  { script, data, tree, story }: ThreadRequest,
  reason: Reason,
): Promise<T> {
  const code = pathToFileURL(tree.root).href
  const thread = new Worker(script, { workerData: { ...data, code } })
  try {
    const outcome = await within(PATIENCE_MS, answerOf(thread))
    if (outcome === 'too late') throw await stuck(thread, { tree, story }, reason)
    if ('value' in outcome) return outcome.value as T
    const { finding, ...rest } = explainThrown(
      toThrownError(outcome.thrown),
      tree,
      'the thread crashed',
    )
    throw new Failure(story, {
      headline: `${finding[0].toUpperCase()}${finding.slice(1)}.`,
      ...rest,
    })
  } finally {
    await thread.terminate()
  }
}

function answerOf(thread: Worker): Promise<{ value: unknown } | { thrown: unknown }> {
  return new Promise((resolve) => {
    thread.once('message', (value) => resolve({ value }))
    thread.once('error', (thrown) => resolve({ thrown }))
    thread.once('exit', () => resolve({ thrown: new Error('it ended without an answer') }))
  })
}

async function stuck(
  thread: Worker,
  { tree, story }: Pick<ThreadRequest, 'tree' | 'story'>,
  reason: Reason,
): Promise<Failure> {
  const session = new Session()
  session.connect()
  const threads = await new Promise<Parameters<Parameters<typeof lookAtThreads>[2]>[0]>((resolve) =>
    lookAtThreads(session, new URL('./watchdog.ts', import.meta.url).href, resolve),
  )
  session.disconnect()
  const own = threads.find(({ threadId }) => threadId === thread.threadId)
  const trace = own ? placesOf(tree, own.frames) : []
  return new Failure(story, { headline: 'The thread does not come back.', trace, ...reason })
}
