import type { Scenario } from '../../harness/interleavings/scenario.ts'
import { GONE, scenario as read, tornEntry } from './05-read.ts'
import { scenario as signer } from './05-signer-dies.ts'

/** A thread has died while it wrote entry 257 over entry 1. Two threads read entry 1, and one of them may die. */
export const scenario: Scenario = {
  ...signer,
  initial: { ...read.initial, abandoned: 1, begun: 257, 'text of 1, 1': bytesOf('bbbb') },
  async prepare(code) {
    const readAsSecond = await signer.prepare(code)
    // Thread 1 of that scenario reads entry 1; its name here is only that of an owner.
    return (words, thread) => readAsSecond(words, thread + 1)
  },
  async prepareExitHandler(code) {
    const hear = await signer.prepareExitHandler!(code)
    return (words, thread) => hear(words, thread + 1)
  },
  check([lock], seen, dead) {
    if (lock !== 0) return `everybody has left or died, and lock is ${lock}, not 0`
    for (const [thread, letters] of seen.entries()) {
      if (dead.includes(thread) || letters === GONE) continue
      return tornEntry(1, letters) ?? 'read(1) returned "aaaaa", which is half overwritten'
    }
    return undefined
  },
}

function bytesOf(text: string): number {
  return Buffer.from(text).readInt32LE()
}
