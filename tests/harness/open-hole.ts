/**
 * Holes: the functions that a learner has still to write. A starter's hole throws `Error('TODO 02.3')`,
 * and that message is all that tells it from any other error.
 */

const HOLE_MESSAGE = /^TODO (\d\d\.\d+)$/

/** The step of the hole that threw this, `undefined` when it is another kind of error. */
export function openHole(thrown: { message?: unknown }): string | undefined {
  return HOLE_MESSAGE.exec(String(thrown?.message))?.[1]
}

/**
 * Tells of every hole that is reached in this thread, or in a worker that it has started and that ends with it. What
 * becomes of the error then does not matter: most code that waits for a peer survives a handler that throws, and what
 * the test sees is only that an answer does not come.
 */
export function watchHoles(onHole: (thrown: Error) => void): void {
  const RealError = Error
  const make = (args: unknown[], target: never, self: () => unknown): Error => {
    const error = Reflect.construct(RealError, args, target)
    // As without us, a stack begins behind the constructors: we are not in it.
    RealError.captureStackTrace(error, target === globalThis.Error ? self : target)
    if (openHole(error) !== undefined) onHole(error)
    return error
  }
  const traps: ProxyHandler<ErrorConstructor> = {
    construct: (_target, args, newTarget) =>
      make(args, newTarget as never, traps.construct as never),
    apply: (_target, _this, args) => make(args, globalThis.Error as never, traps.apply as never),
  }
  globalThis.Error = new Proxy(RealError, traps)
  RealError.prototype.constructor = globalThis.Error
  process.on('worker', (worker) => {
    const emit = worker.emit
    // Not a listener: an error that nobody else listens to must stay one.
    worker.emit = (name: string, ...args: unknown[]) => {
      if (name === 'error' && openHole(args[0] as Error) !== undefined) onHole(args[0] as Error)
      return emit.apply(worker, [name, ...args] as never)
    }
  })
}

/** Whether step `a` comes after step `b` in the book: `isLater('02.10', '02.9')`. */
export function isLater(a: string, b: string): boolean {
  const [chapterA, stepA] = a.split('.').map(Number)
  const [chapterB, stepB] = b.split('.').map(Number)
  return chapterA === chapterB ? stepA > stepB : chapterA > chapterB
}
