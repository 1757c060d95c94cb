import type { RightAnswer } from './right-answer.ts'

const IMPORT = "import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'"

export const rightAnswers: RightAnswer[] = [
  {
    name: 'promises',
    style: 'events.once() instead of listeners, and a race of promises instead of callbacks.',
    edits: [
      {
        replace: IMPORT,
        by: `import { once } from 'node:events'
${IMPORT}
import { setTimeout as delay } from 'node:timers/promises'`,
      },
      {
        hole: 'listen',
        by: `  return once(server.listen(port, host), 'listening').then(
    () => (server.address() as AddressInfo).port,
    (error) => {
      throw listenProblem(error, port)
    },
  )`,
      },
      {
        hole: 'trackConnection',
        by: `  open.add(socket)
  const forget = () => open.delete(socket)
  once(socket, 'close').then(forget, forget)
  socket.setKeepAlive(true, 60_000)`,
      },
      {
        hole: 'closeGracefully',
        by: `  const over = new AbortController()
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  const late = delay(graceMs, 'late', { signal: over.signal }).catch(() => 'closed')
  return Promise.race([closed, late]).then(async (outcome) => {
    if (outcome === 'late') for (const socket of open) socket.destroy()
    await closed
    over.abort()
  })`,
      },
    ],
  },
  {
    name: 'pipeline-and-abort-signal',
    style:
      'A stream for the greeting, and AbortSignal.timeout() for the grace: it never holds the process.',
    edits: [
      { replace: IMPORT, by: `${IMPORT}\nimport { pipeline, Readable } from 'node:stream'` },
      { hole: 'greet', by: '  pipeline(Readable.from([Buffer.from(greeting)]), socket, () => {})' },
      {
        hole: 'trackConnection',
        by: `  const forget = function (this: Socket) {
    open.delete(this)
    this.off('close', forget)
  }
  open.add(socket.on('close', forget).on('error', () => socket.destroy()))`,
      },
      {
        hole: 'closeGracefully',
        by: `  AbortSignal.timeout(graceMs).addEventListener('abort', () => {
    for (const socket of open) socket.destroy()
  })
  return new Promise((resolve) => void server.close(() => resolve()))`,
      },
    ],
  },
  {
    name: 'chunks-and-early-returns',
    style:
      'Writes chunk by chunk, ends in the callback of the last, and has a timer that does not hold the process.',
    edits: [
      {
        hole: 'listen',
        by: `  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const settle = (error?: Error) => {
    server.off('error', settle)
    if (error) return reject(listenProblem(error, port))
    const address = server.address()
    if (address === null || typeof address === 'string') return reject(new Error('no port'))
    resolve(address.port)
  }
  server.on('error', settle)
  server.listen({ port, host }, () => settle())
  return promise`,
      },
      {
        hole: 'greet',
        by: `  const bytes = Buffer.from(greeting)
  const writeFrom = (start: number) => {
    if (start >= bytes.length) return socket.end()
    socket.write(bytes.subarray(start, start + 65_536), () => writeFrom(start + 65_536))
  }
  writeFrom(0)`,
      },
      {
        hole: 'trackConnection',
        by: `  socket.once('error', () => {
    if (!socket.destroyed) socket.destroy()
  })
  socket.once('close', () => setImmediate(() => open.delete(socket)))
  open.add(socket)`,
      },
      {
        hole: 'closeGracefully',
        by: `  return new Promise((resolve) => {
    const timer = setTimeout(() => open.forEach((socket) => socket.destroy()), graceMs)
    timer.unref()
    server.once('close', () => {
      clearTimeout(timer)
      resolve()
    })
    server.close()
  })`,
      },
      {
        hole: 'listenProblem',
        by: `  const reasons: Record<string, string> = {
    EADDRINUSE: 'somebody else listens there already',
    EACCES: 'you may not listen there',
    EADDRNOTAVAIL: 'this machine has no such address',
  }
  const reason = reasons[error.code ?? ''] ?? 'the system refuses it, and says: ' + error.message
  return new Error('Port ' + port + ' cannot be used: ' + reason + '.', { cause: error })`,
      },
    ],
  },
  {
    name: 'abort-signals-and-pieces',
    style:
      'AbortController takes the listener off and cuts the stragglers; the greeting goes out in pieces, one drain after the other.',
    edits: [
      {
        file: 'server.ts',
        hole: 'listen',
        by: `return new Promise((resolve, reject) => {
    const done = new AbortController()
    once(server, 'error', { signal: done.signal }).then(([error]) => reject(listenProblem(error, port)), () => {})
    server.listen({ port, host, exclusive: false }, () => { done.abort(); resolve((server.address() as AddressInfo).port) })
  })`,
      },
      {
        file: 'server.ts',
        replace: 'import { type AddressInfo,',
        by: `import { once } from 'node:events'
import { type AddressInfo,`,
      },
      {
        file: 'server.ts',
        hole: 'greet',
        by: `const bytes = Buffer.from(greeting)
  let at = 0
  const more = () => {
    while (at < bytes.length) { const ok = socket.write(bytes.subarray(at, (at += 65536))); if (!ok) { socket.once('drain', more); return } }
    socket.end()
  }
  more()`,
      },
      {
        file: 'server.ts',
        hole: 'closeGracefully',
        by: `return new Promise<void>((resolve) => {
    const signal = AbortSignal.timeout(graceMs)
    const cut = () => { for (const socket of open) socket.destroy() }
    signal.addEventListener('abort', cut)
    server.close(() => { signal.removeEventListener('abort', cut); resolve() })
  })`,
      },
    ],
  },
  {
    name: 'streams-and-races',
    style: 'events.once(), a Readable that is piped, and a race between the end and a delay.',
    edits: [
      {
        file: 'server.ts',
        hole: 'listen',
        by: `const { promise, resolve, reject } = Promise.withResolvers<number>()
  const cleanUp = () => { server.removeListener('error', failed); server.removeListener('listening', listening) }
  function failed(e: Error) { cleanUp(); reject(listenProblem(e, port)) }
  function listening() { cleanUp(); resolve((server.address() as AddressInfo).port) }
  server.on('error', failed).on('listening', listening)
  server.listen(port, host)
  return promise`,
      },
      {
        file: 'server.ts',
        hole: 'greet',
        by: 'Readable.from([Buffer.from(greeting)]).pipe(socket)',
      },
      {
        file: 'server.ts',
        replace: 'import { type AddressInfo,',
        by: `import { Readable } from 'node:stream'
import { type AddressInfo,`,
      },
      {
        file: 'server.ts',
        hole: 'closeGracefully',
        by: `const known = closings.get(server)
  if (known) return known
  const closing = new Promise<void>((resolve) => {
    const cut = setTimeout(() => { for (const socket of open) socket.destroy() }, graceMs)
    server.close(() => { clearTimeout(cut); resolve() })
  })
  closings.set(server, closing)
  return closing`,
      },
      {
        file: 'server.ts',
        replace: 'export const GREETING',
        by: `const closings = new WeakMap<Server, Promise<void>>()
export const GREETING`,
      },
      {
        file: 'server.ts',
        hole: 'listenProblem',
        by: `const why: Record<string, string> = { EADDRINUSE: 'is in use', EACCES: 'needs privileges' }
  const reason = why[error.code ?? ''] ?? \`cannot be opened (\${error.message})\`
  const e = new Error(\`Port \${port} \${reason}.\`)
  return Object.assign(e, { code: error.code })`,
      },
    ],
  },
  {
    name: 'begins-with-a-capital-letter',
    style: 'What the system says stands at the beginning of the sentence, as a sentence begins.',
    edits: [
      {
        hole: 'listenProblem',
        by: `  if (error.code === 'EADDRINUSE') return new Error(\`Port \${port} is in use.\`)
  const [first, ...rest] = error.message
  return new Error(\`\${first.toUpperCase()}\${rest.join('')} (port \${port}).\`)`,
      },
    ],
  },
]
