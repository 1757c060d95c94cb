/** Whom `leastBusy()` and `responsive()` choose, of loops that are only numbers. */

import type { HostedServer } from '../../harness/hosted-server.ts'
import type { Stage } from '../../judge/step.ts'
import { echo } from '../../protocols/lines.ts'
import { sameItems } from './many-loops.ts'

/** Loops that nobody is connected to: first, last, between others, or several of them. */
const WITH_IDLE = [
  [0, 4, 2],
  [2, 0, 3],
  [1, 2, 0],
  [0, 0, 1],
]

export async function expectLeastBusy({ load, expect, expectSame, random }: Stage): Promise<void> {
  const { leastBusy } = await load(() => import('#code/12-many-loops/choose.ts'))
  const byChance = Array.from({ length: 20 }, () =>
    Array.from({ length: 8 }, () => Math.floor(random() * 1_000)),
  )
  for (const loads of [
    [3, 1, 2],
    [4, 4, 3, 5],
    [5, 2, 3, 1],
    [100, 20, 9],
    ...WITH_IDLE,
    ...byChance,
  ]) {
    const loops = loads.map((connections) => ({ connections, waitingSinceMs: undefined }))
    const before = [...loops]
    const chosen = leastBusy(loops)
    expectSame(
      `the load of the loop that leastBusy() picks from ${loads.join(', ')}`,
      chosen?.connections,
      Math.min(...loads),
      {
        because: 'A new connection goes to the loop with the fewest others.',
        likely: loads.includes(0)
          ? 'A loop without connections has 0 of them, a number like any other: it is falsy, but not missing.'
          : 'Go through all of them, compare numbers, and keep the one with the fewest.',
      },
    )
    const isUnchanged = loops.every((loop, place) => loop === before[place])
    expect('leastBusy() to leave the list unchanged', isUnchanged, {
      because: 'The list belongs to the group. Choosing from it changes nothing.',
      likely:
        'sort() sorts the list in place; toSorted() returns a new one. reduce() needs neither.',
      received: `loops with ${loops.map((loop) => loop?.connections).join(', ')} connections`,
    })
  }
}

/** Whether a socket waits is a question for `responsive()`. */
export async function expectOnlyConnectionsCompared({ load, expectSame }: Stage): Promise<void> {
  const { leastBusy } = await load(() => import('#code/12-many-loops/choose.ts'))
  const loops = [
    { connections: 2, waitingSinceMs: undefined },
    { connections: 1, waitingSinceMs: 5 },
  ]
  expectSame(
    'what leastBusy() picks when a socket waits for one loop',
    leastBusy(loops),
    loops[1],
    {
      because:
        'That loop has one connection, the other has two. A socket on its way to a loop does not count against it.',
      likely: 'Compare connections, and nothing else.',
      look: 'choose.leastBusy()',
    },
  )
}

/** No clock has come this far: the time is what the test says. */
const NOW_MS = 1_000_000_000

export async function expectResponsive({ load, expectSame }: Stage): Promise<void> {
  const { responsive } = await load(() => import('#code/12-many-loops/choose.ts'))
  const ago = (ms: number) => NOW_MS - ms
  const cases = [
    {
      waiting: { idle: undefined, slow: ago(100), fresh: ago(10) },
      answering: ['idle', 'fresh'],
      because:
        'A socket has waited 100 ms for `slow`, which is longer than 50, but only 10 for `fresh`.',
      likely:
        'waitingSinceMs and nowMs are points in time: compare their difference with patienceMs. Ask no other clock.',
    },
    {
      waiting: { slow: ago(900), fresh: ago(10) },
      answering: ['fresh'],
      because: '`fresh` answers, and one loop that answers can take the connection.',
      likely: 'All are returned only when none answers. One that answers is enough.',
    },
    {
      waiting: { slow: ago(51), exact: ago(50) },
      answering: ['exact'],
      because:
        'A loop is left out if it has let a socket wait for longer than 50 ms: 51, but not 50.',
      likely:
        'Longer than patienceMs means >, so a loop answers as long as the wait is <= patienceMs.',
    },
    {
      waiting: { idle: undefined, first: 0 },
      answering: ['idle'],
      because: 'A socket has been waiting for `first` since time 0 of the clock.',
      likely: '0 is a point in time like any other. Only `undefined` means that no socket waits.',
    },
    {
      waiting: { slow: ago(900), slower: ago(950) },
      answering: ['slow', 'slower'],
      because: 'None of them answers, but one of them has to take the connection.',
      likely: 'When no loop is left, return all of them.',
    },
    {
      waiting: { only: undefined, other: undefined },
      answering: ['only', 'other'],
      because: 'No socket waits for either of them.',
      likely: '`undefined` means that no socket waits.',
    },
  ]
  const otherPatience = [
    {
      patienceMs: 200,
      waiting: { slow: ago(201), fair: ago(150) },
      answering: ['fair'],
      because: 'patienceMs is 200 here, so 150 ms is not too long.',
      likely: 'Compare with patienceMs, not with a number of your own.',
    },
    {
      patienceMs: 0,
      waiting: { slow: ago(1), exact: ago(0) },
      answering: ['exact'],
      because: 'patienceMs is 0 here, so a single millisecond is too long.',
      likely: 'Compare with patienceMs, not with a number of your own. 0 is a valid patience, too.',
    },
  ]
  const all = [...cases.map((each) => ({ patienceMs: 50, ...each })), ...otherPatience]
  for (const { patienceMs, waiting, answering, ...reason } of all) {
    const loops = Object.entries(waiting).map(([name, waitingSinceMs]) => ({
      name,
      connections: 1,
      waitingSinceMs,
    }))
    const names = responsive(loops, NOW_MS, patienceMs).map(({ name }) => name)
    // In which order they are listed is of no account.
    const seen = sameItems(names, answering) ? answering : names
    const isIdleMissing = 'idle' in waiting && !names.includes('idle')
    expectSame('the loops that answer', seen, answering, {
      ...reason,
      likely: isIdleMissing
        ? '`idle` is missing: `undefined` means that no socket waits.'
        : reason.likely,
    })
    expectSame(
      'the loops of the group',
      loops.map(({ name }) => name),
      Object.keys(waiting),
      {
        because: 'The list belongs to the group: a loop that is left out now may answer later.',
        likely:
          loops.length === Object.keys(waiting).length
            ? 'sort() and reverse() change the list that they are called on; toSorted() and filter() return a new one.'
            : 'filter() returns a new list; splice() changes this one.',
      },
    )
  }
}

/** A loop has let a socket wait: those who come now are served by the other one. */
export async function expectNewcomersElsewhere(
  { connect }: Stage,
  server: HostedServer,
): Promise<void> {
  await server.roundTrip()
  for (const name of ['fay', 'gus', 'hal']) {
    const newcomer = await connect(server, name)
    await echo(newcomer, {
      because: `A socket has been waiting for ada’s loop; ${name} goes where sockets are taken up.`,
      likely: 'Leave out a loop that has let a socket wait for longer than patienceMs.',
    })
    await server.roundTrip()
  }
}
