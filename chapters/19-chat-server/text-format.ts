/**
 * Metrics as Prometheus reads them: one line for each number, and above these lines what the metric means.
 *
 *     # HELP chat_connections Connections that are open.
 *     # TYPE chat_connections gauge
 *     chat_connections{door="frames"} 12
 *
 * https://prometheus.io/docs/instrumenting/exposition_formats/ (text format 0.0.4)
 */

export interface Sample {
  /** Follows the name of its metric: a histogram has `_bucket`, `_sum` and `_count`. */
  suffix?: string
  labels: readonly (readonly [name: string, value: string])[]
  value: number
}

export interface Metric {
  readonly name: string
  readonly help: string
  /** A counter only rises; a gauge goes up and down. */
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** Its present values. */
  samples(): Sample[]
}

export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

export function formatMetrics(metrics: readonly Metric[]): string {
  return metrics.map(formatMetric).join('')
}

function formatMetric(metric: Metric): string {
  const { name, help, type } = metric
  const lines = metric.samples().map(({ suffix = '', labels, value }) => {
    return `${name}${suffix}${formatLabels(labels)} ${formatValue(value)}`
  })
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n')
}

function formatLabels(labels: Sample['labels']): string {
  if (labels.length === 0) return ''
  return `{${labels.map(([name, value]) => `${name}="${escapeValue(value)}"`).join(',')}}`
}

function escapeValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

/** As Go writes it, which is what the format asks for. */
function formatValue(value: number): string {
  if (Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}
