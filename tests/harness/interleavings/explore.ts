/** Explores a scenario: real threads, every interleaving of their accesses to shared memory, as far as it goes. */

import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { CodeTree } from '../code-tree.ts'
import { explainThrown } from '../diagnosis.ts'
import { Failure, type Reason } from '../failure.ts'
import type { Story } from '../story.ts'
import type { Outcome } from './scenario.ts'
import { makeBlocks, openBlock, RUNNING, setState } from './turnstile.ts'

export interface Exploration {
  /** The module that exports the `scenario`. */
  script: URL
  tree: CodeTree
  seed: number
}

/** Rejects with what the code under test threw while it was loaded. */
export async function explore({ script, tree, seed }: Exploration): Promise<Outcome> {
  const explorer = start('explorer.ts', { script: script.href, seed })
  const threads: Worker[] = []
  try {
    const buffers = makeBlocks((await answerOf(explorer)) as number)
    const code = pathToFileURL(tree.root).href
    for (const [thread, buffer] of buffers.entries()) {
      setState(openBlock(buffer), RUNNING)
      threads.push(start('thread.ts', { script: script.href, code, buffer, thread }))
    }
    explorer.postMessage(buffers)
    return (await answerOf(explorer, threads)) as Outcome
  } finally {
    await Promise.all([explorer, ...threads].map((thread) => thread.terminate()))
  }
}

/** The explorer's next message, unless one of the threads breaks first. */
function answerOf(explorer: Worker, threads: Worker[] = []): Promise<unknown> {
  return new Promise((resolve, reject) => {
    explorer.once('message', resolve)
    for (const thread of [explorer, ...threads]) thread.once('error', reject)
  })
}

/** Why an exploration should hold, and other causes for other ways in which it does not. */
export interface ExplorationReason extends Reason {
  /** The first that fits, in the finding or in the turns (a line each), says what is likely. */
  ifSeen?: { seen: RegExp; likely: string; look?: string | string[] }[]
}

/** A broken scenario as a failure: what a thread threw, or the order of turns in which they all went wrong. */
export function explorationFailure(
  story: Story,
  outcome: Exclude<Outcome, { kind: 'held' }>,
  tree: CodeTree,
  { ifSeen = [], ...asked }: ExplorationReason,
): Failure {
  const { turns, runs } = outcome
  const finding = 'finding' in outcome ? outcome.finding : ''
  const whatHappened = [finding, ...turns.map(({ text }) => text)].join('\n')
  const fitting = ifSeen.find(({ seen }) => seen.test(whatHappened))
  const { likely = asked.likely, look = asked.look } = fitting ?? {}
  const reason: Reason = { ...asked, likely, look }
  if (outcome.kind === 'stuck') {
    const what = `thread ${outcome.thread + 1} neither reaches shared memory nor ends`
    const headline = `The threads do not come to an end: ${what}.`
    const interleaving = { turns, finding: what, runs }
    return new Failure(story, { headline, interleaving, ...reason })
  }
  const { stack } = outcome
  if (stack === undefined) {
    const headline = `There is an order of turns in which it goes wrong: ${finding}.`
    return new Failure(story, { headline, interleaving: { turns, finding, runs }, ...reason })
  }
  const [message, ...frames] = stack.split('\n')
  const [name, ...text] = message.split(': ')
  const thrown = { name, message: text.join(': '), stack: frames.join('\n') }
  const { finding: what, ...diagnosis } = explainThrown(thrown, tree, 'a thread threw')
  const headline = `${what[0].toUpperCase()}${what.slice(1)}.`
  return new Failure(story, {
    headline,
    ...reason,
    ...diagnosis,
    likely: diagnosis.likely ?? reason.likely,
    interleaving: { turns, finding, runs },
  })
}

function start(file: string, workerData: object): Worker {
  return new Worker(new URL(file, import.meta.url), { workerData })
}
