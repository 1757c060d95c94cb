/** The middle of some numbers; half of them are smaller. */
export function median(values: number[]): number {
  return percentile(values, 50)
}

/** The smallest value that `percent` of all are not above. */
export function percentile(values: number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)]
}

/** `1,500`, `0.25`: to three decimals. Node's own formatter takes 10 ms to get ready, in each process anew. */
export function withCommas(value: number): string {
  const [whole, ...decimals] = `${Math.round(value * 1_000) / 1_000}`.split('.')
  return [whole.replace(/\B(?=(\d{3})+$)/g, ','), ...decimals].join('.')
}
