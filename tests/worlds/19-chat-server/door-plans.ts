/** Doors that are planned, and a machine on which some of them cannot be opened. */

import type { Door, DoorPlan } from '#code/19-chat-server/doors.ts'
import type { Reason } from '../../harness/failure.ts'
import { PATIENCE_MS, within } from '../../harness/patience.ts'
import { countPendingWakeUps } from '../../harness/pending-wakeups.ts'
import type { Stage } from '../../judge/step.ts'

const OPEN_DOORS = 'doors.openDoors()'

/** What is listened on, by its name: everything that happens to it is noted. */
class Machine {
  readonly events: string[] = []
  /** Names of doors that cannot be opened. */
  readonly broken = new Set<string>()
  /** Names of doors whose close() rejects, and of those whose close() throws. */
  readonly stuck = new Set<string>()
  readonly throwing = new Set<string>()
  /** While this is set, closing a door waits for it. */
  closing: Promise<void> = Promise.resolve()
  readonly chats: unknown[] = []
  /** Why the last one that is broken could not be opened. */
  failure: Error | undefined
  #freePort = 40_001

  plan(name: string, port: number): DoorPlan {
    const serve = (chat: unknown) => {
      this.chats.push(chat)
      return { name } as never
    }
    return { name, port, serve } as DoorPlan
  }

  listen = async ({ name, port }: DoorPlan, service: unknown) => {
    const served = (service as { name: string }).name
    this.events.push(`listens for ${name}`)
    await new Promise((resolve) => setImmediate(resolve))
    if (this.broken.has(name)) {
      this.failure = Object.assign(new Error(`Port ${port} is taken.`), { code: 'EADDRINUSE' })
      throw this.failure
    }
    this.events.push(
      served === name ? `${name} is open` : `${name} is open, with ${served} as its service`,
    )
    return {
      port: port === 0 ? this.#freePort++ : port,
      stats: () => ({ of: name }),
      cut: () => void this.events.push(`${name} is cut`),
      close: () => {
        this.events.push(`${name} closes`)
        if (this.throwing.has(name)) throw new Error(`${name} does not close.`)
        return this.#close(name)
      },
    } as never
  }

  async #close(name: string): Promise<void> {
    await this.closing
    await new Promise((resolve) => setImmediate(resolve))
    this.events.push(`${name} is closed`)
    if (this.stuck.has(name)) throw new Error(`${name} does not close.`)
  }
}

type OpenDoors = typeof import('#code/19-chat-server/doors.ts').openDoors

export async function expectDoors(stage: Stage): Promise<void> {
  const { expectSame } = stage
  const { openDoors } = await stage.load(() => import('#code/19-chat-server/doors.ts'))
  const machine = new Machine()
  const chat = { hub: 'the one' } as never
  const plans = [machine.plan('frames', 0), machine.plan('web', 0)]
  stage.story.tell('test', 'opens the doors frames and web onto one chat, on any ports')
  const doors = await opened(stage, openDoors(chat, plans, machine.listen))
  expectSame(
    'the events',
    machine.events.splice(0),
    ['listens for frames', 'frames is open', 'listens for web', 'web is open'],
    {
      because: 'One door after the other, each with what its own plan serves.',
      likely: 'listen(plan, plan.serve(chat)), and wait for it.',
      look: OPEN_DOORS,
    },
  )
  expectSame('what the plans were given to serve', machine.chats, [chat, chat], {
    because: 'There is one chat, and everybody is in it. Two hubs would be two chats.',
    likely: 'plan.serve(chat).',
    look: OPEN_DOORS,
  })
  expectSame(
    'the doors',
    doors.map(({ name, port, stats }) => ({ name, port, ...stats() })),
    [
      { name: 'frames', port: 40_001, of: 'frames' },
      { name: 'web', port: 40_002, of: 'web' },
    ],
    {
      because:
        'A door is what listen() resolves with, and the name of its plan. The doors are in the order of the plans.',
      likely: isTurnedRound(doors)
        ? 'The doors are right, but their order is not: push() them as they open.'
        : doors.some(({ port }) => port === 0)
          ? 'Port 0 of the plan means any port; what listen() resolves with says which one it became.'
          : '{ ...server, name: plan.name }.',
      look: OPEN_DOORS,
    },
  )
  for (const door of doors) door.cut()
  await Promise.all(doors.map((door) => door.close()))
  expectSame(
    'the events when both are cut and closed',
    machine.events.splice(0).toSorted(),
    [
      'frames closes',
      'frames is closed',
      'frames is cut',
      'web closes',
      'web is closed',
      'web is cut',
    ],
    { because: 'A door can be cut and closed.', look: OPEN_DOORS },
  )

  await expectNone(stage, openDoors, { closes: 'well' })
  await expectNone(stage, openDoors, { closes: 'badly' })
  await expectNone(stage, openDoors, { closes: 'throwing' })
  await expectNothingToClose(stage, openDoors)
}

