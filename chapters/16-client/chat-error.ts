/**
 * A request that came to nothing. `code` is the server's, or one of ours: `unknown` (it may have been carried out),
 * `not-sent` (it was not).
 */
export class ChatError extends Error {
  readonly code: string
  /** How long the server asks us to wait. */
  readonly seconds: number | undefined

  constructor(code: string, seconds?: number) {
    super(code)
    this.name = 'ChatError'
    this.code = code
    this.seconds = seconds
  }
}
