import { hostServer } from '../../tests/judge/host.ts'
import { LAB, PLAINEST } from './echo-race.ts'
import { kibPerConnection } from './idle-connections.ts'
import type { Measurement } from './measurement.ts'

const COUNT = 5_000

/** One that each of the three servers answers: a line, and a whole frame of 10 bytes. */
const LINE = 'echo hello\n'
const FRAME = '\0\0\0\u0006hello!'

export const measurement: Measurement = {
  asks: 'KiB of the server’s memory for a frame connection that says nothing',
  how: `${COUNT.toLocaleString('en')} connections that say nothing after a first message are opened to each server. Resident memory of the server’s process with all of them, less that with the first hundredth, for each of the rest. What the kernel keeps for them is not in it.`,
  async run(tree, say) {
    const contestants = [
      { label: 'plainest net server', code: LAB, chapter: '', hello: LINE },
      { label: '07, lines on the loop', code: tree, chapter: '07-event-loop', hello: LINE },
      { label: '10, frames with limits', code: tree, chapter: '10-backpressure', hello: FRAME },
    ]
    const rows = []
    for (const { label, code, chapter, hello } of contestants) {
      say(label)
      const file = chapter ? 'server.ts' : PLAINEST
      const server = await hostServer(code, chapter, { file })
      try {
        rows.push({ label, value: await kibPerConnection(server, COUNT, hello), unit: 'KiB' })
      } finally {
        await server.kill()
      }
    }
    return { answer: { value: rows.at(-1)!.value, unit: 'KiB' }, rows }
  },
}
