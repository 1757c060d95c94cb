/** A thread under test: runs the scenario's body again and again, a run each time the explorer says so. */

import { workerData } from 'node:worker_threads'
import type { Scenario } from './scenario.ts'
import {
  ABORTED,
  awaitChange,
  IDLE,
  openBlock,
  RESULT,
  RETURNED,
  RETURNED_NOTHING,
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
const words = new TurnstileWords(block)

let state = IDLE
for (;;) {
  setState(block, state)
  awaitChange(block, state)
  const ending = run()
  // A run that was given up has no ending: the thread has unwound, and is free again.
  state = Atomics.load(block.words, STATE) === ABORTED ? IDLE : ending
}

function run(): number {
  try {
    const result = body(words, thread)
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
