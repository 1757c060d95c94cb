/**
 * What is wrong with a process that did not do what was expected: crashed, gone, blocked, unfinished, or
 * nothing of the kind (then the conversation itself must explain it).
 */

import { type CodeTree, placesInStack, placesOf } from './code-tree.ts'
import type { Place } from './failure.ts'
import type { ThrownError } from './last-words.ts'
import { openHole } from './open-hole.ts'
import { patience, within } from './patience.ts'
import type { Look } from './watchdog.ts'
import type { Ending, WatchedProcess } from './watched-process.ts'

export interface Diagnosis {
  /** Completes "…, but": a clause without a full stop. */
  finding: string
  likely?: string
  trace?: Place[]
  openStep?: string
}

/** A main thread that does not answer within this time, though it has a core, is blocked. */
const ANSWER_MS = patience(400)

/** `undefined`: the process lives, answers, and simply has not done what was expected. */
export async function diagnose(
  process: WatchedProcess,
  tree: CodeTree,
): Promise<Diagnosis | undefined> {
  if (process.ending) return explainEnding(process.ending, process.output, tree)
  const answer = process.request('ping').then(
    () => 'alive' as const,
    () => 'gone' as const,
  )
  const outcome = await within(ANSWER_MS, answer, process.pid)
  if (outcome === 'alive') return undefined
  if (outcome === 'gone') await within(ANSWER_MS, process.ended)
  if (process.ending) return explainEnding(process.ending, process.output, tree)
  const look = await process.look()
  return look && explainLook(look, tree)
}

/** Where a main thread that does not answer hangs, if it hangs in the code under test. */
export function explainLook(look: Look, tree: CodeTree): Diagnosis | undefined {
  const trace = placesOf(tree, look.frames)
  if (trace.length === 0) return undefined
  const where = describePlace(trace[0])
  if (!look.isSpinning) {
    return {
      finding: `the main thread is blocked: it sleeps at ${where}`,
      likely:
        'While the main thread sleeps (Atomics.wait, execSync, …) it handles no event: no connection, no data, no timer. Only a worker thread may sleep.',
      trace,
    }
  }
  return {
    finding: `the main thread is blocked: it spins at ${where}`,
    likely:
      'Code here never returns to the event loop, so no connection, no data and no timer is handled. Wait for an event instead of looping until something changes.',
    trace,
  }
}

/** Why a process is gone. `who` is its subject in a sentence. */
export function explainEnding(
  ending: Ending,
  output: string,
  tree: CodeTree,
  who = 'the server',
): Diagnosis {
  const words = ending.lastWords
  if (words?.kind === 'crashed') {
    const lead = words.fromRejection
      ? 'a promise was rejected and nobody caught it'
      : `${who} crashed`
    const diagnosis = explainThrown(words.error, tree, lead)
    return words.fromRejection && !diagnosis.likely
      ? { ...diagnosis, likely: isBug(words.error) ? BUG : UNCAUGHT_REJECTION }
      : diagnosis
  }
  if (output.includes('heap out of memory')) {
    return {
      finding: `${who} ran out of memory and ended`,
      likely:
        'Something grows without a limit: a list, a queue, or bytes written to a peer that does not read.',
    }
  }
  if (words?.kind === 'exited') {
    const trace = placesInStack(tree, words.stack)
    if (trace.length > 0) {
      return {
        finding: `${who} called process.exit(${words.code}) at ${describePlace(trace[0])}`,
        likely:
          'A server keeps serving the others, whatever one peer does. End the connection, not the process.',
        trace,
      }
    }
    return {
      finding: `${who} ended by itself (exit code ${words.code})`,
      likely:
        'Node ends a process that has nothing left to wait for: no listening socket, no connection, no timer.',
    }
  }
  return { finding: `${who} ended (${ending.signal ?? `exit code ${ending.code}`})` }
}

