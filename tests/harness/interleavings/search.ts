/**
 * Walks the interleavings of a scenario, depth first, until one breaks it or none is left.
 *
 * First those with few preemptions, because they find most bugs and explain them best (CHESS). Then all of them,
 * leaving out orders that differ only in turns that commute: sleep sets, after Godefroid. Past the limit the rest is
 * sampled, with a seed.
 */

import type { Random } from '../random.ts'
import { type Access, commute, Run, ThreadStuck } from './run.ts'
import type { Limits, Outcome, Scenario } from './scenario.ts'
import type { Block } from './turnstile.ts'

/** A run with more turns than this goes round in circles. */
const MAX_TURNS = 400

const LIMITS: Limits = { preemptions: 2, runs: 2_000, samples: 200 }

/** When chance decides, one choice in so many is a death. */
const DEATH_ODDS = 12

/** What can happen next: a turn for thread `n` is `n`, its death is `~n`. */
type Choice = number

/** A state that was passed, and what has been tried from there. */
interface Crossing {
  ready: Choice[]
  accesses: Map<Choice, Access>
  chosen: Choice
  tried: Set<Choice>
  /** Choices that would only repeat, in another order, what has been walked. */
  asleep: Set<Choice>
  /** Who had the turn before; a turn for another one, while this one is ready, is a preemption. */
  previous: number | undefined
  preemptions: number
}

type Verdict = Extract<Outcome, { kind: 'broken' | 'stuck' }> | undefined

export function search(blocks: Block[], scenario: Scenario, random: Random): Outcome {
  const limits = { ...LIMITS, ...scenario.limits }
  let runs = 0
  const tryRun = (choose: Chooser): Verdict => {
    runs += 1
    const verdict = walk(blocks, scenario, choose)
    return verdict && { ...verdict, runs }
  }
  for (let bound = 0; bound <= limits.preemptions; bound++) {
    const { verdict } = walkAll(tryRun, { maxRuns: limits.runs / 8, bound })
    if (verdict) return verdict
  }
  // Who spins is held back until the memory changes, and sleep sets know nothing of that.
  const bound = scenario.maySpin ? limits.preemptions + 1 : undefined
  const { verdict, isComplete } = walkAll(tryRun, { maxRuns: limits.runs, bound })
  if (verdict) return verdict
  for (let sample = 0; (!isComplete || bound !== undefined) && sample < limits.samples; sample++) {
    const verdict = tryRun((ready) => drawn(ready, random))
    if (verdict) return verdict
  }
  return { kind: 'held', runs, isComplete: isComplete && bound === undefined }
}

/** Says what happens next, or that this run need not be walked on. */
type Chooser = (
  ready: Choice[],
  accessOf: (choice: Choice) => Access,
  depth: number,
) => Choice | undefined

function isDeath(choice: Choice): boolean {
  return choice < 0
}

function threadOf(choice: Choice): number {
  return isDeath(choice) ? ~choice : choice
}

function drawn(ready: Choice[], random: Random): Choice {
  const [turns, deaths] = [ready.filter((choice) => !isDeath(choice)), ready.filter(isDeath)]
  const among = deaths.length > 0 && random() * DEATH_ODDS < 1 ? deaths : turns
  return among[Math.floor(random() * among.length)]
}

/** Every run, or every one within a bound of preemptions, as long as none is broken. */
function walkAll(
  tryRun: (choose: Chooser) => Verdict,
  { maxRuns, bound = Number.POSITIVE_INFINITY }: { maxRuns: number; bound?: number },
): { verdict: Verdict; isComplete: boolean } {
  const path: Crossing[] = []
  for (let run = 0; run < maxRuns; run++) {
    const verdict = tryRun((ready, accessOf, depth) => {
      if (depth < path.length) return path[depth].chosen
      const crossing = arrive(path.at(-1), ready, accessOf)
      const choice = nextChoice(crossing, bound)
      if (choice === undefined) return undefined
      take(crossing, choice)
      path.push(crossing)
      return choice
    })
    if (verdict) return { verdict, isComplete: false }
    if (!turnBack(path, bound)) return { verdict: undefined, isComplete: true }
  }
  return { verdict: undefined, isComplete: false }
}

