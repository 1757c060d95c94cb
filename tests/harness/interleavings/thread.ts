/** A thread under test: runs the scenario's body again and again, a run each time the explorer says so. */

import { workerData } from 'node:worker_threads'
import type { Scenario } from './scenario.ts'
import {
  ABORTED,
  awaitChange,
  DEAD,
  DYING,
  EXIT_HANDLER,
  IDLE,
  openBlock,
  RESULT,
  RETURNED,
  RETURNED_NOTHING,
  ROLE,
  STATE,
  setState,
  TEXT_LENGTH,
  THREW,
  TurnstileWords,
} from './turnstile.ts'

const { script, code, buffer, thread } = workerData as {
  script: string
  code: string
  buffer: SharedArrayBuffer
  thread: number
}

const block = openBlock(buffer)
const { scenario } = (await import(script)) as { scenario: Scenario }
const body = await scenario.prepare(code)
const exitHandler = await scenario.prepareExitHandler?.(code)
const words = new TurnstileWords(block)

let state = IDLE
for (;;) {
  setState(block, state)
  awaitChange(block, state)
  const ending = run()
  // Where a run was given up or the thread died, its ending is only the unwinding.
  const order = Atomics.load(block.words, STATE)
  state = order === ABORTED ? IDLE : order === DYING ? DEAD : ending
}

function run(): number {
  try {
    const isMain = block.words[ROLE] === EXIT_HANDLER
    const result = isMain ? exitHandler?.(words, thread) : body(words, thread)
    if (result === undefined) return RETURNED_NOTHING
    block.words[RESULT] = result
    return RETURNED
  } catch (error) {
    const text =
      error instanceof Error ? `${error.name}: ${error.message}\n${error.stack}` : String(error)
    const { written } = new TextEncoder().encodeInto(text, block.text)
    block.words[TEXT_LENGTH] = written
    return THREW
  }
}
