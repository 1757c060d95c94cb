/** The rooms of chapter 13 behind the door of 18, of the tree that is measured: for measurement 18. */

import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type * as HandlersModule from '#code/13-rooms/handlers.ts'
import type * as JournalModule from '#code/13-rooms/journal.ts'
import type * as PeopleModule from '#code/13-rooms/people.ts'
import type * as RoomsModule from '#code/13-rooms/server.ts'
import type * as HttpModule from '#code/17-http/http-service.ts'
import type * as HandshakeModule from '#code/18-websocket/handshake.ts'
import type * as PeerModule from '#code/18-websocket/websocket-peer.ts'

export async function startServer({ root }: { root: string }) {
  const load = (path: string) => import(pathToFileURL(join(root, path)).href)
  const { makeChat }: typeof RoomsModule = await load('13-rooms/server.ts')
  const { MemoryJournal }: typeof JournalModule = await load('13-rooms/journal.ts')
  const { helloByName }: typeof HandlersModule = await load('13-rooms/handlers.ts')
  const { Names }: typeof PeopleModule = await load('13-rooms/people.ts')
  const { serveHttp }: typeof HttpModule = await load('17-http/http-service.ts')
  const { acceptWebSocket }: typeof HandshakeModule = await load('18-websocket/handshake.ts')
  const { ChatWebSocket }: typeof PeerModule = await load('18-websocket/websocket-peer.ts')
  const hello = helloByName(new Names(() => undefined), randomUUID())
  const chat = makeChat(new MemoryJournal({ now: Date.now }), hello)
  return serveHttp({}, (request) =>
    acceptWebSocket(request, { open: (connection) => new ChatWebSocket(connection, chat) }),
  )
}
