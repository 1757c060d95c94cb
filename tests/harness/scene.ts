/**
 * The stage of one step: its servers, its clients, its story, and the order to leave nothing behind.
 */

import { inspect, isDeepStrictEqual } from 'node:util'
import { Client } from './client.ts'
import type { CodeTree } from './code-tree.ts'
import type { DiskState } from './crash-points/disk.ts'
import { exploreCrashes, type Program } from './crash-points/explore.ts'
import { type CrashReason, crashFailure } from './crash-points/report.ts'
import { explainThrown } from './diagnosis.ts'
import { Failure, type Reason } from './failure.ts'
import type { HostedServer } from './hosted-server.ts'
import { type ExplorationReason, explorationFailure, explore } from './interleavings/explore.ts'
import { type ThrownError, toThrownError } from './last-words.ts'
import { launch, refuse } from './launch.ts'
import { type Random, seededRandom } from './random.ts'
import { Story } from './story.ts'
import { inThread } from './thread.ts'
import type { ProcessLimits } from './watched-process.ts'

const NAMES = ['ada', 'bob', 'cyd', 'dee', 'eve', 'fay', 'gus', 'hal']

export interface SceneRequest {
  step: string
  tree: CodeTree
  seed: number
}

export class Scene {
  readonly story = new Story()
  readonly random: Random
  readonly #request: SceneRequest
  readonly #servers: HostedServer[] = []
  readonly #clients: Client[] = []

  constructor(request: SceneRequest) {
    this.#request = request
    this.random = seededRandom(request.seed, request.step)
  }

  async serve(
    chapter: string,
    options: object = {},
    file = 'server.ts',
    limits?: ProcessLimits,
  ): Promise<HostedServer> {
    const { step, tree } = this.#request
    const server = await launch({ chapter, file, options, step, limits }, tree, this.story)
    this.#servers.push(server)
    return server
  }

  /** Expects `startServer(options)` to reject, and answers what with. */
  refuse(
    chapter: string,
    options: object,
    reason: Reason,
    file = 'server.ts',
  ): Promise<ThrownError> {
    const { step, tree } = this.#request
    return refuse({ chapter, file, options, step }, tree, this.story, reason)
  }

  /** Imports code under test; a file that cannot be loaded is a failure like any other. */
  async load<T>(importer: () => Promise<T>): Promise<T> {
    try {
      return await importer()
    } catch (error) {
      const { finding, ...rest } = explainThrown(
        toThrownError(error),
        this.#request.tree,
        'there is an error',
      )
      throw new Failure(this.story, {
        headline: `The code under test does not load: ${finding}.`,
        ...rest,
      })
    }
  }

  /** Runs a script of the tests in a thread of its own, for code that blocks; resolves with its answer. */
  inThread<T>(script: URL, data: object, reason: Reason): Promise<T> {
    return inThread<T>({ script, data, tree: this.#request.tree, story: this.story }, reason)
  }

  /** Walks the interleavings of a scenario (a module of the tests); one that breaks it is a failure. */
  async explore(what: string, script: URL, reason: ExplorationReason): Promise<void> {
    const { tree, seed } = this.#request
    const outcome = await explore({ script, tree, seed })
    this.story.judge(
      'test',
      `expects ${what}, in every order of turns`,
      outcome.kind === 'held' ? 'kept' : 'broken',
    )
    if (outcome.kind === 'held') return
    throw explorationFailure(this.story, outcome, tree, reason)
  }

  /** Walks the crash points of a program that keeps messages on a disk; a promise that one breaks is a failure. */
  async walkCrashes(program: Program, reason: CrashReason, disk?: DiskState): Promise<void> {
    const { tree, seed } = this.#request
    const outcome = await exploreCrashes({ program, seed, disk })
    if (outcome.kind === 'broken') throw crashFailure(outcome, tree, reason)
    const text = 'expects every promise to be kept, wherever the machine stops'
    this.story.judge('test', text, 'kept')
  }

  /** A new client of that server. Without a name of its own it is the next of ada, bob, cyd, … */
  async connect(server: HostedServer, name = this.#nextName()): Promise<Client> {
    const client = await Client.connect(name, { server, story: this.story, random: this.random })
    this.#clients.push(client)
    return client
  }

  /** Expects that a newcomer is not let in. */
  async expectRefused(server: HostedServer, reason: Reason): Promise<void> {
    await Client.expectRefused('zoe', { server, story: this.story }, reason)
  }

  /** Expects a value; `what` completes "expects …": `'the greeting to be one line'`. */
  expect(
    what: string,
    holds: boolean,
    reason: Reason & { expected?: string; received?: string },
  ): void {
    this.story.judge('test', `expects ${what}`, holds ? 'kept' : 'broken')
    if (holds) return
    const { expected, received, ...rest } = reason
    throw new Failure(this.story, {
      headline: `The test expected ${what}.`,
      expected: expected === undefined ? undefined : { text: expected },
      received: received === undefined ? undefined : { text: received },
      ...rest,
      output: this.#servers.map((server) => server.output).join(''),
    })
  }

  /** Expects two values to be the same in depth. */
  expectSame(what: string, received: unknown, expected: unknown, reason: Reason): void {
    this.expect(`${what} to be ${show(expected)}`, isDeepStrictEqual(received, expected), {
      ...reason,
      expected: show(expected),
      received: received === '' ? '"" (an empty text)' : show(received),
    })
  }

  /** A server that broke after the last expectation broke all the same. */
  async expectAllAlive(): Promise<void> {
    for (const server of this.#servers) {
      if (server.hasEnded && !server.isKilled)
        throw await server.fail({
          headline: 'Everything was as expected, and then the server ended',
        })
    }
  }

  async clear(): Promise<void> {
    for (const client of this.#clients) client.discard()
    await Promise.all(this.#servers.map((server) => server.kill()))
  }

  #nextName(): string {
    const taken = this.#clients.length
    return NAMES[taken] ?? `client ${taken + 1}`
  }
}

function show(value: unknown): string {
  return typeof value === 'string'
    ? JSON.stringify(value)
    : inspect(value, { breakLength: 68, maxArrayLength: 12 })
}
