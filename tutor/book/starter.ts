/**
 * Makes starters from solutions: a hole is a whole function whose doc comment carries `@step 01.3`.
 *
 * The body of a hole becomes a TODO that throws. A declaration tagged `@answer 01.3` belongs to the answer and
 * is left out. A tag in the comment at the top of a file makes the whole file one hole: its exports are
 * kept as holes, what they share is left out. Everything else is copied as it stands.
 */

import { parse } from '@babel/parser'

/** What holes, answers and members look like to us; the parser's own types are wider. */
interface Declaration {
  type: string
  start: number
  end: number
  leadingComments?: { type: string; value: string; start: number; end: number }[] | null
  declaration?: Declaration | null
  body?: { type: string; start: number; end: number; body?: Declaration[] } | null
  key?: { name?: string; id?: { name: string } }
  id?: { name: string } | null
  declarations?: { id: { name?: string } }[]
}

/** A hole as it stands in the solution. */
export interface Hole {
  /** The steps that it belongs to; the first one opens it. */
  steps: string[]
  name: string
  /** 1-based. */
  line: number
}

interface Edit {
  start: number
  end: number
  text: string
}

/**
 * The starter for a solution file. With `filledUpTo`, holes of steps up to and with that one keep their answer:
 * what a learner has who is past it.
 */
export function makeStarter(source: string, filledUpTo = ''): string {
  const edits = findDeclarations(source).flatMap((found) => {
    if (found.step <= filledUpTo) return []
    if (found.kind === 'answer') return removal(source, found.node)
    return {
      start: found.body.start,
      end: found.body.end,
      text: todoBody(source, found.node.start, found.step),
    }
  })
  const starter = edits.toSorted((a, b) => b.start - a.start).reduce(applyEdit, source)
  // Where the last member of a class or the last function of a file belongs to the answer, the line before it is left over.
  return starter.replace(/\n\n(\s*\})/g, '\n$1').replace(/\n+$/, '\n')
}

/** The holes of a solution file, in order. */
export function findHoles(source: string): Hole[] {
  return findDeclarations(source).flatMap(({ kind, steps, node }) => {
    if (kind !== 'hole') return []
    const line = source.slice(0, node.start).split('\n').length
    return [{ steps, name: nameOf(node), line }]
  })
}

/** The source with another body in the hole of that name, which must be the only one of its name. */
export function fillHole(source: string, name: string, body: string): string {
  const holes = findDeclarations(source).filter(
    (found) => found.kind === 'hole' && nameOf(found.node) === name,
  )
  const [hole] = holes
  if (holes.length !== 1 || !('body' in hole))
    throw new Error(`There are ${holes.length} holes named ${name}, not one`)
  return applyEdit(source, { ...hole.body, text: `{\n${body}\n}` })
}

/** Code that a starter lacks, because the learner writes it. */
export interface Exercise {
  steps: string[]
  /** The function; for what the answer alone needs, the declaration. */
  name: string
  start: number
  end: number
}

/** What a learner writes in a file, in order: the bodies of its holes, and what belongs to the answer. */
export function findExercises(source: string): Exercise[] {
  return findDeclarations(source).map((found) => {
    const { start, end } = found.kind === 'hole' ? found.body : found.node
    return { steps: found.steps, name: nameOf(found.node), start, end }
  })
}

/** The step that opens the hole in which this text stands; `undefined` when it is not in one. */
export function stepThatOpens(source: string, text: string): string | undefined {
  const place = source.indexOf(text)
  return findExercises(source).find(
    ({ start, end }) => start <= place && place + text.length <= end,
  )?.steps[0]
}

/** The comment at the top of a file; an empty line keeps it apart from the first declaration. */
const FILE_COMMENT = /^\s*\/\*\*[\s\S]*?\*\/\s*\n\s*\n/

type Found =
  | {
      kind: 'hole'
      steps: string[]
      step: string
      node: Declaration
      body: { start: number; end: number }
    }
  | { kind: 'answer'; steps: string[]; step: string; node: Declaration }

