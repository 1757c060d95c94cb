/** A real server that ends while people talk. */

import type { Stage } from '../../judge/step.ts'
import type { ChatMessage } from '../../protocols/chat.ts'
import { Talker } from '../chat-talker.ts'
import { optionsOn } from './two-doors.ts'

const CHAPTER = '19-chat-server'
const MESSAGES = 200

export async function expectDrainedServer(stage: Stage, data: string): Promise<void> {
  const { expect, expectSame, serve, story } = stage
  const server = await serve(CHAPTER, { ...optionsOn(data), burstSays: MESSAGES })
  const ada = await Talker.connect(server.port)
  await ada.register('ada')
  await ada.logIn('ada')
  await ada.ask({ type: 'join', room: 'hall' })
  story.tell('ada', `sends ${MESSAGES} messages without waiting for an answer`)
  const texts = new Map<number, string>()
  for (let index = 0; index < MESSAGES; index++) {
    const text = `message ${index}`
    texts.set(ada.send({ type: 'say', room: 'hall', text }), text)
  }
  const before = await ada.until(({ type }) => type === 'said')
  server.beginClose()
  const all = [...before, ...(await ada.until(() => false))]
  expectSame('the last message that ada receives', nameOf(all.at(-1)), 'error stopping', {
    because: 'After all her answers, she is told why the connection ends.',
    look: 'drain.begin()',
  })
  await server.expectClosed({ because: 'ada has gone, and everything she said is saved.' })
  await server.expectNothingLeft({ because: 'The process has to end.' })
  const refusals = all.filter(({ type, code }) => type === 'error' && code !== 'stopping')
  expectSame('what she was refused', refusals.map(nameOf), [], {
    because: 'The server carries out every request that it took from her.',
    likely: 'The log was closed before everybody was gone.',
    look: 'drain.begin()',
  })

  const again = await serve(CHAPTER, optionsOn(data))
  const bob = await Talker.connect(again.port)
  await bob.register('bob')
  await bob.logIn('bob')
  const kept = new Map<number, string>()
  for (let after = 0, more = true; more; ) {
    const page = await bob.ask({ type: after === 0 ? 'join' : 'history', room: 'hall', after })
    for (const { number, text } of (page.messages ?? []) as { number: number; text: string }[])
      kept.set(number, text)
    after = kept.size
    more = page.more === true
  }
  const acknowledged = all.filter(({ type }) => type === 'said')
  const lost = acknowledged.filter(
    ({ id, number }) => kept.get(number as number) !== texts.get(id as number),
  )
  expectSame('the number of acknowledged messages that are lost', lost.length, 0, {
    because: '`said` is a promise.',
    likely:
      'Close the data only after the last door has closed, and wait until the data are closed, too.',
    look: 'drain.begin()',
  })
  expect('each message to be there once', new Set(kept.values()).size === kept.size, {
    because: 'ada has said each of them once.',
  })
  bob.destroy()
}

function nameOf(message: ChatMessage | undefined): string {
  return [message?.type, message?.code].filter(Boolean).join(' ')
}
