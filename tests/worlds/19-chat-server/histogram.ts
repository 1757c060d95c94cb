/** A histogram under test, and what it says, as one line for each sample. */

import type { Histogram, HistogramOptions } from '#code/19-chat-server/histogram.ts'
import type { Sample } from '#code/19-chat-server/text-format.ts'
import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'

export interface HistogramPlay {
  observe(...values: number[]): void
  /** Observes once for these label values. */
  observeAs(value: number, ...labels: string[]): void
  /** Expects these lines, and no others. */
  expectLines(lines: string[], reason: Reason): void
  lines(): string[]
  histogram: Histogram
}

export async function playHistogram(
  stage: Stage,
  options: Partial<HistogramOptions>,
): Promise<HistogramPlay> {
  const { Histogram } = await stage.load(() => import('#code/19-chat-server/histogram.ts'))
  const { bounds = [1, 5, 10], labels = [] } = options
  const histogram = new Histogram({ name: 'took', help: 'Test.', ...options, bounds, labels })
  const named = labels.length > 0 ? `, labels ${labels.join(' and ')}` : ''
  stage.story.tell('test', `makes a histogram: bounds ${bounds.join(', ')}${named}`)
  const lines = () => histogram.samples().map(lineOf)
  return {
    histogram,
    lines,
    observe(...values) {
      stage.story.tell('test', `observes ${values.join(', ')}`)
      for (const value of values) histogram.observe(value)
    },
    observeAs(value, ...values) {
      stage.story.tell('test', `observes ${value} with ${values.map(quoted).join(', ')}`)
      histogram.observe(value, values)
    },
    expectLines(expected, reason) {
      const received = lines()
      const isScattered =
        expected.length > 0 && countsIn(received) > countsIn(expected) && labels.length === 0
      const plainer = isScattered ? SCATTERED : plainCause(received, expected)
      stage.expect('the samples to be as shown below', isSame(received, expected), {
        ...(plainer ?? reason),
        expected: expected.join('\n'),
        received: received.join('\n') || 'none',
      })
    },
  }
}

/** The lines that a histogram with these bounds has for one combination of labels. */
export function linesFor(
  bounds: readonly number[],
  upTo: readonly number[],
  sum: number,
  labels = '',
): string[] {
  const behind = labels === '' ? '' : `${labels},`
  const own = labels === '' ? '' : `{${labels}}`
  const les = [...bounds.map(String), '+Inf']
  return [
    ...les.map((le, place) => `_bucket{${behind}le="${le}"} ${upTo[place]}`),
    `_sum${own} ${sum}`,
    `_count${own} ${upTo.at(-1)}`,
  ]
}

function lineOf({ suffix = '', labels, value }: Sample): string {
  const pairs = labels.map(([name, text]) => `${name}="${text}"${otherThan('string', text)}`)
  const of = pairs.length > 0 ? `{${pairs.join(',')}}` : ''
  return `${suffix}${of} ${value}${otherThan('number', value)}`
}

/** What a value is, if it is not what it should be: text-format.ts writes numbers and texts, and trips over others. */
function otherThan(type: 'string' | 'number', value: unknown): string {
  return typeof value === type ? '' : ` (a ${typeof value}, not a ${type})`
}

/** Observations without labels that are not counted together. */
const SCATTERED: Reason = {
  because: 'Without labels there is one series, and whatever is observed is counted in it.',
  likely: 'Look the series up by its label values, and make a new one only when there is none.',
  look: 'histogram.#seriesOf()',
}

/** What is wrong when only the form is, or the order, or the sum. */
function plainCause(received: string[], expected: string[]): Reason | undefined {
  const numbers = (lines: string[]) => lines.map(numberOf).toSorted()
  if (received.some((line) => /[{,](?!le=)\w+="undefined" \(a undefined/.test(line)))
    return missing(received)
  if (received.some((line) => / \(a \w+, not a \w+\)/.test(line))) return TYPE
  if (
    isSame(received.toSorted(), expected.toSorted()) &&
    !isSame(counts(received), counts(expected))
  )
    return SERIES_ORDER
  const isUnlabelled = expected.some((line) => line.startsWith('_sum '))
  if (isUnlabelled && isSame(numbers(received), numbers(expected))) return FORM
  const others = (lines: string[]) => lines.filter((line) => !line.startsWith('_sum'))
  const sums = (lines: string[]) => lines.filter((line) => line.startsWith('_sum')).map(formOf)
  const isSumAlone =
    isSame(others(received), others(expected)) && isSame(sums(received), sums(expected))
  return isSumAlone ? SUM : undefined
}

function numberOf(line: string): string {
  return line.slice(line.lastIndexOf(' '))
}

function formOf(line: string): string {
  return line.slice(0, line.lastIndexOf(' '))
}

const TYPE: Reason = {
  because:
    'formatMetrics() writes the answer. It needs a number as the value of a sample, and a text as the value of a label.',
  likely: '`le` is the bound as String() writes it; a value stays a number.',
  look: 'histogram.samples()',
}

/** A label has no value. */
function missing(received: string[]): Reason {
  const isOther = received.some((line) => line.includes('="other"'))
  return {
    because: 'Each series has as many values as there are names of labels.',
    likely: isOther
      ? 'The series of all others has one `other` for each label, not one for all of them.'
      : 'The value of a label has the same place in its list as the name.',
    look: isOther ? 'histogram.#seriesOf()' : ['histogram.#seriesOf()', 'histogram.samples()'],
  }
}

const SERIES_ORDER: Reason = {
  because:
    'The samples are right, but not the order of the series: they come in the order of their first observations.',
  likely: 'A series keeps its place when it is used again.',
  look: ['histogram.#seriesOf()', 'histogram.samples()'],
}

const FORM: Reason = {
  because: 'A monitoring system looks for these names, these labels, and this order.',
  likely:
    'The numbers are right. `le` is the bound as String() writes it, 0 as well, then `+Inf`; `_sum` comes before `_count`.',
  look: 'histogram.samples()',
}

const SUM: Reason = {
  because: '`_sum` is the sum of all values that were counted, each of them unchanged.',
  likely: 'The buckets are right. Add each value when it is observed: `sum += value`.',
  look: ['histogram.observe()', 'histogram.samples()'],
}

function countsIn(lines: string[]): number {
  return counts(lines).length
}

function counts(lines: string[]): string[] {
  return lines.filter((line) => line.startsWith('_count'))
}

function quoted(text: string): string {
  return JSON.stringify(text)
}

function isSame(received: string[], expected: string[]): boolean {
  return received.length === expected.length && received.every((line, i) => line === expected[i])
}
