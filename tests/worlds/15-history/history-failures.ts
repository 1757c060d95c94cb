/** Logs whose disk fails under a record, and one whose keeper does: what becomes of the records. */

import { quote } from '../../harness/bytes.ts'
import { EMPTY_DISK, SimulatedDisk } from '../../harness/crash-points/disk.ts'
import type { Stage } from '../../judge/step.ts'
import { group } from '../../protocols/groups.ts'
import { timersSetDuring } from '../set-timers.ts'
import { uncaughtDuring } from '../uncaught-errors.ts'
import { settle, stingy, systemError } from './disk.ts'
import { expectClosed, isError, openHeld, START, sayer, soon } from './held-log.ts'

const bytes = group('one')

/** Of a write that took a part. */
export const LEFT = {
  likely: 'Write what is left, where it belongs, until nothing is left; then sync once.',
  seen: {
    silent:
      'A write that takes fewer bytes than it was given is no error. Only one that takes none is.',
  },
  look: 'segments.save()',
}

/** A write that takes nothing is a failure, or it is repeated forever. */
export async function expectNothingTaken(stage: Stage): Promise<void> {
  stage.story.tell('test', 'opens another log, on a disk that takes no bytes')
  const stuck = await openHeld(stage)
  sayer(stuck.log, stuck.told)('one')
  await stuck.file.expectWrite(bytes, START, { because: 'As before.' }, 0)
  await stuck.told.expect(['one is not saved'], {
    because: 'A write that takes no bytes would be repeated forever.',
    likely: 'Treat 0 bytes taken as an error.',
    look: 'segments.save()',
  })
  stage.expect('log.failure to say why', Boolean(stuck.log.failure?.message), {
    because: 'The log has to say what is wrong with the disk.',
    likely: 'Give the error a message.',
    look: 'segments.save()',
    received: 'an error without a message',
  })
  await expectTakenByteByByte(stage)
}

/** A disk that takes little takes all in the end; one that takes no more, after a part, takes no more for ever. */
async function expectTakenByteByByte(stage: Stage): Promise<void> {
  stage.story.tell('test', 'opens another log, on a disk that takes 4 bytes, and then none')
  const stuck = await openHeld(stage)
  sayer(stuck.log, stuck.told)('one')
  await stuck.file.expectWrite(bytes, START, { because: 'As before.' }, 4)
  await stuck.file.expectWrite(
    bytes.subarray(4),
    START + 4,
    { because: 'It took 4 bytes.', ...LEFT },
    0,
  )
  await stuck.told.expect(['one is not saved'], {
    because:
      'A write that takes no bytes would be repeated forever, even after one that took some.',
    likely: 'Treat 0 bytes taken as an error, whatever earlier writes took.',
    look: 'segments.save()',
  })
  stage.story.tell('test', 'opens another log, on a disk that takes a byte at a time')
  const { Log } = await stage.load(() => import('#code/15-history/log.ts'))
  const disk = new SimulatedDisk(EMPTY_DISK)
  const file = await stingy(disk, 1).create('00000001.log')
  const keeper = { onSynced() {}, marks: () => [], onRetired() {} }
  const log = new Log(disk, [{ number: 1, file, size: 0, marksBytes: 0 }], keeper)
  const text = 'a longer record than any other in this test'
  await soon(stage, `"${text}" to be saved`, log.append(Buffer.from(text)), {
    because: 'Each write takes one byte. That is slow, but no failure.',
    likely: 'Write what is left until nothing is left, however many writes that takes.',
    look: 'segments.save()',
  })
  const received = disk.bytesOf('00000001.log')
  stage.expect('the file to have all of it', received.equals(group(text)), {
    because: 'The log told its caller that the record is saved.',
    ...LEFT,
    received: quote(received),
  })
}

/** What a disk says while the log is being closed counts more than that it is being closed. */
export async function expectFailedWhileClosing(stage: Stage): Promise<void> {
  stage.story.tell('test', 'opens another log, appends "one", and closes it meanwhile')
  const { log, file, told } = await openHeld(stage)
  sayer(log, told)('one')
  await file.expectWrite(bytes, START, { because: 'As before.' })
  // It may reject: not everything was saved.
  const closing = log.close().catch(() => {})
  await file.expectSync({ because: 'As before.' }, systemError('EIO'))
  stage.expect('log.failure to be the EIO', isError(log.failure, 'EIO'), {
    because:
      '"one" was appended before close(), and is lost. The reason given has to be the failed disk.',
    likely:
      'close() has set #failure to "the log is closed", and `??=` keeps that. Set it to the error itself.',
    look: 'log.#fail()',
    received: String(log.failure),
  })
  await told.expect(['one is not saved'], {
    because: 'It was appended before the log was closed, and nobody knows whether it is there.',
    look: ['log.#fail()', 'log.#saveWaiting()'],
  })
  await soon(stage, 'the log to be closed', closing)
}