/** The first door cannot be opened; then it can. */
async function expectNothingToClose(stage: Stage, openDoors: OpenDoors): Promise<void> {
  const { expectSame, story } = stage
  const machine = new Machine()
  machine.broken.add('first')
  const plans = [machine.plan('first', 4_019), machine.plan('second', 4_020)]
  story.tell('test', 'opens two doors, and the port of the first is taken')
  const outcome = await within(
    PATIENCE_MS,
    openDoors({} as never, plans, machine.listen).then(
      () => 'resolved',
      (error: Error) => `rejected: ${error.message}`,
    ),
  )
  expectSame('the promise of openDoors()', outcome, 'rejected: Port 4019 is taken.', {
    because:
      'No door was open yet, so there is none to close. The promise rejects with that reason all the same.',
    likely: 'The list of doors that are open may be empty.',
    look: OPEN_DOORS,
  })
  expectSame('the events', machine.events.splice(0), ['listens for first'], {
    because: 'The second door is not tried.',
    look: OPEN_DOORS,
  })
  machine.broken.clear()
  story.tell('test', 'opens both once more, and both ports are free')
  const doors = await opened(stage, openDoors({} as never, plans, machine.listen), {
    because: 'Both can be opened, and the doors of an earlier call have nothing to do with these.',
    likely: 'The list of doors belongs to one call of openDoors(), not to the module.',
  })
  expectSame(
    'the doors',
    doors.map(({ name }) => name as string),
    ['first', 'second'],
    {
      because: 'These two were planned.',
      look: OPEN_DOORS,
    },
  )
}

/** What happens besides, in words for the story. */
const CLOSES = {
  well: '',
  badly: '; closing the first will fail, too',
  throwing: '; close() of the first will throw, too',
}

const MAY_THROW =
  'close() may throw before it returns a promise. Call it in an async function, which turns that into a rejection.'

