/**
 * Where in the code a step is at home: the functions whose doc comment carries its `@step`.
 *
 * Found with patterns, not with a parser, because a learner's file may not parse at all while it is being edited.
 */

import { readFileSync } from 'node:fs'
import { type CodeTree, fileIn } from '../harness/code-tree.ts'
import type { OpenHole, StepHome } from './events.ts'
import { listFiles } from './workbook.ts'

/** The functions that belong to a step, as they stand in that tree now. */
export function findHomeOfStep(tree: CodeTree, chapter: string, step: string): StepHome[] {
  return listFiles(tree, chapter).flatMap((file) =>
    findTags(readFileSync(fileIn(tree, chapter, file), 'utf8'))
      .filter(({ steps }) => steps.includes(step))
      .map((tag) => homeOf(tag, `${tree.label}/${chapter}/${file}`)),
  )
}

function homeOf({ line, name, doc }: Omit<Tag, 'steps'>, file: string): StepHome {
  return { file, line, function: name, doc }
}

/**
 * The functions that an expectation names as the ones to look at: `'outbox.push()'` is `push` in the chapter's
 * `outbox.ts`, `'push()'` is that of any file. None when the learner has renamed it.
 */
export function findNamed(tree: CodeTree, chapter: string, look: string): StepHome[] {
  const { file, name } = LOOK.exec(look)?.groups ?? {}
  const files = listFiles(tree, chapter).filter((each) => !file || each === `${file}.ts`)
  return files.flatMap((each) => {
    const source = readFileSync(fileIn(tree, chapter, each), 'utf8')
    const found = findTags(source).find((tag) => tag.name === name) ?? findDeclaration(source, name)
    return found ? [homeOf(found, `${tree.label}/${chapter}/${each}`)] : []
  })
}

/** How an expectation names a function. */
export const LOOK = /^(?:(?<file>[\w-]+)\.)?(?<name>#?\w+)\(\)$/

/** The holes in these files that nobody has filled yet. */
export function findOpenHoles(tree: CodeTree, chapter: string, files: string[]): OpenHole[] {
  return files.flatMap((file) => {
    const lines = readFileSync(fileIn(tree, chapter, file), 'utf8').split('\n')
    return lines.flatMap((text, index) => {
      const step = /throw new Error\(['"`]TODO (\d\d\.\d+)['"`]\)/.exec(text)?.[1]
      if (!step) return []
      return [
        {
          step,
          place: { file: `${tree.label}/${chapter}/${file}`, line: index + 1, function: '' },
        },
      ]
    })
  })
}

interface Tag {
  steps: string[]
  /** Line of the declaration that follows the comment. */
  line: number
  name: string
  /** The comment without its stars and tags. */
  doc: string
}

const DOC_COMMENT =
  /^[ \t]*\/\*\*(?<text>(?:(?!\*\/)[\s\S])*?@step\s(?:(?!\*\/)[\s\S])*)\*\/[ \t]*\n/gm

function findTags(source: string): Tag[] {
  return [...source.matchAll(DOC_COMMENT)].map((match) => {
    const end = match.index + match[0].length
    const lines = match
      .groups!.text.split('\n')
      .map((line) => line.replace(/^\s*\*? ?/, '').trimEnd())
    const steps = lines.flatMap((line) => /^@step\s+(.*)$/.exec(line)?.[1].split(/[\s,]+/) ?? [])
    const doc = lines
      .filter((line) => !line.startsWith('@'))
      .join('\n')
      .trim()
    return {
      steps,
      doc,
      line: source.slice(0, end).split('\n').length,
      name: nameIn(source.slice(end)),
    }
  })
}

/** A function or method of that name, which may have lost its comment. */
function findDeclaration(source: string, name: string): Omit<Tag, 'steps'> | undefined {
  const words = '(?:(?:export|default|static|async|private|public|function|get|set|const)[ *]+)*'
  const declares = new RegExp(
    `^[ \\t]*${words}${name}\\s*(?:[<(]|= ?(?:async ?)?\\().*(?:[{(]|=>.*)$`,
  )
  const index = source.split('\n').findIndex((line) => declares.test(line.trimEnd()))
  return index < 0 ? undefined : { line: index + 1, name, doc: '' }
}

/** The name that a declaration begins with: `export async function listen(` → `listen`, `get size()` → `size`. */
function nameIn(source: string): string {
  return /^[^\n]*?([#\w]+)\s*(?:<[^>]*>)?\(/.exec(source)?.[1] ?? ''
}
