/** A hub of chapter 13 with many rooms, and one who leaves: the others are not gone through. */

import { withCommas } from '../../harness/numbers.ts'
import type { Stage } from '../../judge/step.ts'
import { HubWorld, loadRooms } from './chat-rooms.ts'

const ROOMS = 1_000

/** Of the three that she is in, more than once: an answer may go through them for each thing that it does. */
const FEW_STEPS = 30
const LIMITS = { roomsPerMember: ROOMS }

export async function expectOthersLeftAlone(stage: Stage): Promise<void> {
  const { expect, expectSame, story } = stage
  const modules = await loadRooms(stage)
  const steps = { count: 0 }
  const world = withCountedMaps(steps, () => new HubWorld(modules, story, LIMITS))
  const [ada, bob] = [world.member('ada'), world.member('bob')]
  story.tell('bob', `joins ${withCommas(ROOMS)} rooms`, 'toServer')
  for (let place = 0; place < ROOMS; place++) world.hub.join(bob, `room ${place}`)
  for (const place of [1, 500, 999]) world.join(ada, `room ${place}`)
  story.tell('ada', 'loses her connection: leaveAll()', 'toServer')
  steps.count = 0
  world.hub.leaveAll(ada)
  const gone = steps.count
  const left = [1, 500, 999].filter((place) => world.hub.roomOf(ada, `room ${place}`) === undefined)
  expectSame('the number of rooms that ada has left', left.length, 3, {
    because: 'She was in three rooms, and leaves all of them.',
    look: 'hub.leaveAll()',
  })
  const narrow = new HubWorld(modules, story, { roomsPerMember: 1 })
  const cyd = narrow.member('cyd')
  story.tell('test', 'opens another hub: at most 1 room per member')
  narrow.join(cyd, 'kitchen')
  story.tell('cyd', 'loses her connection: leaveAll()', 'toServer')
  narrow.hub.leaveAll(cyd)
  expectSame('join() of another room', narrow.join(cyd, 'attic'), 'joined', {
    because: 'All her memberships have ended: she is in no room.',
    likely: 'leaveAll() has to take each room out of the member’s rooms, as leave() does.',
    look: 'hub.leaveAll()',
  })
  expect('leaveAll() to go through her rooms only', gone <= FEW_STEPS, {
    because:
      'Connections end all the time. If each goes through 10,000 rooms, 10,000 connections that end together go through a hundred million.',
    likely: '#roomsBy(member) returns the rooms that this member is in.',
    expected: 'her 3 rooms, each a few times at most',
    received: `${withCommas(gone)} of ${withCommas(ROOMS)}`,
    look: 'hub.leaveAll()',
  })
}

/** Every map that `make` makes counts how many entries are gone through. */
function withCountedMaps<T>(steps: { count: number }, make: () => T): T {
  const { Map: PlainMap } = globalThis
  function* counted<E>(entries: Iterable<E>): MapIterator<E> {
    for (const entry of entries) {
      steps.count += 1
      yield entry
    }
  }
  class CountedMap<K, V> extends PlainMap<K, V> {
    override keys = () => counted(super.keys())
    override values = () => counted(super.values())
    override entries = () => counted(super.entries())
    override [Symbol.iterator] = () => this.entries()
    override forEach(act: (value: V, key: K, map: Map<K, V>) => void): void {
      for (const [key, value] of this.entries()) act(value, key, this)
    }
  }
  globalThis.Map = CountedMap as MapConstructor
  try {
    return make()
  } finally {
    globalThis.Map = PlainMap
  }
}