/** Whoever appends knows one error, whatever the reason. */
export async function expectRefusedWhenClosed(stage: Stage): Promise<void> {
  stage.story.tell('test', 'opens another log, and closes it')
  const { log, file, told } = await openHeld(stage)
  await soon(stage, 'the log to be closed', log.close())
  sayer(log, told)('late')
  await told.expect(['late is not saved'], {
    because:
      'A log that was closed saves nothing more. Its callers expect a NotSaved, whatever the reason.',
    likely:
      'append() looks at #failure first, and rejects with a NotSaved even if that is a LogClosed.',
    look: 'log.append()',
  })
  await file.expectIdle({ because: 'The file is closed.', look: 'log.append()' })
}

/** A failed sync is a failure like a failed write. */
export async function expectFailedSync(stage: Stage): Promise<void> {
  stage.story.tell('test', 'opens another log, on a disk that fails to sync')
  const other = await openHeld(stage)
  const sayThere = sayer(other.log, other.told)
  sayThere('one')
  await other.file.expectWrite(bytes, START, { because: 'As before.' })
  sayThere('two')
  await other.file.expectSync({ because: 'As before.' }, systemError('EIO'))
  await other.told.expect(['one is not saved', 'two is not saved'], {
    because: 'After a failed sync nobody knows what is on the disk.',
    likely: 'Treat a failed sync like a failed write, and do not try it again.',
    look: ['segments.save()', 'log.#saveWaiting()', 'log.#fail()'],
  })
  await expectClosed(stage, other.log, other.file, other.told, 'EIO')
}

/** However often its callers try again, a log that has failed does not. */
export async function expectNoSecondTry(stage: Stage): Promise<void> {
  stage.story.tell('test', 'opens another log, and appends again at once whenever append() rejects')
  const last = await openHeld(stage)
  let tries = 0
  const insist = (): Promise<void> => {
    tries += 1
    return last.log.append(Buffer.from('again')).catch(() => (tries < 10 ? insist() : undefined))
  }
  const insisting = insist()
  const failing = { because: 'As before.' }
  const timers = await timersSetDuring(
    () => last.file.expectWrite(group('again'), START, failing, systemError('EIO')),
    ['Timeout'],
  )
  await last.file.expectIdle({
    because: 'Once it has failed, the log does not touch the file again.',
    likely: 'The log has to know that it has failed before it rejects anything.',
    look: ['log.#fail()', 'log.append()'],
  })
  await soon(stage, 'every append() to reject', insisting)
  stage.expect('no timer to be set when it fails', timers === 0, {
    because:
      'A second write, however late, could land after a hole. A failed log stays failed until it is opened again.',
    likely: 'Never clear #failure: there is no later try.',
    look: 'log.#fail()',
    received: `${timers} set`,
  })
}

/** A record that is on the disk is saved, whatever its keeper makes of it. */
export async function expectBugSeen(stage: Stage): Promise<void> {
  stage.story.tell('test', 'opens another log, whose keeper has a bug: its onSynced throws')
  const { log, file, told } = await openHeld(stage)
  const bug = new Error('a bug in onSynced')
  told.reactWith(() => {
    throw bug
  })
  let rejection: Error | undefined
  const uncaught = await uncaughtDuring(async () => {
    stage.story.tell('test', 'appends "one"')
    log.append(Buffer.from('one')).catch((error) => {
      rejection = error
    })
    await file.expectWrite(bytes, START, { because: 'As before.' })
    await file.expectSync({ because: 'As before.' })
    await settle()
  })
  stage.expect('nobody to be told that "one" is not saved', rejection?.name !== 'NotSaved', {
    because:
      'It was written and synced, so it is saved. What throws is the code that tells others of it.',
    likely:
      'Only the call that saves the group belongs in the try. What onSynced throws is a bug of the keeper, not a failure of the disk.',
    look: 'log.#saveWaiting()',
    received: `${rejection?.name}: ${rejection?.message}`,
  })
  stage.expect('the error of onSynced to surface', uncaught.includes(bug) || rejection === bug, {
    because: 'An error that is swallowed is never found. The author of the keeper has to see it.',
    likely: 'Do not catch what onSynced throws: let it through.',
    look: 'log.#saveWaiting()',
    received: 'the error was swallowed',
  })
}
