import { restartUnderLoad } from './chat-restart.ts'
import type { Measurement } from './measurement.ts'

const PLAN = { people: 40, everyMs: 100, betweenMs: 1_500 }
const RESTARTS = 8
const KILLS = 4

export const measurement: Measurement = {
  asks: 'acknowledged messages that a restart under load has lost',
  how: `${PLAN.people} people with chapter 16’s client, half through each door, say something every ${PLAN.everyMs} ms, by the clock. main.ts is ended with SIGTERM ${RESTARTS} times and started again on its folder, then ${KILLS} times with kill -9. Afterwards a newcomer reads everything. Ended: from the signal to the end of the process, the slowest of them.`,
  async run(tree, say) {
    const drained = await restartUnderLoad(
      tree,
      { ...PLAN, restarts: RESTARTS, signal: 'SIGTERM' },
      say,
    )
    say('kill -9')
    const killed = await restartUnderLoad(
      tree,
      { ...PLAN, restarts: KILLS, signal: 'SIGKILL' },
      say,
    )
    const rows = Object.entries({ SIGTERM: drained, 'kill -9': killed }).flatMap(
      ([how, outcome]) => [
        { label: `${how}: acknowledged`, value: outcome.acknowledged, unit: 'messages' },
        { label: `${how}: lost`, value: outcome.lost, unit: 'messages' },
        { label: `${how}: doubled`, value: outcome.doubled, unit: 'messages' },
        { label: `${how}: rejected`, value: outcome.rejected, unit: 'messages' },
      ],
    )
    return {
      answer: { value: drained.lost, unit: 'messages' },
      rows: [
        ...rows,
        {
          label: 'SIGTERM: exits with 0',
          value: drained.endings.filter((code) => code === 0).length,
          unit: `of ${RESTARTS}`,
        },
        { label: 'SIGTERM: ended', value: Math.max(...drained.endedMs), unit: 'ms' },
      ],
    }
  },
}
