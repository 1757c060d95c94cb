import type { Timer } from '#code/08-timers/timer-queue.ts'
import type { Reason } from '../harness/failure.ts'
import { step } from '../judge/step.ts'
import { echo } from '../protocols/lines.ts'
import { expectRealSleep } from '../worlds/real-sleep.ts'
import { expectRestOfSilence, expectSmallRest, expectStoppedSilence } from '../worlds/silences.ts'
import { expectExactSleep, expectWakeUps } from '../worlds/sleeping-loop.ts'
import {
  expectAnyPeriod,
  expectBeat,
  expectFaultyBeat,
  expectOwnBeat,
  expectPeriodsRefused,
} from '../worlds/timer-beats.ts'
import {
  expectCancelledInside,
  expectCrowdInOrder,
  expectGapsFilled,
  expectLetGo,
} from '../worlds/timer-cancelling.ts'
import { playHeap } from '../worlds/timer-heaps.ts'
import { expectCheap, fire, playQueue } from '../worlds/timer-queues.ts'
import {
  expectAnyDelay,
  expectErrorsSeen,
  expectNoNaN,
  expectOneLook,
} from '../worlds/timer-rounds.ts'
import {
  expectEveryEnding,
  expectNoLimit,
  expectOwnGoodbye,
  serveVirtually,
} from '../worlds/watched-clients.ts'

const DAY_MS = 86_400_000
const CHAPTER = '08-timers'

step('08.1', 'the timer that fires first is at the root of the heap', async (stage) => {
  const {
    add,
    addAll,
    expectFirst,
    expectTaken,
    expectPlaces,
    expectEveryOrder,
    expectOrderInCrowd,
    ...plain
  } = await playHeap(stage)
  const timers = [add('third', 30)]
  expectFirst('third', { because: 'It is the only one.', likely: 'Put it at the place `from`.' })
  timers.push(add('first', 10))
  expectFirst('first', {
    because: 'It is due before its parent, so it rises.',
    likely:
      'The parent of place i is at (i - 1) >> 1. It moves down if the new timer fires before it, by its deadline: `order` decides between equals only.',
    look: ['timer-heap.#rise()', 'timer-heap.isBefore()'],
  })
  timers.push(add('second', 20), add('fourth', 40), add('sixth', 60), add('fifth', 50))
  expectFirst('first', {
    because: 'None of the others is due before it.',
    likely: 'A timer stops below a parent that fires before it.',
    look: 'timer-heap.#rise()',
  })
  expectPlaces(timers)
  expectTaken(['first'], { because: 'takeFirst() returns what was at the root.' })
  expectFirst('second', {
    because: 'The last timer of the heap has sunk from the root, and the next to fire has come up.',
    likely: 'Of two children the one that fires before the other comes up.',
    look: 'timer-heap.#sink()',
  })
  expectPlaces(timers.toSpliced(1, 1))
  const inOrder = {
    because: 'Whatever was taken out, the one that fires next is at the root.',
    likely: 'A timer sinks until neither child fires before it, down to a leaf if it has to.',
    look: 'timer-heap.#sink()',
  }
  expectTaken(['second', 'third', 'fourth', 'fifth', 'sixth', 'nothing'], inOrder)

  const upwards = Array.from({ length: 15 }, (_, index) => index + 1)
  addAll(upwards.toReversed())
  expectFirst('1', {
    because: 'Each of them was due before all others when it was added.',
    likely: 'A timer rises on the whole way up, past every parent that fires after it.',
    look: 'timer-heap.#rise()',
  })
  expectTaken(upwards.map(String), inOrder)
  addAll(upwards)
  expectTaken(upwards.map(String), inOrder)

  expectEveryOrder()
  for (const name of 'abcdefgh') add(name, 50)
  expectTaken([...'abcdefgh'], {
    because: 'Eight timers have one deadline: the one that was armed first fires first.',
    likely:
      'A heap does not keep the order of equals. At the same deadline, let `order` decide, which counts the timers armed.',
    look: 'timer-heap.isBefore()',
  })
  add('in half a millisecond', 50.5)
  add('now', 50)
  expectFirst('now', {
    because: 'A deadline may be a fraction.',
    likely: 'Compare deadlines as they are.',
    look: 'timer-heap.isBefore()',
  })
  expectTaken(['now', 'in half a millisecond'], { because: 'They fire in this order.' })

  expectPlaces(expectOrderInCrowd())

  await expectCheap(stage, 'a timer to be added and taken out', (size) => {
    const many = plain.newHeap()
    return {
      count: 1.2 * size,
      call(index) {
        // By turns before and behind all others, so that no order of arming is convenient.
        if (index < size) return many.add(plain.toTimer(size + (index % 2 ? index : -index)))
        many.takeFirst()
      },
    }
  })
})

