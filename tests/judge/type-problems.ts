/**
 * TypeScript's view of a chapter. Node strips types without looking at them, so a learner's server may run
 * and still be wrong in a way that only the compiler sees.
 */

import { execFile } from 'node:child_process'
import { join, resolve as resolvePath } from 'node:path'
import { type CodeTree, fileIn, pathInTree } from '../harness/code-tree.ts'
import type { TypeProblem } from './events.ts'
import { listFiles, ROOT } from './workbook.ts'

/**
 * The options of tsconfig.json that a chapter can tell apart. Every chapter is an ES module: `nodenext` would look for a
 * package.json that says so, and a learner's home may have none.
 */
const OPTIONS = [
  '--noEmit --strict --target esnext --lib esnext --module esnext --moduleResolution bundler --types node',
  '--moduleDetection force',
  '--allowImportingTsExtensions --erasableSyntaxOnly --verbatimModuleSyntax --noImplicitOverride',
  '--skipLibCheck --pretty false --ignoreConfig',
].flatMap((line) => line.split(' '))

/** Problems in the chapter's own files, in order; none when the compiler cannot be run. */
export function findTypeProblems(
  tree: CodeTree,
  chapter: string,
  signal?: AbortSignal,
): Promise<TypeProblem[]> {
  const files = listFiles(tree, chapter).map((file) => fileIn(tree, chapter, file))
  if (files.length === 0) return Promise.resolve([])
  const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
  const typeRoots = ['--typeRoots', join(ROOT, 'node_modules', '@types')]
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [compiler, ...OPTIONS, ...typeRoots, ...files],
      { cwd: ROOT, signal },
      (_error, output) =>
        resolve(
          parse(output, tree).filter(({ place }) =>
            place.file.startsWith(`${tree.label}/${chapter}/`),
          ),
        ),
    )
  })
}

const PROBLEM = /^(?<file>.+?)\((?<line>\d+),\d+\): error TS\d+: (?<message>.*)$/

function parse(output: string, tree: CodeTree): TypeProblem[] {
  return output.split('\n').flatMap((line) => {
    const groups = PROBLEM.exec(line)?.groups
    const file = groups && pathInTree(tree, resolvePath(ROOT, groups.file))
    return file
      ? [{ place: { file, line: Number(groups.line), function: '' }, message: groups.message }]
      : []
  })
}
