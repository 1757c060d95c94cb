import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { percentile } from '../../tests/harness/numbers.ts'
import { ChatMember } from './chat-member.ts'
import { makeAccounts, runChatServer } from './chat-program.ts'
import type { Measurement } from './measurement.ts'

const MEMBERS = 100
/** Each says something so often, by the clock. */
const EVERY_MS = 2_000
const FOR_MS = 8_000
const WARM_UP_MS = 2_000

export const measurement: Measurement = {
  asks: 'ms (p99) from the moment when a message is due until a member has it',
  how: `${MEMBERS} members of one room, half through each door; each says something every ${EVERY_MS / 1_000} s, by the clock and not when answered: ${(MEMBERS / EVERY_MS) * 1_000} messages a second to ${MEMBERS} members, for ${FOR_MS / 1_000} s. A message counts from the moment when it was due until a member’s process has parsed it, on its way through a log that is synced. Server and members share this machine.`,
  async run(tree, say) {
    const data = await mkdtemp(join(tmpdir(), 'latency-'))
    const names = Array.from({ length: MEMBERS }, (_, place) => `member${place}`)
    const tokens = await makeAccounts(tree, data, names)
    const { program, ports } = await runChatServer(tree, data)
    const members: ChatMember[] = []
    try {
      say(`${MEMBERS} members come in`)
      for (const [place, name] of names.entries()) {
        const enter = place % 2 === 0 ? ChatMember.throughFrames : ChatMember.throughWeb
        members.push(await enter(place % 2 === 0 ? ports.frames : ports.web, tokens.get(name)!))
      }
      say('they talk')
      members.forEach((member, place) => {
        member.talkEvery(EVERY_MS, (place * EVERY_MS) / MEMBERS)
      })
      await sleep(WARM_UP_MS)
      for (const { latenciesMs } of members) latenciesMs.length = 0
      const beforeMs = await cpuMsOf(ports.metrics!)
      await sleep(FOR_MS)
      const cpuMs = (await cpuMsOf(ports.metrics!)) - beforeMs
      const byDoor = (rest: number) =>
        members.flatMap(({ latenciesMs }, place) => (place % 2 === rest ? latenciesMs : []))
      const [frames, web] = [byDoor(0), byDoor(1)]
      const row = (label: string, value: number, unit: string) => ({
        label,
        value: Number(value.toFixed(1)),
        unit,
      })
      return {
        answer: row('', percentile([...frames, ...web], 99), 'ms'),
        rows: [
          row('frames: p50', percentile(frames, 50), 'ms'),
          row('frames: p99', percentile(frames, 99), 'ms'),
          row('web: p50', percentile(web, 50), 'ms'),
          row('web: p99', percentile(web, 99), 'ms'),
          row('delivered', ((frames.length + web.length) * 1_000) / FOR_MS, '/s'),
          row('CPU of the server', (cpuMs * 100) / FOR_MS, '% of a core'),
        ],
      }
    } finally {
      for (const member of members) member.close()
      await program.kill()
      await rm(data, { recursive: true, force: true, maxRetries: 3 })
    }
  },
}

/** CPU time of the server, as its own metrics say. */
async function cpuMsOf(port: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  return Number(/^process_cpu_seconds_total (\S+)$/m.exec(text)?.[1]) * 1_000
}
