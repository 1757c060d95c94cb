/** Slips that StrykerJS does not make: a statement left out, an `await` forgotten, a number off by one. */

import { parse } from '@babel/parser'
import type { Change } from './find-mutants.ts'

interface Node {
  type: string
  start: number
  end: number
  argument?: Node | null
  body?: unknown
  consequent?: unknown
  value?: unknown
}

export function findSlips(source: string): Change[] {
  const { program } = parse(source, { sourceType: 'module', plugins: ['typescript'] })
  return nodesIn(program).flatMap((node): Change[] => {
    const { type, start, end, argument, body, consequent, value } = node
    switch (type) {
      case 'NumericLiteral':
        return [{ kind: 'OffByOne', start, end, text: `${Number(value) + 1}` }]
      case 'AwaitExpression':
        return [{ kind: 'AwaitLeftOut', start, end, text: source.slice(argument!.start, end) }]
      case 'BlockStatement':
        return leaveOut(body as Node[])
      case 'SwitchCase':
        return leaveOut(consequent as Node[])
      default:
        return []
    }
  })
}

/** Each statement that acts, by itself. One that is alone goes with its block, which StrykerJS empties. */
function leaveOut(statements: Node[]): Change[] {
  if (statements.length < 2) return []
  return statements
    .filter(({ type }) => /^(Expression|Break|Continue)Statement$/.test(type))
    .map(({ start, end }) => ({ kind: 'LeftOut', start, end, text: ';' }))
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
