/**
 * The chat server as a program: `node main.ts --data ./data`.
 *
 * SIGTERM or SIGINT ends it in good order, a second one at once; SIGHUP reads the certificate again. It exits with 0
 * when everything was saved, 1 when something went wrong, 2 when it was called wrongly.
 */

import { readConfig } from './config.ts'
import { type ChatServer, startServer } from './server.ts'

const read = readConfig(process.argv.slice(2), process.env)
if (read.kind === 'help') process.stdout.write(read.text)
else if (read.kind === 'invalid') {
  for (const problem of read.problems) console.error(problem)
  process.exitCode = 2
} else {
  startServer(read.config).then(obeySignals, (error: Error) => endWith(1, error))
}

function obeySignals(server: ChatServer): void {
  let isEnding = false
  const end = () => {
    if (isEnding) return server.cut()
    isEnding = true
    server.close().then(
      () => endWith(0),
      (error: Error) => endWith(1, error),
    )
  }
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, end)
  process.on('SIGHUP', () => server.reload())
}

/** Whatever is still pending is of no use to anybody. */
function endWith(code: number, error?: Error): void {
  if (error) console.error(error.message)
  process.exit(code)
}