step('08.2', 'timers fire in order, ties in order of arming', async (stage) => {
  const { expectSame, story } = stage
  const played = await playQueue(stage)
  const { timers, clock, arm, expectFires } = played
  arm('third', 30)
  arm('first', 10)
  arm('second', 20)
  arm('fourth', 40)
  expectSame('timers.size', timers.size, 4, { because: 'Four timers are armed.' })
  expectFires(9, [], {
    because: 'Nothing is due yet.',
    likely: 'The deadline is clock.now() plus the delay, and due means that it has been reached.',
    look: ['timer-queue.after()', 'timer-queue.runDue()'],
  })
  expectFires(1, ['first'], {
    because: 'A timer is due at its deadline, not one millisecond after it.',
    likely: 'Due means deadlineMs <= now.',
    look: 'timer-queue.runDue()',
  })
  expectFires(500, ['second', 'third', 'fourth'], {
    because: 'A loop that comes late fires all that is due, earliest deadline first.',
    likely: 'As long as the first of the heap is due, take it out and call it.',
    look: 'timer-queue.runDue()',
  })
  expectFires(500, [], {
    because: 'A timer fires once.',
    likely: 'Take it out of the heap.',
    look: 'timer-queue.runDue()',
  })
  expectSame('timers.size', timers.size, 0, { because: 'All of them have fired.' })

  for (const name of ['a', 'b', 'c', 'd']) arm(name, 50)
  clock.pass(20)
  story.tell('time', 'moves on by 20 ms')
  for (const name of ['e', 'f', 'g', 'h']) arm(name, 30)
  expectFires(30, [...'abcdefgh'], {
    because: 'Eight timers have one deadline: the one that was armed first fires first.',
    likely: 'Fire them as the heap gives them out.',
    look: 'timer-queue.runDue()',
  })

  arm('now', 0)
  arm('past', -5)
  expectFires(0, ['now', 'past'], {
    because: 'A delay below 0 counts as 0, and "now" was armed first.',
    likely: 'Math.max(0, delayMs)',
    look: 'timer-queue.after()',
  })

  expectAnyDelay(played)
  expectOneLook(stage, played)
  let rounds = 0
  const again = () => {
    if (++rounds <= 5) arm('again', 0, again)
  }
  arm('in an hour', 3_600_000)
  again()
  arm('behind', 0)
  expectFires(0, ['again', 'behind'], {
    because:
      'What a callback arms waits for the next round, even with 0 ms, or the loop would never come back to its clients.',
    likely: 'Fire what was armed before runDue() began. `order` tells.',
    look: 'timer-queue.runDue()',
  })
  expectFires(0, ['again'], { because: 'This is the next round.', look: 'timer-queue.runDue()' })

  await expectErrorsSeen(stage)
  expectNoNaN(stage, played)

  await expectCheap(stage, 'a timer to be armed and fired', (size) => {
    const [many, time] = played.newQueue()
    return {
      count: 1.2 * size,
      call(index) {
        // By turns before and behind all others, so that no order of arming is convenient.
        if (index < size) return many.after(size + (index % 2 ? index : -index), fire)
        time.pass(2)
        many.runDue()
      },
    }
  })
})

