import { HOW, raceEchoes } from './echo-race.ts'
import type { Measurement } from './measurement.ts'

const request = Buffer.from(`${'echo '.padEnd(63, 'x')}\n`)

export const measurement: Measurement = {
  asks: 'round trips of the event loop for each of the plainest net server, at 50 connections',
  how: `A line of 64 bytes and its answer. ${HOW}`,
  run(tree, say) {
    const answerBytes = request.length - 'echo '.length
    const chapter = '07-event-loop'
    return raceEchoes({ label: 'event loop', tree, chapter, request, answerBytes }, say)
  },
}
