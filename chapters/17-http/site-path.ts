/** Which file of a site a path means. Pure: it looks at no file. */

/** The file that a path means when it ends with a slash. */
const INDEX = 'index.html'

/** Characters that no name of ours has: control characters, and those that separate names on some system. */
const UNUSUAL = /[\u0000-\u001f\u007f/\\:]/

/**
 * The names on the way to a file, from the root of the site: `/a/b%20c` is `['a', 'b c']`, and `/a/` is
 * `['a', 'index.html']`. `undefined` for a path that names nothing here: it does not begin with a slash, its escapes
 * are not UTF-8, a name inside it is empty, or a name begins with a dot or has a control character, a slash, a
 * backslash or a colon in it. Escapes are decoded once, after the path has been cut at its slashes.
 *
 * @step 17.6
 */
export function namesIn(path: string): string[] | undefined {
  // TODO 17.6
  throw new Error('TODO 17.6')
}
