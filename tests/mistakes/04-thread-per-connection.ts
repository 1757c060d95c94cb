import type { Mistake } from './mistake.ts'

const START =
  'return new Worker(script, { workerData: { ...data, end }, transferList: [end.port] })'

export const mistakes: Mistake[] = [
  {
    name: 'one-thread-for-everybody',
    step: '04.1',
    says: ['A thread that serves ada serves nobody else'],
    edits: [
      {
        replace: START,
        by: `if (shared) {
    shared.postMessage(end, [end.port])
    return shared
  }
  shared = new Worker(script, { workerData: { ...data, end }, transferList: [end.port] })
  return shared`,
      },
      {
        replace: 'async function closeWithThreads',
        by: 'let shared: Worker | undefined\n\nasync function closeWithThreads',
      },
    ],
  },
  {
    name: 'answers-one-line-only',
    step: '04.1',
    says: ['Every line gets an answer'],
    edits: [
      {
        file: 'connection.ts',
        replace:
          '  for (let line = socket.readLine(); line !== null; line = socket.readLine()) {\n    socket.write(`${runCommand(line, { threadId, sleep })}\\n`)\n  }',
        by: '  const line = socket.readLine()\n  if (line !== null) socket.write(`${runCommand(line, { threadId, sleep })}\\n`)',
      },
    ],
  },
  {
    name: 'ends-at-an-empty-line',
    step: '04.1',
    says: ['An empty line is a line', 'Compare with null'],
    edits: [{ file: 'connection.ts', replace: 'line !== null; line', by: 'line; line' }],
  },
  {
    name: 'has-no-empty-answers',
    step: '04.1',
    says: ['An empty answer is an answer'],
    edits: [
      {
        file: 'connection.ts',
        replace: 'socket.write(`${runCommand(line, { threadId, sleep })}\\n`)',
        by: 'const answer = runCommand(line, { threadId, sleep })\n    if (answer) socket.write(`${answer}\\n`)',
      },
    ],
  },
  {
    name: 'copies-the-port',
    step: '04.1',
    says: ['DataCloneError', 'Name it in the transferList'],
    cardVaries: true,
    edits: [{ replace: ', transferList: [end.port]', by: '' }],
  },
  {
    name: 'never-says-fin',
    step: '04.1',
    says: ['After ada’s FIN her thread says FIN', 'call end()'],
    edits: [
      {
        file: 'connection.ts',
        replace: '  }\n  socket.end()\n}\n',
        by: '  }\n}\n',
      },
      { replace: '    threads.delete(thread)\n    socket.end()', by: '    threads.delete(thread)' },
    ],
  },
  {
    name: 'leaves-fin-to-its-exit',
    step: '04.1',
    says: ['what the thread posts', 'The thread says FIN itself', 'call end()'],
    edits: [
      {
        file: 'connection.ts',
        replace: '  }\n  socket.end()\n}\n',
        by: '  }\n}\n',
      },
    ],
  },
  {
    name: 'spreads-the-end',
    step: '04.1',
    says: ['a thread crashed', 'workerData.end'],
    edits: [
      { replace: 'workerData: { ...data, end }', by: 'workerData: { ...data, ...end }' },
      { hole: 'reportCrash', by: "  throw new Error('TODO 04.2')" },
    ],
  },
  {
    name: 'commands-without-a-place',
    step: '04.1',
    says: ['a thread crashed', "reading 'threadId'", 'second argument'],
    edits: [
      {
        file: 'connection.ts',
        replace: 'socket.write(`${runCommand(line, { threadId, sleep })}\\n`)',
        by: 'void sleep\n    socket.write(`${runCommand(line, undefined as never)}\\n`)',
      },
      { file: 'connection.ts', replace: '{ threadId, workerData }', by: '{ workerData }' },
      { hole: 'reportCrash', by: "  throw new Error('TODO 04.2')" },
    ],
  },
  {
    name: 'commands-without-sleep',
    step: '04.1',
    says: ['place.sleep is not a function', 'needs both'],
    edits: [
      {
        file: 'connection.ts',
        replace: '{ threadId, sleep })',
        by: '{ threadId } as never)',
      },
      { file: 'connection.ts', replace: 'function sleep(', by: 'export function sleep(' },
      { hole: 'reportCrash', by: "  throw new Error('TODO 04.2')" },
    ],
  },
  {
    name: 'forgets-the-line-end',
    step: '04.1',
    says: ['An answer ends with a line end'],
    edits: [
      {
        file: 'connection.ts',
        replace: 'socket.write(`${runCommand(line, { threadId, sleep })}\\n`)',
        by: 'socket.write(runCommand(line, { threadId, sleep }))',
      },
    ],
  },
  {
    name: 'reads-packets-without-a-line-end',
    step: '04.1',
    says: ['An answer ends with a line end'],
    edits: [
      {
        file: 'connection.ts',
        hole: 'converse',
        by: `  for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) {
    socket.write(runCommand(Buffer.from(chunk).toString().trim(), { threadId, sleep }))
  }
  socket.end()`,
      },
    ],
  },
  {
    name: 'reads-packets-for-lines',
    step: '04.1',
    says: ['trim() removes spaces'],
    edits: [
      {
        file: 'connection.ts',
        hole: 'converse',
        by: `  for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) {
    socket.write(\`\${runCommand(Buffer.from(chunk).toString().trim(), { threadId, sleep })}\\n\`)
  }
  socket.end()`,
      },
    ],
  },
  {
    name: 'takes-a-packet-for-a-line',
    step: '04.1',
    says: ['A packet may hold several lines'],
    edits: [
      {
        file: 'connection.ts',
        hole: 'converse',
        by: `  for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) {
    const line = Buffer.from(chunk).toString().replace('\\n', '')
    socket.write(\`\${runCommand(line, { threadId, sleep })}\\n\`)
  }
  socket.end()`,
      },
    ],
  },
  {
    name: 'transfers-the-whole-end',
    step: '04.1',
    cardVaries: true,
    says: ['Only the port itself can'],
    edits: [{ replace: '[end.port]', by: '[end as never]' }],
  },
  {
    name: 'transfers-shared-memory',
    step: '04.1',
    cardVaries: true,
    says: ['Only the port itself can'],
    edits: [{ replace: '[end.port]', by: '[end.port, end.shared as never]' }],
  },
  {
    name: 'ends-in-the-loop',
    step: '04.1',
    says: ['says FIN after one line'],
    edits: [
      {
        file: 'connection.ts',
        replace: '  }\n  socket.end()\n}\n',
        by: '    socket.end()\n  }\n}\n',
      },
    ],
  },
  {
    name: 'never-reads-the-next-line',
    step: '04.1',
    says: ['Read the next one each time'],
    edits: [
      {
        file: 'connection.ts',
        hole: 'converse',
        by: `  const line = socket.readLine()
  while (line !== null) {
    socket.write(\`\${runCommand(line, { threadId, sleep })}\\n\`)
    if (socket.readLine() === null) break
  }
  socket.end()`,
      },
    ],
  },
  {
    name: 'says-a-constant-id',
    step: '04.1',
    says: ['the id is not theirs'],
    edits: [
      { file: 'connection.ts', replace: '{ threadId, sleep }', by: '{ threadId: 1, sleep }' },
      { file: 'connection.ts', replace: '{ threadId, workerData }', by: '{ workerData }' },
    ],
  },
  {
    name: 'is-tied-to-the-clients-fin',
    step: '04.1',
    says: ['tieTogether() is written'],
    edits: [
      {
        file: 'connection.ts',
        hole: 'converse',
        by: `  for (;;) {
    const line = socket.readLine()
    if (line === null) return socket.end()
    socket.write(\`\${runCommand(line, { threadId, sleep })}\\n\`)
  }`,
      },
      {
        replace: "socket.once('close', () => thread.terminate())",
        by: "socket.once('end', () => thread.terminate())",
      },
    ],
  },
  {
    name: 'no-word-about-the-crash',
    step: '04.2',
    says: ['why her connection ends'],
    edits: [{ replace: 'socket.end(`error crashed', by: 'socket.end(`' }],
  },
  {
    name: 'a-crash-takes-the-server-along',
    step: '04.2',
    says: ['crashed on request'],
    // The last words may be lost with the process, or be just on their way.
    cardVaries: true,
    edits: [
      {
        replace: `    for (const event of ['error', 'exit']) thread.on(event, () => drainBridge(socket))
    thread.on('error', (error) => {
      // Nothing can follow its FIN. And what is thrown need not be an Error.
      if (!socket.writableEnded)
        reportCrash(socket, error instanceof Error ? error : new Error(String(error)))
    })
`,
        by: '    void [drainBridge, reportCrash]\n',
      },
    ],
  },
  {
    name: 'crash-leaves-the-connection-open',
    step: '04.2',
    says: ['Her thread is gone'],
    edits: [
      { replace: 'socket.end(`error crashed', by: 'socket.write(`error crashed' },
      { replace: '    threads.delete(thread)\n    socket.end()', by: '    threads.delete(thread)' },
    ],
  },
  {
    name: 'says-fin-before-the-reason',
    step: '04.2',
    says: ['received no line', 'a `finally`'],
    edits: [
      {
        file: 'connection.ts',
        hole: 'converse',
        by: `  try {
    for (let line = socket.readLine(); line !== null; line = socket.readLine()) {
      socket.write(\`\${runCommand(line, { threadId, sleep })}\\n\`)
    }
  } finally {
    socket.end()
  }`,
      },
    ],
  },
  {
    name: 'destroys-when-the-reason-is-written',
    step: '04.2',
    says: ['end() closes only our direction'],
    cardVaries: true,
    edits: [
      {
        hole: 'reportCrash',
        by: "  socket.end(`error crashed: ${error.message.split('\\n')[0]}\\n`, () => socket.destroy())",
      },
    ],
  },
  {
    name: 'destroys-soon-after-a-crash',
    step: '04.2',
    says: ['end() closes only our direction'],
    cardVaries: true,
    edits: [
      {
        hole: 'reportCrash',
        by: "  socket.write(`error crashed: ${error.message.split('\\n')[0]}\\n`)\n  socket.destroySoon()",
      },
    ],
  },
  {
    name: 'destroys-when-the-thread-exits',
    step: '04.3',
    says: ['destroy() throws away what waits'],
    cardVaries: true,
    edits: [
      {
        replace: 'threads.delete(thread)\n    socket.end()',
        by: 'threads.delete(thread)\n    socket.destroy()',
      },
    ],
  },
  {
    name: 'destroys-soon-when-the-thread-exits',
    step: '04.3',
    says: ['destroySoon() closes both directions'],
    cardVaries: true,
    edits: [
      {
        replace: 'threads.delete(thread)\n    socket.end()',
        by: 'threads.delete(thread)\n    socket.destroySoon()',
      },
    ],
  },
  {
    name: 'forgets-the-data',
    step: '04.3',
    says: ['to find its data', 'everything in `data`'],
    edits: [{ replace: 'workerData: { ...data, end }', by: 'workerData: { end }' }],
  },
  {
    name: 'tells-a-crash-in-two-lines',
    step: '04.2',
    says: ['an answer is one line', 'the first line of the message, as it is'],
    edits: [{ replace: "error.message.split('\\n')[0]", by: 'error.message' }],
  },
  {
    name: 'a-thread-that-returns-leaves-its-socket',
    step: '04.3',
    says: ['and no FIN', "End the socket when its thread emits 'exit'"],
    edits: [
      { replace: '    threads.delete(thread)\n    socket.end()', by: '    threads.delete(thread)' },
    ],
  },
  {
    name: 'ends-the-thread-at-the-clients-fin',
    step: '04.3',
    says: ['still listens', 'ended at her FIN'],
    edits: [
      {
        replace: "socket.once('close', () => thread.terminate())",
        by: "for (const last of ['end', 'close']) socket.once(last, () => thread.terminate())",
      },
    ],
  },
  {
    name: 'close-waits-for-one-thread',
    step: '04.3',
    says: ['waited for both threads'],
    edits: [{ replace: 'await Promise.all([...threads]', by: 'await Promise.race([...threads]' }],
  },
  {
    name: 'close-does-not-wait-for-threads',
    step: '04.3',
    says: ['04.3'],
    cardVaries: true,
    edits: [
      {
        replace: '  await Promise.all([...threads].map((thread) => thread.terminate()))',
        by: '  for (const thread of threads) void thread.terminate()',
      },
    ],
  },
  {
    name: 'close-ends-threads-first',
    step: '04.3',
    says: ['served to the end', 'First close the server'],
    edits: [
      {
        hole: 'closeWithThreads',
        by: `  await Promise.all([...threads].map((thread) => thread.terminate()))
  await server.close()`,
      },
    ],
  },
  {
    name: 'forgets-threads-with-their-sockets',
    step: '04.3',
    says: ['after her socket has closed', "Forget the thread at 'exit'"],
    edits: [
      {
        replace: "socket.once('close', () => thread.terminate())",
        by: `socket.once('close', () => {
    threads.delete(thread)
    void thread.terminate()
  })`,
      },
    ],
  },
  {
    name: 'second-close-resolves-at-once',
    step: '04.3',
    says: ['both times'],
    edits: [
      {
        replace: '  await server.close()\n',
        by: '  if (closing.has(server)) return\n  closing.add(server)\n  await server.close()\n',
      },
      {
        replace: 'export interface ThreadedServer',
        by: 'const closing = new WeakSet<object>()\n\nexport interface ThreadedServer',
      },
    ],
  },
  {
    name: 'forgets-to-forget-threads',
    step: '04.3',
    says: ['expected 3 threads', 'counts threads that have ended'],
    edits: [{ replace: 'threads.delete(thread)', by: '' }],
  },
  {
    name: 'leaves-threads-of-lost-clients-asleep',
    step: '04.3',
    says: ['would sleep for a minute for nobody', 'in sleep()'],
    edits: [{ replace: "socket.once('close', () => thread.terminate())", by: '' }],
  },
  {
    name: 'close-leaves-threads-behind',
    step: '04.3',
    says: ['thread'],
    // Its timer is seen by itself, or by what it leaves to do.
    cardVaries: true,
    edits: [
      {
        replace: 'await Promise.all([...threads].map((thread) => thread.terminate()))',
        by: 'threads.clear()',
      },
      {
        replace: "socket.once('close', () => thread.terminate())",
        by: "socket.once('close', () => setTimeout(() => thread.terminate(), 200))",
      },
    ],
  },
  {
    name: 'no-limit',
    step: '04.4',
    says: ['There is no thread for cyd'],
    edits: [
      { replace: 'if (threads.size >= maxThreads) return refuse(socket)', by: 'void refuse' },
    ],
  },
  {
    name: 'counts-threads-that-are-up',
    step: '04.3',
    says: ['to be counted from its start', 'Add the thread to `threads` at once'],
    edits: [
      {
        replace: '  threads.add(thread)\n',
        by: "  thread.once('online', () => threads.add(thread))\n",
      },
    ],
  },
  {
    name: 'destroys-whoever-talks-on',
    step: '04.4',
    says: ['nothing but FIN', 'answers what she says with RST'],
    edits: [
      {
        hole: 'refuse',
        by: "  socket.once('data', () => socket.destroy())\n  socket.end('busy\\n')",
      },
    ],
  },
  {
    name: 'destroys-a-while-after-busy',
    step: '04.4',
    says: ['cyd says FIN when she likes', 'no timer'],
    edits: [
      {
        hole: 'refuse',
        by: "  socket.end('busy\\n')\n  setTimeout(() => socket.destroy(), 100)",
      },
    ],
  },
  {
    name: 'counts-and-never-releases',
    step: '04.4',
    says: ['gives its place back'],
    edits: [
      {
        replace: 'if (threads.size >= maxThreads) return refuse(socket)',
        by: 'if (++started > maxThreads) return refuse(socket)',
      },
      {
        replace: 'const threads = new Set<Worker>()',
        by: 'const threads = new Set<Worker>()\n  let started = 0',
      },
    ],
  },
  {
    name: 'refuses-and-never-reads',
    step: '04.4',
    says: ['must not cost a socket', 'Her FIN comes after it'],
    edits: [{ hole: 'refuse', by: "  socket.end('busy\\n')" }],
  },
  {
    name: 'refuses-and-resets',
    step: '04.4',
    says: ['nothing but FIN', 'answers what she says with RST'],
    edits: [{ hole: 'refuse', by: "  socket.end('busy\\n')\n  socket.destroySoon()" }],
  },
  {
    name: 'cuts-without-a-word',
    step: '04.4',
    says: ['She is told so at once'],
    edits: [{ replace: "socket.end('busy\\n')", by: 'socket.destroy()' }],
  },
  {
    name: 'close-looks-every-10-ms',
    step: '04.3',
    says: ['looks again and again'],
    edits: [
      {
        file: 'server.ts',
        hole: 'closeWithThreads',
        by: `await server.close()
  for (const t of threads) void t.terminate()
  while (threads.size > 0) await new Promise((r) => setTimeout(r, 10))`,
      },
    ],
  },
  {
    name: 'close-looks-at-every-turn',
    step: '04.3',
    says: ['looks again and again'],
    edits: [
      {
        file: 'server.ts',
        hole: 'closeWithThreads',
        by: `await server.close()
  for (const t of threads) void t.terminate()
  while (threads.size > 0) await new Promise((r) => setImmediate(r))`,
      },
    ],
  },
  {
    name: 'forgets-threads-after-their-sockets',
    step: '04.3',
    says: ['dee has not hung up yet'],
    edits: [
      {
        file: 'server.ts',
        hole: 'tieTogether',
        by: `threads.add(thread)
  thread.once('exit', () => {
    
    socket.end()
  })
  socket.once('close', async () => { await thread.terminate(); threads.delete(thread) })`,
      },
    ],
  },
  {
    name: 'writes-latin1',
    step: '04.1',
    says: ['comes back as it was', 'UTF-8'],
    edits: [
      {
        file: 'connection.ts',
        replace: 'socket.write(`${runCommand(line, { threadId, sleep })}\\n`)',
        by: "socket.write(Buffer.from(`${runCommand(line, { threadId, sleep })}\\n`, 'latin1'))",
      },
    ],
  },
  {
    name: 'skips-empty-lines',
    step: '04.1',
    says: ['An empty line is a line', 'It is skipped'],
    edits: [
      {
        file: 'connection.ts',
        replace: 'socket.write(`${runCommand(line, { threadId, sleep })}\\n`)',
        by: 'if (line) socket.write(`${runCommand(line, { threadId, sleep })}\\n`)',
      },
    ],
  },
  {
    name: 'answers-when-all-was-said',
    step: '04.1',
    says: ['before it reads the next line'],
    edits: [
      {
        file: 'connection.ts',
        hole: 'converse',
        by: `  const answers: string[] = []
  for (let line = socket.readLine(); line !== null; line = socket.readLine()) {
    answers.push(runCommand(line, { threadId, sleep }))
  }
  for (const answer of answers) socket.write(\`\${answer}\\n\`)
  socket.end()`,
      },
    ],
  },
  {
    name: 'drops-a-last-line-without-an-end',
    step: '04.1',
    says: ['no line end, only FIN after it'],
    edits: [
      {
        file: 'connection.ts',
        hole: 'converse',
        by: `  let rest = ''
  for (let bytes = socket.read(); bytes; bytes = socket.read()) {
    const lines = (rest + Buffer.from(bytes).toString()).split('\\n')
    rest = lines.pop()!
    for (const line of lines) socket.write(\`\${runCommand(line, { threadId, sleep })}\\n\`)
  }
  socket.end()`,
      },
    ],
  },
  {
    name: 'runs-a-script-of-its-own',
    step: '04.3',
    says: ['to find its data', 'Run the `script`'],
    edits: [
      {
        replace: 'return new Worker(script, {',
        by: "void script\n  return new Worker(new URL('./connection.ts', import.meta.url), {",
      },
    ],
  },
  {
    name: 'ends-threads-of-broken-sockets-only',
    step: '04.3',
    says: ['both sides have said FIN', "Every 'close' must end the thread"],
    edits: [{ replace: "socket.once('close', () =>", by: "socket.once('error', () =>" }],
  },
  {
    name: 'leaves-threads-that-said-fin',
    step: '04.3',
    says: ['both sides have said FIN', "Every 'close' must end the thread"],
    edits: [
      {
        replace: "socket.once('close', () => thread.terminate())",
        by: "socket.once('close', () => {\n    if (!socket.writableEnded) thread.terminate()\n  })",
      },
    ],
  },
  {
    name: 'forgets-a-thread-when-all-is-read',
    step: '04.3',
    says: ['no longer take a thread', 'counts threads that have ended'],
    edits: [
      {
        replace: 'threads.delete(thread)\n    socket.end()',
        by: 'socket.end(() => threads.delete(thread))',
      },
    ],
  },
  {
    name: 'forgets-threads-that-returned-only',
    step: '04.3',
    // Whether a thread returns or is terminated first, when its client leaves, is a race.
    cardVaries: true,
    says: ['whatever its code'],
    edits: [
      {
        replace: "thread.once('exit', () => {\n    threads.delete(thread)",
        by: "thread.once('exit', (code) => {\n    if (code === 0) threads.delete(thread)",
      },
    ],
  },
  {
    name: 'forgets-all-threads',
    step: '04.3',
    says: ['expected 3 threads', 'forget only the one that has exited'],
    edits: [{ replace: 'threads.delete(thread)', by: 'threads.clear()' }],
  },
  {
    name: 'forgets-the-oldest-thread',
    step: '04.3',
    says: ['waited for kim', 'forget the one that has exited'],
    edits: [{ replace: 'threads.delete(thread)', by: 'threads.delete([...threads][0])' }],
  },
  {
    name: 'destroys-what-the-thread-left-open',
    step: '04.3',
    says: ['open after that FIN', 'destroy() closes both directions'],
    edits: [
      {
        replace: 'threads.delete(thread)\n    socket.end()',
        by: 'threads.delete(thread)\n    if (!socket.writableEnded) socket.destroy()',
      },
    ],
  },
  {
    name: 'destroys-a-while-after-the-exit',
    step: '04.3',
    says: ['reads when it likes', 'no timer'],
    cardVaries: true,
    edits: [
      {
        replace: 'threads.delete(thread)\n    socket.end()',
        by: 'threads.delete(thread)\n    socket.end()\n    setTimeout(() => socket.destroy(), 10_000).unref()',
      },
    ],
  },
  {
    name: 'ends-silent-clients',
    step: '04.3',
    says: ['silent for as long as it likes', 'no timer'],
    cardVaries: true,
    edits: [
      {
        replace: '  threads.add(thread)\n',
        by: '  threads.add(thread)\n  socket.setTimeout(60_000, () => socket.destroy())\n',
      },
    ],
  },
  {
    name: 'close-forgets-threads-that-live',
    step: '04.3',
    says: ['to be counted while close() waits', "Nothing but its own 'exit'"],
    edits: [
      {
        hole: 'closeWithThreads',
        by: `  await server.close()
  const left = [...threads]
  threads.clear()
  await Promise.all(left.map((thread) => thread.terminate()))`,
      },
    ],
  },
  {
    name: 'closes-one-server-only',
    step: '04.3',
    says: ['Each server is closed by its own close()', 'remembered for all servers'],
    edits: [
      {
        hole: 'closeWithThreads',
        by: `  closing ??= (async () => {
    await server.close()
    await Promise.all([...threads].map((thread) => thread.terminate()))
  })()
  await closing`,
      },
      {
        replace: 'async function closeWithThreads',
        by: 'let closing: Promise<void> | undefined\n\nasync function closeWithThreads',
      },
    ],
  },
  {
    name: 'busy-without-a-line-end',
    step: '04.4',
    says: ['The line has no line end'],
    edits: [{ replace: "socket.end('busy\\n')", by: "socket.end('busy')" }],
  },
  {
    name: 'busy-without-the-word',
    step: '04.4',
    says: ['FIN arrived without the line'],
    edits: [{ replace: "socket.end('busy\\n')", by: 'socket.end()' }],
  },
  {
    name: 'cuts-the-reason',
    step: '04.2',
    says: ['the first line of the message, as it is'],
    edits: [
      {
        replace: "error.message.split('\\n')[0]",
        by: "error.message.split('\\n')[0].slice(0, 40)",
      },
    ],
  },
  {
    name: 'destroys-a-while-after-the-reason',
    step: '04.2',
    says: ['reads when it likes', 'no timer'],
    cardVaries: true,
    edits: [
      {
        hole: 'reportCrash',
        by: "  socket.end(`error crashed: ${error.message.split('\\n')[0]}\\n`)\n  socket.setTimeout(5_000, () => socket.destroy())",
      },
    ],
  },
  {
    name: 'busy-twice',
    step: '04.4',
    says: ['One line is enough'],
    edits: [
      { replace: "socket.end('busy\\n')", by: "socket.write('busy\\n')\n  socket.end('busy\\n')" },
    ],
  },
  {
    name: 'reads-up-to-64-kib-of-a-refused-client',
    step: '04.4',
    says: ['nothing but FIN', 'answers what she says with RST'],
    // How much she has said by then is a race.
    cardVaries: true,
    edits: [
      {
        hole: 'refuse',
        by: `  let said = 0
  socket.on('data', (bytes) => {
    said += bytes.length
    if (said > 65_536) socket.destroy()
  })
  socket.end('busy\\n')`,
      },
    ],
  },
  {
    name: 'no-reason-behind-a-full-queue',
    step: '04.2',
    says: ['the reason after all that waits', 'Hand the reason to end() at once'],
    edits: [
      {
        hole: 'reportCrash',
        by: `  if (socket.writableNeedDrain) socket.end()
  else socket.end(\`error crashed: \${error.message.split('\\n')[0]}\\n\`)`,
      },
    ],
  },
  {
    name: 'the-reason-waits-for-room',
    step: '04.2',
    says: ['the reason after all that waits', 'Hand the reason to end() at once'],
    edits: [
      {
        hole: 'reportCrash',
        by: `  const reason = \`error crashed: \${error.message.split('\\n')[0]}\\n\`
  if (socket.writableNeedDrain) socket.once('drain', () => socket.end(reason))
  else socket.end(reason)`,
      },
    ],
  },
  {
    name: 'no-reason-for-whoever-has-said-fin',
    step: '04.2',
    says: ['tell the reason in any case'],
    edits: [
      {
        file: 'server.ts',
        replace: '  socket.end(`error crashed:',
        by: '  if (socket.readableEnded) return void socket.end()\n  socket.end(`error crashed:',
      },
    ],
  },
  {
    name: 'without-threads-it-is-closed-already',
    step: '04.3',
    says: ['close() begins with server.close(), in any case'],
    edits: [
      {
        file: 'server.ts',
        replace: '  await server.close()\n',
        by: '  if (threads.size === 0) return\n  await server.close()\n',
      },
    ],
  },
  {
    name: 'says-fin-only-after-a-good-end',
    step: '04.3',
    says: ['whatever the exit code is'],
    edits: [
      {
        file: 'server.ts',
        replace: "  thread.once('exit', () => {\n    threads.delete(thread)\n    socket.end()",
        by: "  thread.once('exit', (code) => {\n    threads.delete(thread)\n    if (code === 0) socket.end()",
      },
    ],
  },
  {
    name: 'tells-the-reason-later',
    step: '04.2',
    says: ['in one turn', 'before reportCrash() returns'],
    edits: [
      {
        replace: 'function reportCrash(socket: Socket, error: Error): void {\n',
        by: 'async function reportCrash(socket: Socket, error: Error): Promise<void> {\n  await null\n',
      },
    ],
  },
  {
    name: 'question-marks-in-the-reason',
    step: '04.2',
    says: ['the first line of the message, as it is', 'replace, trim and cut nothing'],
    edits: [
      {
        replace: "error.message.split('\\n')[0]",
        by: "error.message.split('\\n')[0].replace(/[^\\x20-\\x7e]/g, '?')",
      },
    ],
  },
  {
    name: 'tells-the-reason-in-latin1',
    step: '04.2',
    says: ['the first line of the message, as it is', 'sent as UTF-8'],
    edits: [{ replace: '[0]}\\n`)', by: "[0]}\\n`, 'latin1')" }],
  },
  {
    name: 'trims-the-reason',
    step: '04.2',
    says: ['the first line of the message, as it is', 'replace, trim and cut nothing'],
    edits: [{ replace: 'error.message.split', by: 'error.message.trim().split' }],
  },
  {
    name: 'cuts-a-long-reason',
    step: '04.2',
    says: ['the first line of the message, as it is', 'replace, trim and cut nothing'],
    edits: [
      {
        replace: "error.message.split('\\n')[0]",
        by: "error.message.split('\\n')[0].slice(0, 1000)",
      },
    ],
  },
  {
    name: 'remembers-answers',
    step: '04.1',
    says: ['for each `sleep 2`', 'Call runCommand() for every line'],
    edits: [
      {
        file: 'connection.ts',
        replace: '    socket.write(`${runCommand(line, { threadId, sleep })}\\n`)',
        by: `    const answer = known.get(line) ?? runCommand(line, { threadId, sleep })
    known.set(line, answer)
    socket.write(\`\${answer}\\n\`)`,
      },
      {
        file: 'connection.ts',
        replace: '  for (let line',
        by: '  const known = new Map<string, string>()\n  for (let line',
      },
    ],
  },
  {
    name: 'assigns-into-the-data',
    step: '04.3',
    says: ['the names in `data`', 'Object.assign() changes its first argument'],
    edits: [
      { replace: 'workerData: { ...data, end }', by: 'workerData: Object.assign(data, { end })' },
    ],
  },
  {
    name: 'a-listener-on-the-process-for-each-thread',
    step: '04.3',
    says: ['no listener on `process`', 'Listen there'],
    edits: [
      {
        replace: '  threads.add(thread)\n',
        by: "  threads.add(thread)\n  process.once('exit', () => thread.terminate())\n",
      },
    ],
  },
  {
    name: 'ends-only-who-has-not-said-fin',
    step: '04.3',
    says: ['what pia receives', 'whether the client has said FIN or not'],
    edits: [
      {
        file: 'server.ts',
        hole: 'tieTogether',
        by: `  threads.add(thread)
  thread.once('exit', () => {
    threads.delete(thread)
    if (!socket.readableEnded) socket.end()
  })
  socket.once('close', () => thread.terminate())`,
      },
    ],
  },
  {
    name: 'ends-at-the-next-drain',
    step: '04.3',
    says: ['what pia receives', "'drain' is emitted only if the queue was full"],
    edits: [
      {
        file: 'server.ts',
        hole: 'tieTogether',
        by: `  threads.add(thread)
  thread.once('exit', () => {
    threads.delete(thread)
    if (socket.writableLength === 0) socket.end()
    else socket.once('drain', () => socket.end())
  })
  socket.once('close', () => thread.terminate())`,
      },
    ],
  },
  {
    name: 'awaits-exits-that-may-be-crashes',
    step: '04.3',
    says: ['promise rejects and nobody is listening'],
    // The process may end before ian or fay has heard of it.
    cardVaries: true,
    edits: [
      {
        file: 'server.ts',
        replace: "import type { Socket } from 'node:net'",
        by: "import { once } from 'node:events'\nimport type { Socket } from 'node:net'",
      },
      {
        file: 'server.ts',
        hole: 'closeWithThreads',
        by: `  const exits = [...threads].map((thread) => once(thread, 'exit'))
  await server.close()
  for (const thread of threads) thread.terminate()
  await Promise.all(exits)`,
      },
    ],
  },
]
