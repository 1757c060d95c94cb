/** Starting a server under test, and saying what is wrong when it does not come up. */

import { type CodeTree, fileIn } from './code-tree.ts'
import { type Diagnosis, diagnose, explainThrown } from './diagnosis.ts'
import { expecting } from './expecting.ts'
import { Failure, type Reason } from './failure.ts'
import type { HoleReached, Listening, StartRequest } from './host-process.ts'
import { HostedServer } from './hosted-server.ts'
import type { ThrownError } from './last-words.ts'
import { within } from './patience.ts'
import { startLimitedHost, takeHost } from './spare-host.ts'
import type { Story } from './story.ts'
import {
  ProcessEnded,
  type ProcessLimits,
  RemoteError,
  type WatchedProcess,
} from './watched-process.ts'

export interface LaunchRequest {
  chapter: string
  /** The file that exports `startServer`. */
  file: string
  options: object
  /** The step being judged. */
  step: string
  /** What its process may use, if that is to be less than usual. */
  limits?: ProcessLimits
}

/** Runs `startServer(options)` and waits for the port; whatever goes wrong is a `Failure`. */
export async function launch(
  request: LaunchRequest,
  tree: CodeTree,
  story: Story,
): Promise<HostedServer> {
  const process = await (request.limits ? startLimitedHost(request.limits) : takeHost())
  try {
    const started = await start(process, request, tree, story)
    if ('thrown' in started) throw startFailure(story, process, explainStart(started.thrown, tree))
    const { port } = started
    if (!isPort(port)) throw unusablePort(story, process, port)
    story.tell('server', `listens on port ${port}`)
    return new HostedServer(process, tree, story, port)
  } catch (error) {
    await process.kill()
    throw error
  }
}

/** Expects `startServer(options)` to reject, and answers what with. */
export async function refuse(
  request: LaunchRequest,
  tree: CodeTree,
  story: Story,
  reason: Reason,
): Promise<ThrownError> {
  const process = await takeHost()
  try {
    const started = await start(process, request, tree, story)
    if ('thrown' in started) return started.thrown
    throw new Failure(story, {
      headline: 'startServer() resolved, but it should have rejected.',
      ...reason,
      output: process.output,
    })
  } catch (error) {
    if (error instanceof Failure && reason.look) error.report.look ??= reason.look
    throw error
  } finally {
    await process.kill()
  }
}

async function start(
  process: WatchedProcess,
  { chapter, file, options, step }: LaunchRequest,
  tree: CodeTree,
  story: Story,
): Promise<{ port: unknown } | { thrown: ThrownError }> {
  process.onEvent((event) => story.holes.push((event as HoleReached).hole))
  story.tell('test', `calls startServer(${describeOptions(options)})`)
  const request: StartRequest = { file: fileIn(tree, chapter, file), options, step }
  try {
    const starting = process.request('start', request)
    const started = await expecting(process, starting)
    if (started !== 'too late') return started as { port: unknown }
    const failure = await slowStart(process, tree, story)
    // It may have come up while we were looking.
    const late = await within(0, starting)
    if (late === 'too late') throw failure
    return late as { port: unknown }
  } catch (error) {
    if (error instanceof RemoteError) return { thrown: error.thrown }
    if (!(error instanceof ProcessEnded)) throw error
    await process.ended
    const diagnosis = await diagnose(process, tree)
    const hasExited = process.ending?.lastWords?.kind === 'exited' && diagnosis?.trace
    throw startFailure(
      story,
      process,
      hasExited ? { ...diagnosis, likely: EXITS_AT_START } : diagnosis,
    )
  }
}

function isPort(port: unknown): port is number {
  return Number.isInteger(port) && (port as number) > 0 && (port as number) < 65_536
}

function unusablePort(story: Story, process: WatchedProcess, port: unknown): Failure {
  return new Failure(story, {
    headline: 'startServer() resolved without a usable port.',
    expected: { text: '{ port: 1 … 65535, close() }' },
    received: { text: `{ port: ${String(port)} }` },
    because: 'A caller that asks for port 0 ("any") has to be told which port it got.',
    likely:
      "The port is known only once the server listens: server.address() is null before 'listening'.",
    output: process.output,
  })
}

/** startServer() has neither resolved nor rejected in time. */
async function slowStart(process: WatchedProcess, tree: CodeTree, story: Story): Promise<Failure> {
  const diagnosis = await diagnose(process, tree)
  if (diagnosis) return startFailure(story, process, diagnosis)
  const [listening] = (await process.request('listening')) as Listening[]
  if (listening) {
    return startFailure(story, process, {
      finding: `it listens on port ${listening.port} and has not said so`,
      likely:
        "The promise is never resolved: resolve it in the callback of listen(), or on 'listening'.",
    })
  }
  return startFailure(story, process, {
    finding: 'nothing listens on any port, and the promise is neither resolved nor rejected',
    likely: 'Is listen() called? And does an error on the server reject the promise?',
  })
}

function explainStart(thrown: ThrownError, tree: CodeTree): Diagnosis {
  const diagnosis = explainThrown(thrown, tree, 'it threw')
  return /taken|EADDRINUSE/.test(thrown.message) ? { ...diagnosis, likely: FIXED_PORT } : diagnosis
}

const EXITS_AT_START =
  'A server that cannot start rejects with the reason. Whether the process should end is for the caller to decide: it may run other servers.'

/** Tests that expect a server to start never ask for a certain port. */
const FIXED_PORT =
  'The test asked for port 0, any free port. A port that is fixed in the code can be taken: pass on the one that startServer() was given.'

function startFailure(
  story: Story,
  process: WatchedProcess,
  diagnosis: Diagnosis | undefined,
): Failure {
  const { finding, ...rest } = diagnosis ?? { finding: 'it ended' }
  return new Failure(story, {
    headline: `startServer() did not come up: ${finding}.`,
    ...rest,
    output: process.output,
  })
}

function describeOptions(options: object): string {
  const entries = Object.entries(options).map(([name, value]) => {
    const isLong = typeof value === 'string' && value.length > 24
    return `${name}: ${isLong ? `'${value.slice(0, 12)}…'` : JSON.stringify(value)}`
  })
  return entries.length > 0 ? `{ ${entries.join(', ')} }` : ''
}
