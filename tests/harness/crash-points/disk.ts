/**
 * A disk in memory that knows the difference between what was written and what would survive.
 *
 * Its state is a value, so that a crash can be tried at any moment of the past. Everything that is done to it, and
 * everything that a program promises meanwhile, is an event of one trace.
 */

/** A file: what the system shows, and what the disk is sure to have. */
export interface FileState {
  current: Buffer
  durable: Buffer
  /** The write that came last, while it has not been synced. */
  lastWrite?: { position: number; length: number }
}

/** A change of the folder that was not synced. */
export type NameChange =
  | { kind: 'create'; name: string; file: number }
  | { kind: 'rename'; from: string; to: string }
  | { kind: 'remove'; name: string }

export interface DiskState {
  files: readonly FileState[]
  /** Names that would survive, and the index of the file that each stands for. */
  durableNames: ReadonlyMap<string, number>
  pending: readonly NameChange[]
}

export interface TraceEvent {
  /** `'log'` for what is done to the disk, `'test'` for what the program has promised. */
  who: string
  text: string
  /** The disk after it. */
  state: DiskState
}

export const EMPTY_DISK: DiskState = { files: [], durableNames: new Map(), pending: [] }

/** So many turns of the microtask queue an operation takes: a sync is slow, as everywhere. */
const TURNS = { quick: 1, sync: 4, quiet: 12 }

/**
 * What was begun and has not ended. Code that waits for each thing before the next one finds them in order. Otherwise what
 * was begun first ends last, when nothing has been begun for a while: that is what code finds that does not wait.
 */
class UnderWay {
  #begun = 0

  /** Resolves when the thing that begins now has ended. */
  async pass(count: number): Promise<void> {
    this.#begun += 1
    const number = this.#begun
    await turns(count)
    for (let seen = number; seen !== this.#begun; ) {
      seen = this.#begun
      await turns(TURNS.quiet)
    }
  }
}

export class SimulatedDisk {
  state: DiskState
  readonly trace: TraceEvent[] = []
  readonly underWay = new UnderWay()
  onEvent: (() => void) | undefined
  /** Files that were opened and not closed. */
  openFiles = 0
  /** How often a file was read. */
  reads = 0

  constructor(state: DiskState) {
    this.state = state
  }

  /** The names that are there, and what is under one of them. */
  list(): string[] {
    return [...namesOf(this.state).keys()]
  }

  bytesOf(name: string): Buffer {
    return this.state.files[this.#find(name)].current
  }

  /** Something happened that the trace should tell. */
  tell(who: string, text: string): void {
    this.trace.push({ who, text, state: this.state })
    this.onEvent?.()
  }

  async names(): Promise<string[]> {
    await turns(TURNS.quick)
    return [...namesOf(this.state).keys()]
  }

  async create(name: string): Promise<SimulatedFile> {
    await this.underWay.pass(TURNS.quick)
    const index = namesOf(this.state).get(name)
    if (index !== undefined) {
      this.#setFile(index, {
        ...this.state.files[index],
        current: Buffer.alloc(0),
        lastWrite: undefined,
      })
      this.tell('log', `empties ${name}`)
    } else {
      const file = this.state.files.length
      const nothing = { current: Buffer.alloc(0), durable: Buffer.alloc(0) }
      this.state = { ...this.state, files: [...this.state.files, nothing] }
      this.#change({ kind: 'create', name, file }, `creates ${name}`)
    }
    return new SimulatedFile(this, namesOf(this.state).get(name)!)
  }

  async open(name: string): Promise<SimulatedFile> {
    await turns(TURNS.quick)
    return new SimulatedFile(this, this.#find(name))
  }

  async rename(from: string, to: string): Promise<void> {
    await this.underWay.pass(TURNS.quick)
    this.#find(from)
    this.#change({ kind: 'rename', from, to }, `renames ${from} to ${to}`)
  }

  async remove(name: string): Promise<void> {
    await this.underWay.pass(TURNS.quick)
    this.#find(name)
    this.#change({ kind: 'remove', name }, `removes ${name}`)
  }

  /** What was changed while a sync was on its way may not be part of it. */
  async sync(): Promise<void> {
    const synced = this.state.pending
    await this.underWay.pass(TURNS.sync)
    // A sync that was begun later may have ended, and what it has made safe stays as it is.
    const late = synced.filter((change) => this.state.pending.includes(change))
    const durableNames = applied(this.state.durableNames, late)
    const pending = this.state.pending.filter((change) => !late.includes(change))
    this.state = { ...this.state, durableNames, pending }
    this.tell('log', 'has synced the folder')
  }

  /** Changes a file, as an event of the trace. */
  update(index: number, file: FileState, text: string): void {
    this.#setFile(index, file)
    this.tell('log', `${text} ${this.nameOf(index)}`)
  }

  nameOf(index: number): string {
    for (const [name, file] of namesOf(this.state)) if (file === index) return name
    return 'a file without a name'
  }

  #setFile(index: number, file: FileState): void {
    this.state = { ...this.state, files: this.state.files.with(index, file) }
  }

  #change(change: NameChange, text: string): void {
    this.state = { ...this.state, pending: [...this.state.pending, change] }
    this.tell('log', text)
  }

  #find(name: string): number {
    const index = namesOf(this.state).get(name)
    if (index !== undefined) return index
    throw Object.assign(new Error(`ENOENT: no such file, '${name}'`), { code: 'ENOENT' })
  }
}

