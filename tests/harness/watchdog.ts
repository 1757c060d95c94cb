/**
 * A thread beside the code under test that can still speak when that code cannot.
 *
 * It holds a connection to the process that started this one. Asked to `look`, it stops the main thread through
 * the inspector, whether that spins or sleeps in `Atomics.wait`, and tells where it was. When the connection
 * ends, nobody is left to judge this process, and it is ended with all it has started: a blocked main thread could not do that.
 *
 * Callbacks, not promises: replies of another thread's inspector do not run this thread's microtasks.
 */

import { type Debugger, Session } from 'node:inspector'
import { flushCompileCache } from 'node:module'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { workerData } from 'node:worker_threads'
import { coreWaitMs } from './core-wait.ts'
import { type Frames, lookAtThreads, type ThreadLook, toFrames } from './thread-look.ts'

/** Where the main thread is. No frames: it waits in the event loop, with nothing to do. */
export interface Look {
  frames: Frames
  /** Whether it computes there; if not, it sleeps. */
  isSpinning: boolean
  /** What `globalThis.workbookStory()` answers in the main thread, as JSON. */
  story?: string
}

/** What the whole process uses. */
export interface Usage {
  rssBytes: number
  /** CPU time of all its threads since it began. */
  cpuMs: number
}

/** How long a thread may take to come to a stop before we say that it runs no JavaScript at all. */
const STOP_MS = 250

/** More CPU time than it takes to look. */
const SPIN_MS = 10

const LOOK_EVERY_MS = 60
const LOOKS = 6

const { port, token } = workerData as { port: number; token: string }

flushCompileCache()

const lookout = connect(port, '127.0.0.1', () => lookout.write(`${token}\n`))
lookout.on('close', endEverything)
const requests = createInterface({ input: lookout })
for (const end of [lookout, requests]) end.on('error', () => {})
requests.on('line', (request) => {
  const [question, what] = request.split(' ')
  const tell = (answer: Look | ThreadLook[] | Usage): void =>
    void lookout.write(`${JSON.stringify({ question: Number(question), answer })}\n`)
  if (what === 'threads') lookThreads(tell)
  else if (what === 'usage') tell(usage())
  else look(tell)
})

/** This process and all that it has started, which is its group where there are groups. */
function endEverything(): void {
  try {
    process.kill(-process.pid, 'SIGKILL')
  } catch {
    process.kill(process.pid, 'SIGKILL')
  }
}

function usage(): Usage {
  const { user, system } = process.cpuUsage()
  return { rssBytes: process.memoryUsage.rss(), cpuMs: (user + system) / 1000 }
}

function lookThreads(done: (threads: ThreadLook[]) => void): void {
  const session = new Session()
  session.connectToMainThread()
  lookAtThreads(session, import.meta.url, (threads) => {
    session.disconnect()
    done(threads)
  })
}

function look(done: (found: Look) => void): void {
  // For this one look only: a process that exits waits for its debugger to leave.
  const session = new Session()
  session.connectToMainThread()
  const urls = new Map<string, string>()
  session.on('Debugger.scriptParsed', ({ params }) => urls.set(params.scriptId, params.url))

  session.post('Debugger.enable', () => {
    const idle = setTimeout(
      () => askForStory(session, (story) => finish([], false, story)),
      STOP_MS,
    )
    session.once('Debugger.paused', ({ params }) => {
      clearTimeout(idle)
      askForStory(session, (story) =>
        session.post('Debugger.resume', () =>
          seeWhetherItSpins((isSpinning) => finish(params.callFrames, isSpinning, story)),
        ),
      )
    })
    session.post('Debugger.pause')
  })

  let isFinished = false
  function finish(callFrames: Debugger.CallFrame[], isSpinning: boolean, story?: string): void {
    if (isFinished) return
    isFinished = true
    session.disconnect()
    done({ frames: toFrames(callFrames, urls), isSpinning, story })
  }
}

/** A thread that sleeps uses no CPU time, however long one looks. One that spins does, or waits for a core. */
function seeWhetherItSpins(done: (isSpinning: boolean) => void): void {
  const before = process.cpuUsage()
  const waitedBefore = coreWaitMs(process.pid)
  let looks = 0
  const timer = setInterval(() => {
    const { user, system } = process.cpuUsage(before)
    const usedMs = (user + system) / 1_000
    const isSpinning = usedMs + coreWaitMs(process.pid) - waitedBefore >= SPIN_MS
    looks += 1
    if (!isSpinning && looks < LOOKS) return
    clearInterval(timer)
    done(isSpinning)
  }, LOOK_EVERY_MS)
}

function askForStory(session: Session, done: (story: string | undefined) => void): void {
  const expression = 'globalThis.workbookStory?.()'
  session.post('Runtime.evaluate', { expression, returnByValue: true }, (_error, answer) =>
    done(answer?.result.value),
  )
}
