/** Markdown for a terminal. Loaded when it is first needed: the colours of its code take a while to load. */

import type { ChalkInstance } from 'chalk'
import type { RendererObject } from 'marked'

export interface MarkdownStyle {
  columns: number
  /** 0 none, 1 to 3 as chalk counts them. */
  level: ChalkInstance['level']
}

/** What it returns has no empty line at its ends. */
export type RenderMarkdown = (markdown: string, style: MarkdownStyle) => string

export async function loadMarkdown(): Promise<RenderMarkdown> {
  const [{ Marked }, { markedTerminal }, { Chalk }, { default: wrap }] = await Promise.all([
    import('marked'),
    import('marked-terminal'),
    import('chalk'),
    import('wrap-ansi'),
  ])
  return (markdown, { columns, level }) => {
    const chalk = new Chalk({ level })
    const terminal = markedTerminal({
      width: columns,
      reflowText: true,
      tab: 2,
      showSectionPrefix: false,
      firstHeading: chalk.bold.underline,
      heading: chalk.bold.cyan,
      blockquote: chalk.reset,
      codespan: level === 0 ? (text) => `\`${text}\`` : chalk.yellow,
      code: chalk.reset,
      strong: chalk.bold,
      em: chalk.italic,
      link: chalk.blue,
      href: chalk.blue.underline,
      paragraph: chalk.reset,
      listitem: chalk.reset,
      hr: chalk.dim,
      table: chalk.reset,
    })
    const lists = { renderer: listRenderer((text) => wrap(text, columns - INDENT)) }
    const text = new Marked(terminal, lists).parse(markdown) as string
    return text.replace(/^\n+|\n+$/g, '').replace(/\n{3,}/g, '\n\n')
  }
}

/** Room in front of each line of a list: the bullet's, or the number's. */
const INDENT = 4

/** The package neither wraps the items of a list nor renders what is written in them. */
function listRenderer(wrap: (text: string) => string): RendererObject {
  return {
    list({ items, ordered, start }) {
      const entries = items.map(({ tokens }, index) => {
        const blocks = tokens.map((token) =>
          token.type === 'text'
            ? wrap(this.parser.parseInline(token.tokens ?? []).replaceAll('\n', ' '))
            : this.parser.parse([token]).trimEnd(),
        )
        const bullet = ordered ? `${Number(start) + index}. ` : '• '
        const body = blocks.join('\n').replaceAll('\n', `\n${' '.repeat(INDENT)}`)
        return bullet.padStart(INDENT) + body
      })
      return `${entries.join('\n')}\n\n`
    },
  }
}