step('08.3', 'a cancelled timer never fires, whoever cancels it', async (stage) => {
  const { expectSame } = stage
  const played = await playQueue(stage)
  const { timers, arm, cancel, expectFires, newQueue } = played
  arm('kept', 10)
  arm('cancelled', 20)
  arm('kept as well', 30)
  cancel('cancelled')
  expectSame('timers.size', timers.size, 2, {
    because: 'One of three has been cancelled.',
    likely: 'A timer that is only marked as cancelled is still in the heap.',
    look: 'timer-queue.cancel()',
  })
  expectFires(100, ['kept', 'kept as well'], {
    because: 'A cancelled timer does not fire.',
    likely: 'cancel() takes the timer out of the heap, at the place that it knows.',
    look: ['timer-queue.cancel()', 'timer-heap.remove()'],
  })

  for (const name of ['new 1', 'new 2', 'new 3']) arm(name, 10)
  cancel('kept')
  cancel('cancelled')
  expectFires(10, ['new 1', 'new 2', 'new 3'], {
    because: 'A timer that has fired, or was cancelled before, can be cancelled: nothing happens.',
    likely:
      'Another timer has its old place in the heap by now. Take a timer out only while it is in the heap.',
    look: 'timer-queue.cancel()',
  })

  expectGapsFilled(played)
  arm('only', 10)
  cancel('only')
  expectSame('timers.size', timers.size, 0, {
    because: 'The only timer there was has been cancelled.',
    likely: 'When the last timer of the heap is taken out, there is no gap to fill.',
    look: 'timer-heap.remove()',
  })

  expectCancelledInside(stage, played)
  expectCrowdInOrder(stage, played)
  await expectLetGo(stage, played)

  await expectCheap(stage, 'a timer to be cancelled', (size) => {
    const [many] = newQueue()
    const all: Timer[] = []
    return {
      fill: (index) => all.push(many.after((index * 7) % size, fire)),
      count: size / 5,
      call: (index) => many.cancel(all[(index * 104_729) % size]),
    }
  })
})

step('08.4', 'every() keeps its beat, however late the loop comes', async (stage) => {
  const played = await playQueue(stage)
  const { every, arm, cancel, expectFires } = played
  expectBeat(played)
  every('often', 10)
  arm('once', 20)
  expectFires(10, ['often'], { because: '10 ms have passed.' })
  expectFires(10, ['once', 'often'], {
    because: 'Both are due now, and "often" was armed again after "once" was armed.',
    likely: 'Each firing is an arming: the timer gets a new `order`.',
    look: 'timer-queue.#rearm()',
  })
  cancel('often')

  every('three times', 10, (times) => {
    if (times === 3) cancel('three times')
  })
  for (const names of [['three times'], ['three times'], ['three times'], [], []]) {
    expectFires(10, names, {
      because: 'It cancels itself in its third call.',
      likely:
        'Arm it for the next time before the callback is called, so that there is something to cancel.',
      look: 'timer-queue.runDue()',
    })
  }

  expectFaultyBeat(stage, played)
  expectPeriodsRefused(stage, played)
  await expectOwnBeat(stage)
  await expectAnyPeriod(stage)
})

