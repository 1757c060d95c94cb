/** What step 10.3 asks about the time after goodbye. */

import type { Stage } from '../../judge/step.ts'
import { frame } from '../../protocols/frames.ts'
import type { World } from '../bounded-frames.ts'
import { ONE_LOOK, sayHundreds } from './bounded-stalls.ts'

/** A peer that takes nothing has until then, and no longer. */
export async function expectCutAfterGoodbye(
  { story, expectSame }: Stage,
  world: World,
): Promise<void> {
  const [bob, bobs] = await world.echoTo('bob')
  bob.stopReading()
  story.tell('server', 'has 12 frames for bob')
  await sayHundreds(world, bobs, 12)
  await world.advance(4_999)
  expectSame('how bob’s connection ended', bobs.endings, [], {
    because: 'After the goodbye, he has 5 s to take what waits for him.',
  })
  await world.advance(1)
  bob.expectCut({
    because: 'His 5 s are over. A peer that takes nothing would otherwise hold memory forever.',
  })
  world.expectTimers(0, { because: 'Nothing of his connection is left.', ...ONE_LOOK })
}

/** So has one that talks on and never says FIN. */
export async function expectTalkerCut({ story, expectSame }: Stage, world: World): Promise<void> {
  const [eve, eves] = await world.echoTo('eve')
  story.tell('server', 'calls end() on eve’s connection')
  await world.act(() => eves.connection.end('finished'))
  eve.expectEnd({ because: 'Nothing waits for her, so FIN is sent at once.' })
  for (let times = 0; times < 4; times++) {
    await world.advance(1_000)
    await eve.send(frame('one more thing'))
  }
  expectSame('the number of frames accepted from eve', eves.frames, 0, {
    because: 'What arrives after end() is read and thrown away.',
  })
  await world.advance(1_000)
  eve.expectCut({
    because: 'She goes on talking and never sends FIN. After 5 s, the server stops waiting for it.',
  })
}
