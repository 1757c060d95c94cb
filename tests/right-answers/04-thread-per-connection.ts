import type { RightAnswer } from './right-answer.ts'

const file = 'connection.ts'

export const rightAnswers: RightAnswer[] = [
  {
    name: 'generator',
    style: 'The lines come from a generator; crash and goodbye are writes that end later.',
    edits: [
      {
        file,
        hole: 'converse',
        by: `  function* lines(): Generator<string> {
    for (;;) {
      const line = socket.readLine()
      if (line === null) return
      yield line
    }
  }
  for (const line of lines()) {
    socket.write(runCommand(line, { threadId, sleep }))
    socket.write('\\n')
  }
  socket.end()`,
      },
      {
        hole: 'reportCrash',
        by: `  const [reason] = String(error.message).split('\\n', 1)
  socket.write('error crashed: ' + reason + '\\n', () => socket.end())`,
      },
      {
        hole: 'refuse',
        by: "  socket.on('data', () => {})\n  socket.write('busy\\n')\n  socket.end()",
      },
    ],
  },
  {
    name: 'finished-and-a-promise',
    style: 'stream.finished() and a promise of the exit instead of listeners of our own.',
    edits: [
      {
        replace: "import { Worker } from 'node:worker_threads'",
        by: "import { finished } from 'node:stream'\nimport { Worker } from 'node:worker_threads'",
      },
      {
        hole: 'tieTogether',
        by: `  threads.add(thread)
  finished(socket, () => void thread.terminate())
  // Waited for from the beginning: a thread's error and its end may be told in one turn.
  const exit = new Promise((resolve) => thread.once('exit', resolve))
  exit.then(() => {
    threads.delete(thread)
    if (!socket.writableEnded) socket.end()
  })`,
      },
      {
        hole: 'closeWithThreads',
        by: `  return server.close().then(async () => {
    for (const thread of threads) await thread.terminate()
  })`,
      },
    ],
  },
  {
    name: 'waits-for-exit',
    style:
      'close() waits until the set is empty; a refused client is read with the async iterator.',
    edits: [
      {
        hole: 'closeWithThreads',
        by: `  const last = async () => {
    for (const thread of threads) {
      const gone = new Promise((resolve) => thread.once('exit', resolve))
      thread.terminate()
      await gone
    }
  }
  await server.close()
  await last()`,
      },
      {
        hole: 'startThread',
        by: `  const end = bridgeSocket(socket)
  const transferList = [end.port]
  const workerData = Object.assign({ end }, data)
  return new Worker(script, { workerData, transferList })`,
      },
      {
        hole: 'refuse',
        by: `  const readOn = async () => {
    for await (const _ of socket.iterator({ destroyOnReturn: false })) {}
  }
  readOn().catch(() => {})
  socket.end('busy\\n')`,
      },
    ],
  },
  {
    name: 'loops-until-all-are-gone',
    style: 'Generators and inner functions; waits for each exit, until no thread is left.',
    edits: [
      {
        file: 'connection.ts',
        hole: 'converse',
        by: `function* lines() { for (let l = socket.readLine(); l !== null; l = socket.readLine()) yield l }
  for (const line of lines()) { socket.write(runCommand(line, { threadId, sleep })); socket.write('\\n') }
  socket.end()`,
      },
      {
        file: 'server.ts',
        hole: 'tieTogether',
        by: `threads.add(thread)
  const exit = new Promise<void>((resolve) => thread.once('exit', () => resolve()))
  const close = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  void exit.then(() => { threads.delete(thread); socket.end() })
  void close.then(() => thread.terminate())`,
      },
      {
        file: 'server.ts',
        hole: 'closeWithThreads',
        by: `await server.close()
  while (threads.size > 0) await Promise.all([...threads].map((t) => t.terminate()))`,
      },
      {
        file: 'server.ts',
        hole: 'refuse',
        by: `socket.on('data', () => {})
  socket.write('busy\\n')
  socket.end()`,
      },
    ],
  },
  {
    name: 'leaves-in-order',
    style: 'The thread exits by itself behind its FIN; threads are waited for by their ends.',
    edits: [
      {
        file,
        hole: 'converse',
        by: `  let line = socket.readLine()
  while (line !== null) {
    socket.write(Buffer.from(runCommand(line, { threadId, sleep }) + '\\n'))
    line = socket.readLine()
  }
  socket.end()
  process.exit()`,
      },
      {
        hole: 'reportCrash',
        by: `  const end = error.message.search(/\\r?\\n/)
  const reason = end < 0 ? error.message : error.message.slice(0, end)
  for (const part of ['error crashed: ', reason, '\\n']) socket.write(part)
  socket.end()`,
      },
      {
        hole: 'tieTogether',
        by: `  threads.add(thread)
  thread.on('exit', () => {
    threads.delete(thread)
    if (!socket.destroyed) socket.end()
  })
  socket.on('close', () => void thread.terminate().catch(() => {}))`,
      },
      {
        hole: 'closeWithThreads',
        by: `  await server.close()
  const ends = Array.from(threads, (thread) => {
    const gone = new Promise((resolve) => thread.once('exit', resolve))
    void thread.terminate()
    return gone
  })
  await Promise.allSettled(ends)`,
      },
      {
        hole: 'refuse',
        by: `  socket.on('readable', () => {
    while (socket.read() !== null);
  })
  socket.write('busy')
  socket.end('\\n')`,
      },
    ],
  },
]