step('08.5', 'the loop sleeps exactly until the next deadline', async (stage) => {
  const { expect, expectSame, story } = stage
  const { timers, clock, arm, cancel, newQueue } = await playQueue(stage)
  const expectDelay = (delayMs: number, reason: Reason) =>
    expectSame('timers.nextDelay()', timers.nextDelay(), delayMs, {
      ...reason,
      look: 'timer-queue.nextDelay()',
    })
  expectDelay(Number.POSITIVE_INFINITY, {
    because: 'No timer is armed: the loop may sleep until a client sends something.',
    likely: 'With 0 the loop would spin, with undefined it would fail. Infinity means forever.',
  })
  arm('later', 70)
  arm('sooner', 30)
  expectDelay(30, {
    because: 'The earliest deadline counts.',
    likely: 'The first timer of the heap is the next one to fire: its deadline tells how long.',
  })
  clock.pass(20)
  story.tell('time', 'moves on by 20 ms')
  expectDelay(10, {
    because: '20 of the 30 ms have passed.',
    likely: 'What is left is the deadline less clock.now().',
  })
  clock.pass(10)
  story.tell('time', 'moves on by 10 ms')
  expectDelay(0, {
    because: '"sooner" is due in this very millisecond.',
    likely:
      'Nothing is left until it is due, and 0 says so: Infinity would let the loop sleep over it.',
  })
  clock.pass(15)
  story.tell('time', 'moves on by 15 ms')
  expectDelay(0, {
    because: '"sooner" is overdue. Less than no time does not exist.',
    likely: 'What is left may be negative: Math.max(0, …).',
  })
  cancel('sooner')
  expectDelay(25, {
    because: 'A cancelled timer does not wake the loop. "later" is next.',
    likely: 'A timer that is only marked as cancelled still stands first in the heap.',
  })
  cancel('later')
  expectDelay(Number.POSITIVE_INFINITY, { because: 'Nothing is armed any more.' })

  arm('fraction', 9.5)
  const delayMs = timers.nextDelay()
  expect('timers.nextDelay() not to be less than 9.5', delayMs >= 9.5 && delayMs <= 10, {
    because:
      'A loop that wakes half a millisecond too early has nothing to do, and asks again and again.',
    likely: 'Rounded down, a delay is too short. There is no need to round it.',
    look: 'timer-queue.nextDelay()',
    received: `${delayMs}`,
  })
  cancel('fraction')

  await expectExactSleep(stage)
  await expectWakeUps(stage)
  arm('in 10 days', 10 * DAY_MS)
  expectDelay(10 * DAY_MS, {
    because: 'Nothing is due before that, so nothing has to wake the loop.',
    likely: 'The rest until the first deadline is what it is, however long.',
  })
  cancel('in 10 days')

  await expectRealSleep(stage)

  await expectCheap(stage, 'nextDelay() to be asked between two changes', (size) => {
    const [many] = newQueue()
    return {
      fill: (index) => many.after(1_000 + index, fire),
      count: size / 20,
      call(index) {
        const first = many.after(index % 1_000, fire)
        many.nextDelay()
        many.cancel(first)
        many.nextDelay()
      },
    }
  })
})

step('08.6', 'a client that says no line for a while is let go', async (stage) => {
  const { story } = stage
  await expectStoppedSilence(stage)

  const virtual = await serveVirtually(stage, { idleMs: 60_000 })
  const { world, advance, connect, timerCount, expectTimers } = virtual
  const [ada, bob, cyd] = [await connect('ada'), await connect('bob'), await connect('cyd')]
  story.tell('bob', 'sends a byte every second from now on', 'toServer')
  for (let second = 1; second < 60; second++) {
    await world.pass(1_000)
    bob.stream.arrive('x')
    await world.settle()
    if (second === 10) await cyd.send('echo hi\n')
  }
  story.tell('time', 'has moved on by 59 s')
  cyd.expectReceived('hi\n', { because: 'She is served, and has 60 s from this line on.' })
  for (const client of [ada, bob]) {
    client.expectNothing({ because: 'It is the 59th second, and nobody has been silent for 60.' })
  }
  await advance(1_000)
  for (const client of [ada, bob]) {
    client.expectReceived('idle\n', {
      because:
        client === ada
          ? 'ada has said nothing for 60 s, and is told why her connection ends.'
          : 'bob sends a byte every second and never ends his line. A thousand like him would cost us a thousand connections for nothing.',
      likely: client.stream.isDestroyed
        ? 'destroy() at once loses the last words. The goodbye gives the client time to take them.'
        : 'A complete line breaks the silence, and nothing else does: look who calls heard().',
      look: ['watch.onEnding()', 'watch.onHeard()'],
    })
    client.expectEnd({
      because: 'After that line there is nothing more to say.',
      likely: 'end() says FIN behind the last words; destroy() may lose them.',
      look: 'watch.onEnding()',
    })
  }
  cyd.expectNothing({
    because: 'cyd said a line 50 s ago.',
    likely:
      'Each line begins the silence anew: heard() notes the time, and #look() looks at it before it calls back.',
    look: ['silence.heard()', 'silence.#look()'],
  })
  await advance(10_000)
  cyd.expectReceived('idle\n', {
    because: 'Now her last line was 60 s ago.',
    likely: 'Having been heard, the timer is armed for the rest of the limit, not for all of it.',
    look: 'silence.#look()',
  })

  await ada.halfClose()
  bob.expectCut({
    because: 'He has had 5 s for his FIN and has not said it: he may have pulled the plug.',
    likely: 'FIN may never come. onEnding() arms a timer: destroy() after goodbyeMs.',
    look: 'watch.onEnding()',
  })
  cyd.stream.holdDescriptor()
  await cyd.halfClose()
  expectTimers(1, {
    because: 'Ada and bob are gone. The kernel has not freed cyd’s descriptor yet, and may never.',
    likely:
      timerCount() > 1
        ? 'Behind the goodbye only the goodbye’s own timer is left: onEnding() stops the idle silence.'
        : 'The goodbye lasts until onClose(), not until FIN has been sent.',
    look: ['watch.onEnding()', 'watch.onClose()'],
  })
  cyd.stream.freeDescriptor()
  await world.settle()
  expectTimers(0, {
    because: 'All three are gone. A timer that is left behind holds a whole connection.',
    likely: 'onClose() stops the silence and cancels the goodbye.',
    look: 'watch.onClose()',
  })

  await expectEveryEnding(stage, virtual)
  await expectRestOfSilence(stage)
  await expectSmallRest(stage)
  await expectNoLimit(stage)
  await expectOwnGoodbye(stage)
})

