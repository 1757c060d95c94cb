/** What a process prints, line by line, however much it prints without ending a line. */

import type { Readable } from 'node:stream'

/** Of a longer line only the beginning is kept. Last words of a process are shorter. */
export const MAX_LINE_CHARACTERS = 256 * 1024

/** Calls back with each line, and with what is left of one when the stream ends or is destroyed. */
export function readPrintedLines(stream: Readable, onLine: (line: string) => void): void {
  let pending = ''
  const add = (text: string): void => {
    const room = MAX_LINE_CHARACTERS - pending.length
    if (room > 0) pending += text.slice(0, room)
  }
  const end = (): void => {
    const line = pending
    pending = ''
    onLine(line.endsWith('\r') ? line.slice(0, -1) : line)
  }
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    let start = 0
    for (let at = chunk.indexOf('\n'); at >= 0; at = chunk.indexOf('\n', start)) {
      add(chunk.slice(start, at))
      end()
      start = at + 1
    }
    add(chunk.slice(start))
  })
  stream.on('close', () => pending !== '' && end())
}
