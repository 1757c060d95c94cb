/** Times as people say them, in their own language and time zone. */

const TIME = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const DAY = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' })
const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' })
const NEAR = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' })

const DAY_MS = 24 * 60 * 60_000

export function timeOf(at: number): string {
  return TIME.format(at)
}

export function exactTimeOf(at: number): string {
  return EXACT.format(at)
}

/** `Today`, `Yesterday`, or the date. */
export function dayOf(at: number, now: number): string {
  const days = Math.round((startOfDay(at) - startOfDay(now)) / DAY_MS)
  const day = days === 0 || days === -1 ? NEAR.format(days, 'day') : DAY.format(at)
  return day.charAt(0).toLocaleUpperCase() + day.slice(1)
}

export function isSameDay(one: number, other: number): boolean {
  return startOfDay(one) === startOfDay(other)
}

function startOfDay(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0)
}