function findDeclarations(source: string): Found[] {
  const program = parse(source, { sourceType: 'module', plugins: ['typescript'] }).program
  const wholeFile = readTag(FILE_COMMENT.exec(source)?.[0] ?? '', 'step')
  return (program.body as unknown as Declaration[]).flatMap((statement) =>
    wholeFile.length > 0 ? inWholeFileHole(statement, wholeFile) : inFile(statement),
  )
}

function inFile(statement: Declaration): Found[] {
  const declaration = statement.declaration ?? statement
  const answer = tagsOf(statement, 'answer')
  if (answer.length > 0)
    return [{ kind: 'answer', steps: answer, step: answer[0], node: statement }]
  if (declaration.type === 'ClassDeclaration') return membersOf(declaration).flatMap(inFile)
  const steps = tagsOf(statement, 'step')
  if (steps.length === 0) return []
  if (!declaration.body)
    throw new Error(`@step ${steps.join(' ')} stands on something that has no body`)
  return [{ kind: 'hole', steps, step: steps[0], node: statement, body: declaration.body }]
}

/** A file that is one hole keeps what others import from it, and nothing of how it works. */
function inWholeFileHole(statement: Declaration, steps: string[]): Found[] {
  const [step] = steps
  const declaration = statement.declaration ?? statement
  const isExported = statement.declaration !== undefined && statement.declaration !== null
  if (declaration.type === 'ClassDeclaration' && isExported) {
    return membersOf(declaration).flatMap((member): Found[] => {
      const isPrivate =
        member.type === 'ClassPrivateProperty' || member.type === 'ClassPrivateMethod'
      if (isPrivate) return [{ kind: 'answer', steps, step, node: member }]
      return member.body ? [{ kind: 'hole', steps, step, node: member, body: member.body }] : []
    })
  }
  if (declaration.type === 'FunctionDeclaration') {
    if (!isExported) return [{ kind: 'answer', steps, step, node: statement }]
    return [{ kind: 'hole', steps, step, node: statement, body: declaration.body! }]
  }
  const isGiven = isExported || /^(Import|TS)/.test(declaration.type)
  return isGiven ? [] : [{ kind: 'answer', steps, step, node: statement }]
}

function membersOf(declaration: Declaration): Declaration[] {
  return declaration.body?.body ?? []
}

/** `['02.1', '02.3']` for a doc comment with `@step 02.1 02.3`. */
function tagsOf(node: Declaration, tag: 'step' | 'answer'): string[] {
  const comment = node.leadingComments?.at(-1)
  return comment?.type === 'CommentBlock' && comment.value.startsWith('*')
    ? readTag(comment.value, tag)
    : []
}

function readTag(comment: string, tag: 'step' | 'answer'): string[] {
  const pattern = new RegExp(`^[\\s/*]*@${tag}[ \\t]+(.+)$`, 'gm')
  return [...comment.matchAll(pattern)].flatMap(([, steps]) => steps.trim().split(/[\s,]+/))
}

function nameOf(node: Declaration): string {
  const { id, key, declarations } = node.declaration ?? node
  return id?.name ?? declarations?.[0].id.name ?? key?.name ?? `#${key?.id?.name ?? ''}`
}

function todoBody(source: string, start: number, step: string): string {
  const lineStart = source.lastIndexOf('\n', start - 1) + 1
  const indent = /^\s*/.exec(source.slice(lineStart, start))?.[0] ?? ''
  return [
    `{`,
    `${indent}  // TODO ${step}`,
    `${indent}  throw new Error('TODO ${step}')`,
    `${indent}}`,
  ].join('\n')
}

/** Takes a declaration out together with its comment and the empty line behind it. */
function removal(source: string, node: Declaration): Edit {
  const comment = node.leadingComments?.at(-1)
  const begin =
    comment && /^\n?[ \t]*$/.test(source.slice(comment.end, node.start))
      ? comment.start
      : node.start
  const start = source.lastIndexOf('\n', begin - 1) + 1
  const rest = /^[^\n]*\n\n?/.exec(source.slice(node.end))?.[0].length ?? 0
  return { start, end: node.end + rest, text: '' }
}

function applyEdit(source: string, { start, end, text }: Edit): string {
  return source.slice(0, start) + text + source.slice(end)
}
