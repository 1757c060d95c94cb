import type { RightAnswer } from './right-answer.ts'

const groups = 'groups.ts'
const segments = 'segments.ts'
const log = 'log.ts'
const recovery = 'recovery.ts'
const journal = 'log-journal.ts'

export const rightAnswers: RightAnswer[] = [
  {
    name: 'one-buffer-and-a-data-view',
    style: 'The group is laid out in a buffer of its final size, and read through a DataView.',
    edits: [
      {
        file: groups,
        replace: `  const payload = records.flatMap((record) => [uint32(record.length), record])
  const group = Buffer.concat([Buffer.alloc(GROUP_HEADER_BYTES), ...payload])
  group.set(MAGIC)
  group.writeUInt32BE(group.length - GROUP_HEADER_BYTES, 4)
  group.writeUInt32BE(checksum(group), 8)
  return group`,
        by: `  void uint32
  const bytes = records.reduce((sum, record) => sum + 4 + record.length, 0)
  const group = Buffer.alloc(GROUP_HEADER_BYTES + bytes)
  const view = new DataView(group.buffer, group.byteOffset, group.length)
  group.set(MAGIC)
  view.setUint32(4, bytes)
  let at = GROUP_HEADER_BYTES
  for (const record of records) {
    view.setUint32(at, record.length)
    group.set(record, at + 4)
    at += 4 + record.length
  }
  view.setUint32(8, checksum(group))
  return group`,
      },
      {
        file: groups,
        replace: 'crc32(group.subarray(GROUP_HEADER_BYTES), crc32(group.subarray(0, 8)))',
        by: 'crc32(Buffer.concat([group.subarray(0, 8), group.subarray(GROUP_HEADER_BYTES)]))',
      },
    ],
  },
  {
    name: 'looks-for-the-magic-first',
    style: 'The kinds are told apart in another order, byte by byte.',
    edits: [
      {
        file: groups,
        replace: `  const rest = bytes.subarray(at)
  if (isZeros(rest)) return { kind: 'zeros' }
  const magic = rest.subarray(0, MAGIC.length)
  if (!magic.equals(MAGIC.subarray(0, magic.length))) return { kind: 'damaged' }
  if (rest.length < GROUP_HEADER_BYTES) return { kind: 'cut' }
`,
        by: `  const rest = bytes.subarray(at)
  for (let index = 0; index < Math.min(rest.length, MAGIC.length); index++) {
    if (rest[index] !== MAGIC[index]) return { kind: isZeros(rest) ? 'zeros' : 'damaged' }
  }
  if (rest.length < GROUP_HEADER_BYTES) return { kind: 'cut' }
`,
      },
    ],
  },
  {
    name: 'gathers-for-a-turn',
    style:
      'The saving begins at the end of the turn, so that all that is appended in it is one group.',
    edits: [
      {
        file: log,
        replace: '    while (this.#waiting.length > 0) {\n',
        by: '    await new Promise(setImmediate)\n    while (this.#waiting.length > 0) {\n',
      },
    ],
  },
  {
    name: 'a-chain-instead-of-a-loop',
    style: 'Each group begins the next one from a callback; a flag says whether one is on its way.',
    edits: [
      {
        file: log,
        replace: '    this.#saving ??= this.#saveWaiting()\n',
        by: '    if (!this.#saving) this.#saving = this.#saveWaiting()\n',
      },
      {
        file: log,
        replace: `    while (this.#waiting.length > 0) {
      const group = this.#takeGroup()
      let saved: Saved[]
      try {
        saved = await this.#saveGroup(group.map(({ record }) => record))
      } catch (error) {
        return this.#fail(error as Error, group)
      }
      this.#keeper.onSynced(saved)
      for (const { resolve } of group) resolve()
    }
    this.#saving = undefined`,
        by: `    const group = this.#takeGroup()
    return this.#saveGroup(group.map(({ record }) => record)).then(
      (saved) => {
        this.#keeper.onSynced(saved)
        for (const { resolve } of group) resolve()
        if (this.#waiting.length > 0) return this.#saveWaiting()
        this.#saving = undefined
      },
      (error: Error) => this.#fail(error, group),
    )`,
      },
    ],
  },
  {
    name: 'append-is-async',
    style: 'append() is an async function, and throws for a log that has failed.',
    edits: [
      {
        file: log,
        replace:
          '  append(record: Uint8Array): Promise<void> {\n    if (this.#failure) return Promise.reject(new NotSaved(this.#failure.message))\n',
        by: '  async append(record: Uint8Array): Promise<void> {\n    if (this.#failure) throw new NotSaved(`the log has failed: ${this.#failure.message}`)\n',
      },
      {
        file: log,
        replace: `    const lost = [...group, ...this.#waiting.splice(0)]
    for (const { reject } of lost) reject(new NotSaved(error.message))
`,
        by: `    const lost = group.concat(this.#waiting.splice(0))
    for (let waiting = lost.shift(); waiting; waiting = lost.shift()) {
      waiting.reject(new NotSaved('the disk has failed', { cause: error }))
    }`,
      },
    ],
  },
  {
    name: 'cuts-the-bytes-that-are-left',
    style: 'What is left of a short write is a buffer that gets smaller.',
    edits: [
      {
        file: segments,
        replace: `  for (let done = 0; done < bytes.length; ) {
    const taken = await file.write(bytes.subarray(done), position + done)
    if (taken === 0) throw new Error('the file takes no more bytes')
    done += taken
  }
  await file.sync()`,
        by: `  let left = bytes
  while (left.length > 0) {
    const end = position + bytes.length
    const taken = await file.write(left, end - left.length)
    if (!(taken > 0)) throw new RangeError('no progress')
    left = left.subarray(taken)
  }
  return file.sync()`,
      },
    ],
  },
  {
    name: 'tries-every-byte',
    style:
      'A group behind the bad one is looked for at every byte; decodeGroup() says whether one is there.',
    edits: [
      {
        file: recovery,
        replace: `  let next = bytes.indexOf(MAGIC, at + 1)
  while (next >= 0 && decodeGroup(bytes, next).kind !== 'group') {
    next = bytes.indexOf(MAGIC, next + 1)
  }
  return next >= 0`,
        by: `  for (let next = at + 1; next < bytes.length; next++) {
    if (bytes[next] === MAGIC[0] && decodeGroup(bytes, next).kind === 'group') return true
  }
  return false`,
      },
      {
        file: recovery,
        replace: `  await file.truncate(size)
  await file.sync()
  await folder.sync()
`,
        by: `  await folder.sync()
  if (size < bytes.length) await file.truncate(size)
  await file.sync()
`,
      },
    ],
  },
  {
    name: 'syncs-file-and-folder-at-once',
    style:
      'Two syncs that do not depend on each other may overlap, if both have ended before anybody is told.',
    edits: [
      {
        file: recovery,
        replace: '  await file.sync()\n  await folder.sync()\n',
        by: '  await Promise.all([file.sync(), folder.sync()])\n',
      },
      {
        file: segments,
        replace: '  await save(file, group, 0)\n  await folder.rename',
        by: '  await save(file, group, 0)\n  await folder.sync()\n  await folder.rename',
      },
    ],
  },
  {
    name: 'counts-the-bytes-of-the-segments',
    style:
      'How many segments have to go is found before the first one does, and each is closed when it is gone, or could not be removed.',
    edits: [
      {
        file: log,
        replace: `    while (this.#segments.length > 1 && this.#totalBytes > this.#limits.maxTotalBytes) {
      const oldest = this.#segments.shift()!
      this.#keeper.onRetired(this.#segments[0].number)
      await oldest.file.close()
      await this.#folder.remove(nameOf(oldest.number))
      await this.#folder.sync()
    }`,
        by: `    let tooMuch = this.#totalBytes - this.#limits.maxTotalBytes
    const old = this.#segments.slice(0, -1).filter(({ size }) => {
      const goes = tooMuch > 0
      tooMuch -= size
      return goes
    })
    for (const { number, file } of old) {
      this.#segments.shift()
      this.#keeper.onRetired(number + 1)
      try {
        await this.#folder.remove(nameOf(number))
        await this.#folder.sync()
      } finally {
        await file.close()
      }
    }`,
      },
    ],
  },
  {
    name: 'a-loop-for-the-kept',
    style:
      'Drafts are taken off one by one, and a page is read from one message before to one behind.',
    edits: [
      {
        file: journal,
        replace: `    const drafts = this.#drafts.splice(0, saved.length)
    const kept = saved.map((entry, index) => {
      this.#index.add(entry, entry.segment)
      const { room, message } = decodeMessage(entry.record)
      this.#loaded.get(room)?.add(message)
      return { draft: drafts[index], message }
    })
    this.onKept(kept)`,
        by: `    const kept: Kept[] = []
    for (const { record, at, segment } of saved) {
      const { room, message } = decodeMessage(record)
      const draft = this.#drafts.shift()!
      this.#loaded.get(room)?.add(message)
      this.#index.add({ record, at }, segment)
      kept.push({ draft, message: { ...message } })
    }
    this.onKept(kept)`,
      },
      {
        file: journal,
        replace: `    const { before = Number.POSITIVE_INFINITY, after, limit = MAX_PAGE_MESSAGES } = query
    const end = Math.min(before - 1, last)
    const from = Math.max(first, after === undefined ? end - limit : after + 1)
    const to = Math.min(end, from + limit)
`,
        by: `    const { before = Number.POSITIVE_INFINITY, after, limit = MAX_PAGE_MESSAGES } = query
    let from = first
    let to = last
    if (after === undefined) {
      to = Math.min(to, before - 1)
      from = Math.max(from, to - limit - 1)
    } else {
      from = Math.max(from, after + 1)
      to = Math.min(to, from + limit + 1)
    }
`,
      },
    ],
  },
  {
    name: 'stays-in-the-list-until-it-is-gone',
    style:
      'A segment is taken off the list when its file is removed, so that close() knows it until then.',
    edits: [
      {
        file: log,
        replace: `      const oldest = this.#segments.shift()!
      this.#keeper.onRetired(this.#segments[0].number)
      await oldest.file.close()
      await this.#folder.remove(nameOf(oldest.number))
      await this.#folder.sync()
`,
        by: `      const [oldest, next] = this.#segments
      this.#keeper.onRetired(next.number)
      await this.#folder.remove(nameOf(oldest.number))
      await this.#folder.sync()
      await oldest.file.close()
      this.#segments.shift()
`,
      },
    ],
  },
  {
    name: 'writes-a-page-at-a-time',
    style: 'A group is written in pieces of 4 KiB, then synced once.',
    edits: [
      {
        file: segments,
        replace: 'file.write(bytes.subarray(done), position + done)',
        by: 'file.write(bytes.subarray(done, done + 4096), position + done)',
      },
    ],
  },
]
