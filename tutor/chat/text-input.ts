/** A line that is being typed: what a key makes of it. Pure. */

export interface TypedText {
  text: string
  /** In characters as people count them, from the beginning. */
  cursor: number
}

export const NOTHING_TYPED: TypedText = { text: '', cursor: 0 }

export type Edit =
  | { kind: 'insert'; text: string }
  | { kind: 'deleteBefore' | 'deleteWord' | 'deleteAll' }
  | { kind: 'left' | 'right' | 'home' | 'end' }

const SEGMENTS = new Intl.Segmenter()

/** What a person would call the characters of a text. */
export function charactersOf(text: string): string[] {
  return [...SEGMENTS.segment(text)].map(({ segment }) => segment)
}

export function edit({ text, cursor }: TypedText, change: Edit): TypedText {
  const characters = charactersOf(text)
  const before = characters.slice(0, cursor)
  const behind = characters.slice(cursor)
  const place = (start: string[]): TypedText => {
    const begun = start.join('')
    return { text: begun + behind.join(''), cursor: charactersOf(begun).length }
  }
  switch (change.kind) {
    case 'insert':
      return place([...before, withoutControls(change.text)])
    case 'deleteBefore':
      return place(before.slice(0, -1))
    case 'deleteWord':
      return place([before.join('').replace(/\S+\s*$/, '')])
    case 'deleteAll':
      return NOTHING_TYPED
    case 'left':
      return { text, cursor: Math.max(0, cursor - 1) }
    case 'right':
      return { text, cursor: Math.min(characters.length, cursor + 1) }
    case 'home':
      return { text, cursor: 0 }
    case 'end':
      return { text, cursor: characters.length }
  }
}

/** Pasted text may have lines; other control characters become spaces. */
function withoutControls(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/g, ' ')
}
