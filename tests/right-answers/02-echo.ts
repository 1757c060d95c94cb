import type { RightAnswer } from './right-answer.ts'

const IMPORT = "import type { Socket } from 'node:net'"

export const rightAnswers: RightAnswer[] = [
  {
    name: 'pipe',
    style: 'pipe() does all of it but the FIN.',
    edits: [{ hole: 'echoBytes', by: '  socket.pipe(socket, { end: false })' }],
  },
  {
    name: 'pipeline',
    style: 'pipeline() says FIN by itself, so there is nothing left for the goodbye.',
    edits: [
      { replace: IMPORT, by: `${IMPORT}\nimport { pipeline } from 'node:stream'` },
      { hole: 'echoBytes', by: '  pipeline(socket, socket, () => {})' },
      { hole: 'answerGoodbye', by: '  void socket' },
    ],
  },
  {
    name: 'async-iterator',
    style:
      'A loop that waits for room. It must not destroy the socket at its end: the tail is still queued.',
    edits: [
      { replace: IMPORT, by: `import { once } from 'node:events'\n${IMPORT}` },
      {
        hole: 'echoBytes',
        by: `  const echo = async () => {
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      if (!socket.write(chunk)) await once(socket, 'drain')
    }
  }
  echo().catch(() => {})`,
      },
    ],
  },
  {
    name: 'readable',
    style: "'readable' and read(): takes a chunk only while there is room for its echo.",
    edits: [
      {
        hole: 'echoBytes',
        by: `  const pump = () => {
    while (!socket.writableNeedDrain) {
      const chunk = socket.read()
      if (chunk === null) return
      socket.write(chunk)
    }
  }
  socket.on('readable', pump)
  socket.on('drain', pump)`,
      },
      { hole: 'answerGoodbye', by: "  socket.once('end', () => void socket.end())" },
    ],
  },
  {
    name: 'counts-what-waits',
    style: 'Counts by itself what the kernel has not taken, with a mark of 64 KiB.',
    edits: [
      {
        hole: 'echoBytes',
        by: `  let waiting = 0
  socket.on('data', (chunk) => {
    waiting += chunk.length
    if (waiting >= 65_536) socket.pause()
    socket.write(chunk, () => {
      waiting -= chunk.length
      if (waiting < 65_536) socket.resume()
    })
  })`,
      },
    ],
  },
  {
    name: 'one-chunk-at-a-time',
    style:
      'Reads on when the kernel has taken the last chunk: slower, and never more than one chunk is queued.',
    edits: [
      {
        hole: 'echoBytes',
        by: `  socket.on('data', (chunk) => {
    socket.pause()
    socket.write(chunk, () => socket.resume())
  })`,
      },
    ],
  },
]
