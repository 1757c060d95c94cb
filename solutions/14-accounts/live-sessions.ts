/**
 * Which peers talk in which session, so that all of them are closed when it ends.
 *
 * A token is checked once, at `hello`, and the connection may then live for days. Somebody whose phone was stolen and
 * who logs out everywhere means the open connections as well. Nothing here knows what door a peer came through.
 */

import type { StoredSession } from './account-store.ts'
import type { Sessions } from './sessions.ts'

/** What can be told that its session has ended: the chat's `Peer` is one. */
export interface SessionPeer {
  close(reason: 'no-session'): void
}

export class LiveSessions {
  readonly #sessions: Sessions
  /** By the id of their session. No set is empty. */
  readonly #peers = new Map<string, Set<SessionPeer>>()

  constructor(sessions: Sessions) {
    this.#sessions = sessions
  }

  /** How many sessions have a peer. */
  get size(): number {
    return this.#peers.size
  }

  /**
   * Lets in a peer that has shown the token of this session. Resolves with the session, which the peer is in from then
   * on; with `undefined` if there is no such session, or if the session was ended or the peer left while the store was
   * asked. A peer that is not let in leaves nothing behind, even when the store rejects.
   *
   * @step 14.6
   */
  async enter(sessionId: string, peer: SessionPeer): Promise<StoredSession | undefined> {
    // Before the store is asked: whoever ends the session meanwhile has to find the peer.
    const peers = this.#peers.get(sessionId) ?? new Set()
    this.#peers.set(sessionId, peers.add(peer))
    let session: StoredSession | undefined
    try {
      session = await this.#sessions.use(sessionId)
    } finally {
      if (!session) this.leave(sessionId, peer)
    }
    return this.#peers.get(sessionId)?.has(peer) ? session : undefined
  }

  /**
   * Removes a peer that has gone. A session without peers leaves nothing behind.
   *
   * @step 14.6
   */
  leave(sessionId: string, peer: SessionPeer): void {
    const peers = this.#peers.get(sessionId)
    peers?.delete(peer)
    if (peers?.size === 0) this.#peers.delete(sessionId)
  }

  /**
   * Closes all peers of these sessions, and nobody else, with `no-session`, once. The sessions have ended; an id may be
   * among them twice.
   *
   * @step 14.6
   */
  end(sessionIds: readonly string[]): void {
    for (const sessionId of sessionIds) {
      const peers = this.#peers.get(sessionId) ?? []
      this.#peers.delete(sessionId)
      for (const peer of peers) peer.close('no-session')
    }
  }

  /**
   * Ends the sessions that are over by now, or no longer in the store. An open connection counts as a use of its
   * session, so what ends it here is its age. Rejects when the store does; a look-up that fails ends no session.
   *
   * Looks up the sessions that have a peer when it is called, each at most once. Sessions that get one meanwhile are for
   * the next round. There may be more sessions than calls that the store lets wait, and others call it, too. So only a
   * few are looked up at a time.
   *
   * @step 14.6
   */
  async endOver(): Promise<void> {
    for (const sessionId of [...this.#peers.keys()]) {
      if (!(await this.#sessions.use(sessionId))) this.end([sessionId])
    }
  }
}
