/** Clients of a server in this process that take what is written slowly, or not at all, or wait for long. */

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { Deadline, PATIENCE_MS } from '../../harness/patience.ts'
import type { Stage } from '../../judge/step.ts'

/** The server's end of the one connection, and what the client has received. */
interface Visit {
  client: Socket
  served: Socket
  received(): string
  isOver(): boolean
}

/** What becomes of a write to a socket, in place of Node's own way, which `take` goes on with. */
type Taking = (take: () => void) => void

const TAKEN_EVERY_MS = 20
const SHORT_ANSWERS = 30
/** 2 MB in all: more than her kernel takes while she reads nothing, but not more than ours. */
const LONG_ANSWERS = Array.from({ length: 34 }, () => 'x'.repeat(60_000))

/**
 * The kernel takes an answer now and then, for longer than idleMs: never silent, never stuck, and then told that she is
 * idle. She reads the last answers only after that: they and the line wait in the kernel.
 */
export async function expectSlowTakerServed(stage: Stage): Promise<void> {
  const idleMs = 300
  for (let attempt = 1; ; attempt++) {
    let [lastAt, longestMs] = [performance.now(), 0]
    const note = () => {
      const now = performance.now()
      longestMs = Math.max(longestMs, now - lastAt)
      lastAt = now
    }
    let isSlow = true
    const slowly: Taking = (take) => {
      if (!isSlow) return take()
      setTimeout(() => {
        note()
        take()
      }, TAKEN_EVERY_MS)
    }
    const seen = await visit(
      stage,
      idleMs,
      slowly,
      async ({ client, served, received, isOver }) => {
        const questions = [...Array(SHORT_ANSWERS).keys(), ...LONG_ANSWERS]
        const tale = `asks ${questions.length} questions; the kernel takes one of the first ${SHORT_ANSWERS} answers every ${TAKEN_EVERY_MS} ms`
        stage.story.tell('nan', tale)
        stage.story.tell(
          'nan',
          'reads these, and none of the others until the server has closed the connection',
        )
        const hasShort = () => received().includes(`${SHORT_ANSWERS - 1}\n`)
        const stopReading = () => {
          if (!hasShort()) return
          isSlow = false
          client.pause()
        }
        client.on('data', stopReading)
        client.write(questions.map((word) => `echo ${word}\n`).join(''))
        await until(() => isOver() || hasShort(), 3 * PATIENCE_MS)
        const bytes = questions.join('\n').length
        const isAllTaken = () => served.bytesWritten > bytes && served.writableLength === 0
        await until(() => isOver() || served.destroyed || isAllTaken(), PATIENCE_MS)
        const isTaken = isAllTaken()
        // The line `idle` takes its time again.
        isSlow = true
        if (!isTaken) note()
        await until(() => isOver() || served.destroyed, PATIENCE_MS)
        client.off('data', stopReading)
        client.resume()
        await until(isOver, PATIENCE_MS)
        return { text: received(), isTaken }
      },
    )
    const answers = seen.text.split('\n').slice(0, -1)
    const isIdleTold = answers.at(-1) === 'idle'
    const count = answers.length - Number(isIdleTold)
    const asked = SHORT_ANSWERS + LONG_ANSWERS.length
    // A process that stood still for so long has let her be silent, too.
    if (count < asked && longestMs > idleMs / 2 && attempt < 5) continue
    // A kernel that has little room has not taken the long ones, and she is rightly cut off.
    const least = seen.isTaken ? asked : SHORT_ANSWERS
    stage.expect('nan to receive every answer', count >= least, {
      because: seen.isTaken
        ? 'The kernel has taken every answer, and nan reads all of them, although late.'
        : `The kernel takes an answer every ${TAKEN_EVERY_MS} ms, and idleMs is ${idleMs}. Some bytes are always waiting for her, but they keep moving.`,
      likely: seen.isTaken
        ? 'What was written may still be in the kernel: destroySoon() leaves it there, and closes both directions. A reset (RST) throws it away.'
        : 'A client is stuck only when nothing has moved for idleMs. Look at writableLength then, not earlier.',
      look: 'limitIdleness()',
      expected: `${least} answers`,
      received: `${count} answers, and then ${isIdleTold ? 'the line `idle`' : 'the end'}`,
    })
    stage.expect('nan to receive the line `idle` after that', isIdleTold || !seen.isTaken, {
      because: 'The kernel has taken everything, and she is silent. It takes that line, too.',
      likely:
        'destroy() throws away what is not written yet. destroySoon() closes both directions after it is written.',
      look: 'limitIdleness()',
      received: 'the end without it',
    })
    return
  }
}

/** Little is left that she does not take: her thread sleeps in readLine() again, and would wait forever. */
export async function expectStuckTakerCut(stage: Stage): Promise<void> {
  let takes = true
  const notAnyMore: Taking = (take) => {
    if (takes) take()
  }
  await untilNotIdle(stage, notAnyMore, async ({ client, served, isOver }) => {
    takes = false
    stage.story.tell('oli', 'asks `echo hello`, and takes none of the short answer')
    client.write('echo hello\n')
    await until(() => served.writableLength > 0 || isOver(), PATIENCE_MS)
    if (served.writableLength !== 'hello\n'.length) {
      takes = true
      return 'was idle'
    }
    await until(isOver, PATIENCE_MS)
    stage.expect('oli to be cut off', isOver(), {
      because:
        'The answer was written for her, and she has not taken it within idleMs. Her thread no longer waits for that; it waits for her next line.',
      likely:
        'Cut off a client that has not taken everything, however little is left: check for socket.writableLength > 0 before all else. destroySoon() would wait for her.',
      look: 'limitIdleness()',
      received: 'a connection that is still open',
    })
    return 'was served'
  })
}

