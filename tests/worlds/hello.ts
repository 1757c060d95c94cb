/** What chapter 01's steps play in: clients that talk without a pause, failed starts, errors that nobody may swallow. */

import { createServer, type Server, Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Client } from '../harness/client.ts'
import type { HostedServer } from '../harness/hosted-server.ts'

/** A word that the server has at hand when this is over. */
export async function talk(client: Client, server: HostedServer): Promise<void> {
  await client.send('hm')
  await server.roundTrip()
}

/** Lets a client talk without a pause while something else is waited for. */
export async function whileTalking(
  client: Client,
  server: HostedServer,
  wait: () => Promise<void>,
): Promise<void> {
  let isOver = false
  const talks = async () => {
    while (!isOver) await talk(client, server)
  }
  const talking = talks()
  // The one who waits says what is wrong with the server.
  talking.catch(() => {})
  try {
    await wait()
  } finally {
    isOver = true
    await talking.catch(() => {})
  }
}

/** An address of this machine alone that is not the usual 127.0.0.1. */
export function otherLoopback(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? [])
  return addresses.some(({ address }) => address === '::1') ? '::1' : '127.0.0.2'
}

/** Whether somebody listens for `'error'` and takes it without a word. */
export function isHeardBySomebody(server: Server, error: Error): boolean {
  try {
    return server.emit('error', error)
  } catch (thrown) {
    return thrown !== error
  }
}

/** What comes of it when a socket's peer is lost with that code: `'nothing'` is right. `'nobody listens'`: that is for the process to say. */
export function comesOfLoss(outlive: (socket: Socket) => void, code: string): string {
  const socket = new Socket()
  outlive(socket)
  if (socket.listenerCount('error') === 0) return 'nobody listens'
  const { exit } = process
  process.exit = (code) => {
    throw new Exit(`process.exit(${code ?? ''})`)
  }
  try {
    socket.emit('error', Object.assign(new Error(`read ${code}`), { code }))
    return 'nothing'
  } catch (thrown) {
    return thrown instanceof Exit
      ? thrown.message
      : `throws ${(thrown as Error)?.message ?? thrown}`
  } finally {
    process.exit = exit
    socket.destroy()
  }
}

class Exit extends Error {}

/** Why else a server may not listen. A code of `undefined` is an error that is none of errno(3)'s. */
export const OTHER_PROBLEMS = [
  ['EACCES', 'permission denied'],
  ['EADDRNOTAVAIL', 'address not available'],
  ['EMFILE', 'too many open files'],
  [undefined, 'the host said no'],
] as const

/** The error that Node makes of it. */
export function failedListen(
  code: string | undefined,
  words: string,
  port: number,
): NodeJS.ErrnoException {
  if (!code) return new Error(words)
  const error = new Error(`listen ${code}: ${words} 127.0.0.1:${port}`)
  return Object.assign(error, { code, syscall: 'listen', address: '127.0.0.1', port })
}

/** The sentence that a reason is told in, or what came instead of an `Error`. */
export function sentenceOf(make: () => unknown): { sentence?: string; instead?: string } {
  try {
    const made = make()
    return made instanceof Error ? { sentence: made.message } : { instead: `returns ${made}` }
  } catch (error) {
    return { instead: `throws ${(error as Error)?.message ?? error}` }
  }
}

type Listen = (server: Server, port: number, host: string) => Promise<number>

/** What `listen()` rejects with on a port where somebody listens already, and whether anything listens after all. */
export async function listenTwice(listen: Listen, port: number): Promise<unknown> {
  const server = createServer()
  try {
    await listen(server, port, '127.0.0.1')
    return undefined
  } catch (reason) {
    return reason
  } finally {
    server.close()
  }
}
