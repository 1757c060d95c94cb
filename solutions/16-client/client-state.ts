/**
 * Where a client stands, as a value, and what each event makes of it. Nothing happens here: no socket, timer or clock.
 *
 * `ChatClient` acts when a state is entered: it connects, says hello, arms a timer. A connection that does not open, a
 * `hello` that nobody answers and a wait each have a time limit. The event `timeUp` says that it has passed.
 */

export type ClientState =
  | { kind: 'idle' }
  | { kind: 'connecting' }
  /** Connected; `hello` has been sent. */
  | { kind: 'greeting' }
  /** Welcome since `sinceMs`. */
  | { kind: 'online'; sinceMs: number }
  /**
   * Not connected, and about to try again: the wait is `atLeastMs`, and what the back-off adds.
   * `welcomeMs` is how long we were welcome on the last connection.
   */
  | { kind: 'waiting'; atLeastMs: number; welcomeMs: number }
  /** Over, for good. */
  | { kind: 'ended'; code: EndCode }

export type EndCode = 'closed' | 'no-session' | 'unsupported-version'

export type ClientEvent =
  | { kind: 'start' }
  | { kind: 'opened' }
  | { kind: 'welcomed'; atMs: number }
  /** An error that concerns the whole conversation: the answer to `hello`, or one that answers nothing. */
  | { kind: 'error'; code: string; seconds?: number }
  /** The connection has ended, could not be made, or is silent. */
  | { kind: 'lost'; atMs: number }
  /** The time limit of the state has passed. */
  | { kind: 'timeUp' }
  /** We want no connection any more. */
  | { kind: 'close' }

/**
 * The state after the event. An event that means nothing in a state leaves it alone: the result is `state` itself.
 *
 * - idle: `start` → connecting.
 * - connecting: `opened` → greeting. `lost`, `timeUp` → waiting.
 * - greeting: `welcomed` → online. `lost`, `timeUp`, `error` → waiting; after an error for at least the `seconds` it
 *   names.
 * - online: `lost` → waiting, and `welcomeMs` is how long we were online. After an `error` the server closes by itself.
 * - waiting: `timeUp` → connecting.
 *
 * In greeting and online the errors `no-session` and `unsupported-version` end the client with that code: a new
 * connection would get the same error. `close` ends it in every state, with the code `closed`. Nothing changes the
 * state `ended`.
 *
 * @step 16.3
 */
export function reduce(state: ClientState, event: ClientEvent): ClientState {
  if (state.kind === 'ended') return state
  if (event.kind === 'close') return { kind: 'ended', code: 'closed' }
  const hasFailed = event.kind === 'lost' || event.kind === 'timeUp'
  switch (state.kind) {
    case 'idle':
      return event.kind === 'start' ? { kind: 'connecting' } : state
    case 'connecting':
      if (event.kind === 'opened') return { kind: 'greeting' }
      return hasFailed ? waiting() : state
    case 'greeting':
      if (event.kind === 'welcomed') return { kind: 'online', sinceMs: event.atMs }
      if (event.kind === 'error') return endOf(event.code) ?? waiting(0, event.seconds)
      return hasFailed ? waiting() : state
    case 'online':
      if (event.kind === 'error') return endOf(event.code) ?? state
      return event.kind === 'lost' ? waiting(event.atMs - state.sinceMs) : state
    case 'waiting':
      return event.kind === 'timeUp' ? { kind: 'connecting' } : state
  }
}

/** @answer 16.3 */
function endOf(code: string): ClientState | undefined {
  const isFinal = code === 'no-session' || code === 'unsupported-version'
  return isFinal ? { kind: 'ended', code } : undefined
}

/** @answer 16.3 */
function waiting(welcomeMs = 0, seconds = 0): ClientState {
  return { kind: 'waiting', atLeastMs: seconds * 1_000, welcomeMs }
}
