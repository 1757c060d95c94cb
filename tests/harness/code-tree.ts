/**
 * The tree of code under test: the learner's `chapters/`, our `solutions/`, or a copy with a mistake in it.
 *
 * Paths inside it are shown as the learner knows them (`chapters/02-echo/server.ts`), wherever the tree lies.
 */

import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Place } from './failure.ts'
import type { Frames } from './thread-look.ts'

export interface CodeTree {
  /** Absolute path. */
  root: string
  /** What stands for the root in messages: `chapters` or `solutions`. */
  label: string
  /** Where chapters of the tree may be links to: what lies there counts as inside. */
  linkedTo?: string
}

export function fileIn(tree: CodeTree, chapter: string, file: string): string {
  return join(tree.root, chapter, file)
}

/** `chapters/02-echo/server.ts`; `undefined` for a path outside the tree. */
export function pathInTree(tree: CodeTree, path: string): string | undefined {
  const absolute = path.startsWith('file:') ? fileURLToPath(path) : path
  for (const root of [tree.root, tree.linkedTo]) {
    const inside = root && relative(root, absolute)
    if (inside && !inside.startsWith('..') && inside !== absolute) {
      return [tree.label, ...inside.split(sep)].join('/')
    }
  }
  return undefined
}

/** The stack frames that lie in the tree, innermost first. */
export function placesInStack(tree: CodeTree, stack: string): Place[] {
  return stack.split('\n').flatMap((line) => {
    const frame = FRAME.exec(line) ?? SYNTAX_ERROR_HEADER.exec(line)
    const file = frame?.groups && pathInTree(tree, frame.groups.path)
    if (!file) return []
    return { file, line: Number(frame.groups!.line), function: nameOf(frame.groups!.name) }
  })
}

/** The frames of an inspected thread that lie in the tree, innermost first. */
export function placesOf(tree: CodeTree, frames: Frames): Place[] {
  return frames.flatMap(({ file, line, function: name }) => {
    const shown = pathInTree(tree, file)
    return shown ? [{ file: shown, line, function: name }] : []
  })
}

/** `echoBytes` for `Object.echoBytes`; callbacks have no name worth showing. */
function nameOf(frame: string | undefined): string {
  return !frame || /<anonymous>|\._/.test(frame)
    ? ''
    : frame.replace(/^(Object|Module|new)[. ]/, '')
}

const FRAME =
  /^\s+at (?:async )?(?:(?<name>[^(]+?) \()?(?<path>(?:file:\/\/|\/|[A-Z]:\\).*?):(?<line>\d+):\d+\)?$/

/** The first line of a syntax error's stack: `file:///…/server.ts:3`. */
const SYNTAX_ERROR_HEADER = /^(?<name>)(?<path>file:\/\/.*?):(?<line>\d+)$/
