/** launch-editor brings no types for its guess. */
declare module 'launch-editor/guess.js' {
  /** The editor that is running, or else that of VISUAL or EDITOR, unparsed. */
  export default function guessEditor(): [string | null]
}
