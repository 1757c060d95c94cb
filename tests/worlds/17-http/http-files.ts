/** A folder that is a site, with everything around it that must not be. */

import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const SECRET = 'This is not for everybody.'

export interface SiteFolder {
  /** Its real path. */
  root: string
  /** Whether there is a FIFO in it: Windows has none. */
  hasFifo: boolean
  remove(): void
}

export function makeSite(): SiteFolder {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'workbook-site-')))
  const root = join(folder, 'site')
  mkdirSync(join(root, 'inside', 'deep'), { recursive: true })
  mkdirSync(join(root, '..data'))
  mkdirSync(join(folder, 'site-secret'))
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
  write('secret.txt', SECRET)
  write('site-secret/secret.txt', SECRET)
  write('site/index.html', '<p>Hello')
  write('site/a.txt', 'a file of 22 bytes .. ')
  write('site/b c.txt', 'with a blank')
  write('site/100%.txt', 'with a percent sign')
  write('site/.env', SECRET)
  write('site/inside/index.html', '<p>Inside')
  write('site/inside/deep/d.txt', 'deep')
  write('site/empty.txt', '')
  write('site/..data/e.txt', 'mounted')
  symlinkSync(join(folder, 'secret.txt'), join(root, 'link.txt'))
  symlinkSync(join(root, 'a.txt'), join(root, 'link-inside.txt'))
  symlinkSync(folder, join(root, 'out'))
  symlinkSync(join(folder, 'site-secret'), join(root, 'next'))
  symlinkSync(join(root, 'inside', 'deep'), join(root, 'short'))
  // As Kubernetes mounts configuration.
  symlinkSync('..data', join(root, 'current'))
  return {
    root,
    hasFifo: makeFifo(join(root, 'fifo')),
    remove: () => rmSync(folder, { recursive: true }),
  }
}

function makeFifo(path: string): boolean {
  try {
    execFileSync('mkfifo', [path])
    return true
  } catch {
    return false
  }
}

/** A path, and the names in it; none for a path that names nothing. */
export const PATHS: [string, string[] | undefined][] = [
  ['/', ['index.html']],
  ['/a.txt', ['a.txt']],
  ['/inside/deep/d.txt', ['inside', 'deep', 'd.txt']],
  ['/inside/', ['inside', 'index.html']],
  ['/b%20c.txt', ['b c.txt']],
  ['/%61.txt', ['a.txt']],
  ['/100%25.txt', ['100%.txt']],
  ['/%E2%82%AC', ['€']],
  ['/a..b', ['a..b']],
  ['/a...', ['a...']],
  ['/~a', ['~a']],
  ['/a+b.txt', ['a+b.txt']],
  ['/ReadMe.TXT', ['ReadMe.TXT']],
]

/** One character, and the same as two: the names of two files. */
export const LOOK_THE_SAME = ['\u00e9', 'e\u0301']

/** Paths that lead out, or nowhere, in every spelling that has worked somewhere. */
export const SPELLINGS = [
  '',
  '*',
  'a.txt',
  '../secret.txt',
  '/..',
  '/../',
  '/../secret.txt',
  '/../../../../../../etc/passwd',
  '/./a.txt',
  '/inside/../a.txt',
  '/inside/../../secret.txt',
  '/inside/..',
  '/inside/.',
  '/.../secret.txt',
  '/..../secret.txt',
  '/%2e%2e/secret.txt',
  '/%2E%2E/secret.txt',
  '/.%2e/secret.txt',
  '/%2e./secret.txt',
  '/%2e%2e%2fsecret.txt',
  '/..%2fsecret.txt',
  '/..%2Fsecret.txt',
  '/inside%2fdeep',
  '/inside%2f..%2f..%2fsecret.txt',
  '/..%5csecret.txt',
  '/..\\secret.txt',
  '/%5c..%5csecret.txt',
  '/inside%5c..%5c..%5csecret.txt',
  '/a.txt%00',
  '/a.txt%00.html',
  '/%00',
  '/%2e%2e%00/secret.txt',
  '/a.txt%0a',
  '/a.txt%0d%0aX:y',
  '/%7f',
  '/..%c0%afsecret.txt',
  '/%c0%ae%c0%ae/secret.txt',
  '/%e0%80%ae%e0%80%ae/secret.txt',
  '/%ff',
  '/%ed%a0%80',
  '/%',
  '/%2',
  '/%zz',
  '/%u002e%u002e/secret.txt',
  '//etc/passwd',
  '//',
  '/inside//deep/d.txt',
  '/inside//',
  '/.env',
  '/.git/config',
  '/inside/.hidden/a',
  '/%2eenv',
  '/C:/secret.txt',
  '/a.txt::$DATA',
  '/c%3a/secret.txt',
]

/** Spellings that are names of a file, and of none that is there: they must not be decoded twice. */
export const NOT_TWICE = [
  '/%252e%252e/secret.txt',
  '/%252e%252e%252fsecret.txt',
  '/..;/secret.txt',
  '/%25',
  '/a.txt/',
  '/a.txt/b',
]

/** What has probably gone wrong when such a spelling is not refused. */
export function likelyOfPath(path: string): string {
  if (!path.startsWith('/')) return 'A path begins with a slash: look at its first character.'
  if (path.includes('//')) return 'An empty name inside the path is refused, not skipped.'
  if (/%2f|%5c/i.test(path)) return 'Cut first, then decode. A slash inside a name is refused.'
  if (/\/\./.test(path)) return 'Any name that begins with a dot is refused, not only . and ..'
  return 'Check the names after they are decoded.'
}
