import type { RightAnswer } from './right-answer.ts'

const protocol = 'protocol.ts'
const hub = 'hub.ts'
const room = 'room.ts'
const journal = 'journal.ts'
const session = 'chat-session.ts'
const handlers = 'handlers.ts'
const recent = 'recent-messages.ts'

export const rightAnswers: RightAnswer[] = [
  {
    name: 'lists-instead-of-loops',
    style: 'map, filter and find instead of loops with an early end.',
    edits: [
      {
        file: protocol,
        hole: 'parseRequest',
        by: `  const value = parseObject(message)
  const id = Number.isSafeInteger(value?.id) ? (value!.id as number) : undefined
  if (!value || id === undefined || id < 1 || typeof value.type !== 'string') {
    return malformed('A request has an id from 1 on and a type.', id)
  }
  const fields = new Map(Object.entries(requests)).get(value.type)
  if (!fields) return { kind: 'refused', id, refusal: { code: 'unknown-type', text: 'What?' } }
  const refusal = Object.entries(fields)
    .map(([field, rule]) => rule(value[field], field))
    .find((each) => each !== undefined)
  if (refusal) return { kind: 'refused', id, refusal }
  const { room } = value
  const lower = typeof room === 'string' ? { room: room.toLowerCase() } : {}
  return { kind: 'request', request: { ...value, ...lower } as unknown as Request }`,
      },
      {
        file: room,
        hole: 'tell',
        by: `    const others = [...this.members].filter((member) => member !== except)
    const lost = others.filter((member) => !member.send(message))
    lost.forEach((member) => {
      member.drop()
    })`,
      },
      {
        file: hub,
        hole: '#tell',
        by: `    kept.forEach(({ draft, message }) => {
      draft.onKept(message)
      const room = this.#rooms.get(draft.room)
      if (message) room?.tell(new Outgoing({ ...message, room: draft.room, type: 'message' }))
    })`,
      },
      {
        file: recent,
        hole: 'page',
        by: `    const asked = this.#messages.filter(({ number }) => number < before && number > (after ?? 0))
    const isUpwards = after !== undefined
    const sizes = asked.map(({ number }) => this.#sizes[number - this.first])
    const total = (list: number[]) => list.reduce((sum, size) => sum + size, 0)
    const fits = (count: number) =>
      total(isUpwards ? sizes.slice(0, count) : sizes.slice(-count)) <= this.#limits.maxPageBytes
    let count = Math.min(limit, asked.length)
    while (count > 1 && !fits(count)) count -= 1
    const messages = isUpwards ? asked.slice(0, count) : asked.slice(asked.length - count)
    return { messages, more: count < asked.length }`,
      },
    ],
  },
  {
    name: 'promises-in-chains',
    style:
      'then() and catch() instead of await, and what is left to do decided when it is its turn.',
    edits: [
      {
        file: session,
        hole: 'receive',
        by: `    const parsed = parseRequest(message, this.chat.requests)
    if (parsed.kind === 'request' && parsed.request.type === 'ping') {
      this.answer(parsed.request, { type: 'pong' })
      return
    }
    void this.#post(() => Promise.resolve().then(() => this.#carryOut(parsed)))`,
      },
      {
        file: session,
        hole: '#carryOut',
        by: `    const isSay = parsed.kind === 'request' && parsed.request.type === 'say'
    const before = isSay ? Promise.resolve() : Promise.resolve(this.newestSay)
    return before.then(() => {
      if (this.isOver) return
      if (parsed.kind === 'refused') return this.refuse({ id: parsed.id }, parsed.refusal)
      const { request } = parsed
      const isWelcome = this.person !== undefined || this.chat.beforeWelcome.has(request.type)
      if (!isWelcome) return this.refuse(request, NOT_WELCOME)
      const handle = this.chat.handlers[request.type]
      return Promise.resolve()
        .then(() => handle(this, request as never))
        .catch(async (error) => {
          this.chat.onBug(error)
          await this.newestSay
          this.refuse(request, INTERNAL)
        })
    })`,
      },
      {
        file: handlers,
        hole: 'join',
        by: `  const { hub } = session.chat
  const room = hub.join(session, request.room)
  if (!('history' in room)) return session.refuse(request, room)
  const page = pageOf(room)
  session.answer(request, {
    type: 'joined',
    messages: page.messages,
    more: page.more,
    members: room.names,
    first: room.history.first,
    last: room.history.last,
    room: request.room,
  })`,
      },
    ],
  },
  {
    name: 'everything-in-another-order',
    style:
      'Steps of one turn that nobody can see between, the other way round; copies where a set changes.',
    edits: [
      {
        file: hub,
        hole: 'join',
        by: `    const present = this.roomOf(member, name)
    if (present) return present
    const refusal = this.#whyNot(member, this.#rooms.get(name))
    if (refusal) return refusal
    const room = this.#rooms.get(name) ?? this.#open(name)
    const rooms = this.#roomsBy(member)
    rooms.add(room)
    this.#roomsOf.set(member, rooms)
    room.enter(member)
    return room`,
      },
      {
        file: hub,
        hole: 'leave',
        by: `    const room = this.#rooms.get(name)
    if (!room || !room.members.has(member)) return notAMember(name)
    room.exit(member)
    this.#roomsBy(member).delete(room)
    if (room.members.size < 1) this.#close(room)`,
      },
      {
        file: room,
        hole: 'enter',
        by: `    const connections = this.#count(member, 1)
    this.members.add(member)
    if (connections === 1) this.#announce(member, 'here')`,
      },
      {
        file: room,
        hole: 'exit',
        by: `    const connections = this.#count(member, -1)
    this.members.delete(member)
    if (connections === 0) this.#announce(member, 'gone')`,
      },
      {
        file: journal,
        hole: 'append',
        by: `    const history = this.#rooms.get(draft.room)
    if (!history) return this.onKept([{ draft, message: undefined }])
    const message: Message = {
      at: this.#clock.now(),
      text: draft.text,
      name: draft.name,
      number: history.last + 1,
    }
    history.add(message)
    this.onKept([{ draft, message }])`,
      },
      {
        file: hub,
        hole: 'leaveAll',
        by: `    const rooms = [...this.#roomsBy(member)].reverse()
    rooms.forEach(({ name }) => this.leave(member, name))`,
      },
      {
        file: session,
        hole: 'drop',
        by: `    const wasOver = this.#isOver
    this.#isOver = true
    if (wasOver) return
    this.person?.left(this)
    this.chat.hub.leaveAll(this)`,
      },
    ],
  },
  {
    name: 'only-what-has-a-rule',
    style: 'A request of the fields that have rules, and nothing else.',
    edits: [
      {
        file: protocol,
        replace:
          "  if (typeof value.room === 'string') value.room = value.room.toLowerCase()\n  return { kind: 'request', request: value as unknown as Request }",
        by: `  const request: Record<string, unknown> = { id, type }
  for (const field of Object.keys(requests[type])) request[field] = value[field]
  if (request.room) request.room = (request.room as string).toLowerCase()
  return { kind: 'request', request: request as unknown as Request }`,
      },
    ],
  },
  {
    name: 'a-turn-before-each-request',
    style: 'Each request lets the loop have a turn before it is carried out.',
    edits: [
      {
        file: session,
        replace: '    if (!isSay) await this.newestSay\n',
        by: `    await new Promise((turn) => setImmediate(turn))
    if (!isSay) await this.newestSay
`,
      },
    ],
  },
]
