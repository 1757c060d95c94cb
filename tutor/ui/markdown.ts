/** Markdown for a terminal. Loaded when it is first needed: the colours of its code take a while to load. */

import type { ChalkInstance } from 'chalk'

export interface MarkdownStyle {
  columns: number
  /** 0 none, 1 to 3 as chalk counts them. */
  level: ChalkInstance['level']
}

/** What it returns has no empty line at its ends. */
export type RenderMarkdown = (markdown: string, style: MarkdownStyle) => string

export async function loadMarkdown(): Promise<RenderMarkdown> {
  const [{ Marked }, { markedTerminal }, { Chalk }] = await Promise.all([
    import('marked'),
    import('marked-terminal'),
    import('chalk'),
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
    const text = new Marked(terminal).parse(markdown) as string
    return text.replace(/^\n+|\n+$/g, '').replace(/\n{3,}/g, '\n\n')
  }
}
