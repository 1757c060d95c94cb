/** Disks that fail where a log hopes that they do not: while it is opened, and while it removes a segment. */

import type { Log } from '#code/15-history/log.ts'
import { SimulatedDisk } from '../../harness/crash-points/disk.ts'
import type { Stage } from '../../judge/step.ts'
import { group, groups } from '../../protocols/groups.ts'
import { uncaughtDuring } from '../uncaught-errors.ts'
import { failing, settle } from './disk.ts'
import { diskWith } from './segment-folders.ts'

const KEEPER = { onFound() {}, onSynced() {}, marks: () => [], onRetired() {} }

/** A log whose disk cannot make safe what was read is not open. */
export async function expectFaultsTold(stage: Stage, LogClass: typeof Log): Promise<void> {
  const torn = Buffer.concat([groups('begin', 'one'), Buffer.alloc(9)])
  for (const [what, call] of [
    ['truncate a file', 'file.truncate'],
    ['sync a file', 'file.sync'],
    ['sync the folder', 'folder.sync'],
  ]) {
    stage.story.tell('test', `opens a log with a torn tail on a disk that cannot ${what}`)
    const { folder, fail } = failing(new SimulatedDisk(diskWith({ '00000001.log': torn })))
    fail(call)
    const outcome = await LogClass.open(folder, KEEPER).then(
      () => 'is open',
      (error: Error) => error.message,
    )
    stage.expectSame('what becomes of it', outcome, 'EIO: i/o error', {
      because: 'What was read may be lost in the next crash. Nobody may be shown it.',
      likely: 'settle() waits for truncate and for both syncs, and lets their errors out.',
      look: 'recovery.settle()',
    })
  }
}

/** An old segment that cannot be removed must not be followed by a gap. */
export async function expectFailedRemoval(stage: Stage, LogClass: typeof Log): Promise<void> {
  const log = await openFull(stage, LogClass, 'remove a file', 'folder.remove')
  stage.story.tell('test', 'appends "c", for which there is no room')
  const outcome = await log.append(Buffer.from('c')).then(
    () => 'is saved',
    (error: Error) => error.name,
  )
  stage.expectSame('what becomes of "c"', outcome, 'NotSaved', {
    because:
      'If the first segment stays and the second is removed, the next start finds a gap and refuses.',
    likely: 'Let the error out: a log that cannot remove a segment has failed.',
    look: 'log.#rollOver()',
  })
}

/** An old segment that cannot be closed may fail the log. It must not end the process. */
export async function expectFailedClosing(stage: Stage, LogClass: typeof Log): Promise<void> {
  const log = await openFull(stage, LogClass, 'close a file', 'file.close')
  const uncaught = await uncaughtDuring(async () => {
    stage.story.tell('test', 'appends "c", for which there is no room')
    await log.append(Buffer.from('c')).catch(() => {})
    await settle()
  })
  stage.expect('the error of close() to be caught', uncaught.length === 0, {
    because: 'An error that nobody catches ends the process, and with it every connection.',
    likely: 'A promise that nobody waits for: await close(), as you await remove().',
    look: 'log.#rollOver()',
    received: `nobody has caught ${uncaught[0]}`,
  })
}

/** A log of two segments in which there is no room for more, on a disk on which that call fails. */
async function openFull(
  { story }: Stage,
  LogClass: typeof Log,
  what: string,
  call: Parameters<ReturnType<typeof failing>['fail']>[0],
): Promise<Log> {
  story.tell('test', `opens a log of two segments on a disk that cannot ${what}`)
  const disk = new SimulatedDisk(
    diskWith({ '00000001.log': group('a'), '00000002.log': group('b') }),
  )
  const { folder, fail } = failing(disk)
  fail(call)
  const limits = { maxSegmentBytes: 1, maxTotalBytes: 1 }
  return (await LogClass.open(folder, KEEPER, limits)).log
}
