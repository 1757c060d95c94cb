/** Changes that StrykerJS does not make: a statement left out, an `await` forgotten. */

import { parse } from '@babel/parser'
import type { Change } from './find-mutants.ts'

interface Node {
  type: string
  start: number
  end: number
  argument?: Node | null
  body?: unknown
  consequent?: unknown
}

/**
 * Every `await`, and every statement that acts and has others beside it, each left out by itself. Alone in its block,
 * it goes with the block, which StrykerJS empties.
 */
export function leaveOut(source: string): Change[] {
  const { program } = parse(source, { sourceType: 'module', plugins: ['typescript'] })
  return nodesIn(program).flatMap((node): Change[] => {
    const { type, end, argument, body, consequent } = node
    if (type === 'AwaitExpression')
      return [
        { kind: 'AwaitLeftOut', start: node.start, end, text: source.slice(argument!.start, end) },
      ]
    const list = type === 'BlockStatement' ? body : type === 'SwitchCase' ? consequent : []
    const statements = list as Node[]
    if (statements.length < 2) return []
    return statements
      .filter(acts)
      .map(({ start, end }) => ({ kind: 'LeftOut', start, end, text: ';' }))
  })
}

function acts({ type }: Node): boolean {
  return /^(Expression|Break|Continue)Statement$/.test(type)
}

/** A syntax tree's nodes, each before those inside it. */
function nodesIn(value: unknown): Node[] {
  if (typeof value !== 'object' || value === null) return []
  if (Array.isArray(value)) return value.flatMap(nodesIn)
  const {
    leadingComments: _,
    trailingComments: __,
    loc: ___,
    ...node
  } = value as Record<string, unknown>
  const inside = Object.values(node).flatMap(nodesIn)
  return typeof node.type === 'string' ? [node as unknown as Node, ...inside] : inside
}
