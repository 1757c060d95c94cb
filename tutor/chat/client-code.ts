/** The client of chapter 16 as this tree has it: the learner's own, or the model answer. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type * as ChatClientFile from '../../solutions/16-client/chat-client.ts'
import type * as RequestLinkFile from '../../solutions/16-client/request-link.ts'
import type { Connect } from '../../solutions/16-client/request-link.ts'
import type * as TcpLinkFile from '../../solutions/16-client/tcp-link.ts'
import { SYSTEM_TIMERS } from '../../solutions/16-client/timers.ts'
import { connectOverWebSocket } from '../../solutions/19-chat-server/page/websocket-link.ts'
import type { CodeTree } from '../../tests/harness/code-tree.ts'
import type { OpenHole } from '../../tests/judge/events.ts'
import { importsOf } from '../../tests/judge/foundations.ts'
import { findOpenHoles } from '../../tests/judge/holes.ts'
import type { Address } from './address.ts'

export interface ClientCode {
  ChatClient: typeof ChatClientFile.ChatClient
  RequestLink: typeof RequestLinkFile.RequestLink
  connect: Connect
}

const FILES = ['chat-client.ts', 'request-link.ts', 'tcp-link.ts'].map(
  (file) => `16-client/${file}`,
)

/** What is still to be written before this client can talk. */
export function openHolesOfClient(tree: CodeTree): OpenHole[] {
  return importsOf(tree, FILES)
    .map((file) => file.split('/'))
    .filter(([chapter, file]) => existsSync(join(tree.root, chapter, file)))
    .flatMap(([chapter, file]) => findOpenHoles(tree, chapter, [file]))
}

export async function loadClient(tree: CodeTree, address: Address): Promise<ClientCode> {
  const load = (file: string) => import(pathToFileURL(join(tree.root, '16-client', file)).href)
  const [{ ChatClient }, { RequestLink }, { connectOverTcp }] = (await Promise.all([
    load('chat-client.ts'),
    load('request-link.ts'),
    load('tcp-link.ts'),
  ])) as [typeof ChatClientFile, typeof RequestLinkFile, typeof TcpLinkFile]
  const connect =
    address.kind === 'tcp'
      ? connectOverTcp({ ...address, timers: SYSTEM_TIMERS })
      : connectOverWebSocket(address.url)
  return { ChatClient, RequestLink, connect }
}
