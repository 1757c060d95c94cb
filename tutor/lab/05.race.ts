import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { fileIn } from '../../tests/harness/code-tree.ts'
import { median } from '../../tests/harness/numbers.ts'
import { COUNT } from './counting-thread.ts'
import { type Measurement, notMeasurable, type Row } from './measurement.ts'

const THREADS = 4
const ROUNDS = 5
const TIMES = [100, 10_000, 1_000_000]

export const measurement: Measurement = {
  asks: `of all increments lost by load, add one, store: ${THREADS} threads, ${TIMES.at(-1)!.toLocaleString('en')} each`,
  how: `${THREADS} threads start at one gate and count the same word up through AtomicWords; ${ROUNDS} rounds, the two counters in turn, medians. Lost: what is missing in the word at the end.`,
  why: 'Between the load and the store of one thread another one stores, and its update is overwritten. Threads on several cores are there at the same time, so that happens all the time; the shorter they run, the more rarely they meet. add() loads and stores in one access.',
  async run(tree, say) {
    const naive = new URL('./load-then-store.ts', import.meta.url).href
    const yours = pathToFileURL(fileIn(tree, '05-shared-state', 'counter.ts')).href
    const rows: Row[] = []
    let answer = 0
    for (const times of TIMES) {
      const each = `${times.toLocaleString('en')} each`
      say(each)
      const [lost, lostByYours] = await race([naive, yours], times)
      answer = toPercent(lost, times)
      rows.push(
        { label: `${each}: load, store`, value: lost, unit: 'lost' },
        { label: `${each}: ${tree.label}`, value: lostByYours, unit: 'lost' },
      )
    }
    return { answer: { value: answer, unit: '%' }, rows }
  },
}

/** How many increments each of the counters loses. */
async function race(counters: string[], times: number): Promise<number[]> {
  const lost: number[][] = counters.map(() => [])
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, counter] of counters.entries()) {
      lost[index].push(THREADS * times - (await countTogether(counter, times)))
    }
  }
  return lost.map(median)
}

/** What the word holds when all threads have counted. */
async function countTogether(counter: string, times: number): Promise<number> {
  const memory = new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT)
  const workerData = { counter, memory, threads: THREADS, times }
  const threads = Array.from({ length: THREADS }, () => startThread(workerData))
  try {
    await Promise.all(threads.map(ended))
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()))
  }
  return new Int32Array(memory)[COUNT]
}

/** Without our own loaders: the code under test is plain TypeScript, which Node reads by itself. */
function startThread(workerData: object): Worker {
  return new Worker(new URL('./counting-thread.ts', import.meta.url), { workerData, execArgv: [] })
}

function ended(thread: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    thread.once('exit', () => resolve())
    thread.once('error', (error: Error) => {
      reject(notMeasurable(`A thread threw: ${error.message}.`))
    })
  })
}

function toPercent(lost: number, times: number): number {
  return Number(((100 * lost) / (THREADS * times)).toFixed(1))
}