/** The state behind the last turn: with what sleeps here because it has been walked in another order. */
function arrive(
  before: Crossing | undefined,
  ready: Choice[],
  accessOf: (choice: Choice) => Access,
): Crossing {
  const asleep = new Set<Choice>()
  if (before) {
    const taken = before.accesses.get(before.chosen)!
    for (const choice of [...before.asleep, ...before.tried]) {
      const access = before.accesses.get(choice)
      if (choice !== before.chosen && access && commute(access, taken)) asleep.add(choice)
    }
  }
  const isPreemption =
    before?.previous !== undefined &&
    before.ready.includes(before.previous) &&
    threadOf(before.chosen) !== before.previous
  return {
    ready,
    accesses: new Map(ready.map((choice) => [choice, accessOf(choice)])),
    chosen: -1,
    tried: new Set(),
    asleep,
    previous: before && threadOf(before.chosen),
    preemptions: (before?.preemptions ?? 0) + (isPreemption ? 1 : 0),
  }
}

/** The thread that had the turn keeps it if that is possible, which makes the first runs the plainest. */
function nextChoice(
  { ready, tried, asleep, previous, preemptions }: Crossing,
  bound: number,
): Choice | undefined {
  const isBounded = Number.isFinite(bound)
  const canGoOn = previous !== undefined && ready.includes(previous)
  const open = ready.filter((choice) => {
    if (tried.has(choice)) return false
    // Sleep sets and a bound do not go together: what sleeps may only be reachable through the bound.
    if (!isBounded && asleep.has(choice)) return false
    return !(isBounded && canGoOn && threadOf(choice) !== previous && preemptions >= bound)
  })
  return previous !== undefined && open.includes(previous) ? previous : open[0]
}

function take(crossing: Crossing, choice: Choice): void {
  crossing.chosen = choice
  crossing.tried.add(choice)
}

/** Goes back to the last crossing with something left to try, and takes that; false when there is none. */
function turnBack(path: Crossing[], bound: number): boolean {
  for (let crossing = path.at(-1); crossing; crossing = path.at(-1)) {
    const choice = nextChoice(crossing, bound)
    if (choice !== undefined) {
      take(crossing, choice)
      return true
    }
    path.pop()
  }
  return false
}

/** One run to its end. */
function walk(
  blocks: Block[],
  { words, initial, check, maySpin, deaths = 0, prepareExitHandler }: Scenario,
  choose: Chooser,
): Verdict {
  let run: Run | undefined
  try {
    run = new Run(blocks, words, initial)
    for (let depth = 0; ; depth++) {
      const able = run.ready()
      if (able.length === 0) break
      const ready = maySpin ? able.filter((thread) => !run!.isSpinning(thread)) : able
      if (depth === MAX_TURNS || ready.length === 0) return giveUp(run, describeCircles(run))
      const mortal = run.dead.length < deaths ? run.mortal() : []
      const choices = [...ready, ...mortal.map((thread) => ~thread)]
      const choice = choose(choices, accessIn(run), depth)
      if (choice === undefined) {
        run.abort()
        return undefined
      }
      if (isDeath(choice)) run.kill(threadOf(choice), prepareExitHandler !== undefined)
      else run.turn(choice)
    }
    if (run.thrown) {
      const [message] = run.thrown.text.split('\n')
      return {
        ...broken(run, `${run.nameOfThread(run.thrown.thread)} threw ${message}`),
        stack: run.thrown.text,
      }
    }
    if (!run.hasEnded) return giveUp(run, describeDeadlock(run))
    const finding = check(run.memory, run.results, run.dead)
    return finding === undefined ? undefined : broken(run, finding)
  } catch (error) {
    if (error instanceof ThreadStuck)
      return { kind: 'stuck', runs: 0, thread: error.thread, turns: run?.turns ?? [] }
    throw error
  }
}

function accessIn(run: Run): (choice: Choice) => Access {
  return (choice) => (isDeath(choice) ? run.death(threadOf(choice)) : run.access(choice))
}

type Broken = Extract<Outcome, { kind: 'broken' }>

function broken(run: Run, finding: string): Broken {
  return { kind: 'broken', runs: 0, turns: run.turns, finding }
}

function giveUp(run: Run, finding: string): Broken {
  const outcome = broken(run, finding)
  run.abort()
  return { ...outcome, turns: outcome.turns.slice(0, 60) }
}

function describeDeadlock(run: Run): string {
  const sleepers = run
    .sleeping()
    .map((thread) => `${run.nameOfThread(thread)} sleeps on ${run.nameOf(thread)}`)
  const whom = sleepers.length > 1 ? 'them' : 'it'
  return `nobody can move any more: ${sleepers.join(', ')}, and nobody is left to wake ${whom}`
}

function describeCircles(run: Run): string {
  const last = run.turns.at(-1)!
  return `${run.nameOfThread(last.thread)} goes round in circles: it tries again and again instead of sleeping until it is notified`
}
