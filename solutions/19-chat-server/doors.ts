/**
 * Two ways into one chat: frames over TCP for programs, HTTP and WebSocket for browsers.
 *
 *     frames ── ChatFrames ────┐
 *                              ├── ChatSession ── the one Chat: hub, accounts, journal
 *     web ──── ChatWebSocket ──┘
 *
 * Each door is a listening socket with a loop, limits and counts of its own. What people say is encoded once for each
 * door, however many are connected to it. Nothing here listens: `listen` is passed in.
 */

import type { Service } from '../10-backpressure/admission.ts'
import type { BoundedServer } from '../10-backpressure/server.ts'
import type { Chat } from '../13-rooms/chat-session.ts'
import { ChatFrames, encodeText } from '../13-rooms/frame-peer.ts'
import { lastWords } from '../13-rooms/peer.ts'

export type DoorName = 'frames' | 'web'

/** A door that is not open yet. */
export interface DoorPlan {
  readonly name: DoorName
  readonly port: number
  /** What this door serves. */
  serve(chat: Chat): Service
}

/** A door that is open. */
export interface Door extends BoundedServer {
  readonly name: DoorName
}

/** Listens on the port of a plan; rejects if that is not possible. */
export type Listen = (plan: DoorPlan, service: Service) => Promise<BoundedServer>

/**
 * Opens the doors onto this chat, one after the other, and resolves with them, in the order of their plans: all or
 * none. If a door cannot be opened, those after it are not tried, and those before it are closed. Then the promise
 * rejects with the reason why that door could not be opened, however the closing goes: a `close()` may reject, and it
 * may throw before it returns a promise.
 *
 * @step 19.1
 */
export async function openDoors(
  chat: Chat,
  plans: readonly DoorPlan[],
  listen: Listen,
): Promise<Door[]> {
  const doors: Door[] = []
  try {
    for (const plan of plans) {
      const server = await listen(plan, plan.serve(chat))
      doors.push({ ...server, name: plan.name })
    }
    return doors
  } catch (error) {
    await Promise.allSettled(doors.map(async (door) => door.close()))
    throw error
  }
}

/** The door of chapter 13: one message per frame. */
export function serveFrames(chat: Chat): Service {
  return {
    open: (connection) => new ChatFrames(connection, chat),
    refusal: (why) => encodeText(lastWords(why)!.text),
  }
}
