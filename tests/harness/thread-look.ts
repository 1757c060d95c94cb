/**
 * Where the worker threads of a process are, seen through its main thread's inspector. A thread that sleeps in
 * `Atomics.wait` or spins is stopped for a moment, asked, and let go.
 *
 * Callbacks, not promises: replies of another thread's inspector do not run this thread's microtasks.
 */

import type { Debugger, Session } from 'node:inspector'

/** Innermost first; `file` is a path or a URL, as the inspector names it. */
export type Frames = { file: string; line: number; function: string }[]

export interface ThreadLook {
  /** Node's own number: `worker.threadId`. */
  threadId: number
  /** Empty when it waits in its event loop. */
  frames: Frames
}

/** A thread that has been told to stop and does not waits in its event loop: it has nothing to stop in. */
const STOP_MS = 250

/**
 * Every question goes through the main thread and back, which takes a while on a busy machine. A thread that has not answered by
 * then is in native code, and cannot.
 */
const LOOK_MS = 5_000

/** The frames of a pause, with the files that `Debugger.scriptParsed` has named. */
export function toFrames(
  callFrames: Debugger.CallFrame[],
  files: ReadonlyMap<string, string>,
): Frames {
  return callFrames.map(({ functionName, location, url }) => ({
    file: files.get(location.scriptId) || url,
    line: location.lineNumber + 1,
    function: functionName,
  }))
}

/** Looks at every worker thread but those that run `exceptUrl`, all at the same time. */
export function lookAtThreads(
  session: Session,
  exceptUrl: string,
  done: (threads: ThreadLook[]) => void,
): void {
  const threads = new Map<string, ThreadLook>()
  let unanswered = 0
  const deadline = setTimeout(finish, LOOK_MS)
  session.on('NodeWorker.attachedToWorker', ({ params: { sessionId, workerInfo } }) => {
    // The looking thread would stop itself, and never go on.
    if (workerInfo.url === exceptUrl) return
    const threadId = Number(/\d+/.exec(workerInfo.title)?.[0])
    threads.set(sessionId, { threadId, frames: [] })
    unanswered += 1
    ask(session, sessionId, (frames) => {
      threads.set(sessionId, { threadId, frames })
      unanswered -= 1
      if (unanswered === 0) finish()
    })
  })
  session.post('NodeWorker.enable', { waitForDebuggerOnStart: false })

  let isFinished = false
  function finish(): void {
    if (isFinished) return
    isFinished = true
    clearTimeout(deadline)
    session.post('NodeWorker.disable')
    done([...threads.values()].sort((a, b) => a.threadId - b.threadId))
  }
}

/** Stops one thread, takes its frames and lets it go. Calls back once, without frames when it does not stop. */
function ask(session: Session, sessionId: string, found: (frames: Frames) => void): void {
  const files = new Map<string, string>()
  let idle: NodeJS.Timeout | undefined
  const send = (id: number, method: string): void =>
    session.post('NodeWorker.sendMessageToWorker', {
      sessionId,
      message: JSON.stringify({ id, method }),
    })

  session.on('NodeWorker.receivedMessageFromWorker', ({ params }) => {
    if (params.sessionId !== sessionId) return
    const message = JSON.parse(params.message)
    if (message.method === 'Debugger.scriptParsed') {
      files.set(message.params.scriptId, message.params.url)
    } else if (message.id === PAUSE) {
      idle = setTimeout(found, STOP_MS, [])
    } else if (message.method === 'Debugger.paused') {
      clearTimeout(idle)
      // Before `found`, which may end the session: a question on an ended one prints a warning below what the server said.
      send(RESUME, 'Debugger.resume')
      send(DISABLE, 'Debugger.disable')
      found(toFrames(message.params.callFrames, files))
    }
  })
  send(ENABLE, 'Debugger.enable')
  send(PAUSE, 'Debugger.pause')
}

const [ENABLE, PAUSE, RESUME, DISABLE] = [1, 2, 3, 4]
