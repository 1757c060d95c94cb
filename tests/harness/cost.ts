/**
 * What an operation costs among hundreds of thousands of its kind, beside what it costs among a thousand: tells O(log n)
 * from O(n) on any machine, however busy.
 */

/** An operation in a crowd of some size. Both functions are called with 0, 1, 2, … */
export interface Work {
  /** Brings one more of the crowd; costs nothing that counts. */
  fill?(index: number): void
  /** How often to call. */
  count: number
  call(index: number): void
}

export interface Comparison {
  /** Microseconds among `FEW`. */
  few: number
  /** Microseconds among `MANY`. */
  many: number
  isCheap: boolean
}

export const FEW = 1_000
export const MANY = 300_000

/**
 * A heap of 300,000 costs 1 to 3 µs, most of it waiting for memory: 5 to 20 times what a small one costs that fits the
 * caches. Going through all of it costs 50 µs at the very least, and mostly hundreds.
 */
const LIMIT = { growth: 40, atLeastUs: 10, atMostUs: 25 }

/** CPU time to judge by, where something costs far too much. */
const ENOUGH_US = 100_000

/** Between two signs of life: a thread that does not come back is taken for one that hangs. */
const CALLS_AT_A_TIME = 1_000
const MS_AT_A_TIME = 200

/** A batch of calls that costs so many times too much needs no second look: no collection of garbage does that. */
const FAR_TOO_MUCH = 10

export async function compareCost(prepare: (size: number) => Work): Promise<Comparison> {
  const costAmong = async (size: number, limitUs?: number) => {
    const { fill, count, call } = prepare(size)
    if (fill) await costUs(size, fill)
    return costUs(count, call, limitUs)
  }
  let few = Number.POSITIVE_INFINITY
  for (let round = 0; round < 5; round++) few = Math.min(few, await costAmong(FEW))
  const limitUs = Math.min(Math.max(LIMIT.growth * few, LIMIT.atLeastUs), LIMIT.atMostUs)
  let many = await costAmong(MANY, limitUs)
  // A collection of garbage may have come in between.
  if (many > limitUs) many = Math.min(many, await costAmong(MANY, limitUs))
  return { few, many, isCheap: many <= limitUs }
}

/** Microseconds of CPU time that a call costs; given up early where that is far too much. */
async function costUs(
  count: number,
  call: (index: number) => void,
  limitUs = Number.POSITIVE_INFINITY,
): Promise<number> {
  let usedUs = 0
  for (let done = 0; done < count; ) {
    await new Promise((resolve) => setImmediate(resolve))
    const [startedAt, doneBefore] = [cpuUs(), done]
    const end = Math.min(count, done + CALLS_AT_A_TIME)
    const backAt = performance.now() + MS_AT_A_TIME
    while (done < end && performance.now() < backAt) call(done++)
    const batchUs = cpuUs() - startedAt
    usedUs += batchUs
    if (usedUs > ENOUGH_US && usedUs / done > limitUs) return usedUs / done
    const eachUs = batchUs / (done - doneBefore)
    if (batchUs > ENOUGH_US && eachUs > FAR_TOO_MUCH * limitUs) return eachUs
  }
  return usedUs / count
}

/** So many bytes do not fit into the nearest caches: a copy of them costs hundreds of times what a few bytes do. */
export const LARGE_BYTES = 4 * 1024 * 1024

/** In copies of `LARGE_BYTES`: a call that looks at a few bytes stays far below, one that copies or walks over all of them costs more. */
export const FEW_BYTES = 0.5

/**
 * What a call costs beside one copy of `LARGE_BYTES`, made by the same thread on the same machine: a call that copies so
 * many bytes, or walks over them, is at 1 or above; one that looks at a few is near 0.
 */
export function costInCopies(calls: number, call: () => void): number {
  const [from, to] = [new Uint8Array(LARGE_BYTES).fill(1), new Uint8Array(LARGE_BYTES)]
  const copyUs = leastUs(10, () => to.set(from))
  const aloneUs = leastUs(1, call, 3)
  // A walk over all of them, byte by byte, takes too long to be tried hundreds of times.
  return (aloneUs > FAR_TOO_MUCH * copyUs ? aloneUs : leastUs(calls, call)) / copyUs
}

/** Microseconds of CPU for a call: the least of so many tries, for other work makes it more and never less. */
export function leastUs(calls: number, call: () => void, tries = 10): number {
  const us = Array.from({ length: tries }, () => {
    const startedAt = cpuUs()
    for (let time = 0; time < calls; time++) call()
    return (cpuUs() - startedAt) / calls
  })
  return Math.min(...us)
}

/**
 * Bytes of new buffers that each of so many calls makes. What a collection gives back meanwhile counts for nothing. A
 * clock does not see them all: memory that comes fresh from the kernel costs next to nothing until it is touched.
 */
export function bytesMade(calls: number, call: () => void): number {
  let made = 0
  for (let time = 0; time < calls; time++) {
    const before = process.memoryUsage().arrayBuffers
    call()
    made += Math.max(0, process.memoryUsage().arrayBuffers - before)
  }
  return made / calls
}

function cpuUs(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}
