/** Which file of a site a path means. Pure: no file is looked at. */

/** What stands for a path that ends with a slash. */
const INDEX = 'index.html'

/** A byte that no name of ours has: control characters, and what separates names on some system. */
const UNUSUAL = /[\u0000-\u001f\u007f/\\:]/

/**
 * The names on the way to a file, from the root of the site: `/a/b%20c` is `['a', 'b c']`, and `/a/` is
 * `['a', 'index.html']`. `undefined` for a path that names nothing here: one that does not begin with a slash, one whose
 * escapes are not UTF-8, one with an empty name inside, with a name that begins with a dot, or with a control character,
 * a slash, a backslash or a colon in a name. Escapes are decoded once, and after the path was cut at its slashes.
 *
 * @step 17.6
 */
export function namesIn(path: string): string[] | undefined {
  // TODO 17.6
  throw new Error('TODO 17.6')
}
