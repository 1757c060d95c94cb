/**
 * How long threads were ready to run and had no core, and how long the disk kept anybody waiting: time in which nobody can
 * be blamed for silence.
 *
 * Linux counts the first for each thread (`/proc/PID/task/TID/schedstat`, its second number, in nanoseconds; see
 * Documentation/scheduler/sched-stats in the kernel) and the second for all of them together (`/proc/pressure/io`, in
 * microseconds; see Documentation/accounting/psi). Elsewhere both are 0.
 */

import { readdirSync, readFileSync } from 'node:fs'

/** Whether the system counts it. Some have the file and count nothing: then we have had no CPU time either. */
export function tellsCoreWait(): boolean {
  return readNumber('/proc/self/schedstat', 0) > 0
}

/** The main thread's total, in milliseconds. */
export function coreWaitMs(pid: number | 'self'): number {
  return readSchedstat(`/proc/${pid}/schedstat`)
}

/** In milliseconds since the system began: how long at least one thread of whatever process waited for a disk. */
export function diskWaitMs(file = '/proc/pressure/io'): number {
  try {
    const [, total] = /^some .*total=(\d+)/.exec(readFileSync(file, 'latin1')) ?? []
    return (Number(total) || 0) / 1_000
  } catch {
    return 0
  }
}

/** Whether a thread of that process waits for a disk this moment (proc(5): state `D`). */
export function waitsForDisk(pid: number, proc = '/proc'): boolean {
  return threadFiles(pid, 'stat', proc).some((file) => stateOf(file) === 'D')
}

/** From now on, for every thread of one process; a thread that starts later counts as well. */
export class CoreWait {
  readonly #pid: number
  readonly #before: ReadonlyMap<string, number>

  constructor(pid: number) {
    this.#pid = pid
    this.#before = readThreads(pid)
  }

  /** The time of that thread which had to wait the longest. */
  get longestMs(): number {
    const waits = [...readThreads(this.#pid)].map(([id, ms]) => ms - (this.#before.get(id) ?? 0))
    return Math.max(0, ...waits)
  }
}

function readThreads(pid: number): Map<string, number> {
  return new Map(threadFiles(pid, 'schedstat').map((file) => [file, readSchedstat(file)]))
}

/** That file of each of the process's threads; none when it is gone. */
function threadFiles(pid: number, name: string, proc = '/proc'): string[] {
  const folder = `${proc}/${pid}/task`
  try {
    return readdirSync(folder).map((id) => `${folder}/${id}/${name}`)
  } catch {
    return []
  }
}

/** A letter, behind the program's name in brackets. */
function stateOf(statFile: string): string | undefined {
  try {
    return /^.*\) (\S)/s.exec(readFileSync(statFile, 'latin1'))?.[1]
  } catch {
    return undefined
  }
}

function readSchedstat(file: string): number {
  return readNumber(file, 1) / 1e6
}

/** The number at that place of a line; 0 when there is none: not Linux, or that thread is gone. */
function readNumber(file: string, place: number): number {
  try {
    return Number(readFileSync(file, 'latin1').split(' ')[place]) || 0
  } catch {
    return 0
  }
}
