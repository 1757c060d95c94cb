/**
 * Code that a lesson quotes. A block that begins with
 *
 *     ```ts solutions/02-echo/server.ts#echoBytes
 *
 * holds that declaration, word for word: it is filled by `npm run lessons` and checked by `npm run check`, so that a
 * lesson cannot quote what is no longer there.
 */

import { parse } from '@babel/parser'

const QUOTE = /^```ts (?<path>[\w./-]+)#(?<name>[\w.]+)\n(?<code>[\s\S]*?)^```$/gm

/** The lesson with every quote as the code has it now. Throws when a quoted declaration does not exist. */
export function fillQuotes(markdown: string, readSource: (path: string) => string): string {
  return markdown.replace(QUOTE, (...match) => {
    const { path, name } = match.at(-1) as { path: string; name: string }
    return `\`\`\`ts ${path}#${name}\n${findDeclaration(readSource(path), name, path)}\n\`\`\``
  })
}

/** A syntax node, as far as it concerns us. */
interface Node {
  type: string
  start: number
  end: number
  declaration?: Node | null
  declarations?: Node[]
  id?: { name?: string } | null
  key?: { name?: string }
  body?: { body?: Node[] } | Node[] | null
}

/** A declaration's source, without its comment: `echoBytes`, `Poller`, or a member as `Poller.wait`. */
function findDeclaration(source: string, name: string, path: string): string {
  const [top, member] = name.split('.')
  const program = parse(source, { sourceType: 'module', plugins: ['typescript'] })
    .program as unknown as { body: Node[] }
  const statement = program.body.find((node) => nameOf(node.declaration ?? node) === top)
  const found = member ? membersOf(statement).find((node) => node.key?.name === member) : statement
  if (!found) throw new Error(`${path} has no ${name}`)
  return dedent(source, found)
}

function nameOf(node: Node): string | undefined {
  return node.id?.name ?? node.declarations?.[0]?.id?.name
}

function membersOf(statement: Node | undefined): Node[] {
  const body = (statement?.declaration ?? statement)?.body
  return Array.isArray(body) ? body : (body?.body ?? [])
}

/** A member stands deeper than a quote should. */
function dedent(source: string, { start, end }: Node): string {
  const indent = start - (source.lastIndexOf('\n', start - 1) + 1)
  return source.slice(start, end).replaceAll(`\n${' '.repeat(indent)}`, '\n')
}
