/** Markdown for a terminal. Loaded when it is first needed: the colours of its code take a while to load. */

import type { ChalkInstance } from 'chalk'
import type { RendererObject } from 'marked'
import type wrapAnsi from 'wrap-ansi'

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
      reflowText: false,
      tab: 2,
      showSectionPrefix: false,
      code: chalk.reset,
      strong: chalk.bold,
      em: chalk.italic,
      link: chalk.blue,
      href: chalk.blue.underline,
      hr: chalk.dim,
      table: chalk.reset,
    })
    const blocks = { renderer: blockRenderer(columns, wrap, chalk) }
    // The package would put a mark for each colon, and take it away only where it lays out the paragraph itself.
    const codespan = ({ text }: { text: string }) =>
      level === 0 ? `\`${text}\`` : chalk.yellow(text)
    const text = new Marked(terminal, blocks, { renderer: { codespan } }).parse(markdown) as string
    return text.replace(/^\n+|\n+$/g, '').replace(/\n{3,}/g, '\n\n')
  }
}

const QUOTE_INDENT = '  '
/** Room for a bullet or a number. */
const ITEM_INDENT = '    '

/**
 * Wraps what consists of text. The package would wrap no item of a list, a quote wider than the screen, and a line with
 * colours in the wrong place. Code keeps its shape.
 */
function blockRenderer(
  columns: number,
  wrap: typeof wrapAnsi,
  chalk: ChalkInstance,
): RendererObject {
  let width = columns
  const within = (indent: string, render: () => string) => {
    width -= indent.length
    const lines = render().trimEnd().split('\n')
    width += indent.length
    return lines.map((line) => (line === '' ? '' : indent + line)).join('\n')
  }
  const flow = (text: string) => wrap(text.replaceAll('\n', ' '), width)
  return {
    heading({ tokens, depth }) {
      const style = depth === 1 ? chalk.bold.underline : chalk.bold.cyan
      return `${flow(style(this.parser.parseInline(tokens)))}\n\n`
    },
    paragraph({ tokens }) {
      return `${flow(this.parser.parseInline(tokens))}\n\n`
    },
    blockquote({ tokens }) {
      return `${within(QUOTE_INDENT, () => this.parser.parse(tokens))}\n\n`
    },
    list({ items, ordered, start }) {
      const entries = items.map(({ tokens }, index) => {
        const bullet = ordered ? `${Number(start) + index}. ` : '• '
        const body = within(ITEM_INDENT, () =>
          tokens
            .map((token) =>
              token.type === 'text'
                ? `${flow(this.parser.parseInline(token.tokens ?? []))}\n`
                : this.parser.parse([token]),
            )
            .join(''),
        )
        return bullet.padStart(ITEM_INDENT.length) + body.slice(ITEM_INDENT.length)
      })
      return `${entries.join('\n')}\n\n`
    },
  }
}