class SimulatedFile {
  readonly #disk: SimulatedDisk
  readonly #index: number
  #isClosed = false

  constructor(disk: SimulatedDisk, index: number) {
    this.#disk = disk
    this.#index = index
    disk.openFiles += 1
  }

  get #state(): FileState {
    if (this.#isClosed)
      throw Object.assign(new Error('EBADF: bad file descriptor'), { code: 'EBADF' })
    return this.#disk.state.files[this.#index]
  }

  async size(): Promise<number> {
    await turns(TURNS.quick)
    return this.#state.current.length
  }

  async read(position: number, length: number): Promise<Buffer> {
    this.#disk.reads += 1
    await turns(TURNS.quick)
    return Buffer.from(this.#state.current.subarray(position, position + length))
  }

  async write(bytes: Uint8Array, position: number): Promise<number> {
    await this.#disk.underWay.pass(TURNS.quick)
    const { current } = this.#state
    const longer = Buffer.alloc(Math.max(current.length, position + bytes.length))
    longer.set(current)
    longer.set(bytes, position)
    const lastWrite = { position, length: bytes.length }
    this.#update(
      { ...this.#state, current: longer, lastWrite },
      `writes ${bytes.length} bytes at ${position} of`,
    )
    return bytes.length
  }

  async truncate(size: number): Promise<void> {
    await this.#disk.underWay.pass(TURNS.quick)
    if (size === this.#state.current.length) return
    const shorter = Buffer.alloc(size)
    shorter.set(this.#state.current.subarray(0, size))
    this.#update(
      { ...this.#state, current: shorter, lastWrite: undefined },
      `cuts to ${size} bytes`,
    )
  }

  /** What was written while a sync was on its way may not be part of it. */
  async sync(): Promise<void> {
    const { current: synced, durable: before } = this.#state
    await this.#disk.underWay.pass(TURNS.sync)
    const { current, durable, lastWrite } = this.#state
    // A sync that was begun later has ended, and made more of it safe.
    if (durable !== before) return
    const isAll = current === synced
    this.#update(
      { current, durable: synced, lastWrite: isAll ? undefined : lastWrite },
      'has synced',
    )
  }

  async close(): Promise<void> {
    if (!this.#isClosed) this.#disk.openFiles -= 1
    this.#isClosed = true
  }

  #update(file: FileState, text: string): void {
    this.#disk.update(this.#index, file, text)
  }
}

/** The names that the system shows. */
export function namesOf({ durableNames, pending }: DiskState): Map<string, number> {
  return applied(durableNames, pending)
}

/** Names after some changes. A change may concern a name that was forgotten: then it has no effect. */
export function applied(
  names: ReadonlyMap<string, number>,
  changes: readonly NameChange[],
  all = changes,
): Map<string, number> {
  const after = new Map(names)
  for (const change of changes) {
    if (change.kind === 'create') after.set(change.name, change.file)
    if (change.kind === 'remove') after.delete(change.name)
    if (change.kind === 'rename') {
      const file = after.get(change.from) ?? fileBehind(change.from, names, all)
      after.delete(change.from)
      if (file !== undefined) after.set(change.to, file)
    }
  }
  return after
}

/** The file that a name stood for, although the change that gave it that name may have been forgotten. */
function fileBehind(
  name: string,
  names: ReadonlyMap<string, number>,
  changes: readonly NameChange[],
): number | undefined {
  const created = changes.find((change) => change.kind === 'create' && change.name === name)
  return created?.kind === 'create' ? created.file : names.get(name)
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await undefined
}
