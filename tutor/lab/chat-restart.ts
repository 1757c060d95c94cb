/** A chat server that is restarted again and again while people talk: what was acknowledged, and what is there? */

import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CodeTree } from '../../tests/harness/code-tree.ts'
import { seededRandom } from '../../tests/harness/random.ts'
import { ChatCaller } from './chat-caller.ts'
import { overTcp, overWebSocket, Person } from './chat-people.ts'
import { makeAccounts, runChatServer } from './chat-program.ts'

export interface RestartPlan {
  /** Half of them come through each door. */
  people: number
  restarts: number
  /** Each of them says something so often. */
  everyMs: number
  /** So long they talk between two restarts. */
  betweenMs: number
  /** How it ends: SIGTERM drains, SIGKILL does not. */
  signal: NodeJS.Signals
}

export interface RestartOutcome {
  said: number
  acknowledged: number
  /** Acknowledged, and not there under that number. */
  lost: number
  /** There more than once. */
  doubled: number
  /** Rejected as `unknown`, or with any other code. */
  rejected: number
  /** There is no gap between the numbers. */
  isWhole: boolean
  /** Exit codes, or signals. */
  endings: (number | string | null)[]
  /** From the signal to the end of the process. */
  endedMs: number[]
}

export async function restartUnderLoad(
  tree: CodeTree,
  plan: RestartPlan,
  say: (text: string) => void = () => {},
): Promise<RestartOutcome> {
  const data = await mkdtemp(join(tmpdir(), 'restart-'))
  const names = Array.from({ length: plan.people }, (_, place) => `person${place}`)
  const random = seededRandom(1, 'restarts')
  const tokens = await makeAccounts(tree, data, [...names, 'reader'])
  const ports = { frames: await freePort(), web: await freePort() }
  let { program } = await runChatServer(tree, data, ports)
  const people: Person[] = []
  const [endings, endedMs]: [RestartOutcome['endings'], number[]] = [[], []]
  try {
    const doors = [await overTcp(tree, ports), overWebSocket(ports)]
    for (const [place, name] of names.entries()) {
      const token = tokens.get(name)!
      people.push(await Person.enter(tree, doors[place % 2], name, token, random))
    }
    await Promise.all(people.map((person) => person.online()))
    for (const person of people) person.talkEvery(plan.everyMs)
    for (let restart = 1; restart <= plan.restarts; restart++) {
      await sleep(plan.betweenMs)
      say(`restart ${restart}`)
      const beganMs = performance.now()
      program.signal(plan.signal)
      endings.push(await program.ending())
      endedMs.push(Math.round(performance.now() - beganMs))
      program = (await runChatServer(tree, data, ports)).program
      await Promise.all(people.map((person) => person.online()))
    }
    await sleep(plan.betweenMs)
    for (const person of people) person.stopTalking()
    return { ...(await compare(people, ports.frames, tokens.get('reader')!)), endings, endedMs }
  } finally {
    for (const person of people) person.close()
    await program.kill()
    await rm(data, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** Ports below those that the kernel gives to others: they are free again when the server comes back. */
let nextPort = 20_000 + (process.pid % 1_000) * 10

async function freePort(): Promise<number> {
  for (;;) {
    nextPort += 1
    const server = createServer().listen(nextPort, '127.0.0.1')
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    server.close()
    if (isFree) return nextPort
  }
}

/** What people were told, beside what a newcomer reads. */
async function compare(
  people: Person[],
  port: number,
  token: string,
): Promise<Omit<RestartOutcome, 'endings' | 'endedMs'>> {
  const spoken = people.flatMap(({ spoken }) => spoken)
  const outcomes = await Promise.all(spoken.map(({ outcome }) => outcome))
  const { texts, isWhole } = await readAll(port, token)
  const acknowledged = outcomes.filter((outcome) => typeof outcome === 'number').length
  const isLost = (outcome: number | string, place: number) =>
    typeof outcome === 'number' && texts.get(outcome) !== spoken[place].text
  return {
    said: spoken.length,
    acknowledged,
    lost: outcomes.filter(isLost).length,
    doubled: texts.size - new Set(texts.values()).size,
    rejected: spoken.length - acknowledged,
    isWhole,
  }
}

async function readAll(port: number, token: string) {
  const reader = await ChatCaller.connect(port)
  await reader.ask({ type: 'hello', version: 1, token })
  const texts = new Map<number, string>()
  let page = await reader.ask({ type: 'join', room: 'hall', after: 0 })
  for (;;) {
    const messages = page.messages as { number: number; text: string }[]
    for (const { number, text } of messages) texts.set(number, text)
    if (!page.more) break
    page = await reader.ask({ type: 'history', room: 'hall', after: messages.at(-1)!.number })
  }
  reader.close()
  return { texts, isWhole: Math.max(0, ...texts.keys()) === texts.size }
}
