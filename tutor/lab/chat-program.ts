/** The chat server as a process of its own, and people who have accounts there already. */

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type * as AccountsModule from '#code/14-accounts/account-services.ts'
import type { CodeTree } from '../../tests/harness/code-tree.ts'
import { Program } from '../../tests/harness/program.ts'

export interface ChatPorts {
  frames: number
  web: number
  metrics?: number
}

const ANY: ChatPorts = { frames: 0, web: 0 }

/** Starts `main.ts` of that tree on a data folder, and waits until its doors are open. `ulimit` as in `Program.run()`. */
export async function runChatServer(
  tree: CodeTree,
  data: string,
  ports = ANY,
  flags: readonly string[] = [],
  ulimit?: string,
): Promise<{ program: Program; ports: ChatPorts }> {
  const { frames, web, metrics = 0 } = ports
  const args = [
    ...['--data', data, '--port', String(frames), '--web-port', String(web)],
    ...['--metrics-port', String(metrics), '--says-per-second', '1000', ...flags],
  ]
  const program = Program.run(join(tree.root, '19-chat-server', 'main.ts'), args, {}, ulimit)
  const opened = await program.logged(({ event }) => event === 'open')
  return { program, ports: opened as unknown as ChatPorts }
}

/** Makes accounts in a data folder that no server has open, and resolves with a token for each name. */
export async function makeAccounts(
  tree: CodeTree,
  data: string,
  names: readonly string[],
): Promise<Map<string, string>> {
  const file = pathToFileURL(join(tree.root, '14-accounts', 'account-services.ts')).href
  const { openAccountServices } = (await import(file)) as typeof AccountsModule
  const services = await openAccountServices({ data }, console.error)
  const tokens = new Map<string, string>()
  try {
    for (const name of names) {
      const email = `${name}@example.org`
      const account = await services.accounts.create({ name, email, passwordHash: 'none' })
      if (typeof account === 'string') throw new Error(`${name}: ${account}`)
      tokens.set(name, await services.sessions.begin(account.id))
    }
    return tokens
  } finally {
    await services.close()
  }
}