/** The third of four doors cannot be opened. */
async function expectNone(
  stage: Stage,
  openDoors: OpenDoors,
  { closes }: { closes: 'well' | 'badly' | 'throwing' },
): Promise<void> {
  const { expectSame, story } = stage
  const machine = new Machine()
  machine.broken.add('third')
  if (closes === 'badly') machine.stuck.add('first')
  if (closes === 'throwing') machine.throwing.add('first')
  const gate = Promise.withResolvers<void>()
  machine.closing = gate.promise
  const plans = ['first', 'second', 'third', 'fourth'].map((name, place) =>
    machine.plan(name, 4_019 + place),
  )
  story.tell('test', `opens four doors, and the port of the third is taken${CLOSES[closes]}`)
  const atRest = await countPendingWakeUps()
  let outcome = 'pending'
  let reason: unknown
  const over = openDoors({} as never, plans, machine.listen).then(
    () => {
      outcome = 'resolved'
    },
    (error: Error) => {
      outcome = `rejected: ${error.message}`
      reason = error
    },
  )
  for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve))
  const opening = [
    'listens for first',
    'first is open',
    'listens for second',
    'second is open',
    'listens for third',
  ]
  const [cut, uncut] = split(machine.events, (event) => event.endsWith('is cut'))
  const [closing, rest] = split(uncut, (event) => event.endsWith('closes'))
  expectSame('what was opened', rest, opening, {
    because: 'The third could not be opened, so the fourth is not tried.',
    likely: 'Open one after the other: try the next when the previous one is open.',
    look: OPEN_DOORS,
  })
  stage.expect('the doors that are open to begin to close', closing.length > 0, {
    because:
      'All or none: a server that listens at half of its doors looks healthy to a check of that half.',
    likely:
      cut.length > 0
        ? 'Cutting a door leaves it listening: close() it.'
        : 'Remember the doors that are open. In a catch, close all of them.',
    look: OPEN_DOORS,
    received: cut.length > 0 ? cut.join(', ') : 'no door closes',
  })
  expectSame('the promise of openDoors()', outcome, 'pending', {
    because:
      closes === 'throwing'
        ? 'The second door is still closing, whatever the first has thrown.'
        : 'The doors that were open are still closing.',
    likely: closes === 'throwing' ? MAY_THROW : 'Wait for their close() before you reject.',
    look: OPEN_DOORS,
  })
  stage.expect('no timer to be set', (await countPendingWakeUps()) <= atRest, {
    because: 'A door may take its time to close, and openDoors() waits, however long that takes.',
    likely: 'close() returns a promise: wait for that, and for nothing else.',
    look: OPEN_DOORS,
  })
  gate.resolve()
  await within(PATIENCE_MS, over)
  const closed = machine.events.filter((event) => event.endsWith('is closed')).toSorted()
  const closable = closes === 'throwing' ? ['second'] : ['first', 'second']
  const expected = closable.map((name) => `${name} is closed`)
  expectSame('what is closed by then', closed, expected, {
    because:
      'All or none. Both were open, and both are closed before it rejects, even if closing one of them fails.',
    likely:
      closes === 'throwing'
        ? MAY_THROW
        : 'Close all of them: Promise.allSettled() waits for every one.',
    look: OPEN_DOORS,
  })
  expectSame('the promise of openDoors()', outcome, 'rejected: Port 4021 is taken.', {
    because: 'That is the reason, and the person who starts the server reads it.',
    likely:
      closes === 'throwing'
        ? MAY_THROW
        : 'Rethrow the first error. Promise.allSettled() waits for every close(), and does not reject with their errors.',
    look: OPEN_DOORS,
  })
  stage.expect(
    'the reason to be the very error that listen() rejected with',
    reason === machine.failure,
    {
      because: 'An error has more than its message: its code, EADDRINUSE, and where it was thrown.',
      likely: 'Throw the error itself, not a new one with its message.',
      look: OPEN_DOORS,
      received: 'another error with the same message',
    },
  )
}

async function opened(
  stage: Stage,
  opening: Promise<Door[]>,
  reason: Reason = { because: 'Both can be opened.' },
): Promise<Door[]> {
  const doors = await within(PATIENCE_MS, opening)
  const isSuch = Array.isArray(doors) && doors.length === 2
  stage.expect('openDoors() to resolve with two doors', isSuch, {
    look: OPEN_DOORS,
    received: Array.isArray(doors) ? `${doors.length}` : String(doors),
    ...reason,
  })
  return doors as Door[]
}

function isTurnedRound(doors: Door[]): boolean {
  return doors.map(({ name }) => name).join() === 'web,frames'
}

function split<T>(all: T[], isFirst: (each: T) => boolean): [T[], T[]] {
  return [all.filter(isFirst), all.filter((each) => !isFirst(each))]
}
