/** The line protocol as the tests speak it: a line out, a line back. */

import type { Client } from '../harness/client.ts'
import type { Reason } from '../harness/failure.ts'

/** Sends a line and expects that answer, which may be a pattern. Returns the answer. */
export async function ask(
  client: Client,
  line: string,
  answer: string | RegExp,
  reason: Reason,
): Promise<string> {
  await client.send(`${line}\n`)
  return client.expectLine(answer, reason)
}

/** A round trip: proof that this client is served. */
export async function echo(client: Client, reason: Reason, text = 'still there?'): Promise<void> {
  await ask(client, `echo ${text}`, text, reason)
}
