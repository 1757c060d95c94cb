/**
 * Holes: the functions that a learner has still to write. A starter's hole throws `Error('TODO 02.3')`,
 * and that message is all that tells it from any other error.
 */

const HOLE_MESSAGE = /^TODO (\d\d\.\d+)$/

/** The step of the hole that threw this, `undefined` when it is another kind of error. */
export function openHole(thrown: { message?: unknown }): string | undefined {
  return HOLE_MESSAGE.exec(String(thrown?.message))?.[1]
}

/** Whether step `a` comes after step `b` in the book: `isLater('02.10', '02.9')`. */
export function isLater(a: string, b: string): boolean {
  const [chapterA, stepA] = a.split('.').map(Number)
  const [chapterB, stepB] = b.split('.').map(Number)
  return chapterA === chapterB ? stepA > stepB : chapterA > chapterB
}
