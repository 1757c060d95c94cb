/** What a log leaves on its disk when it is opened, without any crash. */

import type { Log } from '#code/15-history/log.ts'
import { SimulatedDisk } from '../../harness/crash-points/disk.ts'
import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'
import { flipBit, group, groups } from '../../protocols/groups.ts'
import { inTime } from './held-log.ts'
import { diskWith, fileOf } from './segment-folders.ts'

const SETTLE = 'recovery.settle()'

/** What opening a log leaves behind, without any crash. */
export async function expectSettled(stage: Stage, LogClass: typeof Log): Promise<void> {
  const keeper = { onFound() {}, onSynced() {}, marks: () => [], onRetired() {} }
  const good = groups('begin', 'one')
  const open = async (what: string, files: Record<string, Buffer>) => {
    stage.story.tell('test', `opens a log with ${what}`)
    const disk = new SimulatedDisk(diskWith(files))
    const opening = LogClass.open(disk, keeper).then(
      ({ cut }) => cut ?? 'no cut',
      (error: Error) => describeError(error),
    )
    const outcome = await inTime(stage, 'the log to be open', opening, {
      because: 'The disk has done all that it was asked to do.',
      likely: 'A promise is never resolved. settle() is done when the last sync is.',
      look: SETTLE,
    })
    return { disk, outcome }
  }
  const torn = await open('a torn tail', {
    '00000001.log': Buffer.concat([good, Buffer.alloc(9)]),
  })
  const cut = { file: '00000001.log', at: good.length, bytes: 9, kind: 'zeros' }
  stage.expectSame('the cut', torn.outcome, cut, {
    because: 'What is thrown away is reported: which file, where, how much, and what it was.',
    ...whatToReport(torn.outcome),
    look: SETTLE,
  })
  for (const [kind, tail] of [
    ['cut', group('two').subarray(0, 9)],
    ['damaged', flipBit(group('two'), 140)],
  ] as const) {
    const second = await open(`two segments, the last with a tail that is ${kind}`, {
      '00000001.log': good,
      '00000002.log': Buffer.concat([good, tail]),
    })
    const expected = { file: '00000002.log', at: good.length, bytes: tail.length, kind }
    stage.expectSame('the cut', second.outcome, expected, {
      because:
        'The cut names the file it was cut off, and the kind that decodeGroup() returns there.',
      ...whatToReport(second.outcome),
      look: SETTLE,
    })
  }
  const whole = await open('nothing wrong', { '00000001.log': good })
  stage.expectSame('the cut', whole.outcome, 'no cut', {
    because: 'There was nothing to cut.',
    look: SETTLE,
  })
  for (const { disk } of [torn, whole]) {
    const left = fileOf(disk, 1)
    stage.expect('the good groups to be left, and nothing else', left.equals(good), {
      because: 'The next group is written after the last good one.',
      likely: 'truncate() to where the good groups end.',
      look: SETTLE,
      received: `${left.length} bytes instead of ${good.length}`,
    })
  }
  const damaged = await open('two segments, the first with a torn tail', {
    '00000001.log': Buffer.concat([good, group('two').subarray(0, 9)]),
    '00000002.log': good,
  })
  stage.expectSame(
    'the outcome of open()',
    damaged.outcome,
    `DamagedLog: 00000001.log is damaged at byte ${good.length}`,
    {
      because: 'The first segment was synced as a whole before the second was begun.',
    },
  )
}

/** What belongs in a cut, if there is one. */
function whatToReport(outcome: unknown): Pick<Reason, 'likely'> {
  if (typeof outcome !== 'object') return {}
  return {
    likely:
      '`at` is where the good groups end, `bytes` how many follow, `kind` what decodeGroup() returns at that place.',
  }
}

/** What was cut off is gone for good, too, when the log is open. */
export async function expectSynced(stage: Stage, LogClass: typeof Log): Promise<void> {
  const keeper = { onFound() {}, onSynced() {}, marks: () => [], onRetired() {} }
  const good = groups('begin', 'one')
  const torn = Buffer.concat([good, group('two').subarray(0, 9)])
  const disk = new SimulatedDisk(diskWith({ '00000001.log': torn }))
  stage.story.tell('test', 'opens a log with a torn tail')
  await LogClass.open(disk, keeper)
  const [{ durable }] = disk.state.files
  stage.expect('everything to be synced, including the cut', durable.equals(good), {
    because: 'open() has reported that the log ends there.',
    likely: 'Sync after the cut, not before it.',
    look: SETTLE,
  })
}

/** Without what is said behind the place. */
export function describeError(error: Error): string {
  return `${error.name}: ${error.message.replace(/(at byte \d+).*/s, '$1')}`
}
