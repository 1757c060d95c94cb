import { Failure } from '../../tests/harness/failure.ts'
import { openHole, watchHoles } from '../../tests/harness/open-hole.ts'
import { dismissSpareHost } from '../../tests/judge/host.ts'
import { LEARNER, SOLUTION } from '../../tests/judge/workbook.ts'
import { PeerMissing } from '../../tests/maintainers/peers.ts'
import {
  findMeasurement,
  listMeasurements,
  type Measurement,
  type Quantity,
  type Result,
} from '../lab/measurement.ts'
import { type Call, UsedWrongly, type Verb } from './verb.ts'

export const measure: Verb = {
  usage: 'measure 2.backpressure [--solution] [--json]',
  summary: 'answer a Predict block with a number, on your code',
  async run(call) {
    const id = findId(call.words[0] ?? '')
    const measurement = await findMeasurement(id)
    if (!measurement) throw new UsedWrongly(`There is no measurement "${id}". ${allMeasurements()}`)
    const tree = call.flags.solution ? SOLUTION : LEARNER
    let hole: Error | undefined
    if (tree === LEARNER)
      watchHoles((thrown) => {
        hole ??= thrown
      })
    let isTaken = false
    try {
      const result = await untilItThrows(() =>
        measurement.run(tree, (text) => process.stderr.write(`${text} …\n`)),
      )
      const { asks, how, why } = measurement
      call.write(
        call.flags.json
          ? `${JSON.stringify({ id, code: tree.label, asks, how, why, ...result }, null, 2)}\n`
          : toText(result, measurement, call),
      )
      isTaken = true
    } catch (error) {
      const why = whyNot(error, hole, id)
      if (why === undefined) throw error
      silenceTheRest()
      call.write(`${why}\n`)
    } finally {
      await dismissSpareHost()
    }
    if (!isTaken) endSoon()
    return isTaken ? 0 : 1
  },
}

/**
 * Why nothing could be measured, if that is no bug of ours, and what to do about it. A hole that was reached may come to
 * light as another error: code that was left half-way has left a file open, and Node throws when it finds that.
 */
function whyNot(error: unknown, hole: Error | undefined, id: string): string | undefined {
  if (error instanceof PeerMissing)
    return `Here another package is measured beside ours. ${error.message}`
  const finish = `Finish the chapter first (npm test ${Number(id.slice(0, 2))}), or measure the model answer: npm start measure ${id} --solution`
  if (error instanceof Failure)
    return `The server could not be measured. ${error.message}\n${finish}`
  const step = openHole(error as Error) ?? (hole && openHole(hole))
  return step && `This could not be measured: step ${step} is still to be written.\n${finish}`
}

const THROWN = ['uncaughtException', 'unhandledRejection']

/** Rejects as well with what code that is measured in this process throws where nobody catches it. */
async function untilItThrows<T>(work: () => Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  for (const event of THROWN) process.on(event, reject)
  try {
    return await Promise.race([work(), promise])
  } finally {
    for (const event of THROWN) process.off(event, reject)
  }
}

/** What a measurement has begun may still throw: the reason has been told. */
function silenceTheRest(): void {
  for (const event of THROWN) process.on(event, () => {})
}

/** What a measurement has begun may still run: it does not keep this process. */
function endSoon(): void {
  setTimeout(() => process.exit(1), 200).unref()
}

/** `'2.backpressure'` is `'02.backpressure'`, and so is `'2'` as long as the chapter has no other. */
function findId(word: string): string {
  if (word === '') throw new UsedWrongly(`Which measurement? ${allMeasurements()}`)
  const padded = word.replace(/^(\d)(?=\.|$)/, '0$1')
  if (!/^\d\d$/.test(padded)) return padded
  const ofChapter = listMeasurements().filter((id) => id.startsWith(`${padded}.`))
  if (ofChapter.length > 1)
    throw new UsedWrongly(
      `Chapter ${Number(padded)} has more than one measurement: ${ofChapter.join(', ')}.`,
    )
  return ofChapter[0] ?? padded
}

function allMeasurements(): string {
  return `These can be taken: ${listMeasurements().join(', ')}.`
}

const BAR_COLUMNS = 24

function toText(
  { answer, rows }: Result,
  { asks, how, why }: Measurement,
  { chalk, columns }: Call,
): string {
  const labelWidth = Math.max(...rows.map(({ label }) => label.length))
  const largest = new Map<string, number>()
  for (const { unit, value } of rows) largest.set(unit, Math.max(largest.get(unit) ?? 0, value))
  const lines = rows.map((row) => {
    const share = row.value / (largest.get(row.unit) || 1)
    const bar = '█'.repeat(Math.round(share * BAR_COLUMNS)) || '▏'
    return `  ${row.label.padEnd(labelWidth)}  ${show(row).padStart(12)}  ${columns > 70 ? chalk.cyan(bar) : ''}`.trimEnd()
  })
  return [
    '',
    ...lines,
    '',
    `  ${chalk.bold(show(answer))}  ${asks}`,
    '',
    `  ${chalk.dim(how)}`,
    ...(why ? ['', `  ${why}`] : []),
    '',
  ].join('\n')
}

function show({ value, unit }: Quantity): string {
  return `${value.toLocaleString('en')} ${unit}`
}
