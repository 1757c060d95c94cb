/** Holds the state, feeds events to the reducer, and hands the effects it asks for to whoever carries them out. */

import { reduce } from './reduce.ts'
import type { Effect, TutorEvent, TutorState } from './state.ts'

export class Store {
  #state: TutorState
  #listeners = new Set<() => void>()
  #perform: (effect: Effect) => void = () => {}

  constructor(initial: TutorState) {
    this.#state = initial
  }

  get state(): TutorState {
    return this.#state
  }

  /** Who carries out effects; set once, before the first event. */
  onEffect(perform: (effect: Effect) => void): void {
    this.#perform = perform
  }

  dispatch(event: TutorEvent): void {
    const { state, effects } = reduce(this.#state, event)
    this.#state = state
    for (const listener of this.#listeners) listener()
    for (const effect of effects) this.#perform(effect)
  }

  /** Calls back after every event; returns how to stop that. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
