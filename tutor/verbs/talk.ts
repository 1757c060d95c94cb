import { connect } from 'node:net'
import { readBook } from '../book/book.ts'
import { readPort } from './serve.ts'
import { PLAIN, speakFrames } from './talk-speech.ts'
import { chooseChapter, toType, UsedWrongly, type Verb } from './verb.ts'

export const talk: Verb = {
  usage: 'talk 7 [--port 4007]',
  summary: 'connect your keyboard to a server that runs; Ctrl-D says FIN',
  async run(call) {
    const { chapter } = chooseChapter(call, 'talk 1')
    const number = Number(chapter.slice(0, 2))
    const port = readPort(call, number)
    const { lesson } = readBook().find(({ name }) => name === chapter)!
    if (lesson.talk === 'browser') {
      throw new UsedWrongly(`Chapter ${number} talks to browsers: open http://localhost:${port}`)
    }
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    const speech = lesson.talk === 'frames' ? speakFrames() : PLAIN
    process.stdin.on('data', (chunk) => socket.write(speech.encode(Buffer.from(chunk))))
    process.stdin.on('end', () => socket.end(speech.encodeEnd()))
    socket.on('data', (chunk) => call.write(speech.decode(Buffer.from(chunk))))
    return new Promise((resolve) => {
      socket.on('connect', () =>
        call.write(call.chalk.dim(`connected to 127.0.0.1 port ${port}\n`)),
      )
      socket.on('end', () => {
        call.write(call.chalk.dim('the server ended the connection\n'))
        socket.end()
      })
      socket.on('error', (error: NodeJS.ErrnoException) => {
        const isRefused = error.code === 'ECONNREFUSED'
        call.write(
          isRefused
            ? `Nobody listens on port ${port}. Start it:  ${toType(['serve', number], call.flags)}\n`
            : `${error.message}\n`,
        )
      })
      socket.on('close', (hadError) => {
        process.stdin.destroy()
        resolve(hadError ? 1 : 0)
      })
    })
  },
}
