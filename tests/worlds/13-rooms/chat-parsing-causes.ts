/** Why a parser of chapter 13 may have made something else of a message than it should. */

/** What is asked of a parser's result: code and id, or the fields that somebody knows. */
export type Told =
  | { code: string; seconds?: number; id?: number }
  | { request: Record<string, unknown> }

export function whyTypeIsKnown(received: Told, type: string): string | undefined {
  if ('request' in received && type in {})
    return 'Every object has a "constructor" and a "toString" that it inherits. Object.hasOwn() ignores those.'
  if ('request' in received) return 'Look the type up exactly as the client wrote it.'
  if (received.code !== 'unknown-type')
    return 'A type that is not in the table is `unknown-type`, even an empty one.'
  return whyRefusalIsLost(received)
}

export function whyRefusalIsLost(received: Told): string | undefined {
  if ('request' in received) return undefined
  return received.id === undefined
    ? 'The id is known by then. It belongs in every refusal.'
    : 'Pass the refusal of a rule on as it is, with its own code and all its other fields.'
}

/** Why a request with this wrong value was taken. */
export function whyNotRefused(
  { request }: { request: Record<string, unknown> },
  field: string,
  sent: unknown,
): string {
  if (typeof sent !== 'string' || request[field] === sent || request[field] === undefined)
    return 'Call every rule of the type with the value and the name of its field, even if the value is missing or null.'
  return `Call the rules with the value as it was sent. ${whyTaken(sent)}Change \`room\` after the rules, with toLowerCase() only.`
}

/** Why a letter that only looks like a k is one, when a rule gets it. */
function whyTaken(sent: string): string {
  if (!/^[^ -~]elvin$/.test(sent)) return ''
  const letter = sent.charCodeAt(0).toString(16).toUpperCase()
  return `Its first letter is U+${letter}, and toLowerCase() or normalize() makes a plain letter of it. `
}

export function whyChanged(received: Told, expected: Record<string, unknown>): string | undefined {
  if ('code' in received) return 'Only the rules of its type can refuse it.'
  const { request } = received
  const fields = Object.keys(expected).filter((field) => request[field] !== expected[field])
  if (fields.join() === 'room') return 'Put room.toLowerCase() into the request that is returned.'
  const lost = fields.find((field) => request[field] === undefined)
  if (lost !== undefined) return `"${lost}" belongs in the request, too.`
  return 'Change only `room`. Every other field keeps its value.'
}
