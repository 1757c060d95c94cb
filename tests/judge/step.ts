/**
 * `step()`: how a chapter's tests are written. A test file declares its steps in order; the runner runs them.
 *
 * A body gets the scene of its step. It returns when everything held and throws a `Failure` when not.
 */

import type { Client } from '../harness/client.ts'
import type { Reason } from '../harness/failure.ts'
import type { HostedServer } from '../harness/hosted-server.ts'
import type { ThrownError } from '../harness/last-words.ts'
import type { Random } from '../harness/random.ts'
import type { Scene } from '../harness/scene.ts'
import type { Story } from '../harness/story.ts'
import type { ProcessLimits } from '../harness/watched-process.ts'

export interface Stage {
  /** Starts a chapter's server in a process of its own, which may be given less than usual. */
  serve(
    chapter: string,
    options?: object,
    file?: string,
    limits?: ProcessLimits,
  ): Promise<HostedServer>
  /** Expects that it does not start. */
  refuse(chapter: string, options: object, reason: Reason, file?: string): Promise<ThrownError>
  connect(server: HostedServer, name?: string): Promise<Client>
  expectRefused(server: HostedServer, reason: Reason): Promise<void>
  /** Imports code under test: `await load(() => import('#code/09-framing/frames.ts'))`. */
  load<T>(importer: () => Promise<T>): Promise<T>
  inThread: Scene['inThread']
  explore: Scene['explore']
  walkCrashes: Scene['walkCrashes']
  expect: Scene['expect']
  expectSame: Scene['expectSame']
  story: Story
  /** Seeded by `--seed` and the step's id. */
  random: Random
}

export interface Step {
  /** `'02.1'` */
  id: string
  /** A sentence about behaviour. */
  title: string
  body: (stage: Stage) => Promise<void>
}

const declared: Step[] = []

/** Declares the next step of the chapter. */
export function step(id: string, title: string, body: Step['body']): void {
  declared.push({ id, title, body })
}

/** The steps that the test files imported so far have declared. */
export function declaredSteps(): readonly Step[] {
  return declared
}

/** What a body can use: the scene's methods, free of `this`. */
export function stageOf(scene: Scene): Stage {
  return {
    serve: scene.serve.bind(scene),
    refuse: scene.refuse.bind(scene),
    connect: scene.connect.bind(scene),
    expectRefused: scene.expectRefused.bind(scene),
    load: scene.load.bind(scene),
    inThread: scene.inThread.bind(scene),
    explore: scene.explore.bind(scene),
    walkCrashes: scene.walkCrashes.bind(scene),
    expect: scene.expect.bind(scene),
    expectSame: scene.expectSame.bind(scene),
    story: scene.story,
    random: scene.random,
  }
}