step('08.7', 'a silent client is asked whether it is still there', async (stage) => {
  const { serve, connect: connectReally, expect } = stage
  const { advance, connect, expectTimers } = await serveVirtually(stage, {
    idleMs: 50_000,
    heartbeatMs: 20_000,
  })
  const [ada, bob] = [await connect('ada'), await connect('bob')]
  const [cyd, dee] = [await connect('cyd'), await connect('dee')]
  const PINGED = {
    because: 'Not a line for 20 s: we ask whether anybody is there.',
    likely: 'A second Silence, of heartbeatMs, that says `ping`.',
    look: 'watch.#startHeartbeat()',
  }
  await advance(15_000)
  await cyd.send('echo hi\n')
  cyd.expectReceived('hi\n', { because: 'She is served.' })
  await dee.send('half a line')
  await advance(4_999)
  for (const client of [ada, bob, cyd, dee]) {
    client.expectNothing({ because: 'It is 19,999 ms, and nobody has been silent for 20 s.' })
  }
  await advance(1)
  ada.expectReceived('ping\n', PINGED)
  bob.expectReceived('ping\n', PINGED)
  dee.expectReceived('ping\n', { ...PINGED, because: 'Half a line is no sign of life.' })
  cyd.expectNothing({
    because: 'cyd said a line 5 s ago: there is nothing to ask.',
    likely:
      'The heartbeat is a Silence, which begins anew with each line: onHeard() tells the heartbeat as well.',
    look: ['watch.onHeard()', 'watch.#startHeartbeat()'],
  })
  await bob.send('pong\n')
  bob.expectNothing({
    because: '`pong` is an answer. Answers to answers would go on forever.',
    likely: 'onLine() does not run PONG as a command.',
    look: 'server.onLine()',
  })
  await advance(15_000)
  cyd.expectReceived('ping\n', { because: 'Now her line was 20 s ago.' })
  await advance(5_000)
  ada.expectReceived('ping\n', {
    because: 'ada has been silent for another 20 s. One ping may get lost.',
    likely: 'After a ping the heartbeat goes on.',
    look: 'watch.#startHeartbeat()',
  })
  bob.expectReceived('ping\n', { because: 'His `pong` was 20 s ago.' })
  for (let times = 0; times < 7; times++) {
    await bob.send('pong\n')
    await cyd.send('echo hi\n')
    await advance(10_000)
    if (times > 0) continue
    ada.expectReceived('idle\n', {
      because: 'Two pings and no answer in 50 s: nobody is there.',
      likely: 'Our own pings are no sign of life of the client.',
      look: ['watch.#startHeartbeat()', 'watch.onHeard()'],
    })
    ada.expectEnd({ because: 'She is let go.' })
  }
  bob.expectNothing({
    because:
      'He has said `pong` every 10 s: he is there, and there is nothing to ask or to answer.',
    likely: 'Any line, `pong` too, is a sign of life for both: onHeard() tells idle and heartbeat.',
    look: 'watch.onHeard()',
  })
  cyd.expectReceived('hi\n'.repeat(7), {
    because: 'She has said a line every 10 s, and has never heard of `pong`.',
    likely: 'Any line is a sign of life for both: onHeard() tells idle and heartbeat.',
    look: 'watch.onHeard()',
  })
  await bob.halfClose()
  await cyd.halfClose()
  for (const client of [ada, dee]) {
    client.expectCut({ because: 'They were let go, and never said FIN.' })
  }
  expectTimers(0, {
    because: 'All four are gone. A heartbeat that is left behind goes on forever.',
    likely: 'onEnding() and onClose() stop the heartbeat as well.',
    look: ['watch.onEnding()', 'watch.onClose()'],
  })

  const fay = await connect('fay')
  for (const line of ['pongo', 'PONG', ' pong ', 'ping', '']) {
    await fay.send(`${line}\n`)
    fay.expectReceived('error unknown command\n', {
      because: `"${line}" is not the answer to our ping, so it is a command, and there is none of that name.`,
      likely: 'Only PONG is the answer. Compare the whole line with it.',
      look: 'server.onLine()',
    })
  }
  await fay.reset()
  expectTimers(0, {
    because: 'fay was reset: onEnding() was not called, and yet her connection is over.',
    likely: 'onClose() stops both silences.',
    look: 'watch.onClose()',
  })
  const gus = await connect('gus')
  await gus.send('crash\n')
  expectTimers(1, {
    because: 'The connection is ending. Only the goodbye is left to wait for.',
    likely: 'onEnding() stops both silences.',
    look: 'watch.onEnding()',
  })
  await gus.reset()

  const endless = await serveVirtually(stage, {
    idleMs: Number.POSITIVE_INFINITY,
    heartbeatMs: 25_000,
  })
  stage.story.tell('test', 'serves hal with idleMs: Infinity and heartbeatMs: 25_000')
  const hal = await endless.connect('hal')
  await endless.advance(24_999)
  hal.expectNothing({
    because: 'He is to be asked every 25 s.',
    likely: 'How long a silence is depends on everyMs, not on the default of the server.',
    look: 'watch.#startHeartbeat()',
  })
  await endless.advance(100_001)
  hal.expectReceived('ping\n'.repeat(5), {
    because: 'He has said nothing for five times 25 s, and nothing ends his silence.',
    likely: 'He is asked after every further everyMs, however often that is.',
    look: 'watch.#startHeartbeat()',
  })
  await hal.reset()

  const server = await serve(CHAPTER)
  const eve = await connectReally(server, 'eve')
  const countTimers = async () => (await server.call<{ timers: number }>('stats')).timers
  await eve.send('pong\n')
  await echo(eve, { because: 'The same on a real socket.' })
  const armed = await countTimers()
  expect('a timer to be armed for eve', armed > 0, {
    because: 'A timer has to look whether she is silent for too long.',
  })
  await eve.halfClose()
  await eve.expectEnd({ because: 'FIN is answered with FIN.' })
  await server.expectEventually(
    'no timer to be left for her',
    async () => {
      const timers = await countTimers()
      return { holds: timers === 0, received: `${timers} timers` }
    },
    {
      because: 'She is gone, and so are her timers.',
      likely: 'onClose() stops them all.',
      look: 'watch.onClose()',
    },
  )
})
