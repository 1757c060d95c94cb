/**
 * How long things take, in a few numbers: how many took 1 ms at most, how many 5 ms at most, and so on.
 *
 * A mean hides the one in a hundred who waits. A list of all times would grow forever. A histogram has a fixed number
 * of counters, whatever happens, and a monitoring system can add up those of ten servers. An observation costs one
 * search and two additions. The samples follow Prometheus' rules: `text-format.ts`.
 */

import type { Metric, Sample } from './text-format.ts'

export interface HistogramOptions {
  name: string
  help: string
  /** Ascending upper bounds of the buckets, in the unit that the name states. A bound belongs to its bucket. */
  bounds: readonly number[]
  /** Names of the labels that an observation has. */
  labels?: readonly string[]
  /** How many combinations of label values have counters of their own. */
  maxSeries?: number
}

/** The counters for one combination of label values. */
interface Series {
  labels: readonly string[]
  /** Observations in each bucket, and behind the last bound: one counter more than there are bounds. */
  counts: number[]
  sum: number
}

/** The value of each label of an observation for which there are no counters left. */
const OTHER = 'other'

export class Histogram implements Metric {
  readonly name: string
  readonly help: string
  readonly type = 'histogram'
  readonly #bounds: readonly number[]
  readonly #labels: readonly string[]
  readonly #maxSeries: number
  /** By their label values, as JSON. */
  readonly #series = new Map<string, Series>()

  constructor({ name, help, bounds, labels = [], maxSeries = 50 }: HistogramOptions) {
    this.name = name
    this.help = help
    this.#bounds = bounds
    this.#labels = labels
    this.#maxSeries = maxSeries
  }

  /**
   * Counts a value once: in the first bucket whose bound it does not exceed, or beyond the last bound. `labels` are the
   * values of the labels, in the order of their names; the caller may change that list afterwards. NaN is not counted,
   * and makes no series.
   *
   * @step 19.3
   */
  observe(value: number, labels: readonly string[] = []): void {
    // TODO 19.3
    throw new Error('TODO 19.3')
  }

  /**
   * What Prometheus expects of a histogram, series after series in the order of their first observations. Each series
   * has, for each bound and then for `+Inf`, a sample `_bucket`: how many observations did not exceed it, with the
   * label `le` after the others; then `_sum`, then `_count`. Without an observation there is no series, and there are
   * no samples.
   *
   * @step 19.3
   */
  samples(): Sample[] {
    // TODO 19.3
    throw new Error('TODO 19.3')
  }

  /**
   * The counters for these label values; `#add` makes them for values that are new. When there are `maxSeries` already,
   * all new values are counted together, in the series whose labels all say `other`; it is made if there is none, even
   * beyond `maxSeries`. No two series have the same labels.
   *
   * @step 19.3
   */
  #seriesOf(labels: readonly string[]): Series {
    // TODO 19.3
    throw new Error('TODO 19.3')
  }

  /** Makes counters for label values that are new. The caller may change its list afterwards: we keep a copy. */
  #add(labels: readonly string[]): Series {
    const series = { labels: [...labels], counts: Array(this.#bounds.length + 1).fill(0), sum: 0 }
    this.#series.set(JSON.stringify(labels), series)
    return series
  }
}
