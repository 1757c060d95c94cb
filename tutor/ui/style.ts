import type { ChalkInstance } from 'chalk'
import type { RenderMarkdown } from './markdown.ts'

/** How text is made for the screen. */
export interface TextStyle {
  columns: number
  chalk: ChalkInstance
  markdown: RenderMarkdown
}
