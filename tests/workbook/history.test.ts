/** What chapter 15 gives to its learners: how a log goes on without a descriptor, and how it ends. */

import { spawnSync } from 'node:child_process'
import { fstatSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test, vi } from 'vitest'
import { openData } from '../../solutions/15-history/data-folder.ts'
import { Log } from '../../solutions/15-history/log.ts'
import { LogJournal } from '../../solutions/15-history/log-journal.ts'
import { NodeFolder } from '../../solutions/15-history/node-folder.ts'
import { EMPTY_DISK, SimulatedDisk } from '../harness/crash-points/disk.ts'
import { SOLUTION } from '../judge/workbook.ts'
import { group, groups } from '../protocols/groups.ts'
import { failing, fillable } from '../worlds/15-history/disk.ts'
import { diskWith, listing } from '../worlds/15-history/segment-folders.ts'

const KEEPER = { onFound() {}, onSynced() {}, marks: () => [Buffer.from('mark')], onRetired() {} }

/** A disk with one full segment and the rest of a roll-over that a crash has stopped; calls fail as they are told to. */
function fullDisk() {
  const disk = new SimulatedDisk(
    diskWith({
      '00000001.log': group('a'),
      '00000002.log.unfinished': group('what was never finished, and is longer'),
    }),
  )
  const failures = new Map<'create' | 'sync', string>()
  for (const name of ['create', 'sync'] as const) {
    const call = disk[name].bind(disk) as (...values: string[]) => Promise<never>
    disk[name] = async (...values: string[]) => {
      const code = failures.get(name)
      if (code) throw Object.assign(new Error(`${code}: too many open files`), { code })
      return call(...values)
    }
  }
  return { disk, failures }
}

async function openLog(disk: SimulatedDisk, found: string[] = []): Promise<Log> {
  const onFound = ({ record }: { record: Uint8Array }) => void found.push(String(record))
  const limits = { maxSegmentBytes: 1, maxTotalBytes: 10_000 }
  return (await Log.open(disk, { ...KEEPER, onFound }, limits)).log
}

test.each(['EMFILE', 'ENFILE'])(
  '%s: the log stays in the old segment, and begins the next one later',
  async (code) => {
    const { disk, failures } = fullDisk()
    const log = await openLog(disk)
    failures.set('create', code)
    await log.append(Buffer.from('b'))
    await log.append(Buffer.from('c'))
    expect(log.failure).toBeUndefined()
    expect(listing(disk)).toEqual(['00000001.log'])
    expect(disk.bytesOf('00000001.log')).toEqual(groups('a', 'b', 'c'))
    failures.clear()
    await log.append(Buffer.from('d'))
    expect(listing(disk)).toEqual(['00000001.log', '00000002.log'])
    expect(disk.bytesOf('00000002.log')).toEqual(groups('mark', 'd'))
    await log.close()
    expect(disk.openFiles).toBe(0)
    const found: string[] = []
    await (await openLog(disk, found)).close()
    expect(found).toEqual(['a', 'b', 'c', 'mark', 'd'])
  },
)

test('a new segment whose name cannot be synced ends the saving, whatever the reason', async () => {
  const { disk, failures } = fullDisk()
  const log = await openLog(disk)
  failures.set('sync', 'EMFILE')
  await expect(log.append(Buffer.from('b'))).rejects.toMatchObject({ name: 'NotSaved' })
  expect(log.failure).toMatchObject({ code: 'EMFILE' })
  expect(disk.bytesOf('00000001.log')).toEqual(group('a'))
})

test('one free descriptor is enough for a new segment and its name', {
  skip: process.platform === 'win32',
}, () => {
  const path = temporaryFolder()
  const urlOf = (file: string) => pathToFileURL(join(SOLUTION.root, '15-history', file)).href
  const program = `
    import { closeSync, openSync, readdirSync } from 'node:fs'
    import { Log } from '${urlOf('log.ts')}'
    import { NodeFolder } from '${urlOf('node-folder.ts')}'
    const keeper = { onFound() {}, onSynced() {}, marks: () => [], onRetired() {} }
    const folder = await NodeFolder.open(process.argv[1])
    const { log } = await Log.open(folder, keeper, { maxSegmentBytes: 1 })
    const taken = []
    try {
      for (;;) taken.push(openSync('/dev/null'))
    } catch {}
    await log.append(Buffer.from('a'))
    closeSync(taken.pop())
    await log.append(Buffer.from('b'))
    for (const descriptor of taken) closeSync(descriptor)
    await log.close()
    await folder.close()
    console.log(readdirSync(process.argv[1]).join())
  `
  const node = [process.execPath, '--input-type=module', '-e', program, path]
  const { stdout, stderr } = spawnSync('sh', ['-c', 'ulimit -n 100 && exec "$@"', 'sh', ...node], {
    encoding: 'utf8',
  })
  expect(stderr).toBe('')
  expect(stdout).toBe('00000001.log,00000002.log\n')
})

