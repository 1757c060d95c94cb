/**
 * The files of the page, read once when the server starts.
 *
 * A browser runs no TypeScript, but the modules differ from JavaScript only in their types. So the types are blanked
 * out, and nothing is built. Every module keeps its place in the tree and its name: `../../16-client/chat-client.ts` is
 * the same file for the page as it is for Node. What `page/main.ts` does not import is not served.
 */

import { readFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { join, posix } from 'node:path'

export interface PageFile {
  type: string
  bytes: Uint8Array
}

/** The folder that holds the chapters. */
const TREE = join(import.meta.dirname, '..')
const PAGE = '19-chat-server/page'
const MAIN = `${PAGE}/main.ts`

/** Where the page finds its modules; `page/index.html` says so as well. */
const MODULES = '/app'

const OTHERS: Record<string, { file: string; type: string }> = {
  '/': { file: 'index.html', type: 'text/html; charset=utf-8' },
  '/style.css': { file: 'style.css', type: 'text/css; charset=utf-8' },
  '/icon.svg': { file: 'icon.svg', type: 'image/svg+xml' },
}

const IMPORT = /^\s*(?:import|export)\s(?:[^'"]*?\sfrom\s*)?['"]([^'"]+)['"]/gm

/** The files by path: `/`, `/app/19-chat-server/page/main.ts` … Rejects when the page imports what no browser has. */
export async function openPage(): Promise<Map<string, PageFile>> {
  const files = new Map<string, PageFile>()
  for (const [path, { file, type }] of Object.entries(OTHERS)) {
    files.set(path, { type, bytes: await readFile(join(TREE, PAGE, file)) })
  }
  await addModule(MAIN, files)
  return files
}

/** Adds a module and everything that it imports. Names are relative to the tree, with `/` on every system. */
async function addModule(name: string, files: Map<string, PageFile>): Promise<void> {
  const path = `${MODULES}/${name}`
  if (files.has(path)) return
  const script = stripTypes(await readFile(join(TREE, name), 'utf8'), name)
  files.set(path, { type: 'text/javascript; charset=utf-8', bytes: Buffer.from(script) })
  for (const [, imported] of script.matchAll(IMPORT)) {
    if (!imported.startsWith('.'))
      throw new Error(`${name} imports ${imported}, which no browser has.`)
    await addModule(posix.join(posix.dirname(name), imported), files)
  }
}

function stripTypes(source: string, name: string): string {
  const { emitWarning } = process
  // Node calls this experimental, and would say so to everybody who starts the server. Nothing else runs meanwhile.
  process.emitWarning = () => {}
  try {
    return stripTypeScriptTypes(source)
  } catch (error) {
    throw new Error(`The page cannot be served: ${name}: ${(error as Error).message}`)
  } finally {
    process.emitWarning = emitWarning
  }
}
