/** A hall of chapter 13 in which nearly everybody is lost at once, as after a failure of the network. */

import type { Member } from '#code/13-rooms/room.ts'
import { withCommas } from '../../harness/numbers.ts'
import type { Stage } from '../../judge/step.ts'
import { HubWorld, type RoomModules } from './chat-rooms.ts'

const LOST = 1_000

/** Twice is enough: once for what somebody is told, and once because the first of them is gone. */
const FEW_TRIES = 10 * LOST

export function expectManyLost({ expect, expectSame, story }: Stage, modules: RoomModules): void {
  const many = withCommas(LOST)
  story.tell('test', `opens another hub: ada and ${many} others join the hall`)
  const { hub } = new HubWorld(modules, story, { membersPerRoom: LOST + 2 })
  const heard: string[] = []
  let isLost = false
  let tries = 0
  const enter = (name: string, send: Member['send']) => {
    const member: Member = { name, send, drop: () => void hub.leave(member, 'hall') }
    hub.join(member, 'hall')
    return member
  }
  const ada = enter('ada', ({ text }) => {
    const { name, is } = JSON.parse(text)
    if (is === 'gone') heard.push(name)
    return true
  })
  for (let place = 0; place < LOST; place++) {
    enter(`member${place}`, () => {
      tries += 1
      return !isLost
    })
  }
  story.tell('test', 'all of them but ada can be told nothing more')
  isLost = true
  tries = 0
  story.tell('nia', 'joins hall', 'toServer')
  let thrown = 'nothing'
  try {
    enter('nia', () => true)
  } catch (error) {
    thrown = String(error)
  }
  const likely =
    'In exit(), announce with #announce(): it makes one announcement after the other. Made inside each other, they fill the stack.'
  const because = `When she joins, ${many} members turn out to be lost.`
  const look = ['room.exit()', 'room.tell()']
  expectSame('what join() throws', thrown, 'nothing', { because, likely, look })
  expect('everybody who is lost to be tried a few times at most', tries <= FEW_TRIES, {
    because: `${because} A lost member is not told about each of the others.`,
    likely,
    expected: `at most ${withCommas(FEW_TRIES)} calls of their send()`,
    received: `${withCommas(tries)} calls`,
    look,
  })
  expectSame('the names in the hall', hub.roomOf(ada, 'hall')?.names, ['ada', 'nia'], {
    because: `${because} They are dropped.`,
    look: 'room.tell()',
  })
  expectSame('how many names ada was told are gone', new Set(heard).size, LOST, {
    because: `${because} ada is told of each.`,
    look,
  })
  expectSame('how often ada was told that somebody is gone', heard.length, LOST, {
    because: 'She is told of each name once.',
    look,
  })
}
