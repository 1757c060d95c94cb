/** Tasks that run beside each other, and now and then one that runs alone: a readers–writer lock for promises. */
export class Turns {
  readonly #beside = new Set<Promise<unknown>>()
  #aloneOrWaiting = 0
  #lastAlone: Promise<unknown> = Promise.resolve()

  /** Runs the task as soon as nobody runs alone or waits for it. */
  async beside<T>(task: () => Promise<T>): Promise<T> {
    while (this.#aloneOrWaiting > 0) await this.#lastAlone
    const running = task()
    this.#beside.add(running)
    try {
      return await running
    } finally {
      this.#beside.delete(running)
    }
  }

  /** Runs the task when all that began before it has ended; what comes later waits for it. */
  alone<T>(task: () => Promise<T>): Promise<T> {
    this.#aloneOrWaiting++
    const running = this.#lastAlone
      .then(() => Promise.allSettled(this.#beside))
      .then(task)
      .finally(() => this.#aloneOrWaiting--)
    this.#lastAlone = running.catch(() => {})
    return running
  }
}
