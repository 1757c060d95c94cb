import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../../tests/harness/failure.ts'
import { dismissSpareHost } from '../../tests/judge/host.ts'
import { LEARNER, SOLUTION } from '../../tests/judge/workbook.ts'
import { PeerMissing } from '../../tests/maintainers/peers.ts'
import { findMeasurement, type Quantity, type Result } from '../lab/measurement.ts'
import { type Call, UsedWrongly, type Verb } from './verb.ts'

export const measure: Verb = {
  usage: 'measure 2.backpressure [--solution] [--json]',
  summary: 'answer a Predict block with a number, on your code',
  async run(call) {
    const id = (call.words[0] ?? '').replace(/^(\d)\./, '0$1.')
    const measurement = await findMeasurement(id)
    if (!measurement)
      throw new UsedWrongly(
        `There is ${id ? `no measurement "${id}"` : 'more than one measurement'}. These can be taken: ${listIds().join(', ')}.`,
      )
    const tree = call.flags.solution ? SOLUTION : LEARNER
    try {
      const result = await measurement.run(tree, (text) => process.stderr.write(`${text} …\n`))
      const { asks, how } = measurement
      call.write(
        call.flags.json
          ? `${JSON.stringify({ id, code: tree.label, asks, how, ...result }, null, 2)}\n`
          : toText(result, asks, how, call),
      )
      return 0
    } catch (error) {
      if (error instanceof PeerMissing) {
        call.write(`Here another package is measured beside ours. ${error.message}\n`)
        return 1
      }
      if (!(error instanceof Failure)) throw error
      call.write(`The server could not be measured. ${error.message}\n`)
      call.write(
        `Finish the chapter first (npm test ${Number(id.slice(0, 2))}), or measure the model answer: npm start measure ${id} --solution\n`,
      )
      return 1
    } finally {
      await dismissSpareHost()
    }
  },
}

function listIds(): string[] {
  return readdirSync(join(import.meta.dirname, '../lab'))
    .filter((name) => /^\d\d\./.test(name))
    .map((name) => name.replace(/\.ts$/, ''))
    .sort()
}

const BAR_COLUMNS = 24

function toText(
  { answer, rows }: Result,
  asks: string,
  how: string,
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
    '',
  ].join('\n')
}

function show({ value, unit }: Quantity): string {
  return `${value.toLocaleString('en')} ${unit}`
}
