/** The part of the page's address after `#` names the room that is shown. */

/** In lower case; `''` when there is none. The browser has encoded what no address may have. */
export function roomInAddress(): string {
  const name = location.hash.slice(1)
  try {
    return decodeURIComponent(name).toLowerCase()
  } catch {
    return name.toLowerCase()
  }
}

/** Shows that room: the event `hashchange` does the rest. */
export function goTo(room: string): void {
  location.hash = encodeURIComponent(room)
}
