/** A server in a process of its own, for those who do not test it: measurements and labs. */

import type { CodeTree } from '../harness/code-tree.ts'
import type { HostedServer } from '../harness/hosted-server.ts'
import { launch } from '../harness/launch.ts'
import { Story } from '../harness/story.ts'

export { dismissSpareHost } from '../harness/spare-host.ts'

/** Starts `chapter/file` of that tree. Rejects with a `Failure` when it does not come up; `kill()` it when done. */
export function hostServer(
  tree: CodeTree,
  chapter: string,
  { file = 'server.ts', options = {} }: { file?: string; options?: object } = {},
): Promise<HostedServer> {
  // No step is later than the last: code that is still to be written ends the server.
  return launch({ chapter, file, options, step: '99.99' }, tree, new Story())
}
