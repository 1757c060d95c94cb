/** Disks that fail where a log hopes that they do not: while it is opened, and while it removes a segment. */

import type { Log } from '#code/15-history/log.ts'
import { SimulatedDisk } from '../../harness/crash-points/disk.ts'
import type { Reason } from '../../harness/failure.ts'
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
    stage.expectSame('the outcome of open()', outcome, 'EIO: i/o error', {
      because: 'What was read may be lost in the next crash, so nobody may be shown it.',
      likely: 'settle() has to wait for truncate and both syncs, and let their errors through.',
      look: 'recovery.settle()',
    })
  }
}

/** Nobody knows whether the new segment is there: to go on in the old one would put records behind it. */
const HALF_BEGUN: Reason = {
  because:
    'After a crash the new segment may be there or not. What is written to the old one meanwhile would count as damage at the next start.',
  likely: 'Let the error through: a log that cannot begin a segment has failed.',
  look: ['segments.publish()', 'log.#rollOver()'],
}

const HALF_REMOVED: Reason = {
  because:
    'If the first segment stays and the second is removed, the next start finds a gap and refuses to open the log.',
  likely: 'Let the error through: a log that cannot remove a segment for good has failed.',
  look: 'log.#rollOver()',
}

/** What `close()` of the log does not know of any more. */
const LEFT_OPEN: Reason = {
  because: 'A file stays open until somebody closes it, and close() closes what is in #segments.',
  likely:
    'Close the segment first, then remove its file. If remove() fails, nobody else can close it.',
  look: 'log.#rollOver()',
}

/** A segment that cannot be begun, or an old one that cannot be removed, ends the log. */
export async function expectFailedRolling(stage: Stage, LogClass: typeof Log): Promise<void> {
  for (const [what, call, reason] of [
    ['make a file', 'folder.create', HALF_BEGUN],
    ['rename a file', 'folder.rename', HALF_BEGUN],
    ['sync the folder', 'folder.sync', HALF_BEGUN],
    ['remove a file', 'folder.remove', HALF_REMOVED],
    ['sync the folder once a file is removed', 'folder.sync once retired', HALF_REMOVED],
  ] as const) {
    const maxTotalBytes = reason === HALF_BEGUN ? 1_000 : 1
    const { log, disk } = await openFull(stage, LogClass, what, call, maxTotalBytes)
    stage.story.tell('test', 'appends "c", for which the last segment has no room')
    const outcome = await log.append(Buffer.from('c')).then(
      () => 'is saved',
      (error: Error) => error.name,
    )
    stage.expectSame('the outcome of append("c")', outcome, 'NotSaved', reason)
    stage.story.tell('test', 'closes the log')
    // It may reject: not everything was saved.
    await log.close().catch(() => {})
    stage.expectSame('the number of open files', disk.openFiles, 0, LEFT_OPEN)
  }
}

/** An old segment that cannot be closed may fail the log. It must not end the process. */
export async function expectFailedClosing(stage: Stage, LogClass: typeof Log): Promise<void> {
  const { log } = await openFull(stage, LogClass, 'close a file', 'file.close')
  const uncaught = await uncaughtDuring(async () => {
    stage.story.tell('test', 'appends "c", for which the last segment has no room')
    await log.append(Buffer.from('c')).catch(() => {})
    await settle()
  })
  stage.expect('the error of close() to be caught', uncaught.length === 0, {
    because: 'An error that nobody catches ends the process, and with it every connection.',
    likely: 'close() returns a promise that is not awaited: await it, as you await remove().',
    look: 'log.#rollOver()',
    received: `nobody has caught ${uncaught[0]}`,
  })
}

/** A log of two full segments, on a disk on which that call fails; nothing of it may be kept unless it is said otherwise. */
async function openFull(
  { story }: Stage,
  LogClass: typeof Log,
  what: string,
  call: string,
  maxTotalBytes = 1,
): Promise<{ log: Log; disk: SimulatedDisk }> {
  story.tell('test', `opens a log of two segments on a disk that cannot ${what}`)
  const disk = new SimulatedDisk(
    diskWith({ '00000001.log': group('a'), '00000002.log': group('b') }),
  )
  const { folder, fail } = failing(disk)
  const limits = { maxSegmentBytes: 1, maxTotalBytes }
  const [name, isLater] = call.split(' once retired')
  const onRetired = () => isLater !== undefined && fail(name)
  const { log } = await LogClass.open(folder, { ...KEEPER, onRetired }, limits)
  if (isLater === undefined) fail(name)
  return { log, disk }
}