/** Her job has crashed in the middle of a command: nothing is owed any more, and her silence is limited like any other. */
export async function expectCrashedLetGo(stage: Stage): Promise<void> {
  await untilNotIdle(stage, undefined, async ({ client, served, received }) => {
    stage.story.tell('quy', 'asks for `crash`, reads the answer, and does not say FIN')
    client.write('crash\n')
    await until(() => served.destroyed, PATIENCE_MS)
    if (received().includes('idle')) return 'was idle'
    stage.expect('the connection of quy to be closed', served.destroyed, {
      because:
        'Her job has crashed, and the server has said FIN. She is silent, and does not say FIN.',
      likely: 'destroySoon() closes both directions, even when our FIN has already been sent.',
      look: 'limitIdleness()',
      received: `${JSON.stringify(received())}, and a connection that is still open`,
    })
    return 'was served'
  })
}

/** A thread that gets no core for idleMs has not begun with her question, and she is idle: that says nothing of what is asked here. */
async function untilNotIdle(
  stage: Stage,
  taking: Taking | undefined,
  body: (visit: Visit) => Promise<'was idle' | 'was served'>,
): Promise<void> {
  for (let attempt = 1; attempt <= 5; attempt++) {
    const outcome = await visit(stage, 100, taking, async (visited) => {
      visited.client.write('echo ready\n')
      await until(() => visited.received() !== '' || visited.isOver(), PATIENCE_MS)
      return visited.received() === 'ready\n' ? body(visited) : 'was idle'
    })
    if (outcome === 'was served') return
  }
}

/** However often the limit begins anew, the socket has one clock, and her answer is still owed. */
export async function expectOneClock(stage: Stage): Promise<void> {
  // A server that is slow today calls her idle before it has read her question: the next one has more time.
  const limitsMs = [10, 20, 40, 80, 160, 320]
  for (const idleMs of limitsMs) {
    const outcome = await visit(stage, idleMs, undefined, async ({ client, served, isOver }) => {
      stage.story.tell('pia', `asks for sleep 60000; idleMs is ${idleMs}`)
      client.write('sleep 60000\n')
      // Whatever is due is done between two looks, so the limit passes a dozen times, however slow this machine is.
      let most = 0
      for (let look = 0; look < 8 * idleMs && most <= 2 && !isOver(); look++) {
        await pause(2)
        most = Math.max(most, served.listenerCount('timeout'))
      }
      stage.expect('no more than two listeners for `timeout`', most <= 2, {
        because:
          'An answer was owed several times, and each time the limit started again. Listeners must not pile up.',
        likely:
          'Only the timer has to be set again: socket.setTimeout(idleMs). Calling limitIdleness() again adds another listener, and the next time each listener does the same.',
        look: 'limitIdleness()',
        received: `${most} listeners`,
      })
      // Whoever has a timer of his own has not set the socket's.
      const { timeout = 0 } = served
      stage.expect('the timeout of the socket to be at most idleMs', timeout <= idleMs, {
        because: 'When an answer is owed, the limit starts again: idleMs, and no longer.',
        likely: 'Call socket.setTimeout(idleMs), with the limit as it was given.',
        look: 'limitIdleness()',
        received: `${timeout} ms`,
      })
      return isOver() ? 'was idle' : 'was served'
    })
    if (outcome === 'was served') return
  }
  stage.expect('pia not to be idle', false, {
    because: 'Her thread sleeps for her, so an answer is owed. She may wait for it for days.',
    likely:
      'Whenever idleMs has passed and an answer is owed, idleMs starts again, however often that has happened.',
    look: 'limitIdleness()',
    expected: 'no end for 16 times idleMs, at least once',
    received: `the end each time, with idleMs from ${limitsMs[0]} to ${limitsMs.at(-1)}`,
  })
}

async function visit<Seen>(
  stage: Stage,
  idleMs: number,
  taking: Taking | undefined,
  body: (visit: Visit) => Promise<Seen>,
): Promise<Seen> {
  const { startServer } = await stage.load(() => import('#code/06-worker-pool/server.ts'))
  stage.story.beginAnew()
  stage.story.tell('test', `calls startServer({ threads: 1, idleMs: ${idleMs} })`)
  const server = await startServer({ threads: 1, idleMs, graceMs: 0 })
  const { promise: accepted, resolve } = Promise.withResolvers<Socket>()
  const onAccepted = (message: unknown) => {
    const { socket } = message as { socket: Socket }
    if (taking) takeBy(taking, socket)
    resolve(socket)
  }
  subscribe('net.server.socket', onAccepted)
  const client = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true })
  client.setEncoding('utf8')
  let [received, isOver] = ['', false]
  client.on('data', (text) => {
    received += text
  })
  for (const event of ['end', 'error', 'close']) {
    client.on(event, () => {
      isOver = true
    })
  }
  try {
    const served = await accepted
    return await body({ client, served, received: () => received, isOver: () => isOver })
  } finally {
    unsubscribe('net.server.socket', onAccepted)
    client.destroy()
    await server.close()
  }
}

/** One write after the other: Node would give the kernel all that waits at once. */
function takeBy(taking: Taking, socket: Socket): void {
  const write = socket._write.bind(socket)
  socket._writev = undefined
  socket._write = (chunk, encoding, done) => {
    taking(() => {
      if (socket.destroyed) done(null)
      else write(chunk, encoding, done)
    })
  }
}

async function until(holds: () => boolean, ms: number): Promise<void> {
  const deadline = new Deadline(ms)
  while (!holds() && !deadline.isOver) await pause(2)
}
