/** Files of a site of chapter 17, opened directly: what is found, and what stays open. */

import { constants, mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { open as openFile, realpath } from 'node:fs/promises'
import { join, parse, sep } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import type { Files } from '#code/17-http/site-file.ts'
import { PATIENCE_MS, within } from '../../harness/patience.ts'
import type { Stage } from '../../judge/step.ts'
import { uncaughtDuring } from '../uncaught-errors.ts'
import { LOOK_THE_SAME, type SiteFolder } from './http-files.ts'

export async function expectOpened(stage: Stage, { root, hasFifo }: SiteFolder): Promise<void> {
  const { load, expect, expectSame, story } = stage
  const { openInside } = await load(() => import('#code/17-http/site-file.ts'))
  const look = 'openInside()'
  /** Files that were opened through us, and not closed. */
  let open = 0
  const files = {
    realpath,
    async open(path: string, flags: number) {
      const handle = await openFile(path, flags)
      open += 1
      const close = handle.close.bind(handle)
      handle.close = () => {
        open -= 1
        return close()
      }
      return handle
    },
  }
  /** The text of what was opened, or what else came of it. */
  const tryToOpen = async (names: string[], fs: Files = files): Promise<string> => {
    const opening = openInside(root, names, fs)
    const found = await within(PATIENCE_MS, opening)
    if (found === 'too late') return 'it has not settled'
    if (!found) return open === 0 ? 'nothing' : 'nothing, and a file is still open'
    if (found.handle.fd < 0) return CLOSED
    const text = await found.handle.readFile('utf8').catch((error) => error.code)
    await found.handle.close()
    return `${found.size} bytes: ${text}`
  }
  story.tell('test', 'opens files of a site, and tries to open others')
  for (const [names, text] of [
    [['a.txt'], '22 bytes: a file of 22 bytes .. '],
    [['empty.txt'], '0 bytes: '],
    [['inside', 'deep', 'd.txt'], '4 bytes: deep'],
  ] as [string[], string][]) {
    const found = await tryToOpen(names)
    expectSame(`what openInside() finds for ${names.join('/')}`, found, text, {
      because: 'That is a regular file of the site.',
      likely:
        found === CLOSED
          ? 'A returned file is to be read: close it only when it is not returned.'
          : undefined,
      look,
    })
  }
  const modified = new Date('2001-02-03T04:05:06.789Z')
  utimesSync(join(root, 'a.txt'), modified, modified)
  const dated = await openInside(root, ['a.txt'])
  await dated?.handle.close()
  const inMs = Math.round(dated?.modifiedMs ?? Number.NaN)
  expectSame('modifiedMs', inMs, modified.getTime(), {
    because:
      'It is the time when the contents last changed, in milliseconds. Clients compare it (ETag).',
    likely:
      inMs === 981_173_106_000
        ? 'Do not round it: in whole seconds, two versions look like one.'
        : Math.abs(inMs - 981_173_106.789) < 1
          ? 'modifiedMs is in milliseconds.'
          : 'ctime is about the inode, and atime about reading; mtime is about the contents.',
    look,
  })
  const refused: [string[], string][] = [
    [['nothing.txt'], 'There is no such file.'],
    [['nowhere', 'a.txt'], 'There is no such folder.'],
    [['a.txt', 'b'], 'a.txt is not a folder.'],
    [['inside'], 'A folder is not a file.'],
    [['link.txt'], 'It is a link, and leads out of the site.'],
    [['link-inside.txt'], 'It is a link. Where it leads can change between a check and an open.'],
    [['out', 'secret.txt'], 'The folder is a link that leads out of the site.'],
    [
      ['next', 'secret.txt'],
      'The folder is a link to a neighbour of the site, whose name begins like the site’s.',
    ],
    [['out', 'site', 'a.txt', 'x'], 'Nothing is there.'],
    [['x'.repeat(300)], 'No file can have such a long name.'],
  ]
  for (const [names, because] of refused) {
    expectSame(
      `what openInside() finds for ${names.join('/').slice(0, 40)}`,
      await tryToOpen(names),
      'nothing',
      {
        because,
        likely:
          names.length > 1
            ? 'realpath() of the folder has to be the root, or to begin with the root and a separator.'
            : 'Open with FLAGS, and then check what you have opened: isFile().',
        look,
      },
    )
  }
  expectSame(
    'what openInside() finds for short/d.txt',
    await tryToOpen(['short', 'd.txt']),
    '4 bytes: deep',
    {
      because: 'That folder is a link, too, but leads to another folder of the site.',
      likely: 'Compare what realpath() returns: where the folder really is decides.',
      look,
    },
  )
  const { root: top } = parse(root)
  const fromTop = [...root.slice(top.length).split(sep), 'a.txt']
  const atTop = await openInside(top, fromTop)
  await atTop?.handle.close()
  expectSame(
    'the size of the file that openInside() finds below the root of all folders',
    atTop?.size,
    22,
    {
      because: `A site may be the whole file system: its root is ${JSON.stringify(top)}.`,
      likely: 'That root ends with a separator already. join(root, sep) adds none to it.',
      look,
    },
  )
  const swapped = join(root, 'swapped.txt')
  writeFileSync(swapped, 'a file, for now')
  const swapping = {
    ...files,
    open(path: string, flags: number) {
      rmSync(swapped)
      symlinkSync(join(root, 'link.txt'), swapped)
      return files.open(path, flags)
    },
  }
  expectSame(
    'what openInside() finds for a file that becomes a link just before it is opened',
    await tryToOpen(['swapped.txt'], swapping),
    'nothing',
    {
      because:
        'A check before the open only says what was there then. Anybody who may write to the site could read any file of ours that way.',
      likely: 'Open with FLAGS: then the kernel itself refuses the link.',
      look,
    },
  )
  await expectLookedAtOpened()
  const turning = join(root, 'turning')
  symlinkSync(join(root, 'inside'), turning)
  const turned = {
    ...files,
    async realpath(path: string) {
      const real = await realpath(path)
      rmSync(turning)
      symlinkSync(join(root, 'out'), turning)
      return real
    },
  }
  expectSame(
    'what openInside() finds in a folder that leads out as soon as it has been checked',
    await tryToOpen(['turning', 'secret.txt'], turned),
    'nothing',
    {
      because:
        'A link was followed twice: to check where it leads, and to open the file. It can change in between.',
      likely:
        'Open the name in the folder that realpath() has found, not in the one that was asked for.',
      look,
    },
  )
  if (hasFifo) {
    const fifo = tryToOpen(['fifo'])
    const outcome = await fifo
    // An opening that waits for a writer gets one, or this process would never end.
    const writer = await openFile(`${root}/fifo`, constants.O_RDWR | constants.O_NONBLOCK)
    await writer.close()
    expectSame('what openInside() finds for a FIFO', outcome, 'nothing', {
      because:
        'Opening a FIFO waits for a writer, on one of the four threads that do all file work. After four such requests, no file can be opened any more.',
      likely: 'Open with FLAGS, and close again what is not a regular file.',
      look,
    })
  }
  const failings: [code: string, told: string][] = [
    ...['EMFILE', 'ENFILE', 'EIO', 'ENOMEM'].map((code): [string, string] => [code, code]),
    ...['EACCES', 'EPERM', 'EINVAL'].map((code): [string, string] => [code, 'nothing']),
  ]
  for (const [code, told] of failings) {
    for (const call of ['realpath', 'open'] as const) {
      const failing = { ...files, [call]: () => Promise.reject(systemError(code)) }
      const outcome = await tryToOpen(['a.txt'], failing).catch((error) => error.code)
      expectSame(`the outcome of openInside() when ${call}() fails with ${code}`, outcome, told, {
        because:
          told === 'nothing'
            ? 'There is no such file for us, and that is not an error of the server.'
            : 'That error says nothing about the file, which may be there. A client believes a 404.',
        likely: 'The codes in NOT_THERE mean that there is no such file, and no other code does.',
        look,
      })
    }
  }
  const unseen = {
    ...files,
    async open(path: string, flags: number) {
      const handle = await files.open(path, flags)
      handle.stat = (): Promise<never> => Promise.reject(systemError('EIO'))
      return handle
    },
  }
  const sight = await tryToOpen(['a.txt'], unseen).catch((error) => error.code)
  expectSame('the number of open files after stat() has failed', open, 0, {
    because:
      'A file that is not returned must not stay open: each one that does costs a descriptor.',
    likely: 'Close it, whatever goes wrong: use catch or finally.',
    look,
  })
  expectSame('the outcome of openInside() when stat() fails with EIO', sight, 'EIO', {
    because: 'That error does not say that there is no file: it is there. A client believes a 404.',
    likely:
      'Close it, and let the error out: only the codes in NOT_THERE mean that there is no such file.',
    look,
  })
  await expectClosesAwaited()

  /** Files that cannot be closed: the outcome may be any, but the server goes on. */
  async function expectClosesAwaited(): Promise<void> {
    const closings: Promise<void>[] = []
    const stuck = (fs: Files): Files => ({
      ...fs,
      async open(path, flags) {
        const handle = await fs.open(path, flags)
        const close = handle.close
        handle.close = () => {
          const closing = close()
          closings.push(closing)
          return closing.then(() => Promise.reject(systemError('EIO')))
        }
        return handle
      },
    })
    for (const [what, name, fs] of [
      ['a folder', 'inside', stuck(files)],
      ['a file whose stat() fails', 'a.txt', stuck(unseen)],
    ] as const) {
      story.tell('test', `opens ${what}, on a disk where close() fails`)
      const uncaught = await uncaughtDuring(async () => {
        await openInside(root, [name], fs).catch(() => {})
        await Promise.all(closings)
        await turn()
      })
      expect(`the error of close() to be caught, for ${what}`, uncaught.length === 0, {
        because: 'An uncaught error ends the process, and with it every connection.',
        likely: 'The promise of close() is not awaited: write await handle.close().',
        look,
        received: `an uncaught ${uncaught[0]}`,
      })
    }
  }

  /** A path that means something else before it is opened, and again behind it. */
  async function expectLookedAtOpened(): Promise<void> {
    const path = join(root, 'changing.txt')
    const turns: [string, { before?: () => void; behind?: () => void }, string][] = [
      ['becomes a folder just before it is opened', { before: () => mkdirSync(path) }, 'nothing'],
      [
        'is replaced by a longer one just before it is opened',
        { before: () => writeFileSync(path, 'not what it was') },
        '15 bytes: not what it was',
      ],
      [
        'is replaced by a longer one as soon as it is open',
        { behind: () => writeFileSync(path, 'not what it was') },
        '5 bytes: short',
      ],
    ]
    for (const [what, { before, behind }, told] of turns) {
      writeFileSync(path, 'short')
      const changing = {
        ...files,
        async open(asked: string, flags: number) {
          if (before) replace(before)
          const handle = await files.open(asked, flags)
          if (behind) replace(behind)
          return handle
        },
      }
      const found = await tryToOpen(['changing.txt'], changing)
      // To refuse what has changed is right, too.
      const expected = found === 'nothing' ? found : told
      expectSame(`what openInside() finds for a file that ${what}`, found, expected, {
        because:
          'Between a check of a path and its opening, and after that, somebody may put something else there. Only an open file stays what it is.',
        likely: 'Ask the handle: handle.stat(). lstat() and stat() ask the path.',
        look,
      })
      rmSync(path, { recursive: true })
    }
    function replace(by: () => void) {
      rmSync(path)
      by()
    }
  }
}

/** Names that a check for `..` takes for a way out, and names that look the same. */
export async function expectUnusualNames(stage: Stage, { root }: SiteFolder): Promise<void> {
  const { openInside } = await stage.load(() => import('#code/17-http/site-file.ts'))
  const { namesIn } = await stage.load(() => import('#code/17-http/site-path.ts'))
  stage.story.tell('test', 'opens current/e.txt; current is a link to ..data, another folder')
  const found = await openInside(root, ['current', 'e.txt'])
  await found?.handle.close()
  stage.expectSame('the size of what openInside() finds', found?.size, 7, {
    because: 'The link leads to a folder of the site. Kubernetes mounts its files in this way.',
    likely:
      '..data is a name like any other: .. alone leads out, and so does what begins with .. and a separator.',
    look: 'openInside()',
  })
  for (const name of LOOK_THE_SAME) {
    const names = namesIn(`/${encodeURIComponent(name)}`)
    stage.expectSame(
      `the characters of namesIn("/${encodeURIComponent(name)}")`,
      names?.map((each) => [...each].length),
      [[...name].length],
      {
        because:
          'Names with other characters are other files on Linux, even if they look the same.',
        likely: 'Do not normalize a name: it is what the escapes say.',
        look: 'namesIn()',
      },
    )
  }
}

const CLOSED = 'a file that openInside() has closed'

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: a test`), { code })
}
