import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exploreCrashes } from '../../tests/harness/crash-points/explore.ts'
import { logProgram } from '../../tests/harness/crash-points/log-program.ts'
import { randomInteger, seededRandom } from '../../tests/harness/random.ts'
import { hostServer } from '../../tests/judge/host.ts'
import { ChatCaller } from './chat-caller.ts'
import { loadHistory } from './history-code.ts'
import { type Measurement, notMeasurable } from './measurement.ts'

const KILLS = 100
const MESSAGES_A_LIFE = 200
const PASSWORD = 'correct horse battery'

export const measurement: Measurement = {
  asks: `acknowledged messages lost by ${KILLS} times kill -9`,
  how: `A client says ${MESSAGES_A_LIFE} messages without waiting; after one of the first 100 answers, picked at random, the server's process is killed, and started again on its folder. Crash points: as in steps 15.4 and 15.5, on a disk that may lose whatever was not synced.`,
  async run(tree, say) {
    const dataFolder = await mkdtemp(join(tmpdir(), 'kill-'))
    const options = { data: dataFolder, passwordCost: { ln: 4, r: 8, p: 1 } }
    const random = seededRandom(1, 'kills')
    const acknowledged = new Map<number, string>()
    const found = new Map<number, string>()
    let doubled = 0
    try {
      for (let kill = 0; kill <= KILLS; kill++) {
        if (kill % 20 === 0) say(`killed ${kill} times`)
        const server = await hostServer(tree, '15-history', { options })
        try {
          const caller = await ChatCaller.connect(server.port)
          await caller.ask({ type: 'register', name: 'ada', email: 'a@b.org', password: PASSWORD })
          await caller.ask({ type: 'login', version: 1, name: 'ada', password: PASSWORD })
          doubled += await readOn(caller, found)
          if (kill === KILLS) break
          const isEnough = noteUntil(acknowledged, 1 + randomInteger(random, 100))
          const texts = new Map<number, string>()
          for (let index = 0; index < MESSAGES_A_LIFE; index++) {
            const text = `${kill}.${index}`
            texts.set(caller.send({ type: 'say', room: 'lobby', text }), text)
          }
          await caller.until((message) => isEnough(message, texts))
          await server.kill()
          await caller.until((message) => void isEnough(message, texts))
        } finally {
          await server.kill()
        }
      }
    } finally {
      await rm(dataFolder, { recursive: true, force: true })
    }
    const lost = [...acknowledged].filter(([number, text]) => found.get(number) !== text).length
    say('walking crash points')
    const { Log } = await loadHistory(tree)
    let [crashPoints, disks] = [0, 0]
    for (const limits of [{}, { maxSegmentBytes: 40, maxTotalBytes: 120 }]) {
      const outcome = await exploreCrashes({ program: logProgram(Log, limits), seed: 1 })
      if (outcome.kind === 'broken') throw notMeasurable(`${outcome.finding}.`)
      crashPoints += outcome.crashPoints
      disks += outcome.starts
    }
    return {
      answer: { value: lost, unit: 'lost' },
      rows: [
        { label: 'acknowledged', value: acknowledged.size, unit: '' },
        { label: 'lost', value: lost, unit: '' },
        { label: 'there twice', value: doubled, unit: '' },
        { label: 'crash points walked', value: crashPoints, unit: '' },
        { label: 'disks started on', value: disks, unit: '' },
      ],
    }
  },
}

/** Notes what is acknowledged; true when that is enough. */
function noteUntil(acknowledged: Map<number, string>, enough: number) {
  let count = 0
  return (message: Record<string, unknown>, texts: Map<number, string>): boolean => {
    if (message.type !== 'said') return false
    acknowledged.set(message.number as number, texts.get(message.id as number)!)
    count += 1
    return count >= enough
  }
}

/** Joins, and reads whatever was not read before. Resolves with how many messages were there a second time. */
async function readOn(caller: ChatCaller, found: Map<number, string>): Promise<number> {
  const texts = new Set(found.values())
  let doubled = 0
  let page = await caller.ask({ type: 'join', room: 'lobby', after: found.size })
  for (;;) {
    for (const { number, text } of page.messages as { number: number; text: string }[]) {
      if (texts.has(text)) doubled += 1
      texts.add(text)
      found.set(number, text)
    }
    if (!page.more) return doubled
    page = await caller.ask({ type: 'history', room: 'lobby', after: found.size })
  }
}
