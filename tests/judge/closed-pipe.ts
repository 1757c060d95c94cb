/** What a program gets that writes to a pipe which nobody reads: 128 and the number of SIGPIPE. */
const BROKEN_PIPE = 141

/** Ends the process quietly when the reader of our output has seen enough, as `head` does. */
export function endWithReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      process.exit(BROKEN_PIPE)
    })
  }
}
