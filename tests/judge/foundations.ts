/** What a chapter stands on: the earlier chapters' files that it imports, directly or by way of others. */

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { type CodeTree, fileIn } from '../harness/code-tree.ts'
import type { OpenHole } from './events.ts'
import { findOpenHoles } from './holes.ts'
import { listFiles } from './workbook.ts'

const IMPORT =
  /^\s*(?:import|export)\s[^'"]*?from\s*['"](\.[^'"]+)['"]|new URL\(['"](\.[^'"]+\.ts)['"]/gm

/** Files under the tree's root that these files import, themselves included: `01-hello/server.ts`. */
export function importsOf(tree: CodeTree, files: string[]): string[] {
  const seen = new Set<string>()
  const visit = (file: string): void => {
    const path = join(tree.root, file)
    if (seen.has(file) || !existsSync(path)) return
    seen.add(file)
    for (const [, from, url] of readFileSync(path, 'utf8').matchAll(IMPORT)) {
      visit(
        relative(tree.root, join(dirname(path), from ?? url))
          .split(sep)
          .join('/'),
      )
    }
  }
  for (const file of files) visit(file)
  return [...seen].sort()
}

/** The earlier chapters that this one stands on, in order. */
export function chaptersBeneath(tree: CodeTree, chapter: string): string[] {
  const files = filesOf(tree, chapter).map((file) => file.split('/')[0])
  return [...new Set(files)].filter((other) => other !== chapter)
}

/** Every file the chapter is made of, its foundations included. */
export function filesOf(tree: CodeTree, chapter: string): string[] {
  return importsOf(
    tree,
    listFiles(tree, chapter).map((file) => `${chapter}/${file}`),
  )
}

/** Holes in earlier chapters that this chapter may fall into, in the order in which they are to be filled. */
export function openHolesBeneath(tree: CodeTree, chapter: string): OpenHole[] {
  return filesOf(tree, chapter)
    .map((file) => file.split('/'))
    .filter(([other]) => other !== chapter)
    .flatMap(([other, file]) =>
      existsSync(fileIn(tree, other, file)) ? findOpenHoles(tree, other, [file]) : [],
    )
    .sort((one, other) => one.step.localeCompare(other.step))
}
