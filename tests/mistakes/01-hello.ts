import type { Mistake } from './mistake.ts'

const LISTEN = `server.listen(port, host, () => {
      // From now on an error means that a connection could not be accepted: not ours to swallow.
      server.off('error', fail)
      resolve((server.address() as AddressInfo).port)
    })`

const LOST = "socket.on('error', () => {})"
const TAKEN_OUT = "socket.on('close', () => open.delete(socket))"

export const mistakes: Mistake[] = [
  {
    name: 'resolves-before-listening',
    step: '01.1',
    says: ['port: 0', "server.address() is null before 'listening'"],
    edits: [{ replace: LISTEN, by: 'server.listen(port, host)\n    resolve(port)' }],
  },
  {
    name: 'never-resolves',
    step: '01.1',
    says: ['has not said so', 'never resolved'],
    edits: [{ replace: LISTEN, by: 'server.listen(port, host)' }],
  },
  {
    name: 'listens-on-every-interface',
    step: '01.1',
    says: ['127.0.0.1', 'without a host'],
    edits: [{ replace: 'server.listen(port, host, ', by: 'server.listen(port, ' }],
  },
  {
    name: 'fixed-host',
    step: '01.1',
    says: ['that was given a host', 'The address is fixed'],
    edits: [{ replace: 'server.listen(port, host, ', by: "server.listen(port, '127.0.0.1', " }],
  },
  {
    name: 'fixed-port',
    step: '01.1',
    says: ['any free port', 'fixed in the code'],
    edits: [{ replace: 'server.listen(port, host, ', by: 'server.listen(34567, host, ' }],
  },
  {
    name: 'keeps-its-error-listener',
    step: '01.1',
    says: ['to swallow no more errors', 'is still there, and swallows it'],
    edits: [{ replace: "      server.off('error', fail)\n", by: '' }],
  },
  {
    name: 'swallows-every-error',
    step: '01.1',
    says: ['to swallow no more errors'],
    edits: [
      { replace: "server.once('error', fail)", by: "server.on('error', fail)" },
      { replace: "      server.off('error', fail)\n", by: '' },
    ],
  },
  {
    name: 'write-without-end',
    step: '01.2',
    says: ['still waits for the end', 'keeps the connection open'],
    edits: [{ replace: 'socket.end(greeting)', by: 'socket.write(greeting)' }],
  },
  {
    name: 'greeting-as-latin1',
    step: '01.2',
    says: ['byte 2', 'UTF-8'],
    edits: [{ replace: 'socket.end(greeting)', by: "socket.end(greeting, 'latin1')" }],
  },
  {
    name: 'destroys-after-writing',
    step: '01.2',
    says: ['01.2'],
    edits: [{ replace: 'socket.end(greeting)', by: 'socket.write(greeting)\n  socket.destroy()' }],
  },
  {
    name: 'destroys-when-written',
    step: '01.2',
    says: ['destroyed when its bytes are written'],
    cardVaries: true,
    edits: [
      {
        replace: 'socket.end(greeting)',
        by: 'socket.write(greeting, () => socket.destroy())',
      },
    ],
  },
  {
    name: 'destroys-soon',
    step: '01.2',
    says: ['destroyed when its bytes are written'],
    cardVaries: true,
    edits: [
      { replace: 'socket.end(greeting)', by: 'socket.end(greeting)\n  socket.destroySoon()' },
    ],
  },
  {
    name: 'destroys-at-the-clients-fin',
    step: '01.2',
    says: ['gus', 'destroyed when the client says FIN'],
    edits: [
      {
        hole: 'greet',
        by: "  socket.on('end', () => socket.destroy())\n  socket.end(greeting)",
      },
    ],
  },
  {
    name: 'stops-reading',
    step: '01.2',
    says: ['no open connection', 'and is never seen'],
    edits: [{ hole: 'greet', by: '  socket.pause()\n  socket.end(greeting)' }],
  },
  {
    name: 'no-error-listener',
    step: '01.3',
    says: ['ECONNRESET', "'error' listener"],
    edits: [{ replace: LOST, by: '' }],
  },
  {
    name: 'error-ends-the-process',
    step: '01.3',
    says: ['process.exit(1)', 'not the process'],
    edits: [{ replace: LOST, by: "socket.on('error', () => process.exit(1))" }],
  },
  {
    name: 'throws-what-it-hears',
    step: '01.3',
    says: ['Your listener is called, and throws'],
    edits: [{ replace: LOST, by: "socket.on('error', (error) => {\n    throw error\n  })" }],
  },
  {
    name: 'survives-resets-only',
    step: '01.3',
    says: ['throws read EPIPE', 'whatever its code says'],
    edits: [
      {
        replace: LOST,
        by: `socket.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ECONNRESET') throw error
  })`,
      },
    ],
  },
  {
    name: 'listens-too-late',
    step: '01.3',
    says: ["Every socket needs an 'error' listener"],
    edits: [{ replace: LOST, by: "socket.once('end', () => socket.on('error', () => {}))" }],
  },
  {
    name: 'stops-listening-when-all-is-sent',
    step: '01.3',
    says: ['it goes with the socket'],
    edits: [
      {
        replace: LOST,
        by: `const ignore = () => {}
  socket.on('error', ignore)
  socket.once('finish', () => socket.off('error', ignore))`,
      },
    ],
  },
  {
    name: 'catches-what-nobody-catches',
    step: '01.3',
    says: ['a listener of the process', 'listen to the socket'],
    edits: [{ replace: LOST, by: "process.on('uncaughtException', () => {})" }],
  },
  {
    name: 'taken-out-at-fin',
    step: '01.3',
    says: ['in `open` still', 'She still listens'],
    edits: [{ replace: TAKEN_OUT, by: "socket.on('end', () => open.delete(socket))" }],
  },
  {
    name: 'taken-out-when-all-is-sent',
    step: '01.3',
    says: ['in `open` still', 'ada may still talk'],
    edits: [{ replace: TAKEN_OUT, by: "socket.on('finish', () => open.delete(socket))" }],
  },
  {
    name: 'taken-out-when-both-have-said-fin',
    step: '01.3',
    says: ['when a connection is cut'],
    edits: [
      {
        replace: TAKEN_OUT,
        by: `let left = 2
  for (const fin of ['end', 'finish']) socket.on(fin, () => --left || open.delete(socket))`,
      },
    ],
  },
  {
    name: 'never-taken-out',
    step: '01.3',
    says: ['memory that never comes back', 'the descriptor is free'],
    edits: [{ replace: TAKEN_OUT, by: '' }],
  },
  {
    name: 'taken-out-when-lost-and-when-closed',
    step: '01.3',
    says: ["right after its 'error'", "'close' always follows an 'error'"],
    edits: [
      {
        replace: "  socket.on('error', () => {})",
        by: "  socket.on('error', () => open.delete(socket))",
      },
    ],
  },
  {
    name: 'taken-out-when-lost',
    step: '01.3',
    says: ['memory that never comes back', 'the descriptor is free'],
    edits: [{ replace: TAKEN_OUT, by: "socket.on('error', () => open.delete(socket))" }],
  },
  {
    name: 'takes-all-out',
    step: '01.3',
    says: ['bob, who is still connected', 'no other'],
    edits: [{ replace: TAKEN_OUT, by: "socket.on('close', () => open.clear())" }],
  },
  {
    name: 'put-in-a-turn-later',
    step: '01.3',
    says: ['in `open` at once'],
    edits: [{ replace: 'open.add(socket)', by: 'setImmediate(() => open.add(socket))' }],
  },
  {
    name: 'put-in-when-it-talks',
    step: '01.3',
    says: ['in `open` at once'],
    edits: [{ replace: 'open.add(socket)', by: "socket.once('readable', () => open.add(socket))" }],
  },
  {
    name: 'looks-who-is-closed-every-10-ms',
    step: '01.3',
    says: ['memory that never comes back', 'the descriptor is free'],
    edits: [
      {
        replace: TAKEN_OUT,
        by: `const look = setInterval(() => {
    if (!socket.closed) return
    clearInterval(look)
    open.delete(socket)
  }, 10)`,
      },
    ],
  },
  {
    name: 'cuts-at-fin',
    step: '01.3',
    says: ['to be as it was', 'Leave that to its owner'],
    edits: [
      {
        replace: TAKEN_OUT,
        by: "socket.on('end', () => socket.destroy())\n  socket.on('close', () => open.delete(socket))",
      },
    ],
  },
  {
    name: 'takes-silence-for-loss',
    step: '01.3',
    says: ['left to its owner', 'only silent'],
    edits: [
      {
        replace: LOST,
        by: "socket.on('error', () => {})\n  socket.setTimeout(60_000, () => socket.destroy())",
      },
    ],
  },
  {
    name: 'knows-the-newest-only',
    step: '01.3',
    says: ['bob, who is still connected', 'keep nothing in the module'],
    edits: [
      {
        hole: 'trackConnection',
        by: `  newest = socket
  open.add(newest)
  socket.on('close', () => open.delete(newest))
  socket.on('error', () => {})`,
      },
      {
        replace: 'export interface HelloOptions',
        by: 'let newest: Socket\n\nexport interface HelloOptions',
      },
    ],
  },
  {
    name: 'reads-to-see-the-end',
    step: '01.3',
    says: ['left to its owner', 'bytes that others wait for'],
    edits: [
      {
        replace: TAKEN_OUT,
        by: "socket.on('data', () => {})\n  socket.on('close', () => open.delete(socket))",
      },
    ],
  },
  {
    name: 'close-hangs-on-an-idle-client',
    step: '01.4',
    says: ['never end their sides', 'graceMs'],
    edits: [{ replace: 'for (const socket of open) socket.destroy()', by: 'void open' }],
  },
  {
    name: 'close-cuts-at-once',
    step: '01.4',
    says: ['Give them graceMs first'],
    edits: [{ replace: '}, graceMs)', by: '}, 0)' }],
  },
  {
    name: 'close-resolves-at-once',
    step: '01.4',
    says: ['to have waited for ada'],
    edits: [
      {
        replace: 'clearTimeout(cut)\n      resolve()\n    })',
        by: 'clearTimeout(cut)\n    })\n    resolve()',
      },
    ],
  },
  {
    name: 'close-leaves-its-timer',
    step: '01.4',
    says: ['keeps a timer'],
    edits: [{ replace: 'clearTimeout(cut)', by: 'void cut' }],
  },
  {
    name: 'grace-counts-from-the-last-word',
    step: '01.4',
    says: ['whatever they are doing'],
    edits: [
      {
        hole: 'closeGracefully',
        by: `  for (const socket of open) socket.setTimeout(graceMs, () => socket.destroy())
  return new Promise((resolve) => server.close(() => resolve()))`,
      },
    ],
  },
  {
    name: 'cuts-when-all-is-sent',
    step: '01.4',
    says: ['whatever they are doing'],
    edits: [
      { replace: 'socket.destroy()\n    }, graceMs)', by: 'socket.destroySoon()\n    }, graceMs)' },
    ],
  },
  {
    name: 'cuts-only-who-was-served',
    step: '01.4',
    says: ['whatever they are doing'],
    edits: [
      {
        replace: 'for (const socket of open) socket.destroy()',
        by: 'for (const socket of open) if (socket.writableFinished) socket.destroy()',
      },
    ],
  },
  {
    name: 'second-close-resolves-at-once',
    step: '01.4',
    says: ['the second close() to have waited'],
    edits: [
      {
        replace: '  return new Promise((resolve) => {\n    const cut',
        by: '  if (!server.listening) return Promise.resolve()\n  return new Promise((resolve) => {\n    const cut',
      },
    ],
  },
  {
    name: 'second-close-rejects',
    step: '01.4',
    says: ['the second close() to resolve', 'no reason to reject'],
    edits: [
      {
        replace: '  return new Promise((resolve) => {\n    const cut',
        by: '  return new Promise((resolve, reject) => {\n    const cut',
      },
      {
        replace: 'server.close(() => {\n      clearTimeout(cut)\n      resolve()',
        by: 'server.close((error) => {\n      clearTimeout(cut)\n      if (error) reject(error)\n      else resolve()',
      },
    ],
  },
  {
    name: 'third-close-never-resolves',
    step: '01.4',
    says: ['gone already', 'an event that will not be emitted again'],
    edits: [
      {
        replace: 'server.close(() => {',
        by: "if (server.listening) server.close()\n    server.once('close', () => {",
      },
    ],
  },
  {
    name: 'cuts-who-was-greeted-at-once',
    step: '01.4',
    says: ['to cut nobody yet'],
    edits: [
      {
        replace: '  return new Promise((resolve) => {\n    const cut',
        by: '  for (const socket of open) if (socket.writableFinished) socket.destroy()\n  return new Promise((resolve) => {\n    const cut',
      },
    ],
  },
  {
    name: 'grace-of-one-second',
    step: '01.4',
    // On a busy machine ada is not done in that second, either.
    says: ['graceMs'],
    cardVaries: true,
    edits: [{ replace: '}, graceMs)', by: '}, 1_000)' }],
  },
  {
    name: 'closes-one-server-only',
    step: '01.4',
    says: ['both servers to be closed', 'kept in the module'],
    edits: [
      {
        replace: 'export interface HelloOptions',
        by: 'let closing: Promise<void> | undefined\n\nexport interface HelloOptions',
      },
      {
        hole: 'closeGracefully',
        by: `  closing ??= new Promise((resolve) => {
    const cut = setTimeout(() => {
      for (const socket of open) socket.destroy()
    }, graceMs)
    server.close(() => {
      clearTimeout(cut)
      resolve()
    })
  })
  return closing`,
      },
    ],
  },
  {
    name: 'close-resolves-at-the-end-of-the-grace',
    step: '01.4',
    says: ['nothing left to wait for'],
    edits: [
      {
        hole: 'closeGracefully',
        by: `  return new Promise((resolve) => {
    server.close()
    setTimeout(() => {
      for (const socket of open) socket.destroy()
      resolve()
    }, graceMs)
  })`,
      },
    ],
  },
  {
    name: 'every-problem-is-a-taken-port',
    step: '01.5',
    says: ['looks in the wrong place'],
    edits: [{ replace: "if (error.code === 'EADDRINUSE')", by: 'if (error.code)' }],
  },
  {
    name: 'throws-what-it-does-not-know',
    step: '01.5',
    says: ['throws where it should return'],
    edits: [
      {
        replace: 'return new Error(`Cannot listen on port ${port}: ${error.message}`)',
        by: 'throw error',
      },
    ],
  },
  {
    name: 'one-sentence-for-all-others',
    step: '01.5',
    says: ['other than the one for', 'repeat what error.message says'],
    edits: [
      {
        replace: 'return new Error(`Cannot listen on port ${port}: ${error.message}`)',
        by: 'return new Error(`Cannot listen on port ${port}.`)',
      },
    ],
  },
  {
    name: 'needs-a-code',
    step: '01.5',
    says: ['to return an Error', 'none at all'],
    edits: [{ replace: "error.code === 'EADDRINUSE'", by: "error.code!.startsWith('EADDRINUSE')" }],
  },
  {
    name: 'tells-the-stack',
    step: '01.5',
    says: ['leave the stack out'],
    edits: [
      {
        replace: 'listen on port ${port}: ${error.message}',
        by: 'listen on port ${port}: ${error.stack}',
      },
    ],
  },
  {
    name: 'rejects-with-a-text',
    step: '01.5',
    says: ['to reject with an Error', 'not with its text alone'],
    edits: [
      {
        replace: 'reject(listenProblem(error, port))',
        by: 'reject(listenProblem(error, port).message)',
      },
    ],
  },
  {
    name: 'swallows-eaddrinuse',
    step: '01.5',
    says: ['neither resolved nor rejected'],
    edits: [
      {
        replace: 'const fail = (error: Error) => reject(listenProblem(error, port))',
        by: 'const fail = () => {}\n    void reject',
      },
    ],
  },
  {
    name: 'passes-the-errno-on',
    step: '01.5',
    says: ['EADDRINUSE', 'Make a sentence'],
    edits: [{ replace: 'reject(listenProblem(error, port))', by: 'reject(error)' }],
  },
  {
    name: 'draws-a-port-by-lot',
    step: '01.1',
    says: ['may be taken'],
    edits: [
      {
        replace: 'server.listen(port, host',
        by: 'server.listen(port || 20000 + Math.floor(Math.random() * 20000), host',
      },
    ],
  },
  {
    name: 'listens-on-any-port',
    step: '01.1',
    says: ['Pass the port on'],
    edits: [{ replace: 'server.listen(port, host', by: 'server.listen(0, host' }],
  },
  {
    name: 'takes-all-listeners-off',
    step: '01.1',
    says: ['and no other'],
    edits: [{ replace: "server.off('error', fail)", by: 'server.removeAllListeners()' }],
  },
  {
    name: 'says-fin-a-while-later',
    step: '01.2',
    says: ['A timer ends the socket'],
    edits: [
      {
        file: 'server.ts',
        hole: 'greet',
        by: `socket.write(greeting)
  setTimeout(() => socket.end(), 50)`,
      },
    ],
  },
  {
    name: 'an-idle-limit-for-slow-readers',
    step: '01.2',
    says: ['an idle timeout'],
    edits: [
      {
        file: 'server.ts',
        hole: 'greet',
        by: `socket.end(greeting)
  socket.setTimeout(200, () => socket.destroy())`,
      },
    ],
  },
  {
    name: 'looks-every-20-ms',
    step: '01.4',
    says: ['checks whether all are gone'],
    edits: [
      {
        file: 'server.ts',
        hole: 'closeGracefully',
        by: `return new Promise((resolve) => {
const started = Date.now()
    let isClosed = false
    server.close(() => { isClosed = true })
    const tick = () => {
      if (isClosed) return resolve()
      if (Date.now() - started >= graceMs) for (const socket of open) socket.destroy()
      setTimeout(tick, 20)
    }
    tick()
  })`,
      },
    ],
  },
  {
    name: 'looks-at-every-turn',
    step: '01.4',
    says: ['it computes all the time'],
    edits: [
      {
        file: 'server.ts',
        hole: 'closeGracefully',
        by: `return new Promise((resolve) => {
const started = Date.now()
    let isClosed = false
    server.close(() => { isClosed = true })
    const tick = () => {
      if (isClosed) return resolve()
      if (Date.now() - started >= graceMs) for (const socket of open) socket.destroy()
      setImmediate(tick)
    }
    tick()
  })`,
      },
    ],
  },
  {
    name: 'ends-conversations-at-close',
    step: '01.4',
    says: ['Leave open sockets alone'],
    edits: [
      {
        file: 'server.ts',
        hole: 'closeGracefully',
        by: `return new Promise((resolve) => {
for (const socket of open) socket.end()
    const cut = setTimeout(() => { for (const socket of open) socket.destroy() }, graceMs)
    server.close(() => { clearTimeout(cut); resolve() })
  })`,
      },
    ],
  },
  {
    name: 'remembers-the-first-port',
    step: '01.1',
    says: ['listen() to resolve with the port', 'Ask the server, each time'],
    edits: [
      {
        replace: 'resolve((server.address() as AddressInfo).port)',
        by: 'resolve((firstPort ??= (server.address() as AddressInfo).port))',
      },
      {
        replace: 'export const GREETING',
        by: 'let firstPort: number | undefined\n\nexport const GREETING',
      },
    ],
  },
  {
    name: 'lets-the-process-end',
    step: '01.1',
    says: ['keeps its process alive', 'unref()'],
    edits: [
      {
        replace: "      server.off('error', fail)\n",
        by: "      server.off('error', fail)\n      server.unref()\n",
      },
    ],
  },
  {
    name: 'cuts-the-greeting-in-the-middle-of-a-character',
    step: '01.2',
    says: ['exactly these bytes', 'Cut bytes, not strings'],
    edits: [
      {
        hole: 'greet',
        by: `  for (let at = 0; at < greeting.length; at += 65_536) {
    socket.write(greeting.slice(at, at + 65_536))
  }
  socket.end()`,
      },
    ],
  },
  {
    name: 'an-empty-greeting-has-no-end',
    step: '01.2',
    says: ['exactly these bytes', 'an empty one, too'],
    edits: [{ replace: 'socket.end(greeting)', by: 'if (greeting) socket.end(greeting)' }],
  },
  {
    name: 'cuts-slow-readers-off-after-half-a-minute',
    step: '01.2',
    says: ['no timer to be set', 'an hour to read it'],
    edits: [
      {
        replace: 'socket.end(greeting)',
        by: 'socket.end(greeting)\n  setTimeout(() => socket.destroy(), 30_000).unref()',
      },
    ],
  },
  {
    name: 'takes-the-oldest-out',
    step: '01.3',
    says: ['bob, who is still connected', 'Not the first one'],
    edits: [{ replace: TAKEN_OUT, by: TAKEN_OUT.replace('(socket)', '([...open][0])') }],
  },
  {
    name: 'takes-out-all-that-have-said-fin',
    step: '01.3',
    says: ['bob, who is still connected', 'nor all that have said FIN'],
    edits: [
      {
        replace: TAKEN_OUT,
        by: `socket.on('close', () => {
    for (const one of open) if (one.destroyed || one.readableEnded) open.delete(one)
  })`,
      },
    ],
  },
  {
    name: 'stops-listening-at-fin',
    step: '01.3',
    says: ["still to have an 'error' listener", 'it goes with the socket'],
    edits: [
      {
        replace: LOST,
        by: "const nothing = () => {}\n  socket.on('error', nothing)\n  socket.once('end', () => socket.off('error', nothing))",
      },
    ],
  },
  {
    name: 'takes-the-listeners-of-others-off',
    step: '01.3',
    says: ['the listeners of the socket’s owner', 'Only add your own'],
    edits: [{ replace: TAKEN_OUT, by: `socket.removeAllListeners('close')\n  ${TAKEN_OUT}` }],
  },
  {
    name: 'knows-three-ways-to-be-lost',
    step: '01.3',
    says: ['to have no effect on the process', 'whatever its code says'],
    edits: [
      {
        replace: LOST,
        by: `socket.on('error', (error: NodeJS.ErrnoException) => {
    if (!['ECONNRESET', 'EPIPE', 'ETIMEDOUT'].includes(error.code ?? '')) throw error
  })`,
      },
    ],
  },
  {
    name: 'a-lost-peer-is-a-failure-of-the-process',
    step: '01.3',
    says: ['to have no effect on the process', 'process.exitCode = 1'],
    edits: [{ replace: LOST, by: "socket.on('error', () => {\n    process.exitCode = 1\n  })" }],
  },
  {
    name: 'no-grace-is-a-second',
    step: '01.4',
    says: ['in the order', '0 is a time like any other'],
    edits: [{ replace: '}, graceMs)', by: '}, graceMs || 1_000)' }],
  },
  {
    name: 'cuts-only-who-has-had-it-all',
    step: '01.4',
    says: ['both servers to be closed', 'whether it has said FIN or not'],
    edits: [
      {
        replace: 'for (const socket of open) socket.destroy()',
        by: 'for (const socket of open) if (socket.writableEnded) socket.destroy()',
      },
    ],
  },
  {
    name: 'cuts-who-says-fin-while-it-closes',
    step: '01.4',
    says: ['gil’s connection to be as it was', 'gil still waits for it'],
    edits: [
      {
        replace: '    const cut = setTimeout',
        by: "    for (const socket of open) socket.once('end', () => socket.destroy())\n    const cut = setTimeout",
      },
    ],
  },
  {
    name: 'one-clock-for-all-servers',
    step: '01.4',
    says: ['both servers to be closed', 'Something is kept in the module'],
    edits: [
      { replace: 'const cut = setTimeout', by: 'clearTimeout(cut)\n    cut = setTimeout' },
      {
        replace: 'export const GREETING',
        by: 'let cut: NodeJS.Timeout | undefined\n\nexport const GREETING',
      },
    ],
  },
  {
    name: 'says-the-code-and-not-the-words',
    step: '01.5',
    says: ['the system’s words', 'repeat error.message'],
    edits: [{ replace: '${error.message}', by: '${error.code ?? "no reason"}' }],
  },
  {
    name: 'cuts-what-the-system-says',
    step: '01.5',
    says: ['the system’s words', 'in full'],
    edits: [{ replace: '${error.message}', by: '${error.message.slice(0, 60)}' }],
  },
  {
    name: 'guesses-that-the-port-is-taken',
    step: '01.5',
    says: ['about this problem, and no other', 'Only EADDRINUSE'],
    edits: [
      {
        replace: '`Cannot listen on port ${port}: ',
        by: '`Cannot listen on port ${port}, perhaps it is taken: ',
      },
    ],
  },
  {
    name: 'says-undefined',
    step: '01.5',
    says: ['about this problem, and no other', 'error.code may be missing'],
    edits: [{ replace: '${error.message}', by: '${error.message} (${error.code})' }],
  },
  {
    name: 'knows-a-taken-port-by-its-number',
    step: '01.5',
    says: ['to be recognised by its code', 'not error.errno'],
    edits: [{ replace: "error.code === 'EADDRINUSE'", by: 'error.errno === -98' }],
  },
  {
    name: 'takes-the-port-from-the-error',
    step: '01.5',
    says: ['to be recognised by its code', 'The error need not have one'],
    edits: [
      {
        replace: 'Port ${port} is taken',
        by: 'Port ${(error as { port?: number }).port} is taken',
      },
    ],
  },
  {
    name: 'takes-off-the-errors-of-others',
    step: '01.1',
    says: ["another's 'error' listener"],
    edits: [
      {
        replace: "server.off('error', fail)",
        by: "server.removeAllListeners('error')",
      },
    ],
  },
  {
    name: 'adds-it-in-a-moment',
    step: '01.3',
    says: ['in `open` at once'],
    edits: [{ replace: '  open.add(socket)\n', by: '  queueMicrotask(() => open.add(socket))\n' }],
  },
  {
    name: 'passes-over-what-is-destroyed',
    step: '01.3',
    says: ['whatever has happened to it'],
    edits: [{ replace: '  open.add(socket)\n', by: '  if (!socket.destroyed) open.add(socket)\n' }],
  },
  {
    name: 'gives-more-time-at-each-call',
    step: '01.4',
    says: ['must not cancel the timer of the first'],
    edits: [
      {
        replace: '    server.close(() => {\n      clearTimeout(cut)',
        by: '    clearTimeout(cuts.get(server))\n    cuts.set(server, cut)\n    server.close(() => {\n      clearTimeout(cut)',
      },
      {
        replace: 'export const GREETING',
        by: 'const cuts = new WeakMap<Server, NodeJS.Timeout>()\nexport const GREETING',
      },
    ],
  },
  {
    name: 'cuts-who-was-there-at-the-call',
    step: '01.4',
    says: ['when graceMs is over, not when the call begins'],
    edits: [
      {
        replace:
          '    const cut = setTimeout(() => {\n      for (const socket of open) socket.destroy()',
        by: '    const there = [...open]\n    const cut = setTimeout(() => {\n      for (const socket of there) socket.destroy()',
      },
    ],
  },
  {
    name: 'nobody-in-the-set-is-nobody-there',
    step: '01.4',
    says: ['only server.close() tells when all are gone'],
    edits: [
      {
        replace: '    const cut = setTimeout(() => {\n',
        by: '    if (open.size === 0) {\n      server.close()\n      return resolve()\n    }\n    const cut = setTimeout(() => {\n',
      },
    ],
  },
  {
    name: 'resets-at-the-cut',
    step: '01.4',
    says: ['end with FIN', 'resetAndDestroy() always sends RST'],
    edits: [
      {
        replace: 'for (const socket of open) socket.destroy()',
        by: 'for (const socket of open) socket.resetAndDestroy()',
      },
    ],
  },
  {
    name: 'throws-later-errors-again',
    step: '01.1',
    says: ["the number of 'error' listeners that are left", 'Throw nothing there'],
    edits: [
      {
        replace: 'const fail = (error: Error) => reject(listenProblem(error, port))',
        by: `const fail = (error: Error) => {
      if (server.listening) throw error
      reject(listenProblem(error, port))
    }`,
      },
      { replace: "server.once('error', fail)", by: "server.on('error', fail)" },
      { replace: "      server.off('error', fail)\n", by: '' },
    ],
  },
]