/** An error that the code under test threw; `lead` completes "…, but": `'the server crashed'`. */
export function explainThrown(error: ThrownError, tree: CodeTree, lead: string): Diagnosis {
  const trace = placesInStack(tree, error.stack)
  const openStep = openHole(error)
  if (openStep)
    return { finding: 'it reached a function that is still to be written', trace, openStep }
  const where = trace.length > 0 ? ` at ${describePlace(trace[0])}` : ''
  return {
    finding: `${lead}${where}: ${error.name}: ${error.message.replace(/\.$/, '')}`,
    likely: likelyCause(error),
    trace,
  }
}

/** `chapters/02-echo/server.ts:31, in echoBytes()`. */
export function describePlace({ file, line, function: name }: Place): string {
  return name ? `${file}:${line}, in ${name}()` : `${file}:${line}`
}

function likelyCause(error: ThrownError): string | undefined {
  if (error.name === 'DataCloneError' && error.message.startsWith('Cannot transfer object')) {
    return "A Buffer's memory may belong to a pool and cannot be moved: post it without a transferList."
  }
  if (error.name === 'DataCloneError' && error.message.startsWith('Found invalid value')) {
    return 'The transferList names something that cannot be transferred. Only the port itself can: not the object that holds it, and not shared memory, which both sides keep.'
  }
  if (error.name === 'DataCloneError' && error.message.includes('transfer')) {
    return 'A port or a socket cannot be copied to a thread, only moved. Name it in the transferList.'
  }
  const known = error.code && CAUSES[error.code]
  if (known) return known
  if (error.message.startsWith('Maximum call stack size exceeded')) {
    return 'A function calls itself endlessly, or once for each of a great many items. Use a loop.'
  }
  if (error.message.includes('cannot be transferred in its current state')) {
    return 'A socket can be moved only before anything is read from it or written to it. Leave both to the loop that it moves to.'
  }
  if (error.name === 'ReferenceError' && error.message.endsWith('is not defined')) {
    return 'No such name is declared here. Is an import missing, or is the name misspelt?'
  }
  if (error.message.includes('does not provide an export named')) {
    return 'Another file imports that name from here. Was it renamed, or was `export` removed?'
  }
  return undefined
}

/** A TypeError with a code is Node's, about a wrong argument, which may have come from a peer. */
function isBug({ name, code }: ThrownError): boolean {
  return name === 'TypeError' && code === undefined
}

const BUG =
  'This TypeError is a bug in the code, whatever a peer has sent. Repair it; do not catch it.'

/** For any promise that nobody caught. A test may know more. */
export const UNCAUGHT_REJECTION =
  'Node ends the process when a promise rejects and nobody is listening; a throw in an async function rejects its promise. Do not throw for what a peer can cause. Add catch() where a promise is made: later is too late, and what then() or finally() returns needs its own.'

const LOST_PEER =
  "A peer that resets or leaves makes its socket emit 'error', and an 'error' event that nobody listens to ends the whole process. Every socket needs an 'error' listener from its first moment to its 'close'."

const CAUSES: Record<string, string> = {
  ECONNRESET: LOST_PEER,
  EPIPE: LOST_PEER,
  ERR_STREAM_WRITE_AFTER_END:
    'write() was called after end(): the FIN is on its way, nothing can follow it.',
  ERR_STREAM_DESTROYED:
    'The socket was used after destroy(). Forget a connection when it emits close.',
  EADDRINUSE:
    "The port is taken. listen() says so with an 'error' event on the server, which has no listener.",
  ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX:
    'Node strips types and compiles nothing, so enums, namespaces and parameter properties are not available. Use a union of strings, a module, a field.',
  ERR_INVALID_TYPESCRIPT_SYNTAX:
    'The file cannot be read as TypeScript: a bracket, comma or quote is missing, or there is one too many.',
  ERR_MODULE_NOT_FOUND:
    'An import names a file that is not there. Relative imports need their ending: ./frames.ts',
  ERR_UNKNOWN_FILE_EXTENSION:
    'An import names a file that Node cannot load. Relative imports need their ending: ./frames.ts',
}