test('many marks do not begin a segment for each group, also not after a restart', async () => {
  const disk = new SimulatedDisk(EMPTY_DISK)
  const marks = Array.from({ length: 1_000 }, (_, room) => Buffer.from(`room ${room}`))
  const keeper = { ...KEEPER, marks: () => marks }
  const limits = { maxSegmentBytes: 1_000, maxTotalBytes: 40_000 }
  for (let start = 0; start < 3; start++) {
    const { log } = await Log.open(disk, keeper, limits)
    for (const text of ['a', 'b', 'c']) await log.append(Buffer.from(text))
    await log.close()
    expect(listing(disk)).toEqual(['00000001.log'])
  }
  const { log } = await Log.open(disk, keeper, limits)
  await log.append(Buffer.alloc(group(...marks).length))
  await log.append(Buffer.from('behind as many bytes as the marks have'))
  expect(listing(disk)).toEqual(['00000001.log', '00000002.log'])
  await log.close()
})

test('the folder of the data may be closed twice', async () => {
  const { close } = await openData({})
  await Promise.all([close(), close()])
  await close()
})

test('a start makes the names of folders safe, also those that a killed one has made', {
  skip: process.platform === 'win32',
}, async () => {
  const root = temporaryFolder()
  const { synced } = await spyOnSync(root)
  const made = join(root, 'made')
  mkdirSync(made)
  const data = join(made, 'and', 'data')
  await (await NodeFolder.open(data)).close()
  expect(synced).toEqual([root, made, join(made, 'and')].map(inodeOf))
  synced.length = 0
  await (await NodeFolder.open(data)).close()
  expect(synced).toEqual([inodeOf(join(made, 'and'))])
})

test('a folder that was there may be in one that cannot be synced; one that was made may not', {
  skip: process.platform === 'win32',
}, async () => {
  const root = temporaryFolder()
  const { sync } = await spyOnSync(root)
  const failWith = (code: string) =>
    sync.mockRejectedValue(Object.assign(new Error(code), { code }))
  mkdirSync(join(root, 'there'))
  failWith('EINVAL')
  await NodeFolder.open(join(root, 'there'))
  await expect(NodeFolder.open(join(root, 'made'))).rejects.toThrow('EINVAL')
  failWith('EIO')
  await expect(NodeFolder.open(join(root, 'there'))).rejects.toThrow('EIO')
})

test('to be closed is no failure', async () => {
  const { journal } = await LogJournal.open(new SimulatedDisk(EMPTY_DISK), OPTIONS)
  journal.append(draft('in time'))
  const closing = journal.close()
  expect(journal.failure).toBeUndefined()
  await closing
  expect(journal.failure).toBeUndefined()
  const told = new Promise<boolean>((resolve) => {
    journal.onKept = ([{ message }]) => resolve(message !== undefined)
  })
  journal.append(draft('too late'))
  expect(await told).toBe(false)
  expect(journal.failure).toBeUndefined()
})

test('a closed log takes nothing more', async () => {
  const log = await openLog(new SimulatedDisk(EMPTY_DISK))
  await log.close()
  await expect(log.append(Buffer.from('late'))).rejects.toMatchObject({ name: 'NotSaved' })
})

test('close() says that not everything was saved, when all files are closed', async () => {
  const disk = new SimulatedDisk(EMPTY_DISK)
  const { folder, fill } = fillable(disk)
  const { journal } = await LogJournal.open(folder, OPTIONS)
  fill()
  journal.append(draft('lost'))
  await expect(journal.close()).rejects.toMatchObject({
    name: 'NotSaved',
    message: 'not everything was saved: ENOSPC: no space left on device',
  })
  expect(journal.failure).toMatchObject({ code: 'ENOSPC' })
  expect(disk.openFiles).toBe(0)
})

test('a disk that fails while the log is being closed has failed', async () => {
  const { folder, fail } = failing(new SimulatedDisk(EMPTY_DISK))
  const { journal } = await LogJournal.open(folder, OPTIONS)
  journal.append(draft('lost'))
  const closing = journal.close()
  fail('file.sync')
  await expect(closing).rejects.toThrow('EIO')
  expect(journal.failure).toMatchObject({ code: 'EIO' })
})

const OPTIONS = { clock: { now: Date.now }, origin: 'here' }

function draft(text: string) {
  return { room: 'lobby', name: 'ada', text, onKept() {} }
}

function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'workbook-history-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

function inodeOf(path: string): number {
  return statSync(path).ino
}

/** Remembers which files and folders are synced, by inode. */
async function spyOnSync(folder: string) {
  const handle = await open(folder)
  await handle.close()
  const synced: number[] = []
  const sync = vi.spyOn(Object.getPrototypeOf(handle) as FileHandle, 'sync')
  onTestFinished(() => sync.mockRestore())
  sync.mockImplementation(async function (this: FileHandle) {
    synced.push(fstatSync(this.fd).ino)
  })
  return { sync, synced }
}
