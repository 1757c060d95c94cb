/** The middle of some numbers; half of them are smaller. */
export function median(values: number[]): number {
  return percentile(values, 50)
}

/** The smallest value that `percent` of all are not above. */
export function percentile(values: number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)]
}
