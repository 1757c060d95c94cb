/** Peers that are lost: what comes of the `'error'` that the kernel's word becomes. */

import { Socket } from 'node:net'
import type { Stage } from '../../judge/step.ts'
import type { TrackConnection } from './open-connections.ts'

/** A listener for the loss of a peer does nothing about it, whatever the code is. */
export function expectLossToBeNothing(
  { expect, story }: Stage,
  trackConnection: TrackConnection,
): void {
  for (const code of ['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', undefined]) {
    story.tell('kernel', `reports that a peer is lost (${code ?? 'without a code'})`)
    const outcome = comesOfLoss(trackConnection, code)
    expect("the socket to have an 'error' listener", outcome !== UNHEARD, {
      because:
        "An 'error' event without a listener is thrown, and ends the process: one client that pulls a plug would end the server for everybody.",
      likely: "Every socket needs an 'error' listener from its first moment to its 'close'.",
      received: outcome,
    })
    expect('a lost peer to have no effect on the process', outcome === 'nothing', {
      because:
        outcome === FOR_ALL
          ? 'Errors in our own code have to be seen. One that nothing catches ends the process, and should.'
          : 'A lost peer ends its own connection, and nothing else. What a listener throws would end the process.',
      likely:
        outcome === FOR_ALL
          ? 'It catches everything that any code throws. Only the error of this socket may be ignored: listen to the socket.'
          : outcome.startsWith('throws')
            ? 'Your listener is called, and throws. A lost peer is no fault of ours, whatever its code says, and Node destroys the socket by itself.'
            : 'A server goes on serving whatever one peer does. This connection is over, not the process.',
      received: outcome,
    })
  }
}

const UNHEARD = 'nobody listens'
const FOR_ALL = 'a listener of the process'

/** What comes of it when a socket's peer is lost with that code: `'nothing'` is right. */
function comesOfLoss(trackConnection: TrackConnection, code: string | undefined): string {
  const socket = new Socket()
  if (addsListenersForAll(() => trackConnection(socket, new Set()))) return FOR_ALL
  if (socket.listenerCount('error') === 0) return UNHEARD
  const { exit, exitCode } = process
  process.exit = (code) => {
    throw new Exit(`process.exit(${code ?? ''})`)
  }
  try {
    socket.emit('error', Object.assign(new Error(`read ${code ?? 'failed'}`), { code }))
    return process.exitCode === exitCode ? 'nothing' : `process.exitCode = ${process.exitCode}`
  } catch (thrown) {
    return thrown instanceof Exit
      ? thrown.message
      : `throws ${(thrown as Error)?.message ?? thrown}`
  } finally {
    process.exit = exit
    process.exitCode = exitCode
    socket.destroy()
  }
}

class Exit extends Error {}

/** Whether somebody begins to catch what nobody catches; such listeners are taken off again. */
function addsListenersForAll(act: () => void): boolean {
  const events = ['uncaughtException', 'unhandledRejection'] as const
  const before = events.map((event) => new Set<unknown>(process.listeners(event as never)))
  act()
  let isAdded = false
  for (const [index, event] of events.entries())
    for (const listener of process.listeners(event as never) as (() => void)[]) {
      if (before[index].has(listener)) continue
      isAdded = true
      process.off(event, listener)
    }
  return isAdded
}
