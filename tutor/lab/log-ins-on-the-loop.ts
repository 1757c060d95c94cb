/** The server of chapter 14 with one line changed: passwords are hashed where everything else happens. */

import { scryptSync } from 'node:crypto'
import { HASH_BYTES } from '../../solutions/14-accounts/passwords.ts'
import {
  type AccountServerOptions,
  startServer as start,
} from '../../solutions/14-accounts/server.ts'

export function startServer(options: AccountServerOptions) {
  return start({
    ...options,
    derive: async (password, salt, { ln, r, p }) =>
      scryptSync(password, salt, HASH_BYTES, { N: 2 ** ln, r, p, maxmem: 2 ** 28 }),
  })
}
