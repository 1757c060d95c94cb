import type { Mistake } from './mistake.ts'

const protocol = 'protocol.ts'
const hub = 'hub.ts'
const room = 'room.ts'
const journal = 'journal.ts'
const session = 'chat-session.ts'
const handlers = 'handlers.ts'
const recent = 'recent-messages.ts'

const RULES = `    const refusal = rule(value[field], field)
    if (refusal) return { kind: 'refused', id: id as number, refusal }`
const JOIN = `    const known = this.#rooms.get(name)
    if (known?.members.has(member)) return known
    const refusal = this.#whyNot(member, known)
    if (refusal) return refusal
    const room = known ?? this.#open(name)
    this.#roomsOf.set(member, this.#roomsBy(member).add(room))`
const KEPT = `      draft.onKept(message)
      if (!message) continue
      const { room } = draft
      this.#rooms.get(room)?.tell(new Outgoing({ type: 'message', room, ...message }))`
const APPEND = `    history.add(message)
    this.onKept([{ draft, message }])`
const RECEIVE = `    if (isPing) this.answer(parsed.request, { type: 'pong' })
    else this.#post(() => this.#carryOut(parsed))`
const WAIT = '    if (!isSay) await this.newestSay\n'
const WELCOMED = `    if (!this.person && !beforeWelcome.has(request.type)) return this.refuse(request, NOT_WELCOME)
`
const CALL = '      await handlers[request.type](this, request as never)\n'
const CAUGHT = `      this.chat.onBug(error)
      await this.newestSay
      this.refuse(request, INTERNAL)`
const ASKED = `      ({ number }) => number < before && (after === undefined || number > after),`
const FULL = `      const isFull = messages.length === limit || bytes > this.#limits.maxPageBytes
      if (isFull && messages.length > 0) break`
const DROP = `    if (this.#isOver) return
    this.#isOver = true
    this.chat.hub.leaveAll(this)
    this.person?.left(this)`

