/**
 * A strand (Boost.Asio's word): tasks that must not overlap, although nobody holds a lock.
 *
 * The tasks of one strand run one after the other, in the order in which they were posted; those of different strands
 * are independent. A strand orders what happens inside its tasks; what began before `post()` is already running.
 */

export class Strand {
  /** Resolves when the task that was posted last has ended, however it ended. */
  #lastEnded = Promise.resolve()

  /**
   * Runs the task when all tasks posted before it have ended: never inside this call, never alongside another task.
   *
   * Resolves with what the task returns and rejects with what it throws, at once or later. A task that fails has ended
   * like any other, and the next one begins. Nothing is kept of tasks that have ended. A task that awaits one posted
   * after it never ends.
   *
   * @step 11.1
   */
  async post<T>(task: () => Promise<T> | T): Promise<T> {
    // TODO 11.1
    throw new Error('TODO 11.1')
  }
}
