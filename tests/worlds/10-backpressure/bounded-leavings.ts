/** What step 10.4 asks when somebody leaves, for whatever reason, and when nobody was let in. */

import type { Connection, Ending } from '#code/07-event-loop/connection.ts'
import type { Stage } from '../../judge/step.ts'
import { frame } from '../../protocols/frames.ts'
import { type AdmissionStats, openAdmission } from '../bounded-frames.ts'

const LOOK = 'admission.onClose()'

/** Every way in which a connection that was let in can end. */
const ENDINGS: Ending[] = [
  'finished',
  'lost',
  'invalid',
  'too-large',
  'failed',
  'idle',
  'slow-consumer',
  'busy',
  'no-session',
  'stopping',
]

export async function expectLeavings(stage: Stage): Promise<void> {
  await expectPlaceLeftByEach(stage)
  await expectPlaceLeftAtOnce(stage)
  await expectRefusalsForgotten(stage)
}

/** One place, and one visitor after the other ends for another reason. */
async function expectPlaceLeftByEach(stage: Stage): Promise<void> {
  const world = await openAdmission(stage, { maxConnections: 1 })
  stage.story.tell(
    'crowd',
    `comes and goes, one by one: their connections end as ${ENDINGS.join(', ')}`,
  )
  for (const why of ENDINGS) {
    const visitor = await world.arrive('visitor', true)
    await world.act(() => (world.connections.at(-1)!.deref() as Connection).end(why))
    await visitor.halfClose()
    const { connections, endings } = world.admission.stats()
    if (connections === 0 && endings[why] === 1) continue
    stage.expectSame(
      `stats() after a connection has ended as ${why}`,
      { connections, [why]: endings[why] },
      { connections: 0, [why]: 1 },
      {
        because: 'A place becomes free and an ending is counted, whatever the reason.',
        likely: 'onClose() makes no distinctions: it does the same for every ending.',
        look: LOOK,
      },
    )
  }
}

/** When the service hears of it, a closed connection is no longer counted, and neither is what waited for it. */
async function expectPlaceLeftAtOnce(stage: Stage): Promise<void> {
  const seen: Partial<AdmissionStats>[] = []
  const world = await openAdmission(stage, { maxConnections: 1 }, () => {
    const { connections, queuedBytes } = world.admission.stats()
    seen.push({ connections, queuedBytes })
  })
  const pia = await world.arrive('pia')
  pia.stopReading()
  await pia.send(frame('news'))
  await pia.reset()
  stage.expectSame(
    'stats() when the service is told that pia has left',
    seen[0],
    {
      connections: 0,
      queuedBytes: 0,
    },
    {
      because: 'Her connection is closed: there is room for another, and nothing waits for her.',
      likely: 'onClose() does it all before it returns: no timer, no setImmediate().',
      look: LOOK,
    },
  )
}

/** More are refused than can be at a time, one after the other: to the last one it is said why. */
async function expectRefusalsForgotten(stage: Stage): Promise<void> {
  const world = await openAdmission(stage, { maxConnections: 1 })
  await world.arrive('rob')
  stage.story.tell(
    'crowd',
    'comes to a full server, forty times: each client leaves before the next arrives',
  )
  for (let times = 1; times <= 40; times++) {
    const visitor = await world.arrive('visitor', true)
    visitor.expectReceived(frame('error busy'), {
      because: `This is number ${times}. The earlier ones have left: none of them takes up room.`,
      likely:
        '#refuse() keeps its own count of refused connections: elsewhere, enter and leave #cap only.',
      look: ['admission.admit()', LOOK],
    })
    await visitor.halfClose()
  }
  stage.story.tell('crowd', 'comes once more: forty clients, who all stay')
  for (let times = 0; times < 40; times++) await world.arrive('visitor', true)
  stage.expectSame(
    'stats()',
    world.stats('connections', 'refused', 'endings'),
    { connections: 1, refused: 80, endings: {} },
    {
      because:
        'rob is inside. 80 found no room, including those who were cut off. They were never inside, so none of them counts as an ending.',
      likely: 'admit() counts everybody who is refused; onClose() counts the endings.',
      look: 'admission.admit()',
    },
  )
}
