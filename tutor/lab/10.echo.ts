import { HOW, raceEchoes } from './echo-race.ts'
import type { Measurement } from './measurement.ts'

const request = Buffer.concat([Buffer.of(0, 0, 0, 64), Buffer.alloc(64, 'x')])

export const measurement: Measurement = {
  asks: 'round trips of the frame connection for each of the plainest net server, at 50 connections',
  how: `A frame with 64 bytes of payload and its echo. ${HOW}`,
  run(tree, say) {
    const answerBytes = request.length
    const chapter = '10-backpressure'
    return raceEchoes({ label: 'frame connection', tree, chapter, request, answerBytes }, say)
  },
}
