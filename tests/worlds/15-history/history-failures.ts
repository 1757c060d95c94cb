/** Logs whose disk fails under a record, and one whose keeper does: what becomes of the records. */

import type { Stage } from '../../judge/step.ts'
import { group } from '../../protocols/groups.ts'
import { uncaughtDuring } from '../uncaught-errors.ts'
import { settle, systemError } from './disk.ts'
import { expectClosed, openHeld, START, sayer, soon } from './held-log.ts'

const bytes = group('one')

/** Of a write that took a part. */
export const LEFT = {
  likely: 'Write what is left, where it belongs, until nothing is left.',
  look: 'segments.save()',
}

/** A write that takes nothing is a failure, or it is repeated forever. */
export async function expectNothingTaken(stage: Stage): Promise<void> {
  stage.story.tell('test', 'opens another log, on a disk that does not take bytes')
  const stuck = await openHeld(stage)
  sayer(stuck.log, stuck.told)('one')
  await stuck.file.expectWrite(bytes, START, { because: 'As before.' }, 0)
  await stuck.told.expect(['one is not saved'], {
    because: 'A write that takes nothing would take nothing forever.',
    likely: '0 bytes taken are an error.',
    look: 'segments.save()',
  })
  stage.expect('log.failure to say why', Boolean(stuck.log.failure?.message), {
    because: 'The log has to say what is wrong with the disk.',
    likely: 'An error needs a text.',
    look: 'segments.save()',
    received: 'an error without a text',
  })
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
    likely: 'A failed sync is a failure like a failed write.',
    look: ['segments.save()', 'log.#saveWaiting()', 'log.#fail()'],
  })
  await expectClosed(stage, other.log, other.file, other.told, 'EIO')
}

/** However often its callers try again, a log that has failed does not. */
export async function expectNoSecondTry(stage: Stage): Promise<void> {
  stage.story.tell('test', 'opens another log, in which everybody tries again at once')
  const last = await openHeld(stage)
  let tries = 0
  const insist = (): Promise<void> => {
    tries += 1
    return last.log.append(Buffer.from('again')).catch(() => (tries < 10 ? insist() : undefined))
  }
  const insisting = insist()
  await last.file.expectWrite(group('again'), START, { because: 'As before.' }, systemError('EIO'))
  await last.file.expectIdle({
    because: 'Once it has failed, the log does not touch the file again.',
    likely: 'The log has to know that it has failed before it rejects anything.',
    look: ['log.#fail()', 'log.append()'],
  })
  await soon(stage, 'every append() to reject', insisting)
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
      'It was written and synced: it is saved. What throws is the code that tells others of it.',
    likely:
      'Only what saves the group belongs into the try. What onSynced throws is a bug of the keeper and no failure of the disk.',
    look: 'log.#saveWaiting()',
    received: `${rejection?.name}: ${rejection?.message}`,
  })
  stage.expect('the bug to come out', uncaught.includes(bug) || rejection === bug, {
    because: 'A bug that is swallowed is never found. The one who wrote the keeper has to see it.',
    likely: 'Nothing that onSynced throws is caught: let it through.',
    look: 'log.#saveWaiting()',
    received: 'nobody heard of it',
  })
}
