/** marked-terminal brings no types of its own; this is the part of it that we use. */
declare module 'marked-terminal' {
  import type { MarkedExtension } from 'marked'

  type Style = (text: string) => string

  interface Options {
    width: number
    reflowText: boolean
    tab: number
    showSectionPrefix: boolean
    [element: string]: Style | boolean | number
  }

  export function markedTerminal(options: Options, highlight?: { theme?: object }): MarkedExtension
}