export const mistakes: Mistake[] = [
  {
    name: 'any-number-is-an-id',
    step: '13.1',
    says: ['is not a safe integer'],
    edits: [
      {
        file: protocol,
        replace: '!Number.isSafeInteger(id)',
        by: "typeof id !== 'number'",
      },
    ],
  },
  {
    name: 'an-id-below-one-is-not-said-back',
    step: '13.1',
    says: ['the client gets it back'],
    edits: [
      {
        file: protocol,
        replace: `return malformed('"id" counts from 1.', id as number)`,
        by: `return malformed('"id" counts from 1.')`,
      },
    ],
  },
  {
    name: 'without-a-type-there-is-no-id',
    step: '13.1',
    says: ['the client learns which request it was', 'It belongs in every refusal'],
    edits: [
      {
        file: protocol,
        replace: `return malformed('"type" has to be a string.', id as number)`,
        by: `return malformed('"type" has to be a string.')`,
      },
    ],
  },
  {
    name: 'every-object-has-a-constructor',
    step: '13.1',
    says: ['Object.hasOwn() ignores those'],
    edits: [
      { file: protocol, replace: '!Object.hasOwn(requests, type)', by: '!(type in requests)' },
    ],
  },
  {
    name: 'zero-is-no-type-error',
    step: '13.1',
    says: ['Ids start at 1'],
    edits: [{ file: protocol, replace: '(id as number) < 1', by: '(id as number) < 0' }],
  },
  {
    name: 'the-last-wrong-field-wins',
    step: '13.1',
    says: ['The version is the first in the table'],
    edits: [
      {
        file: protocol,
        replace: `  for (const [field, rule] of Object.entries(requests[type])) {`,
        by: '  for (const [field, rule] of Object.entries(requests[type]).reverse()) {',
      },
    ],
  },
  {
    name: 'only-fields-that-are-there-are-looked-at',
    step: '13.1',
    says: ['Call every rule of the type'],
    edits: [
      { file: protocol, replace: RULES, by: `    if (!(field in value)) continue\n${RULES}` },
    ],
  },
  {
    name: 'a-rule-that-does-not-know-the-field',
    step: '13.1',
    says: ['Pass the name of the field to the rule'],
    edits: [
      {
        file: protocol,
        replace: 'rule(value[field], field)',
        by: "rule(value[field], 'the field')",
      },
    ],
  },
  {
    name: 'two-spellings-two-rooms',
    step: '13.1',
    says: ['Kitchen and kitchen are one room'],
    edits: [
      {
        file: protocol,
        replace: `  if (typeof value.room === 'string') value.room = value.room.toLowerCase()\n`,
        by: '',
      },
    ],
  },
  {
    name: 'the-type-before-the-id',
    step: '13.1',
    says: ['without a valid id it is not a request'],
    edits: [
      {
        file: 'protocol.ts',
        hole: 'parseRequest',
        by: `      const value = parseObject(message) as any
      if (!value) return malformed('A request is a JSON object.')
      const id = Number.isSafeInteger(value.id) ? value.id : undefined
      if (typeof value.type !== 'string') return malformed('type', id)
      if (!Object.hasOwn(requests, value.type)) return { kind: 'refused', id, refusal: { code: 'unknown-type', text: 'x' } }
      if (id === undefined || id < 1) return malformed('id', id)
      for (const [f, rule] of Object.entries(requests[value.type])) { const refusal = rule(value[f], f); if (refusal) return { kind: 'refused', id, refusal } }
      if (typeof value.room === 'string') value.room = value.room.toLowerCase()
      return { kind: 'request', request: value }`,
      },
    ],
  },
  {
    name: 'a-table-of-ones-own',
    step: '13.1',
    says: ['in `requests`, not in REQUESTS'],
    edits: [
      {
        file: 'protocol.ts',
        replace: '!Object.hasOwn(requests, type)',
        by: '!Object.hasOwn(REQUESTS, type)',
      },
    ],
  },
  {
    name: 'a-room-that-is-no-string-throws',
    step: '13.1',
    says: ['toLowerCase is not a function'],
    edits: [
      {
        file: protocol,
        replace: "  if (typeof value.room === 'string') value.room = value.room.toLowerCase()",
        by: '  if (value.room) value.room = (value.room as string).toLowerCase()',
      },
    ],
  },
  {
    name: 'null-taken-for-left-out',
    step: '13.1',
    says: ['even if the value is missing or null'],
    edits: [
      { file: protocol, replace: RULES, by: RULES.replace('[field],', '[field] ?? undefined,') },
    ],
  },
  {
    name: 'the-largest-id-is-none',
    step: '13.1',
    says: ['the largest safe integer'],
    edits: [
      {
        file: protocol,
        replace: '(id as number) < 1)',
        by: '(id as number) < 1 || (id as number) >= Number.MAX_SAFE_INTEGER)',
      },
    ],
  },
  {
    name: 'the-client-chooses-the-prototype',
    step: '13.1',
    says: ['make "__proto__" the prototype'],
    edits: [
      {
        file: protocol,
        replace: 'request: value as unknown',
        by: 'request: Object.assign({}, value) as unknown',
      },
    ],
  },
  {
    name: 'the-rules-of-the-first-table',
    step: '13.1',
    says: ['not those of an earlier one'],
    edits: [
      {
        file: protocol,
        replace: 'of Object.entries(requests[type])',
        by: 'of (RULES_OF[type] ??= Object.entries(requests[type]))',
      },
      {
        file: protocol,
        replace: 'function malformed(',
        by: 'const RULES_OF: Record<string, [string, Fields[string]][]> = {}\n\nfunction malformed(',
      },
    ],
  },
  {
    name: 'an-unknown-type-without-its-id',
    step: '13.1',
    says: ['belongs in every refusal'],
    edits: [
      {
        file: protocol,
        replace: "return { kind: 'refused', id: id as number, refusal }\n  }\n  for",
        by: "return { kind: 'refused', refusal }\n  }\n  for",
      },
    ],
  },
  {
    name: 'names-in-lower-case',
    step: '13.1',
    says: ['Change only `room`'],
    edits: [
      {
        file: protocol,
        replace: "  if (typeof value.room === 'string')",
        by: "  if (typeof value.name === 'string') value.name = value.name.toLowerCase()\n  if (typeof value.room === 'string')",
      },
    ],
  },

  {
    name: 'each-connection-is-announced',
    step: '13.2',
    says: ['Presence belongs to the name'],
    edits: [
      {
        file: room,
        replace: "    if (this.#count(member, 1) === 1) this.#announce(member, 'here')",
        by: "    this.#count(member, 1)\n    this.#announce(member, 'here')",
      },
    ],
  },
  {
    name: 'gone-with-the-first-connection',
    step: '13.2',
    says: ['Ada is still here on her phone'],
    edits: [
      {
        file: room,
        replace: "    if (this.#count(member, -1) === 0) this.#announce(member, 'gone')",
        by: "    this.#count(member, -1)\n    this.#announce(member, 'gone')",
      },
    ],
  },
  {
    name: 'twice-in-is-twice-a-member',
    step: '13.2',
    says: ['A connection that joins twice is still one member'],
    edits: [
      {
        file: hub,
        replace: '    if (known?.members.has(member)) return known\n',
        by: '',
      },
    ],
  },
  {
    name: 'told-by-ones-own-arrival',
    step: '13.2',
    says: ['Nobody else is there to be told'],
    edits: [{ file: room, replace: 'member !== except && ', by: '' }],
  },
  {
    name: 'who-leaves-is-still-told',
    step: '13.2',
    says: ['remove it from the members'],
    edits: [{ file: room, replace: '    this.members.delete(member)\n', by: '' }],
  },
  {
    name: 'rooms-that-nobody-is-in',
    step: '13.2',
    says: ['would pile up'],
    edits: [{ file: hub, replace: '    if (room.members.size === 0) this.#close(room)\n', by: '' }],
  },
  {
    name: 'a-refusal-opens-the-room',
    step: '13.2',
    says: ['A refusal opens no room'],
    edits: [
      {
        file: hub,
        replace: JOIN,
        by: `    const known = this.#rooms.get(name)
    if (known?.members.has(member)) return known
    const room = known ?? this.#open(name)
    const refusal = this.#whyNot(member, known)
    if (refusal) return refusal
    this.#roomsOf.set(member, this.#roomsBy(member).add(room))`,
      },
    ],
  },
  {
    name: 'full-for-those-inside',
    step: '13.2',
    says: ['Joining again changes nothing, even in a full room'],
    edits: [
      {
        file: hub,
        replace: JOIN,
        by: `    const known = this.#rooms.get(name)
    const refusal = this.#whyNot(member, known)
    if (refusal) return refusal
    if (known?.members.has(member)) return known
    const room = known ?? this.#open(name)
    this.#roomsOf.set(member, this.#roomsBy(member).add(room))`,
      },
    ],
  },
  {
    name: 'a-room-that-was-left-still-counts',
    step: '13.2',
    says: ['She has left one'],
    edits: [{ file: hub, replace: '    this.#roomsBy(member).delete(room)\n', by: '' }],
  },
  {
    name: 'nobody-counts-their-rooms',
    step: '13.2',
    says: ['She is in two'],
    edits: [
      {
        file: hub,
        replace: '    this.#roomsOf.set(member, this.#roomsBy(member).add(room))\n',
        by: '',
      },
    ],
  },
  {
    name: 'dropped-in-the-middle-of-a-broadcast',
    step: '13.2',
    says: ['before anything else happens'],
    edits: [
      {
        file: room,
        hole: 'tell',
        by: `    for (const member of this.members) {
      if (member !== except && !member.send(message)) member.drop()
    }`,
      },
    ],
  },
  {
    name: 'announced-before-it-is-in',
    step: '13.2',
    says: ['add the member, then announce it'],
    edits: [
      {
        file: room,
        hole: 'enter',
        by: `    if (this.#count(member, 1) === 1) this.#announce(member, 'here')
    this.members.add(member)`,
      },
    ],
  },
  {
    name: 'only-the-first-of-the-lost',
    step: '13.2',
    says: ['drop() on every member'],
    edits: [
      { file: room, replace: 'for (const member of lost) member.drop()', by: 'lost[0]?.drop()' },
    ],
  },
  {
    name: 'the-lost-stay',
    step: '13.2',
    says: ['have left all their rooms'],
    edits: [{ file: room, replace: 'for (const member of lost) member.drop()', by: 'void lost' }],
  },
  {
    name: 'gone-from-this-room-only',
    step: '13.2',
    says: ['have left all their rooms'],
    edits: [
      {
        file: room,
        replace: 'for (const member of lost) member.drop()',
        by: 'for (const member of lost) this.exit(member)',
      },
    ],
  },
  {
    name: 'nobody-else-after-the-first-lost',
    step: '13.2',
    says: ['before anything else happens'],
    edits: [
      {
        file: room,
        hole: 'tell',
        by: `    for (const member of this.members) {
      if (member !== except && !member.send(message)) return member.drop()
    }`,
      },
    ],
  },
  {
    name: 'only-the-last-of-the-lost',
    step: '13.2',
    says: ['not only on one'],
    edits: [
      {
        file: 'room.ts',
        hole: 'tell',
        by: `let lost: Member | undefined
 for (const member of this.members) if (member !== except && !member.send(message)) lost = member
 lost?.drop()`,
      },
    ],
  },
  {
    name: 'leaves-out-a-name-not-a-connection',
    step: '13.2',
    says: ['that connection, not its name'],
    edits: [
      {
        file: 'room.ts',
        hole: 'tell',
        by: `const lost: Member[] = []
 for (const member of this.members) if (member.name !== except?.name && !member.send(message)) lost.push(member)
 for (const m of lost) m.drop()`,
      },
    ],
  },
  {
    name: 'a-room-that-refused-counts',
    step: '13.2',
    says: ['a refusal leaves nothing behind'],
    edits: [
      {
        file: 'hub.ts',
        replace: `    const refusal = this.#whyNot(member, known)
    if (refusal) return refusal
    const room = known ?? this.#open(name)
    this.#roomsOf.set(member, this.#roomsBy(member).add(room))`,
        by: `    const mine = this.#roomsBy(member)
    this.#roomsOf.set(member, mine)
    const refusal = this.#whyNot(member, known)
    if (refusal) { if (known) mine.add(known); return refusal }
    const room = known ?? this.#open(name)
    mine.add(room)`,
      },
    ],
  },
  {
    name: 'dropped-while-it-enters',
    step: '13.2',
    says: ['dropped inside enter()'],
    edits: [
      {
        file: 'hub.ts',
        replace: `    this.#roomsOf.set(member, this.#roomsBy(member).add(room))
    room.enter(member)`,
        by: `    room.enter(member)
    this.#roomsOf.set(member, this.#roomsBy(member).add(room))`,
      },
    ],
  },
  {
    name: 'leaving-one-room-forgets-the-others',
    step: '13.2',
    says: ['Take out the room that was left'],
    edits: [
      {
        file: 'hub.ts',
        replace: `    this.#roomsBy(member).delete(room)
`,
        by: `    this.#roomsOf.delete(member)
`,
      },
    ],
  },
  {
    name: 'counted-behind-its-announcement',
    step: '13.2',
    says: ['it may have left when #announce() returns'],
    edits: [
      {
        file: room,
        replace: "    if (this.#count(member, 1) === 1) this.#announce(member, 'here')",
        by: `    const isNew = !this.#present.has(member.name.toLowerCase())
    if (isNew) this.#announce(member, 'here')
    this.#count(member, 1)`,
      },
    ],
  },
  {
    name: 'gone-in-another-spelling',
    step: '13.2',
    says: ['however it is spelled'],
    edits: [
      {
        file: room,
        replace: "    if (this.#count(member, -1) === 0) this.#announce(member, 'gone')",
        by: `    this.#count(member, -1)
    if (!this.names.includes(member.name)) this.#announce(member, 'gone')`,
      },
    ],
  },
  {
    name: 'the-lost-are-remembered',
    step: '13.2',
    says: ['its own list of lost members'],
    edits: [
      { file: room, replace: '    const lost: Member[] = []\n', by: '' },
      { file: room, replace: 'lost.push(', by: 'this.#lost.push(' },
      { file: room, replace: 'of lost)', by: 'of this.#lost)' },
      {
        file: room,
        replace: '  constructor(name',
        by: '  readonly #lost: Member[] = []\n\n  constructor(name',
      },
    ],
  },
  {
    name: 'closed-while-others-are-in-it',
    step: '13.2',
    says: ['join() closes none'],
    edits: [
      {
        file: hub,
        replace: '    room.enter(member)\n',
        by: '    room.enter(member)\n    if (!room.members.has(member)) this.#rooms.delete(name)\n',
      },
    ],
  },
  {
    name: 'closed-without-a-word-to-the-journal',
    step: '13.2',
    says: ['Use both'],
    edits: [{ file: hub, replace: ') this.#close(room)', by: ') this.#rooms.delete(name)' }],
  },
  {
    name: 'the-journal-opens-it-for-each-member',
    step: '13.2',
    says: ['Use both'],
    edits: [
      {
        file: hub,
        replace: '    const room = known ?? this.#open(name)\n',
        by: '    const room = known ?? this.#open(name)\n    if (known) this.#journal.open(name)\n',
      },
    ],
  },
  {
    name: 'closed-with-one-inside',
    step: '13.2',
    says: ['bob is in the kitchen'],
    edits: [{ file: hub, replace: 'members.size === 0', by: 'members.size <= 1' }],
  },
  {
    name: 'a-new-room-has-no-limit',
    step: '13.2',
    says: ['for a room that nobody is in, too'],
    edits: [
      {
        file: hub,
        replace: 'const refusal = this.#whyNot(member, known)',
        by: 'const refusal = known && this.#whyNot(member, known)',
      },
    ],
  },

  {
    name: 'an-encoding-for-each-member',
    step: '13.3',
    says: ['one Outgoing for all members'],
    edits: [
      {
        file: hub,
        replace: KEPT,
        by: `      draft.onKept(message)
      if (!message) continue
      const { room } = draft
      for (const member of this.#rooms.get(room)?.members ?? []) {
        member.send(new Outgoing({ type: 'message', room, ...message }))
      }`,
      },
    ],
  },
  {
    name: 'the-message-before-its-number',
    step: '13.3',
    says: ['She is told the number of her message, and then'],
    edits: [
      {
        file: hub,
        replace: KEPT,
        by: `      const { room } = draft
      if (message) this.#rooms.get(room)?.tell(new Outgoing({ type: 'message', room, ...message }))
      draft.onKept(message)`,
      },
    ],
  },
  {
    name: 'the-sender-knows-it-already',
    step: '13.3',
    says: ['The sender is a member, too'],
    edits: [
      {
        file: hub,
        replace: "?.tell(new Outgoing({ type: 'message', room, ...message }))",
        by: `?.tell(
        new Outgoing({ type: 'message', room, ...message }),
        [...this.#rooms.get(room)!.members].find(({ name }) => name === draft.name),
      )`,
      },
    ],
  },
  {
    name: 'one-count-for-all-rooms',
    step: '13.3',
    says: ['Each room counts separately'],
    edits: [
      {
        file: journal,
        replace: 'number: history.last + 1',
        by: 'number: [...this.#rooms.values()].reduce((sum, each) => sum + each.last, 1)',
      },
    ],
  },
  {
    name: 'what-is-said-is-not-kept',
    step: '13.3',
    says: ['one more than the last of this room', 'before onKept()'],
    edits: [{ file: journal, replace: APPEND, by: '    this.onKept([{ draft, message }])' }],
  },
  {
    name: 'outsiders-are-heard',
    step: '13.3',
    says: ['Only a member of a room'],
    edits: [
      {
        file: hub,
        replace: '    if (!this.roomOf(member, draft.room)) return notAMember(draft.room)\n',
        by: '    if (!this.#rooms.has(draft.room)) return notAMember(draft.room)\n',
      },
    ],
  },
  {
    name: 'told-in-a-later-turn',
    step: '13.3',
    says: ['Tell the room in the same turn'],
    edits: [
      {
        file: hub,
        replace: KEPT,
        by: `      draft.onKept(message)
      if (!message) continue
      const { room } = draft
      queueMicrotask(() =>
        this.#rooms.get(room)?.tell(new Outgoing({ type: 'message', room, ...message })),
      )`,
      },
    ],
  },
  {
    name: 'what-is-not-kept-ends-the-list',
    step: '13.3',
    says: ['does not hold up the next'],
    edits: [
      {
        file: hub,
        replace:
          '    for (const { draft, message } of kept) {\n      draft.onKept(message)\n      if (!message) continue\n',
        by: '    for (const { draft, message } of kept) {\n      if (!message) return\n      draft.onKept(message)\n',
      },
    ],
  },
  {
    name: 'all-senders-first',
    step: '13.3',
    says: ['told one after the other', 'Finish one message before the next'],
    edits: [
      {
        file: hub,
        replace: '    for (const { draft, message } of kept) {\n      draft.onKept(message)\n',
        by: '    for (const { draft, message } of kept) draft.onKept(message)\n    for (const { draft, message } of kept) {\n',
      },
    ],
  },
  {
    name: 'a-lost-draft-ends-its-group',
    step: '13.3',
    says: ['must not end the loop'],
    edits: [
      {
        file: 'hub.ts',
        hole: '#tell',
        by: `    for (const { draft, message } of kept) {
      draft.onKept(message)
      if (!message) return
      this.#rooms.get(draft.room)?.tell(new Outgoing({ type: 'message', room: draft.room, ...message }))
    }`,
      },
    ],
  },
  {
    name: 'an-empty-room-ends-the-group',
    step: '13.3',
    says: ['must not end the loop'],
    edits: [
      {
        file: 'hub.ts',
        hole: '#tell',
        by: `    for (const { draft, message } of kept) {
      draft.onKept(message)
      if (!message) continue
      const room = this.#rooms.get(draft.room)
      if (!room) return
      room.tell(new Outgoing({ type: 'message', room: draft.room, ...message }))
    }`,
      },
    ],
  },
  {
    name: 'told-by-number',
    step: '13.3',
    says: ['from first to last'],
    edits: [
      {
        file: 'hub.ts',
        hole: '#tell',
        by: `    for (const { draft, message } of [...kept].sort((a, b) => (a.message?.number ?? 0) - (b.message?.number ?? 0))) {
      draft.onKept(message)
      if (message) this.#rooms.get(draft.room)?.tell(new Outgoing({ type: 'message', room: draft.room, ...message }))
    }`,
      },
    ],
  },
  {
    name: 'the-key-is-told-to-all',
    step: '13.3',
    says: ['not those of the draft'],
    edits: [
      {
        file: 'hub.ts',
        hole: '#tell',
        by: `    for (const { draft, message } of kept) {
      draft.onKept(message)
      if (message) this.#rooms.get(draft.room)?.tell(new Outgoing({ type: 'message', ...draft, ...message }))
    }`,
      },
    ],
  },
  {
    name: 'a-loop-of-ones-own',
    step: '13.3',
    says: ['it drops those who cannot be told'],
    edits: [
      {
        file: 'hub.ts',
        hole: '#tell',
        by: `    for (const { draft, message } of kept) {
      draft.onKept(message)
      if (!message) continue
      const out = new Outgoing({ type: 'message', room: draft.room, ...message })
      for (const m of this.#rooms.get(draft.room)?.members ?? []) m.send(out)
    }`,
      },
    ],
  },
  {
    name: 'told-before-it-is-in-the-history',
    step: '13.3',
    says: ['Add the message to the history'],
    edits: [
      {
        file: 'journal.ts',
        hole: 'append',
        by: `    const history = this.#rooms.get(draft.room)!
    const message = { number: history.last + 1, name: draft.name, text: draft.text, at: this.#clock.now() }
    this.onKept([{ draft, message }])
    history.add(message)`,
      },
    ],
  },
  {
    name: 'the-draft-is-kept-with-its-callback',
    step: '13.3',
    says: ['has number, name, text and at'],
    edits: [
      {
        file: 'journal.ts',
        hole: 'append',
        by: `    const history = this.#rooms.get(draft.room)!
    const message = { ...draft, number: history.last + 1, at: this.#clock.now() } as any
    history.add(message)
    this.onKept([{ draft, message }])`,
      },
    ],
  },
  {
    name: 'told-room-by-room',
    step: '13.3',
    says: ['even across rooms'],
    edits: [
      {
        file: hub,
        replace: '    for (const { draft, message } of kept) {',
        by: `    const byRoom = Map.groupBy(kept, ({ draft }) => draft.room)
    for (const { draft, message } of [...byRoom.values()].flat()) {`,
      },
    ],
  },
  {
    name: 'told-to-those-who-were-there',
    step: '13.3',
    says: ['Look up who is in the room after draft.onKept()'],
    edits: [
      {
        file: hub,
        replace: KEPT,
        by: `      const { room } = draft
      const members = [...(this.#rooms.get(room)?.members ?? [])]
      draft.onKept(message)
      if (!message) continue
      const told = new Outgoing({ type: 'message', room, ...message })
      const lost = members.filter((member) => !member.send(told))
      for (const member of lost) member.drop()`,
      },
    ],
  },
  {
    name: 'each-number-is-told-once',
    step: '13.3',
    says: ['Remember nothing about a room that was closed'],
    edits: [
      {
        file: hub,
        replace: '      if (!message) continue\n      const { room } = draft\n',
        by: `      if (!message) continue
      const { room } = draft
      if (this.#told.has(room + message.number)) continue
      this.#told.add(room + message.number)
`,
      },
      {
        file: hub,
        replace: '  constructor(journal',
        by: '  readonly #told = new Set<string>()\n\n  constructor(journal',
      },
    ],
  },
  {
    name: 'told-by-the-journal-and-by-the-hub',
    step: '13.3',
    says: ['told by #tell() alone'],
    edits: [{ file: journal, replace: APPEND, by: `    draft.onKept(message)\n${APPEND}` }],
  },
  {
    name: 'kept-before-it-is-refused',
    step: '13.3',
    says: ['before the draft goes to the journal'],
    edits: [
      {
        file: hub,
        replace: `    if (!this.roomOf(member, draft.room)) return notAMember(draft.room)
    this.#journal.append(draft)`,
        by: `    this.#journal.append(draft)
    if (!this.roomOf(member, draft.room)) return notAMember(draft.room)`,
      },
    ],
  },
  {
    name: 'numbered-by-how-many-are-kept',
    step: '13.3',
    says: ['keeps the newest messages only'],
    edits: [
      {
        file: journal,
        replace: 'history.last + 1',
        by: 'history.last - history.first + 2',
      },
    ],
  },

  {
    name: 'a-ping-waits-for-its-turn',
    step: '13.4',
    says: ['Only a ping may overtake it'],
    edits: [
      {
        file: session,
        replace: RECEIVE,
        by: `    if (isPing) this.#post(async () => this.answer(parsed.request, { type: 'pong' }))
    else this.#post(() => this.#carryOut(parsed))`,
      },
    ],
  },
  {
    name: 'everything-at-once',
    step: '13.4',
    says: ['Post everything but a ping'],
    edits: [
      {
        file: session,
        replace: RECEIVE,
        by: `    if (isPing) this.answer(parsed.request, { type: 'pong' })
    else void this.#carryOut(parsed)`,
      },
    ],
  },
  {
    name: 'a-refusal-overtakes',
    step: '13.4',
    says: ['waits for its turn like any other'],
    edits: [
      {
        file: session,
        replace: RECEIVE,
        by: `    if (isPing) this.answer(parsed.request, { type: 'pong' })
    else if (parsed.kind === 'refused') this.refuse(parsed, parsed.refusal)
    else this.#post(() => this.#carryOut(parsed))`,
      },
    ],
  },
  {
    name: 'the-welcome-is-looked-for-too-early',
    step: '13.4',
    says: ['Check that when a request’s turn comes'],
    edits: [
      {
        file: session,
        replace: RECEIVE,
        by: `    const isWelcome = this.person !== undefined
    if (isPing) this.answer(parsed.request, { type: 'pong' })
    else {
      this.#post(async () => {
        if (parsed.kind === 'request' && !isWelcome && parsed.request.type !== 'hello') {
          this.refuse(parsed.request, NOT_WELCOME)
        } else await this.#carryOut(parsed)
      })
    }`,
      },
    ],
  },
  {
    name: 'no-welcome-needed',
    step: '13.4',
    says: ['Each message has its answer'],
    edits: [{ file: session, replace: WELCOMED, by: '' }],
  },
  {
    name: 'each-say-waits-for-the-last',
    step: '13.4',
    says: ['before everything but a `say`'],
    edits: [{ file: session, replace: WAIT, by: '    await this.newestSay\n' }],
  },
  {
    name: 'nothing-waits-for-a-say',
    step: '13.4',
    says: ['await newestSay'],
    edits: [{ file: session, replace: WAIT, by: '' }],
  },
  {
    name: 'only-a-refusal-waits-for-a-say',
    step: '13.4',
    says: ['what follows a say waits for it'],
    edits: [
      {
        file: session,
        replace: WAIT,
        by: "    if (parsed.kind !== 'request') await this.newestSay\n",
      },
    ],
  },
  {
    name: 'a-say-is-waited-for-only-so-long',
    step: '13.4',
    says: ['await newestSay, and nothing else'],
    edits: [
      {
        file: session,
        replace: WAIT,
        by: `    if (!isSay)
      await Promise.race([this.newestSay, new Promise((resolve) => setTimeout(resolve, 50))])
`,
      },
    ],
  },
  {
    name: 'a-refusal-does-not-wait-for-a-say',
    step: '13.4',
    says: ['or refused, await newestSay'],
    edits: [
      {
        file: session,
        replace: WAIT,
        by: "    if (!isSay && parsed.kind === 'request') await this.newestSay\n",
      },
    ],
  },
  {
    name: 'a-bug-has-no-answer',
    step: '13.4',
    says: ['Every request has an answer'],
    edits: [{ file: session, replace: CAUGHT, by: '      this.chat.onBug(error)' }],
  },
  {
    name: 'at-the-end-is-a-first-look',
    step: '13.5',
    says: ['With the last number, nothing is missing', 'Pass request.after on as it is'],
    edits: [
      {
        file: 'handlers.ts',
        replace: 'history.page({ after: request.after }),',
        by: 'history.page({ after: request.after === history.last ? undefined : request.after }),',
      },
    ],
  },
  {
    name: 'a-bug-overtakes-a-say',
    step: '13.4',
    says: ['has its answer before the one that failed', 'await newestSay'],
    edits: [
      {
        file: session,
        replace: CAUGHT,
        by: '      this.chat.onBug(error)\n      this.refuse(request, INTERNAL)',
      },
    ],
  },
  {
    name: 'a-bug-that-nobody-hears-of',
    step: '13.4',
    says: ['Every bug has to be reported'],
    edits: [{ file: session, replace: CAUGHT, by: '      this.refuse(request, INTERNAL)' }],
  },
  {
    name: 'the-handler-is-not-awaited',
    step: '13.4',
    says: ['when the handler’s promise has settled'],
    edits: [
      {
        file: session,
        replace: CALL,
        by: '      void handlers[request.type](this, request as never)\n',
      },
    ],
  },
  {
    name: 'only-hello-needs-no-welcome',
    step: '13.4',
    says: ['Check chat.beforeWelcome'],
    edits: [
      {
        file: 'chat-session.ts',
        replace: '!beforeWelcome.has(request.type)',
        by: "request.type !== 'hello'",
      },
    ],
  },
  {
    name: 'the-error-goes-to-the-client',
    step: '13.4',
    says: ['whatever was thrown'],
    edits: [
      {
        file: 'chat-session.ts',
        replace: `      this.refuse(request, INTERNAL)
`,
        by: `      this.refuse(request, { code: 'internal', text: String(error) })
`,
      },
    ],
  },
  {
    name: 'only-the-types-of-this-chapter',
    step: '13.4',
    says: ['Take the types from chat.requests'],
    edits: [
      { file: session, replace: 'this.chat.requests)', by: 'REQUESTS)' },
      { file: session, replace: 'parseRequest, type', by: 'parseRequest, REQUESTS, type' },
    ],
  },
  {
    name: 'asks-again-and-again-whether-it-is-kept',
    step: '13.4',
    says: ['Polling costs CPU'],
    edits: [
      {
        file: session,
        replace: WAIT,
        by: `    let isKept = this.newestSay === undefined
    this.newestSay?.then(() => {
      isKept = true
    })
    while (!isSay && !isKept) await new Promise((resolve) => setImmediate(resolve))
`,
      },
    ],
  },
  {
    name: 'whatever-mentions-a-ping',
    step: '13.4',
    says: ['whose type is "ping"'],
    edits: [
      {
        file: session,
        replace: "parsed.request.type === 'ping'",
        by: `message.includes('"ping"')`,
      },
    ],
  },
  {
    name: 'a-bug-is-answered-without-its-id',
    step: '13.4',
    says: ['this.refuse(request, INTERNAL)'],
    edits: [{ file: session, replace: 'refuse(request, INTERNAL)', by: 'refuse({}, INTERNAL)' }],
  },
  {
    name: 'a-stranger-s-mistakes-are-not-named',
    step: '13.4',
    says: ['has a code already'],
    edits: [
      {
        file: session,
        replace: "    if (parsed.kind === 'refused') return",
        by: `    if (parsed.kind === 'refused' && !this.person) return this.refuse(parsed, NOT_WELCOME)
    if (parsed.kind === 'refused') return`,
      },
    ],
  },

  {
    name: 'more-when-the-page-is-full',
    step: '13.5',
    says: ['is no proof that there are more'],
    edits: [
      {
        file: recent,
        replace: 'const more = messages.length < asked.length',
        by: 'const more = messages.length === limit',
      },
    ],
  },
  {
    name: 'the-cursor-is-ignored',
    step: '13.5',
    says: ['messages below 14'],
    edits: [
      {
        file: recent,
        replace: ASKED,
        by: '      ({ number }) => after === undefined || number > after,',
      },
    ],
  },
  {
    name: 'the-cursor-is-part-of-the-page',
    step: '13.5',
    says: ['messages above 13'],
    edits: [{ file: recent, replace: 'number > after', by: 'number >= after' }],
  },
  {
    name: 'the-newest-above-the-cursor',
    step: '13.5',
    says: ['gets what it missed in order'],
    edits: [
      {
        file: recent,
        replace: '    if (after === undefined) asked.reverse()\n',
        by: '    asked.reverse()\n',
      },
      {
        file: recent,
        replace: 'messages: after === undefined ? messages.reverse() : messages',
        by: 'messages: messages.reverse()',
      },
    ],
  },
  {
    name: 'newest-first',
    step: '13.5',
    says: ['page({})'],
    edits: [
      {
        file: recent,
        replace: 'messages: after === undefined ? messages.reverse() : messages',
        by: 'messages',
      },
    ],
  },
  {
    name: 'an-empty-page-for-a-long-message',
    step: '13.5',
    says: ['nobody could ever get past it'],
    edits: [
      {
        file: recent,
        replace: 'if (isFull && messages.length > 0) break',
        by: 'if (isFull) break',
      },
    ],
  },
  {
    name: 'a-page-without-bytes',
    step: '13.5',
    says: ['exactly as many bytes'],
    edits: [{ file: recent, replace: ' || bytes > this.#limits.maxPageBytes', by: '' }],
  },
  {
    name: 'characters-taken-for-bytes',
    step: '13.5',
    says: ['counts bytes'],
    edits: [
      {
        file: recent,
        replace: 'bytes += this.#sizes[message.number - this.first]',
        by: 'bytes += JSON.stringify(message).length + 1',
      },
    ],
  },
  {
    name: 'one-message-too-many',
    step: '13.5',
    says: ['page('],
    edits: [
      {
        file: recent,
        replace: FULL,
        by: `      if (bytes > this.#limits.maxPageBytes && messages.length > 1) break
      if (messages.length === limit) break`,
      },
    ],
  },
  {
    name: 'joined-in-another-turn',
    step: '13.5',
    says: ['register and answer in one turn'],
    edits: [
      { file: handlers, replace: 'export function join(', by: 'export async function join(' },
      {
        file: handlers,
        replace:
          'pageOf: (room: Room) => Page = ({ history }) => history.page({ after: request.after }),\n): void {',
        by: 'pageOf: (room: Room) => Page = ({ history }) => history.page({ after: request.after }),\n): Promise<void> {',
      },
      {
        file: handlers,
        replace: "  session.answer(request, { type: 'joined', ...about, ...pageOf(room) })",
        by: "  const page = pageOf(room)\n  await null\n  session.answer(request, { type: 'joined', ...about, ...page })",
      },
    ],
  },
  {
    name: 'everything-again-for-who-comes-back',
    step: '13.5',
    says: ['Ask the history for the page above'],
    edits: [
      {
        file: handlers,
        replace: '({ history }) => history.page({ after: request.after })',
        by: '({ history }) => history.page({})',
      },
    ],
  },
  {
    name: 'a-page-of-ones-own',
    step: '13.5',
    says: ['what pageOf(room) returns'],
    edits: [
      {
        file: handlers,
        replace: '...pageOf(room) })',
        by: '...room.history.page({ after: request.after }) })',
      },
    ],
  },
  {
    name: 'the-joiner-is-not-in-the-list',
    step: '13.5',
    says: ['She is a member, so she is in the list'],
    edits: [
      {
        file: handlers,
        replace: 'last, first, members: room.names }',
        by: 'last, first, members: room.names.filter((name) => name !== session.name) }',
      },
    ],
  },
  {
    name: 'joined-although-refused',
    step: '13.5',
    says: ['session.refuse(request, room)'],
    edits: [
      {
        file: handlers,
        replace: "  if ('code' in room) return session.refuse(request, room)\n  const { last",
        by: "  if ('code' in room) return\n  const { last",
      },
    ],
  },
  {
    name: 'the-first-of-the-page',
    step: '13.5',
    says: ['those of the history'],
    edits: [
      {
        file: 'handlers.ts',
        hole: 'join',
        by: `    const room = session.chat.hub.join(session, request.room)
    if ('code' in room) return session.refuse(request, room)
    const page = pageOf(room)
    const first = page.messages[0]?.number ?? room.history.last + 1
    session.answer(request, { type: 'joined', room: room.name, last: room.history.last, first, members: room.names, ...page })`,
      },
    ],
  },
  {
    name: 'a-refusal-ends-all-memberships',
    step: '13.5',
    says: ['still in her other room'],
    edits: [
      {
        file: 'handlers.ts',
        replace: `if ('code' in room) return session.refuse(request, room)
  const { last, first }`,
        by: `if ('code' in room) { session.chat.hub.leaveAll(session); return session.refuse(request, room) }
  const { last, first }`,
      },
    ],
  },
  {
    name: 'a-comma-is-no-byte',
    step: '13.5',
    says: ['one more than this page may have'],
    edits: [
      {
        file: 'recent-messages.ts',
        replace: 'bytes += this.#sizes[message.number - this.first]',
        by: 'bytes += this.#sizes[message.number - this.first] - 1',
      },
    ],
  },
  {
    name: 'each-connection-is-in-the-list',
    step: '13.5',
    says: ['once'],
    edits: [
      {
        file: 'handlers.ts',
        replace: 'first, members: room.names }',
        by: 'first, members: [...room.members].map((m) => m.name) }',
      },
    ],
  },
  {
    name: 'a-page-with-a-gap',
    step: '13.5',
    says: ['stop at the first message that does not fit'],
    edits: [
      {
        file: recent,
        replace: `      bytes += this.#sizes[message.number - this.first]
${FULL}`,
        by: `      const size = this.#sizes[message.number - this.first]
      if (messages.length === limit) break
      if (messages.length > 0 && bytes + size > this.#limits.maxPageBytes) continue
      bytes += size`,
      },
    ],
  },
  {
    name: 'the-list-of-the-history-itself',
    step: '13.5',
    says: ['A page stays as it is'],
    edits: [
      {
        file: recent,
        replace: '    const asked = this',
        by: `    const isAll = before > this.last && (after ?? 0) < this.first && limit >= this.#messages.length
    if (isAll && this.#bytes <= this.#limits.maxPageBytes) {
      return { messages: this.#messages, more: false }
    }
    const asked = this`,
      },
    ],
  },
  {
    name: 'the-oldest-for-who-comes-first',
    step: '13.5',
    says: ['Pass request.after on as it is'],
    edits: [
      {
        file: handlers,
        replace: 'page({ after: request.after })',
        by: 'page({ after: request.after ?? 0 })',
      },
    ],
  },
  {
    name: 'zero-is-no-cursor',
    step: '13.5',
    says: ['Pass request.after on as it is'],
    edits: [
      {
        file: handlers,
        replace: 'page({ after: request.after })',
        by: 'page({ after: request.after || undefined })',
      },
    ],
  },
  {
    name: 'the-page-is-taken-twice',
    step: '13.5',
    says: ['call pageOf(room) once'],
    edits: [
      {
        file: handlers,
        replace: '...pageOf(room) }',
        by: 'messages: pageOf(room).messages, more: pageOf(room).more }',
      },
    ],
  },

  {
    name: 'leaves-without-a-word',
    step: '13.6',
    says: ['however it leaves'],
    edits: [
      {
        file: hub,
        replace: '    for (const room of this.#roomsBy(member)) this.leave(member, room.name)\n',
        by: '    for (const room of this.#roomsBy(member)) room.members.delete(member)\n',
      },
    ],
  },
  {
    name: 'leaves-one-room-only',
    step: '13.6',
    says: ['gone'],
    edits: [
      {
        file: hub,
        hole: 'leaveAll',
        by: `    const [room] = this.#roomsBy(member)
    if (room) this.leave(member, room.name)`,
      },
    ],
  },
  {
    name: 'dropped-again-and-again',
    step: '13.6',
    says: ['Only the first call counts'],
    edits: [
      {
        file: session,
        replace: DROP,
        by: `    this.#isOver = true
    this.chat.hub.leaveAll(this)
    this.person?.left(this)`,
      },
    ],
  },
  {
    name: 'the-name-is-taken-for-ever',
    step: '13.6',
    says: ['The name is free at once'],
    edits: [{ file: session, replace: '    this.person?.left(this)\n', by: '' }],
  },
  {
    name: 'a-ghost-goes-on-asking',
    step: '13.6',
    says: ['note that the session is over'],
    edits: [
      {
        file: session,
        replace: DROP,
        by: `    if (this.#isOver) return
    this.chat.hub.leaveAll(this)
    this.person?.left(this)
    this.person = undefined`,
      },
    ],
  },
  {
    name: 'looks-before-it-waits',
    step: '13.6',
    says: ['#carryOut() has to check whether the session is over: drop()'],
    edits: [
      {
        file: session,
        replace: '    if (!isSay) await this.newestSay\n    if (this.#isOver) return\n',
        by: '    if (this.#isOver) return\n    if (!isSay) await this.newestSay\n',
      },
    ],
  },
  {
    name: 'a-ghost-joins-behind-its-end',
    step: '13.6',
    says: ['nobody would ever leave it for him'],
    edits: [
      {
        file: session,
        replace: '    if (this.#isOver) return\n    if (parsed.kind',
        by: '    if (parsed.kind',
      },
    ],
  },
  {
    name: 'over-when-all-is-done',
    step: '13.6',
    says: ['note that the session is over before anything else'],
    edits: [
      {
        file: 'chat-session.ts',
        hole: 'drop',
        by: `    if (this.#isOver) return
    this.chat.hub.leaveAll(this)
    this.person?.left(this)
    this.#isOver = true`,
      },
    ],
  },
  {
    name: 'the-name-is-free-a-turn-later',
    step: '13.6',
    says: ['Nothing in it may be deferred'],
    edits: [
      {
        file: 'chat-session.ts',
        hole: 'drop',
        by: `    if (this.#isOver) return
    this.#isOver = true
    this.chat.hub.leaveAll(this)
    queueMicrotask(() => this.person?.left(this))`,
      },
    ],
  },
  {
    name: 'leaves-all-rooms-there-are',
    step: '13.6',
    says: ['#roomsBy(member) returns the rooms'],
    edits: [
      {
        file: hub,
        hole: 'leaveAll',
        by: '    for (const room of this.#rooms.values()) this.leave(member, room.name)',
      },
    ],
  },
  {
    name: 'asks-every-room-for-the-member',
    step: '13.6',
    says: ['#roomsBy(member) returns the rooms'],
    edits: [
      {
        file: hub,
        hole: 'leaveAll',
        by: `    this.#rooms.forEach((room) => {
      if (this.#roomsBy(member).has(room)) this.leave(member, room.name)
    })`,
      },
    ],
  },
  {
    name: 'nobody-is-no-session',
    step: '13.6',
    says: ['even if nobody was welcomed'],
    edits: [
      {
        file: session,
        replace: DROP,
        by: DROP.replace('if (this.#isOver) return', 'if (this.#isOver || !this.person) return'),
      },
    ],
  },
  {
    name: 'left-but-still-counted',
    step: '13.6',
    says: ['each room out of the member’s rooms'],
    edits: [
      {
        file: hub,
        hole: 'leaveAll',
        by: `    for (const room of this.#roomsBy(member)) {
      if (!room.members.has(member)) continue
      room.exit(member)
      if (room.members.size === 0) this.#close(room)
    }`,
      },
    ],
  },
  {
    name: 'refused-behind-its-end',
    step: '13.6',
    says: ['before it refuses anything'],
    edits: [
      {
        file: session,
        replace: `    if (this.#isOver) return
    if (parsed.kind === 'refused') return this.refuse(parsed, parsed.refusal)`,
        by: `    if (parsed.kind === 'refused') return this.refuse(parsed, parsed.refusal)
    if (this.#isOver) return`,
      },
    ],
  },
  {
    name: 'nameless-when-it-leaves',
    step: '13.6',
    says: ['he must still have it when he leaves them'],
    edits: [
      {
        file: session,
        replace: DROP,
        by: `    if (this.#isOver) return
    this.#isOver = true
    const { person } = this
    this.person = undefined
    this.chat.hub.leaveAll(this)
    person?.left(this)`,
      },
    ],
  },
  {
    name: 'swallows-what-the-journal-throws',
    step: '13.3',
    says: ['a bug is thrown'],
    edits: [
      {
        file: 'hub.ts',
        replace: '    this.#journal.append(draft)\n',
        by: '    try {\n      this.#journal.append(draft)\n    } catch {}\n',
      },
    ],
  },
  {
    name: 'lower-case-before-the-rules',
    step: '13.1',
    says: ['as it was sent', '"\\u212aelvin"'],
    edits: [
      {
        file: protocol,
        replace: '  for (const [field, rule] of',
        by: `  if (typeof value.room === 'string') value.room = value.room.toLowerCase()
  for (const [field, rule] of`,
      },
    ],
  },
  {
    name: 'letters-that-look-alike',
    step: '13.1',
    says: ['as it was sent', 'U+212A'],
    edits: [
      {
        file: protocol,
        replace: '  for (const [field, rule] of',
        by: `  if (typeof value.room === 'string') value.room = value.room.normalize('NFKC')
  for (const [field, rule] of`,
      },
    ],
  },
  {
    name: 'lower-case-in-turkish',
    step: '13.1',
    says: ['room.toLowerCase()'],
    edits: [
      {
        file: protocol,
        replace: 'value.room = value.room.toLowerCase()',
        by: "value.room = value.room.toLocaleLowerCase('tr')",
      },
    ],
  },
  {
    name: 'announced-inside-each-other',
    step: '13.2',
    says: ['one announcement after the other'],
    edits: [
      {
        file: room,
        replace: "    if (this.#count(member, -1) === 0) this.#announce(member, 'gone')",
        by: `    if (this.#count(member, -1) > 0) return
    this.tell(new Outgoing({ type: 'member', room: this.name, name: member.name, is: 'gone' }))`,
      },
    ],
  },
  {
    name: 'said-by-name-not-by-connection',
    step: '13.3',
    says: ['her phone has not joined', 'only if this connection is in it'],
    edits: [
      {
        file: hub,
        replace: 'if (!this.roomOf(member, draft.room)) return',
        by: 'if (!this.#rooms.get(draft.room)?.names.includes(member.name)) return',
      },
    ],
  },
  {
    name: 'told-with-the-name-in-lower-case',
    step: '13.3',
    says: ['exactly as they are in the draft'],
    edits: [
      {
        file: hub,
        replace: 'room, ...message }))',
        by: 'room, ...message, name: message.name.toLowerCase() }))',
      },
    ],
  },
  {
    name: 'kept-with-the-name-in-lower-case',
    step: '13.3',
    says: ['exactly as they are in the draft'],
    edits: [
      {
        file: journal,
        replace: 'number: history.last + 1, name, text',
        by: 'number: history.last + 1, name: name.toLowerCase(), text',
      },
    ],
  },
  {
    name: 'the-text-is-normalized',
    step: '13.3',
    says: ['neither trimmed nor normalized'],
    edits: [
      {
        file: journal,
        replace: 'number: history.last + 1, name, text',
        by: 'number: history.last + 1, name, text: text.normalize()',
      },
    ],
  },
  {
    name: 'one-room-for-the-whole-group',
    step: '13.3',
    says: ['look up the room of each draft'],
    edits: [
      {
        file: hub,
        hole: '#tell',
        by: `    const name = kept[0].draft.room
    const room = this.#rooms.get(name)
    for (const { draft, message } of kept) {
      draft.onKept(message)
      if (message) room?.tell(new Outgoing({ type: 'message', room: name, ...message }))
    }`,
      },
    ],
  },
  {
    name: 'a-bug-waits-to-be-reported',
    step: '13.4',
    says: ['as soon as the handler has thrown'],
    edits: [
      {
        file: session,
        replace: CAUGHT,
        by: `      await this.newestSay
      this.chat.onBug(error)
      this.refuse(request, INTERNAL)`,
      },
    ],
  },
  {
    name: 'only-an-error-is-a-bug',
    step: '13.4',
    says: ['an Error or not'],
    edits: [
      {
        file: session,
        replace: CAUGHT,
        by: CAUGHT.replace('this.chat', 'if (error instanceof Error) this.chat'),
      },
    ],
  },
  {
    name: 'waits-for-the-newest-say-of-its-arrival',
    step: '13.4',
    says: ['it may be an older one'],
    edits: [
      {
        file: session,
        replace: 'else this.#post(() => this.#carryOut(parsed))',
        by: 'else {\n      const { newestSay } = this\n      this.#post(() => this.#carryOut(parsed, newestSay))\n    }',
      },
      {
        file: session,
        replace: 'async #carryOut(parsed: Parsed): Promise<void> {',
        by: 'async #carryOut(parsed: Parsed, newestSay: Promise<void> | undefined): Promise<void> {',
      },
      {
        file: session,
        replace: WAIT,
        by: '    if (!isSay) await newestSay\n',
      },
    ],
  },
  {
    name: 'the-client-says-what-is-last',
    step: '13.5',
    says: ['whatever `after` is'],
    edits: [
      {
        file: handlers,
        replace: 'room: room.name, last, first, members',
        by: 'room: room.name, last: Math.max(last, request.after ?? 0), first, members',
      },
    ],
  },
  {
    name: 'nothing-above-what-is-forgotten',
    step: '13.5',
    says: ['may lie below the oldest'],
    edits: [
      {
        file: recent,
        replace: '    if (after === undefined) asked.reverse()\n',
        by: `    if (after !== undefined && after < this.first - 1) return { messages: [], more: true }
    if (after === undefined) asked.reverse()
`,
      },
    ],
  },
  {
    name: 'a-ghost-has-no-bugs',
    step: '13.6',
    says: ['whether the session is over or not'],
    edits: [
      {
        file: session,
        replace: CAUGHT,
        by: `      if (this.#isOver) return\n${CAUGHT}`,
      },
    ],
  },
  {
    name: 'drop-ends-the-connection',
    step: '13.6',
    says: ['leaves the connection alone'],
    edits: [
      {
        file: session,
        replace: DROP,
        by: `${DROP}\n    this.#peer.close('lost')`,
      },
    ],
  },
  {
    name: 'one-of-each-name-is-lost',
    step: '13.2',
    says: ['the second one of a name'],
    edits: [
      {
        file: room,
        hole: 'tell',
        by: `    const lost = new Map<string, Member>()
    for (const member of this.members) {
      if (member !== except && !member.send(message)) lost.set(member.name, member)
    }
    for (const member of lost.values()) member.drop()`,
      },
    ],
  },
  {
    name: 'the-first-of-each-name-is-lost',
    step: '13.2',
    says: ['the second one of a name'],
    edits: [
      {
        file: room,
        replace: 'lost.push(member)',
        by: `{
        if (!lost.some(({ name }) => name === member.name)) lost.push(member)
      }`,
      },
    ],
  },
  {
    name: 'a-say-needs-no-welcome',
    step: '13.4',
    says: ['like any other request'],
    edits: [
      {
        file: session,
        replace: 'if (!this.person && !beforeWelcome',
        by: 'if (!isSay && !this.person && !beforeWelcome',
      },
    ],
  },
  {
    name: 'a-say-is-not-awaited',
    step: '13.4',
    says: ['ada was told something else', 'even if both are a `say`'],
    edits: [
      {
        file: session,
        replace: `    try {
${CALL}    } catch (error) {
${CAUGHT}
    }`,
        by: `    const fail = async (error: unknown) => {
${CAUGHT}
    }
    try {
      const done = handlers[request.type](this, request as never)
      if (isSay) void done?.catch(fail)
      else await done
    } catch (error) {
      await fail(error)
    }`,
      },
    ],
  },
  {
    name: 'trims-before-it-parses',
    step: '13.1',
    says: ['U+00A0', 'trim() takes away more than JSON allows'],
    edits: [
      { file: protocol, replace: 'parseObject(message)\n', by: 'parseObject(message.trim())\n' },
    ],
  },
  {
    name: 'only-code-and-text-of-a-refusal',
    step: '13.1',
    says: ['seconds: 9', 'all its other fields'],
    edits: [
      {
        file: protocol,
        replace: RULES,
        by: `    const refusal = rule(value[field], field)
    if (refusal) {
      const { code, text } = refusal
      return { kind: 'refused', id: id as number, refusal: { code, text } }
    }`,
      },
    ],
  },
  {
    name: 'empties-the-list-of-the-journal',
    step: '13.3',
    says: ['the length of the list', 'shift() and splice()'],
    edits: [
      {
        file: hub,
        replace: '    for (const { draft, message } of kept) {',
        by: `    const list = kept as Kept[]
    for (let next = list.shift(); next; next = list.shift()) {
      const { draft, message } = next`,
      },
    ],
  },
]
