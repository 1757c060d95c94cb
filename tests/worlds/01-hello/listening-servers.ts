/** What `listen()` asks of the kernel, and what it leaves behind at a server that listens. */

import { type AddressInfo, createServer, type Server } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Stage } from '../../judge/step.ts'
import type { Listen } from './failed-listen.ts'

/** An address of this machine alone that is not the usual 127.0.0.1. */
export function otherLoopback(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? [])
  return addresses.some(({ address }) => address === '::1') ? '::1' : '127.0.0.2'
}

/** `listen()` asks for the port that it was given, and takes off no listener but its own. */
export async function expectPortPassedOn(
  { expect, expectSame, story }: Stage,
  listen: Listen,
): Promise<void> {
  for (const port of [4001, 0]) {
    const server = createServer(() => {})
    const ofAnother = () => {}
    server.on('error', ofAnother)
    const original = server.listen.bind(server)
    let asked: unknown
    server.listen = ((...args: [unknown, ...unknown[]]) => {
      const [first, ...rest] = args
      const isOptions = typeof first === 'object' && first !== null
      asked = isOptions ? (first as { port?: number }).port : first
      // Whether 4001 is free on this machine is nobody's business.
      const any = isOptions ? { ...first, port: 0 } : 0
      return (original as (...args: unknown[]) => Server)(any, ...rest)
    }) as typeof server.listen
    story.tell('test', `calls listen() with port ${port}`)
    const told = await listen(server, port, '127.0.0.1')
    const listeners = server.listenerCount('connection')
    const isStillThere = server.listeners('error').includes(ofAnother)
    const bound = (server.address() as AddressInfo).port
    const holdsProcess = isHeld(server)
    server.close()
    expectSame('the port that the kernel is asked for', Number(asked), port, {
      because:
        port === 0
          ? 'Port 0 means "any free port". A port picked at random may be taken.'
          : 'A server that was given a port listens there: its clients know no other.',
      likely: 'Pass the port on as it is.',
      look: 'listen()',
    })
    expect('listen() to resolve with the port that the server has', told === bound, {
      because:
        'This is where the server listens now. A client that is told another port connects to another program.',
      likely: 'Ask the server, each time: server.address().port. Keep nothing in the module.',
      expected: `port ${bound}`,
      received: `port ${told}`,
      look: 'listen()',
    })
    expectSame('whether the server keeps its process alive', holdsProcess, true, {
      because:
        'A server waits for strangers, however long: a process that has nothing else to do must not end.',
      likely: 'unref() lets the process end although clients may still connect. It is not needed.',
      look: 'listen()',
    })
    const OTHERS = {
      because: 'Listeners that others have added are theirs.',
      likely: "Remove the listener that you have added, and no other: server.off('error', fail).",
      look: 'listen()',
    }
    expectSame("the number of 'connection' listeners afterwards", listeners, 1, OTHERS)
    expect("another's 'error' listener to be there still", isStillThere, OTHERS)
  }
}

/** Whether the process stays as long as the server listens. Node tells of its handle only. */
function isHeld(server: Server): boolean {
  const { _handle } = server as Server & { _handle?: { hasRef?(): boolean } }
  return _handle?.hasRef?.() ?? true
}

/** Once a server listens, `listen()` hears no more of its errors. */
export async function expectNoListenerLeft(
  { expect, expectSame, story }: Stage,
  listen: Listen,
): Promise<void> {
  const busy = createServer()
  await listen(busy, 0, '127.0.0.1')
  story.tell('kernel', 'cannot hand over a connection to a server that listens (EMFILE)')
  const left = busy.listenerCount('error')
  const isHeard = isHeardBySomebody(busy, new Error('accept EMFILE'))
  busy.close()
  expect('listen() to swallow no more errors', !isHeard, {
    because:
      'Once the server listens, an error means that a connection could not be accepted. The person who runs the server has to hear of it: by onAcceptError, or by the end of the process.',
    likely:
      "The 'error' listener of listen() is still there, and swallows it. Remove it in the callback of listen().",
    received: "an 'error' listener that swallowed it",
  })
  expectSame("the number of 'error' listeners that are left", left, 0, {
    because:
      'A listener that throws the error again ends the process before onAcceptError, which is added later, hears of it.',
    likely: "Throw nothing there: remove the 'error' listener in the callback of listen().",
    look: 'listen()',
  })
}

/** Whether somebody listens for `'error'` and takes it without a word. */
function isHeardBySomebody(server: Server, error: Error): boolean {
  try {
    return server.emit('error', error)
  } catch (thrown) {
    return thrown !== error
  }
}
