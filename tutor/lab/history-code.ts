/** The parts of chapter 15 that measurements use, of the tree that is measured. */

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type * as GroupsModule from '#code/15-history/groups.ts'
import type * as LogModule from '#code/15-history/log.ts'
import type * as JournalModule from '#code/15-history/log-journal.ts'
import type * as FolderModule from '#code/15-history/node-folder.ts'
import type * as RecordsModule from '#code/15-history/records.ts'
import type { CodeTree } from '../../tests/harness/code-tree.ts'

type History = typeof GroupsModule &
  typeof LogModule &
  typeof JournalModule &
  typeof FolderModule &
  typeof RecordsModule

const FILES = ['groups', 'log', 'log-journal', 'node-folder', 'records']

export async function loadHistory(tree: CodeTree): Promise<History> {
  const modules = await Promise.all(
    FILES.map((file) => import(pathToFileURL(join(tree.root, '15-history', `${file}.ts`)).href)),
  )
  return Object.assign({}, ...modules) as History
}
