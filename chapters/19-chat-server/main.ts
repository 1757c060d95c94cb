/**
 * The chat server as a program: `node main.ts --data ./data`.
 *
 * SIGTERM or SIGINT ends it in good order, a second one at once; SIGHUP reads the certificate again. A signal that
 * arrives before the server is up waits until it is. It exits with 0 when everything was saved, 1 when something went
 * wrong, 2 when it was called wrongly.
 */

import { type Config, readConfig } from './config.ts'
import type { ChatServer } from './server.ts'

// When nobody reads our output any more, it is lost, and the chat goes on.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

const read = readConfig(process.argv.slice(2), process.env)
if (read.kind === 'help') process.stdout.write(read.text)
else if (read.kind === 'invalid') {
  for (const problem of read.problems) console.error(problem)
  process.exitCode = 2
} else run(read.config)

/** The modules are loaded only after we obey signals: loading them takes longer than anything else here. */
async function run(config: Config): Promise<void> {
  const up = Promise.withResolvers<ChatServer>()
  obeySignals(up.promise)
  const { startServer } = await import('./server.ts')
  startServer(config).then(up.resolve, (error: Error) => endWith(1, error))
}

/** Before the server is up, a second signal has nobody to cut off, and just ends the process. */
function obeySignals(up: Promise<ChatServer>): void {
  let isEnding = false
  let cut = () => endWith(1)
  const end = async () => {
    if (isEnding) return cut()
    isEnding = true
    const server = await up
    cut = () => server.cut()
    server.close().then(
      () => endWith(0),
      (error: Error) => endWith(1, error),
    )
  }
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, end)
  process.on('SIGHUP', async () => (await up).reload())
}

/** Whatever is still pending is of no use to anybody. */
function endWith(code: number, error?: Error): void {
  if (error) console.error(error.message)
  process.exit(code)
}
