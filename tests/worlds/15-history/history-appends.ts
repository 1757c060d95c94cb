/** Records that are appended as soon as others are saved, and a log that is closed while some wait. */

import { countBytes } from '../../harness/bytes.ts'
import type { Stage } from '../../judge/step.ts'
import { group } from '../../protocols/groups.ts'
import { settle } from './disk.ts'
import { openHeld, START, sayer, soon } from './held-log.ts'

const SAVE_WAITING = 'log.#saveWaiting()'

/** A caller that is told that its record is saved may append the next one at once. */
export async function expectAppendedBehind(stage: Stage): Promise<void> {
  stage.story.tell('test', 'opens another log, appends "b" when "a" is saved, and "c" after it')
  const { log, file, told } = await openHeld(stage)
  const say = sayer(log, told)
  say('z')
  await file.expectWrite(group('z'), START, { because: 'As before.' })
  for (const text of ['y', 'x']) say(text)
  await file.expectSync({ because: 'As before.' })
  let at = START + group('z').length
  await file.expectWrite(group('y', 'x'), at, { because: 'As before.' })
  const append = (text: string) => log.append(Buffer.from(text))
  const saved: string[] = []
  const chain = append('a')
    .then(() => {
      saved.push('a')
      return append('b')
    })
    .then(() => void saved.push('b'))
  await file.expectSync({ because: 'As before.' })
  at += group('y', 'x').length
  await file.expectWrite(group('a'), at, { because: '"a" waited.' })
  await file.expectSync({ because: 'As before.' })
  at += group('a').length
  await file.expectWrite(group('b'), at, {
    because: '"b" was appended as soon as "a" was saved, and nothing else was being saved.',
    likely:
      'Record that nothing is being saved in the same turn in which nothing waits any more, not a turn later.',
    look: ['log.#saveWaiting()', 'log.append()'],
  })
  const [c, d] = [append('c'), append('d')]
  await file.expectSync({
    because: '"c" and "d" wait for the sync that is under way: never two at once.',
    likely:
      '#saving was set to undefined while a group was being saved. Only the loop may do that, when it ends.',
    look: ['log.append()', 'log.#saveWaiting()'],
  })
  at += group('b').length
  await file.expectWrite(group('c', 'd'), at, { because: 'Both waited.' })
  await file.expectSync({ because: 'As before.' })
  await soon(stage, 'all of them to be saved', Promise.all([chain, c, d]))
}

/** What onSynced appends when nothing else waits is part of the same saving. */
export async function expectAppendedWithin(stage: Stage): Promise<void> {
  const { log, file, told } = await openHeld(stage)
  const say = sayer(log, told)
  stage.story.tell('test', 'opens another log, whose keeper appends "b" when "a" is synced')
  told.reactWith(() => say('b'))
  say('a')
  await file.expectWrite(group('a'), START, { because: 'As before.' })
  await file.expectSync({ because: 'As before.' })
  const second = START + group('a').length
  await file.expectWrite(group('b'), second, {
    because: 'onSynced has appended "b", and nothing else waits.',
    likely: 'When onSynced has been told, check again whether anything waits.',
    look: SAVE_WAITING,
  })
  say('c')
  await file.expectSync({
    because: '"b" is being saved, so "c" waits: never two at once.',
    likely:
      '#saveWaiting() runs twice at once. onSynced may append, so keep #saving until onSynced has been told and nothing waits even then.',
    look: SAVE_WAITING,
  })
  const third = second + group('b').length
  await file.expectWrite(group('c'), third, { because: '"c" waited.', look: SAVE_WAITING })
  await file.expectSync({ because: 'As before.' })
  const because = 'In order, each of them once.'
  const lines = ['a', 'b', 'c'].flatMap((text) => [`group: ${text}`, `${text} is saved`])
  await told.expect(lines, { because })
}

/** `close()` waits for what `#saving` stands for. */
export async function expectCloseWaits(stage: Stage): Promise<void> {
  stage.story.tell('test', 'opens another log, appends "one" and "two", and closes it')
  const { log, file, told } = await openHeld(stage)
  const say = sayer(log, told)
  say('one')
  await file.expectWrite(group('one'), START, { because: 'As before.' })
  say('two')
  let isClosed = false
  const closing = log.close().then(() => {
    isClosed = true
  })
  const expectOpen = async () => {
    await settle()
    stage.expect('close() to wait', !isClosed, {
      because: 'What was appended before close() is saved before the file is closed.',
      likely:
        '#saving resolves when all that was appended so far has been saved. close() sets #failure, and the loop must not stop for that.',
      look: ['log.append()', 'log.#saveWaiting()'],
      received: 'close() has resolved',
    })
  }
  await expectOpen()
  await file.expectSync({ because: 'As before.' })
  await expectOpen()
  await file.expectWrite(group('two'), START + group('one').length, { because: 'As before.' })
  await expectOpen()
  await file.expectSync({ because: 'As before.' })
  await soon(stage, 'the log to be closed', closing)
}

/** However much is appended at once, it is saved in few groups, and none is too large. */
export async function expectFewGroups(
  stage: Stage,
  { log, file, told }: Awaited<ReturnType<typeof openHeld>>,
): Promise<void> {
  stage.story.tell('test', 'appends 3,000 records at once')
  for (let index = 0; index < 3_000; index++) void log.append(Buffer.from(`${index}`))
  const before = file.syncsSoFar
  await file.serveAll()
  stage.expect('all of them to be saved in order', told.isCounting(3_000), {
    because: 'The order of the log is the order of append().',
    look: ['log.append()', 'log.#saveWaiting()'],
    received: told.summary,
  })
  stage.expect('two or three groups to be enough', file.syncsSoFar - before <= 3, {
    because: 'One for the first record, and one for all that were appended meanwhile.',
    received: `${file.syncsSoFar - before} syncs`,
  })
  stage.story.tell('test', 'appends 5 records of 600,000 bytes at once')
  for (let index = 0; index < 5; index++) void log.append(Buffer.alloc(600_000))
  await file.serveAll()
  stage.expect('no group to be larger than 1 MiB', file.largestWrite <= 1024 * 1024, {
    because: 'The caller that waits for the first record need not wait for all of them.',
    likely: '#takeGroup() limits the size of a group: save what it returns.',
    look: 'log.#saveWaiting()',
    received: countBytes(file.largestWrite),
  })
}
