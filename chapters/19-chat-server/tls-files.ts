/** The certificate as files, which somebody replaces every few months while we run. */

import { readFile } from 'node:fs/promises'
import { SYSTEM_TIMERS } from '../16-client/timers.ts'
import type { Config } from './config.ts'
import type { Logs } from './logs.ts'
import { type Handshake, Tls } from './tls.ts'

/** How long a peer has for its handshake. */
const HANDSHAKE_MS = 10_000

/** TLS with the files of the configuration; `undefined` when it names none. */
export async function openTls(
  { tlsKey, tlsCert }: Pick<Config, 'tlsKey' | 'tlsCert'>,
  logs: Logs,
  onHandshake: (how: Handshake) => void,
): Promise<Tls | undefined> {
  if (tlsKey === undefined || tlsCert === undefined) return undefined
  return Tls.open({
    async load() {
      const [key, cert] = await Promise.all([readText(tlsKey), readText(tlsCert)])
      return { key, cert }
    },
    timers: SYSTEM_TIMERS,
    handshakeMs: HANDSHAKE_MS,
    onHandshake,
    onReload(error) {
      if (error) logs.error('the certificate was not replaced', { why: error.message })
      else logs.info('the certificate was replaced')
    },
  })
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const { code = 'error' } = error as NodeJS.ErrnoException
    throw new Error(`Cannot read ${file}: ${code}.`)
  }
}
